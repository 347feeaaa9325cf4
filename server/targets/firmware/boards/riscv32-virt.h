#pragma once

#define BOARD_NAME "riscv32-virt"
#define BOARD_CLOCK_KHZ 10000
#define BOARD_UART_BASES 0x10000000
#define BOARD_UART_INTERRUPTS 10
