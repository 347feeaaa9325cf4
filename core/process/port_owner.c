#include "core/process/port_owner.h"

#include "core/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { TCP_LISTENING = 0x0a };

/* Number, both addresses, state, queues, timer, retransmissions, uid, timeout, inode. */
enum { FIELD_LOCAL = 1, FIELD_STATE = 3, FIELD_INODE = 9, FIELD_COUNT };

static bool holds_socket(pid_t pid, unsigned long inode)
{
	char folder[64], wanted[64], target[64];
	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int) pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	DIR *directory = opendir(folder);
	bool found = false;
	for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (directory)
		closedir(directory);
	return found;
}

/* The inode in a line of /proc/net/tcp, if it tells of a socket that listens on that port; else 0. */
static unsigned long listening_inode(char *line, uint16_t port)
{
	char *fields[FIELD_COUNT], *rest = NULL;
	size_t count = 0;
	for (char *word = strtok_r(line, " \n", &rest); word && count < FIELD_COUNT;
	     word = strtok_r(NULL, " \n", &rest))
		fields[count++] = word;
	const char *colon = count == FIELD_COUNT ? strchr(fields[FIELD_LOCAL], ':') : NULL;
	bool listens = colon && strtoul(colon + 1, NULL, 16) == port &&
		       strtoul(fields[FIELD_STATE], NULL, 16) == TCP_LISTENING;
	return listens ? strtoul(fields[FIELD_INODE], NULL, 10) : 0;
}

bool port_owner_is(pid_t pid, uint16_t port)
{
	cleanup_fclose FILE *table = fopen("/proc/net/tcp", "re");
	char line[512];
	while (table && fgets(line, sizeof(line), table)) {
		unsigned long inode = listening_inode(line, port);
		if (inode && holds_socket(pid, inode))
			return true;
	}
	return false;
}
