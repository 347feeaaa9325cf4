#include "server/shims/state_directory.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *const own_names[] = {"spec.json",    "config.json",  "exit.json",
					"handles.json", "control.sock", "starts",
					"adopted.json", ".files",       NULL};
static const char *const own_suffixes[] = {".out", ".in", ".log", ".pid", ".sock", ".new", ".tmp", NULL};

static bool is_own(int dirfd, const char *name)
{
	struct stat status;
	for (const char *const *own = own_names; *own; own++)
		if (text_equal(name, *own))
			return true;
	for (const char *const *suffix = own_suffixes; *suffix; suffix++) {
		size_t length = strlen(name), tail = strlen(*suffix);
		if (length > tail && strcmp(name + length - tail, *suffix) == 0)
			return true;
	}
	/* The link of a pty channel. */
	return fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

static DIR *open_listing(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory && fd >= 0)
		close(fd);
	return directory;
}

static bool is_dot(const char *name)
{
	return text_equal(name, ".") || text_equal(name, "..");
}

/* All there is where emud was killed while it made the directory. */
static bool is_half_made(const char *name)
{
	return text_equal(name, ".config.json.new");
}

/* 0 if there is nothing in it, or what an instance of ours left. */
static int check_free(int dirfd, const char *path, struct error *error)
{
	DIR *directory = open_listing(dirfd);
	if (!directory)
		return error_set_errno(error, -errno, "conflict", "cannot list %s", path);
	bool is_empty = true, is_ours = true;
	for (struct dirent *entry; is_ours && (entry = readdir(directory));) {
		if (is_dot(entry->d_name) || is_half_made(entry->d_name))
			continue;
		is_empty = false;
		is_ours = is_own(dirfd, entry->d_name);
	}
	closedir(directory);
	if (is_empty || (is_ours && faccessat(dirfd, "config.json", F_OK, 0) == 0))
		return 0;
	return error_set(error, -ENOTEMPTY, "conflict",
			 "%s holds files that are not emud's: name an empty or absent directory", path);
}

int state_directory_make(const char *root, const char *path, bool *ret_made, struct error *error)
{
	bool made = false;
	cleanup_close int fd = file_make_beneath(root, path, 0700, &made);
	if (fd == -EXDEV)
		return error_set(error, -EXDEV, "path_not_allowed", "%s does not lie below %s", path, root);
	int result = fd < 0
			 ? error_set_errno(error, fd, "conflict", "cannot use %s as a state directory", path)
			 : check_free(fd, path, error);
	if (result < 0) {
		if (made)
			rmdir(path);
		return result;
	}
	*ret_made = made;
	return TAKE_FD(fd);
}

int state_directory_open(const char *own_root, const char *path)
{
	int fd = file_open_beneath(own_root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return fd == -EXDEV ? file_open_real(path, O_RDONLY | O_DIRECTORY) : fd;
}

/* It holds other files, is gone, or lies where we may not remove it: a directory that somebody made for
 * us. */
static bool may_stay(int number)
{
	return number == ENOTEMPTY || number == ENOENT || number == EACCES || number == EPERM ||
	       number == EBUSY || number == EROFS;
}

/* Another directory may have taken the path since, or one of those above it: only ours is removed. */
static int remove_itself(const char *path, int dirfd, struct error *error)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *above = strndup(path, slash > path ? (size_t) (slash - path) : 1);
	cleanup_close int above_fd = above ? open(above, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat ours, found;
	if (above_fd >= 0 && fstat(dirfd, &ours) == 0 &&
	    fstatat(above_fd, slash + 1, &found, AT_SYMLINK_NOFOLLOW) == 0 && ours.st_ino == found.st_ino &&
	    ours.st_dev == found.st_dev && unlinkat(above_fd, slash + 1, AT_REMOVEDIR) < 0 &&
	    !may_stay(errno))
		return error_set_errno(error, -errno, NULL, "cannot remove %s", path);
	return 0;
}

int state_directory_remove(const char *path, int dirfd, struct error *error)
{
	DIR *directory = open_listing(dirfd);
	if (!directory)
		return errno == ENOENT ? 0 : error_set_errno(error, -errno, NULL, "cannot list %s", path);
	int result = 0;
	for (struct dirent *entry; !result && (entry = readdir(directory));)
		if (!is_dot(entry->d_name) && is_own(dirfd, entry->d_name))
			result = file_remove_tree(dirfd, entry->d_name, error);
	closedir(directory);
	if (result < 0)
		return result;
	return remove_itself(path, dirfd, error);
}

static bool tells_of_running(int dirfd, const char *name)
{
	struct stat status;
	const char *suffix = strrchr(name, '.');
	if (text_equal(name, "handles.json") || text_equal(suffix, ".pid"))
		return true;
	return fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISSOCK(status.st_mode) || S_ISLNK(status.st_mode));
}

void state_directory_clear(int dirfd)
{
	DIR *directory = open_listing(dirfd);
	if (!directory)
		return;
	for (struct dirent *entry; (entry = readdir(directory));)
		if (text_equal(strrchr(entry->d_name, '.'), ".tmp"))
			file_remove_tree(dirfd, entry->d_name, NULL);
		else if (tells_of_running(dirfd, entry->d_name))
			unlinkat(dirfd, entry->d_name, 0);
	closedir(directory);
}
