/* encodings: half precision by its definition, blocks as ggml's reference has them (golden/base/make_encodings.py). */
#include "base/encoding.h"
#include "base/file.h"
#include "tests/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static rz_err err;

/* A number of `exponent_bits` and `mantissa_bits` by IEEE 754's definition. */
static double by_definition(unsigned h, int exponent_bits, int mantissa_bits)
{
    int e = (int)(h >> mantissa_bits) & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    double m = h & ((1u << mantissa_bits) - 1), sign = h >> (exponent_bits + mantissa_bits) != 0 ? -1 : 1;
    if (e == (1 << exponent_bits) - 1) return m == 0 ? sign * INFINITY : NAN;
    return sign * (e == 0 ? ldexp(m, 1 - bias - mantissa_bits) : ldexp(m + ldexp(1, mantissa_bits), e - bias - mantissa_bits));
}

/* ck_assert tells its parent every time, which is too much for half a million checks. */
#define EXPECT(condition, ...) do { if (!(condition)) ck_abort_msg(__VA_ARGS__); } while (0)

static bool same(double a, double b) { return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b)); }

/* Every half; and every place where rounding changes its mind: the middle between two neighbours, and the floats beside it. */
static void check_halves(int exponent_bits, int mantissa_bits, float (*decode)(uint16_t), uint16_t (*encode)(float))
{
    unsigned infinite = ((1u << exponent_bits) - 1) << mantissa_bits;
    for (unsigned h = 0; h < 65536; h++) {
        double x = by_definition(h, exponent_bits, mantissa_bits);
        EXPECT(same(decode((uint16_t)h), x), "%04x is decoded to %a, not %a", h, (double)decode((uint16_t)h), x);
        uint16_t back = encode(decode((uint16_t)h));
        EXPECT(isnan(x) ? same(by_definition(back, exponent_bits, mantissa_bits), x) : back == h, "%04x becomes %04x", h, back);
        if ((h & 0x7fff) >= infinite) continue;
        /* the neighbour of the largest is where infinity would be if it were a number */
        bool last = (h & 0x7fff) + 1 == infinite;
        double next = last ? 2 * x - by_definition(h - 1, exponent_bits, mantissa_bits) : by_definition(h + 1, exponent_bits, mantissa_bits);
        float middle = (float)(x / 2 + next / 2);
        EXPECT(isfinite(middle) && (double)middle == x / 2 + next / 2, "the middle above %04x is no float", h);
        EXPECT(encode(middle) == h + (h & 1), "%04x and the next are rounded wrongly", h);
        EXPECT(encode(nextafterf(middle, 0)) == h, "%04x and the next are rounded wrongly", h);
        EXPECT(encode(nextafterf(middle, (float)(next > 0 ? INFINITY : -INFINITY))) == h + 1, "%04x and the next are rounded wrongly", h);
    }
}

START_TEST(halves)
{
    check_halves(5, 10, rz_f16_to_f32, rz_f32_to_f16);
    check_halves(8, 7, rz_bf16_to_f32, rz_f32_to_bf16);
    union { uint32_t u; float f; } last_nan = {0x7f800001}; /* cut off, it would be infinity */
    ck_assert(isnan(rz_f16_to_f32(rz_f32_to_f16(last_nan.f))) && isnan(rz_bf16_to_f32(rz_f32_to_bf16(last_nan.f))));
    ck_assert_uint_eq(rz_f32_to_f16(-1e30f), 0xfc00);
}
END_TEST

static uint8_t *bytes_of(json_t *row, const char *key, size_t *len)
{
    const char *hex = json_string_value(json_object_get(row, key));
    *len = strlen(hex) / 2;
    uint8_t *bytes = malloc(*len);
    for (size_t i = 0; i < *len; i++) {
        unsigned v;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
        bytes[i] = (uint8_t)v;
    }
    return bytes;
}

