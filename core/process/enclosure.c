#include "core/process/enclosure.h"

#include "core/base/cleanup.h"
#include "core/process/visitor.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct enclosure {
	char *working_directory;
	bool runs_in_root; /* the working directory is the root, and no mount of its own */
	int user_fd;       /* -1: the user namespace is ours */
	int mount_fd;
};

/* What a visitor is told, and what it brings back. */
struct visit {
	struct enclosure *enclosure;
	struct visitor_user user;
	bool new_user;
	const char *path; /* of the directory that stays */
	int fd;           /* the same, open */
	int number;       /* 0 or a negative errno */
	const char *what;
	int user_fd, mount_fd;
	bool runs_in_root;
};

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static bool same_file(int fd, int other)
{
	struct stat one, two;
	return fstat(fd, &one) == 0 && fstat(other, &two) == 0 && is_same(&one, &two);
}

/* ---- in the visitor that begins in the new namespace ---- */

static int bind_working_directory(struct visit *visit)
{
	const char *path = visit->enclosure->working_directory;
	struct stat root, working;
	if (stat("/", &root) < 0 || stat(path, &working) < 0)
		return -errno;
	visit->runs_in_root = is_same(&root, &working);
	/* pivot_root moves those who stand at the root of a mount: there the child will stand. */
	if (!visit->runs_in_root && mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* Who enters later stands at the namespace's own root, which for one in a chroot is another than his. */
static int check_root(int mount_fd)
{
	struct stat before, entered;
	if (stat("/", &before) < 0 || setns(mount_fd, CLONE_NEWNS) < 0 || stat("/", &entered) < 0)
		return -errno;
	return is_same(&before, &entered) ? 0 : -EPERM;
}

static int set_up(struct visit *visit)
{
	visit->what = "mapping the user";
	int result = visit->new_user ? visitor_map_user(visit->user) : 0;
	if (result < 0)
		return result;
	visit->what = "keeping mounts apart";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	visit->what = "binding the working directory";
	result = bind_working_directory(visit);
	if (result < 0)
		return result;
	visit->what = "opening the namespace";
	visit->user_fd = visit->new_user ? visitor_open_namespace("user") : -1;
	visit->mount_fd = visitor_open_namespace("mnt");
	if (visit->mount_fd < 0 || (visit->new_user && visit->user_fd < 0))
		return -EMFILE;
	visit->what = "the root is a chroot's";
	return check_root(visit->mount_fd);
}

static void make(void *data)
{
	struct visit *visit = data;
	visit->number = set_up(visit);
}

/* ---- in the visitor that takes everything away ---- */

/* Who stands at from, the root of a mount, stands at `to` then, a mount below; from is gone from the tree.
 * Both are "." to the kernel: the old root lies on the new one for a moment. */
static int move_all(int from, int to)
{
	if (fchdir(from) < 0 || chroot(".") < 0 || fchdir(to) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return -errno;
	return 0;
}

static int open_directory(const char *path, int flags)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | flags);
}

/* The root of a mount of the directory that stays, laid on that of the working directory. */
static int mount_kept(const struct visit *visit, const char *on)
{
	char kept_path[32];
	cleanup_close int kept = open_directory(visit->path, O_NOFOLLOW);
	cleanup_close int at = open_directory(on, 0);
	if (kept < 0 || at < 0)
		return -errno;
	if (!same_file(kept, visit->fd))
		return -ESTALE;
	snprintf(kept_path, sizeof(kept_path), "/proc/self/fd/%d", kept);
	if (fchdir(at) < 0 || mount(kept_path, ".", NULL, MS_BIND, NULL) < 0)
		return -errno;
	cleanup_close int mounted = open_directory(on, 0);
	if (mounted < 0)
		return -errno;
	return same_file(mounted, visit->fd) ? TAKE_FD(mounted) : -ESTALE;
}

static int take_away(struct visit *visit)
{
	const struct enclosure *enclosure = visit->enclosure;
	visit->what = "entering the namespace";
	int result = enclosure_enter(enclosure);
	if (result < 0)
		return result;
	visit->what = "mounting the directory";
	const char *on = enclosure->runs_in_root ? visit->path : enclosure->working_directory;
	cleanup_close int root = open_directory("/", 0);
	cleanup_close int working = open_directory(on, 0);
	cleanup_close int kept = mount_kept(visit, on);
	if (root < 0 || working < 0 || kept < 0)
		return kept < 0 ? kept : -EMFILE;
	visit->what = "moving the working directory";
	result = enclosure->runs_in_root ? 0 : move_all(working, kept);
	if (result < 0)
		return result;
	visit->what = "moving the root";
	return move_all(root, kept);
}

static void shut(void *data)
{
	struct visit *visit = data;
	visit->number = take_away(visit);
}

/* ---- here ---- */

static int send_visitor(unsigned long flags, void (*go)(void *data), struct visit *visit, struct error *error)
{
	visit->user = visitor_user();
	visit->new_user = flags & CLONE_NEWUSER;
	visit->user_fd = visit->mount_fd = -1;
	int result = visitor_send(flags, go, visit, sizeof(*visit), error);
	if (result < 0)
		return result;
	return visit->number ? error_set_errno(error, visit->number, NULL, "%s", visit->what) : 0;
}

static int make_namespaces(struct enclosure *enclosure, unsigned long flags, struct error *error)
{
	struct visit visit = {.enclosure = enclosure};
	int result = send_visitor(flags, make, &visit, error);
	enclosure->runs_in_root = visit.runs_in_root;
	enclosure->user_fd = visit.user_fd;
	enclosure->mount_fd = visit.mount_fd;
	return result;
}

struct enclosure *enclosure_create(const char *working_directory, struct error *error)
{
	/* An administrator's way to do without them, and a test's. */
	if (getenv("EMUD_NO_NAMESPACES")) {
		error_set(error, -EPERM, NULL, "EMUD_NO_NAMESPACES is set");
		return NULL;
	}
	struct enclosure *enclosure = calloc(1, sizeof(*enclosure));
	if (enclosure)
		*enclosure = (struct enclosure){
		    .working_directory = strdup(working_directory), .user_fd = -1, .mount_fd = -1};
	if (!enclosure || !enclosure->working_directory) {
		free(enclosure);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	/* In a user namespace root could not read what others keep for themselves. */
	unsigned long flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
	int result = make_namespaces(enclosure, flags, error);
	if (result == -EPERM && flags == CLONE_NEWNS && enclosure->mount_fd < 0)
		result = make_namespaces(enclosure, CLONE_NEWNS | CLONE_NEWUSER, error);
	if (result == 0)
		return enclosure;
	enclosure_destroy(enclosure);
	return NULL;
}

void enclosure_destroy(struct enclosure *enclosure)
{
	if (!enclosure)
		return;
	cleanup_close_descriptor(&enclosure->user_fd);
	cleanup_close_descriptor(&enclosure->mount_fd);
	free(enclosure->working_directory);
	free(enclosure);
}

int enclosure_enter(const struct enclosure *enclosure)
{
	if (enclosure->user_fd >= 0 && setns(enclosure->user_fd, CLONE_NEWUSER) < 0)
		return -errno;
	return setns(enclosure->mount_fd, CLONE_NEWNS) < 0 ? -errno : 0;
}

static int check_place(pid_t pid, const char *what, int fd, struct error *error)
{
	char link[64];
	struct stat found, wanted;
	snprintf(link, sizeof(link), "/proc/%d/%s", pid, what);
	if (stat(link, &found) < 0 || fstat(fd, &wanted) < 0)
		return error_set_errno(error, -errno, NULL, "cannot see the %s of an enclosed process", what);
	if (!is_same(&found, &wanted))
		return error_set(error, -EXDEV, NULL, "the %s of a process was to be enclosed, and is not",
				 what);
	return 0;
}

int enclosure_close(const struct enclosure *enclosure, pid_t pid, const char *path, int fd,
		    struct error *error)
{
	struct visit visit = {.enclosure = (struct enclosure *) enclosure, .path = path, .fd = fd};
	int result = send_visitor(0, shut, &visit, error);
	if (result < 0)
		return error_wrap(error, "cannot enclose a process");
	result = check_place(pid, "root", fd, error);
	return result < 0 ? result : check_place(pid, "cwd", fd, error);
}
