/* exp, log, sigmoid and the emulated fma of policy/mathf.h, and policy/math64.h, against the C library: binary64 (for binary64: long double).
 * RZ_LONG=1 tries all 2^32 arguments (some three minutes on two cores), otherwise every 251st. */
#include "policy/kernels.h"
#include "policy/math64.h"
#include "policy/mathf.h"
#include "policy/vec.h"
#include "tests/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- functions of one argument ---- */

static double sigmoid_truth(double x) { return 1 / (1 + exp(-x)); }

/* NaN in `exact` means: see the bound; anything else is the exact result. */
static float exp_exact(float x)
{
    return x < RZ_EXP_LOW ? 0.0f : x > RZ_EXP_HIGH ? INFINITY : NAN;
}
static float log_exact(float x)
{
    return x == 0 ? -INFINITY : x == INFINITY ? INFINITY : x == 1 ? 0.0f : NAN;
}
static float sigmoid_exact(float x)
{
    return x < -RZ_EXP_HIGH ? 0.0f : NAN;
}

static const struct {
    const char *name;
    float (*ours)(float);
    vf (*sixteen)(vf); /* the same bits (vector_instance), faster where fma is emulated */
    double (*truth)(double);
    float (*exact)(float);
    double bound; /* as published in policy/mathf.h */
} functions[] = {
    {"exp", rz_expf, vf_exp, exp, exp_exact, 0.90},
    {"log", rz_logf, vf_log, log, log_exact, 0.92},
    {"sigmoid", rz_sigmoidf, vf_sigmoid, sigmoid_truth, sigmoid_exact, 2.49},
};
enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };

/* In units in the last place of the true value (of the smallest normal number below that). */
static double ulps(float ours, double truth)
{
    int64_t i;
    memcpy(&i, &truth, sizeof i);
    int64_t e = (i >> 52 & 0x7ff) - 1023;
    int64_t scale = ((e < -126 ? 126 : -e) + 23 + 1023) << 52;
    double s;
    memcpy(&s, &scale, sizeof s);
    return fabs((double)ours - truth) * s;
}

/* In ulp; infinite where the result is exact and y is another. */
static double error_of(int f, float x, float y)
{
    float exact = functions[f].exact(x);
    double truth = functions[f].truth(x);
    if (truth != truth)
        return y != y ? 0 : INFINITY;
    if (exact == exact)
        return rz_bits32(y) == rz_bits32(exact) ? 0 : INFINITY;
    return y == y ? ulps(y, truth) : INFINITY;
}

/* Arguments first, first + stride … by their bits. */
typedef struct { uint64_t first, stride; double worst[N_FUNCTIONS]; float at[N_FUNCTIONS]; } sweep;

static void *run_sweep(void *arg)
{
    sweep *s = arg;
    for (uint64_t i = s->first; i < UINT64_C(1) << 32; i += 16 * s->stride)
        for (int f = 0; f < N_FUNCTIONS; f++) {
            float x[16], y[16];
            for (unsigned k = 0; k < 16; k++)
                x[k] = rz_float32((int32_t)(uint32_t)(i + k * s->stride));
            vf_store(y, functions[f].sixteen(vf_load(x)));
            for (int k = 0; k < 16; k++) {
                double e = error_of(f, x[k], y[k]);
                if (e > s->worst[f])
                    s->worst[f] = e, s->at[f] = x[k];
            }
        }
    return NULL;
}

START_TEST(error_bounds)
{
    bool all = getenv("RZ_LONG") != NULL;
    sweep s[2] = {{.first = 0, .stride = all ? 2 : 502}, {.first = all ? 1 : 251, .stride = all ? 2 : 502}};
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, run_sweep, &s[1]), 0);
    run_sweep(&s[0]);
    pthread_join(other, NULL);
    for (int f = 0; f < N_FUNCTIONS; f++) {
        const sweep *w = s[0].worst[f] > s[1].worst[f] ? &s[0] : &s[1];
        if (all)
            printf("%s: at most %.4f ulp, at %a\n", functions[f].name, w->worst[f], (double)w->at[f]);
        ck_assert_msg(w->worst[f] <= functions[f].bound, "%s: %g ulp at %a, bound %g", functions[f].name, w->worst[f], (double)w->at[f],
                      functions[f].bound);
    }
}
END_TEST

