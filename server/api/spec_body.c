#include "server/api/spec_body.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/body_length.h"
#include "server/http/field.h"
#include "server/http/multipart.h"

#include <string.h>

struct reading {
	struct request *request;
	struct app *app;
	spec_body_done *on_body;
	struct multipart *multipart; /* NULL: the body is the JSON itself */
	struct buffer spec;
	uint64_t max_spec_bytes;
	bool has_spec;
	struct file_upload *upload;
	char *file_name;
	enum { PART_NONE, PART_SPEC, PART_FILE } part;
};

static void destroy(struct reading *reading)
{
	multipart_destroy(reading->multipart);
	buffer_finish(&reading->spec);
	file_upload_destroy(reading->upload);
	free(reading->file_name);
	free(reading);
}

static int append_spec(struct reading *reading, const char *bytes, size_t length, struct error *error)
{
	if (reading->spec.length + length > reading->max_spec_bytes)
		return error_set(error, -EFBIG, "too_large",
				 "the spec has more than %llu bytes (limits.body_bytes)",
				 (unsigned long long) reading->max_spec_bytes);
	if (buffer_append(&reading->spec, bytes, length) < 0)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return 0;
}

static int on_part(const struct multipart_part *part, struct error *error, void *data)
{
	struct reading *reading = data;
	if (text_equal(part->name, "spec") && !reading->has_spec) {
		reading->has_spec = true;
		reading->part = PART_SPEC;
		return 0;
	}
	if (!text_equal(part->name, "file") || reading->upload)
		return error_set(error, -EINVAL, "invalid_request",
				 "part %.100s: the parts are one `spec` (JSON) and one `file`", part->name);
	reading->part = PART_FILE;
	reading->file_name = part->filename ? strdup(part->filename) : NULL;
	reading->upload = file_upload_create(reading->app->files, error);
	return reading->upload ? 0 : error->number;
}

static int on_part_bytes(const char *bytes, size_t length, struct error *error, void *data)
{
	struct reading *reading = data;
	if (reading->part == PART_SPEC)
		return append_spec(reading, bytes, length, error);
	return file_upload_append(reading->upload, bytes, length, error);
}

static int on_part_end(struct error *error, void *data)
{
	(void) error;
	struct reading *reading = data;
	reading->part = PART_NONE;
	return 0;
}

static const struct multipart_events multipart_events = {
    .on_part = on_part,
    .on_bytes = on_part_bytes,
    .on_part_end = on_part_end,
};

static int on_chunk(const char *bytes, size_t length, struct error *error, void *data)
{
	struct reading *reading = data;
	if (reading->multipart)
		return multipart_feed(reading->multipart, bytes, length, error);
	return append_spec(reading, bytes, length, error);
}

static void on_end(void *data)
{
	struct reading *reading = data;
	struct error error;
	json_t *body = NULL;
	int result = reading->multipart ? multipart_finish(reading->multipart, &error) : 0;
	if (!result && reading->multipart && !reading->has_spec)
		result = error_set(&error, -EINVAL, "invalid_request", "the body lacks its part `spec`");
	if (!result && !text_is_utf8(reading->spec.data ? reading->spec.data : "", reading->spec.length))
		result = error_set(&error, -EINVAL, "invalid_json", "the spec is not UTF-8");
	if (!result) {
		body = json_parse(reading->spec.data ? reading->spec.data : "", reading->spec.length, &error);
		result = body ? 0 : error.number;
	}
	if (result < 0)
		reply_error(reading->request, &error);
	else
		reading->on_body(reading->request, reading->app, body, TAKE(reading->upload),
				 reading->file_name);
	json_decref(body);
	destroy(reading);
}

static void on_abort(void *data)
{
	destroy(data);
}

static const struct body_sink sink = {.on_chunk = on_chunk, .on_end = on_end, .on_abort = on_abort};

/* Boundaries and heads of the parts. */
enum { MULTIPART_OVERHEAD_BYTES = 64 * 1024 };

void spec_body_read(struct request *request, struct app *app, spec_body_done *on_body)
{
	const struct config_limits *limits = &config_server(fleet_config(app->fleet))->limits;
	const char *type = request_header(request, "Content-Type");
	bool is_multipart = field_is_media_type(type, "multipart/form-data");
	uint64_t file_bytes = is_multipart ? limits->file_bytes + MULTIPART_OVERHEAD_BYTES : 0;
	if (!body_length_fits(request, limits->body_bytes + file_bytes))
		return;
	struct error error;
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	reading->request = request;
	reading->app = app;
	reading->on_body = on_body;
	reading->max_spec_bytes = limits->body_bytes;
	if (is_multipart) {
		reading->multipart = multipart_create(type, &multipart_events, reading, &error);
		if (!reading->multipart) {
			destroy(reading);
			reply_error(request, &error);
			return;
		}
	} else if (!field_is_media_type(type, "application/json")) {
		destroy(reading);
		reply_problem(
		    request, "unsupported_media_type",
		    "send the spec as application/json, or with the firmware as multipart/form-data");
		return;
	}
	request_set_body_sink(request, &sink, reading);
}
