#include "server/api/handlers.h"
#include "server/api/replies.h"
#include "server/api/run_reply.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/fields.h"
#include "server/api/firmware_open.h"
#include "server/api/run_id.h"
#include "server/watch/matching.h"

#include <inttypes.h>
#include <string.h>

/* What a run prints by semihosting, where the board has it: no target names this console. */
static const char semihosting_channel[] = "semihosting";

/* One call: what is asked for is looked at, then the patterns are compiled and a firmware that a path names
 * is copied (on the pool), so that the run can be repeated whatever becomes of the path. */
struct creating {
	struct app *app;
	struct request *request; /* NULL: the client has gone */
	struct run_answer answer;
	enum run_form form;
	json_t *spec, *configuration;
	char *rerun_of; /* NULL: none */
	struct file_upload *upload;
	char *file_name;
	int path_fd; /* of a firmware that is to be copied; -1: none */
	struct matching preparing;
	bool is_preparing;
	struct run_patterns *patterns;
	json_t *faults;
	int copied; /* 0 or a negative errno, with: */
	struct error error;
};

static void let_go(struct creating *creating)
{
	run_patterns_destroy(creating->patterns);
	file_upload_destroy(creating->upload);
	json_decref(creating->spec);
	json_decref(creating->configuration);
	json_decref(creating->faults);
	if (creating->path_fd >= 0)
		close(creating->path_fd);
	free(creating->rerun_of);
	free(creating->file_name);
	free(creating);
}

/* ---- the run ---- */

static json_t *pack_versions(const struct creating *creating)
{
	const char *emulator = json_member_string(creating->configuration, "emulator", "");
	const json_t *known = json_object_get(creating->app->emulators, emulator);
	return json_pack("{s:s, s:s?}", "emud", EMUD_VERSION, "emulator",
			 json_member_string(known, "version", NULL));
}

/* The firmware is the run's: kept in the store, and for a board of its target. *ret_sha256: to be released
 * again if no run comes of it. */
static int keep_firmware(struct creating *creating, char **ret_sha256, struct error *error)
{
	cleanup_file_row struct file_row row = {0};
	bool is_new;
	if (!creating->upload)
		return 0;
	int result = file_upload_commit_for_run(creating->upload, creating->file_name, &row, &is_new, error);
	if (result < 0)
		return result;
	json_t *file = json_object_get(creating->spec, "file");
	if (!json_is_object(file)) {
		file = json_object();
		json_object_set_new(creating->spec, "file", file);
	}
	json_object_set_new(file, "sha256", json_string(row.sha256));
	*ret_sha256 = TAKE(row.sha256);
	return 0;
}

static int check_firmware(struct creating *creating, struct error *error)
{
	const char *sha256 = json_member_string(json_object_get(creating->spec, "file"), "sha256", NULL);
	if (!sha256)
		return 0;
	cleanup_close int fd = file_store_open(creating->app->files, sha256, error);
	return fd < 0 ? fd : firmware_check_fit(fd, creating->configuration, error);
}

static struct run *begin_run(struct creating *creating, struct error *error)
{
	cleanup_json json_t *versions = pack_versions(creating);
	const char *actor = request_actor(creating->request);
	const struct run_order order = {
	    .spec = creating->spec,
	    .configuration = creating->configuration,
	    .versions = versions,
	    .patterns = TAKE(creating->patterns),
	    .client = actor,
	    .actor = actor,
	    .rerun_of = creating->rerun_of,
	    .is_detached = creating->answer.detach,
	};
	return runs_begin(creating->app->runs, &order, error);
}

static bool reply_faults(struct creating *creating)
{
	struct field_faults faults = {.list = TAKE(creating->faults), .is_meaning = true};
	return run_faults_reply_as(&faults, creating->request, &creating->answer, "invalid_pattern");
}

