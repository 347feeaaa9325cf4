#include "fake_emulator.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/registry.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

json_t *quoted(const char *text)
{
	cleanup_free char *copy = strdup(text);
	for (char *at = copy; (at = strchr(at, '\'')); at++)
		*at = '"';
	struct error error;
	json_t *json = json_parse(copy, strlen(copy), &error);
	if (!json)
		fail_msg("%s: %s", error.message, text);
	return json;
}

struct action {
	LIST_ENTRY(action) link;
	struct loop_deferred *turn;
	void (*before)(void); /* what the emulator tells first */
	json_t *result;
	connector_done *on_done;
	void *data;
};

struct launcher {
	struct launch launch;
	void (*on_planned)(const struct error *error, void *data);
	void (*on_started)(const struct error *error, void *data);
	void *data;
	const struct emulator_events *events;
	void *events_data;
	struct loop_deferred *losing;
	LIST_HEAD(, action) actions;
};

struct fake_emulator fake;

static struct launcher *launcher; /* the one that is there */
static struct launcher_ops launcher_ops;
static struct emulator emulator;

static const char *const sleeps[] = {"sleep", "1000", NULL};
static const struct channel_plan usual_channels[] = {
    {.name = (char *) "serial0", .kind = CHANNEL_CONSOLE},
    {.name = (char *) "gdb", .kind = CHANNEL_GDB, .socket_name = (char *) "gdb.sock"},
};

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	size_t length = strlen(fake.calls);
	va_list arguments;
	va_start(arguments, format);
	if (length)
		fake.calls[length++] = ' ';
	vsnprintf(fake.calls + length, sizeof(fake.calls) - length, format, arguments);
	va_end(arguments);
}

void expect_calls(const char *wanted)
{
	assert_string_equal(fake.calls, wanted);
	fake.calls[0] = '\0';
}

static int refuse_at(const char *at, struct error *error)
{
	return text_equal(fake.fails_at, at)
		   ? error_set(error, -EIO, "emulator_error", "the fake fails at %s", at)
		   : 0;
}

static struct launcher *launcher_create(const struct launch *launch, struct error *error)
{
	note("create");
	if (refuse_at("create", error) < 0)
		return NULL;
	assert_null(launcher);
	launcher = calloc(1, sizeof(*launcher));
	assert_non_null(launcher);
	launcher->launch = *launch;
	LIST_INIT(&launcher->actions);
	fake.launch = &launcher->launch;
	return launcher;
}

static void tell_plan(void *data)
{
	struct error error;
	(void) data;
	bool failed = refuse_at("plan", &error) < 0;
	void (*on_planned)(const struct error *, void *) = TAKE(launcher->on_planned);
	on_planned(failed ? &error : NULL, launcher->data);
}

static void launcher_plan(struct launcher *self, void (*on_planned)(const struct error *error, void *data),
			  void *data)
{
	note("plan");
	struct error error;
	if (fake.own_process[0]) {
		const struct launch_command command = {
		    .argv = (char *const *) fake.own_process, .stdin_fd = -1, .stdout_fd = -1};
		int result = self->launch.start_process("own", &command, self->launch.data, &error);
		if (result < 0) {
			on_planned(&error, data);
			return;
		}
	}
	self->on_planned = on_planned;
	self->data = data;
	if (fake.plans_at_once)
		tell_plan(self);
}

void fake_planned(const char *failure)
{
	struct error error;
	void (*on_planned)(const struct error *, void *) = TAKE(launcher->on_planned);
	assert_non_null(on_planned);
	if (failure)
		error_set(&error, -EIO, "emulator_error", "%s", failure);
	on_planned(failure ? &error : NULL, launcher->data);
}

static const struct channel_plan *launcher_channels(const struct launcher *self, size_t *ret_count)
{
	(void) self;
	note("channels");
	*ret_count = fake.channel_count;
	return fake.channels;
}

