/* The PLC's rule, each scan.
 *
 * Downwards only: a frame may lower the output at any time. A press of the reset button that lay wholly within a
 * renewed arm-request opens one rise for 2 s, to the word of the first frame that is higher. What isn't renewed
 * lapses. */

#include "internal.h"

#define OFFER_MS 1000U
#define RISE_MS 2000U
#define SHORTEST_PRESS_MS 100U
#define LONGEST_PRESS_MS 5000U

void jidoka_plc_init(struct jidoka_plc *plc) {
    *plc = (struct jidoka_plc){0};
    plc->vital[V_OUTPUT] = JIDOKA_WORD_WITHHOLD;
    jidoka_vital_seal(plc);
}

/* Back to step 1: no session, nothing given. */
static void drop(struct jidoka_plc *plc, struct jidoka_plc_outputs *out, uint8_t why, uint32_t fault) {
    if (plc->vital[V_OUTPUT] != JIDOKA_WORD_WITHHOLD) {
        out->why = why;
    }
    jidoka_end_session(plc);
    plc->vital[V_OUTPUT] = JIDOKA_WORD_WITHHOLD;
    if (fault != JIDOKA_FAULT_NONE) {
        plc->vital[V_FAULT] = fault;
    }
}

/* Time goes on; returns the ms since the last scan. */
static uint32_t advance(struct jidoka_plc *plc, uint32_t now_ms) {
    uint32_t passed_ms = 0U;
    if (jidoka_has(plc, F_HAS_CLOCK)) {
        passed_ms = now_ms - plc->vital[V_NOW_MS];
        const uint32_t rest_ms = (plc->vital[V_TICKS] & 0xFFFFU) + passed_ms;
        const uint32_t ticks = (plc->vital[V_TICKS] >> 16U) + (rest_ms / TICK_MS);
        plc->vital[V_TICKS] = (ticks << 16U) | (rest_ms % TICK_MS);
    } else {
        jidoka_set(plc, F_HAS_CLOCK);
        plc->vital[V_TICKS] = ((now_ms / TICK_MS) << 16U) | (now_ms % TICK_MS);
        plc->hour_ms = now_ms;
    }
    plc->vital[V_NOW_MS] = now_ms;
    return passed_ms;
}

static void read_back(struct jidoka_plc *plc, const struct jidoka_plc_config *config, uint32_t actual,
                      struct jidoka_plc_outputs *out) {
    if (actual == plc->vital[V_OUTPUT]) {
        jidoka_clear(plc, F_DIFFERS);
    } else {
        if (!jidoka_has(plc, F_DIFFERS)) {
            jidoka_set(plc, F_DIFFERS);
            plc->differs_since_ms = plc->vital[V_NOW_MS];
        }
        if ((plc->vital[V_NOW_MS] - plc->differs_since_ms) > config->relay_ms) {
            drop(plc, out, JIDOKA_WHY_RELAY_FEEDBACK, JIDOKA_FAULT_RELAY_FEEDBACK);
        }
    }
}

static bool is_key_auto(const struct jidoka_plc_inputs *in) {
    const uint32_t keys = (uint32_t)in->inputs & (JIDOKA_INPUT_KEY_AUTO | JIDOKA_INPUT_OVERRIDE_KEY);
    return keys == JIDOKA_INPUT_KEY_AUTO;
}

static void set_output(struct jidoka_plc *plc, struct jidoka_plc_outputs *out, uint32_t word, uint8_t why) {
    plc->vital[V_OUTPUT] = word;
    jidoka_clear(plc, F_RISE);
    out->why = why;
}

/* The permissive word, downwards only; upwards once where a press has opened a rise. */
static void follow(struct jidoka_plc *plc, const struct jidoka_frame *frame, struct jidoka_plc_outputs *out) {
    const uint32_t asked = jidoka_rank(frame->word);
    const uint32_t given = jidoka_rank(plc->vital[V_OUTPUT]);
    const bool is_withdrawn =
        (frame->phase == JIDOKA_PHASE_WITHDRAW) || (frame->phase == JIDOKA_PHASE_LATCH) || (frame->hold_ms == 0U);
    if (is_withdrawn || (asked == 0U)) {
        const bool is_asking = (frame->phase != JIDOKA_PHASE_IDLE) && (frame->word == JIDOKA_WORD_WITHHOLD);
        const bool is_waiting = is_asking && jidoka_has(plc, F_RISE) && (given == 0U);
        if (is_withdrawn || (jidoka_has(plc, F_ARMED) && !is_waiting)) {
            drop(plc, out, (frame->word == JIDOKA_WORD_WITHHOLD) ? JIDOKA_WHY_WITHHELD : JIDOKA_WHY_ABSTAINED,
                 JIDOKA_FAULT_NONE);
        }
    } else if (asked > given) {
        if (jidoka_has(plc, F_RISE)) {
            set_output(plc, out, frame->word, JIDOKA_WHY_PRESS);
        } else {
            drop(plc, out, JIDOKA_WHY_RAISE_WITHOUT_PRESS, JIDOKA_FAULT_RAISE_WITHOUT_PRESS);
        }
    } else if (asked < given) {
        set_output(plc, out, frame->word, JIDOKA_WHY_LOWERED);
    } else {
        /* as before */
    }
}

