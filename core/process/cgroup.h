#pragma once

/*
 * A cgroup of one start's own. Every process of the start is born in it (see process_spec), and none can
 * leave: Landlock lets it write no cgroup's files, the system call filter refuses clone3. One write kills
 * them all, whatever they have done to their parents, sessions and environment. Where there is no cgroup v2
 * that we may write, or a kernel before 5.14, there are no groups, and sweep.h alone has to do.
 */

#include <stdbool.h>
#include <stdint.h>

struct cgroup;

/* Whose group it is; all borrowed. Its name is made of this, never read from a file that a board may
 * write. */
struct cgroup_owner {
	const char *id;
	int64_t start_number;
	const char *cookie;
};

/* Our own cgroup's directory, where groups can be made below it (one is made and removed to see); the caller
 * frees. NULL: they cannot. */
char *cgroup_find_base(void);

/* Makes the owner's group below base (NULL: none). NULL where that cannot be: one does without. */
struct cgroup *cgroup_create(const char *base, const struct cgroup_owner *owner);

/* Its directory: what a child is to be born into. */
int cgroup_directory(const struct cgroup *cgroup);

/* Kills every process in it and waits until it is empty (5 s for one that hangs in the kernel). */
void cgroup_kill(const struct cgroup *cgroup);

/* Takes over every process of another group: for those that ran before their owner was known (7 to 15 ms).
 * What cannot be moved stays behind. */
void cgroup_take_over(const struct cgroup *cgroup, const struct cgroup *from);

/* Removes it if it is empty; takes NULL. */
void cgroup_destroy(struct cgroup *cgroup);

/* Whether the owner's group is there. Its shim removes it before it records an end. */
bool cgroup_exists(const char *base, const struct cgroup_owner *owner);

/* cgroup_kill and cgroup_destroy for a group that a shim left behind, on a pool thread. One that is not there
 * is none. */
void cgroup_clear(const char *base, const struct cgroup_owner *owner);

/* Removes what is empty below base and was left by those who had no time to: nobody holds it any more. Groups
 * of other emuds' living shims stay. */
void cgroup_remove_stale(const char *base);
