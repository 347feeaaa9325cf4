/* Ends the emulator with code 3 (needs semihosting). */

#include "board.h"

void firmware_main(void)
{
	cpu_exit(3);
}
