/* Structures and their fields are those of the HDF5 File Format Specification, version 2.0: superblock 0 (II.A), B-tree 1 (III.A.1), symbol table nodes (III.B, III.C), local
 * heap (III.D), object header 1 (IV.A.1.a) and the messages of IV.A.2. */
#include "base/store_plain.h"
#include "base/mapped.h"
#include "base/seal.h"
#include "base/store.h"
#include <string.h>

enum {
    SUPERBLOCK = 96, HEADER = 16, MESSAGE = 8, NODE = 24, HEAP = 32, ENTRY = 40, /* bytes */
    CHILDREN = 32, ENTRIES = 8,                     /* of a B-tree node, of a symbol table node, at most */
    MAX_LEVEL = 8, MAX_DEPTH = 16, MAX_CHUNKS = 1024, MAX_OBJECTS = 1 << 16
};
static const uint64_t none = UINT64_MAX;

typedef struct {
    const uint8_t *p;
    uint64_t size;
    const char *path;
    int n_objects;
    rz_err *err;
} image;

typedef struct { uint64_t at, size; } span; /* in the image */

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++) x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static bool strange(const image *f, const char *what, uint64_t at)
{
    return rz_fail(f->err, RZ_EDATA, "%s: its seal is good, but its %s (byte %llu) is none that rulezero writes", f->path, what, (unsigned long long)at);
}

