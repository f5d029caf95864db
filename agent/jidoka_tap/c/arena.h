/* The arena (contract C3): shared memory of the monitor's, in whose slots a record's large tensors lie, copied once. */

#ifndef JIDOKA_ARENA_H
#define JIDOKA_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terms.h"

typedef struct jdk_arena {
    unsigned char *memory; /* NULL: there is none */
    size_t slots, slot_bytes;
    uint64_t last[JDK_MOST_SLOTS];  /* number of the record that was sent from each slot last */
    bool is_there[JDK_MOST_SLOTS];  /* its pages are: no fault can end the program */
    bool is_out[JDK_MOST_SLOTS];    /* its pages can't be had */
} jdk_arena;

/* Map the monitor's memory; the descriptor stays the caller's. Returns NULL, or why it can't be used. */
const char *jdk_arena_map(jdk_arena *arena, int descriptor, size_t slots, size_t slot_bytes);
void jdk_arena_unmap(jdk_arena *arena);
/* The first slot that the monitor is done with, -1 if there is none. */
int jdk_arena_free_slot(jdk_arena *arena);
/* Where a slot's data begins. */
unsigned char *jdk_arena_data(const jdk_arena *arena, int slot);
/* The record's number before and after its tensors are copied to the slot. */
void jdk_arena_begin(const jdk_arena *arena, int slot, uint64_t number);
void jdk_arena_end(const jdk_arena *arena, int slot, uint64_t number);

#endif
