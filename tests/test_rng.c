#include "base/rng.h"
#include "tests/suite.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Known answers published with Random123 (kat_vectors, lines "philox4x32 10"). */
START_TEST(philox_gives_the_published_answers)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rz_u32x4 counter;
        memcpy(counter.v, rows[i].counter, sizeof counter.v);
        rz_u32x4 x = rz_philox(counter, rows[i].key[0], rows[i].key[1]);
        for (int w = 0; w < 4; w++) ck_assert_msg(x.v[w] == rows[i].want[w], "row %zu word %d: %08x", i, w, x.v[w]);
    }
}
END_TEST

/* The same vectors through the addressed door: this pins which argument is key and which is counter. */
START_TEST(address_is_seed_purpose_and_counter)
{
    rz_u32x4 x = rz_rng_at(0xa4093822, (rz_rng_purpose)0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    ck_assert_uint_eq(x.v[0], 0xd16cfe09);
    ck_assert_uint_eq(x.v[3], 0x24126ea1);
    double u = rz_rng_unit(0xa4093822, (rz_rng_purpose)0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    ck_assert(u == ldexp((double)(0xd16cfe0994fdccebu >> 11), -53));
    rz_stream s;
    rz_stream_init(&s, 5, RZ_RNG_PROBLEM, 0x123456789abcdef0);
    for (uint32_t block = 0; block < 3; block++) {
        x = rz_rng_at(5, RZ_RNG_PROBLEM, 0x9abcdef0, 0x12345678, 0, block);
        for (int w = 0; w < 4; w++) ck_assert_uint_eq(rz_stream_u32(&s), x.v[w]);
    }
}
END_TEST

/* Changed values would break every seed that was ever published. */
START_TEST(purposes_keep_their_numbers)
{
    ck_assert_int_eq(RZ_RNG_INIT, 1);
    ck_assert_int_eq(RZ_RNG_SAMPLE, 2);
    ck_assert_int_eq(RZ_RNG_PROBLEM, 3);
    ck_assert_int_eq(RZ_RNG_CORPUS, 4);
    ck_assert_int_eq(RZ_RNG_SPLIT, 5);
    ck_assert_int_eq(RZ_RNG_SHUFFLE, 6);
    ck_assert_int_eq(RZ_RNG_REWARD, 7);
    ck_assert_int_eq(RZ_RNG_EVAL, 8);
    ck_assert_int_eq(RZ_RNG_BATCH, 9);
    ck_assert_int_eq(RZ_RNG_TEST, 10);
    ck_assert_int_eq(RZ_RNG_BOOTSTRAP, 11);
}
END_TEST

START_TEST(units_are_uniform)
{
    enum { N = 200000, BINS = 50 };
    double sum = 0, squares = 0;
    int count[BINS] = {0};
    for (uint32_t i = 0; i < N; i++) {
        double u = rz_rng_unit(3, RZ_RNG_TEST, i, 1, 2, 3);
        ck_assert(u >= 0 && u < 1);
        ck_assert(u == floor(ldexp(u, 53)) * 0x1p-53);
        sum += u;
        squares += u * u;
        count[(int)(u * BINS)]++;
    }
    double chi2 = 0, expected = (double)N / BINS;
    for (int b = 0; b < BINS; b++) chi2 += (count[b] - expected) * (count[b] - expected) / expected;
    ck_assert_double_le_tol(fabs(sum / N - 0.5), 0, 5 / sqrt(12.0 * N));
    ck_assert_double_le_tol(fabs(squares / N - 1.0 / 3), 0, 5 * sqrt(4.0 / 45 / N));
    ck_assert_msg(chi2 < 100, "chi2 %g at 49 degrees of freedom", chi2);
}
END_TEST

/* Philox backwards: the counter that gives this block. So a test can ask for any probability, however rare. */
static rz_u32x4 philox_counter_of(rz_u32x4 block, uint32_t key0, uint32_t key1)
{
    const uint32_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
    uint32_t inverse0 = m0, inverse1 = m1; /* modulo 2^32, by Newton's iteration */
    for (int i = 0; i < 5; i++) {
        inverse0 *= 2 - m0 * inverse0;
        inverse1 *= 2 - m1 * inverse1;
    }
    uint32_t *c = block.v;
    for (uint32_t round = 10; round-- > 0;) {
        uint32_t c0 = c[3] * inverse0, c2 = c[1] * inverse1;
        uint32_t hi0 = (uint32_t)((uint64_t)m0 * c0 >> 32), hi1 = (uint32_t)((uint64_t)m1 * c2 >> 32);
        uint32_t c1 = c[0] ^ hi1 ^ (key0 + round * 0x9E3779B9u), c3 = c[2] ^ hi0 ^ (key1 + round * 0xBB67AE85u);
        c[0] = c0, c[1] = c1, c[2] = c2, c[3] = c3;
    }
    return block;
}

static double normal_of_word(uint64_t word)
{
    rz_u32x4 c = philox_counter_of((rz_u32x4){{(uint32_t)(word >> 32), (uint32_t)word, 0, 0}}, 11, RZ_RNG_TEST);
    return rz_rng_normal(11, RZ_RNG_TEST, c.v[0], c.v[1], c.v[2], c.v[3]);
}

/* x must be the quantile of (first 52 bits + ½) / 2^52, from 8.2 standard deviations to the middle; compared through libm's erfc. */
START_TEST(normals_are_the_quantiles_of_their_units)
{
    rz_stream s;
    rz_stream_init(&s, 1, RZ_RNG_TEST, 77);
    double worst = 0, last = -9;
    for (int bits = 0; bits < 52; bits++) {
        for (int i = 0; i < 1000; i++) {
            uint64_t low = (uint64_t)rz_stream_u32(&s) << 32, k = (UINT64_C(1) << bits) + (low | rz_stream_u32(&s)) % (UINT64_C(1) << bits);
            if (k >> 51) k = (UINT64_C(1) << 51) - 1; /* the largest below one half */
            double x = normal_of_word(k << 12), q = ((double)k + 0.5) * 0x1p-52;
            double density = exp(-x * x / 2) / sqrt(2 * M_PI), error = fabs(0.5 * erfc(-x / sqrt(2)) - q) / density;
            ck_assert_double_lt(x, 0);
            ck_assert(normal_of_word(~(k << 12)) == -x); /* mirrored: 2^52 − 1 − k */
            error /= x < -1e-2 ? -x : 1e-2;
            if (error > worst) worst = error;
        }
        double x = normal_of_word(UINT64_C(1) << bits << 12);
        ck_assert_double_gt(x, last);
        last = x;
    }
    ck_assert_msg(worst < 1e-13, "relative error %g", worst);
    ck_assert_double_lt(fabs(normal_of_word(0) + 8.209536151601387), 1e-13); /* mpmath: sqrt(2) erfinv(2^-52 - 1) */
}
END_TEST

START_TEST(normals_have_the_right_moments_and_tails)
{
    enum { N = 400000 };
    static const double edge[] = {1, 2, 3, 4};
    double moment[5] = {0};
    int beyond[4] = {0};
    for (uint32_t i = 0; i < N; i++) {
        double x = rz_rng_normal(12, RZ_RNG_TEST, i, 0, 0, 0), power = 1;
        for (int k = 0; k < 5; k++, power *= x) moment[k] += power / N;
        for (int k = 0; k < 4; k++) beyond[k] += fabs(x) > edge[k];
    }
    ck_assert_double_lt(fabs(moment[1]), 5 / sqrt(N));
    ck_assert_double_lt(fabs(moment[2] - 1), 5 * sqrt(2.0 / N));
    ck_assert_double_lt(fabs(moment[3]), 5 * sqrt(15.0 / N));
    ck_assert_double_lt(fabs(moment[4] - 3), 5 * sqrt(96.0 / N));
    for (int k = 0; k < 4; k++) {
        double expected = N * erfc(edge[k] / sqrt(2));
        ck_assert_msg(fabs(beyond[k] - expected) < 5 * sqrt(expected) + 1, "%d beyond %g, expected %g", beyond[k], edge[k], expected);
    }
}
END_TEST

/* Every value of 0 … n−1 equally often, by size and by remainder. n = 3·2^30 exposes a draw without rejection: of three neighbours one would
 * come twice as often. */
START_TEST(below_is_unbiased)
{
    static const uint32_t ns[] = {1, 2, 3, 7, 100, 3u << 30, 0xffffffff};
    enum { N = 30000, BINS = 3 };
    for (size_t k = 0; k < sizeof ns / sizeof *ns; k++) {
        rz_stream s;
        rz_stream_init(&s, 1, RZ_RNG_TEST, k);
        double by_size[BINS] = {0}, by_remainder[BINS] = {0};
        uint32_t n = ns[k];
        for (int i = 0; i < N; i++) {
            uint32_t x = rz_stream_below(&s, n);
            if (x >= n) ck_abort_msg("%u is not below %u", x, n);
            by_size[(uint64_t)x * BINS / n]++;
            by_remainder[x % BINS]++;
        }
        for (uint64_t b = 0; b < BINS; b++) {
            uint64_t from = (b * n + BINS - 1) / BINS, to = ((b + 1) * n + BINS - 1) / BINS; /* values x with x * BINS / n == b */
            double expected = (double)(to - from) / n * N, with_remainder = (double)(((uint64_t)n + BINS - 1 - b) / BINS) / n * N;
            ck_assert_msg(fabs(by_size[b] - expected) <= 5 * sqrt(expected), "n %u size %d: %g", n, (int)b, by_size[b]);
            ck_assert_msg(fabs(by_remainder[b] - with_remainder) <= 5 * sqrt(with_remainder), "n %u remainder %d: %g", n, (int)b,
                          by_remainder[b]);
        }
    }
}
END_TEST

START_TEST(range_includes_both_ends)
{
    rz_stream s;
    rz_stream_init(&s, 2, RZ_RNG_TEST, 0);
    int count[5] = {0};
    for (int i = 0; i < 5000; i++) {
        int x = rz_stream_range(&s, -2, 2);
        ck_assert(x >= -2 && x <= 2);
        count[x + 2]++;
    }
    for (int i = 0; i < 5; i++) ck_assert(count[i] > 850 && count[i] < 1150);
    ck_assert_int_eq(rz_stream_range(&s, 7, 7), 7);
    int negative = 0;
    for (int i = 0; i < 1000; i++) negative += rz_stream_range(&s, INT32_MIN, INT32_MAX) < 0;
    ck_assert(negative > 400 && negative < 600);
    for (int i = 0; i < 1000; i++) {
        double u = rz_stream_unit(&s);
        ck_assert(u >= 0 && u < 1);
    }
}
END_TEST

START_TEST(permute_is_a_bijection)
{
    static const uint64_t ns[] = {1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 220, 256, 715, 5000};
    bool *hit = malloc(5000);
    for (size_t k = 0; k < sizeof ns / sizeof *ns; k++) {
        for (uint32_t key = 0; key < 3; key++) {
            memset(hit, 0, 5000);
            for (uint64_t i = 0; i < ns[k]; i++) {
                uint64_t x = rz_rng_permute(9, RZ_RNG_SHUFFLE, key, ns[k], i);
                ck_assert_msg(x < ns[k] && !hit[x], "n %llu key %u: %llu is %s", (unsigned long long)ns[k], key,
                              (unsigned long long)x, x < ns[k] ? "hit twice" : "too large");
                hit[x] = true;
            }
        }
    }
    free(hit);
    uint64_t huge = UINT64_C(0xfffffffffffffff1);
    ck_assert_uint_lt(rz_rng_permute(9, RZ_RNG_SHUFFLE, 0, huge, huge - 1), huge);
    ck_assert_uint_ne(rz_rng_permute(9, RZ_RNG_SHUFFLE, 0, huge, 0), rz_rng_permute(9, RZ_RNG_SHUFFLE, 0, huge, UINT64_C(1) << 63));
}
END_TEST

START_TEST(permute_depends_on_seed_purpose_and_key)
{
    enum { N = 1000 };
    int same[3] = {0};
    for (uint64_t i = 0; i < N; i++) {
        uint64_t x = rz_rng_permute(1, RZ_RNG_SHUFFLE, 1, N, i);
        same[0] += x == rz_rng_permute(2, RZ_RNG_SHUFFLE, 1, N, i);
        same[1] += x == rz_rng_permute(1, RZ_RNG_BATCH, 1, N, i);
        same[2] += x == rz_rng_permute(1, RZ_RNG_SHUFFLE, 2, N, i);
    }
    for (int k = 0; k < 3; k++) ck_assert_msg(same[k] < 10, "%d of %d fixed by change %d", same[k], N, k); /* Poisson of mean 1 */
}
END_TEST

/* Over many keys each order of few items is equally likely, and each item of more comes to each place equally often. */
START_TEST(permute_is_fair_over_keys)
{
    static const struct {
        int n, orders;
        double limit; /* of chi2 with orders − 1 degrees of freedom, p about 1e-4 */
    } rows[] = {{2, 2, 15}, {3, 6, 26}, {4, 24, 56}, {5, 120, 184}};
    static int count[3125];
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int n = rows[k].n, keys = rows[k].orders * 400;
        memset(count, 0, sizeof count);
        for (int key = 0; key < keys; key++) {
            int code = 0;
            for (int i = 0; i < n; i++) code = code * n + (int)rz_rng_permute(4, RZ_RNG_TEST, (uint32_t)key, (uint64_t)n, (uint64_t)i);
            count[code]++;
        }
        double chi2 = 0;
        int seen = 0;
        for (int c = 0; c < 3125; c++) {
            seen += count[c] > 0;
            if (count[c] > 0) chi2 += (count[c] - 400.0) * (count[c] - 400.0) / 400;
        }
        ck_assert_int_eq(seen, rows[k].orders);
        ck_assert_msg(chi2 < rows[k].limit, "n %d: chi2 %g", n, chi2);
    }
    enum { N = 11, KEYS = 5500 };
    int place[N][N] = {{0}};
    for (uint32_t key = 0; key < KEYS; key++)
        for (uint64_t i = 0; i < N; i++) place[i][rz_rng_permute(4, RZ_RNG_TEST, key, N, i)]++;
    double chi2 = 0;
    for (int i = 0; i < N * N; i++) chi2 += (place[i / N][i % N] - KEYS / N) * (double)(place[i / N][i % N] - KEYS / N) / (KEYS / N);
    ck_assert_msg(chi2 < 160, "chi2 %g at 100 degrees of freedom", chi2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rng");
    TCase *tests = tcase_create("rng");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, philox_gives_the_published_answers);
    tcase_add_test(tests, address_is_seed_purpose_and_counter);
    tcase_add_test(tests, purposes_keep_their_numbers);
    tcase_add_test(tests, units_are_uniform);
    tcase_add_test(tests, normals_are_the_quantiles_of_their_units);
    tcase_add_test(tests, normals_have_the_right_moments_and_tails);
    tcase_add_test(tests, below_is_unbiased);
    tcase_add_test(tests, range_includes_both_ends);
    tcase_add_test(tests, permute_is_a_bijection);
    tcase_add_test(tests, permute_depends_on_seed_purpose_and_key);
    tcase_add_test(tests, permute_is_fair_over_keys);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
