#include "rewards/number.h"
#include <string.h>

bool rz_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool digit(char c) { return c >= '0' && c <= '9'; }

rz_slice rz_trim(rz_slice t)
{
    while (t.len && rz_is_space(t.s[0])) t.s++, t.len--;
    while (t.len && rz_is_space(t.s[t.len - 1])) t.len--;
    return t;
}

static const char *const currencies[] = {"\\$", "$", "\u20ac", "\u00a3"};
static const char *const signs[] = {"-", "+", "\u2212", "\u2013", "\uff0d"}; /* the last three: minus, en dash, full-width hyphen */

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Bytes of the word of the list that the text ends with, or 0. */
static size_t tail_in(rz_slice t, const char *const *list, size_t n_list)
{
    for (size_t i = 0; i < n_list; i++) {
        size_t n = strlen(list[i]);
        if (t.len >= n && memcmp(t.s + t.len - n, list[i], n) == 0) return n;
    }
    return 0;
}

size_t rz_currency_at(rz_slice t)
{
    for (size_t i = 0; i < COUNT(currencies); i++) {
        size_t n = strlen(currencies[i]);
        if (t.len >= n && memcmp(t.s, currencies[i], n) == 0) return n;
    }
    return 0;
}

size_t rz_thousands_at(rz_slice t)
{
    size_t i = 0;
    while (i < t.len && i < 4 && digit(t.s[i])) i++;
    if (i == 0 || i > 3 || i == t.len || t.s[i] != ',') return 0;
    while (t.len - i >= 4 && t.s[i] == ',' && digit(t.s[i + 1]) && digit(t.s[i + 2]) && digit(t.s[i + 3])) i += 4;
    if (i < 4 || (i < t.len && digit(t.s[i]))) return 0;
    if (t.len - i >= 2 && t.s[i] == ',' && digit(t.s[i + 1])) return 0;
    return i;
}

/* ---- reading numbers ---- */

static size_t digits_end(rz_slice t, size_t i)
{
    while (i < t.len && digit(t.s[i])) i++;
    return i;
}

static bool read_exponent(rz_slice t, size_t at, int64_t *out)
{
    bool negative = at < t.len && t.s[at] == '-';
    if (at < t.len && (t.s[at] == '-' || t.s[at] == '+')) at++;
    size_t end = digits_end(t, at);
    if (end == at || end != t.len || end - at > 18) return false;
    int64_t v = 0;
    for (; at < end; at++) v = v * 10 + (t.s[at] - '0');
    *out = negative ? -v : v;
    return true;
}

bool rz_decimal_read(rz_slice t, rz_arena *scratch, rz_decimal *out)
{
    *out = (rz_decimal){0};
    size_t from = t.len && (t.s[0] == '-' || t.s[0] == '+');
    size_t dot = digits_end(t, from), end = dot;
    if (dot < t.len && t.s[dot] == '.') {
        end = digits_end(t, dot + 1);
        if (end == dot + 1) return false;
    }
    if (end == from) return false;
    int64_t power = 0;
    if (end < t.len && ((t.s[end] != 'e' && t.s[end] != 'E') || !read_exponent(t, end + 1, &power))) return false;
    char *digits = RZ_NEW(scratch, end - from + 1, char);
    size_t n = 0;
    int64_t leading = 0; /* zeros before the first other digit */
    for (size_t i = from; i < end; i++) {
        if (t.s[i] == '.') continue;
        if (!n && t.s[i] == '0')
            leading++;
        else
            digits[n++] = t.s[i];
    }
    while (n && digits[n - 1] == '0') n--;
    if (n) *out = (rz_decimal){t.s[0] == '-', digits, n, (int64_t)(dot - from) - leading + power};
    return true;
}

bool rz_decimal_equal(const rz_decimal *a, const rz_decimal *b)
{
    return a->n == b->n && (a->n == 0 || (a->negative == b->negative && a->exponent == b->exponent && memcmp(a->digits, b->digits, a->n) == 0));
}

static const rz_decimal ZERO;

rz_decimal rz_decimal_round(const rz_decimal *d, int decimals, rz_arena *scratch)
{
    int64_t keep = d->exponent + decimals; /* digits that stay */
    if (keep >= (int64_t)d->n) return *d;
    if (keep < 0) return ZERO;
    char *digits = RZ_NEW(scratch, keep + 1, char);
    rz_decimal out = {d->negative, digits + 1, (size_t)keep, d->exponent};
    memcpy(digits + 1, d->digits, (size_t)keep);
    if (d->digits[keep] >= '5') {
        size_t i = (size_t)keep;
        while (i && digits[i] == '9') i--;
        if (i)
            digits[i]++;
        else
            digits[0] = '1', out.digits = digits, out.exponent++; /* 999 became 1000 */
        out.n = i ? i : 1;
    }
    while (out.n && out.digits[out.n - 1] == '0') out.n--;
    return out.n ? out : ZERO;
}

/* Adds the digits of ±d to the places of their powers of ten; the first place is that of 10^(high − 1). */
static void lay(signed char *places, int64_t high, const rz_decimal *d, int sign)
{
    for (size_t i = 0; i < d->n; i++) {
        signed char *at = &places[high - d->exponent + (int64_t)i];
        *at = (signed char)(*at + sign * (d->digits[i] - '0'));
    }
}

static int64_t lowest(const rz_decimal *d) { return d->exponent - (int64_t)d->n; }

