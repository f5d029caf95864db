#include "modbus.h"

#include "crc.h"

#define READ_HOLDING 0x03U
#define WRITE_MULTIPLE 0x10U
#define READ_WRITE 0x17U
#define EXCEPTION_BIT 0x80U
#define MAX_READ 125U
#define ILLEGAL_FUNCTION 1U
#define ILLEGAL_ADDRESS 2U
#define ILLEGAL_VALUE 3U

#define CRC_BYTES 2U
#define C_CRC_ADDRESS ((JIDOKA_C_ADDRESS + JIDOKA_C_WORDS) - 2U)
/* of a read, and of those functions that read or write one thing, which is what a probe sends */
#define SHORT_BYTES 8U
/* bytes before the data, the byte count being the last of them */
#define WRITE_HEAD 7U
#define READ_WRITE_HEAD 11U

void jidoka_modbus_init(struct jidoka_modbus *modbus) {
    *modbus = (struct jidoka_modbus){0};
}

void jidoka_modbus_silence(struct jidoka_modbus *modbus) {
    modbus->used = 0U;
}

/* ------------------------------------------------------------------ frames */

/* Length of the frame that begins here, 0 if none can; one more than is there if too little is there to tell. */
static uint32_t frame_bytes(const uint8_t *head, uint32_t size, uint32_t unit) {
    uint32_t bytes = size + 1U;
    uint32_t counted = SHORT_BYTES;
    if (head[0] != unit) {
        bytes = 0U;
    } else if (size >= 2U) {
        if (head[1] == WRITE_MULTIPLE) {
            counted = WRITE_HEAD;
        } else if (head[1] == READ_WRITE) {
            counted = READ_WRITE_HEAD;
        } else {
            bytes = SHORT_BYTES;
        }
        if ((counted != SHORT_BYTES) && (size >= counted)) {
            bytes = counted + head[counted - 1U] + CRC_BYTES;
        }
    } else {
        /* the function isn't there yet */
    }
    return (bytes > JIDOKA_WINDOW_BYTES) ? 0U : bytes;
}

static bool is_whole(const uint8_t *frame, uint32_t size) {
    uint32_t crc = JIDOKA_CRC16_START;
    for (uint32_t i = 0U; i < size; i++) {
        crc = jidoka_crc16_byte(crc, frame[i]);
    }
    return crc == 0U;
}

/* Place of the request that ends with the last byte, or the end. Bytes that can begin no frame any more go. */
static uint32_t find(struct jidoka_modbus *modbus, uint32_t unit) {
    uint32_t found = modbus->used;
    uint32_t kept = modbus->used;
    for (uint32_t start = 0U; (start < modbus->used) && (found == modbus->used); start++) {
        const uint32_t there = (uint32_t)modbus->used - start;
        const uint32_t bytes = frame_bytes(&modbus->window[start], there, unit);
        if ((bytes == there) && is_whole(&modbus->window[start], bytes)) {
            found = start;
        } else if ((bytes > there) && (start < kept)) {
            kept = start;
        } else {
            /* no frame begins here */
        }
    }
    if (found == modbus->used) {
        for (uint32_t i = kept; i < modbus->used; i++) {
            modbus->window[i - kept] = modbus->window[i];
        }
        modbus->used = (uint16_t)(modbus->used - kept);
        found = modbus->used;
    }
    return found;
}

/* ------------------------------------------------------------------ what a request writes */

static uint32_t number(const uint8_t *bytes) {
    return ((uint32_t)bytes[0] << 8U) | bytes[1];
}

/* Writes whole words into a block if they lie within it. */
static bool put(uint16_t *block, uint32_t first, uint32_t words, uint32_t address, uint32_t count,
                const uint8_t *data) {
    const bool fits = (address >= first) && (count > 0U) && ((address + count) <= (first + words));
    if (fits) {
        for (uint32_t i = 0U; i < count; i++) {
            block[(address - first) + i] = (uint16_t)number(&data[2U * i]);
        }
    }
    return fits;
}

/* head: address, count and byte count, then the data. Returns 0 or an exception code. */
static uint8_t write_words(struct jidoka_modbus *modbus, const uint8_t *head) {
    uint8_t exception = 0U;
    const uint32_t address = number(head);
    const uint32_t count = number(&head[2]);
    if (head[4] != (2U * count)) {
        exception = ILLEGAL_VALUE;
    } else if (put(modbus->a, JIDOKA_A_ADDRESS, JIDOKA_A_WORDS, address, count, &head[5])) {
        modbus->has_a = true;
    } else if (put(modbus->d, JIDOKA_D_ADDRESS, JIDOKA_D_WORDS, address, count, &head[5])) {
        modbus->has_d = true;
    } else {
        exception = ILLEGAL_ADDRESS;
    }
    return exception;
}

static void take(struct jidoka_modbus *modbus, const uint8_t *frame) {
    modbus->has_request = true;
    modbus->function = frame[1];
    modbus->address = (uint16_t)number(&frame[2]);
    modbus->count = (uint16_t)number(&frame[4]);
    if (modbus->function == READ_HOLDING) {
        modbus->exception = 0U;
    } else if (modbus->function == WRITE_MULTIPLE) {
        modbus->exception = write_words(modbus, &frame[2]);
    } else if (modbus->function == READ_WRITE) {
        modbus->exception = write_words(modbus, &frame[6]);
    } else {
        modbus->exception = ILLEGAL_FUNCTION;
    }
}

size_t jidoka_modbus_feed(struct jidoka_modbus *modbus, uint8_t unit, const uint8_t *data, size_t size) {
    size_t taken = 0U;
    while ((taken < size) && !modbus->has_request) {
        modbus->window[modbus->used] = data[taken];
        modbus->used++;
        taken++;
        const uint32_t start = find(modbus, unit);
        if (start < modbus->used) {
            take(modbus, &modbus->window[start]);
            modbus->used = 0U;
        }
    }
    return taken;
}

