/* Environments of LaTeX in running text, and what is in boxes. */
#include "rewards/math_extract.h"
#include "base/text.h"
#include <string.h>

static size_t next(rz_slice t, math_finder *f, size_t i)
{
    if (f->known && f->from <= i && i <= f->at) return f->at;
    const char *hit = i >= t.len ? NULL : f->what.len == 1 ? memchr(t.s + i, f->what.s[0], t.len - i) : memmem(t.s + i, t.len - i, f->what.s, f->what.len);
    *f = (math_finder){f->what, i, hit ? (size_t)(hit - t.s) : t.len, true};
    return f->at;
}

#define FINDER(text) {.what = {text, sizeof text - 1}}

void rz_math_scan_begin(math_scan *s, rz_slice text)
{
    *s = (math_scan){.t = text, .dollars = FINDER("$$"), .dollar = FINDER("$"), .newline = FINDER("\n"), .bracket = FINDER("\\]"), .paren = FINDER("\\)"),
                     .box = FINDER("\\boxed{"), .brace = FINDER("}")};
}

static char at(rz_slice t, size_t i) { return i < t.len ? t.s[i] : 0; }

static bool starts(rz_slice t, size_t i, const char *what)
{
    size_t n = strlen(what);
    return i <= t.len && t.len - i >= n && memcmp(t.s + i, what, n) == 0;
}

/* The content between an opening mark that ends at `from` and its closing one; *end is behind it. */
static bool closed(math_scan *s, size_t from, math_finder *close, bool one_line, rz_slice *in, size_t *end)
{
    size_t to = next(s->t, close, from + 1), n = close->what.len;
    while (n == 1 && to < s->t.len && s->t.s[to - 1] == '\\') to = next(s->t, close, to + 1); /* \$ */
    if (to >= s->t.len || (one_line && next(s->t, &s->newline, from) < to) || s->t.s[to - 1] == '\\') return false;
    if (n == 1 && at(s->t, from) == '$') return false;
    *in = (rz_slice){s->t.s + from, to - from};
    *end = to + n;
    return true;
}

static bool has_box(math_scan *s, rz_slice in)
{
    size_t from = (size_t)(in.s - s->t.s), to = from + in.len, box = next(s->t, &s->box, from);
    return box + 8 < to && next(s->t, &s->brace, box + 8) < to;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* {-12.5} */
static size_t braced_number(rz_slice t, size_t i)
{
    size_t from = i;
    if (at(t, i) != '{') return 0;
    i++;
    if (at(t, i) == '-') i++;
    size_t digits = i;
    while (is_digit(at(t, i))) i++;
    if (i == digits) return 0;
    if ((at(t, i) == '.' || at(t, i) == ',') && is_digit(at(t, i + 1)))
        for (i++; is_digit(at(t, i)); i++) { }
    return at(t, i) == '}' ? i + 1 - from : 0;
}

static bool bare_fraction(rz_slice t, size_t i, rz_slice *in, size_t *end)
{
    size_t k = i + (at(t, i) == '-'), n;
    if (!starts(t, k, "\\frac{")) return false;
    k += 5;
    for (int part = 0; part < 2; part++, k += n)
        if ((n = braced_number(t, k)) == 0) return false;
    *in = (rz_slice){t.s + i, k - i};
    *end = k;
    return true;
}

/* " [content] " without brackets or a line's end in it */
static bool bracketed(rz_slice t, size_t i, rz_slice *in, size_t *end)
{
    enum { LONGEST = 4096 };
    size_t k = i + 2;
    while (k < t.len && k - i < LONGEST && !strchr("\n[]", t.s[k])) k++;
    if (at(t, k) != ']' || k == i + 2 || k + 1 >= t.len || !rz_is_space(t.s[k + 1])) return false;
    *in = (rz_slice){t.s + i + 2, k - i - 2};
    *end = k + 2;
    return true;
}

static bool one_env(math_scan *s, size_t i, bool boxed, math_part *out, size_t *end)
{
    rz_slice t = s->t;
    char c = at(t, i), before = i ? t.s[i - 1] : 0;
    bool ok = false;
    if (c == '$' && before != '\\') {
        ok = at(t, i + 1) == '$' && closed(s, i + 2, &s->dollars, false, &out->text, end);
        if (!ok || (boxed && !has_box(s, out->text))) ok = !is_digit(before) && closed(s, i + 1, &s->dollar, true, &out->text, end);
    } else if (c == '\\' && before != '\\') {
        if (at(t, i + 1) == '[') ok = closed(s, i + 2, &s->bracket, false, &out->text, end);
        else if (at(t, i + 1) == '(') ok = closed(s, i + 2, &s->paren, true, &out->text, end);
    } else if (rz_is_space(c) && at(t, i + 1) == '[') {
        ok = bracketed(t, i, &out->text, end);
    }
    if (ok && boxed) ok = has_box(s, out->text);
    if (!ok && !boxed && (c == '\\' || c == '-')) ok = bare_fraction(t, i, &out->text, end);
    return ok;
}

/* Blanks, then perhaps a sign or word for percent. */
static bool percent_at(rz_slice t, size_t *i)
{
    static const char *const names[] = {"\\%", "%", "percentage", "Percentage", "percent", "Percent", "pct", "Pct"};
    while (*i < t.len && rz_is_space(t.s[*i])) ++*i;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (starts(t, *i, names[k])) {
            *i += strlen(names[k]);
            return true;
        }
    return false;
}

/* "and", "or", ",", ", and" between two expressions. */
static bool joint(rz_slice t, size_t *i)
{
    size_t k = *i;
    while (rz_is_space(at(t, k))) k++;
    bool comma = at(t, k) == ',';
    k += comma;
    if (starts(t, k, "and")) k += 3;
    else if (starts(t, k, "or")) k += 2;
    else if (!comma) return false;
    while (rz_is_space(at(t, k))) k++;
    *i = k;
    return true;
}

bool rz_math_env_at(math_scan *s, size_t i, bool boxed, math_candidate *out)
{
    out->n = 0;
    if (at(s->t, i) == ' ' && at(s->t, i + 1) != '[') return false; /* most calls */
    out->start = i;
    out->kind = FOUND_LATEX;
    while (out->n < MAX_PARTS) {
        math_part *p = &out->parts[out->n];
        size_t end;
        if (!one_env(s, i, boxed, p, &end)) break;
        p->percent = percent_at(s->t, &end);
        out->end = end;
        out->n++;
        if (!joint(s->t, &end)) break;
        i = end;
    }
    return out->n > 0;
}

/* ---- boxes ---- */

typedef struct { rz_slice content[64]; int n; } boxes;

static bool word_between(rz_slice t, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = t.s, *end = t.s + t.len; (p = memmem(p, (size_t)(end - p), word, n)); p++) {
        bool left = p > t.s && ((p[-1] | 32) >= 'a' && (p[-1] | 32) <= 'z'), right = p + n < end && ((p[n] | 32) >= 'a' && (p[n] | 32) <= 'z');
        if (!left && !right) return true;
    }
    return false;
}

