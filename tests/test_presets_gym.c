/* reasoning-gym's scores: what they return is what their originals returned (golden/rules/parity_gym.jsonl), and no text makes them take long. */
#include "rewards/json_scan.h"
#include "rewards/python.h"
#include "tests/presets.h"
#include <math.h>

START_TEST(as_the_originals) { ck_assert_int_gt(agree_with_originals("tests/golden/rules/parity_gym.jsonl"), 700); }
END_TEST

/* What needs no original: problems that lack something, texts that are too long, reasons. */
START_TEST(errors_and_reasons)
{
    static const struct { const char *name, *text, *gold, *meta; rz_part_state state; double points; const char *reason; } cases[] = {
        {"gcd", "12", NULL, NULL, RZ_PART_ERROR, 0, "no answer"},
        {"countdown", "1+2", NULL, "{\"numbers\": [1, 2]}", RZ_PART_ERROR, 0, "meta.target"},
        {"countdown", "9**9**9**9", NULL, "{\"numbers\": [9, 9, 9, 9], \"target\": 9}", RZ_PART_SCORED, 0.05, "not the target"},
        {"countdown", "0.5**0.5**99999", NULL, "{\"numbers\": [1], \"target\": 9}", RZ_PART_SCORED, 0.05, "each number once"},
        {"word_sorting", "a", NULL, "{\"sorted_words\": []}", RZ_PART_ERROR, 0, "sorted_words"},
        {"shortest_path", "up", "\"down\"", "{\"matrix\": [[\"O\"]]}", RZ_PART_ERROR, 0, "no *"},
        {"propositional_logic", "P", NULL, "{\"premises\": [\"\"], \"variables\": [\"P\"]}", RZ_PART_ERROR, 0, "unusable"},
        {"prime_factorization", "2 x 3", "\"2 × 3\"", NULL, RZ_PART_ERROR, 0, "ValueError"},
        {"prime_factorization", "99999999999999999999 × 0", "\"2 × 3\"", NULL, RZ_PART_SCORED, 0.01, "another"},
        {"number_sorting", "[1, 2]", "\"[1, \"", "{\"direction\": \"ascending\"}", RZ_PART_ERROR, 0, "no list"},
        {"number_sorting", "[\"nan\", \"nan\"]", "\"[1, 2]\"", "{\"direction\": \"ascending\"}", RZ_PART_SCORED, 1, "in order"}, /* a hole, faithfully */
        {"calendar_arithmetic", "1", "\"-1\"", "{\"task\": \"count_days\"}", RZ_PART_SCORED, 22026.465794806718, "error"},
        {"calendar_arithmetic", "900", "\"-1\"", "{\"task\": \"count_days\"}", RZ_PART_ERROR, 0, "negative"},
        {"decimal_arithmetic", "1.0010000000000000000000000000000000000000001", "\"1\"", NULL, RZ_PART_SCORED, 0, "another"},
        {"decimal_arithmetic", "0.999", "\"1\"", NULL, RZ_PART_SCORED, 1, "one unit"},
        {"decimal_arithmetic", "-1e400", "\"1\"", NULL, RZ_PART_SCORED, 0, "another"},
        {"gsm_symbolic", "it is 12", "\"12\"", NULL, RZ_PART_SCORED, 1, "first number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[80];
        snprintf(name, sizeof name, "reasoning-gym/%s", cases[i].name);
        outcome o = judge_json(name, NULL, cases[i].text, strlen(cases[i].text), cases[i].gold, cases[i].meta);
        ck_assert_msg(o.state == cases[i].state && fabs(o.points - cases[i].points) <= 1e-9 && strstr(o.reason, cases[i].reason), "%s '%s': %d %.17g %s",
            name,
                      cases[i].text, (int)o.state, o.points, o.reason);
    }
}
END_TEST

/* Texts made to be slow. The test's time limit is the judge; what is over a cap is an error, and never paid. */
START_TEST(bounded)
{
    static const char *const pieces[] = {"(", ")", "¬", "P∧", "(P→", "1", "9**", "-", "1,", "a,", "[",
                                         "up ", "right ", "2×", "\\frac{", " ", "\n", "a is a knight and ", "1e9"};
    static const size_t sizes[] = {2000, 60000, 1000000};
    static const char meta[] =
        "{\"premises\": [\"P\"], \"variables\": [\"P\"], \"numbers\": [9, 9], \"target\": 81, \"solution\": %s,"
        " \"direction\": \"ascending\", \"sorted_words\": [\"z\"], \"matrix\": [[\"*\", \"O\", \"#\"]],"
        " \"simplified_numerator\": 1, \"simplified_denominator\": 2, \"numerator\": 2, \"denominator\": 4, \"task\": \"count_days\"}";
    char metas[2][600];
    snprintf(metas[0], sizeof metas[0], meta, "5");
    snprintf(metas[1], sizeof metas[1], meta, "[[1, 2], [2, 1]]");
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            size_t len = strlen(pieces[p]), n = sizes[s] / len;
            char *text = many(pieces[p], n);
            for (int i = 0; i < 2 * rz_n_verifiers_gym; i++) {
                const char *name = rz_verifiers_gym[i / 2].name;
                outcome o = judge_json(name, NULL, text, len * n, strstr(name, "knights") ? "\"12 is a sage\"" : "\"12\"", metas[i % 2]);
                ck_assert_msg(isfinite(o.points) && o.points >= 0 && o.points < 1, "%s: %g for %zu times '%s'", name, o.points, n, pieces[p]);
            }
            free(text);
        }
}
END_TEST

