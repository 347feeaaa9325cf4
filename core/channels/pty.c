#include "core/channels/pty.h"

#include "core/base/cleanup.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static int make_raw(int slave)
{
	struct termios mode;
	if (tcgetattr(slave, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	/* Group tty may write to terminals by default; what is written here is typed into a guest. */
	if (tcsetattr(slave, TCSANOW, &mode) < 0 || fchmod(slave, 0600) < 0)
		return -errno;
	return 0;
}

int pty_open(struct pty *pty, struct error *error)
{
	*pty = (struct pty){.master = -1, .slave = -1};
	cleanup_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master < 0)
		return error_set_errno(error, -errno, NULL, "cannot make a pty");
	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, pty->path, sizeof(pty->path)) != 0)
		return error_set_errno(error, -errno, NULL, "cannot set up a pty");
	cleanup_close int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_set_errno(error, -errno, NULL, "cannot open a pty");
	int result = make_raw(slave);
	if (result < 0)
		return error_set_errno(error, result, NULL, "cannot make a pty raw");
	pty->master = TAKE_FD(master);
	pty->slave = TAKE_FD(slave);
	return 0;
}

void pty_close(struct pty *pty)
{
	cleanup_close_descriptor(&pty->master);
	cleanup_close_descriptor(&pty->slave);
	pty->master = pty->slave = -1;
}

int pty_link(const struct pty *pty, int dirfd, const char *name, struct error *error)
{
	struct stat status;
	if (fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISLNK(status.st_mode))
			return error_set(error, -EEXIST, NULL, "%s is in the way of the channel's symlink",
					 name);
		unlinkat(dirfd, name, 0);
	}
	if (symlinkat(pty->path, dirfd, name) == 0)
		return 0;
	return error_set_errno(error, -errno, NULL, "cannot make the symlink %s", name);
}
