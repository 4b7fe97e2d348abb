/* A tokenizer that was let through: texts are encoded (or refused in words) and decoded. */
#ifndef RZ_TESTS_FUZZ_USE_TOKENIZER_H
#define RZ_TESTS_FUZZ_USE_TOKENIZER_H
#include "data/tokenizer.h"
#include "tests/fuzz/target.h"
#include <string.h>

static inline void use_tokenizer(const rz_tokenizer *t)
{
    static const char *const texts[] = {"", "a b ab  abc 123 don't\n<s>", "h\xc3\xa9 \xe6\x95\xb0\xf0\x9f\x98\x80 ( 3 + 5 )<eos>\t"};
    static rz_arena arena;
    rz_err err = {.code = RZ_OK};
    if (arena.base == NULL && !rz_arena_init(&arena, (size_t)1 << 30, &err)) abort();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int32_t *ids;
        int n;
        size_t len;
        if (rz_tokenizer_encode(t, texts[i], strlen(texts[i]), &arena, &ids, &n, &err)) {
            for (int k = 0; k < n; k++) {
                if (ids[k] < 0 || ids[k] >= rz_tokenizer_size(t)) abort();
            }
            rz_tokenizer_decode(t, ids, n, true, &arena, &len);
            rz_tokenizer_decode(t, ids, n, false, &arena, &len);
        } else {
            must_be_refused_well(&err);
        }
        rz_arena_release(&arena, 0);
    }
}
#endif
