/* Sixteen floats at a time: `vf` is one register of AVX-512, two of AVX2, four of the portable set (vector extensions of gcc and clang; SSE2,
 * NEON …, with fma emulated where the target has none). Chosen by what this translation unit is compiled for. Static inline only.
 *
 * vf_load_even, vf_load_odd: the first and the second ones of sixteen pairs of bfloat16 in memory; vf_round_half: a float rounded to that (policy/mathf.h), NaN
 * to one of them; vf_half_pairs: sixteen such pairs, the first ones from lo. vf_load/vf_store are unaligned; the _n forms touch the first n of 16 lanes only (n
 * in 0 … 16; the other lanes load as +0). vf_flush_begin … vf_flush_end (x86): in between, and in functions called there only, operations take numbers of magnitude
 * below 2^-126 as zero and give zero for them. */
#ifndef RZ_POLICY_VEC_H
#define RZ_POLICY_VEC_H
#include "policy/mathf.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) /* ---------------------------------------------------------------- AVX-512 */
#define VF_REGISTERS 32 /* of 16 lanes */
#define VF_HALVES 1

typedef __m512 vf;
typedef __m512i vf_int;
typedef __mmask16 vf_mask;
typedef struct { __m512d a, b; } vd; /* sixteen doubles */

static inline vf_mask vf_first(int n) { return (vf_mask)((1u << n) - 1); }
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vf vf_load_even(const uint16_t *p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16)); }
static inline vf vf_load_odd(const uint16_t *p) { return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(-0x10000))); }
static inline vf vf_round_half(vf x)
{
    __m512i u = _mm512_castps_si512(x), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    u = _mm512_and_si512(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), _mm512_set1_epi32(-0x10000));
    return _mm512_mask_mov_ps(_mm512_castsi512_ps(u), _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), _mm512_set1_ps(NAN));
}
static inline vf vf_half_pairs(vf lo, vf hi)
{
    __m512i l = _mm512_castps_si512(vf_round_half(lo)), h = _mm512_castps_si512(vf_round_half(hi));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_srli_epi32(l, 16), h));
}
static inline vf vf_load_n(const float *p, int n) { return _mm512_maskz_loadu_ps(vf_first(n), p); }
static inline void vf_store_n(float *p, vf x, int n) { _mm512_mask_storeu_ps(p, vf_first(n), x); }
static inline vf vf_set(float x) { return _mm512_set1_ps(x); }
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_fma_if(bool on, vf a, vf b, vf c) { return _mm512_mask3_fmadd_ps(a, b, c, (vf_mask)-(int)on); }
static inline vf vf_sqrt(vf x) { return _mm512_sqrt_ps(x); }
static inline vf vf_neg(vf x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }
static inline vf vf_abs(vf x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }
static inline vf_mask vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vf_mask vf_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline vf_mask vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vf vf_select(vf_mask m, vf yes, vf no) { return _mm512_mask_mov_ps(no, m, yes); }
static inline vf vf_and(vf a, vf b) { return _mm512_and_ps(a, b); }
static inline vf vf_max_fast(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf_int vf_bits(vf x) { return _mm512_castps_si512(x); }
static inline vf vf_from_bits(vf_int i) { return _mm512_castsi512_ps(i); }
static inline vf vf_from_int(vf_int i) { return _mm512_cvtepi32_ps(i); }
static inline vf_int vf_int_set(int32_t i) { return _mm512_set1_epi32(i); }
static inline vf_int vf_int_add(vf_int a, vf_int b) { return _mm512_add_epi32(a, b); }
static inline vf_int vf_int_sub(vf_int a, vf_int b) { return _mm512_sub_epi32(a, b); }
static inline vf_int vf_shl23(vf_int i) { return _mm512_slli_epi32(i, 23); }
static inline vf_int vf_sar23(vf_int i) { return _mm512_srai_epi32(i, 23); }

static inline __m256 vf_low(vf x) { return _mm512_castps512_ps256(x); }
static inline __m256 vf_high(vf x) { return _mm512_extractf32x8_ps(x, 1); }

/* x0 y0 x1 y1 … of 32 floats to x and y. */
static inline void vf_deinterleave(vf lo, vf hi, vf *x, vf *y)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *x = _mm512_permutex2var_ps(lo, even, hi);
    *y = _mm512_permutex2var_ps(lo, _mm512_add_epi32(even, _mm512_set1_epi32(1)), hi);
}
/* x0 x1 y0 y1 x2 x3 … likewise. */
static inline void vf_deinterleave_twos(vf lo, vf hi, vf *x, vf *y)
{
    const __m512i first = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
    *x = _mm512_permutex2var_ps(lo, first, hi);
    *y = _mm512_permutex2var_ps(lo, _mm512_add_epi32(first, _mm512_set1_epi32(2)), hi);
}

