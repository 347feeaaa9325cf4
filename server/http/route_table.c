#include "server/http/route_table.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "server/http/uri.h"

#include <stdint.h>
#include <string.h>

enum segment_kind { SEGMENT_LITERAL, SEGMENT_PARAMETER, SEGMENT_REST };

struct route_pattern {
	const struct route *route;
	bool has_rest;
	size_t count;
	struct {
		enum segment_kind kind;
		const char *text; /* of the pattern, without braces; not NUL-terminated */
		size_t length;
	} segments[ROUTE_SEGMENTS_MAX];
};

struct route_table {
	size_t count;
	struct route_pattern patterns[];
};

/* ---- compiling ---- */

static int compile_segment(struct route_pattern *pattern, const char *text, size_t length, bool is_last)
{
	enum segment_kind kind = SEGMENT_LITERAL;
	if (length && text[0] == '{') {
		if (length < 3 || text[length - 1] != '}')
			return -EINVAL;
		kind = SEGMENT_PARAMETER;
		text++;
		length -= 2;
		if (text[length - 1] == '*') {
			kind = SEGMENT_REST;
			pattern->has_rest = true;
			length--;
		}
	}
	if (pattern->count == ROUTE_SEGMENTS_MAX || (kind == SEGMENT_REST && !is_last))
		return -EINVAL;
	pattern->segments[pattern->count].kind = kind;
	pattern->segments[pattern->count].text = text;
	pattern->segments[pattern->count].length = length;
	pattern->count++;
	return 0;
}

static int compile(const struct route *route, struct route_pattern *pattern)
{
	pattern->route = route;
	if (route->pattern[0] != '/' || !route->method || !route->handler)
		return -EINVAL;
	for (const char *at = route->pattern; *at;) {
		at++;
		size_t length = strcspn(at, "/");
		if (compile_segment(pattern, at, length, !at[length]) < 0)
			return -EINVAL;
		at += length;
	}
	return 0;
}

/* Literals before parameters before rests, at the first segment that differs. */
static int compare_patterns(const void *left, const void *right)
{
	const struct route_pattern *a = left;
	const struct route_pattern *b = right;
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (a->segments[i].kind != b->segments[i].kind)
			return a->segments[i].kind < b->segments[i].kind ? -1 : 1;
	return (a->route > b->route) - (a->route < b->route);
}

struct route_table *route_table_create(const struct route *routes, struct error *error)
{
	size_t count = 0;
	while (routes[count].pattern)
		count++;
	struct route_table *table = calloc(1, sizeof(*table) + count * sizeof(table->patterns[0]));
	if (!table) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	table->count = count;
	for (size_t i = 0; i < count; i++) {
		if (compile(&routes[i], &table->patterns[i]) == 0)
			continue;
		error_set(error, -EINVAL, NULL, "malformed route %s", routes[i].pattern);
		route_table_destroy(table);
		return NULL;
	}
	qsort(table->patterns, count, sizeof(table->patterns[0]), compare_patterns);
	return table;
}

void route_table_destroy(struct route_table *table)
{
	free(table);
}

/* ---- matching ---- */

int route_path_parse(char *segments_buffer, char *whole_buffer, struct route_path *path)
{
	*path = (struct route_path){0};
	if (segments_buffer[0] != '/')
		return -EINVAL;
	if (strncmp(segments_buffer, "/v1/", 4) == 0) {
		path->versioned = true;
		segments_buffer += 3;
		whole_buffer += 3;
	}
	if (uri_decode(whole_buffer, false) < 0)
		return -EINVAL;
	path->whole = whole_buffer;
	segments_buffer++;
	for (char *segment; (segment = strsep(&segments_buffer, "/"));) {
		if (path->count == ROUTE_SEGMENTS_MAX)
			return -ENAMETOOLONG;
		uri_decode(segment, false); /* well-formed, as the whole is */
		path->segments[path->count++] = segment;
	}
	return 0;
}

static bool matches(const struct route_pattern *pattern, const struct route_path *path)
{
	if (pattern->has_rest ? path->count < pattern->count : path->count != pattern->count)
		return false;
	if (path->versioned && (pattern->route->flags & ROUTE_UNVERSIONED))
		return false;
	for (size_t i = 0; i < pattern->count; i++) {
		const char *segment = path->segments[i];
		if (pattern->segments[i].kind == SEGMENT_REST)
			return true;
		if (pattern->segments[i].kind == SEGMENT_PARAMETER) {
			if (!*segment)
				return false;
			continue;
		}
		size_t length = pattern->segments[i].length;
		if (strncmp(segment, pattern->segments[i].text, length) != 0 || segment[length])
			return false;
	}
	return true;
}

static void allow(char *out, const char *method)
{
	size_t used = strlen(out);
	size_t length = strlen(method);
	if (strstr(out, method) || used + length + 3 > ROUTE_ALLOW_SIZE)
		return;
	memcpy(out + used, ", ", 2);
	memcpy(out + used + 2 * (used > 0), method, length + 1);
}

void route_table_match(const struct route_table *table, const char *method, const struct route_path *path,
		       struct route_match *match)
{
	match->route = NULL;
	match->pattern = NULL;
	match->allow[0] = '\0';
	match->path_flags = UINT32_MAX;
	if (text_equal(method, "HEAD"))
		method = "GET";
	for (size_t i = 0; i < table->count; i++) {
		const struct route_pattern *pattern = &table->patterns[i];
		if (!matches(pattern, path))
			continue;
		match->path_flags &= pattern->route->flags;
		if (text_equal(pattern->route->method, method)) {
			match->route = pattern->route;
			match->pattern = pattern;
			return;
		}
		allow(match->allow, pattern->route->method);
		if (text_equal(pattern->route->method, "GET"))
			allow(match->allow, "HEAD");
	}
	if (match->allow[0])
		allow(match->allow, "OPTIONS");
	else
		match->path_flags = 0;
}

/* Where the i-th segment begins in the decoded whole: decoding shortens both alike. */
static const char *rest_from(const struct route_path *path, size_t index)
{
	const char *at = path->whole + 1;
	for (size_t i = 0; i < index; i++)
		at += strlen(path->segments[i]) + 1;
	return at;
}

const char *route_match_parameter(const struct route_match *match, const struct route_path *path,
				  const char *name)
{
	const struct route_pattern *pattern = match->pattern;
	size_t length = strlen(name);
	for (size_t i = 0; pattern && i < pattern->count; i++) {
		if (pattern->segments[i].kind == SEGMENT_LITERAL || pattern->segments[i].length != length ||
		    memcmp(pattern->segments[i].text, name, length) != 0)
			continue;
		return pattern->segments[i].kind == SEGMENT_REST ? rest_from(path, i) : path->segments[i];
	}
	return NULL;
}
