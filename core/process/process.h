#pragma once

/*
 * A child of the shim: emulator, helper or gdb. Forked (the shim is small and single-threaded), tied to its
 * parent's life, confined, and reaped through a pidfd in the loop.
 */

#include "core/base/error.h"
#include "core/loop/loop.h"
#include "core/process/cgroup.h"
#include "core/process/confine.h"
#include "core/process/enclosure.h"
#include "core/process/namespaces.h"

#include <sys/types.h>

/* What to run. Everything borrowed for the call only. */
struct process_spec {
	/* argv[0] is looked up in the child's PATH (absolute entries) where it has no slash */
	const char *const *argv;
	const char *const *environment; /* NULL-terminated "NAME=value" added to or replacing the parent's */
	const char *directory;          /* working directory; NULL: the parent's */
	int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null */
	const int *inherit_fds; /* these keep their numbers in the child; ends with -1; NULL: none */
	const struct confinement *confinement; /* NULL: unconfined */
	const struct cgroup *cgroup;           /* where it is born; NULL: the parent's */
	const struct namespaces *namespaces;   /* where it runs; NULL: the parent's */
	const struct enclosure *enclosure; /* the same of its files; directory is what that was made for */
};

/* How it ended: exactly one of code >= 0 and signal > 0; neither for one that was no child of ours, whose
 * parent alone learns it. */
struct process_end {
	int code;   /* -1 where it was a signal */
	int signal; /* 0 where it exited */
};

struct process;

/*
 * Starts it: parent-death signal SIGKILL (and a second look at the parent), own session, default signal
 * dispositions and mask, confinement, exec. An exec that fails is told here, synchronously, with its reason
 * (code "emulator_unavailable" for ENOENT/EACCES): nothing is left behind then. on_exit fires once, from
 * the loop, after the child was reaped. The caller's own descriptors 0 to 2 must be open.
 */
struct process *process_start(struct loop *loop, const struct process_spec *spec,
			      void (*on_exit)(const struct process_end *end, void *data), void *data,
			      struct error *error);
pid_t process_pid(const struct process *process);               /* valid until reaped; 0 after */
int process_signal(struct process *process, int signal_number); /* by pidfd; -ESRCH after the end */
/* True while a struct process is to reap this child of ours: its exit status must be left to that. */
bool process_owns(pid_t pid);
/* Forgets it; one that still runs is killed with SIGKILL and reaped. */
void process_destroy(struct process *process);

/* "SIGABRT" for 6; "SIG<n>" where there is no name. Static storage or out. */
const char *process_signal_name(int signal_number, char out[static 16]);
