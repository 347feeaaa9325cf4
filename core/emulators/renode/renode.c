#include "core/emulators/renode/renode.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/renode/session.h"
#include "core/emulators/renode/settings.h"
#include "core/process/program.h"

static char *unavailable(const json_t *settings)
{
	const char *executable = json_member_string(settings, "executable", RENODE_EXECUTABLE);
	if (program_is_there(executable))
		return NULL;
	return text_format("'%s' is not installed: get Renode 1.15 or newer from "
			   "https://github.com/renode/renode/releases and put it on the PATH",
			   executable);
}

static const char *const version_command[] = {RENODE_EXECUTABLE, "--version", NULL};

const struct emulator renode_emulator = {
    .name = "renode",
    .config = &renode_config,
    .launcher = &renode_launcher_ops,
    .connector = &renode_connector_ops,
    .unavailable = unavailable,
    .version_command = version_command,
};
