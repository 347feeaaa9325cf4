#include "support.h"

#include "core/shim/channels.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const struct channel_plan plan[] = {
    {.name = (char *) "serial0", .kind = CHANNEL_CONSOLE},
    {.name = (char *) "serial1", .kind = CHANNEL_CONSOLE, .pty = true},
    {.name = (char *) "qmp", .kind = CHANNEL_CONTROL, .refuse_http = true},
    {.name = (char *) "monitor", .kind = CHANNEL_MONITOR, .pty = true},
    {.name = (char *) "gdb", .kind = CHANNEL_GDB, .socket_name = (char *) "gdb.sock"},
};

enum { PLAN_COUNT = sizeof(plan) / sizeof(plan[0]) };

struct channels_fixture {
	struct fixture *fixture;
	struct handles *handles;
	struct channels *channels;
	char connected[64]; /* the channels that were asked for */
	int connection;     /* the emulator's side of the latest; -1: none */
};

static int open_channels(void **state)
{
	static const char *const none[] = {NULL};
	struct channels_fixture *channels = *state = calloc(1, sizeof(*channels));
	int result = fixture_open((void **) &channels->fixture);
	channels->handles = handles_create("fake", "toy", "/config.json", none);
	channels->connection = -1;
	return result;
}

static int close_channels(void **state)
{
	struct channels_fixture *channels = *state;
	struct fixture *fixture = channels->fixture;
	channels_destroy(channels->channels);
	handles_destroy(channels->handles);
	if (channels->connection >= 0)
		close(channels->connection);
	free(channels);
	return fixture_close((void **) &fixture);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_channels, close_channels)

static int connect_channel(const char *name, void *data, struct error *error)
{
	(void) error;
	struct channels_fixture *channels = data;
	int pair[2];
	strcat(channels->connected, name);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	channels->connection = pair[1];
	return pair[0];
}

static struct channels *make(struct channels_fixture *channels, bool raw, struct error *error)
{
	const struct channels_options options = {
	    .loop = channels->fixture->loop,
	    .dirfd = channels->fixture->scratch.dirfd,
	    .plan = plan,
	    .count = PLAN_COUNT,
	    .raw = raw,
	    .connect = connect_channel,
	    .data = channels,
	};
	channels->channels = channels_create(&options, channels->handles, error);
	return channels->channels;
}

static const json_t *handle(const struct channels_fixture *channels, const char *name)
{
	return json_object_get(handles_channels(channels->handles), name);
}

static void expect_handle(const struct channels_fixture *channels, const char *name, const char *type,
			  const char *kind)
{
	assert_string_equal(json_member_string(handle(channels, name), "type", ""), type);
	assert_string_equal(json_member_string(handle(channels, name), "kind", ""), kind);
}

static void each_channel_stands_in_the_handles_with_its_endpoint(void **state)
{
	struct channels_fixture *channels = *state;
	assert_non_null(make(channels, true, NULL));
	expect_handle(channels, "serial0", "tcp", "console");
	expect_handle(channels, "serial1", "pty", "console");
	expect_handle(channels, "gdb", "tcp", "gdb");
	expect_handle(channels, "monitor", "pty", "monitor");
	expect_handle(channels, "qmp", "tcp", "control");
	assert_int_equal(json_member_integer(handle(channels, "serial0"), "port", 0),
			 console_port(channels_console(channels->channels, "serial0")));
	assert_int_equal(json_member_integer(handle(channels, "gdb"), "port", 0),
			 tunnel_port(channels_tunnel(channels->channels, "gdb")));
	assert_string_equal(json_member_string(handle(channels, "serial1"), "path", ""),
			    console_pty_path(channels_console(channels->channels, "serial1")));
	assert_string_equal(json_member_string(handle(channels, "monitor"), "path", ""),
			    tunnel_pty_path(channels_tunnel(channels->channels, "monitor")));
}

static void without_raw_endpoints_the_handles_tell_the_types_alone(void **state)
{
	struct channels_fixture *channels = *state;
	assert_non_null(make(channels, false, NULL));
	cleanup_json json_t *wanted = quoted("{'serial0':{'type':'tcp','kind':'console'},"
					     "'serial1':{'type':'pty','kind':'console'},"
					     "'gdb':{'type':'tcp','kind':'gdb'},"
					     "'monitor':{'type':'pty','kind':'monitor'},"
					     "'qmp':{'type':'tcp','kind':'control'}}");
	assert_true(json_equal(handles_channels(channels->handles), wanted));
	assert_false(scratch_has(&channels->fixture->scratch, "serial1"));
	assert_true(scratch_has(&channels->fixture->scratch, "serial1.out"));
	assert_int_equal(console_port(channels_console(channels->channels, "serial0")), 0);
}

