#include "server/api/upload_body.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "server/api/body_length.h"
#include "server/http/field.h"
#include "server/http/multipart.h"

#include <string.h>

/* Boundaries and heads of the parts. */
enum { MULTIPART_OVERHEAD_BYTES = 64 * 1024 };

struct reading {
	struct request *request;
	struct app *app;
	enum upload_body kind;
	upload_body_done *on_body;
	void *data;
	struct multipart *multipart; /* NULL: the body is the spec, or the file, itself */
	struct buffer spec;
	bool has_spec, in_spec; /* in_spec: the part that comes now */
	struct file_upload *upload;
	char *file_name;
};

static const struct config_limits *limits_of(const struct app *app)
{
	return &config_server(fleet_config(app->fleet))->limits;
}

static void destroy(struct reading *reading)
{
	multipart_destroy(reading->multipart);
	buffer_finish(&reading->spec);
	file_upload_destroy(reading->upload);
	free(reading->file_name);
	free(reading->data);
	free(reading);
}

static int begin_file(struct reading *reading, struct error *error)
{
	reading->in_spec = false;
	reading->upload = file_upload_create(reading->app->files, error);
	return reading->upload ? 0 : error->number;
}

static int append(struct reading *reading, const char *bytes, size_t length, struct error *error)
{
	uint64_t max_bytes = limits_of(reading->app)->body_bytes;
	int result = reading->in_spec || reading->upload ? 0 : begin_file(reading, error);
	if (result < 0)
		return result;
	if (!reading->in_spec)
		return file_upload_append(reading->upload, bytes, length, error);
	if (reading->spec.length + length > max_bytes)
		return error_set(error, -EFBIG, "too_large",
				 "the spec has more than %llu bytes (limits.body_bytes)",
				 (unsigned long long) max_bytes);
	return buffer_append(&reading->spec, bytes, length) < 0 ? error_set(error, -ENOMEM, NULL, "no memory")
								: 0;
}

static int on_part(const struct multipart_part *part, struct error *error, void *data)
{
	struct reading *reading = data;
	if (reading->kind == UPLOAD_BODY_SPEC && text_equal(part->name, "spec") && !reading->has_spec) {
		reading->has_spec = reading->in_spec = true;
		return 0;
	}
	if (!text_equal(part->name, "file") || reading->upload)
		return error_set(
		    error, -EINVAL, "invalid_request", "part %.100s: the parts are %s", part->name,
		    reading->kind == UPLOAD_BODY_SPEC ? "one `spec` (JSON) and one `file`" : "one `file`");
	reading->file_name = part->filename ? strdup(part->filename) : NULL;
	return begin_file(reading, error);
}

static int on_part_bytes(const char *bytes, size_t length, struct error *error, void *data)
{
	return append(data, bytes, length, error);
}

static int on_part_end(struct error *error, void *data)
{
	(void) error;
	(void) data;
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
	return reading->multipart ? multipart_feed(reading->multipart, bytes, length, error)
				  : append(reading, bytes, length, error);
}

/* *ret_spec stays NULL where none is wanted. */
static int finish(struct reading *reading, json_t **ret_spec, struct error *error)
{
	bool wants_spec = reading->kind == UPLOAD_BODY_SPEC;
	int result = reading->multipart ? multipart_finish(reading->multipart, error) : 0;
	if (result < 0)
		return result;
	if (reading->kind == UPLOAD_BODY_BYTES)
		return 0;
	if (wants_spec ? !reading->has_spec : !reading->upload)
		return error_set(error, -EINVAL, "invalid_request", "the body lacks its part `%s`",
				 wants_spec ? "spec" : "file");
	if (!wants_spec)
		return 0;
	const char *text = reading->spec.data ? reading->spec.data : "";
	if (!text_is_utf8(text, reading->spec.length))
		return error_set(error, -EINVAL, "invalid_json", "the spec is not UTF-8");
	*ret_spec = json_parse(text, reading->spec.length, error);
	return *ret_spec ? 0 : error->number;
}

static void on_end(void *data)
{
	struct reading *reading = data;
	cleanup_json json_t *spec = NULL;
	struct error error;
	if (finish(reading, &spec, &error) < 0)
		reply_error(reading->request, &error);
	else
		reading->on_body(reading->request, reading->app, spec, TAKE(reading->upload),
				 reading->file_name, reading->data);
	destroy(reading);
}

static void on_abort(void *data)
{
	destroy(data);
}

static const struct body_sink sink = {.on_chunk = on_chunk, .on_end = on_end, .on_abort = on_abort};

/* Sets the reading up for what the head announces. */
static int begin(struct reading *reading, const char *type, struct error *error)
{
	if (reading->kind == UPLOAD_BODY_BYTES)
		return 0;
	if (field_is_media_type(type, "multipart/form-data")) {
		reading->multipart = multipart_create(type, &multipart_events, reading, error);
		return reading->multipart ? 0 : error->number;
	}
	if (reading->kind == UPLOAD_BODY_FILE)
		return begin_file(reading, error);
	reading->has_spec = reading->in_spec = true;
	if (field_is_media_type(type, "application/json"))
		return 0;
	return error_set(error, -EINVAL, "unsupported_media_type",
			 "send the spec as application/json, or with the firmware as multipart/form-data");
}

void upload_body_read(struct request *request, struct app *app, enum upload_body kind,
		      upload_body_done *on_body, void *data)
{
	const struct config_limits *limits = limits_of(app);
	const char *type = request_header(request, "Content-Type");
	bool bears_file = kind != UPLOAD_BODY_SPEC || field_is_media_type(type, "multipart/form-data");
	uint64_t max_bytes = kind == UPLOAD_BODY_SPEC ? limits->body_bytes : 0;
	if (!body_length_fits(request,
			      max_bytes + (bears_file ? limits->file_bytes + MULTIPART_OVERHEAD_BYTES : 0))) {
		reply_problem(request, "too_large", "the %s has more than %llu bytes (limits.%s)",
			      bears_file ? "file" : "spec",
			      (unsigned long long) (bears_file ? limits->file_bytes : limits->body_bytes),
			      bears_file ? "file_bytes" : "body_bytes");
		free(data);
		return;
	}
	struct error error;
	struct reading *reading = calloc(1, sizeof(*reading));
	if (!reading) {
		free(data);
		reply_problem(request, "internal_error", "no memory");
		return;
	}
	*reading =
	    (struct reading){.request = request, .app = app, .kind = kind, .on_body = on_body, .data = data};
	if (begin(reading, type, &error) < 0) {
		destroy(reading);
		reply_error(request, &error);
		return;
	}
	request_set_body_sink(request, &sink, reading);
}
