#pragma once

/* The body of POST /files: the raw bytes, or multipart with a part `file`, streamed into an upload. */

#include "server/api/app.h"
#include "server/http/request.h"

/* The whole body, when it is there. upload is the callee's; file_name: of the part, or NULL. */
typedef void file_upload_body_done(struct request *request, struct app *app, struct file_upload *upload,
				   const char *file_name);

/* Called from the handler, with the head of the request there. Faults are replied. */
void file_upload_body_read(struct request *request, struct app *app, file_upload_body_done *on_body);
