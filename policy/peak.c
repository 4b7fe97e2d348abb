#include "policy/peak.h"

#include "base/file.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

/* Twelve independent chains: enough for two units of up to six cycles each; the instruction for bfloat16s may take longer. The values stay near 1. The empty asm keeps every instruction. */
#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
#define EACH_DOT(F) EACH(F) F(12) F(13) F(14) F(15) F(16) F(17) F(18) F(19)
enum { CHAINS = 12, DOT_CHAINS = 20, TILE_ROUNDS = 4 };
#define START(i) TYPE acc##i = SET((float)i);
#define STEP(i) acc##i = FMA(acc##i, a, b); __asm__("" : "+v"(acc##i));
#define MERGE(i) acc0 += acc##i;

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

__attribute__((target("avx512f,avx512bf16"))) static void run_dots(float sink[16], long rounds)
{
#define TYPE __m512
#define SET _mm512_set1_ps
#define FMA(c, a, b) _mm512_dpbf16_ps(c, a, b)
    __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f003f00), b = (__m512bh)_mm512_set1_epi32(0x3a003a00);
    EACH_DOT(START)
    for (long n = 0; n < rounds; n++) {
        EACH_DOT(STEP) EACH_DOT(STEP)
    }
    EACH_DOT(MERGE)
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

/* Four tiles of sums, which is as many as the two factors beside them leave. Zeros: the values cost nothing. */
__attribute__((target("amx-tile,amx-bf16"))) static void run_tiles(float sink[16], long rounds)
{
    static const struct { unsigned char palette, start_row, reserved[14]; unsigned short row_bytes[16]; unsigned char rows[16]; } whole = {
        .palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    float tile[256];
    _tile_loadconfig(&whole);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (long n = 0; n < rounds; n += TILE_ROUNDS) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_stored(0, tile, 64);
    sink[0] = tile[0];
    _tile_release();
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

/* flops: of a round. half_run: of products of bfloat16s. */
static const struct { const char *name; void (*run)(float *sink, long rounds); double flops; void (*read)(float *sink, const char *data, size_t blocks); void (*half_run)(float *sink, long rounds); double half_flops; } loops[] = {
    {"avx512", run512, 2 * CHAINS * 16 * 2, read512, run512, 2 * CHAINS * 16 * 2},
    {"avx512_bf16", run512, 2 * CHAINS * 16 * 2, read512, run_dots, 2 * DOT_CHAINS * 32 * 2},
    {"amx", run512, 2 * CHAINS * 16 * 2, read512, run_tiles, 4 * 16 * 16 * 32 * 2 / TILE_ROUNDS},
    {"avx2", run256, 2 * CHAINS * 8 * 2, read256, run256, 2 * CHAINS * 8 * 2},
};

static double gflops(const char *name, double ms, bool half)
{
    volatile float keep;
    float sink[16];
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++)
        if (strcmp(name, loops[i].name) == 0) {
            double start = rz_now_s(), spent = 0, done = 0;
            for (; spent < ms * 1e-3; spent = rz_now_s() - start, done += 2000)
                (half ? loops[i].half_run : loops[i].run)(sink, 2000);
            keep = sink[0];
            (void)keep;
            return done * (half ? loops[i].half_flops : loops[i].flops) / spent * 1e-9;
        }
    return 0;
}

double rz_peak_gflops(const char *name, double ms)
{
    return gflops(name, ms, false);
}

double rz_peak_half_gflops(const char *name, double ms)
{
    return gflops(name, ms, true);
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

double rz_peak_half_gflops(const char *name, double ms)
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
