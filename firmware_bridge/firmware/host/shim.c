/* What a caller through a foreign-function interface needs beside the core's own functions. */

#include "modbus.h"

/* Sizes of the structs, so that a caller can tell at once that its own idea of them is stale. */
size_t jidoka_host_size(unsigned which) {
    const size_t sizes[] = {
        sizeof(struct jidoka_plc_config), sizeof(struct jidoka_plc_inputs), sizeof(struct jidoka_plc_outputs),
        sizeof(struct jidoka_record),     sizeof(struct jidoka_plc),        sizeof(struct jidoka_modbus),
    };
    return (which < sizeof sizes / sizeof sizes[0]) ? sizes[which] : 0U;
}

/* The whole of block C. */
void jidoka_host_block_c(const struct jidoka_plc *plc, const struct jidoka_record *record,
                         const struct jidoka_plc_config *config, uint16_t words[JIDOKA_C_WORDS]) {
    const uint32_t crc = jidoka_plc_block_c(plc, record, config, words);
    for (unsigned i = 0U; i < JIDOKA_C_RING_WORDS; i++) {
        words[JIDOKA_C_RING_WORD + i] = record->ring[i];
    }
    words[JIDOKA_C_WORDS - 2U] = (uint16_t)(crc >> 16U);
    words[JIDOKA_C_WORDS - 1U] = (uint16_t)(crc & 0xFFFFU);
}
