/* The connection to the monitor: a SEQPACKET client that comes and goes, tried again and again, never waited for. */

#ifndef JIDOKA_LINK_H
#define JIDOKA_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define JDK_RECEIVE_BYTES 65536u
#define JDK_BACKOFF_MIN_NS UINT64_C(100000000)
#define JDK_BACKOFF_MAX_NS UINT64_C(2000000000)

typedef struct jdk_link {
    int fd;           /* -1: none */
    int pollers;      /* threads that wait for it outside the lock: the last one closes it */
    bool is_ended;    /* it is of no use any more, but not closed yet */
    uint64_t next_try_ns, backoff_ns;
    int why_not;      /* errno of the last try */
} jdk_link;

void jdk_link_init(jdk_link *link);
/* Try to connect if it is time to. True in the call that made the connection. */
bool jdk_link_connect(jdk_link *link, const char *path, uint64_t now_ns);
/* Give the connection up; after a refusal the next try comes as late as it ever does. */
void jdk_link_end(jdk_link *link, uint64_t now_ns, bool is_refused);
/* Before and after a thread waits for the descriptor without the lock. */
void jdk_link_enter(jdk_link *link);
void jdk_link_leave(jdk_link *link);
/* One datagram from its pieces, without waiting. 0, or the errno. */
int jdk_link_send(const jdk_link *link, const struct iovec *pieces, size_t count);

/* What jdk_link_receive found. */
typedef enum jdk_received { JDK_MESSAGE, JDK_NOTHING, JDK_ENDED } jdk_received;

/* The next message and the first descriptor that came with it (-1: none; the caller closes it). A message that is
 * larger than the room has size 0. */
jdk_received jdk_link_receive(const jdk_link *link, unsigned char *room, size_t *size, int *descriptor);

#endif
