/* Ball arithmetic (Arb): the last rung. Disjoint balls prove a difference; balls that still overlap with a hundred bits known at every point count as equal.
 * Variables stand at fixed points, some of them negative. Odd roots of negative numbers are the real ones, as in school. */
#include "rewards/math_gmp.h"
#include <acb.h>
#include <string.h>

enum { POINTS = 3, ROUNDS = 4, PLACE_BITS = 20 };
static const slong precisions[ROUNDS] = {64, 192, 384, 768};

typedef struct { math_env *e; slong prec; int point; } ball;

static bool eval(const ball *c, const math_node *n, acb_ptr out);

/* A transcendental function costs about so many units at this precision. */
static bool charge(const ball *c, long weight)
{
    c->e->work_left -= weight * (1 + c->prec / 64);
    return c->e->work_left > 0;
}

static bool number(const ball *c, const math_node *n, acb_ptr out)
{
    mpq_t x;
    fmpq_t q;
    mpq_init(x);
    bool ok = rz_math_rational(c->e, n, x);
    if (ok) {
        fmpq_init(q);
        fmpq_set_mpq(q, x);
        acb_set_fmpq(out, q, c->prec);
        fmpq_clear(q);
    }
    mpq_clear(x);
    return ok;
}

static bool leaf(const ball *c, const math_node *n, acb_ptr out)
{
    if (n->kind == M_CONST) {
        acb_zero(out);
        if (n->op == CONST_PI) acb_const_pi(out, c->prec);
        else if (n->op == CONST_E) arb_const_e(acb_realref(out), c->prec);
        else if (n->op == CONST_I) acb_onei(out);
        return n->op != CONST_INF;
    }
    /* between 1/4 and 4 1/4; the second point has signs, at the last all are negative */
    uint64_t h = rz_math_name_hash(n->text, n->kind == M_TEXT) * 0x9E3779B97F4A7C15u + (uint64_t)c->point * 0xD6E8FEB86659FD93u;
    h ^= h >> 31;
    slong v = (slong)(h >> 42) + (1 << (PLACE_BITS - 2));
    acb_set_si(out, c->point == POINTS - 1 || (c->point && (h & 1)) ? -v : v);
    acb_mul_2exp_si(out, out, -PLACE_BITS);
    return true;
}

static bool fold(const ball *c, const math_node *n, acb_ptr out)
{
    acb_t x;
    acb_init(x);
    bool ok = eval(c, n->first, out);
    for (const math_node *k = n->first->next; ok && k; k = k->next) {
        ok = eval(c, k, x) && charge(c, 2);
        if (!ok) break;
        if (n->kind == M_ADD) acb_add(out, out, x, c->prec);
        else if (n->kind == M_MUL) acb_mul(out, out, x, c->prec);
        else acb_div(out, out, x, c->prec);
    }
    acb_clear(x);
    return ok;
}

/* x^(p/q), q odd, of a negative number is real: the root of −x with the sign of (−1)^p. */
static bool real_power(const ball *c, acb_ptr x, const math_node *up, bool is_root)
{
    mpq_t y;
    if (!acb_is_real(x) || !arb_is_negative(acb_realref(x))) return false;
    mpq_init(y);
    bool ok = up && rz_math_rational(c->e, up, y) && mpq_sgn(y) != 0;
    if (ok && is_root) mpq_inv(y, y);
    ok = ok && mpz_odd_p(mpq_denref(y)) && mpz_cmp_ui(mpq_denref(y), 1) > 0;
    if (ok) {
        fmpq_t q;
        fmpq_init(q);
        fmpq_set_mpq(q, y);
        acb_neg(x, x);
        arb_pow_fmpq(acb_realref(x), acb_realref(x), q, c->prec);
        if (mpz_odd_p(mpq_numref(y))) acb_neg(x, x);
        fmpq_clear(q);
    }
    mpq_clear(y);
    return ok;
}

static bool raised(const ball *c, const math_node *n, acb_ptr out)
{
    bool is_root = n->kind == M_ROOT;
    if (!eval(c, n->first, out) || !charge(c, 400)) return false;
    if (is_root && n->n == 1) {
        acb_sqrt(out, out, c->prec);
        return true;
    }
    if (real_power(c, out, n->last, is_root)) return true;
    acb_t y;
    acb_init(y);
    bool ok = eval(c, n->last, y);
    if (ok && is_root) acb_inv(y, y, c->prec);
    if (ok && acb_is_zero(out)) ok = acb_is_real(y) && arb_is_positive(acb_realref(y));
    else if (ok && !acb_is_zero(out)) acb_pow(out, out, y, c->prec);
    acb_clear(y);
    return ok;
}

