#include "rewards/shape.h"
#include "base/pattern.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

typedef struct {
    rz_arena *arena;
    const char *pattern, *p;
    bool dotall, caseless, multiline, extended;
} reader;

static shape *read_alternatives(reader *r);
static shape *read_repeats(reader *r, shape *item, const char *at);

static shape *node(reader *r, shape_kind kind, const char *at)
{
    shape *s = RZ_ZNEW(r->arena, 1, shape);
    s->kind = kind;
    s->at = (size_t)(at - r->pattern);
    return s;
}

static void add(reader *r, shape *s, shape *item)
{
    shape **items = RZ_NEW(r->arena, s->n + 1, shape *); /* quadratic, in a pattern that a person wrote: at most 64 KiB */
    if (s->n) memcpy(items, s->items, (size_t)s->n * sizeof *items);
    items[s->n++] = item;
    s->items = items;
}

static void set_char(shape *s, unsigned c)
{
    if (c < 128)
        s->set[c / 8] |= (uint8_t)(1u << c % 8);
    else
        s->beyond = true;
}

static bool has(const shape *s, unsigned c) { return c < 128 && s->set[c / 8] >> c % 8 & 1; }

static void set_class(shape *s, int (*is)(int c), bool negated)
{
    for (int c = 0; c < 128; c++)
        if ((is(c) != 0) != negated) set_char(s, (unsigned)c);
    if (negated) s->beyond = true;
}

static int is_word(int c) { return isalnum(c) || c == '_'; }
static int is_blank(int c) { return c == ' ' || c == '\t'; }
static int is_vertical(int c) { return c >= '\n' && c <= '\r'; }
static int is_newline(int c) { return c == '\n'; }
static int is_any(int c) { return (void)c, 1; }

static void invert(shape *s)
{
    for (size_t i = 0; i < sizeof s->set; i++) s->set[i] = (uint8_t)~s->set[i];
    s->beyond = true; /* of those beyond ASCII some are always left */
}

static unsigned code_point(const char **p)
{
    unsigned char c = (unsigned char)*(*p)++;
    if (c >= 0x80)
        while (((unsigned char)**p & 0xC0) == 0x80) ++*p;
    return c;
}

/* \x41, \x{1F600}, \o{101}, \012: the digits are skipped, their value returned. */
static unsigned numeric_escape(const char **p, int base)
{
    char *end;
    if (**p == '{') {
        unsigned long v = strtoul(*p + 1, &end, base);
        *p = end + (*end == '}');
        return v > 0x10FFFF ? 0x10FFFF : (unsigned)v;
    }
    unsigned v = 0;
    for (int i = 0; i < 2 && isxdigit((unsigned char)**p) && base == 16; i++) v = v * 16 + (unsigned)(isdigit((unsigned char)**p) ? **p - '0' : (tolower(**p) - 'a') + 10), ++*p;
    return v;
}

/* One escape, behind the backslash, into the set; false when it is none that stands for characters. */
static bool escape(const char **p, shape *s)
{
    static const struct { char letter; int (*is)(int c); bool negated; } classes[] = {
        {'d', isdigit, false}, {'D', isdigit, true}, {'w', is_word, false}, {'W', is_word, true}, {'s', isspace, false}, {'S', isspace, true},
        {'h', is_blank, false}, {'H', is_blank, true}, {'v', is_vertical, false}, {'V', is_vertical, true}, {'N', is_newline, true}, {'R', is_newline, false}, {'X', is_any, false},
    };
    static const char from[] = "ntrfae", to[] = "\n\t\r\f\a\033";
    char c = **p;
    const char *at;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (classes[i].letter == c) {
            ++*p;
            set_class(s, classes[i].is, classes[i].negated);
            return true;
        }
    if ((at = c ? strchr(from, c) : NULL)) {
        ++*p;
        set_char(s, (unsigned char)to[at - from]);
    } else if (c == 'x' || c == 'o') {
        ++*p;
        set_char(s, numeric_escape(p, c == 'x' ? 16 : 8));
    } else if (c == 'p' || c == 'P') { /* a property of Unicode: letters will do for its members in ASCII */
        ++*p;
        const char *end = **p == '{' ? strchr(*p, '}') : NULL;
        *p = end ? end + 1 : *p + (**p != 0);
        set_class(s, isalpha, c == 'P');
        s->beyond = true;
    } else if (c && !isalnum((unsigned char)c)) {
        set_char(s, code_point(p));
    } else {
        return false;
    }
    return true;
}

