#include "core/emulators/external/launcher_external.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

/* One connector call on its way. */
struct operation {
	struct launcher *launcher;
	void (*on_success)(struct launcher *launcher); /* what the driver's answer means; NULL: nothing */
	int (*check)(const json_t *result, struct error *error); /* NULL: any result will do */
	connector_done *on_done;
	void *data;
};

static void on_reply(const struct error *failure, const json_t *result, void *data)
{
	struct operation operation = *(struct operation *) data;
	struct error error;
	free(data);
	if (!failure && operation.check && operation.check(result, &error) < 0) {
		struct error told;
		error_set(&told, -EPROTO, "emulator_error", "the driver of %s %s",
			  operation.launcher->launch.emulator, error.message);
		operation.on_done(&told, NULL, operation.data);
		return;
	}
	if (!failure && operation.on_success)
		operation.on_success(operation.launcher);
	operation.on_done(failure, failure ? NULL : result, operation.data);
}

/* Takes arguments (NULL: none). */
static void start(struct operation template, const char *command, enum driver_capability needed,
		  json_t *arguments, uint64_t timeout_ms)
{
	cleanup_json json_t *owned = arguments;
	struct launcher *launcher = template.launcher;
	struct error error;
	struct operation *operation = malloc(sizeof(*operation));
	if (!operation) {
		error_set(&error, -ENOMEM, NULL, "no memory");
		template.on_done(&error, NULL, template.data);
		return;
	}
	*operation = template;
	if (launcher->capabilities & needed) {
		driver_client_request(launcher->driver, command, owned, timeout_ms, on_reply, operation);
		return;
	}
	error_set(&error, -EOPNOTSUPP, "not_implemented",
		  "the driver of %s has no \"%s\" among its capabilities", launcher->launch.emulator,
		  command);
	driver_client_refuse(launcher->driver, &error, on_reply, operation);
}

static void note_paused(struct launcher *launcher)
{
	if (!launcher->process_ended)
		launcher->events->on_paused(launcher->data);
}

static void note_running(struct launcher *launcher)
{
	if (!launcher->process_ended)
		launcher->events->on_running(launcher->data);
}

static void connector_reset(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	joints_drop_input(launcher->joints);
	start((struct operation){.launcher = launcher, .on_done = on_done, .data = data}, "reset",
	      DRIVER_CAN_RESET, NULL, timeout_ms);
}

static void connector_pause(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			    void *data)
{
	start(
	    (struct operation){
		.launcher = launcher, .on_success = note_paused, .on_done = on_done, .data = data},
	    "pause", DRIVER_CAN_PAUSE, NULL, timeout_ms);
}

static void connector_resume(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			     void *data)
{
	start(
	    (struct operation){
		.launcher = launcher, .on_success = note_running, .on_done = on_done, .data = data},
	    "resume", DRIVER_CAN_RESUME, NULL, timeout_ms);
}

static void connector_quit(struct launcher *launcher, uint64_t timeout_ms, connector_done *on_done,
			   void *data)
{
	start((struct operation){.launcher = launcher, .on_done = on_done, .data = data}, "quit",
	      DRIVER_CAN_QUIT, NULL, timeout_ms);
}

static int check_list(const json_t *result, struct error *error)
{
	size_t index;
	const json_t *property;
	if (!json_is_array(result))
		return error_set(error, -EPROTO, NULL,
				 "answered \"property-list\" with something that is no list");
	json_array_foreach (result, index, property) {
		if (!json_member_string(property, "name", NULL) ||
		    !json_member_string(property, "type", NULL))
			return error_set(error, -EPROTO, NULL,
					 "listed a property that has not both a \"name\" and a \"type\"");
	}
	return 0;
}

static void connector_property_list(struct launcher *launcher, const char *path, uint64_t timeout_ms,
				    connector_done *on_done, void *data)
{
	start((struct operation){.launcher = launcher, .check = check_list, .on_done = on_done, .data = data},
	      "property-list", DRIVER_CAN_LIST, json_pack("{s:s}", "path", path), timeout_ms);
}

static void connector_property_get(struct launcher *launcher, const char *path, const char *name,
				   uint64_t timeout_ms, connector_done *on_done, void *data)
{
	start((struct operation){.launcher = launcher, .on_done = on_done, .data = data}, "property-get",
	      DRIVER_CAN_GET, json_pack("{s:s, s:s}", "path", path, "name", name), timeout_ms);
}

static void connector_property_set(struct launcher *launcher, const char *path, const char *name,
				   const json_t *value, uint64_t timeout_ms, connector_done *on_done,
				   void *data)
{
	start((struct operation){.launcher = launcher, .on_done = on_done, .data = data}, "property-set",
	      DRIVER_CAN_SET,
	      json_pack("{s:s, s:s, s:O}", "path", path, "name", name, "value", (json_t *) value),
	      timeout_ms);
}

const struct connector_ops external_connector_ops = {
    .reset = connector_reset,
    .pause = connector_pause,
    .resume = connector_resume,
    .quit = connector_quit,
    .property_list = connector_property_list,
    .property_get = connector_property_get,
    .property_set = connector_property_set,
};
