#include "server/shims/prestart_pool.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/loop/listener.h"
#include "core/shim/order.h"
#include "server/shims/fleet_internal.h"
#include "server/shims/start_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

enum {
	FILL_DELAY_MS = 20, /* as of the shim that stands ready */
	/* A directory whose processes are just ending may fill again while it is removed. */
	REMOVE_AGAIN_MS = 500,
};

#define NAME_PREFIX ".ready-"

struct ready {
	TAILQ_ENTRY(ready) link;
	char *path;
	json_t *resolved; /* of one of the targets that it serves */
	struct shim_handle shim;
};

struct prestart_pool {
	struct fleet *fleet;
	const char *own_root;
	struct loop_timer *filling;
	TAILQ_HEAD(, ready) ready; /* the oldest first */
};

static void let_go(struct prestart_pool *pool, struct ready *ready)
{
	TAILQ_REMOVE(&pool->ready, ready, link);
	shim_dismiss(&ready->shim);
	json_decref(ready->resolved);
	free(ready->path);
	free(ready);
}

/* ---- making one ---- */

static int order(const struct prestart_pool *pool, struct ready *ready, struct error *error)
{
	struct config *config = fleet_config(pool->fleet);
	const struct fleet_options *options = fleet_options(pool->fleet);
	if (mkdir(ready->path, 0700) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make %s", ready->path);
	cleanup_close int dirfd = open(ready->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", ready->path);
	const struct start_order start = {
	    .id = strrchr(ready->path, '/') + 1,
	    .boot_id = fleet_boot_id(pool->fleet),
	    .cookie = ready->shim.cookie,
	    .resolved = ready->resolved,
	    .prestart = true,
	    .config = config,
	    .cgroup_base = fleet_cgroup_base(pool->fleet),
	    .working_directory = options->bundled ? NULL : config_directory(config),
	};
	cleanup_free char *text = start_files_make_config(config);
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int result = start_files_write_config(dirfd, text, error);
	if (!result)
		result = start_files_write_spec(dirfd, &start, error);
	if (result < 0)
		return result;
	cleanup_close int listen_fd = listener_open_unix(dirfd, "control.sock", error);
	if (listen_fd < 0)
		return listen_fd;
	const struct shim_order first = {.listen_fd = listen_fd, .state_fd = dirfd, .firmware_fd = -1};
	return shim_order_send(ready->shim.order_fd, &first, error);
}

static int start_one(struct prestart_pool *pool, const json_t *resolved, struct error *error)
{
	struct ready *ready = calloc(1, sizeof(*ready));
	if (!ready)
		return error_set(error, -ENOMEM, NULL, "no memory");
	ready->shim.order_fd = -1;
	ready->resolved = json_incref((json_t *) resolved);
	TAILQ_INSERT_TAIL(&pool->ready, ready, link);
	int result = file_make_directories(pool->own_root, 0700, error);
	if (!result)
		result = shim_spawn(fleet_options(pool->fleet)->shim_program, &ready->shim, error);
	if (!result)
		ready->path = text_format("%s/" NAME_PREFIX "%.12s", pool->own_root, ready->shim.cookie);
	if (!result && !ready->path)
		result = error_set(error, -ENOMEM, NULL, "no memory");
	if (!result)
		result = order(pool, ready, error);
	if (result < 0)
		let_go(pool, ready);
	return result;
}

/* ---- filling ---- */

static void warn(const struct prestart_pool *pool, const struct error *error)
{
	log_event(fleet_options(pool->fleet)->log, LOG_LEVEL_WARNING, "prestart.failed", "detail",
		  error->message, NULL);
}

/* How many serve this target; those that nobody wants any more are let go. */
static json_int_t count_ready(struct prestart_pool *pool, const json_t *resolved, json_int_t most)
{
	const struct config *config = fleet_config(pool->fleet);
	json_int_t count = 0;
	struct ready *ready, *next;
	for (ready = TAILQ_FIRST(&pool->ready); ready; ready = next) {
		next = TAILQ_NEXT(ready, link);
		if (!config_prestart_serves(config, ready->resolved, resolved))
			continue;
		if (!shim_is_waiting(&ready->shim) || count == most)
			let_go(pool, ready);
		else
			count++;
	}
	return count;
}

static void drop_unwanted(struct prestart_pool *pool, const json_t *prestarts)
{
	const struct config *config = fleet_config(pool->fleet);
	struct ready *ready, *next;
	for (ready = TAILQ_FIRST(&pool->ready); ready; ready = next) {
		bool is_wanted = false;
		size_t index;
		json_t *prestart;
		next = TAILQ_NEXT(ready, link);
		json_array_foreach ((json_t *) prestarts, index, prestart)
			is_wanted |= config_prestart_serves(config, ready->resolved,
							    json_object_get(prestart, "resolved"));
		if (!is_wanted)
			let_go(pool, ready);
	}
}

static bool is_used(const struct prestart_pool *pool, const char *name)
{
	const struct ready *ready;
	TAILQ_FOREACH (ready, &pool->ready, link)
		if (text_equal(strrchr(ready->path, '/') + 1, name))
			return true;
	return false;
}

/* False: something is left that could not be removed yet. */
static bool remove_unused(const struct prestart_pool *pool)
{
	bool is_clean = true;
	DIR *directory = opendir(pool->own_root);
	if (!directory)
		return true;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (text_starts_with(entry->d_name, NAME_PREFIX) && !is_used(pool, entry->d_name))
			is_clean &= file_remove_tree(dirfd(directory), entry->d_name, NULL) == 0;
	closedir(directory);
	return is_clean;
}

static void on_fill(void *data)
{
	struct prestart_pool *pool = data;
	struct error error;
	cleanup_json json_t *prestarts = config_prestarts(fleet_config(pool->fleet));
	size_t index;
	json_t *prestart;
	drop_unwanted(pool, prestarts);
	json_array_foreach (prestarts, index, prestart) {
		const json_t *resolved = json_object_get(prestart, "resolved");
		json_int_t wanted = json_member_integer(prestart, "count", 0);
		for (json_int_t count = count_ready(pool, resolved, wanted); count < wanted; count++)
			if (start_one(pool, resolved, &error) < 0) {
				warn(pool, &error);
				break;
			}
	}
	if (!remove_unused(pool))
		loop_timer_start(pool->filling, REMOVE_AGAIN_MS);
}

void prestart_pool_fill(struct prestart_pool *pool)
{
	loop_timer_start(pool->filling, FILL_DELAY_MS);
}

bool prestart_pool_is_empty(const struct prestart_pool *pool)
{
	return TAILQ_EMPTY(&pool->ready);
}

bool prestart_pool_take(struct prestart_pool *pool, const json_t *resolved, const char *path,
			struct shim_handle *ret_handle)
{
	const struct config *config = fleet_config(pool->fleet);
	struct ready *ready;
	TAILQ_FOREACH (ready, &pool->ready, link)
		if (config_prestart_serves(config, ready->resolved, resolved) &&
		    shim_is_waiting(&ready->shim) &&
		    renameat2(AT_FDCWD, ready->path, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
			break;
	if (!ready)
		return false;
	*ret_handle = ready->shim;
	ready->shim.order_fd = -1;
	let_go(pool, ready);
	return true;
}

/* ---- coming and going ---- */

struct prestart_pool *prestart_pool_create(struct fleet *fleet, const char *own_root, struct error *error)
{
	struct prestart_pool *pool = calloc(1, sizeof(*pool));
	if (!pool) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	pool->fleet = fleet;
	pool->own_root = own_root;
	TAILQ_INIT(&pool->ready);
	pool->filling = loop_timer_create(fleet_options(fleet)->loop, on_fill, pool, error);
	if (pool->filling)
		return pool;
	free(pool);
	return NULL;
}

void prestart_pool_destroy(struct prestart_pool *pool)
{
	if (!pool)
		return;
	while (!TAILQ_EMPTY(&pool->ready))
		let_go(pool, TAILQ_FIRST(&pool->ready));
	loop_timer_destroy(pool->filling);
	free(pool);
}
