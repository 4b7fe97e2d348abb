/* The table of verifiers, their parameters, and the patterns a worker keeps for them. */
#include "rewards/internal.h"
#include "rewards/math.h"
#include "base/text.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

enum { ANSWER = 16 << 10 }; /* bytes that are charged as an answer, which more is done to than to a text that is searched */

/* A family is a file: its rows, how many, and what they do at worst to a byte of an answer and to a byte of what else there is. Those of mathematics only search here: they
 * pay for the answer when they have found it. */
static const struct { const rz_verifier *rows; const int *n; int answer, text; } families[] = {
    {rz_verifiers_tasks, &rz_n_verifiers_tasks, 170, 70},
    {rz_verifiers_math_verify, &rz_n_verifiers_math_verify, 12, 12},
    {rz_verifiers_length, &rz_n_verifiers_length, 30, 30},
    {rz_verifiers_hendrycks, &rz_n_verifiers_hendrycks, 10, 10},
    {rz_verifiers_minerva, &rz_n_verifiers_minerva, 30, 30},
    {rz_verifiers_prime, &rz_n_verifiers_prime, 56, 56},
    {rz_verifiers_prm800k, &rz_n_verifiers_prm800k, 10, 10},
    {rz_verifiers_verl_math, &rz_n_verifiers_verl_math, 30, 30},
    {rz_verifiers_presets_extract, &rz_n_verifiers_presets_extract, 30, 30},
    {rz_verifiers_presets_logic_rl, &rz_n_verifiers_presets_logic_rl, 60, 30},
    {rz_verifiers_presets_open_instruct, &rz_n_verifiers_presets_open_instruct, 80, 80},
    {rz_verifiers_presets_tinyzero, &rz_n_verifiers_presets_tinyzero, 20, 20},
    {rz_verifiers_presets_format, &rz_n_verifiers_presets_format, 20, 20},
    {rz_verifiers_presets_length, &rz_n_verifiers_presets_length, 5, 5},
    {rz_verifiers_presets_repetition, &rz_n_verifiers_presets_repetition, 100, 100},
    {rz_verifiers_counts, &rz_n_verifiers_counts, 105, 105},
    {rz_verifiers_gym, &rz_n_verifiers_gym, 200, 130},
    {rz_verifiers_ifeval, &rz_n_verifiers_ifeval, 110, 110},
};

const rz_verifier *rz_verifier_at(int i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        if (i < *families[f].n) return &families[f].rows[i];
        i -= *families[f].n;
    }
    return NULL;
}

int64_t rz_verifier_price(const rz_verifier *v, size_t len)
{
    size_t answer = len < ANSWER ? len : ANSWER;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        if (v >= families[f].rows && v < families[f].rows + *families[f].n) return (int64_t)answer * families[f].answer + (int64_t)(len - answer) * families[f].text;
    return 0;
}

const rz_verifier *rz_verifier_find(const char *name)
{
    const rz_verifier *v;
    for (int i = 0; (v = rz_verifier_at(i)); i++)
        if (strcmp(v->name, name) == 0) return v;
    return NULL;
}

/* ---- parameters ---- */

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_STRING: return "a text";
    case JSON_INTEGER: return "a whole number";
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_ARRAY: return "a list";
    case JSON_OBJECT: return "a map";
    default: return "a text";
    }
}

static bool fits(const json_t *v, const json_t *as)
{
    if (json_is_null(as)) return json_is_string(v) || json_is_null(v);
    if (json_is_real(as)) return json_is_number(v);
    if (json_is_boolean(as)) return json_is_boolean(v);
    return json_typeof(v) == json_typeof(as);
}

