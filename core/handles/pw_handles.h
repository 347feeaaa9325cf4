#pragma once

/*
 * The handles.json of a working directory in which `pw emu` started an emulator. Read strictly: whoever may
 * write there may have written anything, so every name does as a file's name, every endpoint is a local one,
 * and what the pids are worth is for the caller to find out (core/process/foreign.h).
 *
 * While an emulator is adopted its handles.json names our endpoints for some channels, and the original lies
 * aside. Code of every error: "not_adoptable".
 */

#include "core/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Strings are borrowed from the whole. */
struct pw_channel {
	const char *name;
	bool pty;
	const char *host; /* tcp: "127.0.0.1", "localhost" or "::1" */
	uint16_t port;
	const char *path; /* pty: "/dev/pts/<number>" */
};

struct pw_process {
	const char *name;
	pid_t pid;
};

struct pw_handles {
	json_t *json; /* all of it; owned, as the two arrays */
	const char *emulator, *target;
	struct pw_channel *channels;
	size_t channel_count;
	struct pw_process *processes;
	size_t process_count;
	int64_t written_at_ms; /* when the file was last written, wall clock */
};

/* 0, -ENOENT (there is none), or what is wrong with it. ret_handles is untouched on failure. */
int pw_handles_read(int dirfd, struct pw_handles *ret_handles, struct error *error);
int pw_handles_parse(const char *text, size_t length, struct pw_handles *ret_handles, struct error *error);
void pw_handles_finish(struct pw_handles *handles); /* a zeroed one, too */

/* NULL: there is none of that name. */
const struct pw_channel *pw_handles_channel(const struct pw_handles *handles, const char *name);
/* The emulator's own; there is one always. */
pid_t pw_handles_emulator_pid(const struct pw_handles *handles);

/*
 * Puts the original aside (below aside_fd, on the same file system) and one in its place in which `endpoints`
 * ({"serial0":{"type","host","port"}}, or null: left out) stand for the channels of these names; the symlink
 * of a pty follows. 0 or a negative errno; nothing has changed then.
 */
int pw_handles_replace(int dirfd, int aside_fd, const struct pw_handles *handles, const json_t *endpoints,
		       struct error *error);
/* Puts what lies aside back, unless `pw emu` has taken away or renewed the one in its place meanwhile.
 * Nothing aside: nothing is done. */
void pw_handles_restore(int dirfd, int aside_fd);
/* The same, and takes away what says that the processes run: handles.json and their pid files. */
void pw_handles_retire(int dirfd, int aside_fd);
