#include "support.h"

#include <termios.h>

static struct peer *open_pty(struct fixture *fixture)
{
	int fd = openat(fixture->harness->dirfd, "uart", O_RDWR | O_NOCTTY | O_CLOEXEC);
	return peer_create(fixture->harness, fd, true);
}

static void a_pty_is_raw_and_found_by_its_symlink(void **state)
{
	struct fixture *fixture = *state;
	char target[64] = "";
	assert_int_equal(symlinkat("/dev/pts/old", fixture->harness->dirfd, "uart"), 0);
	start_console(fixture, CONSOLE_ENDPOINT_PTY);
	assert_true(readlinkat(fixture->harness->dirfd, "uart", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, console_pty_path(fixture->console));
	struct peer *peer = open_pty(fixture);
	struct termios mode;
	struct stat status;
	assert_int_equal(tcgetattr(peer->fd, &mode), 0);
	assert_int_equal(mode.c_lflag & (ECHO | ICANON | ISIG), 0);
	assert_int_equal(mode.c_oflag & OPOST, 0);
	assert_int_equal(fstat(peer->fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	peer_destroy(peer);
	console_destroy(fixture->console);
	fixture->console = NULL;
	assert_int_equal(faccessat(fixture->harness->dirfd, "uart", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void a_file_in_the_symlinks_place_is_not_replaced(void **state)
{
	struct fixture *fixture = *state;
	struct error error = {0};
	close(openat(fixture->harness->dirfd, "uart", O_WRONLY | O_CREAT, 0600));
	assert_null(console_create(fixture->harness->loop, fixture->growth, fixture->harness->dirfd, "uart",
				   CONSOLE_ENDPOINT_PTY, &error));
	assert_int_equal(error.number, -EEXIST);
	assert_int_equal(faccessat(fixture->harness->dirfd, "uart", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(faccessat(fixture->harness->dirfd, "uart.in", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void a_pty_carries_both_ways(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_PTY);
	guest_prints(fixture, "boot\r\n");
	harness_settle(fixture->harness, 20);
	struct peer *peer = open_pty(fixture);
	peer_expect(fixture->harness, peer, "boot\r\n");
	write_text(peer->fd, "\x03\x04reset\r");
	expect_guest_reads(fixture, "\x03\x04reset\r");
	peer_destroy(peer);
	guest_prints(fixture, "while closed\n");
	harness_settle(fixture->harness, 20);
	peer = open_pty(fixture);
	peer_expect(fixture->harness, peer, "while closed\n");
	peer_destroy(peer);
}

static void a_pty_nobody_reads_holds_up_nothing_and_loses_nothing(void **state)
{
	struct fixture *fixture = *state;
	start_console(fixture, CONSOLE_ENDPOINT_PTY);
	guest_floods(fixture, MIB);
	harness_settle(fixture->harness, 50);
	guest_floods(fixture, MIB);
	/* Once the tty is full, the file's growth is nobody's business. */
	harness_wait_until(fixture->harness, has_no_inotify_instance, NULL);
	struct peer *peer = open_pty(fixture);
	expect_pattern(fixture, peer, 0, 2 * MIB);
	guest_floods(fixture, 100);
	expect_pattern(fixture, peer, 2 * MIB, 100);
	peer_destroy(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_pty_is_raw_and_found_by_its_symlink),
	    TEST(a_file_in_the_symlinks_place_is_not_replaced),
	    TEST(a_pty_carries_both_ways),
	    TEST(a_pty_nobody_reads_holds_up_nothing_and_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
