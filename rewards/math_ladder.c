/* The ladder of decisions about two scalars: exact rationals, identity modulo primes, balls. */
#include "rewards/math_tree.h"

/* EQUAL: at both primes. DIFFERENT: at one, and nothing was opaque. */
static rz_math_verdict modular(math_env *e, const math_node *a, const math_node *b)
{
    for (int prime = 0; prime < N_PRIMES; prime++) {
        math_mod_value x, y;
        if (rz_math_mod(e, a, prime, 0, &x) != MOD_OK || rz_math_mod(e, b, prime, 0, &y) != MOD_OK) return RZ_MATH_UNKNOWN;
        if (x.v != y.v) return x.opaque || y.opaque ? RZ_MATH_UNKNOWN : RZ_MATH_DIFFERENT;
    }
    return RZ_MATH_EQUAL;
}

rz_math_verdict rz_math_scalars(math_env *e, const math_node *a, const math_node *b, int digits)
{
    e->rung = RZ_MATH_BY_EXACT;
    rz_math_verdict v = rz_math_exact(e, a, b, digits);
    if (v != RZ_MATH_UNKNOWN) return v;
    if (e->work_left > 0) {
        e->rung = RZ_MATH_BY_MODULAR;
        v = modular(e, a, b);
        if (v == RZ_MATH_EQUAL || (v == RZ_MATH_DIFFERENT && digits < 0)) return v;
    }
    if (e->work_left > 0) {
        e->rung = RZ_MATH_BY_BALL;
        v = rz_math_ball(e, a, b, digits);
    }
    if (v == RZ_MATH_UNKNOWN && e->work_left <= 0) e->rung = RZ_MATH_BY_BUDGET;
    return v;
}

static uint64_t times(uint64_t a, uint64_t b, uint64_t m)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)a * b % m);
}

static uint64_t divide(uint64_t a, uint64_t b, uint64_t m)
{
    uint64_t r = a, k = m - 2;
    for (; k; k >>= 1, b = times(b, b, m))
        if (k & 1) r = times(r, b, m);
    return r;
}

/* The fraction n/d with both below 2^30 that k is modulo m, if there is one. */
static bool small_fraction(uint64_t k, uint64_t m, int64_t *num, int64_t *den)
{
    int64_t r0 = (int64_t)m, r1 = (int64_t)k, s0 = 0, s1 = 1;
    while (r1 >= 1 << 30) {
        int64_t q = r0 / r1, r = r0 - q * r1, s = s0 - q * s1;
        r0 = r1, r1 = r;
        s0 = s1, s1 = s;
    }
    *num = s1 < 0 ? -r1 : r1;
    *den = s1 < 0 ? -s1 : s1;
    return *den != 0 && *den < 1 << 30;
}

rz_math_verdict rz_math_proportional(math_env *e, const math_node *a, const math_node *b, int *sign)
{
    int64_t num[N_PRIMES], den[N_PRIMES];
    bool fraction = true;
    *sign = 0;
    e->rung = RZ_MATH_BY_MODULAR;
    for (int prime = 0; prime < N_PRIMES; prime++) {
        math_mod_value x[2], y[2];
        uint64_t m = rz_math_prime(prime);
        bool opaque = false;
        for (int k = 0; k < 2; k++) {
            if (rz_math_mod(e, a, prime, k, &x[k]) != MOD_OK || rz_math_mod(e, b, prime, k, &y[k]) != MOD_OK) return RZ_MATH_UNKNOWN;
            opaque |= x[k].opaque || y[k].opaque;
        }
        bool zero = x[0].v == 0 || y[0].v == 0;
        if (zero ? x[0].v != y[0].v || x[1].v != y[1].v : times(x[0].v, y[1].v, m) != times(x[1].v, y[0].v, m)) return opaque ? RZ_MATH_UNKNOWN : RZ_MATH_DIFFERENT;
        fraction = fraction && !zero && small_fraction(divide(x[0].v, y[0].v, m), m, &num[prime], &den[prime]);
    }
    if (fraction && num[0] == num[1] && den[0] == den[1]) *sign = num[0] > 0 ? 1 : -1;
    return RZ_MATH_EQUAL;
}
