#pragma once

/* What /proc says of processes: one's vital signs, its children, its environment. */

#include <stdbool.h>
#include <sys/types.h>

struct proc_stat {
	pid_t pid;
	pid_t parent;
	pid_t group;
	pid_t session;
	char state; /* as in /proc/<pid>/stat: R S D T Z ... */
	int threads;
	unsigned long long cpu_ticks;  /* its own and of children it has waited for */
	unsigned long long start_time; /* ticks since boot; with the pid it names a process for good */
	unsigned long long rss_pages;
	bool is_kernel_thread;
	unsigned long long environment_start,
	    environment_end; /* both 0 where we may not know, and during an exec */
};

/* 0 or -ESRCH. */
int proc_stat_read(pid_t pid, struct proc_stat *ret_stat);

/* True once no thread of it runs any more. (A leader that left its threads behind shows 'Z' too.) */
bool proc_stat_is_dead(const struct proc_stat *stat);

typedef void proc_visit(const struct proc_stat *stat, void *data);

enum proc_order {
	/* A process's children are looked up after its visit: a visitor that stops it gets a list that holds
	 * still. */
	PROC_PARENTS_FIRST,
	/* All are looked up before the first visit: a visitor may end what it visits. */
	PROC_CHILDREN_FIRST,
};

/* Visits every descendant of root. 0 or a negative errno. */
int proc_walk_descendants(pid_t root, enum proc_order order, proc_visit *visit, void *data);

/* Visits every process but the caller whose environment, as of its exec, holds entry ("NAME=value"). How many
 * may hold it as well, but were in the middle of an exec and showed none; or a negative errno. */
int proc_walk_environment(const char *entry, proc_visit *visit, void *data);
