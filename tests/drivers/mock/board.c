/*
 * A board that does next to nothing, for tests: prints "NAME ready" on each console when it starts and after
 * a reset, echoes what it reads, and prints numbered lines where it is told to.
 *
 * mock-board DIRECTORY [print=BYTES] [delay=MS] [exit=CODE] [deaf=1] CONSOLE=VIA...
 *
 * VIA is as docs/driver-protocol.md has it. It stands still until its driver, which listens on mock.sock
 * below DIRECTORY, says "resume"; each word of the driver's is answered by the same word. exit: it ends with
 * that code once it has printed. deaf: it leaves SIGTERM alone.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CONSOLES_MAX = 16, BYTES = 16 * 1024 };

struct console {
	const char *name;
	int listener; /* until somebody has connected; -1 otherwise */
	int in, out;  /* -1: nobody is there */
};

struct board {
	struct console consoles[CONSOLES_MAX];
	size_t count;
	int control;
	bool running, greeted;
	long long printed, to_print, number;
	int exit_code; /* -1: it runs on */
	long delay_ms;
};

static void fail(const char *what)
{
	fprintf(stderr, "mock-board: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_all(int fd, const char *bytes, size_t length)
{
	while (fd >= 0 && length > 0) {
		ssize_t count = write(fd, bytes, length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return;
		bytes += count;
		length -= (size_t) count;
	}
}

static void tell_driver(const struct board *board, const char *text)
{
	write_all(board->control, text, strlen(text));
}

static void greet(const struct board *board)
{
	for (size_t i = 0; i < board->count; i++) {
		char text[128];
		int length = snprintf(text, sizeof(text), "%s ready\r\n", board->consoles[i].name);
		write_all(board->consoles[i].out, text, (size_t) length);
	}
}

/* ---- consoles ---- */

static int listen_unix(const char *file)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (strlen(file) >= sizeof(address.sun_path))
		fail(file);
	strcpy(address.sun_path, file);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(fd, 4) < 0)
		fail(file);
	return fd;
}

static int listen_tcp(int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, length) < 0 || listen(fd, 4) < 0 ||
	    getsockname(fd, (struct sockaddr *) &address, &length) < 0)
		fail("tcp");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void open_files(struct console *console)
{
	char file[128];
	snprintf(file, sizeof(file), "%s.in", console->name);
	console->in = open(file, O_RDWR);
	snprintf(file, sizeof(file), "%s.out", console->name);
	console->out = open(file, O_WRONLY | O_APPEND);
	if (console->in < 0 || console->out < 0)
		fail(file);
}

static void open_pty(struct board *board, struct console *console)
{
	char text[256];
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		fail("pty");
	console->in = console->out = master;
	snprintf(text, sizeof(text), "path %s %s\n", console->name, ptsname(master));
	tell_driver(board, text);
}

static void open_console(struct board *board, const char *name, const char *via)
{
	char text[256];
	int port;
	if (board->count == CONSOLES_MAX)
		fail("too many consoles");
	struct console *console = &board->consoles[board->count++];
	*console = (struct console){.name = name, .listener = -1, .in = -1, .out = -1};
	if (strcmp(via, "stdio") == 0) {
		console->in = STDIN_FILENO;
		console->out = STDOUT_FILENO;
	} else if (strcmp(via, "files") == 0) {
		open_files(console);
	} else if (strcmp(via, "pty") == 0) {
		open_pty(board, console);
	} else if (strcmp(via, "unix") == 0) {
		snprintf(text, sizeof(text), "%s.sock", name);
		console->listener = listen_unix(text);
	} else {
		console->listener = listen_tcp(&port);
		snprintf(text, sizeof(text), "port %s %d\n", name, port);
		tell_driver(board, text);
	}
}

/* ---- the life ---- */

static void obey(struct board *board, const char *word)
{
	char answer[64];
	if (strcmp(word, "quit") == 0) {
		exit(0);
	} else if (strcmp(word, "reset") == 0) {
		board->printed = board->number = 0;
		board->greeted = board->running;
		if (board->running)
			greet(board);
	} else if (strcmp(word, "resume") == 0 && !board->running) {
		board->running = true;
		if (!board->greeted)
			greet(board);
		board->greeted = true;
	} else if (strcmp(word, "pause") == 0) {
		board->running = false;
	}
	snprintf(answer, sizeof(answer), "%s\n", word);
	tell_driver(board, answer);
}

