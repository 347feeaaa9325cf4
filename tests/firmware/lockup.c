/* Faults at once, and again in the fault handler. */

#include "board.h"

void firmware_main(void)
{
	cpu_crash();
}
