#include "server/http/exchange.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/shared_text.h"
#include "core/base/text.h"
#include "server/http/content.h"
#include "server/http/field.h"
#include "server/http/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { GZIP_LEVEL = 1 };

/* ---- headers ---- */

void reply_header(struct request *request, const char *name, const char *value)
{
	if (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n"))
		return;
	size_t name_size = strlen(name) + 1;
	size_t value_size = strlen(value) + 1;
	struct header *header = malloc(sizeof(*header) + name_size + value_size);
	if (!header)
		return;
	header->value = header->name + name_size;
	memcpy(header->name, name, name_size);
	memcpy(header->value, value, value_size);
	struct header **last = &request->headers;
	while (*last)
		last = &(*last)->next;
	header->next = NULL;
	*last = header;
}

void reply_header_format(struct request *request, const char *name, const char *format, ...)
{
	char value[2048];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	if (length >= 0 && (size_t) length < sizeof(value))
		reply_header(request, name, value);
}

static const char *header_set(const struct request *request, const char *name)
{
	for (const struct header *header = request->headers; header; header = header->next)
		if (strcasecmp(header->name, name) == 0)
			return header->value;
	return NULL;
}

/* ---- sending ---- */

void reply_send(struct request *request, unsigned status, const char *content_type,
		struct MHD_Response *response, uint64_t bytes)
{
	if (!response || request->response || request->status) {
		/* No memory, or a second reply, which the contract forbids. */
		if (response)
			MHD_destroy_response(response);
		if (!request->status)
			shutdown(request->connection->fd, SHUT_RDWR);
		return;
	}
	if (content_type)
		MHD_add_response_header(response, "Content-Type", content_type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Request-Id", request->id);
	for (const struct header *header = request->headers; header; header = header->next)
		MHD_add_response_header(response, header->name, header->value);
	request->response = response;
	request->status = status;
	request->bytes = text_equal(request->method, "HEAD") ? 0 : bytes;
	if (!request->stream)
		request->on_gone = NULL;
	exchange_resume(request);
}

/* bytes are malloc'd and taken. */
static struct MHD_Response *response_of(char *bytes, size_t length)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(bytes);
	return response;
}

static struct MHD_Response *empty_response(void)
{
	return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
}

void reply_empty(struct request *request, unsigned status)
{
	reply_send(request, status, NULL, empty_response(), 0);
}

/* Compresses where it serves and the client takes it. */
static struct MHD_Response *compress(const struct request *request, const struct shared_text *text,
				     size_t *ret_length)
{
	cleanup_buffer struct buffer compressed = {0};
	if (!field_accepts_gzip(request_header(request, "Accept-Encoding")) ||
	    content_gzip(text->bytes, text->length, GZIP_LEVEL, &compressed) < 0 ||
	    compressed.length >= text->length)
		return NULL;
	*ret_length = compressed.length;
	struct MHD_Response *response = response_of(TAKE(compressed.data), *ret_length);
	if (response)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	return response;
}

static void release(void *data)
{
	shared_text_unref(data);
}

/* The text as it is. */
static struct MHD_Response *plain_response(struct shared_text *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
	    text->length, text->bytes, release, shared_text_ref(text));
	if (!response)
		shared_text_unref(text);
	return response;
}

/* Of a body that may be kept by the client; NULL: it may not. */
static const char *find_tag(const struct request *request, unsigned status, struct shared_text *text)
{
	static_assert(sizeof(text->tag) == CONTENT_TAG_SIZE, "a tag fits beside its text");
	if (status != 200 || !(text_equal(request->method, "GET") || text_equal(request->method, "HEAD")))
		return NULL;
	const char *tag = header_set(request, "ETag");
	if (!tag && !text->tag[0])
		content_tag(text->bytes, text->length, text->tag);
	return tag ? tag : text->tag;
}

/* Bodies that are text: with a tag, conditional and compressed. NULL: there was no memory for it. */
static void reply_text(struct request *request, unsigned status, const char *content_type,
		       struct shared_text *text)
{
	if (!text) {
		reply_problem(request, "internal_error", "no memory for the answer");
		return;
	}
	const char *tag = find_tag(request, status, text);
	bool varies = text->length >= CONTENT_GZIP_MINIMUM && !header_set(request, "Content-Encoding");
	size_t length = text->length;
	struct MHD_Response *response = NULL;
	if (tag && field_matches_tag(request_header(request, "If-None-Match"), tag)) {
		status = 304;
		length = 0;
		content_type = NULL;
		response = empty_response();
	} else {
		if (varies)
			response = compress(request, text, &length);
		if (!response)
			response = plain_response(text);
	}
	if (response && varies)
		MHD_add_response_header(response, "Vary", "Accept-Encoding");
	if (response && tag == text->tag)
		MHD_add_response_header(response, "ETag", tag);
	if (response && tag && !header_set(request, "Cache-Control"))
		MHD_add_response_header(response, "Cache-Control", "no-cache");
	reply_send(request, status, content_type, response, length);
}