static void begin(struct creating *creating)
{
	struct error error;
	cleanup_free char *sha256 = NULL;
	struct run *run = NULL;
	if (creating->copied < 0) {
		reply_error(creating->request, &creating->error);
		return;
	}
	if (!creating->patterns) {
		reply_problem(creating->request, "internal_error", "no memory");
		return;
	}
	if (!reply_faults(creating))
		return;
	if (keep_firmware(creating, &sha256, &error) == 0 && check_firmware(creating, &error) == 0)
		run = begin_run(creating, &error);
	if (run) {
		reply_new_run(creating->request, creating->app, run, &creating->answer, creating->form);
		return;
	}
	if (sha256)
		file_store_release(creating->app->files, sha256, NULL);
	reply_error(creating->request, &error);
}

/* ---- on the pool ---- */

static int copy_firmware(struct creating *creating)
{
	enum { CHUNK_BYTES = 256 * 1024 };
	cleanup_free char *chunk = malloc(CHUNK_BYTES);
	int64_t offset = 0;
	ssize_t count = 1;
	if (!chunk)
		return error_set(&creating->error, -ENOMEM, NULL, "no memory");
	while (count > 0) {
		count = pread(creating->path_fd, chunk, CHUNK_BYTES, offset);
		if (count < 0)
			return error_set_errno(&creating->error, -errno, "invalid_file",
					       "the firmware cannot be read");
		int result =
		    count ? file_upload_append(creating->upload, chunk, (size_t) count, &creating->error) : 0;
		if (result < 0)
			return result;
		offset += count;
	}
	return 0;
}

static void prepare(void *data)
{
	struct creating *creating = data;
	creating->patterns = run_patterns_compile(creating->spec, &creating->faults);
	if (creating->path_fd >= 0)
		creating->copied = copy_firmware(creating);
}

static void on_prepared(void *data)
{
	struct creating *creating = data;
	creating->is_preparing = false;
	if (creating->request)
		begin(creating);
	let_go(creating);
}

static void on_gone(void *data)
{
	struct creating *creating = data;
	creating->request = NULL;
	if (!creating->is_preparing || matching_cancel(&creating->preparing))
		let_go(creating);
}

/* ---- what can be said at once ---- */

static int check_channel(const struct creating *creating, struct error *error)
{
	const char *channel = json_member_string(creating->spec, "channel", NULL);
	const struct config *config = fleet_config(creating->app->fleet);
	cleanup_json json_t *channels =
	    config_describe_channels(config, json_member_string(creating->spec, "target", ""),
				     json_member_string(creating->configuration, "emulator", NULL));
	if (!channel || !channels || text_equal(channel, semihosting_channel))
		return 0;
	const json_t *found = json_object_get(channels, channel);
	if (text_equal(json_member_string(found, "kind", NULL), "console"))
		return 0;
	cleanup_free char *names = text_format("%s", "");
	const char *name;
	const json_t *each;
	json_object_foreach (channels, name, each)
		if (names && text_equal(json_member_string(each, "kind", NULL), "console")) {
			char *longer = text_format("%s%s%s", names, names[0] ? ", " : "", name);
			free(names);
			names = longer;
		}
	return error_set(error, -EINVAL, "invalid_value", "channel: the target has no console %.100s%s%s",
			 channel, names && names[0] ? "; it has " : "", names ? names : "");
}

/* A path is opened now, so that what it names cannot change between looking and copying. */
static int open_path(struct creating *creating, struct error *error)
{
	const json_t *file = json_object_get(creating->spec, "file");
	cleanup_opened_file struct opened_file opened = OPENED_FILE_NONE;
	if (!file || json_is_null(file))
		return 0;
	int result = firmware_open_file(creating->app, file, &opened, error);
	if (!result)
		result = firmware_check_fit(opened.fd, creating->configuration, error);
	if (result < 0 || opened.sha256[0])
		return result;
	const char *slash = strrchr(opened.path, '/');
	json_object_set_new(creating->spec, "file", json_pack("{s:s}", "path", opened.path));
	creating->file_name = strdup(slash ? slash + 1 : opened.path);
	creating->path_fd = TAKE_FD(opened.fd);
	creating->upload = file_upload_create(creating->app->files, error);
	return creating->upload ? 0 : error->number;
}

