/* reasoning-gym's countdown: the answer is evaluated as sympy's parse_expr does it, as far as numbers alone go: Python's grammar of + - * / // % ** and
 * ^ ! and parentheses over whole numbers and decimals, exact fractions, and sympy's values for what has none (x/0 is zoo, 0/0 is nan). One pass over the text. */
#include "rewards/gym.h"
#include <math.h>
#include <string.h>

enum { MAX_TEXT = 4096, MAX_DEPTH = 64, MAX_NUMBERS = 64, MAX_POWER = 4096 };

/* A number: exact while it fits, else a double. */
typedef enum { EXACT, ROUNDED, INFINITE /* sympy's zoo */, NOT_A_NUMBER } form;
typedef struct { form form; rz_rational exact; double rounded; } value;

typedef struct { const char *p, *end; int open, depth; bool bad; } reader; /* open: parentheses; depth: with powers inside powers */

static double as_double(value v) { return v.form == EXACT ? (double)v.exact.num / (double)v.exact.den : v.rounded; }
static bool is_zero(value v) { return v.form == EXACT ? v.exact.num == 0 : v.form == ROUNDED && v.rounded == 0; }
static value rounded(double x) { return (value){.form = ROUNDED, .rounded = x}; }
static value whole(int64_t n) { return (value){.form = EXACT, .exact = {n, 1}}; }
static value special(form f) { return (value){.form = f}; }

