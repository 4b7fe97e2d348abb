#include "rewards/parity.h"
#include "rewards/internal.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROUP = 4096 };
static const double TOLERANCE = 1e-9;

struct rz_parity {
    rz_arena arena;
    rz_env env;
};

/* Which preset stands for a function. One * in the function stands for any text, which replaces the * of the preset. unread: parameters of the case, parted by
 * blanks, that do not decide ("*": none of them does). */
static const struct { const char *system, *function, *preset, *unread; } table[] = {
    {"hendrycks-math", "is_equiv", "hendrycks/is_equiv", ""},
    {"hendrycks-math", "_strip_string", "hendrycks/strip_string", ""},
    {"ifeval(lm-eval-harness)", "*", "ifeval/*", ""},
    {"lm-eval-harness", "RegexFilter:*", "lm-eval/regex_filter", ""},
    {"logic-rl", "kk.compute_score", "logic-rl/kk", ""},
    {"math-verify", "verify(parse(gold),parse(pred))", "math-verify/verify", "defaults"},
    {"math-verify", "parse+verify", "math-verify/verify", ""},
    {"open-instruct", "GSM8KVerifier", "open-instruct/gsm8k", ""},
    {"open-instruct", "MathVerifier", "open-instruct/math", ""},
    {"open-instruct", "ReSearchVerifierF1", "open-instruct/research_f1", ""},
    {"open-instruct", "R1SearchVerifier", "open-instruct/r1_search", ""},
    {"open-instruct", "StringMatcherVerifier", "open-instruct/string_matcher", ""},
    {"open-instruct", "soft_format_reward_func", "open-instruct/soft_format", ""},
    {"open-instruct", "MaxLenVerifier", "open-instruct/max_len", ""},
    {"open-instruct", "UpToMaxLenVerifier", "open-instruct/up_to_max_len", ""},
    {"open-r1", "accuracy_reward", "open-r1/accuracy", ""},
    {"open-r1", "format_reward", "open-r1/format", ""},
    {"open-r1", "tag_count_reward", "open-r1/tag_count", ""},
    {"open-r1", "reasoning_steps_reward", "open-r1/reasoning_steps", ""},
    {"open-r1", "repetition_penalty_reward", "open-r1/repetition", ""},
    {"open-r1", "code_format_reward", "open-r1/code_format", ""},
    {"open-r1", "extract_code", "open-r1/extract_code", ""},
    {"open-r1", "soft_overlong_punishment", "open-r1/soft_overlong", ""},
    {"open-r1", "cosine_scaled_reward", "open-r1/cosine", ""},
    {"open-r1", "len_reward", "open-r1/len", ""},
    {"prm800k", "grade_answer", "prm800k/grade_answer", ""},
    {"reasoning-gym", "extract_answer", "reasoning-gym/extract_answer", ""},
    {"reasoning-gym", "*.score_answer", "reasoning-gym/*", "*"}, /* parameters are the generator's */
    {"tinyzero", "countdown.compute_score", "tinyzero/countdown", ""},
    {"tinyzero", "multiply.compute_score", "tinyzero/multiply", ""},
    {"trl", "accuracy_reward", "trl/accuracy", ""},
    {"trl", "reasoning_accuracy_reward", "trl/reasoning_accuracy", ""},
    {"trl", "think_format_reward", "trl/think_format", ""},
    {"trl", "repetition_penalty_reward", "trl/repetition", ""},
    {"trl", "soft_overlong_punishment", "trl/soft_overlong", ""},
    {"trl", "cosine_scaled_reward", "trl/cosine", ""},
    {"understand-r1-zero", "boxed_reward_fn", "oat/boxed", ""},
    {"understand-r1-zero", "answer_tag_reward_fn", "oat/answer_tag", ""},
    {"lm-eval-harness", "minerva_math.process_results", "lm-eval/minerva", ""},
    {"open-instruct", "MathVerifier", "open-instruct/math", ""},
    {"verl", "geo3k.compute_score", "verl/geo3k", ""},
    {"verl", "prime_math.compute_score", "verl/prime_math", ""},
    {"verl", "gsm8k.compute_score", "verl/gsm8k", ""},
    {"verl", "math_reward.compute_score", "verl/math", ""},
    {"verl", "math_dapo.compute_score", "verl/math_dapo", ""},
    {"verl", "math_dapo.normalize_final_answer", "verl/math_dapo_normalize", ""},
    {"verl", "prime_math.compute_score", "verl/prime_math", ""},
    {"verl", "prime_math.match_answer", "verl/prime_math_match", ""},
    {"verl", "geo3k.compute_score", "verl/geo3k", ""},
    {"verl", "geo3k.format_reward", "verl/geo3k_format", ""},
};
enum { N_ROWS = sizeof table / sizeof *table };

