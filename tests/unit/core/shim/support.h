#pragma once

/* What the tests of the shim share: an instance whose emulator's process is real and whose control connection
 * is played by the test. It stands in for the registry's: linked before it, emulator_find is the one of
 * support.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/loop/loop.h"
#include "core/shim/instance.h"
#include "fake_emulator.h"
#include "tests/unit/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { SUPPORT_DEADLINE_MS = 20000 };

/* ---- the instance ---- */

struct fixture {
	struct scratch scratch;
	struct loop *loop;
	struct log *log;
	int log_fd;
	struct spec spec;
	struct instance *instance;
	char story[1024]; /* each state as it was told, then "ended" */
	bool ended, stops_loop_at_end;
	void (*on_change)(void *data);
	void *data;
};

/* For cmocka: *state is a fixture without an instance. Nothing is left of it: no child, no descriptor. */
int fixture_open(void **state);
int fixture_close(void **state);

/* more: members of spec.json besides the usual ones, JSON with ' for "; NULL: none. */
void instance_of(struct fixture *fixture, const char *more);
/* The same, started; running: its guest runs too. */
void start_instance(struct fixture *fixture, const char *more);
void run_instance(struct fixture *fixture, const char *more);

void wait_until(struct fixture *fixture, bool (*holds)(void *data), void *data);
/* True when it held before ms were over. */
bool wait_ms(struct fixture *fixture, bool (*holds)(void *data), void *data, int64_t ms);
bool has_ended(void *fixture);
void wait_for_end(struct fixture *fixture);
/* Stops it and waits for its end. */
void end_instance(struct fixture *fixture);
/* Waits until the file holds the text. */
void wait_for_file(struct fixture *fixture, const char *name, const char *text);
/* Waits until story ends with text. */
void wait_for_story(struct fixture *fixture, const char *text);

void expect_story(const struct fixture *fixture, const char *wanted);
/* exit.json's exit: reason, code (-1: null), signal (or NULL), detail (or NULL). */
void expect_exit(const struct fixture *fixture, const char *reason, int code, const char *signal,
		 const char *detail);
char *read_text(const struct fixture *fixture, const char *name);
pid_t process_of(const struct fixture *fixture, const char *name); /* 0: it has none */

/* The state directory on a disk of its own of 1 MiB, before the instance is made; skips the test where such a
 * one cannot be had. Filled, less than 512 KiB are free. */
void use_small_disk(struct fixture *fixture);
void fill_disk(const struct fixture *fixture);
void free_disk(const struct fixture *fixture);
/* The instance has gone then. */
void leave_small_disk(struct fixture *fixture);

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
