/* The reset button: debounced, and told only when it was pressed and released. A level that was there at power-up
 * is no press; neither is a stuck one's release. */

#include "internal.h"

#define DEBOUNCE_MS 20U
/* longer than anything that is shown or counted; a button held for weeks stays that old */
#define LONGEST_MS 60000U

bool jidoka_button(struct jidoka_plc *plc, bool level, uint32_t *press_ms) {
    const uint32_t now_ms = plc->vital[V_NOW_MS];
    bool is_ended = false;
    *press_ms = 0U;
    if (!jidoka_has(plc, F_BUTTON_KNOWN)) {
        jidoka_set(plc, level ? (F_BUTTON_KNOWN | F_BUTTON_DOWN) : F_BUTTON_KNOWN);
    }
    if (!jidoka_has(plc, F_BUTTON_CHANGING) && ((now_ms - plc->vital[V_BEGAN_MS]) > LONGEST_MS)) {
        plc->vital[V_BEGAN_MS] = now_ms - LONGEST_MS;
    }
    if (level == jidoka_has(plc, F_BUTTON_DOWN)) {
        jidoka_clear(plc, F_BUTTON_CHANGING);
    } else {
        if (!jidoka_has(plc, F_BUTTON_CHANGING)) {
            jidoka_set(plc, F_BUTTON_CHANGING);
            plc->vital[V_CHANGED_MS] = now_ms;
        }
        if ((now_ms - plc->vital[V_CHANGED_MS]) >= DEBOUNCE_MS) {
            jidoka_clear(plc, F_BUTTON_CHANGING);
            if (level) {
                jidoka_set(plc, F_BUTTON_DOWN | F_BUTTON_BEGAN);
                plc->vital[V_BEGAN_MS] = plc->vital[V_CHANGED_MS];
            } else {
                is_ended = jidoka_has(plc, F_BUTTON_BEGAN);
                *press_ms = is_ended ? (plc->vital[V_CHANGED_MS] - plc->vital[V_BEGAN_MS]) : 0U;
                jidoka_clear(plc, F_BUTTON_DOWN | F_BUTTON_BEGAN);
            }
        }
    }
    return is_ended;
}
