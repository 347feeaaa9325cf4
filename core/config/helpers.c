#include "core/config/helpers.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/config/file_names.h"
#include "core/config/substitute.h"

#include <string.h>

static const char *const helper_keys[] = {HELPERS_PRE_START, HELPERS_POST_START, NULL};

static void check_id(const char *id, char *const *emulators, const struct place *place,
		     struct findings *findings)
{
	const char *complaint = file_names_complain_of_process(id);
	if (complaint)
		findings_error(findings, place, "the id \"%.60s\" %s", id, complaint);
	for (; emulators && *emulators; emulators++) {
		size_t length = strlen(*emulators);
		/* "<emulator>-driver" is the name of its driver's process. */
		if (text_starts_with(id, *emulators) && (!id[length] || text_equal(id + length, "-driver")))
			findings_error(findings, place, "the id is the name of the emulator's own process");
	}
}

void helpers_check(const json_t *target, char *const *emulators, const struct place *place,
		   struct findings *findings)
{
	const json_t *pre_start = json_object_get(target, HELPERS_PRE_START);
	for (const char *const *helper_key = helper_keys; *helper_key; helper_key++) {
		struct place map_place = place_member(place, *helper_key);
		json_t *helpers = json_object_get(target, *helper_key), *command;
		const char *id;
		json_object_foreach (helpers, id, command) {
			struct place helper_place = place_member(&map_place, id);
			check_id(id, emulators, &helper_place, findings);
			if (helpers != pre_start && json_object_get(pre_start, id))
				findings_error(findings, &helper_place, "the id stands in %s, too",
					       HELPERS_PRE_START);
			const char *program = json_string_value(json_array_get(command, 0));
			if (json_is_array(command) && (!json_array_size(command) || text_equal(program, "")))
				findings_error(findings, &helper_place, "the command names no program");
		}
	}
}

struct channel_check {
	const json_t *channels;
	bool is_complete;
	const struct place *place;
	struct findings *findings;
};

/* port, host and path: which channels have it. */
static const char *wanted_type(const char *kind)
{
	return text_equal(kind, "pw_emu_channel_path") ? "pty" : "tcp";
}

static void complain_of_channel(const struct channel_check *check, const char *kind, const char *name,
				const char *found_type)
{
	if (found_type) {
		findings_error(check->findings, check->place,
			       "$%s{%s}: the channel is a %s one and has no %s", kind, name, found_type,
			       kind + strlen("pw_emu_channel_"));
		return;
	}
	cleanup_text_vector char **names = NULL;
	size_t index;
	json_t *described, *channel;
	const char *key;
	json_array_foreach (check->channels, index, described) {
		json_object_foreach (described, key, channel) {
			text_vector_append(&names, key);
		}
	}
	const char *nearest = text_nearest(name, (const char *const *) names);
	findings_error(check->findings, check->place, "$%s{%s}: the target has no such channel%s%s%s", kind,
		       name, nearest ? ", did you mean \"" : "", nearest ? nearest : "",
		       nearest ? "\"?" : "");
}

static char *look_up_channel(const char *kind, const char *name, void *data, struct error *error)
{
	const struct channel_check *check = data;
	const char *found_type = NULL;
	bool is_there = !check->is_complete;
	size_t index;
	json_t *described;
	json_array_foreach (check->channels, index, described) {
		const char *type = json_member_string(json_object_get(described, name), "type", NULL);
		found_type = type ? type : found_type;
		is_there = is_there || text_equal(type, wanted_type(kind));
	}
	if (!is_there)
		complain_of_channel(check, kind, name, found_type);
	char *nothing = strdup("");
	if (!nothing)
		error_set(error, -ENOMEM, NULL, "out of memory");
	return nothing;
}

static void check_command(const json_t *command, struct channel_check *check)
{
	const struct place *command_place = check->place;
	size_t index;
	const json_t *word;
	json_array_foreach (command, index, word) {
		if (!json_is_string(word))
			continue;
		struct place word_place = place_item(command_place, index);
		check->place = &word_place;
		free(substitute_text(json_string_value(word), "pw_emu_channel_", look_up_channel, check,
				     NULL));
	}
	check->place = command_place;
}

void helpers_check_channels(const json_t *target, const json_t *channels, bool is_complete,
			    const struct place *place, struct findings *findings)
{
	for (const char *const *helper_key = helper_keys; *helper_key; helper_key++) {
		struct place map_place = place_member(place, *helper_key);
		json_t *command;
		const char *id;
		json_object_foreach (json_object_get(target, *helper_key), id, command) {
			struct place command_place = place_member(&map_place, id);
			struct channel_check check = {channels, is_complete, &command_place, findings};
			check_command(command, &check);
		}
	}
}

json_t *helpers_to_list(const json_t *target, const char *key)
{
	cleanup_json json_t *list = json_array();
	json_t *command;
	const char *id;
	json_object_foreach (json_object_get(target, key), id, command) {
		if (json_array_append_new(list, json_pack("{s:s, s:O}", "name", id, "command", command)) < 0)
			return NULL;
	}
	return TAKE(list);
}
