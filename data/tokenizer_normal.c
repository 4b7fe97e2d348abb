/* Normalizers. The forms of Unicode (UAX 15) are made from utf8proc's tables, but put in order and composed here: utf8proc's own ordering takes time with the
 * square of a run of marks, and Hugging Face's library has the tables of Unicode 9, for which newer characters mean nothing. */
#include "base/unicode.h"
#include "data/tokenizer_parts.h"
#include <stdlib.h>
#include <string.h>

/* Characters with a decomposition or a combining class in utf8proc's tables (Unicode 15) that are newer than Unicode 9. */
static const int32_t newer[][2] = {
    {0x7FD, 0x7FD}, {0x898, 0x89F}, {0x8CA, 0x8D3}, {0x9FE, 0x9FE}, {0xC3C, 0xC3C}, {0xD3B, 0xD3C}, {0xEBA, 0xEBA}, {0x1715, 0x1715},
    {0x1ABF, 0x1ACE}, {0x1DF6, 0x1DFA}, {0x32FF, 0x32FF}, {0xA7F2, 0xA7F4}, {0xA82C, 0xA82C}, {0xAB69, 0xAB69}, {0x10781, 0x10785},
    {0x10787, 0x107B0}, {0x107B2, 0x107BA}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85},
    {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x1183A}, {0x11938, 0x11938}, {0x1193D, 0x1193E}, {0x11943, 0x11943},
    {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42}, {0x11D44, 0x11D45}, {0x11D97, 0x11D97},
    {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E030, 0x1E06D}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
    {0x1E4EC, 0x1E4EF}, {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9},
};

static bool is_newer(int32_t c)
{
    size_t low = 0, high = sizeof newer / sizeof *newer;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (newer[middle][1] < c) low = middle + 1;
        else high = middle;
    }
    return low < sizeof newer / sizeof *newer && newer[low][0] <= c;
}

static int class_of(int32_t c) { return is_newer(c) ? 0 : rz_unicode_class(c); }

static void add_character(rz_token_text *to, int32_t c)
{
    char bytes[4];
    rz_token_add_text(to, bytes, rz_unicode_write(c, bytes));
}

typedef struct { rz_token_ids c; rz_token_ids sorted; } characters;

static void decompose(characters *x, int32_t c, bool compatible)
{
    int32_t parts[RZ_UNICODE_PARTS] = {c};
    int n = is_newer(c) ? 1 : rz_unicode_decompose(c, compatible, parts);
    for (int i = 0; i < n; i++) rz_token_add_id(&x->c, parts[i]);
}

/* Marks in the order of their classes, those of a class in the order in which they came: counted, not compared. */
static void order(characters *x)
{
    int32_t *c = x->c.data;
    for (size_t i = 0; i < x->c.n;) {
        size_t count[256] = {0}, n = 0, place[256], at = 0;
        bool sorted = true;
        int before = 0;
        for (int class; i + n < x->c.n && (class = class_of(c[i + n])) > 0; n++) {
            sorted = sorted && class >= before;
            before = class;
            count[class]++;
        }
        if (!sorted) {
            x->sorted.data = rz_token_grow(x->sorted.data, &x->sorted.room, n, sizeof *x->sorted.data);
            for (int k = 0; k < 256; k++) place[k] = at, at += count[k];
            for (size_t j = 0; j < n; j++) x->sorted.data[place[class_of(c[i + j])]++] = c[i + j];
            memcpy(c + i, x->sorted.data, n * sizeof *c);
        }
        i += n + 1;
    }
}

/* The one character that two make, or −1. */
static int32_t pair(int32_t a, int32_t b)
{
    int32_t made = is_newer(a) || is_newer(b) ? -1 : rz_unicode_pair(a, b);
    return made >= 0 && is_newer(made) ? -1 : made;
}

static void compose(characters *x)
{
    int32_t *c = x->c.data;
    size_t n = 0, starter = SIZE_MAX;
    int last = 0; /* the class of what stands between the starter and here: none is −1 */
    for (size_t i = 0; i < x->c.n; i++) {
        int class = class_of(c[i]);
        bool blocked = starter == SIZE_MAX || (n > starter + 1 && (last >= class || last == 0));
        int32_t made = blocked ? -1 : pair(c[starter], c[i]);
        if (made >= 0) {
            c[starter] = made;
            continue;
        }
        if (class == 0) starter = n;
        last = class;
        c[n++] = c[i];
    }
    x->c.n = n;
}

