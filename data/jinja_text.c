#include "data/jinja_tree.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Text: building it with the marks of data, UTF-8, and values as Python (str, repr) and JSON write them. */

void rz_b_bytes(run *r, builder *b, const char *s, size_t n) { rz_b_add(r, b, rz_v_string(s, n)); }

void rz_b_add(run *r, builder *b, value s)
{
    rz_jinja_charge(r, 1 + s.len / 16);
    if (b->n + s.len > b->cap) {
        size_t cap = 2 * (b->n + s.len) + 64;
        char *text = rz_jinja_new(r, cap, 1);
        uint8_t *mark = rz_jinja_new(r, cap, 1);
        if (b->n) memcpy(text, b->s, b->n), memcpy(mark, b->mark, b->n);
        b->s = text;
        b->mark = mark;
        b->cap = cap;
    }
    if (!s.len) return;
    memcpy(b->s + b->n, s.s, s.len);
    if (s.mark) memcpy(b->mark + b->n, s.mark, s.len), b->marked = true;
    b->n += s.len;
}

value rz_b_done(run *r, const builder *b)
{
    (void)r;
    value v = rz_v_string(b->n ? b->s : "", b->n);
    v.mark = b->marked ? b->mark : NULL;
    return v;
}

/* ---- UTF-8 ---- */

