/* Which frames are taken: CRC, format, connection, consecutive number, stamp; and how long they keep the session.
 *
 * The stamp is what bounds delay: a frame that was held up in a buffer on the way is new by its number, but the hold
 * time runs from our own counter that it carries, so it renews nothing. */

#include "crc.h"
#include "internal.h"

#define MAX_STEP 8U
#define ARM_FRAMES 20U
#define ARM_MS 1000U
#define FAULT_RUN 3U

uint32_t jidoka_rank(uint32_t word) {
    uint32_t rank = 0U;
    if (word == JIDOKA_WORD_MACHINE_AND_AI) {
        rank = 2U;
    } else if (word == JIDOKA_WORD_MACHINE) {
        rank = 1U;
    } else {
        /* withhold, abstain, and whatever is no permissive word */
    }
    return rank;
}

bool jidoka_is_sealed(const uint16_t *words, uint32_t count, uint32_t unit, uint32_t direction) {
    const uint32_t body = count - 2U;
    const uint32_t sum = jidoka_crc32_close(jidoka_crc32_words(JIDOKA_CRC32_START, words, body), unit, direction);
    return sum == (((uint32_t)words[body] << 16U) | words[body + 1U]);
}

void jidoka_end_session(struct jidoka_plc *plc) {
    jidoka_clear(plc, F_SESSION);
    plc->vital[V_CONNECTION] = 0U;
    plc->run = 0U;
}

uint32_t jidoka_left_ms(const struct jidoka_plc *plc, uint32_t hold_limit_ms) {
    const uint32_t left_ms = plc->vital[V_EXPIRY_MS] - plc->vital[V_NOW_MS];
    return (left_ms > hold_limit_ms) ? 0U : left_ms;
}

bool jidoka_is_lapsed(const struct jidoka_plc *plc, uint32_t hold_limit_ms) {
    const uint32_t left_ms = plc->vital[V_EXPIRY_MS] - plc->vital[V_NOW_MS];
    /* past, as a difference without sign, is longer than any limit, and so is what no frame could have asked for */
    return (plc->vital[V_CONNECTION] != 0U) && (left_ms > hold_limit_ms);
}

/* The most frequent reason since the last good frame; of equals the one that came first. */
uint32_t jidoka_lapse_fault(const struct jidoka_plc *plc) {
    /* what a run of refused frames until the hold time was over is called, by reason */
    static const uint8_t run_faults[JIDOKA_REFUSED_COUNTED] = {
        JIDOKA_FAULT_CRC_RUN, JIDOKA_FAULT_FORMAT, JIDOKA_FAULT_WRONG_CONNECTION,
        JIDOKA_FAULT_SEQUENCE_GAP, JIDOKA_FAULT_WATCHDOG,
    };
    uint32_t fault = JIDOKA_FAULT_WATCHDOG;
    uint32_t most = FAULT_RUN - 1U;
    uint32_t first = 0U;
    for (uint32_t i = 0U; i < JIDOKA_REFUSED_COUNTED; i++) {
        const uint32_t times = plc->refused_run[i];
        if ((times > most) || ((times == most) && (plc->refused_order[i] < first))) {
            fault = run_faults[i];
            most = times;
            first = plc->refused_order[i];
        }
    }
    return fault;
}

static void accept(struct jidoka_plc *plc, uint32_t number) {
    plc->vital[V_NUMBER] = number;
    jidoka_set(plc, F_HAS_NUMBER);
    plc->refused_kinds = 0U;
    for (uint32_t i = 0U; i < JIDOKA_REFUSED_COUNTED; i++) {
        plc->refused_run[i] = 0U;
    }
}

static void count_refused(struct jidoka_plc *plc, uint32_t reason) {
    if (reason < JIDOKA_REFUSED_COUNTED) {
        plc->counts[reason] = jidoka_saturating((uint32_t)plc->counts[reason] + 1U);
        if (plc->refused_run[reason] == 0U) {
            plc->refused_order[reason] = plc->refused_kinds;
            plc->refused_kinds++;
        }
        plc->refused_run[reason] = jidoka_saturating((uint32_t)plc->refused_run[reason] + 1U);
    }
}

/* The frame in the words, or why there is none. */
static uint8_t decode(const uint16_t *words, uint32_t unit, struct jidoka_frame *frame) {
    uint8_t refused = JIDOKA_REFUSED_NOT;
    const uint32_t what = words[JIDOKA_A_STATE_WORD];
    const uint32_t state = (what >> JIDOKA_A_STATE_SHIFT) & JIDOKA_A_STATE_MASK;
    const uint32_t format = (uint32_t)words[JIDOKA_A_FORMAT_WORD] >> JIDOKA_A_FORMAT_SHIFT;
    frame->hold_ms =
        (uint16_t)(((uint32_t)words[JIDOKA_A_HOLD_MS_WORD] & JIDOKA_A_HOLD_MS_MASK) * JIDOKA_A_HOLD_MS_SCALE);
    frame->connection = words[JIDOKA_A_CONNECTION_WORD];
    frame->number = words[JIDOKA_A_NUMBER_WORD];
    frame->stamp = words[JIDOKA_A_STAMP_WORD];
    frame->phase = (uint16_t)((what >> JIDOKA_A_PHASE_SHIFT) & JIDOKA_A_PHASE_MASK);
    frame->word = words[JIDOKA_A_WORD_WORD];
    if ((jidoka_rank(frame->word) == 0U) && (frame->word != JIDOKA_WORD_ABSTAIN)) {
        frame->word = JIDOKA_WORD_WITHHOLD;
    }
    if (!jidoka_is_sealed(words, JIDOKA_A_WORDS, unit, JIDOKA_A_DIRECTION)) {
        refused = JIDOKA_REFUSED_CRC;
    } else if ((format != JIDOKA_A_FORMAT_FIXED) || (state < JIDOKA_STATE_START_UP) ||
               (state > JIDOKA_STATE_OVERRIDE) || (frame->phase > JIDOKA_PHASE_LATCH)) {
        refused = JIDOKA_REFUSED_FORMAT;
    } else {
        /* right */
    }
    return refused;
}

