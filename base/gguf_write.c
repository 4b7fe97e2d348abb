#include "base/gguf.h"
#include "base/stream.h"
#include "base/text.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 32,       /* the format's default: no key says it */
    MAX_TENSOR_NAME = 63, /* bytes, and dimensions: what ggml reads */
    MAX_DIMS = 4,
};

typedef struct {
    uint8_t *bytes;
    size_t len, room;
} buffer;

typedef struct {
    rz_encoding encoding;
    int64_t n;
} promise;

struct rz_gguf_writer {
    rz_writer *file;
    char *path, *wrong; /* wrong: what the caller declared and may not, or NULL */
    buffer keys, tensors;
    char **names; /* 'key "k"' or 'tensor "t"': for the check that none comes twice */
    int n_names;
    promise *promises; /* tensors in order */
    int n_keys, n, given;
    int64_t data_size, written;
    bool begun; /* all before the data is written */
};

static void append(buffer *b, const void *p, size_t n)
{
    if (b->len + n > b->room) {
        b->room = 2 * (b->len + n);
        b->bytes = rz_realloc(b->bytes, b->room);
    }
    if (n > 0) memcpy(b->bytes + b->len, p, n);
    b->len += n;
}

static void append_number(buffer *b, uint64_t v, int bytes)
{
    uint8_t p[8];
    for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> 8 * i);
    append(b, p, (size_t)bytes);
}

static void append_float(buffer *b, float v)
{
    union { float f; uint32_t u; } bits = {v};
    append_number(b, bits.u, 4);
}

static void append_text(buffer *b, const char *text, size_t len)
{
    append_number(b, len, 8);
    append(b, text, len);
}

/* Lists double at every power of two. */
static void *grow(void *list, int n, size_t size) { return (n & (n - 1)) == 0 ? rz_realloc(list, (n > 0 ? 2 * (size_t)n : 1) * size) : list; }

static void remember(rz_gguf_writer *w, const char *what, const char *name)
{
    w->names = grow(w->names, w->n_names, sizeof *w->names);
    w->names[w->n_names++] = rz_asprintf("%s \"%s\"", what, name);
    size_t len = strlen(name);
    if (w->wrong == NULL && (len == 0 || rz_utf8_valid(name, len) != len)) w->wrong = rz_asprintf("%s \"%.200s\" must be UTF-8 and not empty", what, name);
}

bool rz_gguf_create(rz_gguf_writer **out, const char *path, rz_err *err)
{
    *out = NULL;
    rz_writer *file;
    if (!rz_writer_create(&file, path, err)) return false;
    rz_gguf_writer *w = rz_calloc(1, sizeof *w);
    *w = (rz_gguf_writer){.file = file, .path = rz_strdup(path)};
    *out = w;
    return true;
}

/* ---- keys ---- */

static buffer *start_key(rz_gguf_writer *w, const char *key, rz_gguf_type type)
{
    assert(!w->begun);
    remember(w, "key", key);
    w->n_keys++;
    append_text(&w->keys, key, strlen(key));
    append_number(&w->keys, type, 4);
    return &w->keys;
}

static buffer *start_array(rz_gguf_writer *w, const char *key, rz_gguf_type element, int64_t n)
{
    buffer *b = start_key(w, key, RZ_GGUF_ARRAY);
    append_number(b, element, 4);
    append_number(b, (uint64_t)n, 8);
    return b;
}

void rz_gguf_put_u32(rz_gguf_writer *w, const char *key, uint32_t v) { append_number(start_key(w, key, RZ_GGUF_U32), v, 4); }
void rz_gguf_put_f32(rz_gguf_writer *w, const char *key, float v) { append_float(start_key(w, key, RZ_GGUF_F32), v); }
void rz_gguf_put_bool(rz_gguf_writer *w, const char *key, bool v) { append_number(start_key(w, key, RZ_GGUF_BOOL), v, 1); }
void rz_gguf_put_text(rz_gguf_writer *w, const char *key, const char *text, size_t len) { append_text(start_key(w, key, RZ_GGUF_STRING), text, len); }

void rz_gguf_put_texts(rz_gguf_writer *w, const char *key, const char *const *texts, const size_t *lens, int64_t n)
{
    buffer *b = start_array(w, key, RZ_GGUF_STRING, n);
    for (int64_t i = 0; i < n; i++) append_text(b, texts[i], lens[i]);
}

void rz_gguf_put_i32s(rz_gguf_writer *w, const char *key, const int32_t *v, int64_t n)
{
    buffer *b = start_array(w, key, RZ_GGUF_I32, n);
    for (int64_t i = 0; i < n; i++) append_number(b, (uint32_t)v[i], 4);
}

