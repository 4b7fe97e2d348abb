/* Any bytes as a safetensors file: refused in words, or every tensor can be read. */
#include "base/safetensors.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    rz_safetensors *s;
    if (!rz_safetensors_parse(&s, "fuzz", data, (int64_t)size, &err)) {
        must_be_refused_well(&err);
        return 0;
    }
    for (int i = 0; i < rz_safetensors_count(s); i++) {
        const rz_tensor_view *v = rz_safetensors_at(s, i);
        if (rz_safetensors_find(s, v->name) != v) abort(); /* names are unique */
        if (!v->known) continue;
        float *x = malloc((size_t)v->n * sizeof *x + 1);
        rz_decode_floats(v->encoding, x, v->data, v->n);
        free(x);
    }
    rz_safetensors_close(s);
    return 0;
}
