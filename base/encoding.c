#include "base/encoding.h"
#include <assert.h>
#include <string.h>

/* ---- one number ---- */

static uint32_t bits_of(float x)
{
    union { float f; uint32_t u; } v = {x};
    return v.u;
}

static float float_of(uint32_t u)
{
    union { uint32_t u; float f; } v = {u};
    return v.f;
}

float rz_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, m = h & 0x7fff;
    if (m < 0x400) return float_of(sign | bits_of((float)m * 0x1p-24f)); /* zero, subnormal */
    return float_of(sign | ((m << 13) + (m < 0x7c00 ? 112u << 23 : 224u << 23)));
}

uint16_t rz_f32_to_f16(float x)
{
    uint32_t u = bits_of(x), sign = u >> 16 & 0x8000, m = u & 0x7fffffff;
    if (m > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (m >> 13 & 0x1ff)); /* NaN, quiet */
    if (m >= 0x47800000) return (uint16_t)(sign | 0x7c00);                     /* from 65536 */
    if (m < 0x38800000) return (uint16_t)(sign | (bits_of(float_of(m) + 0.5f) - bits_of(0.5f))); /* subnormal: units of 2^-24, as 0.5 has them */
    return (uint16_t)(sign | ((m + 0xfff + (m >> 13 & 1) - (112u << 23)) >> 13));
}

uint16_t rz_f32_to_bf16(float x)
{
    uint32_t u = bits_of(x);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* ---- decoding, a row of n elements ---- */

static uint16_t half_at(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t word_at(const uint8_t *p) { return half_at(p) | (uint32_t)half_at(p + 2) << 16; }
static float scale_at(const uint8_t *p) { return rz_f16_to_f32(half_at(p)); }

static void decode_f32(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dst[i] = float_of(word_at(p + 4 * i));
}

static void decode_f16(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dst[i] = rz_f16_to_f32(half_at(p + 2 * i));
}

static void decode_bf16(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dst[i] = rz_bf16_to_f32(half_at(p + 2 * i));
}

/* Blocks of 32: a scale, perhaps a minimum, perhaps the fifth bits, then the lower four bits of element i and of element i + 16 in byte i. */
static void decode_q4_0(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 18) {
        float d = scale_at(p);
        for (int i = 0; i < 16; i++) {
            dst[at + i] = d * (float)((p[2 + i] & 15) - 8);
            dst[at + i + 16] = d * (float)((p[2 + i] >> 4) - 8);
        }
    }
}

static void decode_q4_1(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 20) {
        float d = scale_at(p), m = scale_at(p + 2);
        for (int i = 0; i < 16; i++) {
            dst[at + i] = d * (float)(p[4 + i] & 15) + m;
            dst[at + i + 16] = d * (float)(p[4 + i] >> 4) + m;
        }
    }
}

static void decode_q5_0(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 22) {
        float d = scale_at(p);
        uint32_t high = word_at(p + 2);
        for (int i = 0; i < 16; i++) {
            int low = (p[6 + i] & 15) | (int)(high >> i & 1) << 4, up = p[6 + i] >> 4 | (int)(high >> (i + 16) & 1) << 4;
            dst[at + i] = d * (float)(low - 16);
            dst[at + i + 16] = d * (float)(up - 16);
        }
    }
}

static void decode_q5_1(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 24) {
        float d = scale_at(p), m = scale_at(p + 2);
        uint32_t high = word_at(p + 4);
        for (int i = 0; i < 16; i++) {
            int low = (p[8 + i] & 15) | (int)(high >> i & 1) << 4, up = p[8 + i] >> 4 | (int)(high >> (i + 16) & 1) << 4;
            dst[at + i] = d * (float)low + m;
            dst[at + i + 16] = d * (float)up + m;
        }
    }
}

static void decode_q8_0(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 34) {
        float d = scale_at(p);
        for (int i = 0; i < 32; i++) dst[at + i] = d * (float)(int8_t)p[2 + i];
    }
}

/* Blocks of 256 in eight parts of 32, each with a scale and a minimum of six bits: those of the first four parts in the lower six bits of bytes 0–3 and 4–7;
 * of the others four bits in bytes 8–11 and the upper two in what was left over of bytes 0–7. */
static void part_scale(const uint8_t *s, int part, int *scale, int *minimum)
{
    if (part < 4) {
        *scale = s[part] & 63;
        *minimum = s[part + 4] & 63;
    } else {
        *scale = (s[part + 4] & 15) | s[part - 4] >> 6 << 4;
        *minimum = s[part + 4] >> 4 | s[part] >> 6 << 4;
    }
}

/* high: the fifth bits, bit `part` of byte i, or NULL. Parts 2k and 2k + 1 are the lower and upper halves of 32 bytes. */
static void decode_parts(float *dst, const uint8_t *p, const uint8_t *high, const uint8_t *low)
{
    float d = scale_at(p), dmin = scale_at(p + 2);
    for (int part = 0; part < 8; part++) {
        int scale, minimum;
        part_scale(p + 4, part, &scale, &minimum);
        float a = d * (float)scale, b = dmin * (float)minimum;
        const uint8_t *q = low + part / 2 * 32;
        int shift = part % 2 * 4;
        for (int i = 0; i < 32; i++) {
            int v = (q[i] >> shift & 15) | (high != NULL ? (high[i] >> part & 1) << 4 : 0);
            dst[part * 32 + i] = a * (float)v - b;
        }
    }
}

