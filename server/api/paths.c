#include "server/api/paths.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGEST_PREFIX "sha256:"

void opened_file_finish(struct opened_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = OPENED_FILE_NONE;
}

/* ---- below the roots ---- */

/* -EXDEV: below none of them. Where several roots could hold it, the first that has it does. */
static int open_below_roots(const char *const *roots, const char *path)
{
	int number = -EXDEV;
	for (; *roots; roots++) {
		/* Without O_PATH the mere opening of a device or FIFO would have an effect. */
		int fd = file_open_beneath(*roots, path, O_PATH | O_CLOEXEC, 0);
		if (fd >= 0)
			return fd;
		if (fd != -EXDEV)
			number = fd;
	}
	return number;
}

/* The kernel refuses every absolute symlink and every alias of a root, also where the file lies inside: those
 * are tried again by their true names. The second answer is as safe as the first. */
static int open_by_true_name(const char *const *roots, const char *path)
{
	cleanup_free char *true_path = realpath(path, NULL);
	if (!true_path)
		return -EXDEV;
	for (; *roots; roots++) {
		cleanup_free char *true_root = realpath(*roots, NULL);
		int fd = true_root ? file_open_beneath(true_root, true_path, O_PATH | O_CLOEXEC, 0) : -EXDEV;
		if (fd != -EXDEV)
			return fd;
	}
	return -EXDEV;
}

static int not_opened(int number, const char *path, const char *const *roots, struct error *error)
{
	switch (number) {
	case -EXDEV:
		if (!roots[0])
			return error_set(error, -EXDEV, "path_not_allowed",
					 "no file root is configured (--file-root): upload the file instead");
		return error_set(
		    error, -EXDEV, "path_not_allowed",
		    "%s does not lie below a configured file root (--file-root): upload it instead", path);
	case -ENOENT:
	case -ENOTDIR:
		return error_set(error, -ENOENT, "file_not_found", "there is no file %s", path);
	default:
		return error_set_errno(error, number, "invalid_file", "%s cannot be opened", path);
	}
}

enum { FD_LINK_SIZE = 32 };

static void name_link(int fd, char out[static FD_LINK_SIZE])
{
	snprintf(out, FD_LINK_SIZE, "/proc/self/fd/%d", fd);
}

/* For reading, what an O_PATH descriptor stands for. */
static int open_again(int found)
{
	char link[FD_LINK_SIZE];
	name_link(found, link);
	int fd = open(link, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What the descriptor (O_PATH or not) stands for, by its real path. */
static int describe(int fd, const char *path, struct opened_file *file, struct error *error)
{
	struct stat status;
	char link[FD_LINK_SIZE], real_path[PATH_MAX];
	name_link(fd, link);
	ssize_t length = readlink(link, real_path, sizeof(real_path) - 1);
	if (length < 0 || fstat(fd, &status))
		return error_set_errno(error, -errno, "invalid_file", "%s cannot be read", path);
	real_path[length] = '\0';
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, "invalid_file", "%s is not a regular file", path);
	file->size_bytes = (uint64_t) status.st_size;
	file->path = strdup(real_path);
	return file->path ? 0 : error_set(error, -ENOMEM, NULL, "no memory for a path");
}

static int open_path(const char *const *roots, const char *path, struct opened_file *ret_file,
		     struct error *error)
{
	static const char *const no_roots[] = {NULL};
	roots = roots ? roots : no_roots;
	if (path[0] != '/')
		return error_set(error, -EINVAL, "invalid_value",
				 "a file is named by an absolute path, not \"%s\"", path);
	cleanup_close int found = open_below_roots(roots, path);
	if (found == -EXDEV)
		found = open_by_true_name(roots, path);
	if (found < 0)
		return not_opened(found, path, roots, error);
	struct opened_file file = OPENED_FILE_NONE;
	int number = describe(found, path, &file, error);
	if (!number && (file.fd = open_again(found)) < 0)
		number = not_opened(file.fd, path, roots, error);
	if (number)
		opened_file_finish(&file);
	else
		*ret_file = file;
	return number;
}

/* ---- uploaded ---- */

static int open_uploaded(struct file_store *uploads, const char *sha256, struct opened_file *ret_file,
			 struct error *error)
{
	struct opened_file file = {.fd = file_store_open(uploads, sha256, error)};
	if (file.fd < 0)
		return file.fd;
	digest_normalize_hex(sha256, file.sha256);
	int number = describe(file.fd, sha256, &file, error);
	if (number)
		opened_file_finish(&file);
	else
		*ret_file = file;
	return number;
}

int paths_open_file(const struct file_sources *sources, const json_t *value, struct opened_file *ret_file,
		    struct error *error)
{
	const char *path = json_string_value(json_object_get(value, "path"));
	const char *sha256 = json_string_value(json_object_get(value, "sha256"));
	const char *text = json_string_value(value);
	if (text && text_starts_with(text, DIGEST_PREFIX))
		sha256 = text + strlen(DIGEST_PREFIX);
	else if (text)
		path = text;
	else if (json_object_size(value) != 1)
		path = sha256 = NULL;
	if (path)
		return open_path(sources->roots, path, ret_file, error);
	if (sha256)
		return open_uploaded(sources->uploads, sha256, ret_file, error);
	return error_set(
	    error, -EINVAL, "invalid_request",
	    "a file is {\"path\":\"/absolute/path\"}, {\"sha256\":\"<hex>\"}, \"/absolute/path\" or "
	    "\"sha256:<hex>\"");
}
