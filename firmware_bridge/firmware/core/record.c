/* What is remembered of the ledger and of the hours without a session.
 *
 * Only a growing ledger size is taken, and the ring of hourly heads advances by itself, so that nobody who holds the
 * device later can shorten its history unseen. A smaller size (a spare device) needs key and button held at the
 * machine, which starts a new epoch. */

#include "crc.h"
#include "internal.h"

#define HOUR_MS 3600000U
#define SECOND_MS 1000U
#define HELD (JIDOKA_INPUT_OVERRIDE_KEY | JIDOKA_INPUT_RESET_BUTTON)

static uint32_t add(uint32_t crc, uint32_t value) {
    uint32_t sum = crc;
    for (uint32_t shift = 0U; shift < 32U; shift += 8U) {
        sum = jidoka_crc32_byte(sum, (value >> shift) & 0xFFU);
    }
    return sum;
}

static uint32_t seal_of(const struct jidoka_record *record) {
    uint32_t sum = add(JIDOKA_CRC32_START, record->approved);
    sum = add(sum, record->approved_check);
    sum = add(sum, record->part_count);
    sum = add(sum, record->parts_without_session);
    sum = add(sum, record->key_seconds);
    sum = add(sum, ((uint32_t)record->key_rest_ms << 16U) | record->key_times);
    sum = add(sum, ((uint32_t)record->resets << 16U) | record->epoch);
    sum = add(sum, record->next_place);
    sum = jidoka_crc32_words(sum, record->head, JIDOKA_HEAD_WORDS);
    return ~jidoka_crc32_words(sum, record->ring, JIDOKA_C_RING_WORDS);
}

void jidoka_record_clear(struct jidoka_record *record) {
    *record = (struct jidoka_record){0};
    record->approved_check = ~record->approved;
    record->seal = seal_of(record);
}

bool jidoka_record_is_whole(const struct jidoka_record *record) {
    return (record->seal == seal_of(record)) && (record->next_place < (JIDOKA_C_RING_WORDS / JIDOKA_HEAD_WORDS));
}

static uint32_t pair(const uint16_t *words) {
    return ((uint32_t)words[0] << 16U) | words[1];
}

static void clear_ring(struct jidoka_record *record) {
    record->epoch++;
    record->next_place = 0U;
    for (uint32_t i = 0U; i < JIDOKA_C_RING_WORDS; i++) {
        record->ring[i] = 0U;
    }
}

/* The head that block D tells. Returns false where it isn't taken. */
static bool take_head(struct jidoka_record *record, const uint16_t *head, bool is_held) {
    const uint32_t size = pair(head);
    const uint32_t known = pair(record->head);
    bool is_taken = true;
    if (size < known) {
        is_taken = is_held;
        if (is_held) {
            clear_ring(record);
        }
    } else if (size == known) {
        for (uint32_t i = 0U; i < JIDOKA_HEAD_WORDS; i++) {
            is_taken = is_taken && (head[i] == record->head[i]);
        }
    } else {
        /* it has grown */
    }
    if (is_taken) {
        for (uint32_t i = 0U; i < JIDOKA_HEAD_WORDS; i++) {
            record->head[i] = head[i];
        }
    }
    return is_taken;
}

bool jidoka_record_take(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_config *config,
                        const struct jidoka_plc_inputs *in) {
    bool is_refused = false;
    const uint16_t *words = in->block_d;
    if (words == NULL) {
        /* nothing was written */
    } else if (!jidoka_is_sealed(words, JIDOKA_D_WORDS, config->unit, JIDOKA_D_DIRECTION) ||
               (words[JIDOKA_D_FORMAT_WORD] != JIDOKA_D_FORMAT_FIXED)) {
        plc->counts[JIDOKA_REFUSED_CRC] = jidoka_saturating((uint32_t)plc->counts[JIDOKA_REFUSED_CRC] + 1U);
    } else if (words[JIDOKA_D_CONNECTION_WORD] == plc->vital[V_CONNECTION]) {
        const bool is_held = ((uint32_t)in->inputs & HELD) == HELD;
        plc->vital[V_DIGEST] = pair(&words[JIDOKA_D_DIGEST_PREFIX_WORD]);
        if (is_held) {
            record->approved = plc->vital[V_DIGEST];
            record->approved_check = ~record->approved;
        }
        is_refused = !take_head(record, &words[JIDOKA_D_LEDGER_SIZE_WORD], is_held);
        plc->is_unsealed = true;
    } else {
        /* of another session */
    }
    return is_refused;
}

/* Plan and models are the ones that were approved here, or none was yet. */
bool jidoka_record_may_arm(const struct jidoka_plc *plc, const struct jidoka_record *record) {
    const bool is_approved = (record->approved == 0U) || (record->approved == plc->vital[V_DIGEST]);
    return is_approved && (record->approved == ~record->approved_check);
}

static void count_key(struct jidoka_record *record, uint32_t passed_ms) {
    const uint32_t rest_ms = record->key_rest_ms + passed_ms;
    record->key_seconds += rest_ms / SECOND_MS;
    record->key_rest_ms = (uint16_t)(rest_ms % SECOND_MS);
}

static void advance_ring(struct jidoka_record *record) {
    const uint32_t first = record->next_place * JIDOKA_HEAD_WORDS;
    for (uint32_t i = 0U; i < JIDOKA_HEAD_WORDS; i++) {
        record->ring[first + i] = record->head[i];
    }
    record->next_place = (uint16_t)((record->next_place + 1U) % (JIDOKA_C_RING_WORDS / JIDOKA_HEAD_WORDS));
}

void jidoka_record_scan(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_inputs *in,
                        uint32_t passed_ms, bool is_accepted) {
    const bool is_key_on = (in->inputs & JIDOKA_INPUT_OVERRIDE_KEY) != 0U;
    plc->is_unsealed = plc->is_unsealed || is_accepted || is_key_on || (in->parts != 0U);
    if (passed_ms > plc->longest_scan_ms) {
        plc->longest_scan_ms = jidoka_saturating(passed_ms);
    }
    if (is_key_on) {
        count_key(record, passed_ms);
        record->key_times = (uint16_t)(record->key_times + (plc->is_key_on ? 0U : 1U));
    }
    plc->is_key_on = is_key_on;
    record->part_count += in->parts;
    if (plc->vital[V_CONNECTION] == 0U) {
        record->parts_without_session += in->parts;
    }
    record->resets = (uint16_t)(record->resets + (is_accepted ? 1U : 0U));
    plc->hour_ms += passed_ms;
    if (plc->hour_ms >= HOUR_MS) {
        plc->hour_ms %= HOUR_MS;
        advance_ring(record);
        plc->is_unsealed = true;
    }
}

void jidoka_record_seal(struct jidoka_plc *plc, struct jidoka_record *record) {
    if (plc->is_unsealed) {
        record->seal = seal_of(record);
        plc->is_unsealed = false;
    }
}
