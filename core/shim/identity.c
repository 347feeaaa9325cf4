#include "core/process/cgroup.h"
#include "core/shim/instance_internal.h"

#include <string.h>
#include <unistd.h>

/* The directory that stands ready will be renamed: until then it goes by its descriptor. */
static int find_state_dir(struct instance *instance, struct error *error)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", instance->dirfd);
	if (instance->spec.prestart) {
		memcpy(instance->state_dir, link, sizeof(link));
		return 0;
	}
	ssize_t length = readlink(link, instance->state_dir, sizeof(instance->state_dir) - 1);
	if (length < 0)
		return error_set_errno(error, -errno, NULL, "cannot tell the state directory's path");
	instance->state_dir[length] = '\0';
	return 0;
}

/* Who it is, by its spec and the directory's path: again when a prestarted one gets them. */
int instance_take_identity(struct instance *instance, struct error *error)
{
	const struct spec *spec = &instance->spec;
	char config[PATH_MAX + 16];
	int result = find_state_dir(instance, error);
	if (result < 0)
		return result;
	snprintf(config, sizeof(config), "%s/config.json", instance->state_dir);
	instance->handles =
	    handles_create(spec->emulator, spec->target, config, (const char *const *) spec->gdb);
	if (!instance->handles)
		return error_set(error, -ENOMEM, NULL, "no memory");
	const struct cgroup_owner owner = {
	    .id = spec->id, .start_number = spec->start_number, .cookie = spec->cookie};
	instance->cgroup = cgroup_create(spec->cgroup_base, &owner);
	clock_format_rfc3339(clock_wall_ms(), instance->started_at);
	return 0;
}
