/* How an instance's emulator is run: what its launcher is told, and what the process may reach. */

#include "core/base/json.h"
#include "core/shim/instance_internal.h"
#include "core/shim/prestart.h"
#include "core/shim/sandbox.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A directory and no link, whoever left it there. */
int instance_open_files(struct instance *instance, struct error *error)
{
	if (!instance->spec.semihosting)
		return 0;
	if (mkdirat(instance->dirfd, ".files", 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, -errno, NULL, "cannot make the guest's directory");
	instance->files_fd =
	    openat(instance->dirfd, ".files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return instance->files_fd >= 0
		   ? 0
		   : error_set_errno(error, -errno, NULL, "cannot open the guest's directory");
}

const char *instance_working_directory(const struct instance *instance)
{
	return instance->spec.working_directory ? instance->spec.working_directory : instance->state_dir;
}

/* A process of the launcher's own. */
static int start_process(const char *name, const struct launch_command *command, void *data,
			 struct error *error)
{
	struct instance *instance = data;
	pid_t pid;
	return crew_start(instance->crew, name, command, instance->confinement, &pid, error);
}

/* Or tells the one there is what it was prestarted for. */
int instance_make_launcher(struct instance *instance, struct error *error)
{
	const struct launch launch = {
	    .loop = instance->loop,
	    .emulator = instance->spec.emulator,
	    .target = instance->spec.target,
	    .start_process = start_process,
	    .data = instance,
	    .state_dirfd = instance->dirfd,
	    .state_dir = instance->state_dir,
	    .directory = instance_working_directory(instance),
	    .semihosting = instance->files_fd >= 0,
	    .files_fd = instance->files_fd,
	    .settings = instance->spec.settings,
	    .args = (const char *const *) instance->spec.args,
	    .firmware_fd = prestart_firmware(instance),
	    .paused = instance->spec.paused,
	    .debug = instance->spec.debug,
	    .prestart = instance->spec.prestart,
	};
	if (instance->launcher)
		return instance->emulator->launcher->settle(instance->launcher, &launch, error);
	instance->launcher = instance->emulator->launcher->create(&launch, error);
	return instance->launcher ? 0 : error->number;
}

int instance_execute_emulator(struct instance *instance, pid_t *ret_pid, struct error *error)
{
	struct launch_command command;
	int result = instance->emulator->launcher->prepare(instance->launcher, &command, error);
	if (result < 0)
		return result;
	instance->command = json_from_text_vector((const char *const *) command.argv);
	struct confinement *narrow = NULL;
	if (command.narrow_paths) {
		narrow = sandbox_create_narrow(&instance->spec, &command, prestart_firmware(instance), error);
		if (!narrow)
			return error->number;
	}
	result = crew_start(instance->crew, instance->spec.emulator, &command,
			    narrow ? narrow : instance->confinement, ret_pid, error);
	confinement_destroy(narrow);
	return result;
}
