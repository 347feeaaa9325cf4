#include "harness.h"

#include "server/http/acceptor.h"
#include "server/http/request.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>

static void get_hello(struct request *request, void *app)
{
	(void) app;
	reply_json(request, 200, json_object());
}

static const struct route routes[] = {
    {"GET", "/hello", get_hello, BODY_NONE, NULL, "getHello", 0, 0},
    {NULL, NULL, NULL, BODY_NONE, NULL, NULL, 0, 0},
};

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

enum { LIMIT = 160 };

static void set_descriptors(rlim_t count)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static double cpu_seconds(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double) used.tv_sec + (double) used.tv_nsec / 1e9;
}

/* Clients are made before the descriptors are used up; the server must turn them away, not spin, and serve
 * again once there are descriptors. */
static void test_exhausted_descriptors_turn_clients_away_without_spinning(void **state)
{
	(void) state;
	static struct harness harness;
	static int eaten[4096];
	int eaten_count = 0;
	harness_start(&harness, routes, (struct http_gate){0}, 60);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (eaten_count < 4096 && (eaten[eaten_count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		eaten_count++;
	assert_int_equal(errno, EMFILE);
	double before = cpu_seconds();
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(harness.port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(connect(client, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_true(wait_readable(client));
	assert_true(client_is_closed(client));
	assert_true(cpu_seconds() - before < 0.5);
	while (eaten_count)
		close(eaten[--eaten_count]);
	close(client);
	assert_int_equal(exchange(&harness, request).status, 200);
	harness_stop(&harness);
}

static void test_clients_beyond_the_limit_wait_until_others_leave(void **state)
{
	(void) state;
	static struct harness harness;
	harness_start(&harness, routes, (struct http_gate){0}, 60);
	unsigned limit = acceptor_connection_limit();
	set_descriptors(1024); /* for our own ends; the server has counted already */
	int *clients = calloc(limit + 1, sizeof(*clients));
	for (unsigned i = 0; i <= limit; i++) {
		clients[i] = client_connect(&harness);
		client_send_text(clients[i], request);
		if (i < limit)
			assert_int_equal(client_read(clients[i]).status, 200);
	}
	char byte;
	assert_int_equal(recv(clients[limit], &byte, 1, MSG_DONTWAIT), -1);
	close(clients[0]);
	assert_int_equal(client_read(clients[limit]).status, 200);
	for (unsigned i = 1; i <= limit; i++)
		close(clients[i]);
	free(clients);
	harness_stop(&harness);
	set_descriptors(LIMIT);
}

static int set_up(void **state)
{
	(void) state;
	set_descriptors(LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void) state;
	set_descriptors(1024); /* the leak checker needs some */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exhausted_descriptors_turn_clients_away_without_spinning),
	    cmocka_unit_test(test_clients_beyond_the_limit_wait_until_others_leave),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
