/* prm800k's grade_answer (grade_answer.h): equal in the normal form of MATH, or in one of its own, or a difference that sympy simplifies to 0, part by part of a tuple.
 * Fractions have to be reduced as the gold is, and what is an integer on one side has to be one on the other. */
#include "rewards/grade_answer.h"
#include "rewards/latex_text.h"
#include "rewards/math_sympy.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const rz_grader rz_grader_prm800k = {RZ_HENDRYCKS_ORIGINAL, false, false};
const rz_grader rz_grader_oat = {RZ_HENDRYCKS_OAT, false, false};
const rz_grader rz_grader_mathruler = {RZ_HENDRYCKS_MATHRULER, false, false};
const rz_grader rz_grader_prime = {RZ_HENDRYCKS_VERL, true, true};

/* ---- the normal form ---- */

static bool is_digit(rz_slice t, size_t at) { return at < t.len && t.s[at] >= '0' && t.s[at] <= '9'; }

static size_t blanks_end(rz_slice t, size_t at)
{
    while (at < t.len && t.s[at] == ' ') at++;
    return at;
}

/* The unit with its plural, blanks and an exponent behind it, wherever it stands. */
static rz_slice drop_unit(rz_arena *a, rz_slice t, const char *unit)
{
    size_t done = 0, at = 0, n = strlen(unit), digits;
    if (!rz_slice_has(t, unit)) return t;
    rz_builder b = rz_build(a, t.len);
    while ((at = rz_python_find(t, unit, at)) != SIZE_MAX) {
        rz_build_add(&b, rz_slice_cut(t, done, at));
        at += n;
        if (rz_python_starts(rz_python_from(t, at), "es")) at += 2;
        if (at < t.len && t.s[at] == 's') at++;
        at = blanks_end(t, at);
        digits = at + 1;
        while (is_digit(t, digits)) digits++;
        if (at < t.len && t.s[at] == '^' && digits > at + 1) at = digits;
        done = at;
    }
    rz_build_add(&b, rz_python_from(t, done));
    return rz_built(&b);
}

/* "before" and blanks, and then "after": out of the text, or "by" in their place. */
static rz_slice squeeze(rz_arena *a, rz_slice t, const char *before, const char *after, const char *by)
{
    size_t done = 0, at = 0, end;
    if (!rz_slice_has(t, before)) return t;
    rz_builder b = rz_build(a, t.len);
    while ((at = rz_python_find(t, before, at)) != SIZE_MAX) {
        end = blanks_end(t, at + strlen(before));
        if (!rz_python_starts(rz_python_from(t, end), after)) {
            at++;
            continue;
        }
        rz_build_add(&b, rz_slice_cut(t, done, at));
        rz_build_text(&b, by);
        done = at = end + strlen(after);
    }
    rz_build_add(&b, rz_python_from(t, done));
    return rz_built(&b);
}

/* 7 3/4 → 7+3/4: blanks between digits. A digit is the end of one such pair or the beginning of another, not both. */
static rz_slice add_mixed(rz_arena *a, rz_slice t)
{
    rz_builder b = rz_build(a, t.len);
    for (size_t i = 0, end; i < t.len;) {
        end = is_digit(t, i) ? blanks_end(t, i + 1) : i + 1; /* looked for behind digits only, so that blanks are passed over once */
        bool pair = end > i + 1 && is_digit(t, end);
        rz_build_add(&b, rz_slice_cut(t, i, i + 1));
        if (pair) {
            rz_build_text(&b, "+");
            rz_build_add(&b, rz_slice_cut(t, end, end + 1));
        }
        i = pair ? end + 1 : i + 1;
    }
    return rz_built(&b);
}

static bool digit_at(rz_slice t, size_t at, size_t *n) { return at < t.len && rz_python_digit(rz_python_char(t, at, n)) >= 0; }

/* A digit, ",", three digits, and no digit: the end of these, or `at`. */
static size_t thousand_end(rz_slice t, size_t at, size_t *comma)
{
    size_t i = at, n;
    if (!digit_at(t, i, &n)) return at;
    *comma = i += n;
    if (i >= t.len || t.s[i] != ',') return at;
    i++;
    for (int k = 0; k < 3; k++, i += n)
        if (!digit_at(t, i, &n)) return at;
    if (digit_at(t, i, &n)) return at;
    return i + rz_char_size(t, i);
}

