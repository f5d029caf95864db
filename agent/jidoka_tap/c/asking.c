/* What an application asks of a tap, and texts for people. */

#include <stdio.h>

#include "clock.h"
#include "tap.h"

jdk_status jdk_tap_record(jdk_tap *tap, const jdk_record *record) {
    uint64_t number;
    if (!tap || !record) return JDK_BAD_ARGUMENT;
    int cancellation = jdk_lock(tap);
    jdk_status status = jdk_send_record(tap, record, 0, &number);
    jdk_unlock(tap, cancellation);
    return status;
}

int jdk_tap_wants(jdk_tap *tap, int role, size_t index) {
    int cancellation = jdk_lock(tap), wants = 0;
    const jdk_terms *terms = tap->now;
    if (tap->is_ready && role == JDK_OUTPUT && index < tap->outputs.count) {
        wants = terms->wants_output[index];
    } else if (tap->is_ready && role == JDK_INPUT && index < tap->inputs.count) {
        wants = terms->wants_input[index] && terms->every && tap->since_welcome % terms->every == 0;
    }
    jdk_unlock(tap, cancellation);
    return wants;
}

int jdk_tap_wait_connected(jdk_tap *tap, uint64_t limit_ns) {
    struct timespec until = jdk_timespec(jdk_now_ns() + limit_ns);
    int cancellation = jdk_lock(tap), error = 0;
    if (!tap->has_no_thread) jdk_begin(tap);
    while (!tap->is_ready && !tap->has_no_thread && error == 0)
        error = pthread_cond_timedwait(&tap->changed, &tap->lock, &until);
    int is_ready = tap->is_ready;
    jdk_unlock(tap, cancellation);
    return is_ready;
}

void jdk_tap_counts(jdk_tap *tap, jdk_counts *counts) {
    int cancellation = jdk_lock(tap);
    *counts = tap->counts;
    counts->sent = counts->records - counts->dropped;
    counts->is_connected = tap->is_ready;
    jdk_unlock(tap, cancellation);
}

char *jdk_tap_reasons(jdk_tap *tap, uint32_t reasons, char *text, size_t size) {
    size_t used = 0;
    if (!text || size == 0) return text;
    text[0] = '\0';
    int cancellation = jdk_lock(tap);
    for (unsigned bit = 0; bit < JDK_REASONS && used < size; bit++) {
        if (!(reasons >> bit & 1)) continue;
        const char *reason = tap->now->reasons[bit];
        int more = reason[0] ? snprintf(text + used, size - used, "%s%s", used ? "; " : "", reason)
                             : snprintf(text + used, size - used, "%sreason %u", used ? "; " : "", bit);
        used += more > 0 ? (size_t)more : 0;
    }
    jdk_unlock(tap, cancellation);
    return text;
}

const char *jdk_status_text(jdk_status status) {
    static const char *const texts[] = {
        [JDK_OK] = "done",
        [JDK_REJECTED] = "the monitor rejects the record: its outputs must not be used",
        [JDK_SILENT_REJECT] = "no verdict came, which counts as a reject: the outputs must not be used",
        [JDK_SILENT_PASS] = "no verdict came, which counts as a pass",
        [JDK_NOT_CONNECTED] = "no monitor is connected",
        [JDK_BUSY] = "the monitor takes no more at the moment",
        [JDK_TIMEOUT] = "no verdict within the deadline",
        [JDK_GONE] = "the monitor went away before its verdict",
        [JDK_BAD_ARGUMENT] = "an argument can't be",
        [JDK_NO_RESOURCES] = "no memory, thread or descriptor",
    };
    unsigned number = (unsigned)status;
    return number < sizeof texts / sizeof *texts ? texts[number] : "unknown status";
}

void jdk_log_stderr(void *context, int level, const char *text) {
    (void)context;
    fprintf(stderr, "jidoka_tap: %s%s\n", level ? "warning: " : "", text);
}
