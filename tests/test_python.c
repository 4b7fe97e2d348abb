#include "base/arena.h"
#include "base/pattern.h"
#include "rewards/python.h"
#include "rewards/python_eval.h"
#include "tests/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_arena arena;

static rz_slice slice_of(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    return (rz_slice){json_string_value(v), json_string_length(v)};
}

static void same(const json_t *row, const char *key, rz_slice got)
{
    char *all = json_dumps(row, JSON_ENSURE_ASCII);
    ck_assert_msg(rz_python_equal(slice_of(row, key), got), "%s: '%.*s' of %s", key, (int)got.len, got.s, all);
    free(all);
}

/* The pieces that `next` gives are those of the list. */
#define SAME_LIST(row, key, next)                                                                                     \
    do {                                                                                                              \
        const json_t *list = json_object_get(row, key);                                                               \
        size_t at = 0, n = 0;                                                                                         \
        for (rz_slice piece; next; n++) {                                                                             \
            const json_t *want = json_array_get(list, n);                                                             \
            ck_assert_msg(want && rz_python_equal(piece, (rz_slice){json_string_value(want), json_string_length(want)}), "%s %zu of '%s'", key, n, t.s); \
        }                                                                                                             \
        ck_assert_msg(n == json_array_size(list), "%s of '%s': %zu", key, t.s, n);                                    \
    } while (0)

static void judge_text(const json_t *row, rz_slice t)
{
    ck_assert_int_eq((int)rz_python_len(t), (int)json_integer_value(json_object_get(row, "len")));
    same(row, "lower", rz_python_lower(&arena, t));
    same(row, "casefold", rz_python_casefold(&arena, t));
    same(row, "strip", rz_python_strip(t));
    same(row, "lstrip", rz_python_lstrip(t));
    same(row, "rstrip", rz_python_rstrip(t));
    same(row, "head", rz_python_head(t, 3));
    same(row, "tail", rz_python_tail(t, 3));
    SAME_LIST(row, "split", rz_python_word(t, &at, &piece));
    SAME_LIST(row, "lines", rz_python_line(t, &at, &piece));
}

static void judge_number(const json_t *row, rz_slice t)
{
    rz_python_integer n;
    double x;
    char text[32];
    const char *want = json_string_value(json_object_get(row, "int"));
    bool is_int = rz_python_int(&arena, t, &n);
    ck_assert_msg(is_int == (want != NULL), "int('%s') is %s", t.s, want ? want : "none");
    if (want) {
        ck_assert(n.negative == (*want == '-') && rz_python_equal(n.digits, RZ_SLICE(want + n.negative)));
        int64_t small;
        ck_assert(rz_python_int_small(n, &small) == (strlen(want) < 19 || strcmp(want, "-9223372036854775808") == 0));
        if (strlen(want) < 19) ck_assert_int_eq(small, atoll(want));
    }
    want = json_string_value(json_object_get(row, "float"));
    bool is_float = rz_python_float(&arena, t, &x);
    ck_assert_msg(is_float == (want != NULL), "float('%s') is %s", t.s, want ? want : "none");
    if (!want) return;
    rz_python_float_text(x, text);
    ck_assert_msg(strcmp(text, want) == 0, "float('%s') is %s, not %s", t.s, want, text);
}

static void place(const json_t *row, const char *key, size_t got)
{
    const json_t *want = json_object_get(row, key);
    ck_assert_msg(json_is_null(want) ? got == SIZE_MAX : got == (size_t)json_integer_value(want), "%s of '%s'", key, json_string_value(json_object_get(row, "text")));
}