static inline void vf_transpose(vf r[16])
{
    vf t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 2; k++) {
            __m512d lo = _mm512_castps_pd(t[i + k]), hi = _mm512_castps_pd(t[i + k + 2]);
            r[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(lo, hi)); /* columns 2k mod 4 … of rows i … i+3 */
            r[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(lo, hi));
        }
    for (int k = 0; k < 4; k++) {
        t[k] = _mm512_shuffle_f32x4(r[k], r[4 + k], 0x88);
        t[4 + k] = _mm512_shuffle_f32x4(r[k], r[4 + k], 0xdd);
        t[8 + k] = _mm512_shuffle_f32x4(r[8 + k], r[12 + k], 0x88);
        t[12 + k] = _mm512_shuffle_f32x4(r[8 + k], r[12 + k], 0xdd);
    }
    for (int k = 0; k < 4; k++) {
        r[k] = _mm512_shuffle_f32x4(t[k], t[8 + k], 0x88);
        r[8 + k] = _mm512_shuffle_f32x4(t[k], t[8 + k], 0xdd);
        r[4 + k] = _mm512_shuffle_f32x4(t[4 + k], t[12 + k], 0x88);
        r[12 + k] = _mm512_shuffle_f32x4(t[4 + k], t[12 + k], 0xdd);
    }
}