static int look(struct creating *creating, struct error *error)
{
	const json_t *spec = creating->spec;
	if (!creating->configuration)
		creating->configuration =
		    config_resolve(fleet_config(creating->app->fleet), json_member_string(spec, "target", ""),
				   json_member_string(spec, "emulator", NULL), error);
	if (!creating->configuration)
		return error->number;
	cleanup_free char *reason = firmware_unavailable_reason(creating->configuration);
	if (reason)
		return error_set(error, -ENOENT, "emulator_unavailable", "%s", reason);
	int result = check_channel(creating, error);
	return result < 0 ? result : open_path(creating, error);
}

static void create(struct creating *creating)
{
	struct error error;
	struct request *request = creating->request;
	if (!run_form_choose(request, &creating->answer, &creating->form)) {
		let_go(creating);
		return;
	}
	if (look(creating, &error) < 0) {
		let_go(creating);
		reply_error(request, &error);
		return;
	}
	creating->is_preparing = true;
	request_on_gone(request, on_gone, creating);
	matching_begin(&creating->preparing, creating->app->matcher, prepare, on_prepared, creating);
}

static struct creating *make(struct request *request, struct app *app, const json_t *spec,
			     const struct run_answer *answer)
{
	struct creating *creating = calloc(1, sizeof(*creating));
	if (creating)
		*creating = (struct creating){.app = app,
					      .request = request,
					      .answer = *answer,
					      .path_fd = -1,
					      .spec = json_deep_copy(spec)};
	if (creating && creating->spec)
		return creating;
	if (creating)
		let_go(creating);
	reply_problem(request, "internal_error", "no memory");
	return NULL;
}

static void on_body(struct request *request, struct app *app, const json_t *spec,
		    const struct run_answer *answer, struct file_upload *upload, const char *file_name)
{
	struct creating *creating = make(request, app, spec, answer);
	if (!creating) {
		file_upload_destroy(upload);
		return;
	}
	creating->upload = upload;
	creating->file_name = file_name ? strdup(file_name) : NULL;
	create(creating);
}

void create_run(struct request *request, void *app)
{
	run_body_read(request, app, on_body);
}

/* ---- POST /runs/{id}/rerun ---- */

/* The record as a spec again: with the firmware and the configuration that it had. */
static json_t *spec_of_record(const json_t *run)
{
	static const char *const keys[] = {"target", "emulator",      "args",    "channel",
					   "pass",   "fail",          "timeout", "idle_timeout",
					   "labels", "queue_timeout", "input",   NULL};
	json_t *spec = json_object();
	for (const char *const *key = keys; *key; key++) {
		json_t *value = json_object_get(run, *key);
		if (value && !json_is_null(value))
			json_object_set(spec, *key, value);
	}
	const json_t *sha256 = json_object_get(json_object_get(run, "file"), "sha256");
	if (sha256)
		json_object_set_new(spec, "file", json_pack("{s:O}", "sha256", sha256));
	return spec;
}

static bool read_answer(struct request *request, struct run_answer *answer)
{
	struct error error;
	if (request_query_boolean(request, "detach", &answer->detach, &error) < 0 ||
	    request_query_boolean(request, "strict", &answer->strict, &error) < 0 ||
	    request_query_boolean(request, "stream", &answer->stream, &error) < 0) {
		reply_error(request, &error);
		return false;
	}
	if (!answer->detach || (!answer->strict && !answer->stream))
		return true;
	reply_problem(request, "invalid_value",
		      "detach answers before there is a verdict: strict and stream wait for it");
	return false;
}

void rerun_run(struct request *request, void *data)
{
	struct app *app = data;
	struct run_answer answer = {0};
	struct error error;
	int64_t id;
	if (!require_run_id(request, &id) || !read_answer(request, &answer))
		return;
	cleanup_json json_t *run = runs_describe(app->runs, id, &error);
	if (!run) {
		reply_error(request, &error);
		return;
	}
	cleanup_json json_t *spec = spec_of_record(run);
	struct creating *creating = make(request, app, spec, &answer);
	if (!creating)
		return;
	creating->configuration = json_incref(json_object_get(run, "configuration"));
	creating->rerun_of = text_format("%" PRId64, id);
	create(creating);
}
