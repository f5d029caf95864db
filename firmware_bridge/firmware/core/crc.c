#include "crc.h"

#include "registers.h"

uint32_t jidoka_crc32_byte(uint32_t crc, uint32_t byte) {
    /* four bits at a time: 64 bytes of flash each where a byte-wise table takes 1 KiB */
    static const uint32_t crc32_nibbles[16] = {
        0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
        0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
    };
    const uint32_t low = (crc >> 4U) ^ crc32_nibbles[(crc ^ byte) & 0xFU];
    return (low >> 4U) ^ crc32_nibbles[(low ^ (byte >> 4U)) & 0xFU];
}

uint32_t jidoka_crc32_words(uint32_t crc, const uint16_t *words, uint32_t count) {
    uint32_t sum = crc;
    for (uint32_t i = 0U; i < count; i++) {
        sum = jidoka_crc32_byte(sum, (uint32_t)words[i] >> 8U);
        sum = jidoka_crc32_byte(sum, (uint32_t)words[i] & 0xFFU);
    }
    return sum;
}

uint32_t jidoka_crc32_close(uint32_t crc, uint32_t unit, uint32_t direction) {
    uint32_t sum = jidoka_crc32_byte(crc, unit);
    sum = jidoka_crc32_byte(sum, direction);
    for (uint32_t shift = 32U; shift > 0U; shift -= 8U) {
        sum = jidoka_crc32_byte(sum, (JIDOKA_MAP_DIGEST >> (shift - 8U)) & 0xFFU);
    }
    return ~sum;
}

uint32_t jidoka_crc16_byte(uint32_t crc, uint32_t byte) {
    static const uint16_t crc16_nibbles[16] = {
        0x0000U, 0xCC01U, 0xD801U, 0x1400U, 0xF001U, 0x3C00U, 0x2800U, 0xE401U,
        0xA001U, 0x6C00U, 0x7800U, 0xB401U, 0x5000U, 0x9C01U, 0x8801U, 0x4400U,
    };
    const uint32_t low = (crc >> 4U) ^ crc16_nibbles[(crc ^ byte) & 0xFU];
    return (low >> 4U) ^ crc16_nibbles[(low ^ (byte >> 4U)) & 0xFU];
}
