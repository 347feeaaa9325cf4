#include "run.h"

#include "core/process/namespaces.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { PORT = 4711 };

/* Skips the test where this host does not allow them; that is told by namespaces_are_permitted, and said. */
static struct namespaces *make(void)
{
	struct error error = {0};
	struct namespaces *namespaces = namespaces_create(&error);
	assert_true(!!namespaces == namespaces_are_permitted());
	if (!namespaces) {
		print_message("no namespaces here: %s\n", error.message);
		skip();
	}
	return namespaces;
}

static int reach(int fd)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int result = connect(fd, (const struct sockaddr *) &address, sizeof(address));
	return result < 0 ? -errno : 0;
}

static int take_socket(struct namespaces *namespaces)
{
	struct error error = {0};
	int fd = namespaces_socket(namespaces, &error);
	assert_string_equal(error.message, "");
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

static void a_port_inside_is_reached_from_inside_alone(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int listener = take_socket(namespaces);
	assert_int_equal(bind(listener, (const struct sockaddr *) &any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 1), 0);
	int client = take_socket(namespaces);
	int number = reach(client);
	assert_true(number == 0 || number == -EINPROGRESS);
	struct pollfd readable = {.fd = listener, .events = POLLIN};
	assert_int_equal(poll(&readable, 1, DEADLINE_MS), 1);
	int outsider = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(reach(outsider), -ECONNREFUSED);
	close(outsider);
	close(client);
	close(listener);
	namespaces_destroy(namespaces);
}

static void sockets_never_run_out(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	for (int i = 0; i < 50; i++)
		close(take_socket(namespaces));
	namespaces_destroy(namespaces);
}

static void two_starts_have_the_same_port(void **state)
{
	(void) state;
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct namespaces *pair[] = {make(), make()};
	int listeners[2];
	for (int i = 0; i < 2; i++) {
		listeners[i] = take_socket(pair[i]);
		assert_int_equal(bind(listeners[i], (const struct sockaddr *) &any, sizeof(any)), 0);
		assert_int_equal(listen(listeners[i], 1), 0);
	}
	for (int i = 0; i < 2; i++) {
		close(listeners[i]);
		namespaces_destroy(pair[i]);
	}
}

static void run_inside(struct run *run, const struct namespaces *namespaces, const char *script,
		       const struct confinement *confinement)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	run_spec(run,
		 (struct process_spec){
		     .argv = argv, .stdin_fd = -1, .confinement = confinement, .namespaces = namespaces});
	assert_int_equal(run->end.code, 0);
}

static void a_child_sees_its_loopback_alone(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	struct run run = run_begin();
	run_inside(&run, namespaces, "grep -o '^ *[a-z0-9]*:' /proc/net/dev | tr -d ' '", NULL);
	assert_string_equal(run.output, "lo:\n");
	run_finish(&run);
	namespaces_destroy(namespaces);
}

static void a_child_keeps_its_user(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	struct run run = run_begin();
	char expected[64];
	run_inside(&run, namespaces, "echo $(id -u) $(id -g)", NULL);
	snprintf(expected, sizeof(expected), "%u %u\n", geteuid(), getegid());
	assert_string_equal(run.output, expected);
	run_finish(&run);
	namespaces_destroy(namespaces);
}

static void a_confined_child_is_born_inside(void **state)
{
	(void) state;
	const char *const write_paths[] = {"/tmp", NULL};
	const struct confine_rules rules = {.write_paths = write_paths};
	struct namespaces *namespaces = make();
	struct confinement *confinement = confinement_create(&rules, NULL);
	struct run run = run_begin();
	assert_non_null(confinement);
	run_inside(&run, namespaces, "grep -c lo: /proc/net/dev", confinement);
	assert_string_equal(run.output, "1\n");
	run_finish(&run);
	confinement_destroy(confinement);
	namespaces_destroy(namespaces);
}

/* The child of a vfork shares our memory: its new credentials must not make that unreadable to our user. */
static void the_parent_stays_as_it_was(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	struct run run = run_begin();
	run_inside(&run, namespaces, "true", NULL);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	run_finish(&run);
	namespaces_destroy(namespaces);
}

static void a_child_dies_with_its_parent(void **state)
{
	(void) state;
	struct namespaces *namespaces = make();
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t middle = fork();
	if (middle == 0) {
		const char *const argv[] = {"/bin/sh", "-c", "echo up; exec sleep 600", NULL};
		const struct process_spec spec = {.argv = argv,
						  .stdin_fd = -1,
						  .stdout_fd = ends[1],
						  .stderr_fd = -1,
						  .namespaces = namespaces};
		struct loop *loop = loop_create(NULL);
		process_start(loop, &spec, run_on_exit, NULL, NULL);
		_exit(0);
	}
	close(ends[1]);
	/* Ends only when the child, which holds the other end, is gone. */
	free(read_all(ends[0]));
	close(ends[0]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	namespaces_destroy(namespaces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    process_test(a_port_inside_is_reached_from_inside_alone),
	    process_test(sockets_never_run_out),
	    process_test(two_starts_have_the_same_port),
	    process_test(a_child_sees_its_loopback_alone),
	    process_test(a_child_keeps_its_user),
	    process_test(a_confined_child_is_born_inside),
	    process_test(the_parent_stays_as_it_was),
	    process_test(a_child_dies_with_its_parent),
	};
	return cmocka_run_group_tests(tests, settle, NULL);
}