static bool posix_class(const char **p, shape *s)
{
    static const struct { const char *name; int (*is)(int c); } classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum}, {"space", isspace}, {"upper", isupper},
        {"lower", islower}, {"punct", ispunct}, {"xdigit", isxdigit}, {"print", isprint}, {"graph", isgraph}, {"cntrl", iscntrl}, {"blank", is_blank}, {"word", is_word}};
    bool negated = (*p)[2] == '^';
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t n = strlen(classes[i].name);
        if (strncmp(*p + 2 + negated, classes[i].name, n) != 0 || strncmp(*p + 2 + negated + n, ":]", 2) != 0) continue;
        set_class(s, classes[i].is, negated);
        *p += 4 + negated + n;
        return true;
    }
    return false;
}

static void fold(const reader *r, shape *s)
{
    for (int c = 'a'; r->caseless && c <= 'z'; c++)
        if (has(s, (unsigned)c) || has(s, (unsigned)(c - 32))) set_char(s, (unsigned)c), set_char(s, (unsigned)(c - 32));
}

/* At '['. */
static shape *read_set(reader *r)
{
    shape *s = node(r, SHAPE_SET, r->p);
    const char *p = r->p + 1;
    bool negated = *p == '^';
    p += negated;
    for (bool first = true; *p && (first || *p != ']'); first = false) {
        if (p[0] == '[' && p[1] == ':' && posix_class(&p, s)) continue;
        unsigned low = (unsigned char)*p;
        shape one = {0};
        if (*p == '\\') {
            p++;
            if (!escape(&p, &one)) { /* \b is a backspace here */
                set_char(&one, *p == 'b' ? 8 : (unsigned char)*p);
                p += *p != 0;
            }
            low = 128;
            for (unsigned c = 0, n = 0; c < 128; c++)
                if (has(&one, c)) low = n++ ? 128 : c;
        } else {
            low = code_point(&p);
            set_char(&one, low);
        }
        if (low < 128 && p[0] == '-' && p[1] && p[1] != ']') {
            shape high = {0};
            const char *q = p + 1;
            bool ok = *q == '\\' ? (q++, escape(&q, &high)) : (set_char(&high, code_point(&q)), true);
            unsigned top = high.beyond ? 127 : low;
            for (unsigned c = 0; ok && c < 128; c++)
                if (has(&high, c)) top = c;
            for (unsigned c = low; c <= top; c++) set_char(&one, c);
            one.beyond |= high.beyond;
            p = q;
        }
        for (size_t i = 0; i < sizeof s->set; i++) s->set[i] |= one.set[i];
        s->beyond |= one.beyond;
    }
    r->p = p + (*p == ']');
    fold(r, s);
    if (negated) invert(s);
    return s;
}

/* Behind the escape of something that is no character: an anchor, a boundary, a reference, a quotation. */
static shape *read_special_escape(reader *r, const char *at)
{
    char c = *r->p;
    if (c) r->p++;
    if (c == 'A') return node(r, SHAPE_START, at);
    if (c == 'z' || c == 'Z') return node(r, SHAPE_END, at);
    if (c == 'b' || c == 'B' || c == 'K' || c == 'G' || c == 'E' || !c) return node(r, c == 'K' || c == 'E' ? SHAPE_CAT : SHAPE_OTHER, at);
    if (c == 'Q') {
        shape *s = node(r, SHAPE_CAT, at);
        const char *end = strstr(r->p, "\\E");
        if (!end) end = r->p + strlen(r->p);
        while (r->p < end) {
            shape *one = node(r, SHAPE_SET, r->p);
            set_char(one, code_point(&r->p));
            add(r, s, one);
        }
        r->p = *end ? end + 2 : end;
        if (s->n) s->items[s->n - 1] = read_repeats(r, s->items[s->n - 1], at); /* what follows repeats the last character only */
        return s;
    }
    while (isdigit((unsigned char)c) && isdigit((unsigned char)*r->p)) r->p++;
    if (c == 'k' || c == 'g') {
        const char *end = *r->p == '{' ? strchr(r->p, '}') : *r->p == '<' ? strchr(r->p, '>') : *r->p == '\'' ? strchr(r->p + 1, '\'') : NULL;
        if (end) r->p = end + 1;
        while (c == 'g' && !end && (isdigit((unsigned char)*r->p) || *r->p == '-')) r->p++;
    }
    return node(r, SHAPE_OTHER, at);
}

/* Letters of (?i), (?s-i:, up to ':' or ')'. */
static void read_flags(reader *r)
{
    bool on = true;
    for (; *r->p && *r->p != ':' && *r->p != ')'; r->p++) {
        if (*r->p == '-') on = false;
        if (*r->p == 's') r->dotall = on;
        if (*r->p == 'i') r->caseless = on;
        if (*r->p == 'm') r->multiline = on;
        if (*r->p == 'x') r->extended = on;
    }
}

static shape *close_group(reader *r, shape *s)
{
    r->p += *r->p == ')';
    return s;
}

