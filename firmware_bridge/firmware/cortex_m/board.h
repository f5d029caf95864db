/* What the port uses of the board: Arm MPS2 with the AN385 image (Cortex-M3), as QEMU emulates it.
 * Sources: Arm DAI0385 (memory map), CMSDK DDI0479 (UART, watchdog). */

#ifndef JIDOKA_BOARD_H
#define JIDOKA_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_HZ 25000000U
/* of the counter's prescaler */
#define COUNTER_CLOCK_HZ 20000000U

struct uart {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt; /* read: which; write 1: clear */
    volatile uint32_t divider;
};

#define UART_TX_FULL 1U
#define UART_RX_FULL 2U
#define UART_TX_ON 1U
#define UART_RX_ON 2U
#define UART_RX_INTERRUPT_ON 8U
#define UART_RX_INTERRUPT 2U

struct watchdog {
    volatile uint32_t load;
    volatile uint32_t value;
    volatile uint32_t control;
    volatile uint32_t clear;
};

#define WATCHDOG_INTERRUPT_AND_RESET 3U
#define WATCHDOG_UNLOCK 0x1ACCE551U

struct fpga_io {
    volatile uint32_t leds; /* bit 0: M, bit 1: A; what drives the relays */
    uint32_t reserved0;
    volatile uint32_t buttons;
    uint32_t reserved1;
    volatile uint32_t clock_1hz;
    volatile uint32_t clock_100hz;
    volatile uint32_t counter;
    volatile uint32_t prescale;
};

#define UART0 ((struct uart *)0x40004000U)
#define UART1 ((struct uart *)0x40005000U)
#define WATCHDOG ((struct watchdog *)0x40008000U)
#define WATCHDOG_LOCK (*(volatile uint32_t *)0x40008C00U)
#define FPGA_IO ((struct fpga_io *)0x40028000U)
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100U)
#define UART0_RX_INTERRUPT 0U

struct systick {
    volatile uint32_t control;
    volatile uint32_t reload;
    volatile uint32_t value;
};
#define SYSTICK ((struct systick *)0xE000E010U)
#define SYSTICK_ON_CORE_CLOCK 5U

void board_init(uint32_t baud, uint32_t watchdog_ms);
uint32_t board_now_ms(void);
void board_feed_watchdog(void);
/* The permissive's two bits to the relays, and what they read back. */
void board_set_output(uint32_t bits);
uint32_t board_output(void);
/* A byte that the agent's line brought; false for none. */
bool board_agent_read(uint8_t *byte);
bool board_agent_can_write(void);
void board_agent_write(uint8_t byte);
bool board_panel_read(char *character);
/* Waits for a character's time at most: without a panel nothing hangs. */
void board_panel_write(char character);
/* Not to be foreseen: the phase of a fast counter at the moments when bytes came. */
uint16_t board_random(void);

#endif
