#include "core/config/server_settings.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/config/schema.h"

#include <stddef.h>
#include <string.h>

/* What is wrong with a string, or NULL. */
typedef const char *complaint(const char *text);

struct setting {
	struct config_key key; /* its path is that of the member in struct config_server, too */
	size_t offset;
	bool is_path;
	complaint *complain; /* may be NULL */
	double least, most;  /* numbers */
};

static const char *complain_of_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;
	if (!colon || colon == text || text_to_uint64(colon + 1, &port) < 0 || port > 65535)
		return "must be HOST:PORT with a port from 0 (any) to 65535";
	bool in_brackets = text[0] == '[' && colon[-1] == ']';
	if (memchr(text, ':', (size_t) (colon - text)) && !in_brackets)
		return "an IPv6 address must stand in brackets: [ADDRESS]:PORT";
	return NULL;
}

static const char *complain_of_log_level(const char *text)
{
	enum log_level level;
	return log_level_from_text(text, &level) < 0 ? "must be debug, info, warning or error" : NULL;
}

static const char *complain_of_log_format(const char *text)
{
	bool is_known = text_equal(text, "key_value") || text_equal(text, "json");
	return is_known ? NULL : "must be key_value or json";
}

#define AT(member) offsetof(struct config_server, member)
#define SETTING(name, kind, ...) \
	{ \
		.key = {#name, kind, false}, .offset = AT(name), __VA_ARGS__ \
	}
#define LIMIT(name, from, to) SETTING(limits.name, CONFIG_INTEGER, .least = (from), .most = (to))

#define KIBIBYTE 1024.0
#define TEBIBYTE (1024.0 * 1024 * 1024 * 1024)
#define DAY_S (24.0 * 60 * 60)

static const struct setting settings_table[] = {
    SETTING(listen, CONFIG_STRING, .complain = complain_of_listen),
    SETTING(state_dir, CONFIG_STRING, .is_path = true),
    SETTING(token_file, CONFIG_STRING, .is_path = true),
    SETTING(file_roots, CONFIG_STRING_LIST, .is_path = true),
    SETTING(path_roots, CONFIG_STRING_LIST, .is_path = true),
    SETTING(hosts, CONFIG_STRING_LIST),
    SETTING(origins, CONFIG_STRING_LIST),
    SETTING(log_level, CONFIG_STRING, .complain = complain_of_log_level),
    SETTING(log_format, CONFIG_STRING, .complain = complain_of_log_format),
    SETTING(raw_channels, CONFIG_BOOLEAN),
    SETTING(stop_instances_on_exit, CONFIG_BOOLEAN),
    LIMIT(running_instances, 1, 100000),
    LIMIT(instances, 1, 10000000),
    LIMIT(console_bytes, 64 * KIBIBYTE, TEBIBYTE),
    LIMIT(free_bytes, 0, TEBIBYTE),
    LIMIT(kept_starts, 0, 1000),
    LIMIT(kept_runs, 0, 10000000),
    SETTING(limits.kept_runs_age, CONFIG_REAL, .least = 0, .most = 100 * 365.25 * 86400),
    LIMIT(kept_runs_bytes, 0, 1024 * TEBIBYTE),
    LIMIT(kept_events, 1, 10000000),
    SETTING(limits.kept_events_age, CONFIG_REAL, .least = 1, .most = 10 * 365 * DAY_S),
    LIMIT(body_bytes, KIBIBYTE, 1024 * 1024 * KIBIBYTE),
    LIMIT(file_bytes, 1, TEBIBYTE),
    LIMIT(input_bytes, 1, 1024 * 1024 * KIBIBYTE),
    LIMIT(process_memory_bytes, 0, 1024 * TEBIBYTE),
    LIMIT(open_files, 0, 1048576),
    SETTING(limits.stop_timeout, CONFIG_REAL, .least = 0, .most = 3600),
    SETTING(limits.start_timeout, CONFIG_REAL, .least = 0.1, .most = 3600),
};

enum { SETTING_COUNT = sizeof(settings_table) / sizeof(settings_table[0]) };

static const struct config_limits default_limits = {
    .running_instances = 256,
    .instances = 10000,
    .console_bytes = 64 << 20,
    .free_bytes = 64 << 20,
    .kept_starts = 3,
    .kept_runs = 1000,
    .kept_runs_age = 30 * 86400,
    .kept_runs_bytes = UINT64_C(4) << 30,
    .kept_events = 100000,
    .kept_events_age = 30 * DAY_S,
    .body_bytes = 1 << 20,
    .file_bytes = 256 << 20,
    .input_bytes = 1 << 20,
    .stop_timeout = 5,
    .start_timeout = 30,
};

struct reading {
	struct config_server *settings;
	const char *directory;
	struct findings *findings;
};

/* NULL with a finding added. */
static char *read_text(const struct reading *reading, const struct setting *setting, const json_t *value,
		       const struct place *place)
{
	const char *text = json_string_value(value);
	const char *complaint_text = text[0] == '\0'     ? "must not be empty"
				     : setting->complain ? setting->complain(text)
							 : NULL;
	if (complaint_text) {
		findings_error(reading->findings, place, "%s", complaint_text);
		return NULL;
	}
	bool is_relative = setting->is_path && text[0] != '/';
	char *read = is_relative ? text_format("%s/%s", reading->directory, text) : strdup(text);
	if (!read)
		findings_out_of_memory(reading->findings, place);
	return read;
}

static char **read_texts(const struct reading *reading, const struct setting *setting, const json_t *list,
			 const struct place *place)
{
	/* A list without items is not the same as none: it allows nothing. */
	cleanup_text_vector char **texts = calloc(1, sizeof(*texts));
	size_t index;
	const json_t *item;
	json_array_foreach (list, index, item) {
		struct place item_place = place_item(place, index);
		cleanup_free char *text = NULL;
		if (json_is_string(item))
			text = read_text(reading, setting, item, &item_place);
		if (text && text_vector_append(&texts, text) < 0)
			findings_out_of_memory(reading->findings, &item_place);
	}
	return TAKE(texts);
}

static bool is_in_range(const struct reading *reading, const struct setting *setting, const json_t *value,
			const struct place *place)
{
	double number = json_number_value(value);
	if (number >= setting->least && number <= setting->most)
		return true;
	findings_error(reading->findings, place, "must be from %.15g to %.15g", setting->least,
		       setting->most);
	return false;
}

/* True where the schema check found nothing to say of the value itself. */
static bool is_of_type(const struct setting *setting, const json_t *value)
{
	switch (setting->key.type) {
	case CONFIG_STRING:
		return json_is_string(value);
	case CONFIG_STRING_LIST:
		return json_is_array(value);
	case CONFIG_BOOLEAN:
		return json_is_boolean(value);
	case CONFIG_INTEGER:
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case CONFIG_REAL:
		return json_is_number(value) && json_number_value(value) >= 0;
	case CONFIG_CHANNEL_TYPE:
	case CONFIG_MAP:
		break;
	}
	return false;
}

/* value is of the setting's type. */
static void read_setting(const struct reading *reading, const struct setting *setting, const json_t *value,
			 const struct place *place)
{
	void *member = (char *) reading->settings + setting->offset;
	switch (setting->key.type) {
	case CONFIG_STRING:
		*(char **) member = read_text(reading, setting, value, place);
		break;
	case CONFIG_STRING_LIST:
		*(char ***) member = read_texts(reading, setting, value, place);
		break;
	case CONFIG_BOOLEAN:
		*(bool *) member = json_is_true(value);
		break;
	case CONFIG_INTEGER:
		if (is_in_range(reading, setting, value, place))
			*(uint64_t *) member = (uint64_t) json_integer_value(value);
		break;
	case CONFIG_REAL:
		if (is_in_range(reading, setting, value, place))
			*(double *) member = json_number_value(value);
		break;
	case CONFIG_CHANNEL_TYPE:
	case CONFIG_MAP:
		break;
	}
}

static void check_types(const json_t *map, const struct place *place, struct findings *findings)
{
	struct config_key rows[SETTING_COUNT + 1] = {0};
	for (size_t i = 0; i < SETTING_COUNT; i++)
		rows[i] = settings_table[i].key;
	schema_check(rows, map, place, findings);
}

/* Reads the settings that stand in one map: the section itself (prefix ""), or "limits.". */
static void read_map(const struct reading *reading, const char *prefix, const json_t *map,
		     const struct place *place)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings_table[i];
		const char *name = setting->key.path + strlen(prefix);
		if (!text_starts_with(setting->key.path, prefix) || strchr(name, '.'))
			continue;
		const json_t *value = json_object_get(map, name);
		struct place value_place = place_member(place, name);
		if (is_of_type(setting, value))
			read_setting(reading, setting, value, &value_place);
	}
}

void server_settings_read(struct config_server *settings, const json_t *map, const char *directory,
			  const struct place *place, struct findings *findings)
{
	*settings = (struct config_server){.limits = default_limits};
	if (!map)
		return;
	check_types(map, place, findings);
	struct reading reading = {.settings = settings, .directory = directory, .findings = findings};
	read_map(&reading, "", map, place);
	struct place limits_place = place_member(place, "limits");
	read_map(&reading, "limits.", json_object_get(map, "limits"), &limits_place);
	settings->raw_channels_given = json_object_get(map, "raw_channels") != NULL;
}

void server_settings_finish(struct config_server *settings)
{
	free(settings->listen);
	free(settings->state_dir);
	free(settings->token_file);
	text_vector_free(settings->file_roots);
	text_vector_free(settings->path_roots);
	text_vector_free(settings->hosts);
	text_vector_free(settings->origins);
	free(settings->log_level);
	free(settings->log_format);
	*settings = (struct config_server){0};
}
