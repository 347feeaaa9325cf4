#include "server/api/run_body.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "server/api/fields.h"
#include "server/api/file_store.h"
#include "server/api/run_query.h"
#include "server/api/run_spec.h"
#include "server/api/upload_body.h"
#include "server/http/field.h"

struct run_reading {
	run_body_done *on_body;
	struct run_answer answer;
};

static bool reply_faults(struct field_faults *faults, struct request *request,
			 const struct run_answer *answer)
{
	const char *form = answer->is_raw ? "invalid_parameter" : "invalid_request";
	return run_faults_reply_as(faults, request, answer, faults->is_form ? form : "invalid_value");
}

bool run_faults_reply_as(struct field_faults *faults, struct request *request,
			 const struct run_answer *answer, const char *code)
{
	if (answer->is_raw)
		run_query_name_faults(faults);
	return field_faults_reply_as(faults, request, code);
}

/* Takes the wishes as to the answer out of the body. False: the problem was replied. */
static bool check(struct request *request, const struct app *app, const json_t *body, bool has_upload,
		  struct run_answer *answer, struct field_faults *faults)
{
	answer->detach = json_member_boolean(body, "detach", false);
	answer->strict = json_member_boolean(body, "strict", false);
	answer->stream = json_member_boolean(body, "stream", false);
	run_spec_check(body, config_server(fleet_config(app->fleet))->limits.input_bytes, faults);
	if (has_upload && json_object_get(body, "file"))
		field_faults_add(faults, true, "/file", "the firmware was sent, too: give one of them");
	if (!reply_faults(faults, request, answer))
		return false;
	if (!answer->stream || field_accepts_media_type(request_header(request, "Accept"), "text/plain"))
		return true;
	reply_problem(request, "not_acceptable",
		      "with stream the answer is text/plain, which Accept rules out");
	return false;
}

static void on_whole(struct request *request, struct app *app, const json_t *body, struct file_upload *upload,
		     const char *file_name, void *data)
{
	struct run_reading *reading = data;
	struct field_faults faults = {0};
	cleanup_json json_t *query = reading->answer.is_raw ? run_query_read(request, &faults) : NULL;
	const json_t *wanted = query ? query : body;
	cleanup_json json_t *spec = NULL;
	bool is_sound = check(request, app, wanted, upload != NULL, &reading->answer, &faults);
	if (is_sound && !(spec = run_spec_normalize(wanted)))
		reply_problem(request, "internal_error", "no memory");
	if (spec)
		reading->on_body(request, app, spec, &reading->answer, upload, file_name);
	else
		file_upload_destroy(upload);
}

/* What the head tells is judged before the body is asked for. False: the problem was replied. */
static bool judge_head(struct request *request, const struct app *app, struct run_answer *answer)
{
	struct field_faults faults = {0};
	if (!answer->is_raw) {
		run_query_refuse(request, &faults);
		return field_faults_reply_as(&faults, request, "unknown_parameter");
	}
	cleanup_json json_t *query = run_query_read(request, &faults);
	return check(request, app, query, false, answer, &faults);
}

void run_body_read(struct request *request, struct app *app, run_body_done *on_body)
{
	const char *type = request_header(request, "Content-Type");
	bool bears_spec =
	    field_is_media_type(type, "application/json") || field_is_media_type(type, "multipart/form-data");
	struct run_answer answer = {.is_raw = !bears_spec};
	if (!judge_head(request, app, &answer))
		return;
	struct run_reading *reading = malloc(sizeof(*reading));
	if (!reading) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*reading = (struct run_reading){.on_body = on_body, .answer = answer};
	upload_body_read(request, app, bears_spec ? UPLOAD_BODY_SPEC : UPLOAD_BODY_BYTES, on_whole, reading);
}
