/* A record: which of its tensors go, where each lies, and the bytes. wire.pack_record says what it looks like. */

#include <errno.h>

#include "clock.h"
#include "tap.h"
#include "tensor.h"
#include "wire.h"

#define COPIED_BELOW_BYTES 8192 /* smaller tensors are copied behind the head: cheaper than a piece of their own */
#define MOST_PIECES (1 + 2 * JDK_MAX_TENSORS)

/* What a record needs while it is made; lies on the stack. */
typedef struct jdk_making {
    const jdk_tensor *tensor[JDK_MAX_TENSORS];
    jdk_source source[JDK_MAX_TENSORS];
    unsigned char flags[JDK_MAX_TENSORS];
    size_t count;
    size_t in_slot; /* bytes that lie there */
    bool has_inputs;
    size_t surplus; /* tensors beyond what a record may have */
} jdk_making;

static bool is_thumbnail(const jdk_tensor *tensor) {
    return tensor->role == JDK_INPUT && tensor->index == JDK_THUMBNAIL;
}

/* True for arguments that a tensor may have. */
static bool is_possible(const jdk_tap *tap, const jdk_tensor *tensor, const jdk_source *source) {
    if (tensor->role == JDK_OUTPUT) return tensor->index < tap->outputs.count;
    if (tensor->role != JDK_INPUT) return false;
    if (!is_thumbnail(tensor)) return tensor->index < tap->inputs.count;
    return tensor->dtype == JDK_UINT8 && source->bytes &&
           (tensor->rank == 2 || (tensor->rank == 3 && tensor->shape[2] == 3));
}

/* Which of the tensors the monitor wants in this record. False: one of them can't be. */
static bool choose(jdk_tap *tap, const jdk_record *record, jdk_making *making) {
    const jdk_terms *terms = tap->now;
    jdk_source source;
    if (record->tensors_count && !record->tensors) return false;
    for (size_t n = 0; n < record->tensors_count; n++) {
        const jdk_tensor *tensor = &record->tensors[n];
        if (!jdk_source_of(&source, tensor) || !is_possible(tap, tensor, &source)) return false;
        bool is_model_input = tensor->role == JDK_INPUT && !is_thumbnail(tensor);
        if (is_model_input && (!making->has_inputs || !terms->wants_input[tensor->index])) continue;
        if (tensor->role == JDK_OUTPUT && !terms->wants_output[tensor->index]) continue;
        if (making->count == JDK_MAX_TENSORS) {
            making->surplus++;
            continue;
        }
        if (is_model_input && terms->has_roi) jdk_source_cut(&source, tensor, &terms->roi);
        making->source[making->count] = source;
        making->tensor[making->count++] = tensor;
    }
    return true;
}

/* Where each tensor goes: inline, into a slot, or nowhere. Returns how many are only named for want of room. */
static size_t place(const jdk_tap *tap, jdk_making *making) {
    size_t used = 0, limit = tap->now->inline_limit_bytes, room = tap->arena.slot_bytes, too_large = 0;
    making->in_slot = 0;
    for (size_t n = 0; n < making->count; n++) {
        const jdk_source *source = &making->source[n];
        unsigned flags = making->tensor[n]->role;
        size_t bytes = source->bytes;
        if (!source->is_known || (bytes && !source->data)) {
            flags |= JDK_NOT_SENT;
        } else if (bytes <= limit && jdk_padded(bytes, 8) <= limit - used) {
            used += jdk_padded(bytes, 8);
        } else if (bytes <= room && jdk_padded(bytes, JDK_ARENA_ALIGN) <= room - making->in_slot) {
            flags |= JDK_IN_ARENA;
            making->in_slot += jdk_padded(bytes, JDK_ARENA_ALIGN);
        } else {
            flags |= JDK_NOT_SENT;
            too_large++;
        }
        making->flags[n] = (unsigned char)flags;
    }
    return too_large;
}