static bool within(const image *f, uint64_t at, uint64_t bytes) { return at <= f->size && bytes <= f->size - at; }
static bool is_zero(const uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

/* ---- types, shapes, attributes ---- */

/* Fixed and floating point numbers, little-endian, of our widths; after the class, its bits and the size come offset and precision, then the parts of a floating point number. */
static const struct { uint8_t bytes[20]; int n; } numbers[] = {
    {{0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8}, 12},  {{0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8}, 12},  {{0x10, 0, 0, 0, 2, 0, 0, 0, 0, 0, 16}, 12},
    {{0x10, 8, 0, 0, 4, 0, 0, 0, 0, 0, 32}, 12}, {{0x10, 0, 0, 0, 4, 0, 0, 0, 0, 0, 32}, 12}, {{0x10, 8, 0, 0, 8, 0, 0, 0, 0, 0, 64}, 12},
    {{0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 64}, 12}, {{0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127}, 20},
    {{0x11, 0x20, 63, 0, 8, 0, 0, 0, 0, 0, 64, 0, 52, 11, 0, 52, 0xFF, 3}, 20},
};

/* Bytes of one element, or 0. A text is of fixed length, NUL-terminated, UTF-8. */
static uint64_t type_size(const uint8_t *p, uint64_t n, bool may_be_text)
{
    static const uint8_t text[4] = {0x13, 0x10};
    if (n < 8) return 0;
    if (may_be_text && memcmp(p, text, sizeof text) == 0) return number(p + 4, 4);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (n >= (uint64_t)numbers[i].n && memcmp(p, numbers[i].bytes, (size_t)numbers[i].n) == 0) return number(p + 4, 4);
    return 0;
}

/* How many elements; false when it is none of ours. */
static bool elements(const uint8_t *p, uint64_t n, uint64_t *count)
{
    if (n < 8 || p[0] != 1 || p[1] > RZ_MAX_DIMS || p[2] > 1 || !is_zero(p + 3, 5) || n < 8 + 8u * p[1] * (1u + p[2])) return false;
    *count = 1;
    for (int i = 0; i < p[1]; i++) {
        uint64_t dim = number(p + 8 + 8 * i, 8);
        if (dim > INT64_MAX || __builtin_mul_overflow(*count, dim, count)) return false;
        if (p[2] && number(p + 8 + 8 * (p[1] + i), 8) != dim) return false; /* it could not grow */
    }
    return true;
}

static uint64_t padded(uint64_t n) { return (n + 7) & ~(uint64_t)7; }

static bool attribute(const uint8_t *p, uint64_t n)
{
    if (n < 8 || p[0] != 1 || p[1] != 0) return false;
    uint64_t name = number(p + 2, 2), type = number(p + 4, 2), space = number(p + 6, 2), at = 8, size, count;
    if (name < 2 || n < 8 + padded(name) + padded(type) + padded(space)) return false;
    if (memchr(p + at, 0, (size_t)name) != p + at + name - 1) return false;
    at += padded(name);
    if ((size = type_size(p + at, type, true)) == 0) return false;
    at += padded(type);
    if (!elements(p + at, space, &count) || p[at + 1] != 0) return false;
    return size <= n - at - padded(space);
}

/* ---- object headers ---- */

typedef struct {
    bool group, space, type, layout;
    uint64_t tree, heap;             /* of a group */
    uint64_t count, bytes, at, size; /* of an array: elements, bytes of one, where they lie */
} object;

static bool message(object *o, unsigned kind, const uint8_t *p, uint64_t n)
{
    static const uint8_t fill[4] = {2, 2, 1, 1}; /* nothing is filled in */
    switch (kind) {
    case 0x00: return true; /* room */
    case 0x01:
        if (o->space) return false;
        o->space = true;
        return elements(p, n, &o->count);
    case 0x03:
        if (o->type) return false;
        o->type = true;
        return (o->bytes = type_size(p, n, false)) > 0;
    case 0x05: return n >= 8 && memcmp(p, fill, sizeof fill) == 0 && is_zero(p + 4, 4);
    case 0x08:
        if (o->layout || n < 18 || p[0] != 3 || p[1] != 1) return false; /* contiguous */
        o->layout = true;
        o->at = number(p + 2, 8);
        o->size = number(p + 10, 8);
        return true;
    case 0x0C: return attribute(p, n);
    case 0x11:
        if (o->group || n < 16) return false;
        o->group = true;
        o->tree = number(p, 8);
        o->heap = number(p + 8, 8);
        return true;
    default: return false;
    }
}

/* The messages of one chunk; a chunk that continues the header is added to the list. */
static bool chunk(const image *f, object *o, span c, unsigned *left, span *chunks, int *n_chunks)
{
    for (uint64_t at = c.at, end = c.at + c.size; at < end;) {
        if (*left == 0 || end - at < MESSAGE) return strange(f, "object header", at);
        const uint8_t *p = f->p + at;
        unsigned kind = (unsigned)number(p, 2);
        uint64_t n = number(p + 2, 2);
        if (n % 8 || n > end - at - MESSAGE || p[4] > 1 || !is_zero(p + 5, 3)) return strange(f, "message", at);
        if (kind == 0x10) {
            if (n < 16 || *n_chunks == MAX_CHUNKS) return strange(f, "continuation", at);
            span next = {number(p + MESSAGE, 8), number(p + MESSAGE + 8, 8)};
            if (!within(f, next.at, next.size)) return strange(f, "continuation", at);
            chunks[(*n_chunks)++] = next;
        } else if (!message(o, kind, p + MESSAGE, n)) {
            return strange(f, "message", at);
        }
        --*left;
        at += MESSAGE + n;
    }
    return true;
}

static bool header(const image *f, uint64_t at, object *o)
{
    *o = (object){0};
    if (!within(f, at, HEADER)) return strange(f, "object header", at);
    const uint8_t *p = f->p + at;
    uint64_t size = number(p + 8, 4);
    if (p[0] != 1 || p[1] || number(p + 4, 4) != 1 || !is_zero(p + 12, 4) || !within(f, at + HEADER, size)) return strange(f, "object header", at);
    span chunks[MAX_CHUNKS] = {{at + HEADER, size}};
    unsigned left = (unsigned)number(p + 2, 2);
    int n_chunks = 1;
    bool ok = true;
    for (int i = 0; ok && i < n_chunks; i++) ok = chunk(f, o, chunks[i], &left, chunks, &n_chunks);
    if (!ok) return false;
    uint64_t bytes;
    bool array = o->space && o->type && o->layout && !o->group, group = o->group && !o->space && !o->type && !o->layout;
    if (left || (!array && !group)) return strange(f, "object header", at);
    if (group) return true;
    if (__builtin_mul_overflow(o->count, o->bytes, &bytes) || bytes != o->size) return strange(f, "array", at);
    return (bytes == 0 && o->at == none) || (bytes > 0 && within(f, o->at, bytes)) || strange(f, "array", at);
}

/* ---- groups ---- */

static bool local_heap(const image *f, uint64_t at, span *data)
{
    static const uint8_t start[8] = {'H', 'E', 'A', 'P'};
    if (!within(f, at, HEAP) || memcmp(f->p + at, start, sizeof start) != 0) return strange(f, "heap", at);
    *data = (span){number(f->p + at + 24, 8), number(f->p + at + 8, 8)};
    uint64_t block = number(f->p + at + 16, 8), most = data->size / 16;
    if (!within(f, data->at, data->size)) return strange(f, "heap", at);
    for (uint64_t i = 0; block != 1; i++) { /* free blocks: where the next is, and bytes */
        if (i > most || block % 8 || block > data->size || data->size - block < 16) return strange(f, "heap", at);
        uint64_t size = number(f->p + data->at + block + 8, 8);
        if (size < 16 || size > data->size - block) return strange(f, "heap", at);
        block = number(f->p + data->at + block, 8);
    }
    return true;
}

static bool name_at(const image *f, span heap, uint64_t at) { return at < heap.size && memchr(f->p + heap.at + at, 0, (size_t)(heap.size - at)); }

static bool group(image *f, const object *o, int depth);

/* Nodes of a level in their order, each of which knows its neighbours. */
typedef struct {
    span heap;
    int depth;
    struct { uint64_t at, right; } last[MAX_LEVEL + 1];
} tree;

static bool entries(image *f, const tree *t, uint64_t at)
{
    static const uint8_t start[6] = {'S', 'N', 'O', 'D', 1, 0};
    if (!within(f, at, 8 + ENTRIES * ENTRY) || memcmp(f->p + at, start, sizeof start) != 0) return strange(f, "symbol table", at);
    unsigned n = (unsigned)number(f->p + at + 6, 2);
    if (n > ENTRIES) return strange(f, "symbol table", at);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = f->p + at + 8 + i * ENTRY;
        uint64_t kind = number(p + 16, 4);
        object o;
        if (!name_at(f, t->heap, number(p, 8)) || kind > 1 || !is_zero(p + 20, 4)) return strange(f, "symbol table", at);
        if (++f->n_objects > MAX_OBJECTS) return strange(f, "number of objects", at);
        if (!header(f, number(p + 8, 8), &o)) return false;
        if (kind == 1 && (!o.group || number(p + 24, 8) != o.tree || number(p + 32, 8) != o.heap)) return strange(f, "symbol table", at);
        if (o.group && !group(f, &o, t->depth + 1)) return false;
    }
    return true;
}

