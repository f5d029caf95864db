/* A tap from opening to closing, and what an application asks of it; a child that was forked begins afresh. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "tap.h"
#include "wire.h"

#define MOST_NAMES_BYTES 60000u /* of one HELLO */
#define MOST_NAMES 65535u       /* an index has 16 bits, THUMBNAIL is none of them */
#define SHA256_DIGITS 64u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static jdk_tap *taps; /* of this process */

/* Without connection, thread and counts: as at the start, and in a forked child, where nothing of the parent's may be
 * used. Numbers go on from the clock's microseconds, so that no two processes of one boot give the same number to two
 * records of a model, whatever is restarted or forked. */
static void begin_afresh(jdk_tap *tap) {
    pthread_mutexattr_t lock;
    pthread_condattr_t changed;
    pthread_mutexattr_init(&lock);
    pthread_mutexattr_setprotocol(&lock, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&tap->lock, &lock);
    pthread_mutexattr_destroy(&lock);
    pthread_condattr_init(&changed);
    pthread_condattr_setclock(&changed, CLOCK_MONOTONIC);
    pthread_cond_init(&tap->changed, &changed);
    pthread_condattr_destroy(&changed);
    jdk_link_init(&tap->link);
    tap->wake = -1;
    tap->is_started = tap->is_closed = tap->is_ready = tap->was_ready = tap->is_read = false;
    tap->now = &tap->terms[0];
    tap->next = &tap->terms[1];
    tap->waiters = NULL;
    memset(&tap->arena, 0, sizeof tap->arena); /* a child has no mapping of it */
    memset(&tap->counts, 0, sizeof tap->counts);
    memset(&tap->notes, 0, sizeof tap->notes);
    tap->away_ns = jdk_now_ns();
    tap->first_number = tap->away_ns / 1000;
    tap->since_welcome = tap->dropped_at_hello = tap->dropped_at_loss = tap->dropped_before = 0;
    tap->hello_ns = tap->next_beat_ns = tap->busy_ns = tap->last_loss_ns = 0;
}

static void before_fork(void) { pthread_mutex_lock(&list_lock); }
static void after_fork(void) { pthread_mutex_unlock(&list_lock); }

static void after_fork_in_child(void) {
    for (jdk_tap *tap = taps; tap; tap = tap->next_tap) {
        if (tap->link.fd >= 0) close(tap->link.fd); /* the parent's connection stays the parent's */
        if (tap->wake >= 0) close(tap->wake);
        begin_afresh(tap);
    }
    pthread_mutex_unlock(&list_lock);
}

static void watch_forks(void) { pthread_atfork(before_fork, after_fork, after_fork_in_child); }

/* ---------------------------------------------------------------- opening and closing */

static char *copy(const char *text) { return strdup(text ? text : ""); }

/* Bytes of a name as JSON at most, 0 if it can't be one. */
static size_t size_of(const char *name) {
    if (!name || strlen(name) > JDK_LONGEST_NAME_BYTES || !jdk_is_utf8(name)) return 0;
    size_t size = 3; /* quotes and comma */
    for (; *name; name++) size += (unsigned char)*name < 0x20 ? 6 : *name == '"' || *name == '\\' ? 2 : 1;
    return size;
}

static bool are_possible(const char *const *names, size_t count, size_t *bytes) {
    if (count > MOST_NAMES || (count && !names)) return false;
    for (size_t n = 0; n < count; n++) {
        size_t size = size_of(names[n]);
        if (size == 0) return false;
        *bytes += size;
    }
    return true;
}

static bool is_digest(const char *text) {
    return !text || !*text || (strlen(text) == SHA256_DIGITS && strspn(text, "0123456789abcdefABCDEF") == SHA256_DIGITS);
}

static bool copy_names(jdk_names *to, const char *const *names, size_t count) {
    to->name = calloc(count ? count : 1, sizeof *to->name);
    if (!to->name) return false;
    for (; to->count < count; to->count++)
        if (!(to->name[to->count] = strdup(names[to->count]))) return false;
    return true;
}

static void free_all(jdk_tap *tap) {
    for (size_t n = 0; n < tap->inputs.count; n++) free(tap->inputs.name[n]);
    for (size_t n = 0; n < tap->outputs.count; n++) free(tap->outputs.name[n]);
    for (size_t n = 0; n < 2; n++) {
        free(tap->terms[n].wants_input);
        free(tap->terms[n].wants_output);
    }
    free(tap->inputs.name);
    free(tap->outputs.name);
    free(tap->model);
    free(tap->sha256);
    free(tap->socket);
    free(tap->runtime);
    free(tap->hello);
    free(tap->frame);
    free(tap->received);
    free(tap);
}

