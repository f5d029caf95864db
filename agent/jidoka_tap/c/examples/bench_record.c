/* What a record costs the program that sends it: bench_record SOCKET MODEL BYTES ROUNDS PAUSE_US [gate]
 *
 * Records with one float32 output of BYTES and bare sends of as many bytes on a connection of their own take turns,
 * PAUSE_US apart. Of what doesn't fit inline the bare peer makes one copy and sends the head. With `gate` the record
 * waits for its verdict and there is no bare peer. Prints JSON: medians and 99th percentiles in ns.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "jidoka_tap.h"

#define WARM_UP 50

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = 4 << 20, peer = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return connect(peer, (const struct sockaddr *)&address, sizeof address) == 0 ? peer : -1;
}

static void print(const char *name, uint64_t *taken, size_t rounds, const char *end) {
    qsort(taken, rounds, sizeof *taken, compare);
    printf("\"%s_ns\": %llu, \"%s_p99_ns\": %llu%s", name, (unsigned long long)taken[rounds / 2], name,
           (unsigned long long)taken[rounds * 99 / 100], end);
}

int main(int count, char **arguments) {
    if (count < 6) {
        fprintf(stderr, "bench_record SOCKET MODEL BYTES ROUNDS PAUSE_US [gate]\n");
        return 2;
    }
    const size_t bytes = strtoul(arguments[3], NULL, 10) / 4 * 4, rounds = strtoul(arguments[4], NULL, 10);
    const unsigned long pause_us = strtoul(arguments[5], NULL, 10);
    const struct timespec pause = {(time_t)(pause_us / 1000000), (long)(pause_us % 1000000) * 1000};
    const int is_gate = count > 6, is_inline = bytes <= JDK_INLINE_LIMIT_BYTES;
    const size_t head = JDK_HEADER_SIZE + JDK_RECORD_SIZE + JDK_TENSOR_SIZE;
    const size_t size = is_inline ? head + (bytes + 7) / 8 * 8 : head;
    const char *outputs[] = {"output"};
    const int64_t shape[] = {(int64_t)(bytes / 4)};
    unsigned char *data = calloc(1, bytes + 4), *other = calloc(1, bytes + 4), *payload = calloc(1, size);
    uint64_t *own = calloc(rounds + 1, sizeof *own), *bare = calloc(rounds + 1, sizeof *bare);
    jdk_options options = jdk_options_for(arguments[2]);
    options.socket = arguments[1];
    options.outputs = outputs;
    options.outputs_count = 1;
    options.gate = is_gate ? JDK_GATE_REJECT : JDK_NO_GATE;
    options.log = jdk_log_stderr;
    jdk_tap *tap = NULL;
    int peer = is_gate ? -1 : connect_to(arguments[1]);
    if (!data || !other || !payload || !own || !bare || !rounds || (peer < 0 && !is_gate) ||
        jdk_tap_open(&options, &tap) != JDK_OK || !jdk_tap_wait_connected(tap, 10000000000u)) {
        fprintf(stderr, "nothing to measure: nobody listens at %s, or no memory\n", arguments[1]);
        return 1;
    }
    const jdk_tensor tensors[] = {jdk_output(0, JDK_FLOAT32, shape, 1, data)};
    const jdk_record record = {.tensors = tensors, .tensors_count = 1};
    size_t failed = 0;
    for (size_t n = 0; n < WARM_UP + rounds; n++) {
        size_t place = n < WARM_UP ? 0 : n - WARM_UP;
        uint64_t begin = now_ns();
        jdk_status status = is_gate ? jdk_tap_record_and_wait(tap, &record, 1000000000u, NULL)
                                    : jdk_tap_record(tap, &record);
        own[place] = now_ns() - begin;
        failed += status != JDK_OK;
        nanosleep(&pause, NULL);
        if (is_gate) continue;
        begin = now_ns();
        if (!is_inline) memcpy(other, data, bytes);
        failed += send(peer, payload, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
        bare[place] = now_ns() - begin;
        nanosleep(&pause, NULL);
    }
    jdk_counts counts;
    jdk_tap_counts(tap, &counts);
    printf("{\"tensor_bytes\": %zu, \"datagram_bytes\": %zu, \"failed\": %zu, \"not_sent\": %llu, ", bytes, size, failed,
           (unsigned long long)counts.tensors_not_sent);
    print(is_gate ? "round_trip" : "record", own, rounds, is_gate ? "}\n" : ", ");
    if (!is_gate) print("bare", bare, rounds, "}\n");
    jdk_tap_close(tap);
    if (peer >= 0) close(peer);
    free(data);
    free(other);
    free(payload);
    free(own);
    free(bare);
    return 0;
}
