/* The curriculum by itself: decisions by counts. */
#include "tests/suite.h"
#include "trainer/curriculum.h"

#include <string.h>

static rz_err err;

static rz_config config(int64_t every, double up, double down)
{
    rz_config c = {.data = "countdown", .task = {.levels = {3, {1, 2, 4}}}, .curriculum = {every, up, down}};
    return c;
}

/* Steps of 2 groups of 5 completions, of which `right` are right. */
static void step(rz_curriculum *at, const rz_config *c, int64_t i, int right)
{
    rz_scored scored[10] = {{0}};
    rz_group groups[2] = {{.n = 5, .scored = scored}, {.n = 5, .scored = scored + 5}};
    for (int k = 0; k < right; k++)
        scored[(3 * k) % 10].correct = true;
    rz_curriculum_step(at, c, i, groups, 2);
}

START_TEST(decisions_are_by_the_counts_since_the_last_one)
{
    static const struct { int right, place; } steps[] = {
        {8, 0}, {8, 1}, /* 16 of 20: exactly 0.8 */
        {8, 1}, {7, 1}, /* 15 */
        {0, 1}, {5, 1}, /* 5 of 20: 0.25 is not less than 0.25 */
        {0, 1}, {4, 0}, /* 4 */
        {0, 0}, {0, 0}, /* there is none before */
        {9, 0}, {9, 1}, {9, 1}, {9, 2}, {9, 2}, {9, 2}, /* nor one behind */
        {0, 2}, {0, 1},
    };
    rz_config c = config(2, .8, .25);
    rz_curriculum at = {0};
    for (int i = 0; i < (int)(sizeof steps / sizeof *steps); i++) {
        step(&at, &c, i + 1, steps[i].right);
        ck_assert_msg(at.place == steps[i].place, "step %d: place %d", i + 1, (int)at.place);
        ck_assert_int_eq(at.seen, i % 2 ? 0 : 10);
        ck_assert_int_eq(at.right, i % 2 ? 0 : steps[i].right);
    }
}
END_TEST

START_TEST(a_schedule_is_one_that_always_goes_up)
{
    rz_config c = config(3, 0, 0), off = config(0, 0, 0);
    rz_curriculum at = {0}, none = {0};
    for (int i = 1; i <= 12; i++) {
        step(&at, &c, i, 0);
        ck_assert_int_eq(at.place, i < 3 ? 0 : i < 6 ? 1 : 2);
        step(&none, &off, i, 9);
        ck_assert(none.place == 0 && none.seen == 0);
    }
}
END_TEST

static void expect_refusal(rz_config c, const char *words)
{
    err = (rz_err){0};
    ck_assert_msg(!rz_curriculum_check(&c, &err), "accepted, should say '%s'", words);
    ck_assert(err.code == RZ_ECONFIG);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
}

START_TEST(what_cannot_do_what_it_says_is_refused)
{
    rz_config good[] = {config(0, 0, 0), config(5, 0, 0), config(5, .8, 0), config(5, .8, .2)};
    for (int i = 0; i < 4; i++)
        ck_assert_msg(rz_curriculum_check(&good[i], &err), "%s", err.text);
    expect_refusal(config(0, .8, 0), "curriculum.every is 0");
    expect_refusal(config(5, .3, .3), "curriculum.down is 0.3, must be less than curriculum.up (0.3)");
    expect_refusal(config(5, 0, .3), "must be less than curriculum.up (0)");
    rz_config c = config(5, .8, 0);
    c.data = "mine.jsonl";
    expect_refusal(c, "a file, which has no levels");
    c = config(5, .8, 0);
    c.task.levels.n = 1;
    expect_refusal(c, "lists one level only");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("curriculum");
    TCase *tests = tcase_create("curriculum");
    tcase_add_test(tests, decisions_are_by_the_counts_since_the_last_one);
    tcase_add_test(tests, a_schedule_is_one_that_always_goes_up);
    tcase_add_test(tests, what_cannot_do_what_it_says_is_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
