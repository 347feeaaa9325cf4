#pragma once

/* What the tests of this folder share: running a child to its end, and what it leaves behind. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buffer.h"
#include "core/process/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000 };

struct run {
	struct loop *loop;
	struct process_end end;
	int exits;    /* how often on_exit was called */
	char *output; /* stdout and stderr; owned */
};

static inline void run_on_exit(const struct process_end *end, void *data)
{
	struct run *run = data;

	run->end = *end;
	run->exits++;
	loop_stop(run->loop);
}

static inline void run_on_timeout(void *data)
{
	(void) data;
	fail_msg("the child did not end in time");
}

/* Runs the loop until on_exit was called. */
static inline void run_until_exit(struct run *run)
{
	struct error error = {0};
	struct loop_timer *timer = loop_timer_create(run->loop, run_on_timeout, run, &error);

	assert_non_null(timer);
	loop_timer_start(timer, DEADLINE_MS);
	while (run->exits == 0)
		loop_run(run->loop);
	loop_timer_destroy(timer);
}

static inline void run_finish(struct run *run)
{
	loop_destroy(run->loop);
	free(run->output);
}

static inline struct run run_begin(void)
{
	struct error error = {0};
	struct run run = {.loop = loop_create(&error)};

	assert_non_null(run.loop);
	return run;
}

/* Reads until no process holds the other end any more: also proof that these have ended. */
static inline char *read_all(int fd)
{
	struct buffer buffer = {0};
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char bytes[4096];
	ssize_t length;

	do {
		assert_int_equal(poll(&readable, 1, DEADLINE_MS), 1);
		length = read(fd, bytes, sizeof(bytes));
		assert_true(length >= 0);
		assert_int_equal(buffer_append(&buffer, bytes, (size_t) length), 0);
	} while (length > 0);
	return buffer_take_text(&buffer);
}

/* Runs spec to its end with its output caught. */
static inline void run_spec(struct run *run, struct process_spec spec)
{
	struct error error = {0};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec.stdout_fd = spec.stderr_fd = ends[1];
	struct process *process = process_start(run->loop, &spec, run_on_exit, run, &error);
	assert_string_equal(error.message, "");
	assert_non_null(process);
	close(ends[1]);
	run->output = read_all(ends[0]);
	close(ends[0]);
	run_until_exit(run);
	process_destroy(process);
}

/* The same for a shell's script. */
static inline void run_shell(struct run *run, const char *script, const struct confinement *confinement)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};

	run_spec(run, (struct process_spec){.argv = argv, .stdin_fd = -1, .confinement = confinement});
}

static inline int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* Group setup: the first loop opens descriptors that libuv keeps. */
static inline int settle(void **state)
{
	struct run run = run_begin();

	(void) state;
	run_finish(&run);
	return 0;
}

/* Setup and teardown of every test: no descriptor and no child stays behind. */
static inline int remember_descriptors(void **state)
{
	*state = (void *) (intptr_t) count_descriptors();
	return 0;
}

static inline int check_nothing_is_left(void **state)
{
	int before = (int) (intptr_t) *state;
	int after = count_descriptors();
	pid_t child = waitpid(-1, NULL, WNOHANG);

	if (before != after)
		print_error("%d descriptors before, %d after\n", before, after);
	if (child != -1)
		print_error("a child was left\n");
	return before == after && child == -1 ? 0 : -1;
}

#define process_test(function) \
	cmocka_unit_test_setup_teardown(function, remember_descriptors, check_nothing_is_left)
