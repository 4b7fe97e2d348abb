#include "base/seal.h"
#include "base/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 1 << 20, MAGIC = 8, HDF5_HEADER = 48 };
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

static void fill(unsigned char seal[RZ_SEAL_BYTES], uint64_t len, XXH128_hash_t hash)
{
    memcpy(seal, seal_magic, MAGIC);
    put_u64(seal + MAGIC, len);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(seal + MAGIC + 8, canonical.digest, sizeof canonical.digest);
}

static bool read_at(int fd, const char *path, void *data, size_t len, uint64_t at, rz_err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return rz_fail(err, RZ_EIO, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0) return rz_fail(err, RZ_EDATA, "%s: became shorter while it was read", path);
        done += (size_t)n;
    }
    return true;
}

/* Why there is no seal at the end. An HDF5 header (superblock version 0, which ours has) tells at byte 40 how long the image should be. */
static bool unsealed(int fd, const char *path, uint64_t size, rz_err *err)
{
    unsigned char head[HDF5_HEADER] = {0};
    if (!read_at(fd, path, head, size < HDF5_HEADER ? (size_t)size : HDF5_HEADER, 0, err)) return false;
    if (memcmp(head, hdf5_magic, MAGIC) != 0)
        return rz_fail(err, RZ_EDATA, "%s: is not a rulezero file (%llu bytes, no HDF5 header)", path, (unsigned long long)size);
    uint64_t image = get_u64(head + 40), whole = image + RZ_SEAL_BYTES;
    if (size >= HDF5_HEADER && head[8] == 0 && size != image && size < whole)
        return rz_fail(err, RZ_EDATA, "%s: is cut: %llu of %llu bytes, its seal is missing; take another copy or an older file", path,
                       (unsigned long long)size, (unsigned long long)whole);
    return rz_fail(err, RZ_EDATA, "%s: is cut or not a rulezero file: an HDF5 file of %llu bytes without a seal", path, (unsigned long long)size);
}

static bool hash_file(int fd, const char *path, uint64_t len, XXH128_hash_t *hash, rz_err *err)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state) rz_out_of_memory(BLOCK);
    char *block = rz_malloc(len < BLOCK ? (size_t)len : BLOCK);
    XXH3_128bits_reset(state);
    bool ok = true;
    for (uint64_t at = 0; ok && at < len;) {
        size_t n = len - at < BLOCK ? (size_t)(len - at) : BLOCK;
        ok = read_at(fd, path, block, n, at, err);
        rz_pulse_beat();
        if (ok) XXH3_128bits_update(state, block, n);
        at += n;
    }
    *hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    free(block);
    return ok;
}

bool rz_seal_append(int fd, const char *path, uint64_t len, rz_err *err)
{
    unsigned char seal[RZ_SEAL_BYTES];
    XXH128_hash_t hash;
    if (!hash_file(fd, path, len, &hash, err)) return false;
    fill(seal, len, hash);
    for (size_t done = 0; done < sizeof seal;) {
        ssize_t n = rz_fault_io(RZ_IO_WRITE, path) ? -1 : pwrite(fd, seal + done, sizeof seal - done, (off_t)(len + done));
        if (n < 0 && errno != EINTR) return rz_fail(err, RZ_EIO, "cannot write the seal of %s: %s", path, strerror(errno));
        if (n > 0) done += (size_t)n;
    }
    return true;
}

static bool check(int fd, const char *path, rz_err *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return rz_fail(err, RZ_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return rz_fail(err, RZ_EDATA, "%s: is not a file", path);
    uint64_t size = (uint64_t)info.st_size;
    unsigned char found[RZ_SEAL_BYTES], due[RZ_SEAL_BYTES];
    if (size < RZ_SEAL_BYTES) return unsealed(fd, path, size, err);
    if (!read_at(fd, path, found, sizeof found, size - RZ_SEAL_BYTES, err)) return false;
    if (memcmp(found, seal_magic, MAGIC) != 0) return unsealed(fd, path, size, err);
    uint64_t len = get_u64(found + MAGIC);
    if (len != size - RZ_SEAL_BYTES)
        return rz_fail(err, RZ_EDATA, "%s: is damaged: its seal is for %llu bytes and stands behind %llu; take another copy or an older file", path,
                       (unsigned long long)len, (unsigned long long)(size - RZ_SEAL_BYTES));
    XXH128_hash_t hash;
    if (!hash_file(fd, path, len, &hash, err)) return false;
    fill(due, len, hash);
    if (memcmp(found, due, sizeof due) == 0) return true;
    return rz_fail(err, RZ_EDATA, "%s: is damaged: its contents do not match its seal (XXH3-128); take another copy or an older file", path);
}

bool rz_seal_check(const char *path, rz_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rz_fail(err, RZ_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    bool ok = check(fd, path, err);
    close(fd);
    return ok;
}
