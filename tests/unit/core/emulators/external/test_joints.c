#include "core/emulators/external/joints.h"

#include "core/base/cleanup.h"
#include "core/loop/listener.h"
#include "tests/unit/scratch.h"

#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct fixture {
	struct scratch scratch;
	int listener;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	scratch_make(&fixture->scratch);
	fixture->listener = listener_open_unix(fixture->scratch.dirfd, "uart.sock", NULL);
	assert_true(fixture->listener >= 0);
	assert_int_equal(mkfifoat(fixture->scratch.dirfd, "uart.in", 0600), 0);
	scratch_write(&fixture->scratch, "uart.out", "before ");
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->listener);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static int connect_to(const struct fixture *fixture, struct external_channel offer, struct error *error)
{
	return joints_connect(fixture->scratch.dirfd, &offer, error);
}

static struct external_channel unix_offer(char *name)
{
	return (struct external_channel){.via = EXTERNAL_VIA_UNIX, .socket = name};
}

static void a_socket_of_the_state_directory_is_connected_to(void **state)
{
	struct fixture *fixture = *state;
	char name[] = "uart.sock";
	cleanup_close int fd = connect_to(fixture, unix_offer(name), NULL);
	assert_true(fd >= 0);
	cleanup_close int peer = accept(fixture->listener, NULL, NULL);
	assert_true(peer >= 0);
}

/* The board may write its directory: a symlink would lead the shim, which is not confined, elsewhere. */
static void what_is_no_socket_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	char link[] = "link.sock", file[] = "uart.out", missing[] = "none.sock";
	assert_int_equal(symlinkat("uart.sock", fixture->scratch.dirfd, link), 0);
	assert_int_equal(connect_to(fixture, unix_offer(link), &error), -ENOTSOCK);
	assert_string_equal(error.message, "cannot connect to link.sock: it is no socket");
	assert_int_equal(connect_to(fixture, unix_offer(file), &error), -ENOTSOCK);
	assert_int_equal(connect_to(fixture, unix_offer(missing), &error), -ENOENT);
	assert_string_equal(error.message, "cannot connect to none.sock: No such file or directory");
	assert_true(connect_to(fixture, unix_offer(NULL), &error) < 0);
	assert_string_equal(error.message, "its driver has not told where it is found");
}

static void a_port_that_nobody_listens_on_says_so_at_once(void **state)
{
	struct error error;
	uint16_t port;
	int listener = listener_open_tcp("127.0.0.1", 0, &port, NULL);
	struct external_channel offer = {.via = EXTERNAL_VIA_TCP, .port = port};
	cleanup_close int fd = connect_to(*state, offer, NULL);
	assert_true(fd >= 0);
	close(listener);
	assert_int_equal(connect_to(*state, offer, &error), -ECONNREFUSED);
	assert_non_null(strstr(error.message, "cannot connect to 127.0.0.1:"));
}

static void a_pty_carries_bytes_as_they_are(void **state)
{
	int master, slave;
	char path[64], bytes[8] = "";
	assert_int_equal(openpty(&master, &slave, path, NULL, NULL), 0);
	struct external_channel offer = {.via = EXTERNAL_VIA_PTY, .path = path};
	cleanup_close int fd = connect_to(*state, offer, NULL);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a\nb\x03", 4), 4);
	assert_int_equal(read(master, bytes, sizeof(bytes)), 4);
	assert_memory_equal(bytes, "a\nb\x03", 4);
	close(master);
	close(slave);
}