START_TEST(special_arguments)
{
    static const float at[] = {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN, -NAN,
                               0x1p-149f, -0x1p-149f, 0x1p-126f, 0x1.fffffep-127f, 0x1.fffffep+127f,
                               -0x1.fffffep+127f, RZ_EXP_LOW, RZ_EXP_HIGH, -RZ_EXP_HIGH,
                               0x1.6a09e6p-1f, 0x1.6a09e8p-1f, 0x1.fffffep-1f, 0x1.000002p+0f, 0.5f, 2.0f};
    for (int f = 0; f < N_FUNCTIONS; f++)
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
            for (int step = -3; step <= 3; step++) {
                float x = rz_float32((int32_t)((uint32_t)rz_bits32(at[i]) + (uint32_t)step));
                if (!(error_of(f, x, functions[f].ours(x)) <= functions[f].bound))
                    ck_abort_msg("%s at %a", functions[f].name, (double)x);
            }
    ck_assert_int_eq(rz_bits32(rz_expf(-0.0f)), rz_bits32(1.0f));
    ck_assert_int_eq(rz_bits32(rz_expf(-INFINITY)), 0);
    ck_assert(rz_logf(-1.0f) != rz_logf(-1.0f));
}
END_TEST

static bool same(float a, float b) { return rz_bits32(a) == rz_bits32(b) || (a != a && b != b); }

/* Sixteen at a time as one at a time: here as compiled for the baseline, below through the tables. */
START_TEST(vector_instance)
{
    for (uint64_t i = 0; i < UINT64_C(1) << 32; i += 16 * 1009) {
        float x[16], e[16], l[16], s[16];
        for (int k = 0; k < 16; k++)
            x[k] = rz_float32((int32_t)(uint32_t)(i + (uint64_t)k * 1009));
        vf_store(e, vf_exp(vf_load(x)));
        vf_store(l, vf_log(vf_load(x)));
        vf_store(s, vf_sigmoid(vf_load(x)));
        for (int k = 0; k < 16; k++)
            if (!same(e[k], rz_expf(x[k])) || !same(l[k], rz_logf(x[k])) || !same(s[k], rz_sigmoidf(x[k])))
                ck_abort_msg("at %a", (double)x[k]);
    }
}
END_TEST

/* swiglu with up = 1 is gate·sigmoid(gate): exp for arguments of both signs in every table. */
START_TEST(tables_instance)
{
    enum { N = 1 << 16 };
    static float gu[2 * N], a[N];
    const rz_kernels *const *list;
    int n = rz_kernels_available(&list);
    for (int k = 0; k < N; k++)
        gu[N + k] = 1.0f;
    for (uint64_t i = 0; i < UINT64_C(1) << 32; i += (uint64_t)N * 2027) {
        for (int k = 0; k < N; k++)
            gu[k] = rz_float32((int32_t)(uint32_t)(i + (uint64_t)k * 2027));
        for (int t = 0; t < n; t++) {
            list[t]->swiglu_forward(a, gu, 1, N);
            for (int k = 0; k < N; k++)
                if (!same(a[k], gu[k] * rz_sigmoidf(gu[k])))
                    ck_abort_msg("%s at %a", list[t]->name, (double)gu[k]);
        }
    }
}
END_TEST

/* ---- fma without the instruction ---- */

