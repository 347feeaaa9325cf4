/* Writes a file by semihosting that never ends. */

#include "board.h"
#include "semihosting.h"

void firmware_main(void)
{
	static const char text[1024] = {1};
	const uintptr_t block[] = {(uintptr_t) semihosting_open("flood", MODE_WRITE), (uintptr_t) text,
				   sizeof(text)};
	semihosting_print("Filling\n");
	for (;;)
		semihosting_call(SYS_WRITE, block);
}
