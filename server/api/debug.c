#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "server/api/fields.h"
#include "server/api/firmware_open.h"

#include <sys/stat.h>

static const struct field gdb_fields[] = {
    {"commands", FIELD_STRING_LIST, true},
    {"executable", FIELD_FILE, false},
    {"paused", FIELD_BOOLEAN, false},
    {"timeout", FIELD_NUMBER, false},
    {NULL, FIELD_ANY, false},
};

static const struct field load_fields[] = {
    {"file", FIELD_FILE, true},
    {"paused", FIELD_BOOLEAN, false},
    {NULL, FIELD_ANY, false},
};

/* The file as the shim takes it: the path and which file it was when it was checked. New reference; NULL:
 * replied. */
static json_t *describe_file(struct request *request, struct app *app, const json_t *file)
{
	cleanup_opened_file struct opened_file opened = OPENED_FILE_NONE;
	struct error error;
	struct stat status;
	int result = firmware_open_file(app, file, &opened, &error);
	if (!result && fstat(opened.fd, &status) < 0)
		result = error_set_errno(&error, -errno, "file_not_found", "%s", opened.path);
	if (result < 0) {
		reply_error(request, &error);
		return NULL;
	}
	return json_pack("{s:s, s:I, s:I}", "path", opened.path, "device", (json_int_t) status.st_dev,
			 "inode", (json_int_t) status.st_ino);
}

static void reply_gdb(struct request *request, const json_t *result, void *data)
{
	(void) data;
	reply_json(request, 200, json_incref((json_t *) result));
}

static bool check_gdb(struct request *request, const json_t *body, uint64_t *ret_timeout_ms)
{
	struct field_faults faults = {0};
	fields_check(body, gdb_fields, "", &faults);
	double timeout = json_member_real(body, "timeout", TIMEOUT_DEFAULT_S);
	if (!faults.is_form && (timeout <= 0 || timeout > TIMEOUT_MAX_S))
		field_faults_add(&faults, true, "/timeout", "must be more than 0 and at most %d seconds",
				 TIMEOUT_MAX_S);
	if (!faults.is_form && json_array_size(json_object_get(body, "commands")) == 0)
		field_faults_add(&faults, true, "/commands", "must name at least one command");
	*ret_timeout_ms = (uint64_t) (timeout * 1000);
	return field_faults_reply(&faults, request);
}

void run_gdb(struct request *request, void *app)
{
	const json_t *body = request_json(request), *executable = json_object_get(body, "executable");
	struct board *board = require_board(request, app);
	uint64_t timeout_ms;
	if (!board || !check_gdb(request, body, &timeout_ms))
		return;
	cleanup_json json_t *arguments = json_pack("{s:O}", "commands", json_object_get(body, "commands"));
	json_object_set(arguments, "paused", json_object_get(body, "paused"));
	if (executable) {
		json_t *file = describe_file(request, app, executable);
		if (!file)
			return;
		json_object_set_new(arguments, "file", file);
	}
	command_board(request, board, "gdb", arguments, timeout_ms ? timeout_ms : 1, reply_gdb, NULL);
}

static void reply_loaded(struct request *request, const json_t *result, void *data)
{
	(void) result;
	reply_instance(request, 200, data);
}

void load_image(struct request *request, void *app)
{
	const json_t *body = request_json(request);
	struct field_faults faults = {0};
	struct board *board = require_board(request, app);
	uint64_t timeout_ms;
	if (!board || !query_timeout_ms(request, &timeout_ms))
		return;
	fields_check(body, load_fields, "", &faults);
	if (!field_faults_reply(&faults, request))
		return;
	json_t *file = describe_file(request, app, json_object_get(body, "file"));
	if (!file)
		return;
	cleanup_json json_t *arguments = json_pack("{s:o}", "file", file);
	json_object_set(arguments, "paused", json_object_get(body, "paused"));
	command_board(request, board, "load", arguments, timeout_ms, reply_loaded, board);
}