START_TEST(formulas_with_many_variables)
{
    char text[200] = "a", out[64];
    for (int i = 1; i < 30; i++) {
        snprintf(out, sizeof out, "∨%c%d", 'a' + i % 26, i);
        strncat(text, out, sizeof text - strlen(text) - 1);
        outcome o = judge_json("reasoning-gym/propositional_logic", NULL, text, strlen(text), NULL, "{\"premises\": [\"a\"], \"variables\": [\"P\"]}");
        bool right = i < 16 ? o.state == RZ_PART_SCORED && o.points == 1 : o.state == RZ_PART_ERROR && strstr(o.reason, "16 variables");
        ck_assert_msg(right, "%s: %s", text, o.reason);
    }
}
END_TEST

/* Python's own verdicts (json.loads), by hand. */
START_TEST(json_as_python_judges_it)
{
    static const struct { const char *text; bool python, standard; } cases[] = {
        {"1", true, true}, {" [1, 2] ", true, true}, {"01", false, false}, {"-", false, false}, {"-0", true, true},
        {"1.", false, false}, {".5", false, false},
        {"1e5", true, true}, {"1E+05", true, true}, {"1e", false, false}, {"NaN", true, false}, {"-Infinity", true, false}, {"-NaN", false, false},
        {"[NaN]", true, false},
        {"nul", false, false}, {"null", true, true}, {"\"a\"", true, true}, {"\"a", false, false},
        {"\"\t\"", false, false}, {"\"\\u12g4\"", false, false}, {"\"\\ud800\"", true, true},
        {"\"\\x\"", false, false}, {"'a'", false, false}, {"{}", true, true}, {"{\"a\": 1}", true, true}, {"{\"a\": 1,}", false, false},
        {"{a: 1}", false, false},
        {"{\"a\" 1}", false, false}, {"[1,]", false, false}, {"[1 2]", false, false}, {"[[], {}, [{}]]", true, true}, {"[1}", false, false},
        {"", false, false},
        {"  ", false, false},
        {"{} {}", false, false}, {"\xC2\xA0{}", false, false}, {"[", false, false}, {"{\"a\":", false, false},
        {"{\"a\":{\"b\":[1,{\"c\":null}]}}", true, true}, {"]", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int standard = 0; standard < 2; standard++) {
            rz_scan s = {.standard = standard};
            bool valid = rz_json_scan(RZ_SLICE(cases[i].text), &s) == RZ_SCAN_VALID;
            ck_assert_msg(valid == (standard ? cases[i].standard : cases[i].python), "'%s', standard %d: %d", cases[i].text, standard, valid);
        }
    char *deep = many("[", 5000);
    rz_scan s = {0};
    ck_assert(rz_json_scan(RZ_SLICE(deep), &s) == RZ_SCAN_TOO_DEEP);
    memset(deep, '1', 4301);
    deep[4301] = 0;
    ck_assert(rz_json_scan(RZ_SLICE(deep), &s) == RZ_SCAN_INVALID);
    deep[4300] = 0;
    ck_assert(rz_json_scan(RZ_SLICE(deep), &s) == RZ_SCAN_VALID && s.type == RZ_SCAN_INT);
    free(deep);
}
END_TEST

START_TEST(json_members)
{
    rz_scan_member m[3];
    rz_scan s = {.members = m, .room = 3};
    ck_assert(rz_json_scan(RZ_SLICE("{\"a\\u0062\\ud83d\\ude00\": [1, {\"x\": 2}], \"c\" : {} , \"d\":\"e\\n\", \"f\":1.5}"), &s) == RZ_SCAN_VALID);
    ck_assert(s.type == RZ_SCAN_OBJECT && s.n == 4 && m[0].type == RZ_SCAN_LIST && m[1].type == RZ_SCAN_OBJECT && m[2].type == RZ_SCAN_STRING);
    ck_assert(rz_python_equal(m[0].value, RZ_SLICE("[1, {\"x\": 2}]")) && rz_python_equal(m[1].value, RZ_SLICE("{}")));
    ck_assert(rz_python_equal(rz_json_unquote(m[0].key, &arena), RZ_SLICE("ab\xF0\x9F\x98\x80")));
    ck_assert(rz_python_equal(rz_json_unquote(m[2].value, &arena), RZ_SLICE("e\n")));
    ck_assert(rz_json_scan(RZ_SLICE("[[1], 2]"), &s) == RZ_SCAN_VALID && s.type == RZ_SCAN_LIST && s.n == 2 && !m[0].key.s && m[1].type == RZ_SCAN_INT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets_gym");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, as_the_originals);
    tcase_add_test(t, errors_and_reasons);
    tcase_add_test(t, bounded);
    tcase_add_test(t, formulas_with_many_variables);
    tcase_add_test(t, json_as_python_judges_it);
    tcase_add_test(t, json_members);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
