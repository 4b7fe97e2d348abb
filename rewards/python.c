#include "rewards/python.h"
#include "base/text.h"
#include "base/unicode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INT_DIGITS = 4300 }; /* sys.get_int_max_str_digits() */

typedef struct { int32_t first, last; } range;

static bool in_ranges(int32_t c, const range *r, size_t n)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && r[low].first <= c;
}

#define IN(c, table) in_ranges(c, table, sizeof(table) / sizeof *(table))

/* ---- characters ---- */

int32_t rz_python_char(rz_slice t, size_t at, size_t *len)
{
    const unsigned char *s = (const unsigned char *)t.s + at;
    *len = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    switch (*len) {
    case 1: return s[0];
    case 2: return (s[0] & 0x1F) << 6 | (s[1] & 0x3F);
    case 3: return (s[0] & 0x0F) << 12 | (s[1] & 0x3F) << 6 | (s[2] & 0x3F);
    default: return (s[0] & 0x07) << 18 | (s[1] & 0x3F) << 12 | (s[2] & 0x3F) << 6 | (s[3] & 0x3F);
    }
}

int32_t rz_python_char_before(rz_slice t, size_t at, size_t *len)
{
    size_t start = at - 1;
    while (((unsigned char)t.s[start] & 0xC0) == 0x80) start--;
    return rz_python_char(t, start, len);
}