static int launcher_prepare(struct launcher *self, struct launch_command *ret_command, struct error *error)
{
	(void) self;
	note("prepare");
	*ret_command = (struct launch_command){
	    .argv = (char *const *) (fake.argv ? fake.argv : sleeps),
	    .environment = fake.environment,
	    .stdin_fd = -1,
	    .stdout_fd = fake.stdout_fd,
	};
	return refuse_at("prepare", error);
}

static void launcher_start(struct launcher *self, pid_t pid,
			   void (*on_started)(const struct error *error, void *data),
			   const struct emulator_events *events, void *data)
{
	note("start");
	assert_int_equal(kill(pid, 0), 0);
	self->on_started = on_started;
	self->events = events;
	self->data = self->events_data = data;
}

static void tell_start(const char *code, const char *failure)
{
	struct error error;
	void (*on_started)(const struct error *, void *) = TAKE(launcher->on_started);
	assert_non_null(on_started);
	if (failure)
		error_set(&error, -EIO, code, "%s", failure);
	on_started(failure ? &error : NULL, launcher->events_data);
}

void fake_started(const char *failure)
{
	tell_start("not_running", failure);
}

void fake_refused(const char *failure)
{
	tell_start("emulator_error", failure);
}

void fake_paused(void)
{
	launcher->events->on_paused(launcher->events_data);
}

void fake_running(void)
{
	launcher->events->on_running(launcher->events_data);
}

/* The control connection ends: a start that is still waited for fails with it. */
static void lose(void *data)
{
	(void) data;
	struct error error;
	launcher->losing = NULL;
	error_set(&error, -ENOTCONN, "not_running", "the fake has gone");
	if (launcher->on_started)
		TAKE(launcher->on_started)(&error, launcher->events_data);
	else if (launcher->events)
		launcher->events->on_lost(&error, launcher->events_data);
}

void fake_lost(void)
{
	lose(NULL);
}

static void launcher_process_ended(struct launcher *self, const char *name, const struct process_end *end)
{
	note("%s:%s:%d", "ended", name, end->signal ? end->signal : end->code);
	if (text_equal(name, "fake") && !fake.keeps_connection && self->events)
		self->losing = loop_defer(self->launch.loop, lose, self, NULL);
}

static int launcher_connect(struct launcher *self, const char *channel, struct error *error)
{
	(void) self;
	note("connect:%s", channel);
	if (fake.connection < 0)
		return error_set(error, -ECONNREFUSED, NULL, "the fake is not to be reached");
	return TAKE_FD(fake.connection);
}

static const char *launcher_end_reason(const struct launcher *self, const struct process_end *end)
{
	(void) self;
	(void) end;
	return fake.end_reason;
}

static void launcher_destroy(struct launcher *self);

/* ---- its connector ---- */

static void complete(struct action *action, const struct error *error)
{
	LIST_REMOVE(action, link);
	loop_deferred_cancel(action->turn);
	action->on_done(error, error ? NULL : action->result, action->data);
	json_decref(action->result);
	free(action);
}

static void on_action_turn(void *data)
{
	struct action *action = data;
	struct error error;
	action->turn = NULL;
	bool failed = refuse_at("actions", &error) < 0;
	if (!failed && action->before)
		action->before();
	complete(action, failed ? &error : NULL);
}

static void act(void (*before)(void), json_t *result, connector_done *on_done, void *data)
{
	struct action *action = calloc(1, sizeof(*action));
	assert_non_null(action);
	*action = (struct action){.before = before, .result = result, .on_done = on_done, .data = data};
	LIST_INSERT_HEAD(&launcher->actions, action, link);
	if (fake.answers)
		action->turn = loop_defer(launcher->launch.loop, on_action_turn, action, NULL);
}

