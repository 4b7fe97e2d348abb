#include "base/gguf_parts.h"
#include "base/text.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_KEYS = 1 << 16,
    MAX_TENSORS = 1 << 20,
    MAX_TEXTS = 1 << 24,   /* of one array: eight bytes are kept for each */
    MAX_NAME = 65535,      /* bytes of a key, as the format has it; of a tensor's name */
    MAX_ALIGNMENT = 1 << 20,
    N_DIMS = 8,
};
static const char magic[] = "GGUF";

/* By the number that the format gives a type. NULL: withdrawn, or newer than this program; its size is not known. */
static const struct {
    const char *name;
    int block, bytes;
    bool known;
    rz_encoding encoding;
} types[] = {
    [0] = {"F32", 1, 4, true, RZ_ENC_F32}, [1] = {"F16", 1, 2, true, RZ_ENC_F16}, [2] = {"Q4_0", 32, 18, true, RZ_ENC_Q4_0},
    [3] = {"Q4_1", 32, 20, true, RZ_ENC_Q4_1}, [6] = {"Q5_0", 32, 22, true, RZ_ENC_Q5_0}, [7] = {"Q5_1", 32, 24, true, RZ_ENC_Q5_1},
    [8] = {"Q8_0", 32, 34, true, RZ_ENC_Q8_0}, [10] = {"Q2_K", 256, 84, false, 0}, [11] = {"Q3_K", 256, 110, false, 0},
    [12] = {"Q4_K", 256, 144, true, RZ_ENC_Q4_K}, [13] = {"Q5_K", 256, 176, true, RZ_ENC_Q5_K}, [14] = {"Q6_K", 256, 210, true, RZ_ENC_Q6_K},
    [15] = {"Q8_K", 256, 292, false, 0}, [16] = {"IQ2_XXS", 256, 66, false, 0}, [17] = {"IQ2_XS", 256, 74, false, 0},
    [18] = {"IQ3_XXS", 256, 98, false, 0}, [19] = {"IQ1_S", 256, 50, false, 0}, [20] = {"IQ4_NL", 32, 18, false, 0},
    [21] = {"IQ3_S", 256, 110, false, 0}, [22] = {"IQ2_S", 256, 82, false, 0}, [23] = {"IQ4_XS", 256, 136, false, 0}, [24] = {"I8", 1, 1, false, 0},
    [25] = {"I16", 1, 2, false, 0}, [26] = {"I32", 1, 4, false, 0}, [27] = {"I64", 1, 8, false, 0}, [28] = {"F64", 1, 8, false, 0},
    [29] = {"IQ1_M", 256, 56, false, 0}, [30] = {"BF16", 1, 2, true, RZ_ENC_BF16}, [34] = {"TQ1_0", 256, 54, false, 0},
    [35] = {"TQ2_0", 256, 66, false, 0}, [39] = {"MXFP4", 32, 17, false, 0},
};
enum { N_TYPES = sizeof types / sizeof types[0] };

int rz_gguf_width(rz_gguf_type type)
{
    static const int width[] = {[RZ_GGUF_U8] = 1, [RZ_GGUF_I8] = 1, [RZ_GGUF_U16] = 2, [RZ_GGUF_I16] = 2, [RZ_GGUF_U32] = 4, [RZ_GGUF_I32] = 4,
                                [RZ_GGUF_F32] = 4, [RZ_GGUF_BOOL] = 1, [RZ_GGUF_U64] = 8, [RZ_GGUF_I64] = 8, [RZ_GGUF_F64] = 8};
    return width[type];
}

