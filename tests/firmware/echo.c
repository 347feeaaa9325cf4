/* Sends every byte back at once, and nothing else. */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	uart_listen(0);
	for (;;)
		uart_put(0, console_read());
}
