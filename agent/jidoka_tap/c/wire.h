/* Numbers into and out of messages, and the message's header: pure, little-endian. */

#ifndef JIDOKA_WIRE_INSIDE_H
#define JIDOKA_WIRE_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "jidoka_wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian, and so must the machine be");

static inline void jdk_put16(unsigned char *at, uint16_t value) { memcpy(at, &value, sizeof value); }
static inline void jdk_put32(unsigned char *at, uint32_t value) { memcpy(at, &value, sizeof value); }
static inline void jdk_put64(unsigned char *at, uint64_t value) { memcpy(at, &value, sizeof value); }

static inline uint16_t jdk_get16(const unsigned char *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t jdk_get32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t jdk_get64(const unsigned char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The next multiple of `to`, a power of two. Sizes here are far below SIZE_MAX. */
static inline size_t jdk_padded(size_t size, size_t to) { return (size + to - 1) & ~(to - 1); }

/* The header of a message with so many bytes of body. */
static inline void jdk_put_header(unsigned char *at, unsigned kind, unsigned flags, size_t body, uint64_t sent_ns) {
    memcpy(at + JDK_HEADER_AT_MAGIC, JDK_WIRE_MAGIC, 4);
    at[JDK_HEADER_AT_VERSION] = JDK_WIRE_VERSION;
    at[JDK_HEADER_AT_KIND] = (unsigned char)kind;
    jdk_put16(at + JDK_HEADER_AT_FLAGS, (uint16_t)flags);
    jdk_put32(at + JDK_HEADER_AT_LENGTH, (uint32_t)body);
    jdk_put64(at + JDK_HEADER_AT_SENT_NS, sent_ns);
}

/* True if this is a whole message of this wire's version. */
static inline bool jdk_is_message(const unsigned char *at, size_t size) {
    return size >= JDK_HEADER_SIZE && memcmp(at + JDK_HEADER_AT_MAGIC, JDK_WIRE_MAGIC, 4) == 0 &&
           at[JDK_HEADER_AT_VERSION] == JDK_WIRE_VERSION &&
           jdk_get32(at + JDK_HEADER_AT_LENGTH) == size - JDK_HEADER_SIZE;
}

#endif
