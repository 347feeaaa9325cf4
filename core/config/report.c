#include "core/base/text.h"
#include "core/config/config.h"

#include <stdlib.h>

void config_report_finish(struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->problems[i].file);
		free(report->problems[i].key);
		free(report->problems[i].message);
	}
	free(report->problems);
	*report = (struct config_report){0};
}

char *config_problem_format(const struct config_problem *problem)
{
	const char *separator = problem->key[0] ? ": " : "";
	if (problem->line > 0)
		return text_format("%s:%d: %s%s%s", problem->file, problem->line, problem->key, separator,
				   problem->message);
	return text_format("%s: %s%s%s", problem->file, problem->key, separator, problem->message);
}

size_t config_report_error_count(const struct config_report *report)
{
	size_t count = 0;
	for (size_t i = 0; i < report->count; i++)
		count += !report->problems[i].is_warning;
	return count;
}
