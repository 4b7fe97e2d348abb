/* PRIME's math_equal (prime_equal.h). Where the original asks sympy, the ladder of mathematical equality answers, and Python's arithmetic for what is a number. */
#include "rewards/prime_equal.h"
#include "rewards/latex_text.h"
#include "rewards/math.h"
#include "rewards/python_eval.h"
#include <math.h>
#include <string.h>

enum { MAX_FOUND = 1000 /* characters of an answer that are looked at */, MAX_PARTS_DEEP = 4, ASKED = 1000 /* units of work that a comparison by the ladder costs at least */ };

typedef struct {
    const char *pi;
    int depth;
    long *work;
} prime;

typedef struct { rz_slice text; bool is_number; } value;

static size_t number_end(rz_slice t, size_t at)
{
    size_t i = at, n;
    while (i < t.len && rz_python_digit(rz_python_char(t, i, &n)) >= 0) i += n;
    if (i == at || i >= t.len || t.s[i] != '.') return i;
    size_t point = i++;
    while (i < t.len && rz_python_digit(rz_python_char(t, i, &n)) >= 0) i += n;
    return i > point + 1 ? i : point;
}

static value evaluated(rz_arena *a, rz_slice t)
{
    rz_python_eval_result r;
    rz_python_eval_near(t, (rz_python_target){0}, 0, &r);
    if (r.raises) return (value){t, false};
    size_t n = strlen(r.value);
    return (value){{rz_arena_strndup(a, r.value, n), n}, true};
}

/* $5 and 5% as 5, 11_2 as 11, \pi as a number, and a text that is arithmetic then as what it makes. False: the original raises. */
static bool normal(const prime *p, rz_arena *a, rz_slice t, value *out)
{
    static const rz_swap percent[] = {{"\\%", ""}, {"%", ""}};
    size_t end = number_end(t, 0), base = rz_python_find(t, "_", 0);
    rz_slice rest = rz_python_from(t, end);
    double x;
    *out = (value){t, false};
    if (rz_python_starts(t, "$") && number_end(t, 1) > 1) {
        out->text = rz_python_from(t, 1);
        return true;
    }
    if (end && (rz_slice_is(rest, "%") || rz_slice_is(rest, "\\%") || rz_slice_is(rest, "%\n") || rz_slice_is(rest, "\\%\n"))) {
        out->text = rz_swap_all(a, t, percent, 2);
        return true;
    }
    if (base != SIZE_MAX) {
        if (!rz_python_float(a, rz_slice_cut(t, 0, base), &x) || !(fabs(x) < 1e15)) return false;
        char text[32];
        rz_python_float_text(trunc(x), text);
        size_t n = strcspn(text, ".");
        *out = (value){{rz_arena_strndup(a, text, n), n}, true};
        return true;
    }
    if (!rz_slice_has(t, "\\pi")) return true;
    rz_builder b = rz_build(a, t.len + 24 * rz_python_count(t, "\\pi"));
    size_t done = 0, n;
    for (size_t at = 0; (at = rz_python_find(t, "\\pi", at)) != SIZE_MAX; done = at += 3) {
        bool digit = at > 0 && rz_python_is_digit(rz_python_char_before(t, at, &n));
        rz_build_add(&b, rz_slice_cut(t, done, at));
        rz_build_text(&b, digit ? "*" : "1*");
        rz_build_text(&b, p->pi);
    }
    rz_build_add(&b, rz_python_from(t, done));
    *out = evaluated(a, rz_built(&b));
    return true;
}

static bool close_to(double x, double y) { return x == y || (isfinite(x) && isfinite(y) && fabs(x - y) <= 1e-4 * fmax(fabs(x), fabs(y))); }

static bool as_digit(rz_arena *a, rz_slice t, double *x)
{
    rz_swap out = {rz_slice_has(t, "{,}") ? "{,}" : ",", ""};
    return rz_python_float(a, rz_swap_all(a, t, &out, 1), x);
}

/* The number that a text without letters makes, fractions in LaTeX included. */
static bool as_arithmetic(rz_arena *a, rz_slice t, double *x)
{
    static const rz_swap sizes[] = {{"\\dfrac", "\\frac"}, {"\\tfrac", "\\frac"}};
    rz_slice plain;
    if (!rz_latex_text(a, rz_swap_all(a, t, sizes, 2), &plain)) return false;
    value v = evaluated(a, rz_python_strip(plain));
    return v.is_number && rz_python_float(a, v.text, x);
}

/* The point of a sentence at the end: sympy's parse_latex passes over it, behind a plain number or LaTeX, but its parse_expr reads no such text. False for what neither reads. */
static bool drop_point(rz_arena *a, rz_slice *t)
{
    double x;
    if (!rz_python_ends(*t, ".")) return true;
    t->len--;
    if (rz_slice_has(*t, "\\begin") || rz_slice_has(*t, "\\overline") || rz_python_starts(*t, ".")) return false;
    return rz_slice_has(*t, "\\") || (!rz_slice_has(*t, "e") && rz_python_float(a, *t, &x));
}