/* Up to the ')' that belongs to the '(' before p; for what is not modelled. */
static shape *skip_group(reader *r, const char *at)
{
    reader inner = *r;
    read_alternatives(&inner);
    r->p = inner.p;
    return close_group(r, node(r, SHAPE_OTHER, at));
}

/* At '('. */
static shape *read_group(reader *r)
{
    const char *at = r->p++;
    reader outer = *r;
    shape *s;
    if (*r->p == '*') { /* a verb */
        const char *end = strchr(r->p, ')');
        r->p = end ? end : r->p + strlen(r->p);
        return close_group(r, node(r, SHAPE_OTHER, at));
    }
    if (*r->p != '?') {
        s = read_alternatives(r);
    } else {
        const char *q = r->p + 1, *name = NULL;
        if (*q == '#') {
            const char *end = strchr(q, ')');
            r->p = end ? end : q + strlen(q);
            return close_group(r, node(r, SHAPE_CAT, at));
        }
        if (*q == 'P' && q[1] == '<') q++;
        bool behind = *q == '<' && (q[1] == '=' || q[1] == '!');
        if ((*q == '<' && !behind) || *q == '\'') {
            const char *end = strchr(q + 1, *q == '<' ? '>' : '\'');
            if (end) name = rz_arena_strndup(r->arena, q + 1, (size_t)(end - q - 1));
            r->p = end ? end + 1 : q + 1;
            s = read_alternatives(r);
            s->name = name;
        } else if (*q == ':' || *q == '|' || *q == '>') {
            r->p = q + 1;
            s = read_alternatives(r);
            s->possessive = *q == '>';
        } else if (strchr("imsxnJU-^", *q) && *q) {
            r->p = q;
            read_flags(r);
            if (*r->p == ')') { /* for the rest of the group around it */
                outer = *r;
                s = node(r, SHAPE_CAT, at);
            } else {
                r->p += *r->p == ':';
                s = read_alternatives(r);
            }
        } else { /* look-around, recursion, a condition */
            r->p = q + (behind ? 2 : *q != 0);
            s = skip_group(r, at);
            outer.p = r->p;
            *r = outer;
            return s;
        }
    }
    close_group(r, s);
    outer.p = r->p;
    *r = outer; /* flags end with their group */
    return s;
}

static shape *read_atom(reader *r)
{
    const char *at = r->p;
    shape *s;
    switch (*at) {
    case '(': return read_group(r);
    case '[': return read_set(r);
    case '^':
    case '$':
        r->p++;
        s = node(r, *at == '^' ? SHAPE_START : SHAPE_END, at);
        s->multiline = r->multiline;
        return s;
    case '.':
        r->p++;
        s = node(r, SHAPE_SET, at);
        set_class(s, r->dotall ? is_any : is_newline, !r->dotall);
        s->beyond = true;
        return s;
    case '\\':
        s = node(r, SHAPE_SET, at);
        r->p++;
        if (!escape(&r->p, s)) return read_special_escape(r, at);
        fold(r, s);
        return s;
    default:
        s = node(r, SHAPE_SET, at);
        set_char(s, code_point(&r->p));
        fold(r, s);
        return s;
    }
}

/* {2}, {2,}, {,3}, {2,5}: false when the brace is a character. */
static bool read_braces(const char **p, int *min, int *max)
{
    char *end;
    const char *q = *p + 1;
    if (!isdigit((unsigned char)*q)) return false;
    long low = strtol(q, &end, 10), high = low;
    if (*end == ',') high = end[1] == '}' ? -1 : strtol(end + 1, &end, 10);
    if (high == -1) end++;
    if (*end != '}' || low > 65535 || high > 65535) return false;
    *min = (int)low, *max = (int)high;
    *p = end + 1;
    return true;
}

static shape *read_repeats(reader *r, shape *item, const char *at)
{
    for (;;) {
        int min = 0, max = -1;
        if (*r->p == '*' || *r->p == '+' || *r->p == '?') {
            min = *r->p == '+';
            max = *r->p++ == '?' ? 1 : -1;
        } else if (*r->p != '{' || !read_braces(&r->p, &min, &max)) {
            return item;
        }
        shape *s = node(r, SHAPE_REPEAT, at);
        s->min = min, s->max = max;
        s->possessive = *r->p == '+';
        r->p += *r->p == '+' || *r->p == '?';
        add(r, s, item);
        item = s;
    }
}

static shape *read_sequence(reader *r)
{
    shape *s = node(r, SHAPE_CAT, r->p);
    while (*r->p && *r->p != '|' && *r->p != ')') {
        if (r->extended && (isspace((unsigned char)*r->p) || *r->p == '#')) {
            if (*r->p == '#') r->p += strcspn(r->p, "\n");
            r->p += *r->p != 0;
            continue;
        }
        const char *at = r->p;
        add(r, s, read_repeats(r, read_atom(r), at));
    }
    return s;
}

