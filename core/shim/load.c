#include "core/shim/debug.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"

#include <string.h>
#include <unistd.h>

/*
 * Loading into a running board: where the emulator does not do it itself, gdb writes the image, a reset makes
 * the CPU take stack and entry from its new vector table, a second look with gdb tells whether the image
 * outlived the reset (a board whose code lies in RAM gets its first firmware back). gdb leaves the board
 * standing after each: what fails sets it going again where it ran before.
 */
struct loading {
	struct instance *instance;
	json_t *file;
	bool was_paused, paused; /* before, and afterwards */
	struct error failure;
	uint64_t timeout_ms;
	int64_t deadline_ms;
	connector_done *on_done;
	void *data;
};

static void finish(struct loading *loading, const struct error *error)
{
	connector_done *on_done = loading->on_done;
	void *data = loading->data;
	json_decref(loading->file);
	free(loading);
	on_done(error, NULL, data);
}

/* The launcher where the board still lives; else the loading has ended. */
static struct launcher *require_launcher(struct loading *loading, const struct connector_ops **ret_connector)
{
	struct error error;
	struct launcher *launcher = instance_launcher(loading->instance, ret_connector, &error);
	if (!launcher)
		finish(loading, &error);
	return launcher;
}

static void on_failure_done(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	struct loading *loading = data;
	/* The first one is the one to tell. */
	struct error failure = loading->failure;
	debug_note_resume(loading->instance, error, &failure);
	finish(loading, &failure);
}

static void fail(struct loading *loading, const struct error *error, bool stays_paused)
{
	const struct connector_ops *connector;
	struct launcher *launcher =
	    stays_paused ? NULL : instance_launcher(loading->instance, &connector, NULL);
	loading->failure = *error;
	if (launcher)
		connector->resume(launcher, DEBUG_RESUME_TIMEOUT_MS, on_failure_done, loading);
	else
		on_failure_done(NULL, NULL, loading);
}

/* Within what is left of the time. */
static void run_gdb(struct loading *loading, const char *command, connector_done *on_done)
{
	int64_t left = loading->deadline_ms - clock_monotonic_ms();
	cleanup_json json_t *arguments =
	    json_pack("{s:[s], s:O, s:b}", "commands", command, "file", loading->file, "paused", 1);
	debug_run(loading->instance, arguments, left > 1 ? (uint64_t) left : 1, on_done, loading);
}

static void on_resumed(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	finish(data, error);
}

static void on_compared(const struct error *error, const json_t *result, void *data)
{
	struct loading *loading = data;
	struct error lost;
	if (error) {
		lost = *error;
		error_wrap(&lost,
			   "the image was written and the board reset, but whether the image outlived the "
			   "reset is not known");
		fail(loading, &lost, loading->was_paused);
		return;
	}
	if (strstr(json_member_string(result, "stdout", ""), "MIS-MATCHED")) {
		error_set(&lost, -EREMOTEIO, "emulator_error",
			  "the board's reset put its first firmware back (its code lies in RAM): restart the "
			  "instance with this file instead");
		fail(loading, &lost, loading->paused);
		return;
	}
	if (loading->paused) {
		finish(loading, NULL);
		return;
	}
	const struct connector_ops *connector;
	struct launcher *launcher = require_launcher(loading, &connector);
	if (launcher)
		connector->resume(launcher, loading->timeout_ms, on_resumed, loading);
}

/* After gdb wrote to the memory and before the reset, the board is not fit to run. */
static void fail_loading(struct loading *loading, const struct error *error, bool is_written)
{
	struct error failure = *error;
	if (is_written)
		error_wrap(&failure,
			   "the board is left paused, for its memory was overwritten, perhaps in part, "
			   "and it was not reset (restart the instance)");
	fail(loading, &failure, is_written || loading->was_paused);
}

static void on_reset(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	struct loading *loading = data;
	if (error)
		fail_loading(loading, error, true);
	else
		run_gdb(loading, "compare-sections", on_compared);
}

static void on_loaded(const struct error *error, const json_t *result, void *data)
{
	struct loading *loading = data;
	struct error refused;
	const char *output = json_member_string(result, "stdout", "");
	bool is_written = strstr(output, "Loading section");
	if (error && !result) {
		/* gdb was not at the board. */
		finish(loading, error);
		return;
	}
	if (error) {
		fail_loading(loading, error, is_written);
		return;
	}
	if (json_member_integer(result, "exit_code", 1) != 0 || !strstr(output, "Transfer rate")) {
		const char *words = json_member_string(result, "stderr", "");
		error_set(&refused, -EREMOTEIO, "emulator_error", "gdb could not load the file: %.1500s",
			  words[0] ? words : output);
		fail_loading(loading, &refused, is_written);
		return;
	}
	const struct connector_ops *connector;
	struct launcher *launcher = require_launcher(loading, &connector);
	if (launcher)
		connector->reset(launcher, loading->timeout_ms, on_reset, loading);
}

static void on_loaded_by_emulator(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	finish(data, error);
}

static void load_by_emulator(struct loading *loading, struct launcher *launcher,
			     const struct connector_ops *connector)
{
	struct error error = {0};
	int fd = debug_open_file(loading->file, &error);
	if (fd < 0) {
		finish(loading, &error);
		return;
	}
	connector->load(launcher, fd, loading->paused, loading->timeout_ms, on_loaded_by_emulator, loading);
	close(fd);
}

void debug_load(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
		connector_done *on_done, void *data)
{
	struct loading *loading = malloc(sizeof(*loading));
	struct error error;
	if (!loading) {
		error_set(&error, -ENOMEM, NULL, "no memory");
		on_done(&error, NULL, data);
		return;
	}
	*loading = (struct loading){
	    .instance = instance,
	    .file = json_deep_copy(json_object_get(arguments, "file")),
	    .was_paused = instance_is_paused(instance),
	    .paused = json_member_boolean(arguments, "paused", false),
	    .timeout_ms = timeout_ms,
	    .deadline_ms = clock_monotonic_ms() + (int64_t) timeout_ms,
	    .on_done = on_done,
	    .data = data,
	};
	if (!loading->file) {
		error_set(&error, -EINVAL, "bad_request", "load needs a file");
		finish(loading, &error);
		return;
	}
	if (loading->was_paused && !loading->paused && instance_is_disk_full(instance)) {
		error_set(&error, -ENOSPC, "disk_full",
			  "the disk under the state directory is full: free some space, or have the image "
			  "wait paused");
		finish(loading, &error);
		return;
	}
	const struct connector_ops *connector;
	struct launcher *launcher = require_launcher(loading, &connector);
	if (launcher && connector->load)
		load_by_emulator(loading, launcher, connector);
	else if (launcher)
		run_gdb(loading, "load", on_loaded);
}
