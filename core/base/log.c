#include "core/base/log.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

struct log {
	int fd;
	enum log_level level;
	enum log_format format;
	struct buffer line; /* kept from event to event */
	int64_t second;     /* of now */
	char now[CLOCK_RFC3339_SIZE];
};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

struct log *log_create(int fd, enum log_level level, enum log_format format)
{
	struct log *log = calloc(1, sizeof(*log));
	if (log)
		*log = (struct log){.fd = fd, .level = level, .format = format};
	return log;
}

void log_destroy(struct log *log)
{
	if (!log)
		return;
	buffer_finish(&log->line);
	free(log);
}

void log_set_level(struct log *log, enum log_level level)
{
	log->level = level;
}

int log_level_from_text(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!text_equal(text, level_names[i]))
			continue;
		*ret_level = (enum log_level) i;
		return 0;
	}
	return -EINVAL;
}

/* Characters that stand in a key=value line without quotes. */
static const bool bare[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['.'] = true, ['_'] = true,
    ['-'] = true,         [':'] = true,         ['/'] = true,         ['+'] = true, ['@'] = true,
    ['%'] = true,         [','] = true,         ['['] = true,         [']'] = true, ['~'] = true,
};

static bool is_bare(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!bare[(unsigned char) value[i]])
			return false;
	return length > 0;
}

/* A value stands bare where it has nothing that could be mistaken, else as a JSON string. */
static void append_value(struct buffer *line, const char *value, bool quoted)
{
	size_t length = strlen(value);
	if (is_bare(value, length)) {
		buffer_append(line, "\"", quoted);
		buffer_append(line, value, length);
		buffer_append(line, "\"", quoted);
		return;
	}
	cleanup_json json_t *json = json_text(value, length);
	cleanup_free char *text = json ? json_to_text(json) : NULL;
	buffer_append_text(line, text ? text : "\"\"");
}

static void append_pair(struct buffer *line, enum log_format format, const char *key, const char *value)
{
	bool is_json = format == LOG_FORMAT_JSON;
	if (line->length || is_json)
		buffer_append(line, line->length ? (is_json ? "," : " ") : "{", 1);
	buffer_append(line, "\"", is_json);
	buffer_append_text(line, key);
	buffer_append_text(line, is_json ? "\":" : "=");
	append_value(line, value, is_json);
}

/* The time as text; its whole seconds are formatted once a second. */
static const char *format_now(struct log *log)
{
	int64_t now_ms = clock_wall_ms(), second = now_ms / 1000;
	if (second != log->second)
		clock_format_rfc3339(now_ms, log->now);
	log->second = second;
	char *milliseconds = log->now + strlen("2026-11-22T08:49:00.");
	milliseconds[0] = (char) ('0' + now_ms / 100 % 10);
	milliseconds[1] = (char) ('0' + now_ms / 10 % 10);
	milliseconds[2] = (char) ('0' + now_ms % 10);
	return log->now;
}

void log_event(struct log *log, enum log_level level, const char *event, ...)
{
	if (!log || level < log->level)
		return;
	struct buffer *line = &log->line;
	buffer_clear(line);
	append_pair(line, log->format, "time", format_now(log));
	append_pair(line, log->format, "level", level_names[level]);
	append_pair(line, log->format, "event", event);
	va_list arguments;
	va_start(arguments, event);
	for (const char *key; (key = va_arg(arguments, const char *));) {
		const char *value = va_arg(arguments, const char *);
		if (value)
			append_pair(line, log->format, key, value);
	}
	va_end(arguments);
	buffer_append_text(line, log->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	/* A log that cannot be written must not end the service; nobody could be told. */
	if (line->data && write(log->fd, line->data, line->length) < 0)
		return;
}