bool rz_parity_create(rz_parity **out, rz_err *err)
{
    rz_parity *p = *out = rz_calloc(1, sizeof *p);
    return rz_arena_init(&p->arena, (size_t)1 << 30, err) && rz_env_init(&p->env, &p->arena, err);
}

void rz_parity_destroy(rz_parity *p)
{
    if (!p) return;
    rz_env_finish(&p->env);
    rz_arena_finish(&p->arena);
    free(p);
}

/* ---- which preset ---- */

/* Whether name is `pattern`, and what its * stands for. */
static bool fits(const char *pattern, const char *name, rz_slice *star)
{
    const char *at = strchr(pattern, '*');
    *star = (rz_slice){"", 0};
    if (!at) return strcmp(pattern, name) == 0;
    size_t before = (size_t)(at - pattern), after = strlen(at + 1), n = strlen(name);
    if (n < before + after || memcmp(pattern, name, before) != 0 || strcmp(name + n - after, at + 1) != 0) return false;
    *star = (rz_slice){name + before, n - before - after};
    return true;
}

/* Row of the table, or −1; the preset's name in out->preset. */
static int find_row(rz_parity_verdict *out)
{
    rz_slice star;
    for (int i = 0; i < N_ROWS; i++) {
        if (strcmp(table[i].system, out->system) != 0 || !fits(table[i].function, out->function, &star)) continue;
        const char *at = strchr(table[i].preset, '*');
        if (at)
            snprintf(out->preset, sizeof out->preset, "%.*s%.*s%s", (int)(at - table[i].preset), table[i].preset, (int)star.len, star.s, at + 1);
        else
            snprintf(out->preset, sizeof out->preset, "%s", table[i].preset);
        return i;
    }
    return -1;
}

static bool listed(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

static json_t *params_of(int row, const rz_verifier *v, const json_t *c, rz_err *err)
{
    json_t *given = json_object(), *value;
    const char *key;
    json_object_foreach(json_object_get(c, "params"), key, value)
        if (strcmp(table[row].unread, "*") != 0 && !listed(table[row].unread, key)) json_object_set(given, key, value);
    json_t *all = rz_verifier_params(v, given, err);
    json_decref(given);
    return all;
}

/* ---- the case as the preset sees it ---- */

static bool make_ids(rz_parity *p, const json_t *ids, rz_case *c)
{
    size_t n = json_array_size(ids), i;
    int32_t *list = RZ_NEW(&p->arena, n + 1, int32_t);
    const json_t *id;
    json_array_foreach(ids, i, id) {
        if (!json_is_integer(id)) return false;
        list[i] = (int32_t)json_integer_value(id);
    }
    c->ids = list;
    c->n_tokens = (int)n;
    return json_is_array(ids);
}

/* What a list of the group says of member i; else the value is everybody's. */
static const json_t *of_member(const json_t *v, size_t n, size_t i) { return json_is_array(v) && n && json_array_size(v) == n ? json_array_get(v, i) : v; }

static bool make_cases(rz_parity *p, const json_t *c, const json_t *params, rz_case *cases, size_t n_group, rz_err *err)
{
    const json_t *ids = json_object_get(c, "completion_ids"), *n_tokens = json_object_get(c, "n_tokens"), *list = json_object_get(c, "completions");
    for (size_t i = 0; i < (n_group ? n_group : 1); i++) {
        const json_t *text = n_group ? json_array_get(list, i) : json_object_get(c, "completion"), *n = of_member(n_tokens, n_group, i);
        const json_t *gold = of_member(json_object_get(c, "gold"), n_group, i), *meta = of_member(json_object_get(c, "meta"), n_group, i);
        const json_t *question = json_object_get(c, "question");
        if (text && !json_is_string(text) && !json_is_null(text)) return rz_fail(err, RZ_EDATA, "a completion is no text");
        if (json_is_null(gold)) gold = NULL;
        if (!json_is_object(meta)) meta = json_is_object(gold) ? gold : NULL; /* originals that take a dict for their gold */
        cases[i] = (rz_case){.env = &p->env, .params = params, .gold = gold, .meta = meta, .n_tokens = -1, .wants_value = true, .text = {"", 0},
                             .correct = json_is_true(of_member(json_object_get(c, "is_correct"), n_group, i))};
        if (text) cases[i].text = (rz_slice){json_string_value(text), json_string_length(text)};
        if (json_is_string(question)) cases[i].prompt = (rz_slice){json_string_value(question), json_string_length(question)};
        if (json_is_integer(n)) cases[i].n_tokens = (int)json_integer_value(n);
        if (ids && !make_ids(p, ids, &cases[i])) return rz_fail(err, RZ_EDATA, "completion_ids is no list of integers");
        if (!text && !ids && !json_is_integer(n))
            return rz_fail(err, RZ_EDATA, "the case has none of completion, completions, completion_ids, n_tokens: give what was scored");
    }
    return true;
}

/* ---- the comparison ---- */

static bool same(const json_t *a, const json_t *b)
{
    const char *key;
    const json_t *v;
    size_t i;
    if (json_is_number(a) && json_is_number(b)) return fabs(json_number_value(a) - json_number_value(b)) <= TOLERANCE;
    if (!a || !b || json_typeof(a) != json_typeof(b)) return false;
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b)) return false;
        json_array_foreach(a, i, v)
            if (!same(v, json_array_get(b, i))) return false;
        return true;
    }
    if (!json_is_object(a)) return json_equal(a, b);
    if (json_object_size(a) != json_object_size(b)) return false;
    json_object_foreach((json_t *)a, key, v)
        if (!same(v, json_object_get(b, key))) return false;
    return true;
}

