/* Memory, and what emud and its shims do while guests sleep. */

#include "tests/bench/measure.h"
#include "tests/bench/rows.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOARDS 20
#define SETTLE_SECONDS 1
#define IDLE_SECONDS 5

/* Sum of the numbers of all lines of /proc/<pid>/<file> that begin with one of the names. */
static double proc_sum(pid_t pid, const char *file, const char *const *names)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, file);
	FILE *stream = fopen(path, "re");
	if (!stream)
		fail("%s: %m", path);
	double sum = 0;
	char line[256];
	while (fgets(line, sizeof(line), stream))
		for (const char *const *name = names; *name; name++)
			if (!strncmp(line, *name, strlen(*name)))
				sum += strtod(line + strlen(*name), NULL);
	fclose(stream);
	return sum;
}

static double resident_kib(pid_t pid)
{
	return proc_sum(pid, "smaps_rollup", (const char *const[]){"Rss:", NULL});
}

static double private_kib(pid_t pid)
{
	return proc_sum(pid, "smaps_rollup", (const char *const[]){"Private_Clean:", "Private_Dirty:", NULL});
}

static double wake_ups(pid_t pid)
{
	return proc_sum(
	    pid, "status",
	    (const char *const[]){"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:", NULL});
}

static long cpu_ticks(pid_t pid)
{
	char path[64];
	char line[1024] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	FILE *stream = fopen(path, "re");
	if (!stream || !fgets(line, sizeof(line), stream))
		fail("%s: %m", path);
	fclose(stream);
	long user = 0;
	long system = 0;
	sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
	       &system);
	return user + system;
}

/* The processes whose parent is pid. */
static size_t children(pid_t pid, pid_t *ret_pids, size_t capacity)
{
	size_t count = 0;
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; (entry = readdir(proc)) && count < capacity;) {
		if (!isdigit((unsigned char) entry->d_name[0]))
			continue;
		char path[300];
		char line[1024];
		int parent = 0;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		FILE *stream = fopen(path, "re");
		if (stream && fgets(line, sizeof(line), stream))
			sscanf(strrchr(line, ')') + 1, " %*c %d", &parent);
		if (stream)
			fclose(stream);
		if (parent == pid)
			ret_pids[count++] = (pid_t) atoi(entry->d_name);
	}
	closedir(proc);
	return count;
}

static void each_board(struct service *service, bool create)
{
	for (int i = 0; i < BOARDS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "board-%d", i);
		if (create)
			service_create(service, id, "hello", "");
		else
			service_delete(service, id);
	}
}

static void bench_idle(const struct service *service, const pid_t *shims, size_t count)
{
	/* A console is looked at once more after it was written. */
	nanosleep(&(struct timespec){.tv_sec = SETTLE_SECONDS}, NULL);
	long ticks = -cpu_ticks(service->pid);
	double wakes = -wake_ups(service->pid);
	for (size_t i = 0; i < count; i++) {
		ticks -= cpu_ticks(shims[i]);
		wakes -= wake_ups(shims[i]);
	}
	nanosleep(&(struct timespec){.tv_sec = IDLE_SECONDS}, NULL);
	ticks += cpu_ticks(service->pid);
	wakes += wake_ups(service->pid);
	for (size_t i = 0; i < count; i++) {
		ticks += cpu_ticks(shims[i]);
		wakes += wake_ups(shims[i]);
	}
	char note[128];
	snprintf(note, sizeof(note), "emud and %zu shims in %d s; %.0f wake-ups", count, IDLE_SECONDS, wakes);
	table_value("CPU while guests idle", "none", (double) ticks * 1e3 / (double) sysconf(_SC_CLK_TCK),
		    "ms", note);
}

void bench_footprint(struct service *service)
{
	double idle = resident_kib(service->pid);
	table_value("emud: memory, idle", "12 MiB", idle / 1024, "MiB",
		    "resident, shared libraries included");
	each_board(service, true);
	double busy = resident_kib(service->pid);
	table_value("emud: memory per running instance", "64 KiB", (busy - idle) / BOARDS, "KiB", "of 20");
	pid_t shims[BOARDS * 2];
	double private[BOARDS * 2];
	size_t count = children(service->pid, shims, BOARDS * 2);
	for (size_t i = 0; i < count; i++)
	private[i] = private_kib(shims[i]) / 1024;
	if (count)
		table_value("shim: private memory", "1.5 MiB", median(private, count), "MiB", "median of 20");
	bench_idle(service, shims, count);
	each_board(service, false);
}
