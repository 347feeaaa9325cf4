/* What a test's firmware prints. */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	console_print("test 1 ok\n"
		      "test 2 ok\n"
		      "PASSED\n");
}