static inline vd vd_zero(void) { return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
static inline vd vd_add_square(vd s, vf x)
{
    __m512d a = _mm512_cvtps_pd(vf_low(x)), b = _mm512_cvtps_pd(vf_high(x));
    return (vd){_mm512_add_pd(s.a, _mm512_mul_pd(a, a)), _mm512_add_pd(s.b, _mm512_mul_pd(b, b))};
}
static inline void vd_store(double *p, vd x)
{
    _mm512_storeu_pd(p, x.a);
    _mm512_storeu_pd(p + 8, x.b);
}

#elif defined(__AVX2__) && defined(__FMA__) /* ------------------------------------------------------------------------------ AVX2 */
#define VF_REGISTERS 8
#define VF_HALVES 1

typedef struct { __m256 a, b; } vf;
typedef struct { __m256i a, b; } vf_int;
typedef vf vf_mask; /* lanes of all ones or zeros */
typedef struct { __m256d a, b, c, d; } vd;

static inline vf vf_pair(__m256 a, __m256 b) { return (vf){a, b}; }
static inline vf_int vf_int_pair(__m256i a, __m256i b) { return (vf_int){a, b}; }
static inline vf_int vf_lanes(int n)
{
    static const int32_t ones[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return vf_int_pair(_mm256_loadu_si256((const __m256i *)(ones + 16 - n)), _mm256_loadu_si256((const __m256i *)(ones + 24 - n)));
}
static inline vf vf_from_bits(vf_int i) { return vf_pair(_mm256_castsi256_ps(i.a), _mm256_castsi256_ps(i.b)); }
static inline vf_mask vf_first(int n) { return vf_from_bits(vf_lanes(n)); }
static inline vf vf_load(const float *p) { return vf_pair(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
static inline __m256i vf_eight_pairs(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline __m256 vf_eight_even(const uint16_t *p) { return _mm256_castsi256_ps(_mm256_slli_epi32(vf_eight_pairs(p), 16)); }
static inline __m256 vf_eight_odd(const uint16_t *p) { return _mm256_castsi256_ps(_mm256_and_si256(vf_eight_pairs(p), _mm256_set1_epi32(-0x10000))); }
static inline vf vf_load_even(const uint16_t *p) { return vf_pair(vf_eight_even(p), vf_eight_even(p + 16)); }
static inline vf vf_load_odd(const uint16_t *p) { return vf_pair(vf_eight_odd(p), vf_eight_odd(p + 16)); }
static inline __m256 vf_round_eight(__m256 x)
{
    __m256i u = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    u = _mm256_and_si256(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), _mm256_set1_epi32(-0x10000));
    return _mm256_blendv_ps(_mm256_castsi256_ps(u), _mm256_set1_ps(NAN), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}
static inline vf vf_round_half(vf x) { return vf_pair(vf_round_eight(x.a), vf_round_eight(x.b)); }
static inline __m256 vf_half_eight(__m256 lo, __m256 hi)
{
    __m256i l = _mm256_castps_si256(vf_round_eight(lo)), h = _mm256_castps_si256(vf_round_eight(hi));
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_srli_epi32(l, 16), h));
}
static inline vf vf_half_pairs(vf lo, vf hi) { return vf_pair(vf_half_eight(lo.a, hi.a), vf_half_eight(lo.b, hi.b)); }
static inline void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline vf vf_load_n(const float *p, int n)
{
    vf_int m = vf_lanes(n);
    return vf_pair(_mm256_maskload_ps(p, m.a), _mm256_maskload_ps(p + 8, m.b));
}
static inline void vf_store_n(float *p, vf x, int n)
{
    vf_int m = vf_lanes(n);
    _mm256_maskstore_ps(p, m.a, x.a);
    _mm256_maskstore_ps(p + 8, m.b, x.b);
}
static inline vf vf_set(float x) { return vf_pair(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
static inline vf vf_add(vf a, vf b) { return vf_pair(_mm256_add_ps(a.a, b.a), _mm256_add_ps(a.b, b.b)); }
static inline vf vf_sub(vf a, vf b) { return vf_pair(_mm256_sub_ps(a.a, b.a), _mm256_sub_ps(a.b, b.b)); }
static inline vf vf_mul(vf a, vf b) { return vf_pair(_mm256_mul_ps(a.a, b.a), _mm256_mul_ps(a.b, b.b)); }
static inline vf vf_div(vf a, vf b) { return vf_pair(_mm256_div_ps(a.a, b.a), _mm256_div_ps(a.b, b.b)); }
static inline vf vf_fma(vf a, vf b, vf c) { return vf_pair(_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)); }
static inline vf vf_fma_if(bool on, vf a, vf b, vf c) { return on ? vf_fma(a, b, c) : c; }
static inline vf vf_sqrt(vf x) { return vf_pair(_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)); }
static inline vf vf_neg(vf x) { return vf_pair(_mm256_xor_ps(x.a, _mm256_set1_ps(-0.0f)), _mm256_xor_ps(x.b, _mm256_set1_ps(-0.0f))); }
static inline vf vf_abs(vf x) { return vf_pair(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), x.a), _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x.b)); }
static inline vf_mask vf_lt(vf a, vf b) { return vf_pair(_mm256_cmp_ps(a.a, b.a, _CMP_LT_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_LT_OQ)); }
static inline vf_mask vf_le(vf a, vf b) { return vf_pair(_mm256_cmp_ps(a.a, b.a, _CMP_LE_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_LE_OQ)); }
static inline vf_mask vf_eq(vf a, vf b) { return vf_pair(_mm256_cmp_ps(a.a, b.a, _CMP_EQ_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_EQ_OQ)); }
static inline vf vf_select(vf_mask m, vf yes, vf no) { return vf_pair(_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b)); }
static inline vf vf_and(vf a, vf b) { return vf_pair(_mm256_and_ps(a.a, b.a), _mm256_and_ps(a.b, b.b)); }
static inline vf vf_max_fast(vf a, vf b) { return vf_pair(_mm256_max_ps(a.a, b.a), _mm256_max_ps(a.b, b.b)); }
static inline vf_int vf_bits(vf x) { return vf_int_pair(_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)); }
static inline vf vf_from_int(vf_int i) { return vf_pair(_mm256_cvtepi32_ps(i.a), _mm256_cvtepi32_ps(i.b)); }
static inline vf_int vf_int_set(int32_t i) { return vf_int_pair(_mm256_set1_epi32(i), _mm256_set1_epi32(i)); }
static inline vf_int vf_int_add(vf_int a, vf_int b) { return vf_int_pair(_mm256_add_epi32(a.a, b.a), _mm256_add_epi32(a.b, b.b)); }
static inline vf_int vf_int_sub(vf_int a, vf_int b) { return vf_int_pair(_mm256_sub_epi32(a.a, b.a), _mm256_sub_epi32(a.b, b.b)); }
static inline vf_int vf_shl23(vf_int i) { return vf_int_pair(_mm256_slli_epi32(i.a, 23), _mm256_slli_epi32(i.b, 23)); }
static inline vf_int vf_sar23(vf_int i) { return vf_int_pair(_mm256_srai_epi32(i.a, 23), _mm256_srai_epi32(i.b, 23)); }

