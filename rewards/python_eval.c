#include "rewards/python_eval.h"
#include "rewards/python.h"
#include <gmp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_BITS = 16384,      /* of an integer */
    MAX_TEXT = 64 << 10,
    MAX_DIGITS = 4300,     /* of an integer that is written down */
    MAX_PARENTHESES = 200, /* as in CPython's tokenizer */
    MAX_SIGNS = 2900,      /* one after another; about where CPython's compiler gives up */
    MAX_POWERS = 256,      /* 2**2**2…: each is a level of recursion */
    POWER_BITS = 320,      /* of x**y on the way: 53 + 62 that squaring takes, with room */
};

typedef struct { bool is_float; double x; mpz_t z; } number;

typedef struct {
    rz_slice t;
    size_t at;
    int parentheses, powers;
    const char *problem;
} reader;

static bool raise(reader *r, const char *problem)
{
    if (!r->problem) r->problem = problem;
    return false;
}

static void set_float(number *n, double x) { n->is_float = true, n->x = x; }

/* ---- exact numbers as doubles, rounded once, halves to even ---- */

/* z · 2^exponent, and a little more if sticky. false: too large. */
static bool to_double(mpz_srcptr z, long exponent, bool sticky, double *out)
{
    size_t bits = mpz_sizeinbase(z, 2);
    uint64_t top;
    mpz_t q;
    mpz_init(q);
    if (bits > 62) {
        sticky = sticky || mpz_scan1(z, 0) < bits - 62;
        mpz_tdiv_q_2exp(q, z, bits - 62);
        exponent += (long)(bits - 62);
    } else {
        mpz_mul_2exp(q, z, 62 - bits); /* so that sticky is below the last bit that counts */
        exponent -= (long)(62 - bits);
    }
    mpz_abs(q, q);
    top = mpz_get_ui(q) | sticky;
    mpz_clear(q);
    if (mpz_sgn(z) == 0) {
        *out = 0;
        return true;
    }
    *out = exponent > 1100 ? INFINITY : exponent < -1300 ? 0 : ldexp((double)top, (int)exponent);
    if (mpz_sgn(z) < 0) *out = -*out;
    return isfinite(*out);
}

static bool as_double(reader *r, const number *n, double *out)
{
    *out = n->x;
    return n->is_float || to_double(n->z, 0, false, out) || raise(r, "int too large to convert to float");
}

/* a / b */
static bool divide_integers(reader *r, mpz_srcptr a, mpz_srcptr b, double *out)
{
    if (mpz_sgn(b) == 0) return raise(r, "division by zero");
    long shift = 66 - ((long)mpz_sizeinbase(a, 2) - (long)mpz_sizeinbase(b, 2));
    mpz_t q, rest;
    mpz_init(q), mpz_init(rest);
    if (shift > 0)
        mpz_mul_2exp(q, a, (unsigned long)shift), mpz_set(rest, b);
    else
        mpz_set(q, a), mpz_mul_2exp(rest, b, (unsigned long)-shift);
    mpz_tdiv_qr(q, rest, q, rest);
    bool fits = to_double(q, -shift, mpz_sgn(rest) != 0, out);
    mpz_clear(q), mpz_clear(rest);
    return fits || raise(r, "integer division result too large for a float");
}

/* ---- powers ---- */

/* |x|**y for finite x ≠ 0, y: y = k / 2^s, so it is x multiplied k times, and s square roots. What is lost by squaring comes back by taking roots. */
static double power(double x, double y)
{
    int e_x, e_y;
    double m = frexp(fabs(y), &e_y) * 0x1p53;
    uint64_t k = (uint64_t)m;
    long s = 53 - e_y;
    frexp(x, &e_x);
    for (; k && !(k & 1); s--) k >>= 1;
    if (s < 0 && s > -10) k <<= -s, s = 0;
    if (x == 1 || k == 0) return 1;
    if (s < 0 || k >> 62) return (x > 1) == (y > 0) ? INFINITY : 0; /* |y| ≥ 2^62 */
    if (s > 1200) return 1;
    mpf_t v;
    long exponent;
    mpf_init2(v, POWER_BITS);
    mpf_set_d(v, x);
    mpf_pow_ui(v, v, k);
    for (long i = 0; i < s; i++) mpf_sqrt(v, v);
    if (y < 0) mpf_ui_div(v, 1, v);
    double out = mpf_get_d_2exp(&exponent, v); /* cut, not rounded */
    if (exponent > 1100 || exponent < -1200)
        out = exponent > 0 ? INFINITY : 0;
    else {
        mpz_t z;
        mpz_init(z);
        if (200 - exponent >= 0)
            mpf_mul_2exp(v, v, (unsigned long)(200 - exponent));
        else
            mpf_div_2exp(v, v, (unsigned long)(exponent - 200));
        mpz_set_f(z, v);
        if (!to_double(z, exponent - 200, false, &out)) out = INFINITY;
        mpz_clear(z);
    }
    mpf_clear(v);
    return out;
}

