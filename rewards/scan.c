/* Plain scanning: tags, words, views. Each function is one pass over the text. */
#include "rewards/internal.h"
#include <string.h>

bool rz_tag_name_ok(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return n > 0 && n < MAX_NAME && !name[n];
}

size_t rz_tag_at(const char *text, size_t len, size_t i, const char *name, bool *closing)
{
    size_t at = i + 1, n = strlen(name);
    *closing = at < len && text[at] == '/';
    at += *closing;
    if (len - i < n + 2 + *closing || memcmp(text + at, name, n) != 0 || text[at + n] != '>') return 0;
    return at + n + 1 - i;
}

bool rz_tag_block(rz_slice t, const char *tag, pick_which pick, rz_span *out, int *n_open, int *n_close)
{
    size_t open_end = SIZE_MAX;
    bool found = false;
    *n_open = *n_close = 0;
    for (const char *p = t.s, *end = t.s + t.len; (p = memchr(p, '<', (size_t)(end - p))); p++) {
        size_t i = (size_t)(p - t.s);
        bool closing;
        size_t n = rz_tag_at(t.s, t.len, i, tag, &closing);
        if (!n) continue;
        if (!closing) {
            ++*n_open;
            open_end = i + n;
            continue;
        }
        ++*n_close;
        if (open_end == SIZE_MAX) continue;
        *out = (rz_span){open_end, i};
        found = true;
        open_end = SIZE_MAX;
        if (pick == PICK_FIRST) break;
    }
    return found && (pick != PICK_ONLY || (*n_open == 1 && *n_close == 1));
}

/* Code points that show nothing: Unicode 15 White_Space, Default_Ignorable_Code_Point, controls, Hangul fillers, the blank Braille cell, and U+FFFD,
 * which stands for bytes that were no text. */
static bool invisible(uint32_t c)
{
    static const struct { uint32_t first, last; } ranges[] = {
        {0x00, 0x20},     {0x7F, 0xA0},     {0xAD, 0xAD},     {0x34F, 0x34F},   {0x61C, 0x61C},   {0x115F, 0x1160}, {0x1680, 0x1680},
        {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F}, {0x2800, 0x2800}, {0x3000, 0x3000},
        {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0xFFFD, 0xFFFD}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++)
        if (c <= ranges[i].last) return true;
    return false;
}

/* Of valid UTF-8. */
static uint32_t code_point(const unsigned char *s, size_t *n)
{
    if (s[0] < 0x80) return *n = 1, s[0];
    if (s[0] < 0xE0) return *n = 2, (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F);
    if (s[0] < 0xF0) return *n = 3, (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
    return *n = 4, (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 | (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3F);
}

int rz_count_words(const char *s, size_t len, int limit)
{
    int words = 0;
    bool inside = false;
    for (size_t i = 0, n; i < len && words < limit; i += n) {
        bool blank = invisible(code_point((const unsigned char *)s + i, &n));
        words += !blank && !inside;
        inside = !blank;
    }
    return words;
}

/* The occurrence of a literal that `pick` asks for, as the span of the literal itself. */
static bool find_literal(rz_slice t, const char *literal, pick_which pick, rz_span *out)
{
    size_t n = strlen(literal), from = 0;
    int found = 0;
    const char *p;
    while (from <= t.len && (p = memmem(t.s + from, t.len - from, literal, n))) {
        size_t at = (size_t)(p - t.s);
        *out = (rz_span){at, at + n};
        found++;
        if (pick == PICK_FIRST || (pick == PICK_ONLY && found == 2)) break;
        from = at + n;
    }
    return found == 1 || (found > 1 && pick != PICK_ONLY);
}

rz_span rz_view_find(const view *v, const char *text, size_t len)
{
    rz_span missing = v->missing_is_all ? (rz_span){0, len} : (rz_span){len, len}, span = {0, len}, hit = {0, 0};
    int n_open, n_close;
    if (v->tag) return rz_tag_block((rz_slice){text, len}, v->tag, v->pick, &span, &n_open, &n_close) ? span : missing;
    if (v->after) {
        if (!find_literal((rz_slice){text, len}, v->after, v->pick, &hit)) return missing;
        span.start = hit.end;
    }
    if (v->before) {
        /* behind `after` the first `before` ends the view; alone it is picked like any other */
        if (!find_literal((rz_slice){text + span.start, len - span.start}, v->before, v->after ? PICK_FIRST : v->pick, &hit)) return missing;
        span.end = span.start + hit.start;
    }
    return span;
}
