#include "core/process/confine.h"

#include "core/base/cleanup.h"
#include "core/process/cgroup.h"
#include "core/process/landlock.h"
#include "core/process/namespaces.h"
#include "core/process/syscall_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ACCESS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | \
	 LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_DEVICE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV)
/* All that is handled, and so denied where no rule allows it. */
#define ACCESS_ALL (ACCESS_READ | ACCESS_WRITE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
/* What a rule on a file that is no directory may name. */
#define ACCESS_FILE \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	 LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV)

const char *const confine_system_paths[] = {
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/etc",
    "/proc",
    /* runtimes size themselves by these */
    "/sys/devices/system",
    "/sys/fs/cgroup",
    NULL,
};

/* What a program needs to be linked. */
static const char *const library_paths[] = {
    "/usr/lib", "/usr/lib32", "/usr/lib64",       "/usr/libx32", "/usr/local/lib", "/lib", "/lib32",
    "/lib64",   "/libx32",    "/etc/ld.so.cache", NULL,
};

/* Read, written and controlled. */
static const char *const device_paths[] = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random",  "/dev/urandom", "/dev/tty",
    "/dev/ptmx", "/dev/pts",  "/dev/kvm",  "/dev/net/tun", NULL,
};

enum { LIMITS_MAX = 3 };

struct limit {
	__rlimit_resource_t resource;
	struct rlimit value;
};

struct confinement {
	int ruleset_fd;     /* owned; -1 where the kernel has no Landlock */
	bool filters_calls; /* false where the kernel has no seccomp */
	struct limit limits[LIMITS_MAX];
	size_t limit_count;
};

static uint64_t access_of_abi(int abi)
{
	uint64_t later = 0;

	if (abi < 2)
		later |= LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		later |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < 5)
		later |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return ACCESS_ALL & ~later;
}

bool confine_holds_files(void)
{
	return landlock_abi() > 0;
}

static bool seccomp_is_supported(void)
{
	/* The kernel looks at the pointer only once it knows the mode. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno == EFAULT;
}

void confine_probe(struct confine_support *support)
{
	cleanup_free char *cgroup_base = cgroup_find_base();

	*support = (struct confine_support){
	    .landlock_abi = landlock_abi(),
	    .seccomp = seccomp_is_supported(),
	    .cgroup = cgroup_base != NULL,
	    .namespaces = namespaces_are_permitted(),
	};
}

static int add_descriptor(int ruleset_fd, int fd, uint64_t access, struct error *error)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return error_set_errno(error, -errno, NULL, "cannot allow the descriptor %d", fd);
	if (!S_ISDIR(status.st_mode))
		access &= ACCESS_FILE;
	/* EBADFD: it lies in no file system that has paths (a pipe, a socket), where nothing is denied. */
	if (landlock_add_path(ruleset_fd, fd, access) < 0 && errno != EBADFD)
		return error_set_errno(error, -errno, NULL, "cannot allow the descriptor %d", fd);
	return 0;
}

static int add_descriptors(int ruleset_fd, const int *fds, uint64_t access, struct error *error)
{
	int result = 0;

	for (; result == 0 && fds && *fds >= 0; fds++)
		result = add_descriptor(ruleset_fd, *fds, access, error);
	return result;
}

static int add_path(int ruleset_fd, const char *path, uint64_t access, struct error *error)
{
	cleanup_close int fd = open(path, O_PATH | O_CLOEXEC);

	/* What is not there, or not to be reached anyway, needs no rule. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP))
		return 0;
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot allow %s", path);
	return add_descriptor(ruleset_fd, fd, access, error);
}

static int add_paths(int ruleset_fd, const char *const *paths, uint64_t access, struct error *error)
{
	int result = 0;

	for (; result == 0 && paths && *paths; paths++)
		result = add_path(ruleset_fd, *paths, access, error);
	return result;
}

/* The ruleset's descriptor, or -1 in *ret_fd where the kernel has no Landlock. */
static int create_ruleset(const struct confine_rules *rules, int *ret_fd, struct error *error)
{
	int abi = landlock_abi();
	uint64_t known = access_of_abi(abi);
	const struct landlock_attributes attributes = {
	    .handled_access_fs = known,
	    .scoped = abi >= 6 ? LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL : 0,
	};

	if (abi == 0)
		return 0;
	cleanup_close int fd = landlock_create_ruleset(&attributes);
	if (fd < 0)
		return error_set_errno(error, -errno, "internal_error", "cannot make a Landlock ruleset");
	int result =
	    add_paths(fd, rules->bare ? library_paths : confine_system_paths, ACCESS_READ & known, error);
	if (result == 0 && !rules->bare)
		result = add_paths(fd, device_paths, ACCESS_DEVICE & known, error);
	if (result == 0)
		result = add_paths(fd, rules->read_paths, ACCESS_READ & known, error);
	if (result == 0)
		result = add_paths(fd, rules->write_paths, ACCESS_WRITE & known, error);
	if (result == 0)
		result = add_descriptors(fd, rules->read_fds, ACCESS_READ & known, error);
	if (result == 0)
		result = add_descriptors(fd, rules->write_fds, ACCESS_WRITE & known, error);
	if (result == 0)
		*ret_fd = TAKE_FD(fd);
	return result;
}

static void add_limit(struct confinement *confinement, __rlimit_resource_t resource, uint64_t wanted)
{
	struct rlimit now;
	rlim_t value = wanted;

	/* Only root may raise its hard limit, and nobody needs to. */
	if (getrlimit(resource, &now) == 0 && now.rlim_max != RLIM_INFINITY && value > now.rlim_max)
		value = now.rlim_max;
	confinement->limits[confinement->limit_count++] =
	    (struct limit){.resource = resource, .value = {.rlim_cur = value, .rlim_max = value}};
}

struct confinement *confinement_create(const struct confine_rules *rules, struct error *error)
{
	struct confinement *confinement = calloc(1, sizeof(*confinement));

	if (!confinement) {
		error_set(error, -ENOMEM, NULL, "out of memory");
		return NULL;
	}
	confinement->ruleset_fd = -1;
	confinement->filters_calls = seccomp_is_supported();
	if (!rules->core_dumps)
		add_limit(confinement, RLIMIT_CORE, 0);
	if (rules->memory_bytes)
		add_limit(confinement, RLIMIT_AS, rules->memory_bytes);
	if (rules->open_files)
		add_limit(confinement, RLIMIT_NOFILE, rules->open_files);
	int result = create_ruleset(rules, &confinement->ruleset_fd, error);
	if (result < 0) {
		error_wrap(error, "no confinement");
		confinement_destroy(confinement);
		return NULL;
	}
	return confinement;
}

void confinement_destroy(struct confinement *confinement)
{
	if (!confinement)
		return;
	cleanup_close_descriptor(&confinement->ruleset_fd);
	free(confinement);
}

int confinement_enter(const struct confinement *confinement)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	for (size_t i = 0; i < confinement->limit_count; i++)
		if (setrlimit(confinement->limits[i].resource, &confinement->limits[i].value) < 0)
			return -errno;
	if (confinement->ruleset_fd >= 0 && landlock_restrict_self(confinement->ruleset_fd) < 0)
		return -errno;
	/* SPEC_ALLOW: what is filtered here is no secret-keeper, and the mitigation slows an emulator
	 * down. */
	if (confinement->filters_calls && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
						  SECCOMP_FILTER_FLAG_SPEC_ALLOW, &syscall_filter) < 0)
		return -errno;
	return 0;
}
