/* Exact rational arithmetic with a cap on bits: the second rung of the ladder. */
#include "rewards/math_gmp.h"
#include <string.h>

enum { BITS = 32768, DIGITS = 10000, SHIFT = 9000, FACTORIAL = 3000 };

static bool value(math_env *e, const math_node *n, mpq_ptr out);

static size_t bits(mpq_srcptr v) { return mpz_sizeinbase(mpq_numref(v), 2) + mpz_sizeinbase(mpq_denref(v), 2); }

/* A greatest common divisor is what an operation costs: quadratic in limbs. */
static bool charge(math_env *e, mpq_srcptr v)
{
    long limbs = (long)(bits(v) / 64 + 1);
    e->work_left -= 12 + limbs * limbs / 8;
    return e->work_left > 0 && bits(v) <= BITS;
}

static void scale10(mpq_ptr v, long by)
{
    mpz_t ten;
    mpz_init(ten);
    mpz_ui_pow_ui(ten, 10, (unsigned long)(by < 0 ? -by : by));
    if (by >= 0) mpz_mul(mpq_numref(v), mpq_numref(v), ten);
    else mpz_mul(mpq_denref(v), mpq_denref(v), ten);
    mpq_canonicalize(v);
    mpz_clear(ten);
}

static bool number(math_env *e, const math_node *n, mpq_ptr out)
{
    size_t mark = e->arena->used;
    if (n->text.len > DIGITS || n->exp10 > SHIFT || n->exp10 < -SHIFT) return false;
    char *s = RZ_NEW(e->arena, n->text.len + 1, char);
    memcpy(s, n->text.s, n->text.len);
    s[n->text.len] = 0;
    mpz_set_str(mpq_numref(out), s, n->base);
    mpz_set_ui(mpq_denref(out), 1);
    if (n->repeat) { /* 0.1(6) = (16 − 1)/(10·(10 − 1)) */
        mpz_t head;
        mpz_init(head);
        mpz_ui_pow_ui(mpq_denref(out), 10, (unsigned long)n->repeat);
        mpz_fdiv_q(head, mpq_numref(out), mpq_denref(out));
        mpz_sub(mpq_numref(out), mpq_numref(out), head);
        mpz_sub_ui(mpq_denref(out), mpq_denref(out), 1);
        mpz_clear(head);
        mpq_canonicalize(out);
    }
    scale10(out, (long)n->exp10 - n->scale + n->repeat);
    rz_arena_release(e->arena, mark);
    return charge(e, out);
}

static bool is_integer(mpq_srcptr v) { return mpz_cmp_ui(mpq_denref(v), 1) == 0; }

/* x^(p/q) when it is rational and not the root of something negative. */
static bool root_of(math_env *e, mpq_ptr x, unsigned long q)
{
    if (q == 1) return true;
    bool negative = mpq_sgn(x) < 0;
    if ((negative && q % 2 == 0) || q > 4096) return false;
    e->work_left -= (long)(bits(x) / 64 + 1) * 64;
    return mpz_root(mpq_numref(x), mpq_numref(x), q) != 0 && mpz_root(mpq_denref(x), mpq_denref(x), q) != 0;
}

static bool raise(math_env *e, mpq_ptr x, mpq_srcptr y)
{
    if (!mpz_fits_slong_p(mpq_numref(y)) || !mpz_fits_ulong_p(mpq_denref(y))) {
        return is_integer(y) && mpq_cmp_ui(x, 1, 1) == 0;
    }
    long p = mpz_get_si(mpq_numref(y));
    unsigned long up = p < 0 ? 0ul - (unsigned long)p : (unsigned long)p;
    if (mpq_sgn(x) == 0) return p > 0;
    if (!root_of(e, x, mpz_get_ui(mpq_denref(y)))) return false;
    size_t size = bits(x);
    bool unit = size <= 2; /* ±1 */
    if (!unit && (up > BITS || size * up > BITS * 2)) return false;
    if (unit) up %= 2;
    mpz_pow_ui(mpq_numref(x), mpq_numref(x), up);
    mpz_pow_ui(mpq_denref(x), mpq_denref(x), up);
    if (p < 0) mpq_inv(x, x);
    return charge(e, x);
}

