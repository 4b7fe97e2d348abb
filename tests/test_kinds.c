/* kinds: names from data stay few, short and harmless; shares against counts made here. */
#include "trainer/kinds.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_problem with_meta(const char *meta) { return (rz_problem){.prompt = "", .answer = "", .meta = meta}; }

START_TEST(only_names_that_can_be_names)
{
    static const struct { const char *meta, *kind; } rows[] = {
        {"{}", NULL}, {"{\"numbers\":[3,4]}", NULL}, {"{\"kind\":3}", NULL}, {"{\"kind\":null}", NULL}, {"{\"kind\":[\"a\"]}", NULL}, {"not JSON \"kind\"", NULL},
        {"{\"a\":{\"kind\":\"x\"}}", NULL}, {"{\"kind\":\"hard\"}", "hard"}, {"{\"kind\":\"A.b-c_9\"}", "A.b-c_9"}, {"{\"kind\":\"3_terms\",\"n\":99999999999999999999}", "3_terms"},
        {"{\"kind\":\"\"}", "other"}, {"{\"kind\":\"a b\"}", "other"}, {"{\"kind\":\"a/b\"}", "other"}, {"{\"kind\":\"\\u001b[31m\"}", "other"}, {"{\"kind\":\"\\u00e4\"}", "other"},
        {"{\"kind\":\"x_low\"}", "other"}, {"{\"kind\":\"x_high\"}", "other"}, {"{\"kind\":\"x_se\"}", "other"}, {"{\"kind\":\"low\"}", "low"},
        {"{\"kind\":\"abcdefghijklmnopqrstuvwxyz012345\"}", "abcdefghijklmnopqrstuvwxyz012345"}, {"{\"kind\":\"abcdefghijklmnopqrstuvwxyz0123456\"}", "other"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rz_kinds k = {0};
        rz_problem p = with_meta(rows[i].meta);
        int at = rz_kinds_find(&k, &p);
        ck_assert_msg((at >= 0) == (rows[i].kind != NULL) && k.n == (at >= 0), "%s", rows[i].meta);
        if (at >= 0) ck_assert_str_eq(k.name[at], rows[i].kind);
    }
}
END_TEST

START_TEST(not_more_than_sixteen)
{
    for (int first_other = 0; first_other < 2; first_other++) { /* "other" may be met first, or only when there are too many */
        rz_kinds k = {0};
        char meta[64];
        int order[RZ_MAX_KINDS], others = 0;
        rz_problem bad = with_meta("{\"kind\":\"?\"}");
        if (first_other) rz_kinds_find(&k, &bad);
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 100; i++) {
                snprintf(meta, sizeof meta, "{\"kind\":\"k%d\"}", (i * 37) % 100);
                rz_problem p = with_meta(meta);
                int at = rz_kinds_find(&k, &p);
                ck_assert(at >= 0 && at < k.n && k.n <= RZ_MAX_KINDS);
                char expected[16] = "other";
                if (i < RZ_MAX_KINDS - 1) snprintf(expected, sizeof expected, "k%d", (i * 37) % 100);
                ck_assert_str_eq(k.name[at], expected);
                others += at >= 0 && !strcmp(k.name[at], "other");
            }
        }
        ck_assert_int_eq(others, 2 * 85);
        ck_assert_int_eq(k.n, RZ_MAX_KINDS);
        rz_kinds_order(&k, order);
        for (int i = 1; i < k.n; i++) ck_assert_int_lt(strcmp(k.name[order[i - 1]], k.name[order[i]]), 0);
    }
}
END_TEST

START_TEST(shares_are_counted)
{
    rz_scored a[3] = {{.correct = true, .format_ok = true}, {.format_ok = true}, {0}}, b[3] = {{.correct = true}, {0}, {0}};
    rz_group groups[] = {{.problem = with_meta("{\"kind\":\"x\"}"), .n = 3, .scored = a}, {.problem = with_meta("{\"kind\":\"y\"}"), .n = 3, .scored = b},
                         {.problem = with_meta("{}"), .n = 3, .scored = a}, {.problem = with_meta("{\"kind\":\"x\"}"), .n = 3, .scored = b}};
    rz_metrics *m = calloc(1, sizeof *m);
    rz_kinds_measure(groups, 4, m);
    ck_assert_int_eq(m->n, 3);
    ck_assert_double_eq_tol(rz_metrics_get(m, "accuracy/kind/x"), 2 / 6., 1e-15);
    ck_assert_double_eq_tol(rz_metrics_get(m, "accuracy/kind/y"), 1 / 3., 1e-15);
    ck_assert_double_eq_tol(rz_metrics_get(m, "accuracy/well_formed/x"), 1 / 2., 1e-15);
    ck_assert(isnan(rz_metrics_get(m, "accuracy/well_formed/y"))); /* none was well-formed */
    m->n = 0;
    rz_kinds_measure(&groups[2], 1, m);
    ck_assert_int_eq(m->n, 0);
    free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kinds");
    TCase *tests = tcase_create("kinds");
    tcase_add_test(tests, only_names_that_can_be_names);
    tcase_add_test(tests, not_more_than_sixteen);
    tcase_add_test(tests, shares_are_counted);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
