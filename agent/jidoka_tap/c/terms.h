/* What the monitor's WELCOME asks for: which tensors, how often, in what memory, and the reasons' texts. */

#ifndef JIDOKA_TERMS_H
#define JIDOKA_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "notes.h"

#define JDK_MOST_SLOTS 64u
#define JDK_MOST_ARENA_BYTES (UINT64_C(1) << 30)
#define JDK_REASONS 32
#define JDK_REASON_BYTES 160

/* Names of a model's inputs or outputs, fixed from opening on. */
typedef struct jdk_names {
    char **name;
    size_t count;
} jdk_names;

typedef struct jdk_roi {
    uint64_t x, y, width, height; /* pixels */
} jdk_roi;

typedef struct jdk_terms {
    uint64_t every; /* inputs go with each n-th record, 0 = never */
    bool has_roi;
    jdk_roi roi;
    size_t inline_limit_bytes;
    bool *wants_input, *wants_output; /* by index */
    size_t slots, slot_bytes;         /* of the arena, 0 = none */
    char reasons[JDK_REASONS][JDK_REASON_BYTES];
} jdk_terms;

/* Read WELCOME's body into terms; its notes go to the log. False: it makes no sense, terms are then undefined. */
bool jdk_read_terms(jdk_terms *terms, const jdk_names *inputs, const jdk_names *outputs, const char *body, size_t size,
                    jdk_notes *notes);

#endif