static void decode_q4_k(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 256, p += 144) decode_parts(dst + at, p, NULL, p + 16);
}

static void decode_q5_k(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 256, p += 176) decode_parts(dst + at, p, p + 16, p + 48);
}

/* Blocks of 256 in two halves of four parts of 32: 128 bytes of lower four bits, 64 bytes of upper two, 16 scales for 16 elements each, the scale of all. */
static void decode_q6_k(float *dst, const uint8_t *p, int64_t n)
{
    for (int64_t at = 0; at < n; at += 256, p += 210) {
        float d = scale_at(p + 208);
        for (int part = 0; part < 8; part++) {
            const uint8_t *low = p + part / 4 * 64 + part % 2 * 32, *high = p + 128 + part / 4 * 32, *scale = p + 192 + part * 2;
            float a[2] = {d * (float)(int8_t)scale[0], d * (float)(int8_t)scale[1]};
            int low_at = part % 4 / 2 * 4, high_at = part % 4 * 2;
            for (int i = 0; i < 32; i++) dst[at + part * 32 + i] = a[i / 16] * (float)(((low[i] >> low_at & 15) | (high[i] >> high_at & 3) << 4) - 32);
        }
    }
}

/* ---- encoding ---- */

static void put_half(uint8_t *p, uint16_t h)
{
    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

static void encode_f32(uint8_t *p, const float *src, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t u = bits_of(src[i]);
        put_half(p + 4 * i, (uint16_t)u);
        put_half(p + 4 * i + 2, (uint16_t)(u >> 16));
    }
}

static void encode_f16(uint8_t *p, const float *src, int64_t n)
{
    for (int64_t i = 0; i < n; i++) put_half(p + 2 * i, rz_f32_to_f16(src[i]));
}

static void encode_bf16(uint8_t *p, const float *src, int64_t n)
{
    for (int64_t i = 0; i < n; i++) put_half(p + 2 * i, rz_f32_to_bf16(src[i]));
}

/* To the nearest whole number, halves away from zero; at most 127 in magnitude, which only what is not finite would exceed. NaN becomes 0. */
static int nearest(float x)
{
    float a = x < 0 ? -x : x;
    if (!(a > 0)) return 0;
    int k = a < 127 ? (int)a : 127;
    if (k < 127 && a - (float)k >= 0.5f) k++;
    return x < 0 ? -k : k;
}

static void encode_q8_0(uint8_t *p, const float *src, int64_t n)
{
    for (int64_t at = 0; at < n; at += 32, p += 34) {
        float most = 0;
        for (int i = 0; i < 32; i++) {
            float a = float_of(bits_of(src[at + i]) & 0x7fffffff);
            most = a > most ? a : most;
        }
        float d = most / 127.0f, inverse = d != 0 ? 1.0f / d : 0.0f;
        put_half(p, rz_f32_to_f16(d));
        for (int i = 0; i < 32; i++) p[2 + i] = (uint8_t)nearest(src[at + i] * inverse);
    }
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int block, bytes; /* elements and bytes of a block */
    void (*decode)(float *dst, const uint8_t *src, int64_t n);
    void (*encode)(uint8_t *dst, const float *src, int64_t n); /* NULL: only read */
} encodings[RZ_N_ENC] = {
    [RZ_ENC_F32] = {"f32", 1, 4, decode_f32, encode_f32},
    [RZ_ENC_F16] = {"f16", 1, 2, decode_f16, encode_f16},
    [RZ_ENC_BF16] = {"bf16", 1, 2, decode_bf16, encode_bf16},
    [RZ_ENC_Q4_0] = {"q4_0", 32, 18, decode_q4_0, NULL},
    [RZ_ENC_Q4_1] = {"q4_1", 32, 20, decode_q4_1, NULL},
    [RZ_ENC_Q5_0] = {"q5_0", 32, 22, decode_q5_0, NULL},
    [RZ_ENC_Q5_1] = {"q5_1", 32, 24, decode_q5_1, NULL},
    [RZ_ENC_Q8_0] = {"q8_0", 32, 34, decode_q8_0, encode_q8_0},
    [RZ_ENC_Q4_K] = {"q4_k", 256, 144, decode_q4_k, NULL},
    [RZ_ENC_Q5_K] = {"q5_k", 256, 176, decode_q5_k, NULL},
    [RZ_ENC_Q6_K] = {"q6_k", 256, 210, decode_q6_k, NULL},
};

const char *rz_encoding_name(rz_encoding e) { return encodings[e].name; }

int rz_encoding_block(rz_encoding e) { return encodings[e].block; }

int64_t rz_encoding_bytes(rz_encoding e, int64_t n)
{
    int64_t bytes;
    if (n < 0 || n % encodings[e].block != 0 || __builtin_mul_overflow(n / encodings[e].block, (int64_t)encodings[e].bytes, &bytes)) return -1;
    return bytes;
}

void rz_decode_floats(rz_encoding e, float *dst, const void *src, int64_t n)
{
    assert(n >= 0 && n % encodings[e].block == 0);
    encodings[e].decode(dst, src, n);
}

bool rz_encoding_writable(rz_encoding e) { return encodings[e].encode != NULL; }

void rz_encode_floats(rz_encoding e, void *dst, const float *src, int64_t n)
{
    assert(rz_encoding_writable(e) && n >= 0 && n % encodings[e].block == 0);
    encodings[e].encode(dst, src, n);
}