static bool node(image *f, tree *t, uint64_t at, int level)
{
    static const uint8_t start[5] = {'T', 'R', 'E', 'E', 0};
    if (!within(f, at, NODE + CHILDREN * 16 + 8) || memcmp(f->p + at, start, sizeof start) != 0 || f->p[at + 5] != level) return strange(f, "tree", at);
    const uint8_t *p = f->p + at;
    unsigned n = (unsigned)number(p + 6, 2);
    uint64_t left = number(p + 8, 8), right = number(p + 16, 8);
    if (n > CHILDREN || left != t->last[level].at || (left != none && t->last[level].right != at)) return strange(f, "tree", at);
    if (++f->n_objects > MAX_OBJECTS) return strange(f, "number of objects", at);
    t->last[level].at = at;
    t->last[level].right = right;
    for (unsigned i = 0; i <= n; i++)
        if (!name_at(f, t->heap, number(p + NODE + 16 * i, 8))) return strange(f, "tree", at);
    for (unsigned i = 0; i < n; i++) {
        uint64_t child = number(p + NODE + 8 + 16 * i, 8);
        if (level ? !node(f, t, child, level - 1) : !entries(f, t, child)) return false;
    }
    return true;
}

static bool group(image *f, const object *o, int depth)
{
    tree t = {.depth = depth};
    if (depth > MAX_DEPTH || !within(f, o->tree, NODE) || f->p[o->tree + 5] > MAX_LEVEL) return strange(f, "group", o->tree);
    for (int i = 0; i <= MAX_LEVEL; i++) t.last[i].at = t.last[i].right = none;
    if (!local_heap(f, o->heap, &t.heap) || !node(f, &t, o->tree, f->p[o->tree + 5])) return false;
    for (int i = 0; i <= MAX_LEVEL; i++)
        if (t.last[i].right != none) return strange(f, "tree", t.last[i].at);
    return true;
}

/* ---- the file ---- */

static bool superblock(image *f, object *root)
{
    static const uint8_t start[40] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n', 0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0,
                                      0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t *p = f->p;
    if (f->size < SUPERBLOCK || memcmp(p, start, sizeof start) != 0 || number(p + 40, 8) != f->size || number(p + 48, 8) != none || !is_zero(p + 56, 8) ||
        number(p + 72, 8) != 1)
        return strange(f, "superblock", 0);
    if (!header(f, number(p + 64, 8), root)) return false;
    return (root->group && number(p + 80, 8) == root->tree && number(p + 88, 8) == root->heap) || strange(f, "root", 56);
}

bool rz_store_plain(const char *path, rz_err *err)
{
    rz_mapped *m;
    object root;
    if (!rz_mapped_open(&m, path, err)) return false;
    int64_t size = rz_mapped_size(m) - RZ_SEAL_BYTES;
    image f = {.p = rz_mapped_bytes(m), .size = size > 0 ? (uint64_t)size : 0, .path = path, .err = err};
    bool ok = superblock(&f, &root) && group(&f, &root, 0);
    rz_mapped_close(m);
    return ok;
}
