/* Advantages by terms (GDPO) against numbers worked out by hand, and by scores as ever. */
#include "trainer/advantages.h"
#include "trainer/objective.h"

#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, RULES = 3 };

static rz_arena arena;
static rz_rules *rules;

static rz_rules *rules_with(const char *combine)
{
    char text[512];
    rz_rules *r;
    rz_err err;
    snprintf(text, sizeof text, "version: 1\nrules:\n  a: {match: a}\n  b: {match: b, weight: 0.5}\n  c: {constant: 1, weight: 0.1}\n%s", combine);
    ck_assert_msg(rz_rules_parse(&r, "advantages.yaml", text, strlen(text), &err), "%s", err.text);
    return r;
}

static void open_all(void)
{
    rz_err err;
    ck_assert(rz_arena_init(&arena, 1 << 20, &err));
    rules = rules_with("combine: {normalise: {a: group, b: group}}\n");
}

static void close_all(void)
{
    rz_rules_destroy(rules);
    rz_arena_finish(&arena);
}

/* A group with these points, rule by rule. */
static rz_group group_of(const rz_rules *r, double points[RULES][N])
{
    rz_group g = {.n = N, .scored = RZ_ZNEW(&arena, N, rz_scored), .trained = true};
    for (int k = 0; k < N; k++) {
        g.scored[k].verdicts = RZ_ZNEW(&arena, RULES, rz_verdict);
        for (int i = 0; i < RULES; i++) {
            g.scored[k].verdicts[i].points = points[i][k];
            g.scored[k].score += rz_rules_weight(r, i) * points[i][k];
        }
    }
    return g;
}

static void check(const rz_group *g, const double want[N])
{
    for (int k = 0; k < N; k++) ck_assert_double_eq_tol(g->scored[k].advantage, want[k], 1e-12);
}

/* Points a 1 1 0 0 (mean 1/2, std 1/sqrt 3), b 1 0 0 0 (mean 1/4, std 1/2), c 2 0 0 2 (mean 1, std 2/sqrt 3). */
static double first[RULES][N] = {{1, 1, 0, 0}, {1, 0, 0, 0}, {2, 0, 0, 2}};

START_TEST(each_term_is_normalised_for_itself)
{
    double a = 0.5 / (1 / sqrt(3) + 1e-4), high = 0.75 / (0.5 + 1e-4), low = -0.25 / (0.5 + 1e-4);
    double c = 0.1 / (0.1 * 2 / sqrt(3) + 1e-4);
    rz_group g = group_of(rules, first);
    rz_advantage_plan p = rz_advantage_plan_make(rules, false, false);
    ck_assert(p.by_terms && rz_group_advantages(&p, &g, arena));
    check(&g, (double[]){a + 0.5 * high + 0.1, a + 0.5 * low - 0.1, -a + 0.5 * low - 0.1, -a + 0.5 * low + 0.1});
    p.divide_by_std = true; /* of the terms that are not named */
    ck_assert(rz_group_advantages(&p, &g, arena));
    check(&g, (double[]){a + 0.5 * high + c, a + 0.5 * low - c, -a + 0.5 * low - c, -a + 0.5 * low + c});
}
END_TEST

/* a = 1, b = 0 and a = 0, b = 2 add up to the same score: by scores there is no signal, by terms there is. */
START_TEST(terms_tell_apart_what_a_score_cannot)
{
    double points[RULES][N] = {{1, 0, 1, 0}, {0, 2, 0, 2}, {0, 0, 0, 0}};
    rz_group g = group_of(rules, points);
    rz_advantage_plan p = rz_advantage_plan_make(rules, true, false), by_score = rz_advantage_plan_make(rules, true, true);
    ck_assert(!by_score.by_terms && !rz_group_advantages(&by_score, &g, arena));
    check(&g, (double[]){0, 0, 0, 0});
    ck_assert(rz_group_advantages(&p, &g, arena));
    double a = 0.5 / (1 / sqrt(3) + 1e-4), b = 0.5 * 1 / (2 / sqrt(3) + 1e-4);
    check(&g, (double[]){a - b, b - a, a - b, b - a});
}
END_TEST

START_TEST(the_batch_has_unit_deviation)
{
    double flat[RULES][N] = {{1, 1, 1, 1}, {0, 0, 0, 0}, {3, 3, 3, 3}}, second[RULES][N] = {{0, 0, 0, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    rz_group g[] = {group_of(rules, first), group_of(rules, flat), group_of(rules, second), group_of(rules, first)};
    rz_advantage_plan p = rz_advantage_plan_make(rules, true, false);
    double squares = 0, before[4][N];
    for (int i = 0; i < 4; i++) g[i].signal = rz_group_advantages(&p, &g[i], arena);
    ck_assert(g[0].signal && !g[1].signal && g[2].signal);
    g[3].trained = false; /* beyond what dynamic sampling trains on: scaled like the others, but it does not count */
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < N; k++) {
            before[i][k] = g[i].scored[k].advantage;
            squares += i < 3 ? before[i][k] * before[i][k] : 0;
        }
    rz_batch_advantages(&p, g, 4);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < N; k++) ck_assert_double_eq_tol(g[i].scored[k].advantage, before[i][k] / (sqrt(squares / (2 * N - 1)) + 1e-4), 1e-12);
}
END_TEST

START_TEST(by_scores_nothing_changes)
{
    static const char *const combine[] = {"", "combine: {mode: weighted_sum}\n", "combine: {normalise: group}\n"};
    for (int i = 0; i < 3; i++) {
        rz_rules *r = rules_with(combine[i]);
        rz_group g = group_of(r, first);
        double scores[N], want[N];
        for (int by_std = 0; by_std < 2; by_std++) {
            rz_advantage_plan p = rz_advantage_plan_make(r, by_std, i == 2); /* a random reward is never taken apart */
            ck_assert(!p.by_terms && (g.signal = rz_group_advantages(&p, &g, arena)));
            rz_batch_advantages(&p, &g, 1);
            for (int k = 0; k < N; k++) scores[k] = g.scored[k].score;
            rz_advantages(scores, want, N, by_std);
            for (int k = 0; k < N; k++) ck_assert(g.scored[k].advantage == want[k]);
        }
        rz_rules_destroy(r);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advantages");
    TCase *tests = tcase_create("advantages");
    tcase_add_checked_fixture(tests, open_all, close_all);
    tcase_add_test(tests, each_term_is_normalised_for_itself);
    tcase_add_test(tests, terms_tell_apart_what_a_score_cannot);
    tcase_add_test(tests, the_batch_has_unit_deviation);
    tcase_add_test(tests, by_scores_nothing_changes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
