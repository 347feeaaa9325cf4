/* The firmware `make run` shows: a banner, a prompt, a few commands. Sleeps while nobody types. */

#include "board.h"

#define LINE_MAX 64

static const char prompt[] = "> ";

static unsigned led;

static void command_help(const char *argument)
{
	(void) argument;
	console_print("help          this list\n"
		      "echo TEXT     prints TEXT\n"
		      "count N       counts to N\n"
		      "led           switches the LED\n"
		      "reset         resets the board\n"
		      "crash         faults, to show what that looks like\n");
}

static void command_echo(const char *argument)
{
	console_print(argument);
	console_print("\n");
}

static void command_count(const char *argument)
{
	unsigned end = 0;
	for (; *argument >= '0' && *argument <= '9' && end < 100000; argument++)
		end = end * 10 + (unsigned) (*argument - '0');
	for (unsigned number = 1; number <= end; number++) {
		console_print_number(number);
		console_print("\n");
	}
}

static void command_led(const char *argument)
{
	(void) argument;
	led = !led;
	console_print(led ? "led on\n" : "led off\n");
}

static void command_reset(const char *argument)
{
	(void) argument;
	cpu_reset();
}

static void command_crash(const char *argument)
{
	(void) argument;
	cpu_crash();
}

static const struct command {
	const char *name;
	void (*run)(const char *argument);
} commands[] = {
    {"help", command_help}, {"echo", command_echo},   {"count", command_count},
    {"led", command_led},   {"reset", command_reset}, {"crash", command_crash},
};

/* What follows name in line, or NULL when line is another command. */
static const char *match(const char *line, const char *name)
{
	while (*name && *line == *name) {
		line++;
		name++;
	}
	if (*name || (*line && *line != ' '))
		return 0;
	return *line ? line + 1 : line;
}

static void run(const char *line)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *argument = match(line, commands[i].name);
		if (argument) {
			commands[i].run(argument);
			return;
		}
	}
	console_print("no such command: ");
	console_print(line);
	console_print(" (try help)\n");
}

/* Echoes what is typed; a carriage return, a line feed or both end the line. */
static void read_line(char *line)
{
	static char last;
	unsigned length = 0;
	for (;;) {
		char byte = console_read();
		char before = last;
		last = byte;
		if (byte == '\n' && before == '\r' && !length)
			continue;
		if (byte == '\r' || byte == '\n')
			break;
		if (byte == '\b' || byte == 0x7f) {
			if (length) {
				length--;
				console_print("\b \b");
			}
		} else if (length < LINE_MAX - 1) {
			line[length++] = byte;
			uart_put(0, byte);
		}
	}
	line[length] = '\0';
	console_print("\n");
}

void firmware_main(void)
{
	uart_init(0);
	uart_listen(0);
	console_print("\nemud demo firmware on " BOARD_NAME ". Type help.\n");
	for (;;) {
		char line[LINE_MAX];
		console_print(prompt);
		read_line(line);
		if (line[0])
			run(line);
	}
}