static inline __m256 vf_low(vf x) { return x.a; }
static inline __m256 vf_high(vf x) { return x.b; }

static inline __m256 vf_in_order(__m256 x)
{
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}

static inline void vf_deinterleave(vf lo, vf hi, vf *x, vf *y)
{
    *x = vf_pair(vf_in_order(_mm256_shuffle_ps(lo.a, lo.b, 0x88)), vf_in_order(_mm256_shuffle_ps(hi.a, hi.b, 0x88)));
    *y = vf_pair(vf_in_order(_mm256_shuffle_ps(lo.a, lo.b, 0xdd)), vf_in_order(_mm256_shuffle_ps(hi.a, hi.b, 0xdd)));
}
static inline void vf_deinterleave_twos(vf lo, vf hi, vf *x, vf *y)
{
    *x = vf_pair(vf_in_order(_mm256_shuffle_ps(lo.a, lo.b, 0x44)), vf_in_order(_mm256_shuffle_ps(hi.a, hi.b, 0x44)));
    *y = vf_pair(vf_in_order(_mm256_shuffle_ps(lo.a, lo.b, 0xee)), vf_in_order(_mm256_shuffle_ps(hi.a, hi.b, 0xee)));
}

static inline void vf_transpose8(__m256 r[8])
{
    __m256 t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            r[i + 2 * k] = _mm256_shuffle_ps(t[i + k], t[i + k + 2], 0x44);
            r[i + 2 * k + 1] = _mm256_shuffle_ps(t[i + k], t[i + k + 2], 0xee);
        }
    for (int k = 0; k < 4; k++) {
        __m256 lo = _mm256_permute2f128_ps(r[k], r[4 + k], 0x20), hi = _mm256_permute2f128_ps(r[k], r[4 + k], 0x31);
        r[k] = lo, r[4 + k] = hi;
    }
}

static inline void vf_transpose(vf r[16])
{
    __m256 p[4][8];
    for (int i = 0; i < 8; i++) {
        p[0][i] = r[i].a, p[1][i] = r[i].b;
        p[2][i] = r[8 + i].a, p[3][i] = r[8 + i].b;
    }
    for (int k = 0; k < 4; k++)
        vf_transpose8(p[k]);
    for (int i = 0; i < 8; i++) {
        r[i] = vf_pair(p[0][i], p[2][i]);
        r[8 + i] = vf_pair(p[1][i], p[3][i]);
    }
}

static inline vd vd_zero(void) { return (vd){_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()}; }
static inline __m256d vd_quarter(__m256d s, __m128 x)
{
    __m256d d = _mm256_cvtps_pd(x);
    return _mm256_add_pd(s, _mm256_mul_pd(d, d));
}
static inline vd vd_add_square(vd s, vf x)
{
    return (vd){vd_quarter(s.a, _mm256_castps256_ps128(x.a)), vd_quarter(s.b, _mm256_extractf128_ps(x.a, 1)),
                vd_quarter(s.c, _mm256_castps256_ps128(x.b)), vd_quarter(s.d, _mm256_extractf128_ps(x.b, 1))};
}
static inline void vd_store(double *p, vd x)
{
    _mm256_storeu_pd(p, x.a);
    _mm256_storeu_pd(p + 4, x.b);
    _mm256_storeu_pd(p + 8, x.c);
    _mm256_storeu_pd(p + 12, x.d);
}

