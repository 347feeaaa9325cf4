#include "core/emulators/qemu/launcher_qemu.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/emulators/qemu/property_error.h"

/* One connector call on its way. */
struct operation {
	const char *command;
	struct qmp_client *client;    /* the requests of a destroyed client complete before it goes */
	struct qemu_session *session; /* of an adopted QEMU: the client's, for this operation; else NULL */
	json_t *arguments;            /* of a property call, else NULL */
	char *wide_value; /* digits of a value beyond 64 bits, while they were sent as a string only */
	bool has_result;
	bool lost_is_done; /* the end of the connection is what was asked for */
	/* A resume: the guest may end everything before QEMU answers, which is a success still. */
	const struct launcher *resumed;
	unsigned resumes_before;
	uint64_t timeout_ms;
	connector_done *on_done;
	void *data;
};

static void finish(struct operation *operation, const struct error *error, const json_t *result)
{
	connector_done *on_done = operation->on_done;
	void *data = operation->data;
	json_decref(operation->arguments);
	free(operation->wide_value);
	qemu_session_close(operation->session);
	free(operation);
	on_done(error, result, data);
}

static void on_reply(const struct error *error, const struct qmp_message *reply, void *data);

/* QEMU would have a number: the digits go out bare this time. */
static void set_as_number(struct operation *operation)
{
	cleanup_free char *digits = TAKE(operation->wide_value);
	json_object_del(operation->arguments, "value");
	struct qmp_call call = {.command = "qom-set",
				.arguments = operation->arguments,
				.wide_value = digits,
				.timeout_ms = operation->timeout_ms};
	qmp_client_request(operation->client, &call, on_reply, operation);
}

static bool is_done_when_lost(const struct operation *operation)
{
	const struct launcher *resumed = operation->resumed;
	if (resumed && operation->session)
		return qemu_session_resumes(operation->session) > 0;
	return operation->lost_is_done ||
	       (resumed && qemu_launcher_resumes(resumed) > operation->resumes_before);
}

static void on_reply(const struct error *error, const struct qmp_message *reply, void *data)
{
	struct operation *operation = data;
	if (!error || (error->number == -ENOTCONN && is_done_when_lost(operation))) {
		finish(operation, NULL, operation->has_result ? reply->data : NULL);
		return;
	}
	if (reply && operation->wide_value && qemu_property_wants_integer(reply)) {
		set_as_number(operation);
		return;
	}
	struct error told = *error;
	if (operation->session)
		qemu_session_explain(operation->session, &told);
	if (reply && operation->arguments)
		told.code = qemu_property_error_code(
		    reply, json_string_value(json_object_get(operation->arguments, "path")));
	finish(operation, &told, NULL);
}

static void ask(struct operation *operation, struct qmp_client *client, uint64_t timeout_ms)
{
	const struct qmp_call call = {
	    .command = operation->command, .arguments = operation->arguments, .timeout_ms = timeout_ms};
	operation->client = client;
	qmp_client_request(client, &call, on_reply, operation);
}

static void on_session(struct qemu_session *session, const struct error *error, void *data)
{
	if (error)
		finish(data, error, NULL);
	else
		ask(data, qemu_session_client(session), qemu_session_time_left_ms(session));
}

/* Takes what template holds. */
static void start(struct launcher *launcher, const char *command, struct operation template)
{
	struct error error = {0};
	struct qemu_adoption *adoption = qemu_launcher_adoption(launcher);
	struct qmp_client *client = qemu_launcher_client(launcher);
	struct operation *operation = malloc(sizeof(*operation));
	if (operation) {
		*operation = template;
		operation->command = command;
	}
	if (operation && adoption)
		operation->session =
		    qemu_session_begin(adoption, template.timeout_ms, on_session, operation, &error);
	if (operation && operation->session)
		return;
	if (operation && client) {
		ask(operation, client, template.timeout_ms);
		return;
	}
	if (operation && !adoption)
		error_set(&error, -ENOTCONN, "not_running", "QEMU has not been started");
	else
		error_set(&error, -ENOMEM, NULL, "no memory");
	free(operation);
	json_decref(template.arguments);
	free(template.wide_value);
	template.on_done(&error, NULL, template.data);
}

/* QEMU has reset the machine before it takes up another command (its main loop does so between two), so
 * the reply is enough. A machine that stands still goes on standing. */
static void connector_reset(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	start(launcher, "system_reset",
	      (struct operation){.timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

static void connector_pause(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	start(launcher, "stop",
	      (struct operation){.timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

static void connector_resume(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			     void *data)
{
	start(launcher, "cont",
	      (struct operation){.resumed = launcher,
				 .resumes_before = qemu_launcher_resumes(launcher),
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data});
}

static void connector_quit(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	start(launcher, "quit",
	      (struct operation){
		  .lost_is_done = true, .timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

/* An adopted QEMU's connection has asked by itself before it comes to this. */
static void connector_look(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	start(launcher, "query-status",
	      (struct operation){.timeout_ms = timeout_ms, .on_done = on_done, .data = data});
}

static void connector_property_list(struct launcher *launcher, const char *path, uint64_t timeout_ms,
				    connector_done *on_done, void *data)
{
	start(launcher, "qom-list",
	      (struct operation){.arguments = json_pack("{s:s}", "path", path),
				 .has_result = true,
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data});
}

static void connector_property_get(struct launcher *launcher, const char *path, const char *name,
				   uint64_t timeout_ms, connector_done *on_done, void *data)
{
	start(launcher, "qom-get",
	      (struct operation){.arguments = json_pack("{s:s, s:s}", "path", path, "property", name),
				 .has_result = true,
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data});
}

/* A copy of the digits of a string that is an integer beyond 64-bit signed: the form in which such a value
 * is told, so also the form in which it is set. */
static char *wide_integer(const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t narrow;
	bool is_wide = text && qmp_is_integer(text) && text_to_int64(text, &narrow) == -ERANGE;
	return is_wide ? text_format("%s", text) : NULL;
}

static void connector_property_set(struct launcher *launcher, const char *path, const char *name,
				   const json_t *value, uint64_t timeout_ms, connector_done *on_done,
				   void *data)
{
	json_t *arguments =
	    json_pack("{s:s, s:s, s:O}", "path", path, "property", name, "value", (json_t *) value);
	start(launcher, "qom-set",
	      (struct operation){.arguments = arguments,
				 .wide_value = wide_integer(value),
				 .timeout_ms = timeout_ms,
				 .on_done = on_done,
				 .data = data});
}

const struct connector_ops qemu_connector_ops = {
    .reset = connector_reset,
    .pause = connector_pause,
    .resume = connector_resume,
    .quit = connector_quit,
    .look = connector_look,
    .property_list = connector_property_list,
    .property_get = connector_property_get,
    .property_set = connector_property_set,
};
