/* Presets of mathematical answers: what they return is what their originals returned (golden/rules/parity_math.jsonl), and no text makes them take long. */
#include "tests/presets.h"

START_TEST(as_the_originals) { ck_assert_int_gt(agree_with_originals("tests/golden/rules/parity_math.jsonl"), 200); }
END_TEST

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
    refuses("verl/gsm8k", "{\"method\": \"loose\"}", "must be strict or flexible");
}
END_TEST

/* ---- limits ---- */

static const char *const all_presets[] = {"hendrycks/is_equiv", "hendrycks/strip_string", "verl/gsm8k", "verl/math", "verl/math_dapo", "verl/math_dapo_normalize", "verl/geo3k_format",
                                          "verl/prime_math_match", "prm800k/grade_answer", "oat/boxed", "oat/answer_tag",
                                          "verl/prime_math", "verl/geo3k", "lm-eval/minerva", "open-instruct/math"};

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
