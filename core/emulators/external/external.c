#include "core/emulators/external/external.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/external/launcher_external.h"
#include "core/process/program.h"

/* settings may be the declaration alone. */
static char *complain_of_programs(const json_t *settings)
{
	const char *driver = json_string_value(json_array_get(json_object_get(settings, "driver"), 0));
	const char *executable = json_member_string(settings, "executable", NULL);
	if (driver && !program_is_there(driver))
		return text_format("its driver '%s' is not there or cannot be executed", driver);
	if (executable && !program_is_there(executable))
		return text_format("'%s' is not there or cannot be executed", executable);
	return NULL;
}

const struct emulator external_emulator = {
    .name = "external",
    .config = &external_config,
    .launcher = &external_launcher_ops,
    .connector = &external_connector_ops,
    .unavailable = complain_of_programs,
};
