/* Reset, the vector table, and what happens when the program is lost: the output goes off and the watchdog bites. */

#include <stdint.h>

#include "board.h"
#include "retained.h"

extern uint32_t stack_top;

void board_agent_interrupt(void);
void lost(void);
void fault(void);

struct retained retained __attribute__((section(".noinit")));

/* NMI: the watchdog ran out. It resets us when it has run out again. */
void lost(void) {
    FPGA_IO->leds = 0U;
    if (retained.mark == RETAINED_RUNNING) {
        retained.mark = RETAINED_WATCHDOG;
    }
    for (;;) {
    }
}

/* A fault of the processor, or an interrupt that nobody expects. */
void fault(void) {
    FPGA_IO->leds = 0U;
    retained.mark = RETAINED_FAULT;
    for (;;) { /* until the watchdog resets us; its NMI keeps the mark */
    }
}

#define EXCEPTIONS 16U
#define INTERRUPTS 1U /* no other is ever enabled */

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const handler vectors[EXCEPTIONS + INTERRUPTS] = {
    (handler)(uintptr_t)&stack_top,
    reset,
    lost,
    [3 ... EXCEPTIONS + UART0_RX_INTERRUPT - 1U] = fault,
    [EXCEPTIONS + UART0_RX_INTERRUPT] = board_agent_interrupt,
};
