/* Mathematical equality: identities, policies, false positives of others, limits, boxes, extraction. */
#include "base/file.h"
#include "rewards/math.h"
#include "rewards/parity.h"
#include "tests/suite.h"
#include <stdlib.h>
#include <string.h>

static rz_arena scratch;

static rz_slice slice(const char *s) { return (rz_slice){s, strlen(s)}; }

static rz_math_report judge(const char *gold, const char *found, const rz_math_options *o)
{
    rz_math_report r;
    size_t used = scratch.used;
    bool equal = rz_math_equal(&scratch, slice(found), slice(gold), o, &r);
    ck_assert(scratch.used == used);
    ck_assert(equal == (r.verdict == RZ_MATH_EQUAL));
    return r;
}

typedef struct { const char *gold, *found; rz_math_verdict verdict; } row;

static void judge_rows(const row *rows, size_t n, const rz_math_options *o)
{
    for (size_t i = 0; i < n; i++) {
        rz_math_report r = judge(rows[i].gold, rows[i].found, o);
        ck_assert_msg(r.verdict == rows[i].verdict, "'%s' against '%s': verdict %d by %s, expected %d", rows[i].found, rows[i].gold, r.verdict,
                      rz_math_rung_names[r.rung], rows[i].verdict);
    }
}

#define JUDGE(rows, options) judge_rows(rows, sizeof rows / sizeof *rows, options)

START_TEST(identities_hold)
{
    static const row rows[] = {
        {"1/2", "\\frac12", RZ_MATH_EQUAL}, {"0.5", "\\dfrac{1}{2}", RZ_MATH_EQUAL}, {"7\\frac12", "15/2", RZ_MATH_EQUAL}, {"7 1/2", "7.5", RZ_MATH_EQUAL},
        {"1,234,567", "1234567", RZ_MATH_EQUAL}, {"1{,}000", "1000", RZ_MATH_EQUAL}, {"1\\,000", "1000.00", RZ_MATH_EQUAL}, {"1e3", "10^3", RZ_MATH_EQUAL},
        {"0.\\overline{3}", "1/3", RZ_MATH_EQUAL}, {"0.1\\overline{6}", "\\frac{1}{6}", RZ_MATH_EQUAL}, {"204_5", "54", RZ_MATH_EQUAL},
        {"(x+1)^2", "x^2+2x+1", RZ_MATH_EQUAL}, {"\\frac{x^2-1}{x-1}", "x+1", RZ_MATH_EQUAL}, {"\\sqrt{12}", "2\\sqrt3", RZ_MATH_EQUAL},
        {"\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}", RZ_MATH_EQUAL}, {"\\sin^2 x+\\cos^2 x", "1", RZ_MATH_EQUAL}, {"\\sec^2 y", "\\tan^2(y)+1", RZ_MATH_EQUAL},
        {"\\sin 2x", "2\\sin x\\cos x", RZ_MATH_EQUAL}, {"\\ln 8", "3\\ln 2", RZ_MATH_EQUAL}, {"\\log_2 8", "3", RZ_MATH_EQUAL}, {"e^{i\\pi}", "-1", RZ_MATH_EQUAL},
        {"\\binom{n+1}{2}", "n(n+1)/2", RZ_MATH_EQUAL}, {"\\sqrt[3]{-8}", "-2", RZ_MATH_EQUAL}, {"|x|", "\\sqrt{x^2}", RZ_MATH_EQUAL}, {"10!", "3628800", RZ_MATH_EQUAL},
        {"x \\le 5", "5 \\ge x", RZ_MATH_EQUAL}, {"2x+4y-3=0", "y=-\\frac{1}{2}x+\\frac{3}{4}", RZ_MATH_EQUAL}, {"x<3", "2x<6", RZ_MATH_EQUAL},
        {"x<3", "-x>-3", RZ_MATH_EQUAL}, {"0\\le x<1", "1>x\\ge0", RZ_MATH_EQUAL}, {"\\{1,2\\}", "\\{2,1,1\\}", RZ_MATH_EQUAL}, {"1\\pm\\sqrt{2}", "1+\\sqrt2,1-\\sqrt2", RZ_MATH_EQUAL},
        {"\\frac{-1\\pm\\sqrt{13}}{4}", "\\frac{\\sqrt{13}-1}{4}, \\frac{-\\sqrt{13}-1}{4}", RZ_MATH_EQUAL}, {"x = 5", "5", RZ_MATH_EQUAL}, {"5", "x=5", RZ_MATH_EQUAL},
        {"[0,1)\\cup(2,3)", "(2,3)\\cup[0,1)", RZ_MATH_EQUAL}, {"\\mathbb{R}", "(-\\infty,\\infty)", RZ_MATH_EQUAL}, {"\\text{(C)}", "C", RZ_MATH_EQUAL}, {"\\text{Even}", "even", RZ_MATH_EQUAL},
        {"\\begin{pmatrix}6&8\\\\10&12\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}+\\begin{pmatrix}5&6\\\\7&8\\end{pmatrix}", RZ_MATH_EQUAL},
        {"\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}", "-2", RZ_MATH_EQUAL}, {"\\sum_{k=0}^{n} a_k b_{n-k}", "\\sum_{k=0}^{n} b_{n-k} a_k", RZ_MATH_EQUAL},
        {"5\\text{ cm}", "5 centimeters", RZ_MATH_EQUAL}, {"\\$18", "18 dollars", RZ_MATH_EQUAL}, {"90^\\circ", "90 degrees", RZ_MATH_EQUAL}, {"50\\%", "0.5", RZ_MATH_EQUAL},
        {"2^{100}", "1267650600228229401496703205376", RZ_MATH_EQUAL}, {"5^(5^(5^(5^5)))", "5^{5^{5^{5^{5}}}}", RZ_MATH_EQUAL}, {"12:00", "12:00", RZ_MATH_EQUAL},
    };
    JUDGE(rows, &rz_math_strict);
}
END_TEST

