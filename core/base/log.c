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
	struct buffer lines; /* not written yet; the memory is kept from event to event */
	size_t line;         /* where the one being made begins */
	unsigned holds;
	int64_t second; /* of now */
	char now[CLOCK_RFC3339_SIZE];
};

enum { HELD_BYTES = 32 * 1024 };

static const char *const level_names[] = {"debug", "info", "warning", "error"};

struct log *log_create(int fd, enum log_level level, enum log_format format)
{
	struct log *log = calloc(1, sizeof(*log));
	if (log)
		*log = (struct log){.fd = fd, .level = level, .format = format};
	return log;
}

static void flush(struct log *log)
{
	ssize_t written = log->lines.length ? write(log->fd, log->lines.data, log->lines.length) : 0;
	/* A log that cannot be written must not end the service; nobody could be told. */
	(void) written;
	buffer_clear(&log->lines);
}

void log_destroy(struct log *log)
{
	if (!log)
		return;
	flush(log);
	buffer_finish(&log->lines);
	free(log);
}

void log_hold(struct log *log)
{
	if (log)
		log->holds++;
}

void log_release(struct log *log)
{
	if (log && --log->holds == 0)
		flush(log);
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

static size_t bare_length(const char *value)
{
	size_t length = 0;
	while (bare[(unsigned char) value[length]])
		length++;
	return length;
}

static void append_quoted(struct buffer *lines, const char *value)
{
	cleanup_json json_t *json = json_text_of(value);
	cleanup_free char *text = json ? json_to_text(json) : NULL;
	buffer_append_text(lines, text ? text : "\"\"");
}

static char *put(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

/* A value stands bare where it has nothing that could be mistaken, else as a JSON string. Every request
 * writes a dozen of these: one reservation for the whole pair. */
static void append_pair(struct log *log, const char *key, const char *value)
{
	enum { AROUND = 6 }; /* separator, quotes, colon */
	struct buffer *lines = &log->lines;
	bool is_json = log->format == LOG_FORMAT_JSON;
	bool is_first = lines->length == log->line;
	size_t key_length = strlen(key);
	size_t length = bare_length(value);
	bool is_bare = length && !value[length];
	if (buffer_reserve(lines, key_length + length + AROUND) < 0)
		return;
	char *at = lines->data + lines->length;
	if (is_json || !is_first)
		*at++ = is_first ? '{' : is_json ? ',' : ' ';
	at = put(at, "\"", is_json);
	at = put(at, key, key_length);
	at = is_json ? put(at, "\":", 2) : put(at, "=", 1);
	if (is_bare) {
		at = put(at, "\"", is_json);
		at = put(at, value, length);
		at = put(at, "\"", is_json);
	}
	*at = '\0';
	lines->length = (size_t) (at - lines->data);
	if (!is_bare)
		append_quoted(lines, value);
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
	log->line = log->lines.length;
	append_pair(log, "time", format_now(log));
	append_pair(log, "level", level_names[level]);
	append_pair(log, "event", event);
	va_list arguments;
	va_start(arguments, event);
	for (const char *key; (key = va_arg(arguments, const char *));) {
		const char *value = va_arg(arguments, const char *);
		if (value)
			append_pair(log, key, value);
	}
	va_end(arguments);
	buffer_append_text(&log->lines, log->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (!log->holds || level >= LOG_LEVEL_WARNING || log->lines.length >= HELD_BYTES)
		flush(log);
}