/* Commas of thousands go, as long as that finds any: what follows one group is spent, so that a second pass finds more, and a third none. */
static rz_slice drop_thousands(rz_arena *a, rz_slice t)
{
    for (bool changed = true; changed && memchr(t.s, ',', t.len);) {
        rz_builder b = rz_build(a, t.len);
        changed = false;
        for (size_t i = 0, end, comma; i < t.len;) {
            end = thousand_end(t, i, &comma);
            if (end > i) {
                rz_build_add(&b, rz_slice_cut(t, i, comma));
                rz_build_add(&b, rz_slice_cut(t, comma + 1, end));
                changed = true;
            } else {
                end = i + rz_char_size(t, i);
                rz_build_add(&b, rz_slice_cut(t, i, end));
            }
            i = end;
        }
        t = rz_built(&b);
    }
    return t;
}

static bool is_whole(double x) { return isfinite(x) && fabs(x - rint(x)) <= 1e-7; }

static bool is_integer(rz_arena scratch, rz_slice t)
{
    double x;
    return rz_python_float(&scratch, drop_thousands(&scratch, t), &x) && is_whole(x);
}

static rz_slice whole_text(rz_arena *a, double x)
{
    char text[340];
    int n = snprintf(text, sizeof text, "%.0f", x == 0 ? 0 : x); /* exact; −0 is 0 */
    return (rz_slice){rz_arena_strndup(a, text, (size_t)n), (size_t)n};
}

static rz_slice to_plain_text(rz_arena *a, rz_slice t)
{
    static const rz_swap before[] = {{"\\tfrac", "\\frac"}, {"\\dfrac", "\\frac"}, {"\\frac", " \\frac"}};
    static const rz_swap after[] = {{"√", "sqrt"}, {"π", "pi"}, {"∞", "inf"}, {"∪", "U"}, {"·", "*"}, {"×", "*"}};
    rz_slice text;
    if (!rz_slice_has(t, "\\") || !rz_latex_text(a, rz_swap_all(a, t, before, 3), &text)) return t;
    return rz_python_strip(rz_swap_all(a, text, after, 6));
}

rz_slice rz_grade_normal(rz_arena *a, const rz_grader *g, rz_slice t)
{
    static const rz_swap words[] = {{"\\%", "%"}, {"\\$", "$"}, {"$", ""}, {"%", ""}, {" or ", " , "}, {" and ", " , "}, {"million", "*10^6"}, {"billion", "*10^9"},
                                    {"trillion", "*10^12"}};
    static const char *const units[] = {"degree", "cm", "centimeter", "meter", "mile", "second", "minute", "hour", "day", "week", "month", "year", "foot", "feet", "inch",
                                        "yard", "liter"};
    static const rz_swap braces[] = {{" ", ""}, {"{", ""}, {"}", ""}};
    double x;
    rz_whole_text_macro(t, &t);
    t = rz_swap_all(a, t, words, sizeof words / sizeof *words);
    for (size_t i = 0; i < sizeof units / sizeof *units - !g->liters; i++) t = drop_unit(a, t, units[i]);
    t = squeeze(a, t, "^", "\\circ", "");
    if (t.len > 1 && t.s[0] == '{' && t.s[t.len - 1] == '}') t = rz_slice_cut(t, 1, t.len - 1);
    t = squeeze(a, t, ",\\!", "", "");
    if (rz_python_float(a, t, &x) && is_whole(x)) t = whole_text(a, rint(x));
    t = add_mixed(a, squeeze(a, to_plain_text(a, t), "-", "", "-"));
    if (!g->keeps_blanks) t = rz_swap_all(a, t, braces, 3);
    t = rz_python_lower(a, t);
    if (is_integer(*a, t) && rz_python_float(a, rz_swap_all(a, t, &(rz_swap){",", ""}, 1), &x)) t = whole_text(a, trunc(x));
    return t;
}

/* ---- comparing ---- */

/* 0*[1-9][0-9]*.?$ at `at` */
static bool is_denominator(rz_slice t, size_t at)
{
    bool positive = false;
    for (; is_digit(t, at); at++) positive |= t.s[at] != '0';
    if (!positive) return false;
    if (at < t.len && t.s[at] != '\n') at += rz_char_size(t, at);
    return at == t.len || (at + 1 == t.len && t.s[at] == '\n');
}

/* ^-?[0-9]+.?/0*[1-9][0-9]*.?$ */
static bool is_fraction(rz_slice t)
{
    size_t i = t.len && t.s[0] == '-', start = i;
    while (is_digit(t, i)) i++;
    if (i == start || i >= t.len) return false;
    if (t.s[i] == '/' && is_denominator(t, i + 1)) return true;
    size_t slash = i + rz_char_size(t, i);
    return t.s[i] != '\n' && slash < t.len && t.s[slash] == '/' && is_denominator(t, slash + 1);
}