static value arithmetic(char op, value a, value b)
{
    if (a.form == NOT_A_NUMBER || b.form == NOT_A_NUMBER) return special(NOT_A_NUMBER);
    if (op == '/' && is_zero(b)) return special(is_zero(a) ? NOT_A_NUMBER : INFINITE);
    if (op == '/' && b.form == INFINITE) return a.form == INFINITE ? special(NOT_A_NUMBER) : whole(0);
    if (a.form == INFINITE && b.form == INFINITE) return special(op == '*' ? INFINITE : NOT_A_NUMBER);
    if (a.form == INFINITE || b.form == INFINITE) return special(op == '*' && (is_zero(a) || is_zero(b)) ? NOT_A_NUMBER : INFINITE);
    rz_rational r;
    if (a.form == EXACT && b.form == EXACT && rz_rational_apply(op, a.exact, b.exact, &r)) return (value){.form = EXACT, .exact = r};
    double x = as_double(a), y = as_double(b);
    return rounded(op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
}

static bool whole_number(value v) { return v.form == EXACT && v.exact.den == 1; }

static value towards_zero(value v) { return v.form == EXACT ? (value){.form = EXACT, .exact = {v.exact.num / v.exact.den, 1}} : rounded(trunc(v.rounded)); }

/* The whole number below v. sympy's divmod of fractions: a negative quotient that is whole itself becomes one less. */
static value floor_of(value v, bool as_divmod)
{
    value n = towards_zero(v);
    bool exact = as_double(arithmetic('-', v, n)) == 0;
    return as_double(v) < 0 && (as_divmod || !exact) ? arithmetic('-', n, whole(1)) : n;
}

static value floor_division(reader *r, bool remainder, value a, value b)
{
    if (is_zero(b)) r->bad = true; /* raises, or is zoo */
    if (a.form == NOT_A_NUMBER || b.form == NOT_A_NUMBER || (remainder && (a.form == INFINITE || b.form == INFINITE))) return special(NOT_A_NUMBER);
    if (a.form == INFINITE || b.form == INFINITE) return a.form == INFINITE ? a : whole(0);
    value q = floor_of(arithmetic('/', a, b), !remainder && a.form == EXACT && b.form == EXACT && !(whole_number(a) && whole_number(b)));
    return remainder ? arithmetic('-', a, arithmetic('*', q, b)) : q;
}

/* Of whole numbers; of others sympy makes a value too, which no target has. */
static value factorial(value v)
{
    value product = whole(1);
    if (!whole_number(v)) return special(v.form == INFINITE ? INFINITE : NOT_A_NUMBER);
    if (v.exact.num < 0) return special(INFINITE);
    for (int i = 2; i <= v.exact.num && i <= 171; i++) product = arithmetic('*', product, whole(i));
    return product;
}

static value exclusive_or(reader *r, value a, value b)
{
    r->bad = r->bad || !whole_number(a) || !whole_number(b);
    return r->bad ? a : (value){.form = EXACT, .exact = {a.exact.num ^ b.exact.num, 1}};
}

/* Whole powers by squaring. The caller has dealt with the rest. */
static value whole_power(value a, int64_t n)
{
    value result = whole(1);
    for (uint64_t left = (uint64_t)(n < 0 ? -n : n); left; left >>= 1) {
        if (left & 1) result = arithmetic('*', result, a);
        if (left > 1) a = arithmetic('*', a, a);
    }
    return n < 0 ? arithmetic('/', whole(1), result) : result;
}

/* Of powers that are not whole only square roots are worked out; the others, of which no target is made, are no number here. */
static value power(reader *r, value a, value b)
{
    if (is_zero(b)) return whole(1);
    if (a.form == NOT_A_NUMBER || b.form > ROUNDED) return special(NOT_A_NUMBER);
    if (a.form == INFINITE) return as_double(b) > 0 ? special(INFINITE) : whole(0);
    if (is_zero(a)) return as_double(b) > 0 ? whole(0) : special(INFINITE);
    double n = as_double(b);
    if (n == floor(n) && fabs(n) <= MAX_POWER) return whole_power(a, (int64_t)n);
    double base = as_double(a), size = fabs(base);
    if (n == floor(n)) return size == 1 ? whole_power(a, fmod(n, 2) != 0 ? 1 : 2) : (size > 1) == (n > 0) ? rounded(INFINITY) : rounded(0);
    if (base < 0) return r->bad = true, special(NOT_A_NUMBER); /* a complex number */
    if (2 * n == floor(2 * n) && fabs(n) <= MAX_POWER) return arithmetic('*', whole_power(a, (int64_t)floor(n)), rounded(sqrt(base)));
    return special(NOT_A_NUMBER);
}

/* ---- the grammar ---- */

static value expression(reader *r);
static value factor(reader *r);

static bool digit(char c) { return c >= '0' && c <= '9'; }

static void skip_space(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\f' || (r->open && (*r->p == '\n' || *r->p == '\r')))) r->p++;
}

static bool at(reader *r, const char *op)
{
    size_t n = strlen(op);
    skip_space(r);
    return (size_t)(r->end - r->p) >= n && memcmp(r->p, op, n) == 0;
}

static size_t digits(reader *r)
{
    size_t n = 0;
    for (; r->p < r->end && (digit(*r->p) || (*r->p == '_' && n && digit(r->p[-1]) && r->end - r->p > 1 && digit(r->p[1]))); r->p++) n++;
    return n;
}

/* 12, 1_000, 1.5, 5., .5, 1e3; 012 is two numbers, hence no expression. */
static value number(reader *r)
{
    const char *from = r->p;
    size_t n = digits(r);
    bool decimal = r->p < r->end && *r->p == '.', zeros = true;
    if (decimal) {
        r->p++;
        n += digits(r);
    }
    for (const char *p = from; p < r->p; p++) zeros = zeros && (*p == '0' || *p == '_');
    const char *e = r->p;
    if (n && e < r->end && (*e == 'e' || *e == 'E')) {
        r->p += 1 + (r->end - e > 1 && (e[1] == '+' || e[1] == '-'));
        decimal = digits(r) > 0;
        if (!decimal) r->bad = true;
    }
    r->bad = r->bad || !n || (!decimal && !zeros && *from == '0') || (r->p < r->end && (*r->p == '_' || (*r->p | 32) == 'j'));
    if (r->bad) return special(NOT_A_NUMBER);
    char text[MAX_TEXT + 1];
    size_t len = 0;
    for (const char *p = from; p < r->p; p++)
        if (*p != '_') text[len++] = *p;
    text[len] = 0;
    if (!decimal && len <= 18) return whole(strtoll(text, NULL, 10));
    return rounded(strtod(text, NULL));
}

static value atom_alone(reader *r)
{
    skip_space(r);
    if (r->p < r->end && (digit(*r->p) || *r->p == '.')) return number(r);
    if (!at(r, "(") || r->depth == MAX_DEPTH) return r->bad = true, special(NOT_A_NUMBER);
    r->open++;
    r->depth++;
    r->p++;
    value v = expression(r);
    r->bad = r->bad || !at(r, ")");
    if (r->bad) return v;
    r->p++;
    r->depth--;
    r->open--;
    return v;
}

static value atom(reader *r)
{
    value v = atom_alone(r);
    if (r->bad || !at(r, "!")) return v;
    r->p++;
    bool twice = at(r, "!");
    r->p += twice;
    return twice ? special(NOT_A_NUMBER) : factorial(v);
}

/* ** binds closer than a sign on its left, not than one on its right; and to the right. */
static value powers(reader *r)
{
    value base = atom(r);
    if (r->bad || !at(r, "**")) return base;
    r->p += 2;
    if (++r->depth > MAX_DEPTH) return r->bad = true, base;
    value exponent = factor(r);
    r->depth--;
    return r->bad ? base : power(r, base, exponent);
}

static value factor(reader *r)
{
    bool minus = false;
    for (; at(r, "+") || at(r, "-"); r->p++) minus ^= *r->p == '-';
    value v = powers(r);
    return minus && !r->bad ? arithmetic('-', whole(0), v) : v;
}

static value product(reader *r)
{
    value v = factor(r);
    while (!r->bad) {
        bool floored = at(r, "//");
        if (!floored && !at(r, "*") && !at(r, "/") && !at(r, "%")) break;
        char op = *r->p;
        r->p += 1 + floored;
        value w = factor(r);
        if (!r->bad) v = floored || op == '%' ? floor_division(r, !floored, v, w) : arithmetic(op, v, w);
    }
    return v;
}

static value sum(reader *r)
{
    value v = product(r);
    while (!r->bad && (at(r, "+") || at(r, "-"))) {
        char op = *r->p++;
        value w = product(r);
        if (!r->bad) v = arithmetic(op, v, w);
    }
    return v;
}

static value expression(reader *r)
{
    value v = sum(r);
    while (!r->bad && at(r, "^")) {
        r->p++;
        v = exclusive_or(r, v, sum(r));
    }
    return v;
}

/* False when sympy would not make a float of it. */
static bool evaluate(rz_slice t, double *out)
{
    t = rz_python_strip(t);
    const char *comment = memchr(t.s, '#', t.len);
    size_t len = comment && !memchr(comment, '\n', t.len - (size_t)(comment - t.s)) ? (size_t)(comment - t.s) : t.len;
    reader r = {.p = t.s, .end = t.s + len};
    value v = expression(&r);
    skip_space(&r);
    if (r.bad || r.p != r.end || v.form == INFINITE) return false;
    *out = v.form == NOT_A_NUMBER ? NAN : as_double(v);
    return true;
}

/* Whether the whole words of digits in the text are the numbers, each as often. */
static bool uses(rz_slice t, const json_t *numbers)
{
    bool used[MAX_NUMBERS] = {false};
    size_t n = 0, wanted = json_array_size(numbers), size;
    for (size_t i = 0; i < t.len;) {
        if (!rz_python_is_word(rz_python_char(t, i, &size))) {
            i += size;
            continue;
        }
        bool all_digits = true;
        int64_t v = 0;
        for (int32_t c; i < t.len && rz_python_is_word(c = rz_python_char(t, i, &size)); i += size) {
            all_digits = all_digits && rz_python_digit(c) >= 0;
            if (all_digits && v < INT64_MAX / 100) v = 10 * v + rz_python_digit(c);
        }
        if (!all_digits) continue;
        size_t j = 0;
        while (j < wanted && (used[j] || json_integer_value(json_array_get(numbers, j)) != v)) j++;
        if (j == wanted) return false;
        used[j] = true;
        n++;
    }
    return n == wanted;
}

void rz_gym_countdown(const rz_case *c, outcome *o)
{
    const json_t *numbers = rz_gym_meta(c, o, "numbers", JSON_ARRAY), *target = numbers ? rz_gym_meta(c, o, "target", JSON_INTEGER) : NULL;
    if (!target || !rz_gym_text(c, o, 0.01, MAX_TEXT)) return;
    double got, want = json_number_value(target);
    if (json_array_size(numbers) > MAX_NUMBERS)
        rz_outcome_gold_error(o, "meta.numbers has over %d numbers", MAX_NUMBERS);
    else if (!evaluate(c->text, &got))
        rz_gym_give(c, o, 0.01, "not an expression with a value");
    else if (!uses(c->text, numbers))
        rz_gym_give(c, o, 0.05, "it does not use each number once");
    else if (fabs(got - want) <= 1e-6 + 1e-5 * fabs(want))
        rz_gym_give(c, o, 1, "it has the value of the target");
    else
        rz_gym_give(c, o, 0.05, "its value is not the target");
}