static void judge_find(const json_t *row, rz_slice t)
{
    rz_slice needle = slice_of(row, "needle");
    place(row, "find", rz_python_find(t, needle.s, 0));
    place(row, "find", rz_python_find_slice(t, needle, 0));
    place(row, "rfind", rz_python_rfind(t, needle.s));
    place(row, "count", rz_python_count(t, needle.s));
    same(row, "replace", rz_python_replace(&arena, t, needle.s, "<x>"));
    same(row, "strip", rz_python_strip_chars(t, "ab"));
    SAME_LIST(row, "pieces", rz_python_piece(t, needle.s, &at, &piece));
    ck_assert(rz_python_starts(t, needle.s) == json_is_true(json_object_get(row, "starts")));
    ck_assert(rz_python_ends(t, needle.s) == json_is_true(json_object_get(row, "ends")));
}

/* The value, and that it is near what is within 1e-5 of it only. */
static void judge_eval(const json_t *row, rz_slice t)
{
    const char *want = json_string_value(json_object_get(row, "value"));
    rz_python_eval_result r;
    rz_python_integer n;
    rz_python_target target = {0};
    rz_python_eval_near(t, target, 1e-5, &r);
    ck_assert_msg(r.raises == !want, "eval('%s') is %s, not %s", t.s, r.value, want ? want : "an error");
    if (!want) return;
    ck_assert_msg(strcmp(r.value, want) == 0 || (strlen(want) > 60 && strstr(r.value, "digits")), "eval('%s') is %s, not %s", t.s, r.value, want);
    if (rz_python_int(&arena, RZ_SLICE(want), &n)) {
        if (!rz_python_int_small(n, &target.whole)) return;
        rz_python_eval_near(t, target, 1e-5, &r);
        ck_assert_msg(r.near, "%s", t.s);
        if (target.whole < INT64_MAX) target.whole++;
    } else {
        target.is_float = true;
        target.x = strtod(want, NULL) * (1 + 1e-15);
        if (!(fabs(target.x) < 1e9)) return;
        rz_python_eval_near(t, target, 1e-5, &r);
        ck_assert_msg(r.near, "%s", t.s);
        target.x += 1.1e-5;
    }
    rz_python_eval_near(t, target, 1e-5, &r);
    ck_assert_msg(!r.near, "%s", t.s);
}

START_TEST(texts_and_numbers_as_python_has_them)
{
    static const struct { const char *op; void (*judge)(const json_t *row, rz_slice t); } ops[] = {
        {"text", judge_text}, {"number", judge_number}, {"find", judge_find}, {"eval", judge_eval}};
    FILE *f = fopen("tests/golden/rules/python.jsonl", "r");
    ck_assert_msg(f != NULL, "run from the root of the repository");
    char *line = NULL;
    size_t room = 0;
    int n[4] = {0};
    while (getline(&line, &room, f) > 0) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
        ck_assert(row != NULL);
        for (int i = 0; i < 4; i++) {
            if (strcmp(json_string_value(json_object_get(row, "op")), ops[i].op) != 0) continue;
            ops[i].judge(row, slice_of(row, "text"));
            n[i]++;
        }
        json_decref(row);
        arena.used = 0;
    }
    ck_assert_msg(n[0] >= 70 && n[1] >= 200 && n[2] >= 60 && n[3] >= 250, "%d %d %d %d", n[0], n[1], n[2], n[3]);
    free(line);
    fclose(f);
}
END_TEST

/* A megabyte of what could be slow when done badly. */
START_TEST(long_texts_take_one_pass)
{
    static const char *const units[] = {"\xCE\xA3", "'", "\xCE\xA3'", " ", "a", "ab", "\xE3\x80\x80", "9_", "\r\n"};
    enum { SIZE = 1 << 20 };
    char *s = malloc(SIZE + 8);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t len = 0, n = strlen(units[u]), at = 0, words = 0;
        while (len + n <= SIZE) memcpy(s + len, units[u], n), len += n;
        rz_slice t = {s, len}, w;
        rz_python_integer v;
        double x;
        arena.used = 0;
        ck_assert_int_ge((int)rz_python_lower(&arena, t).len, (int)len);
        rz_python_casefold(&arena, t);
        rz_python_strip(t);
        while (rz_python_word(t, &at, &w)) words++;
        ck_assert(words <= 1);
        ck_assert(!rz_python_int(&arena, t, &v) && !rz_python_float(&arena, t, &x));
        rz_slice needle = {s, len / 2};
        s[len / 2 - 1] = '!';
        rz_python_find_slice((rz_slice){s, len}, needle, 1);
    }
    free(s);
}
END_TEST