uint64_t rz_gguf_number_at(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* ---- reading on, never past the end ---- */

typedef struct {
    const char *path;
    const uint8_t *bytes;
    uint64_t size, at;
    char where[256]; /* what is being read: `key "general.name"` */
} cursor;

static const uint8_t *take(cursor *c, uint64_t n, const char *what, rz_err *err)
{
    if (n > c->size - c->at) {
        rz_fail(err, RZ_EDATA, "%s: %s: %s should have %" PRIu64 " bytes from byte %" PRIu64 ", but only %" PRIu64 " are left; is the file complete?", c->path,
                c->where, what, n, c->at, c->size - c->at);
        return NULL;
    }
    c->at += n;
    return c->bytes + (c->at - n);
}

static bool take_number(cursor *c, int bytes, const char *what, uint64_t *v, rz_err *err)
{
    const uint8_t *p = take(c, (uint64_t)bytes, what, err);
    if (p != NULL) *v = rz_gguf_number_at(p, bytes);
    return p != NULL;
}

static const uint8_t *take_text(cursor *c, const char *what, uint64_t *len, rz_err *err)
{
    *len = 0;
    return take_number(c, 8, what, len, err) ? take(c, *len, what, err) : NULL;
}

/* A name that messages can show; a copy, the caller's. */
static char *take_name(cursor *c, const char *what, rz_err *err)
{
    uint64_t len;
    const char *p = (const char *)take_text(c, what, &len, err);
    if (p == NULL) return NULL;
    if (len == 0 || len > MAX_NAME || memchr(p, '\0', len) != NULL || rz_utf8_valid(p, len) != len) {
        rz_fail(err, RZ_EDATA, "%s: %s: %s of %" PRIu64 " bytes at byte %" PRIu64 " must be 1..%d bytes of UTF-8 without NUL", c->path, c->where, what, len,
                c->at - len, MAX_NAME);
        return NULL;
    }
    return rz_strndup(p, len);
}

/* A list that grows as it is read: what a file claims costs nothing. */
static void *grow(void *list, int n, size_t size) { return (n & (n - 1)) == 0 ? rz_realloc(list, (n > 0 ? 2 * (size_t)n : 1) * size) : list; }

/* ---- keys ---- */

static bool check_truths(const cursor *c, const uint8_t *p, uint64_t n, rz_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        if (p[i] > 1) return rz_fail(err, RZ_EDATA, "%s: %s: a truth value is %d, must be 0 or 1", c->path, c->where, p[i]);
    }
    return true;
}

static bool take_array(cursor *c, gguf_value *v, rz_err *err)
{
    uint64_t element, n;
    if (!take_number(c, 4, "the type of its elements", &element, err) || !take_number(c, 8, "its number of elements", &n, err)) return false;
    if (element == RZ_GGUF_ARRAY) return rz_fail(err, RZ_EDATA, "%s: %s is an array of arrays, which is not supported", c->path, c->where);
    if (element > RZ_GGUF_F64) return rz_fail(err, RZ_EDATA, "%s: %s has elements of type %" PRIu64 ", must be 0..12", c->path, c->where, element);
    v->element = (rz_gguf_type)element;
    bool text = element == RZ_GGUF_STRING;
    uint64_t width = text ? 8 : (uint64_t)rz_gguf_width(v->element);
    if (n > (c->size - c->at) / width || (text && n > MAX_TEXTS)) {
        return rz_fail(err, RZ_EDATA, "%s: %s has %" PRIu64 " elements by its count, which is too many for the %" PRIu64 " bytes that are left%s", c->path,
                       c->where, n, c->size - c->at, text ? " or for 16777216 texts" : "");
    }
    v->n = (int64_t)n;
    v->at = c->bytes + c->at;
    if (!text) return take(c, n * width, "its elements", err) != NULL && (element != RZ_GGUF_BOOL || check_truths(c, v->at, n, err));
    uint64_t from = c->at, len;
    v->starts = rz_malloc(n * sizeof *v->starts);
    for (uint64_t i = 0; i < n; i++) {
        v->starts[i] = (int64_t)(c->at - from);
        if (take_text(c, "one of its texts", &len, err) == NULL) return false;
    }
    return true;
}

