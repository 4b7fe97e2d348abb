/* countdown, derivation: against brute force written here, and exact counts. */
#include "data/countdown.h"
#include "data/derivation.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_err err;

static rz_countdown_options usual(void)
{
    return (rz_countdown_options){.numbers = {5, {3, 3, 3, 3, 4}}, .max_input = 10, .max_value = 50, .targets = RZ_TARGETS_MIX, .split_seed = 7,
                                  .test_share = .15, .validation_share = .05};
}

/* ---- independent truths ---- */

typedef struct { long long p, q; } ratio;

static long long gcd(long long a, long long b) { return b ? gcd(b, a % b) : llabs(a); }

static ratio reduced(long long p, long long q)
{
    long long g = gcd(p, q);
    return q < 0 ? (ratio){-p / g, -q / g} : (ratio){p / g, q / g};
}

/* Marks what is reachable from these values: over the rationals, or (max_value > 0) by steps within 1 … max_value only. */
static void brute(const ratio *x, int n, int max_value, bool *reached, int n_reached)
{
    if (n == 1) {
        if (x[0].q == 1 && x[0].p >= 0 && x[0].p < n_reached) reached[x[0].p] = true;
        return;
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            if (i == j) continue;
            ratio y[6], r;
            int kept = 1;
            for (int k = 0; k < n; k++) {
                if (k != i && k != j) y[kept++] = x[k];
            }
            for (int op = 0; op < 4; op++) {
                if (op == 0) r = reduced(x[i].p * x[j].q + x[j].p * x[i].q, x[i].q * x[j].q);
                else if (op == 1) r = reduced(x[i].p * x[j].q - x[j].p * x[i].q, x[i].q * x[j].q);
                else if (op == 2) r = reduced(x[i].p * x[j].p, x[i].q * x[j].q);
                else if (x[j].p) r = reduced(x[i].p * x[j].q, x[i].q * x[j].p);
                else continue;
                if (max_value && (r.q != 1 || r.p < 1 || r.p > max_value)) continue;
                y[0] = r;
                brute(y, n - 1, max_value, reached, n_reached);
            }
        }
    }
}

static void brute_numbers(const int *numbers, int n, int max_value, bool *reached, int n_reached)
{
    ratio x[6];
    for (int i = 0; i < n; i++) x[i] = (ratio){numbers[i], 1};
    memset(reached, 0, (size_t)n_reached * sizeof *reached);
    brute(x, n, max_value, reached, n_reached);
}

/* ---- problems ---- */

START_TEST(reachable_is_what_brute_force_reaches)
{
    static const struct { int n, max_input, max_value, rounds; } rows[] = {
        {2, 99, 99, 50}, {3, 10, 50, 60}, {3, 50, 999, 20}, {4, 12, 50, 20}, {5, 9, 60, 2},
    };
    rz_stream s;
    rz_stream_init(&s, 1, RZ_RNG_TEST, 0);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (int i = 0; i < rows[row].rounds; i++) {
            int numbers[6], max = rows[row].max_value;
            bool ours[1000], truth[1000];
            for (int k = 0; k < rows[row].n; k++) numbers[k] = rz_stream_range(&s, 1, rows[row].max_input);
            brute_numbers(numbers, rows[row].n, max, truth, max + 1);
            rz_countdown_reachable(numbers, rows[row].n, max, ours);
            for (int v = 1; v <= max; v++) ck_assert_msg(ours[v] == truth[v], "n %d, value %d: %d, truth %d", rows[row].n, v, ours[v], truth[v]);
        }
    }
}
END_TEST

