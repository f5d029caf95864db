/* What tests let a C program do: exercise MODE SOCKET [NUMBER]. Prints what came of it, ends with 0 if it was right. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jidoka_tap.h"

#define SECOND UINT64_C(1000000000)
#define LARGE 200000

static const int64_t small_shape[] = {1, 2}, large_shape[] = {LARGE};
static unsigned char large[LARGE];
static long number;

#ifdef COUNTS_ALLOCATIONS /* of the whole program, the C library's own included */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static long allocations;
void *malloc(size_t size) { __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED); return __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_realloc(old, size);
}
#else
static long allocations;
#endif

static jdk_tap *open_tap(const char *path, jdk_gate gate) {
    const char *outputs[] = {"logits", "map"};
    jdk_options options = jdk_options_for("m");
    jdk_tap *tap;
    options.socket = path;
    options.outputs = outputs;
    options.outputs_count = 2;
    options.gate = gate;
    options.log = jdk_log_stderr;
    if (jdk_tap_open(&options, &tap) != JDK_OK) abort();
    return tap;
}

static jdk_status record(jdk_tap *tap, uint64_t part, int has_large, uint64_t timeout_ns) {
    float logits[2] = {(float)part, 1};
    jdk_tensor tensors[] = {jdk_output(0, JDK_FLOAT32, small_shape, 2, logits),
                            jdk_output(1, JDK_UINT8, large_shape, 1, large)};
    jdk_record each = {.part = part, .tensors = tensors, .tensors_count = has_large ? 2 : 1};
    return timeout_ns ? jdk_tap_record_and_wait(tap, &each, timeout_ns, NULL) : jdk_tap_record(tap, &each);
}

static int is_over; /* somebody has made the file SOCKET.stop */

static void *work(void *argument) {
    jdk_tap *tap = argument;
    char text[100];
    jdk_counts counts;
    for (long n = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); n++) {
        record(tap, 77, n % 3 == 0, n % 5 == 0 ? SECOND / 100 : 0);
        jdk_tap_reasons(tap, (uint32_t)n, text, sizeof text);
        jdk_tap_counts(tap, &counts);
        if (n % 10 == 0) usleep(1000);
    }
    return NULL;
}

static void print(jdk_tap *tap) {
    jdk_counts counts;
    jdk_tap_counts(tap, &counts);
    printf("records %llu sent %llu dropped %llu connected %d\n", (unsigned long long)counts.records,
           (unsigned long long)counts.sent, (unsigned long long)counts.dropped, counts.is_connected);
    fflush(stdout);
}

static int threads(const char *path) {
    pthread_t thread[4];
    jdk_tap *tap = open_tap(path, JDK_GATE_PASS);
    char stop[200];
    snprintf(stop, sizeof stop, "%s.stop", path);
    for (int n = 0; n < 4; n++) pthread_create(&thread[n], NULL, work, tap);
    while (access(stop, F_OK) != 0) usleep(10000);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    for (int n = 0; n < 4; n++) pthread_join(thread[n], NULL);
    print(tap);
    jdk_tap_close(tap);
    return 0;
}

static int forks(const char *path) {
    int status;
    jdk_tap *tap = open_tap(path, JDK_NO_GATE);
    if (!jdk_tap_wait_connected(tap, 10 * SECOND) || record(tap, 1, 1, 0) != JDK_OK) return 1;
    pid_t child = fork();
    if (child == 0) {
        if (record(tap, 2, 0, 0) != JDK_NOT_CONNECTED || !jdk_tap_wait_connected(tap, 10 * SECOND)) _exit(1);
        if (record(tap, 3, 1, 0) != JDK_OK) _exit(2);
        jdk_tap_close(tap);
        _exit(0);
    }
    waitpid(child, &status, 0);
    if (record(tap, 4, 1, 0) != JDK_OK) return 2;
    print(tap);
    jdk_tap_close(tap);
    return status;
}

static int count_allocations(const char *path) {
    jdk_tap *tap = open_tap(path, JDK_GATE_PASS);
    if (!jdk_tap_wait_connected(tap, 10 * SECOND)) return 1;
    usleep(100000); /* the thread has said that it is connected */
    long before = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
    for (uint64_t n = 0; n < 50; n++) {
        record(tap, n, n % 2 == 0, 0);
        record(tap, n, n % 2 == 0, 5 * SECOND);
        usleep(2000);
    }
    printf("allocations before %ld during %ld\n", before, __atomic_load_n(&allocations, __ATOMIC_RELAXED) - before);
    print(tap);
    jdk_tap_close(tap);
    return 0;
}

static void *wait_long(void *tap) {
    record(tap, 1, 0, SECOND / 2);
    for (;;) pause();
    return NULL;
}

static int cancel(const char *path) {
    pthread_t thread;
    jdk_tap *tap = open_tap(path, JDK_GATE_REJECT);
    if (!jdk_tap_wait_connected(tap, 10 * SECOND)) return 1;
    pthread_create(&thread, NULL, wait_long, tap);
    usleep(50000);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    if (record(tap, 2, 0, 0) != JDK_OK) return 2; /* nobody has kept the lock */
    print(tap);
    jdk_tap_close(tap);
    return 0;
}

/* Until `number` records were sent, one each ms; says each change of the connection, and when the monitor is busy. */
static int keep_sending(const char *path) {
    jdk_tap *tap = open_tap(path, JDK_NO_GATE);
    jdk_counts counts = {0};
    int was_connected = -1, was_busy = 0;
    for (uint64_t part = 1; counts.sent < (uint64_t)number; part++) {
        int is_busy = record(tap, part, part % 4 == 0, 0) == JDK_BUSY;
        jdk_tap_counts(tap, &counts);
        if (is_busy && !was_busy) printf("busy\n");
        was_busy = is_busy;
        fflush(stdout);
        if (counts.is_connected != was_connected) print(tap);
        was_connected = counts.is_connected;
        usleep(100);
    }
    print(tap);
    jdk_tap_close(tap);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(const char *path);
} modes[] = {{"threads", threads}, {"forks", forks}, {"allocations", count_allocations}, {"cancel", cancel},
             {"send", keep_sending}};

int main(int count, char **arguments) {
    number = count > 3 ? strtol(arguments[3], NULL, 10) : 0;
    for (size_t n = 0; count > 2 && n < sizeof modes / sizeof *modes; n++)
        if (strcmp(arguments[1], modes[n].name) == 0) return modes[n].run(arguments[2]);
    return 3;
}
