/* What is due: connect, say hello, beat each 100 ms, hear what the monitor says, sum up what was lost. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "tap.h"
#include "wire.h"

#define QUIET_NS JDK_SECOND_NS        /* without a loss, before losses to a busy monitor are summed up */
#define ANSWER_NS (2 * JDK_SECOND_NS) /* until a monitor that doesn't answer HELLO is worth a line */
#define MOST_REFUSAL_BYTES 256

/* The kernel's id of this boot as 32 hexadecimal digits, "" where it can't be read. */
static void read_boot(char boot[33]) {
    char text[40];
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? 0 : read(file, text, sizeof text);
    if (file >= 0) close(file);
    size_t used = 0;
    for (ssize_t n = 0; n < size && used < 32; n++)
        if ((text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f')) boot[used++] = text[n];
    boot[used] = '\0';
}

static void write_names(jdk_writer *writer, const char *key, const jdk_names *names) {
    jdk_write(writer, key);
    for (size_t n = 0; n < names->count; n++) {
        if (n) jdk_write(writer, ",");
        jdk_write_string(writer, names->name[n]);
    }
    jdk_write(writer, "]");
}

static void write_pair(jdk_writer *writer, const char *key, const char *text) {
    jdk_write(writer, key);
    jdk_write_string(writer, text);
}

static void say_hello(jdk_tap *tap, uint64_t now_ns) {
    jdk_writer writer = {tap->hello, JDK_HEADER_SIZE, tap->hello_bytes, false};
    char boot[33];
    read_boot(boot);
    write_pair(&writer, "{\"model\":", tap->model);
    jdk_write(&writer, ",\"pid\":");
    jdk_write_number(&writer, (uint64_t)getpid());
    write_pair(&writer, ",\"boot\":", boot);
    write_names(&writer, ",\"inputs\":[", &tap->inputs);
    write_names(&writer, ",\"outputs\":[", &tap->outputs);
    write_pair(&writer, ",\"runtime\":", tap->runtime);
    write_pair(&writer, ",\"tap\":", JDK_VERSION);
    write_pair(&writer, ",\"sha256\":", tap->sha256);
    jdk_write(&writer, ",\"dropped\":");
    jdk_write_number(&writer, tap->counts.dropped - tap->dropped_at_hello);
    jdk_write(&writer, tap->gate == JDK_NO_GATE ? ",\"gate\":false}" : ",\"gate\":true}");
    jdk_put_header((unsigned char *)tap->hello, JDK_KIND_HELLO, 0, writer.size - JDK_HEADER_SIZE, now_ns);
    struct iovec piece = {tap->hello, writer.size};
    tap->dropped_at_hello = tap->counts.dropped;
    tap->hello_ns = now_ns;
    jdk_link_send(&tap->link, &piece, 1);
}

static void beat(jdk_tap *tap, uint64_t now_ns) {
    unsigned char message[JDK_HEADER_SIZE + JDK_BEAT_SIZE], *body = message + JDK_HEADER_SIZE;
    struct iovec piece = {message, sizeof message};
    uint64_t dropped = tap->counts.dropped;
    jdk_put_header(message, JDK_KIND_BEAT, 0, JDK_BEAT_SIZE, now_ns);
    jdk_put64(body + JDK_BEAT_AT_SENT, tap->counts.records - dropped);
    jdk_put64(body + JDK_BEAT_AT_DROPPED, dropped);
    jdk_put64(body + JDK_BEAT_AT_NOT_SENT, tap->counts.tensors_not_sent);
    jdk_link_send(&tap->link, &piece, 1);
    tap->next_beat_ns += JDK_BEAT_INTERVAL_NS;
    if (tap->next_beat_ns <= now_ns) tap->next_beat_ns = now_ns + JDK_BEAT_INTERVAL_NS;
    if (dropped > tap->dropped_before) {
        if (!tap->busy_ns) {
            tap->busy_ns = now_ns;
            tap->dropped_at_loss = tap->dropped_before;
        }
        tap->dropped_before = dropped;
        tap->last_loss_ns = now_ns;
    } else if (tap->busy_ns && now_ns - tap->last_loss_ns >= QUIET_NS) {
        jdk_note(&tap->notes, 1, "the monitor was too busy for %.1f s; %llu records were not sent",
                 (double)(tap->last_loss_ns - tap->busy_ns + JDK_BEAT_INTERVAL_NS) / 1e9,
                 (unsigned long long)(dropped - tap->dropped_at_loss));
        tap->busy_ns = 0;
    }
}

/* New terms, and the memory that comes with them. The connection keeps its arena if none comes and its size is right. */
static void come_in(jdk_tap *tap, uint64_t now_ns, const char *body, size_t size, int descriptor) {
    jdk_terms *terms = tap->next;
    if (!jdk_read_terms(terms, &tap->inputs, &tap->outputs, body, size, &tap->notes)) {
        jdk_note_once(&tap->notes, "the monitor isn't understood: its WELCOME makes no sense");
        jdk_lose(tap, now_ns, true);
        return;
    }
    bool is_same = tap->arena.memory && descriptor < 0 && tap->arena.slots == terms->slots &&
                   tap->arena.slot_bytes == terms->slot_bytes;
    if (!is_same) {
        const char *why = "it didn't come";
        jdk_arena_unmap(&tap->arena);
        if (descriptor >= 0 && terms->slots)
            why = jdk_arena_map(&tap->arena, descriptor, terms->slots, terms->slot_bytes);
        if (terms->slots && why)
            jdk_note_once(&tap->notes, "large tensors aren't sent, the monitor's memory can't be used: %s", why);
    }
    tap->next = tap->now;
    tap->now = terms;
    tap->since_welcome = 0;
    tap->link.backoff_ns = JDK_BACKOFF_MIN_NS;
    if (tap->is_ready) return;
    unsigned long long lost = tap->counts.dropped - tap->dropped_at_loss;
    if (tap->was_ready) {
        jdk_note(&tap->notes, 1, "the monitor was away for %.1f s; %llu records were not sent",
                 (double)(now_ns - tap->away_ns) / 1e9, lost);
    } else {
        jdk_note(&tap->notes, 0, "connected to the monitor at %s; %llu records before that were not sent", tap->socket,
                 lost);
    }
    tap->is_ready = tap->was_ready = true;
    tap->dropped_before = tap->counts.dropped;
    tap->busy_ns = 0;
    tap->next_beat_ns = now_ns;
    pthread_cond_broadcast(&tap->changed);
}

static void be_refused(jdk_tap *tap, uint64_t now_ns, const char *body, size_t size) {
    char key[16], reason[MOST_REFUSAL_BYTES] = "no reason given", remedy[MOST_REFUSAL_BYTES] = "";
    jdk_reader reader = {body, body + size, 0, false};
    if (jdk_read_open(&reader, '{')) {
        for (bool is_first = true; jdk_read_more(&reader, '{', &is_first);) {
            if (!jdk_read_key(&reader, key, sizeof key)) break;
            if (strcmp(key, "reason") == 0) jdk_read_string(&reader, reason, sizeof reason);
            else if (strcmp(key, "remedy") == 0) jdk_read_string(&reader, remedy, sizeof remedy);
            else jdk_read_past(&reader);
        }
    }
    jdk_note_once(&tap->notes, "the monitor refuses the records: %s. %s", reason, remedy);
    jdk_lose(tap, now_ns, true);
}

void jdk_hear(jdk_tap *tap, uint64_t now_ns, unsigned kind, const char *body, size_t size, int descriptor) {
    if (kind == JDK_KIND_WELCOME) come_in(tap, now_ns, body, size, descriptor);
    else if (kind == JDK_KIND_REFUSED) be_refused(tap, now_ns, body, size);
}

void jdk_lose(jdk_tap *tap, uint64_t now_ns, bool is_refused) {
    jdk_arena_unmap(&tap->arena);
    jdk_link_end(&tap->link, now_ns, is_refused);
    jdk_end_waiting(tap);
    if (!tap->is_ready) return;
    tap->is_ready = false;
    tap->away_ns = now_ns;
    if (!tap->busy_ns) tap->dropped_at_loss = tap->dropped_before;
    if (!tap->is_closed)
        jdk_note(&tap->notes, 1, "the monitor is away: records are not sent until it is back");
    jdk_wake(tap); /* whoever noticed, the thread must count the time to the next try */
}

static uint64_t until(uint64_t due_ns, uint64_t now_ns) { return due_ns > now_ns ? due_ns - now_ns : 0; }

uint64_t jdk_turn(jdk_tap *tap, uint64_t now_ns) {
    if (tap->link.is_ended) return JDK_BACKOFF_MIN_NS; /* a waiter leaves at once and closes it */
    if (tap->link.fd < 0) {
        if (!jdk_link_connect(&tap->link, tap->socket, now_ns)) {
            if (!tap->was_ready && tap->link.why_not)
                jdk_note_once(&tap->notes, "no monitor at %s (%s): records are not sent until it is there", tap->socket,
                              strerror(tap->link.why_not));
            return until(tap->link.next_try_ns, now_ns);
        }
        say_hello(tap, now_ns);
    }
    if (!tap->is_read) jdk_listen(tap, now_ns);
    if (tap->link.fd < 0 || tap->link.is_ended) return until(tap->link.next_try_ns, now_ns);
    if (!tap->is_ready) {
        if (now_ns - tap->hello_ns > ANSWER_NS)
            jdk_note_once(&tap->notes, "the monitor at %s doesn't answer", tap->socket);
        return JDK_BEAT_INTERVAL_NS;
    }
    if (now_ns >= tap->next_beat_ns) beat(tap, now_ns);
    return until(tap->next_beat_ns, now_ns);
}
