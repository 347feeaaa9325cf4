#include "server/shims/fleet.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/process/cgroup.h"
#include "server/shims/adoptable.h"
#include "server/shims/fleet_internal.h"
#include "server/shims/prestart_pool.h"
#include "server/shims/start_files.h"
#include "server/shims/state_directory.h"
#include "server/store/instances.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

struct fleet {
	struct fleet_options options;
	char *state_dir, *shim_program, *boot_id;
	char *own_root;    /* where state directories lie that nobody chose */
	char *cgroup_base; /* NULL: there are none here */
	struct config *config;
	char *config_text;     /* config.json of every board made under it */
	struct board **boards; /* sorted by id */
	struct shim_reserve *reserve;
	struct prestart_pool *pool;
	size_t count, capacity;

	struct loop_timer *recovery_deadline;
	struct loop_deferred *recovery_turn;
	void (*on_ready)(void *data);
	void *ready_data;

	void (*on_stopped)(void *data);
	void *stopped_data;
	struct loop_deferred *stopped_turn;
};

const struct fleet_options *fleet_options(const struct fleet *fleet)
{
	return &fleet->options;
}

const char *fleet_boot_id(const struct fleet *fleet)
{
	return fleet->boot_id;
}

const char *fleet_cgroup_base(const struct fleet *fleet)
{
	return fleet->cgroup_base;
}

struct config *fleet_config(const struct fleet *fleet)
{
	return fleet->config;
}

int fleet_set_config(struct fleet *fleet, struct config *config, struct error *error)
{
	char *text = start_files_make_config(config);
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	free(fleet->config_text);
	fleet->config_text = text;
	struct config *old = fleet->config;
	fleet->config = config_ref(config);
	config_unref(old);
	if (old)
		prestart_pool_fill(fleet->pool);
	return 0;
}

void fleet_tell(const struct fleet *fleet, const struct fleet_change *change)
{
	if (fleet->options.on_change)
		fleet->options.on_change(change, fleet->options.data);
}

static void fill_reserves(struct fleet *fleet)
{
	shim_reserve_fill(fleet->reserve);
	prestart_pool_fill(fleet->pool);
}

/* ---- the table ---- */

