/* Mathematical equality: identities, traps, limits, boxes, extraction. */
#include "rewards/math.h"
#include "tests/suite.h"
#include <string.h>

static rz_arena scratch;

static rz_slice slice(const char *s) { return (rz_slice){s, strlen(s)}; }

static rz_math_report judge(const char *gold, const char *found, const rz_math_options *o)
{
    rz_math_report r;
    rz_math_equal(&scratch, slice(found), slice(gold), o, &r);
    return r;
}

START_TEST(strict)
{
    static const struct { const char *gold, *found; rz_math_verdict verdict; } rows[] = {
        {"1/2", "\\frac12", RZ_MATH_EQUAL},
        {"0.5", "\\frac{1}{2}", RZ_MATH_EQUAL},
        {"(x+1)^2", "x^2+2x+1", RZ_MATH_EQUAL},
        {"\\sqrt{12}", "2\\sqrt3", RZ_MATH_EQUAL},
        {"\\sin^2 x + \\cos^2 x", "1", RZ_MATH_EQUAL},
        {"0.333333", "1/3", RZ_MATH_DIFFERENT},
        {"50\\%", "50", RZ_MATH_DIFFERENT},
        {"50\\%", "0.5", RZ_MATH_EQUAL},
        {"(1,2)", "\\{1,2\\}", RZ_MATH_DIFFERENT},
        {"3*x-1*y+13=0", "3x+4y+14=0", RZ_MATH_DIFFERENT},
        {"1/2004!", "1/2006!", RZ_MATH_DIFFERENT},
        {"1-1/\\mathrm{e}", "1+1/\\mathrm{e}", RZ_MATH_DIFFERENT},
        {"1728", "1331 and 1728", RZ_MATH_DIFFERENT},
        {"1331", "1331 and 1728", RZ_MATH_DIFFERENT},
        {"5^(5^(5^(5^5)))", "5^(5^(5^(5^5)))", RZ_MATH_EQUAL},
        {"5^(5^(5^(5^5)))", "5^{5^{5^{5^{5}}}}", RZ_MATH_EQUAL},
        {"5^(5^(5^(5^5)))", "5^(5^(5^(5^6)))", RZ_MATH_DIFFERENT},
        {"2003^{2002^{2001}}", "2003^{2002^{2001}}+1", RZ_MATH_DIFFERENT},
    };
    const int i = _i;
    if (i >= (int)(sizeof rows / sizeof *rows)) return;
    rz_math_report r = judge(rows[i].gold, rows[i].found, &rz_math_strict);
    ck_assert_msg(r.verdict == rows[i].verdict, "%s against %s: verdict %d by %s, expected %d", rows[i].found, rows[i].gold, r.verdict, rz_math_rung_names[r.rung],
                  rows[i].verdict);
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
}
END_TEST

static void setup(void)
{
    rz_err err = {0};
    ck_assert(rz_arena_init(&scratch, (size_t)1 << 30, &err));
}

int main(void)
{
    Suite *s = suite_create("math");
    TCase *t = tcase_create("math");
    tcase_add_unchecked_fixture(t, setup, NULL);
    tcase_add_loop_test(t, strict, 0, 32);
    tcase_add_test(t, boxes);
    suite_add_tcase(s, t);
    return run_suite(s);
}
