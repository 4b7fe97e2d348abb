/* exp, log and sigmoid in binary32, defined by their sequence of fma, multiplications and additions (docs/numerics.md): one macro body is
 * instantiated for one float here (rz_expf, rz_logf, rz_sigmoidf) and for sixteen in policy/vec.h, so that the bits agree on every machine.
 *
 *   exp      NaN for NaN, +0 below −87, +inf above RZ_EXP_HIGH; otherwise never subnormal
 *   log      NaN for NaN and negative numbers, −inf for ±0, subnormals included
 *   sigmoid  1 / (1 + exp(−x)), each operation rounded; +0 below −RZ_EXP_HIGH
 *
 * Largest errors over all 2^32 arguments against binary64 (tests/test_mathf.c asserts them), in units in the last place of the true value:
 *   exp 0.90 on [−87, RZ_EXP_HIGH];  log 0.92;  sigmoid 2.49 (subnormal results included).
 *
 * Static inline only: this header is compiled for several instruction sets. */
#ifndef RZ_POLICY_MATHF_H
#define RZ_POLICY_MATHF_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define RZ_EXP_LOW (-87.0f)
#define RZ_EXP_HIGH 0x1.62e42ep+6f /* 88.72283: the largest float whose exponential is finite */

#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__aarch64__)
#define RZ_HAVE_FMA 1
#else
#define RZ_HAVE_FMA 0
#endif