START_TEST(solvable_is_what_rationals_reach)
{
    rz_stream s;
    rz_stream_init(&s, 2, RZ_RNG_TEST, 0);
    for (int n = 1; n <= 4; n++) {
        for (int i = 0; i < (n < 4 ? 15 : 3); i++) {
            int numbers[6];
            bool truth[200];
            for (int k = 0; k < n; k++) numbers[k] = rz_stream_range(&s, 1, 9);
            brute_numbers(numbers, n, 0, truth, 200);
            for (int t = 0; t < 200; t++) ck_assert_msg(rz_countdown_solvable(numbers, n, t) == truth[t], "n %d, target %d: truth %d", n, t, truth[t]);
        }
    }
    ck_assert(rz_countdown_solvable((int[]){3, 3, 8, 8}, 4, 24)); /* 8 / (3 - 8/3): only with a fraction */
    ck_assert(!rz_countdown_solvable((int[]){1, 1}, 2, 9));
    ck_assert(rz_countdown_solvable((int[]){2, 5}, 2, -3) && rz_countdown_solvable((int[]){5, 2}, 2, -3)); /* a verifier takes negative results */
    ck_assert(rz_countdown_solvable((int[]){9999, 9999, 9999, 9999, 9998, 9999}, 6, 1));
}
END_TEST

static void check_problem(const rz_countdown_options *o, const rz_countdown *p)
{
    bool truth[10000];
    ck_assert_int_le(p->target, (int)o->max_value);
    brute_numbers(p->numbers, p->n, (int)o->max_value, truth, (int)o->max_value + 1);
    ck_assert_msg(p->target >= 1 && truth[p->target], "target %d cannot be reached", p->target);
    for (int k = 0; k < p->n; k++) {
        ck_assert_int_ne(p->numbers[k], p->target);
        ck_assert_int_ge(p->numbers[k], 1);
        ck_assert_int_le(p->numbers[k], (int)o->max_input);
    }
}

START_TEST(every_problem_is_solvable_and_of_its_split)
{
    rz_countdown_options o = usual();
    int n_fours = 0, n_drawn = 0;
    for (o.targets = RZ_TARGETS_DERIV; o.targets <= RZ_TARGETS_MIX; o.targets++) {
        ck_assert_msg(rz_countdown_check(&o, &err), "%s", err.text);
        for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) {
            for (uint64_t i = 0; i < 300; i++, n_drawn++) {
                rz_countdown p;
                rz_countdown_draw(&o, 1, split, i, &p);
                check_problem(&o, &p);
                ck_assert_int_eq(rz_countdown_split(&o, p.numbers, p.n), split);
                n_fours += p.n == 4;
            }
        }
    }
    ck_assert_double_eq_tol(n_fours, .2 * n_drawn, 4 * sqrt(.16 * n_drawn));
    o = (rz_countdown_options){.numbers = {3, {2, 5, 6}}, .max_input = 20, .max_value = 120, .targets = RZ_TARGETS_UNIFORM, .test_share = .3};
    for (uint64_t i = 0; i < 300; i++) {
        rz_countdown p;
        rz_countdown_draw(&o, 3, RZ_TEST, i, &p);
        ck_assert(rz_countdown_solvable(p.numbers, p.n, p.target));
        if (p.n == 2) check_problem(&o, &p);
    }
}
END_TEST

/* Every multiset of 1 … m once, in order; the split must be the same for shuffled orders, and the sizes exact. */
START_TEST(splits_are_exact_and_blind_to_order)
{
    rz_countdown_options o = usual();
    static const struct { int n; uint64_t total, test, validation; } rows[] = {{2, 55, 8, 3}, {3, 220, 33, 11}, {4, 715, 107, 36}};
    rz_stream s;
    rz_stream_init(&s, 3, RZ_RNG_TEST, 0);
    for (int row = 0; row < 3; row++) {
        int n = rows[row].n, a[6] = {1, 1, 1, 1};
        uint64_t count[3] = {0};
        for (;;) {
            int shuffled[6];
            memcpy(shuffled, a, sizeof a);
            rz_split split = rz_countdown_split(&o, a, n);
            count[split]++;
            for (int i = n - 1; i > 0; i--) {
                int j = rz_stream_range(&s, 0, i), swap = shuffled[i];
                shuffled[i] = shuffled[j], shuffled[j] = swap;
            }
            ck_assert_int_eq(rz_countdown_split(&o, shuffled, n), split);
            int last = n - 1;
            while (last >= 0 && a[last] == 10) last--;
            if (last < 0) break;
            a[last]++;
            for (int k = last + 1; k < n; k++) a[k] = a[last];
        }
        ck_assert_uint_eq(count[RZ_TEST], rows[row].test);
        ck_assert_uint_eq(count[RZ_VALIDATION], rows[row].validation);
        ck_assert_uint_eq(count[0] + count[1] + count[2], rows[row].total);
        for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) ck_assert_uint_eq(rz_countdown_split_size(&o, n, split), count[split]);
    }
    int differ = 0;
    rz_countdown_options other = o;
    other.split_seed = 8;
    for (int x = 1; x <= 10; x++) {
        for (int y = x; y <= 10; y++) {
            for (int z = y; z <= 10; z++) differ += rz_countdown_split(&o, (int[]){x, y, z}, 3) != rz_countdown_split(&other, (int[]){x, y, z}, 3);
        }
    }
    ck_assert_int_gt(differ, 20);
    other = (rz_countdown_options){.max_input = 99, .test_share = .5}; /* the largest: C(104, 6) multisets */
    ck_assert_uint_eq(rz_countdown_split_size(&other, 6, RZ_TEST) + rz_countdown_split_size(&other, 6, RZ_TRAIN), 1517381580u);
    rz_countdown_split(&other, (int[]){99, 99, 99, 99, 99, 99}, 6);
}
END_TEST

