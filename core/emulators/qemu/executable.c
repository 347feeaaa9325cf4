#include "core/emulators/qemu/executable.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/process/program.h"

#include <string.h>

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
	if (program_is_there(executable))
		return NULL;
	const char *package = package_of(executable);
	if (package)
		return text_format("'%s' is not installed: apt-get install %s", executable, package);
	return text_format("'%s' is not there or cannot be executed", executable);
}
