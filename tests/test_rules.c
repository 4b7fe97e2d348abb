/* The rule language: cases as data, refusals, the shipped files. */
#include "rewards/builtin.h"
#include "tests/rules_suite.h"

static const char *const case_files[] = {"holes.jsonl", "countdown.jsonl", "numeric.jsonl", "tags.jsonl", "language.jsonl", "extract.jsonl", "exploits.jsonl", "combine.jsonl", "length.jsonl", "tasks.jsonl", "tinyzero.jsonl", "verify_tasks.jsonl"};
enum { N_CASE_FILES = sizeof case_files / sizeof *case_files };

START_TEST(cases_score_as_they_say) { ck_assert_int_ge(each_line(case_files[_i], run_case), 10); }
END_TEST

static void run_refusal(const char *line, size_t line_len)
{
    json_t *row = json_loadb(line, line_len, 0, NULL);
    const char *text = json_string_value(json_object_get(row, "rules"));
    const char *message = json_string_value(json_object_get(row, "message"));
    rz_rules *r;
    rz_err err;
    ck_assert_msg(!rz_rules_parse(&r, "bad.yaml", text, strlen(text), &err), "%s: was accepted", where);
    ck_assert_ptr_null(r);
    ck_assert_msg(err.code == RZ_ECONFIG && strncmp(err.text, "bad.yaml:", 9) == 0, "%s: %s", where, err.text);
    ck_assert_msg(strstr(err.text, message) != NULL, "%s: %s", where, err.text);
    ck_assert_msg(err.text[strlen(err.text) - 1] == '^', "%s: no line is shown: %s", where, err.text);
    json_decref(row);
}

START_TEST(bad_files_are_refused) { ck_assert_int_ge(each_line("refused.jsonl", run_refusal), 30); }
END_TEST

/* ---- the shipped files ---- */

START_TEST(shipped_files_load)
{
    static const char *const paths[] = {"configs/rules/countdown.yaml", "configs/rules/example-numeric.yaml", "configs/rules/decimals.yaml",
                                        "configs/rules/sums.yaml", "configs/rules/gsm8k.yaml"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(where, sizeof where, "%s", paths[i]);
        rz_rules *r = rules_of(paths[i]);
        ck_assert_int_eq(rz_rules_count(r), 2);
        ck_assert_str_eq(rz_rules_name(r, 0), "format");
        ck_assert_str_eq(rz_rules_name(r, 1), "correct");
        ck_assert(rz_rules_weight(r, 0) == 0.1 && rz_rules_weight(r, 1) == 1);
        ck_assert_ptr_nonnull(strstr(rz_rules_text(r), "version: 1"));
        rz_rules_destroy(r);
    }
    rz_rules *r;
    rz_err err;
    ck_assert(!rz_rules_load(&r, "configs/rules/absent.yaml", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "absent.yaml"));
    ck_assert(!rz_rules_load(&r, "strict/gsm9k", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean 'strict/gsm8k'?"));
    rz_rules_destroy(NULL);
    rz_rules_worker_destroy(NULL);
}
END_TEST

/* Each says of itself what it is, and a preset's name is a file of it alone. */
START_TEST(names_are_rule_files)
{
    ck_assert_int_gt(rz_n_builtins, 30);
    for (int i = 0; i < rz_n_builtins; i++) {
        snprintf(where, sizeof where, "%s", rz_builtins[i].name);
        rz_rules *r = rules_of(rz_builtins[i].name);
        rz_rules_worker_destroy(worker_of(r));
        ck_assert_str_eq(rz_rules_text(r), rz_builtins[i].text);
        ck_assert_msg(strlen(rz_builtins[i].about) > 10, "%s", where);
        rz_rules_destroy(r);
    }
    rz_rules *r = rules_of("verl/gsm8k");
    ck_assert_str_eq(rz_rules_text(r), "version: 1\nrules:\n  gsm8k: {preset: verl/gsm8k}\n");
    rz_rules_destroy(r);
}
END_TEST

/* Lengths 10, 20, 30 and 30: what the formula gives; the wrong ones earn nothing for being short. */
START_TEST(lengths_within_a_group)
{
    static const struct { const char *answer; int n; double points; } rows[] = {{"42", 10, 0.5}, {"41", 20, 0}, {"42", 30, -0.5}, {"41", 30, -0.5}, {"42", 20, 0}, {"41", 10, 0}};
    enum { N = sizeof rows / sizeof *rows };
    rz_rules *r = rules_of("version: 1\nrules:\n  l: {kind: kimi_len, unit: tokens}\n  correct: {extract: {tag: answer}, compare: int}\n");
    rz_rules_worker *w = worker_of(r);
    char texts[N][64];
    rz_sample s[N];
    rz_score got[N];
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "<answer> %s </answer>", rows[i].answer);
        s[i] = (rz_sample){.completion = texts[i], .completion_len = strlen(texts[i]), .answer = "42", .n_tokens = rows[i].n};
    }
    rz_rules_score_group(w, s, N, got);
    for (int i = 0; i < N; i++) ck_assert_msg(fabs(got[i].parts[0].points - rows[i].points) < 1e-15, "%d: %g (%s)", i, got[i].parts[0].points, got[i].parts[0].reason);
    s[1].n_tokens = -1; /* one that has no length is an error, and the others do without it */
    rz_rules_score_group(w, s, N, got);
    ck_assert(got[1].parts[0].state == RZ_PART_ERROR && got[0].parts[0].points == 0.5);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

START_TEST(an_explanation_says_why)
{
    rz_rules *r = rules_of("configs/rules/countdown.yaml");
    rz_rules_worker *w = worker_of(r);
    const char *completion = "<think> 3 + 5 = 8 </think> <answer> ( 3 + 5 ) * 4 </answer>";
    rz_sample s = {.completion = completion, .completion_len = strlen(completion), .meta = "{\"numbers\":[3,5,4],\"target\":19}", .n_tokens = -1};
    rz_score got;
    rz_rules_score(w, &s, &got);
    char *text = rz_score_explain(r, &got);
    ck_assert_str_eq(text,
        "score 0.1, not correct, format ok\n"
        "format   scored  0.1 = 1 x weight 0.1: passed; bytes 0..59; found \"<think> 3 + 5 = 8 </think> <answer> ( 3 + 5 ) * 4 </answer>\"; "
        "expected \"<think>...</think> <answer>...</answer>\"\n"
        "correct  scored  0 = 0 x weight 1: its value is 32, must be 19; bytes 36..49; found \"( 3 + 5 ) * 4\"; "
        "expected \"19, with each of 3 5 4 once\"\n");
    free(text);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rules");
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, cases_score_as_they_say, 0, N_CASE_FILES);
    tcase_add_test(cases, bad_files_are_refused);
    tcase_add_test(cases, shipped_files_load);
    tcase_add_test(cases, names_are_rule_files);
    tcase_add_test(cases, lengths_within_a_group);
    tcase_add_test(cases, an_explanation_says_why);
    suite_add_tcase(s, cases);
    return run_suite(s);
}
