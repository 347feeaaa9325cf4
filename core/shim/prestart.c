#include "core/shim/prestart.h"

#include "core/base/cleanup.h"
#include "core/process/cgroup.h"
#include "core/shim/instance_internal.h"
#include "core/shim/sandbox.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_emulator(const struct instance *instance, struct error *error)
{
	const struct launcher_ops *ops = instance->emulator->launcher;
	if (ops->settle && ops->waits_for_start && !ops->plan)
		return 0;
	return error_set(error, -ENOTSUP, NULL, "%s cannot be started before its target is known",
			 instance->spec.emulator);
}

int prestart_begin(struct instance *instance, struct error *error)
{
	pid_t pid;
	int result = check_emulator(instance, error);
	if (result < 0)
		return result;
	/* Its bytes follow; the process inherits it now. */
	instance->image_fd = memfd_create("firmware", MFD_CLOEXEC);
	if (instance->image_fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot make a file for the firmware");
	instance->confinement = sandbox_create(&instance->spec, instance->state_dir, -1, -1, error);
	result = instance->confinement ? instance_make_launcher(instance, error) : error->number;
	return result ? result : instance_execute_emulator(instance, &pid, error);
}

static int copy_firmware(const struct instance *instance, struct error *error)
{
	struct stat status;
	off_t offset = 0;
	if (instance->firmware_fd < 0)
		return 0;
	if (fstat(instance->firmware_fd, &status) < 0)
		return error_set_errno(error, -errno, "invalid_file", "the firmware cannot be read");
	while (offset < status.st_size) {
		ssize_t count = sendfile(instance->image_fd, instance->firmware_fd, &offset,
					 (size_t) (status.st_size - offset));
		if (count <= 0)
			return error_set_errno(error, count < 0 ? -errno : -EIO, NULL,
					       "the firmware cannot be copied");
	}
	return 0;
}

/* Its processes go into the handles and the cgroup of who it is now. */
static int take_identity(struct instance *instance, struct error *error)
{
	struct handles *handles = instance->handles;
	struct cgroup *cgroup = instance->cgroup;
	instance->handles = NULL;
	instance->cgroup = NULL;
	int result = instance_take_identity(instance, error);
	if (!instance->handles) {
		instance->handles = handles;
		instance->cgroup = cgroup;
		return result;
	}
	const struct crew_options crew = instance_crew_options(instance);
	crew_move(instance->crew, &crew);
	if (instance->cgroup && cgroup)
		cgroup_take_over(instance->cgroup, cgroup);
	handles_destroy(handles);
	cgroup_destroy(cgroup);
	return 0;
}

/* What helpers and gdb may reach is another than what the emulator may, which had to be told earlier. */
static int confine(struct instance *instance, struct error *error)
{
	struct confinement *confinement =
	    sandbox_create(&instance->spec, instance->state_dir, -1, instance->firmware_fd, error);
	if (!confinement)
		return error->number;
	confinement_destroy(instance->confinement);
	instance->confinement = confinement;
	return 0;
}

static int settle(struct instance *instance, struct error *error)
{
	int result = take_identity(instance, error);
	if (!result)
		result = confine(instance, error);
	if (!result)
		result = copy_firmware(instance, error);
	if (!result)
		result = instance_make_launcher(instance, error);
	if (!result)
		result = instance_make_channels(instance, error);
	if (!result)
		result = instance_start_helpers(instance, instance->spec.pre_start, error);
	const json_t *process =
	    json_object_get(handles_processes(instance->handles), instance->spec.emulator);
	pid_t pid = (pid_t) json_integer_value(json_object_get(process, "pid"));
	return result ? result : instance_begin_emulation(instance, pid, error);
}

void prestart_settle(struct instance *instance, struct spec *spec, int firmware_fd)
{
	struct error error;
	instance->prestart_spec = instance->spec;
	instance->spec = *spec;
	*spec = (struct spec){0};
	instance->firmware_fd = firmware_fd;
	instance->events->on_change(instance->data);
	/* One that has ended meanwhile tells its end as this start's. */
	if (instance->state == STATE_STARTING) {
		loop_timer_start(instance->deadline, instance->spec.limits.start_timeout_ms);
		if (settle(instance, &error) < 0)
			instance_fail_start(instance, &error);
	}
}

int prestart_firmware(const struct instance *instance)
{
	bool is_known = !instance->spec.prestart;
	if (instance->image_fd < 0 || (is_known && instance->firmware_fd < 0))
		return instance->firmware_fd;
	return instance->image_fd;
}

void prestart_end(struct instance *instance)
{
	cleanup_close_descriptor(&instance->image_fd);
	spec_finish(&instance->prestart_spec);
}
