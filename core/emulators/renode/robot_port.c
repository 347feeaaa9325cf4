#include "core/emulators/renode/robot_port.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/process/foreign.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static const char prefix[] = "renode-";

static uint16_t read_port(int dirfd, const char *folder)
{
	cleanup_free char *name = text_format("%s/robot_port", folder);
	cleanup_free char *text = NULL;
	size_t length;
	uint64_t port;
	if (!name || file_read(dirfd, name, 32, &text, &length, NULL) < 0)
		return 0;
	text[strcspn(text, "\r\n \t")] = '\0';
	return text_to_uint64(text, &port) == 0 && port <= UINT16_MAX ? (uint16_t) port : 0;
}

/* A number that is half written is that of another's port at most: its owner is looked at. */
static uint16_t find_in(int dirfd, const char *folder)
{
	int64_t pid;
	if (!text_starts_with(folder, prefix) || text_to_int64(folder + strlen(prefix), &pid) < 0)
		return 0;
	uint16_t port = read_port(dirfd, folder);
	return port && foreign_listens((pid_t) pid, port) ? port : 0;
}

uint16_t robot_port_find(int dirfd, const char *folder)
{
	int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	uint16_t port = 0;
	if (!directory) {
		cleanup_close_descriptor(&fd);
		return 0;
	}
	for (struct dirent *entry; !port && (entry = readdir(directory));)
		port = find_in(fd, entry->d_name);
	closedir(directory);
	return port;
}
