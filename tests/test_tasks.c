/* decimals, sums, tasks: every problem is read back from its own text and judged by arithmetic on digit strings written here. */
#include "base/file.h"
#include "data/source.h"
#include "tests/suite.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_err err;
static rz_arena arena;

static void setup(void) { ck_assert(rz_arena_init(&arena, (size_t)1 << 30, &err)); }
static void teardown(void) { rz_arena_finish(&arena); }

static rz_task_options usual(void)
{
    return (rz_task_options){.countdown = {.split_seed = 7, .test_share = .2, .validation_share = .1, .numbers = {1, {3}}, .max_input = 10, .max_value = 50},
                             .decimals = {.whole_digits = 2, .fraction_digits = 2, .candidates = 4, .hard = .3, .longer = .2, .several = .15, .signed_ = .15,
                                          .equal = .1},
                             .sums = {.terms = {3, {2, 3, 5}}, .digits = 2}};
}

/* ---- independent truths ---- */

/* Digit strings of equal length: a·10ⁿ without a point. "-3.9" with 11 digits of fraction is "-" and "000000000003" "90000000000". */
static int compare_magnitudes(const char *a, const char *b)
{
    char wide[2][64];
    const char *text[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        const char *t = text[i] + (text[i][0] == '-'), *dot = strchr(t, '.');
        size_t whole = dot ? (size_t)(dot - t) : strlen(t), fraction = dot ? strlen(dot + 1) : 0;
        ck_assert_uint_ge(whole, 1);
        ck_assert_uint_eq(strspn(t, "0123456789."), strlen(t));
        memset(wide[i], '0', 40);
        wide[i][40] = 0;
        memcpy(wide[i] + 20 - whole, t, whole);
        if (dot) memcpy(wide[i] + 20, dot + 1, fraction);
    }
    return strcmp(wide[0], wide[1]);
}

