/* The two checksums of the link: CRC-32 (zlib) inside the blocks, CRC-16/MODBUS around the frames. */

#ifndef JIDOKA_CRC_H
#define JIDOKA_CRC_H

#include <stdint.h>

#define JIDOKA_CRC32_START 0xFFFFFFFFU
#define JIDOKA_CRC16_START 0xFFFFU

/* One byte more; the CRC-32 proper is the complement of what comes out. */
uint32_t jidoka_crc32_byte(uint32_t crc, uint32_t byte);

/* Words more, big-endian. */
uint32_t jidoka_crc32_words(uint32_t crc, const uint16_t *words, uint32_t count);

/* What is never sent closes a block's CRC-32: unit, direction, map digest. */
uint32_t jidoka_crc32_close(uint32_t crc, uint32_t unit, uint32_t direction);

/* Over a frame that ends with its own CRC (low byte first) it is 0. */
uint32_t jidoka_crc16_byte(uint32_t crc, uint32_t byte);

#endif
