/* The connection to the monitor, see link.h. */

#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_BUFFER_BYTES (4 << 20) /* asked for; the kernel gives what net.core.wmem_max allows */
#define MOST_DESCRIPTORS 4          /* with one message; the kernel closes what is more */

void jdk_link_init(jdk_link *link) {
    memset(link, 0, sizeof *link);
    link->fd = -1;
    link->backoff_ns = JDK_BACKOFF_MIN_NS;
}

static void wait_longer(jdk_link *link, uint64_t now_ns) {
    link->next_try_ns = now_ns + link->backoff_ns;
    link->backoff_ns = 2 * link->backoff_ns < JDK_BACKOFF_MAX_NS ? 2 * link->backoff_ns : JDK_BACKOFF_MAX_NS;
}

bool jdk_link_connect(jdk_link *link, const char *path, uint64_t now_ns) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = SEND_BUFFER_BYTES;
    if (link->fd >= 0 || now_ns < link->next_try_ns) return false;
    if (strlen(path) >= sizeof address.sun_path) {
        link->why_not = ENAMETOOLONG;
        wait_longer(link, now_ns);
        return false;
    }
    strcpy(address.sun_path, path);
    link->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd >= 0) {
        setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        if (connect(link->fd, (const struct sockaddr *)&address, sizeof address) == 0) return true;
    }
    link->why_not = errno;
    if (link->fd >= 0) close(link->fd);
    link->fd = -1;
    wait_longer(link, now_ns);
    return false;
}

static void close_if_left(jdk_link *link) {
    if (!link->is_ended || link->pollers) return;
    close(link->fd);
    link->fd = -1;
    link->is_ended = false;
}

void jdk_link_end(jdk_link *link, uint64_t now_ns, bool is_refused) {
    if (link->fd < 0 || link->is_ended) return;
    shutdown(link->fd, SHUT_RDWR); /* whoever waits for it wakes up */
    link->is_ended = true;
    close_if_left(link);
    if (is_refused) link->backoff_ns = JDK_BACKOFF_MAX_NS;
    wait_longer(link, now_ns);
}

void jdk_link_enter(jdk_link *link) { link->pollers++; }

void jdk_link_leave(jdk_link *link) {
    link->pollers--;
    close_if_left(link);
}

int jdk_link_send(const jdk_link *link, const struct iovec *pieces, size_t count) {
    struct msghdr message = {0};
    ssize_t sent;
    if (count == 1) {
        sent = send(link->fd, pieces->iov_base, pieces->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        memcpy(&message.msg_iov, &pieces, sizeof pieces); /* sendmsg only reads them */
        message.msg_iovlen = count;
        sent = sendmsg(link->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return sent < 0 ? errno : 0;
}

/* The first of the descriptors that came; the others are closed. */
static int first_descriptor(struct msghdr *message) {
    int first = -1, each;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof each;
        for (size_t n = 0; n < count; n++) {
            memcpy(&each, CMSG_DATA(head) + n * sizeof each, sizeof each);
            if (first < 0) first = each;
            else close(each);
        }
    }
    return first;
}

jdk_received jdk_link_receive(const jdk_link *link, unsigned char *room, size_t *size, int *descriptor) {
    union { /* aligned as its head must be */
        struct cmsghdr head;
        char room[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control;
    struct iovec piece = {room, JDK_RECEIVE_BYTES};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t came = recvmsg(link->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *descriptor = -1;
    if (came < 0) return errno == EAGAIN || errno == EINTR ? JDK_NOTHING : JDK_ENDED;
    if (message.msg_controllen) *descriptor = first_descriptor(&message);
    if (came == 0) {
        if (*descriptor >= 0) close(*descriptor);
        return JDK_ENDED;
    }
    *size = message.msg_flags & MSG_TRUNC ? 0 : (size_t)came;
    return JDK_MESSAGE;
}