static bool take_value(cursor *c, gguf_value *v, rz_err *err)
{
    uint64_t type, len;
    snprintf(c->where, sizeof c->where, "key \"%.200s\"", v->key);
    if (!take_number(c, 4, "its type", &type, err)) return false;
    if (type > RZ_GGUF_F64) return rz_fail(err, RZ_EDATA, "%s: %s has type %" PRIu64 ", must be 0..12", c->path, c->where, type);
    v->type = (rz_gguf_type)type;
    if (type == RZ_GGUF_ARRAY) return take_array(c, v, err);
    if (type == RZ_GGUF_STRING) {
        v->at = take_text(c, "its text", &len, err);
        v->n = (int64_t)len;
    } else {
        v->at = take(c, (uint64_t)rz_gguf_width(v->type), "its value", err);
    }
    return v->at != NULL && (type != RZ_GGUF_BOOL || check_truths(c, v->at, 1, err));
}

static bool take_values(rz_gguf *g, cursor *c, uint64_t n, rz_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        snprintf(c->where, sizeof c->where, "key %" PRIu64 " of %" PRIu64, i + 1, n);
        char *key = take_name(c, "its name", err);
        if (key == NULL) return false;
        g->values = grow(g->values, g->n_values, sizeof *g->values);
        g->values[g->n_values] = (gguf_value){.key = key};
        if (!take_value(c, &g->values[g->n_values++], err)) return false;
    }
    return true;
}

/* ---- tensors ---- */

typedef struct {
    uint64_t begin, bytes; /* in the data; bytes 0 when the type's size is not known */
    const char *name;
} extent;

static bool take_shape(cursor *c, rz_tensor_view *v, rz_err *err)
{
    uint64_t n_dims, dim;
    v->n = 1;
    if (!take_number(c, 4, "its number of dimensions", &n_dims, err)) return false;
    if (n_dims > N_DIMS) return rz_fail(err, RZ_EDATA, "%s: %s has %" PRIu64 " dimensions, must be at most %d", c->path, c->where, n_dims, N_DIMS);
    v->n_dims = (int)n_dims;
    for (int i = v->n_dims - 1; i >= 0; i--) {
        if (!take_number(c, 8, "its shape", &dim, err)) return false;
        if (dim > INT64_MAX || __builtin_mul_overflow(v->n, (int64_t)dim, &v->n)) {
            return rz_fail(err, RZ_EDATA, "%s: %s has more elements than can be counted: one dimension is %" PRIu64, c->path, c->where, dim);
        }
        v->dims[i] = (int64_t)dim;
    }
    return true;
}

/* Whole blocks lie along the innermost dimension. */
static bool take_type(cursor *c, rz_tensor_view *v, extent *e, rz_err *err)
{
    uint64_t type;
    int64_t bytes;
    if (!take_number(c, 4, "its type", &type, err)) return false;
    if (type >= N_TYPES || types[type].name == NULL) {
        v->dtype = rz_asprintf("type %" PRIu64, type);
        return true;
    }
    int64_t block = types[type].block, row = v->n_dims > 0 ? v->dims[v->n_dims - 1] : 1;
    v->known = types[type].known;
    v->encoding = types[type].encoding;
    v->dtype = rz_strdup(types[type].name);
    if (row % block != 0) {
        return rz_fail(err, RZ_EDATA, "%s: %s has rows of %" PRId64 " elements, must be whole blocks of %" PRId64 " (%s)", c->path, c->where, row, block,
                       v->dtype);
    }
    if (__builtin_mul_overflow(v->n / block, (int64_t)types[type].bytes, &bytes)) {
        return rz_fail(err, RZ_EDATA, "%s: %s has %" PRId64 " elements of %s, more than any file can hold", c->path, c->where, v->n, v->dtype);
    }
    e->bytes = (uint64_t)bytes;
    return true;
}

