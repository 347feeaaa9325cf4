#include "support.h"

#include "core/base/file.h"
#include "core/loop/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

struct server {
	struct loop *loop;
	struct listener *listener;
	char path[256];
	int dirfd, connections;
	bool destroys, done;
};

static void on_connection(int connection_fd, void *data)
{
	struct server *server = data;
	server->connections++;
	server->done = true;
	assert_int_equal(fcntl(connection_fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(connection_fd, F_GETFL) & O_NONBLOCK);
	close(connection_fd);
	if (server->destroys)
		listener_destroy(TAKE(server->listener));
}

/* A directory whose path is longer than a socket's address may be. */
static int set_up(void **state)
{
	struct server *server = calloc(1, sizeof(*server));
	server->loop = loop_create(NULL);
	strcpy(server->path, "/tmp/emud-listener-XXXXXX");
	assert_non_null(mkdtemp(server->path));
	char below[256];
	snprintf(below, sizeof(below), "%.100s/%0120d", server->path, 7);
	assert_int_equal(mkdir(below, 0700), 0);
	server->dirfd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = server;
	return 0;
}

static int tear_down(void **state)
{
	struct server *server = *state;
	listener_destroy(server->listener);
	close(server->dirfd);
	assert_int_equal(file_remove_tree(AT_FDCWD, server->path, NULL), 0);
	loop_destroy(server->loop);
	free(server);
	return 0;
}

static void listen_unix(struct server *server)
{
	int fd = listener_open_unix(server->dirfd, "control.sock", NULL);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	server->listener = listener_create(server->loop, fd, on_connection, server, NULL);
	assert_non_null(server->listener);
}

static int connect_unix(struct server *server)
{
	return listener_connect_unix(server->dirfd, "control.sock", NULL);
}

static void a_long_path_works_and_only_we_may_connect(void **state)
{
	struct server *server = *state;
	struct stat status;
	mode_t before = umask(0);
	listen_unix(server);
	umask(before);
	assert_int_equal(fstatat(server->dirfd, "control.sock", &status, 0), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07777, 0600);
	cleanup_close int client = connect_unix(server);
	assert_true(client >= 0);
	run_loop_until(server->loop, is_set, &server->done);
	assert_int_equal(server->connections, 1);
}

static void a_dead_socket_is_replaced(void **state)
{
	struct server *server = *state;
	assert_int_equal(connect_unix(server), -ENOENT);
	close(listener_open_unix(server->dirfd, "control.sock", NULL));
	assert_int_equal(connect_unix(server), -ECONNREFUSED);
	listen_unix(server);
	cleanup_close int client = connect_unix(server);
	assert_true(client >= 0);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	struct server *server = *state;
	char name[120];
	struct error error;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(listener_open_unix(server->dirfd, name, &error), -ENAMETOOLONG);
	assert_int_equal(listener_connect_unix(server->dirfd, name, &error), -ENAMETOOLONG);
}

static void it_may_go_within_its_callback(void **state)
{
	struct server *server = *state;
	listen_unix(server);
	server->destroys = true;
	cleanup_close int first = connect_unix(server), second = connect_unix(server);
	assert_true(first >= 0 && second >= 0);
	run_loop_until(server->loop, is_set, &server->done);
	run_loop_for(server->loop, 10);
	assert_int_equal(server->connections, 1);
}

static void tcp_takes_any_port_and_tells_it(void **state)
{
	struct server *server = *state;
	uint16_t port = 0;
	struct error error;
	int fd = listener_open_tcp("127.0.0.1", 0, &port, &error);
	assert_true(fd >= 0);
	assert_int_not_equal(port, 0);
	assert_int_equal(listener_open_tcp("127.0.0.1", port, NULL, &error), -EADDRINUSE);
	server->listener = listener_create(server->loop, fd, on_connection, server, NULL);
	cleanup_close int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(connect(client, (struct sockaddr *) &address, sizeof(address)), 0);
	run_loop_until(server->loop, is_set, &server->done);
	assert_int_equal(listener_open_tcp("localhost", 0, &port, &error), -EINVAL);
	assert_int_equal(listener_open_tcp("1.2.3", 0, &port, &error), -EINVAL);
}

static double cpu_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void want_of_descriptors_burns_no_cpu_and_loses_nobody(void **state)
{
	struct server *server = *state;
	listen_unix(server);
	cleanup_close int client = connect_unix(server);
	struct rlimit before, few;
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){.rlim_cur = (rlim_t) client, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	double begin = cpu_seconds();
	struct loop_timer *idle =
	    loop_timer_create(server->loop, (void (*)(void *)) loop_stop, server->loop, NULL);
	loop_timer_start(idle, 400);
	loop_run(server->loop);
	loop_timer_destroy(idle);
	double used = cpu_seconds() - begin;
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(server->connections, 0);
	assert_true(used < 0.1);
	run_loop_until(server->loop, is_set, &server->done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_long_path_works_and_only_we_may_connect),
	    TEST(a_dead_socket_is_replaced),
	    TEST(a_name_that_is_too_long_is_refused),
	    TEST(it_may_go_within_its_callback),
	    TEST(tcp_takes_any_port_and_tells_it),
	    TEST(want_of_descriptors_burns_no_cpu_and_loses_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
