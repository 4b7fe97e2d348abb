#include "rewards/number.h"
#include "rewards/math_rule.h"
#include "rewards/verify.h"
#include <string.h>

bool rz_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool digit(char c) { return c >= '0' && c <= '9'; }

rz_slice rz_trim(rz_slice t)
{
    while (t.len && rz_is_space(t.s[0])) t.s++, t.len--;
    while (t.len && rz_is_space(t.s[t.len - 1])) t.len--;
    return t;
}

/* ---- normalisers ---- */

static void trim(char *s, size_t *len)
{
    rz_slice t = rz_trim((rz_slice){s, *len});
    memmove(s, t.s, t.len);
    *len = t.len;
}

static void collapse_spaces(char *s, size_t *len)
{
    size_t to = 0;
    for (size_t i = 0; i < *len; i++) {
        bool space = rz_is_space(s[i]);
        if (space && to && s[to - 1] == ' ') continue;
        s[to++] = space ? ' ' : s[i];
    }
    *len = to;
}

static const char *const currencies[] = {"\\$", "$", "\u20ac", "\u00a3"};
static const char *const signs[] = {"-", "+", "\u2212", "\u2013", "\uff0d"}; /* the last three: minus, en dash, full-width hyphen */

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Bytes of the word of the list that begins at the text's start, or 0. */
static size_t head_in(rz_slice t, const char *const *list, size_t n_list)
{
    for (size_t i = 0; i < n_list; i++) {
        size_t n = strlen(list[i]);
        if (t.len >= n && memcmp(t.s, list[i], n) == 0) return n;
    }
    return 0;
}

/* The same at the text's end. */
static size_t tail_in(rz_slice t, const char *const *list, size_t n_list)
{
    for (size_t i = 0; i < n_list; i++) {
        size_t n = strlen(list[i]);
        if (t.len >= n && memcmp(t.s + t.len - n, list[i], n) == 0) return n;
    }
    return 0;
}

static size_t currency(rz_slice t) { return head_in(t, currencies, COUNT(currencies)); }

static void ascii_minus(char *s, size_t *len)
{
    if (*len < 3 || memcmp(s, "\u2212", 3) != 0) return;
    s[0] = '-';
    memmove(s + 1, s + 3, *len - 3);
    *len -= 2;
}

static void drop_currency(char *s, size_t *len)
{
    size_t sign = *len && (s[0] == '-' || s[0] == '+');
    size_t n = currency((rz_slice){s + sign, *len - sign});
    memmove(s + sign, s + sign + n, *len - sign - n);
    *len -= n;
}

static void drop_final_dot(char *s, size_t *len)
{
    if (*len > 1 && s[*len - 1] == '.' && s[*len - 2] != '.') --*len;
}

/* Bytes of "1,234,567" at the start (at least one comma, no digit or comma after it), or 0. */
static size_t grouped(rz_slice t)
{
    size_t i = 0;
    while (i < t.len && i < 4 && digit(t.s[i])) i++;
    if (i == 0 || i > 3 || i == t.len || t.s[i] != ',') return 0;
    while (t.len - i >= 4 && t.s[i] == ',' && digit(t.s[i + 1]) && digit(t.s[i + 2]) && digit(t.s[i + 3])) i += 4;
    if (i < 4 || (i < t.len && digit(t.s[i]))) return 0;
    if (t.len - i >= 2 && t.s[i] == ',' && digit(t.s[i + 1])) return 0;
    return i;
}

static void drop_us_commas(char *s, size_t *len)
{
    size_t from = 0;
    if (*len && (s[0] == '-' || s[0] == '+')) from++;
    from += currency((rz_slice){s + from, *len - from});
    size_t n = grouped((rz_slice){s + from, *len - from}), to = from;
    if (!n || (from + n < *len && s[from + n] != '.')) return; /* "1,234 apples" is no number: leave it as it is */
    for (size_t i = from; i < *len; i++)
        if (s[i] != ',') s[to++] = s[i];
    *len = to;
}

