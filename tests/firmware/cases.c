/* Runs tests as GoogleTest tells them: one passes, one fails, one is skipped. Then it ends the
 * emulator with code 1 (needs semihosting). */

#include "board.h"

void firmware_main(void)
{
	uart_init(0);
	console_print("[==========] Running 3 tests from 2 test suites.\n"
		      "[----------] 2 tests from Ring\n"
		      "[ RUN      ] Ring.StartsEmpty\n"
		      "[       OK ] Ring.StartsEmpty (0 ms)\n"
		      "[ RUN      ] Ring.Wraps\n"
		      "ring_test.cc:41: Failure\n"
		      "Expected: size() < 4 && \"wrapped\"\n"
		      "  Actual: \x01\xff ]]>\n"
		      "[  FAILED  ] Ring.Wraps (12 ms)\n"
		      "[----------] 1 test from Uart\n"
		      "[ RUN      ] Uart.Loops\n"
		      "uart_test.cc:9: Skipped\n"
		      "no cable\n"
		      "[  SKIPPED ] Uart.Loops (1 ms)\n"
		      "[==========] 3 tests from 2 test suites ran. (13 ms total)\n"
		      "[  PASSED  ] 1 test.\n"
		      "[  SKIPPED ] 1 test, listed below:\n"
		      "[  SKIPPED ] Uart.Loops\n"
		      "[  FAILED  ] 1 test, listed below:\n"
		      "[  FAILED  ] Ring.Wraps\n"
		      "\n"
		      " 1 FAILED TEST\n");
	cpu_exit(1);
}