static shape *read_alternatives(reader *r)
{
    shape *first = read_sequence(r), *alt;
    if (*r->p != '|') return first;
    alt = node(r, SHAPE_ALT, r->pattern + first->at);
    add(r, alt, first);
    while (*r->p == '|') {
        r->p++;
        add(r, alt, read_sequence(r));
    }
    return alt;
}

shape *rz_shape_read(rz_arena *arena, const char *pattern, unsigned flags)
{
    reader r = {arena, pattern, pattern, flags & RZ_PATTERN_DOTALL, flags & RZ_PATTERN_CASELESS, flags & RZ_PATTERN_MULTILINE, false};
    return read_alternatives(&r);
}

/* ---- looking ---- */

bool rz_shape_nullable(const shape *s)
{
    switch (s->kind) {
    case SHAPE_SET: return false;
    case SHAPE_REPEAT: return s->min == 0 || rz_shape_nullable(s->items[0]);
    case SHAPE_ALT:
        for (int i = 0; i < s->n; i++)
            if (rz_shape_nullable(s->items[i])) return true;
        return false;
    case SHAPE_CAT:
        for (int i = 0; i < s->n; i++)
            if (!rz_shape_nullable(s->items[i])) return false;
        return true;
    default: return true;
    }
}

/* Adds what it can begin with. */
static void begins(const shape *s, shape *out)
{
    if (s->kind == SHAPE_SET) {
        for (size_t i = 0; i < sizeof s->set; i++) out->set[i] |= s->set[i];
        out->beyond |= s->beyond;
    } else if (s->kind == SHAPE_REPEAT && s->max != 0) {
        begins(s->items[0], out);
    } else if (s->kind == SHAPE_ALT) {
        for (int i = 0; i < s->n; i++) begins(s->items[i], out);
    } else if (s->kind == SHAPE_CAT) {
        for (int i = 0; i < s->n; i++) {
            begins(s->items[i], out);
            if (!rz_shape_nullable(s->items[i])) return;
        }
    }
}

char rz_shape_common(const shape *a, const shape *b)
{
    static const char likely[] = "a0 xA1.-_";
    shape x = {0}, y = {0};
    begins(a, &x);
    if (b) begins(b, &y);
    for (const char *c = likely; *c; c++)
        if (has(&x, (unsigned char)*c) && (!b || has(&y, (unsigned char)*c))) return *c;
    for (unsigned c = 126; c >= 1; c--)
        if (has(&x, c) && (!b || has(&y, c))) return (char)c;
    return 0;
}

static void put(shape_text *out, const char *s, size_t n)
{
    if (n > out->room - out->n) return;
    memcpy(out->s + out->n, s, n);
    out->n += n;
}

static bool sample_set(const shape *s, shape_text *out)
{
    char c = rz_shape_common(s, NULL);
    if (c)
        put(out, &c, 1);
    else if (s->beyond)
        put(out, "\u00e9", 2);
    return false;
}

/* The node it shall come to may be in any of them. */
static bool sample_alternative(const shape *s, int fill, int alternative, const shape *until, shape_text *out)
{
    size_t before = out->n;
    for (int i = 0; until && i < s->n; i++) {
        if (rz_shape_sample(s->items[i], fill, alternative, until, out)) return true;
        out->n = before;
    }
    return rz_shape_sample(s->items[alternative % s->n], fill, alternative, NULL, out);
}

static bool sample_repeat(const shape *s, int fill, int alternative, const shape *until, shape_text *out)
{
    int times = fill <= s->min ? s->min : s->max >= 0 && s->max < fill ? s->max : fill;
    size_t before = out->n;
    if (until) {
        if (rz_shape_sample(s->items[0], fill, alternative, until, out)) return true;
        out->n = before;
    }
    for (int i = 0; i < times && out->work > 0; i++) rz_shape_sample(s->items[0], fill, alternative, NULL, out);
    return false;
}

bool rz_shape_sample(const shape *s, int fill, int alternative, const shape *until, shape_text *out)
{
    if (s == until) return true;
    if (--out->work <= 0) return false;
    if (s->kind == SHAPE_SET) return sample_set(s, out);
    if (s->kind == SHAPE_ALT) return sample_alternative(s, fill, alternative, until, out);
    if (s->kind == SHAPE_REPEAT) return sample_repeat(s, fill, alternative, until, out);
    for (int i = 0; i < s->n; i++)
        if (rz_shape_sample(s->items[i], fill, alternative, until, out)) return true;
    return false;
}

bool rz_shape_walk(shape *s, bool (*visit)(shape *s, void *ctx), void *ctx)
{
    if (!visit(s, ctx)) return false;
    for (int i = 0; i < s->n; i++)
        if (!rz_shape_walk(s->items[i], visit, ctx)) return false;
    return true;
}
