#include "board.h"

#define DATA 0
#define INTERRUPT_ENABLE 1
#define LINE_CONTROL 3
#define LINE_STATUS 5
#define INTERRUPT_RECEIVE 1
#define LINE_8_BITS 3
#define STATUS_RECEIVED 0x01
#define STATUS_TRANSMIT_EMPTY 0x20

static const uintptr_t bases[] = {BOARD_UART_BASES};
static const unsigned interrupts[] = {BOARD_UART_INTERRUPTS};

static volatile uint8_t *byte_register(unsigned port, unsigned offset)
{
	return (volatile uint8_t *) (bases[port] + offset);
}

/* The FIFO stays off: switching it on throws away what has come in already. */
void uart_init(unsigned port)
{
	*byte_register(port, LINE_CONTROL) = LINE_8_BITS;
}

void uart_listen(unsigned port)
{
	*byte_register(port, INTERRUPT_ENABLE) = INTERRUPT_RECEIVE;
	cpu_enable_interrupt(interrupts[port]);
}

void uart_put(unsigned port, char byte)
{
	while (!(*byte_register(port, LINE_STATUS) & STATUS_TRANSMIT_EMPTY))
		;
	*byte_register(port, DATA) = (uint8_t) byte;
}

int uart_get(unsigned port)
{
	if (!(*byte_register(port, LINE_STATUS) & STATUS_RECEIVED))
		return -1;
	return *byte_register(port, DATA);
}
