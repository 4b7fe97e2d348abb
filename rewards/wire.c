#include "rewards/wire.h"
#include "base/file.h"
#include "base/pulse.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The clock is asked before poll, and poll is asked even when the time is over: what has come while this process was stopped has come in time. */
bool rz_wire_wait(int fd, short events, double until_s)
{
    for (;;) {
        struct pollfd p = {fd, events, 0};
        double left = until_s - rz_now_s();
        int ms = until_s < 0 ? -1 : left <= 0 ? 0 : left > 1 ? 1000 : (int)(left * 1000) + 1;
        int n = poll(&p, 1, ms);
        rz_pulse_beat(); /* a wait with an end of its own is no hang */
        if (n > 0) return true;
        if (n == 0 && left <= 0) return false;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return true; /* whoever reads or writes next will see it */
    }
}

static void advance(struct iovec **v, size_t *n, size_t by)
{
    while (*n && by >= (*v)->iov_len) {
        by -= (*v)->iov_len;
        ++*v, --*n;
    }
    if (*n) *(*v) = (struct iovec){(char *)(*v)->iov_base + by, (*v)->iov_len - by};
}

rz_wire_result rz_wire_send(int fd, const rz_slice *pieces, int n, double until_s)
{
    struct iovec vectors[RZ_WIRE_PIECES + 1], *v = vectors;
    uint64_t len = 0;
    size_t left = (size_t)n + 1;
    for (int i = 0; i < n; i++) {
        len += pieces[i].len;
        vectors[i + 1] = (struct iovec){(void *)(uintptr_t)pieces[i].s, pieces[i].len};
    }
    vectors[0] = (struct iovec){&len, sizeof len};
    while (left) {
        struct msghdr m = {.msg_iov = v, .msg_iovlen = left};
        ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            advance(&v, &left, (size_t)sent);
        else if (errno == EAGAIN) {
            if (!rz_wire_wait(fd, POLLOUT, until_s)) return RZ_WIRE_LATE;
        } else if (errno != EINTR)
            return RZ_WIRE_ENDED;
    }
    return RZ_WIRE_OK;
}

static rz_wire_result receive_all(int fd, char *to, size_t len, double until_s)
{
    while (len) {
        ssize_t got = recv(fd, to, len, MSG_DONTWAIT);
        if (got > 0)
            to += got, len -= (size_t)got;
        else if (got < 0 && errno == EAGAIN) {
            if (!rz_wire_wait(fd, POLLIN, until_s)) return RZ_WIRE_LATE;
        } else if (got == 0 || errno != EINTR)
            return RZ_WIRE_ENDED;
    }
    return RZ_WIRE_OK;
}

rz_wire_result rz_wire_receive(int fd, rz_wire_buffer *b, size_t most, double until_s)
{
    uint64_t len;
    rz_wire_result got = receive_all(fd, (char *)&len, sizeof len, until_s);
    b->len = 0;
    if (got != RZ_WIRE_OK) return got;
    if (len > most) return RZ_WIRE_BROKEN;
    if (len + 1 > b->cap) {
        b->cap = (size_t)len + 1;
        b->data = rz_realloc(b->data, b->cap);
    }
    got = receive_all(fd, b->data, (size_t)len, until_s);
    if (got != RZ_WIRE_OK) return got;
    b->len = (size_t)len;
    b->data[len] = 0; /* for those who read text */
    return RZ_WIRE_OK;
}