const rz_normaliser rz_normalisers[] = {
    {"trim", trim},                       /* white space at both ends */
    {"collapse_spaces", collapse_spaces}, /* each run of white space becomes one blank */
    {"number: us", drop_us_commas},       /* 1,234.5 becomes 1234.5; 12,34 stays what it is */
    {"currency: drop", drop_currency},    /* $42, -$42, €42, £42, \$42 */
    {"minus: unicode", ascii_minus},      /* U+2212 at the start becomes - */
    {"final_dot: drop", drop_final_dot},  /* 42. becomes 42; ... stays */
};
const int rz_n_normalisers = COUNT(rz_normalisers);

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
    size_t n = grouped((rz_slice){t.s + i, t.len - i});
    i = n ? i + n : digits_end(t, i);
    if (t.len - i >= 2 && t.s[i] == '.' && digit(t.s[i + 1])) i = digits_end(t, i + 1);
    if (i < t.len && (t.s[i] == 'e' || t.s[i] == 'E')) {
        size_t at = i + 1;
        if (at < t.len && (t.s[at] == '-' || t.s[at] == '+')) at++;
        if (digits_end(t, at) > at) i = digits_end(t, at);
    }
    if (t.len - i >= 2 && t.s[i] == '/' && digit(t.s[i + 1])) i = digits_end(t, i + 1);
    bool glued = t.len - i >= 2 && t.s[i] && strchr(".,-/", t.s[i]) && digit(t.s[i + 1]); /* 3.11.2, 12,34, 2024-01, 1/2/2024 */
    *whole = !glued;
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

/* ---- comparers ---- */

static rz_verdict verdict(bool equal) { return equal ? RZ_EQUAL : RZ_DIFFERENT; }

static rz_verdict compare_string(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    (void)env;
    return verdict(found.len == gold.len && memcmp(found.s, gold.s, gold.len) == 0);
}

static rz_verdict compare_casefold(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    size_t gap = strlen(RZ_PARTING), len = found.len + gap + gold.len;
    char *both = RZ_NEW(env->scratch, len, char);
    memcpy(both, found.s, found.len);
    memcpy(both + found.len, RZ_PARTING, gap);
    memcpy(both + found.len + gap, gold.s, gold.len);
    return verdict(rz_pattern_match(env->fold, env->matcher, both, len, 0, NULL, 0) == RZ_MATCH);
}

static rz_verdict compare_decimal(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    rz_decimal a, b;
    if (!rz_decimal_read(gold, env->scratch, &b)) return RZ_GOLD_UNREADABLE;
    if (!rz_decimal_read(found, env->scratch, &a)) return RZ_FOUND_UNREADABLE;
    return verdict(rz_decimal_equal(&a, &b));
}

static bool is_int(rz_slice t)
{
    size_t sign = t.len && (t.s[0] == '-' || t.s[0] == '+');
    return t.len > sign && digits_end(t, sign) == t.len;
}

static rz_verdict compare_int(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    if (!is_int(gold)) return RZ_GOLD_UNREADABLE;
    if (!is_int(found)) return RZ_FOUND_UNREADABLE;
    return compare_decimal(env, found, gold, options);
}

static rz_verdict compare_rational(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    (void)options;
    rz_rational a, b;
    if (!rz_rational_read(gold, env->scratch, &b)) return RZ_GOLD_UNREADABLE;
    if (!rz_rational_read(found, env->scratch, &a)) return RZ_FOUND_UNREADABLE;
    return verdict(a.num == b.num && a.den == b.den);
}

const rz_comparer rz_comparers[] = {
    {"string", "a text", NULL, compare_string, NULL},
    {"casefold", "a text", NULL, compare_casefold, NULL},
    {"int", "an integer", NULL, compare_int, NULL},
    {"decimal", "a decimal number", NULL, compare_decimal, NULL},
    {"rational", "a fraction or a decimal number of at most 38 digits", NULL, compare_rational, NULL},
    {"math", "a mathematical expression", RZ_MATH_OPTIONS, rz_math_rule_compare, rz_math_rule_check},
};
const int rz_n_comparers = COUNT(rz_comparers);