#else /* ------------------------------------------------------------------------------------------------------------------ portable */
#define VF_REGISTERS 8 /* what 32 registers of four lanes hold; with fewer some spill */

typedef float q4 __attribute__((vector_size(16)));
typedef int32_t q4_int __attribute__((vector_size(16)));
typedef uint32_t q4_uint __attribute__((vector_size(16))); /* bits that may wrap */
typedef struct { q4 a, b, c, d; } vf;
typedef struct { q4_int a, b, c, d; } vf_int;
typedef vf_int vf_mask; /* lanes of all ones or zeros */
typedef struct { double l[16]; } vd;

#define VF_EACH(type, f) ((type){f(a), f(b), f(c), f(d)})

static inline q4 q4_set(float x) { return (q4){x, x, x, x}; }
static inline q4 q4_load(const float *p)
{
    q4 x;
    memcpy(&x, p, sizeof x);
    return x;
}

#if !RZ_HAVE_FMA && defined(__SSE2__)
/* rz_fmaf_soft on two lanes; s + (−1 where the error points to zero) | 1 is the round to odd of both parities. */
static inline __m128d q2_fma_odd(__m128d a, __m128d b, __m128d z)
{
    __m128d p = _mm_mul_pd(a, b), s = _mm_add_pd(p, z), t = _mm_sub_pd(s, p);
    __m128d e = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(s, t)), _mm_sub_pd(z, t));
    __m128d zero = _mm_setzero_pd();
    __m128i inexact = _mm_castpd_si128(_mm_or_pd(_mm_cmplt_pd(e, zero), _mm_cmplt_pd(zero, e)));
    __m128i sign = _mm_srai_epi32(_mm_castpd_si128(_mm_xor_pd(s, e)), 31);
    __m128i down = _mm_and_si128(inexact, _mm_shuffle_epi32(sign, 0xf5));
    __m128i i = _mm_add_epi64(_mm_castpd_si128(s), down);
    return _mm_castsi128_pd(_mm_or_si128(i, _mm_srli_epi64(inexact, 63)));
}
static inline q4 q4_fma(q4 x, q4 y, q4 z)
{
    __m128 a = (__m128)x, b = (__m128)y, c = (__m128)z;
    __m128d lo = q2_fma_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
    __m128d hi = q2_fma_odd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)), _mm_cvtps_pd(_mm_movehl_ps(c, c)));
    return (q4)_mm_movelh_ps(_mm_cvtpd_ps(lo), _mm_cvtpd_ps(hi));
}
#else
static inline q4 q4_fma(q4 x, q4 y, q4 z)
{
    return (q4){rz_fmaf(x[0], y[0], z[0]), rz_fmaf(x[1], y[1], z[1]), rz_fmaf(x[2], y[2], z[2]), rz_fmaf(x[3], y[3], z[3])};
}
#endif
static inline q4 q4_sqrt(q4 x) { return (q4){sqrtf(x[0]), sqrtf(x[1]), sqrtf(x[2]), sqrtf(x[3])}; }
static inline q4_int q4_ramp(int n) /* lane i: −1 when i < n */
{
    return (q4_int){0, 1, 2, 3} < (q4_int){n, n, n, n};
}