void reply_json(struct request *request, unsigned status, json_t *json)
{
	char *bytes = json_to_text(json);
	json_decref(json);
	struct shared_text *text = shared_text_create(bytes, bytes ? strlen(bytes) : 0);
	reply_text(request, status, "application/json", text);
	shared_text_unref(text);
}

void reply_json_text(struct request *request, unsigned status, struct shared_text *text)
{
	reply_text(request, status, "application/json", text);
}

void reply_bytes(struct request *request, unsigned status, const char *content_type, const void *bytes,
		 size_t length)
{
	char *copy = malloc(length ? length : 1);
	if (!copy) {
		reply_problem(request, "internal_error", "no memory for the answer");
		return;
	}
	memcpy(copy, bytes, length);
	if (!content_is_compressible(content_type)) {
		reply_send(request, status, content_type, response_of(copy, length), length);
		return;
	}
	struct shared_text *text = shared_text_create(copy, length);
	reply_text(request, status, content_type, text);
	shared_text_unref(text);
}

void reply_file(struct request *request, unsigned status, const char *content_type, int fd, int64_t offset,
		int64_t length)
{
	struct MHD_Response *response =
	    MHD_create_response_from_fd_at_offset64((uint64_t) length, fd, (uint64_t) offset);
	if (!response)
		close(fd);
	reply_send(request, status, content_type, response, (uint64_t) length);
}

/* ---- problems ---- */

/* What HTTP wants beside certain codes, unless the handler has said it already. */
static void add_obliged_headers(struct request *request, unsigned status)
{
	static const struct {
		unsigned status;
		const char *name, *value;
	} obliged[] = {
	    {401, "WWW-Authenticate", "Bearer realm=\"emud\""},
	    {426, "Upgrade", "websocket"},
	    {426, "Sec-WebSocket-Version", "13"},
	    {429, "Retry-After", "1"},
	    {503, "Retry-After", "1"},
	};
	for (size_t i = 0; i < sizeof(obliged) / sizeof(obliged[0]); i++)
		if (obliged[i].status == status && !header_set(request, obliged[i].name))
			reply_header(request, obliged[i].name, obliged[i].value);
}

/* json (may be NULL: no memory) is taken. */
static void send_problem(struct request *request, const struct problem *problem, json_t *json)
{
	char *text = json ? json_to_text(json) : NULL;
	json_decref(json);
	add_obliged_headers(request, problem->status);
	if (!header_set(request, "Cache-Control"))
		reply_header(request, "Cache-Control", "no-store");
	size_t length = text ? strlen(text) : 0;
	reply_send(request, problem->status, "application/problem+json",
		   text ? response_of(text, length) : NULL, length);
}

static json_t *pack_problem(const struct request *request, const struct problem *problem, const char *detail)
{
	char type[128];
	snprintf(type, sizeof(type), "/problems/%s", problem->code);
	return json_pack("{ss ss si so* ss ss}", "type", type, "title", problem->title, "status",
			 (int) problem->status, "detail", json_text_of(detail), "code", problem->code,
			 "request_id", request->id);
}

void reply_problem_list(struct request *request, const char *code, const char *detail, json_t *errors)
{
	const struct problem *problem = problem_find(code);
	json_t *json = pack_problem(request, problem, detail);
	if (json_array_size(errors))
		json_object_set(json, "errors", errors);
	json_decref(errors);
	send_problem(request, problem, json);
}

void reply_problem_with(struct request *request, const struct error *error, json_t *members)
{
	const struct problem *problem = problem_find(error_code_or(error, "internal_error"));
	json_t *json = pack_problem(request, problem, error->message);
	json_object_update_missing(json, members);
	json_decref(members);
	send_problem(request, problem, json);
}

void reply_problem(struct request *request, const char *code, const char *detail_format, ...)
{
	char detail[2048];
	va_list arguments;
	va_start(arguments, detail_format);
	vsnprintf(detail, sizeof(detail), detail_format, arguments);
	va_end(arguments);
	reply_problem_list(request, code, detail, NULL);
}

void reply_error(struct request *request, const struct error *error)
{
	reply_problem_list(request, error_code_or(error, "internal_error"), error->message, NULL);
}