static void launcher_destroy(struct launcher *self)
{
	if (!self)
		return;
	note("destroy");
	struct error error;
	error_set(&error, -ECANCELED, "not_running", "the fake is no longer there to answer");
	while (!LIST_EMPTY(&self->actions))
		complete(LIST_FIRST(&self->actions), &error);
	loop_deferred_cancel(self->losing);
	free(self);
	launcher = NULL;
	fake.launch = NULL;
}

static void do_reset(struct launcher *self, uint64_t timeout_ms, connector_done *on_done, void *data)
{
	(void) self;
	note("reset:%llu", (unsigned long long) timeout_ms);
	act(NULL, NULL, on_done, data);
}

static void do_pause(struct launcher *self, uint64_t timeout_ms, connector_done *on_done, void *data)
{
	(void) self;
	note("pause:%llu", (unsigned long long) timeout_ms);
	act(fake_paused, NULL, on_done, data);
}

static void do_resume(struct launcher *self, uint64_t timeout_ms, connector_done *on_done, void *data)
{
	(void) self;
	note("resume:%llu", (unsigned long long) timeout_ms);
	act(fake_running, NULL, on_done, data);
}

static void do_quit(struct launcher *self, uint64_t timeout_ms, connector_done *on_done, void *data)
{
	(void) self;
	note("quit:%llu", (unsigned long long) timeout_ms);
	act(NULL, NULL, on_done, data);
}

static void do_property_list(struct launcher *self, const char *path, uint64_t timeout_ms,
			     connector_done *on_done, void *data)
{
	(void) self;
	note("list:%s:%llu", path, (unsigned long long) timeout_ms);
	act(NULL, quoted(fake.result), on_done, data);
}

static void do_property_get(struct launcher *self, const char *path, const char *name, uint64_t timeout_ms,
			    connector_done *on_done, void *data)
{
	(void) self;
	note("get:%s:%s:%llu", path, name, (unsigned long long) timeout_ms);
	act(NULL, quoted(fake.result), on_done, data);
}

static void do_property_set(struct launcher *self, const char *path, const char *name, const json_t *value,
			    uint64_t timeout_ms, connector_done *on_done, void *data)
{
	(void) self;
	cleanup_free char *text = json_to_text(value);
	note("set:%s:%s:%s:%llu", path, name, text, (unsigned long long) timeout_ms);
	act(NULL, NULL, on_done, data);
}

static const struct connector_ops connector_ops = {
    .reset = do_reset,
    .pause = do_pause,
    .resume = do_resume,
    .quit = do_quit,
    .property_list = do_property_list,
    .property_get = do_property_get,
    .property_set = do_property_set,
};
static struct connector_ops connector;

void fake_make(void)
{
	connector = connector_ops;
	if (!fake.has_quit)
		connector.quit = NULL;
	launcher_ops = (struct launcher_ops){
	    .create = launcher_create,
	    .plan = fake.has_plan ? launcher_plan : NULL,
	    .channels = launcher_channels,
	    .waits_for_start = fake.waits_for_start,
	    .prepare = launcher_prepare,
	    .start = launcher_start,
	    .process_ended = launcher_process_ended,
	    .connect = launcher_connect,
	    .end_reason = fake.has_end_reason ? launcher_end_reason : NULL,
	    .destroy = launcher_destroy,
	};
	emulator = (struct emulator){.name = "fake", .launcher = &launcher_ops, .connector = &connector};
}

void fake_forget(void)
{
	fake = (struct fake_emulator){
	    .stdout_fd = -1,
	    .answers = true,
	    .result = "null",
	    .channels = usual_channels,
	    .channel_count = sizeof(usual_channels) / sizeof(usual_channels[0]),
	    .connection = -1,
	};
}

/* ---- in the registry's place ---- */

const struct emulator *const emulator_registry[] = {&emulator, NULL};

const struct emulator *emulator_find(const char *name)
{
	return text_equal(name, "fake") ? &emulator : NULL;
}

const struct config_emulator *const *emulator_config_rows(void)
{
	static const struct config_emulator *const none[] = {NULL};
	return none;
}
