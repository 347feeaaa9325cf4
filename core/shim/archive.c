#include "core/shim/archive.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char folder[] = "starts";

static bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), tail = strlen(ending);
	return length > tail && strcmp(name + length - tail, ending) == 0;
}

/* Calls back for each entry of the directory; a negative errno of the callback ends it. */
static int each_entry(int dirfd, const char *name, int (*on_entry)(int dirfd, const char *name, void *data),
		      void *data)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		int number = -errno;
		if (fd >= 0)
			close(fd);
		return number;
	}
	int result = 0;
	for (struct dirent *entry; !result && (entry = readdir(directory));)
		if (entry->d_name[0] != '.')
			result = on_entry(dirfd, entry->d_name, data);
	closedir(directory);
	return result;
}

struct move {
	char target[64];
	bool made;
};

static int move_output(int dirfd, const char *name, void *data)
{
	struct move *move = data;
	char path[400];
	if (ends_with(name, ".pid") || ends_with(name, ".in")) {
		unlinkat(dirfd, name, 0);
		return 0;
	}
	if (!ends_with(name, ".out"))
		return 0;
	if (!move->made && mkdirat(dirfd, move->target, 0700) < 0 && errno != EEXIST)
		return -errno;
	move->made = true;
	snprintf(path, sizeof(path), "%s/%s", move->target, name);
	if (renameat2(dirfd, name, dirfd, path, RENAME_NOREPLACE) == 0)
		return 0;
	/* A start that was begun twice under one number: what the broken one printed is not its
	 * forerunner's. */
	return errno == EEXIST && unlinkat(dirfd, name, 0) == 0 ? 0 : -errno;
}

static int remove_old(int dirfd, const char *name, void *data)
{
	int64_t oldest = *(const int64_t *) data, number;
	char path[400];
	if (text_to_int64(name, &number) < 0 || number >= oldest)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return file_remove_tree(dirfd, path, NULL);
}

int archive_earlier_start(int dirfd, int64_t start_number, uint64_t kept_starts, struct error *error)
{
	unlinkat(dirfd, "exit.json", 0);
	unlinkat(dirfd, "handles.json", 0);
	if (mkdirat(dirfd, folder, 0700) < 0 && errno != EEXIST)
		return error_set_errno(error, -errno, NULL, "cannot make %s", folder);
	struct move move = {0};
	snprintf(move.target, sizeof(move.target), "%s/%lld", folder, (long long) start_number - 1);
	int result = each_entry(dirfd, ".", move_output, &move);
	if (result < 0)
		return error_set_errno(error, result, NULL, "cannot keep the output of start %lld",
				       (long long) start_number - 1);
	int64_t kept = kept_starts > INT32_MAX ? INT32_MAX : (int64_t) kept_starts;
	int64_t oldest = start_number - kept;
	result = each_entry(dirfd, folder, remove_old, &oldest);
	return result < 0 ? error_set_errno(error, result, NULL, "cannot remove the output of old starts")
			  : 0;
}