static bool whole(const ball *c, int fn, acb_ptr out)
{
    if (!acb_is_real(out)) return false;
    if (fn == FN_FLOOR) arb_floor(acb_realref(out), acb_realref(out), c->prec);
    else arb_ceil(acb_realref(out), acb_realref(out), c->prec);
    return arb_is_exact(acb_realref(out));
}

typedef void (*unary)(acb_ptr, const acb_ptr, slong);
#define WRAP(name, call) static void name(acb_ptr r, const acb_ptr x, slong prec) { acb_##call(r, x, prec); }
WRAP(f_sin, sin) WRAP(f_cos, cos) WRAP(f_tan, tan) WRAP(f_cot, cot) WRAP(f_sec, sec) WRAP(f_csc, csc) WRAP(f_asin, asin) WRAP(f_acos, acos) WRAP(f_atan, atan)
WRAP(f_sinh, sinh) WRAP(f_cosh, cosh) WRAP(f_tanh, tanh) WRAP(f_log, log) WRAP(f_exp, exp) WRAP(f_asinh, asinh) WRAP(f_acosh, acosh) WRAP(f_atanh, atanh)

static const unary functions[N_FN] = {
    [FN_SIN] = f_sin, [FN_COS] = f_cos, [FN_TAN] = f_tan, [FN_COT] = f_cot, [FN_SEC] = f_sec, [FN_CSC] = f_csc, [FN_ASIN] = f_asin, [FN_ACOS] = f_acos,
    [FN_ATAN] = f_atan, [FN_SINH] = f_sinh, [FN_COSH] = f_cosh, [FN_TANH] = f_tanh, [FN_LN] = f_log, [FN_EXP] = f_exp, [FN_ASINH] = f_asinh,
    [FN_ACOSH] = f_acosh, [FN_ATANH] = f_atanh};

static bool two(const ball *c, const math_node *n, acb_ptr out)
{
    acb_t y;
    acb_init(y);
    bool ok = n->n == 2 && eval(c, n->first, out) && eval(c, n->last, y) && charge(c, 400);
    if (ok && n->op == FN_LOG) {
        acb_log(out, out, c->prec);
        acb_log(y, y, c->prec);
        acb_div(out, out, y, c->prec);
    } else if (ok && (n->op == FN_MIN || n->op == FN_MAX) && acb_is_real(out) && acb_is_real(y)) {
        if (n->op == FN_MIN) arb_min(acb_realref(out), acb_realref(out), acb_realref(y), c->prec);
        else arb_max(acb_realref(out), acb_realref(out), acb_realref(y), c->prec);
    } else {
        ok = false;
    }
    acb_clear(y);
    return ok;
}

static bool function(const ball *c, const math_node *n, acb_ptr out)
{
    int fn = n->op;
    if (fn == FN_BINOM || fn == FN_GCD || fn == FN_LCM || fn == FN_MOD) return number(c, n, out);
    if (n->n == 2) return two(c, n, out);
    if (n->n != 1 || !eval(c, n->first, out) || !charge(c, 600)) return false;
    if (functions[fn]) {
        functions[fn](out, out, c->prec);
        return true;
    }
    switch (fn) {
    case FN_LOG: { /* to the base of ten, as schools have it */
        acb_t ten;
        acb_init(ten);
        acb_set_ui(ten, 10);
        acb_log(out, out, c->prec);
        acb_log(ten, ten, c->prec);
        acb_div(out, out, ten, c->prec);
        acb_clear(ten);
        return true;
    }
    case FN_ABS: acb_abs(acb_realref(out), out, c->prec); arb_zero(acb_imagref(out)); return true;
    case FN_RE: arb_zero(acb_imagref(out)); return true;
    case FN_IM: arb_swap(acb_realref(out), acb_imagref(out)); arb_zero(acb_imagref(out)); return true;
    case FN_FLOOR:
    case FN_CEIL: return whole(c, fn, out);
    case FN_ACOT: acb_inv(out, out, c->prec); acb_atan(out, out, c->prec); return true;
    default: return false;
    }
}

static bool factorial(const ball *c, const math_node *n, acb_ptr out)
{
    if (number(c, n, out)) return true;
    arb_t most;
    if (!eval(c, n->first, out) || !charge(c, 4000)) return false;
    arb_init(most);
    arb_set_ui(most, 1000);
    bool ok = acb_is_real(out) && arb_lt(acb_realref(out), most) && arb_is_positive(acb_realref(out));
    arb_clear(most);
    if (!ok) return false;
    acb_add_ui(out, out, 1, c->prec);
    acb_gamma(out, out, c->prec);
    return true;
}

