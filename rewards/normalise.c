/* What is done to an answer and to the gold before they are compared. Each step is one pass over the text; a row of the table is a step. */
#include "rewards/compare.h"
#include "rewards/python.h"
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool starts(rz_slice t, const char *with) { return t.len >= strlen(with) && memcmp(t.s, with, strlen(with)) == 0; }
static bool ends(rz_slice t, const char *with) { return t.len >= strlen(with) && memcmp(t.s + t.len - strlen(with), with, strlen(with)) == 0; }
static rz_slice inside(rz_slice t, size_t head, size_t tail) { return (rz_slice){t.s + head, t.len - head - tail}; }

/* The first bytes of a text, without what lies between `from` and `to`. */
static rz_slice without(rz_arena *scratch, rz_slice t, size_t from, size_t to)
{
    char *copy = RZ_NEW(scratch, t.len, char);
    memcpy(copy, t.s, from);
    memcpy(copy + from, t.s + to, t.len - to);
    return (rz_slice){copy, t.len - (to - from)};
}

static rz_slice trim(rz_arena *scratch, rz_slice t)
{
    (void)scratch;
    return rz_trim(t);
}

static rz_slice collapse_spaces(rz_arena *scratch, rz_slice t)
{
    char *copy = RZ_NEW(scratch, t.len + 1, char);
    size_t to = 0;
    for (size_t i = 0; i < t.len; i++) {
        bool space = rz_is_space(t.s[i]);
        if (space && to && copy[to - 1] == ' ') continue;
        copy[to++] = space ? ' ' : t.s[i];
    }
    return (rz_slice){copy, to};
}

/* ---- numbers ---- */

static size_t sign_at(rz_slice t) { return t.len && (t.s[0] == '-' || t.s[0] == '+'); }

static rz_slice ascii_minus(rz_arena *scratch, rz_slice t)
{
    if (!starts(t, "\u2212")) return t;
    rz_slice rest = inside(t, strlen("\u2212"), 0);
    char *copy = RZ_NEW(scratch, rest.len + 1, char);
    copy[0] = '-';
    memcpy(copy + 1, rest.s, rest.len);
    return (rz_slice){copy, rest.len + 1};
}

static rz_slice drop_currency(rz_arena *scratch, rz_slice t)
{
    size_t sign = sign_at(t), n = rz_currency_at(inside(t, sign, 0));
    return !n ? t : sign ? without(scratch, t, sign, sign + n) : inside(t, n, 0);
}

static rz_slice drop_final_dot(rz_arena *scratch, rz_slice t)
{
    (void)scratch;
    return t.len > 1 && t.s[t.len - 1] == '.' && t.s[t.len - 2] != '.' ? inside(t, 0, 1) : t;
}

static rz_slice drop_us_commas(rz_arena *scratch, rz_slice t)
{
    size_t from = sign_at(t);
    from += rz_currency_at(inside(t, from, 0));
    size_t n = rz_thousands_at(inside(t, from, 0)), to = from;
    if (!n || (from + n < t.len && t.s[from + n] != '.')) return t; /* "1,234 apples" is no number: leave it as it is */
    char *copy = RZ_NEW(scratch, t.len, char);
    memcpy(copy, t.s, from);
    for (size_t i = from; i < t.len; i++)
        if (t.s[i] != ',') copy[to++] = t.s[i];
    return (rz_slice){copy, to};
}

static rz_slice drop_percent(rz_arena *scratch, rz_slice t)
{
    (void)scratch;
    if (!ends(t, "%")) return t;
    t = inside(t, 0, ends(t, "\\%") ? 2 : 1);
    return rz_trim(t);
}

/* Bytes of a number, or fraction, that the text begins with. */
static size_t number_at(rz_slice t)
{
    size_t i = sign_at(t), from;
    i += rz_currency_at(inside(t, i, 0));
    size_t n = rz_thousands_at(inside(t, i, 0));
    from = i += n;
    while (i < t.len && digit(t.s[i])) i++;
    if (i == from && !n) return 0;
    for (int part = 0; part < 2; part++) /* a decimal point, a slash */
        if (i + 1 < t.len && t.s[i] == "./"[part] && digit(t.s[i + 1]))
            for (i++; i < t.len && digit(t.s[i]);) i++;
    return i;
}

static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }

/* One word behind a number is what is counted, unless it says how much: "12 apples", "5cm", not "5 thousand", "36 or 37". */
static rz_slice drop_unit(rz_arena *scratch, rz_slice t)
{
    static const char *const amounts[] = {"hundred", "thousand", "million", "billion", "trillion", "dozen", "k", "e", "squared", "cubed", "percent", "half", "halves",
                                          "third", "thirds", "quarter", "quarters", "or", "and", "to", "x", "times", "pi", "i", "th", "st", "nd", "rd", "mod", "factorial"};
    size_t n = number_at(t), i = n;
    if (!n) return t;
    while (i < t.len && rz_is_space(t.s[i])) i++;
    rz_slice word = inside(t, i, 0);
    if (ends(word, ".")) word.len--;
    if (starts(word, "\\text{") && ends(word, "}")) word = rz_trim(inside(word, strlen("\\text{"), 1));
    if (!word.len || word.len > 32) return t;
    for (size_t k = 0; k < word.len; k++)
        if (!letter(word.s[k])) return t;
    rz_slice small = rz_python_lower(scratch, word);
    for (size_t k = 0; k < COUNT(amounts); k++)
        if (small.len == strlen(amounts[k]) && starts(small, amounts[k])) return t;
    return inside(t, 0, t.len - n);
}

