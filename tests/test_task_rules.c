/* Every task with its rule file: what the task says is right earns the most, and what is not an answer never does. 400 problems a task over all levels
 * and splits; RZ_LONG=1: 10,000. (data/ and rewards/ do not know each other: only a test can have both.) */
#include "data/source.h"
#include "rewards/rules.h"
#include "tests/suite.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rz_err err;
static rz_arena arena;

static void setup(void) { ck_assert(rz_arena_init(&arena, (size_t)1 << 28, &err)); }
static void teardown(void) { rz_arena_finish(&arena); }

__attribute__((format(printf, 1, 2))) static char *text(const char *fmt, ...)
{
    static char room[16384];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(room, sizeof room, fmt, args);
    va_end(args);
    ck_assert(n >= 0 && n < (int)sizeof room);
    return rz_arena_strndup(&arena, room, (size_t)n);
}

/* ---- an answer to countdown, whose problems hold only the target ---- */

typedef struct { long value; char *text; } part;

static char *solve(const part *parts, int n, long target)
{
    if (n == 1) return parts[0].value == target ? parts[0].text : NULL;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            part rest[6];
            long a = parts[i].value, b = parts[j].value;
            int kept = 0;
            if (i == j) continue;
            for (int k = 0; k < n; k++) {
                if (k != i && k != j) rest[kept++] = parts[k];
            }
            const struct { char op; bool may; long value; } ways[] = {{'+', i < j, a + b}, {'*', i < j, a * b}, {'-', a > b, a - b}, {'/', b && a % b == 0, b ? a / b : 0}};
            for (int k = 0; k < 4; k++) {
                size_t mark = arena.used;
                if (!ways[k].may) continue;
                rest[kept] = (part){ways[k].value, NULL};
                rest[kept].text = rz_arena_alloc(&arena, 256, 1);
                snprintf(rest[kept].text, 256, "(%s %c %s)", parts[i].text, ways[k].op, parts[j].text);
                char *found = solve(rest, kept + 1, target);
                if (found) return found;
                rz_arena_release(&arena, mark);
            }
        }
    }
    return NULL;
}

static char *expression(const rz_problem *p)
{
    json_t *meta = json_loads(p->meta, 0, NULL), *numbers = json_object_get(meta, "numbers");
    part parts[6];
    int n = (int)json_array_size(numbers);
    for (int i = 0; i < n; i++) {
        parts[i].value = (long)json_integer_value(json_array_get(numbers, (size_t)i));
        parts[i].text = text("%ld", parts[i].value);
    }
    char *found = solve(parts, n, (long)json_integer_value(json_object_get(meta, "target")));
    ck_assert_msg(found != NULL, "%s: no solution", p->prompt);
    json_decref(meta);
    return found;
}

/* ---- one problem ---- */

typedef struct {
    const char *task;
    const rz_rules *rules;
    rz_rules_worker *worker;
    const rz_problem *problem;
} trial;

static double score(const trial *t, const char *completion, bool truncated, bool *correct)
{
    rz_score s;
    const rz_sample sample = {.completion = completion, .completion_len = strlen(completion), .prompt = t->problem->prompt, .answer = t->problem->answer,
                              .meta = t->problem->meta, .n_tokens = 20, .truncated = truncated};
    rz_rules_score(t->worker, &sample, &s);
    ck_assert_msg(s.n_errors == 0, "%s: %s\n%s: an error\n%s", t->task, t->problem->prompt, completion, rz_score_explain(t->rules, &s));
    *correct = s.correct;
    return s.score;
}

static void expect_wrong(const trial *t, const char *what, const char *completion, bool truncated)
{
    bool correct;
    double points = score(t, completion, truncated, &correct);
    ck_assert_msg(!correct && points < 1, "%s: %s\n%s\nearns %g for: %s", t->task, t->problem->prompt, completion, points, what);
}

static char *answering(const char *answer) { return text("<think> so it is </think> <answer> %s </answer>", answer); }