static bool take_tensors(rz_gguf *g, cursor *c, uint64_t n, extent **places, rz_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        snprintf(c->where, sizeof c->where, "tensor %" PRIu64 " of %" PRIu64, i + 1, n);
        char *name = take_name(c, "its name", err);
        if (name == NULL) return false;
        int at = g->n_views++;
        g->views = grow(g->views, at, sizeof *g->views);
        *places = grow(*places, at, sizeof **places);
        rz_tensor_view *v = &g->views[at];
        extent *e = &(*places)[at];
        *v = (rz_tensor_view){.name = name};
        *e = (extent){.name = name};
        snprintf(c->where, sizeof c->where, "tensor \"%.200s\"", name);
        if (!take_shape(c, v, err) || !take_type(c, v, e, err) || !take_number(c, 8, "its offset", &e->begin, err)) return false;
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static bool place_tensors(rz_gguf *g, const cursor *c, extent *e, uint64_t alignment, rz_err *err)
{
    if (g->n_views == 0) return true;
    uint64_t data_at = (c->at + alignment - 1) / alignment * alignment;
    if (data_at > c->size) return rz_fail(err, RZ_EDATA, "%s ends at byte %" PRIu64 ", before the data of its tensors; is it complete?", c->path, c->size);
    uint64_t room = c->size - data_at, at = 0;
    for (int i = 0; i < g->n_views; i++) {
        if (e[i].begin % alignment != 0) {
            return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" is at offset %" PRIu64 ", must be a multiple of the alignment %" PRIu64, c->path, e[i].name,
                           e[i].begin, alignment);
        }
        if (e[i].begin > room || e[i].bytes > room - e[i].begin) {
            return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" should have %" PRIu64 " bytes from offset %" PRIu64 ", but there are %" PRIu64
                           " bytes of data; is the file complete?", c->path, e[i].name, e[i].bytes, e[i].begin, room);
        }
        g->views[i].data = c->bytes + data_at + e[i].begin;
    }
    qsort(e, (size_t)g->n_views, sizeof *e, by_place);
    for (int i = 0; i < g->n_views; i++) {
        if (e[i].begin < at) {
            return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" begins at offset %" PRIu64 ", inside \"%.200s\", which ends at %" PRIu64, c->path, e[i].name,
                           e[i].begin, e[i - 1].name, at);
        }
        at = e[i].begin + e[i].bytes;
    }
    return true;
}

/* ---- the file ---- */

static int by_name(const void *a, const void *b) { return strcmp(((const gguf_entry *)a)->name, ((const gguf_entry *)b)->name); }

static bool check_unique(const char *path, const char *what, gguf_entry *order, int n, rz_err *err)
{
    if (n > 0) qsort(order, (size_t)n, sizeof *order, by_name);
    for (int i = 1; i < n; i++) {
        if (strcmp(order[i - 1].name, order[i].name) == 0) return rz_fail(err, RZ_EDATA, "%s: %s \"%.200s\" is there twice", path, what, order[i].name);
    }
    return true;
}

static bool index_keys(rz_gguf *g, rz_err *err)
{
    g->value_order = rz_malloc((size_t)g->n_values * sizeof *g->value_order);
    for (int i = 0; i < g->n_values; i++) g->value_order[i] = (gguf_entry){g->values[i].key, i};
    return check_unique(g->name, "key", g->value_order, g->n_values, err);
}

static bool index_tensors(rz_gguf *g, rz_err *err)
{
    g->view_order = rz_malloc((size_t)g->n_views * sizeof *g->view_order);
    for (int i = 0; i < g->n_views; i++) g->view_order[i] = (gguf_entry){g->views[i].name, i};
    return check_unique(g->name, "tensor", g->view_order, g->n_views, err);
}

static bool read_alignment(const rz_gguf *g, uint64_t *alignment, rz_err *err)
{
    static const char key[] = "general.alignment";
    int64_t v = 32;
    bool ok = !rz_gguf_has(g, key) || rz_gguf_i64(g, key, &v);
    if (!ok || v < 1 || v > MAX_ALIGNMENT || (v & (v - 1)) != 0) {
        return rz_fail(err, RZ_EDATA, "%s: %s must be a power of two in 1..%d%s", g->name, key, MAX_ALIGNMENT, ok ? "" : ", a whole number");
    }
    *alignment = (uint64_t)v;
    return true;
}

