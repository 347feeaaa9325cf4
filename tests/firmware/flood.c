/* Numbered lines for ever, as fast as the UART takes them. */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	for (unsigned number = 0;; number++) {
		console_print_number(number);
		console_print("\n");
	}
}
