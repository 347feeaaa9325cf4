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

/* A value stands bare where it has nothing that could be mistaken, else as a JSON string. */
static void append_value(struct buffer *line, const char *value)
{
	static const char bare[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:/+@%,[]~";
	if (value[0] && strspn(value, bare) == strlen(value)) {
		buffer_append_text(line, value);
		return;
	}
	cleanup_json json_t *json = json_text(value, strlen(value));
	cleanup_free char *text = json ? json_to_text(json) : NULL;
	buffer_append_text(line, text ? text : "\"\"");
}

static void append_pair(struct buffer *line, enum log_format format, const char *key, const char *value)
{
	if (format == LOG_FORMAT_KEY_VALUE) {
		buffer_append_format(line, "%s%s=", line->length ? " " : "", key);
		append_value(line, value);
		return;
	}
	cleanup_json json_t *json = json_text(value, strlen(value));
	cleanup_free char *text = json ? json_to_text(json) : NULL;
	buffer_append_format(line, "%s\"%s\":%s", line->length ? "," : "{", key, text ? text : "\"\"");
}

void log_event(struct log *log, enum log_level level, const char *event, ...)
{
	if (!log || level < log->level)
		return;
	cleanup_buffer struct buffer line = {0};
	char now[CLOCK_RFC3339_SIZE];
	clock_format_rfc3339(clock_wall_ms(), now);
	append_pair(&line, log->format, "time", now);
	append_pair(&line, log->format, "level", level_names[level]);
	append_pair(&line, log->format, "event", event);
	va_list arguments;
	va_start(arguments, event);
	for (const char *key; (key = va_arg(arguments, const char *));) {
		const char *value = va_arg(arguments, const char *);
		if (value)
			append_pair(&line, log->format, key, value);
	}
	va_end(arguments);
	buffer_append_text(&line, log->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	/* A log that cannot be written must not end the service; nobody could be told. */
	if (line.data && write(log->fd, line.data, line.length) < 0)
		return;
}
