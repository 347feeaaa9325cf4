#include "core/emulators/renode/session.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/renode/listing.h"
#include "core/emulators/renode/names.h"
#include "core/emulators/renode/value.h"

#include <string.h>

/* How long a machine that somebody tore down may take to stand again. */
enum { BRING_BACK_TIMEOUT_MS = 60000, LOOK_TIMEOUT_MS = 10000 };

/* One connector call. They follow each other: a setting up takes several commands, and none may come between.
 */
struct operation {
	TAILQ_ENTRY(operation) link;
	struct session *session;
	void (*begin)(struct operation *operation);
	bool has_begun;
	struct loop_timer *deadline;
	int64_t deadline_ms;
	uint64_t timeout_ms;
	char *path, *name;       /* of a property call */
	json_t *value;           /* to be set */
	bool paused;             /* what is asked for */
	connector_done *on_done; /* NULL: nobody asked */
	void *data;
};

/* ---- the queue ---- */

static void operation_destroy(struct operation *operation)
{
	loop_timer_destroy(operation->deadline);
	free(operation->path);
	free(operation->name);
	json_decref(operation->value);
	free(operation);
}

static void begin_first(void *data)
{
	struct session *session = data;
	session->next = NULL;
	struct operation *first = TAILQ_FIRST(&session->operations);
	if (!first || first->has_begun)
		return;
	first->has_begun = true;
	first->begin(first);
}

static void schedule(struct session *session)
{
	struct operation *first = TAILQ_FIRST(&session->operations);
	if (first && !first->has_begun && !session->next)
		session->next = loop_defer(session->loop, begin_first, session, NULL);
}

static void finish(struct operation *operation, const struct error *error, const json_t *result)
{
	struct session *session = operation->session;
	connector_done *on_done = operation->on_done;
	void *data = operation->data;
	TAILQ_REMOVE(&session->operations, operation, link);
	operation_destroy(operation);
	schedule(session);
	if (on_done)
		on_done(error, result, data);
}

static void on_board_done(const struct error *error, void *data);

static void on_deadline(void *data)
{
	struct operation *operation = data;
	struct error error = {0};
	error_set(&error, -ETIMEDOUT, "emulator_timeout", "Renode did not answer within %.3g s",
		  (double) operation->timeout_ms / 1000);
	if (!operation->has_begun) {
		finish(operation, &error, NULL);
	} else if (renode_machine_is_busy(operation->session->machine)) {
		renode_machine_cancel(operation->session->machine);
		on_board_done(&error, operation);
	}
	/* Else it ends by the deadline of the command that is under way. */
}

/* Takes what template holds. */
static void start(struct session *session, struct operation template)
{
	struct error error = {0};
	struct operation *operation = malloc(sizeof(*operation));
	struct loop_timer *deadline =
	    operation ? loop_timer_create(session->loop, on_deadline, operation, NULL) : NULL;
	if (!deadline || !session->client || session->ended) {
		error_set(&error, deadline ? -ENOTCONN : -ENOMEM, "not_running",
			  deadline ? "Renode is not running" : "no memory");
		loop_timer_destroy(deadline);
		free(operation);
		free(template.path);
		free(template.name);
		json_decref(template.value);
		if (template.on_done)
			template.on_done(&error, NULL, template.data);
		return;
	}
	*operation = template;
	operation->session = session;
	operation->deadline = deadline;
	operation->deadline_ms = loop_now_ms(session->loop) + (int64_t) template.timeout_ms;
	loop_timer_start(deadline, template.timeout_ms);
	TAILQ_INSERT_TAIL(&session->operations, operation, link);
	schedule(session);
}

static uint64_t remaining_ms(const struct operation *operation)
{
	int64_t left = operation->deadline_ms - loop_now_ms(operation->session->loop);
	return left > 1 ? (uint64_t) left : 1;
}

void renode_session_finish(struct session *session)
{
	struct error error = {0};
	struct operation *operation;
	error_set(&error, -ENOTCONN, "not_running", "Renode has ended");
	session->ended = true;
	/* Completes those whose command is under way. */
	robot_client_destroy(TAKE(session->client));
	if (session->machine)
		renode_machine_cancel(session->machine);
	while ((operation = TAILQ_FIRST(&session->operations)))
		finish(operation, &error, NULL);
	loop_deferred_cancel(TAKE(session->next));
}

/* ---- one command ---- */

