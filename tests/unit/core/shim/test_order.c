#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shim/order.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

/* What stands for a descriptor of the order: a pipe with a letter in it. */
static int make_letter(char letter)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], &letter, 1), 1);
	close(ends[1]);
	return ends[0];
}

static void assert_letter(int fd, char letter)
{
	char found;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(read(fd, &found, 1), 1);
	assert_int_equal(found, letter);
	close(fd);
}

static void an_order_brings_its_descriptors(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	const struct shim_order sent = {make_letter('l'), make_letter('s'), make_letter('f')};
	assert_int_equal(shim_order_send(pair[0], &sent, NULL), 0);
	close(sent.listen_fd);
	close(sent.state_fd);
	close(sent.firmware_fd);
	close(pair[0]);
	struct shim_order order;
	assert_int_equal(shim_order_receive(pair[1], &order, NULL), 0);
	assert_letter(order.listen_fd, 'l');
	assert_letter(order.state_fd, 's');
	assert_letter(order.firmware_fd, 'f');
	close(pair[1]);
}

static void an_order_may_be_without_firmware(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	const struct shim_order sent = {make_letter('l'), make_letter('s'), -1};
	assert_int_equal(shim_order_send(pair[0], &sent, NULL), 0);
	struct shim_order order;
	assert_int_equal(shim_order_receive(pair[1], &order, NULL), 0);
	assert_letter(order.listen_fd, 'l');
	assert_letter(order.state_fd, 's');
	assert_int_equal(order.firmware_fd, -1);
	close(sent.listen_fd);
	close(sent.state_fd);
	close(pair[0]);
	close(pair[1]);
}

static void where_emud_has_gone_there_is_no_order(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	close(pair[0]);
	struct shim_order order;
	struct error error = {0};
	assert_int_equal(shim_order_receive(pair[1], &order, &error), -EPIPE);
	close(pair[1]);
}

static void where_the_shim_has_gone_an_order_is_refused(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	close(pair[1]);
	const struct shim_order sent = {make_letter('l'), make_letter('s'), -1};
	struct error error = {0};
	assert_int_equal(shim_order_send(pair[0], &sent, &error), -EPIPE);
	assert_non_null(strstr(error.message, "emud-shim"));
	close(sent.listen_fd);
	close(sent.state_fd);
	close(pair[0]);
}

static void a_second_order_may_bring_nothing(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	const struct shim_order sent = {-1, -1, -1};
	assert_int_equal(shim_order_send(pair[0], &sent, NULL), 0);
	struct shim_order order;
	assert_int_equal(shim_order_receive(pair[1], &order, NULL), 0);
	assert_int_equal(order.listen_fd, -1);
	assert_int_equal(order.state_fd, -1);
	assert_int_equal(order.firmware_fd, -1);
	close(pair[0]);
	close(pair[1]);
}

static void an_order_that_lacks_descriptors_is_none(void **state)
{
	(void) state;
	int pair[2];
	make_pair(pair);
	const char both_wanted = 3;
	assert_int_equal(send(pair[0], &both_wanted, 1, 0), 1);
	struct shim_order order;
	struct error error = {0};
	assert_int_equal(shim_order_receive(pair[1], &order, &error), -EMFILE);
	assert_string_equal(error.code, "no_descriptors");
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_order_brings_its_descriptors),
	    cmocka_unit_test(an_order_may_be_without_firmware),
	    cmocka_unit_test(where_emud_has_gone_there_is_no_order),
	    cmocka_unit_test(where_the_shim_has_gone_an_order_is_refused),
	    cmocka_unit_test(a_second_order_may_bring_nothing),
	    cmocka_unit_test(an_order_that_lacks_descriptors_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
