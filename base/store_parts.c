#include "base/store_parts.h"
#include "base/file.h"
#include "base/read_at.h"
#include "base/store_shape.h"
#include "base/threads.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    AIM = 128,            /* parts at most, about: they become larger instead, since each is a file that is open */
    MOST = 1024,          /* that are believed */
    BESIDE_DATA = 1 << 16 /* bytes of a part that are none of its arrays', about */
};

typedef struct { int part; int64_t rows; } piece;
typedef struct {
    char *name;
    rz_shape shape;
    piece *pieces; /* in order */
    int n_pieces;
} array;

struct rz_parts {
    char *path; /* of the main file */
    int n;
    unsigned char (*seals)[RZ_SEAL_BYTES];
    rz_store **stores; /* of those that are read */
    array *arrays;
    int n_arrays;
    rz_store *now;     /* the part that is being written, the n-th */
    int64_t left, part_bytes, used; /* bytes of arrays: to come, of a part, in the one that is being written */
    bool writing, committed;
};

static char *path_of(const char *path, int i) { return rz_asprintf("%s%s%d", path, RZ_STORE_PART, i + 1); }

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t row_bytes(const rz_shape *s)
{
    int64_t bytes = (int64_t)rz_type_size(s->type);
    for (int i = 1; i < s->n_dims; i++) bytes *= s->dims[i];
    return bytes;
}

/* ---- writing ---- */

rz_parts *rz_parts_create(const char *path, int64_t bytes, int64_t part_bytes)
{
    rz_parts *p = rz_calloc(1, sizeof *p);
    int64_t aim = (bytes + AIM - 1) / AIM;
    *p = (rz_parts){.path = rz_strdup(path), .left = bytes, .part_bytes = part_bytes > aim ? part_bytes : aim, .writing = true};
    return p;
}

bool rz_parts_takes(const rz_shape *shape) { return shape->type == RZ_F32 && shape->n_dims > 0 && shape->dims[0] > 0; }

static bool begin_part(rz_parts *p, rz_err *err)
{
    char *path = path_of(p->path, p->n);
    p->seals = rz_realloc(p->seals, (size_t)(p->n + 1) * sizeof *p->seals);
    bool ok = rz_store_create(&p->now, path, err);
    free(path);
    if (!ok) return false;
    p->n++;
    p->used = 0;
    int64_t bytes = least(p->part_bytes, p->left > 0 ? p->left : 0) + BESIDE_DATA;
    return rz_store_reserve(p->now, bytes, err) && rz_store_put_str(p->now, "kind", "part", err) &&
           rz_store_put_i64(p->now, "format_version", RZ_STORE_SPLIT_FORMAT, err) && rz_store_put_i64(p->now, "part", p->n, err);
}

static bool end_part(rz_parts *p, rz_err *err)
{
    if (!p->now) return true;
    bool ok = rz_store_commit(p->now, err);
    char *path = path_of(p->path, p->n - 1);
    rz_store_close(p->now);
    p->now = NULL;
    ok = ok && rz_seal_read(path, p->seals[p->n - 1], err);
    free(path);
    p->n -= !ok;
    return ok;
}

bool rz_parts_put(rz_parts *p, const char *name, rz_shape shape, const void *data, rz_err *err)
{
    int64_t row = row_bytes(&shape);
    for (int64_t at = 0, rows; at < shape.dims[0]; at += rows) {
        if (p->now && p->part_bytes - p->used < row && !end_part(p, err)) return false;
        if (!p->now && !begin_part(p, err)) return false;
        int64_t fit = row ? (p->part_bytes - p->used) / row : shape.dims[0];
        rows = least(shape.dims[0] - at, fit > 0 ? fit : 1);
        rz_shape some = shape;
        some.dims[0] = rows;
        if (!rz_store_put(p->now, name, some, (const char *)data + at * row, err)) return false;
        p->used += rows * row;
        p->left -= rows * row;
    }
    return true;
}

bool rz_parts_commit(rz_parts *p, rz_store *main, rz_err *err)
{
    if (!p) return true;
    if (!end_part(p, err)) return false;
    p->committed = true; /* unless the main file is not there when they are closed */
    rz_shape shape = {RZ_U8, 2, {p->n, RZ_SEAL_BYTES}};
    return !p->n || rz_store_put(main, RZ_STORE_MANIFEST, shape, p->seals, err);
}

/* ---- reading ---- */

static array *find(const rz_parts *p, const char *name)
{
    for (int i = 0; p && i < p->n_arrays; i++)
        if (strcmp(p->arrays[i].name, name) == 0) return &p->arrays[i];
    return NULL;
}

