#include "server/api/firmware_open.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/registry.h"
#include "server/api/firmware.h"

#include <limits.h>
#include <string.h>

char **firmware_roots(const struct app *app)
{
	const struct config_server *server = config_server(fleet_config(app->fleet));
	const char *const *configured =
	    (const char *const *) (app->settings->file_roots ? app->settings->file_roots
							     : server->file_roots);
	cleanup_text_vector char **roots = text_vector_copy(configured);
	cleanup_free char *bundled = text_format("%s/firmware", app->settings->share_dir);
	char resolved[PATH_MAX];
	if (roots && bundled && realpath(bundled, resolved) && text_vector_append(&roots, resolved) < 0)
		return NULL;
	return TAKE(roots);
}

int firmware_open_file(struct app *app, const json_t *file, struct opened_file *ret_file, struct error *error)
{
	cleanup_text_vector char **roots = firmware_roots(app);
	const struct file_sources sources = {.roots = (const char *const *) roots, .uploads = app->files};
	if (!roots)
		return error_set(error, -ENOMEM, NULL, "no memory");
	return paths_open_file(&sources, file, ret_file, error);
}

int firmware_check_fit(int fd, const json_t *resolved, struct error *error)
{
	const struct emulator *emulator = emulator_find(json_member_string(resolved, "emulator", ""));
	const json_t *settings = json_object_get(resolved, "settings");
	struct firmware firmware;
	int result = firmware_inspect(fd, &firmware, error);
	if (result < 0)
		return result;
	const char *expected =
	    emulator && emulator->firmware_machine ? emulator->firmware_machine(settings) : NULL;
	return firmware_check_machine(&firmware, expected, error);
}

char *firmware_unavailable_reason(const json_t *resolved)
{
	const char *name = json_member_string(resolved, "emulator", "");
	const struct emulator *emulator = emulator_find(name);
	if (!emulator)
		return text_format("%s is not an emulator of this build", name);
	return emulator->unavailable ? emulator->unavailable(json_object_get(resolved, "settings")) : NULL;
}

bool firmware_can_adopt(const char *name)
{
	const struct emulator *emulator = emulator_find(name);
	return emulator && emulator->launcher->adopt;
}

static int check_available(const json_t *resolved, struct error *error)
{
	cleanup_free char *reason = firmware_unavailable_reason(resolved);
	return reason ? error_set(error, -ENOENT, "emulator_unavailable", "%s", reason) : 0;
}

int firmware_open(const json_t *file, const json_t *resolved, struct fleet_firmware *ret_firmware,
		  struct error *error, void *data)
{
	cleanup_opened_file struct opened_file opened = OPENED_FILE_NONE;
	int result = check_available(resolved, error);
	if (result < 0 || !file || json_is_null(file))
		return result;
	result = firmware_open_file(data, file, &opened, error);
	if (!result)
		result = firmware_check_fit(opened.fd, resolved, error);
	if (result < 0)
		return result;
	json_t *told = opened.sha256[0] ? json_pack("{s:s}", "sha256", opened.sha256)
					: json_pack("{s:s}", "path", opened.path);
	char *sha256 = opened.sha256[0] ? strdup(opened.sha256) : NULL;
	if (!told || (opened.sha256[0] && !sha256)) {
		json_decref(told);
		free(sha256);
		return error_set(error, -ENOMEM, NULL, "no memory");
	}
	*ret_firmware = (struct fleet_firmware){.fd = TAKE_FD(opened.fd), .file = told, .sha256 = sha256};
	return 0;
}