bool rz_python_is_space(int32_t c)
{
    static const range space[] = {{0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};
    if (c < 0x80) return (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= ' ');
    return (c < 0x100 || c >= 0x1680) && IN(c, space);
}

bool rz_python_is_word(int32_t c)
{
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    char kind = rz_unicode_category(c)[0];
    return kind == 'L' || kind == 'N';
}

int rz_python_digit(int32_t c)
{
    /* The zeros of Unicode 14; nine more digits follow each. */
    static const range zeros[] = {
        {0x30, 0x39}, {0x660, 0x669}, {0x6F0, 0x6F9}, {0x7C0, 0x7C9}, {0x966, 0x96F}, {0x9E6, 0x9EF}, {0xA66, 0xA6F}, {0xAE6, 0xAEF}, {0xB66, 0xB6F},
        {0xBE6, 0xBEF}, {0xC66, 0xC6F}, {0xCE6, 0xCEF}, {0xD66, 0xD6F}, {0xDE6, 0xDEF}, {0xE50, 0xE59}, {0xED0, 0xED9}, {0xF20, 0xF29}, {0x1040, 0x1049},
        {0x1090, 0x1099}, {0x17E0, 0x17E9}, {0x1810, 0x1819}, {0x1946, 0x194F}, {0x19D0, 0x19D9}, {0x1A80, 0x1A89}, {0x1A90, 0x1A99}, {0x1B50, 0x1B59},
        {0x1BB0, 0x1BB9}, {0x1C40, 0x1C49}, {0x1C50, 0x1C59}, {0xA620, 0xA629}, {0xA8D0, 0xA8D9}, {0xA900, 0xA909}, {0xA9D0, 0xA9D9}, {0xA9F0, 0xA9F9},
        {0xAA50, 0xAA59}, {0xABF0, 0xABF9}, {0xFF10, 0xFF19}, {0x104A0, 0x104A9}, {0x10D30, 0x10D39}, {0x11066, 0x1106F}, {0x110F0, 0x110F9},
        {0x11136, 0x1113F}, {0x111D0, 0x111D9}, {0x112F0, 0x112F9}, {0x11450, 0x11459}, {0x114D0, 0x114D9}, {0x11650, 0x11659}, {0x116C0, 0x116C9},
        {0x11730, 0x11739}, {0x118E0, 0x118E9}, {0x11950, 0x11959}, {0x11C50, 0x11C59}, {0x11D50, 0x11D59}, {0x11DA0, 0x11DA9}, {0x16A60, 0x16A69},
        {0x16AC0, 0x16AC9}, {0x16B50, 0x16B59}, {0x1D7CE, 0x1D7D7}, {0x1D7D8, 0x1D7E1}, {0x1D7E2, 0x1D7EB}, {0x1D7EC, 0x1D7F5}, {0x1D7F6, 0x1D7FF},
        {0x1E140, 0x1E149}, {0x1E2F0, 0x1E2F9}, {0x1E950, 0x1E959}, {0x1FBF0, 0x1FBF9},
    };
    if (c < 0x660) return c >= '0' && c <= '9' ? c - '0' : -1;
    size_t low = 0, high = sizeof zeros / sizeof *zeros;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zeros[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof zeros / sizeof *zeros && zeros[low].first <= c ? c - zeros[low].first : -1;
}

/* ---- slices ---- */

size_t rz_python_len(rz_slice t) { return rz_utf8_count(t.s, t.len); }

rz_slice rz_python_from(rz_slice t, size_t at) { return (rz_slice){t.s + at, t.len - at}; }

static bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

rz_slice rz_python_head(rz_slice t, size_t n)
{
    size_t end = 0;
    for (; n && end < t.len; n--)
        do end++;
        while (end < t.len && continues(t.s[end]));
    return (rz_slice){t.s, end};
}

rz_slice rz_python_tail(rz_slice t, size_t n)
{
    if (n == 0) return t; /* t[-0:] */
    size_t start = t.len;
    for (; n && start > 0; n--)
        do start--;
        while (start > 0 && continues(t.s[start]));
    return rz_python_from(t, start);
}

rz_slice rz_python_lstrip(rz_slice t)
{
    size_t at = 0, n;
    while (at < t.len && rz_python_is_space(rz_python_char(t, at, &n))) at += n;
    return rz_python_from(t, at);
}

rz_slice rz_python_rstrip(rz_slice t)
{
    size_t n;
    while (t.len > 0 && rz_python_is_space(rz_python_char_before(t, t.len, &n))) t.len -= n;
    return t;
}

rz_slice rz_python_strip(rz_slice t) { return rz_python_rstrip(rz_python_lstrip(t)); }

rz_slice rz_python_strip_chars(rz_slice t, const char *ascii)
{
    while (t.len > 0 && t.s[0] && strchr(ascii, t.s[0])) t = rz_python_from(t, 1);
    while (t.len > 0 && t.s[t.len - 1] && strchr(ascii, t.s[t.len - 1])) t.len--;
    return t;
}

bool rz_python_word(rz_slice t, size_t *at, rz_slice *word)
{
    size_t i = *at, n = 1;
    while (i < t.len && rz_python_is_space(rz_python_char(t, i, &n))) i += n;
    size_t start = i;
    while (i < t.len && !rz_python_is_space(rz_python_char(t, i, &n))) i += n;
    *word = (rz_slice){t.s + start, i - start};
    *at = i;
    return i > start;
}

static bool ends_line(int32_t c) { return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029; }

bool rz_python_line(rz_slice t, size_t *at, rz_slice *line)
{
    size_t i = *at, n = 0, start = i;
    int32_t c = 0;
    if (i >= t.len) return false;
    for (; i < t.len && !ends_line(c = rz_python_char(t, i, &n)); i += n) {}
    *line = (rz_slice){t.s + start, i - start};
    if (i < t.len) i += n;
    if (c == '\r' && i < t.len && t.s[i] == '\n') i++;
    *at = i;
    return true;
}

bool rz_python_piece(rz_slice t, const char *separator, size_t *at, rz_slice *piece)
{
    if (*at == SIZE_MAX) return false;
    size_t end = rz_python_find(t, separator, *at);
    *piece = (rz_slice){t.s + *at, (end == SIZE_MAX ? t.len : end) - *at};
    *at = end == SIZE_MAX ? SIZE_MAX : end + strlen(separator);
    return true;
}

/* ---- finding ---- */

bool rz_python_equal(rz_slice a, rz_slice b) { return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0); }

bool rz_python_starts(rz_slice t, const char *with)
{
    size_t n = strlen(with);
    return t.len >= n && memcmp(t.s, with, n) == 0;
}

bool rz_python_ends(rz_slice t, const char *with)
{
    size_t n = strlen(with);
    return t.len >= n && memcmp(t.s + t.len - n, with, n) == 0;
}

size_t rz_python_find(rz_slice t, const char *needle, size_t from) { return rz_python_find_slice(t, RZ_SLICE(needle), from); }

size_t rz_python_rfind(rz_slice t, const char *needle)
{
    size_t n = strlen(needle);
    if (t.len < n) return SIZE_MAX;
    for (size_t i = t.len - n + 1; i-- > 0;)
        if (t.s[i] == needle[0] && memcmp(t.s + i, needle, n) == 0) return i;
    return SIZE_MAX;
}

size_t rz_python_count(rz_slice t, const char *needle)
{
    size_t n = 0;
    for (size_t at = 0; (at = rz_python_find(t, needle, at)) != SIZE_MAX; at += strlen(needle)) n++;
    return n;
}

size_t rz_python_find_slice(rz_slice t, rz_slice needle, size_t from)
{
    if (from > t.len || needle.len > t.len - from) return SIZE_MAX;
    const char *hit = needle.len ? memmem(t.s + from, t.len - from, needle.s, needle.len) : t.s + from;
    return hit ? (size_t)(hit - t.s) : SIZE_MAX;
}

size_t rz_python_caseless(rz_slice t, size_t at, rz_slice ascii)
{
    size_t i = at, n;
    for (size_t k = 0; k < ascii.len; k++, i += n) {
        if (i >= t.len) return 0;
        int32_t c = rz_python_char(t, i, &n);
        if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
        if (c == 0x130 || c == 0x131) c = 'i';
        if (c == 0x212A) c = 'k';
        if (c == 0x17F) c = 's';
        if (c != ascii.s[k]) return 0;
    }
    return i - at;
}

/* ---- new texts ---- */

static bool is_ascii(rz_slice t)
{
    unsigned char any = 0;
    for (size_t i = 0; i < t.len; i++) any |= (unsigned char)t.s[i];
    return any < 0x80;
}

static rz_slice lower_ascii(rz_arena *a, rz_slice t)
{
    char *to = RZ_NEW(a, t.len + 1, char);
    for (size_t i = 0; i < t.len; i++) to[i] = t.s[i] >= 'A' && t.s[i] <= 'Z' ? (char)(t.s[i] + ('a' - 'A')) : t.s[i];
    return (rz_slice){to, t.len};
}

/* Most letters there are, without asking the tables. */
static bool plain_letter(int32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0x391 && c <= 0x3C9 && c != 0x3A2); }

