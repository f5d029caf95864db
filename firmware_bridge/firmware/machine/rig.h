/* One rig: the PLC's program, its Modbus server and the machine behind it, as every port runs them. */

#ifndef JIDOKA_RIG_H
#define JIDOKA_RIG_H

#include "machine.h"
#include "modbus.h"

/* What a port tells to whoever watches: a letter and up to three numbers.
 * o: output now, before, why with the ms since the scan before << 8   p: press length ms, accepted   f: fault   s: state   k: inputs   c: running, parts
 * n: a part's number   u: output, twice a second   d: block D refused   m: memory fault   x: unknown panel line */
void jidoka_tell(char what, uint32_t one, uint32_t two, uint32_t three);

struct jidoka_rig {
    struct jidoka_plc plc;
    struct jidoka_modbus modbus;
    struct jidoka_machine machine;
    struct jidoka_plc_inputs in;
    struct jidoka_plc_outputs out;
    uint32_t last_ms;
    uint32_t shown_ms;
    uint32_t parts;
    uint16_t output;
    uint8_t state;
    uint8_t fault;
    uint8_t inputs;
    bool was_running;
    uint8_t line_bytes;
    char line[JIDOKA_LINE_BYTES];
};

void jidoka_rig_init(struct jidoka_rig *rig, uint32_t now_ms, uint32_t rate_mhz, uint16_t recipe);

/* A character of the panel's line. */
void jidoka_rig_panel(struct jidoka_rig *rig, char character);

/* One scan: frames in, rule, machine, blocks out. The port has put now_ms, actual and random into `rig->in`. */
void jidoka_rig_scan(struct jidoka_rig *rig, struct jidoka_record *record, const struct jidoka_plc_config *config);

#endif
