#include "policy/peak.h"

#include "base/file.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

/* Twelve independent chains: enough for two units of up to six cycles each. The values stay near 1. The empty asm keeps every instruction. */
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
enum { CHAINS = 12 };
#define START(i) TYPE acc##i = SET((float)i);
#define STEP(i) acc##i = FMA(acc##i, a, b); __asm__("" : "+v"(acc##i));
#define MERGE(i) acc0 = FMA(acc##i, a, acc0);

__attribute__((target("avx512f"))) static void run512(float sink[16], long rounds)
{
#define TYPE __m512
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
    TYPE a = SET(0.999999f), b = SET(1e-6f);
    EACH(START)
    for (long n = 0; n < rounds; n++) {
        EACH(STEP) EACH(STEP)
    }
    EACH(MERGE)
    _mm512_storeu_ps(sink, acc0);
#undef TYPE
#undef SET
#undef FMA
}

__attribute__((target("avx2,fma"))) static void run256(float sink[16], long rounds)
{
#define TYPE __m256
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
    TYPE a = SET(0.999999f), b = SET(1e-6f);
    EACH(START)
    for (long n = 0; n < rounds; n++) {
        EACH(STEP) EACH(STEP)
    }
    EACH(MERGE)
    _mm256_storeu_ps(sink, acc0);
}

/* Four cache lines at a time, from 64-byte blocks. */
__attribute__((target("avx512f"))) static void read512(float sink[16], const char *data, size_t blocks)
{
    __m512i a = _mm512_setzero_si512(), b = a;
    const __m512i *x = (const __m512i *)data;
    for (size_t i = 0; i + 4 <= blocks; i += 4) {
        a = _mm512_xor_si512(a, _mm512_xor_si512(_mm512_loadu_si512(x + i), _mm512_loadu_si512(x + i + 1)));
        b = _mm512_xor_si512(b, _mm512_xor_si512(_mm512_loadu_si512(x + i + 2), _mm512_loadu_si512(x + i + 3)));
    }
    _mm512_storeu_si512(sink, _mm512_xor_si512(a, b));
}

__attribute__((target("avx2"))) static void read256(float sink[16], const char *data, size_t blocks)
{
    __m256i a = _mm256_setzero_si256(), b = a;
    const __m256i *x = (const __m256i *)data;
    for (size_t i = 0; i + 4 <= blocks; i += 4)
        for (size_t j = 2 * i; j < 2 * i + 8; j += 4) {
            a = _mm256_xor_si256(a, _mm256_xor_si256(_mm256_loadu_si256(x + j), _mm256_loadu_si256(x + j + 1)));
            b = _mm256_xor_si256(b, _mm256_xor_si256(_mm256_loadu_si256(x + j + 2), _mm256_loadu_si256(x + j + 3)));
        }
    _mm256_storeu_si256((__m256i *)sink, _mm256_xor_si256(a, b));
}

static const struct { const char *name; void (*run)(float *sink, long rounds); double flops; void (*read)(float *sink, const char *data, size_t blocks); } loops[] = {
    {"avx512", run512, 2 * CHAINS * 16 * 2, read512},
    {"avx512_bf16", run512, 2 * CHAINS * 16 * 2, read512},
    {"amx", run512, 2 * CHAINS * 16 * 2, read512},
    {"avx2", run256, 2 * CHAINS * 8 * 2, read256},
};

double rz_peak_gflops(const char *name, double ms)
{
    volatile float keep;
    float sink[16];
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
        if (strcmp(name, loops[i].name) == 0) {
            double start = rz_now_s(), spent = 0, done = 0;
            for (; spent < ms * 1e-3; spent = rz_now_s() - start, done += 2000)
                loops[i].run(sink, 2000);
            keep = sink[0];
            (void)keep;
            return done * loops[i].flops / spent * 1e-9;
        }
    return 0;
}

double rz_peak_read(const char *name, const void *data, size_t bytes)
{
    volatile float keep;
    float sink[16];
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
        if (strcmp(name, loops[i].name) == 0) {
            double start = rz_now_s();
            loops[i].read(sink, data, bytes / 64);
            keep = sink[0];
            (void)keep;
            return (double)bytes / (rz_now_s() - start) * 1e-9;
        }
    return 0;
}
#else
double rz_peak_gflops(const char *name, double ms)
{
    (void)name, (void)ms;
    return 0;
}

double rz_peak_read(const char *name, const void *data, size_t bytes)
{
    (void)name, (void)data, (void)bytes;
    return 0;
}
#endif