static bool symbolic(prime *p, rz_arena *a, rz_slice x, rz_slice y)
{
    double u, v;
    if (rz_slice_has(x, "%") || rz_slice_has(y, "%") || rz_slice_has(x, "$") || rz_slice_has(y, "$")) return false; /* sympy reads neither */
    if (as_arithmetic(a, x, &u) && as_arithmetic(a, y, &v)) return close_to(u, v);
    if (rz_slice_has(x, "\\boxed") || rz_slice_has(y, "\\boxed")) return false;
    if (!drop_point(a, &x) || !drop_point(a, &y)) return false;
    if ((*p->work -= ASKED) <= 0) return false;
    rz_math_options o = rz_math_strict;
    rz_math_report why;
    o.work = *p->work;
    rz_math_equal(a, x, y, &o, &why);
    *p->work -= why.work;
    return why.verdict == RZ_MATH_EQUAL;
}

static bool equal(prime *p, rz_arena *a, rz_slice found, rz_slice gold);

/* Piece by piece; false when there are not equally many. */
static bool equal_parts(prime *p, rz_arena *a, rz_slice x, rz_slice y, bool strip)
{
    size_t at = 0, other_at = 0;
    rz_slice part, other;
    if (rz_python_count(x, ",") != rz_python_count(y, ",")) return false;
    while (rz_python_piece(x, ",", &at, &part) && rz_python_piece(y, ",", &other_at, &other))
        if (!equal(p, a, strip ? rz_python_strip(part) : part, strip ? rz_python_strip(other) : other)) return false;
    return true;
}

/* Interval(1, 2) and its kin, as sympy prints them. */
static rz_slice interval(rz_arena *a, rz_slice t)
{
    static const struct { const char *name, *open, *close; } kinds[] = {{"Interval(", "[", "]"}, {"Interval.Ropen(", "[", ")"}, {"Interval.Lopen(", "(", "]"}, {"Interval.open(", "(", ")"}};
    for (int i = 0; i < 4; i++)
        if (rz_python_starts(t, kinds[i].name) && rz_python_ends(t, ")"))
            return rz_concat(a, (rz_slice[]){rz_slice_of(kinds[i].open), rz_slice_cut(t, strlen(kinds[i].name), t.len - 1), rz_slice_of(kinds[i].close)}, 3);
    return t;
}

static bool bracketed(rz_slice t, char open, char close) { return t.len > 0 && t.s[0] == open && t.s[t.len - 1] == close; }

static bool same_unbracketed(rz_arena *a, rz_slice x, rz_slice y)
{
    static const rz_swap out[] = {{"{", ""}, {"}", ""}, {"(", ""}, {")", ""}};
    if ((bracketed(x, '[', ']') && !rz_python_starts(y, "(")) || (bracketed(x, '(', ')') && !rz_python_starts(y, "["))) {
        x = rz_python_strip_chars(x, "[]()");
        y = rz_python_strip_chars(y, "[]()");
    }
    return rz_python_equal(rz_swap_all(a, x, out, 4), rz_swap_all(a, y, out, 4));
}

static bool equal(prime *p, rz_arena *a, rz_slice found, rz_slice gold)
{
    value x, y;
    double u, v;
    if (p->depth >= MAX_PARTS_DEEP || !normal(p, a, found, &x) || !normal(p, a, gold, &y)) return false;
    x.text = rz_python_head(x.text, MAX_FOUND);
    if (!x.is_number && !y.is_number) {
        static const rz_swap blank = {" ", ""};
        if (rz_python_equal(rz_python_lower(a, rz_python_strip(x.text)), rz_python_lower(a, rz_python_strip(y.text)))) return true;
        if (rz_python_equal(rz_swap_all(a, x.text, &blank, 1), rz_swap_all(a, y.text, &blank, 1))) return true;
    }
    if (as_digit(a, x.text, &u) && as_digit(a, y.text, &v)) return close_to(u, v / 100) || close_to(u, v) || close_to(u, v * 100);
    if (!x.text.len) return false;
    rz_slice s = interval(a, rz_python_strip(x.text)), t = rz_python_strip(y.text);
    if (same_unbracketed(a, s, t)) return true;
    bool alike = s.len > 1 && t.len > 1 && strchr("([", s.s[0]) && strchr(")]", s.s[s.len - 1]) && s.s[0] == t.s[0] && s.s[s.len - 1] == t.s[t.len - 1];
    p->depth++;
    bool parts = alike && equal_parts(p, a, rz_slice_cut(s, 1, s.len - 1), rz_slice_cut(t, 1, t.len - 1), false);
    bool lists = rz_slice_has(s, ",") && rz_slice_has(t, ",") && rz_python_count(s, ",") == rz_python_count(t, ",");
    if (!parts && lists) parts = equal_parts(p, a, s, t, true);
    p->depth--;
    return parts || (!lists && symbolic(p, a, s, t));
}

bool rz_prime_equal(rz_arena scratch, rz_slice found, rz_slice gold, long *work)
{
    bool pi = rz_slice_has(found, "\\pi") || rz_slice_has(gold, "\\pi");
    prime exact = {.pi = "3.141592653589793", .work = work}, school = {.pi = "3.14", .work = work};
    return equal(&exact, &scratch, found, gold) || (pi && equal(&school, &scratch, found, gold));
}
