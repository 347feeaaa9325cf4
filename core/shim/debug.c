#include "core/shim/debug.h"

#include "core/base/base64.h"
#include "core/base/buffer.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/tunnel.h"
#include "core/loop/listener.h"
#include "core/loop/stream.h"
#include "core/shim/channels.h"
#include "core/shim/gdb_command.h"
#include "core/shim/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

enum { OUTPUT_BYTES_MAX = 1024 * 1024 };

static const char socket_name[] = "gdb-client.sock";

struct failure;

/* One run of gdb, and where its time was over, of another that frees the board of it. */
struct session {
	struct instance *instance;
	struct tunnel *tunnel; /* claimed */
	const char *remote;    /* where gdb connects */
	struct listener
	    *listener; /* where gdb connects, if the emulator has no socket in the state directory */
	bool attached; /* gdb has the tunnel now */
	struct process *process;
	struct confinement *confinement;
	struct output {
		struct session *session;
		struct stream *stream; /* NULL: ended */
		struct buffer bytes;
	} output, errors;
	struct loop_timer *deadline;
	int executable_fd;
	bool stays_paused; /* the board, afterwards */
	bool exited, timed_out;
	struct process_end end;
	struct failure *failure; /* of the run, while the board is being freed */
	json_t *more;            /* of why it cannot be done */
	connector_done *on_done;
	void *data;
};

/* ---- telling a failure, never from within the caller ---- */

struct failure {
	struct instance *instance;
	bool stays_paused;
	struct error error;
	json_t *more; /* members of its own; NULL: none */
	connector_done *on_done;
	void *data;
};

/* Takes more. NULL: no memory. */
static struct failure *make_failure(struct instance *instance, const struct error *error, json_t *more,
				    connector_done *on_done, void *data)
{
	struct failure *failure = malloc(sizeof(*failure));
	if (!failure) {
		json_decref(more);
		return NULL;
	}
	*failure = (struct failure){
	    .instance = instance, .error = *error, .more = more, .on_done = on_done, .data = data};
	return failure;
}

static void destroy_failure(struct failure *failure)
{
	if (!failure)
		return;
	json_decref(failure->more);
	free(failure);
}

static void tell_failure(void *data)
{
	struct failure *failure = data;
	failure->on_done(&failure->error, failure->more, failure->data);
	destroy_failure(failure);
}

static void on_resumed(const struct error *error, const json_t *result, void *data)
{
	(void) result;
	struct failure *failure = data;
	debug_note_resume(failure->instance, error, &failure->error);
	tell_failure(failure);
}

static void on_stopped(const struct error *error, const json_t *result, void *data)
{
	(void) error;
	(void) result;
	struct failure *failure = data;
	const struct connector_ops *connector;
	struct launcher *launcher =
	    failure->stays_paused ? NULL : instance_launcher(failure->instance, &connector, NULL);
	if (launcher)
		connector->resume(launcher, DEBUG_RESUME_TIMEOUT_MS, on_resumed, failure);
	else
		tell_failure(failure);
}

void debug_note_resume(const struct instance *instance, const struct error *resume_error, struct error *error)
{
	if (resume_error && instance_is_paused(instance))
		error_wrap(error, "the board is left paused, for it could not be set going again");
}

/* ---- the run ---- */

static void close_socket(struct session *session)
{
	if (!session->listener)
		return;
	listener_destroy(TAKE(session->listener));
	unlinkat(instance_dirfd(session->instance), socket_name, 0);
}

static void end_gdb(struct session *session)
{
	process_destroy(TAKE(session->process));
	stream_destroy(TAKE(session->output.stream));
	stream_destroy(TAKE(session->errors.stream));
	buffer_finish(&session->output.bytes);
	buffer_finish(&session->errors.bytes);
	cleanup_close_descriptor(&session->executable_fd);
	session->executable_fd = -1;
}

static void destroy_session(struct session *session)
{
	if (!session)
		return;
	close_socket(session);
	if (session->tunnel) {
		instance_on_closing(session->instance, NULL, NULL);
		if (session->attached)
			tunnel_detach(session->tunnel);
		else
			tunnel_release(session->tunnel);
	}
	loop_timer_destroy(session->deadline);
	end_gdb(session);
	confinement_destroy(session->confinement);
	destroy_failure(session->failure);
	json_decref(session->more);
	free(session);
}

