#include "board.h"

#define PLIC_PRIORITY 0x0C000000
#define PLIC_ENABLE 0x0C002000
#define PLIC_CLAIM 0x0C200004
#define CLINT_COMPARE_LOW 0x02004000
#define CLINT_COMPARE_HIGH 0x02004004
#define CLINT_TIME_LOW 0x0200BFF8
#define TEST_DEVICE 0x00100000
#define TEST_DEVICE_RESET 0x7777
#define TEST_DEVICE_FAIL(code) ((code) << 16 | 0x3333)
#define TIMER_INTERRUPT (1u << 7)
#define EXTERNAL_INTERRUPT (1u << 11)
#define SEMIHOSTING_EXIT_EXTENDED 0x20
#define SEMIHOSTING_APPLICATION_EXIT 0x20026

/* The linker script's. */
extern uint32_t bss_start[], bss_end[];

/* The emulator loads the initialised data in place, at every reset too. */
__attribute__((used)) static void start_c(void)
{
	for (volatile uint32_t *word = bss_start; word < bss_end; word++)
		*word = 0;
	firmware_main();
	for (;;)
		__asm volatile("wfi");
}

__attribute__((naked, section(".start"), used)) void start(void)
{
	__asm volatile("la sp, stack_top\n"
		       "la t0, cpu_crash\n"
		       "csrw mtvec, t0\n"
		       "j start_c");
}

__attribute__((aligned(4))) void cpu_crash(void)
{
	register_write(TEST_DEVICE, TEST_DEVICE_FAIL(1));
	for (;;)
		__asm volatile("wfi");
}

void cpu_enable_interrupt(unsigned interrupt)
{
	register_write(PLIC_PRIORITY + interrupt * 4, 1);
	register_write(PLIC_ENABLE, register_read(PLIC_ENABLE) | 1u << interrupt);
	__asm volatile("csrs mie, %0" ::"r"(EXTERNAL_INTERRUPT));
}

void cpu_wait(void)
{
	__asm volatile("wfi" ::: "memory");
	uint32_t interrupt = register_read(PLIC_CLAIM);
	if (interrupt)
		register_write(PLIC_CLAIM, interrupt);
}

void cpu_sleep_ms(unsigned ms)
{
	uint32_t start = register_read(CLINT_TIME_LOW);
	uint32_t ticks = ms * BOARD_CLOCK_KHZ;
	/* The high word last, so that no value in between is ever due; 2^32 ticks are seven minutes. */
	register_write(CLINT_COMPARE_HIGH, UINT32_MAX);
	register_write(CLINT_COMPARE_LOW, start + ticks);
	register_write(CLINT_COMPARE_HIGH, register_read(CLINT_TIME_LOW + 4) + (start + ticks < start));
	__asm volatile("csrs mie, %0" ::"r"(TIMER_INTERRUPT));
	while (register_read(CLINT_TIME_LOW) - start < ticks)
		__asm volatile("wfi" ::: "memory");
	__asm volatile("csrc mie, %0" ::"r"(TIMER_INTERRUPT));
}

void cpu_reset(void)
{
	register_write(TEST_DEVICE, TEST_DEVICE_RESET);
	for (;;)
		__asm volatile("wfi");
}

void cpu_exit(int code)
{
	const uint32_t block[] = {SEMIHOSTING_APPLICATION_EXIT, (uint32_t) code};
	register uint32_t operation __asm("a0") = SEMIHOSTING_EXIT_EXTENDED;
	register const uint32_t *argument __asm("a1") = block;
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
	for (;;)
		__asm volatile("wfi");
}
