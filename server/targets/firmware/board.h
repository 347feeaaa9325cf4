#pragma once

/*
 * What the demo and test firmware need of a board: serial ports, a wait that costs no CPU, a pause.
 * Cortex-M and RISC-V each bring a startup, each UART model a driver; boards/<name>.h holds the numbers.
 * Interrupts are only ever pending, never taken: pending and enabled is what ends a wait for interrupt,
 * and so no byte can slip in between looking and waiting.
 */

#include <stdint.h>

/* What a firmware is; when it returns, the board idles. */
void firmware_main(void);

static inline void register_write(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *) address = value;
}

static inline uint32_t register_read(uintptr_t address)
{
	return *(volatile uint32_t *) address;
}

/* The processor's part. */
void cpu_enable_interrupt(unsigned interrupt);
/* Sleeps until an enabled interrupt is pending, and clears it. */
void cpu_wait(void);
void cpu_sleep_ms(unsigned ms);
_Noreturn void cpu_reset(void);
/* Ends the way this processor does after a fault in a fault: Cortex-M locks up. */
_Noreturn void cpu_crash(void);
/* Ends the emulator by semihosting, which it must have been started with. */
_Noreturn void cpu_exit(int code);

/* The UART's part; ports count from 0. */
void uart_init(unsigned port);
/* From now on a byte that comes in ends cpu_wait. */
void uart_listen(unsigned port);
void uart_put(unsigned port, char byte);
/* -1: none there. */
int uart_get(unsigned port);

/* Waits for a byte. */
char console_read(void);
void console_print(const char *text);
void console_print_number(unsigned number);
