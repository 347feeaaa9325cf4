#include "support.h"

#include "core/loop/listener.h"
#include "server/shims/shim_attach.h"

#include <sys/socket.h>

struct fixture {
	struct scratch scratch;
	struct loop *loop;
	int listen_fd, shim_fd;
	struct shim_attach *attach;
	int count, fd;
	char code[32], bytes[64];
};

static void on_done(const struct error *error, int fd, const char *bytes, size_t length, void *data)
{
	struct fixture *fixture = data;
	fixture->count++;
	fixture->fd = fd;
	fixture->attach = NULL;
	snprintf(fixture->code, sizeof(fixture->code), "%s", error ? error_code_or(error, "-") : "");
	snprintf(fixture->bytes, sizeof(fixture->bytes), "%.*s", (int) length, length ? bytes : "");
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;
	scratch_make(&fixture->scratch);
	fixture->fd = -1;
	fixture->loop = loop_create(NULL);
	fixture->listen_fd = listener_open_unix(fixture->scratch.dirfd, "control.sock", &error);
	fixture->attach =
	    shim_attach_begin(fixture->loop, fixture->scratch.dirfd, "gdb", 3000, on_done, fixture, &error);
	assert_non_null(fixture->attach);
	fixture->shim_fd = accept4(fixture->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fixture->shim_fd >= 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	shim_attach_cancel(fixture->attach);
	close(fixture->listen_fd);
	if (fixture->shim_fd >= 0)
		close(fixture->shim_fd);
	if (fixture->fd >= 0)
		close(fixture->fd);
	loop_destroy(fixture->loop);
	scratch_remove(&fixture->scratch);
	free(fixture);
	return 0;
}

static void say(struct fixture *fixture, const char *text)
{
	assert_int_equal(write(fixture->shim_fd, text, strlen(text)), strlen(text));
}

static bool is_done(void *data)
{
	return ((struct fixture *) data)->count > 0;
}

static const char greeting[] = "{\"emud-shim\":{\"version\":\"1\",\"protocol\":1},\"status\":{}}\n";

static void the_connection_becomes_the_tunnel(void **state)
{
	struct fixture *fixture = *state;
	char bytes[256] = "";
	assert_true(read(fixture->shim_fd, bytes, sizeof(bytes) - 1) > 0);
	assert_non_null(strstr(bytes, "\"attach\""));
	assert_non_null(strstr(bytes, "\"channel\":\"gdb\""));
	say(fixture, greeting);
	say(fixture, "{\"event\":\"state\",\"data\":{}}\n{\"id\":1,\"return\":{}}\n{not json}\n+$#00");
	run_loop_until(fixture->loop, is_done, fixture);
	assert_string_equal(fixture->code, "");
	assert_string_equal(fixture->bytes, "{not json}\n+$#00");
	assert_int_equal(write(fixture->fd, "there", 5), 5);
	assert_int_equal(read(fixture->shim_fd, bytes, sizeof(bytes)), 5);
	say(fixture, "back");
	assert_int_equal(read(fixture->fd, bytes, sizeof(bytes)), 4);
	assert_int_equal(fixture->count, 1);
}

static void a_refusal_is_told(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"error\":{\"code\":\"channel_busy\",\"detail\":\"in use\"}}\n");
	run_loop_until(fixture->loop, is_done, fixture);
	assert_string_equal(fixture->code, "channel_busy");
	assert_int_equal(fixture->fd, -1);
}

static void an_end_or_nonsense_is_told_once(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, greeting);
	close(TAKE_FD(fixture->shim_fd));
	run_loop_until(fixture->loop, is_done, fixture);
	assert_string_equal(fixture->code, "not_running");
	assert_int_equal(fixture->count, 1);
	tear_down(state);
	set_up(state);
	fixture = *state;
	say(fixture, "HTTP/1.1 400\r\n\r\n");
	run_loop_until(fixture->loop, is_done, fixture);
	assert_int_equal(fixture->fd, -1);
	assert_int_equal(fixture->count, 1);
}

static bool never(void *data)
{
	(void) data;
	return false;
}

static void a_cancelled_one_is_silent(void **state)
{
	struct fixture *fixture = *state;
	say(fixture, greeting);
	say(fixture, "{\"id\":1,\"return\":{}}\n");
	shim_attach_cancel(TAKE(fixture->attach));
	run_loop(fixture->loop, never, NULL, 20);
	assert_int_equal(fixture->count, 0);
}

static void silence_is_a_timeout(void **state)
{
	struct fixture *fixture = *state;
	struct error error;
	shim_attach_cancel(fixture->attach);
	fixture->attach =
	    shim_attach_begin(fixture->loop, fixture->scratch.dirfd, "gdb", 5, on_done, fixture, &error);
	run_loop_until(fixture->loop, is_done, fixture);
	assert_string_equal(fixture->code, "timeout");
}

static void nobody_there_is_not_running(void **state)
{
	struct fixture *fixture = *state;
	struct scratch other;
	struct error error;
	scratch_make(&other);
	assert_null(shim_attach_begin(fixture->loop, other.dirfd, "gdb", 5, on_done, fixture, &error));
	assert_string_equal(error.code, "not_running");
	scratch_remove(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_connection_becomes_the_tunnel),
	    TEST(a_refusal_is_told),
	    TEST(an_end_or_nonsense_is_told_once),
	    TEST(a_cancelled_one_is_silent),
	    TEST(silence_is_a_timeout),
	    TEST(nobody_there_is_not_running),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
