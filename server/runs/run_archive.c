#include "server/runs/run_archive.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#define OUTPUT "output"

struct run_archive {
	int dirfd;
};

enum { ID_TEXT_SIZE = 24 };

static const char *folder_of(int64_t id, char out[static ID_TEXT_SIZE])
{
	snprintf(out, ID_TEXT_SIZE, "%" PRId64, id);
	return out;
}

/* ---- what an earlier emud left ---- */

static int remove_unknown(struct run_archive *archive, bool (*is_known)(int64_t id, void *data), void *data,
			  struct error *error)
{
	int fd = openat(archive->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		int number = -errno;
		if (fd >= 0)
			close(fd);
		return error_set_errno(error, number, NULL, "the output of runs cannot be listed");
	}
	int result = 0;
	for (struct dirent *entry; !result && (entry = readdir(directory));) {
		int64_t id;
		if (!text_to_int64(entry->d_name, &id) && !is_known(id, data))
			result = run_archive_remove(archive, id, error);
	}
	closedir(directory);
	return result;
}

struct run_archive *run_archive_create(const char *state_dir, bool (*is_known)(int64_t id, void *data),
				       void *data, struct error *error)
{
	cleanup_free char *path = text_format("%s/runs", state_dir);
	struct run_archive *archive = calloc(1, sizeof(*archive));
	if (!path || !archive) {
		free(archive);
		error_set(error, -ENOMEM, NULL, "no memory for the output of runs");
		return NULL;
	}
	bool made;
	archive->dirfd = file_make_beneath(state_dir, path, 0700, &made);
	int result = archive->dirfd < 0
			 ? error_set_errno(error, archive->dirfd, NULL, "%s cannot be used", path)
			 : remove_unknown(archive, is_known, data, error);
	if (!result)
		return archive;
	run_archive_destroy(archive);
	return NULL;
}

void run_archive_destroy(struct run_archive *archive)
{
	if (!archive)
		return;
	if (archive->dirfd >= 0)
		close(archive->dirfd);
	free(archive);
}

/* ---- the output of one ---- */

static int open_folder(const struct run_archive *archive, int64_t id)
{
	char name[ID_TEXT_SIZE];
	int fd = openat(archive->dirfd, folder_of(id, name), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The console's file itself, held by a descriptor: what the name stands for later does not matter. */
static int open_console(int dirfd, const char *console, struct stat *ret_status, struct error *error)
{
	cleanup_free char *name = text_format("%s.out", console);
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory for a console's name");
	cleanup_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret_status) < 0)
		return error_set_errno(error, -errno, NULL, "the output in %s cannot be kept", name);
	if (!S_ISREG(ret_status->st_mode) || ret_status->st_uid != geteuid())
		return error_set(error, -EINVAL, NULL,
				 "the output in %s cannot be kept: it is no regular file of emud's", name);
	return TAKE_FD(fd);
}

/* A link of its own to the file that fd stands for, which replaces the one there. */
static int link_output(int folder, int fd, const struct stat *status, struct error *error)
{
	struct stat kept;
	if (fstatat(folder, OUTPUT, &kept, AT_SYMLINK_NOFOLLOW) == 0 && is_same_file(&kept, status))
		return 0;
	if (status->st_nlink != 1)
		return error_set(error, -EINVAL, NULL,
				 "a console's output cannot be kept: its file has another name elsewhere");
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	unlinkat(folder, OUTPUT, 0);
	if (linkat(AT_FDCWD, path, folder, OUTPUT, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	int number = -errno;
	if (number == -EXDEV)
		return error_set(
		    error, number, NULL,
		    "a console's output cannot be kept: the folders \"instances\" and \"runs\" of the "
		    "state directory must lie on one file system");
	return error_set_errno(error, number, NULL, "a console's output cannot be kept");
}

int run_archive_take(struct run_archive *archive, int64_t id, int dirfd, const char *console,
		     struct error *error)
{
	struct stat status = {0};
	cleanup_close int fd = open_console(dirfd, console, &status, error);
	if (fd < 0)
		return fd;
	char name[ID_TEXT_SIZE];
	if (mkdirat(archive->dirfd, folder_of(id, name), 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, -errno, NULL, "no folder can be made for the run's output");
	cleanup_close int folder = open_folder(archive, id);
	if (folder < 0)
		return error_set_errno(error, folder, NULL, "the folder of the run's output cannot be used");
	return link_output(folder, fd, &status, error);
}

int run_archive_open(struct run_archive *archive, int64_t id, struct error *error)
{
	cleanup_close int folder = open_folder(archive, id);
	cleanup_close int fd = -1;
	int number = folder;
	if (folder >= 0) {
		fd = openat(folder, OUTPUT, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		number = fd < 0 ? -errno : 0;
	}
	if (number == -ENOENT)
		return error_set(error, number, "not_found", "no output of run %" PRId64 " is kept", id);
	if (number < 0)
		return error_set_errno(error, number, NULL, "the output of run %" PRId64 " cannot be read",
				       id);
	return TAKE_FD(fd);
}

int64_t run_archive_bytes(struct run_archive *archive, int64_t id)
{
	struct stat status;
	cleanup_close int folder = open_folder(archive, id);
	if (folder < 0 || fstatat(folder, OUTPUT, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t) status.st_blocks * 512;
}

int run_archive_remove(struct run_archive *archive, int64_t id, struct error *error)
{
	char name[ID_TEXT_SIZE];
	return file_remove_tree(archive->dirfd, folder_of(id, name), error);
}
