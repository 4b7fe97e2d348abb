#include "base/store_image.h"
#include "base/fault.h"
#include "base/seal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE = 1 << 14,
    BLOCK = 1 << 20,      /* is written at once: what was put together is still in the processor's cache when it is hashed and written */
    SECTOR = 4096,        /* what goes past the system's cache begins and ends at one */
    DIRECT_FROM = 4 << 20 /* bytes of a file from which it pays */
};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint8_t *page_of(rz_image *m, uint64_t at)
{
    size_t i = (size_t)(at / PAGE);
    if (i >= m->n_pages) {
        size_t n = i + 1 > 2 * m->n_pages ? i + 1 : 2 * m->n_pages;
        m->pages = rz_realloc(m->pages, n * sizeof *m->pages);
        memset(m->pages + m->n_pages, 0, (n - m->n_pages) * sizeof *m->pages);
        m->n_pages = n;
    }
    if (!m->pages[i]) m->pages[i] = rz_calloc(1, PAGE);
    return m->pages[i];
}

void rz_image_put(rz_image *m, uint64_t at, const void *from, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t within = (size_t)((at + done) % PAGE), here = (size_t)least(n - done, PAGE - within);
        memcpy(page_of(m, at + done) + within, (const uint8_t *)from + done, here);
        done += here;
    }
}

/* The first lent piece that ends behind `at`. */
static int lent_behind(const rz_image *m, uint64_t at)
{
    int low = 0, high = m->n_lent;
    while (low < high) {
        int mid = (low + high) / 2;
        if (m->lent[mid].at + m->lent[mid].size > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void rz_image_lend(rz_image *m, uint64_t at, const void *from, size_t n)
{
    if (m->n_lent == m->room) {
        m->room = m->room ? 2 * m->room : 64;
        m->lent = rz_realloc(m->lent, (size_t)m->room * sizeof *m->lent);
    }
    int i = lent_behind(m, at);
    memmove(m->lent + i + 1, m->lent + i, (size_t)(m->n_lent++ - i) * sizeof *m->lent);
    m->lent[i] = (rz_lent){at, n, from};
}

void rz_image_get(const rz_image *m, uint64_t at, void *to, size_t n)
{
    uint8_t *out = to;
    uint64_t end = at + n, stop;
    for (int i = lent_behind(m, at); at < end; out += stop - at, at = stop) {
        const rz_lent *next = i < m->n_lent ? &m->lent[i] : NULL;
        if (next && next->at <= at) {
            stop = least(end, next->at + next->size);
            memcpy(out, next->from + (at - next->at), (size_t)(stop - at));
            i++; /* unless this is the end */
            continue;
        }
        stop = least(next ? least(end, next->at) : end, (at / PAGE + 1) * PAGE);
        const uint8_t *page = at / PAGE < m->n_pages ? m->pages[at / PAGE] : NULL;
        if (page)
            memcpy(out, page + at % PAGE, (size_t)(stop - at));
        else
            memset(out, 0, (size_t)(stop - at));
    }
}

void rz_image_finish(rz_image *m)
{
    for (size_t i = 0; i < m->n_pages; i++) free(m->pages[i]);
    free(m->pages);
    free(m->lent);
    *m = (rz_image){0};
}

/* Past the system's cache, or (not) through it. */
static bool go_direct(int fd, bool direct)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

static bool write_block(int fd, const char *path, const uint8_t *block, size_t n, uint64_t at, bool *direct)
{
    for (size_t done = 0; done < n;) {
        ssize_t now = rz_fault_io(RZ_IO_WRITE, path) ? -1 : pwrite(fd, block + done, n - done, (off_t)(at + done));
        if (now >= 0 && *direct) now -= now % SECTOR;
        if (now > 0) {
            done += (size_t)now;
        } else if (*direct && (now == 0 || errno == EINVAL)) { /* the file system takes the flag, but other pieces than these */
            *direct = false;
            go_direct(fd, false);
        } else if (now < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool rz_image_write(const rz_image *m, uint64_t size, int fd, const char *path, rz_err *err)
{
    uint8_t *block = aligned_alloc(SECTOR, BLOCK + SECTOR);
    if (!block) rz_out_of_memory(BLOCK + SECTOR);
    rz_seal *seal = rz_seal_begin();
    bool direct = size >= DIRECT_FROM && go_direct(fd, true), ok = true;
    for (uint64_t at = 0; ok && at < size; at += BLOCK) {
        size_t n = (size_t)least(size - at, BLOCK);
        rz_image_get(m, at, block, n);
        rz_seal_add(seal, block, n);
        if (at + n == size) {
            rz_seal_make(seal, block + n);
            n += RZ_SEAL_BYTES;
            size_t pad = direct ? -n % SECTOR : 0; /* cut below */
            memset(block + n, 0, pad);
            n += pad;
        }
        ok = write_block(fd, path, block, n, at, &direct);
        rz_pulse_beat();
    }
    ok = ok && ftruncate(fd, (off_t)(size + RZ_SEAL_BYTES)) == 0; /* there may be room that was not needed */
    if (!ok) rz_fail(err, RZ_EIO, "cannot write %s: %s; what was there before is unchanged", path, strerror(errno));
    rz_seal_free(seal);
    free(block);
    return ok;
}
