#include "server/api/file_upload_body.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/api/body_length.h"
#include "server/http/field.h"
#include "server/http/multipart.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct request *request;
	struct app *app;
	file_upload_body_done *on_body;
	struct multipart *multipart; /* NULL: the body is the file itself */
	struct file_upload *upload;
	char *file_name;
};

static void destroy(struct reading *reading)
{
	multipart_destroy(reading->multipart);
	file_upload_destroy(reading->upload);
	free(reading->file_name);
	free(reading);
}

static int on_part(const struct multipart_part *part, struct error *error, void *data)
{
	struct reading *reading = data;
	if (!text_equal(part->name, "file") || reading->upload)
		return error_set(error, -EINVAL, "invalid_request",
				 "part %.100s: the body has one part, `file`", part->name);
	reading->file_name = part->filename ? strdup(part->filename) : NULL;
	reading->upload = file_upload_create(reading->app->files, error);
	return reading->upload ? 0 : error->number;
}

static int on_bytes(const char *bytes, size_t length, struct error *error, void *data)
{
	struct reading *reading = data;
	return file_upload_append(reading->upload, bytes, length, error);
}

static int on_part_end(struct error *error, void *data)
{
	(void) error;
	(void) data;
	return 0;
}

static const struct multipart_events multipart_events = {
    .on_part = on_part,
    .on_bytes = on_bytes,
    .on_part_end = on_part_end,
};

static int on_chunk(const char *bytes, size_t length, struct error *error, void *data)
{
	struct reading *reading = data;
	if (reading->multipart)
		return multipart_feed(reading->multipart, bytes, length, error);
	return file_upload_append(reading->upload, bytes, length, error);
}

static void on_end(void *data)
{
	struct reading *reading = data;
	struct error error;
	int result = reading->multipart ? multipart_finish(reading->multipart, &error) : 0;
	if (!result && !reading->upload)
		result = error_set(&error, -EINVAL, "invalid_request", "the body lacks its part `file`");
	if (result < 0)
		reply_error(reading->request, &error);
	else
		reading->on_body(reading->request, reading->app, TAKE(reading->upload), reading->file_name);
	destroy(reading);
}

static void on_abort(void *data)
{
	destroy(data);
}

static const struct body_sink sink = {.on_chunk = on_chunk, .on_end = on_end, .on_abort = on_abort};

/* Boundaries and heads of the parts. */
enum { MULTIPART_OVERHEAD_BYTES = 64 * 1024 };

void file_upload_body_read(struct request *request, struct app *app, file_upload_body_done *on_body)
{
	const char *type = request_header(request, "Content-Type");
	const struct config_limits *limits = &config_server(fleet_config(app->fleet))->limits;
	if (!body_length_fits(request, limits->file_bytes + MULTIPART_OVERHEAD_BYTES))
		return;
	struct error error = {0};
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*reading = (struct reading){.request = request, .app = app, .on_body = on_body};
	if (field_is_media_type(type, "multipart/form-data"))
		reading->multipart = multipart_create(type, &multipart_events, reading, &error);
	else
		reading->upload = file_upload_create(app->files, &error);
	if (reading->multipart || reading->upload) {
		request_set_body_sink(request, &sink, reading);
		return;
	}
	destroy(reading);
	reply_error(request, &error);
}
