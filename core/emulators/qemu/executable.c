#include "core/emulators/qemu/executable.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <string.h>
#include <sys/stat.h>

static bool can_execute(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool is_in_path(const char *name)
{
	const char *folders = getenv("PATH");
	cleanup_free char *copy = strdup(folders ? folders : "/usr/local/bin:/usr/bin:/bin");
	char *rest = NULL;
	for (char *folder = copy ? strtok_r(copy, ":", &rest) : NULL; folder;
	     folder = strtok_r(NULL, ":", &rest)) {
		cleanup_free char *path = text_format("%s/%s", folder, name);
		if (path && can_execute(path))
			return true;
	}
	return false;
}

/* Debian's and Ubuntu's package for qemu-system-<machine>; NULL for any other program. */
static const char *package_of(const char *executable)
{
	static const struct {
		const char *prefix, *package;
	} packages[] = {
	    {"qemu-system-arm", "qemu-system-arm"},     {"qemu-system-aarch64", "qemu-system-arm"},
	    {"qemu-system-x86_64", "qemu-system-x86"},  {"qemu-system-i386", "qemu-system-x86"},
	    {"qemu-system-mips", "qemu-system-mips"},   {"qemu-system-ppc", "qemu-system-ppc"},
	    {"qemu-system-sparc", "qemu-system-sparc"}, {"qemu-system-", "qemu-system-misc"},
	};
	const char *slash = strrchr(executable, '/');
	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (text_starts_with(slash ? slash + 1 : executable, packages[i].prefix))
			return packages[i].package;
	return NULL;
}

char *qemu_executable_unavailable(const json_t *settings)
{
	const char *executable = json_member_string(settings, "executable", "qemu-system-arm");
	bool has_slash = strchr(executable, '/');
	/* A path relative to the working directory of the start is not ours to look up. */
	if (has_slash && executable[0] != '/')
		return NULL;
	if (has_slash ? can_execute(executable) : is_in_path(executable))
		return NULL;
	const char *package = package_of(executable);
	if (package)
		return text_format("'%s' is not installed: apt-get install %s", executable, package);
	return text_format("'%s' is not there or cannot be executed", executable);
}