static bool set_param(const rz_verifier *v, json_t *all, const char *key, json_t *value, rz_err *err)
{
    const json_t *as = json_object_get(all, key);
    if (!as) {
        const char *names[64], *near, *k;
        json_t *unused;
        int n = 0;
        json_object_foreach(all, k, unused) if (n < 64) names[n++] = k;
        near = rz_nearest(key, names, n);
        return rz_fail(err, RZ_ECONFIG, "%s has no parameter '%.60s'%s%s%s", v->name, key, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (json_is_null(value)) return true; /* the default */
    if (!fits(value, as)) return rz_fail(err, RZ_ECONFIG, "%s: %s must be %s", v->name, key, type_name(as));
    if (json_is_real(as) && json_is_integer(value)) return json_object_set_new(all, key, json_real((double)json_integer_value(value))) == 0;
    return json_object_set(all, key, value) == 0;
}

json_t *rz_verifier_params(const rz_verifier *v, const json_t *given, rz_err *err)
{
    json_t *all = v->params ? json_loads(v->params, 0, NULL) : json_object(), *value;
    const char *key;
    bool ok = all || rz_fail(err, RZ_EINTERNAL, "the parameters of %s are not JSON", v->name);
    if (ok && given) json_object_foreach((json_t *)given, key, value) ok = ok && set_param(v, all, key, value, err);
    if (ok && v->check) ok = v->check(all, err);
    if (ok) return all;
    json_decref(all);
    return NULL;
}

const json_t *rz_param(const rz_case *c, const char *name) { return json_object_get(c->params, name); }
double rz_param_number(const rz_case *c, const char *name) { return json_number_value(rz_param(c, name)); }
int64_t rz_param_int(const rz_case *c, const char *name) { return json_integer_value(rz_param(c, name)); }
bool rz_param_bool(const rz_case *c, const char *name) { return json_is_true(rz_param(c, name)); }
const char *rz_param_text(const rz_case *c, const char *name) { return json_string_value(rz_param(c, name)); }

rz_slice rz_case_gold(const rz_case *c) { return (rz_slice){json_string_value(c->gold), json_string_length(c->gold)}; }

/* ---- outcomes ---- */

void rz_outcome_begin(outcome *o)
{
    o->state = RZ_PART_SCORED;
    o->passed = o->gold_problem = o->crashed = o->nondeterministic = false;
    o->points = 0;
    o->span = NO_SPAN;
    o->found[0] = o->expected[0] = o->reason[0] = 0;
    o->value = NULL;
}

static void set(outcome *o, rz_part_state state, bool passed, double points, const char *fmt, va_list args)
{
    o->state = state;
    o->passed = passed;
    o->points = points;
    vsnprintf(o->reason, sizeof o->reason, fmt, args);
}

void rz_outcome_scored(outcome *o, bool passed, double points, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(o, RZ_PART_SCORED, passed, points, fmt, args);
    va_end(args);
}

void rz_outcome_skipped(outcome *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(o, RZ_PART_SKIPPED, false, 0, fmt, args);
    va_end(args);
}

void rz_outcome_error(outcome *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(o, RZ_PART_ERROR, false, 0, fmt, args);
    va_end(args);
}

void rz_outcome_gold_error(outcome *o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set(o, RZ_PART_ERROR, false, 0, fmt, args);
    va_end(args);
    o->gold_problem = true;
}

double rz_params_least(const json_t *params, const char *const *names, int n)
{
    double least = json_number_value(json_object_get(params, names[0]));
    for (int i = 1; i < n; i++) least = fmin(least, json_number_value(json_object_get(params, names[i])));
    return least;
}

double rz_verifier_least(const rz_verifier *v, const json_t *params) { return v->least ? v->least(params) : v->bottom; }

void rz_verifier_score(const rz_verifier *v, const rz_case *c, outcome *o)
{
    rz_outcome_begin(o);
    if (v->score)
        v->score(c, o);
    else
        v->score_group(c, 1, o);
}

/* ---- work ---- */

enum { MATH_UNIT = 20 }; /* units of all rules that one of mathematics is */

bool rz_env_spend(rz_env *env, int64_t units)
{
    int64_t left = rz_matcher_left(env->matcher) - units;
    rz_matcher_allow(env->matcher, left);
    return left >= 0;
}

long rz_env_math_work(const rz_env *env)
{
    int64_t left = rz_matcher_left(env->matcher) / MATH_UNIT;
    return left < 1 ? 1 : left < RZ_MATH_WORK ? (long)left + 1 : RZ_MATH_WORK; /* one more than there is: who needs it all goes over */
}

void rz_env_math_spent(rz_env *env, long work) { (void)rz_env_spend(env, (int64_t)work * MATH_UNIT); }

void rz_case_enter(const rz_case *c) { rz_matcher_allow(c->env->matcher, c->work ? *c->work : INT64_MAX); }

void rz_case_leave(const rz_case *c)
{
    if (c->work) *c->work = rz_matcher_left(c->env->matcher);
}

/* ---- a worker's patterns ---- */

enum { MAX_KEPT_PATTERNS = 1024 };

struct rz_env_pattern {
    char *text;
    unsigned flags;
    rz_pattern *pattern;
};

bool rz_env_init(rz_env *env, rz_arena *scratch, rz_err *err)
{
    *env = (rz_env){.scratch = scratch};
    if (!rz_matcher_create(&env->matcher, err)) return false;
    env->fold = rz_env_pattern(env, RZ_FOLD_PATTERN, RZ_PATTERN_DOTALL | RZ_PATTERN_ANCHORED, err);
    return env->fold;
}

static void forget_patterns(rz_env *env, const rz_pattern *but)
{
    for (int i = 0; i < env->cap_patterns; i++) {
        struct rz_env_pattern *at = &env->patterns[i];
        if (!at->text || at->pattern == but) continue;
        free(at->text);
        rz_pattern_destroy(at->pattern);
        *at = (struct rz_env_pattern){0};
        env->n_patterns--;
    }
}

void rz_env_finish(rz_env *env)
{
    rz_math_forget();
    rz_matcher_destroy(env->matcher);
    forget_patterns(env, NULL);
    free(env->patterns);
    *env = (rz_env){0};
}

/* The slot that holds the pattern, or the free one where it belongs: open addressing, FNV-1a. */
static struct rz_env_pattern *slot(const rz_env *env, const char *pattern, unsigned flags)
{
    uint32_t h = 2166136261u ^ flags;
    for (const char *p = pattern; *p; p++) h = (h ^ (unsigned char)*p) * 16777619u;
    for (;; h++) {
        struct rz_env_pattern *at = &env->patterns[h & (uint32_t)(env->cap_patterns - 1)];
        if (!at->text || (at->flags == flags && strcmp(at->text, pattern) == 0)) return at;
    }
}

static void grow(rz_env *env)
{
    rz_env old = *env;
    env->cap_patterns = old.cap_patterns ? 2 * old.cap_patterns : 32;
    env->patterns = rz_calloc((size_t)env->cap_patterns, sizeof *env->patterns);
    for (int i = 0; i < old.cap_patterns; i++)
        if (old.patterns[i].text) *slot(env, old.patterns[i].text, old.patterns[i].flags) = old.patterns[i];
    free(old.patterns);
}

void rz_env_trim(rz_env *env)
{
    if (env->n_patterns <= MAX_KEPT_PATTERNS) return;
    struct rz_env_pattern fold = {0};
    forget_patterns(env, env->fold);
    for (int i = 0; i < env->cap_patterns; i++)
        if (env->patterns[i].text) fold = env->patterns[i];
    free(env->patterns);
    env->patterns = NULL;
    env->n_patterns = env->cap_patterns = 0;
    grow(env);
    *slot(env, fold.text, fold.flags) = fold;
    env->n_patterns = 1;
}

const rz_pattern *rz_env_pattern(rz_env *env, const char *pattern, unsigned flags, rz_err *err)
{
    if (2 * env->n_patterns >= env->cap_patterns) grow(env);
    struct rz_env_pattern *at = slot(env, pattern, flags);
    rz_err ignored = {0};
    if (at->text) return at->pattern;
    if (!rz_pattern_create(&at->pattern, pattern, flags | RZ_PATTERN_COUNTED, DEFAULT_STEPS, err ? err : &ignored)) return NULL;
    at->text = rz_strdup(pattern);
    at->flags = flags;
    env->n_patterns++;
    return at->pattern;
}

rz_match_result rz_env_search(rz_env *env, const char *pattern, unsigned flags, rz_slice subject, size_t from, rz_span *spans, int n_spans)
{
    if (subject.len > MAX_SUBJECT) return RZ_MATCH_LIMIT;
    const rz_pattern *p = rz_env_pattern(env, pattern, flags, NULL);
    return p ? rz_pattern_match(p, env->matcher, subject.s, subject.len, from, spans, n_spans) : RZ_MATCH_LIMIT;
}