size_t rz_u_len(const char *s)
{
    unsigned char c = (unsigned char)*s;
    return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

size_t rz_u_offset(value s, size_t i)
{
    size_t at = 0;
    while (i-- && at < s.len) at += rz_u_len(s.s + at);
    return at;
}

bool rz_u_space(const char *s, size_t len, size_t *n)
{
    const unsigned char *u = (const unsigned char *)s;
    *n = 1;
    if (!len) return false;
    if (u[0] < 0x80) return (u[0] >= 9 && u[0] <= 13) || (u[0] >= 28 && u[0] <= 32);
    *n = 2;
    if (len >= 2 && u[0] == 0xC2) return u[1] == 0x85 || u[1] == 0xA0;
    *n = 3;
    if (len < 3 || u[0] < 0xE1 || u[0] > 0xE3) return false;
    unsigned code = (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
    return code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

/* The character at s is one that is stripped: white space, or one of chars. */
static bool stripped(const char *s, size_t len, const value *chars)
{
    size_t n;
    if (!chars) return rz_u_space(s, len, &n) && n <= len;
    n = rz_u_len(s);
    for (size_t i = 0; i < chars->len; i += rz_u_len(chars->s + i))
        if (rz_u_len(chars->s + i) == n && n <= len && memcmp(chars->s + i, s, n) == 0) return true;
    return false;
}

value rz_u_strip(value s, bool left, bool right, const value *chars)
{
    size_t start = 0, end = s.len;
    while (left && start < end && stripped(s.s + start, end - start, chars)) start += rz_u_len(s.s + start);
    while (right && end > start) {
        size_t last = end - 1;
        while (last > start && ((unsigned char)s.s[last] & 0xC0) == 0x80) last--;
        if (!stripped(s.s + last, end - last, chars)) break;
        end = last;
    }
    return rz_v_part(s, start, end - start);
}

/* ---- numbers ---- */

enum { NUMBER = 64 }; /* bytes that hold one as text */

/* repr(float): the fewest digits that read back, an exponent below 1e-4 and from 1e16 on. */
static void float_text(double x, char out[NUMBER], bool json)
{
    char digits[32];
    int n = 1;
    if (!isfinite(x)) {
        snprintf(out, NUMBER, "%s%s", x < 0 ? "-" : "", isnan(x) ? (json ? "NaN" : "nan") : (json ? "Infinity" : "inf"));
        return;
    }
    for (n = 0; n < 17; n++) {
        snprintf(digits, sizeof digits, "%.*e", n, x);
        if (strtod(digits, NULL) == x) break;
    }
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        *strchr(digits, 'e') = 0;
        snprintf(out, NUMBER, "%se%c%02d", digits, exponent < 0 ? '-' : '+', abs(exponent));
    } else {
        int decimals = n > exponent ? n - exponent : 1;
        snprintf(out, NUMBER, "%.*f", decimals, x);
    }
}

static bool number_text(run *r, value v, char out[NUMBER], bool json)
{
    if (v.kind == V_INT) snprintf(out, NUMBER, "%" PRId64, v.i);
    else if (v.kind == V_FLOAT) rz_jinja_charge(r, RZ_JINJA_DIGITS), float_text(v.f, out, json);
    else return false;
    return true;
}

/* ---- Python ---- */

static void add_quoted(run *r, builder *b, value s)
{
    char quote = memchr(s.s, '\'', s.len) && !memchr(s.s, '"', s.len) ? '"' : '\'', text[8];
    rz_b_bytes(r, b, &quote, 1);
    for (size_t i = 0, n; i < s.len; i += n) {
        unsigned char c = (unsigned char)s.s[i];
        static const char from[] = "\n\r\t\\", to[] = "nrt\\";
        const char *known = c ? strchr(from, c) : NULL;
        n = rz_u_len(s.s + i);
        if (known || c == (unsigned char)quote) snprintf(text, sizeof text, "\\%c", known ? to[known - from] : quote);
        else if (c < 32 || c == 127) snprintf(text, sizeof text, "\\x%02x", c);
        else if (c == 0xC2 && (unsigned char)s.s[i + 1] <= 0xA0) snprintf(text, sizeof text, "\\x%02x", (unsigned char)s.s[i + 1]);
        else if (c == 0xC2 && (unsigned char)s.s[i + 1] == 0xAD) snprintf(text, sizeof text, "\\xad");
        else {
            rz_b_add(r, b, rz_v_part(s, i, n));
            continue;
        }
        rz_b_bytes(r, b, text, strlen(text));
    }
    rz_b_bytes(r, b, &quote, 1);
}

static void add_repr(run *r, builder *b, value v);

static void add_items(run *r, builder *b, const list *l, bool tuple)
{
    rz_b_bytes(r, b, tuple ? "(" : "[", 1);
    for (size_t i = 0; i < l->n; i++) {
        if (i) rz_b_bytes(r, b, ", ", 2);
        add_repr(r, b, l->items[i]);
    }
    if (tuple && l->n == 1) rz_b_bytes(r, b, ",", 1);
    rz_b_bytes(r, b, tuple ? ")" : "]", 1);
}

static void add_pairs(run *r, builder *b, const dict *d)
{
    rz_b_bytes(r, b, "{", 1);
    for (size_t i = 0; i < d->n; i++) {
        if (i) rz_b_bytes(r, b, ", ", 2);
        add_repr(r, b, d->keys[i]);
        rz_b_bytes(r, b, ": ", 2);
        add_repr(r, b, d->values[i]);
    }
    rz_b_bytes(r, b, "}", 1);
}

static void add_repr(run *r, builder *b, value v)
{
    char number[NUMBER];
    rz_jinja_deeper(r);
    if (number_text(r, v, number, false)) rz_b_bytes(r, b, number, strlen(number));
    else if (v.kind == V_STRING) add_quoted(r, b, v);
    else if (v.kind == V_NONE) rz_b_bytes(r, b, "None", 4);
    else if (v.kind == V_BOOL) rz_b_add(r, b, rz_v_text(v.b ? "True" : "False"));
    else if (v.kind == V_UNDEFINED) rz_b_bytes(r, b, "Undefined", 9);
    else if (v.kind == V_LIST || v.kind == V_TUPLE) add_items(r, b, v.list, v.kind == V_TUPLE);
    else if (v.kind == V_DICT) add_pairs(r, b, v.dict);
    else rz_jinja_fail(r, "%s has no text", rz_v_kind(v));
    r->depth--;
}

value rz_v_str(run *r, value v)
{
    builder b = {0};
    if (v.kind == V_STRING) return v;
    if (v.kind == V_UNDEFINED) return rz_v_string("", 0);
    add_repr(r, &b, v);
    return rz_b_done(r, &b);
}

/* ---- JSON, as Python's json.dumps writes it ---- */

static void add_escape(run *r, builder *b, unsigned code)
{
    char text[16];
    if (code < 0x10000) snprintf(text, sizeof text, "\\u%04x", code);
    else snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF));
    rz_b_bytes(r, b, text, strlen(text));
}

