/* Presets about form, length, repetition and answers as text: what they return is what their originals returned (golden/rules/parity_text.jsonl), and no text makes
 * them take long. */
#include "tests/presets.h"
#include <math.h>

START_TEST(as_the_originals) { ck_assert_int_ge(agree_with_originals("tests/golden/rules/parity_text.jsonl"), 500); }
END_TEST

static rz_slice span_of(rz_slice t, outcome o) { return o.span.start == SIZE_MAX ? (rz_slice){"", 0} : (rz_slice){t.s + o.span.start, o.span.end - o.span.start}; }

START_TEST(what_is_said)
{
    rz_slice t = RZ_SLICE("x <finish> The Cat. </finish> y");
    outcome o = judge("open-instruct/r1_search", NULL, t, "[\"dog\", \"cat\"]");
    ck_assert(o.passed && rz_python_equal(span_of(t, o), RZ_SLICE("The Cat.")));
    ck_assert_str_eq(o.expected, "cat");
    t = RZ_SLICE("```python\nx = 1\n```");
    o = judge("open-r1/extract_code", NULL, t, NULL);
    ck_assert(o.passed && rz_python_equal(span_of(t, o), RZ_SLICE("x = 1\n")));
    o = judge("lm-eval/gsm8k", NULL, RZ_SLICE("so #### $1,234."), "it is so\n#### 1234");
    ck_assert(!o.passed); /* $ is no part of strict-match */
    o = judge("lm-eval/gsm8k", NULL, RZ_SLICE("so #### 1,234."), "it is so\n#### 1234");
    ck_assert(o.passed);
    o = judge("lm-eval/gsm8k", "{\"filter\": \"flexible-extract\"}", RZ_SLICE("it is $1,234. Is it?"), "1234");
    ck_assert(o.passed);
    o = judge("lm-eval/gsm8k", "{\"filter\": \"cot-strict-match\"}", RZ_SLICE("The answer is 12."), "12");
    ck_assert(o.passed);
    o = judge("lm-eval/regex_filter", "{\"regex_pattern\": \"a\", \"group_select\": 3}", RZ_SLICE("aaa"), NULL);
    ck_assert(o.state == RZ_PART_ERROR);
    o = judge("open-instruct/max_len", NULL, RZ_SLICE("x"), "5");
    ck_assert(o.state == RZ_PART_ERROR && !o.gold_problem);
    o = judge("open-instruct/research_f1", NULL, RZ_SLICE("<finish>x</finish>"), "[[\"a\"]]");
    ck_assert(o.state == RZ_PART_ERROR && o.gold_problem);
    o = judge("tinyzero/multiply", NULL, RZ_SLICE("Assistant: <answer>6</answer>"), "six");
    ck_assert(o.state == RZ_PART_ERROR && o.gold_problem);
}
END_TEST

START_TEST(parameters_are_checked)
{
    refuses("open-r1/repetition", "{\"max_penalty\": 1}", "must be 0 or less");
    refuses("open-r1/repetition", "{\"language\": \"zh\"}", "must be en");
    refuses("trl/repetition", "{\"ngram_size\": 0}", "must be 1..");
    refuses("open-r1/code_format", "{\"language\": \"c++\"}", "becomes part of a pattern");
    refuses("open-r1/cosine", "{\"max_len\": 0}", "must be 1 or more");
    refuses("lm-eval/gsm8k", "{\"filter\": \"strict\"}", "must be strict-match");
    refuses("lm-eval/regex_filter", "{\"regex_pattern\": \"(\"}", "pattern");
    refuses("reasoning-gym/extract_answer", "{\"tag_name\": \"<a>\"}", "without brackets");
}
END_TEST

