#include "core/emulators/renode/operation.h"
#include "core/emulators/renode/properties.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>

#define IMAGE_NAME "image-%u.elf"

enum { COPY_BYTES = 1024 * 1024 };

/* How long a machine that somebody tore down may take to stand again. */
enum { BRING_BACK_TIMEOUT_MS = 60000, LOOK_TIMEOUT_MS = 10000 };

/* ---- paused or not ---- */

static void tell_state(struct session *session, bool paused)
{
	bool changed = paused != session->paused;
	session->paused = paused;
	if (!changed || !session->events)
		return;
	if (paused)
		session->events->on_paused(session->data);
	else
		session->events->on_running(session->data);
}

static void on_state(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	struct error refused = {0};
	if (error) {
		renode_operation_finish(operation, error, NULL);
		return;
	}
	bool paused = text_equal(text, "True");
	bool is_other = paused != operation->paused;
	tell_state(operation->session, paused);
	if (is_other)
		error_set(&refused, -EREMOTEIO, "emulator_error", "Renode's machine %s all the same",
			  paused ? "stands still" : "runs");
	renode_operation_finish(operation, is_other ? &refused : NULL, NULL);
}

static void on_state_asked(const struct error *error, const char *text, void *data)
{
	(void) text;
	struct operation *operation = data;
	if (error)
		renode_operation_finish(operation, error, NULL);
	else
		renode_operation_execute(operation, "machine IsPaused", on_state);
}

static void begin_state(struct operation *operation)
{
	renode_operation_execute(operation, operation->paused ? "pause" : "start", on_state_asked);
}

static void connector_pause(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	renode_operation_start(renode_launcher_session(launcher), (struct operation){.begin = begin_state,
										     .paused = true,
										     .timeout_ms = timeout_ms,
										     .on_done = on_done,
										     .data = data});
}

static void connector_resume(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			     void *data)
{
	renode_operation_start(renode_launcher_session(launcher), (struct operation){.begin = begin_state,
										     .timeout_ms = timeout_ms,
										     .on_done = on_done,
										     .data = data});
}

static void on_looked(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	if (!error)
		tell_state(operation->session, text_equal(text, "True"));
	renode_operation_finish(operation, error, NULL);
}

static void begin_look(struct operation *operation)
{
	renode_operation_execute(operation, "machine IsPaused", on_looked);
}

static void connector_look(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	renode_operation_start(renode_launcher_session(launcher), (struct operation){.begin = begin_look,
										     .timeout_ms = timeout_ms,
										     .on_done = on_done,
										     .data = data});
}

void renode_session_look(struct session *session)
{
	renode_operation_start(session,
			       (struct operation){.begin = begin_look, .timeout_ms = LOOK_TIMEOUT_MS});
}

/* ---- the machine back at its start ---- */

static void on_board_done(const struct error *error, void *data)
{
	struct operation *operation = data;
	struct session *session = operation->session;
	bool was_asked = operation->on_done;
	struct error failure = error ? *error : (struct error){0};
	renode_operation_finish(operation, error ? &failure : NULL, NULL);
	/* A machine that is torn down and cannot be set up again is no board any more. */
	if (error && !was_asked && session->events)
		session->events->on_lost(&failure, session->data);
}

static void set_up_anew(struct operation *operation)
{
	struct session *session = operation->session;
	json_object_clear(session->listings);
	renode_machine_set_up(session->machine, true, !session->paused,
			      renode_operation_remaining_ms(operation), on_board_done, operation);
}

/* A CPU by another name is taken to run. */
static void on_halted_asked(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	if (!error && text_equal(text, "True"))
		set_up_anew(operation);
	else
		renode_operation_finish(operation, NULL, NULL);
}

/* Whoever tore the machine down over the robot port left nothing that could be reset; and a CPU that found no
 * entry stands still for good. Both are set up anew. */
static void on_reset(const struct error *error, void *data)
{
	struct operation *operation = data;
	const struct session *session = operation->session;
	if (error && text_equal(error->code, "emulator_error") && !session->adopted)
		set_up_anew(operation);
	else if (!error && !session->adopted && !session->paused && renode_machine_image(session->machine))
		renode_operation_execute(operation, "sysbus.cpu IsHalted", on_halted_asked);
	else
		renode_operation_finish(operation, error, NULL);
}

static void begin_reset(struct operation *operation)
{
	struct session *session = operation->session;
	struct error error = {0};
	if (session->adopted && !renode_machine_image(session->machine)) {
		error_set(
		    &error, -EOPNOTSUPP, "emulator_error",
		    "Renode's reset forgets the image, and pw emu does not tell which it was: load one here "
		    "first, or restart it there");
		renode_operation_finish(operation, &error, NULL);
		return;
	}
	renode_machine_reset(session->machine, !session->paused, renode_operation_remaining_ms(operation),
			     on_reset, operation);
}

static void connector_reset(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	renode_operation_start(renode_launcher_session(launcher),
			       (struct operation){.begin = begin_reset,
						  .on_expired = on_board_done,
						  .timeout_ms = timeout_ms,
						  .on_done = on_done,
						  .data = data});
}

void renode_session_bring_back(struct session *session)
{
	struct operation *operation;
	TAILQ_FOREACH (operation, &session->operations, link)
		if (operation->begin == set_up_anew && !operation->has_begun)
			return;
	renode_operation_start(session, (struct operation){.begin = set_up_anew,
							   .on_expired = on_board_done,
							   .timeout_ms = BRING_BACK_TIMEOUT_MS});
}

