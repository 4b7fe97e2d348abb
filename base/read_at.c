#include "base/read_at.h"
#include "base/pulse.h"
#include "base/threads.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int fd;
    const char *path;
    char *data;
    size_t len;
    uint64_t at;
    pthread_mutex_t lock; /* of what follows */
    bool ok;
    rz_err err; /* the first */
} span;

static bool read_block(const span *s, size_t from, size_t to, rz_err *err)
{
    while (from < to) {
        ssize_t n = pread(s->fd, s->data + from, to - from, (off_t)(s->at + from));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return rz_fail(err, RZ_EIO, "%s: cannot be read: %s", s->path, strerror(errno));
        if (n == 0) return rz_fail(err, RZ_EDATA, "%s: became shorter while it was read", s->path);
        from += (size_t)n;
    }
    rz_pulse_beat();
    return true;
}

static void read_nth(void *ctx, int i, int thread)
{
    span *s = ctx;
    rz_err err;
    size_t from = (size_t)i * RZ_READ_BLOCK, to = s->len - from < RZ_READ_BLOCK ? s->len : from + RZ_READ_BLOCK;
    (void)thread;
    if (read_block(s, from, to, &err)) return;
    pthread_mutex_lock(&s->lock);
    if (s->ok) s->err = err;
    s->ok = false;
    pthread_mutex_unlock(&s->lock);
}

bool rz_read_at(int fd, const char *path, void *data, size_t len, uint64_t at, rz_err *err)
{
    static const size_t at_once = (size_t)INT_MAX * RZ_READ_BLOCK; /* a pool counts in int */
    span s = {.fd = fd, .path = path, .data = data, .at = at, .lock = PTHREAD_MUTEX_INITIALIZER, .ok = true};
    rz_pool *readers = NULL;
    rz_err none;
    if (len >= RZ_READERS * RZ_READ_BLOCK && !rz_pool_create(&readers, RZ_READERS, &none)) readers = NULL; /* alone, then */
    for (size_t left = len; s.ok && left > 0; left -= s.len, s.data += s.len, s.at += s.len) {
        s.len = left < at_once ? left : at_once;
        rz_pool_run(readers, (int)((s.len + RZ_READ_BLOCK - 1) / RZ_READ_BLOCK), read_nth, &s);
    }
    rz_pool_destroy(readers);
    if (!s.ok) *err = s.err;
    return s.ok;
}