/* Each was accepted by some system. */
START_TEST(traps_do_not_catch)
{
    static const row rows[] = {
        {"1/3", "x1/3x", RZ_MATH_DIFFERENT}, {"3*x-1*y+13=0", "3x-y+13=0z1", RZ_MATH_DIFFERENT}, {"1", "\\sin^2 x+\\cos^2 x", RZ_MATH_DIFFERENT},
        {"2x", "2x+y-y", RZ_MATH_DIFFERENT}, {"2x+y-y", "2x", RZ_MATH_EQUAL}, {"5", "x=5", RZ_MATH_EQUAL}, {"x=3", "2x=6", RZ_MATH_EQUAL},
        {"1728", "1331 and 1728", RZ_MATH_DIFFERENT}, {"1331 and 1728", "1728", RZ_MATH_DIFFERENT}, {"3*x-1*y+13=0", "3x+4y+14=0", RZ_MATH_DIFFERENT},
        {"1/2004!", "1/2006!", RZ_MATH_DIFFERENT}, {"1-1/\\mathrm{e}", "1+1/\\mathrm{e}", RZ_MATH_DIFFERENT}, {"50\\%", "50", RZ_MATH_DIFFERENT},
        {"(1,2)", "\\{1,2\\}", RZ_MATH_DIFFERENT}, {"(1,2)", "(2,1)", RZ_MATH_DIFFERENT}, {"1/3", "0.333333", RZ_MATH_DIFFERENT}, {"0.1", "0.1000004", RZ_MATH_DIFFERENT},
        {"\\pi", "3.14159265358979", RZ_MATH_DIFFERENT}, {"2x+z=1", "1", RZ_MATH_DIFFERENT}, {"1", "2x+z=1", RZ_MATH_DIFFERENT}, {"x=5", "y=5", RZ_MATH_DIFFERENT},
        {"x<3", "x>3", RZ_MATH_DIFFERENT}, {"x<3", "x\\le3", RZ_MATH_DIFFERENT}, {"(0,1)", "[0,1)", RZ_MATH_DIFFERENT}, {"5\\text{ cm}", "5\\text{ m}", RZ_MATH_DIFFERENT},
        {"5\\text{ cm}", "5", RZ_MATH_DIFFERENT}, {"x^2", "X^2", RZ_MATH_DIFFERENT}, {"f(x)", "f(y)", RZ_MATH_DIFFERENT}, {"\\ln x^2", "2\\ln x", RZ_MATH_DIFFERENT},
        {"\\sqrt{x^2}", "x", RZ_MATH_DIFFERENT}, {"2", "\\frac{1+\\sqrt5}{2}", RZ_MATH_DIFFERENT}, {"42", "", RZ_MATH_FOUND_UNPARSED}, {"42", "\\frac{42}", RZ_MATH_FOUND_UNPARSED},
        {"42", "4 2", RZ_MATH_FOUND_UNPARSED}, {"5^(5^(5^(5^5)))", "5^(5^(5^(5^6)))", RZ_MATH_DIFFERENT}, {"2003^{2002^{2001}}", "2003^{2002^{2001}}+1", RZ_MATH_DIFFERENT},
        {"\\sqrt{10^{30}+1}", "10^{15}", RZ_MATH_DIFFERENT}, {"e^{\\pi\\sqrt{163}}", "262537412640768744", RZ_MATH_DIFFERENT}, {"1/0", "2/0", RZ_MATH_UNKNOWN},
    };
    JUDGE(rows, &rz_math_strict);
}
END_TEST

