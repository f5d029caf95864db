/* The little JSON that HELLO and WELCOME need: a writer that escapes, a reader that walks a text which may be hostile.
 *
 * The reader never leaves [at, end), nests at most JDK_JSON_DEPTH deep, allocates nothing. Once something is wrong
 * is_bad stays set, every later call does nothing and says false: ask at the end.
 */

#ifndef JIDOKA_JSON_H
#define JIDOKA_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JDK_JSON_DEPTH 32

typedef struct jdk_writer {
    char *text;
    size_t size, room; /* written so far, of so many */
    bool is_full;      /* something didn't fit; what was written is no whole text */
} jdk_writer;

void jdk_write(jdk_writer *writer, const char *text);          /* as it is */
void jdk_write_string(jdk_writer *writer, const char *text);   /* in quotes, escaped; text: UTF-8 */
void jdk_write_number(jdk_writer *writer, uint64_t number);
bool jdk_is_utf8(const char *text);                            /* well-formed, without surrogates */

typedef struct jdk_reader {
    const char *at, *end;
    int depth;
    bool is_bad;
} jdk_reader;

/* Go into an object ('{') or array ('['); false: the value is another one and still stands there. */
bool jdk_read_open(jdk_reader *reader, char bracket);
/* In one: true if another element follows; false: it was the last, and the closing bracket is passed.
 * is_first: true before the first call, the reader's own from then on. */
bool jdk_read_more(jdk_reader *reader, char bracket, bool *is_first);
/* The key of an object's element and its colon; cut at room - 1 bytes as strings are. */
bool jdk_read_key(jdk_reader *reader, char *text, size_t room);
/* A string as UTF-8, without escapes; what doesn't fit is cut. A NUL in it becomes '?'. */
bool jdk_read_string(jdk_reader *reader, char *text, size_t room);
/* A whole number from 0 to most, which is 9 or more; anything else is bad. */
bool jdk_read_count(jdk_reader *reader, uint64_t most, uint64_t *number);
/* True and passed if `null` stands there. */
bool jdk_read_null(jdk_reader *reader);
/* Pass any value. */
void jdk_read_past(jdk_reader *reader);
/* True if the text was right and nothing but white space follows. */
bool jdk_read_end(jdk_reader *reader);

#endif