static bool power_floats(reader *r, double x, double y, number *out)
{
    bool whole = isfinite(y) && floor(y) == y, odd = whole && fmod(fabs(y), 2) == 1;
    set_float(out, 1);
    if (y == 0 || x == 1) return true;
    if (isnan(x) || isnan(y)) {
        set_float(out, NAN);
        return true;
    }
    if (isinf(y)) {
        double size = fabs(x);
        set_float(out, size == 1 ? 1 : (y > 0) == (size > 1) ? INFINITY : 0);
        return true;
    }
    if (isinf(x)) {
        set_float(out, y > 0 ? (odd ? x : fabs(x)) : odd ? copysign(0, x) : 0);
        return true;
    }
    if (x == 0) {
        if (y < 0) return raise(r, "0.0 cannot be raised to a negative power");
        set_float(out, odd ? x : 0);
        return true;
    }
    if (x < 0 && !whole) return raise(r, "a complex number");
    double v = power(fabs(x), y);
    set_float(out, x < 0 && odd ? -v : v);
    return isfinite(v) || raise(r, "Numerical result out of range");
}

static bool power_integers(reader *r, number *a, const number *b)
{
    double x, y;
    if (mpz_sgn(b->z) < 0) return as_double(r, a, &x) && as_double(r, b, &y) && power_floats(r, x, y, a);
    if (mpz_cmpabs_ui(a->z, 1) <= 0) {
        bool even = mpz_even_p(b->z);
        if (mpz_sgn(b->z) == 0 || (mpz_sgn(a->z) < 0 && even)) mpz_set_ui(a->z, 1);
        return true;
    }
    if (!mpz_fits_ulong_p(b->z) || mpz_get_ui(b->z) > MAX_BITS || mpz_get_ui(b->z) * mpz_sizeinbase(a->z, 2) > MAX_BITS) return raise(r, "an integer of too many digits");
    mpz_pow_ui(a->z, a->z, mpz_get_ui(b->z));
    return true;
}

/* ---- the other operations: a = a op b ---- */

typedef enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, FLOOR, POWER } operation;

static bool on_integers(reader *r, operation op, number *a, const number *b)
{
    switch (op) {
    case ADD: mpz_add(a->z, a->z, b->z); break;
    case SUBTRACT: mpz_sub(a->z, a->z, b->z); break;
    case MULTIPLY: mpz_mul(a->z, a->z, b->z); break;
    case DIVIDE: a->is_float = divide_integers(r, a->z, b->z, &a->x); return a->is_float;
    case FLOOR:
        if (mpz_sgn(b->z) == 0) return raise(r, "integer division or modulo by zero");
        mpz_fdiv_q(a->z, a->z, b->z);
        break;
    case POWER: return power_integers(r, a, b);
    }
    return mpz_sizeinbase(a->z, 2) <= MAX_BITS || raise(r, "an integer of too many digits");
}

