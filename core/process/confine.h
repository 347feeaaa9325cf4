#pragma once

/*
 * What a child may reach: Landlock (files, signals), seccomp (no mounts, no ptrace of others, no kernel
 * modules, no keyrings, ...), no-new-privileges, rlimits. Built once in the parent, entered in the child
 * between fork and exec (async-signal-safe there).
 */

#include "core/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What this kernel allows. */
struct confine_support {
	int landlock_abi; /* 0: none */
	bool seccomp;
	bool cgroup;     /* every start has a group of its own (see cgroup.h) */
	bool namespaces; /* an emulator that opens ports has a network of its own (see namespaces.h) */
};
/* Tries what cannot be asked: 1 ms. */
void confine_probe(struct confine_support *support);

struct confine_rules {
	bool
	    bare; /* of the system it may read the libraries alone: what comes on top of them is told below */
	const char *const
	    *read_paths; /* readable and executable beneath; NULL-terminated; missing ones are skipped */
	const char *const *write_paths; /* readable and writable beneath */
	/*
	 * The files behind open descriptors, by the same rights; ends with -1; NULL: none. Reading and
	 * writing an inherited descriptor needs no rule, but opening it again through /proc/self/fd/N does.
	 */
	const int *read_fds;
	const int *write_fds;
	uint64_t memory_bytes; /* RLIMIT_AS; 0: inherited */
	uint64_t open_files;   /* RLIMIT_NOFILE; 0: inherited */
	bool core_dumps;       /* false: RLIMIT_CORE 0 */
};

/* Whether this kernel keeps a confined child from files at all. */
bool confine_holds_files(void);

struct confinement;
/* What the kernel does not know is left out (confine_probe tells); NULL on failure. */
struct confinement *confinement_create(const struct confine_rules *rules, struct error *error);
void confinement_destroy(struct confinement *confinement);
/* In the child only. 0 or a negative errno. */
int confinement_enter(const struct confinement *confinement);

/* The system's directories every confined child may read, without being named in the rules; NULL-terminated.
 * Of the devices it may use null, zero, full, random, urandom, tty, ptmx, pts, kvm and net/tun. */
extern const char *const confine_system_paths[];
