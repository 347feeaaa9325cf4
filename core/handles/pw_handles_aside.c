/* The original handles.json put aside while an emulator is adopted, and put back. */

#include "core/handles/pw_handles.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BYTES_MAX = 2 * 1024 * 1024 };

static const char file_name[] = "handles.json", aside_name[] = "adopted.json", new_name[] = "handles.new",
		  link_name[] = "link.new";

/* The symlink of a pty channel, where there is one, leads to another pty; there is no moment without it. */
static void point_link(int dirfd, int aside_fd, const char *name, const char *path)
{
	struct stat status;
	if (!path || fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(status.st_mode))
		return;
	unlinkat(aside_fd, link_name, 0);
	if (symlinkat(path, aside_fd, link_name) == 0 && renameat(aside_fd, link_name, dirfd, name) < 0)
		unlinkat(aside_fd, link_name, 0);
}

static void point_links(int dirfd, int aside_fd, const json_t *channels)
{
	const char *name;
	json_t *channel;
	json_object_foreach ((json_t *) channels, name, channel)
		if (!strchr(name, '/'))
			point_link(dirfd, aside_fd, name, json_member_string(channel, "path", NULL));
}

static json_t *with_endpoints(const json_t *original, const json_t *endpoints)
{
	json_t *changed = json_deep_copy(original);
	json_t *channels = json_object_get(changed, "channels");
	const char *name;
	json_t *endpoint;
	json_object_foreach ((json_t *) endpoints, name, endpoint) {
		if (json_is_null(endpoint))
			json_object_del(channels, name);
		else
			json_object_set(channels, name, endpoint);
	}
	return changed;
}

int pw_handles_replace(int dirfd, int aside_fd, const struct pw_handles *handles, const json_t *endpoints,
		       struct error *error)
{
	struct stat status;
	cleanup_json json_t *changed = with_endpoints(handles->json, endpoints);
	cleanup_free char *text = changed ? json_to_text(changed) : NULL;
	if (!text)
		return error_set(error, -ENOMEM, NULL, "no memory");
	if (fstatat(dirfd, file_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(error, -errno, "not_adoptable", "handles.json");
	int result = file_write_atomic(aside_fd, new_name, text, strlen(text), status.st_mode & 0666, error);
	if (result < 0)
		return result;
	unlinkat(aside_fd, aside_name, 0);
	if (linkat(dirfd, file_name, aside_fd, aside_name, 0) < 0 ||
	    renameat(aside_fd, new_name, dirfd, file_name) < 0) {
		result = -errno;
		unlinkat(aside_fd, new_name, 0);
		unlinkat(aside_fd, aside_name, 0);
		return error_set_errno(error, result, "not_adoptable", "cannot replace handles.json");
	}
	point_links(dirfd, aside_fd, endpoints);
	return 0;
}

static json_t *read_json(int dirfd, const char *name)
{
	cleanup_free char *text = NULL;
	size_t length;
	if (file_read(dirfd, name, BYTES_MAX, &text, &length, NULL) < 0)
		return NULL;
	return json_parse(text, length, NULL);
}

static bool tell_the_same_processes(const json_t *one, const json_t *other)
{
	const json_t *processes = json_object_get(one, "procs");
	return processes && json_equal(processes, json_object_get(other, "procs"));
}

/* Exchanged, not renamed: what `pw emu` has taken away meanwhile does not come back. */
static void exchange(int dirfd, int aside_fd, const json_t *original)
{
	if (renameat2(aside_fd, aside_name, dirfd, file_name, RENAME_EXCHANGE) < 0)
		return;
	cleanup_json json_t *taken = read_json(aside_fd, aside_name);
	if (!tell_the_same_processes(original, taken))
		renameat2(aside_fd, aside_name, dirfd, file_name, RENAME_EXCHANGE);
}

void pw_handles_restore(int dirfd, int aside_fd)
{
	cleanup_json json_t *original = read_json(aside_fd, aside_name);
	cleanup_json json_t *placed = original ? read_json(dirfd, file_name) : NULL;
	if (original && (!placed || tell_the_same_processes(original, placed)))
		point_links(dirfd, aside_fd, json_object_get(original, "channels"));
	if (tell_the_same_processes(original, placed))
		exchange(dirfd, aside_fd, original);
	unlinkat(aside_fd, aside_name, 0);
}

void pw_handles_retire(int dirfd, int aside_fd)
{
	cleanup_json json_t *original = read_json(aside_fd, aside_name);
	pw_handles_restore(dirfd, aside_fd);
	struct pw_handles placed;
	if (pw_handles_read(dirfd, &placed, NULL) < 0)
		return;
	if (!original || tell_the_same_processes(original, placed.json)) {
		unlinkat(dirfd, file_name, 0);
		for (size_t i = 0; i < placed.process_count; i++) {
			cleanup_free char *name = text_format("%s.pid", placed.processes[i].name);
			if (name)
				unlinkat(dirfd, name, 0);
		}
	}
	pw_handles_finish(&placed);
}