static bool fold(math_env *e, const math_node *n, mpq_ptr out, void (*op)(mpq_ptr, mpq_srcptr, mpq_srcptr))
{
    mpq_t x;
    bool ok = value(e, n->first, out);
    mpq_init(x);
    for (const math_node *k = n->first->next; ok && k; k = k->next) {
        ok = value(e, k, x) && charge(e, x);
        if (ok && op == mpq_div && mpq_sgn(x) == 0) ok = false;
        if (ok) op(out, out, x);
        ok = ok && charge(e, out);
    }
    mpq_clear(x);
    return ok;
}

static bool factorial(math_env *e, mpq_ptr out)
{
    if (!is_integer(out) || mpq_sgn(out) < 0 || mpz_cmp_ui(mpq_numref(out), FACTORIAL) > 0) return false;
    e->work_left -= (long)mpz_get_ui(mpq_numref(out)) * 8;
    mpz_fac_ui(mpq_numref(out), mpz_get_ui(mpq_numref(out)));
    return charge(e, out);
}

static bool two_args(math_env *e, const math_node *n, mpq_ptr out, mpq_ptr y) { return n->n == 2 && value(e, n->first, out) && value(e, n->last, y); }

static bool binomial(math_env *e, mpq_ptr out, mpq_srcptr k)
{
    if (!is_integer(out) || !is_integer(k) || mpq_sgn(k) < 0 || mpz_cmp_ui(mpq_numref(k), 2000) > 0 || mpz_sizeinbase(mpq_numref(out), 2) > 64) return false;
    e->work_left -= (long)mpz_get_ui(mpq_numref(k)) * 32;
    mpz_bin_ui(mpq_numref(out), mpq_numref(out), mpz_get_ui(mpq_numref(k)));
    return charge(e, out);
}

static bool integers(mpq_srcptr a, mpq_srcptr b) { return is_integer(a) && is_integer(b); }

static bool combine(int fn, mpq_ptr out, mpq_srcptr y)
{
    mpz_ptr a = mpq_numref(out);
    mpz_srcptr b = mpq_numref(y);
    switch (fn) {
    case FN_MIN: if (mpq_cmp(y, out) < 0) mpq_set(out, y); return true;
    case FN_MAX: if (mpq_cmp(y, out) > 0) mpq_set(out, y); return true;
    case FN_GCD: if (integers(out, y)) mpz_gcd(a, a, b); return integers(out, y);
    case FN_LCM: if (integers(out, y)) mpz_lcm(a, a, b); return integers(out, y);
    case FN_MOD:
        if (!integers(out, y) || mpz_sgn(b) == 0) return false;
        mpz_fdiv_r(a, a, b);
        return true;
    default: return false;
    }
}

static bool function(math_env *e, const math_node *n, mpq_ptr out)
{
    int fn = n->op;
    if (fn == FN_ABS || fn == FN_FLOOR || fn == FN_CEIL) {
        if (n->n != 1 || !value(e, n->first, out)) return false;
        if (fn == FN_ABS) mpq_abs(out, out);
        else if (fn == FN_FLOOR) mpz_fdiv_q(mpq_numref(out), mpq_numref(out), mpq_denref(out)), mpz_set_ui(mpq_denref(out), 1);
        else mpz_cdiv_q(mpq_numref(out), mpq_numref(out), mpq_denref(out)), mpz_set_ui(mpq_denref(out), 1);
        return true;
    }
    if (fn != FN_BINOM && fn != FN_MIN && fn != FN_MAX && fn != FN_GCD && fn != FN_LCM && fn != FN_MOD) return false;
    mpq_t y;
    mpq_init(y);
    bool ok;
    if (fn == FN_BINOM) {
        ok = two_args(e, n, out, y) && binomial(e, out, y);
    } else {
        ok = value(e, n->first, out);
        for (const math_node *k = n->first->next; ok && k; k = k->next) ok = value(e, k, y) && combine(fn, out, y) && charge(e, out);
    }
    mpq_clear(y);
    return ok;
}

