/* The machine behind the PLC, for rigs and demonstrations: a conveyor, its part counter, keys and buttons.
 *
 * Panel lines: press, release, start, stop, key on|off, auto on|off, ready on|off, safety on|off,
 * changeover on|off, drill on|off, fallback on|off, recipe N; and for tests: feedback withhold|machine|ai|ok (what
 * the relays read back), hang (the program stops answering). A PLC at a real machine has none of this. */

#ifndef JIDOKA_MACHINE_H
#define JIDOKA_MACHINE_H

#include "jidoka_plc.h"

/* longest panel line and its end */
#define JIDOKA_LINE_BYTES 20U

/* feedback: what the relays read back, 0 = what they do. Times are ms, or us where said. */
struct jidoka_machine {
    uint32_t interval_us;
    uint32_t since_part_us;
    uint32_t start_at_ms;
    uint16_t feedback;
    uint16_t recipe;
    uint8_t inputs;
    uint8_t inputs2;
    bool is_started;
    bool is_stopped;
    bool may_start;
    bool is_running;
    bool hangs;
};

/* rate_mhz: parts in a thousand seconds. At power-up: key in AUTO, chain closed, machine and fallback ready. */
void jidoka_machine_init(struct jidoka_machine *machine, uint32_t rate_mhz, uint16_t recipe);

/* Acts on one panel line. False: it isn't one. */
bool jidoka_machine_command(struct jidoka_machine *machine, const char *line);

/* One scan after the PLC's rule; returns how many parts came in it. The counted press is the start as well; a drop
 * of the output stops the conveyor, and it doesn't start again by itself. Under the override key the plant's own
 * program runs it. */
uint32_t jidoka_machine_scan(struct jidoka_machine *machine, uint32_t now_ms, uint32_t passed_ms, uint32_t output,
                             bool is_press_counted);

#endif
