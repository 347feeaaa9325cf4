#include "core/shim/adoption.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/channels/bridge.h"
#include "core/handles/pw_handles.h"
#include "core/process/foreign.h"
#include "core/shim/archive.h"
#include "core/shim/channels.h"
#include "core/shim/crew.h"
#include "core/shim/instance_internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct adopted {
	int dirfd; /* pw emu's working directory */
	struct pw_handles handles;
	struct adopted_channel *channels; /* what the launcher is told of them */
	struct bridge **bridges;          /* one a console */
	size_t bridge_count;
};

/* ---- its channels ---- */

static int refuse_channel(const struct pw_channel *channel, const char *why, struct error *error)
{
	return error_set(error, -EINVAL, "not_adoptable", "channel %.200s: %s", channel->name, why);
}

static int pty_number(const struct pw_channel *channel)
{
	int64_t number = -1;
	text_to_int64(strrchr(channel->path, '/') + 1, &number);
	return (int) number;
}

/* Else whoever wrote handles.json could have us connect to anything on this host. */
static int check_channel(const struct pw_channel *channel, pid_t pid, struct error *error)
{
	if (channel->pty)
		return foreign_holds_pty(pid, pty_number(channel))
			   ? 0
			   : refuse_channel(channel, "its pty is not the emulator's", error);
	return foreign_listens(pid, channel->port)
		   ? 0
		   : refuse_channel(channel, "its port is not the emulator's", error);
}