/* ---- tensors ---- */

/* The format's numbers of the types that can be written. */
static int type_number(rz_encoding e) { return e == RZ_ENC_F32 ? 0 : e == RZ_ENC_F16 ? 1 : e == RZ_ENC_Q8_0 ? 8 : 30; }

void rz_gguf_declare(rz_gguf_writer *w, const char *name, rz_encoding e, int n_dims, const int64_t *dims)
{
    assert(!w->begun && rz_encoding_writable(e) && n_dims >= 0);
    int64_t n = 1, bytes = -1, end = 0;
    bool fits = n_dims <= MAX_DIMS;
    remember(w, "tensor", name);
    append_text(&w->tensors, name, strlen(name));
    append_number(&w->tensors, (uint64_t)n_dims, 4);
    for (int i = n_dims - 1; i >= 0; i--) { /* the file has the innermost first */
        fits = fits && dims[i] >= 0 && !__builtin_mul_overflow(n, dims[i], &n);
        append_number(&w->tensors, (uint64_t)dims[i], 8);
    }
    append_number(&w->tensors, (uint64_t)type_number(e), 4);
    append_number(&w->tensors, (uint64_t)w->data_size, 8);
    bool whole = (n_dims > 0 ? dims[n_dims - 1] : 1) % rz_encoding_block(e) == 0;
    if (fits && whole) bytes = rz_encoding_bytes(e, n);
    fits = bytes >= 0 && !__builtin_add_overflow(w->data_size, bytes, &end) && end <= INT64_MAX - ALIGNMENT;
    if (w->wrong == NULL && (!fits || strlen(name) > MAX_TENSOR_NAME)) {
        w->wrong = rz_asprintf("tensor \"%.200s\" %s", name, !whole ? "has rows that are no whole blocks of its type"
                                                             : !fits ? "is too large or has more than 4 dimensions" : "has a name of more than 63 bytes");
    }
    w->promises = grow(w->promises, w->n, sizeof *w->promises);
    w->promises[w->n++] = (promise){e, n};
    if (fits) w->data_size = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool begin(rz_gguf_writer *w, rz_err *err)
{
    if (w->wrong != NULL) return rz_fail(err, RZ_EINTERNAL, "%s: %s", w->path, w->wrong);
    if (w->begun) return true;
    if (w->n_names > 0) qsort(w->names, (size_t)w->n_names, sizeof *w->names, by_text);
    for (int i = 1; i < w->n_names; i++) {
        if (strcmp(w->names[i - 1], w->names[i]) == 0) return rz_fail(err, RZ_EINTERNAL, "%s: %.300s is declared twice", w->path, w->names[i]);
    }
    w->begun = true;
    buffer start = {0};
    append(&start, "GGUF", 4);
    append_number(&start, 3, 4);
    append_number(&start, (uint64_t)w->n, 8);
    append_number(&start, (uint64_t)w->n_keys, 8);
    w->written = (int64_t)(start.len + w->keys.len + w->tensors.len);
    bool ok = rz_writer_add(w->file, start.bytes, start.len, err) && rz_writer_add(w->file, w->keys.bytes, w->keys.len, err) &&
              rz_writer_add(w->file, w->tensors.bytes, w->tensors.len, err) && rz_stream_pad(w->file, '\0', ALIGNMENT, &w->written, err);
    free(start.bytes);
    return ok;
}

bool rz_gguf_put(rz_gguf_writer *w, const float *data, rz_err *err)
{
    if (!begin(w, err)) return false;
    if (w->given == w->n) return rz_fail(err, RZ_EINTERNAL, "%s: more than the %d tensors that were declared are given", w->path, w->n);
    const promise *p = &w->promises[w->given++];
    return rz_stream_floats(w->file, p->encoding, data, p->n, &w->written, err) && rz_stream_pad(w->file, '\0', ALIGNMENT, &w->written, err);
}

bool rz_gguf_commit(rz_gguf_writer *w, rz_err *err)
{
    if (!begin(w, err)) return false;
    if (w->given < w->n) return rz_fail(err, RZ_EINTERNAL, "%s: %d of %d tensors were given", w->path, w->given, w->n);
    return rz_writer_commit(w->file, err);
}

void rz_gguf_discard(rz_gguf_writer *w)
{
    if (w == NULL) return;
    rz_writer_close(w->file);
    for (int i = 0; i < w->n_names; i++) free(w->names[i]);
    free(w->names);
    free(w->keys.bytes);
    free(w->tensors.bytes);
    free(w->promises);
    free(w->wrong);
    free(w->path);
    free(w);
}
