/* The library's own thread, what forks need, and the same turns for programs that want no thread. */

#define _GNU_SOURCE /* ppoll */

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "tap.h"

int jdk_lock(jdk_tap *tap) {
    int cancellation;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    pthread_mutex_lock(&tap->lock);
    return cancellation;
}

void jdk_unlock(jdk_tap *tap, int cancellation) {
    pthread_mutex_unlock(&tap->lock);
    pthread_setcancelstate(cancellation, NULL);
}

/* Write what waits to the log, without the lock: it may block. */
static void write_notes(jdk_tap *tap) {
    char line[JDK_NOTE_BYTES];
    int level;
    for (;;) {
        pthread_mutex_lock(&tap->lock);
        bool is_one = jdk_take_note(&tap->notes, line, &level);
        pthread_mutex_unlock(&tap->lock);
        if (!is_one) return;
        if (tap->log) tap->log(tap->log_context, level, line);
    }
}

static void *live(void *argument) {
    jdk_tap *tap = argument;
    pthread_mutex_lock(&tap->lock);
    while (!tap->is_closed) {
        struct timespec left = jdk_timespec(jdk_turn(tap, jdk_now_ns()));
        /* Where calls wait for verdicts they read the socket, and this thread sleeps until the next beat or the end of
         * the connection; else each verdict would wake two threads. */
        bool is_on = tap->link.fd >= 0 && !tap->link.is_ended;
        short events = tap->is_ready && tap->gate != JDK_NO_GATE ? 0 : POLLIN;
        struct pollfd polls[2] = {{tap->wake, POLLIN, 0}, {is_on ? tap->link.fd : -1, events, 0}};
        if (is_on) jdk_link_enter(&tap->link);
        pthread_mutex_unlock(&tap->lock);
        write_notes(tap);
        ppoll(polls, 2, &left, NULL);
        if (polls[0].revents) {
            uint64_t count;
            if (read(tap->wake, &count, sizeof count) < 0) { /* somebody else's turn took it: nothing to do */
            }
        }
        pthread_mutex_lock(&tap->lock);
        if (is_on) jdk_link_leave(&tap->link);
    }
    pthread_mutex_unlock(&tap->lock);
    write_notes(tap);
    return NULL;
}

void jdk_begin(jdk_tap *tap) {
    sigset_t all, before;
    if (tap->is_started || tap->is_closed) return;
    tap->is_started = true;
    tap->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigfillset(&all); /* signals are the application's, and so must its own threads be that handle them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (tap->wake < 0 || pthread_create(&tap->thread, NULL, live, tap) != 0) {
        if (tap->wake >= 0) close(tap->wake);
        tap->wake = -1;
        tap->is_started = false; /* tried again with the next record */
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void jdk_wake(jdk_tap *tap) {
    uint64_t one = 1;
    if (tap->wake >= 0 && write(tap->wake, &one, sizeof one) < 0) { /* it is awake already */
    }
}

uint64_t jdk_tap_poll(jdk_tap *tap) {
    if (!tap || !tap->has_no_thread) return JDK_BEAT_INTERVAL_NS;
    int cancellation = jdk_lock(tap);
    uint64_t left_ns = jdk_turn(tap, jdk_now_ns());
    pthread_mutex_unlock(&tap->lock);
    write_notes(tap);
    pthread_setcancelstate(cancellation, NULL);
    return left_ns < JDK_BEAT_INTERVAL_NS ? left_ns : JDK_BEAT_INTERVAL_NS;
}