static unsigned code_of(const char *s, size_t n)
{
    static const unsigned char first[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned code = (unsigned char)s[0] & first[n];
    for (size_t i = 1; i < n; i++) code = code << 6 | ((unsigned char)s[i] & 63u);
    return code;
}

static void add_json_string(run *r, builder *b, value s, bool ascii)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    rz_b_bytes(r, b, "\"", 1);
    for (size_t i = 0, n; i < s.len; i += n) {
        unsigned char c = (unsigned char)s.s[i];
        const char *known = c ? strchr(from, c) : NULL;
        n = rz_u_len(s.s + i);
        if (known) rz_b_bytes(r, b, (const char[]){'\\', to[known - from]}, 2);
        else if (c < 32 || (ascii && c >= 128)) add_escape(r, b, code_of(s.s + i, n));
        else rz_b_add(r, b, rz_v_part(s, i, n));
    }
    rz_b_bytes(r, b, "\"", 1);
}

static void new_line(run *r, builder *b, int indent, int level)
{
    if (indent < 0) return;
    rz_b_bytes(r, b, "\n", 1);
    for (int i = 0; i < indent * level; i++) rz_b_bytes(r, b, " ", 1);
}

/* Keys of JSON objects are strings. */
static void add_key(run *r, builder *b, value key, bool ascii)
{
    char number[NUMBER];
    if (key.kind == V_STRING) add_json_string(r, b, key, ascii);
    else if (number_text(r, key, number, true)) add_json_string(r, b, rz_v_text(number), ascii);
    else if (key.kind == V_BOOL) rz_b_add(r, b, rz_v_text(key.b ? "\"true\"" : "\"false\""));
    else if (key.kind == V_NONE) rz_b_bytes(r, b, "\"null\"", 6);
    else rz_jinja_fail(r, "tojson: %s is no key in JSON", rz_v_kind(key));
}

/* Positions of the keys, in their order if asked for. */
static size_t *order_of(run *r, const dict *d, bool sort)
{
    size_t *order = rz_jinja_new(r, d->n + 1, sizeof *order);
    for (size_t i = 0; i < d->n; i++) {
        size_t at = i;
        while (sort && at && rz_v_compare(r, d->keys[order[at - 1]], d->keys[i]) > 0) order[at] = order[at - 1], at--;
        order[at] = i;
    }
    return order;
}

void rz_v_add_json(run *r, builder *b, value v, int indent, int level, const value *separators, bool sort, bool ascii)
{
    char number[NUMBER];
    bool is_list = v.kind == V_LIST || v.kind == V_TUPLE;
    rz_jinja_charge(r, 1);
    if (number_text(r, v, number, true)) rz_b_bytes(r, b, number, strlen(number));
    else if (v.kind == V_STRING) add_json_string(r, b, v, ascii);
    else if (v.kind == V_NONE) rz_b_bytes(r, b, "null", 4);
    else if (v.kind == V_BOOL) rz_b_add(r, b, rz_v_text(v.b ? "true" : "false"));
    else if (!is_list && v.kind != V_DICT) rz_jinja_fail(r, "tojson: %s has no form in JSON", rz_v_kind(v));
    else {
        size_t n = is_list ? v.list->n : v.dict->n, *order = is_list ? NULL : order_of(r, v.dict, sort);
        rz_jinja_deeper(r);
        rz_b_bytes(r, b, is_list ? "[" : "{", 1);
        for (size_t i = 0; i < n; i++) {
            if (i) rz_b_add(r, b, separators[0]);
            new_line(r, b, indent, level + 1);
            if (!is_list) {
                add_key(r, b, v.dict->keys[order[i]], ascii);
                rz_b_add(r, b, separators[1]);
            }
            rz_v_add_json(r, b, is_list ? v.list->items[i] : v.dict->values[order[i]], indent, level + 1, separators, sort, ascii);
        }
        if (n) new_line(r, b, indent, level);
        rz_b_bytes(r, b, is_list ? "]" : "}", 1);
        r->depth--;
    }
}
