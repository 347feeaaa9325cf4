#include "core/process/program.h"

#include "core/base/cleanup.h"
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

bool program_is_there(const char *name)
{
	if (!strchr(name, '/'))
		return is_in_path(name);
	return name[0] != '/' || can_execute(name);
}
