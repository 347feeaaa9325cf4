#pragma once

/* The body of POST and PUT of an instance: JSON, or multipart with a part `spec` and a part `file`, streamed.
 */

#include "server/api/app.h"
#include "server/http/request.h"

#include <jansson.h>

/* The whole body, when it is there. body: the parsed JSON (borrowed). upload: the file on its way in, or
 * NULL; the callee's. The request awaits its reply. */
typedef void spec_body_done(struct request *request, struct app *app, const json_t *body,
			    struct file_upload *upload, const char *file_name);

/* Called from the handler, with the head of the request there. Faults are replied. */
void spec_body_read(struct request *request, struct app *app, spec_body_done *on_body);
