/* A raw pseudo-terminal whose other end stands at a path, or a serial device. */

#ifndef JIDOKA_TERMINAL_H
#define JIDOKA_TERMINAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct terminal {
    int fd;
    const char *path; /* of the symbolic link, NULL for a device */
    char name[PATH_MAX];
};

/* Both end the program with exit code 3 and a message where the path can't be used. */
void terminal_open(struct terminal *terminal, const char *path);
void terminal_device(struct terminal *terminal, const char *path, long baud);

/* Somebody has the other end open. */
bool terminal_is_connected(const struct terminal *terminal);

/* What has come, at most `size` bytes; 0 for nothing. */
size_t terminal_read(const struct terminal *terminal, void *data, size_t size);

/* Sends all of it, or, while nobody is there or the buffer is full, throws it away. */
void terminal_write(const struct terminal *terminal, const void *data, size_t size);

/* Takes the symbolic link away, if it is ours. */
void terminal_close(const struct terminal *terminal);

#endif