static void a_consoles_files_are_handed_down_for_waiting_and_appending(void **state)
{
	struct fixture *fixture = *state;
	int in = -1, out = -1;
	struct error error = {0};
	assert_int_equal(joints_open_files(fixture->scratch.dirfd, "uart", &in, &out, &error), 0);
	assert_int_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(out, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND);
	assert_int_equal(write(out, "after", 5), 5);
	cleanup_free char *text = NULL;
	assert_int_equal(file_read(fixture->scratch.dirfd, "uart.out", 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "before after");
	close(in);
	close(out);
}

static void files_that_were_swapped_hold_nobody_up(void **state)
{
	struct fixture *fixture = *state;
	int in = -1, out = -1, dirfd = fixture->scratch.dirfd;
	struct error error;
	assert_int_equal(unlinkat(dirfd, "uart.out", 0), 0);
	assert_int_equal(mkfifoat(dirfd, "uart.out", 0600), 0);
	assert_true(joints_open_files(dirfd, "uart", &in, &out, &error) < 0);
	assert_int_equal(unlinkat(dirfd, "uart.out", 0), 0);
	assert_int_equal(symlinkat("/dev/null", dirfd, "uart.out"), 0);
	assert_int_equal(joints_open_files(dirfd, "uart", &in, &out, &error), -ELOOP);
	assert_int_equal(unlinkat(dirfd, "uart.in", 0), 0);
	scratch_write(&fixture->scratch, "uart.in", "no FIFO");
	assert_int_equal(joints_open_files(dirfd, "uart", &in, &out, &error), -EINVAL);
	assert_string_equal(error.message, "uart.in is not the file it was");
	assert_int_equal(in, -1);
	assert_int_equal(out, -1);
}

static void on_deadline(void *data)
{
	(void) data;
	fail_msg("nothing came within the deadline");
}

static void on_readable(int events, void *data)
{
	(void) events;
	loop_stop(data);
}

static void a_console_behind_a_socket_is_bridged_both_ways(void **state)
{
	struct fixture *fixture = *state;
	char name[] = "uart", gdb[] = "gdb", socket_name[] = "uart.sock", bytes[8] = "";
	struct channel_plan channels[] = {{.name = name, .kind = CHANNEL_CONSOLE},
					  {.name = gdb, .kind = CHANNEL_GDB}};
	struct external_channel offers[] = {unix_offer(socket_name), unix_offer(socket_name)};
	const struct external_plan plan = {.channels = channels, .offers = offers, .count = 2};
	struct loop *loop = loop_create(NULL);
	struct loop_timer *deadline = loop_timer_create(loop, on_deadline, NULL, NULL);
	loop_timer_start(deadline, 5000);
	cleanup_close int fifo = openat(fixture->scratch.dirfd, "uart.in", O_RDWR | O_CLOEXEC);
	struct joints *joints = joints_create(loop, fixture->scratch.dirfd, &plan, NULL);
	assert_non_null(joints);
	cleanup_close int emulator = accept(fixture->listener, NULL, NULL);
	struct loop_watch *watch = loop_watch_create(loop, emulator, LOOP_READABLE, on_readable, loop, NULL);
	assert_int_equal(write(fifo, "in", 2), 2);
	loop_run(loop);
	assert_int_equal(read(emulator, bytes, sizeof(bytes)), 2);
	assert_int_equal(write(emulator, "out", 3), 3);
	/* What was said last is kept, however soon the end comes. */
	joints_destroy(joints);
	cleanup_free char *text = NULL;
	assert_int_equal(file_read(fixture->scratch.dirfd, "uart.out", 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "before out");
	loop_watch_destroy(watch);
	loop_timer_destroy(deadline);
	loop_destroy(loop);
}

static void a_console_that_cannot_be_reached_is_named(void **state)
{
	struct fixture *fixture = *state;
	char name[] = "uart", missing[] = "none.sock";
	struct channel_plan channels[] = {{.name = name, .kind = CHANNEL_CONSOLE}};
	struct external_channel offers[] = {unix_offer(missing)};
	const struct external_plan plan = {.channels = channels, .offers = offers, .count = 1};
	struct error error;
	struct loop *loop = loop_create(NULL);
	assert_null(joints_create(loop, fixture->scratch.dirfd, &plan, &error));
	assert_string_equal(error.message,
			    "the console \"uart\": cannot connect to none.sock: No such file or directory");
	loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_socket_of_the_state_directory_is_connected_to),
	    TEST(what_is_no_socket_is_not_followed),
	    TEST(a_port_that_nobody_listens_on_says_so_at_once),
	    TEST(a_pty_carries_bytes_as_they_are),
	    TEST(a_consoles_files_are_handed_down_for_waiting_and_appending),
	    TEST(files_that_were_swapped_hold_nobody_up),
	    TEST(a_console_behind_a_socket_is_bridged_both_ways),
	    TEST(a_console_that_cannot_be_reached_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
