/* Any bytes as two answers, parted by a line's end: read or not, within the budgets; an answer that can be read equals itself; nothing leaks. */
#include "rewards/math.h"
#include "base/text.h"
#include "tests/fuzz/target.h"
#include <string.h>

static void check(const rz_math_report *r)
{
    if (r->work > 2 * RZ_MATH_WORK || r->nodes > 2 * RZ_MATH_MAX_NODES) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rz_arena arena;
    rz_err err = {.code = RZ_OK};
    const rz_math_extract all = {.latex = true, .expr = true, .boxed_priority = 50, .unanchored = true, .malformed = true};
    const rz_math_extract some = {.latex = true, .boxed_priority = 0, .first_match = true};
    if (arena.base == NULL && !rz_arena_init(&arena, (size_t)1 << 30, &err)) abort();
    if (rz_utf8_valid((const char *)data, size) != size) return 0; /* rules repair their texts before */
    const char *text = (const char *)data, *cut = size ? memchr(text, '\n', size) : NULL;
    rz_slice whole = {text, size}, gold = {text, cut ? (size_t)(cut - text) : size}, found = {cut ? cut + 1 : text, cut ? size - gold.len - 1 : size};
    rz_math_report r;
    rz_math_verify_report v;
    rz_span box;
    int n;
    for (int faithful = 0; faithful < 2; faithful++) {
        const rz_math_options *o = faithful ? &rz_math_math_verify : &rz_math_strict;
        rz_math_equal(&arena, found, gold, o, &r);
        check(&r);
        if (rz_trim(gold).len && !rz_math_equal(&arena, gold, gold, o, &r)) abort();
    }
    rz_math_verify(&arena, found, &all, gold, &all, &rz_math_math_verify, &v);
    check(&v.math);
    rz_math_verify(&arena, whole, &some, gold, &all, &rz_math_math_verify, &v);
    check(&v.math);
    if (v.found.start != SIZE_MAX && (v.found.start > v.found.end || v.found.end > size)) abort();
    for (rz_boxed_pick pick = RZ_BOXED_LAST; pick <= RZ_BOXED_ONLY; pick++)
        if (rz_boxed_find(whole, pick, pick == RZ_BOXED_FIRST, &box, &n) && (box.start > box.end || box.end > size || n < 1)) abort();
    if (arena.used != 0) abort();
    return 0;
}
