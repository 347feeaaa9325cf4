#include "board.h"

char console_read(void)
{
	int byte;
	while ((byte = uart_get(0)) < 0)
		cpu_wait();
	return (char) byte;
}

void console_print(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			uart_put(0, '\r');
		uart_put(0, *text);
	}
}

void console_print_number(unsigned number)
{
	char digits[11];
	char *start = digits + sizeof(digits) - 1;
	*start = '\0';
	do {
		*--start = (char) ('0' + number % 10);
		number /= 10;
	} while (number);
	console_print(start);
}