static void check_row(json_t *row, bool decode)
{
    const char *type = json_string_value(json_object_get(row, "type"));
    rz_encoding e = 0;
    while (e < RZ_N_ENC && strcasecmp(rz_encoding_name(e), type) != 0) e++;
    ck_assert(e < RZ_N_ENC);
    size_t n_bytes, n;
    uint8_t *blocks = bytes_of(row, "blocks", &n_bytes), *text = bytes_of(row, "floats", &n);
    float *floats = malloc(n);
    memcpy(floats, text, n);
    n /= sizeof *floats;
    ck_assert_int_eq(rz_encoding_bytes(e, (int64_t)n), (int64_t)n_bytes);
    if (decode) {
        float *ours = malloc(n * sizeof *ours);
        rz_decode_floats(e, ours, blocks, (int64_t)n);
        for (size_t i = 0; i < n; i++) ck_assert_msg(same(ours[i], floats[i]), "%s: element %zu is %a, not %a", type, i, (double)ours[i], (double)floats[i]);
        free(ours);
    } else {
        uint8_t *ours = malloc(n_bytes);
        rz_encode_floats(e, ours, floats, (int64_t)n);
        for (size_t i = 0; i < n_bytes; i++) ck_assert_msg(ours[i] == blocks[i], "%s: byte %zu is %02x, not %02x", type, i, ours[i], blocks[i]);
        free(ours);
    }
    free(blocks);
    free(text);
    free(floats);
}

START_TEST(blocks_as_the_reference)
{
    char *text;
    size_t len, i;
    ck_assert_msg(rz_file_read("tests/golden/base/encodings.json", 1 << 20, &text, &len, &err), "%s", err.text);
    json_t *root = json_loadb(text, len, 0, NULL), *row;
    ck_assert_uint_eq(json_array_size(json_object_get(root, "decode")), 8);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "encode")), 4);
    json_array_foreach(json_object_get(root, "decode"), i, row) check_row(row, true);
    json_array_foreach(json_object_get(root, "encode"), i, row) check_row(row, false);
    json_decref(root);
    free(text);
}
END_TEST

/* What is not finite has no right answer, but must have one, and not disturb other blocks. */
START_TEST(q8_0_of_anything)
{
    float x[64], back[64];
    uint8_t blocks[68];
    for (int i = 0; i < 64; i++) x[i] = (float)i;
    const float odd[] = {NAN, INFINITY, -INFINITY, 1e-45f, 3e38f};
    for (int k = 0; k < 5; k++) {
        x[k] = odd[k];
        rz_encode_floats(RZ_ENC_Q8_0, blocks, x, 64);
        rz_decode_floats(RZ_ENC_Q8_0, back, blocks, 64);
        ck_assert_float_eq_tol(back[63], 63, 0.02f);
        ck_assert_float_eq_tol(back[32], 32, 0.3f);
    }
    for (int i = 0; i < 64; i++) x[i] = 1e-45f; /* one over it is infinity */
    rz_encode_floats(RZ_ENC_Q8_0, blocks, x, 64);
    rz_decode_floats(RZ_ENC_Q8_0, back, blocks, 64);
    for (int i = 0; i < 64; i++) ck_assert_float_eq(back[i], 0);
}
END_TEST

START_TEST(names_and_sizes)
{
    rz_encoding e;
    for (e = 0; e < RZ_N_ENC; e++) {
        ck_assert_int_gt(rz_encoding_bytes(e, 256), 0);
        ck_assert_int_eq(rz_encoding_bytes(e, 0), 0);
        ck_assert_int_eq(rz_encoding_bytes(e, -256), -1);
        ck_assert(rz_encoding_block(e) == 1 || rz_encoding_bytes(e, 31) == -1);
    }
    ck_assert_int_eq(rz_encoding_bytes(RZ_ENC_F32, INT64_MAX / 2), -1);
    ck_assert(rz_encoding_writable(RZ_ENC_Q8_0) && !rz_encoding_writable(RZ_ENC_Q4_0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoding");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, halves);
    tcase_add_test(tc, blocks_as_the_reference);
    tcase_add_test(tc, q8_0_of_anything);
    tcase_add_test(tc, names_and_sizes);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