static bool has_case(int32_t c)
{
    static const range others[] = {{0xAA, 0xAA}, {0xBA, 0xBA}, {0x2160, 0x217F}, {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
    const char *k = plain_letter(c) ? "Ll" : rz_unicode_category(c);
    return (k[0] == 'L' && (k[1] == 'u' || k[1] == 'l' || k[1] == 't')) || IN(c, others);
}

/* Unicode's Case_Ignorable. */
static bool ignores_case(int32_t c)
{
    static const range others[] = {{0x27, 0x27}, {0x2E, 0x2E}, {0x3A, 0x3A}, {0xB7, 0xB7}, {0x387, 0x387}, {0x55F, 0x55F}, {0x5F4, 0x5F4}, {0x2018, 0x2019},
                                   {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52}, {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A}};
    const char *k = plain_letter(c) ? "Ll" : rz_unicode_category(c);
    return (k[0] == 'M' && (k[1] == 'n' || k[1] == 'e')) || (k[0] == 'C' && k[1] == 'f') || (k[0] == 'L' && k[1] == 'm') || (k[0] == 'S' && k[1] == 'k') || IN(c, others);
}

/* Σ ends a word (ς, not σ) when a letter is before it and none behind it. The signs passed over end at the next Σ, so that all of them together are few. */
static bool ends_word(rz_slice t, size_t at, size_t len)
{
    size_t n, i = at;
    int32_t c = 0;
    while (i > 0 && ignores_case(c = rz_python_char_before(t, i, &n))) i -= n;
    if (i == 0 || !has_case(c)) return false;
    for (i = at + len; i < t.len && ignores_case(c = rz_python_char(t, i, &n)); i += n) {}
    return i == t.len || !has_case(c);
}

rz_slice rz_python_lower(rz_arena *a, rz_slice t)
{
    if (is_ascii(t)) return lower_ascii(a, t);
    char *to = RZ_NEW(a, 2 * t.len + 4, char); /* two bytes become three at most (U+0130, U+023A) */
    size_t len = 0, n;
    for (size_t i = 0; i < t.len; i += n) {
        int32_t c = rz_python_char(t, i, &n);
        int32_t lower = c == 0x3A3 ? (ends_word(t, i, n) ? 0x3C2 : 0x3C3) : c < 0x80 ? c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0) : rz_unicode_lower(c);
        len += rz_unicode_write(lower, to + len);
        if (c == 0x130) len += rz_unicode_write(0x307, to + len);
    }
    return (rz_slice){to, len};
}

rz_slice rz_python_casefold(rz_arena *a, rz_slice t)
{
    if (is_ascii(t)) return lower_ascii(a, t);
    char *to = RZ_NEW(a, 3 * t.len + 4, char); /* two bytes become six at most (U+0390) */
    size_t len = 0, n;
    for (size_t i = 0; i < t.len; i += n) {
        int32_t folded[RZ_UNICODE_PARTS];
        int many = rz_unicode_fold(rz_python_char(t, i, &n), folded);
        for (int k = 0; k < many; k++) len += rz_unicode_write(folded[k], to + len);
    }
    return (rz_slice){to, len};
}

rz_slice rz_python_replace(rz_arena *a, rz_slice t, const char *from, const char *to)
{
    size_t n_from = strlen(from), n_to = strlen(to), hits = rz_python_count(t, from), at = 0, len = 0;
    if (hits == 0) return t;
    char *out = RZ_NEW(a, t.len - hits * n_from + hits * n_to + 1, char);
    for (size_t hit; (hit = rz_python_find(t, from, at)) != SIZE_MAX; at = hit + n_from) {
        memcpy(out + len, t.s + at, hit - at);
        memcpy(out + len + (hit - at), to, n_to);
        len += hit - at + n_to;
    }
    memcpy(out + len, t.s + at, t.len - at);
    return (rz_slice){out, len + (t.len - at)};
}

rz_slice rz_python_join(rz_arena *a, rz_slice x, rz_slice y)
{
    char *out = RZ_NEW(a, x.len + y.len + 1, char);
    if (x.len) memcpy(out, x.s, x.len);
    if (y.len) memcpy(out + x.len, y.s, y.len);
    return (rz_slice){out, x.len + y.len};
}

/* ---- numbers ---- */

static bool is_c_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* As CPython prepares both kinds of numbers: digits of all scripts become ASCII, white space beyond ASCII a blank, then C's white space is stripped: so U+001C
 * next to a number makes it none. Underscores between digits go. False when the text can be no number. */
static bool ascii_number(rz_arena *a, rz_slice t, rz_slice *out)
{
    char *to = RZ_NEW(a, t.len + 1, char);
    size_t len = 0, start = 0, n, kept = 0;
    for (size_t i = 0; i < t.len; i += n) {
        int32_t c = rz_python_char(t, i, &n);
        int digit = rz_python_digit(c);
        if (c >= 0x80 && digit < 0 && !rz_python_is_space(c)) return false;
        to[len++] = digit >= 0 ? (char)('0' + digit) : c >= 0x80 ? ' ' : (char)c;
    }
    while (start < len && is_c_space(to[start])) start++;
    while (len > start && is_c_space(to[len - 1])) len--;
    for (size_t i = start; i < len; i++) {
        bool between = i > start && i + 1 < len && rz_python_digit(to[i - 1]) >= 0 && rz_python_digit(to[i + 1]) >= 0;
        if (to[i] == '_' && !between) return false;
    }
    for (size_t i = start; i < len; i++)
        if (to[i] != '_') to[kept++] = to[i];
    to[kept] = 0;
    *out = (rz_slice){to, kept};
    return true;
}

bool rz_python_int(rz_arena *a, rz_slice t, rz_python_integer *out)
{
    if (!ascii_number(a, t, &t)) return false;
    bool sign = t.len > 0 && (t.s[0] == '-' || t.s[0] == '+');
    rz_slice d = rz_python_from(t, sign);
    if (d.len == 0 || d.len > MAX_INT_DIGITS) return false;
    for (size_t i = 0; i < d.len; i++)
        if (d.s[i] < '0' || d.s[i] > '9') return false;
    while (d.len > 1 && d.s[0] == '0') d = rz_python_from(d, 1);
    *out = (rz_python_integer){sign && t.s[0] == '-' && d.s[0] != '0', d};
    return true;
}

bool rz_python_int_equal(rz_python_integer x, rz_python_integer y) { return x.negative == y.negative && rz_python_equal(x.digits, y.digits); }

bool rz_python_int_small(rz_python_integer x, int64_t *out)
{
    int64_t v = 0;
    for (size_t i = 0; i < x.digits.len; i++) {
        int d = x.digits.s[i] - '0';
        if (__builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_add_overflow(v, (int64_t)(x.negative ? -d : d), &v)) return false;
    }
    *out = v;
    return true;
}

static size_t digits_from(rz_slice t, size_t i)
{
    while (i < t.len && t.s[i] >= '0' && t.s[i] <= '9') i++;
    return i;
}

/* [sign] (digits [. [digits]] | . digits) [e [sign] digits], or [sign] inf, infinity, nan: what strtod reads, without its hexadecimals. */
static bool is_float(rz_slice t)
{
    size_t i = t.len > 0 && (t.s[0] == '-' || t.s[0] == '+');
    rz_slice rest = rz_python_from(t, i);
    static const char *const words[] = {"inf", "infinity", "nan"};
    for (int k = 0; k < 3; k++) {
        size_t n = strlen(words[k]), same = 0;
        while (same < n && same < rest.len && (rest.s[same] | 0x20) == words[k][same]) same++;
        if (same == n && rest.len == n) return true;
    }
    size_t whole = digits_from(t, i), n_digits = whole - i;
    i = whole;
    if (i < t.len && t.s[i] == '.') {
        size_t end = digits_from(t, i + 1);
        n_digits += end - i - 1;
        i = end;
    }
    if (n_digits == 0) return false;
    if (i < t.len && (t.s[i] | 0x20) == 'e') {
        i++;
        if (i < t.len && (t.s[i] == '-' || t.s[i] == '+')) i++;
        size_t end = digits_from(t, i);
        if (end == i) return false;
        i = end;
    }
    return i == t.len;
}

bool rz_python_float(rz_arena *a, rz_slice t, double *out)
{
    if (!ascii_number(a, t, &t) || !is_float(t)) return false;
    *out = strtod(t.s, NULL);
    return true;
}

/* The fewest digits that read back; with an exponent below 1e-4 and from 1e16 on. */
void rz_python_float_text(double x, char out[32])
{
    char shortest[32], digits[32];
    int n = 0, exponent = 0, len = 0;
    if (x != x || x - x != 0) {
        snprintf(out, 32, "%s", x != x ? "nan" : x > 0 ? "inf" : "-inf");
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(shortest, sizeof shortest, "%.*e", precision - 1, x);
        if (strtod(shortest, NULL) == x) break;
    }
    for (const char *p = shortest; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    exponent = (int)strtol(strchr(shortest, 'e') + 1, NULL, 10);
    if (*shortest == '-') out[len++] = '-';
    if (exponent < -4 || exponent >= 16) {
        len += snprintf(out + len, 32 - (size_t)len, n > 1 ? "%c.%.*s" : "%c%.*s", digits[0], n - 1, digits + 1);
        snprintf(out + len, 32 - (size_t)len, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    } else if (exponent < 0)
        snprintf(out + len, 32 - (size_t)len, "0.%.*s%.*s", -exponent - 1, "000", n, digits);
    else if (n <= exponent + 1)
        snprintf(out + len, 32 - (size_t)len, "%.*s%.*s.0", n, digits, exponent + 1 - n, "0000000000000000");
    else
        snprintf(out + len, 32 - (size_t)len, "%.*s.%.*s", exponent + 1, digits, n - exponent - 1, digits + exponent + 1);
}
