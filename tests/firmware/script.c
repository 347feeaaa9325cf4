/* Does what a test has written into it: steps, each an operation, a number and, where it prints, bytes
 * (tests/lib/script.mjs). */

#include "board.h"
#include "semihosting.h"

enum { SCRIPT_BYTES = 96 * 1024, MARK_BYTES = 16 };

static const volatile char script[SCRIPT_BYTES] = "<emud's script>";

/* Where the next step begins. */
static unsigned position = MARK_BYTES;

static unsigned next_byte(void)
{
	return (unsigned char) script[position++];
}

static unsigned next_number(void)
{
	unsigned number = next_byte();
	number |= next_byte() << 8;
	number |= next_byte() << 16;
	return number | next_byte() << 24;
}

static void print(unsigned count)
{
	while (count--)
		uart_put(0, (char) next_byte());
}

static void repeat(unsigned count)
{
	char byte = (char) next_byte();
	while (count--)
		uart_put(0, byte);
}

/* The same by semihosting, block by block: megabytes of it take no time. */
static void repeat_by_semihosting(unsigned count)
{
	static char bytes[4096];
	char byte = (char) next_byte();
	int32_t terminal = semihosting_open(":tt", MODE_WRITE);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte;
	while (count > 0) {
		unsigned length = count < sizeof(bytes) ? count : sizeof(bytes);
		const uintptr_t block[] = {(uintptr_t) terminal, (uintptr_t) bytes, length};
		semihosting_call(SYS_WRITE, block);
		count -= length;
	}
}

static void print_by_semihosting(unsigned count)
{
	int32_t terminal = semihosting_open(":tt", MODE_WRITE);
	const uintptr_t block[] = {(uintptr_t) terminal, (uintptr_t) &script[position], count};
	semihosting_call(SYS_WRITE, block);
	position += count;
}

static void read(unsigned count)
{
	while (count--)
		console_read();
}

void firmware_main(void)
{
	uart_init(0);
	uart_listen(0);
	for (;;) {
		unsigned operation = next_byte(), number = next_number();
		if (operation == 'p')
			print(number);
		else if (operation == 'r')
			repeat(number);
		else if (operation == 'P')
			print_by_semihosting(number);
		else if (operation == 'R')
			repeat_by_semihosting(number);
		else if (operation == 's')
			cpu_sleep_ms(number);
		else if (operation == 'i')
			read(number);
		else if (operation == 'x')
			cpu_exit((int) number);
		else if (operation == 'c')
			cpu_crash();
		else
			return;
	}
}
