/* What the files of the library share: the tap, and who may touch what of it. Not for applications. */

#ifndef JIDOKA_TAP_INSIDE_H
#define JIDOKA_TAP_INSIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arena.h"
#include "jidoka_tap.h"
#include "link.h"
#include "notes.h"
#include "terms.h"

#define JDK_LONGEST_NAME_BYTES 1000u
/* all that comes before a record's inline tensors, and these; tensors are padded to 8 */
#define JDK_FRAME_BYTES (JDK_HEADER_SIZE + JDK_RECORD_SIZE + JDK_MAX_TENSORS * JDK_TENSOR_SIZE + JDK_INLINE_LIMIT_BYTES)

/* A call that waits for its verdict; lies on the stack of its thread. */
typedef struct jdk_waiter {
    struct jdk_waiter *next;
    uint64_t number;
    bool is_answered, is_over; /* is_over: nothing will come, the connection ended */
    jdk_verdict answer;
} jdk_waiter;

struct jdk_tap {
    /* fixed from opening on */
    char *model, *sha256, *socket, *runtime;
    jdk_names inputs, outputs;
    jdk_gate gate;
    bool has_no_thread;
    jdk_log log;
    void *log_context;
    char *hello; /* room for HELLO */
    size_t hello_bytes;

    /* Everything below under `lock`. It hands its holder the priority of who waits for it, so that a thread of real
     * time isn't held up by the library's own one. Nothing is waited for under it. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a waiter was answered or may read, or the connection came or went */
    pthread_t thread;
    int wake; /* eventfd that ends the thread's sleep; -1 without */
    bool is_started, is_closed;

    jdk_link link;
    jdk_terms terms[2]; /* those in force and room to read others into */
    jdk_terms *now, *next;
    jdk_arena arena;
    bool is_ready; /* the monitor takes records */
    bool was_ready;

    uint64_t first_number; /* before the first record */
    uint64_t since_welcome;
    jdk_counts counts;
    unsigned char *frame;    /* JDK_FRAME_BYTES: the record being made */
    unsigned char *received; /* JDK_RECEIVE_BYTES: the message being read */

    jdk_waiter *waiters;
    bool is_read; /* by one of the waiters */

    /* the pulse's memory: when what is due, and what it has said of losses */
    uint64_t hello_ns, next_beat_ns, away_ns;
    uint64_t dropped_at_hello, dropped_at_loss, dropped_before;
    uint64_t busy_ns, last_loss_ns;
    jdk_notes notes;

    struct jdk_tap *next_tap; /* of this process, under the list's lock */
};

/* pulse.c: what is due at now_ns. Returns the ns until something is due again. */
uint64_t jdk_turn(struct jdk_tap *tap, uint64_t now_ns);
/* The connection ended. is_refused: try again late. */
void jdk_lose(struct jdk_tap *tap, uint64_t now_ns, bool is_refused);
/* thread.c: start the library's thread if this process hasn't, or wake it up. */
void jdk_begin(struct jdk_tap *tap);
void jdk_wake(struct jdk_tap *tap);
/* record.c: make and send a record. flags: of its header; number: of the record, 0 if it wasn't sent. */
jdk_status jdk_send_record(struct jdk_tap *tap, const jdk_record *record, unsigned flags, uint64_t *number);
/* answers.c: take what the monitor has sent, at most so many messages. */
void jdk_listen(struct jdk_tap *tap, uint64_t now_ns);
/* Nothing more will come for those who wait. */
void jdk_end_waiting(struct jdk_tap *tap);
/* pulse.c: a message that isn't a verdict. */
void jdk_hear(struct jdk_tap *tap, uint64_t now_ns, unsigned kind, const char *body, size_t size, int descriptor);

/* Lock with cancellation of the calling thread put off: it must not end while it holds the lock. */
int jdk_lock(struct jdk_tap *tap);
void jdk_unlock(struct jdk_tap *tap, int cancellation);

#endif
