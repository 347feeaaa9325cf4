#include "core/process/proctree.h"

#include "core/base/cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stat_list {
	struct proc_stat *items; /* owned */
	size_t count;
	size_t capacity;
};

static void cleanup_stat_list(const struct stat_list *list)
{
	free(list->items);
}

static void cleanup_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int stat_list_append(struct stat_list *list, const struct proc_stat *stat)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 32;
		struct proc_stat *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *stat;
	return 0;
}

/* The numbers of the fields in /proc/<pid>/stat, as proc(5) counts them. */
enum stat_field {
	FIELD_PARENT = 4,
	FIELD_GROUP = 5,
	FIELD_SESSION = 6,
	FIELD_FLAGS = 9,
	FIELD_USER_TICKS = 14,
	FIELD_SYSTEM_TICKS = 15,
	FIELD_CHILDREN_USER_TICKS = 16,
	FIELD_CHILDREN_SYSTEM_TICKS = 17,
	FIELD_THREADS = 20,
	FIELD_START_TIME = 22,
	FIELD_RSS = 24,
	FIELD_ENVIRONMENT_START = 50,
	FIELD_ENVIRONMENT_END = 51,
	FIELDS,
};

/* Of FIELD_FLAGS: PF_KTHREAD in the kernel's include/linux/sched.h. */
enum { KERNEL_THREAD_FLAG = 0x00200000 };

int proc_stat_read(pid_t pid, struct proc_stat *ret_stat)
{
	char path[64];
	char text[1024];
	unsigned long long fields[FIELDS] = {0};

	snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return -ESRCH;
	text[length] = '\0';

	/* The command's name, in parentheses, may hold spaces and parentheses itself. */
	const char *state = strrchr(text, ')');
	if (!state || strlen(state) < sizeof(") S ") - 1)
		return -ESRCH;
	char *rest = (char *) state + 3;
	for (int field = FIELD_PARENT; field < FIELDS; field++)
		fields[field] = strtoull(rest, &rest, 10);
	*ret_stat = (struct proc_stat){
	    .pid = pid,
	    .parent = (pid_t) fields[FIELD_PARENT],
	    .group = (pid_t) fields[FIELD_GROUP],
	    .session = (pid_t) fields[FIELD_SESSION],
	    .state = state[2],
	    .threads = (int) fields[FIELD_THREADS],
	    .cpu_ticks = fields[FIELD_USER_TICKS] + fields[FIELD_SYSTEM_TICKS] +
			 fields[FIELD_CHILDREN_USER_TICKS] + fields[FIELD_CHILDREN_SYSTEM_TICKS],
	    .start_time = fields[FIELD_START_TIME],
	    .rss_pages = fields[FIELD_RSS],
	    .is_kernel_thread = fields[FIELD_FLAGS] & KERNEL_THREAD_FLAG,
	    .environment_start = fields[FIELD_ENVIRONMENT_START],
	    .environment_end = fields[FIELD_ENVIRONMENT_END],
	};
	return 0;
}

bool proc_stat_is_dead(const struct proc_stat *stat)
{
	return (stat->state == 'Z' || stat->state == 'X') && stat->threads <= 1;
}

/* The next number that names an entry of a directory in /proc; 0 at the end. */
static pid_t next_number(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)))
		if (isdigit((unsigned char) entry->d_name[0]))
			return (pid_t) strtol(entry->d_name, NULL, 10);
	return 0;
}

/* Appends pid if it is a child of parent's right now. */
static int append_child(struct stat_list *list, pid_t pid, pid_t parent)
{
	struct proc_stat stat;

	if (proc_stat_read(pid, &stat) < 0 || stat.parent != parent)
		return 0;
	return stat_list_append(list, &stat);
}

static int append_children_of_thread(struct stat_list *list, pid_t pid, pid_t thread)
{
	char path[64];
	cleanup_free char *word = NULL;
	size_t capacity = 0;
	int result = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) pid, (int) thread);
	cleanup_fclose FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (result == 0 && getdelim(&word, &capacity, ' ', file) > 0)
		result = append_child(list, (pid_t) strtol(word, NULL, 10), pid);
	return result;
}

