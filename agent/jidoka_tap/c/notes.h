/* What the library has to say to people: gathered under the tap's lock, written by the library's own thread.
 *
 * A log may block (a full pipe, a slow disk); the application's call must not wait for it.
 */

#ifndef JIDOKA_NOTES_H
#define JIDOKA_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JDK_NOTE_BYTES 640
#define JDK_MOST_WAITING 32
#define JDK_MOST_SAID 100

typedef struct jdk_notes {
    char line[JDK_MOST_WAITING][JDK_NOTE_BYTES]; /* a ring; the oldest go when nobody writes them */
    unsigned char level[JDK_MOST_WAITING];
    size_t first, count;
    uint64_t said[JDK_MOST_SAID]; /* hashes of what is said once in the life of the program */
    size_t said_count;
    bool has_said_large, has_said_full, has_said_unknown, has_said_pass; /* for records, that nothing is formatted twice */
} jdk_notes;

__attribute__((format(printf, 3, 4))) void jdk_note(jdk_notes *notes, int level, const char *format, ...);
__attribute__((format(printf, 2, 3))) void jdk_note_once(jdk_notes *notes, const char *format, ...);
/* Take the oldest line; false: there is none. */
bool jdk_take_note(jdk_notes *notes, char line[JDK_NOTE_BYTES], int *level);

#endif