static void a_channel_is_found_by_its_name_and_its_nature(void **state)
{
	struct channels_fixture *channels = *state;
	struct channels *made = make(channels, true, NULL);
	assert_non_null(channels_console(made, "serial0"));
	assert_null(channels_tunnel(made, "serial0"));
	assert_non_null(channels_tunnel(made, "gdb"));
	assert_null(channels_console(made, "gdb"));
	assert_null(channels_console(made, "serial9"));
	assert_null(channels_tunnel(made, ""));
	assert_ptr_equal(channels_find_kind(made, CHANNEL_CONSOLE), &plan[0]);
	assert_ptr_equal(channels_find_kind(made, CHANNEL_CONTROL), &plan[2]);
	assert_ptr_equal(channels_find_kind(made, CHANNEL_MONITOR), &plan[3]);
	assert_ptr_equal(channels_find_kind(made, CHANNEL_GDB), &plan[4]);
}

static void where_there_are_no_channels_none_is_found(void **state)
{
	(void) state;
	assert_null(channels_console(NULL, "serial0"));
	assert_null(channels_tunnel(NULL, "gdb"));
	assert_null(channels_find_kind(NULL, CHANNEL_GDB));
	channels_each_console(NULL, NULL, NULL);
	channels_destroy(NULL);
}

static void note_console(struct console *console, void *data)
{
	struct console **found = data;
	while (*found)
		found++;
	*found = console;
}

static void consoles_are_told_in_their_order(void **state)
{
	struct channels_fixture *channels = *state;
	struct channels *made = make(channels, true, NULL);
	struct console *found[PLAN_COUNT + 1] = {NULL};
	channels_each_console(made, note_console, found);
	assert_ptr_equal(found[0], channels_console(made, "serial0"));
	assert_ptr_equal(found[1], channels_console(made, "serial1"));
	assert_null(found[2]);
}

static void a_channel_that_cannot_be_made_is_named_and_takes_the_others_along(void **state)
{
	struct channels_fixture *channels = *state;
	struct error error;
	assert_int_equal(mkdirat(channels->fixture->scratch.dirfd, "serial1.in", 0700), 0);
	assert_null(make(channels, true, &error));
	assert_true(text_starts_with(error.message, "channel serial1: "));
	assert_false(scratch_has(&channels->fixture->scratch, "serial0.in"));
}

static bool is_connected(void *data)
{
	return ((struct channels_fixture *) data)->connection >= 0;
}

static int connect_to_qmp(const struct channels_fixture *channels)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port =
					  htons(tunnel_port(channels_tunnel(channels->channels, "qmp"))),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	return fd;
}

static void a_tunnel_without_a_socket_asks_to_be_connected(void **state)
{
	struct channels_fixture *channels = *state;
	assert_non_null(make(channels, true, NULL));
	cleanup_close int fd = connect_to_qmp(channels);
	wait_until(channels->fixture, is_connected, channels);
	assert_string_equal(channels->connected, "qmp");
}

static bool is_hung_up(void *data)
{
	char byte;
	return recv(*(const int *) data, &byte, 1, MSG_DONTWAIT) == 0;
}

static void what_looks_like_a_page_is_refused_where_the_plan_says_so(void **state)
{
	struct channels_fixture *channels = *state;
	static const char request[] = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char byte;
	assert_non_null(make(channels, true, NULL));
	cleanup_close int fd = connect_to_qmp(channels);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	wait_until(channels->fixture, is_hung_up, &fd);
	assert_int_equal(recv(channels->connection, &byte, 1, MSG_DONTWAIT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_channel_stands_in_the_handles_with_its_endpoint),
	    TEST(without_raw_endpoints_the_handles_tell_the_types_alone),
	    TEST(a_channel_is_found_by_its_name_and_its_nature),
	    TEST(where_there_are_no_channels_none_is_found),
	    TEST(consoles_are_told_in_their_order),
	    TEST(a_channel_that_cannot_be_made_is_named_and_takes_the_others_along),
	    TEST(a_tunnel_without_a_socket_asks_to_be_connected),
	    TEST(what_looks_like_a_page_is_refused_where_the_plan_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
