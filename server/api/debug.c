#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
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

/* The file as the shim takes it: the path and which file it was when it was checked. New reference or
 * NULL. */
static json_t *identify_file(struct app *app, struct board *board, const json_t *file, bool must_fit,
			     struct error *error)
{
	cleanup_opened_file struct opened_file opened = OPENED_FILE_NONE;
	cleanup_json json_t *resolved = must_fit ? board_resolve(board, error) : NULL;
	struct stat status;
	if (must_fit && !resolved)
		return NULL;
	if (firmware_open_file(app, file, &opened, error) < 0)
		return NULL;
	if (must_fit && firmware_check_fit(opened.fd, resolved, error) < 0)
		return NULL;
	if (fstat(opened.fd, &status) < 0) {
		error_set_errno(error, -errno, "file_not_found", "%s", opened.path);
		return NULL;
	}
	return json_pack("{s:s, s:I, s:I}", "path", opened.path, "device", (json_int_t) status.st_dev,
			 "inode", (json_int_t) status.st_ino);
}

/* "errors" that point at the member which names the file, where that is at fault. NULL: it is not. */
static json_t *point_at_file(const struct error *error, bool is_load)
{
	static const char *const codes[] = {"file_not_found", "invalid_file", "invalid_request",
					    "invalid_value", "path_not_allowed"};
	json_t *errors = NULL;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (text_equal(error->code, codes[i]))
			json_add_fault(&errors, is_load ? "/file" : "/executable", error->message);
	return errors;
}

/* Puts it into the arguments of a command. False: the problem was replied. */
static bool add_file(struct request *request, struct app *app, struct board *board, const json_t *file,
		     bool is_load, json_t *arguments)
{
	struct error error = {0};
	json_t *identified = identify_file(app, board, file, is_load, &error);
	if (identified)
		return json_object_set_new(arguments, "file", identified) == 0;
	reply_problem_list(request, error_code_or(&error, "internal_error"), error.message,
			   point_at_file(&error, is_load));
	return false;
}

/* ---- gdb at work, whoever waits for it ---- */

struct work {
	struct request *request; /* NULL: the client has gone */
	struct board *board;
	bool bears_name; /* of what becomes of the board */
	bool is_load;
};

static void on_gone(void *data)
{
	struct work *work = data;
	work->request = NULL;
}

/* What belongs to the error: the member that caused it, what a gdb that had to be ended had written. New
 * reference. */
static json_t *find_members(const struct error *error, const json_t *body, bool is_load)
{
	static const char *const names[] = {"errors", "stdout", "stdout_base64", "stderr", "stderr_base64"};
	json_t *members = json_pack("{s:o*}", "errors", point_at_file(error, is_load));
	for (size_t i = 0; members && i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set(members, names[i], json_object_get(body, names[i]));
	return members;
}

static void on_done(const struct error *error, const json_t *body, void *data)
{
	const struct work work = *(struct work *) data;
	free(data);
	if (work.bears_name)
		board_end_work(work.board);
	if (!work.request)
		return;
	if (error)
		reply_problem_with(work.request, error, find_members(error, body, work.is_load));
	else if (work.is_load)
		reply_instance(work.request, 200, work.board);
	else
		reply_json(work.request, 200, json_incref((json_t *) body));
}

static void begin_work(struct request *request, struct board *board, const char *command,
		       const json_t *arguments, uint64_t timeout_ms)
{
	struct error error;
	struct work *work = malloc(sizeof(*work));
	if (!work) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*work = (struct work){.request = request, .board = board, .is_load = text_equal(command, "load")};
	if (!board_command(board, command, arguments, timeout_ms, on_done, work, &error)) {
		free(work);
		reply_error(request, &error);
		return;
	}
	work->bears_name = board_begin_work(board, request_actor(request));
	request_on_gone(request, on_gone, work);
}

/* ---- POST /instances/{id}/gdb ---- */

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
	if (executable && !add_file(request, app, board, executable, false, arguments))
		return;
	begin_work(request, board, "gdb", arguments, timeout_ms ? timeout_ms : 1);
}

/* ---- POST /instances/{id}/load ---- */

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
	cleanup_json json_t *arguments = json_object();
	json_object_set(arguments, "paused", json_object_get(body, "paused"));
	if (!add_file(request, app, board, json_object_get(body, "file"), true, arguments))
		return;
	begin_work(request, board, "load", arguments, timeout_ms);
}
