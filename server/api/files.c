#include "server/api/handlers.h"
#include "server/api/replies.h"

#include "core/base/base64.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "server/api/changes.h"
#include "server/api/digest.h"
#include "server/api/upload_body.h"
#include "server/http/field.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* An entry beyond 64-bit signed is told as its decimal digits. */
static json_t *describe_entry(const struct file_row *row)
{
	char digits[24];
	if (!row->has_entry)
		return json_null();
	if (row->entry <= INT64_MAX)
		return json_integer((json_int_t) row->entry);
	snprintf(digits, sizeof(digits), "%" PRIu64, row->entry);
	return json_string(digits);
}

static json_t *describe(const struct file_row *row)
{
	char created_at[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(row->created_at_ms, created_at);
	return json_pack("{s:s, s:I, s:s, s:s, s:s?, s:o, s:s}", "sha256", row->sha256, "size",
			 (json_int_t) row->size_bytes, "name", row->name[0] ? row->name : row->sha256, "kind",
			 row->kind, "machine", row->machine, "entry", describe_entry(row), "created_at",
			 created_at);
}

/* ---- GET /files ---- */

/* A cursor is the last row's name and digest, as base64 of "<sha256><name>". */
static char *make_cursor(const struct file_row *row)
{
	cleanup_free char *text = text_format("%s%s", row->sha256, row->name);
	return text ? base64_encode(text, strlen(text)) : NULL;
}

/* The reverse: *ret_name is the caller's. */
static int read_cursor(const char *cursor, char digest[static DIGEST_HEX_SIZE], char **ret_name)
{
	void *bytes = NULL;
	size_t length;
	if (base64_decode(cursor, strlen(cursor), &bytes, &length) < 0)
		return -EINVAL;
	cleanup_free char *text = strndup(bytes, length);
	free(bytes);
	if (!text || strlen(text) < DIGEST_HEX_SIZE - 1)
		return -EINVAL;
	char *name = strdup(text + DIGEST_HEX_SIZE - 1);
	text[DIGEST_HEX_SIZE - 1] = '\0';
	if (!name || digest_normalize_hex(text, digest) < 0) {
		free(name);
		return -EINVAL;
	}
	*ret_name = name;
	return 0;
}

struct listing {
	json_t *items;
	char *cursor; /* of the last row seen */
};

static int list_row(struct file_row *row, void *data)
{
	struct listing *listing = data;
	free(listing->cursor);
	listing->cursor = make_cursor(row);
	return json_array_append_new(listing->items, describe(row));
}

void list_files(struct request *request, void *data)
{
	struct app *app = data;
	struct page_query query;
	struct error error;
	if (!query_page(request, &query))
		return;
	struct files_page page = {.limit = query.limit};
	cleanup_free char *name = NULL;
	char digest[DIGEST_HEX_SIZE];
	if (query.cursor) {
		if (read_cursor(query.cursor, digest, &name) < 0) {
			reply_problem(request, "invalid_parameter",
				      "cursor is not a next_cursor of this list");
			return;
		}
		page.after_name = name;
		page.after_sha256 = digest;
	}
	struct listing listing = {.items = json_array()};
	bool has_more = false;
	int result = files_list(app->store, &page, list_row, &listing, &has_more, &error);
	cleanup_free char *cursor = listing.cursor;
	if (result < 0) {
		json_decref(listing.items);
		reply_error(request, &error);
		return;
	}
	reply_json(request, 200,
		   json_pack("{s:o, s:s?}", "files", listing.items, "next_cursor", has_more ? cursor : NULL));
}

/* ---- POST /files ---- */

static void on_uploaded(struct request *request, struct app *app, const json_t *spec,
			struct file_upload *upload, const char *part_name, void *data)
{
	(void) data;
	(void) spec;
	const char *name = request_query(request, "name");
	cleanup_file_row struct file_row row = {0};
	struct error error;
	bool is_new;
	int result = file_upload_commit(upload, name ? name : part_name, &row, &is_new, &error);
	file_upload_destroy(upload);
	if (result < 0) {
		reply_error(request, &error);
		return;
	}
	if (is_new)
		publish_file_created(app, &row, request_actor(request));
	if (is_new)
		reply_header_format(request, "Location", "/v1/files/%s", row.sha256);
	reply_json(request, is_new ? 201 : 200, describe(&row));
}

enum { NAME_BYTES_MAX = 255 };

void upload_file(struct request *request, void *app)
{
	const char *name = request_query(request, "name");
	if (name && (!name[0] || strlen(name) > NAME_BYTES_MAX))
		reply_problem(request, "invalid_parameter", "name has 1 to %d bytes", NAME_BYTES_MAX);
	else
		upload_body_read(request, app, UPLOAD_BODY_FILE, on_uploaded, NULL);
}

/* ---- one file ---- */

/* The digest that {sha256} names, in lower case. False: replied. */
static bool read_digest(struct request *request, char out[static DIGEST_HEX_SIZE])
{
	if (digest_normalize_hex(request_parameter(request, "sha256"), out) == 0)
		return true;
	reply_problem(request, "not_found", "a file is named by its SHA-256, 64 hexadecimal digits");
	return false;
}

void get_file(struct request *request, void *data)
{
	struct app *app = data;
	char digest[DIGEST_HEX_SIZE];
	cleanup_file_row struct file_row row = {0};
	struct error error;
	if (!read_digest(request, digest))
		return;
	if (files_get(app->store, digest, &row, &error) < 0)
		reply_error(request, &error);
	else
		reply_json(request, 200, describe(&row));
}

void delete_file(struct request *request, void *data)
{
	struct app *app = data;
	char digest[DIGEST_HEX_SIZE];
	struct error error;
	if (!read_digest(request, digest))
		return;
	if (file_store_delete(app->files, digest, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	publish_file_deleted(app, digest, request_actor(request));
	reply_empty(request, 204);
}

void get_file_content(struct request *request, void *data)
{
	struct app *app = data;
	char digest[DIGEST_HEX_SIZE], tag[DIGEST_HEX_SIZE + 2];
	cleanup_file_row struct file_row row = {0};
	struct error error;
	struct stat status;
	if (!read_digest(request, digest))
		return;
	if (files_get(app->store, digest, &row, &error) < 0) {
		reply_error(request, &error);
		return;
	}
	snprintf(tag, sizeof(tag), "\"%s\"", digest);
	cleanup_close int fd = file_store_open(app->files, digest, &error);
	if (fd < 0 || fstat(fd, &status) < 0) {
		reply_problem(request, "internal_error",
			      "the bytes of this file cannot be read: upload it again");
		return;
	}
	reply_header(request, "ETag", tag);
	if (field_matches_tag(request_header(request, "If-None-Match"), tag)) {
		reply_empty(request, 304);
		return;
	}
	reply_file(request, 200, "application/octet-stream", TAKE_FD(fd), 0, status.st_size);
}