static inline vf_mask vf_first(int n) { return (vf_mask){q4_ramp(n), q4_ramp(n - 4), q4_ramp(n - 8), q4_ramp(n - 12)}; }
static inline q4 q4_load_even(const uint16_t *p)
{
    q4_uint x = {p[0], p[2], p[4], p[6]};
    return (q4)(x << 16);
}
static inline vf vf_load_even(const uint16_t *p) { return (vf){q4_load_even(p), q4_load_even(p + 8), q4_load_even(p + 16), q4_load_even(p + 24)}; }
static inline vf vf_load_odd(const uint16_t *p) { return vf_load_even(p + 1); }
static inline q4 q4_round_half(q4 x)
{
    q4_uint u = (q4_uint)x;
    q4_int number = x == x;
    return (q4)((((u + 0x7fff + (u >> 16 & 1)) & 0xffff0000) & (q4_uint)number) | (0x7fc00000 & ~(q4_uint)number));
}
static inline vf vf_round_half(vf x) { return (vf){q4_round_half(x.a), q4_round_half(x.b), q4_round_half(x.c), q4_round_half(x.d)}; }
static inline q4 q4_half_pairs(q4 lo, q4 hi) { return (q4)((q4_uint)q4_round_half(lo) >> 16 | (q4_uint)q4_round_half(hi)); }
static inline vf vf_half_pairs(vf lo, vf hi)
{
    return (vf){q4_half_pairs(lo.a, hi.a), q4_half_pairs(lo.b, hi.b), q4_half_pairs(lo.c, hi.c), q4_half_pairs(lo.d, hi.d)};
}
static inline vf vf_load(const float *p) { return (vf){q4_load(p), q4_load(p + 4), q4_load(p + 8), q4_load(p + 12)}; }
static inline void vf_store(float *p, vf x) { memcpy(p, &x, sizeof x); }
static inline vf vf_load_n(const float *p, int n)
{
    float t[16] = {0};
    memcpy(t, p, (size_t)n * sizeof *p);
    return vf_load(t);
}
static inline void vf_store_n(float *p, vf x, int n) { memcpy(p, &x, (size_t)n * sizeof *p); }
static inline vf vf_set(float x) { return (vf){q4_set(x), q4_set(x), q4_set(x), q4_set(x)}; }
#define VF_F(l) x.l + y.l
static inline vf vf_add(vf x, vf y) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4_int)((q4_uint)x.l + (q4_uint)y.l)
static inline vf_int vf_int_add(vf_int x, vf_int y) { return VF_EACH(vf_int, VF_F); }
#undef VF_F
#define VF_F(l) x.l - y.l
static inline vf vf_sub(vf x, vf y) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4_int)((q4_uint)x.l - (q4_uint)y.l)
static inline vf_int vf_int_sub(vf_int x, vf_int y) { return VF_EACH(vf_int, VF_F); }
#undef VF_F
#define VF_F(l) x.l * y.l
static inline vf vf_mul(vf x, vf y) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) x.l / y.l
static inline vf vf_div(vf x, vf y) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) q4_fma(x.l, y.l, z.l)
static inline vf vf_fma(vf x, vf y, vf z) { return VF_EACH(vf, VF_F); }
#undef VF_F
static inline vf vf_fma_if(bool on, vf x, vf y, vf z) { return on ? vf_fma(x, y, z) : z; }
#define VF_F(l) q4_sqrt(x.l)
static inline vf vf_sqrt(vf x) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) -x.l
static inline vf vf_neg(vf x) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) x.l < y.l
static inline vf_mask vf_lt(vf x, vf y) { return VF_EACH(vf_mask, VF_F); }
#undef VF_F
#define VF_F(l) x.l <= y.l
static inline vf_mask vf_le(vf x, vf y) { return VF_EACH(vf_mask, VF_F); }
#undef VF_F
#define VF_F(l) x.l == y.l
static inline vf_mask vf_eq(vf x, vf y) { return VF_EACH(vf_mask, VF_F); }
#undef VF_F
#define VF_F(l) (q4)x.l
static inline vf vf_from_bits(vf_int x) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4_int)x.l
static inline vf_int vf_bits(vf x) { return VF_EACH(vf_int, VF_F); }
#undef VF_F
#define VF_F(l) __builtin_convertvector(x.l, q4)
static inline vf vf_from_int(vf_int x) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4_int)((q4_uint)x.l << 23)
static inline vf_int vf_shl23(vf_int x) { return VF_EACH(vf_int, VF_F); }
#undef VF_F
#define VF_F(l) x.l >> 23
static inline vf_int vf_sar23(vf_int x) { return VF_EACH(vf_int, VF_F); }
#undef VF_F
#define VF_F(l) (q4)((q4_int)x.l & (q4_int)y.l)
static inline vf vf_and(vf x, vf y) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4)((q4_int)x.l & 0x7fffffff)
static inline vf vf_abs(vf x) { return VF_EACH(vf, VF_F); }
#undef VF_F
#define VF_F(l) (q4)(((q4_int)yes.l & m.l) | ((q4_int)no.l & ~m.l))
static inline vf vf_select(vf_mask m, vf yes, vf no) { return VF_EACH(vf, VF_F); }
#undef VF_F
static inline vf_int vf_int_set(int32_t i)
{
    q4_int x = {i, i, i, i};
    return (vf_int){x, x, x, x};
}
static inline vf vf_max_fast(vf x, vf y) { return vf_select(vf_lt(y, x), x, y); }

