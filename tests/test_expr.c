#include "base/arena.h"
#include "rewards/expr.h"
#include "rewards/number.h"
#include "rewards/verify.h"
#include "tests/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/golden/rules/"

/* Calls judge for each line of a golden file and returns how many there were. */
static int each_line(const char *path, void (*judge)(const json_t *row))
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read: run from the root of the repository", path);
    char *line = NULL;
    size_t room = 0;
    int n = 0;
    while (getline(&line, &room, f) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        ck_assert_msg(row != NULL, "%s:%d", path, n + 1);
        judge(row);
        json_decref(row);
        n++;
    }
    free(line);
    fclose(f);
    return n;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? s : "";
}

static void judge_expr(const json_t *row)
{
    const char *text = text_of(row, "text"), *problem = text_of(row, "problem");
    const json_t *numbers = json_object_get(row, "numbers");
    char value[RZ_RATIONAL_TEXT];
    rz_expr x;
    rz_expr_eval(text, strlen(text), &x);
    if (!*problem) {
        ck_assert_msg(!x.problem, "'%s': %s", text, x.problem);
        ck_assert_msg(strcmp(rz_rational_text(x.value, value), text_of(row, "value")) == 0, "'%s' is %s", text, value);
        ck_assert_int_eq(x.n, (int)json_array_size(numbers));
        for (int i = 0; i < x.n; i++) ck_assert(x.numbers[i] == json_integer_value(json_array_get(numbers, (size_t)i)));
    } else {
        ck_assert_msg(x.problem != NULL, "'%s' must fail: %s", text, problem);
        ck_assert_msg(strcmp(problem, "syntax") == 0 || strstr(x.problem, problem), "'%s': %s, must be %s", text, x.problem, problem);
    }
}

START_TEST(expressions_as_python_reads_them) { ck_assert_int_ge(each_line(FOLDER "expr.jsonl", judge_expr), 500); }
END_TEST

static const char *problem_of(const char *text, size_t len)
{
    rz_expr x;
    rz_expr_eval(text, len, &x);
    return x.problem ? x.problem : "";
}