/* Digit by digit with a carry: the first place takes what is left, and its sign is that of all (each place holds at most three digits and a carry). */
bool rz_decimal_near(const rz_decimal *a, const rz_decimal *b, const rz_decimal *tolerance, rz_arena *scratch)
{
    const rz_decimal *all[] = {a, b, tolerance};
    int64_t high = 0, low = 0;
    for (int i = 0; i < 3; i++) {
        if (all[i]->n && (all[i]->exponent > RZ_NEAR_EXPONENT || all[i]->exponent < -RZ_NEAR_EXPONENT)) return rz_decimal_equal(a, b);
        if (all[i]->n && all[i]->exponent > high) high = all[i]->exponent;
        if (all[i]->n && lowest(all[i]) < low) low = lowest(all[i]);
    }
    int64_t n = high - low + 2; /* room for what is carried */
    for (int sign = -1; sign <= 1; sign += 2) { /* ±(a − b) − tolerance must not be positive */
        signed char *places = RZ_ZNEW(scratch, n, signed char);
        lay(places + 1, high, a, a->negative ? -sign : sign);
        lay(places + 1, high, b, b->negative ? sign : -sign);
        lay(places + 1, high, tolerance, -1);
        bool rest = false;
        for (int64_t i = n - 1; i > 0; i--) {
            while (places[i] < 0) places[i] = (signed char)(places[i] + 10), places[i - 1]--;
            while (places[i] > 9) places[i] = (signed char)(places[i] - 10), places[i - 1]++;
            rest |= places[i] != 0;
        }
        if (places[0] > 0 || (places[0] == 0 && rest)) return false;
    }
    return true;
}

static bool scale(rz_int128 *v, int64_t zeros)
{
    if (*v != 0 && zeros > 38) return false;
    for (; zeros > 0 && *v != 0; zeros--)
        if (__builtin_mul_overflow(*v, (rz_int128)10, v)) return false;
    return true;
}

static bool decimal_to_rational(const rz_decimal *d, rz_rational *out)
{
    rz_int128 num = 0, den = 1;
    if (d->n > 39) return false;
    for (size_t i = 0; i < d->n; i++)
        if (!scale(&num, 1) || __builtin_add_overflow(num, (rz_int128)(d->digits[i] - '0'), &num)) return false;
    int64_t zeros = d->n ? d->exponent - (int64_t)d->n : 0;
    if (!(zeros >= 0 ? scale(&num, zeros) : scale(&den, -zeros))) return false;
    return rz_rational_make(d->negative ? -num : num, den, out);
}

bool rz_rational_read(rz_slice t, rz_arena *scratch, rz_rational *out)
{
    rz_decimal d;
    rz_rational below;
    const char *slash = memchr(t.s, '/', t.len);
    size_t len = slash ? (size_t)(slash - t.s) : t.len;
    if (!rz_decimal_read(rz_trim((rz_slice){t.s, len}), scratch, &d) || !decimal_to_rational(&d, out)) return false;
    if (!slash) return true;
    rz_slice rest = rz_trim((rz_slice){slash + 1, t.len - len - 1});
    if (!rest.len || !digit(rest.s[0]) || !rz_decimal_read(rest, scratch, &d) || !decimal_to_rational(&d, &below)) return false;
    return below.num != 0 && rz_rational_apply('/', *out, below, out);
}

/* ---- the last number of a text ---- */

static bool word_byte(char c) { return digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The end of the number whose digits begin at i; *whole is false when what follows shows that it is part of something else. */
static size_t number_end(rz_slice t, size_t i, bool *whole)
{
    size_t n = rz_thousands_at((rz_slice){t.s + i, t.len - i});
    i = n ? i + n : digits_end(t, i);
    if (t.len - i >= 2 && t.s[i] == '.' && digit(t.s[i + 1])) i = digits_end(t, i + 1);
    if (i < t.len && (t.s[i] == 'e' || t.s[i] == 'E')) {
        size_t at = i + 1;
        if (at < t.len && (t.s[at] == '-' || t.s[at] == '+')) at++;
        if (digits_end(t, at) > at) i = digits_end(t, at);
    }
    if (t.len - i >= 2 && t.s[i] == '/' && digit(t.s[i + 1])) i = digits_end(t, i + 1);
    char c = t.len - i >= 2 ? t.s[i] : 0;
    *whole = !((c == '.' || c == ',' || c == '-' || c == '/') && digit(t.s[i + 1])); /* 3.11.2, 12,34, 2024-01, 1/2/2024 */
    return i;
}

/* Where the number starts, with what belongs to it on the left of its digits. */
static size_t number_start(rz_slice t, size_t i)
{
    size_t coin = tail_in((rz_slice){t.s, i}, currencies, COUNT(currencies));
    i -= coin;
    size_t sign = tail_in((rz_slice){t.s, i}, signs, COUNT(signs));
    bool between_values = i > sign && (word_byte(t.s[i - sign - 1]) || t.s[i - sign - 1] == ')');
    if (!sign || between_values) return i;
    i -= sign;
    return coin ? i : i - tail_in((rz_slice){t.s, i}, currencies, COUNT(currencies));
}

bool rz_number_last(rz_slice t, rz_span *span)
{
    bool any = false;
    for (size_t i = 0; i < t.len;) {
        if (!digit(t.s[i]) && !(t.s[i] == '.' && i + 1 < t.len && digit(t.s[i + 1]))) {
            i++;
            continue;
        }
        size_t from = number_start(t, i);
        bool in_word = from == i && i && word_byte(t.s[i - 1]), whole;
        size_t end = number_end(t, i, &whole);
        while (!whole) { /* all of "3.11.2" is skipped, not only its head */
            bool more;
            end = number_end(t, end + 1, &more);
            if (more) break;
        }
        if (whole && !in_word) *span = (rz_span){from, end}, any = true;
        i = end;
    }
    return any;
}