/* As CPython's float_floor_div. */
static double floor_divide(double x, double y)
{
    double rest = fmod(x, y), quotient = (x - rest) / y;
    if (rest != 0 && (y < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return copysign(0, x / y);
    double down = floor(quotient);
    return quotient - down > 0.5 ? down + 1 : down;
}

static bool on_floats(reader *r, operation op, number *a, const number *b)
{
    double x, y;
    if (!as_double(r, a, &x) || !as_double(r, b, &y)) return false;
    if ((op == DIVIDE || op == FLOOR) && y == 0) return raise(r, "float division by zero");
    switch (op) {
    case ADD: set_float(a, x + y); break;
    case SUBTRACT: set_float(a, x - y); break;
    case MULTIPLY: set_float(a, x * y); break;
    case DIVIDE: set_float(a, x / y); break;
    case FLOOR: set_float(a, floor_divide(x, y)); break;
    case POWER: return power_floats(r, x, y, a);
    }
    return true;
}

static bool apply(reader *r, operation op, number *a, const number *b) { return (a->is_float || b->is_float ? on_floats : on_integers)(r, op, a, b); }

/* ---- reading ---- */

static char next(reader *r)
{
    while (r->at < r->t.len && (strchr(" \t\f", r->t.s[r->at]) || (r->parentheses && strchr("\r\n", r->t.s[r->at]))) && r->t.s[r->at]) r->at++;
    return r->at < r->t.len ? r->t.s[r->at] : 0;
}

static bool is_digit(const reader *r, size_t at) { return at < r->t.len && r->t.s[at] >= '0' && r->t.s[at] <= '9'; }

static bool read_literal(reader *r, number *out)
{
    size_t from = r->at, dot;
    while (is_digit(r, r->at)) r->at++;
    dot = r->at;
    out->is_float = dot < r->t.len && r->t.s[dot] == '.';
    if (out->is_float)
        for (r->at++; is_digit(r, r->at);) r->at++;
    size_t n = r->at - from;
    if (n == (size_t)out->is_float) return raise(r, "invalid syntax");
    if (n > MAX_DIGITS) return raise(r, "a number of too many digits");
    char digits[MAX_DIGITS + 1];
    memcpy(digits, r->t.s + from, n);
    digits[n] = 0;
    if (out->is_float) {
        out->x = strtod(digits, NULL);
        return true;
    }
    if (digits[0] == '0' && digits[strspn(digits, "0")]) return raise(r, "leading zeros in an integer");
    return mpz_set_str(out->z, digits, 10) == 0;
}

static bool read_sum(reader *r, number *out);

static bool read_atom(reader *r, number *out)
{
    if (next(r) != '(') return read_literal(r, out);
    if (r->parentheses == MAX_PARENTHESES) return raise(r, "too many nested parentheses");
    r->parentheses++;
    r->at++;
    if (!read_sum(r, out)) return false;
    if (next(r) != ')') return raise(r, "invalid syntax");
    r->at++;
    r->parentheses--;
    return true;
}

static bool read_sign(reader *r, number *out);

/* atom ['**' sign]: the power binds more tightly than a sign on its left, less than one on its right */
static bool read_power(reader *r, number *out)
{
    if (!read_atom(r, out)) return false;
    char c = next(r);
    if (c == '(') return raise(r, "a number is not callable");
    if (c != '*' || r->at + 1 >= r->t.len || r->t.s[r->at + 1] != '*') return true;
    if (r->powers == MAX_POWERS) return raise(r, "too many nested powers");
    r->powers++;
    r->at += 2;
    number exponent;
    mpz_init(exponent.z);
    bool ok = read_sign(r, &exponent) && apply(r, POWER, out, &exponent);
    mpz_clear(exponent.z);
    r->powers--;
    return ok;
}

static bool read_sign(reader *r, number *out)
{
    bool negative = false;
    int signs = 0;
    for (char c; (c = next(r)) == '-' || c == '+'; r->at++, signs++) negative ^= c == '-';
    if (signs > MAX_SIGNS) return raise(r, "too many signs");
    if (!read_power(r, out)) return false;
    if (!negative) return true;
    if (out->is_float)
        out->x = -out->x;
    else
        mpz_neg(out->z, out->z);
    return true;
}

/* The operator of this rank (0: + -, 1: * / //) that stands here, and its bytes; 0: none. */
static size_t operator_here(reader *r, int rank, operation *op)
{
    char c = next(r);
    bool twice = c && r->at + 1 < r->t.len && r->t.s[r->at + 1] == c;
    if (rank == 0) *op = c == '+' ? ADD : SUBTRACT;
    if (rank == 0) return c == '+' || c == '-';
    *op = c == '*' ? MULTIPLY : twice ? FLOOR : DIVIDE;
    return c == '/' ? 1 + twice : c == '*' && !twice;
}

static bool read_chain(reader *r, int rank, number *out)
{
    if (rank == 2) return read_sign(r, out);
    if (!read_chain(r, rank + 1, out)) return false;
    number right;
    operation op;
    bool ok = true;
    mpz_init(right.z);
    for (size_t n; ok && (n = operator_here(r, rank, &op));) {
        r->at += n;
        ok = read_chain(r, rank + 1, &right) && apply(r, op, out, &right);
    }
    mpz_clear(right.z);
    return ok;
}

static bool read_sum(reader *r, number *out) { return read_chain(r, 0, out); }

/* ---- the value ---- */

static void show(const number *n, char *out, size_t size)
{
    char text[32];
    if (n->is_float) {
        rz_python_float_text(n->x, text);
        snprintf(out, size, "%s", text);
    } else if (mpz_sizeinbase(n->z, 10) + 2 < size)
        mpz_get_str(out, 10, n->z);
    else
        snprintf(out, size, "an integer of %zu digits", mpz_sizeinbase(n->z, 10));
}

static bool is_near(reader *r, number *n, rz_python_target target, double within)
{
    number other;
    mpz_init_set_si(other.z, target.whole);
    other.is_float = target.is_float, other.x = target.x;
    bool ok = apply(r, SUBTRACT, n, &other);
    mpz_clear(other.z);
    return ok && (n->is_float ? fabs(n->x) < within : mpz_cmpabs_ui(n->z, 0) == 0 && within > 0);
}

void rz_python_eval_near(rz_slice t, rz_python_target target, double within, rz_python_eval_result *out)
{
    reader r = {.t = t};
    number n = {0};
    mpz_init(n.z);
    bool ok = t.len <= MAX_TEXT || raise(&r, "too long");
    ok = ok && read_sum(&r, &n);
    if (ok && next(&r)) ok = raise(&r, "invalid syntax");
    if (ok && r.at < t.len) ok = raise(&r, "invalid syntax");
    if (ok) show(&n, out->value, sizeof out->value);
    out->near = ok && is_near(&r, &n, target, within);
    out->raises = r.problem;
    if (r.problem) snprintf(out->value, sizeof out->value, "%s", r.problem);
    mpz_clear(n.z);
}
