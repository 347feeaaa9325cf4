/* What the library lets through and must not be let through: it would be read one way here and another way
 * by whoever stands before us, or cut short in silence. */

#include "server/http/exchange.h"

#include "core/base/text.h"

#include <string.h>
#include <strings.h>

struct head {
	struct request *request;
	const char *expected; /* where the next header's name must lie */
	bool is_misplaced;
	const char *fault;
	unsigned hosts, lengths, encodings, origins, authorizations;
	const char *length, *encoding;
};

static bool is_token(const char *name, size_t length)
{
	static const char separators[] = "()<>@,;:\\\"/[]?={} \t";
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] == 0x7f || strchr(separators, name[i]))
			return false;
	return length > 0;
}

static bool is_named(const char *name, size_t length, const char *wanted)
{
	return length == strlen(wanted) && strncasecmp(name, wanted, length) == 0;
}

static enum MHD_Result on_header(void *data, enum MHD_ValueKind kind, const char *name, size_t name_length,
				 const char *value, size_t value_length)
{
	(void) kind;
	struct head *head = data;
	if (!is_token(name, name_length))
		head->fault = "a header's name is not a token";
	if (!value) {
		value = "";
		value_length = 0;
		head->is_misplaced = true;
	}
	if (memchr(value, '\r', value_length))
		head->fault = "a header's value has a bare CR";
	if (name != head->expected)
		head->is_misplaced = true;
	head->expected = value + value_length + strlen("\r\n");
	if (is_named(name, name_length, "Host")) {
		head->hosts++;
	} else if (is_named(name, name_length, "Content-Length")) {
		head->lengths++;
		head->length = value;
	} else if (is_named(name, name_length, "Transfer-Encoding")) {
		head->encodings++;
		head->encoding = value;
	} else if (is_named(name, name_length, "Origin")) {
		head->origins++;
	} else if (is_named(name, name_length, "Authorization")) {
		head->authorizations++;
	} else if (is_named(name, name_length, "Expect")) {
		head->request->expects_continue = true;
	}
	return MHD_YES;
}

/*
 * A NUL cuts the target or a header's value short, and a folded line is joined to the one before, and
 * neither can be seen in the strings we are given. But the library parses in place: where the head was
 * well-formed, each string begins right behind the one before (and one blank, or CR LF), down to the end of
 * the head. Any gap is a NUL, a bare LF, a folded line or a stray blank.
 */
static bool is_contiguous(const struct request *request, const struct head *head)
{
#if MHD_VERSION < 0x00097600
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return !head->is_misplaced && info &&
	       request->uri_address == request->method + strlen(request->method) + 1 &&
	       request->version == request->uri_address + strlen(request->raw) + 1 &&
	       head->expected + strlen("\r\n") == request->method + info->header_size;
#else
	return true; /* later ones refuse all that themselves */
#endif
}

static bool is_visible_ascii(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static const char *framing_fault(const struct head *head, const char *version)
{
	bool is_1_0 = text_equal(version, "HTTP/1.0");
	if (head->fault)
		return head->fault;
	if (head->hosts > 1 || (!head->hosts && !is_1_0))
		return "exactly one Host header is needed";
	/* Only the first would be looked at, and somebody else may have looked at the last. */
	if (head->origins > 1 || head->authorizations > 1)
		return "there is more than one Origin or Authorization";
	if (head->lengths > 1)
		return "there is more than one Content-Length";
	if (head->lengths && head->encodings)
		return "there are both Content-Length and Transfer-Encoding";
	if (head->encodings > 1 || (head->encodings && strcasecmp(head->encoding, "chunked") != 0))
		return "the only Transfer-Encoding taken is chunked";
	if (head->encodings && is_1_0)
		return "HTTP/1.0 has no Transfer-Encoding";
	return NULL;
}

int head_check(struct request *request, struct error *error)
{
	struct head head = {.request = request};
	head.expected = request->version + strlen(request->version) + strlen("\r\n");
	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, on_header, &head);
	request->is_chunked = head.encodings > 0;
	uint64_t length;
	if (head.length && text_to_uint64(head.length, &length) == 0)
		request->body_length = length;
	const char *fault = framing_fault(&head, request->version);
	if (!fault && !is_visible_ascii(request->raw))
		fault =
		    "the target must be percent-encoded: it has a blank or a byte that is not visible ASCII";
	if (!fault && !is_contiguous(request, &head))
		fault =
		    "the head has a NUL, a folded line, a stray blank or a line that does not end in CR LF";
	return fault ? error_set(error, -EINVAL, "bad_request", "%s", fault) : 0;
}
