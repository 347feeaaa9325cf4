#include "core/process/cgroup.h"

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	CGROUP_PATIENCE_MS = 5000,
	/* Enough of the cookie to tell two emuds' instances of one name apart. */
	CGROUP_COOKIE_LENGTH = 12,
	PROC_BYTES_MAX = 1024 * 1024,
};

#define NAME_PREFIX "emud-"

struct cgroup {
	char *path;
	int directory_fd;
};

/* ---- where groups can be made ---- */

/* The directory that cgroup v2 is mounted at as a whole; the caller frees. A line of mountinfo reads
 * "31 23 0:28 <root> <mount point> <options> ... - <type> <source> <options>". */
static char *find_mount(void)
{
	cleanup_free char *text = NULL;
	char *rest;

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_BYTES_MAX, &text, NULL, NULL) < 0)
		return NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		cleanup_free char *mount_point = NULL;

		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s / %ms ", &mount_point) == 1)
			return TAKE(mount_point);
	}
	return NULL;
}

/* Below that: "/system.slice/emud.service", "/" for the root of all (or of our cgroup namespace). */
static char *find_own_name(void)
{
	cleanup_free char *text = NULL;
	char *rest;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", PROC_BYTES_MAX, &text, NULL, NULL) < 0)
		return NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (text_starts_with(line, "0::/"))
			return strdup(line + strlen("0::"));
	return NULL;
}

char *cgroup_find_base(void)
{
	cleanup_free char *mount_point = find_mount();
	cleanup_free char *name = find_own_name();
	cleanup_free char *base = NULL;

	if (!mount_point || !name)
		return NULL;
	base = text_format("%s%s", mount_point, text_equal(name, "/") ? "" : name);
	const struct cgroup_owner probe = {.id = "probe", .start_number = getpid(), .cookie = ""};
	struct cgroup *cgroup = cgroup_create(base, &probe);
	bool works = cgroup != NULL;
	cgroup_destroy(cgroup);
	return works ? TAKE(base) : NULL;
}

/* ---- a group ---- */

static char *path_of(const char *base, const struct cgroup_owner *owner)
{
	return text_format("%s/" NAME_PREFIX "%s-%lld-%.*s", base, owner->id, (long long) owner->start_number,
			   CGROUP_COOKIE_LENGTH, owner->cookie);
}

/* A group that can be killed; takes path. */
static struct cgroup *open_group(char *path)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs status;

	if (!cgroup || fd < 0 || fstatfs(fd, &status) < 0 || status.f_type != CGROUP2_SUPER_MAGIC ||
	    faccessat(fd, "cgroup.kill", W_OK, 0) < 0) {
		free(cgroup);
		free(path);
		return NULL;
	}
	*cgroup = (struct cgroup){.path = path, .directory_fd = TAKE_FD(fd)};
	return cgroup;
}

struct cgroup *cgroup_create(const char *base, const struct cgroup_owner *owner)
{
	cleanup_free char *path = base ? path_of(base, owner) : NULL;

	if (!path || (mkdir(path, 0755) < 0 && errno != EEXIST))
		return NULL;
	cleanup_free char *made = strdup(path);
	struct cgroup *cgroup = open_group(TAKE(path));
	if (!cgroup && made)
		rmdir(made);
	/* As long as we live: an empty group that is locked is in use (see cgroup_remove_stale). */
	if (cgroup)
		flock(cgroup->directory_fd, LOCK_SH | LOCK_NB);
	return cgroup;
}

int cgroup_directory(const struct cgroup *cgroup)
{
	return cgroup->directory_fd;
}

/* One that forks meanwhile leaves a child behind: hence as often as there are some. */
void cgroup_take_over(const struct cgroup *cgroup, const struct cgroup *from)
{
	enum { ROUNDS = 8 };
	cleanup_close int into = openat(cgroup->directory_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	for (int round = 0; round < ROUNDS; round++) {
		cleanup_free char *text = NULL;
		char *rest;
		if (file_read(from->directory_fd, "cgroup.procs", PROC_BYTES_MAX, &text, NULL, NULL) < 0 ||
		    !*text)
			return;
		for (char *pid = strtok_r(text, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest))
			(void) !write(into, pid, strlen(pid));
	}
}

static bool is_populated(int events_fd)
{
	char text[256];
	ssize_t length = pread(events_fd, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return strstr(text, "populated 1") != NULL;
}

void cgroup_kill(const struct cgroup *cgroup)
{
	cleanup_close int kill_fd = openat(cgroup->directory_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	cleanup_close int events_fd = openat(cgroup->directory_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t deadline_ms = clock_monotonic_ms() + CGROUP_PATIENCE_MS;
	struct pollfd changed = {.fd = events_fd, .events = POLLPRI};

	if (!is_populated(events_fd) || write(kill_fd, "1", 1) < 0)
		return;
	while (is_populated(events_fd)) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();

		if (left_ms <= 0 || poll(&changed, 1, (int) left_ms) < 0)
			return;
	}
}

static void close_group(struct cgroup *cgroup)
{
	close(cgroup->directory_fd);
	free(cgroup->path);
	free(cgroup);
}

void cgroup_destroy(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	rmdir(cgroup->path);
	close_group(cgroup);
}

bool cgroup_exists(const char *base, const struct cgroup_owner *owner)
{
	char *path = base ? path_of(base, owner) : NULL;
	struct cgroup *cgroup = path ? open_group(path) : NULL;
	bool exists = cgroup != NULL;

	if (cgroup)
		close_group(cgroup);
	return exists;
}

void cgroup_clear(const char *base, const struct cgroup_owner *owner)
{
	char *path = base ? path_of(base, owner) : NULL;
	struct cgroup *cgroup = path ? open_group(path) : NULL;

	if (cgroup)
		cgroup_kill(cgroup);
	cgroup_destroy(cgroup);
}

static void remove_if_stale(const char *base, const char *name)
{
	cleanup_free char *path = text_format("%s/%s", base, name);
	cleanup_close int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	/* One in which somebody lives cannot be removed. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		rmdir(path);
}

void cgroup_remove_stale(const char *base)
{
	DIR *directory = base ? opendir(base) : NULL;

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		if (text_starts_with(entry->d_name, NAME_PREFIX))
			remove_if_stale(base, entry->d_name);
	if (directory)
		closedir(directory);
}
