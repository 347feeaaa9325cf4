#include "server/shims/adoptable.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/handles/pw_handles.h"
#include "core/process/foreign.h"

#include <fcntl.h>

static bool is_there(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool asks_for(const json_t *value)
{
	return json_is_true(value) || json_array_size(value) > 0 || json_is_string(value) ||
	       json_object_size(value) > 0;
}

/* What only a start could give. */
static int check_members(const json_t *spec, struct error *error)
{
	static const char *const members[] = {"file", "args", "paused", "debug"};
	cleanup_free char *named = NULL;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (!asks_for(json_object_get(spec, members[i])))
			continue;
		char *longer = text_format("%s%s/%s", named ? named : "", named ? ", " : "", members[i]);
		free(named);
		named = longer;
	}
	if (!named && !json_member_boolean(spec, "start", true))
		named = text_format("/start");
	if (!named)
		return 0;
	return error_set(
	    error, -EINVAL, "invalid_value",
	    "%s: pw emu has started the emulator in this directory already, which is adopted as it "
	    "runs: leave that out",
	    named);
}

static int check_named(const char *what, const char *wanted, const char *found, struct error *error)
{
	if (!wanted || text_equal(wanted, found))
		return 0;
	return error_set(error, -EINVAL, "not_adoptable",
			 "handles.json: %s: pw emu has started %.200s there, not %.200s", what, found,
			 wanted);
}

static int check_process(const struct pw_handles *handles, const json_t *resolved, struct error *error)
{
	const struct foreign_claim claim = {
	    .name = handles->emulator,
	    .pid = pw_handles_emulator_pid(handles),
	    .program =
		json_member_string(json_object_get(resolved, "settings"), "executable", handles->emulator),
	    .not_after_wall_ms = handles->written_at_ms,
	};
	int pidfd = foreign_open(&claim, error);
	if (pidfd < 0)
		return error_wrap(error, "handles.json");
	close(pidfd);
	return 0;
}

static int check_handles(const struct fleet_options *options, const struct config *config,
			 const struct pw_handles *handles, const json_t *spec, struct error *error)
{
	int result = check_named("target", json_member_string(spec, "target", NULL), handles->target, error);
	if (!result)
		result =
		    check_named("emu", json_member_string(spec, "emulator", NULL), handles->emulator, error);
	if (!result)
		result = check_members(spec, error);
	if (result < 0)
		return result;
	cleanup_json json_t *resolved = config_resolve(config, handles->target, handles->emulator, error);
	if (!resolved)
		return error_wrap(error, "handles.json");
	if (!options->can_adopt(handles->emulator))
		return error_set(
		    error, -EOPNOTSUPP, "not_adoptable",
		    "an emulator %.200s that runs already cannot be taken over: start it here instead",
		    handles->emulator);
	return check_process(handles, resolved, error);
}

int adoptable_look(const struct fleet_options *options, const struct config *config, const char *root,
		   const struct board_request *request, json_t **ret_spec, struct error *error)
{
	const char *path = request->path;
	cleanup_close int dirfd = file_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0);
	/* With a config.json beside it, it is an instance's of emud's. */
	if (dirfd < 0 || !is_there(dirfd, "handles.json") || is_there(dirfd, "config.json"))
		return 0;
	struct pw_handles handles;
	int result = pw_handles_read(dirfd, &handles, error);
	if (result < 0)
		return error_wrap(error, "%.500s", path);
	result = check_handles(options, config, &handles, request->spec, error);
	if (!result && !(*ret_spec = adoptable_complete(request->spec, handles.target, handles.emulator)))
		result = error_set(error, -ENOMEM, NULL, "no memory");
	pw_handles_finish(&handles);
	return result < 0 ? error_wrap(error, "%.500s", path) : 1;
}

json_t *adoptable_complete(const json_t *spec, const char *target, const char *emulator)
{
	json_t *complete = json_copy((json_t *) spec);
	if (!json_object_get(complete, "target"))
		json_object_set_new(complete, "target", json_string(target));
	if (!json_object_get(complete, "emulator"))
		json_object_set_new(complete, "emulator", json_string(emulator));
	json_object_set_new(complete, "adopt", json_true());
	return complete;
}

void adoptable_let_go(int state_dirfd)
{
	cleanup_close int dirfd =
	    state_dirfd >= 0 ? openat(state_dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dirfd >= 0)
		pw_handles_restore(dirfd, state_dirfd);
}