/* Where id stands, or would stand. */
static size_t position(const struct fleet *fleet, const char *id, bool *ret_found)
{
	size_t low = 0, high = fleet->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(board_id(fleet->boards[middle]), id);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

struct board *fleet_find(struct fleet *fleet, const char *id)
{
	bool found;
	size_t at = position(fleet, id, &found);
	return found ? fleet->boards[at] : NULL;
}

static int insert(struct fleet *fleet, struct board *board)
{
	if (fleet->count == fleet->capacity) {
		size_t capacity = fleet->capacity ? 2 * fleet->capacity : 16;
		struct board **boards = reallocarray(fleet->boards, capacity, sizeof(*boards));
		if (!boards)
			return -ENOMEM;
		fleet->boards = boards;
		fleet->capacity = capacity;
	}
	bool found;
	size_t at = position(fleet, board_id(board), &found);
	memmove(&fleet->boards[at + 1], &fleet->boards[at], (fleet->count - at) * sizeof(board));
	fleet->boards[at] = board;
	fleet->count++;
	return 0;
}

void fleet_remove(struct fleet *fleet, struct board *board)
{
	bool found;
	size_t at = position(fleet, board_id(board), &found);
	if (!found)
		return;
	fleet->count--;
	memmove(&fleet->boards[at], &fleet->boards[at + 1], (fleet->count - at) * sizeof(board));
	fleet_board_changed(fleet, NULL);
}

size_t fleet_count(const struct fleet *fleet)
{
	return fleet->count;
}

size_t fleet_count_live(const struct fleet *fleet)
{
	size_t count = 0;
	for (size_t i = 0; i < fleet->count; i++)
		count += !board_is_over(fleet->boards[i]);
	return count;
}

void fleet_each(struct fleet *fleet, const char *after, bool (*on_board)(struct board *board, void *data),
		void *data)
{
	bool found = false;
	size_t at = after ? position(fleet, after, &found) : 0;
	for (at += found; at < fleet->count; at++)
		if (!on_board(fleet->boards[at], data))
			return;
}

/* ---- whoever waits for all of them ---- */

static void on_ready_turn(void *data)
{
	struct fleet *fleet = data;
	fleet->recovery_turn = NULL;
	loop_timer_stop(fleet->recovery_deadline);
	fill_reserves(fleet);
	void (*on_ready)(void *data) = TAKE(fleet->on_ready);
	if (on_ready)
		on_ready(fleet->ready_data);
}

static void on_stopped_turn(void *data)
{
	struct fleet *fleet = data;
	fleet->stopped_turn = NULL;
	void (*on_stopped)(void *data) = TAKE(fleet->on_stopped);
	if (on_stopped)
		on_stopped(fleet->stopped_data);
}

struct shim_reserve *fleet_reserve(struct fleet *fleet)
{
	return fleet->reserve;
}

void fleet_board_changed(struct fleet *fleet, struct board *board)
{
	if (board && board_is_live(board))
		fill_reserves(fleet);
	bool settled = true;
	for (size_t i = 0; i < fleet->count; i++)
		settled &= board_is_settled(fleet->boards[i]);
	if (fleet->on_ready && settled && !fleet->recovery_turn)
		fleet->recovery_turn = loop_defer(fleet->options.loop, on_ready_turn, fleet, NULL);
	if (fleet->on_stopped && fleet_count_live(fleet) == 0 && !fleet->stopped_turn)
		fleet->stopped_turn = loop_defer(fleet->options.loop, on_stopped_turn, fleet, NULL);
}

void fleet_stop_all(struct fleet *fleet, void (*on_done)(void *data), void *data)
{
	fleet->on_stopped = on_done;
	fleet->stopped_data = data;
	for (size_t i = 0; i < fleet->count; i++) {
		struct error error;
		if (board_stop(fleet->boards[i], NULL, &error) < 0)
			log_event(fleet->options.log, LOG_LEVEL_WARNING, "instance.stop_failed", "instance",
				  board_id(fleet->boards[i]), "detail", error.message, NULL);
	}
	fleet_board_changed(fleet, NULL);
}

/* ---- recovery ---- */

static int take_row(struct instance_row *row, void *data)
{
	struct fleet *fleet = data;
	struct error error;
	int dirfd = state_directory_open(fleet->own_root, row->path);
	struct board *board = board_make(fleet, row, dirfd, &error);
	if (board && insert(fleet, board) == 0)
		return 0;
	board_destroy(board);
	return -ENOMEM;
}

/* Directories that no row knows are kept, and said. */
static void report_strays(struct fleet *fleet)
{
	cleanup_free char *path = text_format("%s/instances", fleet->state_dir);
	DIR *directory = path ? opendir(path) : NULL;
	if (!directory)
		return;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.' && !fleet_find(fleet, entry->d_name))
			log_event(fleet->options.log, LOG_LEVEL_WARNING, "state.stray", "path", path, "name",
				  entry->d_name, "detail", "no instance has this directory; it is kept",
				  NULL);
	closedir(directory);
}

static void on_recovery_deadline(void *data)
{
	struct fleet *fleet = data;
	loop_deferred_cancel(TAKE(fleet->recovery_turn));
	log_event(fleet->options.log, LOG_LEVEL_WARNING, "recovery.slow", "detail",
		  "some shims have not told their state yet", NULL);
	on_ready_turn(fleet);
}

int fleet_recover(struct fleet *fleet, void (*on_ready)(void *data), void *data, struct error *error)
{
	const struct instances_filter all = {0};
	int result = instances_list(fleet->options.store, &all, take_row, fleet, NULL, error);
	if (result < 0)
		return result;
	/* A delete that is finished takes its board out of the table: go by id, not by place. */
	cleanup_free char *at = NULL;
	for (size_t i = 0; i < fleet->count;) {
		struct board *board = fleet->boards[i];
		free(at);
		at = strdup(board_id(board));
		board_recover(board);
		i += i < fleet->count && at && text_equal(board_id(fleet->boards[i]), at);
	}
	report_strays(fleet);
	cgroup_remove_stale(fleet->cgroup_base);
	fleet->on_ready = on_ready;
	fleet->ready_data = data;
	loop_timer_start(fleet->recovery_deadline, FLEET_RECOVERY_MS);
	fleet_board_changed(fleet, NULL);
	return 0;
}

/* ---- new boards ---- */

static int make_id(struct fleet *fleet, const char *target, char out[static 64])
{
	for (int attempt = 0; attempt < 100; attempt++) {
		unsigned number;
		if (getrandom(&number, sizeof(number), 0) != (ssize_t) sizeof(number))
			return -errno;
		snprintf(out, 64, "%.50s-%06x", target, number & 0xffffff);
		if (!text_is_id(out))
			snprintf(out, 64, "board-%06x", number & 0xffffff);
		if (!fleet_find(fleet, out))
			return 0;
	}
	return -EEXIST;
}

static int check_new(struct fleet *fleet, const struct board_request *request, struct error *error)
{
	const struct config_limits *limits = &config_server(fleet->config)->limits;
	if (request->id && fleet_find(fleet, request->id))
		return error_set(error, -EEXIST, "id_taken", "an instance %s is there already", request->id);
	if (fleet->count >= limits->instances)
		return error_set(error, -EAGAIN, "too_many_instances",
				 "%llu instances are there already (limits.instances): delete one",
				 (unsigned long long) limits->instances);
	if (json_member_boolean(request->spec, "start", true) &&
	    fleet_count_live(fleet) >= limits->running_instances)
		return error_set(
		    error, -EAGAIN, "too_many_instances",
		    "%llu instances run already (limits.running_instances): stop one, or try again later",
		    (unsigned long long) limits->running_instances);
	return 0;
}

static json_t *resolve(const struct fleet *fleet, const struct board_request *request, struct error *error)
{
	if (request->resolved)
		return json_incref((json_t *) request->resolved);
	return config_resolve(fleet->config, json_member_string(request->spec, "target", ""),
			      json_member_string(request->spec, "emulator", NULL), error);
}

/* The resolved target and the file are looked at now, so that a wrong request creates nothing. */
static int check_start(struct fleet *fleet, const struct board_request *request,
		       struct fleet_firmware *ret_firmware, char **ret_emulator, struct error *error)
{
	const json_t *spec = request->spec, *file = json_object_get(spec, "file");
	cleanup_json json_t *resolved = resolve(fleet, request, error);
	if (!resolved)
		return error->number;
	*ret_emulator = strdup(json_member_string(resolved, "emulator", ""));
	if (!*ret_emulator)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (json_member_boolean(spec, "adopt", false))
		return 0;
	return fleet->options.open_firmware(file, resolved, ret_firmware, error, fleet->options.data);
}

static int fill_row(struct instance_row *row, const struct board_request *request, const char *id,
		    const char *path, char **emulator, struct fleet_firmware *firmware, struct error *error)
{
	const json_t *spec = request->spec, *labels = json_object_get(spec, "labels");
	cleanup_json json_t *kept =
	    board_spec_pack(spec, firmware->file, json_object_get(spec, "args"), request->resolved, NULL);
	*row = (struct instance_row){
	    .id = strdup(id),
	    .path = strdup(path),
	    .target = strdup(json_member_string(spec, "target", "")),
	    .emulator = TAKE(*emulator),
	    .spec = kept ? json_to_text(kept) : NULL,
	    .labels = labels ? json_to_text(labels) : strdup("{}"),
	    .file = TAKE(firmware->sha256),
	    .state = strdup("created"),
	    .created_at_ms = clock_wall_ms(),
	};
	if (row->id && row->path && row->target && row->spec && row->labels && row->state)
		return 0;
	return error_set(error, -ENOMEM, NULL, "no memory");
}

static bool lies_in(const char *directory, const char *path)
{
	size_t length = strlen(directory);
	return strncmp(directory, path, length) == 0 && (path[length] == '/' || !path[length]);
}

/* Whoever runs in one state directory may write all of it: none lies in another, by whichever path it was
 * named. */
static int check_apart(const struct fleet *fleet, const char *path, struct error *error)
{
	for (size_t i = 0; i < fleet->count; i++) {
		cleanup_free char *used = file_real_path(board_dirfd(fleet->boards[i]));
		if (used && (lies_in(used, path) || lies_in(path, used)))
			return error_set(error, -EEXIST, "conflict",
					 "%s and the state directory of instance %s, %s, lie in one another",
					 path, board_id(fleet->boards[i]), used);
	}
	return 0;
}

/* A path that a client chose is kept as it really is: no symlink in it can lead elsewhere later. */
static int take_real_path(const struct fleet *fleet, struct instance_row *row, int dirfd, struct error *error)
{
	char *path = file_real_path(dirfd);
	if (!path)
		return error_set(error, -ENOMEM, NULL, "no memory");
	free(row->path);
	row->path = path;
	return check_apart(fleet, path, error);
}

/* Where the emulator that the instance is started with stands ready, its directory becomes the instance's. */
static bool take_ready(struct fleet *fleet, const struct board_request *request, const char *path,
		       struct shim_handle *ret_handle)
{
	const json_t *spec = request->spec;
	if (prestart_pool_is_empty(fleet->pool) || !json_member_boolean(spec, "start", true) ||
	    json_member_boolean(spec, "debug", false) || json_array_size(json_object_get(spec, "args")) > 0)
		return false;
	cleanup_json json_t *resolved = resolve(fleet, request, NULL);
	return resolved && prestart_pool_take(fleet->pool, resolved, path, ret_handle);
}

/* Directory first, then row: a kill in between leaves a directory that is reported, and can be taken
 * again. */
static struct board *make_checked(struct fleet *fleet, const struct board_request *request,
				  struct instance_row *row, const char *root, struct error *error)
{
	bool made = false;
	cleanup_shim struct shim_handle ready = {.order_fd = -1};
	if (!root && file_make_directories(fleet->own_root, 0700, error) < 0)
		return NULL;
	bool is_ready = !root && take_ready(fleet, request, row->path, &ready);
	cleanup_close int dirfd =
	    state_directory_make(root ? root : fleet->own_root, row->path, &made, error);
	if (dirfd < 0)
		return NULL;
	cleanup_close int board_fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	if (board_fd < 0) {
		error_set_errno(error, -errno, NULL, "the state directory cannot be kept open");
		if (made)
			rmdir(row->path);
		return NULL;
	}
	made |= is_ready;
	struct board *board = NULL;
	if ((!root || take_real_path(fleet, row, dirfd, error) == 0) &&
	    start_files_write_config(dirfd, fleet->config_text, error) == 0 &&
	    instances_insert(fleet->options.store, row, error) == 0) {
		cleanup_free char *id = strdup(row->id);
		board = board_make(fleet, row, TAKE_FD(board_fd), error);
		if (board && insert(fleet, board) == 0) {
			board_take_ready(board, &ready);
			const struct fleet_change change = {
			    .kind = FLEET_CREATED, .board = board, .actor = request->actor};
			fleet_tell(fleet, &change);
			return board;
		}
		board_destroy(board);
		if (id)
			instances_delete(fleet->options.store, id, NULL);
		error_set(error, -ENOMEM, NULL, "no memory");
	}
	/* Its removal takes a descriptor. */
	if (board_fd >= 0)
		close(TAKE_FD(board_fd));
	if (made)
		state_directory_remove(row->path, dirfd, NULL);
	return NULL;
}

/* Where the state directory lies. */
static char *make_path(const struct fleet *fleet, const struct board_request *request, const char *id)
{
	if (!request->path)
		return text_format("%s/%s", fleet->own_root, id);
	if (json_member_boolean(request->spec, "adopt", false))
		return text_format("%s/%s", request->path, ADOPTABLE_FOLDER);
	return strdup(request->path);
}

static struct board *make_requested(struct fleet *fleet, const struct board_request *request,
				    struct error *error)
{
	struct fleet_firmware firmware = {.fd = -1};
	cleanup_free char *emulator = NULL;
	cleanup_instance_row struct instance_row row = {0};
	char made_up[64];
	if (check_new(fleet, request, error) < 0 ||
	    check_start(fleet, request, &firmware, &emulator, error) < 0)
		return NULL;
	const char *id = request->id ? request->id : made_up;
	struct board *board = NULL;
	if (!request->id && make_id(fleet, json_member_string(request->spec, "target", ""), made_up) < 0)
		error_set(error, -EEXIST, NULL, "no id could be made up");
	else {
		cleanup_free char *path = make_path(fleet, request, id);
		const char *root = !request->path ? NULL : request->root ? request->root : "/";
		if (!path)
			error_set(error, -ENOMEM, NULL, "no memory");
		else if (fill_row(&row, request, id, path, &emulator, &firmware, error) == 0)
			board = make_checked(fleet, request, &row, root, error);
	}
	if (firmware.fd >= 0)
		close(firmware.fd);
	json_decref(firmware.file);
	free(firmware.sha256);
	return board;
}

struct board *fleet_make_board(struct fleet *fleet, const struct board_request *request, struct error *error)
{
	struct board_request wanted = *request;
	cleanup_json json_t *adopted = NULL;
	const char *root = request->root ? request->root : "/";
	int found = request->path
			? adoptable_look(&fleet->options, fleet->config, root, request, &adopted, error)
			: 0;
	if (found < 0)
		return NULL;
	if (found)
		wanted.spec = adopted;
	if (json_object_get(wanted.spec, "target"))
		return make_requested(fleet, &wanted, error);
	error_set(
	    error, -ENOENT, "not_adoptable",
	    "%.500s holds no handles.json: pw emu has started nothing there that could be adopted (name a "
	    "target to start an emulator of emud's own there)",
	    request->path ? request->path : "");
	return NULL;
}

/* ---- coming and going ---- */

static char *read_boot_id(void)
{
	char *text = NULL;
	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 128, &text, NULL, NULL) < 0)
		return strdup("unknown");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

