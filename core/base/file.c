#include "core/base/file.h"

#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

void file_fd_path(char *out, size_t out_size, int dirfd, const char *name)
{
	snprintf(out, out_size, "/proc/self/fd/%d/%s", dirfd, name);
}

static int read_all(int fd, size_t max_bytes, struct buffer *out)
{
	for (;;) {
		if (buffer_reserve(out, 16384) < 0)
			return -ENOMEM;
		ssize_t count = read(fd, out->data + out->length, out->capacity - out->length - 1);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		out->length += (size_t) count;
		out->data[out->length] = '\0';
		if (count == 0)
			return 0;
		if (out->length > max_bytes)
			return -EFBIG;
	}
}

int file_read(int dirfd, const char *name, size_t max_bytes, char **ret_data, size_t *ret_length,
	      struct error *error)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", name);
	cleanup_buffer struct buffer content = {0};
	int result = read_all(fd, max_bytes, &content);
	if (result < 0)
		return error_set_errno(error, result, NULL, "cannot read %s", name);
	if (ret_length)
		*ret_length = content.length;
	*ret_data = buffer_take_text(&content);
	return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t count = write(fd, data, length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		data += count;
		length -= (size_t) count;
	}
	return 0;
}

int file_write_atomic(int dirfd, const char *name, const void *data, size_t length, mode_t mode,
		      struct error *error)
{
	char aside[300];
	if (snprintf(aside, sizeof(aside), ".%s.new", name) >= (int) sizeof(aside))
		return error_set(error, -ENAMETOOLONG, NULL, "file name %.40s... is too long", name);
	unlinkat(dirfd, aside, 0);
	cleanup_close int fd =
	    openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int result = fd < 0 ? -errno : write_all(fd, data, length);
	if (!result && renameat(dirfd, aside, dirfd, name) < 0)
		result = -errno;
	if (!result)
		return 0;
	if (fd >= 0)
		unlinkat(dirfd, aside, 0);
	return error_set_errno(error, result, NULL, "cannot write %s", name);
}

/* What of path lies below root, without leading slashes; NULL: it does not. */
static const char *below(const char *root, const char *path)
{
	size_t length = strlen(root);
	while (length > 1 && root[length - 1] == '/')
		length--;
	if (strncmp(path, root, length) != 0)
		return NULL;
	if (length > 1 && path[length] != '/' && path[length] != '\0')
		return NULL;
	return path + length + strspn(path + length, "/");
}

static int open_resolving(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
	    .flags = (uint64_t) (unsigned) (flags | O_CLOEXEC),
	    .mode = flags & O_CREAT ? mode : 0,
	    .resolve = resolve,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int) fd;
}

static int open_below(int root_fd, const char *rest, int flags, mode_t mode)
{
	return open_resolving(root_fd, *rest ? rest : ".", flags, mode,
			      RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

int file_open_real(const char *path, int flags)
{
	return open_resolving(AT_FDCWD, path, flags, 0, RESOLVE_NO_SYMLINKS);
}

int file_open_beneath(const char *root, const char *path, int flags, mode_t mode)
{
	const char *rest = below(root, path);
	if (!rest)
		return -EXDEV;
	cleanup_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root_fd < 0 ? -errno : open_below(root_fd, rest, flags, mode);
}

int file_make_beneath(const char *root, const char *path, mode_t mode, bool *ret_made)
{
	const char *rest = below(root, path);
	cleanup_free char *copy = rest ? strdup(rest) : NULL;
	if (!copy)
		return rest ? -ENOMEM : -EXDEV;
	cleanup_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int parent = root_fd < 0 ? -1 : fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	cleanup_close int above = -1; /* the parent's */
	const char *last = NULL;      /* the parent's name there */
	if (parent < 0)
		return -errno;
	bool made = false;
	for (size_t length = strlen(copy); length && copy[length - 1] == '/';)
		copy[--length] = '\0';
	for (char *name = copy, *end; *name; name = end + strspn(end, "/")) {
		end = name + strcspn(name, "/");
		char kept = *end;
		*end = '\0';
		made = mkdirat(parent, name, mode) == 0;
		if (!made && errno != EEXIST)
			return -errno;
		/* From the root each time: a symlink may lead to and fro, but never out. */
		int fd = open_below(root_fd, copy, O_PATH | O_DIRECTORY | (kept ? 0 : O_NOFOLLOW), 0);
		if (fd < 0) {
			if (made)
				unlinkat(parent, name, AT_REMOVEDIR);
			return fd;
		}
		if (above >= 0)
			close(above);
		above = parent;
		parent = fd;
		last = name;
		*end = kept;
	}
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		if (made)
			unlinkat(above, last, AT_REMOVEDIR);
		return fd;
	}
	*ret_made = made;
	return fd;
}

char *file_real_path(int fd)
{
	char link[32], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof(path));
	return length > 0 && length < (ssize_t) sizeof(path) ? strndup(path, (size_t) length) : NULL;
}

int file_make_directories(const char *path, mode_t mode, struct error *error)
{
	cleanup_free char *copy = strdup(path);
	if (!copy)
		return error_set(error, -ENOMEM, NULL, "no memory");
	for (char *slash = copy[0] == '/' ? copy + 1 : copy;; slash++) {
		if (*slash && *slash != '/')
			continue;
		char kept = *slash;
		*slash = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return error_set_errno(error, -errno, NULL, "cannot make directory %s", copy);
		if (!kept)
			break;
		*slash = kept;
	}
	struct stat status;
	if (stat(path, &status) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make directory %s", path);
	return S_ISDIR(status.st_mode) ? 0 : error_set(error, -ENOTDIR, NULL, "%s is not a directory", path);
}

static int remove_entries(DIR *directory, struct error *error)
{
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, ".."))
			continue;
		int result = file_remove_tree(dirfd(directory), entry->d_name, error);
		if (result < 0)
			return result;
	}
	return 0;
}

int file_remove_tree(int dirfd, const char *name, struct error *error)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return error_set_errno(error, -errno, NULL, "cannot remove %s", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		int number = -errno;
		if (fd >= 0)
			close(fd);
		return error_set_errno(error, number, NULL, "cannot remove %s", name);
	}
	int result = remove_entries(directory, error);
	closedir(directory);
	if (result < 0)
		return error_wrap(error, "%s", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set_errno(error, -errno, NULL, "cannot remove %s", name);
	return 0;
}

char *file_tail_text(int dirfd, const char *name, size_t max_bytes)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return strdup("");
	off_t start = status.st_size > (off_t) max_bytes ? status.st_size - (off_t) max_bytes : 0;
	cleanup_buffer struct buffer bytes = {0};
	if (buffer_reserve(&bytes, max_bytes) < 0)
		return NULL;
	ssize_t count = pread(fd, bytes.data, max_bytes, start);
	bytes.length = count > 0 ? (size_t) count : 0;
	while (bytes.length && strchr(" \t\r\n", bytes.data[bytes.length - 1]))
		bytes.length--;
	size_t skip = 0;
	while (start > 0 && skip < bytes.length && ((unsigned char) bytes.data[skip] & 0xc0) == 0x80)
		skip++; /* the rest of a character that was cut */
	while (skip < bytes.length && strchr(" \t\r\n", bytes.data[skip]))
		skip++;
	return text_to_utf8(bytes.data + skip, bytes.length - skip);
}
