/* Presets of mathematical answers: what they return is what their originals returned (golden/rules/parity_math.jsonl), and no text makes them take long. */
#include "rewards/internal.h"
#include "rewards/parity.h"
#include "rewards/python.h"
#include "tests/suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(as_the_originals)
{
    FILE *f = fopen("tests/golden/rules/parity_math.jsonl", "r");
    rz_parity *p;
    rz_err err = {0};
    char *line = NULL;
    size_t cap = 0;
    int n = 0;
    ck_assert_msg(f && rz_parity_create(&p, &err), "%s", err.text);
    for (; getline(&line, &cap, f) > 0; n++) {
        json_t *c = json_loads(line, 0, NULL);
        rz_parity_verdict v;
        ck_assert_msg(c && rz_parity_judge(p, c, &v, &err), "%s: %s", err.text, line);
        char *ours = v.ours ? json_dumps(v.ours, JSON_ENCODE_ANY) : NULL;
        ck_assert_msg(v.agreed, "%s made of it: %s (%s)", line, ours ? ours : "nothing", v.reason);
        free(ours);
        json_decref(v.ours);
        json_decref(c);
    }
    ck_assert_int_gt(n, 200);
    free(line);
    rz_parity_destroy(p);
    fclose(f);
}
END_TEST

/* ---- one case ---- */

static rz_arena arena;
static rz_env env;

static void setup(void)
{
    rz_err err = {0};
    ck_assert_msg(rz_arena_init(&arena, (size_t)1 << 30, &err) && rz_env_init(&env, &arena, &err), "%s", err.text);
}

static void teardown(void)
{
    rz_env_finish(&env);
    rz_arena_finish(&arena);
}

static outcome judge(const char *name, const char *params, rz_slice text, const char *gold)
{
    rz_err err = {0};
    const rz_verifier *v = rz_verifier_find(name);
    outcome o;
    ck_assert_msg(v, "%s", name);
    json_t *given = params ? json_loads(params, 0, NULL) : NULL, *all = rz_verifier_params(v, given, &err), *answer = gold ? json_string(gold) : NULL;
    ck_assert_msg(all, "%s", err.text);
    rz_case c = {.env = &env, .text = text, .gold = answer, .params = all, .n_tokens = -1};
    rz_verifier_score(v, &c, &o);
    json_decref(all);
    json_decref(given);
    json_decref(answer);
    return o;
}

START_TEST(what_is_said)
{
    outcome o = judge("verl/gsm8k", NULL, RZ_SLICE("so #### 1,234 it is"), "1234");
    ck_assert(o.state == RZ_PART_SCORED && o.passed && o.points == 1 && o.span.start == 8 && o.span.end == 13);
    ck_assert_str_eq(o.found, "1234");
    o = judge("verl/gsm8k", "{\"format_score\": 0.1, \"score\": 2}", RZ_SLICE("#### 5"), "6");
    ck_assert(!o.passed && o.points == 0.1);
    o = judge("verl/math", NULL, RZ_SLICE("\\boxed{0.5}"), "\\frac12");
    ck_assert(o.passed && o.span.start == 7 && o.span.end == 10);
    o = judge("verl/math_dapo", NULL, RZ_SLICE("nothing"), "5");
    ck_assert(!o.passed && o.points == -1);
    o = judge("hendrycks/is_equiv", NULL, RZ_SLICE("5"), NULL);
    ck_assert(o.state == RZ_PART_ERROR && o.gold_problem);
    rz_err err = {0};
    json_t *bad = json_pack("{s:s}", "method", "loose");
    ck_assert(!rz_verifier_params(rz_verifier_find("verl/gsm8k"), bad, &err) && strstr(err.text, "must be strict or flexible"));
    json_decref(bad);
}
END_TEST

/* ---- limits ---- */

static const char *const all_presets[] = {"hendrycks/is_equiv", "hendrycks/strip_string", "verl/gsm8k", "verl/math", "verl/math_dapo", "verl/math_dapo_normalize", "verl/geo3k_format",
                                          "verl/prime_math_match", "prm800k/grade_answer", "oat/boxed", "oat/answer_tag"};

/* Texts of repeated pieces, long and of the length that answers may have, plain and in a box: nothing runs long (the test's time limit), nothing breaks. */
START_TEST(limits)
{
    static const char *const pieces[] = {"\\text{", "\\frac", "\\sqrt", "a ", "{", "}", "\\boxed{", "\\boxed ", "1,", "answer is ", "$", "\\frac{", "\\sqrt[", "\\begin{pmatrix}", "m ",
                                         "(", "^", "-", "Answer:", "#### 1", "\xC4\xB0", "9", "9.", "\\begin{array}{", "\\\\", "&", "1 + ", "x", "!", "\\(", "{a}", "<think>", "e"};
    static const size_t sizes[] = {60 << 10, 256 << 10};
    char *text = malloc((256 << 10) + 64);
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
            for (int boxed = 0; boxed < 2; boxed++) {
                size_t n = strlen(pieces[i]), len = 0;
                if (boxed) len = (size_t)sprintf(text, "<think></think> <answer>\\boxed{");
                for (; len < sizes[s]; len += n) memcpy(text + len, pieces[i], n);
                if (boxed) len += (size_t)sprintf(text + len, "}");
                for (size_t k = 0; k < sizeof all_presets / sizeof *all_presets; k++) {
                    outcome o = judge(all_presets[k], NULL, (rz_slice){text, len}, "\\frac{1}{2}");
                    ck_assert_msg(o.state == RZ_PART_SCORED || o.state == RZ_PART_ERROR, "%s of %s", all_presets[k], pieces[i]);
                    ck_assert_msg(o.state == RZ_PART_ERROR || o.points <= 1, "%s of %s", all_presets[k], pieces[i]);
                    rz_arena_release(&arena, 0);
                }
            }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets_math");
    TCase *cases = tcase_create("parity"), *one = tcase_create("one");
    tcase_add_test(cases, as_the_originals);
    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, what_is_said);
    tcase_add_test(one, limits);
    tcase_set_timeout(one, 250);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, one);
    return run_suite(suite);
}