/* Prompt and completion are one text to these originals; with assistant_mark: false the completion is the response. */
START_TEST(where_the_response_begins)
{
    json_t *meta = json_loads("{\"target\": 6, \"numbers\": [2, 4], \"solution_text_format\": \"(1) Zoey is a knight\"}", 0, NULL);
    rz_case c = {.meta = meta, .n_tokens = -1, .prompt = RZ_SLICE("an example is <answer>2 + 4</answer>\nAssistant: "), .text = RZ_SLICE("<answer>2 + 4</answer>")};
    ck_assert(judge_case("tinyzero/countdown", NULL, c).points == 1);
    c.text = RZ_SLICE("<answer>2 * 4</answer>");
    ck_assert(judge_case("tinyzero/countdown", NULL, c).points == 0.1);
    c.text = RZ_SLICE("<answer>2 + 4</answer>\n");
    ck_assert(judge_case("tinyzero/countdown", NULL, c).points == 0);
    c.prompt = (rz_slice){NULL, 0};
    c.text = RZ_SLICE("<answer>2 + 4</answer>");
    ck_assert(judge_case("tinyzero/countdown", NULL, c).points == 0);
    ck_assert(judge_case("tinyzero/countdown", "{\"assistant_mark\": false}", c).points == 1);
    c.text = RZ_SLICE("<think></think><answer>Zoey is a knight</answer>");
    ck_assert(judge_case("logic-rl/kk", NULL, c).points == -1);
    ck_assert(judge_case("logic-rl/kk", "{\"assistant_mark\": false}", c).points == 3);
    json_decref(meta);
}
END_TEST

/* Against cosines of Python's math.cos (the C library's, correctly rounded here): 1e-12 is far below what parity asks. */
START_TEST(cosine_reads_the_gold_as_its_original)
{
    rz_case c = {.text = RZ_SLICE("\\boxed{7}"), .gold = json_string("7"), .n_tokens = 1000};
    outcome o = judge_case("open-r1/cosine", NULL, c);
    ck_assert(o.state == RZ_PART_SCORED && o.points == 1); /* no LaTeX, hence not read, hence paid for */
    o = judge_case("trl/cosine", NULL, c);
    ck_assert(o.passed && fabs(o.points - 0.5) < 1e-12);
    json_decref((json_t *)c.gold);
    c.gold = json_string("what?");
    o = judge_case("trl/cosine", NULL, c);
    ck_assert(o.state == RZ_PART_SKIPPED);
    json_decref((json_t *)c.gold);
    c.gold = NULL;
    o = judge_case("open-r1/cosine", NULL, c);
    ck_assert(o.state == RZ_PART_ERROR && o.gold_problem);
}
END_TEST

/* Of several delimiters the first of the list that occurs decides, wherever the others stand. */
START_TEST(reasoning_ends_at_the_first_delimiter_of_the_list)
{
    static const char delimiters[] = "{\"reasoning_delimiters\": [\"</a>\", \"</b>\"]}";
    ck_assert(judge("trl/reasoning_accuracy", delimiters, RZ_SLICE("\\boxed{1} </a> \\boxed{7} </b> no more"), "$7$").passed);
    ck_assert(judge("trl/reasoning_accuracy", delimiters, RZ_SLICE("\\boxed{1} </b> \\boxed{7}"), "$7$").passed);
    ck_assert(!judge("trl/reasoning_accuracy", delimiters, RZ_SLICE("\\boxed{7} </a> none"), "$7$").passed);
}
END_TEST

START_TEST(cosine_is_exact)
{
    static const struct { int len; double points; } cases[] = {
        {1000, 0.5}, {500, 0.75}, {333, 0.8752266563401775}, {2000, 1.0}, {12345, 0.8669824535651425}, {999, 0.5000012336995354}, {100001, 0.9999987663004646}};
    char *text = malloc(200000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(text, 'x', 200000);
        memcpy(text + cases[i].len - 10, " \\boxed{7}", 10);
        rz_case c = {.text = {text, (size_t)cases[i].len}, .n_tokens = -1, .gold = json_string("$7$")};
        outcome o = judge_case("open-r1/cosine", NULL, c);
        ck_assert_msg(fabs(o.points - cases[i].points) < 1e-12, "%d: %.17g", cases[i].len, o.points);
        json_decref((json_t *)c.gold);
    }
    free(text);
}
END_TEST

/* ---- the table in the documentation ---- */

/* The line of a preset: name, origin, parameters with their defaults, least and most points. */
static void table_line(const rz_verifier *v, char *out, size_t size)
{
    json_t *params = v->params ? json_loads(v->params, 0, NULL) : json_object(), *value;
    const char *key, *gap = "";
    size_t n = (size_t)snprintf(out, size, "| `%s` | %s | ", v->name, v->origin ? v->origin : "our own");
    json_object_foreach(params, key, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6) | JSON_COMPACT);
        if (n < size) n += (size_t)snprintf(out + n, size - n, "%s`%s: %s`", gap, key, text);
        gap = ", ";
        free(text);
    }
    ck_assert(n < size);
    n += (size_t)snprintf(out + n, size - n, "%s| %g … %g |\n", *gap ? " " : "", v->bottom, v->top);
    ck_assert(n < size);
    json_decref(params);
}