/* ---- another image ---- */

/* Of two images one stays; a path outside of our folder is the firmware's. */
static void remove_copy(const struct session *session, const char *path)
{
	if (path && text_starts_with(path, session->state_dir))
		unlink(path);
}

/* The image that did not do is forgotten, and the board stands at the start of the earlier one. */
static void on_restored(const struct error *error, void *data)
{
	struct operation *operation = data;
	struct error failure = operation->failure;
	(void) error;
	renode_operation_finish(operation, &failure, NULL);
}

static void on_image_loaded(const struct error *error, void *data)
{
	struct operation *operation = data;
	struct session *session = operation->session;
	if (!error) {
		remove_copy(session, operation->earlier_image);
		tell_state(session, operation->paused);
		renode_operation_finish(operation, NULL, NULL);
		return;
	}
	operation->failure = *error;
	remove_copy(session, renode_machine_image(session->machine));
	if (renode_machine_set_image(session->machine, operation->earlier_image) < 0 ||
	    !text_equal(error->code, "emulator_error") || (session->adopted && !operation->earlier_image))
		on_restored(error, operation);
	else
		renode_machine_reset(session->machine, !session->paused,
				     renode_operation_remaining_ms(operation), on_restored, operation);
}

static void on_load_expired(const struct error *error, void *data)
{
	struct operation *operation = data;
	operation->failure = *error;
	on_restored(error, operation);
}

static void start_image(struct operation *operation)
{
	struct session *session = operation->session;
	const char *earlier = renode_machine_image(session->machine);
	cleanup_free char *path =
	    text_format("%s/" RENODE_FOLDER "/" IMAGE_NAME, session->state_dir, session->image_number);
	operation->earlier_image = earlier ? strdup(earlier) : NULL;
	if (!path || renode_machine_set_image(session->machine, path) < 0) {
		error_set(&operation->failure, -ENOMEM, NULL, "no memory");
		on_restored(NULL, operation);
		return;
	}
	renode_machine_reset(session->machine, !operation->paused, renode_operation_remaining_ms(operation),
			     on_image_loaded, operation);
}

/* Some a turn: a large image does not hold up the consoles. */
static void copy_some(void *data)
{
	struct operation *operation = data;
	operation->copying = NULL;
	ssize_t count = sendfile(operation->copy_fd, operation->source_fd, NULL, COPY_BYTES);
	if (count == 0) {
		start_image(operation);
		return;
	}
	if (count > 0)
		operation->copying = loop_defer(operation->session->loop, copy_some, operation, NULL);
	if (operation->copying)
		return;
	error_set_errno(&operation->failure, count < 0 ? -errno : -ENOMEM, NULL, "cannot copy the image");
	on_restored(NULL, operation);
}

/* Renode, which runs already, cannot be handed a descriptor: it reads a copy. */
static void begin_load(struct operation *operation)
{
	struct session *session = operation->session;
	char name[64];
	snprintf(name, sizeof(name), RENODE_FOLDER "/" IMAGE_NAME, ++session->image_number);
	operation->copy_fd =
	    openat(session->state_dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (operation->source_fd >= 0 && operation->copy_fd >= 0) {
		copy_some(operation);
		return;
	}
	error_set_errno(&operation->failure, -errno, NULL, "cannot copy the image to %s", name);
	on_restored(NULL, operation);
}

static void connector_load(struct launcher *launcher, int fd, bool paused, uint64_t timeout_ms,
			   connector_done *on_done, void *data)
{
	renode_operation_start(renode_launcher_session(launcher),
			       (struct operation){.begin = begin_load,
						  .on_expired = on_load_expired,
						  .loads = true,
						  .paused = paused,
						  .source_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
						  .copy_fd = -1,
						  .timeout_ms = timeout_ms,
						  .on_done = on_done,
						  .data = data});
}

/* ---- the end ---- */

struct quitting {
	connector_done *on_done;
	void *data;
};

/* Renode ends while it answers, or before. */
static void on_quit(const struct error *error, const char *text, void *data)
{
	cleanup_free struct quitting *quitting = data;
	(void) text;
	bool is_lost = error && text_equal(error->code, "not_running");
	quitting->on_done(is_lost ? NULL : error, NULL, quitting->data);
}

/* It does not wait for its turn. */
static void connector_quit(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	struct error error = {0};
	struct session *session = renode_launcher_session(launcher);
	struct quitting *quitting = session->client ? malloc(sizeof(*quitting)) : NULL;
	if (!quitting) {
		error_set(&error, -ENOTCONN, "not_running", "Renode is not running");
		on_done(&error, NULL, data);
		return;
	}
	*quitting = (struct quitting){.on_done = on_done, .data = data};
	robot_client_execute(session->client, "quit", timeout_ms, on_quit, quitting);
}

const struct connector_ops renode_connector_ops = {
    .values_bear_text = true,
    .others_drive = true,
    .reset = connector_reset,
    .pause = connector_pause,
    .resume = connector_resume,
    .quit = connector_quit,
    .look = connector_look,
    .load = connector_load,
    .property_list = renode_property_list,
    .property_get = renode_property_get,
    .property_set = renode_property_set,
};