static void execute(struct operation *operation, const char *command, robot_done *on_answer)
{
	robot_client_execute(operation->session->client, command, remaining_ms(operation), on_answer,
			     operation);
}

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
		finish(operation, error, NULL);
		return;
	}
	bool paused = text_equal(text, "True");
	bool is_other = paused != operation->paused;
	tell_state(operation->session, paused);
	if (is_other)
		error_set(&refused, -EREMOTEIO, "emulator_error", "Renode's machine %s all the same",
			  paused ? "stands still" : "runs");
	finish(operation, is_other ? &refused : NULL, NULL);
}

static void on_state_asked(const struct error *error, const char *text, void *data)
{
	(void) text;
	struct operation *operation = data;
	if (error)
		finish(operation, error, NULL);
	else
		execute(operation, "machine IsPaused", on_state);
}

static void begin_state(struct operation *operation)
{
	execute(operation, operation->paused ? "pause" : "start", on_state_asked);
}

static void connector_pause(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	start(renode_launcher_session(launcher), (struct operation){.begin = begin_state,
								    .paused = true,
								    .timeout_ms = timeout_ms,
								    .on_done = on_done,
								    .data = data});
}

static void connector_resume(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			     void *data)
{
	start(renode_launcher_session(launcher),
	      (struct operation){
		  .begin = begin_state, .timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

static void on_looked(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	if (!error)
		tell_state(operation->session, text_equal(text, "True"));
	finish(operation, error, NULL);
}

static void begin_look(struct operation *operation)
{
	execute(operation, "machine IsPaused", on_looked);
}

static void connector_look(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	start(renode_launcher_session(launcher),
	      (struct operation){
		  .begin = begin_look, .timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

void renode_session_look(struct session *session)
{
	start(session, (struct operation){.begin = begin_look, .timeout_ms = LOOK_TIMEOUT_MS});
}

/* ---- the machine back at its start ---- */

static void on_board_done(const struct error *error, void *data)
{
	struct operation *operation = data;
	struct session *session = operation->session;
	bool was_asked = operation->on_done;
	struct error failure = error ? *error : (struct error){0};
	finish(operation, error ? &failure : NULL, NULL);
	/* A machine that is torn down and cannot be set up again is no board any more. */
	if (error && !was_asked && session->events)
		session->events->on_lost(&failure, session->data);
}

static void set_up_anew(struct operation *operation)
{
	struct session *session = operation->session;
	json_object_clear(session->listings);
	renode_machine_set_up(session->machine, true, !session->paused, remaining_ms(operation),
			      on_board_done, operation);
}

static void on_reset(const struct error *error, void *data)
{
	struct operation *operation = data;
	/* Whoever tore the machine down over the robot port left nothing that could be reset. */
	if (error && text_equal(error->code, "emulator_error"))
		set_up_anew(operation);
	else
		finish(operation, error, NULL);
}

static void begin_reset(struct operation *operation)
{
	struct session *session = operation->session;
	renode_machine_reset(session->machine, !session->paused, remaining_ms(operation), on_reset,
			     operation);
}

static void connector_reset(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	start(renode_launcher_session(launcher),
	      (struct operation){
		  .begin = begin_reset, .timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

void renode_session_bring_back(struct session *session)
{
	struct operation *operation;
	TAILQ_FOREACH (operation, &session->operations, link)
		if (operation->begin == set_up_anew && !operation->has_begun)
			return;
	start(session, (struct operation){.begin = set_up_anew, .timeout_ms = BRING_BACK_TIMEOUT_MS});
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

/* ---- properties ---- */

static bool is_unknown(const char *words)
{
	return strstr(words, "No such command or device") || strstr(words, "does not provide a");
}

/* Renode's refusal with the problem's code. */
static void finish_refused(struct operation *operation, const struct error *error, const char *code)
{
	struct error told = *error;
	if (text_equal(error->code, "emulator_error"))
		told.code = is_unknown(error->message) ? "property_not_found" : code;
	finish(operation, &told, NULL);
}

static void begin_member(struct operation *operation, const json_t *listing);

static void use_listing(struct operation *operation, const json_t *listing)
{
	if (operation->name) {
		begin_member(operation, listing);
		return;
	}
	cleanup_json json_t *result = json_copy((json_t *) listing);
	finish(operation, NULL, result);
}

static void on_listing(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	if (error) {
		finish_refused(operation, error, "emulator_error");
		return;
	}
	json_t *listing = renode_listing_parse(text);
	json_object_set_new(operation->session->listings, operation->path, listing);
	use_listing(operation, listing);
}

/* What an object has does not change while the machine stands: it is asked for once. */
static void begin_property(struct operation *operation)
{
	const json_t *known = json_object_get(operation->session->listings, operation->path);
	if (known)
		use_listing(operation, known);
	else
		execute(operation, operation->path, on_listing);
}

static const char *type_of(const struct operation *operation)
{
	const json_t *listing = json_object_get(operation->session->listings, operation->path);
	return json_member_string(renode_listing_property(listing, operation->name), "type", "");
}

static void on_value(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	if (error) {
		finish_refused(operation, error, "emulator_error");
		return;
	}
	cleanup_json json_t *result =
	    json_pack("{s:o, s:s}", "value", renode_value_parse(text, type_of(operation)), "raw", text);
	finish(operation, NULL, result);
}

/* An answer to a set is a refusal: Renode tells the value of a property that it does not let itself change.
 */
static void on_set(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	struct error ignored = {0};
	if (error) {
		finish_refused(operation, error, "invalid_value");
		return;
	}
	if (*text)
		error_set(&ignored, -EREMOTEIO, "invalid_value",
			  "Renode did not set %s of %s; it answered: %s", operation->name, operation->path,
			  text);
	finish(operation, *text ? &ignored : NULL, NULL);
}

/* 0, or why the property cannot be read or written as is asked: Renode would run a method of that name. */
static int check_member(const struct operation *operation, const json_t *listing, struct error *error)
{
	const json_t *property = renode_listing_property(listing, operation->name);
	if (!property)
		return error_set(error, -ENOENT, "property_not_found",
				 renode_listing_has_method(listing, operation->name)
				     ? "%s has no property %s: it is a method"
				     : "%s has no property %s",
				 operation->path, operation->name);
	const char *use = operation->value ? "writable" : "readable";
	if (json_member_boolean(property, use, true))
		return 0;
	return error_set(error, -EPERM, "invalid_value", "the property %s of %s is not %s", operation->name,
			 operation->path, use);
}

static void begin_member(struct operation *operation, const json_t *listing)
{
	struct error error = {0};
	cleanup_free char *words = NULL;
	if (check_member(operation, listing, &error) < 0) {
		finish(operation, &error, NULL);
		return;
	}
	if (operation->value) {
		words = renode_value_format(operation->value, type_of(operation), &error);
		if (!words) {
			finish(operation, &error, NULL);
			return;
		}
	}
	cleanup_free char *command =
	    text_format("%s %s%s%s", operation->path, operation->name, words ? " " : "", words ? words : "");
	execute(operation, command ? command : operation->path, operation->value ? on_set : on_value);
}

/* A name that the monitor would take for something else than one. */
static void begin_refusal(struct operation *operation)
{
	struct error error = {0};
	error_set(&error, -ENOENT, "property_not_found", "Renode knows no %s %s",
		  operation->name ? "property" : "object",
		  operation->name ? operation->name : operation->path);
	finish(operation, &error, NULL);
}

/* name and value: NULL where there is none. */
static void start_property(struct launcher *launcher, const char *path, const char *name, const json_t *value,
			   uint64_t timeout_ms, connector_done *on_done, void *data)
{
	bool is_sound = renode_is_object_path(path) && (!name || renode_is_member_name(name));
	/* Of two unsound names the path is told. */
	const char *told_name = is_sound || renode_is_object_path(path) ? name : NULL;
	start(renode_launcher_session(launcher),
	      (struct operation){.begin = is_sound ? begin_property : begin_refusal,
				 .path = strdup(path),
				 .name = told_name ? strdup(told_name) : NULL,
				 .value = json_incref((json_t *) value),
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data});
}

static void connector_property_list(struct launcher *launcher, const char *path, uint64_t timeout_ms,
				    connector_done *on_done, void *data)
{
	start_property(launcher, path, NULL, NULL, timeout_ms, on_done, data);
}

static void connector_property_get(struct launcher *launcher, const char *path, const char *name,
				   uint64_t timeout_ms, connector_done *on_done, void *data)
{
	start_property(launcher, path, name, NULL, timeout_ms, on_done, data);
}

static void connector_property_set(struct launcher *launcher, const char *path, const char *name,
				   const json_t *value, uint64_t timeout_ms, connector_done *on_done,
				   void *data)
{
	start_property(launcher, path, name, value, timeout_ms, on_done, data);
}

const struct connector_ops renode_connector_ops = {
    .values_bear_text = true,
    .reset = connector_reset,
    .pause = connector_pause,
    .resume = connector_resume,
    .quit = connector_quit,
    .look = connector_look,
    .property_list = connector_property_list,
    .property_get = connector_property_get,
    .property_set = connector_property_set,
};