START_TEST(every_preset_is_documented)
{
    static char page[1 << 18], line[2048];
    int missing = 0;
    FILE *f = fopen("docs/rules/presets.md", "r");
    ck_assert_msg(f != NULL, "run from the root of the repository");
    size_t len = fread(page, 1, sizeof page - 1, f);
    fclose(f);
    ck_assert(len < sizeof page - 1);
    const rz_verifier *v;
    for (int i = 0; (v = rz_verifier_at(i)); i++) {
        if (!strchr(v->name, '/')) continue;
        table_line(v, line, sizeof line);
        if (strstr(page, line)) continue;
        printf("%s", line);
        missing++;
    }
    fflush(stdout);
    ck_assert_msg(missing == 0, "%d lines, which are printed above, belong into the table of docs/rules/presets.md", missing);
}
END_TEST

/* ---- limits ---- */

/* Texts of repeated pieces, with a beginning and an end that the presets look for: nothing runs long (the test's time limit), nothing breaks. */
START_TEST(limits)
{
    static const char *const presets[] = {
        "open-r1/format", "open-r1/tag_count", "open-r1/reasoning_steps", "open-r1/code_format", "open-r1/extract_code", "open-r1/repetition", "trl/think_format",
        "open-instruct/gsm8k", "open-instruct/research_f1", "open-instruct/r1_search", "open-instruct/string_matcher", "open-instruct/soft_format", "lm-eval/gsm8k",
        "lm-eval/regex_filter", "reasoning-gym/extract_answer", "logic-rl/kk", "tinyzero/countdown", "tinyzero/multiply"};
    static const char *const pieces[] = {"<think>\n", "</think>", "<answer>", "</answer>", "\n</answer>x", "```python", "```python\n", "```", "Step 1", "Step ", "First,", "a ", "\xCE\xA3", "9,", "-", ".9",
                                         "9", "<finish>", "</finish>", "</", "<fini", "knight ", "Zoey is a ", "Zoey ", "\xE3\x80\x80", "Assistant:", "#### ", "$", "the ", "(1+1)*", "-1", "\n"};
    static const char *const frames[][2] = {{"", ""}, {"Assistant:<think></think><answer>", "</answer>"}, {"<finish>", "</finish>"}, {"<think>\n\n</think>\n<answer>\n", "\n</answer>"}};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE + 200);
    json_t *meta = json_loads("{\"target\": 6, \"numbers\": [2, 4], \"solution_text_format\": \"(1) Zoey is a knight\\n(2) Anna is a knave\"}", 0, NULL);
    json_t *gold = json_string("[\"a the cat\", \"9\"]");
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const char *const *frame = frames[i % (sizeof frames / sizeof *frames)];
        size_t n = strlen(pieces[i]), len = (size_t)sprintf(text, "%s", frame[0]);
        for (; len < SIZE; len += n) memcpy(text + len, pieces[i], n);
        len += (size_t)sprintf(text + len, "%s", frame[1]);
        for (size_t k = 0; k < sizeof presets / sizeof *presets; k++) {
            bool of_meta = strncmp(presets[k], "tinyzero/c", 10) == 0 || strncmp(presets[k], "logic", 5) == 0;
            outcome o = judge_case(presets[k], NULL, (rz_case){.text = {text, len}, .gold = of_meta ? NULL : gold, .meta = meta, .n_tokens = -1});
            ck_assert_msg(o.state != RZ_PART_SCORED || (isfinite(o.points) && o.points <= 1), "%s of %s", presets[k], pieces[i]);
            rz_arena_release(&arena, 0);
        }
    }
    json_decref(meta);
    json_decref(gold);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets_text");
    TCase *cases = tcase_create("parity"), *one = tcase_create("one");
    tcase_add_test(cases, as_the_originals);
    tcase_add_test(cases, every_preset_is_documented);
    tcase_add_checked_fixture(one, setup, teardown);
    tcase_add_test(one, what_is_said);
    tcase_add_test(one, parameters_are_checked);
    tcase_add_test(one, where_the_response_begins);
    tcase_add_test(one, cosine_reads_the_gold_as_its_original);
    tcase_add_test(one, reasoning_ends_at_the_first_delimiter_of_the_list);
    tcase_add_test(one, cosine_is_exact);
    tcase_add_test(one, limits);
    tcase_set_timeout(one, 200);
    suite_add_tcase(suite, cases);
    suite_add_tcase(suite, one);
    return run_suite(suite);
}
