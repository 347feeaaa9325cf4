#include "core/shim/crew.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/process/pidfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/queue.h>

struct member {
	LIST_ENTRY(member) link;
	struct crew *crew;
	char *name;
	struct process *process; /* one of the two */
	struct foreign_process *foreign;
};

/* Open for as long as somebody may look at its size: until the crew is gone. */
struct log_file {
	LIST_ENTRY(log_file) link;
	int fd;
};

struct crew {
	struct crew_options options;
	struct console_guard *guard;
	LIST_HEAD(, log_file) logs;
	LIST_HEAD(, member) members;
	size_t count;
};

struct crew *crew_create(const struct crew_options *options, struct error *error)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	if (!crew) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	crew->options = *options;
	LIST_INIT(&crew->members);
	LIST_INIT(&crew->logs);
	return crew;
}

static void release(struct member *member)
{
	struct crew *crew = member->crew;
	LIST_REMOVE(member, link);
	crew->count--;
	if (member->process)
		pidfile_remove(crew->options.dirfd, member->name);
	handles_remove_process(crew->options.handles, member->name);
	process_destroy(member->process);
	foreign_process_destroy(member->foreign);
	free(member->name);
	free(member);
}

void crew_destroy(struct crew *crew)
{
	if (!crew)
		return;
	while (!LIST_EMPTY(&crew->members))
		release(LIST_FIRST(&crew->members));
	while (!LIST_EMPTY(&crew->logs)) {
		struct log_file *log = LIST_FIRST(&crew->logs);
		LIST_REMOVE(log, link);
		close(log->fd);
		free(log);
	}
	free(crew);
}

static void on_exit_told(const struct process_end *end, void *data)
{
	struct member *member = data;
	struct crew *crew = member->crew;
	cleanup_free char *name = strdup(member->name);
	release(member);
	crew->options.on_exit(name ? name : "", end, crew->options.data);
}

static int open_log(const struct crew *crew, const char *name, struct error *error)
{
	char file[300];
	snprintf(file, sizeof(file), "%s.log", name);
	unlinkat(crew->options.dirfd, file, 0);
	int fd = openat(crew->options.dirfd, file, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : error_set_errno(error, -errno, NULL, "cannot make %s", file);
}

void crew_set_guard(struct crew *crew, struct console_guard *guard)
{
	struct log_file *log;
	crew->guard = guard;
	LIST_FOREACH (log, &crew->logs, link)
		if (guard)
			console_guard_add(guard, log->fd, LOG_BYTES, NULL);
}

/* Takes fd. Without memory for that it grows on: no reason to end anything. */
static void keep_log(struct crew *crew, int fd)
{
	struct log_file *log = malloc(sizeof(*log));
	if (!log) {
		close(fd);
		return;
	}
	log->fd = fd;
	LIST_INSERT_HEAD(&crew->logs, log, link);
	if (crew->guard)
		console_guard_add(crew->guard, fd, LOG_BYTES, NULL);
}

static int start_member(struct member *member, const struct process_spec *spec, pid_t *ret_pid,
			struct error *error)
{
	struct crew *crew = member->crew;
	member->process = process_start(crew->options.loop, spec, on_exit_told, member, error);
	if (!member->process)
		return error->number;
	pid_t pid = process_pid(member->process);
	int result = pidfile_write(crew->options.dirfd, member->name, pid, error);
	if (result < 0) {
		process_destroy(member->process);
		return result;
	}
	LIST_INSERT_HEAD(&crew->members, member, link);
	crew->count++;
	handles_add_process(crew->options.handles, member->name, pid);
	*ret_pid = pid;
	return 0;
}

/* The instance's own and the command's. NULL: no memory. */
static char **join_environment(const struct crew *crew, const struct launch_command *command)
{
	cleanup_text_vector char **joined = text_vector_copy(crew->options.environment);
	for (const char *const *entry = command->environment; joined && entry && *entry; entry++)
		if (text_vector_append(&joined, *entry) < 0)
			return NULL;
	return TAKE(joined);
}

int crew_start(struct crew *crew, const char *name, const struct launch_command *command,
	       const struct confinement *confinement, pid_t *ret_pid, struct error *error)
{
	cleanup_text_vector char **environment = join_environment(crew, command);
	cleanup_close int log_fd = open_log(crew, name, error);
	if (log_fd < 0)
		return log_fd;
	struct member *member = calloc(1, sizeof(*member));
	char *copy = strdup(name);
	if (!member || !copy || !environment) {
		free(member);
		free(copy);
		return error_set(error, -ENOMEM, NULL, "no memory");
	}
	*member = (struct member){.crew = crew, .name = copy};
	const struct process_spec spec = {
	    .argv = (const char *const *) command->argv,
	    .environment = (const char *const *) environment,
	    .directory = command->directory ? command->directory : crew->options.directory,
	    .stdin_fd = command->stdin_fd,
	    .stdout_fd = command->stdout_fd >= 0 ? command->stdout_fd : log_fd,
	    .stderr_fd = log_fd,
	    .inherit_fds = command->inherit_fds,
	    .confinement = confinement,
	    .cgroup = crew->options.cgroup,
	    .namespaces = command->namespaces,
	    .enclosure = command->enclosure,
	};
	int result = start_member(member, &spec, ret_pid, error);
	if (result < 0) {
		free(copy);
		free(member);
		return error_wrap(error, "%s", name);
	}
	keep_log(crew, TAKE_FD(log_fd));
	return 0;
}

/* ---- those that run already ---- */

static void on_foreign_end(void *data)
{
	static const struct process_end unknown = {.code = -1};
	on_exit_told(&unknown, data);
}

int crew_adopt(struct crew *crew, const struct foreign_claim *claim, struct error *error)
{
	int pidfd = foreign_open(claim, error);
	if (pidfd < 0)
		return pidfd;
	struct member *member = calloc(1, sizeof(*member));
	char *name = strdup(claim->name);
	if (member && name)
		member->foreign =
		    foreign_process_create(crew->options.loop, pidfd, on_foreign_end, member, error);
	else
		close(pidfd);
	if (!member || !name || !member->foreign) {
		free(name);
		free(member);
		return error_set(error, -ENOMEM, NULL, "no memory");
	}
	member->crew = crew;
	member->name = name;
	LIST_INSERT_HEAD(&crew->members, member, link);
	crew->count++;
	handles_add_process(crew->options.handles, name, claim->pid);
	return 0;
}

void crew_let_go(struct crew *crew)
{
	struct member *member, *next;
	for (member = LIST_FIRST(&crew->members); member; member = next) {
		next = LIST_NEXT(member, link);
		if (member->foreign)
			release(member);
	}
}

void crew_move(struct crew *crew, const struct crew_options *options)
{
	crew->options = *options;
	struct member *member;
	LIST_FOREACH (member, &crew->members, link)
		if (member->process)
			handles_add_process(options->handles, member->name, process_pid(member->process));
}

size_t crew_count(const struct crew *crew)
{
	return crew ? crew->count : 0;
}

void crew_signal(struct crew *crew, int signal_number)
{
	struct member *member;
	LIST_FOREACH (member, &crew->members, link) {
		if (member->foreign)
			foreign_process_signal(member->foreign, signal_number);
		else
			process_signal(member->process, signal_number);
	}
}
