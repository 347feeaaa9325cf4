#include "run.h"

#include "core/process/port_owner.h"

#include <netinet/in.h>
#include <sys/socket.h>

static int open_socket(bool listening, uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *) &address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void who_listens_is_known(void **state)
{
	(void) state;
	uint16_t port;
	int fd = open_socket(true, &port);
	assert_true(port_owner_is(getpid(), port));
	assert_false(port_owner_is(1, port));
	assert_false(port_owner_is(getpid(), (uint16_t) (port + 1)));
	close(fd);
	assert_false(port_owner_is(getpid(), port));
}

static void who_does_not_listen_owns_no_port(void **state)
{
	(void) state;
	uint16_t port;
	int fd = open_socket(false, &port);
	assert_false(port_owner_is(getpid(), port));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(who_listens_is_known),
	    process_test(who_does_not_listen_owns_no_port),
	};
	return cmocka_run_group_tests(tests, settle, NULL);
}
