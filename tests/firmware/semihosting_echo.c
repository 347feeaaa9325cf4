/* Says back what it reads by semihosting; ends at a q, by the plain exit call. */

#include "board.h"
#include "semihosting.h"

void firmware_main(void)
{
	semihosting_print("Ready\n");
	for (;;) {
		char byte = (char) semihosting_call(SYS_READC, 0);
		if (byte == 'q')
			semihosting_call(SYS_EXIT, (const void *) 0x20026);
		semihosting_call(SYS_WRITEC, &byte);
	}
}