START_TEST(problems_are_addressed)
{
    rz_countdown_options o = usual();
    rz_countdown a[50], b;
    int same = 0, same_seed = 0, same_split = 0;
    for (uint64_t i = 0; i < 50; i++) rz_countdown_draw(&o, 5, RZ_TRAIN, i, &a[i]);
    for (int i = 49; i >= 0; i--) {
        rz_countdown_draw(&o, 5, RZ_TRAIN, (uint64_t)i, &b);
        ck_assert(b.n == a[i].n && b.target == a[i].target && memcmp(b.numbers, a[i].numbers, (size_t)b.n * sizeof *b.numbers) == 0);
        if (i) same += a[i].target == a[i - 1].target;
        rz_countdown_draw(&o, 6, RZ_TRAIN, (uint64_t)i, &b);
        same_seed += b.target == a[i].target;
        rz_countdown_draw(&o, 5, RZ_TEST, (uint64_t)i, &b);
        same_split += b.n == a[i].n;
    }
    ck_assert_int_lt(same, 12);
    ck_assert_int_lt(same_seed, 12);
    ck_assert_int_lt(same_split, 47); /* 34 expected: four in five are of 3 numbers */
}
END_TEST

START_TEST(uniform_targets_are_uniform)
{
    rz_countdown_options o = {.numbers = {1, {2}}, .max_input = 2, .max_value = 6, .targets = RZ_TARGETS_UNIFORM};
    int n22 = 0, n22_target[7] = {0}; /* [2, 2]: 4 (twice: + and *) and 1 are reachable, equally likely nevertheless */
    for (uint64_t i = 0; i < 8000; i++) {
        rz_countdown p;
        rz_countdown_draw(&o, 1, RZ_TRAIN, i, &p);
        if (p.numbers[0] != 2 || p.numbers[1] != 2) continue;
        n22++;
        n22_target[p.target]++;
    }
    ck_assert_int_gt(n22, 1000);
    ck_assert_int_eq(n22_target[1] + n22_target[4], n22);
    ck_assert_double_eq_tol(n22_target[1], n22 / 2., 4 * sqrt(n22 / 4.));
}
END_TEST

/* A blind attempt reaches a uniform target in 9.1 % of the problems of 3 numbers and 2.9 % of those of 4 (an independent implementation in
 * Python, 40,000 problems each); derivation targets 14.0 % and 6.1 %. */
START_TEST(difficulty_is_as_published)
{
    static const struct { int targets, n; double rate; } rows[] = {
        {RZ_TARGETS_UNIFORM, 3, .0910}, {RZ_TARGETS_UNIFORM, 4, .0290}, {RZ_TARGETS_DERIV, 3, .140}, {RZ_TARGETS_DERIV, 4, .0625},
    };
    rz_stream s;
    rz_stream_init(&s, 4, RZ_RNG_TEST, 0);
    for (int row = 0; row < 4; row++) {
        rz_countdown_options o = {.numbers = {1, {rows[row].n}}, .max_input = 10, .max_value = 50, .targets = rows[row].targets, .test_share = .15};
        const int count = 20000;
        int hits = 0;
        for (int i = 0; i < count; i++) {
            rz_countdown p;
            rz_derivation d;
            rz_countdown_draw(&o, 1, RZ_TRAIN, (uint64_t)i, &p);
            rz_derivation_init(&d, p.numbers, p.n);
            while (d.n_live > 1) rz_derivation_random(&d, 50, &s);
            hits += rz_derivation_result(&d) == p.target;
        }
        ck_assert_double_eq_tol((double)hits / count, rows[row].rate, 4.5 * sqrt(rows[row].rate / count));
    }
}
END_TEST