static bool allocate(jdk_tap *tap, const jdk_options *options) {
    const char *path = options->socket && *options->socket ? options->socket : getenv("JIDOKA_TAP_SOCKET");
    bool is_there = copy_names(&tap->inputs, options->inputs, options->inputs_count) &&
                    copy_names(&tap->outputs, options->outputs, options->outputs_count);
    for (size_t n = 0; n < 2; n++) {
        tap->terms[n].wants_input = calloc(options->inputs_count + 1, sizeof(bool));
        tap->terms[n].wants_output = calloc(options->outputs_count + 1, sizeof(bool));
        is_there = is_there && tap->terms[n].wants_input && tap->terms[n].wants_output;
    }
    tap->model = copy(options->model);
    tap->sha256 = copy(options->sha256);
    tap->socket = copy(path && *path ? path : JDK_DEFAULT_SOCKET);
    tap->runtime = copy(options->runtime);
    tap->hello = malloc(tap->hello_bytes);
    tap->frame = malloc(JDK_FRAME_BYTES);
    tap->received = malloc(JDK_RECEIVE_BYTES);
    return is_there && tap->model && tap->sha256 && tap->socket && tap->runtime && tap->hello && tap->frame &&
           tap->received;
}

jdk_status jdk_tap_open(const jdk_options *options, jdk_tap **tap_out) {
    size_t bytes = 0;
    if (!tap_out) return JDK_BAD_ARGUMENT;
    *tap_out = NULL;
    if (!options || options->size < sizeof *options) return JDK_BAD_ARGUMENT;
    bool has_model = options->model && *options->model, has_digest = options->sha256 && *options->sha256;
    const char *texts[] = {options->model ? options->model : "", options->runtime ? options->runtime : ""};
    if ((!has_model && !has_digest) || !is_digest(options->sha256) || (int)options->gate < JDK_NO_GATE ||
        options->gate > JDK_GATE_PASS || !are_possible(texts, 2, &bytes) ||
        !are_possible(options->inputs, options->inputs_count, &bytes) ||
        !are_possible(options->outputs, options->outputs_count, &bytes) || bytes > MOST_NAMES_BYTES)
        return JDK_BAD_ARGUMENT;
    jdk_tap *tap = calloc(1, sizeof *tap);
    if (!tap) return JDK_NO_RESOURCES;
    tap->gate = options->gate;
    tap->has_no_thread = options->has_no_thread != 0;
    tap->log = options->log;
    tap->log_context = options->log_context;
    tap->hello_bytes = bytes + 1024; /* its keys, numbers and digests */
    if (!allocate(tap, options)) {
        free_all(tap);
        return JDK_NO_RESOURCES;
    }
    for (char *digit = tap->sha256; *digit; digit++) *digit = (char)(*digit | 0x20); /* as the plan has it */
    begin_afresh(tap);
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&list_lock);
    tap->next_tap = taps;
    taps = tap;
    pthread_mutex_unlock(&list_lock);
    if (!tap->has_no_thread) {
        int cancellation = jdk_lock(tap);
        jdk_begin(tap);
        bool is_started = tap->is_started;
        jdk_unlock(tap, cancellation);
        if (!is_started) {
            jdk_tap_close(tap);
            return JDK_NO_RESOURCES;
        }
    }
    *tap_out = tap;
    return JDK_OK;
}

void jdk_tap_close(jdk_tap *tap) {
    static const char body[] = "{\"reason\":\"the application has ended or closed the model\"}";
    unsigned char message[JDK_HEADER_SIZE + sizeof body - 1];
    struct iovec piece = {message, sizeof message};
    if (!tap) return;
    int cancellation = jdk_lock(tap);
    tap->is_closed = true;
    if (tap->is_ready) {
        jdk_put_header(message, JDK_KIND_GOODBYE, 0, sizeof body - 1, jdk_now_ns());
        memcpy(message + JDK_HEADER_SIZE, body, sizeof body - 1);
        jdk_link_send(&tap->link, &piece, 1);
    }
    jdk_lose(tap, jdk_now_ns(), false);
    jdk_wake(tap);
    bool has_thread = tap->is_started;
    pthread_mutex_unlock(&tap->lock);
    if (has_thread) pthread_join(tap->thread, NULL);
    pthread_mutex_lock(&list_lock);
    jdk_tap **place = &taps;
    while (*place != tap) place = &(*place)->next_tap;
    *place = tap->next_tap;
    pthread_mutex_unlock(&list_lock);
    if (tap->wake >= 0) close(tap->wake);
    pthread_cond_destroy(&tap->changed);
    pthread_mutex_destroy(&tap->lock);
    free_all(tap);
    pthread_setcancelstate(cancellation, NULL);
}