struct fleet *fleet_create(const struct fleet_options *options, struct config *config, struct error *error)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	if (!fleet) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	fleet->options = *options;
	fleet->state_dir = strdup(options->state_dir);
	fleet->shim_program = strdup(options->shim_program);
	fleet->own_root = text_format("%s/instances", options->state_dir);
	fleet->options.state_dir = fleet->state_dir;
	fleet->options.shim_program = fleet->shim_program;
	fleet->reserve =
	    fleet->shim_program ? shim_reserve_create(options->loop, fleet->shim_program, error) : NULL;
	fleet->pool = fleet->own_root ? prestart_pool_create(fleet, fleet->own_root, error) : NULL;
	fleet->boot_id = read_boot_id();
	fleet->cgroup_base = cgroup_find_base();
	fleet->recovery_deadline = loop_timer_create(options->loop, on_recovery_deadline, fleet, error);
	if (fleet->state_dir && fleet->own_root && fleet->reserve && fleet->pool && fleet->boot_id &&
	    fleet->recovery_deadline && fleet_set_config(fleet, config, error) == 0)
		return fleet;
	error_set(error, -ENOMEM, NULL, "no memory");
	fleet_destroy(fleet);
	return NULL;
}

void fleet_destroy(struct fleet *fleet)
{
	if (!fleet)
		return;
	fleet->on_ready = NULL;
	fleet->on_stopped = NULL;
	for (size_t i = 0; i < fleet->count; i++)
		board_destroy(fleet->boards[i]);
	free(fleet->boards);
	shim_reserve_destroy(fleet->reserve);
	prestart_pool_destroy(fleet->pool);
	loop_timer_destroy(fleet->recovery_deadline);
	loop_deferred_cancel(fleet->recovery_turn);
	loop_deferred_cancel(fleet->stopped_turn);
	config_unref(fleet->config);
	free(fleet->config_text);
	free(fleet->state_dir);
	free(fleet->own_root);
	free(fleet->shim_program);
	free(fleet->boot_id);
	free(fleet->cgroup_base);
	free(fleet);
}