static inline int32_t rz_bits32(float x)
{
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

static inline float rz_float32(int32_t i)
{
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}

/* bfloat16: the upper half of a float. Rounded to nearest, ties to even, beyond the largest to infinity; NaN stays NaN. */
static inline uint16_t rz_half(float x)
{
    uint32_t u = (uint32_t)rz_bits32(x);
    return (uint16_t)(x == x ? (u + 0x7fff + (u >> 16 & 1)) >> 16 : u >> 16 | 0x40);
}
static inline float rz_from_half(uint16_t h) { return rz_float32((int32_t)((uint32_t)h << 16)); }

/* fma for machines without the instruction. The product of two floats is exact in binary64; the sum is rounded to odd (its last bit set when
 * inexact), which 29 spare bits later makes the second rounding the only one (Boldo & Melquiond 2008, "Emulation of FMA and correctly
 * rounded sums: proved algorithms using rounding to odd"). */
static inline float rz_fmaf_soft(float a, float b, float c)
{
    double p = (double)a * (double)b, z = c;
    double s = p + z, t = s - p;
    double e = (p - (s - t)) + (z - t); /* s + e is the exact sum (Knuth's TwoSum); NaN when s is not finite */
    int64_t i;
    memcpy(&i, &s, sizeof i);
    if ((e > 0 || e < 0) && !(i & 1))
        i += (e > 0) == (s > 0) ? 1 : -1;
    memcpy(&s, &i, sizeof s);
    return (float)s;
}

static inline float rz_fmaf(float a, float b, float c)
{
#if RZ_HAVE_FMA
    return __builtin_fmaf(a, b, c);
#else
    return rz_fmaf_soft(a, b, c);
#endif
}

/* Maximum: NaN wins, +0 > −0. */
static inline float rz_maxf(float a, float b)
{
    if (a != a)
        return a;
    if (a == b)
        return rz_float32(rz_bits32(a) & rz_bits32(b));
    return a > b ? a : b;
}

/* The primitives of one float. Shifts are of the two's complement bits. */
typedef float f1;
typedef int32_t f1_int;
typedef bool f1_mask;
static inline f1 f1_set(float x) { return x; }
static inline f1 f1_fma(f1 a, f1 b, f1 c) { return rz_fmaf(a, b, c); }
static inline f1 f1_add(f1 a, f1 b) { return a + b; }
static inline f1 f1_sub(f1 a, f1 b) { return a - b; }
static inline f1 f1_mul(f1 a, f1 b) { return a * b; }
static inline f1 f1_div(f1 a, f1 b) { return a / b; }
static inline f1_mask f1_lt(f1 a, f1 b) { return a < b; }
static inline f1_mask f1_le(f1 a, f1 b) { return a <= b; }
static inline f1_mask f1_eq(f1 a, f1 b) { return a == b; }
static inline f1 f1_select(f1_mask m, f1 yes, f1 no) { return m ? yes : no; }
static inline f1_int f1_bits(f1 x) { return rz_bits32(x); }
static inline f1 f1_from_bits(f1_int i) { return rz_float32(i); }
static inline f1 f1_from_int(f1_int i) { return (float)i; }
static inline f1_int f1_int_set(int32_t i) { return i; }
static inline f1_int f1_int_add(f1_int a, f1_int b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static inline f1_int f1_int_sub(f1_int a, f1_int b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
static inline f1_int f1_shl23(f1_int i) { return (int32_t)((uint32_t)i << 23); }
static inline f1_int f1_sar23(f1_int i) { return i >> 23; }

/* Polynomials: minimax in relative error (Remez in 200 bits, coefficients then rounded): 2^-28.2 for exp on [−ln2/2, ln2/2],
 * 2^-27.2 for log on [sqrt(1/2), sqrt(2)]. ln2 is split so that n·high is exact.
 *
 * exp: adding 1.5·2^23 rounds x·log2(e) to the integer n and leaves n in the low bits; exp(x − n·ln2) lies in [0.7, 1.42] and n is added to its
 * exponent. For n = 128 it is below 1, for n = −126 (x ≥ −87) above 1: no overflow or subnormal in between. */
#define RZ_MATHF_DEFINE(P)                                                                                     \
    static inline P P##_exp(P x)                                                                               \
    {                                                                                                          \
        const P magic = P##_set(0x1.8p+23f);                                                                   \
        P t = P##_fma(x, P##_set(0x1.715476p+0f), magic);                                                      \
        P n = P##_sub(t, magic);                                                                               \
        P r = P##_fma(n, P##_set(-0x1.62e4p-1f), x);                                                           \
        r = P##_fma(n, P##_set(-0x1.7f7d1cp-20f), r);                                                          \
        P p = P##_fma(r, P##_set(0x1.6ab93ap-10f), P##_set(0x1.123d74p-7f));                                   \
        p = P##_fma(r, p, P##_set(0x1.55585ap-5f));                                                            \
        p = P##_fma(r, p, P##_set(0x1.55548cp-3f));                                                            \
        p = P##_fma(r, p, P##_set(0x1.fffffcp-2f));                                                            \
        p = P##_fma(r, p, P##_set(1.0f));                                                                      \
        p = P##_fma(r, p, P##_set(1.0f));                                                                      \
        P y = P##_from_bits(P##_int_add(P##_bits(p), P##_shl23(P##_bits(t))));                                 \
        y = P##_select(P##_le(x, P##_set(RZ_EXP_HIGH)), y, P##_add(x, P##_set(INFINITY)));                     \
        return P##_select(P##_lt(x, P##_set(RZ_EXP_LOW)), P##_set(0.0f), y);                                   \
    }                                                                                                          \
    static inline P P##_log(P x)                                                                               \
    {                                                                                                          \
        P##_mask tiny = P##_lt(x, P##_set(0x1p-126f));                                                         \
        P##_int i = P##_bits(P##_select(tiny, P##_mul(x, P##_set(0x1p+23f)), x));                              \
        P##_int n = P##_sar23(P##_int_sub(i, P##_int_set(0x3f3504f3))); /* sqrt(1/2) */                        \
        P f = P##_sub(P##_from_bits(P##_int_sub(i, P##_shl23(n))), P##_set(1.0f));                             \
        P e = P##_add(P##_from_int(n), P##_select(tiny, P##_set(-23.0f), P##_set(0.0f)));                      \
        P q = P##_fma(f, P##_set(-0x1.391e7p-4f), P##_set(0x1.08a038p-3f));                                    \
        q = P##_fma(f, q, P##_set(-0x1.0f34e4p-3f));                                                           \
        q = P##_fma(f, q, P##_set(0x1.2264a6p-3f));                                                            \
        q = P##_fma(f, q, P##_set(-0x1.54262p-3f));                                                            \
        q = P##_fma(f, q, P##_set(0x1.99a488p-3f));                                                            \
        q = P##_fma(f, q, P##_set(-0x1.00043p-2f));                                                            \
        q = P##_fma(f, q, P##_set(0x1.55555p-2f));                                                             \
        q = P##_fma(f, q, P##_set(-0x1.fffff8p-2f));                                                           \
        q = P##_fma(P##_mul(f, f), q, f);                                                                      \
        P y = P##_fma(e, P##_set(0x1.62e4p-1f), P##_fma(e, P##_set(0x1.7f7d1cp-20f), q));                      \
        y = P##_select(P##_lt(x, P##_set(INFINITY)), y, x);                                                    \
        P none = P##_select(P##_eq(x, P##_set(0.0f)), P##_set(-INFINITY), P##_set(NAN));                       \
        return P##_select(P##_lt(P##_set(0.0f), x), y, none);                                                  \
    }                                                                                                          \
    static inline P P##_sigmoid(P x)                                                                           \
    {                                                                                                          \
        const P one = P##_set(1.0f);                                                                           \
        return P##_div(one, P##_add(one, P##_exp(P##_sub(P##_set(0.0f), x))));                                 \
    }

RZ_MATHF_DEFINE(f1)

static inline float rz_expf(float x) { return f1_exp(x); }
static inline float rz_logf(float x) { return f1_log(x); }
static inline float rz_sigmoidf(float x) { return f1_sigmoid(x); }
#endif
