#pragma once

/* One line an event, key=value or JSON. Only the edges (main, the HTTP edge, the shim's edge) call this. */

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_KEY_VALUE, LOG_FORMAT_JSON };

struct log; /* writes to one descriptor, which it does not own */

struct log *log_create(int fd, enum log_level level, enum log_format format);
void log_destroy(struct log *log);
void log_set_level(struct log *log, enum log_level level);
int log_level_from_text(const char *text, enum log_level *ret_level);

/* Between the two, lines wait to be written together: until the last release, a line of level warning or
 * error, or 32 KiB of them. A process that is killed meanwhile takes them with it. May be nested; NULL is
 * taken. */
void log_hold(struct log *log);
void log_release(struct log *log);

/* Pairs of const char * key and value end with NULL; a pair whose value is NULL is left out.
 * log_event(log, LOG_LEVEL_INFO, "instance.started", "instance", id, "pid", pid_text, NULL) */
void log_event(struct log *log, enum log_level level, const char *event, ...) __attribute__((sentinel));
