#include "base/shared.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the others need to open a file that has no name: descriptor fd of process pid. Inode and device prove that it is the one (a process may have another
 * number elsewhere). fd −1: it could not be made, error says why. */
typedef struct { int64_t pid, fd, error; uint64_t inode, device; } ticket;

static ticket make(size_t bytes, int *fd)
{
    struct stat st;
    ticket t = {.pid = getpid(), .fd = -1};
    *fd = memfd_create("rulezero", MFD_CLOEXEC);
    int error = *fd < 0 ? errno : posix_fallocate(*fd, 0, (off_t)bytes); /* now, not when it is written: there a failure would be a signal */
    if (error || fstat(*fd, &st)) {
        t.error = error ? error : errno;
        return t;
    }
    t.fd = *fd, t.inode = st.st_ino, t.device = st.st_dev;
    return t;
}

static bool open_made(const ticket *t, int *fd, rz_err *why)
{
    char path[64];
    struct stat st;
    if (t->fd < 0)
        return rz_fail(why, RZ_EIO, "the memory for it cannot be made: %s", strerror((int)t->error));
    snprintf(path, sizeof path, "/proc/%lld/fd/%lld", (long long)t->pid, (long long)t->fd);
    *fd = open(path, O_RDWR | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st))
        return rz_fail(why, RZ_EIO, "%s of another rank cannot be opened: %s", path, strerror(errno));
    return (st.st_ino == t->inode && st.st_dev == t->device) ||
           rz_fail(why, RZ_EIO, "%s is not another rank's: the ranks do not see each other's processes", path);
}

static bool map(rz_shared *s, int fd, rz_err *why)
{
    void *p = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return rz_fail(why, RZ_EIO, "%zu bytes cannot be mapped: %s", s->bytes, strerror(errno));
    s->p = p;
    return true;
}

/* Collective. s->p stays NULL unless every rank has it. */
static bool init_common(rz_shared *s, rz_err *why)
{
    int size = rz_comm_size(s->comm), rank = rz_comm_rank(s->comm), first = rz_comm_machine(s->comm, rank), fd = -1;
    ticket *all = rz_calloc((size_t)size, sizeof *all);
    size_t *counts = rz_calloc((size_t)size, sizeof *counts);
    for (int r = 0; r < size; r++)
        counts[r] = sizeof *all;
    ticket mine = {.fd = -1};
    if (rank == first)
        mine = make(s->bytes, &fd);
    rz_comm_allgather(s->comm, &mine, all, counts);
    bool ok = rank == first ? all[first].fd >= 0 || open_made(&all[first], &fd, why) : open_made(&all[first], &fd, why);
    ok = rz_comm_agree(s->comm, ok && map(s, fd, why), why); /* by now everyone has opened it */
    if (fd >= 0)
        close(fd);
    if (!ok && s->p) {
        munmap(s->p, s->bytes);
        s->p = NULL;
    }
    free(counts);
    free(all);
    return ok;
}

bool rz_shared_init(rz_shared *s, rz_comm *c, size_t bytes, rz_err *why)
{
    bytes = bytes ? bytes : 1;
    *s = (rz_shared){.bytes = bytes, .comm = c, .parts = 1};
    int64_t most = c ? rz_comm_local_size(c) : 1;
    if (c)
        rz_comm_max_i64(c, &most, 1);
    bool ok = most == 1 || init_common(s, why);
    s->common = s->p != NULL;
    for (int r = 0; s->common && r < rz_comm_size(c); r++) {
        bool here = rz_comm_machine(c, r) == rz_comm_machine(c, rz_comm_rank(c));
        s->part = r == rz_comm_rank(c) ? s->parts - 1 : s->part;
        s->parts += here;
    }
    s->parts -= s->common;
    if (s->common)
        madvise(s->p, bytes, MADV_HUGEPAGE); /* a wish: what streams through large memory is up to a third faster, and its first pages come sooner */
    else
        s->p = rz_calloc_large(bytes, 1);
    return ok;
}

void rz_shared_finish(rz_shared *s)
{
    if (s->common)
        munmap(s->p, s->bytes);
    else
        rz_free_large(s->p, s->bytes, 1);
    *s = (rz_shared){0};
}

void rz_shared_barrier(rz_shared *s)
{
    if (s->common)
        rz_comm_barrier(s->comm);
}

/* The rank of r's machine that receives what rank `from` of another machine has written: they take turns. */
static int receiver(const rz_comm *c, int r, int from)
{
    int machine = rz_comm_machine(c, r), n = 0, at = 0;
    for (int i = 0; i < rz_comm_size(c); i++)
        n += rz_comm_machine(c, i) == machine;
    for (int i = 0;; i++)
        if (rz_comm_machine(c, i) == machine && at++ == from % n)
            return i;
}

void rz_shared_gather(rz_shared *s, const size_t *counts)
{
    int size = s->comm ? rz_comm_size(s->comm) : 1, rank = s->comm ? rz_comm_rank(s->comm) : 0, n_send = 0, n_recv = 0;
    char *place = s->p, *mine = s->p;
    for (int r = 0; r < rank; r++)
        mine += counts[r];
    if (!s->common) {
        if (size > 1)
            rz_comm_allgather(s->comm, mine, s->p, counts);
        return;
    }
    rz_piece *send = rz_calloc((size_t)size, sizeof *send), *recv = rz_calloc((size_t)size, sizeof *recv);
    for (int r = 0; r < size; place += counts[r++]) {
        if (rz_comm_machine(s->comm, r) != rz_comm_machine(s->comm, rank) && receiver(s->comm, rank, r) == rank)
            recv[n_recv++] = (rz_piece){r, place, counts[r]};
        if (rz_comm_machine(s->comm, r) == r && r != rz_comm_machine(s->comm, rank)) /* once a machine */
            send[n_send++] = (rz_piece){receiver(s->comm, r, rank), mine, counts[rank]};
    }
    rz_comm_exchange(s->comm, send, n_send, recv, n_recv);
    free(send);
    free(recv);
    rz_comm_barrier(s->comm);
}
