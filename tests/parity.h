/* For tests of presets: a file of their originals' verdicts, and single cases. */
#ifndef RZ_TESTS_PARITY_H
#define RZ_TESTS_PARITY_H
#include "rewards/internal.h"
#include "rewards/parity.h"
#include "tests/suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every line of the file must be judged as its original did. Returns how many there were. */
static inline int judge_lines(const char *path)
{
    FILE *f = fopen(path, "r");
    rz_parity *p;
    rz_err err = {0};
    char *line = NULL;
    size_t cap = 0;
    int n = 0;
    ck_assert_msg(f && rz_parity_create(&p, &err), "%s: %s", path, err.text);
    for (; getline(&line, &cap, f) > 0; n++) {
        json_t *c = json_loads(line, JSON_ALLOW_NUL, NULL);
        rz_parity_verdict v;
        ck_assert_msg(c && rz_parity_judge(p, c, &v, &err), "%s: %s", err.text, line);
        char *ours = v.ours ? json_dumps(v.ours, JSON_ENCODE_ANY) : NULL;
        ck_assert_msg(v.agreed, "%s made of it: %s (%s)", line, ours ? ours : "nothing", v.reason);
        free(ours);
        json_decref(v.ours);
        json_decref(c);
    }
    free(line);
    rz_parity_destroy(p);
    fclose(f);
    return n;
}

static rz_arena case_arena;
static rz_env case_env;

static inline void case_setup(void)
{
    rz_err err = {0};
    ck_assert_msg(rz_arena_init(&case_arena, (size_t)4 << 30, &err) && rz_env_init(&case_env, &case_arena, &err), "%s", err.text);
}

static inline void case_teardown(void)
{
    rz_env_finish(&case_env);
    rz_arena_finish(&case_arena);
}

/* params, gold and meta are JSON, or NULL. */
static inline outcome judge_case(const char *name, const char *params, const char *text, size_t len, const char *gold, const char *meta)
{
    rz_err err = {0};
    const rz_verifier *v = rz_verifier_find(name);
    outcome o;
    ck_assert_msg(v, "%s", name);
    json_t *given = params ? json_loads(params, 0, NULL) : NULL, *all = rz_verifier_params(v, given, &err);
    json_t *answer = gold ? json_loads(gold, JSON_DECODE_ANY, NULL) : NULL, *data = meta ? json_loads(meta, 0, NULL) : NULL;
    ck_assert_msg(all && !params == !given && !gold == !answer && !meta == !data, "%s %s", name, err.text);
    rz_case c = {.env = &case_env, .text = {text, len}, .gold = answer, .meta = data, .params = all, .n_tokens = -1};
    rz_verifier_score(v, &c, &o);
    rz_arena_release(&case_arena, 0);
    json_decref(all);
    json_decref(given);
    json_decref(answer);
    json_decref(data);
    return o;
}

/* The text `piece`, n times. */
static inline char *many(const char *piece, size_t n)
{
    size_t len = strlen(piece);
    char *s = malloc(len * n + 1);
    ck_assert(s != NULL);
    for (size_t i = 0; i < n; i++) memcpy(s + i * len, piece, len);
    s[len * n] = 0;
    return s;
}
#endif
