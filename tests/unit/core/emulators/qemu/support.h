#pragma once

/* A board on the real QEMU, started as the shim does it: launcher, process, connector. */

#include "core/emulators/connector.h"
#include "core/emulators/registry.h"
#include "core/process/process.h"

struct board_answer {
	bool done;
	int number;
	char code[32];
	char words[512];
	json_t *result;
};

struct board {
	struct loop *loop;
	struct loop_timer *deadline;
	const struct emulator *emulator;
	struct launcher *launcher;
	struct process *process;
	json_t *settings;
	char directory[64];
	int dirfd, firmware_fd, files_fd;
	char *const *argv;
	/* what was told */
	int started, paused, running, lost, exited;
	int start_number;
	char start_words[512];
	struct process_end end;
	struct board_answer answer;
};

/* What to start; the rest is zero. */
struct board_options {
	const char *executable, *machine;
	const char *const *args;
	const void *firmware;
	size_t firmware_bytes;
	bool paused;
	bool semihosting;
};

/* Everything up to the running process; board_wait_start waits for what comes of it. */
void board_start(struct board *board, const struct board_options *options);
void board_wait(struct board *board, const int *counter, int count);
void board_wait_start(struct board *board);      /* and asserts success */
const char *board_wait_end(struct board *board); /* its reason */
char *board_stderr(struct board *board);
void board_stop(struct board *board); /* kills what is left and frees all */

/* One connector call, waited for; the answer is the board's until the next. */
const struct board_answer *board_reset(struct board *board);
const struct board_answer *board_pause(struct board *board);
const struct board_answer *board_resume(struct board *board);
const struct board_answer *board_quit(struct board *board);
const struct board_answer *board_list(struct board *board, const char *path);
const struct board_answer *board_get(struct board *board, const char *path, const char *name);
const struct board_answer *board_set(struct board *board, const char *path, const char *name, json_t *value);
