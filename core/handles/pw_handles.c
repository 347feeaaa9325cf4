#include "core/handles/pw_handles.h"

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { BYTES_MAX = 1024 * 1024, ENTRIES_MAX = 64, NAME_BYTES_MAX = 200 };

static const char file_name[] = "handles.json";

static int refuse(struct error *error, const char *where, const char *what)
{
	return error_set(error, -EINVAL, "not_adoptable", "handles.json: %.300s: %s", where, what);
}

/* It becomes part of the names of files. */
static bool is_name(const char *name)
{
	size_t length = strlen(name);
	if (length == 0 || length > NAME_BYTES_MAX || name[0] == '.')
		return false;
	for (const char *at = name; *at; at++)
		if (*at == '/' || (unsigned char) *at < ' ' || *at == 127)
			return false;
	return true;
}

static bool is_pts(const char *path)
{
	static const char folder[] = "/dev/pts/";
	uint64_t number;
	if (!path || !text_starts_with(path, folder))
		return false;
	const char *digits = path + strlen(folder);
	return digits[0] >= '0' && digits[0] <= '9' && text_to_uint64(digits, &number) == 0 &&
	       number <= INT_MAX;
}

static bool is_loopback(const char *host)
{
	return text_equal(host, "127.0.0.1") || text_equal(host, "localhost") || text_equal(host, "::1");
}

static int read_channel(const char *name, const json_t *json, struct pw_channel *channel, struct error *error)
{
	cleanup_free char *where = text_format("channels.%s", name);
	const char *type = json_member_string(json, "type", NULL);
	json_int_t port = json_member_integer(json, "port", 0);
	*channel = (struct pw_channel){
	    .name = name,
	    .pty = text_equal(type, "pty"),
	    .host = json_member_string(json, "host", NULL),
	    .path = json_member_string(json, "path", NULL),
	};
	if (!where)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (!is_name(name))
		return refuse(error, where, "is no name for a channel");
	if (!channel->pty && !text_equal(type, "tcp"))
		return refuse(error, where, "its type must be tcp or pty");
	if (channel->pty)
		return is_pts(channel->path) ? 0 : refuse(error, where, "its path must be /dev/pts/<number>");
	if (!is_loopback(channel->host))
		return refuse(error, where, "its host must be 127.0.0.1, localhost or ::1");
	if (port < 1 || port > UINT16_MAX)
		return refuse(error, where, "its port must be 1 to 65535");
	channel->port = (uint16_t) port;
	return 0;
}

static int read_process(const char *name, const json_t *json, struct pw_process *process, struct error *error)
{
	json_int_t pid = json_member_integer(json, "pid", 0);
	cleanup_free char *where = text_format("procs.%s", name);
	if (!where)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (!is_name(name))
		return refuse(error, where, "is no name for a process");
	if (pid <= 1 || pid > INT_MAX)
		return refuse(error, where, "its pid must be a process's number");
	*process = (struct pw_process){.name = name, .pid = (pid_t) pid};
	return 0;
}

static int read_channels(struct pw_handles *handles, const json_t *channels, struct error *error)
{
	if (!json_is_object(channels) || json_object_size(channels) > ENTRIES_MAX)
		return refuse(error, "channels", "must be an object of at most 64 channels");
	handles->channels = calloc(json_object_size(channels) + 1, sizeof(*handles->channels));
	if (!handles->channels)
		return error_set(error, -ENOMEM, NULL, "no memory");
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) channels, name, channel) {
		int result = read_channel(name, channel, &handles->channels[handles->channel_count++], error);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_processes(struct pw_handles *handles, const json_t *processes, struct error *error)
{
	if (!json_is_object(processes) || json_object_size(processes) > ENTRIES_MAX)
		return refuse(error, "procs", "must be an object of at most 64 processes");
	handles->processes = calloc(json_object_size(processes) + 1, sizeof(*handles->processes));
	if (!handles->processes)
		return error_set(error, -ENOMEM, NULL, "no memory");
	const char *name;
	json_t *process;
	json_object_foreach ((json_t *) processes, name, process) {
		int result =
		    read_process(name, process, &handles->processes[handles->process_count++], error);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_fields(struct pw_handles *handles, struct error *error)
{
	handles->emulator = json_member_string(handles->json, "emu", NULL);
	handles->target = json_member_string(handles->json, "target", NULL);
	if (!handles->emulator || !is_name(handles->emulator))
		return refuse(error, "emu", "must name the emulator");
	if (!handles->target || !handles->target[0])
		return refuse(error, "target", "must name the target");
	int result = read_channels(handles, json_object_get(handles->json, "channels"), error);
	if (!result)
		result = read_processes(handles, json_object_get(handles->json, "procs"), error);
	if (!result && !pw_handles_emulator_pid(handles))
		return refuse(error, "procs", "must tell the emulator's pid");
	return result;
}

int pw_handles_parse(const char *text, size_t length, struct pw_handles *ret_handles, struct error *error)
{
	struct error malformed;
	struct pw_handles handles = {.json = json_parse(text, length, &malformed)};
	if (!handles.json)
		return refuse(error, "is not JSON", malformed.message);
	int result = read_fields(&handles, error);
	if (result < 0)
		pw_handles_finish(&handles);
	else
		*ret_handles = handles;
	return result;
}

/* Not through a symlink, nor one that somebody else has written. */
static int read_file(int dirfd, char **ret_text, size_t *ret_length, int64_t *ret_written_at_ms,
		     struct error *error)
{
	cleanup_close int fd = openat(dirfd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set_errno(error, -errno, "not_adoptable", "cannot open handles.json");
	if (!S_ISREG(status.st_mode) || status.st_size > BYTES_MAX)
		return refuse(error, "must be a file", "of at most 1 MiB");
	if (status.st_uid != geteuid())
		return refuse(error, "belongs to another user", "whose emulators cannot be adopted");
	cleanup_free char *text = malloc((size_t) status.st_size + 1);
	ssize_t length = text ? pread(fd, text, (size_t) status.st_size, 0) : -1;
	if (length < 0)
		return error_set_errno(error, text ? -errno : -ENOMEM, "not_adoptable",
				       "cannot read handles.json");
	text[length] = '\0';
	*ret_length = (size_t) length;
	*ret_text = TAKE(text);
	*ret_written_at_ms = (int64_t) status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
	return 0;
}

int pw_handles_read(int dirfd, struct pw_handles *ret_handles, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t length = 0;
	int64_t written_at_ms = 0;
	int result = read_file(dirfd, &text, &length, &written_at_ms, error);
	if (!result)
		result = pw_handles_parse(text, length, ret_handles, error);
	if (!result)
		ret_handles->written_at_ms = written_at_ms;
	return result;
}

void pw_handles_finish(struct pw_handles *handles)
{
	free(handles->channels);
	free(handles->processes);
	json_decref(handles->json);
	*handles = (struct pw_handles){0};
}

const struct pw_channel *pw_handles_channel(const struct pw_handles *handles, const char *name)
{
	for (size_t i = 0; i < handles->channel_count; i++)
		if (text_equal(handles->channels[i].name, name))
			return &handles->channels[i];
	return NULL;
}

pid_t pw_handles_emulator_pid(const struct pw_handles *handles)
{
	for (size_t i = 0; i < handles->process_count; i++)
		if (text_equal(handles->processes[i].name, handles->emulator))
			return handles->processes[i].pid;
	return 0;
}