/* As text, and as its bytes too where they are none. */
static void set_output(json_t *result, const char *name, const char *base64_name, const struct output *output)
{
	const struct buffer *bytes = &output->bytes;
	json_object_set_new(result, name, json_text(bytes->data, bytes->length));
	if (text_is_utf8(bytes->data, bytes->length))
		return;
	cleanup_free char *encoded = base64_encode(bytes->data, bytes->length);
	if (encoded)
		json_object_set_new(result, base64_name, json_string(encoded));
}

/* New reference. */
static json_t *make_result(const struct session *session)
{
	json_t *result = json_object();
	set_output(result, "stdout", "stdout_base64", &session->output);
	set_output(result, "stderr", "stderr_base64", &session->errors);
	return result;
}

static void finish(struct session *session)
{
	int code = session->end.signal ? 128 + session->end.signal : session->end.code;
	cleanup_json json_t *result = make_result(session);
	json_object_set_new(result, "exit_code", json_integer(code));
	connector_done *on_done = session->on_done;
	void *data = session->data;
	destroy_session(session);
	on_done(NULL, result, data);
}

static void finish_if_over(struct session *session)
{
	if (session->exited && !session->output.stream && !session->errors.stream)
		finish(session);
}

static void on_output(const char *bytes, size_t length, void *data)
{
	struct output *output = data;
	size_t room = OUTPUT_BYTES_MAX - output->bytes.length;
	buffer_append(&output->bytes, bytes, length < room ? length : room);
}

static void on_output_end(int number, void *data)
{
	(void) number;
	struct output *output = data;
	stream_destroy(TAKE(output->stream));
	finish_if_over(output->session);
}

static const struct stream_events output_events = {.on_data = on_output, .on_end = on_output_end};

static void finish_freeing(struct session *session, bool is_free);
static void free_board(struct session *session);

static void on_exit_told(const struct process_end *end, void *data)
{
	struct session *session = data;
	session->exited = true;
	session->end = *end;
	if (session->failure)
		finish_freeing(session, end->code == 0 && !end->signal);
	else if (session->timed_out)
		free_board(session);
	else
		finish_if_over(session);
}

static void on_deadline(void *data)
{
	struct session *session = data;
	if (session->exited) {
		/* What it has left behind holds its output open. */
		finish(session);
		return;
	}
	session->timed_out = true;
	process_signal(session->process, SIGKILL);
}

/* The board ends while gdb is at it. */
static void on_closing(void *data)
{
	struct session *session = data;
	connector_done *on_done = session->on_done;
	void *done_data = session->data;
	struct error error;
	error_set(&error, -ESRCH, "not_running", "the instance ended while gdb was at work");
	destroy_session(session);
	on_done(&error, NULL, done_data);
}

/* ---- making it ---- */

int debug_open_file(const json_t *file, struct error *error)
{
	if (!file || json_is_null(file))
		return -1;
	const char *path = json_member_string(file, "path", "");
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set_errno(error, -errno, "file_not_found", "cannot open %s", path);
	if ((json_int_t) status.st_dev != json_member_integer(file, "device", -1) ||
	    (json_int_t) status.st_ino != json_member_integer(file, "inode", -1))
		return error_set(error, -ESTALE, "file_not_found", "%s was replaced meanwhile: try again",
				 path);
	return TAKE_FD(fd);
}

/* The "errors" of a problem: where the command stands in the request. */
static json_t *point_at_command(size_t index, const struct error *error)
{
	cleanup_free char *pointer = text_format("/commands/%zu", index);
	json_t *errors = NULL;
	json_add_fault(&errors, pointer ? pointer : "/commands", error->message);
	return json_pack("{s:o}", "errors", errors);
}

static int append_commands(char ***argv, const json_t *commands, json_t **ret_more, struct error *error)
{
	size_t index;
	json_t *command;
	json_array_foreach ((json_t *) commands, index, command) {
		const char *text = json_string_value(command);
		if (!text)
			return error_set(error, -EINVAL, "bad_request", "commands must be strings");
		if (gdb_command_check(text, error) < 0) {
			*ret_more = point_at_command(index, error);
			return error->number;
		}
		if (text_vector_append(argv, "-ex") < 0 || text_vector_append(argv, text) < 0)
			return error_set(error, -ENOMEM, NULL, "no memory");
	}
	return 0;
}

