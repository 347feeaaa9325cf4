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

static char *find_in_path(const char *name)
{
	const char *folders = getenv("PATH");
	cleanup_free char *copy = strdup(folders ? folders : "/usr/local/bin:/usr/bin:/bin");
	char *rest = NULL;
	for (char *folder = copy ? strtok_r(copy, ":", &rest) : NULL; folder;
	     folder = strtok_r(NULL, ":", &rest)) {
		cleanup_free char *path = text_format("%s/%s", folder, name);
		if (path && can_execute(path))
			return TAKE(path);
	}
	return NULL;
}

char *program_find(const char *name)
{
	if (!strchr(name, '/'))
		return find_in_path(name);
	return can_execute(name) ? strdup(name) : NULL;
}

bool program_is_there(const char *name)
{
	cleanup_free char *path = program_find(name);
	return path || (strchr(name, '/') && name[0] != '/');
}
