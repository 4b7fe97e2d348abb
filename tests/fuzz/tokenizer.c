/* Any bytes as a tokenizer.json: refused in words, or fit for use. */
#include "tests/fuzz/use_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err = {.code = RZ_OK};
    rz_tokenizer *t;
    if (rz_tokenizer_parse(&t, "fuzz", (const char *)data, size, &err)) use_tokenizer(t);
    else must_be_refused_well(&err);
    rz_tokenizer_destroy(t);
    return 0;
}