/* Do two neighbouring boxes belong to one answer? */
static bool belong(rz_slice between, rz_slice a, rz_slice b)
{
    size_t n = rz_utf8_count(between.s, between.len);
    if (n < 10) return true;
    bool same = a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
    return !same && n < 70 && (memchr(between.s, ',', between.len) || memchr(between.s, ';', between.len) || word_between(between, "and") || word_between(between, "or"));
}

/* The last "\boxed" or "\fbox" before `limit`. */
static bool last_box(rz_slice t, size_t limit, size_t *start, size_t *behind)
{
    for (size_t i = limit; i-- > 0;) {
        if (t.s[i] != '\\') continue;
        if (starts(t, i, "\\boxed") && i + 6 <= limit) { *start = i; *behind = i + 6; return true; }
        if (starts(t, i, "\\fbox") && i + 5 <= limit) { *start = i; *behind = i + 5; return true; }
    }
    return false;
}

static bool balanced(rz_slice t, size_t open, size_t limit, size_t *close)
{
    int depth = 1;
    for (size_t i = open + 1; i < limit; i++) {
        if (t.s[i] == '{') depth++;
        if (t.s[i] == '}' && --depth == 0) {
            *close = i;
            return true;
        }
    }
    return false;
}

static void collect(rz_slice t, bool last_only, boxes *b)
{
    size_t limit = t.len, start, i, close, previous = SIZE_MAX;
    while (b->n < 64 && last_box(t, limit, &start, &i)) {
        while (i < limit && rz_is_space(t.s[i])) i++;
        if (i >= limit) return;
        if (t.s[i] != '{' || !balanced(t, i, limit, &close)) {
            if (b->n == 0) b->content[b->n++] = (rz_slice){t.s + i, t.len - i};
            return;
        }
        rz_slice in = rz_trim((rz_slice){t.s + i + 1, close - i - 1});
        const rz_slice *before = b->n ? &b->content[b->n - 1] : NULL;
        if (last_only && previous != SIZE_MAX && !belong((rz_slice){t.s + close + 1, previous - close - 1}, in, *before)) return;
        if (!before || before->len != in.len || memcmp(before->s, in.s, in.len) != 0) b->content[b->n++] = in;
        previous = limit = start;
    }
}

rz_slice rz_math_unboxed(rz_arena *a, rz_slice t, bool last_only)
{
    boxes b = {.n = 0};
    size_t len = 0;
    collect(t, last_only, &b);
    if (b.n == 0) return t;
    if (b.n == 1) return b.content[0];
    for (int i = 0; i < b.n; i++) len += b.content[i].len + 1;
    char *s = RZ_NEW(a, len, char);
    len = 0;
    for (int i = b.n - 1; i >= 0; i--) {
        memcpy(s + len, b.content[i].s, b.content[i].len);
        len += b.content[i].len;
        if (i) s[len++] = ',';
    }
    return (rz_slice){s, len};
}
