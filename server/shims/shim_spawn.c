#include "server/shims/shim_spawn.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/shim/order.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* emud may itself run in an instance of another emud: that one's cookie is not for this shim. */
static char **make_environment(const char *cookie)
{
	static const char name[] = "EMUD_COOKIE=";
	cleanup_text_vector char **environment = text_vector_copy(NULL);
	cleanup_free char *entry = text_format("%s%s", name, cookie);
	int result = environment && entry ? text_vector_append(&environment, entry) : -ENOMEM;
	for (char **inherited = environ; !result && *inherited; inherited++)
		if (!text_starts_with(*inherited, name))
			result = text_vector_append(&environment, *inherited);
	return result < 0 ? NULL : TAKE(environment);
}

static int spawn(const char *program, char **environment, posix_spawn_file_actions_t *actions,
		 posix_spawnattr_t *attributes)
{
	sigset_t none, defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGTERM);
	sigaddset(&defaults, SIGCHLD);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &defaults);
	posix_spawnattr_setflags(attributes,
				 POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	char *argv[] = {"emud-shim", NULL};
	pid_t pid;
	return -posix_spawn(&pid, program, actions, attributes, argv, environment);
}

static int make_cookie(char out[static SHIM_COOKIE_SIZE])
{
	unsigned char bytes[(SHIM_COOKIE_SIZE - 1) / 2];
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* posix_spawn's dup2 would leave close-on-exec on an end that has the number already. */
static int raise_fd(int fd)
{
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, SHIM_ORDER_FD + 1);
	if (raised < 0 && errno == EINVAL)
		errno = EMFILE; /* what fcntl(2) says when even that number lies beyond RLIMIT_NOFILE */
	return raised;
}

int shim_spawn(const char *program, struct shim_handle *ret_handle, struct error *error)
{
	struct shim_handle handle;
	int pair[2];
	if (make_cookie(handle.cookie) < 0)
		return error_set(error, -EIO, NULL, "no random bytes for a shim");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make a shim's socket");
	cleanup_close int ours = pair[0], theirs = pair[1];
	cleanup_close int raised = raise_fd(theirs);
	if (raised < 0)
		return error_set_errno(error, -errno, NULL, "cannot make a shim's socket");
	cleanup_text_vector char **environment = make_environment(handle.cookie);
	if (!environment)
		return error_set(error, -ENOMEM, NULL, "no memory");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, raised, SHIM_ORDER_FD);
	int result = spawn(program, environment, &actions, &attributes);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (result < 0)
		return error_set_errno(error, result, NULL, "cannot start %s", program);
	handle.order_fd = TAKE_FD(ours);
	*ret_handle = handle;
	return 0;
}

bool shim_is_waiting(const struct shim_handle *handle)
{
	struct pollfd end = {.fd = handle->order_fd, .events = POLLIN};
	return handle->order_fd >= 0 && poll(&end, 1, 0) == 0;
}

void shim_dismiss(struct shim_handle *handle)
{
	if (handle->order_fd >= 0)
		close(TAKE_FD(handle->order_fd));
}
