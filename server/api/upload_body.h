#pragma once

/* Bodies that may bear a file, streamed: of an instance or a run (JSON, or multipart with parts `spec` and
 * `file`), of POST /files (the bytes, or multipart with a part `file`), of a run (the bytes). */

#include "server/api/app.h"
#include "server/http/request.h"

#include <jansson.h>

enum upload_body {
	UPLOAD_BODY_SPEC,  /* the spec must be there; the file may be */
	UPLOAD_BODY_FILE,  /* the file alone */
	UPLOAD_BODY_BYTES, /* the same without any parts; an empty body is none */
};

/* The whole body, when it is there. spec: the parsed JSON (borrowed), NULL unless UPLOAD_BODY_SPEC. upload:
 * the file on its way in, the callee's; NULL: none came. file_name: of the part, or NULL. The request awaits
 * its reply. */
typedef void upload_body_done(struct request *request, struct app *app, const json_t *spec,
			      struct file_upload *upload, const char *file_name, void *data);

/* Called from the handler, with the head of the request there. Faults are replied. data is taken: plain
 * memory (or NULL), freed behind on_body or where none comes. */
void upload_body_read(struct request *request, struct app *app, enum upload_body kind,
		      upload_body_done *on_body, void *data);
