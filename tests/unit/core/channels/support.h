#pragma once

/* A console and the guest at its other end. */

#include "harness.h"

#include "core/channels/console.h"

enum { MIB = 1024 * 1024 };

struct fixture {
	struct harness *harness;
	struct growth *growth;
	struct console *console;
	int guest_output; /* as the emulator has it: opened without append or truncation */
	int guest_input;
	int64_t written;
};

/* For cmocka: *state is a fixture whose console has not been started. */
int open_console_fixture(void **state);
int close_console_fixture(void **state);

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_console_fixture, close_console_fixture)

void start_console(struct fixture *fixture, enum console_endpoint endpoint);

void guest_prints(struct fixture *fixture, const char *text);
/* Prints the pattern, at the offset it has in the output. */
void guest_floods(struct fixture *fixture, size_t length);
bool guest_has_input(void *fixture);
void expect_guest_reads(struct fixture *fixture, const char *text);

/* Waits for exactly this much of the pattern to come next, and takes it. */
void expect_pattern(struct fixture *fixture, struct peer *peer, int64_t from, size_t length);