/* ---- what is written around an answer ---- */

enum { MAX_WRAPPERS = 16 };

/* Whether the brace that opens at the text's start closes at its end, and none is left over. */
static bool one_braced(rz_slice t)
{
    int depth = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.s[i] == '\\') {
            i++;
            continue;
        }
        depth += (t.s[i] == '{') - (t.s[i] == '}');
        if (depth == 0) return i == t.len - 1;
    }
    return false;
}

static bool strip_one_latex(rz_slice *t)
{
    static const char *const pairs[][2] = {{"$$", "$$"}, {"$", "$"}, {"\\(", "\\)"}, {"\\[", "\\]"}};
    static const char *const commands[] = {"\\text", "\\textbf", "\\mathrm", "\\mathbf", "\\boxed", "\\fbox", "\\displaystyle"};
    for (size_t i = 0; i < COUNT(pairs); i++) {
        size_t a = strlen(pairs[i][0]), b = strlen(pairs[i][1]);
        rz_slice in = {t->s + a, t->len - a - b};
        if (t->len <= a + b || !starts(*t, pairs[i][0]) || !ends(*t, pairs[i][1])) continue;
        if (pairs[i][0][0] == '$' && memchr(in.s, '$', in.len)) continue; /* "$a$ and $b$" is no single formula */
        *t = rz_trim(in);
        return true;
    }
    for (size_t i = 0; i < COUNT(commands); i++) {
        size_t n = strlen(commands[i]);
        if (!starts(*t, commands[i]) || t->len < n + 2 || (t->s[n] != '{' && t->s[n] != ' ')) continue;
        rz_slice rest = rz_trim(inside(*t, n, 0));
        if (!rest.len || (rest.s[0] == '{' && !one_braced(rest)) || (rest.s[0] != '{' && i != COUNT(commands) - 1)) continue;
        *t = rest.s[0] == '{' ? rz_trim(inside(rest, 1, 1)) : rest;
        return true;
    }
    return false;
}

static rz_slice strip_latex(rz_arena *scratch, rz_slice t)
{
    (void)scratch;
    t = rz_trim(t);
    for (int i = 0; i < MAX_WRAPPERS && strip_one_latex(&t);) i++;
    return t;
}

/* Takes off what stands at both ends, once each: the longer marks come first. */
static rz_slice strip_marks(rz_slice t, const char *const *marks, size_t n)
{
    t = rz_trim(t);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(marks[i]);
        if (t.len > 2 * len && starts(t, marks[i]) && ends(t, marks[i])) t = rz_trim(inside(t, len, len));
    }
    return t;
}

static rz_slice drop_markdown(rz_arena *scratch, rz_slice t)
{
    static const char *const marks[] = {"***", "**", "__", "*", "_", "`"};
    (void)scratch;
    return strip_marks(t, marks, COUNT(marks));
}

static rz_slice drop_quotes(rz_arena *scratch, rz_slice t)
{
    static const char *const marks[] = {"\"", "'"};
    (void)scratch;
    t = strip_marks(t, marks, COUNT(marks));
    return t.len > 6 && starts(t, "\u201c") && ends(t, "\u201d") ? rz_trim(inside(t, 3, 3)) : t;
}

/* (B), [B], and B) as lists write it. */
static rz_slice drop_brackets(rz_arena *scratch, rz_slice t)
{
    (void)scratch;
    t = rz_trim(t);
    if (t.len > 2 && ((t.s[0] == '(' && ends(t, ")")) || (t.s[0] == '[' && ends(t, "]")))) return rz_trim(inside(t, 1, 1));
    return t.len > 1 && ends(t, ")") && !memchr(t.s, '(', t.len) ? rz_trim(inside(t, 0, 1)) : t;
}

const rz_normaliser rz_normalisers[] = {
    {"trim", "white space at both ends goes", trim},
    {"collapse_spaces", "each run of white space becomes one blank", collapse_spaces},
    {"lower", "lower case, as Python's str.lower()", rz_python_lower},
    {"number: us", "1,234.5 becomes 1234.5; 12,34 stays what it is", drop_us_commas},
    {"currency: drop", "$42, -$42, \u20ac42, \u00a342, \\$42 become 42, -42", drop_currency},
    {"minus: unicode", "U+2212 at the start becomes -", ascii_minus},
    {"final_dot: drop", "42. becomes 42; ... stays", drop_final_dot},
    {"percent: drop", "50% and 50\\% become 50", drop_percent},
    {"unit: drop", "one word behind a number goes, unless it says how much: 12 apples, 5cm, 5 \\text{cm}; 5 thousand and 36 or 37 stay", drop_unit},
    {"markdown: drop", "**42**, *42*, `42` become 42", drop_markdown},
    {"quotes: drop", "\"42\", '42', \u201c42\u201d become 42", drop_quotes},
    {"brackets: drop", "(B), [B] and B) become B", drop_brackets},
    {"strip_latex_wrappers", "$42$, \\(42\\), \\[42\\], \\text{42}, \\boxed{42} become 42", strip_latex},
};
const int rz_n_normalisers = COUNT(rz_normalisers);

const rz_normaliser *rz_normaliser_find(const char *name)
{
    for (int i = 0; i < rz_n_normalisers; i++)
        if (strcmp(rz_normalisers[i].name, name) == 0) return &rz_normalisers[i];
    return NULL;
}
