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
    size_t at = i + 1, n;
    *closing = at < len && text[at] == '/';
    at += *closing;
    if (at >= len || text[at] != name[0]) return 0; /* nearly always */
    n = strlen(name);
    if (len - i < n + 2 + *closing || memcmp(text + at, name, n) != 0 || text[at + n] != '>') return 0;
    return at + n + 1 - i;
}

bool rz_hit(hits *h, rz_span span)
{
    if (h->pick == PICK_ALL && h->n < MAX_MATCHES) h->all[h->n] = span;
    if (h->pick == PICK_ALL && h->n)
        h->span.end = span.end > h->span.end ? span.end : h->span.end;
    else
        h->span = span;
    h->n++;
    return h->pick == PICK_LAST || (h->pick == PICK_ONLY && h->n < 2) || (h->pick == PICK_ALL && h->n <= MAX_MATCHES);
}

void rz_find_tag(rz_slice t, const char *tag, hits *h, int *n_open, int *n_close)
{
    char mark[MAX_NAME + 1]; /* "answer>", which is rarer than "<", and is looked for by words */
    size_t open_end = SIZE_MAX, n_mark = strlen(tag) + 1;
    bool more = true;
    memcpy(mark, tag, n_mark - 1);
    mark[n_mark - 1] = '>';
    *n_open = *n_close = 0;
    for (const char *p = t.s, *end = t.s + t.len; (p = memmem(p, (size_t)(end - p), mark, n_mark)); p += n_mark) {
        size_t at = (size_t)(p - t.s), before = at && p[-1] == '/';
        if (at <= before || p[-1 - (ptrdiff_t)before] != '<') continue;
        size_t i = at - before - 1, n = at + n_mark - i;
        if (!before) {
            ++*n_open;
            open_end = i + n;
            continue;
        }
        ++*n_close;
        if (open_end == SIZE_MAX) continue;
        more = more && rz_hit(h, (rz_span){open_end, i});
        open_end = SIZE_MAX;
        if (h->pick == PICK_FIRST) break;
    }
    if (h->pick == PICK_ONLY && (*n_open != 1 || *n_close != 1)) h->n = 0;
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

/* Where the literal is next, at or behind `from`; SIZE_MAX: nowhere. */
static size_t find(rz_slice t, const char *literal, size_t from)
{
    const char *p = memmem(t.s + from, t.len - from, literal, strlen(literal));
    return p ? (size_t)(p - t.s) : SIZE_MAX;
}

void rz_find_between(rz_slice t, const char *after, const char *before, hits *h)
{
    const char *mark = after ? after : before;
    size_t end = 0, n = strlen(mark); /* end: of the text behind the last mark, looked for again only behind it: one pass in all */
    for (size_t from = 0, at; (at = find(t, mark, from)) != SIZE_MAX; from = at + n) {
        if (!after)
            end = at;
        else if (!before)
            end = t.len;
        else if (end < at + n)
            end = find(t, before, at + n);
        if (h->pick == PICK_ALL && end == SIZE_MAX) break;
        if (!rz_hit(h, (rz_span){after ? at + n : 0, end})) break;
    }
}

rz_span rz_view_find(const view *v, const char *text, size_t len)
{
    hits h = {.pick = v->pick};
    int n_open, n_close;
    if (v->tag)
        rz_find_tag((rz_slice){text, len}, v->tag, &h, &n_open, &n_close);
    else
        rz_find_between((rz_slice){text, len}, v->after, v->before, &h);
    if (h.n && (h.n == 1 || v->pick != PICK_ONLY) && h.span.end != SIZE_MAX) return h.span;
    return v->missing_is_all ? (rz_span){0, len} : (rz_span){len, len};
}
