/* The clock of the wire: CLOCK_MONOTONIC in ns. */

#ifndef JIDOKA_CLOCK_H
#define JIDOKA_CLOCK_H

#include <stdint.h>
#include <time.h>

#define JDK_SECOND_NS UINT64_C(1000000000)

static inline uint64_t jdk_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * JDK_SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline struct timespec jdk_timespec(uint64_t ns) {
    struct timespec time = {(time_t)(ns / JDK_SECOND_NS), (long)(ns % JDK_SECOND_NS)};
    return time;
}

#endif
