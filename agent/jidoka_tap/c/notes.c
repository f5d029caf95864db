/* Lines that wait for the log, see notes.h. */

#include "notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(jdk_notes *notes, int level, const char *text) {
    if (notes->count == JDK_MOST_WAITING) {
        notes->first = (notes->first + 1) % JDK_MOST_WAITING;
        notes->count--;
    }
    size_t place = (notes->first + notes->count++) % JDK_MOST_WAITING;
    char *line = notes->line[place];
    notes->level[place] = (unsigned char)level;
    size_t n = 0;
    for (; text[n] && n < JDK_NOTE_BYTES - 1; n++) /* what others wrote must not look like lines of its own */
        line[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7F ? ' ' : text[n];
    line[n] = '\0';
}

void jdk_note(jdk_notes *notes, int level, const char *format, ...) {
    char text[JDK_NOTE_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    add(notes, level, text);
}

/* FNV-1a. */
static uint64_t hash_of(const char *text) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return hash;
}

void jdk_note_once(jdk_notes *notes, const char *format, ...) {
    char text[JDK_NOTE_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    uint64_t hash = hash_of(text);
    for (size_t n = 0; n < notes->said_count; n++)
        if (notes->said[n] == hash) return;
    if (notes->said_count == JDK_MOST_SAID) return;
    notes->said[notes->said_count++] = hash;
    add(notes, 1, text);
}

bool jdk_take_note(jdk_notes *notes, char line[JDK_NOTE_BYTES], int *level) {
    if (notes->count == 0) return false;
    memcpy(line, notes->line[notes->first], JDK_NOTE_BYTES);
    *level = notes->level[notes->first];
    notes->first = (notes->first + 1) % JDK_MOST_WAITING;
    notes->count--;
    return true;
}