void jidoka_modbus_inputs(struct jidoka_modbus *modbus, struct jidoka_plc_inputs *in) {
    in->block_a = modbus->has_a ? modbus->a : NULL;
    in->block_d = modbus->has_d ? modbus->d : NULL;
    modbus->has_d = false;
}

/* ------------------------------------------------------------------ the answer */

static bool is_within(uint32_t address, uint32_t count, uint32_t first, uint32_t words) {
    return (address >= first) && ((address + count) <= (first + words));
}

void jidoka_modbus_answer(struct jidoka_modbus *modbus, const struct jidoka_plc *plc,
                          const struct jidoka_record *record, const struct jidoka_plc_config *config,
                          const struct jidoka_plc_inputs *in) {
    const uint32_t address = modbus->address;
    const uint32_t count = modbus->count;
    const bool is_due = modbus->has_request && !modbus->is_answering;
    if (is_due) {
        modbus->sent = 0U;
        modbus->crc = JIDOKA_CRC16_START;
        modbus->is_answering = true;
    }
    if (is_due && (modbus->exception == 0U) && (modbus->function != WRITE_MULTIPLE)) {
        const bool is_c = is_within(address, count, JIDOKA_C_ADDRESS, JIDOKA_C_WORDS);
        if ((count == 0U) || (count > MAX_READ)) {
            modbus->exception = ILLEGAL_ADDRESS;
        } else if (is_within(address, count, JIDOKA_B_ADDRESS, JIDOKA_B_WORDS)) {
            jidoka_plc_block_b(plc, record, config, in, modbus->b);
        } else if (is_c && (address == JIDOKA_C_ADDRESS)) {
            modbus->c_crc = jidoka_plc_block_c(plc, record, config, modbus->c_head);
        } else if (!is_c && !is_within(address, count, JIDOKA_A_ADDRESS, JIDOKA_A_WORDS) &&
                   !is_within(address, count, JIDOKA_D_ADDRESS, JIDOKA_D_WORDS)) {
            modbus->exception = ILLEGAL_ADDRESS;
        } else {
            /* what stands there */
        }
    }
}

/* A register; the address was found right before. */
static uint32_t word_at(const struct jidoka_modbus *modbus, const struct jidoka_record *record, uint32_t address) {
    uint32_t word = 0U;
    if (address >= C_CRC_ADDRESS) {
        const bool is_high = address == C_CRC_ADDRESS;
        word = is_high ? (modbus->c_crc >> 16U) : (modbus->c_crc & 0xFFFFU);
    } else if (address >= (JIDOKA_C_ADDRESS + JIDOKA_C_RING_WORD)) {
        word = record->ring[address - (JIDOKA_C_ADDRESS + JIDOKA_C_RING_WORD)];
    } else if (address >= JIDOKA_C_ADDRESS) {
        word = modbus->c_head[address - JIDOKA_C_ADDRESS];
    } else if (address >= JIDOKA_B_ADDRESS) {
        word = modbus->b[address - JIDOKA_B_ADDRESS];
    } else if (address >= JIDOKA_D_ADDRESS) {
        word = modbus->d[address - JIDOKA_D_ADDRESS];
    } else {
        word = modbus->a[address];
    }
    return word;
}

/* The byte of a word at this place of the data. */
static uint32_t half(uint32_t word, uint32_t place) {
    uint32_t byte = word & 0xFFU;
    if ((place & 1U) == 0U) {
        byte = word >> 8U;
    }
    return byte;
}

/* Bytes of the answer before its CRC-16. */
static uint32_t answer_bytes(const struct jidoka_modbus *modbus) {
    uint32_t bytes = 3U + (2U * (uint32_t)modbus->count);
    if (modbus->exception != 0U) {
        bytes = 3U;
    } else if (modbus->function == WRITE_MULTIPLE) {
        bytes = 6U;
    } else {
        /* a read */
    }
    return bytes;
}

static uint32_t answer_byte(const struct jidoka_modbus *modbus, const struct jidoka_record *record, uint32_t place) {
    uint32_t byte = 0U;
    if (modbus->exception != 0U) {
        byte = (place == 1U) ? ((uint32_t)modbus->function | EXCEPTION_BIT) : modbus->exception;
    } else if (place == 1U) {
        byte = modbus->function;
    } else if (modbus->function == WRITE_MULTIPLE) {
        byte = half((place < 4U) ? modbus->address : modbus->count, place);
    } else if (place == 2U) {
        byte = 2U * (uint32_t)modbus->count;
    } else {
        byte = half(word_at(modbus, record, modbus->address + ((place - 3U) / 2U)), place - 3U);
    }
    return byte;
}

bool jidoka_modbus_next(struct jidoka_modbus *modbus, const struct jidoka_record *record, uint8_t unit,
                        uint8_t *byte) {
    const uint32_t place = modbus->sent;
    const uint32_t body = answer_bytes(modbus);
    const bool is_there = modbus->is_answering && (place < (body + CRC_BYTES));
    if (!is_there) {
        modbus->has_request = modbus->has_request && !modbus->is_answering;
        modbus->is_answering = false;
    } else if (place < body) {
        const uint32_t value = (place == 0U) ? unit : answer_byte(modbus, record, place);
        modbus->crc = (uint16_t)jidoka_crc16_byte(modbus->crc, value);
        *byte = (uint8_t)value;
    } else {
        *byte = (uint8_t)half(modbus->crc, (place - body) + 1U); /* low byte first */
    }
    if (is_there) {
        modbus->sent++;
    }
    return is_there;
}