START_TEST(prompt)
{
    char text[96];
    rz_countdown_prompt(&(rz_countdown){3, {3, 5, 4}, 19}, text, sizeof text);
    ck_assert_str_eq(text, "numbers 3 5 4 target 19 ?");
    rz_countdown_prompt(&(rz_countdown){6, {9999, 9999, 9999, 9999, 9999, 9999}, -1000000000}, text, sizeof text);
    ck_assert_str_eq(text, "numbers 9999 9999 9999 9999 9999 9999 target -1000000000 ?");
    rz_countdown_prompt(&(rz_countdown){3, {3, 5, 4}, 19}, text, 12);
    ck_assert_str_eq(text, "numbers 3 5");
}
END_TEST

static void expect_refusal(rz_countdown_options o, const char *words)
{
    err = (rz_err){0};
    ck_assert_msg(!rz_countdown_check(&o, &err), "accepted, should say '%s'", words);
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_msg(strstr(err.text, words), "'%s' does not say '%s'", err.text, words);
}

#define WITH(change) ({ rz_countdown_options with = usual(); with.change; with; })
START_TEST(bad_options_are_refused)
{
    rz_countdown_options o = usual();
    ck_assert(rz_countdown_check(&o, &err));
    expect_refusal(WITH(numbers.n = 0), "numbers is empty");
    expect_refusal(WITH(numbers.v[2] = 7), "numbers is 7, must be 2..6");
    expect_refusal(WITH(numbers.v[0] = 1), "numbers is 1, must be 2..6");
    expect_refusal(WITH(max_input = 0), "max_input is 0, must be 1..99");
    expect_refusal(WITH(max_input = 100), "max_input is 100");
    expect_refusal(WITH(max_value = 9), "max_value is 9, must be at least max_input (10)");
    expect_refusal(WITH(max_value = 10000), "max_value is 10000");
    expect_refusal(WITH(split_seed = -1), "split_seed is -1");
    expect_refusal(WITH(test_share = -.1), "test_share is -0.1");
    expect_refusal(WITH(test_share = .96), "sum at most 1");
    expect_refusal(WITH(test_share = NAN), "test_share is nan");
    expect_refusal(WITH(test_share = .002), "of the 220 multisets of 3 numbers in 1..10 leaves the test split empty");
    expect_refusal(WITH(validation_share = .002), "leaves the validation split empty");
    expect_refusal(WITH(test_share = .948), "leaves the train split empty"); /* 715 × .948 + 715 × .05 round up to all */
    o = (rz_countdown_options){.numbers = {1, {2}}, .max_input = 1, .max_value = 1};
    expect_refusal(o, "gave no problem of the train split (1 of 1 multisets)");
    o.max_value = 2; /* 1 + 1 */
    ck_assert_msg(rz_countdown_check(&o, &err), "%s", err.text);
    o = usual();
    o.test_share = 1, o.validation_share = 0; /* nothing to train on is fine for a test set */
    ck_assert_msg(rz_countdown_check(&o, &err), "%s", err.text);
    ck_assert_uint_eq(rz_countdown_split_size(&o, 3, RZ_TRAIN), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("countdown");
    TCase *tests = tcase_create("countdown");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, reachable_is_what_brute_force_reaches);
    tcase_add_test(tests, solvable_is_what_rationals_reach);
    tcase_add_test(tests, every_problem_is_solvable_and_of_its_split);
    tcase_add_test(tests, splits_are_exact_and_blind_to_order);
    tcase_add_test(tests, problems_are_addressed);
    tcase_add_test(tests, uniform_targets_are_uniform);
    tcase_add_test(tests, difficulty_is_as_published);
    tcase_add_test(tests, prompt);
    tcase_add_test(tests, bad_options_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