static bool powered(math_env *e, const math_node *n, mpq_ptr out)
{
    mpq_t y;
    mpq_init(y);
    bool ok = value(e, n->first, out);
    if (n->kind == M_ROOT) {
        if (n->n == 2) ok = ok && value(e, n->last, y) && is_integer(y) && mpq_sgn(y) > 0;
        else mpq_set_ui(y, 2, 1);
        if (ok) mpq_inv(y, y);
    } else {
        ok = ok && value(e, n->last, y);
    }
    ok = ok && raise(e, out, y);
    mpq_clear(y);
    return ok;
}

static bool value(math_env *e, const math_node *n, mpq_ptr out)
{
    if (--e->work_left <= 0) return false;
    bool ok;
    int sign;
    switch (n->kind) {
    case M_NUM: return number(e, n, out);
    case M_NEG: ok = value(e, n->first, out); mpq_neg(out, out); return ok;
    case M_PM:
        ok = value(e, n->first, out);
        if (n->sign * e->sign < 0) mpq_neg(out, out);
        return ok && e->sign != 0;
    case M_SIGNED:
        sign = e->sign;
        e->sign = n->sign;
        ok = value(e, n->first, out);
        e->sign = sign;
        return ok;
    case M_ADD: return fold(e, n, out, mpq_add);
    case M_MUL: return fold(e, n, out, mpq_mul);
    case M_DIV: return fold(e, n, out, mpq_div);
    case M_PERCENT: ok = value(e, n->first, out); if (ok) scale10(out, -2); return ok;
    case M_FACT: return value(e, n->first, out) && factorial(e, out);
    case M_POW:
    case M_ROOT: return powered(e, n, out);
    case M_FN: return function(e, n, out);
    default: return false;
    }
}

bool rz_math_rational(math_env *e, const math_node *n, mpq_ptr out) { return value(e, n, out); }

void rz_math_round(mpz_ptr out, mpq_srcptr v, int digits)
{
    mpq_t x;
    mpz_t rest, twice;
    mpq_init(x);
    mpz_inits(rest, twice, NULL);
    mpq_set(x, v);
    scale10(x, digits);
    mpz_fdiv_qr(out, rest, mpq_numref(x), mpq_denref(x));
    mpz_mul_2exp(twice, rest, 1);
    int c = mpz_cmp(twice, mpq_denref(x));
    if (c > 0 || (c == 0 && mpz_odd_p(out))) mpz_add_ui(out, out, 1);
    mpz_clears(rest, twice, NULL);
    mpq_clear(x);
}

static bool rounded_equal(mpq_srcptr x, mpq_srcptr y, int digits)
{
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    rz_math_round(a, x, digits);
    rz_math_round(b, y, digits);
    bool equal = mpz_cmp(a, b) == 0;
    mpz_clears(a, b, NULL);
    return equal;
}

rz_math_verdict rz_math_exact(math_env *e, const math_node *a, const math_node *b, int digits)
{
    mpq_t x, y;
    mpq_inits(x, y, NULL);
    rz_math_verdict v = RZ_MATH_UNKNOWN;
    if (value(e, a, x) && value(e, b, y)) v = (digits >= 0 ? rounded_equal(x, y, digits) : mpq_equal(x, y)) ? RZ_MATH_EQUAL : RZ_MATH_DIFFERENT;
    mpq_clears(x, y, NULL);
    return v;
}

bool rz_math_small(math_env *e, const math_node *n, int64_t *out)
{
    mpq_t x;
    mpq_init(x);
    bool ok = value(e, n, x) && is_integer(x) && mpz_sizeinbase(mpq_numref(x), 2) <= 62;
    if (ok) *out = mpz_get_si(mpq_numref(x));
    mpq_clear(x);
    return ok;
}

int rz_math_order(math_env *e, const math_node *a, const math_node *b)
{
    mpq_t x, y;
    mpq_inits(x, y, NULL);
    int c = 2;
    if (value(e, a, x) && value(e, b, y)) c = mpq_cmp(x, y), c = (c > 0) - (c < 0);
    mpq_clears(x, y, NULL);
    return c;
}

bool rz_math_exact_mod(math_env *e, const math_node *n, uint64_t p, uint64_t *num, uint64_t *den)
{
    mpq_t x;
    mpq_init(x);
    bool ok = value(e, n, x);
    if (ok) *num = mpz_fdiv_ui(mpq_numref(x), p), *den = mpz_fdiv_ui(mpq_denref(x), p);
    mpq_clear(x);
    return ok;
}
