#include "core/shim/sandbox.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/process/program.h"

#include <libgen.h>
#include <limits.h>
#include <string.h>

/* An emulator outside the system's folders: the folder it lies in, and its prefix where that is a bin. */
static int append_installation(char ***paths, const char *executable)
{
	char resolved[PATH_MAX];
	if (!executable || !strchr(executable, '/') || !realpath(executable, resolved))
		return 0;
	char *folder = dirname(resolved);
	if (text_vector_append(paths, folder) < 0)
		return -ENOMEM;
	size_t length = strlen(folder);
	if (length <= 4 || strcmp(folder + length - 4, "/bin") != 0)
		return 0;
	folder[length - 4] = '\0';
	return text_vector_append(paths, folder);
}

static int append_settings(char ***paths, const json_t *settings)
{
	size_t index;
	const json_t *path;
	int result = append_installation(paths, json_member_string(settings, "executable", NULL));
	json_array_foreach (json_object_get(settings, "read_paths"), index, path) {
		if (!result && json_is_string(path))
			result = text_vector_append(paths, json_string_value(path));
	}
	return result;
}

struct confinement *sandbox_create(const struct spec *spec, const char *state_dir, int files_fd,
				   int firmware_fd, struct error *error)
{
	cleanup_text_vector char **read_paths = text_vector_copy((const char *const *) spec->read_paths);
	cleanup_text_vector char **write_paths = text_vector_copy((const char *const *) spec->write_paths);
	if (!read_paths || !write_paths || append_settings(&read_paths, spec->settings) < 0 ||
	    (spec->working_directory && text_vector_append(&read_paths, spec->working_directory) < 0) ||
	    text_vector_append(&write_paths, state_dir) < 0) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	const int read_fds[] = {firmware_fd, -1}, write_fds[] = {files_fd, -1};
	const struct confine_rules rules = {
	    .read_paths = (const char *const *) read_paths,
	    .write_paths = (const char *const *) write_paths,
	    .read_fds = read_fds,
	    .write_fds = write_fds,
	    .memory_bytes = spec->limits.process_memory_bytes,
	    .open_files = spec->limits.open_files,
	};
	return confinement_create(&rules, error);
}

/* Of one that the system has installed it is the file alone: its libraries lie where all lie. */
static int append_emulator(char ***paths, const json_t *settings)
{
	const char *executable = json_member_string(settings, "executable", NULL);
	cleanup_free char *path = executable ? program_find(executable) : NULL;
	char resolved[PATH_MAX];
	if (!path || !realpath(path, resolved))
		return 0;
	return text_starts_with(resolved, "/usr/") ? text_vector_append(paths, resolved)
						   : append_installation(paths, resolved);
}

struct confinement *sandbox_create_narrow(const struct spec *spec, const struct launch_command *command,
					  int firmware_fd, struct error *error)
{
	cleanup_text_vector char **read_paths = text_vector_copy(command->narrow_paths);
	if (!read_paths || append_emulator(&read_paths, spec->settings) < 0) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	const int read_fds[] = {firmware_fd, -1};
	const struct confine_rules rules = {
	    .bare = true,
	    .read_paths = (const char *const *) read_paths,
	    .write_paths = command->narrow_write_paths,
	    .read_fds = read_fds,
	    .memory_bytes = spec->limits.process_memory_bytes,
	    .open_files = spec->limits.open_files,
	};
	return confinement_create(&rules, error);
}