/* Nothing can be given; a run of WITHHOLD for long enough is offered a connection id. */
static uint8_t first_step(struct jidoka_plc *plc, const struct jidoka_plc_config *config, uint32_t random,
                          const struct jidoka_frame *frame, uint32_t step) {
    uint8_t refused = JIDOKA_REFUSED_NOT;
    const uint32_t now_ms = plc->vital[V_NOW_MS];
    const uint32_t hold_ms = jidoka_least(frame->hold_ms, config->hold_limit_ms);
    const bool is_run = (step <= MAX_STEP) && ((now_ms - plc->run_at_ms) <= hold_ms);
    accept(plc, frame->number);
    if ((frame->word != JIDOKA_WORD_WITHHOLD) || (frame->phase != JIDOKA_PHASE_IDLE)) {
        plc->run = 0U;
        refused = (jidoka_rank(frame->word) != 0U) ? JIDOKA_REFUSED_WORD : JIDOKA_REFUSED_NOT;
    } else {
        if ((plc->run == 0U) || !is_run) {
            plc->run = 0U;
            plc->run_since_ms = now_ms;
        }
        plc->run = jidoka_saturating((uint32_t)plc->run + 1U);
        plc->run_at_ms = now_ms;
        plc->vital[V_EXPIRY_MS] = now_ms + hold_ms;
        if ((plc->vital[V_CONNECTION] == 0U) && (plc->run >= ARM_FRAMES) && ((now_ms - plc->run_since_ms) >= ARM_MS) &&
            (random != 0U) && (random != plc->vital[V_LAST_ID])) {
            plc->vital[V_CONNECTION] = random;
            plc->vital[V_LAST_ID] = random;
        }
    }
    return refused;
}

/* A frame with this connection's id: what it keeps alive, and until when. */
static uint8_t renew(struct jidoka_plc *plc, uint32_t hold_limit_ms, const struct jidoka_frame *frame) {
    uint8_t refused = JIDOKA_REFUSED_NOT;
    const uint32_t ticks = plc->vital[V_TICKS] >> 16U;
    const uint32_t rest_ms = plc->vital[V_TICKS] & 0xFFFFU;
    const uint32_t age = (ticks - frame->stamp) & 0xFFFFU;
    const uint32_t expiry_ms =
        ((plc->vital[V_NOW_MS] - rest_ms) - (age * TICK_MS)) + jidoka_least(frame->hold_ms, hold_limit_ms);
    if (age >= 0x8000U) {
        refused = JIDOKA_REFUSED_STAMP;
    } else {
        /* from the first frame with the id on only stamps count, not the arrival of what came before it */
        if (!jidoka_has(plc, F_CONFIRMED) || ((expiry_ms - plc->vital[V_EXPIRY_MS]) < HALF_RANGE)) {
            plc->vital[V_EXPIRY_MS] = expiry_ms;
        }
        jidoka_set(plc, F_CONFIRMED);
        accept(plc, frame->number);
    }
    return refused;
}

static bool is_as_before(struct jidoka_plc *plc, const uint16_t *words) {
    bool is_same = plc->has_last_a;
    plc->has_last_a = true;
    for (uint32_t i = 0U; i < JIDOKA_A_WORDS; i++) {
        if (plc->last_a[i] != words[i]) {
            is_same = false;
        }
        plc->last_a[i] = words[i];
    }
    return is_same;
}

bool jidoka_admit(struct jidoka_plc *plc, const struct jidoka_plc_config *config, const struct jidoka_plc_inputs *in,
                  struct jidoka_frame *frame, uint8_t *refused) {
    bool is_new = false;
    *refused = JIDOKA_REFUSED_NOT;
    if ((in->block_a != NULL) && !is_as_before(plc, in->block_a)) {
        const uint32_t connection = plc->vital[V_CONNECTION];
        *refused = decode(in->block_a, config->unit, frame);
        /* the offer may not have been heard yet */
        const bool may_be_unconnected = !jidoka_has(plc, F_CONFIRMED) && (frame->connection == 0U);
        uint32_t step = MAX_STEP + 1U;
        if (jidoka_has(plc, F_HAS_NUMBER)) {
            step = (frame->number - plc->vital[V_NUMBER]) & 0xFFFFU;
        }
        if (*refused != JIDOKA_REFUSED_NOT) {
            /* no frame */
        } else if ((frame->connection != connection) && !may_be_unconnected) {
            *refused = JIDOKA_REFUSED_CONNECTION;
        } else if (step == 0U) {
            /* the same again */
        } else if ((connection != 0U) && (step > MAX_STEP)) {
            *refused = JIDOKA_REFUSED_NUMBER;
        } else if (frame->connection == 0U) {
            *refused = first_step(plc, config, in->random, frame, step);
        } else {
            *refused = renew(plc, config->hold_limit_ms, frame);
            is_new = *refused == JIDOKA_REFUSED_NOT;
        }
        count_refused(plc, *refused);
    }
    return is_new;
}
