#include "base/packed.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 1 << 16, WITH_GZIP_HEADER = 16 + MAX_WBITS, GZIP_LEVEL = 6, ZSTD_LEVEL = 3 };

static const struct {
    const char *name, *magic, *ending;
    size_t magic_len;
} packings[] = {
    [RZ_PLAIN] = {"plain", "", "", 0},
    [RZ_GZIP] = {"gzip", "\x1f\x8b", ".gz", 2},
    [RZ_ZSTD] = {"zstd", "\x28\xb5\x2f\xfd", ".zst", 4},
};
enum { N_PACKINGS = sizeof packings / sizeof packings[0], MAGIC = 4 };

/* ---- reading ---- */

struct rz_unpacker {
    int fd;
    char *path;
    rz_packing packing;
    unsigned char raw[BLOCK]; /* raw[start … end) is read but not yet unpacked */
    size_t start, end;
    bool at_eof, in_member;   /* in_member: its end has not come yet */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

/* Reads more behind `end`; the caller has made room. */
static bool refill(rz_unpacker *u, rz_err *err)
{
    ssize_t n;
    do n = read(u->fd, u->raw + u->end, BLOCK - u->end);
    while (n < 0 && errno == EINTR);
    if (n < 0) return rz_fail(err, RZ_EIO, "cannot read %s: %s", u->path, strerror(errno));
    u->at_eof = n == 0;
    u->end += (size_t)n;
    return true;
}

static rz_packing packing_by_magic(const rz_unpacker *u)
{
    for (int i = RZ_PLAIN + 1; i < N_PACKINGS; i++)
        if (u->end >= packings[i].magic_len && memcmp(u->raw, packings[i].magic, packings[i].magic_len) == 0) return (rz_packing)i;
    return RZ_PLAIN;
}

static void start_unpacking(rz_unpacker *u)
{
    if (u->packing == RZ_GZIP && inflateInit2(&u->gzip, WITH_GZIP_HEADER) != Z_OK) rz_out_of_memory(BLOCK);
    if (u->packing == RZ_ZSTD && (u->zstd = ZSTD_createDStream()) == NULL) rz_out_of_memory(BLOCK);
}

bool rz_unpacker_open(rz_unpacker **out, const char *path, rz_err *err)
{
    *out = NULL;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    path = path ? path : "the standard input";
    if (fd < 0) return rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    rz_unpacker *u = rz_calloc(1, sizeof *u);
    u->fd = fd;
    u->path = rz_strdup(path);
    while (u->end < MAGIC && !u->at_eof) {
        if (!refill(u, err)) {
            rz_unpacker_close(u);
            return false;
        }
    }
    u->packing = packing_by_magic(u);
    start_unpacking(u);
    *out = u;
    return true;
}

static bool damaged(const rz_unpacker *u, const char *why, rz_err *err)
{
    return rz_fail(err, RZ_EDATA, "%s: its %s data is damaged: %s; make the file again", u->path, packings[u->packing].name, why ? why : "no reason given");
}

/* One call of zlib. */
static bool inflate_some(rz_unpacker *u, void *data, size_t room, size_t *n, rz_err *err)
{
    z_stream *z = &u->gzip;
    z->next_in = u->raw + u->start;
    z->avail_in = (uInt)(u->end - u->start);
    z->next_out = data;
    z->avail_out = (uInt)room;
    int result = inflate(z, Z_NO_FLUSH);
    u->start = u->end - z->avail_in;
    *n = room - z->avail_out;
    u->in_member = result != Z_STREAM_END;
    if (result == Z_STREAM_END) return inflateReset(z) == Z_OK || damaged(u, z->msg, err); /* another member may follow */
    if (result == Z_MEM_ERROR) rz_out_of_memory(BLOCK);
    return result == Z_OK || result == Z_BUF_ERROR /* wants more input */ || damaged(u, z->msg, err);
}

static bool unzstd_some(rz_unpacker *u, void *data, size_t room, size_t *n, rz_err *err)
{
    ZSTD_inBuffer in = {u->raw, u->end, u->start};
    ZSTD_outBuffer to = {data, room, 0};
    size_t left = ZSTD_decompressStream(u->zstd, &to, &in);
    if (ZSTD_isError(left)) return damaged(u, ZSTD_getErrorName(left), err);
    u->start = in.pos;
    *n = to.pos;
    u->in_member = left != 0;
    return true;
}

static bool copy_some(rz_unpacker *u, void *data, size_t room, size_t *n, rz_err *err)
{
    (void)err;
    *n = u->end - u->start < room ? u->end - u->start : room;
    memcpy(data, u->raw + u->start, *n);
    u->start += *n;
    return true;
}

bool rz_unpacker_read(rz_unpacker *u, void *data, size_t room, size_t *n, rz_err *err)
{
    static bool (*const some[])(rz_unpacker *, void *, size_t, size_t *, rz_err *) = {copy_some, inflate_some, unzstd_some};
    if (room > INT32_MAX) room = INT32_MAX; /* zlib counts with 32 bits */
    for (;;) {
        *n = 0;
        if (u->start == u->end && !u->at_eof) {
            u->start = u->end = 0;
            if (!refill(u, err)) return false;
        }
        bool at_end = u->start == u->end && u->at_eof;
        if (at_end && !u->in_member) return true;
        if (!some[u->packing](u, data, room, n, err)) return false;
        if (*n > 0) return true;
        if (at_end) return damaged(u, "it is cut short", err);
    }
}

void rz_unpacker_close(rz_unpacker *u)
{
    if (u == NULL) return;
    close(u->fd);
    if (u->packing == RZ_GZIP) inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    free(u->path);
    free(u);
}

/* ---- writing ---- */

struct rz_packer {
    rz_writer *writer;
    rz_packing packing;
    unsigned char block[BLOCK]; /* what goes to the writer next: packed output, or plain input gathered to a block */
    size_t used;
    z_stream gzip;
    ZSTD_CStream *zstd;
};

rz_packing rz_packing_of(const char *path)
{
    size_t len = strlen(path);
    for (int i = RZ_PLAIN + 1; i < N_PACKINGS; i++) {
        size_t n = strlen(packings[i].ending);
        if (len > n && strcmp(path + len - n, packings[i].ending) == 0) return (rz_packing)i;
    }
    return RZ_PLAIN;
}

bool rz_packer_create(rz_packer **out, const char *path, rz_packing packing, rz_err *err)
{
    *out = NULL;
    rz_packer *p = rz_calloc(1, sizeof *p);
    if (!rz_writer_create(&p->writer, path, err)) {
        free(p);
        return false;
    }
    p->packing = packing;
    if (packing == RZ_GZIP && deflateInit2(&p->gzip, GZIP_LEVEL, Z_DEFLATED, WITH_GZIP_HEADER, 8, Z_DEFAULT_STRATEGY) != Z_OK) rz_out_of_memory(BLOCK);
    if (packing == RZ_ZSTD) {
        p->zstd = ZSTD_createCStream();
        if (p->zstd == NULL) rz_out_of_memory(BLOCK);
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
    }
    *out = p;
    return true;
}

static bool flush(rz_packer *p, rz_err *err)
{
    size_t n = p->used;
    p->used = 0;
    return n == 0 || rz_writer_add(p->writer, p->block, n, err);
}

/* One call of the packing each: takes from data, moves *at, adds to the block; *done: nothing more will come of this input. */
static bool gather_some(rz_packer *p, const unsigned char *data, size_t len, size_t *at, bool last, bool *done)
{
    size_t room = BLOCK - p->used, n = len - *at < room ? len - *at : room;
    (void)last;
    if (n) memcpy(p->block + p->used, data + *at, n);
    p->used += n;
    *at += n;
    *done = *at == len;
    return true;
}

static bool deflate_some(rz_packer *p, const unsigned char *data, size_t len, size_t *at, bool last, bool *done)
{
    z_stream *z = &p->gzip;
    size_t n = len - *at < INT32_MAX ? len - *at : INT32_MAX; /* zlib counts with 32 bits */
    z->next_in = (unsigned char *)data + *at; /* which zlib does not change */
    z->avail_in = (uInt)n;
    z->next_out = p->block + p->used;
    z->avail_out = (uInt)(BLOCK - p->used);
    int result = deflate(z, last ? Z_FINISH : Z_NO_FLUSH);
    *at += n - z->avail_in;
    p->used = BLOCK - z->avail_out;
    *done = last ? result == Z_STREAM_END : *at == len;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR /* a full block */;
}

static bool zstd_some(rz_packer *p, const unsigned char *data, size_t len, size_t *at, bool last, bool *done)
{
    ZSTD_inBuffer in = {data, len, *at};
    ZSTD_outBuffer to = {p->block, BLOCK, p->used};
    size_t left = ZSTD_compressStream2(p->zstd, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    *at = in.pos;
    p->used = to.pos;
    *done = last ? left == 0 : in.pos == len;
    return !ZSTD_isError(left);
}

static bool pack(rz_packer *p, const void *data, size_t len, bool last, rz_err *err)
{
    static bool (*const some[])(rz_packer *, const unsigned char *, size_t, size_t *, bool, bool *) = {gather_some, deflate_some, zstd_some};
    size_t at = 0;
    bool done = false;
    while (!done) {
        if (p->used == BLOCK && !flush(p, err)) return false;
        if (!some[p->packing](p, data, len, &at, last, &done))
            return rz_fail(err, RZ_EINTERNAL, "%s refuses to compress", packings[p->packing].name);
    }
    return true;
}

bool rz_packer_add(rz_packer *p, const void *data, size_t len, rz_err *err) { return len == 0 || pack(p, data, len, false, err); }

bool rz_packer_commit(rz_packer *p, rz_err *err)
{
    return pack(p, "", 0, true, err) && flush(p, err) && rz_writer_commit(p->writer, err);
}

void rz_packer_close(rz_packer *p)
{
    if (p == NULL) return;
    if (p->packing == RZ_GZIP) deflateEnd(&p->gzip);
    ZSTD_freeCStream(p->zstd);
    rz_writer_close(p->writer);
    free(p);
}
