/* The JSON that HELLO and WELCOME need, see json.h. */

#include "json.h"

#include <string.h>

/* ---------------------------------------------------------------- writing */

static void put(jdk_writer *writer, const char *text, size_t size) {
    if (size > writer->room - writer->size) {
        writer->is_full = true;
        return;
    }
    memcpy(writer->text + writer->size, text, size);
    writer->size += size;
}

void jdk_write(jdk_writer *writer, const char *text) { put(writer, text, strlen(text)); }

void jdk_write_string(jdk_writer *writer, const char *text) {
    static const char digits[] = "0123456789abcdef";
    put(writer, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', *text};
            put(writer, escaped, 2);
        } else if (c < 0x20) {
            char escaped[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            put(writer, escaped, 6);
        } else {
            put(writer, text, 1);
        }
    }
    put(writer, "\"", 1);
}

void jdk_write_number(jdk_writer *writer, uint64_t number) {
    char digits[20];
    size_t begin = sizeof digits;
    do {
        digits[--begin] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    put(writer, digits + begin, sizeof digits - begin);
}

bool jdk_is_utf8(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        unsigned more = *at < 0x80 ? 0 : *at >= 0xC2 && *at < 0xE0 ? 1 : *at >= 0xE0 && *at < 0xF0 ? 2 : 3;
        if ((*at >= 0x80 && *at < 0xC2) || *at > 0xF4) return false;
        /* the second byte: no longer form of a shorter one, no surrogate, nothing above U+10FFFF */
        unsigned low = *at == 0xE0 ? 0xA0 : *at == 0xF0 ? 0x90 : 0x80;
        unsigned high = *at == 0xED ? 0x9F : *at == 0xF4 ? 0x8F : 0xBF;
        at++;
        for (; more; more--, at++, low = 0x80, high = 0xBF)
            if (*at < low || *at > high) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- reading */

static bool bad(jdk_reader *reader) {
    reader->is_bad = true;
    return false;
}

/* The next character that isn't white space, NUL at the end. */
static char next(jdk_reader *reader) {
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' ||
                                        *reader->at == '\r'))
        reader->at++;
    return !reader->is_bad && reader->at < reader->end ? *reader->at : '\0';
}

bool jdk_read_open(jdk_reader *reader, char bracket) {
    if (next(reader) != bracket) return false;
    if (++reader->depth > JDK_JSON_DEPTH) return bad(reader);
    reader->at++;
    return true;
}

bool jdk_read_more(jdk_reader *reader, char bracket, bool *is_first) {
    char closing = bracket == '{' ? '}' : ']', c = next(reader);
    if (c == closing) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (!*is_first) {
        if (c != ',') return bad(reader);
        reader->at++;
        c = next(reader);
    }
    *is_first = false;
    if (c == '\0' || c == ',' || c == closing) return bad(reader);
    return true;
}

static bool read_hex(jdk_reader *reader, uint32_t *code) {
    *code = 0;
    for (int n = 0; n < 4; n++) {
        char c = reader->at < reader->end ? *reader->at++ : '\0';
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return bad(reader);
        *code = *code << 4 | digit;
    }
    return true;
}

/* The character behind a backslash as UTF-8; returns its bytes, 0 = bad. */
static size_t read_escape(jdk_reader *reader, char out[4]) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = reader->at < reader->end ? *reader->at++ : '\0';
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        out[0] = meant[found - names];
        return 1;
    }
    uint32_t code, low;
    if (c != 'u' || !read_hex(reader, &code)) return 0;
    if (code >= 0xD800 && code < 0xDC00 && reader->end - reader->at >= 6 && memcmp(reader->at, "\\u", 2) == 0) {
        const char *before = reader->at;
        reader->at += 2;
        if (!read_hex(reader, &low)) return 0;
        if (low >= 0xDC00 && low < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        else
            reader->at = before;
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) code = '?';
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t n = size - 1; n > 0; n--, code >>= 6) out[n] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(first[size] | code);
    return size;
}

bool jdk_read_string(jdk_reader *reader, char *text, size_t room) {
    size_t used = 0;
    bool is_cut = false;
    if (next(reader) != '"') return bad(reader);
    reader->at++;
    while (reader->at < reader->end && *reader->at != '"') {
        char c = *reader->at++, piece[4] = {c == '\0' ? '?' : c, 0, 0, 0};
        size_t size = c == '\\' ? read_escape(reader, piece) : 1;
        if (size == 0) return bad(reader);
        is_cut = is_cut || size >= room - used;
        if (is_cut) continue; /* and nothing behind it, so that no gap is read as a name */
        memcpy(text + used, piece, size);
        used += size;
    }
    text[used] = '\0';
    if (reader->at == reader->end) return bad(reader);
    reader->at++;
    return true;
}

bool jdk_read_key(jdk_reader *reader, char *text, size_t room) {
    if (!jdk_read_string(reader, text, room)) return false;
    if (next(reader) != ':') return bad(reader);
    reader->at++;
    return true;
}

bool jdk_read_count(jdk_reader *reader, uint64_t most, uint64_t *number) {
    char c = next(reader);
    const char *begin = reader->at;
    *number = 0;
    while (c >= '0' && c <= '9') {
        uint64_t digit = (uint64_t)(c - '0');
        if (*number > most / 10 || *number * 10 > most - digit) return bad(reader);
        *number = *number * 10 + digit;
        reader->at++;
        c = reader->at < reader->end ? *reader->at : '\0';
    }
    if (reader->at == begin || c == '.' || c == 'e' || c == 'E') return bad(reader);
    return true;
}

static bool read_word(jdk_reader *reader, const char *word) {
    size_t size = strlen(word);
    if (next(reader) != *word || (size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

bool jdk_read_null(jdk_reader *reader) { return read_word(reader, "null"); }

void jdk_read_past(jdk_reader *reader) {
    char c = next(reader), nothing[1];
    if (c == '"') {
        jdk_read_string(reader, nothing, sizeof nothing);
    } else if (c == '{' || c == '[') {
        if (!jdk_read_open(reader, c)) return;
        for (bool is_first = true; jdk_read_more(reader, c, &is_first);) {
            if (c == '{' && !jdk_read_key(reader, nothing, sizeof nothing)) return;
            jdk_read_past(reader);
        }
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        while (reader->at < reader->end && memchr("+-.0123456789eE", *reader->at, 15)) reader->at++;
    } else if (!read_word(reader, "null") && !read_word(reader, "true") && !read_word(reader, "false")) {
        bad(reader);
    }
}

bool jdk_read_end(jdk_reader *reader) { return next(reader) == '\0' && reader->at == reader->end && !reader->is_bad; }
