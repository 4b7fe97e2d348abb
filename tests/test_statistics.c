/* statistics: pass@k by counting all subsets and by hand, votes by hand, the bootstrap against a plain one with other random numbers and against
 * the formula for a mean of independent groups. */
#include "base/rng.h"
#include "tests/suite.h"
#include "trainer/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Share of the subsets of size k of n completions, the first c of which are right, that hold a right one. */
static double by_enumeration(int n, int c, int k)
{
    int all = 0, hit = 0;
    for (unsigned set = 0; set < 1u << n; set++)
        if (__builtin_popcount(set) == k) {
            all++;
            hit += (set & ((1u << c) - 1)) != 0;
        }
    return (double)hit / all;
}

START_TEST(pass_at_k_is_the_share_of_subsets)
{
    for (int n = 1; n <= 9; n++)
        for (int c = 0; c <= n; c++)
            for (int k = 1; k <= n; k++)
                ck_assert_double_eq_tol(rz_pass_at_k(n, c, k), by_enumeration(n, c, k), 1e-14);
    ck_assert_double_eq_tol(rz_pass_at_k(200, 3, 100), 1 - 100.0 * 99 * 98 / (200.0 * 199 * 198), 1e-14);
    ck_assert_double_eq_tol(rz_pass_at_k(4096, 1, 2048), 0.5, 1e-12);
    ck_assert(rz_pass_at_k(4096, 4096, 1) == 1 && rz_pass_at_k(4096, 0, 4096) == 0 && rz_pass_at_k(4096, 1, 4096) == 1);
    ck_assert_double_eq_tol(rz_pass_at_k(4096, 1000, 1), 1000.0 / 4096, 1e-12);
}
END_TEST

/* Answers a, b, c or - for none; capital letters are right. */
static const struct { const char *votes; double share; } elections[] = {
    {"A", 1}, {"a", 0}, {"-", 0}, {"----", 0}, {"--A", 1}, {"----aaB", 0}, {"aBB", 1}, {"aaBB", 0.5}, {"aabbCC", 1.0 / 3}, {"aBaBa", 0},
    {"aAA", 2.0 / 3}, {"aABB", 0.75}, {"abC", 1.0 / 3}, {"cBBa", 1},
};

START_TEST(majorities)
{
    for (size_t i = 0; i < sizeof elections / sizeof *elections; i++)
        for (int turn = 0; turn < 4; turn++) { /* whatever the order */
            const char *text = elections[i].votes;
            int n = (int)strlen(text);
            rz_vote votes[8];
            for (int k = 0; k < n; k++) {
                char v = text[(k + turn) % n];
                votes[k] = (rz_vote){v == '-' ? 0 : (uint64_t)(v | 32) << 40, v >= 'A' && v <= 'Z'};
            }
            ck_assert_msg(fabs(rz_majority(votes, n) - elections[i].share) < 1e-15, "%s", text);
        }
}
END_TEST

enum { PROBLEMS = 360, CLUSTERS = 60, PLAIN = 6000 };

/* Problems of one cluster resemble each other: some clusters are easy. Sizes differ (about 2 to 10); the second estimate is a ratio whose
 * denominators differ; the third is rare: many problems hold no case. */