static void say_what_is_not_sent(jdk_tap *tap, const jdk_making *making) {
    for (size_t n = 0; n < making->count; n++) {
        const jdk_tensor *tensor = making->tensor[n];
        const jdk_source *source = &making->source[n];
        if (!(making->flags[n] & JDK_NOT_SENT) || (source->bytes && !source->data)) continue;
        bool *has_said = source->is_known ? &tap->notes.has_said_large : &tap->notes.has_said_unknown;
        if (*has_said) continue;
        *has_said = true;
        jdk_note(&tap->notes, 1, "%s %u isn't sent to the monitor: %s",
                 tensor->role == JDK_OUTPUT ? "output" : "input", tensor->index,
                 source->is_known ? "the record is larger than what the monitor takes"
                                  : "the wire doesn't know its element type, or so many axes");
    }
}

/* One descriptor. */
static void describe(unsigned char *at, const jdk_tensor *tensor, const jdk_source *source, unsigned char flags) {
    uint32_t rank = tensor->rank < JDK_MAX_RANK ? tensor->rank : JDK_MAX_RANK;
    memset(at, 0, JDK_TENSOR_SIZE);
    at[JDK_TENSOR_AT_FLAGS] = flags;
    at[JDK_TENSOR_AT_DTYPE] = source->dtype;
    at[JDK_TENSOR_AT_RANK] = (unsigned char)rank;
    jdk_put16(at + JDK_TENSOR_AT_INDEX, tensor->index);
    jdk_put32(at + JDK_TENSOR_AT_BYTES, flags & JDK_NOT_SENT ? 0 : (uint32_t)source->bytes);
    for (uint32_t n = 0; n < rank; n++) jdk_put32(at + JDK_TENSOR_AT_SHAPE + 4 * n, source->shape[n]);
}

/* One more piece, or the last one made longer where it lies right behind it. */
static void add_piece(struct iovec *pieces, size_t *count, unsigned char *at, size_t size) {
    if (*count && (unsigned char *)pieces[*count - 1].iov_base + pieces[*count - 1].iov_len == at) {
        pieces[*count - 1].iov_len += size;
    } else {
        pieces[(*count)++] = (struct iovec){at, size};
    }
}

/* Head and descriptors into the frame, the tensors behind it, into pieces of their own or into the slot. */
static size_t write_all(jdk_tap *tap, const jdk_record *record, jdk_making *making, unsigned flags, uint64_t number,
                        int slot, struct iovec *pieces) {
    static unsigned char zeros[8];
    unsigned char *head = tap->frame + JDK_HEADER_SIZE, *at = head + JDK_RECORD_SIZE;
    unsigned char *in_slot = slot < 0 ? NULL : jdk_arena_data(&tap->arena, slot);
    size_t count = 0, inline_bytes = 0;
    for (size_t n = 0; n < making->count; n++, at += JDK_TENSOR_SIZE)
        describe(at, making->tensor[n], &making->source[n], making->flags[n]);
    add_piece(pieces, &count, tap->frame, (size_t)(at - tap->frame));
    if (in_slot) jdk_arena_begin(&tap->arena, slot, number);
    for (size_t n = 0; n < making->count; n++) {
        const jdk_source *source = &making->source[n];
        if (making->flags[n] & JDK_NOT_SENT || (source->bytes == 0 && !(making->flags[n] & JDK_IN_ARENA))) continue;
        if (making->flags[n] & JDK_IN_ARENA) {
            size_t padded = jdk_padded(source->bytes, JDK_ARENA_ALIGN);
            jdk_source_copy(source, in_slot, padded);
            in_slot += padded;
            continue;
        }
        size_t padded = jdk_padded(source->bytes, 8);
        inline_bytes += padded;
        if (source->bytes < COPIED_BELOW_BYTES || source->planes * source->lines > 1) {
            jdk_source_copy(source, at, padded);
            add_piece(pieces, &count, at, padded);
            at += padded;
        } else {
            void *data;
            memcpy(&data, &source->data, sizeof data); /* the kernel only reads it */
            pieces[count++] = (struct iovec){data, source->bytes};
            if (padded > source->bytes) pieces[count++] = (struct iovec){zeros, padded - source->bytes};
        }
    }
    if (in_slot) jdk_arena_end(&tap->arena, slot, number);
    uint64_t end_ns = record->end_ns ? record->end_ns : jdk_now_ns();
    uint64_t start_ns = record->start_ns && record->start_ns < end_ns ? record->start_ns : end_ns;
    jdk_put_header(tap->frame, JDK_KIND_RECORD, flags,
                   JDK_RECORD_SIZE + making->count * JDK_TENSOR_SIZE + inline_bytes, end_ns);
    jdk_put64(head + JDK_RECORD_AT_NUMBER, number);
    jdk_put64(head + JDK_RECORD_AT_PART, record->part);
    jdk_put64(head + JDK_RECORD_AT_START_NS, start_ns);
    jdk_put64(head + JDK_RECORD_AT_LATENCY_NS, end_ns - start_ns);
    jdk_put16(head + JDK_RECORD_AT_POSITION, record->position);
    jdk_put16(head + JDK_RECORD_AT_RECIPE, record->recipe);
    jdk_put16(head + JDK_RECORD_AT_TENSORS, (uint16_t)making->count);
    jdk_put16(head + JDK_RECORD_AT_SLOT, (uint16_t)(slot + 1));
    return count;
}

