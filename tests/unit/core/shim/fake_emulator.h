#pragma once

/*
 * An emulator whose process is real and whose control connection is played by the test. It stands in the
 * place of registry.c, which is not linked where fake_emulator.c has answered for the emulators already.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/emulators/connector.h"
#include "core/emulators/launcher.h"

#include <stdbool.h>

/* What it is to do is set before the start; what it was asked stands in `calls`. */
struct fake_emulator {
	const char *const *argv; /* NULL: sleeps */
	const char *const *environment;
	int stdout_fd;
	const char
	    *fails_at; /* "create", "plan", "prepare", "actions": with code "emulator_error" and words */
	bool has_plan, plans_at_once, waits_for_start, has_quit, has_end_reason;
	bool keeps_connection; /* the end of the process does not end the connection */
	bool answers;          /* actions complete in the next turn, else when the fake goes */
	const char *end_reason;
	const char *result;         /* of property_list and property_get: JSON */
	const char *own_process[4]; /* argv of a process of the launcher's own, "own"; [0] NULL: none */
	const struct channel_plan *channels;
	size_t channel_count;
	int connection; /* what connect() gives away, once; -1: it fails */

	char calls[2048];
	const struct launch *launch; /* NULL: no launcher */
};

extern struct fake_emulator fake;

/* As it is usually: sleeps, has a console and a gdb tunnel, answers. */
void fake_forget(void);
/* Before the instance is created: the tables that `fake` asks for. */
void fake_make(void);

/* Once start was called: the guest runs, or why it ends. */
void fake_started(const char *failure);
/* Or why it is to be ended. */
void fake_refused(const char *failure);
/* Once planned with plans_at_once unset. */
void fake_planned(const char *failure);
void fake_paused(void);
void fake_running(void);
void fake_lost(void);
/* "create plan ..." and so on since the last look. */
void expect_calls(const char *wanted);

/* JSON with ' for ". New reference. */
json_t *quoted(const char *text);
