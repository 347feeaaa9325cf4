#include "board.h"

#define STATUS 0x00
#define DATA 0x04
#define CONTROL_1 0x0C
#define STATUS_RECEIVED (1u << 5)
#define STATUS_TRANSMIT_EMPTY (1u << 7)
#define CONTROL_RECEIVE (1u << 2)
#define CONTROL_TRANSMIT (1u << 3)
#define CONTROL_RECEIVE_INTERRUPT (1u << 5)
#define CONTROL_ENABLE (1u << 13)

static const uintptr_t bases[] = {BOARD_UART_BASES};
static const unsigned interrupts[] = {BOARD_UART_INTERRUPTS};

void uart_init(unsigned port)
{
	register_write(bases[port] + CONTROL_1, CONTROL_ENABLE | CONTROL_TRANSMIT | CONTROL_RECEIVE);
}

void uart_listen(unsigned port)
{
	register_write(bases[port] + CONTROL_1,
		       register_read(bases[port] + CONTROL_1) | CONTROL_RECEIVE_INTERRUPT);
	cpu_enable_interrupt(interrupts[port]);
}

void uart_put(unsigned port, char byte)
{
	while (!(register_read(bases[port] + STATUS) & STATUS_TRANSMIT_EMPTY))
		;
	register_write(bases[port] + DATA, (uint8_t) byte);
}

int uart_get(unsigned port)
{
	if (!(register_read(bases[port] + STATUS) & STATUS_RECEIVED))
		return -1;
	return (int) (register_read(bases[port] + DATA) & 0xFF);
}