static int compare(const char *a, const char *b)
{
    bool minus_a = a[0] == '-', minus_b = b[0] == '-';
    if (minus_a != minus_b) return minus_a ? -1 : 1;
    return minus_a ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

/* The numbers of a question, as written there. */
static int read_question(const char *prompt, char numbers[][32])
{
    static const char *const heads[] = {"Which number is larger, ", "Which number is the largest, "};
    bool two = strncmp(prompt, heads[0], strlen(heads[0])) == 0;
    const char *p = prompt + strlen(heads[!two]);
    ck_assert_msg(strncmp(prompt, heads[!two], strlen(heads[!two])) == 0, "%s", prompt);
    int n = 0;
    for (;;) {
        size_t len = strcspn(p, " ,?");
        ck_assert_int_lt(n, 4);
        snprintf(numbers[n++], 32, "%.*s", (int)len, p);
        p += len;
        if (strcmp(p, "?") == 0) break;
        if (strncmp(p, " or ", 4) == 0) p += 4;
        else ck_assert_msg(strncmp(p, ", ", 2) == 0, "%s", prompt), p += 2;
    }
    ck_assert_int_eq(two, n == 2);
    return n;
}

static const char *kind_by_text(char numbers[][32], int n)
{
    if (n > 2) return "several";
    const char *a = numbers[0], *b = numbers[1];
    if (a[0] == '-' || b[0] == '-') return "signed";
    if (compare(a, b) == 0) return "equal";
    size_t whole = strcspn(a, ".");
    if (whole != strcspn(b, ".") || strncmp(a, b, whole) || strlen(a) == strlen(b)) return "easy";
    return (strlen(a) > strlen(b)) == (compare(a, b) > 0) ? "longer" : "hard";
}

static rz_problem problem(rz_source *s, rz_split split, uint64_t index)
{
    rz_problem p;
    ck_assert_msg(rz_source_problem(s, split, index, &p, &arena, &err), "%s", err.text);
    return p;
}

static rz_source *open_task(const char *name, const rz_task_options *o, uint32_t seed)
{
    rz_source *s;
    ck_assert_msg(rz_source_open(&s, name, o, seed, &err), "%s", err.text);
    ck_assert_int_eq(rz_source_size(s), -1);
    return s;
}

static const char *meta_text(const rz_problem *p, const char *key, size_t item)
{
    static char kept[64];
    json_t *meta = json_loads(p->meta, 0, NULL), *v = json_object_get(meta, key);
    if (json_is_array(v)) v = json_array_get(v, item);
    ck_assert_msg(json_is_string(v), "%s", p->meta);
    snprintf(kept, sizeof kept, "%s", json_string_value(v));
    json_decref(meta);
    return kept;
}

/* ---- decimals ---- */

static void check_decimals(const rz_problem *p, int whole_digits, int fraction_digits)
{
    char numbers[4][32];
    int n = read_question(p->prompt, numbers), right = 0, distinct = 1;
    for (int i = 0; i < n; i++) {
        const char *t = numbers[i] + (numbers[i][0] == '-'), *dot = strchr(t, '.');
        ck_assert_str_eq(meta_text(p, "candidates", (size_t)i), numbers[i]);
        ck_assert_ptr_nonnull(dot);
        ck_assert_int_le(dot - t, whole_digits);
        ck_assert_int_ge(dot - t, 1);
        ck_assert(t[0] != '0' || dot - t == 1);
        ck_assert_uint_le(strlen(dot + 1), (size_t)fraction_digits);
        ck_assert_uint_ge(strlen(dot + 1), 1);
        if (numbers[i][0] == '-') ck_assert_int_ne(compare_magnitudes(numbers[i], "0.0"), 0);
        right += strcmp(numbers[i], p->answer) == 0;
        ck_assert_int_le(compare(numbers[i], p->answer), 0); /* none is larger */
        for (int j = 0; j < i; j++) distinct = distinct && compare(numbers[i], numbers[j]) != 0;
    }
    ck_assert_int_eq(right, 1); /* the answer is one of them */
    ck_assert_str_eq(meta_text(p, "kind", 0), kind_by_text(numbers, n));
    ck_assert_int_eq(distinct, strcmp(kind_by_text(numbers, n), "equal") != 0);
}

START_TEST(decimals_are_right_by_digit_strings)
{
    static const int digits[][2] = {{1, 2}, {2, 2}, {3, 5}, {9, 9}};
    for (size_t row = 0; row < sizeof digits / sizeof digits[0]; row++) {
        rz_task_options o = usual();
        o.decimals.whole_digits = digits[row][0], o.decimals.fraction_digits = digits[row][1];
        rz_source *s = open_task("decimals", &o, 3);
        for (uint64_t i = 0; i < 1500; i++) {
            rz_problem p = problem(s, (rz_split)(i % 3), i);
            check_decimals(&p, digits[row][0], digits[row][1]);
        }
        rz_arena_release(&arena, 0);
        rz_source_close(s);
    }
}
END_TEST

START_TEST(kinds_come_in_their_shares)
{
    static const struct { const char *kind; double share; } rows[] = {{"hard", .3}, {"longer", .2}, {"several", .15}, {"signed", .15}, {"equal", .1}, {"easy", .1}};
    rz_task_options o = usual();
    rz_source *s = open_task("decimals", &o, 1);
    const int count = 20000;
    int n[6] = {0}, last_is_right = 0;
    for (int i = 0; i < count; i++) {
        rz_problem p = problem(s, RZ_TRAIN, (uint64_t)i);
        const char *kind = meta_text(&p, "kind", 0);
        for (int k = 0; k < 6; k++) n[k] += strcmp(kind, rows[k].kind) == 0;
        char end[40];
        snprintf(end, sizeof end, " or %s?", p.answer);
        last_is_right += !strcmp(rows[0].kind, kind) && strstr(p.prompt, end) != NULL;
        rz_arena_release(&arena, 0);
    }
    for (int k = 0; k < 6; k++) ck_assert_double_eq_tol(n[k] / (double)count, rows[k].share, 4.5 * sqrt(rows[k].share / count));
    ck_assert_double_eq_tol(last_is_right / (double)n[0], .5, 4.5 * sqrt(.25 / n[0])); /* where it stands says nothing */
    rz_source_close(s);
    o.decimals.hard = 1, o.decimals.longer = o.decimals.several = o.decimals.signed_ = o.decimals.equal = 0;
    s = open_task("decimals", &o, 1);
    for (uint64_t i = 0; i < 500; i++) {
        rz_problem p = problem(s, RZ_TRAIN, i);
        ck_assert_str_eq(meta_text(&p, "kind", 0), "hard");
    }
    rz_source_close(s);
}
END_TEST

/* ---- sums ---- */

/* Left to right, from the text alone, and digit by digit in columns so that no arithmetic of the generator's is used: values are sums of ±10ᵏ. */
static void value_of_sum(const char *prompt, char out[32], int *n_terms)
{
    long long columns[16] = {0};
    const char *p = prompt + strlen("What is ");
    ck_assert_int_eq(strncmp(prompt, "What is ", 8), 0);
    int sign = 1;
    *n_terms = 0;
    for (;;) {
        size_t len = strspn(p, "0123456789");
        ck_assert_msg(len > 0 && p[0] != '0', "%s", prompt);
        for (size_t i = 0; i < len; i++) columns[len - 1 - i] += sign * (p[i] - '0');
        ++*n_terms;
        p += len;
        if (strcmp(p, "?") == 0) break;
        ck_assert_msg(strlen(p) > 3 && p[0] == ' ' && strchr("+-", p[1]) && p[2] == ' ', "%s", prompt);
        sign = p[1] == '+' ? 1 : -1;
        p += 3;
    }
    int top = 15;
    while (top > 0 && !columns[top]) top--;
    for (int pass = 0; pass < 2; pass++) { /* once as it is; when the top column ends negative, once with all signs turned */
        long long c[16], carry = 0;
        for (int i = 0; i < 16; i++) {
            long long v = (pass ? -columns[i] : columns[i]) + carry;
            c[i] = (v % 10 + 10) % 10;
            carry = (v - c[i]) / 10;
        }
        if (carry < 0) continue;
        int high = 15;
        while (high > 0 && !c[high]) high--;
        char *to = out;
        if (pass) *to++ = '-';
        for (int i = high; i >= 0; i--) *to++ = (char)('0' + c[i]);
        *to = 0;
        return;
    }
}

START_TEST(sums_are_right_by_columns)
{
    for (int digits = 1; digits <= 9; digits++) {
        rz_task_options o = usual();
        o.sums = (rz_sums_options){.terms = {4, {2, 3, 5, 8}}, .digits = digits};
        rz_source *s = open_task("sums", &o, 3);
        int counts[9] = {0}, negative = 0;
        for (uint64_t i = 0; i < 1000; i++) {
            char value[32], kind[32];
            int n;
            rz_problem p = problem(s, (rz_split)(i % 3), i);
            value_of_sum(p.prompt, value, &n);
            ck_assert_msg(!strcmp(value, p.answer), "%s: %s, not %s", p.prompt, value, p.answer);
            snprintf(kind, sizeof kind, "%d_terms", n);
            ck_assert_str_eq(meta_text(&p, "kind", 0), kind);
            counts[n]++;
            negative += p.answer[0] == '-';
        }
        ck_assert_int_eq(counts[2] + counts[3] + counts[5] + counts[8], 1000);
        ck_assert(counts[2] > 180 && counts[3] > 180 && counts[5] > 180 && counts[8] > 180);
        ck_assert_int_gt(negative, 100);
        rz_arena_release(&arena, 0);
        rz_source_close(s);
    }
}
END_TEST

/* ---- both ---- */

/* A problem's content by its text: the numbers, sorted, without the zeros that say nothing. */
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char *content(const char *prompt)
{
    char *words[16], text[256];
    int n = 0;
    snprintf(text, sizeof text, "%s", strchr(prompt, ',') ? strchr(prompt, ',') + 1 : prompt + strlen("What is"));
    bool minus = false;
    for (char *w = strtok(text, " ,?"); w; w = strtok(NULL, " ,?")) {
        if (!isdigit((unsigned char)w[strlen(w) - 1])) {
            minus = !strcmp(w, "-");
            continue;
        }
        char number[64];
        snprintf(number, sizeof number, "%s%s", minus ? "-" : "", w);
        minus = false;
        for (size_t len = strlen(number); strchr(number, '.') && number[len - 1] == '0'; len--) number[len - 1] = 0;
        words[n++] = rz_arena_strndup(&arena, number, strlen(number));
    }
    qsort(words, (size_t)n, sizeof *words, by_text);
    char *all = RZ_ZNEW(&arena, 300, char);
    for (int i = 0; i < n; i++) strcat(strcat(all, words[i]), " ");
    return all;
}

typedef struct { const char *content; rz_split split; uint64_t cluster; } seen;

static int by_content(const void *a, const void *b) { return strcmp(((const seen *)a)->content, ((const seen *)b)->content); }

/* Small spaces, so that all splits go through most of them many times. */
static void check_disjoint(const char *task, const rz_task_options *o)
{
    enum { EACH = 5000 };
    seen *all = calloc(3 * EACH, sizeof *all);
    rz_source *s = open_task(task, o, 5);
    for (int i = 0; i < 3 * EACH; i++) {
        rz_problem p = problem(s, (rz_split)(i / EACH), (uint64_t)(i % EACH));
        all[i] = (seen){content(p.prompt), (rz_split)(i / EACH), p.cluster};
    }
    qsort(all, 3 * EACH, sizeof *all, by_content);
    int contents = 0, of_split[3] = {0};
    for (int i = 0; i < 3 * EACH; i++) {
        bool again = i && !strcmp(all[i].content, all[i - 1].content);
        ck_assert_msg(!again || all[i].split == all[i - 1].split, "%s is in two splits", all[i].content);
        ck_assert(all[i].cluster >> 62 == 1);
        ck_assert_msg(!i || again == (all[i].cluster == all[i - 1].cluster), "%s and %s: clusters", all[i].content, all[i - 1].content);
        if (!again) contents++, of_split[all[i].split]++;
    }
    ck_assert_int_gt(contents, 300);
    ck_assert_int_lt(contents, 3 * EACH * 4 / 5); /* they have come again and again: order and spelling must not have mattered */
    if (contents < EACH / 4) { /* all of them have come */
        ck_assert_double_eq_tol(of_split[RZ_TEST] / (double)contents, .2, 4 * sqrt(.16 / contents));
        ck_assert_double_eq_tol(of_split[RZ_VALIDATION] / (double)contents, .1, 4 * sqrt(.09 / contents));
    }
    free(all);
    rz_source_close(s);
}

START_TEST(splits_share_no_content)
{
    rz_task_options o = usual();
    o.decimals = (rz_decimals_options){.whole_digits = 1, .fraction_digits = 1, .candidates = 3};
    check_disjoint("decimals", &o);
    rz_arena_release(&arena, 0);
    o.decimals = (rz_decimals_options){.whole_digits = 2, .fraction_digits = 2, .candidates = 3, .equal = 1};
    check_disjoint("decimals", &o);
    rz_arena_release(&arena, 0);
    o.sums = (rz_sums_options){.terms = {1, {3}}, .digits = 1};
    check_disjoint("sums", &o);
}
END_TEST

START_TEST(problems_are_addressed_without_an_end)
{
    static const char *const names[] = {"decimals", "sums"};
    for (int t = 0; t < 2; t++) {
        rz_task_options o = usual();
        o.sums.digits = 4;
        o.decimals.fraction_digits = 4;
        rz_source *s = open_task(names[t], &o, 5), *other = open_task(names[t], &o, 6);
        rz_problem a[60];
        int same = 0;
        const uint64_t starts[] = {0, (uint64_t)1 << 40, ((uint64_t)1 << 61) - 31}; /* the last go over 2⁶¹ */
        for (int i = 0; i < 60; i++) a[i] = problem(s, RZ_TRAIN, starts[i / 20] + (uint64_t)(i % 20));
        for (int i = 59; i >= 0; i--) {
            uint64_t index = starts[i / 20] + (uint64_t)(i % 20);
            ck_assert_str_eq(problem(s, RZ_TRAIN, index).prompt, a[i].prompt);
            same += !strcmp(problem(other, RZ_TRAIN, index).prompt, a[i].prompt) + !strcmp(problem(s, RZ_TEST, index).prompt, a[i].prompt) +
                    (i && !strcmp(a[i - 1].prompt, a[i].prompt));
        }
        ck_assert_int_eq(same, 0);
        rz_source_close(s);
        rz_source_close(other);
    }
}
END_TEST

START_TEST(prompts_are_as_documented)
{
    char text[160];
    rz_decimals_prompt(&(rz_decimals){.n = 2, .text = {"3.9", "3.11"}}, text, sizeof text);
    ck_assert_str_eq(text, "Which number is larger, 3.9 or 3.11?");
    rz_decimals_prompt(&(rz_decimals){.n = 4, .text = {"3.9", "3.11", "-4.2", "0.5"}}, text, sizeof text);
    ck_assert_str_eq(text, "Which number is the largest, 3.9, 3.11, -4.2 or 0.5?");
    rz_sums_prompt(&(rz_sums){.n = 4, .terms = {12, 7, -30, 5}}, text, sizeof text);
    ck_assert_str_eq(text, "What is 12 + 7 - 30 + 5?");
}
END_TEST

static void expect_refusal(const char *task, rz_task_options o, const char *words)
{
    rz_source *s;
    err = (rz_err){0};
    ck_assert_msg(!rz_source_open(&s, task, &o, 1, &err), "accepted, should say '%s'", words);
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_msg(strstr(err.text, words), "'%s' does not say '%s'", err.text, words);
}

#define WITH(change) ({ rz_task_options with = usual(); with.change; with; })
START_TEST(bad_options_are_refused)
{
    expect_refusal("decimals", WITH(decimals.whole_digits = 0), "whole_digits is 0, must be 1..9");
    expect_refusal("decimals", WITH(decimals.fraction_digits = 10), "fraction_digits is 10, must be 1..9");
    expect_refusal("decimals", WITH(decimals.candidates = 5), "candidates is 5, must be 3..4");
    expect_refusal("decimals", WITH(decimals.hard = NAN), "hard_share is nan");
    expect_refusal("decimals", WITH(decimals.signed_ = -.1), "signed_share is -0.1");
    expect_refusal("decimals", WITH(decimals.several = .5), "add up to 1.25");
    expect_refusal("decimals", WITH(decimals.fraction_digits = 1), "hard_share is 0.3, but problems of this kind need two lengths");
    expect_refusal("decimals", WITH(countdown.test_share = 1e-8), "gave no problem of kind easy for the test split");
    expect_refusal("decimals", WITH(countdown.test_share = .95), "sum at most 1");
    expect_refusal("decimals", WITH(countdown.split_seed = -1), "split_seed is -1");
    expect_refusal("sums", WITH(sums.digits = 0), "digits is 0, must be 1..9");
    expect_refusal("sums", WITH(sums.terms.n = 0), "terms is empty");
    expect_refusal("sums", WITH(sums.terms.v[1] = 9), "terms is 9, must be 2..8");
    expect_refusal("sums", WITH(countdown.validation_share = 1e-8), "gave no problem of 2 terms for the validation split");
    rz_task_options o = WITH(countdown.test_share = 0);
    rz_source *s = open_task("sums", &o, 1); /* an empty split is refused when it is asked for, not searched for ever */
    rz_problem p;
    ck_assert(!rz_source_problem(s, RZ_TEST, 0, &p, &arena, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "the test split holds no problems"));
    rz_source_close(s);
    rz_corpus *c;
    ck_assert(!rz_corpus_open(&c, "sums", &o.countdown, NULL, 1, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "the task sums has no documents"));
}
END_TEST

START_TEST(every_option_is_in_the_hash)
{
    const rz_task_options decimals[] = {usual(), WITH(decimals.whole_digits = 3), WITH(decimals.fraction_digits = 3), WITH(decimals.candidates = 3),
        WITH(decimals.hard = .31), WITH(decimals.longer = .21), WITH(decimals.several = .16), WITH(decimals.signed_ = .16), WITH(decimals.equal = .11),
        WITH(countdown.split_seed = 8), WITH(countdown.test_share = .21), WITH(countdown.validation_share = .11)};
    const rz_task_options sums[] = {usual(), WITH(sums.terms.n = 2), WITH(sums.digits = 3), WITH(countdown.split_seed = 8), WITH(countdown.test_share = .21)};
    char hashes[20][33];
    int n = 0;
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals + sizeof sums / sizeof *sums; i++) {
        size_t nd = sizeof decimals / sizeof *decimals;
        rz_source *s = open_task(i < nd ? "decimals" : "sums", i < nd ? &decimals[i] : &sums[i - nd], 1);
        strcpy(hashes[n++], rz_source_hash(s));
        rz_source_close(s);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) ck_assert_str_ne(hashes[i], hashes[j]);
    }
}
END_TEST

