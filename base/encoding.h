/* The types in which files store weights, and the only conversions between them and float. A block type stores n elements in blocks of a fixed number,
 * each with its own scale (layouts: the GGUF format's description); decoding them is exact arithmetic in binary32 as ggml's reference does it. */
#ifndef RZ_BASE_ENCODING_H
#define RZ_BASE_ENCODING_H
#include "base/error.h"
#include <stdint.h>

typedef enum {
    RZ_ENC_F32, RZ_ENC_F16, RZ_ENC_BF16, RZ_ENC_Q4_0, RZ_ENC_Q4_1, RZ_ENC_Q5_0, RZ_ENC_Q5_1, RZ_ENC_Q8_0, RZ_ENC_Q4_K, RZ_ENC_Q5_K, RZ_ENC_Q6_K,
    RZ_N_ENC
} rz_encoding;

const char *rz_encoding_name(rz_encoding e);                  /* "f32", "bf16", "q4_1", "q4_k" … */
int rz_encoding_block(rz_encoding e);                         /* elements a block: 1, 32 or 256 */
int64_t rz_encoding_bytes(rz_encoding e, int64_t n);          /* of n elements; n is a multiple of the block; −1 when it is not or the size overflows */
/* n elements to float, n a multiple of the block. src needs no alignment. */
void rz_decode_floats(rz_encoding e, float *dst, const void *src, int64_t n);
/* Rounded to nearest even (F16 overflows to infinity as IEEE says); Q8_0 as ggml's reference quantizes. Only F32, F16, BF16 and Q8_0 can be written. */
bool rz_encoding_writable(rz_encoding e);
void rz_encode_floats(rz_encoding e, void *dst, const float *src, int64_t n);
/* One number each way, to nearest even. */
float rz_f16_to_f32(uint16_t h);
uint16_t rz_f32_to_f16(float x);
static inline float rz_bf16_to_f32(uint16_t h)
{
    union { uint32_t u; float f; } v = {(uint32_t)h << 16};
    return v.f;
}
uint16_t rz_f32_to_bf16(float x); /* NaN stays NaN */
#endif
