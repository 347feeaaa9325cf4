#pragma once

/* Calls of the host by semihosting, as Arm and RISC-V have them. */

#include <stdint.h>

enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITEC = 0x03,
	SYS_WRITE0 = 0x04,
	SYS_WRITE = 0x05,
	SYS_READ = 0x06,
	SYS_READC = 0x07,
	SYS_REMOVE = 0x0e,
	SYS_RENAME = 0x0f,
	SYS_EXIT = 0x18,
	SYS_SYSTEM = 0x12
};
enum { MODE_READ = 0, MODE_WRITE = 4 };

static inline int32_t semihosting_call(uint32_t number, const volatile void *block)
{
#ifdef __arm__
	register uint32_t operation __asm("r0") = number;
	register const volatile void *argument __asm("r1") = block;
	__asm volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
#else
	register uint32_t operation __asm("a0") = number;
	register const volatile void *argument __asm("a1") = block;
	/* The three must be uncompressed and on one page: this is how a debugger knows them. */
	__asm volatile(".balign 16\n"
		       ".option push\n"
		       ".option norvc\n"
		       "slli x0, x0, 0x1f\n"
		       "ebreak\n"
		       "srai x0, x0, 7\n"
		       ".option pop"
		       : "+r"(operation)
		       : "r"(argument)
		       : "memory");
#endif
	return (int32_t) operation;
}

static inline uintptr_t semihosting_length(const char *text)
{
	uintptr_t length = 0;
	while (text[length])
		length++;
	return length;
}

static inline void semihosting_print(const char *text)
{
	semihosting_call(SYS_WRITE0, text);
}

/* A handle, or -1. */
static inline int32_t semihosting_open(const char *path, uintptr_t mode)
{
	const uintptr_t block[] = {(uintptr_t) path, mode, semihosting_length(path)};
	return semihosting_call(SYS_OPEN, block);
}
