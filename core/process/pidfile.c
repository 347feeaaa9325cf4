#include "core/process/pidfile.h"

#include "core/base/file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "<name>.pid", or -EINVAL for a name that is none or would lead out of the directory. */
static int pidfile_name(const char *name, char out[static NAME_MAX + 1])
{
	int length = snprintf(out, NAME_MAX + 1, "%s.pid", name);

	return *name == '\0' || strchr(name, '/') || length > NAME_MAX ? -EINVAL : 0;
}

int pidfile_write(int dirfd, const char *name, pid_t pid, struct error *error)
{
	char file[NAME_MAX + 1];
	char text[16];

	if (pidfile_name(name, file) < 0)
		return error_set(error, -EINVAL, "invalid_configuration",
				 "\"%s\" cannot be the name of a process: it must do as a file's name", name);
	int length = snprintf(text, sizeof(text), "%d", (int) pid);
	return file_write_atomic(dirfd, file, text, (size_t) length, 0600, error);
}

void pidfile_remove(int dirfd, const char *name)
{
	char file[NAME_MAX + 1];

	if (pidfile_name(name, file) == 0)
		unlinkat(dirfd, file, 0);
}