/* Of one part while its arrays are looked at. */
typedef struct {
    rz_parts *p;
    int part;
    char *wrong; /* name of one that does not fit */
} listing;

static bool add_piece(void *ctx, const char *name, const rz_shape *shape)
{
    listing *l = ctx;
    rz_parts *p = l->p;
    array *a = find(p, name);
    size_t count;
    if (!a) {
        p->arrays = rz_realloc(p->arrays, (size_t)(p->n_arrays + 1) * sizeof *p->arrays);
        a = &p->arrays[p->n_arrays++];
        *a = (array){.name = rz_strdup(name), .shape = *shape};
        if (shape->n_dims) a->shape.dims[0] = 0;
    }
    bool fits = shape->n_dims > 0 && shape->n_dims == a->shape.n_dims && shape->type == a->shape.type;
    for (int i = 1; fits && i < shape->n_dims; i++) fits = shape->dims[i] == a->shape.dims[i];
    fits = fits && !__builtin_add_overflow(a->shape.dims[0], shape->dims[0], &a->shape.dims[0]) && rz_store_shape_count(&a->shape, &count);
    if (!fits) {
        l->wrong = rz_strdup(name);
        return false;
    }
    a->pieces = rz_realloc(a->pieces, (size_t)(a->n_pieces + 1) * sizeof *a->pieces);
    a->pieces[a->n_pieces++] = (piece){l->part, shape->dims[0]};
    return true;
}

/* Is it there, and the one that is meant? And (verify) is it whole? */
static bool check_part(const rz_parts *p, int i, bool verify, rz_err *err)
{
    unsigned char seal[RZ_SEAL_BYTES];
    char *path = path_of(p->path, i);
    bool ok = rz_file_exists(path) || rz_fail(err, RZ_EDATA, "%s: a part of it is missing: %s; it is whole only with all of its %d parts beside it", p->path, path, p->n);
    ok = ok && (!verify || rz_seal_check(path, true, err)) && rz_seal_read(path, seal, err);
    if (ok && memcmp(seal, p->seals[i], sizeof seal) != 0)
        ok = rz_fail(err, RZ_EDATA, "%s: %s is whole but not the part that it was written with; put that one back, or take another copy or an older file", p->path, path);
    free(path);
    return ok;
}

typedef struct { bool ok; rz_err err; } verdict;

typedef struct {
    const rz_parts *p;
    bool verify;
    verdict *of; /* of each part */
} checking;

/* The first parts come last: what is read next is then in the system's cache, should that not hold all. */
static void check_one(void *ctx, int i, int thread)
{
    const checking *c = ctx;
    int part = c->p->n - 1 - i;
    (void)thread;
    c->of[part].ok = check_part(c->p, part, c->verify, &c->of[part].err);
}

/* Several at a time, each read by one thread. */
static bool check_parts(const rz_parts *p, bool verify, rz_err *err)
{
    rz_pool *readers = NULL;
    rz_err none;
    checking c = {p, verify, rz_calloc((size_t)p->n, sizeof *c.of)};
    if (verify && !rz_pool_create(&readers, p->n < RZ_READERS ? p->n : RZ_READERS, &none)) readers = NULL;
    rz_pool_run(readers, p->n, check_one, &c);
    rz_pool_destroy(readers);
    bool ok = true;
    for (int i = 0; ok && i < p->n; i++)
        if (!(ok = c.of[i].ok)) *err = c.of[i].err;
    free(c.of);
    return ok;
}

static bool open_part(rz_parts *p, int i, rz_err *err)
{
    listing l = {.p = p, .part = i};
    char *path = path_of(p->path, i);
    bool ok = rz_store_open_verified(&p->stores[i], path, err) && rz_store_each(p->stores[i], add_piece, &l, err);
    if (l.wrong) ok = rz_fail(err, RZ_EDATA, "%s: '%s' does not go on as it began in the parts before", path, l.wrong);
    free(l.wrong);
    free(path);
    return ok;
}