/* The first digit or letter becomes the next one. */
static char *spoilt(const char *gold)
{
    char *copy = text("%s", gold);
    size_t at = strcspn(copy, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    copy[at] = copy[at] == '9' ? '1' : copy[at] == 'z' ? 'a' : copy[at] == 'Z' ? 'A' : (char)(copy[at] + 1);
    return copy;
}

static void attack(const trial *t, const char *gold)
{
    static const char *const between[] = {" ", ", ", "\n", " or ", " * ", " = ", " and ", "; ", " / "};
    static const char *const junk[][2] = {
        {"a sentence", "The answer is %s"}, {"a sentence behind it", "%s is what comes out"}, {"a box", "\\boxed{%s}"}, {"candidates", "0, 1, 2, 3, %s, 4, 5, 6, 7"},
        {"both", "true false %s"}, {"a question mark", "%s?"}, {"a word with it", "not %s"}, {"quotes", "\"%s\""}, {"a tag", "<b>%s</b>"},
        {"nothing visible", "\xe2\x80\x8b%s\xe2\x80\x8b#"},
    };
    const char *right = answering(gold), *p = t->problem->prompt;
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        if (strcmp(t->task, "equations") || between[i][1] != '/') /* 1 / 1 is 1 */
            expect_wrong(t, "gold twice", answering(text("%s%s%s", gold, between[i], gold)), false);
    }
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        const char *first = strstr(junk[i][1], "%s");
        expect_wrong(t, junk[i][0], answering(text("%.*s%s%s", (int)(first - junk[i][1]), junk[i][1], gold, first + 2)), false);
    }
    expect_wrong(t, "nothing", "", false);
    expect_wrong(t, "no answer", "<think> so it is </think>", false);
    expect_wrong(t, "an empty answer", answering(""), false);
    expect_wrong(t, "gold in the thinking only", text("<think> %s </think> <answer> </answer>", gold), false);
    expect_wrong(t, "gold without tags", gold, false);
    expect_wrong(t, "gold without thinking", text("<answer> %s </answer>", gold), false);
    expect_wrong(t, "an empty thinking", text("<think> </think> <answer> %s </answer>", gold), false);
    expect_wrong(t, "two answers", text("%s <answer> %s </answer>", right, gold), false);
    expect_wrong(t, "all of it twice", text("%s\n%s", right, right), false);
    expect_wrong(t, "text behind it", text("%s That was easy.", right), false);
    expect_wrong(t, "the prompt as the answer", answering(p), false);
    expect_wrong(t, "the prompt, then gold", answering(text("%s %s", p, gold)), false);
    expect_wrong(t, "the prompt in the thinking", text("<think> %s </think> <answer> </answer>", p), false);
    expect_wrong(t, "cut by its length", right, true);
    expect_wrong(t, "without its last byte", text("%.*s", (int)strlen(right) - 1, right), false);
    expect_wrong(t, "half of it", text("%.*s", (int)strlen(right) / 2, right), false);
    if (strcmp(t->task, "stack_program") && strcmp(t->task, "shortest_path")) /* where another one may be right too */
        expect_wrong(t, "another first letter", answering(spoilt(gold)), false);
}

/* ---- every task ---- */

static rz_task_options usual(void)
{
    return (rz_task_options){.countdown = {.split_seed = 1, .test_share = .15, .validation_share = .1, .numbers = {1, {3}}, .max_input = 10, .max_value = 50},
                             .decimals = {.whole_digits = 2, .fraction_digits = 2, .candidates = 4, .hard = .35, .longer = .15, .several = .1, .signed_ = .1,
                                          .equal = .05},
                             .sums = {.terms = {3, {2, 3, 4}}, .digits = 2}, .levels = {RZ_TASK_LEVELS, {1, 2, 3, 4, 5}}};
}

static void try_task(const char *name)
{
    const bool own = rz_task_find(name)->own;
    const int count = getenv("RZ_LONG") ? 10000 : 400;
    rz_task_options o = usual();
    rz_source *source;
    rz_rules *rules;
    trial t = {.task = name};
    char path[96];
    snprintf(path, sizeof path, "configs/rules/%s%s.yaml", own ? "" : "tasks/", name);
    if (!strcmp(name, "countdown")) o.levels = (rz_int_list){3, {1, 2, 3}}; /* of more numbers our solver would take too long */
    ck_assert_msg(rz_source_open(&source, name, &o, 3, &err), "%s", err.text);
    ck_assert_msg(rz_rules_load(&rules, path, &err), "%s", err.text);
    t.rules = rules;
    ck_assert_msg(rz_rules_worker_create(&t.worker, rules, NULL, &err), "%s", err.text);
    for (int i = 0; i < count; i++) {
        rz_problem p;
        bool correct;
        t.problem = &p;
        ck_assert_msg(rz_source_problem(source, (rz_split)(i % 3), (uint64_t)i, &p, &arena, &err), "%s", err.text);
        ck_assert_msg(rz_rules_check_problem(t.worker, p.answer, p.meta, &err), "%s", err.text);
        const char *gold = strcmp(name, "countdown") ? p.answer : expression(&p);
        double points = score(&t, answering(gold), false, &correct);
        ck_assert_msg(correct && points == 1.1, "%s: %s\n%s earns %g", name, p.prompt, gold, points);
        attack(&t, gold);
        rz_arena_release(&arena, 0);
    }
    rz_rules_worker_destroy(t.worker);
    rz_rules_destroy(rules);
    rz_source_close(source);
}

START_TEST(right_answers_earn_the_most_and_nothing_else_does)
{
    int n;
    const char *const *names = rz_task_names(&n);
    ck_assert_int_ge(n, 20);
    try_task(names[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task_rules");
    TCase *tests = tcase_create("task_rules");
    int n;
    rz_task_names(&n);
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, right_answers_earn_the_most_and_nothing_else_does, 0, n);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
