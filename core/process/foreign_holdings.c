/* What a foreign process holds open, as /proc tells it: the proof that an endpoint is its own. */

#include "core/process/foreign.h"

#include "core/base/cleanup.h"
#include "core/base/file.h"
#include "core/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKETS_MAX = 32, INFO_BYTES_MAX = 65536 };

struct inodes {
	unsigned long numbers[SOCKETS_MAX];
	size_t count;
};

/* A line of /proc/<pid>/net/tcp: "  0: 0100007F:9C4B 00000000:0000 0A tx:rx tr:when retransmits uid timeout
 * inode ...". */
static void note_listener(char *line, uint16_t port, struct inodes *inodes)
{
	enum { FIELD_LOCAL = 1, FIELD_STATE = 3, FIELD_INODE = 9, FIELDS, STATE_LISTEN = 0x0a };
	const char *fields[FIELDS] = {0};
	char *rest = NULL;
	for (size_t i = 0; i < FIELDS; i++)
		fields[i] = strtok_r(i ? NULL : line, " ", &rest);
	const char *local_port = fields[FIELD_INODE] ? strchr(fields[FIELD_LOCAL], ':') : NULL;
	if (local_port && strtoul(local_port + 1, NULL, 16) == port &&
	    strtoul(fields[FIELD_STATE], NULL, 16) == STATE_LISTEN && inodes->count < SOCKETS_MAX)
		inodes->numbers[inodes->count++] = strtoul(fields[FIELD_INODE], NULL, 10);
}

static void find_listeners(pid_t pid, const char *table, uint16_t port, struct inodes *inodes)
{
	char path[64], line[512];
	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int) pid, table);
	cleanup_fclose FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		note_listener(line, port, inodes);
}

/* Until one of its descriptors fits. */
static bool any_descriptor(pid_t pid, const char *folder,
			   bool (*fits)(int dirfd, const char *name, const void *data), const void *data)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, folder);
	DIR *directory = opendir(path);
	if (!directory)
		return false;
	bool found = false;
	for (const struct dirent *entry; !found && (entry = readdir(directory));)
		found = entry->d_name[0] != '.' && fits(dirfd(directory), entry->d_name, data);
	closedir(directory);
	return found;
}

static bool is_one_of(int dirfd, const char *name, const void *data)
{
	static const char prefix[] = "socket:[";
	const struct inodes *inodes = data;
	char target[64];
	ssize_t length = readlinkat(dirfd, name, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	if (!text_starts_with(target, prefix))
		return false;
	unsigned long inode = strtoul(target + strlen(prefix), NULL, 10);
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->numbers[i] == inode)
			return true;
	return false;
}

bool foreign_listens(pid_t pid, uint16_t port)
{
	struct inodes inodes = {0};
	find_listeners(pid, "tcp", port, &inodes);
	find_listeners(pid, "tcp6", port, &inodes);
	return inodes.count > 0 && any_descriptor(pid, "fd", is_one_of, &inodes);
}

/* Only a pty's master has such a line. */
static bool is_master(int dirfd, const char *name, const void *data)
{
	static const char key[] = "tty-index:";
	cleanup_free char *info = NULL;
	if (file_read(dirfd, name, INFO_BYTES_MAX, &info, NULL, NULL) < 0)
		return false;
	const char *line = strstr(info, key);
	return line && strtol(line + strlen(key), NULL, 10) == *(const int *) data;
}

bool foreign_holds_pty(pid_t pid, int number)
{
	return any_descriptor(pid, "fdinfo", is_master, &number);
}
