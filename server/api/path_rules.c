#include "server/api/path_rules.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <string.h>

static const char *const *roots_of(const struct app *app)
{
	const struct settings *settings = app->settings;
	return (const char *const *) (settings->path_roots
					  ? settings->path_roots
					  : config_server(fleet_config(app->fleet))->path_roots);
}

/* The longest part of path that exists must open beneath root; what is missing below it must be plain
 * names. */
static bool lies_below(const char *root, const char *path)
{
	cleanup_free char *part = strdup(path);
	for (;;) {
		int fd = part ? file_open_beneath(root, part, O_PATH | O_DIRECTORY, 0) : -ENOMEM;
		if (fd >= 0) {
			close(fd);
			return strlen(part) > strlen(root) || strlen(path) > strlen(root);
		}
		char *slash = part ? strrchr(part, '/') : NULL;
		if (fd != -ENOENT || !slash || slash == part)
			return false;
		*slash = '\0';
	}
}

static bool has_dots(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/.")); at++)
		if (!at[2] || at[2] == '/' || (at[2] == '.' && (!at[3] || at[3] == '/')))
			return true;
	return false;
}

char *path_rules_find_root(const struct app *app, const char *path, struct error *error)
{
	cleanup_free char *own = text_format("%s/instances", app->settings->state_dir);
	if (!has_dots(path) && own && lies_below(own, path))
		return TAKE(own);
	for (const char *const *root = roots_of(app); !has_dots(path) && root && *root; root++)
		if (lies_below(*root, path))
			return strdup(*root);
	error_set(
	    error, -EXDEV, "path_not_allowed",
	    "%.500s lies below none of the roots for state directories (--path-root, server.path_roots)",
	    path);
	return NULL;
}
