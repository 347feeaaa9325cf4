#pragma once

/*
 * Landlock's system calls and constants. The kernel headers of Debian 12 end with its second version (ABI):
 * what came later is named here, and asked for only from a kernel that says it knows it.
 */

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* struct landlock_ruleset_attr with all its members; older kernels take it while what they lack is 0. */
struct landlock_attributes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

static inline int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int) abi : 0;
}

static inline int landlock_create_ruleset(const struct landlock_attributes *attributes)
{
	return (int) syscall(SYS_landlock_create_ruleset, attributes, sizeof(*attributes), 0);
}

static inline int landlock_add_path(int ruleset_fd, int path_fd, uint64_t access)
{
	const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = path_fd};

	return (int) syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static inline int landlock_restrict_self(int ruleset_fd)
{
	return (int) syscall(SYS_landlock_restrict_self, ruleset_fd, 0);
}