/* An outcome in the form of what was expected. A case that raised is one that we call an error; a skip is Python's None. */
static json_t *in_form_of(const json_t *expected, const outcome *o)
{
    if (json_is_object(expected) && json_object_get(expected, "raises") && o->state == RZ_PART_ERROR) return json_deep_copy(expected);
    if (o->state == RZ_PART_SKIPPED) return json_null();
    if (o->state == RZ_PART_ERROR) return json_pack("{s:s}", "error", o->reason);
    if (json_is_boolean(expected)) return o->points == 0 || o->points == 1 ? json_boolean(o->points == 1) : json_real(o->points);
    if (o->value && !json_is_number(expected)) return json_incref(o->value);
    return json_real(o->points);
}

static void judge(const rz_verifier *v, const rz_case *cases, size_t n_group, const json_t *expected, rz_parity_verdict *out, outcome *o)
{
    if (n_group && v->score_group) {
        for (size_t i = 0; i < n_group; i++) rz_outcome_begin(&o[i]);
        v->score_group(cases, (int)n_group, o);
    } else {
        for (size_t i = 0; i < (n_group ? n_group : 1); i++) rz_verifier_score(v, &cases[i], &o[i]);
    }
    if (n_group) {
        out->ours = json_array();
        for (size_t i = 0; i < n_group; i++) json_array_append_new(out->ours, in_form_of(json_array_get(expected, i), &o[i]));
    } else {
        out->ours = in_form_of(expected, &o[0]);
    }
    out->agreed = same(out->ours, expected);
    snprintf(out->reason, sizeof out->reason, "%s", o[0].reason);
    for (size_t i = 0; i < (n_group ? n_group : 1); i++) json_decref(o[i].value);
}

bool rz_parity_judge(rz_parity *p, const json_t *c, rz_parity_verdict *out, rz_err *err)
{
    const char *system = json_string_value(json_object_get(c, "system")), *function = json_string_value(json_object_get(c, "function"));
    const json_t *list = json_object_get(c, "completions"), *expected = json_object_get(c, "expected");
    size_t n_group = json_array_size(list);
    *out = (rz_parity_verdict){.system = system, .function = function};
    if (!system || !function || !expected) return rz_fail(err, RZ_EDATA, "not a case: \"system\", \"function\" (texts) and \"expected\" must be there");
    if (list && (n_group < 1 || n_group > MAX_GROUP)) return rz_fail(err, RZ_EDATA, "completions must be a list of 1..%d texts", MAX_GROUP);
    rz_arena_release(&p->arena, 0);
    rz_case *cases = RZ_NEW(&p->arena, n_group + 1, rz_case);
    outcome *outcomes = RZ_NEW(&p->arena, n_group + 1, outcome);
    int row = find_row(out);
    if (row < 0) {
        snprintf(out->reason, sizeof out->reason, "no preset stands for this function");
        return true;
    }
    const rz_verifier *v = rz_verifier_find(out->preset);
    if (!v) {
        snprintf(out->reason, sizeof out->reason, "there is no preset %s", out->preset);
        return true;
    }
    rz_err bad = {0};
    json_t *params = params_of(row, v, c, &bad);
    if (!params) {
        snprintf(out->reason, sizeof out->reason, "%.500s", bad.text);
        return true;
    }
    bool ok = make_cases(p, c, params, cases, n_group, err);
    if (ok) judge(v, cases, n_group, expected, out, outcomes);
    json_decref(params);
    return ok;
}
