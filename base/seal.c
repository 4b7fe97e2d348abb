#include "base/seal.h"
#include "base/read_at.h"
#include "base/threads.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { ROUND = RZ_READERS * RZ_READ_BLOCK, MAGIC = 8, HDF5_HEADER = 48 };
static const unsigned char seal_magic[MAGIC] = {'R', 'Z', 'S', 'E', 'A', 'L', '0', '1'};
static const unsigned char hdf5_magic[MAGIC] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};

static void put_u64(unsigned char *to, uint64_t x)
{
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)(x >> 8 * i);
}

static uint64_t get_u64(const unsigned char *from)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x |= (uint64_t)from[i] << 8 * i;
    return x;
}

struct rz_seal {
    XXH3_state_t *hash;
    uint64_t len;
};

rz_seal *rz_seal_begin(void)
{
    rz_seal *s = rz_calloc(1, sizeof *s);
    s->hash = XXH3_createState();
    if (!s->hash) rz_out_of_memory(1024); /* about its size, which is not public */
    XXH3_128bits_reset(s->hash);
    return s;
}

void rz_seal_add(rz_seal *s, const void *bytes, size_t n)
{
    XXH3_128bits_update(s->hash, bytes, n);
    s->len += n;
}

void rz_seal_make(const rz_seal *s, unsigned char seal[RZ_SEAL_BYTES])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(s->hash));
    memcpy(seal, seal_magic, MAGIC);
    put_u64(seal + MAGIC, s->len);
    memcpy(seal + MAGIC + 8, canonical.digest, sizeof canonical.digest);
}

uint64_t rz_seal_length(const unsigned char seal[RZ_SEAL_BYTES]) { return get_u64(seal + MAGIC); }

void rz_seal_free(rz_seal *s)
{
    XXH3_freeState(s->hash);
    free(s);
}

/* Why there is no seal at the end. An HDF5 header (superblock version 0, which ours has) tells at byte 40 how long the image should be. */
static bool unsealed(int fd, const char *path, uint64_t size, rz_err *err)
{
    unsigned char head[HDF5_HEADER] = {0};
    if (!rz_read_at(fd, path, head, size < HDF5_HEADER ? (size_t)size : HDF5_HEADER, 0, err)) return false;
    if (memcmp(head, hdf5_magic, MAGIC) != 0)
        return rz_fail(err, RZ_EDATA, "%s: is not a rulezero file (%llu bytes, no HDF5 header)", path, (unsigned long long)size);
    uint64_t image = get_u64(head + 40), whole = image + RZ_SEAL_BYTES;
    if (size >= HDF5_HEADER && head[8] == 0 && size != image && size < whole)
        return rz_fail(err, RZ_EDATA, "%s: is cut: %llu of %llu bytes, its seal is missing; take another copy or an older file", path,
                       (unsigned long long)size, (unsigned long long)whole);
    return rz_fail(err, RZ_EDATA, "%s: is cut or not a rulezero file: an HDF5 file of %llu bytes without a seal", path, (unsigned long long)size);
}

/* While one round is hashed, the next is read. */
typedef struct {
    int fd;
    const char *path;
    uint64_t at; /* of what is read */
    size_t n_hashed, n_read;
    char *hashed, *read;
    rz_seal *seal;
    struct { bool ok; rz_err err; } of[RZ_READERS];
} sealing;

static void seal_or_read(void *ctx, int i, int thread)
{
    sealing *s = ctx;
    (void)thread;
    if (i-- == 0) {
        rz_seal_add(s->seal, s->hashed, s->n_hashed);
        return;
    }
    size_t from = (size_t)i * RZ_READ_BLOCK, n = from >= s->n_read ? 0 : s->n_read - from < RZ_READ_BLOCK ? s->n_read - from : RZ_READ_BLOCK;
    s->of[i].ok = rz_read_at(s->fd, s->path, s->read + from, n, s->at + from, &s->of[i].err);
}

/* The seal that the first len bytes should have. */
static bool seal_of(int fd, const char *path, uint64_t len, bool alone, unsigned char due[RZ_SEAL_BYTES], rz_err *err)
{
    size_t round = len < ROUND ? (size_t)len : ROUND;
    sealing s = {.fd = fd, .path = path, .n_read = round, .hashed = rz_malloc(round), .read = rz_malloc(round), .seal = rz_seal_begin()};
    rz_pool *pool = NULL;
    rz_err none;
    if (!alone && len > RZ_READ_BLOCK && !rz_pool_create(&pool, RZ_READERS + 1, &none)) pool = NULL;
    bool ok = true;
    do {
        rz_pool_run(pool, RZ_READERS + 1, seal_or_read, &s);
        for (int i = 0; ok && i < RZ_READERS; i++)
            if (!(ok = s.of[i].ok)) *err = s.of[i].err;
        char *hashed = s.hashed;
        s.hashed = s.read;
        s.read = hashed;
        s.n_hashed = s.n_read;
        s.at += s.n_read;
        s.n_read = len - s.at < ROUND ? (size_t)(len - s.at) : ROUND;
    } while (ok && s.n_hashed > 0);
    rz_pool_destroy(pool);
    if (ok) rz_seal_make(s.seal, due);
    rz_seal_free(s.seal);
    free(s.hashed);
    free(s.read);
    return ok;
}

static bool check(int fd, const char *path, bool alone, rz_err *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return rz_fail(err, RZ_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return rz_fail(err, RZ_EDATA, "%s: is not a file", path);
    uint64_t size = (uint64_t)info.st_size;
    unsigned char found[RZ_SEAL_BYTES], due[RZ_SEAL_BYTES];
    if (size < RZ_SEAL_BYTES) return unsealed(fd, path, size, err);
    if (!rz_read_at(fd, path, found, sizeof found, size - RZ_SEAL_BYTES, err)) return false;
    if (memcmp(found, seal_magic, MAGIC) != 0) return unsealed(fd, path, size, err);
    uint64_t len = get_u64(found + MAGIC);
    if (len != size - RZ_SEAL_BYTES)
        return rz_fail(err, RZ_EDATA, "%s: is damaged: its seal is for %llu bytes and stands behind %llu; take another copy or an older file", path,
                       (unsigned long long)len, (unsigned long long)(size - RZ_SEAL_BYTES));
    if (!seal_of(fd, path, len, alone, due, err)) return false;
    if (memcmp(found, due, sizeof due) == 0) return true;
    return rz_fail(err, RZ_EDATA, "%s: is damaged: its contents do not match its seal (XXH3-128); take another copy or an older file", path);
}

/* −1: it cannot be. A pipe is opened at once and refused later, not waited for. */
static int open_sealed(const char *path, rz_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) rz_fail(err, RZ_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    return fd;
}

bool rz_seal_check(const char *path, bool alone, rz_err *err)
{
    int fd = open_sealed(path, err);
    if (fd < 0) return false;
    bool ok = check(fd, path, alone, err);
    close(fd);
    return ok;
}

bool rz_seal_read(const char *path, unsigned char seal[RZ_SEAL_BYTES], rz_err *err)
{
    int fd = open_sealed(path, err);
    if (fd < 0) return false;
    off_t size = lseek(fd, 0, SEEK_END);
    bool ok = size >= RZ_SEAL_BYTES ? rz_read_at(fd, path, seal, RZ_SEAL_BYTES, (uint64_t)size - RZ_SEAL_BYTES, err)
                                    : rz_fail(err, RZ_EDATA, "%s: is cut: it has %lld bytes", path, (long long)size);
    close(fd);
    return ok;
}