/* ---- levels and shared keys ---- */

static void hash_problems(const char *task, const rz_task_options *o, char hex[33])
{
    rz_source *s = open_task(task, o, 1);
    char *all;
    size_t size;
    FILE *f = open_memstream(&all, &size);
    for (uint64_t i = 0; i < 100; i++) {
        rz_problem p = problem(s, (rz_split)(i / 5 % 3), i);
        fprintf(f, "%s\n%s\n%s\n", p.prompt, p.answer, p.meta);
    }
    fclose(f);
    rz_hash_hex(all, size, hex);
    free(all);
    rz_source_close(s);
}

/* The problems of a seed are promised: whoever changes them raises the task's generator, and these lines. */
START_TEST(problems_stay_what_they_are)
{
    int n, lines = 0;
    const char *const *names = rz_task_names(&n);
    char name[64], want[40], hex[33];
    FILE *f = fopen("tests/golden/data/tasks.txt", "r");
    ck_assert_ptr_nonnull(f);
    for (; fscanf(f, "%63s %39s", name, want) == 2; lines++) {
        rz_task_options o = usual();
        if (!rz_task_find(name)->own) o.levels = (rz_int_list){5, {1, 2, 3, 4, 5}};
        hash_problems(name, &o, hex);
        ck_assert_msg(strcmp(hex, want) == 0, "%s %s", name, hex);
        rz_arena_release(&arena, 0);
    }
    fclose(f);
    ck_assert_int_eq(lines, n);
    ck_assert_str_eq(names[0], "countdown");
}
END_TEST

