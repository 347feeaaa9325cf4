/*
 * An AVR board of simavr's: its first UART is stdin and stdout.
 *
 * simavr-board MCU FREQUENCY DIRECTORY [gdb]
 *
 * The firmware (ELF) is that of the environment variable FIRMWARE. The board's driver listens on the unix
 * socket avr.sock below DIRECTORY. The board says "ready PORT" there (PORT is gdb's, 0: none), stands still,
 * and answers each line of "resume", "pause", "reset", "get NAME" and "set NAME VALUE" with one line.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <netinet/in.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>
#include <sim_gdb.h>
#pragma GCC diagnostic pop

enum { INSTRUCTIONS_A_TURN = 500, GDB_TRIES = 20, REGISTERS = 32 };

struct board {
	avr_t *avr;
	avr_irq_t *uart_input;
	bool takes_input; /* the UART has room */
	bool paused, has_input, has_gdb;
	int control; /* -1: the driver has gone */
	char line[256];
	size_t line_length;
};

static void fail(const char *what)
{
	fprintf(stderr, "simavr-board: %s\n", what);
	exit(1);
}

/* ---- the UART ---- */

static void on_output(struct avr_irq_t *irq, uint32_t value, void *data)
{
	const char byte = (char) value;
	(void) irq;
	(void) data;
	while (write(STDOUT_FILENO, &byte, 1) < 0 && errno == EINTR)
		continue;
}

static void on_room(struct avr_irq_t *irq, uint32_t value, void *data)
{
	(void) irq;
	(void) value;
	((struct board *) data)->takes_input = true;
}

static void on_full(struct avr_irq_t *irq, uint32_t value, void *data)
{
	(void) irq;
	(void) value;
	((struct board *) data)->takes_input = false;
}

static void join_uart(struct board *board)
{
	uint32_t flags = 0;
	avr_t *avr = board->avr;
	avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
	flags &= ~(uint32_t) AVR_UART_FLAG_STDIO;
	avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
	board->uart_input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
	if (!board->uart_input)
		fail("this MCU has no UART 0");
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), on_output,
				board);
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), on_room,
				board);
	avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), on_full,
				board);
	board->has_input = true;
}

static void give_input(struct board *board)
{
	unsigned char byte;
	if (read(STDIN_FILENO, &byte, 1) == 1)
		avr_raise_irq(board->uart_input, byte);
	else
		board->has_input = false;
}

/* ---- the driver ---- */

static void answer_value(const struct board *board, const char *name)
{
	const avr_t *avr = board->avr;
	int number;
	if (strcmp(name, "pc") == 0)
		dprintf(board->control, "%u\n", (unsigned) avr->pc);
	else if (strcmp(name, "cycle") == 0)
		dprintf(board->control, "%llu\n", (unsigned long long) avr->cycle);
	else if (sscanf(name, "r%d", &number) == 1 && number >= 0 && number < REGISTERS)
		dprintf(board->control, "%u\n", avr->data[number]);
	else
		dprintf(board->control, "unknown\n");
}

static void set_value(struct board *board, const char *name, unsigned value)
{
	int number;
	bool is_register = sscanf(name, "r%d", &number) == 1 && number >= 0 && number < REGISTERS;
	if (is_register)
		board->avr->data[number] = (uint8_t) value;
	dprintf(board->control, is_register ? "set\n" : "unknown\n");
}

static void obey(struct board *board, const char *line)
{
	char name[32] = "";
	unsigned value;
	if (sscanf(line, "get %31s", name) == 1) {
		answer_value(board, name);
		return;
	}
	if (sscanf(line, "set %31s %u", name, &value) == 2) {
		set_value(board, name, value);
		return;
	}
	if (strcmp(line, "reset") == 0)
		avr_reset(board->avr);
	else if (strcmp(line, "pause") == 0)
		board->paused = true;
	else if (strcmp(line, "resume") == 0)
		board->paused = false;
	dprintf(board->control, "%s\n", line);
}

static void hear_driver(struct board *board)
{
	char *end;
	ssize_t count = read(board->control, board->line + board->line_length,
			     sizeof(board->line) - 1 - board->line_length);
	if (count <= 0) {
		board->control = -1; /* the board runs on */
		return;
	}
	board->line_length += (size_t) count;
	board->line[board->line_length] = '\0';
	while ((end = strchr(board->line, '\n'))) {
		*end = '\0';
		obey(board, board->line);
		board->line_length -= (size_t) (end + 1 - board->line);
		memmove(board->line, end + 1, board->line_length + 1);
	}
}

/* By a short name: a socket's address has no room for long paths. */
static int connect_driver(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "avr.sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || chdir(directory) < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		fail("the driver does not listen");
	return fd;
}

/* ---- the board ---- */

/* simavr listens where it is told: a port that was free a moment ago, or the next. */
static int listen_for_gdb(avr_t *avr)
{
	for (int i = 0; i < GDB_TRIES; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET};
		socklen_t length = sizeof(address);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		bool is_known = fd >= 0 && bind(fd, (struct sockaddr *) &address, length) == 0 &&
				getsockname(fd, (struct sockaddr *) &address, &length) == 0;
		if (fd >= 0)
			close(fd);
		avr->gdb_port = ntohs(address.sin_port);
		if (is_known && avr_gdb_init(avr) == 0)
			return avr->gdb_port;
	}
	fail("no port for gdb");
	return 0;
}

static void load(struct board *board, const char *mcu, unsigned long frequency)
{
	elf_firmware_t firmware = {0};
	const char *file = getenv("FIRMWARE");
	board->avr = avr_make_mcu_by_name(mcu);
	if (!board->avr)
		fail("simavr knows no such MCU: `simavr --list-cores` lists them");
	avr_init(board->avr);
	if (file && elf_read_firmware(file, &firmware) != 0)
		fail("simavr cannot read the firmware: it takes ELF files");
	firmware.frequency = (uint32_t) frequency;
	if (file)
		avr_load_firmware(board->avr, &firmware);
}

/* Waits for words where there is nothing else to do. */
static void listen_to_all(struct board *board, bool stands_still)
{
	struct pollfd polled[] = {
	    {.fd = board->control, .events = POLLIN},
	    {.fd = board->has_input && board->takes_input && !stands_still ? STDIN_FILENO : -1,
	     .events = POLLIN},
	};
	if (poll(polled, 2, stands_still && !board->has_gdb ? -1 : 0) <= 0)
		return;
	if (polled[0].revents)
		hear_driver(board);
	if (polled[1].revents)
		give_input(board);
}

static int run(struct board *board)
{
	for (;;) {
		avr_t *avr = board->avr;
		listen_to_all(board, board->paused);
		if (board->paused)
			continue;
		for (int i = 0; i < INSTRUCTIONS_A_TURN; i++) {
			int state = avr_run(avr);
			if (state == cpu_Done)
				return 0;
			if (state == cpu_Crashed)
				fail("the firmware has crashed");
			if (state != cpu_Running)
				break;
		}
	}
}

int main(int argc, char **argv)
{
	static struct board board = {.takes_input = true, .paused = true};
	if (argc < 4)
		fail("usage: simavr-board MCU FREQUENCY DIRECTORY [gdb]");
	signal(SIGPIPE, SIG_IGN);
	load(&board, argv[1], strtoul(argv[2], NULL, 10));
	join_uart(&board);
	board.has_gdb = argc > 4;
	int port = board.has_gdb ? listen_for_gdb(board.avr) : 0;
	board.control = connect_driver(argv[3]);
	dprintf(board.control, "ready %d\n", port);
	return run(&board);
}
