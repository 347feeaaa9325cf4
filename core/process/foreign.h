#pragma once

/*
 * A process that is no child of ours: one that `pw emu` started. Held by its pidfd, so that no signal can
 * reach another that got its number; its end is seen, its exit code only its parent learns.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What is said of it, and is held against what the kernel says. Borrowed. */
struct foreign_claim {
	const char *name; /* for messages: "qemu" */
	pid_t pid;
	const char *program;       /* what it runs, by its name: "qemu-system-arm", "/usr/bin/x" */
	int64_t not_after_wall_ms; /* it was there when this was said: a later start is another process */
};

/* The pidfd of exactly that process, the caller's; or a negative errno (code "not_adoptable") that says why
 * it is not: ended, another user's, another program, a number that was given anew. */
int foreign_open(const struct foreign_claim *claim, struct error *error);

struct foreign_process;

/* Takes pidfd (closed even on failure). on_end fires once, from the loop. */
struct foreign_process *foreign_process_create(struct loop *loop, int pidfd, void (*on_end)(void *data),
					       void *data, struct error *error);
int foreign_process_signal(struct foreign_process *process, int signal_number); /* 0 or -ESRCH */
/* Looks away; it runs on. Takes NULL. */
void foreign_process_destroy(struct foreign_process *process);

/* Its command line, a NULL-terminated vector (text_vector_free). NULL: none can be read. */
char **foreign_command(pid_t pid);

/* True if a listening tcp socket of this port, or the master of /dev/pts/<number>, is open in the process. */
bool foreign_listens(pid_t pid, uint16_t port);
bool foreign_holds_pty(pid_t pid, int number);
