#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* The lock is flock's: the kernel lets go of it when the process dies. The text in the file ("host pid") only serves the message of
 * those refused, so it may stay behind. A child forked while the lock is held (without exec) holds it too. */
struct rz_lock {
    int fd;
};

static bool busy(int fd)
{
    int rc;
    do rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    return rc != 0;
}

static bool refuse(int fd, const char *path, int wait_ms, rz_err *err)
{
    char holder[320] = "";
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    char host[256];
    long pid;
    if (n > 0 && sscanf(holder, "%255s %ld", host, &pid) == 2)
        return rz_fail(err, RZ_ECREATE, "%s is held by process %ld on %s (waited %.1f s); wait for it to end or stop it", path, pid, host,
                       wait_ms / 1000.0);
    return rz_fail(err, RZ_ECREATE, "%s is held by another process (waited %.1f s)", path, wait_ms / 1000.0);
}

/* Without it the lock still locks, so a full disk is no reason to fail. */
static bool sign(int fd)
{
    char host[256] = "", text[320];
    gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text, "%s %ld\n", host, (long)getpid());
    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

bool rz_lock_take(rz_lock **out, const char *path, int wait_ms, void (*waiting)(void *ctx), void *ctx, rz_err *err)
{
    *out = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return rz_fail(err, RZ_ECREATE, "cannot open lock %s: %s", path, strerror(errno));
    double end = rz_now_s() + wait_ms / 1000.0;
    bool told = false;
    while (busy(fd)) {
        bool held = errno == EWOULDBLOCK;
        if (!held) rz_fail(err, RZ_ECREATE, "cannot lock %s: %s", path, strerror(errno));
        if (held && rz_now_s() >= end) held = refuse(fd, path, wait_ms, err);
        if (!held) {
            close(fd);
            return false;
        }
        if (!told && waiting != NULL) waiting(ctx);
        told = true;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    (void)sign(fd);
    rz_lock *l = rz_malloc(sizeof *l);
    l->fd = fd;
    *out = l;
    return true;
}

void rz_lock_release(rz_lock *l)
{
    if (l == NULL) return;
    close(l->fd);
    free(l);
}