/* At most two letters, no exponent in braces or parentheses or of several digits, no powers of powers: what else there is, the original does not dare to ask sympy. */
static bool is_tame(rz_arena *a, rz_slice x, rz_slice y)
{
    static const rz_swap names[] = {{"sqrt", ""}, {"frac", ""}};
    rz_slice t = rz_concat(a, (rz_slice[]){rz_slice_of("("), x, rz_slice_of(")-("), y, rz_slice_of(")")}, 5);
    int32_t letters[2] = {0};
    for (size_t at = 0; (at = rz_python_find(t, "^", at)) != SIZE_MAX; at++)
        if (at + 2 < t.len && ((t.s[at + 1] && strchr("{(", t.s[at + 1])) || (is_digit(t, at + 1) && (is_digit(t, at + 2) || t.s[at + 2] == '^')))) return false;
    rz_slice bare = rz_swap_all(a, t, names, 2);
    for (size_t i = 0, n; i < bare.len; i += n) {
        int32_t c = rz_python_char(bare, i, &n);
        if (!rz_python_is_alpha(c) || c == letters[0] || c == letters[1]) continue;
        if (letters[1]) return false;
        letters[letters[0] != 0] = c;
    }
    return true;
}

static rz_grade grade_part(rz_arena scratch, rz_slice given, rz_slice gold, long *work)
{
    if (is_fraction(gold) && is_fraction(given)) return rz_python_equal(gold, given) ? RZ_GRADE_RIGHT : RZ_GRADE_WRONG;
    if (is_integer(scratch, gold) != is_integer(scratch, given)) return RZ_GRADE_WRONG;
    if (!is_tame(&scratch, gold, given)) return RZ_GRADE_WRONG;
    if (rz_sympy_equal(scratch, gold, given, work)) return RZ_GRADE_RIGHT;
    return *work > 0 ? RZ_GRADE_WRONG : RZ_GRADE_LIMIT;
}

static bool is_bracket(char c) { return c && strchr("()[]", c); }

/* Without its brackets, if it is a tuple or an interval: the text's commas part it then. */
static bool open_tuple(rz_slice *t)
{
    if (rz_python_len(*t) <= 2 || !is_bracket(t->s[0]) || !is_bracket(t->s[t->len - 1])) return false;
    for (size_t i = 1; i + 1 < t->len; i++)
        if (is_bracket(t->s[i])) return false;
    *t = rz_slice_cut(*t, 1, t->len - 1);
    return true;
}

static rz_grade grade_parts(rz_arena scratch, rz_slice given, rz_slice gold, long *work)
{
    rz_slice x = drop_thousands(&scratch, given), y = drop_thousands(&scratch, gold), part, other;
    bool x_is_tuple = open_tuple(&x), y_is_tuple = open_tuple(&y);
    size_t n_x = x_is_tuple ? rz_python_count(x, ",") + 1 : 1, n_y = y_is_tuple ? rz_python_count(y, ",") + 1 : y.len > 0, at = 0, other_at = 0;
    size_t first_x = rz_char_size(given, 0), first_y = rz_char_size(gold, 0), n;
    if (n_x != n_y) return RZ_GRADE_WRONG;
    if (n_y > 1 && (!rz_python_equal(rz_slice_cut(given, 0, first_x), rz_slice_cut(gold, 0, first_y)) ||
                    rz_python_char_before(given, given.len, &n) != rz_python_char_before(gold, gold.len, &n))) return RZ_GRADE_WRONG;
    for (size_t i = 0; i < n_y; i++) {
        if (x_is_tuple) rz_python_piece(x, ",", &at, &part);
        if (y_is_tuple) rz_python_piece(y, ",", &other_at, &other);
        rz_grade grade = grade_part(scratch, x_is_tuple ? rz_python_strip(part) : x, y_is_tuple ? rz_python_strip(other) : y, work);
        if (grade != RZ_GRADE_RIGHT) return grade;
    }
    return RZ_GRADE_RIGHT;
}

rz_grade rz_grade_answer(rz_arena scratch, const rz_grader *g, rz_slice given, rz_slice gold, long *work)
{
    rz_slice x = rz_hendrycks_normal(&scratch, given, g->dialect), y = rz_hendrycks_normal(&scratch, gold, g->dialect);
    if (rz_python_equal(x, y)) return RZ_GRADE_RIGHT;
    x = rz_grade_normal(&scratch, g, given);
    y = rz_grade_normal(&scratch, g, gold);
    if (rz_python_equal(x, y)) return RZ_GRADE_RIGHT;
    return x.len == 0 ? RZ_GRADE_WRONG : grade_parts(scratch, x, y, work);
}