static uint64_t state = UINT64_C(88172645463325252);
static uint64_t next(void) /* xorshift64 (Marsaglia 2003) */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Random sign and mantissa (few bits set now and then: ties), exponent of 2^e. */
static float with_exponent(int e)
{
    uint32_t bits = (uint32_t)next(), mantissa = bits & 0x7fffff;
    if (bits >> 23 & 1)
        mantissa &= (uint32_t)next() & (uint32_t)next() & (uint32_t)next();
    e = e < -127 ? -127 : e > 127 ? 127 : e;
    return rz_float32((int32_t)((bits & 0x80000000u) | (uint32_t)(e + 127) << 23 | mantissa));
}

static int between(int lo, int hi) { return lo + (int)(next() % (uint64_t)(hi - lo + 1)); }

typedef struct { float a, b, c; } triple;

static triple any_bits(void)
{
    return (triple){rz_float32((int32_t)next()), rz_float32((int32_t)next()), rz_float32((int32_t)next())};
}
/* c near −a·b: all but a few bits cancel. */
static triple cancelling(void)
{
    int e = between(-60, 60);
    float a = with_exponent(e), b = with_exponent(between(-60, 60)), c = rz_float32(rz_bits32(-(a * b)) + between(-2, 2));
    return (triple){a, b, c};
}
/* a·b around half a unit in the last place of c, or far below it. */
static triple near_a_tie(void)
{
    int e = between(-100, 100), f = between(-20, 20);
    return (triple){with_exponent(f), with_exponent(e - f - between(22, 60)), with_exponent(e)};
}
static triple subnormal_result(void)
{
    int f = between(-70, 70);
    return (triple){with_exponent(f), with_exponent(-f - between(120, 155)), with_exponent(-between(120, 127))};
}
static triple overflowing(void)
{
    int f = between(0, 100);
    return (triple){with_exponent(f), with_exponent(127 - f + between(-2, 0)), with_exponent(between(100, 127))};
}
static triple few_numbers(void)
{
    static const float at[] = {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-149f, 0x1p-126f, 0x1.fffffep+127f, -0x1.fffffep+127f,
                               0x1.fffffep-127f, 0x1.000002p+0f, 0x1.fffffep-1f, 0x1p-24f, 0x1p-25f, 0x1p+24f};
    enum { N = sizeof at / sizeof at[0] };
    return (triple){at[next() % N], at[next() % N], at[next() % N]};
}

START_TEST(emulated_fma)
{
    static triple (*const kinds[])(void) = {any_bits, cancelling, near_a_tie, subnormal_result, overflowing, few_numbers};
    float a[16], b[16], c[16], v[16];
    for (int round = 0; round < 21 * 65536; round++) {
        for (int k = 0; k < 16; k++) {
            triple t = kinds[(unsigned)(round + k) % (sizeof kinds / sizeof kinds[0])]();
            a[k] = t.a, b[k] = t.b, c[k] = t.c;
        }
        vf_store(v, vf_fma(vf_load(a), vf_load(b), vf_load(c)));
        for (int k = 0; k < 16; k++) {
            float truth = fmaf(a[k], b[k], c[k]);
            if (!same(truth, rz_fmaf_soft(a[k], b[k], c[k])) || !same(truth, v[k]))
                ck_abort_msg("fma(%a, %a, %a) is %a, not %a (vector: %a)", (double)a[k],
                             (double)b[k], (double)c[k], (double)truth, (double)rz_fmaf_soft(a[k], b[k], c[k]), (double)v[k]);
        }
    }
}
END_TEST

START_TEST(maximum)
{
    ck_assert_int_eq(rz_bits32(rz_maxf(-0.0f, 0.0f)), 0);
    ck_assert_int_eq(rz_bits32(rz_maxf(0.0f, -0.0f)), 0);
    ck_assert_int_eq(rz_bits32(rz_maxf(-0.0f, -0.0f)), rz_bits32(-0.0f));
    ck_assert(rz_maxf(NAN, 1.0f) != rz_maxf(NAN, 1.0f));
    ck_assert(rz_maxf(INFINITY, NAN) != rz_maxf(INFINITY, NAN));
    ck_assert(rz_maxf(-2.0f, 3.0f) == 3.0f && rz_maxf(3.0f, -2.0f) == 3.0f && rz_maxf(-INFINITY, -1.0f) == -1.0f);
}
END_TEST

