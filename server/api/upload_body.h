#pragma once

/* Bodies that may bear a file, streamed: of an instance (JSON, or multipart with parts `spec` and `file`) and
 * of POST /files (the bytes, or multipart with a part `file`). */

#include "server/api/app.h"
#include "server/http/request.h"

#include <jansson.h>

enum upload_body {
	UPLOAD_BODY_SPEC, /* the spec must be there; the file may be */
	UPLOAD_BODY_FILE, /* the file alone */
};

/* The whole body, when it is there. spec: the parsed JSON (borrowed), NULL with UPLOAD_BODY_FILE. upload: the
 * file on its way in, the callee's; NULL: none came. file_name: of the part, or NULL. The request awaits its
 * reply. */
typedef void upload_body_done(struct request *request, struct app *app, const json_t *spec,
			      struct file_upload *upload, const char *file_name);

/* Called from the handler, with the head of the request there. Faults are replied. */
void upload_body_read(struct request *request, struct app *app, enum upload_body kind,
		      upload_body_done *on_body);