START_TEST(levels_are_the_sources)
{
    rz_task_options o = usual();
    o.levels = (rz_int_list){3, {1, 3, 5}};
    const rz_task_options third = WITH(levels = ((rz_int_list){1, {3}}));
    rz_source *s = open_task("products", &o, 2), *one = open_task("products", &third, 2);
    ck_assert_int_eq(rz_source_levels(s), 3);
    for (uint64_t i = 0; i < 30; i++) {
        static const char *const kinds[] = {"level_1", "level_3", "level_5"};
        rz_problem p = problem(s, RZ_TRAIN, i);
        ck_assert_str_eq(meta_text(&p, "kind", 0), kinds[i % 3]);
        if (i % 3 == 1) ck_assert_str_eq(p.prompt, problem(one, RZ_TRAIN, i).prompt); /* what a level means does not hang on the others */
    }
    rz_source_set_level(s, 2);
    for (uint64_t i = 0; i < 10; i++) {
        rz_problem p = problem(s, RZ_TRAIN, i), held_out = problem(s, RZ_VALIDATION, 3 * i);
        ck_assert_str_eq(meta_text(&p, "kind", 0), "level_5");
        ck_assert_str_eq(meta_text(&held_out, "kind", 0), "level_1"); /* these take turns always */
    }
    rz_source_close(s);
    rz_source_close(one);
    o = usual();
    o.levels = (rz_int_list){2, {1, 5}};
    s = open_task("sums", &o, 2);
    for (uint64_t i = 0; i < 20; i++) {
        char value[32];
        int n;
        value_of_sum(problem(s, RZ_TRAIN, i).prompt, value, &n);
        ck_assert(i % 2 ? n >= 6 : n == 2);
    }
    rz_source_close(s);
}
END_TEST

