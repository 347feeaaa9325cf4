#include "server/api/run_reply.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/console_log.h"
#include "server/api/run_stream.h"
#include "server/api/run_summary.h"
#include "server/http/field.h"
#include "server/runs/junit.h"

#include <inttypes.h>

static const char text_type[] = "text/plain; charset=utf-8", junit_type[] = "application/xml";

enum { HTTP_OK = 200, HTTP_ACCEPTED = 202, HTTP_EXPECTATION_FAILED = 417 };

bool run_form_choose(struct request *request, const struct run_answer *answer, enum run_form *ret_form)
{
	static const struct {
		const char *type;
		enum run_form form;
	} forms[] = {{"application/json", RUN_FORM_JSON},
		     {"application/xml", RUN_FORM_JUNIT},
		     {"text/plain", RUN_FORM_TEXT},
		     {NULL, RUN_FORM_JSON}};
	const char *accept = request_header(request, "Accept");
	enum run_form usual = answer->is_raw || answer->stream ? RUN_FORM_TEXT : RUN_FORM_JSON;
	*ret_form = usual;
	if (answer->stream || answer->detach)
		return true;
	for (size_t i = 0; forms[i].type; i++)
		if (field_names_media_type(accept, forms[i].type)) {
			*ret_form = forms[i].form;
			return true;
		}
	for (size_t i = 0; forms[i].type; i++)
		if (forms[i].form == usual && field_accepts_media_type(accept, forms[i].type))
			return true;
	reply_problem(request, "not_acceptable",
		      "the answer comes as application/json, text/plain or application/xml (JUnit)");
	return false;
}

/* ---- JUnit ---- */

struct junit_reply {
	struct request *request; /* NULL: the client has gone */
	unsigned status;
	json_t *run;
	struct run_output output;
	char *text;
	size_t length;
	struct error error;
};

static void destroy_junit(struct junit_reply *reply)
{
	json_decref(reply->run);
	if (reply->output.fd >= 0)
		close(reply->output.fd);
	free(reply->text);
	free(reply);
}

static void write_junit(void *data)
{
	struct junit_reply *reply = data;
	cleanup_free char *output = malloc(JUNIT_OUTPUT_BYTES);
	int64_t end = reply->output.end_offset > 0 ? reply->output.end_offset : 0;
	int64_t start = end > JUNIT_OUTPUT_BYTES ? end - JUNIT_OUTPUT_BYTES : 0;
	ssize_t count = output && reply->output.fd >= 0
			    ? console_log_read(reply->output.fd, start, output, (size_t) (end - start))
			    : 0;
	reply->text = junit_write(reply->run, output, count > 0 ? (size_t) count : 0, start > 0,
				  &reply->length, &reply->error);
}

static void on_junit(void *data)
{
	struct junit_reply *reply = data;
	if (reply->request && reply->text)
		reply_bytes(reply->request, reply->status, junit_type, reply->text, reply->length);
	else if (reply->request)
		reply_error(reply->request, &reply->error);
	destroy_junit(reply);
}

static void on_junit_gone(void *data)
{
	struct junit_reply *reply = data;
	reply->request = NULL;
}

void reply_junit(struct request *request, struct app *app, unsigned status, int64_t id)
{
	struct error error;
	struct junit_reply *reply = calloc(1, sizeof(*reply));
	if (!reply) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*reply = (struct junit_reply){.request = request, .status = status, .output = {.fd = -1}};
	reply->run = runs_describe(app->runs, id, &error);
	if (!reply->run || runs_open_output(app->runs, id, &reply->output, &error) < 0 ||
	    loop_work(app->loop, write_junit, on_junit, reply, &error) < 0) {
		destroy_junit(reply);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_junit_gone, reply);
}

/* ---- when it has ended ---- */

struct run_reply {
	struct request *request;
	struct app *app;
	struct run_watcher *watcher;
	int64_t id;
	enum run_form form;
	bool is_strict, is_owner;
};

static void reply_form(struct request *request, struct app *app, struct run *run,
		       const struct run_reply *reply)
{
	const char *verdict = run_verdict(run);
	unsigned status =
	    reply->is_strict && !text_equal(verdict, "passed") ? HTTP_EXPECTATION_FAILED : HTTP_OK;
	const struct run_stream_options stream = {.id = reply->id, .limit = INT64_MAX, .has_summary = true};
	if (reply->is_owner)
		reply_header(request, "Emud-Verdict", verdict);
	if (reply->form == RUN_FORM_JSON)
		reply_json(request, status, run_to_json(run));
	else if (reply->form == RUN_FORM_JUNIT)
		reply_junit(request, app, status, reply->id);
	else
		reply_run_stream(request, app, status, text_type, &stream);
}

static void on_change(struct run *run, void *data)
{
	struct run_reply *pending = data;
	if (!run_has_ended(run))
		return;
	struct run_reply reply = *pending;
	free(pending);
	reply_form(reply.request, reply.app, run, &reply);
}

static void on_gone(void *data)
{
	struct run_reply *reply = data;
	struct run *run = runs_find(reply->app->runs, reply->id);
	run_unwatch(reply->watcher);
	if (run && reply->is_owner)
		run_cancel(run, "client_gone", "the client that waited for the run went away", NULL);
	free(reply);
}

static void reply_later(struct request *request, struct run *run, const struct run_reply *wanted)
{
	struct error error;
	struct run_reply *reply = malloc(sizeof(*reply));
	if (!reply) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*reply = *wanted;
	reply->watcher = run_watch(run, on_change, reply, &error);
	if (!reply->watcher) {
		free(reply);
		reply_error(request, &error);
		return;
	}
	request_on_gone(request, on_gone, reply);
}

void reply_ended_run(struct request *request, struct app *app, struct run *run)
{
	const struct run_reply reply = {
	    .request = request, .app = app, .id = run_id(run), .form = RUN_FORM_JSON};
	if (run_has_ended(run))
		reply_form(request, app, run, &reply);
	else
		reply_later(request, run, &reply);
}

void reply_new_run(struct request *request, struct app *app, struct run *run, const struct run_answer *answer,
		   enum run_form form)
{
	const struct run_reply reply = {
	    .request = request,
	    .app = app,
	    .id = run_id(run),
	    .form = form,
	    .is_strict = answer->strict,
	    .is_owner = true,
	};
	const struct run_stream_options stream = {
	    .id = run_id(run),
	    .limit = INT64_MAX,
	    .is_followed = true,
	    .has_summary = true,
	    .is_strict = answer->strict,
	    .is_owner = true,
	};
	reply_header_format(request, "Location", "/v1/runs/%" PRId64, run_id(run));
	reply_header_format(request, "Emud-Run", "%" PRId64, run_id(run));
	if (answer->detach)
		reply_json(request, HTTP_ACCEPTED, run_to_json(run));
	else if (answer->stream)
		reply_run_stream(request, app, HTTP_OK, text_type, &stream);
	else
		reply_later(request, run, &reply);
}
