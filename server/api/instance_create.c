#include "server/api/handlers.h"
#include "server/api/instance_spec.h"
#include "server/api/instance_wait.h"
#include "server/api/upload_body.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/changes.h"
#include "server/api/path_rules.h"
#include "server/shims/adoptable.h"

#include <string.h>

/* Keeps the uploaded firmware and names it in the spec. *ret_new_sha256: to be removed again if nothing comes
 * of it. */
static int take_upload(struct request *request, struct app *app, struct file_upload *upload,
		       const char *file_name, json_t *spec, char **ret_new_sha256, struct error *error)
{
	if (json_object_get(spec, "file"))
		return error_set(error, -EINVAL, "invalid_request",
				 "/file: the firmware comes as part `file`; the spec must not name another");
	cleanup_file_row struct file_row row = {0};
	bool is_new;
	int result = file_upload_commit(upload, file_name, &row, &is_new, error);
	if (result < 0)
		return result;
	json_object_set_new(spec, "file", json_pack("{s:s}", "sha256", row.sha256));
	if (is_new)
		publish_file_created(app, &row, request_actor(request));
	*ret_new_sha256 = is_new ? TAKE(row.sha256) : NULL;
	return 0;
}

static void begin(struct request *request, struct board *board, uint64_t timeout_ms, bool wait)
{
	const struct board_start start = {.paused = -1, .actor = request_actor(request)};
	struct error error;
	reply_header_format(request, "Location", "/v1/instances/%s", board_id(board));
	if (!json_member_boolean(board_spec(board), "start", true))
		reply_instance(request, 201, board);
	else if (board_start(board, &start, &error) < 0)
		reply_error(request, &error);
	else if (wait)
		reply_when(request, board, board_has_started, NULL, timeout_ms, reply_started, 201,
			   "conflict");
	else
		reply_instance(request, 202, board);
}

/* PUT of an id that is taken: the same spec changes nothing, another is refused. */
static void answer_existing(struct request *request, struct board *board, const json_t *spec)
{
	cleanup_json json_t *complete =
	    board_is_adopted(board)
		? adoptable_complete(spec, board_target(board),
				     json_member_string(board_asked(board), "emulator", NULL))
		: json_incref((json_t *) spec);
	if (json_equal(board_asked(board), complete))
		reply_instance(request, 200, board);
	else
		reply_problem(request, "id_taken",
			      "instance %s is there already, with another spec: delete it first",
			      board_id(board));
}

/* The spec is sound: an instance comes of it, or a problem. Returns whether one is there. */
static bool create(struct request *request, struct app *app, const char *id, const json_t *spec)
{
	struct board_request wanted = {.id = id,
				       .path = json_member_string(spec, "path", NULL),
				       .spec = spec,
				       .actor = request_actor(request)};
	cleanup_free char *root = NULL;
	struct error error;
	uint64_t timeout_ms;
	bool wait;
	if (!query_timeout_ms(request, &timeout_ms) || !query_wait(request, &wait))
		return false;
	if (wanted.path && !(root = path_rules_find_root(app, wanted.path, &error))) {
		json_t *errors = NULL;
		json_add_fault(&errors, "/path", error.message);
		reply_problem_list(request, error.code, error.message, errors);
		return false;
	}
	wanted.root = root;
	struct board *board = fleet_make_board(app->fleet, &wanted, &error);
	if (board)
		begin(request, board, timeout_ms, wait);
	else
		reply_error(request, &error);
	return board != NULL;
}

static void on_body(struct request *request, struct app *app, const json_t *body, struct file_upload *upload,
		    const char *file_name, void *data)
{
	(void) data;
	bool is_put = text_equal(request_method(request), "PUT");
	const char *id = is_put ? request_parameter(request, "id") : json_member_string(body, "id", NULL);
	cleanup_json json_t *spec = NULL;
	cleanup_free char *new_sha256 = NULL;
	struct error error;
	if (!instance_spec_check(request, body, is_put ? id : NULL)) {
		file_upload_destroy(upload);
		return;
	}
	spec = instance_spec_normalize(body);
	int result = spec ? 0 : error_set(&error, -ENOMEM, NULL, "no memory");
	if (!result && upload)
		result = take_upload(request, app, upload, file_name, spec, &new_sha256, &error);
	file_upload_destroy(upload);
	if (result < 0) {
		reply_error(request, &error);
		return;
	}
	/* The request is gone once it has been answered. */
	cleanup_free char *actor = strdup(request_actor(request));
	struct board *existing = is_put ? fleet_find(app->fleet, id) : NULL;
	bool is_there = false;
	if (existing)
		answer_existing(request, existing, spec);
	else
		is_there = create(request, app, id, spec);
	if (!is_there && new_sha256 && file_store_delete(app->files, new_sha256, NULL) == 0)
		publish_file_deleted(app, new_sha256, actor);
}

void create_instance(struct request *request, void *app)
{
	upload_body_read(request, app, UPLOAD_BODY_SPEC, on_body, NULL);
}

void put_instance(struct request *request, void *app)
{
	upload_body_read(request, app, UPLOAD_BODY_SPEC, on_body, NULL);
}
