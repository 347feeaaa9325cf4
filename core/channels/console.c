#include "core/channels/console.h"

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/channels/console_input.h"
#include "core/channels/console_raw.h"
#include "core/channels/pty.h"
#include "core/loop/listener.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { FIFO_BYTES = 64 * 1024 };

struct console {
	char *name;
	int dirfd;
	enum console_endpoint endpoint;
	int output_fd;
	struct console_input *input;
	struct console_raw *raw;
	struct listener *listener;
	uint16_t port;
	struct pty pty;
	bool fifo_made, symlink_made;
};

static int make_output(struct console *console, struct error *error)
{
	cleanup_free char *name = text_format("%s.out", console->name);
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory");
	unlinkat(console->dirfd, name, 0);
	console->output_fd = openat(console->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (console->output_fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot make %s", name);
	return 0;
}

static int make_input(struct console *console, struct loop *loop, struct error *error)
{
	cleanup_free char *name = text_format("%s.in", console->name);
	if (!name)
		return error_set(error, -ENOMEM, NULL, "no memory");
	unlinkat(console->dirfd, name, 0);
	if (mkfifoat(console->dirfd, name, 0600) < 0)
		return error_set_errno(error, -errno, NULL, "cannot make %s", name);
	console->fifo_made = true;
	int fd = openat(console->dirfd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set_errno(error, -errno, NULL, "cannot open %s", name);
	/* A user beyond the pipes' soft limit gets one page; that is slow, but no fault. */
	fcntl(fd, F_SETPIPE_SZ, FIFO_BYTES);
	console->input = console_input_create(loop, fd, error);
	return console->input ? 0 : -ENOMEM;
}

static void on_connection(int fd, void *data)
{
	struct console *console = data;
	console_raw_add_socket(console->raw, fd);
}

static int open_tcp(struct console *console, struct loop *loop, struct error *error)
{
	int fd = listener_open_tcp("127.0.0.1", 0, &console->port, error);
	if (fd < 0)
		return fd;
	console->listener = listener_create(loop, fd, on_connection, console, error);
	return console->listener ? 0 : -ENOMEM;
}

static int open_pty(struct console *console, struct error *error)
{
	int result = pty_open(&console->pty, error);
	if (result == 0)
		result = pty_link(&console->pty, console->dirfd, console->name, error);
	if (result < 0)
		return result;
	console->symlink_made = true;
	return console_raw_add_pty(console->raw, console->pty.master, error);
}

static int open_endpoint(struct console *console, struct loop *loop, struct growth *growth,
			 struct error *error)
{
	if (console->endpoint == CONSOLE_ENDPOINT_NONE)
		return 0;
	console->raw = console_raw_create(loop, growth, console->output_fd, console->input, error);
	if (!console->raw)
		return -ENOMEM;
	return console->endpoint == CONSOLE_ENDPOINT_TCP ? open_tcp(console, loop, error)
							 : open_pty(console, error);
}

struct console *console_create(struct loop *loop, struct growth *growth, int dirfd, const char *name,
			       enum console_endpoint endpoint, struct error *error)
{
	struct console *console = calloc(1, sizeof(*console));
	char *name_copy = strdup(name);
	if (!console || !name_copy) {
		free(console);
		free(name_copy);
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	*console = (struct console){
	    .name = name_copy,
	    .dirfd = dirfd,
	    .endpoint = endpoint,
	    .output_fd = -1,
	    .pty = {.master = -1, .slave = -1},
	};
	if (make_output(console, error) == 0 && make_input(console, loop, error) == 0 &&
	    open_endpoint(console, loop, growth, error) == 0)
		return console;
	console_destroy(console);
	return NULL;
}

static void remove_fifo(const struct console *console)
{
	cleanup_free char *name = text_format("%s.in", console->name);
	if (name && console->fifo_made)
		unlinkat(console->dirfd, name, 0);
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	listener_destroy(console->listener);
	console_input_destroy(console->input);
	console_raw_destroy(console->raw);
	pty_close(&console->pty);
	if (console->symlink_made)
		unlinkat(console->dirfd, console->name, 0);
	remove_fifo(console);
	cleanup_close_descriptor(&console->output_fd);
	free(console->name);
	free(console);
}

uint16_t console_port(const struct console *console)
{
	return console->port;
}

const char *console_pty_path(const struct console *console)
{
	return console->pty.path;
}

int console_output_fd(const struct console *console)
{
	return console->output_fd;
}

int console_write(struct console *console, const void *bytes, size_t length, uint64_t timeout_ms,
		  void (*on_done)(size_t written, int number, void *data), void *data, struct error *error)
{
	return console_input_write(console->input, bytes, length, timeout_ms, on_done, data, error);
}

void console_drain_input(struct console *console)
{
	console_input_drain(console->input);
}