static char **make_argv(struct session *session, const json_t *commands, struct error *error)
{
	static const char *const options[] = {
	    "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off", NULL};
	cleanup_text_vector char **argv =
	    text_vector_copy((const char *const *) instance_spec(session->instance)->gdb);
	cleanup_free char *connect = text_format("target remote %s", session->remote);
	char executable[64];
	snprintf(executable, sizeof(executable), "/proc/self/fd/%d", session->executable_fd);
	int result = argv && connect ? 0 : -ENOMEM;
	for (const char *const *option = options; !result && *option; option++)
		result = text_vector_append(&argv, *option);
	if (!result && session->executable_fd >= 0)
		result = text_vector_append(&argv, executable);
	if (!result && !(result = text_vector_append(&argv, "-ex")))
		result = text_vector_append(&argv, connect);
	if (result < 0) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	if (append_commands(&argv, commands, &session->more, error) < 0)
		return NULL;
	if (session->stays_paused &&
	    (text_vector_append(&argv, "-ex") < 0 || text_vector_append(&argv, "disconnect") < 0)) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	return TAKE(argv);
}

static int start_gdb(struct session *session, const json_t *commands, struct error *error)
{
	cleanup_text_vector char **argv = make_argv(session, commands, error);
	if (!argv)
		return error->number;
	int output[2], errors[2];
	if (pipe2(output, O_CLOEXEC) < 0)
		return error_set_errno(error, -errno, "no_descriptors", "cannot make a pipe");
	cleanup_close int output_end = output[1];
	struct loop *loop = instance_loop(session->instance);
	session->output.stream = stream_create(loop, output[0], &output_events, &session->output, error);
	if (pipe2(errors, O_CLOEXEC) < 0)
		return error_set_errno(error, -errno, "no_descriptors", "cannot make a pipe");
	cleanup_close int errors_end = errors[1];
	session->errors.stream = stream_create(loop, errors[0], &output_events, &session->errors, error);
	if (!session->output.stream || !session->errors.stream)
		return error->number;
	const int inherit_fds[] = {session->executable_fd, -1};
	const struct process_spec spec = {
	    .argv = (const char *const *) argv,
	    .environment = instance_environment(session->instance),
	    .directory = instance_state_dir(session->instance),
	    .stdin_fd = -1,
	    .stdout_fd = output_end,
	    .stderr_fd = errors_end,
	    .inherit_fds = inherit_fds,
	    .confinement = session->confinement,
	    .cgroup = instance_cgroup(session->instance),
	};
	session->process = process_start(loop, &spec, on_exit_told, session, error);
	return session->process ? 0 : error->number;
}

static void on_gdb(int fd, void *data)
{
	struct session *session = data;
	if (!session->attached && tunnel_attach(session->tunnel, fd, NULL, 0, NULL) == 0)
		session->attached = true;
	else
		close(fd);
}

/* A socket of ours that leads into the tunnel. */
static int open_socket(struct session *session, struct error *error)
{
	int fd = listener_open_unix(instance_dirfd(session->instance), socket_name, error);
	if (fd < 0)
		return fd;
	session->listener = listener_create(instance_loop(session->instance), fd, on_gdb, session, error);
	return session->listener ? 0 : -ENOMEM;
}