/* The multisets of countdown are numbered by max_input, which no level may change: none falls into another split by its level. */
START_TEST(countdown_keeps_its_splits_over_levels)
{
    rz_task_options o = usual();
    o.levels = (rz_int_list){5, {1, 2, 3, 4, 5}};
    rz_source *s = open_task("countdown", &o, 2);
    for (uint64_t i = 0; i < 300; i++) {
        rz_split split = (rz_split)(i % 3);
        rz_problem p = problem(s, split, i);
        int numbers[6], n = 0;
        for (const char *c = p.prompt + strlen("numbers"); sscanf(c, " %d", &numbers[n]) == 1; n++) c += 1 + strcspn(c + 1, " ");
        ck_assert_int_eq(rz_countdown_split(&o.countdown, numbers, n), split);
    }
    rz_source_close(s);
}
END_TEST

START_TEST(shared_keys_are_checked)
{
    expect_refusal("gcd", WITH(keys[RZ_ITEMS] = 5), "gcd: items is 5, must be 2..4 (numbers), or 0");
    expect_refusal("gcd", WITH(keys[RZ_LENGTH] = 5), "length is no key of the task gcd, which has items, largest");
    expect_refusal("sums", WITH(keys[RZ_ITEMS] = 5), "items is no key of the task sums, which has terms, digits");
    expect_refusal("gcd", WITH(countdown.test_share = .95), "sum at most 1");
    expect_refusal("gcd", WITH(countdown.test_share = 1e-8), "gave no problem of level 1 for the test split");
    ck_assert(rz_task_check_key(rz_task_find("gcd"), "largest", &err) && rz_task_check_key(rz_task_find("gcd"), "split_seed", &err));
    ck_assert(!rz_task_check_key(rz_task_find("gcd"), "terms", &err) && err.code == RZ_EUSAGE);
    const rz_task_options all[] = {usual(), WITH(keys[RZ_ITEMS] = 3), WITH(keys[RZ_LARGEST] = 77), WITH(levels = ((rz_int_list){1, {2}})),
                                   WITH(levels = ((rz_int_list){2, {1, 2}})), WITH(countdown.split_seed = 8)};
    char hashes[6][33];
    for (int i = 0; i < 6; i++) {
        rz_source *s = open_task("gcd", &all[i], 1);
        strcpy(hashes[i], rz_source_hash(s));
        rz_source_close(s);
        for (int j = 0; j < i; j++) ck_assert_str_ne(hashes[i], hashes[j]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tasks");
    TCase *tests = tcase_create("tasks");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, decimals_are_right_by_digit_strings);
    tcase_add_test(tests, kinds_come_in_their_shares);
    tcase_add_test(tests, sums_are_right_by_columns);
    tcase_add_test(tests, splits_share_no_content);
    tcase_add_test(tests, problems_are_addressed_without_an_end);
    tcase_add_test(tests, prompts_are_as_documented);
    tcase_add_test(tests, bad_options_are_refused);
    tcase_add_test(tests, every_option_is_in_the_hash);
    tcase_add_test(tests, problems_stay_what_they_are);
    tcase_add_test(tests, levels_are_the_sources);
    tcase_add_test(tests, countdown_keeps_its_splits_over_levels);
    tcase_add_test(tests, shared_keys_are_checked);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
