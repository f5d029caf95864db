/* Modbus RTU, the server's half, without I/O: requests found in whatever the line delivers, and their replies.
 *
 * Function codes 03, 16 and 23 on a map of holding registers. A frame is found by its header's length and its
 * CRC-16; silence only resynchronises. What is written lands whole or not at all; a frame for another station is
 * passed over in silence. One request is dealt with at a time: feed until one is there, run the program, answer. */

#ifndef JIDOKA_MODBUS_H
#define JIDOKA_MODBUS_H

#include "jidoka_plc.h"

/* Longest frame that is found. The longest that can write something has 37 bytes; a longer one gets no answer. */
#define JIDOKA_WINDOW_BYTES 128U

/* c_head, c_crc: block C stands as it was when its first word was read, so that it may be read in pieces. */
struct jidoka_modbus {
    uint32_t c_crc;
    uint16_t a[JIDOKA_A_WORDS];
    uint16_t d[JIDOKA_D_WORDS];
    uint16_t b[JIDOKA_B_WORDS];
    uint16_t c_head[JIDOKA_C_RING_WORD];
    uint16_t used;
    uint16_t address;
    uint16_t count;
    uint16_t sent;
    uint16_t crc;
    uint8_t function;
    uint8_t exception;
    bool has_request;
    bool is_answering;
    bool has_a;
    bool has_d;
    uint8_t window[JIDOKA_WINDOW_BYTES];
};

void jidoka_modbus_init(struct jidoka_modbus *modbus);

/* Bytes from the line, as many as are taken: all, or up to the end of a request (has_request), of which what it
 * writes has then been written. None while a request waits for its answer. */
size_t jidoka_modbus_feed(struct jidoka_modbus *modbus, uint8_t unit, const uint8_t *data, size_t size);

/* Nothing came for longer than a frame may pause: it ends whatever was half a frame. */
void jidoka_modbus_silence(struct jidoka_modbus *modbus);

/* Points `in` at the blocks as they stand; block D once for each time it was written. */
void jidoka_modbus_inputs(struct jidoka_modbus *modbus, struct jidoka_plc_inputs *in);

/* After the program ran: begins the answer to a request that waits for one. */
void jidoka_modbus_answer(struct jidoka_modbus *modbus, const struct jidoka_plc *plc,
                          const struct jidoka_record *record, const struct jidoka_plc_config *config,
                          const struct jidoka_plc_inputs *in);

/* The answer byte by byte; false after the last, and the next request may be fed. */
bool jidoka_modbus_next(struct jidoka_modbus *modbus, const struct jidoka_record *record, uint8_t unit, uint8_t *byte);

#endif
