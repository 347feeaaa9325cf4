#include "server/runs/run_json.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *parse(const char *text)
{
	return text ? json_parse(text, strlen(text), NULL) : NULL;
}

static json_t *pack_time(int64_t wall_ms)
{
	char text[CLOCK_RFC3339_SIZE];
	if (!wall_ms)
		return json_null();
	clock_format_rfc3339(wall_ms, text);
	return json_string(text);
}

/* Copies members as they are; those that are missing are null. */
static void copy(json_t *json, const json_t *from, const char *const *keys)
{
	for (; *keys; keys++) {
		json_t *value = json_object_get(from, *keys);
		json_object_set_new(json, *keys, value ? json_incref(value) : json_null());
	}
}

static json_t *count_tests(const json_t *tests)
{
	static const char *const results[] = {"passed", "failed", "skipped", "error"};
	json_int_t counts[4] = {0};
	size_t index;
	const json_t *test;
	json_array_foreach (tests, index, test)
		for (size_t i = 0; i < 4; i++)
			counts[i] += text_equal(json_member_string(test, "result", ""), results[i]);
	json_t *json = json_object();
	for (size_t i = 0; i < 4; i++)
		json_object_set_new(json, results[i], json_integer(counts[i]));
	return json;
}

static void set_row(json_t *json, const struct run_row *row, size_t position)
{
	bool has_ended = row->started_at_ms && row->ended_at_ms;
	double duration = (double) (row->ended_at_ms - row->started_at_ms) / 1000;
	json_object_set_new(json, "state", json_string(row->state));
	json_object_set_new(json, "queue_position",
			    position ? json_integer((json_int_t) position) : json_null());
	json_object_set_new(json, "verdict", row->verdict ? json_string(row->verdict) : json_null());
	json_object_set_new(json, "duration", has_ended ? json_real(duration) : json_null());
	json_object_set_new(json, "detach", json_boolean(row->is_detached));
	json_object_set_new(json, "instance", row->instance ? json_string(row->instance) : json_null());
	json_object_set_new(json, "created_at", pack_time(row->created_at_ms));
	json_object_set_new(json, "started_at", pack_time(row->started_at_ms));
	json_object_set_new(json, "ended_at", pack_time(row->ended_at_ms));
}

static void set_output(json_t *json, const char *id, const json_t *result, int64_t first_offset)
{
	char url[64];
	snprintf(url, sizeof(url), "/v1/runs/%s/output", id);
	json_object_set_new(json, "output_url", json_string(url));
	snprintf(url, sizeof(url), "/v1/runs/%s/junit", id);
	json_object_set_new(json, "junit_url", json_string(url));
	json_object_set_new(json, "output_bytes", json_integer(json_member_integer(result, "end_offset", 0)));
	json_object_set_new(json, "first_offset", json_integer((json_int_t) first_offset));
}

/* The one that is watched, where none was asked for. */
static void set_channel(json_t *json, const struct run_row *row)
{
	cleanup_json json_t *progress = parse(row->progress);
	json_t *channel = json_object_get(progress, "channel");
	if (channel && json_is_null(json_object_get(json, "channel")))
		json_object_set(json, "channel", channel);
}

json_t *run_row_to_json(const struct run_row *row, size_t position, int64_t first_offset, bool is_whole)
{
	static const char *const spec_keys[] = {
	    "target", "emulator", "file",         "args",          "channel", "pass",     "fail",     "input",
	    "labels", "timeout",  "idle_timeout", "queue_timeout", "actor",   "rerun_of", "versions", NULL};
	static const char *const result_keys[] = {"reason", "detail", "exit", "matched", "command", NULL};
	static const char *const long_keys[] = {"configuration", NULL};
	cleanup_json json_t *spec = parse(row->spec), *result = parse(row->result);
	char id[24];
	snprintf(id, sizeof(id), "%" PRId64, row->id);
	json_t *json = json_pack("{s:s}", "id", id);
	if (!json || !spec) {
		json_decref(json);
		return NULL;
	}
	set_row(json, row, position);
	copy(json, result, result_keys);
	copy(json, spec, spec_keys);
	set_output(json, id, result, first_offset);
	set_channel(json, row);
	if (!is_whole)
		return json;
	json_t *tests = parse(row->tests);
	json_object_set_new(json, "test_counts", count_tests(tests));
	json_object_set_new(json, "tests", tests ? tests : json_array());
	copy(json, spec, long_keys);
	return json;
}