/* False: the driver has gone; the board goes on without it. */
static bool hear_driver(struct board *board)
{
	char bytes[256];
	ssize_t count = read(board->control, bytes, sizeof(bytes) - 1);
	if (count <= 0)
		return false;
	bytes[count] = '\0';
	char *rest = NULL;
	for (char *word = strtok_r(bytes, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest))
		obey(board, word);
	return true;
}

static void hear_console(struct board *board, struct console *console)
{
	char bytes[BYTES];
	if (console->listener >= 0 && console->in < 0) {
		console->in = console->out = accept(console->listener, NULL, NULL);
		return;
	}
	ssize_t count = read(console->in, bytes, sizeof(bytes));
	if (count > 0 && board->running)
		write_all(console->out, bytes, (size_t) count);
	if (count > 0 || (count < 0 && errno == EIO))
		return;
	if (console->in > STDERR_FILENO)
		close(console->in);
	console->in = console->out = -1;
}

static void print(struct board *board)
{
	char bytes[BYTES];
	size_t length = 0;
	while (length < sizeof(bytes) - 32 && board->printed < board->to_print) {
		int count = snprintf(bytes + length, 32, "%lld\r\n", board->number++);
		length += (size_t) count;
		board->printed += count;
	}
	write_all(board->consoles[0].out, bytes, length);
}

static void run(struct board *board)
{
	for (;;) {
		struct pollfd polled[CONSOLES_MAX + 1];
		bool printing = board->running && board->printed < board->to_print;
		if (board->running && !printing && board->exit_code >= 0)
			exit(board->exit_code);
		polled[0] = (struct pollfd){.fd = board->control, .events = POLLIN};
		for (size_t i = 0; i < board->count; i++) {
			struct console *console = &board->consoles[i];
			int fd = console->in >= 0 ? console->in : console->listener;
			/* Input waits while the guest stands still. */
			bool heard = board->running || fd == console->listener;
			polled[i + 1] = (struct pollfd){.fd = heard ? fd : -1, .events = POLLIN};
		}
		if (poll(polled, board->count + 1, printing ? 0 : -1) < 0 && errno != EINTR)
			fail("poll");
		for (size_t i = 0; i < board->count; i++)
			if (polled[i + 1].revents)
				hear_console(board, &board->consoles[i]);
		if (polled[0].revents && !hear_driver(board))
			board->control = -1;
		if (printing)
			print(board);
	}
}

static int connect_driver(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "mock.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		fail("mock.sock");
	return fd;
}

static void log_firmware(void)
{
	const char *file = getenv("FIRMWARE");
	struct stat status;
	if (file && *file && stat(file, &status) == 0)
		fprintf(stderr, "mock-board: a firmware of %lld bytes\n", (long long) status.st_size);
}

static void read_option(struct board *board, const char *name, const char *value)
{
	if (strcmp(name, "print") == 0)
		board->to_print = atoll(value);
	else if (strcmp(name, "delay") == 0)
		board->delay_ms = atol(value);
	else if (strcmp(name, "exit") == 0)
		board->exit_code = atoi(value);
	else if (strcmp(name, "deaf") == 0)
		signal(SIGTERM, SIG_IGN);
	else
		open_console(board, name, value);
}

int main(int argc, char **argv)
{
	static struct board board = {.exit_code = -1};
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || chdir(argv[1]) < 0)
		fail("the state directory");
	fprintf(stderr, "mock-board: here I am\n");
	log_firmware();
	board.control = connect_driver();
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		if (!equals)
			fail(argv[i]);
		*equals = '\0';
		read_option(&board, argv[i], equals + 1);
	}
	const struct timespec delay = {board.delay_ms / 1000, board.delay_ms % 1000 * 1000000};
	nanosleep(&delay, NULL);
	tell_driver(&board, "ready\n");
	run(&board);
}
