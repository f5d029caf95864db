/* What the program shows: block B with each beat, block C when it is asked for. */

#include "crc.h"
#include "internal.h"

#define LONGEST_SHOWN_MS 25500U

/* Writes the two words of a number, high word first. */
static void put_pair(uint16_t *words, uint32_t value) {
    words[0] = (uint16_t)(value >> 16U);
    words[1] = (uint16_t)(value & 0xFFFFU);
}

static uint16_t bytes(uint32_t high, uint32_t low) {
    return (uint16_t)((high << 8U) | (low & 0xFFU));
}

uint32_t jidoka_plc_fault(const struct jidoka_plc *plc) {
    return plc->vital[V_FAULT];
}

uint32_t jidoka_plc_state(const struct jidoka_plc *plc) {
    uint32_t state = JIDOKA_PLC_STATE_OFF;
    if (jidoka_has(plc, F_ARMED)) {
        state = JIDOKA_PLC_STATE_ARMED;
    } else if (jidoka_has(plc, F_REQUEST)) {
        state = JIDOKA_PLC_STATE_ARMING;
    } else if (plc->vital[V_FAULT] != JIDOKA_FAULT_NONE) {
        state = JIDOKA_PLC_STATE_TRIPPED;
    } else if (plc->vital[V_CONNECTION] != 0U) {
        state = JIDOKA_PLC_STATE_IDLE;
    } else {
        /* no session */
    }
    return state;
}

void jidoka_plc_block_b(const struct jidoka_plc *plc, const struct jidoka_record *record,
                        const struct jidoka_plc_config *config, const struct jidoka_plc_inputs *in,
                        uint16_t words[JIDOKA_B_WORDS]) {
    const uint32_t connection = plc->vital[V_CONNECTION];
    const uint32_t press = jidoka_least(plc->press_ms, LONGEST_SHOWN_MS) / JIDOKA_B_PRESS_MS_SCALE;
    const uint32_t left_ms = (connection != 0U) ? jidoka_left_ms(plc, config->hold_limit_ms) : 0U;
    words[JIDOKA_B_FORMAT_WORD] = JIDOKA_B_FORMAT_FIXED;
    words[JIDOKA_B_CONNECTION_WORD] = (uint16_t)connection;
    words[JIDOKA_B_ECHO_WORD] = (uint16_t)plc->vital[V_NUMBER];
    words[JIDOKA_B_COUNTER_WORD] = (uint16_t)(plc->vital[V_TICKS] >> 16U);
    words[JIDOKA_B_ACTUAL_WORD] = in->actual;
    words[JIDOKA_B_FAULT_WORD] = bytes(jidoka_plc_state(plc), plc->vital[V_FAULT]);
    words[JIDOKA_B_INPUTS_WORD] = bytes(press, in->inputs);
    words[JIDOKA_B_EDGES_WORD] = plc->edges;
    words[JIDOKA_B_REMAINING_MS_WORD] = jidoka_saturating(left_ms);
    words[JIDOKA_B_PARTS_WORD] = (uint16_t)(record->part_count & 0xFFFFU);
    words[JIDOKA_B_RECIPE_WORD] = in->recipe;
    words[JIDOKA_B_ACKNOWLEDGES_WORD] = bytes(in->acknowledges, in->acknowledge_reason);
    words[JIDOKA_B_PERSON_WORD] = in->person;
    words[JIDOKA_B_ACCEPTED_WORD] = bytes(in->inputs2, plc->vital[V_ACCEPTED]);
    put_pair(&words[JIDOKA_B_WORDS - 2U],
             jidoka_crc32_close(jidoka_crc32_words(JIDOKA_CRC32_START, words, JIDOKA_B_WORDS - 2U), config->unit,
                                JIDOKA_B_DIRECTION));
}

uint32_t jidoka_plc_block_c(const struct jidoka_plc *plc, const struct jidoka_record *record,
                            const struct jidoka_plc_config *config, uint16_t head[JIDOKA_C_RING_WORD]) {
    head[JIDOKA_C_FORMAT_WORD] = JIDOKA_C_FORMAT_FIXED;
    head[JIDOKA_C_VERSION_WORD] = JIDOKA_VERSION;
    put_pair(&head[JIDOKA_C_MAP_DIGEST_WORD], JIDOKA_MAP_DIGEST);
    head[JIDOKA_C_HOLD_LIMIT_MS_WORD] = (uint16_t)config->hold_limit_ms;
    head[JIDOKA_C_LONGEST_SCAN_MS_WORD] = plc->longest_scan_ms;
    head[JIDOKA_C_FLAGS_WORD] = JIDOKA_FLAG_FC23;
    for (uint32_t i = 0U; i < JIDOKA_REFUSED_COUNTED; i++) {
        head[JIDOKA_C_REFUSED_CRC_WORD + i] = plc->counts[i];
    }
    put_pair(&head[JIDOKA_C_PART_COUNT_WORD], record->part_count);
    head[JIDOKA_C_RING_EPOCH_WORD] = record->epoch;
    head[JIDOKA_C_RING_NEXT_WORD] = record->next_place;
    put_pair(&head[JIDOKA_C_KEY_SECONDS_WORD], record->key_seconds);
    head[JIDOKA_C_KEY_TIMES_WORD] = record->key_times;
    head[JIDOKA_C_RESETS_WORD] = record->resets;
    put_pair(&head[JIDOKA_C_PARTS_WITHOUT_SESSION_WORD], record->parts_without_session);
    put_pair(&head[JIDOKA_C_APPROVED_DIGEST_WORD], record->approved);
    const uint32_t sum = jidoka_crc32_words(JIDOKA_CRC32_START, head, JIDOKA_C_RING_WORD);
    return jidoka_crc32_close(jidoka_crc32_words(sum, record->ring, JIDOKA_C_RING_WORDS), config->unit,
                              JIDOKA_C_DIRECTION);
}
