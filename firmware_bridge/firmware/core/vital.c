/* Safety variables are kept twice, the second time as complements: a cell that was hit by anything but the program
 * is found in the next scan, before it is used. */

#include "internal.h"

bool jidoka_vital_is_whole(const struct jidoka_plc *plc) {
    uint32_t wrong = 0U;
    for (uint32_t i = 0U; i < JIDOKA_VITAL_WORDS; i++) {
        wrong |= plc->vital[i] ^ ~plc->complement[i];
    }
    return wrong == 0U;
}

void jidoka_vital_seal(struct jidoka_plc *plc) {
    for (uint32_t i = 0U; i < JIDOKA_VITAL_WORDS; i++) {
        plc->complement[i] = ~plc->vital[i];
    }
}
