#include "core/channels/console_log.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { TRIM_STEP_BYTES = 1024 * 1024, TRIM_STEPS_A_WINDOW = 8 };

int console_log_open(int dirfd, const char *console, struct error *error)
{
	cleanup_free char *name = text_format("%s.out", console);
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory");
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 ? fd : error_set_errno(error, -errno, NULL, "cannot open the output of %s", console);
}

int console_log_window(int fd, struct console_log_window *ret_window)
{
	/* Without data the file is empty or freed whole; one that grew in between is looked at again. */
	for (int64_t size_before = -1;;) {
		int64_t first = lseek(fd, 0, SEEK_DATA);
		if (first < 0 && errno != ENXIO)
			return -errno;
		struct stat status;
		if (fstat(fd, &status) < 0)
			return -errno;
		if (first < 0 && status.st_size != size_before) {
			size_before = status.st_size;
			continue;
		}
		*ret_window = (struct console_log_window){
		    .first_offset = first < 0 ? status.st_size : first,
		    .next_offset = status.st_size,
		};
		return 0;
	}
}

ssize_t console_log_read(int fd, int64_t offset, void *out, size_t size)
{
	if (offset < 0)
		return -EINVAL;
	ssize_t count = pread(fd, out, size, offset);
	if (count < 0)
		return -errno;
	/* What was freed before or while it was read has become NULs: bytes without a NUL are right as they
	 * are, and need not hold up the writer for a second look. */
	if (!memchr(out, 0, (size_t) count))
		return count;
	int64_t data = lseek(fd, offset, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? -ESTALE : -errno;
	return data == offset ? count : -ESTALE;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int console_log_trim(int fd, int64_t keep_bytes)
{
	struct console_log_window window = {0};
	struct stat status;
	int result = console_log_window(fd, &window);
	if (result < 0)
		return result;
	if (fstat(fd, &status) < 0)
		return -errno;
	/* Part of a block or of a page would be overwritten with NULs in place and still count as data. */
	int64_t page = sysconf(_SC_PAGESIZE);
	int64_t block = status.st_blksize > page ? status.st_blksize : page;
	int64_t step = smaller(TRIM_STEP_BYTES, keep_bytes / TRIM_STEPS_A_WINDOW) / block * block;
	int64_t end = (window.next_offset - keep_bytes) / block * block;
	if (end <= 0 || end - window.first_offset < (step > block ? step : block))
		return 0;
	int64_t begin = window.first_offset / block * block;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, end - begin) == 0)
		return 0;
	return errno == ENOSYS ? -EOPNOTSUPP : -errno;
}
