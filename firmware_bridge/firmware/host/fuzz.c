/* libFuzzer's way into the core: bytes for the line, scans between them, and frames with right checksums, which no
 * fuzzer finds by itself. Whatever comes, the output rises only by an accepted press, and memory stays as it should. */

#include <stdlib.h>

#include "crc.h"
#include "modbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct jidoka_plc plc;
    struct jidoka_record record;
    struct jidoka_modbus modbus;
    struct jidoka_plc_inputs in;
    struct jidoka_plc_outputs out;
    uint32_t pressed_ms;
    bool may_rise;
    uint16_t number;
};

static const struct jidoka_plc_config config = {.hold_limit_ms = 310U, .relay_ms = 35U, .unit = 1U};

static void claim(bool holds) {
    if (!holds) {
        abort();
    }
}

static unsigned rank(uint16_t word) {
    claim(word == JIDOKA_WORD_WITHHOLD || word == JIDOKA_WORD_MACHINE || word == JIDOKA_WORD_MACHINE_AND_AI);
    return word == JIDOKA_WORD_MACHINE_AND_AI ? 2U : (word == JIDOKA_WORD_MACHINE ? 1U : 0U);
}

static void scan(struct run *run, uint32_t passed_ms) {
    uint8_t byte;
    unsigned bytes = 0U;
    run->in.now_ms += passed_ms;
    jidoka_modbus_inputs(&run->modbus, &run->in);
    jidoka_plc_scan(&run->plc, &run->record, &config, &run->in, &run->out);
    if (rank(run->out.output) > rank(run->out.was)) {
        claim(run->may_rise && run->in.now_ms - run->pressed_ms <= 2000U);
        run->may_rise = false;
    }
    if (run->out.is_accepted) {
        run->may_rise = true;
        run->pressed_ms = run->in.now_ms;
    }
    jidoka_modbus_answer(&run->modbus, &run->plc, &run->record, &config, &run->in);
    while (jidoka_modbus_next(&run->modbus, &run->record, config.unit, &byte)) {
        bytes++;
    }
    claim(bytes <= 256U && run->modbus.used < JIDOKA_WINDOW_BYTES && !run->modbus.has_request);
    run->in.actual = run->out.output;
    run->in.parts = 0U;
}

static void feed(struct run *run, const uint8_t *data, size_t size) {
    while (size != 0U) {
        const size_t taken = jidoka_modbus_feed(&run->modbus, config.unit, data, size);
        data += taken;
        size -= taken;
        if (run->modbus.has_request) {
            scan(run, 10U);
        }
    }
}

/* A frame of function 16 with a block under right checksums; `what` says how it differs from what a guard sends. */
static void send_block(struct run *run, const uint8_t *what) {
    uint16_t words[JIDOKA_D_WORDS] = {0};
    uint8_t frame[64] = {1U, 16U, 0U, 0U, 0U, JIDOKA_A_WORDS, 2U * JIDOKA_A_WORDS};
    static const uint16_t asked[4] = {JIDOKA_WORD_WITHHOLD, JIDOKA_WORD_MACHINE, JIDOKA_WORD_MACHINE_AND_AI,
                                      JIDOKA_WORD_ABSTAIN};
    const bool is_d = (what[0] & 0x80U) != 0U;
    const uint32_t count = is_d ? JIDOKA_D_WORDS : JIDOKA_A_WORDS;
    uint16_t shown[JIDOKA_B_WORDS];
    jidoka_plc_block_b(&run->plc, &run->record, &config, &run->in, shown);
    run->number = (uint16_t)(run->number + 1U + ((what[0] & 0x40U) != 0U ? what[2] : 0U));
    words[1] = (what[0] & 0x20U) != 0U ? what[1] : shown[1];
    if (is_d) {
        words[0] = JIDOKA_D_FORMAT_FIXED;
        for (unsigned i = 2U; i < 10U; i++) {
            words[i] = what[1U + i % 3U] & 3U;
        }
    } else {
        words[0] = (uint16_t)(0x4100U | ((what[0] & 0x10U) != 0U ? what[3] : 31U));
        words[2] = run->number;
        words[3] = (uint16_t)(shown[3] - ((what[0] & 0x08U) != 0U ? what[3] : 0U));
        words[4] = (uint16_t)(0x2000U | ((unsigned)(what[1] % 5U) << 8U));
        words[5] = asked[what[2] & 3U];
    }
    const uint32_t crc = jidoka_crc32_close(jidoka_crc32_words(JIDOKA_CRC32_START, words, count - 2U), 1U,
                                            is_d ? JIDOKA_D_DIRECTION : JIDOKA_A_DIRECTION);
    words[count - 2U] = (uint16_t)(crc >> 16U);
    words[count - 1U] = (uint16_t)(crc & 0xFFFFU);
    frame[3] = is_d ? JIDOKA_D_ADDRESS : JIDOKA_A_ADDRESS;
    frame[5] = (uint8_t)count;
    frame[6] = (uint8_t)(2U * count);
    uint32_t sum = JIDOKA_CRC16_START;
    size_t size = 7U;
    for (unsigned i = 0U; i < count; i++) {
        frame[size++] = (uint8_t)(words[i] >> 8U);
        frame[size++] = (uint8_t)(words[i] & 0xFFU);
    }
    for (size_t i = 0U; i < size; i++) {
        sum = jidoka_crc16_byte(sum, frame[i]);
    }
    frame[size++] = (uint8_t)(sum & 0xFFU);
    frame[size++] = (uint8_t)(sum >> 8U);
    feed(run, frame, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct run run;
    run = (struct run){0};
    jidoka_plc_init(&run.plc);
    jidoka_record_clear(&run.record);
    jidoka_modbus_init(&run.modbus);
    run.in.now_ms = 0xFFFFF000U; /* about four seconds before it wraps */
    run.in.inputs = JIDOKA_INPUT_KEY_AUTO;
    run.in.actual = JIDOKA_WORD_WITHHOLD;
    while (size >= 5U) {
        const uint8_t *const what = data + 1;
        run.in.random = (uint16_t)(what[1] << 8U | what[2]);
        switch (data[0] % 8U) {
        case 0:
            feed(&run, what, 4U);
            break;
        case 1:
            for (unsigned i = 0U; i < 21U; i++) { /* a run of step 1, which would take 20 operations */
                const uint8_t idle[4] = {0};
                send_block(&run, idle);
                scan(&run, 50U);
            }
            break;
        case 2:
            run.in.inputs ^= what[0];
            break;
        case 3:
            scan(&run, what[0]);
            break;
        case 4:
            run.in.inputs ^= JIDOKA_INPUT_RESET_BUTTON;
            scan(&run, 10U);
            scan(&run, 20U + what[0]);
            break;
        case 5:
            run.in.parts = what[0];
            run.in.actual = (what[1] & 7U) == 0U ? JIDOKA_WORD_ABSTAIN : run.in.actual;
            scan(&run, (uint32_t)what[2] << (what[3] & 15U));
            break;
        default:
            send_block(&run, what);
            scan(&run, 10U);
            break;
        }
        data += 5;
        size -= 5U;
    }
    claim(run.record.next_place < 24U);
    return 0;
}
