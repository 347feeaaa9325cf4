/* Never reads its UART: whatever is sent stays where it is. */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	console_print("not listening\n");
}