static int open_pty(const struct pw_channel *channel, struct error *error)
{
	int fd = open(channel->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd
		       : error_set_errno(error, -errno, "emulator_unavailable", "channel %.200s: %s",
					 channel->name, channel->path);
}

/* Does not wait: the emulator may serve another just now. */
static int open_tcp(const struct pw_channel *channel, struct error *error)
{
	bool is_v6 = text_equal(channel->host, "::1");
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(channel->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 address_v6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(channel->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	cleanup_close int fd =
	    socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr *to =
	    is_v6 ? (const struct sockaddr *) &address_v6 : (const struct sockaddr *) &address;
	socklen_t size = is_v6 ? sizeof(address_v6) : sizeof(address);
	if (fd < 0 || (connect(fd, to, size) < 0 && errno != EINPROGRESS))
		return error_set_errno(error, -errno, "emulator_unavailable", "channel %.200s: port %d",
				       channel->name, channel->port);
	return TAKE_FD(fd);
}

int adoption_connect(struct instance *instance, const char *name, struct error *error)
{
	const struct pw_channel *channel = pw_handles_channel(&instance->adopted->handles, name);
	if (!channel)
		return error_set(error, -ENOENT, "channel_not_found", "there is no channel %s", name);
	return channel->pty ? open_pty(channel, error) : open_tcp(channel, error);
}

/* The tunnel of a channel that the emulator's own queue does not keep apart: a pty's users share its bytes.
 */
static struct tunnel *find_shared(const struct instance *instance, const char *name)
{
	const struct pw_channel *channel = pw_handles_channel(&instance->adopted->handles, name);
	return channel && channel->pty ? channels_tunnel(instance->channels, name) : NULL;
}

static int connect_for_launcher(const char *name, void *data, struct error *error)
{
	struct instance *instance = data;
	struct tunnel *tunnel = find_shared(instance, name);
	if (tunnel && tunnel_claim(tunnel, error) < 0)
		return error->number;
	int fd = adoption_connect(instance, name, error);
	if (fd < 0 && tunnel)
		tunnel_release(tunnel);
	return fd;
}

static void on_launcher_closed(const char *name, void *data)
{
	struct tunnel *tunnel = find_shared(data, name);
	if (tunnel)
		tunnel_release(tunnel);
}

const json_t *adoption_endpoints(const struct instance *instance)
{
	return instance->adopted ? json_object_get(instance->adopted->handles.json, "channels") : NULL;
}

void adoption_drop_input(struct instance *instance)
{
	for (size_t i = 0; instance->adopted && i < instance->adopted->bridge_count; i++)
		bridge_drop_input(instance->adopted->bridges[i]);
}

/* ---- its consoles ---- */

static void on_bridge_end(int number, void *data)
{
	struct instance *instance = data;
	if (number < 0 && number != -EIO) /* how a pty ends */
		log_event(instance->log, LOG_LEVEL_WARNING, "console.ended", "instance", instance->spec.id,
			  "detail", strerror(-number), NULL);
}

static int bridge_console(struct instance *instance, const char *name, struct error *error)
{
	struct adopted *adopted = instance->adopted;
	int fd = adoption_connect(instance, name, error);
	if (fd < 0)
		return fd;
	struct bridge *bridge =
	    bridge_create(instance->loop, fd, instance->dirfd, name, on_bridge_end, instance, error);
	if (!bridge)
		return error->number;
	adopted->bridges[adopted->bridge_count++] = bridge;
	return 0;
}

/* As `pw emu` is told it: without our kind; null where it has no endpoint of ours. */
static json_t *endpoint_of(const struct instance *instance, const char *name)
{
	json_t *endpoint = json_copy(json_object_get(handles_channels(instance->handles), name));
	json_object_del(endpoint, "kind");
	if (json_object_get(endpoint, "port") || json_object_get(endpoint, "path"))
		return endpoint;
	json_decref(endpoint);
	return json_null();
}

static int take_channels(struct instance *instance, struct error *error)
{
	struct adopted *adopted = instance->adopted;
	size_t count;
	const struct channel_plan *plan = instance->emulator->launcher->channels(instance->launcher, &count);
	cleanup_json json_t *endpoints = json_object();
	int result = instance_make_channels(instance, error);
	adopted->bridges = calloc(count + 1, sizeof(struct bridge *));
	if (!result && !adopted->bridges)
		result = error_set(error, -ENOMEM, NULL, "no memory");
	for (size_t i = 0; !result && i < count; i++) {
		if (plan[i].kind != CHANNEL_CONSOLE)
			continue;
		json_object_set_new(endpoints, plan[i].name, endpoint_of(instance, plan[i].name));
		result = bridge_console(instance, plan[i].name, error);
	}
	if (!result)
		result =
		    pw_handles_replace(adopted->dirfd, instance->dirfd, &adopted->handles, endpoints, error);
	return result;
}

static void on_adopted(const struct error *failure, bool paused, void *data)
{
	struct instance *instance = data;
	struct error error;
	if (instance->state != STATE_STARTING)
		return;
	if (failure)
		instance_fail_start(instance, failure);
	else if (take_channels(instance, &error) < 0)
		instance_fail_start(instance, &error);
	else
		instance_enter_live(instance, paused);
}

/* ---- its processes ---- */

/* What it says goes on into the same file. */
static void link_log(const struct instance *instance, const char *process)
{
	char link[64];
	struct stat status;
	cleanup_free char *name = text_format("%s.log", process);
	cleanup_close int fd =
	    name ? openat(instance->adopted->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
		 : -1;
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	unlinkat(instance->dirfd, name, 0);
	if (linkat(AT_FDCWD, link, instance->dirfd, name, AT_SYMLINK_FOLLOW) < 0)
		log_event(instance->log, LOG_LEVEL_WARNING, "log.unlinked", "instance", instance->spec.id,
			  "name", name, "detail", strerror(errno), NULL);
}

/* What a process of that name runs, as the configuration says; NULL: it knows none. */
static const char *program_of(const struct spec *spec, const char *name)
{
	if (text_equal(name, spec->emulator))
		return json_member_string(spec->settings, "executable", name);
	const json_t *const lists[] = {spec->pre_start, spec->post_start};
	for (size_t i = 0; i < 2; i++) {
		size_t index;
		json_t *helper;
		json_array_foreach ((json_t *) lists[i], index, helper)
			if (text_equal(json_member_string(helper, "name", NULL), name))
				return json_string_value(
				    json_array_get(json_object_get(helper, "command"), 0));
	}
	return NULL;
}

/* The emulator must be the one; a helper that is not is left alone. */
static int take_processes(struct instance *instance, struct error *error)
{
	const struct pw_handles *handles = &instance->adopted->handles;
	for (size_t i = 0; i < handles->process_count; i++) {
		const struct pw_process *process = &handles->processes[i];
		const struct foreign_claim claim = {.name = process->name,
						    .pid = process->pid,
						    .program = program_of(&instance->spec, process->name),
						    .not_after_wall_ms = handles->written_at_ms};
		int result = claim.program ? crew_adopt(instance->crew, &claim, error)
					   : error_set(error, -ENOENT, NULL, "%s is no helper of the target",
						       process->name);
		if (result == 0)
			link_log(instance, process->name);
		else if (text_equal(process->name, handles->emulator))
			return result;
		else
			log_event(instance->log, LOG_LEVEL_WARNING, "helper.left_alone", "instance",
				  instance->spec.id, "detail", error->message, NULL);
	}
	return 0;
}

/* ---- the adoption ---- */

static int check_handles(const struct instance *instance, struct error *error)
{
	const struct pw_handles *handles = &instance->adopted->handles;
	const struct spec *spec = &instance->spec;
	if (!text_equal(handles->target, spec->target) || !text_equal(handles->emulator, spec->emulator))
		return error_set(error, -EINVAL, "not_adoptable",
				 "handles.json tells of %.200s on %.200s by now, not of %s on %s",
				 handles->target, handles->emulator, spec->target, spec->emulator);
	for (size_t i = 0; i < handles->channel_count; i++) {
		int result = check_channel(&handles->channels[i], pw_handles_emulator_pid(handles), error);
		if (result < 0)
			return result;
	}
	return 0;
}

/* NULL with error set. */
static struct adopted *open_adopted(const struct instance *instance, struct error *error)
{
	struct adopted *adopted = calloc(1, sizeof(*adopted));
	if (!adopted) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	adopted->dirfd = openat(instance->dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (adopted->dirfd < 0)
		error_set_errno(error, -errno, "not_adoptable", "the working directory of pw emu");
	/* An adoption that was cut short. */
	else
		pw_handles_restore(adopted->dirfd, instance->dirfd);
	if (adopted->dirfd >= 0 && pw_handles_read(adopted->dirfd, &adopted->handles, error) == 0)
		return adopted;
	cleanup_close_descriptor(&adopted->dirfd);
	free(adopted);
	return NULL;
}

static int begin_launcher(struct instance *instance, struct error *error)
{
	struct adopted *adopted = instance->adopted;
	const struct pw_handles *handles = &adopted->handles;
	const struct launcher_ops *ops = instance->emulator->launcher;
	if (!ops->adopt)
		return error_set(
		    error, -EOPNOTSUPP, "not_adoptable",
		    "an emulator %s that runs already cannot be taken over: start it here instead",
		    instance->spec.emulator);
	int result = instance_make_launcher(instance, error);
	if (result < 0)
		return result;
	adopted->channels = calloc(handles->channel_count + 1, sizeof(*adopted->channels));
	if (!adopted->channels)
		return error_set(error, -ENOMEM, NULL, "no memory");
	for (size_t i = 0; i < handles->channel_count; i++)
		adopted->channels[i] = (struct adopted_channel){.name = handles->channels[i].name,
								.pty = handles->channels[i].pty};
	const struct adoption adoption = {.channels = adopted->channels,
					  .count = handles->channel_count,
					  .connect = connect_for_launcher,
					  .on_closed = on_launcher_closed,
					  .data = instance};
	return ops->adopt(instance->launcher, &adoption, on_adopted, &instance_emulator_events, instance,
			  error);
}

int adoption_begin(struct instance *instance, struct error *error)
{
	const struct spec *spec = &instance->spec;
	int result =
	    archive_earlier_start(instance->dirfd, spec->start_number, spec->limits.kept_starts, error);
	if (result < 0)
		return result;
	instance->adopted = open_adopted(instance, error);
	if (!instance->adopted)
		return error->number;
	result = take_processes(instance, error);
	if (!result)
		result = check_handles(instance, error);
	if (result < 0)
		return result;
	cleanup_text_vector char **command =
	    foreign_command(pw_handles_emulator_pid(&instance->adopted->handles));
	instance->command = command ? json_from_text_vector((const char *const *) command) : NULL;
	loop_timer_start(instance->deadline, spec->limits.start_timeout_ms);
	return begin_launcher(instance, error);
}

void adoption_end(struct instance *instance)
{
	struct adopted *adopted = TAKE(instance->adopted);
	if (!adopted)
		return;
	for (size_t i = 0; i < adopted->bridge_count; i++)
		bridge_destroy(adopted->bridges[i]);
	if (instance->ending.stop_asked && instance->ending.exited)
		pw_handles_retire(adopted->dirfd, instance->dirfd);
	else
		pw_handles_restore(adopted->dirfd, instance->dirfd);
	free(adopted->bridges);
	free(adopted->channels);
	pw_handles_finish(&adopted->handles);
	close(adopted->dirfd);
	free(adopted);
}
