/* Products of bfloat16s by the instruction that adds two of them at once (AVX512_BF16): what takes the place of matmul_half in the avx512 table where it pays. It flushes
 * small numbers and rounds to nearest whatever the control register says; the other additions here have to be told. */
#include "policy/kernels_vec.h"

#include <immintrin.h>
#include <time.h>

#define RZ_DOTS /* half_tiles is that of the instruction */
#include "policy/kernels_half.inc.c"

void rz_matmul_dot(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    check_half(a, b, M, N, K, spans);
    if (K == 0)
        no_terms(c, ldc, M, N, add);
    unsigned before = vf_flush_begin();
    half_product(c, ldc, &a, &b, M, N, K, &spans, add);
    vf_flush_end(before);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Twelve independent chains, which keep the multipliers busy; the empty asm keeps every instruction. */
enum { CHAINS = 12, STEPS = 2000 };
static double time_fma(void)
{
    __m512 c[CHAINS], x = _mm512_set1_ps(0.5f);
    UNROLL for (int i = 0; i < CHAINS; i++)
        c[i] = x;
    double start = seconds();
    for (int n = 0; n < STEPS; n++)
        UNROLL for (int i = 0; i < CHAINS; i++) {
            c[i] = _mm512_fmadd_ps(c[i], x, x);
            __asm__ volatile("" : "+v"(c[i]));
        }
    return seconds() - start;
}

static double time_dot(void)
{
    __m512 c[CHAINS];
    __m512bh x = (__m512bh)_mm512_set1_epi32(0x3f003f00);
    UNROLL for (int i = 0; i < CHAINS; i++)
        c[i] = _mm512_setzero_ps();
    double start = seconds();
    for (int n = 0; n < STEPS; n++)
        UNROLL for (int i = 0; i < CHAINS; i++) {
            c[i] = _mm512_dpbf16_ps(c[i], x, x);
            __asm__ volatile("" : "+v"(c[i]));
        }
    return seconds() - start;
}

bool rz_dots_pay(void)
{
    double fma = 1, dot = 1; /* a second: the fastest of several rounds counts */
    for (int i = 0; i < 5; i++) {
        double f = time_fma(), d = time_dot();
        fma = f < fma ? f : fma, dot = d < dot ? d : dot;
    }
    return dot < 1.5 * fma;
}
