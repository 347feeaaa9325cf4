/* A numbered line every 20 ms, for ever. */

#include "board.h"

#define PAUSE_MS 20

void firmware_main(void)
{
	uart_init(0);
	for (unsigned number = 0;; number++) {
		console_print_number(number);
		console_print("\n");
		cpu_sleep_ms(PAUSE_MS);
	}
}