static int prepare(struct session *session, const json_t *arguments, struct error *error)
{
	struct instance *instance = session->instance;
	const struct spec *spec = instance_spec(instance);
	const struct channel_plan *plan = channels_find_kind(instance_channels(instance), CHANNEL_GDB);
	struct tunnel *tunnel = plan ? channels_tunnel(instance_channels(instance), plan->name) : NULL;
	if (!tunnel)
		return error_set(error, -ENOENT, "channel_not_found", "this target has no gdb channel");
	if (!spec->gdb[0])
		return error_set(error, -ENOENT, "emulator_unavailable",
				 "the configuration names no gdb for this target");
	const json_t *file = json_object_get(arguments, "file");
	session->executable_fd = debug_open_file(file, error);
	if (session->executable_fd < -1 || (file && !json_is_null(file) && session->executable_fd < 0))
		return error->number;
	if (tunnel_claim(tunnel, error) < 0)
		return error->number;
	session->tunnel = tunnel;
	session->stays_paused = json_member_boolean(arguments, "paused", instance_is_paused(instance));
	instance_on_closing(instance, on_closing, session);
	session->remote = plan->socket_name ? plan->socket_name : socket_name;
	if (!plan->socket_name && open_socket(session, error) < 0)
		return error->number;
	session->confinement =
	    sandbox_create(spec, instance_state_dir(instance), -1, session->executable_fd, error);
	session->deadline = loop_timer_create(instance_loop(instance), on_deadline, session, error);
	if (!session->confinement || !session->deadline)
		return error->number;
	return start_gdb(session, json_object_get(arguments, "commands"), error);
}

/* ---- after a gdb that was killed ---- */

static void finish_freeing(struct session *session, bool is_free)
{
	struct failure *failure = TAKE(session->failure);
	destroy_session(session);
	const struct connector_ops *connector;
	struct launcher *launcher = instance_launcher(failure->instance, &connector, NULL);
	if (!is_free)
		error_wrap(&failure->error,
			   "its breakpoints may be left in the board (restart the instance)");
	if (is_free || !launcher)
		on_stopped(NULL, NULL, failure);
	else
		connector->pause(launcher, DEBUG_STOP_TIMEOUT_MS, on_stopped, failure);
}

/* The place in the channel is kept for the next gdb. */
static int keep_channel(struct session *session, struct error *error)
{
	if (!session->attached)
		return 0;
	session->attached = false;
	tunnel_detach(session->tunnel);
	return tunnel_claim(session->tunnel, error);
}

/* It has left its breakpoints, and perhaps a step that would yet end in a stop. An emulator drops both when
 * the next gdb connects. */
static void free_board(struct session *session)
{
	struct error error;
	cleanup_json json_t *result = make_result(session);
	error_set(&error, -ETIMEDOUT, "timeout", "gdb did not end in time; it said: %.1000s",
		  session->errors.bytes.length ? session->errors.bytes.data : "nothing");
	session->failure =
	    make_failure(session->instance, &error, json_incref(result), session->on_done, session->data);
	if (!session->failure) {
		connector_done *on_done = session->on_done;
		void *data = session->data;
		destroy_session(session);
		on_done(&error, result, data);
		return;
	}
	session->failure->stays_paused = session->stays_paused;
	end_gdb(session);
	session->exited = false;
	if (keep_channel(session, &error) == 0 && start_gdb(session, NULL, &error) == 0)
		loop_timer_start(session->deadline, DEBUG_FREE_TIMEOUT_MS);
	else
		finish_freeing(session, false);
}

/* ---- asking for it ---- */

/* Takes more. */
static void refuse(struct instance *instance, const struct error *error, json_t *more,
		   connector_done *on_done, void *data)
{
	struct failure *failure = make_failure(instance, error, more, on_done, data);
	if (!failure)
		on_done(error, NULL, data);
	else if (!loop_defer(instance_loop(instance), tell_failure, failure, NULL))
		tell_failure(failure);
}

void debug_run(struct instance *instance, const json_t *arguments, uint64_t timeout_ms,
	       connector_done *on_done, void *data)
{
	struct error error;
	const struct connector_ops *connector;
	if (!instance_launcher(instance, &connector, &error)) {
		refuse(instance, &error, NULL, on_done, data);
		return;
	}
	struct session *session = calloc(1, sizeof(*session));
	if (!session) {
		error_set(&error, -ENOMEM, NULL, "no memory");
		refuse(instance, &error, NULL, on_done, data);
		return;
	}
	*session =
	    (struct session){.instance = instance, .executable_fd = -1, .on_done = on_done, .data = data};
	session->output.session = session->errors.session = session;
	if (prepare(session, arguments, &error) < 0) {
		json_t *more = TAKE(session->more);
		destroy_session(session);
		refuse(instance, &error, more, on_done, data);
		return;
	}
	loop_timer_start(session->deadline, timeout_ms);
}
