/* What the tests of presets share: cases whose originals were run, one case, and an arena with an env for it. */
#ifndef RZ_TESTS_PRESETS_H
#define RZ_TESTS_PRESETS_H
#include "rewards/internal.h"
#include "rewards/parity.h"
#include "rewards/python.h"
#include "tests/suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every case of the file agrees; returns how many there are. */
static inline int agree_with_originals(const char *path)
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

static rz_arena arena;
static rz_env env;

static inline void setup(void)
{
    rz_err err = {0};
    ck_assert_msg(rz_arena_init(&arena, (size_t)4 << 30, &err) && rz_env_init(&env, &arena, &err), "%s", err.text);
}

static inline void teardown(void)
{
    rz_env_finish(&env);
    rz_arena_finish(&arena);
}

/* The outcome of a preset for one case; params: JSON or NULL. */
static inline outcome judge_case(const char *name, const char *params, rz_case c)
{
    rz_err err = {0};
    const rz_verifier *v = rz_verifier_find(name);
    outcome o;
    ck_assert_msg(v, "%s", name);
    json_t *given = params ? json_loads(params, 0, NULL) : NULL, *all = rz_verifier_params(v, given, &err);
    ck_assert_msg(all && !params == !given, "%s %s", name, err.text);
    c.env = &env;
    c.params = all;
    rz_verifier_score(v, &c, &o);
    json_decref(all);
    json_decref(given);
    return o;
}

static inline outcome judge(const char *name, const char *params, rz_slice text, const char *gold)
{
    json_t *answer = gold ? json_string(gold) : NULL;
    outcome o = judge_case(name, params, (rz_case){.text = text, .gold = answer, .n_tokens = -1});
    json_decref(answer);
    return o;
}

/* The same with params, gold and meta as JSON, or NULL; what the case took of the arena is given back. */
static inline outcome judge_json(const char *name, const char *params, const char *text, size_t len, const char *gold, const char *meta)
{
    json_t *answer = gold ? json_loads(gold, JSON_DECODE_ANY, NULL) : NULL, *data = meta ? json_loads(meta, 0, NULL) : NULL;
    ck_assert_msg(!gold == !answer && !meta == !data, "%s", name);
    outcome o = judge_case(name, params, (rz_case){.text = {text, len}, .gold = answer, .meta = data, .n_tokens = -1});
    rz_arena_release(&arena, 0);
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

/* Whether the parameters are refused with this sentence in the message. */
static inline void refuses(const char *name, const char *params, const char *sentence)
{
    rz_err err = {0};
    json_t *given = json_loads(params, 0, NULL), *all = rz_verifier_params(rz_verifier_find(name), given, &err);
    ck_assert_msg(!all && strstr(err.text, sentence), "%s with %s: '%s'", name, params, err.text);
    json_decref(given);
}
#endif