START_TEST(problems_are_named)
{
    static const struct { const char *text, *problem; size_t at; } rows[] = {
        {"2**3", "a power", 1}, {"9**9**9", "a power", 1}, {"2^3", "a power", 1}, {"7//2", "floor division", 1}, {"5+-3", "a sign", 2},
        {"--3", "a sign", 0}, {"-3", "a sign", 0}, {"+3", "a sign", 0}, {"1.5*2", "decimals", 1}, {".5*2", "decimals", 0}, {"2+6 = 8", "'='", 4},
        {"8 = 2+6", "'='", 2}, {"2(3)", "an operator is missing", 1}, {"(2)(3)", "an operator is missing", 3}, {"2 3", "an operator is missing", 2},
        {"2+6\n2+6", "an operator is missing", 4}, {"(2", "not closed", 2}, {"2)", "never opened", 1}, {"()", "a value is missing", 1},
        {"2*", "ends too early", 2}, {"", "no expression", 0}, {" \n", "no expression", 2}, {"1/(2-2)", "division by zero", 7},
        {"05", "begin with 0", 0},
        {"2 \xC3\x97 3", "digits 0-9", 2}, {"2 \xE2\x88\x92 1", "digits 0-9", 2}, {"\xEF\xBC\x92+1", "digits 0-9", 0},
        {"\xD9\xA2+1", "digits 0-9", 0},
        {"2x", "digits 0-9", 1}, {"2,5", "digits 0-9", 1}, {"1e3", "digits 0-9", 1}, {"0x10", "digits 0-9", 1}, {"__import__", "digits 0-9", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rz_expr x;
        rz_expr_eval(rows[i].text, strlen(rows[i].text), &x);
        ck_assert_msg(x.problem && strstr(x.problem, rows[i].problem), "'%s': %s", rows[i].text, x.problem ? x.problem : "no problem");
        ck_assert_msg(x.at == rows[i].at, "'%s': at %zu", rows[i].text, x.at);
    }
    ck_assert_ptr_nonnull(strstr(problem_of("2+\0003", 4), "digits 0-9"));
}
END_TEST

START_TEST(a_line_break_is_white_space)
{
    ck_assert_str_eq(problem_of("\n2+6\n", 5), "");
    ck_assert_str_eq(problem_of("\r\n( 2\t+ 6 )\r\n", 13), "");
}
END_TEST

/* `n` copies of the opening, a number, `n` copies of the closing. */
static char *nested(const char *open, size_t n, const char *close)
{
    size_t a = strlen(open), b = strlen(close);
    char *s = malloc(n * (a + b) + 2);
    for (size_t i = 0; i < n; i++) memcpy(s + i * a, open, a);
    s[n * a] = '1';
    for (size_t i = 0; i < n; i++) memcpy(s + n * a + 1 + i * b, close, b);
    s[n * (a + b) + 1] = 0;
    return s;
}

START_TEST(caps_are_exact)
{
    static const struct { const char *open; size_t n; const char *close, *problem; } rows[] = {
        {"(", RZ_EXPR_MAX_DEPTH, ")", ""}, {"(", RZ_EXPR_MAX_DEPTH + 1, ")", "nested"}, {"1+", RZ_EXPR_MAX_NUMBERS - 1, "", ""},
        {"1+", RZ_EXPR_MAX_NUMBERS, "", "more than 64 numbers"}, {"1", RZ_EXPR_MAX_DIGITS - 1, "", ""}, {"1", RZ_EXPR_MAX_DIGITS, "", "18 digits"},
        {" ", RZ_EXPR_MAX_BYTES - 1, "", ""}, {" ", RZ_EXPR_MAX_BYTES, "", "4096"}, {"(", 100000, ")", "4096"}, {"(", 100000, "", "4096"},
        {"1-(2*", 60, ")", ""}, {"1*(", 63, ")", ""}, {"999999999999999999*", 2, "", ""}, {"999999999999999999*", 3, "", "too large"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *s = nested(rows[i].open, rows[i].n, rows[i].close);
        const char *problem = problem_of(s, strlen(s));
        /* 1-(2* writes two numbers a level */
        bool two = rows[i].n == 60;
        ck_assert_msg(two ? strstr(problem, "64 numbers") != NULL : *rows[i].problem ? strstr(problem, rows[i].problem) != NULL : !*problem,
                      "row %zu: %s", i, problem);
        free(s);
    }
}
END_TEST

START_TEST(the_largest_rationals)
{
    rz_rational v, big;
    char text[RZ_RATIONAL_TEXT];
    rz_int128 top = (rz_int128)(~(unsigned __int128)0 >> 1);
    ck_assert(rz_rational_make(top, 1, &big));
    ck_assert_str_eq(rz_rational_text(big, text), "170141183460469231731687303715884105727");
    ck_assert(!rz_rational_make(-top - 1, 1, &v)); /* −2^127 has no opposite */
    ck_assert(!rz_rational_make(1, -top - 1, &v));
    ck_assert(!rz_rational_make(1, 0, &v));
    ck_assert(rz_rational_make(-top, top - 1, &v));
    ck_assert_str_eq(rz_rational_text(v, text), "-170141183460469231731687303715884105727/170141183460469231731687303715884105726");
    ck_assert(!rz_rational_apply('+', big, (rz_rational){1, 1}, &v));
    ck_assert(rz_rational_apply('-', big, (rz_rational){1, 1}, &v));
    ck_assert(!rz_rational_apply('*', big, (rz_rational){2, 1}, &v));
    ck_assert(rz_rational_apply('/', big, big, &v) && v.num == 1 && v.den == 1);
    ck_assert(!rz_rational_apply('-', (rz_rational){-top, 1}, (rz_rational){1, 1}, &v));
    ck_assert(!rz_rational_apply('*', (rz_rational){-((rz_int128)1 << 64), 1}, (rz_rational){(rz_int128)1 << 63, 1}, &v)); /* −2^127 */
    ck_assert(rz_rational_apply('*', (rz_rational){top, 2}, (rz_rational){2, top}, &v) && v.num == 1 && v.den == 1);
    ck_assert(rz_rational_make(6, -4, &v) && v.num == -3 && v.den == 2);
}
END_TEST

START_TEST(the_last_number)
{
    static const struct { const char *text, *number; } rows[] = {
        {"the answer is 42", "42"}, {"42", "42"}, {"", ""}, {"none", ""}, {"is -7.", "-7"}, {"x=-7", "-7"}, {"5 - 7", "7"}, {"5 -7", "-7"},
        {"is $42", "$42"}, {"is -$42", "-$42"}, {"is $-42", "$-42"}, {"1,234,567.5 in all", "1,234,567.5"}, {"3, 4", "4"}, {"3,4", ""}, {"12,34", ""},
        {"version 3.11.2", ""}, {"on 2024-01-31", ""}, {"x2", ""}, {"42km", "42"}, {"is 1/3", "1/3"}, {"1/2/2024", ""}, {"7 then 3.11.2", "7"},
        {"is .5", ".5"}, {"is 1e3", "1e3"}, {"2e", "2"}, {"is \u22127", "\u22127"}, {"is \u20137", "\u20137"}, {"\u7b54\u6848\u662f42\u3002", "42"},
        {"\uff14\uff12", ""}, {"\u0664\u0662", ""}, {"#### 42.", "42"}, {"#### 42.00", "42.00"}, {"#### -3", "-3"}, {"(3)-4", "4"}, {"1.", "1"},
        {"50%", "50"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rz_span span = {0, 0};
        bool found = rz_number_last((rz_slice){rows[i].text, strlen(rows[i].text)}, &span);
        ck_assert_msg(found == !!*rows[i].number && span.end - span.start == strlen(rows[i].number) &&
                          memcmp(rows[i].text + span.start, rows[i].number, strlen(rows[i].number)) == 0,
                      "'%s': '%.*s'", rows[i].text, (int)(span.end - span.start), rows[i].text + span.start);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("expr");
    TCase *t = tcase_create("expressions"), *n = tcase_create("numbers");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, expressions_as_python_reads_them);
    tcase_add_test(t, problems_are_named);
    tcase_add_test(t, a_line_break_is_white_space);
    tcase_add_test(t, caps_are_exact);
    tcase_add_test(t, the_largest_rationals);
    tcase_set_timeout(n, 60);
    tcase_add_test(n, the_last_number);
    suite_add_tcase(s, t);
    suite_add_tcase(s, n);
    return run_suite(s);
}
