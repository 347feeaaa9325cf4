#include "server/runs/run_patterns.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"

#include <stdio.h>

static void add(struct pattern_set *set, const json_t *regex, const char *pointer, json_t **faults)
{
	struct error error;
	if (pattern_set_add(set, json_string_value(regex), json_string_length(regex), &error) < 0)
		json_add_fault(faults, pointer, error.message);
}

static void add_all(struct pattern_set *set, const json_t *spec, const char *key, json_t **faults)
{
	size_t index;
	json_t *regex;
	json_array_foreach (json_object_get(spec, key), index, regex) {
		char pointer[32];
		snprintf(pointer, sizeof(pointer), "/%s/%zu", key, index);
		add(set, regex, pointer, faults);
	}
}

static int compile_steps(struct run_patterns *patterns, const json_t *input, json_t **faults)
{
	size_t index;
	json_t *step;
	patterns->step_count = json_array_size(input);
	patterns->steps = calloc(patterns->step_count + 1, sizeof(struct pattern_set *));
	if (!patterns->steps)
		return -ENOMEM;
	json_array_foreach (input, index, step) {
		const json_t *regex = json_object_get(step, "expect");
		char pointer[48];
		if (!json_is_string(regex))
			continue;
		if (!(patterns->steps[index] = pattern_set_create(NULL)))
			return -ENOMEM;
		snprintf(pointer, sizeof(pointer), "/input/%zu/expect", index);
		add(patterns->steps[index], regex, pointer, faults);
	}
	return 0;
}

struct run_patterns *run_patterns_compile(const json_t *spec, json_t **faults)
{
	struct run_patterns *patterns = calloc(1, sizeof(*patterns));
	if (!patterns || !(patterns->verdict = pattern_set_create(NULL)) ||
	    compile_steps(patterns, json_object_get(spec, "input"), faults) < 0) {
		run_patterns_destroy(patterns);
		return NULL;
	}
	patterns->pass_count = json_array_size(json_object_get(spec, "pass"));
	add_all(patterns->verdict, spec, "pass", faults);
	add_all(patterns->verdict, spec, "fail", faults);
	return patterns;
}

void run_patterns_destroy(struct run_patterns *patterns)
{
	if (!patterns)
		return;
	for (size_t i = 0; patterns->steps && i < patterns->step_count; i++)
		pattern_set_unref(patterns->steps[i]);
	free(patterns->steps);
	pattern_set_unref(patterns->verdict);
	free(patterns);
}
