#pragma once

/* gdb played by a shell script in the state directory, and what came of a call. */

#include "support.h"

#include "core/shim/debug.h"

struct outcome {
	struct fixture *fixture;
	int told;
	char code[64], message[2048]; /* "": it succeeded */
	json_t *result;
};

/* The board runs; its gdb is `script`, whose "$@" are gdb's arguments. */
static inline void run_with_gdb(struct fixture *fixture, const char *script)
{
	scratch_write(&fixture->scratch, "gdb.sh", script);
	run_instance(fixture, "{'gdb':['sh','./gdb.sh']}");
}

static inline void outcome_note(const struct error *error, const json_t *result, void *data)
{
	struct outcome *outcome = data;
	outcome->told++;
	if (error) {
		snprintf(outcome->code, sizeof(outcome->code), "%s", error_code_or(error, "none"));
		snprintf(outcome->message, sizeof(outcome->message), "%s", error->message);
	}
	outcome->result = json_deep_copy(result);
}

static inline bool outcome_is_told(void *data)
{
	return ((struct outcome *) data)->told > 0;
}

static inline void outcome_wait(struct outcome *outcome)
{
	wait_until(outcome->fixture, outcome_is_told, outcome);
	assert_int_equal(outcome->told, 1);
}

static inline void outcome_finish(struct outcome *outcome)
{
	json_decref(outcome->result);
	*outcome = (struct outcome){.fixture = outcome->fixture};
}

static inline void expect_success(struct outcome *outcome)
{
	outcome_wait(outcome);
	assert_string_equal(outcome->message, "");
	outcome_finish(outcome);
}

static inline void expect_error(struct outcome *outcome, const char *code, const char *message)
{
	outcome_wait(outcome);
	assert_string_equal(outcome->message, message);
	assert_string_equal(outcome->code, code);
	assert_null(outcome->result);
	outcome_finish(outcome);
}
