#include "harness.h"

#include "core/channels/console_log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { MIB = 1024 * 1024, BLOCK = 4096 };

static int make_file(struct harness *harness)
{
	int fd = openat(harness->dirfd, "uart.out", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void append_pattern(int fd, int64_t from, size_t length, bool nuls)
{
	char *bytes = malloc(length);
	assert_non_null(bytes);
	pattern_fill(bytes, length, from, nuls);
	assert_int_equal(pwrite(fd, bytes, length, from), length);
	free(bytes);
}

static void an_empty_file_has_an_empty_window(void **state)
{
	struct harness *harness = *state;
	int fd = make_file(harness);
	struct console_log_window window = {-1, -1};
	char bytes[16];
	assert_int_equal(console_log_window(fd, &window), 0);
	assert_int_equal(window.first_offset, 0);
	assert_int_equal(window.next_offset, 0);
	assert_int_equal(console_log_read(fd, 0, bytes, sizeof(bytes)), 0);
	assert_int_equal(console_log_trim(fd, MIB), 0);
	close(fd);
}

static void opening_names_the_file_below_the_directory(void **state)
{
	struct harness *harness = *state;
	int fd = make_file(harness);
	write_text(fd, "boot");
	int reader = console_log_open(harness->dirfd, "uart", NULL);
	assert_true(reader >= 0);
	char bytes[16];
	assert_int_equal(console_log_read(reader, 1, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "oot", 3);
	struct error error = {0};
	assert_int_equal(console_log_open(harness->dirfd, "none", &error), -ENOENT);
	assert_int_equal(error.number, -ENOENT);
	close(reader);
	close(fd);
}

static void trimming_frees_the_head_and_keeps_offsets_true(void **state)
{
	struct harness *harness = *state;
	int fd = make_file(harness);
	append_pattern(fd, 0, 3 * MIB + 123, true);
	struct stat before, after;
	fsync(fd);
	fstat(fd, &before);
	assert_int_equal(console_log_trim(fd, MIB), 0);
	fstat(fd, &after);
	assert_int_equal(after.st_size, before.st_size);
	assert_true(after.st_blocks < before.st_blocks);

	struct console_log_window window;
	assert_int_equal(console_log_window(fd, &window), 0);
	assert_int_equal(window.next_offset, 3 * MIB + 123);
	assert_int_equal(window.first_offset, (2 * MIB + 123) / BLOCK * BLOCK);

	char bytes[10000];
	assert_int_equal(console_log_read(fd, 0, bytes, sizeof(bytes)), -ESTALE);
	assert_int_equal(console_log_read(fd, window.first_offset - 1, bytes, sizeof(bytes)), -ESTALE);
	assert_int_equal(console_log_read(fd, window.first_offset, bytes, sizeof(bytes)), sizeof(bytes));
	assert_true(pattern_matches(bytes, sizeof(bytes), window.first_offset, true));
	assert_int_equal(console_log_read(fd, window.next_offset, bytes, sizeof(bytes)), 0);
	close(fd);
}

static void trimming_goes_in_steps(void **state)
{
	struct harness *harness = *state;
	int fd = make_file(harness);
	struct console_log_window window;
	append_pattern(fd, 0, MIB, false);
	append_pattern(fd, MIB, MIB / 8 - BLOCK, false);
	assert_int_equal(console_log_trim(fd, MIB), 0);
	assert_int_equal(console_log_window(fd, &window), 0);
	assert_int_equal(window.first_offset, 0);
	append_pattern(fd, MIB + MIB / 8 - BLOCK, BLOCK, false);
	assert_int_equal(console_log_trim(fd, MIB), 0);
	assert_int_equal(console_log_window(fd, &window), 0);
	assert_int_equal(window.first_offset, MIB / 8);
	close(fd);
}

static void nuls_that_the_guest_sent_are_bytes(void **state)
{
	struct harness *harness = *state;
	int fd = make_file(harness);
	static const char zeros[5000];
	char bytes[6000] = {1};
	write_whole(fd, zeros, sizeof(zeros));
	assert_int_equal(console_log_read(fd, 0, bytes, sizeof(bytes)), sizeof(zeros));
	assert_memory_equal(bytes, zeros, sizeof(zeros));
	close(fd);
}

/* ---- one process appends, one thread trims, others read ---- */

struct race {
	int fd;
	bool nuls;
	atomic_bool over;
	atomic_size_t wrong, stale, good;
};

static void append_for_a_while(const char *path, bool nuls)
{
	enum { CHUNK = 30011, TOTAL = 64 * MIB };
	static char pattern[CHUNK];
	int fd = open(path, O_RDWR);
	for (int64_t at = 0; at < TOTAL; at += CHUNK) {
		pattern_fill(pattern, CHUNK, at, nuls);
		if (write(fd, pattern, CHUNK) != CHUNK)
			_exit(1);
	}
	_exit(0);
}

/* Reads at the edge that is being freed, where that was before, and at the end. */
static void *read_along(void *data)
{
	struct race *race = data;
	static _Thread_local char bytes[65536];
	int64_t edge = 0;
	for (unsigned turn = 0; !race->over; turn++) {
		struct console_log_window window;
		if (console_log_window(race->fd, &window) < 0 || window.first_offset > window.next_offset)
			race->wrong++;
		const int64_t offsets[] = {edge, window.first_offset, window.next_offset - 1000};
		int64_t offset = offsets[turn % 3] < 0 ? 0 : offsets[turn % 3];
		edge = window.first_offset;
		ssize_t count = console_log_read(race->fd, offset, bytes, sizeof(bytes));
		if (count == -ESTALE)
			race->stale++;
		else if (count < 0 || !pattern_matches(bytes, (size_t) count, offset, race->nuls))
			race->wrong++;
		else
			race->good++;
	}
	return NULL;
}

static void race_trimming(struct harness *harness, bool nuls)
{
	struct race race = {.fd = make_file(harness), .nuls = nuls};
	char path[128];
	snprintf(path, sizeof(path), "%s/uart.out", harness->path);
	pid_t writer = fork();
	assert_true(writer >= 0);
	if (writer == 0)
		append_for_a_while(path, nuls);
	pthread_t readers[3];
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_along, &race), 0);
	int status;
	while (waitpid(writer, &status, WNOHANG) == 0)
		assert_int_equal(console_log_trim(race.fd, 64 * 1024), 0);
	race.over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(readers[i], NULL);
	print_message("          %zu good reads, %zu overtaken by the trimming\n", race.good, race.stale);
	assert_int_equal(status, 0);
	assert_int_equal(race.wrong, 0);
	assert_true(race.good > 0 && race.stale > 0);
	close(race.fd);
}

static void a_reader_sees_no_wrong_byte_while_the_head_is_freed(void **state)
{
	race_trimming(*state, false);
}

static void a_reader_tells_the_guests_nuls_from_freed_ones(void **state)
{
	race_trimming(*state, true);
}

static int open_on_disk(void **state)
{
	*state = harness_open("/tmp");
	return 0;
}

static int open_on_tmpfs(void **state)
{
	*state = harness_open("/dev/shm");
	return 0;
}

static int close_harness(void **state)
{
	harness_close(*state);
	return 0;
}

#define ON_BOTH(test) \
	{#test " (disk)", test, open_on_disk, close_harness, NULL}, \
	{ \
#test " (tmpfs)", test, open_on_tmpfs, close_harness, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_BOTH(an_empty_file_has_an_empty_window),
	    ON_BOTH(opening_names_the_file_below_the_directory),
	    ON_BOTH(trimming_frees_the_head_and_keeps_offsets_true),
	    ON_BOTH(trimming_goes_in_steps),
	    ON_BOTH(nuls_that_the_guest_sent_are_bytes),
	    ON_BOTH(a_reader_sees_no_wrong_byte_while_the_head_is_freed),
	    ON_BOTH(a_reader_tells_the_guests_nuls_from_freed_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