static inline void vf_deinterleave(vf lo, vf hi, vf *x, vf *y)
{
    float in[32], even[16], odd[16];
    vf_store(in, lo);
    vf_store(in + 16, hi);
    for (int i = 0; i < 16; i++)
        even[i] = in[2 * i], odd[i] = in[2 * i + 1];
    *x = vf_load(even);
    *y = vf_load(odd);
}
static inline void vf_deinterleave_twos(vf lo, vf hi, vf *x, vf *y)
{
    float in[32], first[16], second[16];
    vf_store(in, lo);
    vf_store(in + 16, hi);
    for (int i = 0; i < 16; i++)
        first[i] = in[i / 2 * 4 + i % 2], second[i] = in[i / 2 * 4 + i % 2 + 2];
    *x = vf_load(first);
    *y = vf_load(second);
}

static inline void vf_transpose(vf r[16])
{
    float in[16][16], out[16][16];
    memcpy(in, r, sizeof in);
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++)
            out[i][k] = in[k][i];
    memcpy(r, out, sizeof out);
}

static inline vd vd_zero(void) { return (vd){{0}}; }
static inline vd vd_add_square(vd s, vf x)
{
    float f[16];
    vf_store(f, x);
    for (int i = 0; i < 16; i++)
        s.l[i] = s.l[i] + (double)f[i] * (double)f[i];
    return s;
}
static inline void vd_store(double *p, vd x) { memcpy(p, &x, sizeof x); }
#endif /* ------------------------------------------------------------------------------------------------------------------ all */

static inline vf vf_zero(void) { return vf_set(0.0f); }

#ifdef __SSE2__
enum { VF_FLUSH = 0x8000 | 0x0040 }; /* MXCSR: flush to zero, denormals are zero */
static inline unsigned vf_flush_begin(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | VF_FLUSH);
    return before;
}
static inline void vf_flush_end(unsigned before) { _mm_setcsr(before); }
#endif

/* NaN wins, +0 > −0. vf_max_fast returns its second argument for NaN and for zeros of both signs. */
static inline vf vf_max(vf a, vf b)
{
    vf m = vf_select(vf_eq(a, b), vf_and(a, b), vf_max_fast(a, b));
    return vf_select(vf_eq(a, a), m, a);
}

/* Lanes combined by the tree of sum16: + [i+8], [i+4], [i+2], [i+1]. vf_greatest: of numbers; arbitrary for NaN and for zeros of both signs. */
#ifdef VF_HALVES
static inline float vf_sum(vf x)
{
    __m256 h = _mm256_add_ps(vf_low(x), vf_high(x));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
static inline float vf_greatest(vf x)
{
    __m256 h = _mm256_max_ps(vf_low(x), vf_high(x));
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
#else
static inline float vf_sum(vf x)
{
    q4 h = (x.a + x.c) + (x.b + x.d);
    return (h[0] + h[2]) + (h[1] + h[3]);
}
static inline float vf_greatest(vf x)
{
    float l[16], m;
    vf_store(l, x);
    m = l[0];
    for (int i = 1; i < 16; i++)
        m = l[i] > m ? l[i] : m;
    return m;
}
#endif

static inline float vf_greatest_exact(vf x)
{
    float l[16], m;
    vf_store(l, x);
    m = l[0];
    for (int i = 1; i < 16; i++)
        m = rz_maxf(m, l[i]);
    return m;
}

static inline double vd_sum(vd x)
{
    double l[16];
    vd_store(l, x);
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            l[i] = l[i] + l[i + half];
    return l[0];
}

RZ_MATHF_DEFINE(vf)
#endif