static void make(rz_ratio (*ratios)[3], uint64_t *clusters)
{
    rz_stream s;
    rz_stream_init(&s, 5, RZ_RNG_TEST, 1);
    for (int i = 0; i < PROBLEMS; i++) {
        uint32_t c = rz_stream_below(&s, CLUSTERS);
        double skill = (c * 37 % CLUSTERS) / (double)CLUSTERS;
        clusters[i] = (uint64_t)c * 0x9E3779B97F4A7C15u;
        ratios[i][0] = (rz_ratio){0, 8};
        for (int k = 0; k < 8; k++)
            ratios[i][0].num += rz_stream_unit(&s) < skill;
        ratios[i][1].den = rz_stream_below(&s, 12);
        ratios[i][1].num = floor(ratios[i][1].den * rz_stream_unit(&s));
        bool rare = rz_stream_below(&s, 10) == 0;
        ratios[i][2] = (rz_ratio){rare && rz_stream_below(&s, 2), rare};
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The bootstrap as it is written in a book: draw a cluster, go through all problems for its members. */
static void plain_bootstrap(rz_ratio (*ratios)[3], const uint64_t *clusters, int j, double *low, double *high, double *sd)
{
    static double values[PLAIN];
    rz_stream s;
    uint64_t keys[PROBLEMS];
    int n_keys = 0;
    double sum = 0, squares = 0;
    for (int i = 0; i < PROBLEMS; i++) {
        bool new = true;
        for (int k = 0; k < n_keys; k++)
            new = new && keys[k] != clusters[i];
        if (new)
            keys[n_keys++] = clusters[i];
    }
    rz_stream_init(&s, 6, RZ_RNG_TEST, (uint64_t)j);
    for (int b = 0; b < PLAIN; b++) {
        rz_ratio t = {0, 0};
        for (int k = 0; k < n_keys; k++) {
            uint64_t key = keys[rz_stream_below(&s, (uint32_t)n_keys)];
            for (int i = 0; i < PROBLEMS; i++)
                if (clusters[i] == key) {
                    t.num += ratios[i][j].num;
                    t.den += ratios[i][j].den;
                }
        }
        values[b] = t.num / t.den;
        sum += values[b];
        squares += values[b] * values[b];
    }
    qsort(values, PLAIN, sizeof *values, by_value);
    *low = values[PLAIN / 40];
    *high = values[PLAIN - PLAIN / 40];
    *sd = sqrt(squares / PLAIN - sum / PLAIN * (sum / PLAIN));
}

static rz_arena arena;

static void setup(void)
{
    rz_err err;
    ck_assert(rz_arena_init(&arena, (size_t)1 << 30, &err));
}

static void teardown(void)
{
    rz_arena_finish(&arena);
}

/* The quantile of 2,000 values has a standard error of .06 standard deviations, that of 6,000 of .035: .25 is more than three
 * of both together. Taking problems for
 * independent would change the half-width by some 1.2 standard deviations. */
START_TEST(intervals_are_those_of_a_plain_bootstrap)
{
    static rz_ratio ratios[PROBLEMS][3];
    uint64_t clusters[PROBLEMS];
    rz_interval found[3];
    int n_clusters;
    make(ratios, clusters);
    rz_bootstrap(ratios[0], clusters, PROBLEMS, 3, 1, found, &n_clusters, arena);
    ck_assert_int_eq(n_clusters, CLUSTERS);
    for (int j = 0; j < 3; j++) {
        rz_ratio t = {0, 0};
        double low, high, sd;
        for (int i = 0; i < PROBLEMS; i++) {
            t.num += ratios[i][j].num;
            t.den += ratios[i][j].den;
        }
        plain_bootstrap(ratios, clusters, j, &low, &high, &sd);
        ck_assert(found[j].value == t.num / t.den);
        ck_assert_double_eq_tol(found[j].low, low, .25 * sd);
        ck_assert_double_eq_tol(found[j].high, high, .25 * sd);
    }
    rz_ratio first[PROBLEMS];
    for (int i = 0; i < PROBLEMS; i++)
        first[i] = ratios[i][0];
    double half = (found[0].high - found[0].low) / 2, error = rz_cluster_error(first, clusters, PROBLEMS, arena);
    ck_assert_double_eq_tol(half, 1.96 * error, .08 * half);
}
END_TEST

/* n groups of m equal members are n observations: the error of their mean by the book. And the bootstrap does not care how often each is repeated. */
START_TEST(repeated_problems_count_once)
{
    enum { N = 200, M = 5 };
    static rz_ratio x[N * M];
    static uint64_t same[N * M];
    rz_ratio once[N];
    uint64_t own[N];
    rz_interval a, b;
    double mean = 0, variance = 0;
    int n;
    for (int i = 0; i < N; i++) {
        once[i] = (rz_ratio){floor(64 * rz_rng_unit(3, RZ_RNG_TEST, (uint32_t)i, 0, 0, 0)), 1}; /* whole: sums are exact */
        own[i] = (uint64_t)i;
        mean += once[i].num / N;
        for (int k = 0; k < M; k++) {
            x[k * N + i] = once[i];
            same[k * N + i] = (uint64_t)i;
        }
    }
    for (int i = 0; i < N; i++)
        variance += (once[i].num - mean) * (once[i].num - mean) / (N - 1);
    ck_assert_double_eq_tol(rz_cluster_error(x, same, N * M, arena), sqrt(variance / N), 1e-9);
    rz_bootstrap(x, same, N * M, 1, 9, &a, &n, arena);
    rz_bootstrap(once, own, N, 1, 9, &b, &n, arena);
    ck_assert(a.low == b.low && a.high == b.high && a.value == b.value);
    ck_assert_double_eq_tol((a.high - a.low) / 2, 1.96 * sqrt(variance / N), .1 * (a.high - a.low));
    rz_bootstrap(once, own, N, 1, 10, &b, &n, arena);
    ck_assert(a.low != b.low || a.high != b.high); /* the seed counts */
}
END_TEST

START_TEST(what_cannot_be_known_is_not_a_number)
{
    rz_ratio x[4] = {{1, 1}, {0, 1}, {0, 0}, {0, 0}};
    const uint64_t one[4] = {7, 7, 7, 7}, two[4] = {7, 8, 7, 8};
    rz_interval r[2];
    int n;
    rz_bootstrap(x, one, 4, 1, 1, r, &n, arena);
    ck_assert(n == 1 && r[0].value == .5 && isnan(r[0].low) && isnan(r[0].high) && isnan(rz_cluster_error(x, one, 4, arena)));
    for (uint32_t seed = 0; seed < 20; seed++) { /* rows (1, 0), (no case of either): a quarter of the resamples hold no case */
        rz_bootstrap(x, two, 2, 2, seed, r, &n, arena);
        ck_assert(n == 2 && r[0].value == 1 && r[0].low == 1 && r[0].high == 1 && r[1].value == 0 && r[1].low == 0 && r[1].high == 0);
    }
    rz_bootstrap(x + 2, two, 2, 1, 1, r, &n, arena);
    ck_assert(n == 2 && isnan(r[0].value) && isnan(r[0].low));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistics");
    TCase *tests = tcase_create("statistics");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60); /* a loaded machine */
    tcase_add_test(tests, pass_at_k_is_the_share_of_subsets);
    tcase_add_test(tests, majorities);
    tcase_add_test(tests, intervals_are_those_of_a_plain_bootstrap);
    tcase_add_test(tests, repeated_problems_count_once);
    tcase_add_test(tests, what_cannot_be_known_is_not_a_number);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
