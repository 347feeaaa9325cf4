#include "server/events/event_types.h"

#include <stddef.h>
#include <string.h>

const char *const event_types[] = {
    "instance.created",
    "instance.state",
    "instance.reset",
    "instance.deleted",
    "run.state",
    "run.deleted",
    "file.created",
    "file.deleted",
    "config.reloaded",
    "config.refused",
    "service.started",
    "service.stopping",
    /* Told, but not kept. */
    "instance.sample",
    NULL,
};

bool event_type_fits(const char *type, const char *filter)
{
	size_t length = strlen(filter);
	bool is_group = length > 2 && strcmp(filter + length - 2, ".*") == 0;
	return is_group ? strncmp(type, filter, length - 1) == 0 : strcmp(type, filter) == 0;
}

bool event_types_has(const char *filter)
{
	for (const char *const *type = event_types; *type; type++)
		if (event_type_fits(*type, filter))
			return true;
	return false;
}
