#include "core/config/findings.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <stdarg.h>
#include <string.h>

enum { MESSAGE_SIZE = 2048 };

/* Names from the file go into logs, a line an event, and into JSON. */
static char *one_line(const char *text)
{
	char *clean = text_to_utf8(text, strlen(text));
	for (char *at = clean; at && *at; at++)
		if ((unsigned char) *at < ' ' || *at == 0x7f)
			*at = '?';
	return clean;
}

__attribute__((format(printf, 5, 0))) static void add(struct findings *findings, const struct place *place,
						      int line, bool is_warning, const char *format,
						      va_list arguments)
{
	char message[MESSAGE_SIZE], path[PLACE_PATH_SIZE];
	struct config_report *report = findings->report;
	vsnprintf(message, sizeof(message), format, arguments);
	place_path(place, path);
	findings->error_count += !is_warning;
	struct config_problem *problems =
	    reallocarray(report->problems, report->count + 1, sizeof(*report->problems));
	if (!problems)
		return;
	report->problems = problems;
	struct config_problem problem = {
	    .file = one_line(place->file),
	    .line = line,
	    .key = one_line(path),
	    .message = one_line(message),
	    .is_warning = is_warning,
	};
	if (problem.file && problem.key && problem.message) {
		problems[report->count++] = problem;
		return;
	}
	free(problem.file);
	free(problem.key);
	free(problem.message);
}

void findings_error(struct findings *findings, const struct place *place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(findings, place, place_line(place), false, format, arguments);
	va_end(arguments);
}

void findings_warn(struct findings *findings, const struct place *place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(findings, place, place_line(place), true, format, arguments);
	va_end(arguments);
}

void findings_error_at(struct findings *findings, const struct place *place, size_t line, const char *format,
		       ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(findings, place, line ? (int) line : place_line(place), false, format, arguments);
	va_end(arguments);
}

void findings_out_of_memory(struct findings *findings, const struct place *place)
{
	findings_error(findings, place, "out of memory");
}
