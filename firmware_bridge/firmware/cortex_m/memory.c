/* What the compiler may call; there is no C library here. */

#include <stddef.h>

void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

void *memset(void *to, int value, size_t size) {
    unsigned char *byte = to;
    for (size_t i = 0U; i < size; i++) {
        byte[i] = (unsigned char)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    unsigned char *byte = to;
    const unsigned char *source = from;
    for (size_t i = 0U; i < size; i++) {
        byte[i] = source[i];
    }
    return to;
}