START_TEST(policies_are_options)
{
    rz_math_options o = rz_math_strict;
    o.percent = RZ_MATH_PERCENT_EITHER;
    JUDGE(((row[]){{"50\\%", "50", RZ_MATH_EQUAL}, {"50\\%", "0.5", RZ_MATH_EQUAL}, {"50\\%", "5", RZ_MATH_DIFFERENT}}), &o);
    o.percent = RZ_MATH_PERCENT_DROP;
    JUDGE(((row[]){{"50\\%", "50", RZ_MATH_EQUAL}, {"50\\%", "0.5", RZ_MATH_DIFFERENT}}), &o);
    o = rz_math_strict;
    o.units = RZ_MATH_UNITS_OPTIONAL;
    JUDGE(((row[]){{"5\\text{ cm}", "5", RZ_MATH_EQUAL}, {"5", "5 cm", RZ_MATH_EQUAL}, {"5\\text{ cm}", "5 m^2", RZ_MATH_DIFFERENT}, {"-5\\text{ cm}", "-5", RZ_MATH_EQUAL}}), &o);
    o.units = RZ_MATH_UNITS_DROP;
    JUDGE(((row[]){{"5\\text{ cm}", "5 kg", RZ_MATH_EQUAL}, {"5\\text{ cm}", "6 cm", RZ_MATH_DIFFERENT}}), &o);
    o = rz_math_strict;
    o.assign = RZ_MATH_ASSIGN_STRICT;
    JUDGE(((row[]){{"x=5", "5", RZ_MATH_DIFFERENT}, {"x=5", "x = 5", RZ_MATH_EQUAL}}), &o);
    o.assign = RZ_MATH_ASSIGN_LAST;
    JUDGE(((row[]){{"5", "2+3=5", RZ_MATH_EQUAL}}), &o);
    o = rz_math_strict;
    o.relation = RZ_MATH_RELATION_GOLD;
    JUDGE(((row[]){{"x\\ge0", "[0,\\infty)", RZ_MATH_EQUAL}, {"[0,\\infty)", "x\\ge0", RZ_MATH_DIFFERENT}, {"-2<x\\le7", "(-2,7]", RZ_MATH_EQUAL}}), &o);
    o.relation = RZ_MATH_RELATION_BOTH;
    JUDGE(((row[]){{"[0,\\infty)", "x\\ge0", RZ_MATH_EQUAL}, {"(-\\infty,1)\\cup(1,\\infty)", "x\\ne1", RZ_MATH_EQUAL}}), &o);
    o = rz_math_strict;
    o.set_is_tuple = true;
    JUDGE(((row[]){{"(1,2)", "\\{1,2\\}", RZ_MATH_EQUAL}, {"(2,1)", "\\{1,2\\}", RZ_MATH_DIFFERENT}}), &o);
    o = rz_math_strict;
    o.unordered = true;
    JUDGE(((row[]){{"1,2", "2,1", RZ_MATH_EQUAL}, {"(1,2)", "(2,1)", RZ_MATH_DIFFERENT}, {"1,2", "\\{2,1\\}", RZ_MATH_EQUAL}}), &o);
    o = rz_math_strict;
    o.digits = 2;
    JUDGE(((row[]){{"1/3", "0.33", RZ_MATH_EQUAL}, {"\\pi", "3.14", RZ_MATH_EQUAL}, {"1/3", "0.34", RZ_MATH_DIFFERENT}, {"1/3", "33/100", RZ_MATH_DIFFERENT}}), &o);
    o = rz_math_strict;
    o.reduced = true;
    JUDGE(((row[]){{"1/2", "2/4", RZ_MATH_DIFFERENT}, {"2/4", "2/4", RZ_MATH_DIFFERENT}, {"1/2", "\\frac{1}{2}", RZ_MATH_EQUAL}, {"3", "3/1", RZ_MATH_DIFFERENT}}), &o);
    o = rz_math_strict;
    o.any_variables = true;
    JUDGE(((row[]){{"f(x)", "f(y)", RZ_MATH_EQUAL}, {"x^2+y", "a^2+b", RZ_MATH_EQUAL}, {"x^2+y", "a+b^2", RZ_MATH_DIFFERENT}}), &o);
}
END_TEST

