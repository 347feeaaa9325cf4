#include "server/shims/shim_spawn.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/shim/descriptors.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

/* posix_spawn's dup2 is done in order, so every source must lie above the targets. */
enum { FIRST_FREE_FD = 10 };

static int raise_fd(int fd)
{
	int raised = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	if (raised < 0 && errno == EINVAL)
		errno = EMFILE; /* what fcntl(2) says when even FIRST_FREE_FD lies beyond RLIMIT_NOFILE */
	return raised;
}

static int open_log(int state_fd)
{
	return openat(state_fd, "shim.log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		      0600);
}

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

int shim_spawn(const char *program, const char *cookie, int listen_fd, int state_fd, int firmware_fd,
	       struct error *error)
{
	cleanup_close int control = raise_fd(listen_fd);
	cleanup_close int state = raise_fd(state_fd);
	cleanup_close int firmware = firmware_fd >= 0 ? raise_fd(firmware_fd) : -1;
	cleanup_close int log = open_log(state_fd);
	if (control < 0 || state < 0 || log < 0 || (firmware_fd >= 0 && firmware < 0))
		return error_set_errno(error, -errno, NULL, "cannot prepare a shim's descriptors");
	cleanup_text_vector char **environment = make_environment(cookie);
	if (!environment)
		return error_set(error, -ENOMEM, NULL, "no memory");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, control, SHIM_CONTROL_FD);
	posix_spawn_file_actions_adddup2(&actions, state, SHIM_STATE_FD);
	if (firmware >= 0)
		posix_spawn_file_actions_adddup2(&actions, firmware, SHIM_FIRMWARE_FD);
	else
		posix_spawn_file_actions_addclose(&actions, SHIM_FIRMWARE_FD);
	int result = spawn(program, environment, &actions, &attributes);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result < 0 ? error_set_errno(error, result, NULL, "cannot start %s", program) : 0;
}
