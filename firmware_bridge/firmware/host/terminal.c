#define _GNU_SOURCE

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static void refuse(const char *path, const char *what, const char *remedy) {
    fprintf(stderr, "plc: error: %s: %s. %s\n", path, what, remedy);
    exit(3);
}

static void link_at(struct terminal *terminal, const char *path) {
    char fresh[PATH_MAX];
    const int length = snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof fresh) {
        refuse(path, "too long", "Name a shorter path.");
    }
    (void)unlink(fresh);
    if (symlink(terminal->name, fresh) != 0 || rename(fresh, path) != 0) {
        refuse(path, strerror(errno), "Name a path in a folder of yours.");
    }
}

void terminal_open(struct terminal *terminal, const char *path) {
    struct stat there;
    int other;
    struct termios raw;
    if (lstat(path, &there) == 0 && !S_ISLNK(there.st_mode)) {
        refuse(path, "something else is there, not a pseudo-terminal of ours", "Name another path.");
    }
    terminal->path = path;
    if (openpty(&terminal->fd, &other, terminal->name, NULL, NULL) != 0) {
        refuse(path, strerror(errno), "Let the system have more pseudo-terminals.");
    }
    (void)tcgetattr(other, &raw);
    cfmakeraw(&raw);
    (void)tcsetattr(other, TCSANOW, &raw);
    (void)close(other);
    (void)fcntl(terminal->fd, F_SETFL, O_NONBLOCK);
    link_at(terminal, path);
}

void terminal_device(struct terminal *terminal, const char *path, long baud) {
    static const struct {
        long baud;
        speed_t speed;
    } speeds[] = {{9600, B9600}, {19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200}};
    struct termios raw;
    terminal->path = NULL;
    terminal->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (terminal->fd < 0 || tcgetattr(terminal->fd, &raw) != 0) {
        refuse(path, strerror(errno), "Name a serial port that you may use.");
    }
    cfmakeraw(&raw);
    raw.c_cflag |= PARENB | CLOCAL | CREAD; /* 8E1 */
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud) {
            (void)cfsetspeed(&raw, speeds[i].speed);
        }
    }
    (void)tcsetattr(terminal->fd, TCSANOW, &raw);
}

bool terminal_is_connected(const struct terminal *terminal) {
    struct pollfd state = {.fd = terminal->fd};
    return poll(&state, 1, 0) >= 0 && (state.revents & POLLHUP) == 0;
}

size_t terminal_read(const struct terminal *terminal, void *data, size_t size) {
    const ssize_t got = read(terminal->fd, data, size); /* EAGAIN, or EIO while nobody is there */
    return got > 0 ? (size_t)got : 0U;
}

void terminal_write(const struct terminal *terminal, const void *data, size_t size) {
    if (terminal_is_connected(terminal) && write(terminal->fd, data, size) < 0) {
        return; /* nobody is there, or the buffer is full, and it is gone */
    }
}

void terminal_close(const struct terminal *terminal) {
    char name[PATH_MAX];
    if (terminal->path != NULL) {
        const ssize_t length = readlink(terminal->path, name, sizeof name - 1U);
        if (length > 0) {
            name[length] = '\0';
            if (strcmp(name, terminal->name) == 0) {
                (void)unlink(terminal->path);
            }
        }
    }
}