bool rz_parts_open(rz_parts **out, rz_store *main, const char *path, bool verify, rz_err *err)
{
    rz_shape shape;
    *out = NULL;
    if (!rz_store_has(main, RZ_STORE_MANIFEST)) return true;
    if (!rz_store_shape(main, RZ_STORE_MANIFEST, &shape, err)) return false;
    if (shape.type != RZ_U8 || shape.n_dims != 2 || shape.dims[0] < 1 || shape.dims[0] > MOST || shape.dims[1] != RZ_SEAL_BYTES)
        return rz_fail(err, RZ_EDATA, "%s: its '%s' is none that rulezero writes", path, RZ_STORE_MANIFEST);
    rz_parts *p = rz_calloc(1, sizeof *p);
    p->path = rz_strdup(path);
    p->n = (int)shape.dims[0];
    p->seals = rz_calloc((size_t)p->n, sizeof *p->seals);
    p->stores = rz_calloc((size_t)p->n, sizeof *p->stores);
    bool ok = rz_store_get(main, RZ_STORE_MANIFEST, shape, p->seals, err);
    ok = ok && check_parts(p, verify, err);
    for (int i = 0; ok && i < p->n; i++) ok = open_part(p, i, err);
    for (int i = 0; ok && i < p->n_arrays; i++)
        if (rz_store_has(main, p->arrays[i].name)) ok = rz_fail(err, RZ_EDATA, "%s: holds '%s', and so do its parts", path, p->arrays[i].name);
    if (ok)
        *out = p;
    else
        rz_parts_close(p);
    return ok;
}

bool rz_store_verify(const char *path, rz_err *err)
{
    rz_store *s;
    bool ok = rz_store_open(&s, path, err);
    rz_store_close(s);
    return ok;
}

bool rz_store_is_split(const rz_store *s) { return rz_store_parts(s) != NULL; }

int rz_store_n_parts(const rz_store *s)
{
    const rz_parts *p = rz_store_parts(s);
    return p ? p->n : 0;
}

int64_t rz_store_parts_bytes(const rz_store *s)
{
    const rz_parts *p = rz_store_parts(s);
    int64_t bytes = 0;
    for (int i = 0; p && i < p->n; i++) bytes += (int64_t)rz_seal_length(p->seals[i]) + RZ_SEAL_BYTES;
    return bytes;
}

const char *rz_parts_name(const rz_parts *p, int i) { return p && i < p->n_arrays ? p->arrays[i].name : NULL; }
bool rz_parts_has(const rz_parts *p, const char *name) { return find(p, name) != NULL; }

bool rz_parts_shape(const rz_parts *p, const char *name, rz_shape *shape)
{
    const array *a = find(p, name);
    if (a) *shape = a->shape;
    return a != NULL;
}

bool rz_parts_get(rz_parts *p, const char *name, const rz_shape *shape, int64_t from, int64_t n, void *data, rz_err *err)
{
    const array *a = find(p, name);
    if (!rz_store_shape_check(p->path, name, &a->shape, shape, err)) return false;
    int64_t row = row_bytes(shape), at = 0;
    bool ok = true;
    for (int i = 0; ok && i < a->n_pieces; at += a->pieces[i++].rows) {
        rz_store *part = p->stores[a->pieces[i].part];
        rz_shape some = a->shape;
        some.dims[0] = a->pieces[i].rows;
        int64_t first = from > at ? from : at, end = least(from + n, at + some.dims[0]);
        char *to = (char *)data + (first - from) * row;
        if (first >= end) continue;
        ok = end - first == some.dims[0] ? rz_store_get(part, name, some, to, err) : rz_store_get_part(part, name, some, first - at, end - first, to, err);
    }
    return ok;
}

/* ---- both ---- */

/* From … to − 1, as far as they are there in a row. */
static void remove_parts(const char *path, int from, int to)
{
    bool more = true;
    for (int i = from; more && i < to; i++) {
        char *part = path_of(path, i);
        more = rz_file_exists(part) && unlink(part) == 0;
        free(part);
    }
}

void rz_parts_tidy(const rz_parts *p, const char *path) { remove_parts(path, p ? p->n : 0, MOST); }

bool rz_store_remove(const char *path)
{
    bool gone = unlink(path) == 0; /* first: from now on nothing names the parts */
    int why = errno;
    if (gone) remove_parts(path, 0, MOST);
    errno = why;
    return gone;
}

void rz_parts_close(rz_parts *p)
{
    if (!p) return;
    bool torn = p->now != NULL; /* the last one, of which nothing is left */
    rz_store_close(p->now);
    if (p->writing && !(p->committed && rz_file_exists(p->path))) remove_parts(p->path, 0, p->n - torn);
    for (int i = 0; p->stores && i < p->n; i++) rz_store_close(p->stores[i]);
    for (int i = 0; i < p->n_arrays; i++) {
        free(p->arrays[i].name);
        free(p->arrays[i].pieces);
    }
    free(p->arrays);
    free(p->stores);
    free(p->seals);
    free(p->path);
    free(p);
}
