#include "board.h"

#define DATA 0x00
#define FLAGS 0x18
#define LINE_CONTROL 0x2C
#define CONTROL 0x30
#define INTERRUPT_MASK 0x38
#define FLAG_RECEIVE_EMPTY (1u << 4)
#define FLAG_TRANSMIT_FULL (1u << 5)
#define LINE_8_BITS (3u << 5)
#define CONTROL_ENABLE 0x301u
#define INTERRUPT_RECEIVE (1u << 4)

static const uintptr_t bases[] = {BOARD_UART_BASES};
static const unsigned interrupts[] = {BOARD_UART_INTERRUPTS};

/* The FIFO stays off: switching it on throws away what has come in already. */
void uart_init(unsigned port)
{
	register_write(bases[port] + LINE_CONTROL, LINE_8_BITS);
	register_write(bases[port] + CONTROL, CONTROL_ENABLE);
}

void uart_listen(unsigned port)
{
	register_write(bases[port] + INTERRUPT_MASK, INTERRUPT_RECEIVE);
	cpu_enable_interrupt(interrupts[port]);
}

void uart_put(unsigned port, char byte)
{
	while (register_read(bases[port] + FLAGS) & FLAG_TRANSMIT_FULL)
		;
	register_write(bases[port] + DATA, (uint8_t) byte);
}

int uart_get(unsigned port)
{
	if (register_read(bases[port] + FLAGS) & FLAG_RECEIVE_EMPTY)
		return -1;
	return (int) (register_read(bases[port] + DATA) & 0xFF);
}