/* Step 2: an arm-request, made or renewed. */
static void request(struct jidoka_plc *plc, const struct jidoka_plc_inputs *in, bool may_arm) {
    if (!is_key_auto(in) || jidoka_has(plc, F_DIFFERS) || !may_arm) {
        jidoka_clear(plc, F_REQUEST);
    } else {
        if (!jidoka_has(plc, F_REQUEST)) {
            jidoka_set(plc, F_REQUEST);
            plc->vital[V_REQUEST_SINCE_MS] = plc->vital[V_NOW_MS];
        }
        plc->vital[V_REQUEST_AT_MS] = plc->vital[V_NOW_MS];
    }
}

/* A press and release; where it counts it clears the fault and opens one rise. */
static bool press(struct jidoka_plc *plc, uint32_t press_ms) {
    const uint32_t began_ms = plc->vital[V_BEGAN_MS];
    bool is_accepted = false;
    plc->press_ms = jidoka_saturating(press_ms);
    if (press_ms <= LONGEST_PRESS_MS) {
        plc->edges++;
        if ((press_ms >= SHORTEST_PRESS_MS) && jidoka_has(plc, F_REQUEST) &&
            ((began_ms - plc->vital[V_REQUEST_SINCE_MS]) < HALF_RANGE)) {
            is_accepted = true;
            plc->vital[V_ACCEPTED] = (plc->vital[V_ACCEPTED] + 1U) & 0xFFU;
            plc->vital[V_FAULT] = JIDOKA_FAULT_NONE;
            plc->vital[V_RISE_AT_MS] = plc->vital[V_NOW_MS];
            jidoka_set(plc, F_ARMED | F_RISE);
        }
    }
    return is_accepted;
}

static void lapse_offers(struct jidoka_plc *plc, uint32_t hold_limit_ms) {
    if ((plc->vital[V_NOW_MS] - plc->run_at_ms) > hold_limit_ms) {
        plc->run = 0U;
    }
    if ((plc->vital[V_NOW_MS] - plc->vital[V_RISE_AT_MS]) > RISE_MS) {
        jidoka_clear(plc, F_RISE);
    }
    if ((plc->vital[V_NOW_MS] - plc->vital[V_REQUEST_AT_MS]) > OFFER_MS) {
        jidoka_clear(plc, F_REQUEST);
    }
}

void jidoka_plc_scan(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_config *config,
                     const struct jidoka_plc_inputs *in, struct jidoka_plc_outputs *out) {
    struct jidoka_frame frame;
    const bool is_whole = jidoka_vital_is_whole(plc);
    *out = (struct jidoka_plc_outputs){0};
    if (!is_whole) {
        /* nothing of what the memory says can be trusted: as at power-up, and a fault that only a press clears */
        jidoka_plc_init(plc);
        plc->vital[V_FAULT] = JIDOKA_FAULT_WATCHDOG;
        out->why = JIDOKA_WHY_MEMORY;
    }
    out->was = (uint16_t)plc->vital[V_OUTPUT];
    const uint32_t passed_ms = advance(plc, in->now_ms);
    out->is_record_refused = jidoka_record_take(plc, record, config, in);
    read_back(plc, config, in->actual, out);
    if (!is_key_auto(in) && jidoka_has(plc, F_ARMED | F_REQUEST)) {
        drop(plc, out, JIDOKA_WHY_KEY, JIDOKA_FAULT_NONE);
    }
    lapse_offers(plc, config->hold_limit_ms);
    if (jidoka_admit(plc, config, in, &frame, &out->refused)) {
        follow(plc, &frame, out);
        if ((plc->vital[V_CONNECTION] != 0U) && (frame.phase == JIDOKA_PHASE_ARM_REQUEST)) {
            request(plc, in, jidoka_record_may_arm(plc, record));
        }
    }
    if (jidoka_is_lapsed(plc, config->hold_limit_ms)) {
        /* without an accepted press nothing was given: the offer is gone, which is no fault */
        drop(plc, out, JIDOKA_WHY_HOLD_TIME_OVER,
             jidoka_has(plc, F_ARMED) ? jidoka_lapse_fault(plc) : JIDOKA_FAULT_NONE);
    }
    out->is_pressed = jidoka_button(plc, (in->inputs & JIDOKA_INPUT_RESET_BUTTON) != 0U, &out->press_ms);
    if (out->is_pressed) {
        out->is_accepted = press(plc, out->press_ms);
    }
    jidoka_record_scan(plc, record, in, passed_ms, out->is_accepted);
    jidoka_record_seal(plc, record);
    jidoka_vital_seal(plc);
    /* two words may pass to the relays as they are; whatever else stands there gives nothing */
    out->output = (jidoka_rank(plc->vital[V_OUTPUT]) != 0U) ? (uint16_t)plc->vital[V_OUTPUT] : JIDOKA_WORD_WITHHOLD;
}
