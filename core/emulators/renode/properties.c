#include "core/emulators/renode/properties.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/emulators/renode/listing.h"
#include "core/emulators/renode/names.h"
#include "core/emulators/renode/operation.h"
#include "core/emulators/renode/value.h"

#include <string.h>

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
	renode_operation_finish(operation, &told, NULL);
}

static void begin_member(struct operation *operation, const json_t *listing);

static void use_listing(struct operation *operation, const json_t *listing)
{
	if (operation->name) {
		begin_member(operation, listing);
		return;
	}
	cleanup_json json_t *result = json_copy((json_t *) listing);
	renode_operation_finish(operation, NULL, result);
}

static void on_listing(const struct error *error, const char *text, void *data)
{
	struct operation *operation = data;
	/* Of what cannot be listed a property may be told all the same. */
	if (error && operation->name && text_equal(error->code, "emulator_error")) {
		use_listing(operation, NULL);
		return;
	}
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
		renode_operation_execute(operation, operation->path, on_listing);
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
	renode_operation_finish(operation, NULL, result);
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
	renode_operation_finish(operation, *text ? &ignored : NULL, NULL);
}

/* 0, or why the property cannot be read or written as is asked: Renode would run a method of that name. */
static int check_member(const struct operation *operation, const json_t *listing, struct error *error)
{
	const json_t *property = renode_listing_property(listing, operation->name);
	if (renode_listing_has_method(listing, operation->name))
		return error_set(error, -ENOENT, "property_not_found",
				 "%s has no property %s: it is a method", operation->path, operation->name);
	/* What the listing does not have is asked for too: Renode says best what it lacks. */
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
		renode_operation_finish(operation, &error, NULL);
		return;
	}
	if (operation->value) {
		words = renode_value_format(operation->value, type_of(operation), &error);
		if (!words) {
			renode_operation_finish(operation, &error, NULL);
			return;
		}
	}
	cleanup_free char *command =
	    text_format("%s %s%s%s", operation->path, operation->name, words ? " " : "", words ? words : "");
	renode_operation_execute(operation, command ? command : operation->path,
				 operation->value ? on_set : on_value);
}

/* A name that the monitor would take for something else than one. */
static void begin_refusal(struct operation *operation)
{
	struct error error = {0};
	error_set(&error, -ENOENT, "property_not_found", "Renode knows no %s %s",
		  operation->name ? "property" : "object",
		  operation->name ? operation->name : operation->path);
	renode_operation_finish(operation, &error, NULL);
}

/* name and value: NULL where there is none. */
static void start_property(struct launcher *launcher, const char *path, const char *name, const json_t *value,
			   uint64_t timeout_ms, connector_done *on_done, void *data)
{
	bool is_sound = renode_is_object_path(path) && (!name || renode_is_member_name(name));
	/* Of two unsound names the path is told. */
	const char *told_name = is_sound || renode_is_object_path(path) ? name : NULL;
	renode_operation_start(renode_launcher_session(launcher),
			       (struct operation){.begin = is_sound ? begin_property : begin_refusal,
						  .path = strdup(path),
						  .name = told_name ? strdup(told_name) : NULL,
						  .value = json_incref((json_t *) value),
						  .timeout_ms = timeout_ms,
						  .on_done = on_done,
						  .data = data});
}

void renode_property_list(struct launcher *launcher, const char *path, uint64_t timeout_ms,
			  connector_done *on_done, void *data)
{
	start_property(launcher, path, NULL, NULL, timeout_ms, on_done, data);
}

void renode_property_get(struct launcher *launcher, const char *path, const char *name, uint64_t timeout_ms,
			 connector_done *on_done, void *data)
{
	start_property(launcher, path, name, NULL, timeout_ms, on_done, data);
}

void renode_property_set(struct launcher *launcher, const char *path, const char *name, const json_t *value,
			 uint64_t timeout_ms, connector_done *on_done, void *data)
{
	start_property(launcher, path, name, value, timeout_ms, on_done, data);
}
