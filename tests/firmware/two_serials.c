/* Says on each of two ports which one it is, then sends every byte back where it came from. */

#include "board.h"

#define PORTS 2

void firmware_main(void)
{
	for (unsigned port = 0; port < PORTS; port++) {
		uart_init(port);
		uart_listen(port);
		for (const char *text = port ? "one\r\n" : "zero\r\n"; *text; text++)
			uart_put(port, *text);
	}
	for (;;) {
		for (unsigned port = 0; port < PORTS; port++)
			for (int byte; (byte = uart_get(port)) >= 0;)
				uart_put(port, (char) byte);
		cpu_wait();
	}
}
