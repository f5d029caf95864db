#include "board.h"

#define RING_BYTES 32U /* 2.8 ms at 115200 baud; the loop takes them within one scan's computing time */
#define PANEL_BAUD 115200U
#define PANEL_PATIENCE 4000U
#define WATCHDOG_MS 110U /* the NMI comes after this, the reset after as much again */

static volatile uint8_t ring[RING_BYTES];
static volatile uint8_t ring_in;
static volatile uint8_t ring_out;
static volatile uint16_t phase;

void board_init(uint32_t baud, uint32_t watchdog_ms) {
    FPGA_IO->leds = 0U;
    FPGA_IO->prescale = (COUNTER_CLOCK_HZ / 1000U) - 1U; /* the counter counts ms, by hardware alone */
    SYSTICK->reload = 0x00FFFFFFU;
    SYSTICK->control = SYSTICK_ON_CORE_CLOCK;
    UART0->divider = CLOCK_HZ / baud;
    UART0->control = UART_TX_ON | UART_RX_ON | UART_RX_INTERRUPT_ON;
    UART1->divider = CLOCK_HZ / PANEL_BAUD;
    UART1->control = UART_TX_ON | UART_RX_ON;
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG->load = (CLOCK_HZ / 1000U) * ((watchdog_ms != 0U) ? watchdog_ms : WATCHDOG_MS);
    WATCHDOG->control = WATCHDOG_INTERRUPT_AND_RESET;
    NVIC_ENABLE = 1U << UART0_RX_INTERRUPT;
}

uint32_t board_now_ms(void) {
    return FPGA_IO->counter;
}

void board_feed_watchdog(void) {
    WATCHDOG->clear = 1U;
}

void board_set_output(uint32_t bits) {
    FPGA_IO->leds = bits;
}

uint32_t board_output(void) {
    return FPGA_IO->leds & 3U;
}

void board_agent_interrupt(void) {
    UART0->interrupt = UART_RX_INTERRUPT; /* first, so that a byte that comes while we drain isn't forgotten */
    while ((UART0->state & UART_RX_FULL) != 0U) {
        const uint8_t next = (uint8_t)((ring_in + 1U) % RING_BYTES);
        ring[ring_in] = (uint8_t)UART0->data;
        if (next != ring_out) { /* else it is full: the byte is lost, and its frame with it */
            ring_in = next;
        }
        phase = (uint16_t)((phase << 3U) ^ (phase >> 13U) ^ SYSTICK->value);
    }
}

bool board_agent_read(uint8_t *byte) {
    const bool is_there = ring_out != ring_in;
    if (is_there) {
        *byte = ring[ring_out];
        ring_out = (uint8_t)((ring_out + 1U) % RING_BYTES);
    }
    return is_there;
}

bool board_agent_can_write(void) {
    return (UART0->state & UART_TX_FULL) == 0U;
}

void board_agent_write(uint8_t byte) {
    UART0->data = byte;
}

bool board_panel_read(char *character) {
    const bool is_there = (UART1->state & UART_RX_FULL) != 0U;
    if (is_there) {
        *character = (char)UART1->data;
    }
    return is_there;
}

void board_panel_write(char character) {
    for (uint32_t i = 0U; (i < PANEL_PATIENCE) && ((UART1->state & UART_TX_FULL) != 0U); i++) {
    }
    UART1->data = (uint32_t)character;
}

uint16_t board_random(void) {
    return phase;
}