/* Powers that would take years, and nesting that would take the stack. */
START_TEST(expressions_are_bounded)
{
    static const struct { const char *unit; bool has_value; } cases[] = {
        {"9**", false}, {"(", false}, {"-", false}, {"99999**9999*", false}, {"1.5**", false}, {"9", false}, {"1e", false}, {"(1+", false}, {"2//", true}, {"9+", true}};
    enum { SIZE = 60000 };
    char *s = malloc(SIZE + 8);
    for (size_t u = 0; u < sizeof cases / sizeof *cases; u++) {
        size_t len = 0, n = strlen(cases[u].unit);
        while (len + n < SIZE) memcpy(s + len, cases[u].unit, n), len += n;
        s[len++] = '9';
        rz_python_eval_result r;
        rz_python_eval_near((rz_slice){s, len}, (rz_python_target){0}, 1e-5, &r);
        ck_assert_msg(r.raises != cases[u].has_value, "%s: %s", cases[u].unit, r.value);
    }
    free(s);
}
END_TEST

/* What the header tells of patterns. */
START_TEST(patterns_as_python_reads_them)
{
    static const struct { const char *pattern, *text; unsigned flags; bool found; } cases[] = {
        {"[" RZ_PYTHON_SPACE "]", "\x1C", 0, true}, {"[" RZ_PYTHON_SPACE "]", "\xE1\xA0\x8E", 0, false}, {"[" RZ_PYTHON_SPACE "]", "\xC2\xA0", 0, true},
        {"\\p{Nd}", "\xD9\xA3", 0, true}, {RZ_PYTHON_EDGE "a" RZ_PYTHON_EDGE, "\xC3\xA9" "a", 0, false}, {RZ_PYTHON_EDGE "a" RZ_PYTHON_EDGE, "-a.", 0, true},
        {"a$", "a\n", 0, true}, {"a$", "a\n\n", 0, false}, {"a$", "a\nb", RZ_PATTERN_MULTILINE, true}, {"^b", "ab", RZ_PATTERN_ANCHORED, false},
        {"\n(?:^|(?<=\n)\\z)", "a\n", RZ_PATTERN_MULTILINE, true}, {"\n^", "a\n", RZ_PATTERN_MULTILINE, false},
    };
    rz_err err = {0};
    rz_matcher *m;
    ck_assert(rz_matcher_create(&m, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rz_pattern *p;
        ck_assert_msg(rz_pattern_create(&p, cases[i].pattern, cases[i].flags, 0, &err), "%s", err.text);
        rz_match_result got = rz_pattern_match(p, m, cases[i].text, strlen(cases[i].text), 0, NULL, 0);
        ck_assert_msg(got == (cases[i].found ? RZ_MATCH : RZ_NO_MATCH), "%zu: %s", i, cases[i].pattern);
        rz_pattern_destroy(p);
    }
    rz_matcher_destroy(m);
}
END_TEST

int main(void)
{
    rz_err err = {0};
    if (!rz_arena_init(&arena, (size_t)1 << 30, &err)) return 1;
    Suite *s = suite_create("python");
    TCase *t = tcase_create("python");
    tcase_add_test(t, texts_and_numbers_as_python_has_them);
    tcase_add_test(t, long_texts_take_one_pass);
    tcase_add_test(t, expressions_are_bounded);
    tcase_add_test(t, patterns_as_python_reads_them);
    suite_add_tcase(s, t);
    return run_suite(s);
}