static bool read_counts(cursor *c, uint64_t *tensors, uint64_t *keys, rz_err *err)
{
    uint64_t version;
    snprintf(c->where, sizeof c->where, "the header");
    if (c->size < 4 || memcmp(c->bytes, magic, 4) != 0) return rz_fail(err, RZ_EDATA, "%s is no GGUF file: it does not begin with \"GGUF\"", c->path);
    c->at = 4;
    if (!take_number(c, 4, "the version", &version, err)) return false;
    if ((version & 0xffff) == 0 && version != 0) {
        return rz_fail(err, RZ_EDATA, "%s is a big-endian GGUF file, which is not supported: convert it to little-endian", c->path);
    }
    if (version < 2 || version > 3) return rz_fail(err, RZ_EDATA, "%s is of GGUF version %" PRIu64 ", must be 2 or 3: convert it again", c->path, version);
    if (!take_number(c, 8, "the number of tensors", tensors, err) || !take_number(c, 8, "the number of keys", keys, err)) return false;
    if (*tensors <= MAX_TENSORS && *keys <= MAX_KEYS) return true;
    return rz_fail(err, RZ_EDATA, "%s claims %" PRIu64 " tensors and %" PRIu64 " keys, must be at most %d and %d", c->path, *tensors, *keys, MAX_TENSORS,
                   MAX_KEYS);
}

static bool read_file(rz_gguf *g, const uint8_t *bytes, int64_t size, rz_err *err)
{
    uint64_t tensors = 0, keys = 0, alignment = 1;
    extent *places = NULL;
    cursor c = {.path = g->name, .bytes = bytes, .size = (uint64_t)size};
    bool ok = read_counts(&c, &tensors, &keys, err) && take_values(g, &c, keys, err) && index_keys(g, err) && read_alignment(g, &alignment, err) &&
              take_tensors(g, &c, tensors, &places, err) && index_tensors(g, err) && place_tensors(g, &c, places, alignment, err);
    free(places);
    return ok;
}

bool rz_gguf_is(const char *path)
{
    char start[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    bool is = read(fd, start, 4) == 4 && memcmp(start, magic, 4) == 0;
    close(fd);
    return is;
}

static bool finish(rz_gguf **out, rz_gguf *g, bool ok)
{
    if (!ok) rz_gguf_close(g);
    *out = ok ? g : NULL;
    return ok;
}

bool rz_gguf_open(rz_gguf **out, const char *path, rz_err *err)
{
    rz_gguf *g = rz_calloc(1, sizeof *g);
    g->name = rz_strdup(path);
    return finish(out, g, rz_mapped_open(&g->file, path, err) && read_file(g, rz_mapped_bytes(g->file), rz_mapped_size(g->file), err));
}

bool rz_gguf_parse(rz_gguf **out, const char *name, const void *bytes, int64_t size, rz_err *err)
{
    rz_gguf *g = rz_calloc(1, sizeof *g);
    g->name = rz_strdup(name);
    return finish(out, g, read_file(g, bytes, size, err));
}

void rz_gguf_close(rz_gguf *g)
{
    if (g == NULL) return;
    for (int i = 0; i < g->n_values; i++) {
        free(g->values[i].key);
        free(g->values[i].starts);
    }
    for (int i = 0; i < g->n_views; i++) {
        free((char *)g->views[i].name);
        free((char *)g->views[i].dtype);
    }
    free(g->values);
    free(g->views);
    free(g->value_order);
    free(g->view_order);
    rz_mapped_close(g->file);
    free(g->name);
    free(g);
}

const char *rz_gguf_name(const rz_gguf *g) { return g->name; }
