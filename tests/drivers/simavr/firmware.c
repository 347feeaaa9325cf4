/* For an ATmega328P: says hello, echoes what it is sent, and ends its emulator on a Q. */

#define REGISTER(address) (*(volatile unsigned char *) (address))
#define UCSR0A REGISTER(0xc0)
#define UCSR0B REGISTER(0xc1)
#define UBRR0L REGISTER(0xc4)
#define UDR0 REGISTER(0xc6)

enum { RXC = 0x80, UDRE = 0x20, RXEN = 0x10, TXEN = 0x08 };

int main(void);

/* What an AVR executes first lies at address 0: a cleared r1, the stack at the end of RAM, and off. */
__attribute__((section(".reset"), naked, used)) void reset(void)
{
	__asm__("clr r1\n\t"
		"ldi r28, 0xff\n\t"
		"ldi r29, 0x08\n\t"
		"out 0x3e, r29\n\t"
		"out 0x3d, r28\n\t"
		"rjmp main");
}

static void put(char byte)
{
	while (!(UCSR0A & UDRE))
		continue;
	UDR0 = (unsigned char) byte;
}

/* Letters as immediates: this has no start-up code that would fill the RAM. */
int main(void)
{
	UBRR0L = 8; /* 115200 baud at 16 MHz */
	UCSR0B = RXEN | TXEN;
	put('H'), put('e'), put('l'), put('l'), put('o'), put(' ');
	put('A'), put('V'), put('R'), put('\r'), put('\n');
	for (;;) {
		while (!(UCSR0A & RXC))
			continue;
		char byte = (char) UDR0;
		put(byte);
		if (byte == 'Q')
			__asm__ volatile("cli\n\tsleep"); /* simavr takes that for the end */
	}
}