/* Only characters from `first` on, with the one before them, can change: the rest is copied. */
static void normal_form(rz_token_step_kind kind, const char *s, size_t len, rz_token_text *out)
{
    const bool composed = kind == RZ_NFC || kind == RZ_NFKC, compatible = kind == RZ_NFKC || kind == RZ_NFKD;
    const int32_t first = kind == RZ_NFC ? 0x300 : 0x80;
    characters x = {0};
    for (size_t i = 0, n; i < len;) {
        size_t start = i, before = i;
        while (i < len && rz_unicode_read(s + i, &n) < first) before = i, i += n;
        bool opening = i < len && i > start;
        if (opening) i = before;
        rz_token_add_text(out, s + start, i - start);
        x.c.n = 0;
        for (int32_t c; i < len && ((c = rz_unicode_read(s + i, &n)) >= first || opening); i += n, opening = false) decompose(&x, c, compatible);
        order(&x);
        if (composed) compose(&x);
        for (size_t k = 0; k < x.c.n; k++) add_character(out, x.c.data[k]);
    }
    free(x.c.data);
    free(x.sorted.data);
}

/* Capital letters of Unicode 16 and 17 whose small ones utf8proc does not know: first, last, distance. */
static const int32_t small[][3] = {{0x1C89, 0x1C89, 1}, {0xA7CB, 0xA7CB, -42343}, {0xA7CC, 0xA7CC, 1}, {0xA7CE, 0xA7CE, 1}, {0xA7D2, 0xA7D2, 1}, {0xA7D4, 0xA7D4, 1}, {0xA7DA, 0xA7DA, 1}, {0xA7DC, 0xA7DC, -42561}, {0x10D50, 0x10D65, 32}, {0x16EA0, 0x16EB8, 27}};

static void lowercase(const char *s, size_t len, rz_token_text *out)
{
    for (size_t i = 0, n; i < len; i += n) {
        int32_t c = rz_unicode_read(s + i, &n), lower = rz_unicode_lower(c);
        for (size_t k = 0; k < sizeof small / sizeof *small; k++) {
            if (c >= small[k][0] && c <= small[k][1]) lower = c + small[k][2];
        }
        add_character(out, lower);
        if (c == 0x130) add_character(out, 0x307); /* İ is two */
    }
}

bool rz_token_find_all(const rz_tokenizer *t, rz_token_work *w, const rz_pattern *p, const char *s, size_t len, rz_token_pieces *out, rz_err *err)
{
    size_t from = 0, last = SIZE_MAX, rest = 0; /* where to search; where the last match ended; where what has no piece yet begins */
    out->n = 0;
    while (from <= len && len > 0) {
        rz_span m;
        rz_match_result r = rz_pattern_match(p, w->matcher, s, len, from, &m, 1);
        if (r == RZ_NO_MATCH) break;
        if (r == RZ_MATCH_LIMIT) return rz_fail(err, RZ_EDATA, "%s: a pattern takes too many steps on a text of %zu bytes", t->name, len);
        if (m.start == m.end && m.end == last) { /* nothing, right behind a match */
            size_t n = 1;
            if (from < len) rz_unicode_read(s + from, &n);
            from += n;
            continue;
        }
        out->data = rz_token_grow(out->data, &out->room, out->n + 3, sizeof *out->data);
        if (rest < m.start) out->data[out->n++] = (rz_token_piece){rest, m.start, false};
        out->data[out->n++] = (rz_token_piece){m.start, m.end, true};
        from = last = rest = m.end;
    }
    if (rest == len) return true;
    out->data = rz_token_grow(out->data, &out->room, out->n + 1, sizeof *out->data);
    out->data[out->n++] = (rz_token_piece){rest, len, false};
    return true;
}

static bool replace(const rz_tokenizer *t, rz_token_work *w, const rz_token_step *step, const char *s, size_t len, rz_token_text *out, rz_err *err)
{
    rz_token_pieces *pieces = &w->pieces[0];
    if (!rz_token_find_all(t, w, step->pattern, s, len, pieces, err)) return false;
    for (size_t i = 0; i < pieces->n; i++) {
        rz_token_piece p = pieces->data[i];
        if (p.match) rz_token_add_text(out, step->text, step->len);
        else rz_token_add_text(out, s + p.start, p.end - p.start);
    }
    return true;
}

static bool is_ascii(const char *s, size_t len)
{
    unsigned char any = 0;
    for (size_t i = 0; i < len; i++) any |= (unsigned char)s[i];
    return any < 0x80;
}

bool rz_token_normalize(const rz_tokenizer *t, rz_token_work *w, const char **s, size_t *len, rz_err *err)
{
    for (int i = 0; i < t->normalizers.n && *len > 0; i++) {
        const rz_token_step *step = &t->normalizers.items[i];
        rz_token_text *out = &w->normalized[i];
        if (step->kind <= RZ_NFKD && is_ascii(*s, *len)) continue;
        out->len = 0;
        if (step->kind <= RZ_NFKD) normal_form(step->kind, *s, *len, out);
        else if (step->kind == RZ_LOWERCASE) lowercase(*s, *len, out);
        else if (step->kind == RZ_REPLACE) {
            if (!replace(t, w, step, *s, *len, out, err)) return false;
        } else {
            rz_token_add_text(out, step->text, step->len);
            rz_token_add_text(out, *s, *len);
        }
        *s = out->data;
        *len = out->len;
    }
    return true;
}
