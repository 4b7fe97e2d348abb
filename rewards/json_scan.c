#include "rewards/json_scan.h"
#include <string.h>

enum { MAX_INT_DIGITS = 4300 };

typedef struct { const char *p, *end; bool standard; } reader;

static bool digit(char c) { return c >= '0' && c <= '9'; }
static int hex(char c) { return digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }
static bool is(const reader *r, char c) { return r->p < r->end && *r->p == c; }

static void skip_space(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) r->p++;
}

static bool word(reader *r, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0) return false;
    r->p += n;
    return true;
}

static bool string(reader *r)
{
    for (r->p++; r->p < r->end && *r->p != '"'; r->p++) {
        if ((unsigned char)*r->p < 0x20) return false;
        if (*r->p != '\\') continue;
        if (++r->p == r->end || !*r->p || !strchr("\"\\/bfnrtu", *r->p)) return false;
        if (*r->p != 'u') continue;
        for (int i = 0; i < 4; i++)
            if (++r->p == r->end || hex(*r->p) < 0) return false;
    }
    if (!is(r, '"')) return false;
    r->p++;
    return true;
}

static size_t digits(reader *r)
{
    const char *from = r->p;
    while (r->p < r->end && digit(*r->p)) r->p++;
    return (size_t)(r->p - from);
}

/* A number ends where no more of it follows: "1." is 1 and then something else. */
static bool number(reader *r, rz_scan_type *type)
{
    r->p += is(r, '-');
    if (!r->standard && word(r, "Infinity")) return *type = RZ_SCAN_REAL, true;
    if (r->p == r->end || !digit(*r->p)) return false;
    size_t n = 1;
    if (*r->p++ != '0') n += digits(r);
    *type = RZ_SCAN_INT;
    if (r->end - r->p >= 2 && *r->p == '.' && digit(r->p[1])) {
        r->p++;
        digits(r);
        *type = RZ_SCAN_REAL;
    }
    if (is(r, 'e') || is(r, 'E')) {
        const char *e = r->p++;
        r->p += is(r, '+') || is(r, '-');
        if (digits(r))
            *type = RZ_SCAN_REAL;
        else
            r->p = e;
    }
    return *type == RZ_SCAN_REAL || r->standard || n <= MAX_INT_DIGITS;
}

static bool scalar(reader *r, rz_scan_type *type)
{
    static const struct { const char *text; rz_scan_type type; bool standard; } words[] = {
        {"null", RZ_SCAN_NULL, true}, {"true", RZ_SCAN_BOOL, true}, {"false", RZ_SCAN_BOOL, true}, {"NaN", RZ_SCAN_REAL, false},
        {"Infinity", RZ_SCAN_REAL, false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((words[i].standard || !r->standard) && word(r, words[i].text)) return *type = words[i].type, true;
    if (is(r, '"')) return *type = RZ_SCAN_STRING, string(r);
    return number(r, type);
}

/* The state of the scan: which brackets are open, and the member of the outermost value that is being read. */
typedef struct {
    reader r;
    int depth;
    bool object[RZ_SCAN_MAX_DEPTH];
    rz_scan_member member;
    const char *from;
} scan;

static bool key(scan *k)
{
    skip_space(&k->r);
    const char *from = k->r.p;
    if (!is(&k->r, '"') || !string(&k->r)) return false;
    if (k->depth == 1) k->member.key = (rz_slice){from, (size_t)(k->r.p - from)};
    skip_space(&k->r);
    if (!is(&k->r, ':')) return false;
    k->r.p++;
    return true;
}

static void keep_member(scan *k, rz_scan *s)
{
    k->member.value = (rz_slice){k->from, (size_t)(k->r.p - k->from)};
    if (s->n < s->room) s->members[s->n] = k->member;
    s->n++;
    k->member = (rz_scan_member){0};
}

/* Behind a complete value: closes what ends there. Returns 1 when another value must follow, 0 when all is closed, −1 when neither. */
static int after_value(scan *k, rz_scan *s)
{
    for (;;) {
        if (k->depth == 1) keep_member(k, s);
        if (k->depth == 0) return 0;
        skip_space(&k->r);
        bool object = k->object[k->depth - 1];
        if (is(&k->r, ',')) {
            k->r.p++;
            return !object || key(k) ? 1 : -1;
        }
        if (!is(&k->r, object ? '}' : ']')) return -1;
        k->r.p++;
        k->depth--;
    }
}

static bool type_seen(const scan *k, rz_scan *s, rz_scan_type type, rz_scan_member *member)
{
    if (k->depth == 0) s->type = type;
    if (k->depth == 1) member->type = type;
    return true;
}

/* A value begins here. 1: another must follow (a bracket was opened), 0: it is complete, −1: it is none, −2: too deep. */
static int begin_value(scan *k, rz_scan *s)
{
    skip_space(&k->r);
    if (k->depth == 1) k->from = k->r.p;
    bool object = is(&k->r, '{');
    if (!object && !is(&k->r, '[')) {
        rz_scan_type type = RZ_SCAN_NULL;
        return scalar(&k->r, &type) && type_seen(k, s, type, &k->member) ? 0 : -1;
    }
    if (k->depth == RZ_SCAN_MAX_DEPTH) return -2;
    type_seen(k, s, object ? RZ_SCAN_OBJECT : RZ_SCAN_LIST, &k->member);
    k->object[k->depth++] = object;
    k->r.p++;
    skip_space(&k->r);
    if (is(&k->r, object ? '}' : ']')) {
        k->r.p++;
        k->depth--;
        return 0;
    }
    return !object || key(k) ? 1 : -1;
}

rz_scan_verdict rz_json_scan(rz_slice text, rz_scan *s)
{
    scan k = {.r = {text.s, text.s + text.len, s->standard}};
    s->n = 0;
    s->type = RZ_SCAN_NULL;
    int more = 1;
    while (more == 1) {
        more = begin_value(&k, s);
        if (more == 0) more = after_value(&k, s);
    }
    if (more == 0) {
        skip_space(&k.r);
        if (k.r.p == k.r.end) return RZ_SCAN_VALID;
    }
    s->at = (size_t)(k.r.p - text.s);
    return more == -2 ? RZ_SCAN_TOO_DEEP : RZ_SCAN_INVALID;
}

static int code_unit(const char *p)
{
    return hex(p[0]) << 12 | hex(p[1]) << 8 | hex(p[2]) << 4 | hex(p[3]);
}

static char *put_utf8(char *out, int c)
{
    if (c < 0x80) return *out++ = (char)c, out;
    if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xE0 | c >> 12);
        } else {
            *out++ = (char)(0xF0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (c & 0x3F));
    return out;
}

rz_slice rz_json_unquote(rz_slice written, rz_arena *scratch)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char *text = RZ_NEW(scratch, written.len, char), *out = text;
    const char *p = written.s + 1, *end = written.s + written.len - 1;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        if (p[1] != 'u') {
            *out++ = meant[strchr(escapes, p[1]) - escapes];
            p += 2;
            continue;
        }
        int c = code_unit(p + 2), low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? code_unit(p + 8) : 0;
        p += 6;
        if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            p += 6;
        } else if (c >= 0xD800 && c < 0xE000) {
            c = 0xFFFD;
        }
        out = put_utf8(out, c);
    }
    return (rz_slice){text, (size_t)(out - text)};
}
