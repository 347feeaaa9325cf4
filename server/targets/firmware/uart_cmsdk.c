#include "board.h"

#define DATA 0x00
#define STATE 0x04
#define CONTROL 0x08
#define INTERRUPT_CLEAR 0x0C
#define BAUD_DIVIDER 0x10
#define STATE_TRANSMIT_FULL (1u << 0)
#define STATE_RECEIVE_FULL (1u << 1)
#define CONTROL_TRANSMIT (1u << 0)
#define CONTROL_RECEIVE (1u << 1)
#define CONTROL_RECEIVE_INTERRUPT (1u << 3)
#define INTERRUPT_RECEIVE (1u << 1)
#define FASTEST_DIVIDER 16

static const uintptr_t bases[] = {BOARD_UART_BASES};
static const unsigned interrupts[] = {BOARD_UART_INTERRUPTS};

void uart_init(unsigned port)
{
	register_write(bases[port] + BAUD_DIVIDER, FASTEST_DIVIDER);
	register_write(bases[port] + CONTROL, CONTROL_TRANSMIT | CONTROL_RECEIVE);
	/* QEMU looks again for input when a byte is taken, not when the receiver is switched on. */
	register_read(bases[port] + DATA);
}

void uart_listen(unsigned port)
{
	register_write(bases[port] + CONTROL, CONTROL_TRANSMIT | CONTROL_RECEIVE | CONTROL_RECEIVE_INTERRUPT);
	cpu_enable_interrupt(interrupts[port]);
}

void uart_put(unsigned port, char byte)
{
	while (register_read(bases[port] + STATE) & STATE_TRANSMIT_FULL)
		;
	register_write(bases[port] + DATA, (uint8_t) byte);
}

int uart_get(unsigned port)
{
	if (!(register_read(bases[port] + STATE) & STATE_RECEIVE_FULL))
		return -1;
	/* Cleared before the byte is taken: the next one may come at once and raise it again. */
	register_write(bases[port] + INTERRUPT_CLEAR, INTERRUPT_RECEIVE);
	return (int) (register_read(bases[port] + DATA) & 0xFF);
}
