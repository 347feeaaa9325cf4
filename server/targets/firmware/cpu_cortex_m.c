#include "board.h"

#define SYSTICK_CONTROL 0xE000E010
#define SYSTICK_RELOAD 0xE000E014
#define SYSTICK_CURRENT 0xE000E018
#define SYSTICK_ENABLE 1u
#define SYSTICK_INTERRUPT 2u
#define SYSTICK_CPU_CLOCK 4u
#define SYSTICK_COUNTED (1u << 16)
#define NVIC_SET_ENABLE 0xE000E100
#define NVIC_CLEAR_PENDING 0xE000E280
#define NVIC_WORDS 8
#define INTERRUPT_CONTROL 0xE000ED04
#define CLEAR_PENDING_SYSTICK (1u << 25)
#define RESET_CONTROL 0xE000ED0C
#define RESET_REQUEST 0x05FA0004
#define SEMIHOSTING_EXIT_EXTENDED 0x20
#define SEMIHOSTING_APPLICATION_EXIT 0x20026

/* The linker script's. */
extern uint32_t stack_top[], data_start[], data_end[], data_source[], bss_start[], bss_end[];

/* A reset leaves the memory as it was: volatile keeps these loops from becoming calls of memcpy. */
void start(void)
{
	__asm volatile("cpsid i");
	volatile uint32_t *to = data_start;
	for (uint32_t *from = data_source; to < data_end; from++)
		*to++ = *from;
	for (to = bss_start; to < bss_end; to++)
		*to = 0;
	firmware_main();
	for (;;)
		__asm volatile("wfi");
}

void cpu_crash(void)
{
	__builtin_trap();
}

static void crash_again(void)
{
	cpu_crash();
}

__attribute__((section(".vectors"), used)) static const struct {
	uint32_t *stack;
	void (*handlers[15])(void);
} vectors = {
    stack_top,
    {start, crash_again, crash_again, crash_again, crash_again, crash_again},
};

void cpu_enable_interrupt(unsigned interrupt)
{
	register_write(NVIC_SET_ENABLE + interrupt / 32 * 4, 1u << interrupt % 32);
}

void cpu_wait(void)
{
	__asm volatile("dsb; wfi" ::: "memory");
	for (unsigned word = 0; word < NVIC_WORDS; word++)
		register_write(NVIC_CLEAR_PENDING + word * 4, UINT32_MAX);
}

/* The counter has 24 bits: milliseconds one by one would fit any clock, ten at a time wake up less. */
static void sleep_ticks(uint32_t ticks)
{
	register_write(SYSTICK_RELOAD, ticks - 1);
	register_write(SYSTICK_CURRENT, 0);
	register_write(SYSTICK_CONTROL, SYSTICK_CPU_CLOCK | SYSTICK_INTERRUPT | SYSTICK_ENABLE);
	while (!(register_read(SYSTICK_CONTROL) & SYSTICK_COUNTED))
		__asm volatile("dsb; wfi" ::: "memory");
	register_write(SYSTICK_CONTROL, 0);
	register_write(INTERRUPT_CONTROL, CLEAR_PENDING_SYSTICK);
}

void cpu_sleep_ms(unsigned ms)
{
	for (; ms >= 10; ms -= 10)
		sleep_ticks(BOARD_CLOCK_KHZ * 10);
	if (ms)
		sleep_ticks(BOARD_CLOCK_KHZ * ms);
}

void cpu_reset(void)
{
	register_write(RESET_CONTROL, RESET_REQUEST);
	for (;;)
		__asm volatile("wfi");
}

void cpu_exit(int code)
{
	const uint32_t block[] = {SEMIHOSTING_APPLICATION_EXIT, (uint32_t) code};
	register uint32_t operation __asm("r0") = SEMIHOSTING_EXIT_EXTENDED;
	register const uint32_t *argument __asm("r1") = block;
	__asm volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
	for (;;)
		__asm volatile("wfi");
}