/* ---- binary64 ---- */

static double ulps64(double ours, long double truth)
{
    if (truth == 0)
        return ours == 0 ? 0 : INFINITY;
    return (double)(fabsl((long double)ours - truth) / ldexpl(1, ilogbl(truth) - 52));
}

static double unit(void) { return (double)(next() >> 11) * 0x1p-53; }

START_TEST(binary64)
{
    double sine = 0, cosine = 0, logarithm = 0, exponential = 0, power = 0;
    for (int i = 0; i < 400000; i++) {
        double x = i % 3 == 0 ? (unit() * 2 - 1) * 1.6e6 : i % 3 == 1 ? unit() * 4 - 2 : rint(unit() * 1e6) * 0x1.921fb54442d18p+0, s, c;
        if (i % 5 == 0)
            x = (float)x; /* what rope asks for */
        rz_sincos64(x, &s, &c);
        sine = fmax(sine, ulps64(s, sinl(x)));
        cosine = fmax(cosine, ulps64(c, cosl(x)));
        double y = (double)expl((long double)(unit() * 2 - 1) * (i % 2 ? 705 : 1));
        logarithm = fmax(logarithm, ulps64(rz_log64(y), logl(y)));
        double z = (unit() * 2 - 1) * (i % 2 ? 707 : 2);
        exponential = fmax(exponential, ulps64(rz_exp64(z), expl(z)));
        double e = -unit(), base = exp(unit() * 20);
        power = fmax(power, (double)(fabsl((long double)rz_pow64(base, e) / powl(base, e) - 1) / (2 + fabsl(e * logl(base)))) * 0x1p+52);
    }
    ck_assert_msg(sine <= 1.5 && cosine <= 1.5 && logarithm <= 1.5 && exponential <= 1.5 && power <= 1,
                  "sin %g cos %g log %g exp %g ulp, pow %g", sine, cosine, logarithm, exponential, power);
}
END_TEST

START_TEST(binary64_special)
{
    double s, c;
    rz_sincos64(0.0, &s, &c);
    ck_assert(s == 0 && c == 1);
    rz_sincos64(NAN, &s, &c);
    ck_assert(s != s && c != c);
    rz_sincos64(1e7, &s, &c);
    ck_assert(s != s && c != c);
    ck_assert(rz_log64(1.0) == 0 && rz_log64(0.0) == -INFINITY && rz_log64(INFINITY) == INFINITY && rz_log64(-1.0) != rz_log64(-1.0));
    ck_assert(ulps64(rz_log64(0x1p-1074), logl(0x1p-1074L)) <= 1.5);
    ck_assert(rz_exp64(0.0) == 1 && rz_exp64(710.0) == INFINITY && rz_exp64(-708.0) == 0 && rz_exp64(-INFINITY) == 0 && rz_exp64(INFINITY) == INFINITY);
    ck_assert(rz_exp64(NAN) != rz_exp64(NAN));
    ck_assert(ulps64(rz_exp64(0x1.62e42fefa39efp+9), expl(0x1.62e42fefa39efp+9L)) <= 1.5);
    ck_assert(ulps64(rz_exp64(-707.0), expl(-707.0L)) <= 1.5);
    ck_assert(rz_pow64(10000.0, 0.0) == 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mathf");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 7200);
    tcase_add_test(t, error_bounds);
    tcase_add_test(t, special_arguments);
    tcase_add_test(t, vector_instance);
    tcase_add_test(t, tables_instance);
    tcase_add_test(t, emulated_fma);
    tcase_add_test(t, maximum);
    tcase_add_test(t, binary64);
    tcase_add_test(t, binary64_special);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
