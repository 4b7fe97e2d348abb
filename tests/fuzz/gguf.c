/* Any bytes as a GGUF file: refused in words, or every key and tensor can be read; so for the tokenizer in it. */
#include "base/gguf.h"
#include "data/tokenizer_gguf.h"
#include "tests/fuzz/use_tokenizer.h"

/* Read, so that the sanitizers see it. */
static void touch(const char *text, size_t len)
{
    static volatile char sink;
    for (size_t i = 0; i < len; i++) sink = text[i];
    (void)sink;
}

static void read_key(const rz_gguf *g, const char *key)
{
    rz_gguf_type element;
    const char *text;
    size_t len;
    int64_t whole;
    double x;
    bool b;
    if (!rz_gguf_has(g, key)) abort();
    rz_gguf_i64(g, key, &whole);
    rz_gguf_f64(g, key, &x);
    rz_gguf_bool(g, key, &b);
    if (rz_gguf_text(g, key, &text, &len)) touch(text, len);
    int64_t n = rz_gguf_array(g, key, &element);
    for (int64_t i = 0; i < n; i++) {
        if (rz_gguf_array_text(g, key, i, &text, &len)) touch(text, len);
        rz_gguf_array_f64(g, key, i, &x);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    rz_gguf *g;
    if (!rz_gguf_parse(&g, "fuzz", data, (int64_t)size, &err)) {
        must_be_refused_well(&err);
        return 0;
    }
    rz_gguf_type type;
    for (int i = 0; i < rz_gguf_n_keys(g); i++) read_key(g, rz_gguf_key(g, i, &type));
    for (int i = 0; i < rz_gguf_count(g); i++) {
        const rz_tensor_view *v = rz_gguf_at(g, i);
        if (rz_gguf_find(g, v->name) != v) abort(); /* names are unique */
        if (!v->known) continue;
        float *x = malloc((size_t)v->n * sizeof *x + 1);
        rz_decode_floats(v->encoding, x, v->data, v->n);
        free(x);
    }
    rz_tokenizer *t = NULL;
    if (rz_tokenizer_from_gguf(&t, g, &err)) use_tokenizer(t);
    else must_be_refused_well(&err);
    rz_tokenizer_destroy(t);
    rz_gguf_close(g);
    return 0;
}
