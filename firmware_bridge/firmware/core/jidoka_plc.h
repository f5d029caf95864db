/* The PLC's side of the link: one program, scan by scan, without allocation, I/O or a clock of its own.
 *
 * The port calls jidoka_plc_scan() each scan with the milliseconds of a free-running counter (it may wrap; only
 * differences are used) and writes `output` to the relays. Whatever the agent sends lowers the output or keeps it;
 * it rises once after a press of the wired reset button that lay wholly within a renewed arm-request.
 * The behaviour is that of the reference model in Python (jidoka_bridge.plc), scan for scan.
 */

#ifndef JIDOKA_PLC_H
#define JIDOKA_PLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registers.h"

/* firmware version, major << 8 | minor */
#define JIDOKA_VERSION 0x0100U

/* why the output changed */
#define JIDOKA_WHY_NONE 0U
#define JIDOKA_WHY_HOLD_TIME_OVER 1U
#define JIDOKA_WHY_KEY 2U
#define JIDOKA_WHY_RELAY_FEEDBACK 3U
#define JIDOKA_WHY_WITHHELD 4U
#define JIDOKA_WHY_ABSTAINED 5U
#define JIDOKA_WHY_RAISE_WITHOUT_PRESS 6U
#define JIDOKA_WHY_PRESS 7U
#define JIDOKA_WHY_LOWERED 8U
#define JIDOKA_WHY_MEMORY 9U /* a safety variable differed from its complement */

/* why block A was refused; the first five are counted in block C, in this order */
#define JIDOKA_REFUSED_CRC 0U
#define JIDOKA_REFUSED_FORMAT 1U
#define JIDOKA_REFUSED_CONNECTION 2U
#define JIDOKA_REFUSED_NUMBER 3U
#define JIDOKA_REFUSED_STAMP 4U
#define JIDOKA_REFUSED_COUNTED 5U
#define JIDOKA_REFUSED_WORD 5U
#define JIDOKA_REFUSED_NOT 6U

/* safety variables, kept twice: as they are and as complements */
#define JIDOKA_VITAL_WORDS 16U

/* words of a ledger head: size (2), root prefix (4) */
#define JIDOKA_HEAD_WORDS 6U

/* Constant, in flash. hold_limit_ms: the PLC's own limit W of the hold time, at most 2550; relay_ms: after which
 * the output must read back as written; unit: Modbus station, 1 to 247. */
struct jidoka_plc_config {
    uint32_t hold_limit_ms;
    uint32_t relay_ms;
    uint8_t unit;
};

/* What a scan gets. block_a: as it stands in the registers, NULL while nobody has written it; block_d: NULL unless
 * it was written since the last scan; parts: new ones in this scan; random: a connection id may be drawn from it. */
struct jidoka_plc_inputs {
    uint32_t now_ms;
    const uint16_t *block_a;
    const uint16_t *block_d;
    uint32_t parts;
    uint16_t actual;
    uint16_t recipe;
    uint16_t person;
    uint16_t random;
    uint8_t inputs;
    uint8_t inputs2;
    uint8_t acknowledges;
    uint8_t acknowledge_reason;
};

/* What a scan did. output, was: permissive words; why: of the last change of the output; refused: why block A was;
 * press_ms: length of the press that ended in this scan, if is_pressed; record_refused: block D was not taken. */
struct jidoka_plc_outputs {
    uint32_t press_ms;
    uint16_t output;
    uint16_t was;
    uint8_t why;
    uint8_t refused;
    bool is_pressed;
    bool is_accepted;
    bool is_record_refused;
};

/* Memory that outlives a reset, where the port has such. seal: CRC-32 over the rest. */
struct jidoka_record {
    uint32_t seal;
    uint32_t approved;
    uint32_t approved_check;
    uint32_t part_count;
    uint32_t parts_without_session;
    uint32_t key_seconds;
    uint16_t key_rest_ms;
    uint16_t key_times;
    uint16_t resets;
    uint16_t epoch;
    uint16_t next_place;
    uint16_t head[JIDOKA_HEAD_WORDS];
    uint16_t ring[JIDOKA_C_RING_WORDS];
};

/* One PLC's program. The fields are the core's own. */
struct jidoka_plc {
    uint32_t vital[JIDOKA_VITAL_WORDS];
    uint32_t complement[JIDOKA_VITAL_WORDS];
    uint32_t run_since_ms;
    uint32_t run_at_ms;
    uint32_t differs_since_ms;
    uint32_t hour_ms;
    uint16_t last_a[JIDOKA_A_WORDS];
    uint16_t counts[JIDOKA_REFUSED_COUNTED];
    uint16_t refused_run[JIDOKA_REFUSED_COUNTED];
    uint16_t run;
    uint16_t edges;
    uint16_t press_ms;
    uint16_t longest_scan_ms;
    uint8_t refused_order[JIDOKA_REFUSED_COUNTED];
    uint8_t refused_kinds;
    bool has_last_a;
    bool is_key_on;
    bool is_unsealed;
};

/* Power-up: no session, nothing given, nothing remembered of the time before but what `record` holds. */
void jidoka_plc_init(struct jidoka_plc *plc);

/* One scan. */
void jidoka_plc_scan(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_config *config,
                     const struct jidoka_plc_inputs *in, struct jidoka_plc_outputs *out);

/* Block B as the program leaves it at the end of a scan; `in` is what that scan got. */
void jidoka_plc_block_b(const struct jidoka_plc *plc, const struct jidoka_record *record,
                        const struct jidoka_plc_config *config, const struct jidoka_plc_inputs *in,
                        uint16_t words[JIDOKA_B_WORDS]);

/* The words of block C before the ring, and its CRC-32 with the ring as it stands. */
uint32_t jidoka_plc_block_c(const struct jidoka_plc *plc, const struct jidoka_record *record,
                            const struct jidoka_plc_config *config, uint16_t head[JIDOKA_C_RING_WORD]);

uint32_t jidoka_plc_state(const struct jidoka_plc *plc);
uint32_t jidoka_plc_fault(const struct jidoka_plc *plc);

/* A record that remembers nothing. */
void jidoka_record_clear(struct jidoka_record *record);

/* True if the record is as it was sealed; the port clears it otherwise. */
bool jidoka_record_is_whole(const struct jidoka_record *record);

#endif
