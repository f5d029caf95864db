/* What comes from the monitor, and the gate: a call waits for the verdict of its own record, or for its deadline.
 *
 * Of the threads that wait, one reads the socket and hands each verdict to the thread it belongs to; when it leaves
 * another takes over. The library's thread reads only what nobody else does, so that a gated call wakes one thread.
 */

#define _GNU_SOURCE /* ppoll */

#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "tap.h"
#include "wire.h"

#define MOST_MESSAGES 64 /* at once; a flood must not keep the beat waiting */
#define MOST_WAIT_NS (60 * JDK_SECOND_NS)

static void hand_on(jdk_tap *tap, const unsigned char *body) {
    uint64_t number = jdk_get64(body + JDK_VERDICT_AT_NUMBER);
    jdk_waiter *waiter = tap->waiters;
    while (waiter && waiter->number != number) waiter = waiter->next;
    if (!waiter) return; /* it came too late: the call has gone on */
    uint16_t level = jdk_get16(body + JDK_VERDICT_AT_LEVEL), of_part = jdk_get16(body + JDK_VERDICT_AT_PART_LEVEL);
    waiter->answer.reasons = jdk_get32(body + JDK_VERDICT_AT_REASONS);
    waiter->answer.level = level < JDK_REJECT ? level : JDK_REJECT; /* a level that isn't known is a reject */
    waiter->answer.part_level = of_part < JDK_REJECT ? of_part : JDK_REJECT;
    waiter->is_answered = true;
    pthread_cond_broadcast(&tap->changed);
}

void jdk_listen(jdk_tap *tap, uint64_t now_ns) {
    for (int n = 0; n < MOST_MESSAGES && tap->link.fd >= 0 && !tap->link.is_ended; n++) {
        size_t size;
        int descriptor;
        jdk_received received = jdk_link_receive(&tap->link, tap->received, &size, &descriptor);
        if (received == JDK_NOTHING) return;
        if (received == JDK_ENDED) {
            jdk_lose(tap, now_ns, false);
            return;
        }
        unsigned char *body = tap->received + JDK_HEADER_SIZE;
        if (!jdk_is_message(tap->received, size)) {
            jdk_note_once(&tap->notes, "the monitor isn't understood: it speaks another wire than version %d",
                          JDK_WIRE_VERSION);
            jdk_lose(tap, now_ns, true);
        } else if (tap->received[JDK_HEADER_AT_KIND] == JDK_KIND_VERDICT) {
            if (size == JDK_HEADER_SIZE + JDK_VERDICT_SIZE) hand_on(tap, body);
        } else {
            jdk_hear(tap, now_ns, tap->received[JDK_HEADER_AT_KIND], (const char *)body, size - JDK_HEADER_SIZE,
                     descriptor);
        }
        if (descriptor >= 0) close(descriptor);
    }
}

void jdk_end_waiting(jdk_tap *tap) {
    for (jdk_waiter *waiter = tap->waiters; waiter; waiter = waiter->next) waiter->is_over = true;
    pthread_cond_broadcast(&tap->changed);
}

/* Until the verdict is there, or none will come, or the deadline is over. */
static void wait_for(jdk_tap *tap, jdk_waiter *waiter, uint64_t deadline_ns) {
    while (!waiter->is_answered && !waiter->is_over) {
        uint64_t now_ns = jdk_now_ns();
        if (now_ns >= deadline_ns) return;
        if (tap->is_read) {
            struct timespec until = jdk_timespec(deadline_ns);
            pthread_cond_timedwait(&tap->changed, &tap->lock, &until);
            continue;
        }
        struct pollfd poll = {tap->link.fd, POLLIN, 0};
        struct timespec left = jdk_timespec(deadline_ns - now_ns);
        tap->is_read = true;
        jdk_link_enter(&tap->link);
        pthread_mutex_unlock(&tap->lock);
        ppoll(&poll, 1, &left, NULL);
        pthread_mutex_lock(&tap->lock);
        jdk_link_leave(&tap->link);
        tap->is_read = false;
        jdk_listen(tap, jdk_now_ns());
    }
}

static void leave(jdk_tap *tap, const jdk_waiter *waiter) {
    jdk_waiter **place = &tap->waiters;
    while (*place != waiter) place = &(*place)->next;
    *place = waiter->next;
    if (tap->waiters && !tap->is_read) pthread_cond_broadcast(&tap->changed); /* another one must read */
}

/* What stands for a verdict that didn't come. */
static jdk_status silent(jdk_tap *tap, jdk_verdict *verdict, jdk_status why) {
    verdict->silence = why;
    tap->counts.unjudged++;
    verdict->level = verdict->part_level = tap->gate == JDK_GATE_PASS ? JDK_PASS : JDK_REJECT;
    if (tap->gate != JDK_GATE_PASS) return JDK_SILENT_REJECT;
    if (!tap->notes.has_said_pass)
        jdk_note(&tap->notes, 1, "a gated call passes without a verdict, as the tap was opened: %s",
                 jdk_status_text(why));
    tap->notes.has_said_pass = true;
    return JDK_SILENT_PASS;
}

jdk_status jdk_tap_record_and_wait(jdk_tap *tap, const jdk_record *record, uint64_t timeout_ns, jdk_verdict *verdict) {
    uint64_t deadline_ns = jdk_now_ns() + (timeout_ns < MOST_WAIT_NS ? timeout_ns : MOST_WAIT_NS), number;
    jdk_waiter waiter = {0};
    jdk_verdict unwanted;
    if (!verdict) verdict = &unwanted;
    *verdict = (jdk_verdict){.level = JDK_REJECT, .part_level = JDK_REJECT, .silence = JDK_BAD_ARGUMENT};
    if (!tap || !record || tap->gate == JDK_NO_GATE) return JDK_BAD_ARGUMENT;
    verdict->part = record->part;
    int cancellation = jdk_lock(tap);
    jdk_status status = jdk_send_record(tap, record, JDK_WANTS_VERDICT, &number);
    if (status == JDK_BAD_ARGUMENT) {
        jdk_unlock(tap, cancellation);
        return status;
    }
    if (status == JDK_OK) {
        verdict->number = waiter.number = number;
        waiter.next = tap->waiters;
        tap->waiters = &waiter;
        wait_for(tap, &waiter, deadline_ns);
        leave(tap, &waiter);
    }
    if (waiter.is_answered) {
        verdict->reasons = waiter.answer.reasons;
        verdict->level = waiter.answer.level;
        verdict->part_level = waiter.answer.part_level;
        verdict->silence = JDK_OK;
        status = verdict->level == JDK_REJECT ? JDK_REJECTED : JDK_OK;
        tap->counts.rejected += status == JDK_REJECTED;
    } else {
        status = silent(tap, verdict, status != JDK_OK ? status : waiter.is_over ? JDK_GONE : JDK_TIMEOUT);
    }
    jdk_unlock(tap, cancellation);
    return status;
}
