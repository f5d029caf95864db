/* What the parts of the core share. */

#ifndef JIDOKA_INTERNAL_H
#define JIDOKA_INTERNAL_H

#include "jidoka_plc.h"

/* safety variables by place; times are ms of PLC time */
#define V_OUTPUT 0U
#define V_FLAGS 1U
#define V_FAULT 2U
#define V_CONNECTION 3U
#define V_LAST_ID 4U
#define V_NUMBER 5U
#define V_EXPIRY_MS 6U
#define V_RISE_AT_MS 7U
#define V_REQUEST_SINCE_MS 8U
#define V_REQUEST_AT_MS 9U
#define V_ACCEPTED 10U
#define V_CHANGED_MS 11U /* button: since when its level differs */
#define V_BEGAN_MS 12U   /* button: since when it is down */
#define V_NOW_MS 13U
#define V_TICKS 14U /* own counter << 16 | ms since its last step */
#define V_DIGEST 15U /* of plan and models, as block D last told */

/* bits of V_FLAGS */
#define F_ARMED 0x001U
#define F_CONFIRMED 0x002U /* a frame with this connection's id came */
#define F_HAS_NUMBER 0x004U
#define F_RISE 0x008U    /* a press has opened one rise */
#define F_REQUEST 0x010U /* an arm-request stands */
#define F_DIFFERS 0x020U /* the output doesn't read back as written */
#define F_HAS_CLOCK 0x040U
#define F_BUTTON_KNOWN 0x080U
#define F_BUTTON_DOWN 0x100U
#define F_BUTTON_CHANGING 0x200U
#define F_BUTTON_BEGAN 0x400U
/* what ends with a session */
#define F_SESSION (F_ARMED | F_CONFIRMED | F_RISE | F_REQUEST)

#define TICK_MS 10U
/* a wrap-safe difference below it is a time, or a number, that isn't past */
#define HALF_RANGE 0x80000000U

/* One block A, decoded. word: a permissive word of the table. */
struct jidoka_frame {
    uint16_t hold_ms;
    uint16_t connection;
    uint16_t number;
    uint16_t stamp;
    uint16_t phase;
    uint16_t word;
};

static inline bool jidoka_has(const struct jidoka_plc *plc, uint32_t flags) {
    return (plc->vital[V_FLAGS] & flags) != 0U;
}

static inline void jidoka_set(struct jidoka_plc *plc, uint32_t flags) {
    plc->vital[V_FLAGS] |= flags;
}

static inline void jidoka_clear(struct jidoka_plc *plc, uint32_t flags) {
    plc->vital[V_FLAGS] &= ~flags;
}

static inline uint32_t jidoka_least(uint32_t one, uint32_t other) {
    return (one < other) ? one : other;
}

/* Counts without ever starting anew. */
static inline uint16_t jidoka_saturating(uint32_t value) {
    return (uint16_t)jidoka_least(value, 0xFFFFU);
}

/* A permissive word's rank: A and M 2, M alone 1, nothing 0. */
uint32_t jidoka_rank(uint32_t word);

/* How long the session still holds, 0 if it doesn't; never longer than the limit, whatever the memory says. */
uint32_t jidoka_left_ms(const struct jidoka_plc *plc, uint32_t hold_limit_ms);

/* admission.c: takes block A; true if it is a new frame of this session for the rule to follow. */
bool jidoka_admit(struct jidoka_plc *plc, const struct jidoka_plc_config *config, const struct jidoka_plc_inputs *in,
                  struct jidoka_frame *frame, uint8_t *refused);
bool jidoka_is_lapsed(const struct jidoka_plc *plc, uint32_t hold_limit_ms);
uint32_t jidoka_lapse_fault(const struct jidoka_plc *plc);
void jidoka_end_session(struct jidoka_plc *plc);
/* CRC-32 of a block as it came. */
bool jidoka_is_sealed(const uint16_t *words, uint32_t count, uint32_t unit, uint32_t direction);

/* press.c: true in the scan that makes sure of a release; press_ms: how long the button was down. */
bool jidoka_button(struct jidoka_plc *plc, bool level, uint32_t *press_ms);

/* record.c */
bool jidoka_record_take(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_config *config,
                        const struct jidoka_plc_inputs *in);
bool jidoka_record_may_arm(const struct jidoka_plc *plc, const struct jidoka_record *record);
void jidoka_record_scan(struct jidoka_plc *plc, struct jidoka_record *record, const struct jidoka_plc_inputs *in,
                        uint32_t passed_ms, bool is_accepted);
/* Seals the record if it was changed since. */
void jidoka_record_seal(struct jidoka_plc *plc, struct jidoka_record *record);

/* vital.c */
bool jidoka_vital_is_whole(const struct jidoka_plc *plc);
void jidoka_vital_seal(struct jidoka_plc *plc);

#endif
