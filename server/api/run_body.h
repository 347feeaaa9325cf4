#pragma once

/* What POST /runs is sent: JSON, a multipart form (parts `spec` and `file`), or the firmware itself with the
 * rest as query parameters. */

#include "server/api/app.h"
#include "server/http/request.h"

#include <jansson.h>
#include <stdbool.h>

/* How the answer is wanted. */
struct run_answer {
	bool detach, strict, stream;
	bool is_raw; /* the body was the firmware itself */
};

/*
 * spec:
 * {"target","emulator"?,"file"?,"args":[...],"channel"?,"pass":[...],"fail":[...],"timeout","idle_timeout"?,
 * "queue_timeout","input":[{"expect"?,"send_base64"}],"labels":{...}}: complete, every field checked by form
 * and meaning but for the target, the file, the channel and whether the patterns compile. Borrowed. upload:
 * the firmware on its way in, the callee's; NULL: none came. The request awaits its reply.
 */
typedef void run_body_done(struct request *request, struct app *app, const json_t *spec,
			   const struct run_answer *answer, struct file_upload *upload,
			   const char *file_name);

struct field_faults;

/* field_faults_reply_as, naming what the client sent: /pass/0 is ?pass/0 where that was a query parameter. */
bool run_faults_reply_as(struct field_faults *faults, struct request *request,
			 const struct run_answer *answer, const char *code);

/* The query of the route. */
#define RUN_QUERY \
	"target", "file", "args*", "emulator", "channel", "pass*", "fail*", "timeout", "idle_timeout", \
	    "queue_timeout", "input", "detach", "strict", "stream", "label*"

/* Called from the handler, with the head of the request there. Faults are replied. */
void run_body_read(struct request *request, struct app *app, run_body_done *on_body);
