/* What the code rule does without running anything: finding the program, comparing outputs. Running is in tests/system/test_code.py. */
#include "rewards/code.h"
#include "tests/suite.h"
#include <string.h>

static const struct { const char *a, *b; bool same[RZ_N_CODE_COMPARES]; } outputs[] = {
    {"5\n", "5\n", {true, true, true}},
    {"5", "5\n", {true, true, false}},
    {"5 \r\n\n\n", "5", {true, true, false}},
    {"1 2\n3", "1 2 3", {false, true, false}},
    {"1\n\n2", "1\n2", {false, true, false}},
    {"\n5", "5", {false, true, false}},
    {" 5", "5", {false, true, false}},
    {"5\n6", "5", {false, false, false}},
    {"5", "5\n6", {false, false, false}},
    {"", "", {true, true, true}},
    {"\n \n", "", {true, true, false}},
    {"", "0", {false, false, false}},
    {"5.0", "5", {false, false, false}},
    {"12", "1 2", {false, false, false}},
    {"a\tb", "a b", {false, true, false}},
};

START_TEST(outputs_are_compared_whole)
{
    rz_slice a = {outputs[_i].a, strlen(outputs[_i].a)}, b = {outputs[_i].b, strlen(outputs[_i].b)};
    for (int how = 0; how < RZ_N_CODE_COMPARES; how++) {
        ck_assert_msg(rz_code_same(a, b, (rz_code_compare)how) == outputs[_i].same[how], "'%s' and '%s' as %s", a.s, b.s, rz_code_compares[how]);
        ck_assert_msg(rz_code_same(b, a, (rz_code_compare)how) == outputs[_i].same[how], "'%s' and '%s' as %s", b.s, a.s, rz_code_compares[how]);
    }
}
END_TEST

static const struct { const char *text, *fence; pick_which pick; const char *wanted; int n; } blocks[] = {
    {"```python\nx\n```", "python", PICK_ONLY, "x\n", 1},
    {"a ```python\nx\n```", "python", PICK_ONLY, NULL, 0}, /* not at the beginning of a line; what looks like an end opens, and is never closed */
    {"```python\nx", "python", PICK_LAST, NULL, 0},
    {"```python\nx\n```\n```python\ny\n```\n", "python", PICK_LAST, "y\n", 2},
    {"```python\nx\n```\n```python\ny\n```\n", "python", PICK_FIRST, "x\n", 2},
    {"```python\nx\n```\n```python\ny\n```\n", "python", PICK_ONLY, NULL, 2},
    {"```c\nx\n```\n```python\ny\n```\n", "python", PICK_ONLY, "y\n", 1},
    {"```\nx\n```\n", "", PICK_ONLY, "x\n", 1},
    {"```text\n```python\ny\n```\n", "python", PICK_LAST, NULL, 0}, /* inside another block */
    {"   ```python  \r\ny\n   ```", "python", PICK_LAST, "y\n", 1},
    {"```python\n```", "python", PICK_LAST, "", 1},
    {"```Python\nx\n```", "python", PICK_LAST, NULL, 0},
    {"", "python", PICK_LAST, NULL, 0},
};

START_TEST(the_program_is_found)
{
    rz_span span;
    int n;
    rz_slice t = {blocks[_i].text, strlen(blocks[_i].text)};
    bool found = rz_code_find(t, blocks[_i].fence, blocks[_i].pick, &span, &n);
    ck_assert_msg(found == (blocks[_i].wanted != NULL) && n == blocks[_i].n, "%d: %d found", _i, n);
    if (found) ck_assert_msg(span.end - span.start == strlen(blocks[_i].wanted) && memcmp(t.s + span.start, blocks[_i].wanted, span.end - span.start) == 0, "%d", _i);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("code");
    TCase *t = tcase_create("code");
    tcase_add_loop_test(t, outputs_are_compared_whole, 0, sizeof outputs / sizeof *outputs);
    tcase_add_loop_test(t, the_program_is_found, 0, sizeof blocks / sizeof *blocks);
    suite_add_tcase(s, t);
    return run_suite(s);
}
