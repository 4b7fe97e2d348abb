/* Rules in tests: cases as data (docs/rules/limits.md says what a case holds), and what must hold for any text. */
#ifndef RZ_TESTS_RULES_SUITE_H
#define RZ_TESTS_RULES_SUITE_H
#include "base/text.h"
#include "rewards/example.h"
#include "tests/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wunused-function" /* no test needs all of it */
#define FOLDER "tests/golden/rules/"
static char where[512]; /* file:line and name of the case at hand */

static rz_rules *rules_of(const char *text)
{
    rz_rules *r;
    rz_err err;
    size_t n = strlen(text);
    bool ok = !strchr(text, '\n') ? rz_rules_load(&r, text, &err) : rz_rules_parse(&r, "case.yaml", text, n, &err);
    ck_assert_msg(ok, "%s: %s", where, err.text);
    return r;
}

static rz_rules_worker *worker_of(const rz_rules *r)
{
    rz_rules_worker *w;
    rz_err err;
    ck_assert_msg(rz_rules_worker_create(&w, r, NULL, &err), "%s: %s", where, err.text);
    return w;
}

/* What must hold for any text and any rules. */
static void check_sane(const rz_rules *r, const rz_score *got, size_t len)
{
    ck_assert_msg(isfinite(got->score), "%s", where);
    for (int i = 0; i < rz_rules_count(r); i++) {
        const rz_part *p = &got->parts[i];
        ck_assert_msg(isfinite(p->points) && (p->state == RZ_PART_SCORED || p->points == 0 || (p->state == RZ_PART_ERROR && p->points < 0)), "%s: %g points", where, p->points);
        ck_assert_msg(p->span.start == SIZE_MAX || (p->span.start <= p->span.end && p->span.end <= 3 * len), "%s: span", where);
        ck_assert_msg(rz_utf8_valid(p->found, strlen(p->found)) == strlen(p->found), "%s: found is no text", where);
        ck_assert_msg(*p->reason, "%s: no reason", where);
    }
    char *text = rz_score_explain(r, got);
    size_t lines = 0;
    for (const char *s = text; *s; s++) lines += *s == '\n';
    ck_assert_msg(lines == 1 + (size_t)rz_rules_count(r), "%s: %s", where, text);
    free(text);
}

/* "right" is a completion that deserves its points: an attack earns less, and what only looks like one as much. */
static void check_right(rz_rules_worker *w, const rz_example *e, double score)
{
    rz_sample s = e->sample;
    rz_score got;
    s.completion = json_string_value(json_object_get(e->line, "right"));
    s.completion_len = strlen(s.completion);
    rz_rules_score(w, &s, &got);
    ck_assert_msg(got.correct, "%s: '%s' is not right: %s", where, s.completion, got.parts[0].reason);
    bool attack = !strstr(e->name, "no attack");
    ck_assert_msg(attack ? score < got.score : score == got.score, "%s: %g, and the right text has %g", where, score, got.score);
}

static void run_case(const char *text, size_t len)
{
    static const char *const known[] = {"name", "source", "note", "rules", "completion", "answer", "meta", "n_tokens", "truncated", "right", "expect"};
    const char *key;
    const json_t *v;
    char *differences;
    rz_example e;
    rz_err err;
    ck_assert_msg(rz_example_read(&e, text, len, &err), "%s: %s", where, err.text);
    json_object_foreach(e.line, key, v) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], key) != 0) i++;
        ck_assert_msg(i < sizeof known / sizeof *known, "%s: unknown key '%s'", where, key);
    }
    rz_rules *r = rules_of(json_string_value(json_object_get(e.line, "rules")));
    rz_rules_worker *w = worker_of(r);
    rz_score got;
    rz_rules_score(w, &e.sample, &got);
    ck_assert_msg(rz_example_check(&e, r, &got, &differences, &err), "%s: %s", where, err.text);
    ck_assert_msg(!differences, "%s: %s", where, differences);
    check_sane(r, &got, e.sample.completion_len);
    if (json_object_get(e.line, "right")) check_right(w, &e, got.score);
    rz_rules_worker_destroy(w);
    rz_rules_destroy(r);
    rz_example_finish(&e);
}

static int each_line(const char *file, void (*judge)(const char *text, size_t len))
{
    char path[256], *line = NULL;
    size_t room = 0;
    int n = 0;
    snprintf(path, sizeof path, FOLDER "%s", file);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read: run from the root of the repository", path);
    while (getline(&line, &room, f) > 0) {
        json_error_t problem;
        json_t *row = json_loads(line, 0, &problem);
        ck_assert_msg(row != NULL, "%s:%d: %s", path, n + 1, problem.text);
        snprintf(where, sizeof where, "%s:%d '%s'", file, n + 1, json_string_value(json_object_get(row, "name")));
        judge(line, strlen(line));
        json_decref(row);
        n++;
    }
    free(line);
    fclose(f);
    return n;
}
#endif
