/* WELCOME, read and checked, see terms.h. Keys that aren't known are passed over: the monitor may be newer. */

#include "terms.h"

#include <string.h>

#include "json.h"
#include "tap.h"

#define MOST_PIXELS (UINT64_C(1) << 31)
#define MOST_EVERY (UINT64_C(1) << 62)
#define MOST_NOTES 20

static void read_roi(jdk_reader *reader, jdk_terms *terms) {
    uint64_t *numbers[4] = {&terms->roi.x, &terms->roi.y, &terms->roi.width, &terms->roi.height};
    size_t count = 0;
    terms->has_roi = !jdk_read_null(reader);
    if (!terms->has_roi) return;
    if (!jdk_read_open(reader, '[')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '[', &is_first); count++) {
        if (count == 4) reader->is_bad = true;
        else jdk_read_count(reader, MOST_PIXELS, numbers[count]);
    }
    if (count != 4) reader->is_bad = true;
}

static void read_arena(jdk_reader *reader, jdk_terms *terms) {
    uint64_t slots = 0, bytes = 0;
    char key[16];
    terms->slots = terms->slot_bytes = 0;
    if (jdk_read_null(reader)) return;
    if (!jdk_read_open(reader, '{')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '{', &is_first);) {
        if (!jdk_read_key(reader, key, sizeof key)) return;
        if (strcmp(key, "slots") == 0) jdk_read_count(reader, JDK_MOST_SLOTS, &slots);
        else if (strcmp(key, "slot_bytes") == 0) jdk_read_count(reader, JDK_MOST_ARENA_BYTES, &bytes);
        else jdk_read_past(reader);
    }
    if (slots == 0 || bytes == 0 || bytes > JDK_MOST_ARENA_BYTES / slots || bytes % JDK_ARENA_ALIGN != 0)
        reader->is_bad = true;
    terms->slots = (size_t)slots;
    terms->slot_bytes = (size_t)bytes;
}

static void read_names(jdk_reader *reader, const jdk_names *names, bool *is_wanted) {
    char name[JDK_LONGEST_NAME_BYTES + 1];
    bool is_all = jdk_read_null(reader);
    for (size_t n = 0; n < names->count; n++) is_wanted[n] = is_all;
    if (is_all) return;
    if (!jdk_read_open(reader, '[')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '[', &is_first);) {
        if (!jdk_read_string(reader, name, sizeof name)) return;
        for (size_t n = 0; n < names->count; n++)
            if (strcmp(name, names->name[n]) == 0) is_wanted[n] = true;
    }
}

static void read_wanted(jdk_reader *reader, jdk_terms *terms, const jdk_names *inputs, const jdk_names *outputs) {
    char key[16];
    if (jdk_read_null(reader)) return;
    if (!jdk_read_open(reader, '{')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '{', &is_first);) {
        if (!jdk_read_key(reader, key, sizeof key)) return;
        if (strcmp(key, "inputs") == 0) read_names(reader, inputs, terms->wants_input);
        else if (strcmp(key, "outputs") == 0) read_names(reader, outputs, terms->wants_output);
        else jdk_read_past(reader);
    }
}

static void read_reasons(jdk_reader *reader, jdk_terms *terms) {
    char key[8];
    if (jdk_read_null(reader)) return;
    if (!jdk_read_open(reader, '{')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '{', &is_first);) {
        if (!jdk_read_key(reader, key, sizeof key)) return;
        jdk_reader number = {key, key + strlen(key), 0, false};
        uint64_t bit;
        if (!jdk_read_count(&number, JDK_REASONS - 1, &bit) || !jdk_read_end(&number)) reader->is_bad = true;
        else jdk_read_string(reader, terms->reasons[bit], JDK_REASON_BYTES);
    }
}

static void read_notes(jdk_reader *reader, jdk_notes *notes) {
    char text[JDK_NOTE_BYTES - 32];
    size_t count = 0;
    if (jdk_read_null(reader)) return;
    if (!jdk_read_open(reader, '[')) reader->is_bad = true;
    for (bool is_first = true; jdk_read_more(reader, '[', &is_first); count++)
        if (jdk_read_string(reader, text, sizeof text) && count < MOST_NOTES)
            jdk_note_once(notes, "the monitor says: %s", text);
}

bool jdk_read_terms(jdk_terms *terms, const jdk_names *inputs, const jdk_names *outputs, const char *body, size_t size,
                    jdk_notes *notes) {
    jdk_reader reader = {body, body + size, 0, false};
    uint64_t limit = JDK_INLINE_LIMIT_BYTES;
    char key[24];
    terms->every = 1;
    terms->has_roi = false;
    terms->slots = terms->slot_bytes = 0;
    for (size_t n = 0; n < inputs->count; n++) terms->wants_input[n] = true;
    for (size_t n = 0; n < outputs->count; n++) terms->wants_output[n] = true;
    memset(&terms->roi, 0, sizeof terms->roi);
    memset(terms->reasons, 0, sizeof terms->reasons);
    if (!jdk_read_open(&reader, '{')) return false;
    for (bool is_first = true; jdk_read_more(&reader, '{', &is_first);) {
        if (!jdk_read_key(&reader, key, sizeof key)) return false;
        if (strcmp(key, "every") == 0) jdk_read_count(&reader, MOST_EVERY, &terms->every);
        else if (strcmp(key, "inline_limit_bytes") == 0) jdk_read_count(&reader, JDK_INLINE_LIMIT_BYTES, &limit);
        else if (strcmp(key, "roi") == 0) read_roi(&reader, terms);
        else if (strcmp(key, "arena") == 0) read_arena(&reader, terms);
        else if (strcmp(key, "wanted") == 0) read_wanted(&reader, terms, inputs, outputs);
        else if (strcmp(key, "reasons") == 0) read_reasons(&reader, terms);
        else if (strcmp(key, "notes") == 0) read_notes(&reader, notes);
        else jdk_read_past(&reader);
    }
    terms->inline_limit_bytes = (size_t)limit;
    return jdk_read_end(&reader);
}