jdk_status jdk_send_record(jdk_tap *tap, const jdk_record *record, unsigned flags, uint64_t *number) {
    struct iovec pieces[MOST_PIECES];
    jdk_making making;
    uint64_t this_number = tap->first_number + ++tap->counts.records;
    *number = 0;
    if (!tap->is_ready) {
        tap->counts.dropped++;
        if (!tap->has_no_thread) jdk_begin(tap); /* a forked child that runs the model too */
        return JDK_NOT_CONNECTED;
    }
    making.count = making.surplus = 0;
    making.has_inputs = tap->now->every && tap->since_welcome % tap->now->every == 0;
    tap->since_welcome++;
    if (!choose(tap, record, &making)) {
        tap->counts.dropped++;
        return JDK_BAD_ARGUMENT;
    }
    size_t too_large = place(tap, &making);
    int slot = -1;
    bool is_full = making.in_slot && (slot = jdk_arena_free_slot(&tap->arena)) < 0;
    if (is_full) {
        for (size_t n = 0; n < making.count; n++) {
            if (!(making.flags[n] & JDK_IN_ARENA)) continue;
            making.flags[n] = (unsigned char)((making.flags[n] & ~JDK_IN_ARENA) | JDK_NOT_SENT);
            too_large++;
        }
        if (!tap->notes.has_said_full)
            jdk_note(&tap->notes, 1, "the monitor hasn't freed a place for large tensors: some aren't sent");
        tap->notes.has_said_full = true;
    }
    size_t count = write_all(tap, record, &making, flags, this_number, slot, pieces);
    int error = jdk_link_send(&tap->link, pieces, count);
    if (error) { /* which of the two it is the thread finds out */
        tap->counts.dropped++;
        return error == EAGAIN || error == ENOBUFS || error == ENOMEM ? JDK_BUSY : JDK_NOT_CONNECTED;
    }
    if (slot >= 0) tap->arena.last[slot] = this_number;
    size_t not_sent = making.surplus;
    for (size_t n = 0; n < making.count; n++) not_sent += (making.flags[n] & JDK_NOT_SENT) != 0;
    if (not_sent) {
        tap->counts.tensors_not_sent += not_sent;
        if (too_large && tap->arena.memory) tap->counts.arena_full++;
        if (!is_full) say_what_is_not_sent(tap, &making);
    }
    *number = this_number;
    return JDK_OK;
}