/* For kernels without CONFIG_PROC_CHILDREN: whoever says so. */
static int append_children_by_scan(struct stat_list *list, pid_t pid)
{
	cleanup(cleanup_directory) DIR *directory = opendir("/proc");
	pid_t candidate;
	int result = 0;

	if (!directory)
		return -errno;
	while (result == 0 && (candidate = next_number(directory)) > 0)
		result = append_child(list, candidate, pid);
	return result;
}

static int append_children(struct stat_list *list, pid_t pid)
{
	char path[64];
	pid_t thread;

	if (access("/proc/thread-self/children", R_OK) < 0)
		return append_children_by_scan(list, pid);
	snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);
	cleanup(cleanup_directory) DIR *directory = opendir(path);
	if (!directory)
		return 0;
	while ((thread = next_number(directory)) > 0) {
		int result = append_children_of_thread(list, pid, thread);

		if (result < 0)
			return result;
	}
	return 0;
}

/* Appends the children of the process that the list's item stands for. */
static int append_children_of_item(struct stat_list *list, size_t item)
{
	const struct proc_stat parent = list->items[item];
	struct proc_stat again;
	size_t count = list->count;
	int result = append_children(list, parent.pid);

	/* Children found under a pid that now is another's, or nobody's, may be strangers: drop them. Those
	 * of a process that ended have a new parent, and are found there the next time. */
	if (proc_stat_read(parent.pid, &again) < 0 || again.start_time != parent.start_time)
		list->count = count;
	return result;
}

int proc_walk_descendants(pid_t root, enum proc_order order, proc_visit *visit, void *data)
{
	cleanup(cleanup_stat_list) struct stat_list list = {0};
	struct proc_stat stat;
	int result = proc_stat_read(root, &stat);

	if (result == 0)
		result = stat_list_append(&list, &stat);
	for (size_t i = 0; result == 0 && i < list.count; i++) {
		if (i > 0 && order == PROC_PARENTS_FIRST)
			visit(&list.items[i], data);
		result = append_children_of_item(&list, i);
	}
	for (size_t i = list.count; i > 1 && order == PROC_CHILDREN_FIRST; i--)
		visit(&list.items[i - 1], data);
	return result;
}

/* One that shows no environment has none, or is just getting it. */
static bool is_in_exec(pid_t pid)
{
	struct proc_stat stat;

	if (proc_stat_read(pid, &stat) < 0 || stat.is_kernel_thread || proc_stat_is_dead(&stat))
		return false;
	return stat.environment_end == 0 || stat.environment_start != stat.environment_end;
}

/* 1: it does, 0: it does not, -EAGAIN: it is in the middle of an exec. */
static int environment_holds(pid_t pid, const char *entry)
{
	char path[64];
	char *line = NULL;
	size_t capacity = 0;
	bool holds = false, is_empty = true;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int) pid);
	cleanup_fclose FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (!holds && getdelim(&line, &capacity, '\0', file) > 0) {
		is_empty = false;
		holds = strcmp(line, entry) == 0;
	}
	free(line);
	return is_empty && is_in_exec(pid) ? -EAGAIN : holds;
}

int proc_walk_environment(const char *entry, proc_visit *visit, void *data)
{
	cleanup(cleanup_directory) DIR *directory = opendir("/proc");
	struct proc_stat stat;
	int unknown = 0;
	pid_t pid;

	if (!directory)
		return -errno;
	while ((pid = next_number(directory)) > 0) {
		int result = pid == getpid() ? 0 : environment_holds(pid, entry);

		/* Looked at again behind the start time, which then vouches for what was seen. */
		if (result > 0 && proc_stat_read(pid, &stat) == 0) {
			result = environment_holds(pid, entry);
			if (result > 0)
				visit(&stat, data);
		}
		unknown += result == -EAGAIN;
	}
	return unknown;
}
