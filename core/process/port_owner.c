#include "core/process/port_owner.h"

#include "core/base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { TCP_LISTENING = 0x0a };

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

bool port_owner_is(pid_t pid, uint16_t port)
{
	cleanup_fclose FILE *table = fopen("/proc/net/tcp", "re");
	char line[512];
	unsigned local_port, state;
	unsigned long inode;
	while (table && fgets(line, sizeof(line), table)) {
		/* Number, both addresses, state, queues, timer, retransmissions, uid, timeout, inode. */
		if (sscanf(line, "%*u: %*x:%x %*x:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local_port,
			   &state, &inode) == 3 &&
		    local_port == port && state == TCP_LISTENING && holds_socket(pid, inode))
			return true;
	}
	return false;
}