static char *repeated(const char *s, int n, const char *end)
{
    size_t len = strlen(s), rest = strlen(end);
    char *r = malloc(len * (size_t)n + rest + 1);
    for (int i = 0; i < n; i++) memcpy(r + len * (size_t)i, s, len);
    memcpy(r + len * (size_t)n, end, rest + 1);
    return r;
}

/* What would hang a system of algebra ends with its budget (one step may overdraw it), and never counts as equal. */
START_TEST(work_is_bounded)
{
    static const struct { const char *part; int n; const char *end, *other; } rows[] = {
        {"7", 100000, "1", "7"}, {"(", 20000, "1", "1"}, {"{", 100000, "", "1"}, {"1+", 4000, "1", "4002"}, {"\\sin x+", 1000, "1", "\\cos x"}, {"2999!+", 600, "1", "2999!"},
        {"(x+1)^{1000}", 300, "", "x"}, {"(\\pi)!+", 200, "1", "3"}, {"\\sqrt{x}+\\sin y,", 500, "1", "1,2"}, {"\\frac{1}{", 3000, "1", "1"}, {"9^", 100, "9", "9"},
        {"-", 5000, "1", "1"}, {"|", 5000, "1", "1"}, {"\\text{a}", 30000, "", "a"}, {"\\sqrt{1+", 60, "2", "1"}, {"1,", 100000, "1", "1"}, {"a", 1 << 20, "", "a"},
        {"\\ln(", 60, "x", "x"}, {"\\frac{10^{3000}+1}{10^{2999}+7}+", 100, "1", "2"}, {"{1;2,3},", 800, "", "1"}, {"\\begin{pmatrix}", 100, "1", "1"}, {"\\overline{", 3000, "1", "1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = repeated(rows[i].part, rows[i].n, rows[i].end);
        for (int faithful = 0; faithful < 2; faithful++) {
            rz_math_report r = judge(rows[i].other, text, faithful ? &rz_math_math_verify : &rz_math_strict);
            ck_assert_msg(r.verdict != RZ_MATH_EQUAL, "row %zu", i);
            ck_assert_msg(r.work <= 2 * RZ_MATH_WORK, "row %zu: work %ld", i, r.work);
            ck_assert(r.nodes <= 2 * RZ_MATH_MAX_NODES);
        }
        free(text);
    }
}
END_TEST

START_TEST(boxes)
{
    rz_span s;
    int n;
    rz_slice t = slice("a \\boxed{1} b \\boxed{\\frac{2}{3}} c \\boxed{4");
    ck_assert(rz_boxed_find(t, RZ_BOXED_LAST, false, &s, &n) && n == 2 && s.end - s.start == 11);
    ck_assert(rz_boxed_find(t, RZ_BOXED_FIRST, false, &s, NULL) && t.s[s.start] == '1');
    ck_assert(!rz_boxed_find(t, RZ_BOXED_ONLY, false, &s, NULL));
    t = slice("\\fbox{\\boxed{5}}");
    ck_assert(rz_boxed_find(t, RZ_BOXED_LAST, false, &s, &n) && n == 2 && s.end - s.start == 1);
    ck_assert(rz_boxed_find(t, RZ_BOXED_FIRST, false, &s, NULL) && s.end - s.start == 9);
    t = slice("\\boxed{\\{1,2\\}}");
    ck_assert(rz_boxed_find(t, RZ_BOXED_ONLY, true, &s, NULL) && s.end - s.start == 7);
    ck_assert(!rz_boxed_find(slice("\\boxed 5 \\boxed{"), RZ_BOXED_LAST, false, &s, &n) && n == 0);
}
END_TEST

/* Our verdicts against those of Math-Verify's tests and functions. */
START_TEST(parity)
{
    rz_err err = {0};
    rz_parity *p;
    rz_lines *lines;
    char *line;
    size_t len;
    int n = 0;
    ck_assert(rz_parity_create(&p, &err));
    ck_assert_msg(rz_lines_open(&lines, "tests/golden/rules/math.jsonl", 1 << 20, &err), "%s", err.text);
    while (rz_lines_next(lines, &line, &len, &err)) {
        rz_parity_verdict v;
        json_t *c = json_loadb(line, len, 0, NULL);
        ck_assert(c && rz_parity_judge(p, c, &v, &err));
        ck_assert_msg(v.agreed, "%s: %s", json_string_value(json_object_get(c, "id")), v.reason);
        json_decref(v.ours);
        json_decref(c);
        n++;
    }
    ck_assert(err.code == RZ_OK && n > 300);
    rz_lines_close(lines);
    rz_parity_destroy(p);
}
END_TEST

START_TEST(extraction_is_bounded)
{
    static const char *const parts[] = {"$", "$$", "\\[", "\\(", "\\boxed{", "answer: ", "final answer is ", "$1$ and ", "1 ", "1,234 ", "(1/2)*3 ", "answer = 1 = ", " [", "}"};
    const rz_math_extract all = {.latex = true, .expr = true, .boxed_priority = 50, .unanchored = true, .malformed = true};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        rz_math_verify_report r;
        char *text = repeated(parts[i], (1 << 20) / (int)strlen(parts[i]), "");
        ck_assert(!rz_math_verify(&scratch, slice(text), &all, slice("$77$"), &all, &rz_math_math_verify, &r));
        ck_assert(r.math.work <= 2 * RZ_MATH_WORK);
        free(text);
    }
}
END_TEST

static void setup(void)
{
    rz_err err = {0};
    ck_assert(rz_arena_init(&scratch, (size_t)1 << 30, &err));
}

static void teardown(void)
{
    rz_math_forget();
    rz_arena_finish(&scratch);
}

int main(void)
{
    Suite *s = suite_create("math");
    TCase *t = tcase_create("math");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, identities_hold);
    tcase_add_test(t, traps_do_not_catch);
    tcase_add_test(t, policies_are_options);
    tcase_add_test(t, work_is_bounded);
    tcase_add_test(t, boxes);
    tcase_add_test(t, parity);
    tcase_add_test(t, extraction_is_bounded);
    suite_add_tcase(s, t);
    return run_suite(s);
}
