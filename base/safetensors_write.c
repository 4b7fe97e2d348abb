#include "base/safetensors.h"
#include "base/stream.h"
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct rz_safetensors_writer {
    rz_writer *file;
    char *path, *wrong; /* wrong: what the caller declared and may not, or NULL */
    rz_encoding encoding;
    json_t *header;
    int64_t *counts; /* elements of each tensor */
    int n, given;
    int64_t data_size, written;
    bool begun; /* the header is written */
};

bool rz_safetensors_create(rz_safetensors_writer **out, const char *path, rz_encoding e, rz_err *err)
{
    assert(e == RZ_ENC_F32 || e == RZ_ENC_F16 || e == RZ_ENC_BF16);
    *out = NULL;
    rz_writer *file;
    if (!rz_writer_create(&file, path, err)) return false;
    rz_safetensors_writer *w = rz_calloc(1, sizeof *w);
    *w = (rz_safetensors_writer){.file = file, .path = rz_strdup(path), .encoding = e};
    w->header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
    if (w->header == NULL) rz_out_of_memory(64);
    *out = w;
    return true;
}

void rz_safetensors_declare(rz_safetensors_writer *w, const char *name, int n_dims, const int64_t *dims)
{
    assert(!w->begun && n_dims >= 0 && n_dims <= 8);
    static const char *const names[RZ_N_ENC] = {[RZ_ENC_F32] = "F32", [RZ_ENC_F16] = "F16", [RZ_ENC_BF16] = "BF16"};
    int64_t n = 1, end = 0;
    bool fits = true;
    json_t *shape = json_array();
    for (int i = 0; i < n_dims; i++) {
        fits = fits && dims[i] >= 0 && !__builtin_mul_overflow(n, dims[i], &n);
        json_array_append_new(shape, json_integer(dims[i]));
    }
    int64_t bytes = fits ? rz_encoding_bytes(w->encoding, n) : -1;
    fits = bytes >= 0 && !__builtin_add_overflow(w->data_size, bytes, &end);
    json_t *o = json_pack("{s:s,s:o,s:[I,I]}", "dtype", names[w->encoding], "shape", shape, "data_offsets", (json_int_t)w->data_size, (json_int_t)end);
    bool twice = json_object_get(w->header, name) != NULL, bad = json_object_set_new(w->header, name, o) != 0;
    if (w->wrong == NULL && (twice || bad || !fits)) {
        w->wrong = rz_asprintf("tensor \"%.200s\" %s", name, twice ? "is declared twice" : !fits ? "is too large" : "has a name that is not UTF-8");
    }
    if ((w->n & (w->n - 1)) == 0) w->counts = rz_realloc(w->counts, (w->n > 0 ? 2 * (size_t)w->n : 1) * sizeof *w->counts);
    w->counts[w->n++] = n;
    w->data_size = fits ? end : w->data_size;
}

/* Length, header, and spaces so that the data begins at a multiple of eight. */
static bool begin(rz_safetensors_writer *w, rz_err *err)
{
    if (w->wrong != NULL) return rz_fail(err, RZ_EINTERNAL, "%s: %s", w->path, w->wrong);
    if (w->begun) return true;
    w->begun = true;
    char *text = json_dumps(w->header, JSON_COMPACT);
    if (text == NULL) rz_out_of_memory((size_t)w->n * 64);
    uint64_t len = strlen(text), padded = (len + 7) / 8 * 8;
    uint8_t start[8];
    for (int i = 0; i < 8; i++) start[i] = (uint8_t)(padded >> 8 * i);
    w->written = (int64_t)len;
    bool ok = rz_writer_add(w->file, start, 8, err) && rz_writer_add(w->file, text, len, err) && rz_stream_pad(w->file, ' ', 8, &w->written, err);
    free(text);
    return ok;
}

bool rz_safetensors_put(rz_safetensors_writer *w, const float *data, rz_err *err)
{
    if (!begin(w, err)) return false;
    if (w->given == w->n) return rz_fail(err, RZ_EINTERNAL, "%s: more than the %d tensors that were declared are given", w->path, w->n);
    return rz_stream_floats(w->file, w->encoding, data, w->counts[w->given++], &w->written, err);
}

bool rz_safetensors_commit(rz_safetensors_writer *w, rz_err *err)
{
    if (!begin(w, err)) return false;
    if (w->given < w->n) return rz_fail(err, RZ_EINTERNAL, "%s: %d of %d tensors were given", w->path, w->given, w->n);
    return rz_writer_commit(w->file, err);
}

void rz_safetensors_discard(rz_safetensors_writer *w)
{
    if (w == NULL) return;
    rz_writer_close(w->file);
    json_decref(w->header);
    free(w->counts);
    free(w->wrong);
    free(w->path);
    free(w);
}
