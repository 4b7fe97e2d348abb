/* Steps of rewriting (rewrite.h). */
#include "rewards/rewrite.h"
#include "base/unicode.h"
#include <string.h>

rz_slice rz_swap_all(rz_arena *a, rz_slice t, const rz_swap *swaps, int n)
{
    for (int i = 0; i < n; i++)
        if (rz_slice_has(t, swaps[i].from)) t = rz_python_replace(a, t, swaps[i].from, swaps[i].to);
    return t;
}

size_t rz_char_size(rz_slice t, size_t at)
{
    size_t n = 0;
    if (at < t.len) rz_python_char(t, at, &n);
    return n;
}

bool rz_python_is_alpha(int32_t c)
{
    if (c < 0x80) return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return rz_unicode_category(c)[0] == 'L';
}

bool rz_python_is_digit(int32_t c)
{
    /* Digits that are no decimals: superscripts, circled ones … */
    static const int32_t others[][2] = {
        {0xB2, 0xB3}, {0xB9, 0xB9}, {0x1369, 0x1371}, {0x19DA, 0x19DA}, {0x2070, 0x2070}, {0x2074, 0x2079}, {0x2080, 0x2089}, {0x2460, 0x2468}, {0x2474, 0x247C},
        {0x2488, 0x2490}, {0x24EA, 0x24EA}, {0x24F5, 0x24FD}, {0x24FF, 0x24FF}, {0x2776, 0x277E}, {0x2780, 0x2788}, {0x278A, 0x2792}, {0x10A40, 0x10A43},
        {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A},
    };
    if (rz_python_digit(c) >= 0) return true;
    for (size_t i = 0; c >= 0x80 && i < sizeof others / sizeof *others; i++)
        if (c >= others[i][0] && c <= others[i][1]) return true;
    return false;
}

bool rz_python_all_digits(rz_slice t)
{
    size_t n;
    for (size_t i = 0; i < t.len; i += n)
        if (!rz_python_is_digit(rz_python_char(t, i, &n))) return false;
    return t.len > 0;
}

bool rz_python_any_digit(rz_slice t)
{
    size_t n;
    for (size_t i = 0; i < t.len; i += n)
        if (rz_python_is_digit(rz_python_char(t, i, &n))) return true;
    return false;
}

size_t rz_brace_close(rz_slice t, size_t from)
{
    long open = 0;
    for (size_t i = from; i < t.len; i++) {
        if (t.s[i] == '{') open++;
        if (t.s[i] == '}' && --open == 0) return i;
    }
    return SIZE_MAX;
}

rz_builder rz_build(rz_arena *a, size_t cap) { return (rz_builder){.s = RZ_NEW(a, cap + 1, char), .cap = cap}; }

void rz_build_add(rz_builder *b, rz_slice t)
{
    b->full |= t.len > b->cap - b->len;
    if (b->full || !t.len) return;
    memcpy(b->s + b->len, t.s, t.len);
    b->len += t.len;
}

void rz_build_text(rz_builder *b, const char *s) { rz_build_add(b, rz_slice_of(s)); }

rz_slice rz_concat(rz_arena *a, const rz_slice *parts, int n)
{
    size_t len = 0;
    for (int i = 0; i < n; i++) len += parts[i].len;
    rz_builder b = rz_build(a, len);
    for (int i = 0; i < n; i++) rz_build_add(&b, parts[i]);
    return rz_built(&b);
}