static bool eval(const ball *c, const math_node *n, acb_ptr out)
{
    bool ok;
    int sign = c->e->sign;
    if (!charge(c, 2)) return false;
    switch (n->kind) {
    case M_NUM: return number(c, n, out);
    case M_VAR: case M_CONST: case M_TEXT: return leaf(c, n, out);
    case M_ADD: case M_MUL: case M_DIV: return fold(c, n, out);
    case M_NEG: ok = eval(c, n->first, out); acb_neg(out, out); return ok;
    case M_PM:
        ok = eval(c, n->first, out);
        if (n->sign * sign < 0) acb_neg(out, out);
        return ok && sign;
    case M_SIGNED:
        c->e->sign = n->sign;
        ok = eval(c, n->first, out);
        c->e->sign = sign;
        return ok;
    case M_POW: case M_ROOT: return raised(c, n, out);
    case M_FN: return function(c, n, out);
    case M_FACT: return factorial(c, n, out);
    case M_PERCENT: ok = eval(c, n->first, out); acb_div_ui(out, out, 100, c->prec); return ok;
    default: return false;
    }
}

static bool is_constant(const math_node *n)
{
    if (n->kind == M_VAR || n->kind == M_TEXT) return false;
    for (const math_node *k = n->first; k; k = k->next)
        if (!is_constant(k)) return false;
    return true;
}

typedef enum { APART, TOGETHER, UNCLEAR, LOST } closeness;

static closeness compare_at(const ball *c, const math_node *a, const math_node *b)
{
    acb_t x, y;
    acb_init(x);
    acb_init(y);
    closeness got = LOST;
    if (eval(c, a, x) && eval(c, b, y) && acb_is_finite(x) && acb_is_finite(y)) {
        if (!acb_overlaps(x, y)) {
            got = APART;
        } else {
            mag_t size, rest;
            mag_init(size);
            mag_init(rest);
            acb_get_mag(size, x);
            acb_sub(y, x, y, c->prec);
            acb_get_mag(rest, y);
            mag_mul_2exp_si(rest, rest, 100);
            got = mag_cmp(rest, size) < 0 || mag_cmp_2exp_si(rest, 0) < 0 ? TOGETHER : UNCLEAR;
            mag_clear(size);
            mag_clear(rest);
        }
    }
    acb_clear(x);
    acb_clear(y);
    return got;
}

static rz_math_verdict identical(math_env *e, const math_node *a, const math_node *b)
{
    int points = is_constant(a) && is_constant(b) ? 1 : POINTS, seen = 0;
    for (int point = 0; point < points; point++) {
        closeness got = UNCLEAR;
        for (int round = 0; round < ROUNDS && got == UNCLEAR; round++) {
            ball c = {e, precisions[round], point};
            got = compare_at(&c, a, b);
        }
        if (got == APART) return RZ_MATH_DIFFERENT;
        if (got == UNCLEAR || e->work_left <= 0) return RZ_MATH_UNKNOWN;
        seen += got == TOGETHER;
    }
    return seen >= (points + 1) / 2 ? RZ_MATH_EQUAL : RZ_MATH_UNKNOWN;
}

static bool rounded(const ball *c, const math_node *n, int digits, fmpz_t out)
{
    acb_t x;
    fmpz_t ten;
    acb_init(x);
    fmpz_init(ten);
    bool ok = eval(c, n, x) && acb_is_finite(x) && acb_is_real(x);
    if (ok) {
        fmpz_ui_pow_ui(ten, 10, (ulong)digits);
        acb_mul_fmpz(x, x, ten, c->prec);
        arb_t half;
        arb_init(half);
        arb_set_d(half, 0.5);
        arb_add(acb_realref(x), acb_realref(x), half, c->prec);
        arb_floor(acb_realref(x), acb_realref(x), c->prec);
        ok = arb_get_unique_fmpz(out, acb_realref(x)) != 0;
        arb_clear(half);
    }
    fmpz_clear(ten);
    acb_clear(x);
    return ok;
}

rz_math_verdict rz_math_ball(math_env *e, const math_node *a, const math_node *b, int digits)
{
    if (digits < 0) return identical(e, a, b);
    if (!is_constant(a) || !is_constant(b)) return RZ_MATH_DIFFERENT;
    ball c = {e, 192, 0};
    fmpz_t x, y;
    fmpz_init(x);
    fmpz_init(y);
    rz_math_verdict v = RZ_MATH_UNKNOWN;
    if (rounded(&c, a, digits, x) && rounded(&c, b, digits, y)) v = fmpz_equal(x, y) ? RZ_MATH_EQUAL : RZ_MATH_DIFFERENT;
    fmpz_clear(x);
    fmpz_clear(y);
    return v;
}

void rz_math_forget(void) { flint_cleanup(); }
