/* Says one line and idles. */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	console_print("Hello\n");
}
