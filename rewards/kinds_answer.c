/* Rule kinds about what is answered: compare (with a gold) and expr_uses_numbers (Countdown). */
#include "rewards/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void gold_error(outcome *o, const rule *u, const char *fmt, ...)
{
    va_list args;
    o->state = u->gold_error_skips ? RZ_PART_SKIPPED : RZ_PART_ERROR;
    o->gold_problem = true;
    o->points = 0;
    va_start(args, fmt);
    vsnprintf(o->reason, sizeof o->reason, fmt, args);
    va_end(args);
}

bool rz_answer_extract(evaluation *e, const rule *u, rz_span where, outcome *o, rz_slice *out)
{
    char why[REASON];
    extract_result got = rz_extract(e, &u->extract, where, &o->span, why);
    if (got == LIMIT_HIT) {
        rz_outcome_error(o, "%s", why);
        return false;
    }
    if (got == NOTHING) {
        rz_outcome_fail(o, u, "no answer: %s", why);
        o->points = u->no_extract;
        return false;
    }
    *out = (rz_slice){e->text + o->span.start, o->span.end - o->span.start};
    if (out->len <= MAX_ANSWER) return true;
    rz_outcome_fail(o, u, "the answer has %zu bytes: over %d none is read", out->len, MAX_ANSWER);
    return false;
}

/* ---- the gold ---- */

const json_t *rz_evaluation_meta(evaluation *e)
{
    const char *text = e->sample->meta;
    if (!e->meta_is_read && text) {
        size_t len = strnlen(text, MAX_META + 1);
        if (len <= MAX_META) e->meta = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(e->meta)) json_decref(e->meta), e->meta = NULL;
    }
    e->meta_is_read = true;
    return e->meta;
}

static const json_t *meta_get(evaluation *e, const rule *u, const char *key, outcome *o)
{
    const json_t *all = rz_evaluation_meta(e), *v = all ? json_object_get(all, key) : NULL;
    if (!e->sample->meta)
        gold_error(o, u, "the sample has no meta, from which '%s' was to be read", key);
    else if (!all)
        gold_error(o, u, "the sample's meta is not a JSON object (or too large, or an integer in it is beyond 64 bits)");
    else if (!v)
        gold_error(o, u, "the sample's meta has no '%s'", key);
    return v;
}

/* Text of the gold: the sample's answer, or a text or integer of meta. */
static bool gold_text(evaluation *e, const rule *u, outcome *o, rz_slice *out)
{
    const char *text = e->sample->answer;
    if (u->gold_key) {
        const json_t *v = meta_get(e, u, u->gold_key, o);
        if (!v) return false;
        if (json_is_integer(v)) {
            char *digits = RZ_NEW(e->env->scratch, 32, char);
            snprintf(digits, 32, "%lld", (long long)json_integer_value(v));
            text = digits;
        } else {
            text = json_string_value(v);
            if (!text) {
                gold_error(o, u, "the sample's meta has a '%s' that is neither text nor an integer: write decimals as text", u->gold_key);
                return false;
            }
        }
    }
    if (!text || !*text) {
        gold_error(o, u, "the sample has no answer to compare with");
        return false;
    }
    *out = (rz_slice){text, strnlen(text, MAX_ANSWER + 1)};
    if (out->len <= MAX_ANSWER) return true;
    gold_error(o, u, "the sample's answer is over %d bytes", MAX_ANSWER);
    return false;
}

bool rz_gold_json(evaluation *e, const rule *u, outcome *o, const json_t **out)
{
    *out = NULL;
    if (u->gold_key) return (*out = meta_get(e, u, u->gold_key, o)) != NULL;
    if (!e->answer && e->sample->answer && *e->sample->answer) {
        size_t len = strnlen(e->sample->answer, MAX_ANSWER + 1);
        if (len > MAX_ANSWER) {
            gold_error(o, u, "the sample's answer is over %d bytes", MAX_ANSWER);
            return false;
        }
        e->answer = json_stringn(e->sample->answer, len);
    }
    *out = e->answer;
    return true;
}

/* ---- compare ---- */

/* "trim", or `number: us`, which without quotes is a map of one key to YAML. */
static bool step_name(const schema *s, const rz_yaml *item, char *out, size_t size)
{
    bool pair = item->kind == RZ_YAML_MAP && item->n == 1 && item->items[0]->kind == RZ_YAML_SCALAR;
    if (!pair && !rz_schema_is(s, item, "normalise", RZ_YAML_SCALAR)) return false;
    snprintf(out, size, "%s%s%s", pair ? item->keys[0] : "", pair ? ": " : "", pair ? item->items[0]->text : item->text);
    return true;
}

bool rz_normalise_load(const schema *s, rule *u, const rz_yaml *y)
{
    const rz_yaml *list = rz_yaml_get(y, "normalise");
    u->normalise = RZ_NEW(s->arena, list ? list->n + 1 : 1, const rz_normaliser *);
    u->normalise[0] = &rz_normalisers[0];
    u->n_normalise = 1;
    if (!list) return true;
    if (!rz_schema_is(s, list, "normalise", RZ_YAML_LIST)) return false;
    u->n_normalise = list->n;
    const char *names[16];
    for (int k = 0; k < rz_n_normalisers; k++) names[k] = rz_normalisers[k].name;
    for (int i = 0; i < list->n; i++) {
        char wanted[128], all[256];
        if (!step_name(s, list->items[i], wanted, sizeof wanted)) return false;
        int k = rz_schema_find(wanted, names, rz_n_normalisers);
        if (k < 0)
            return rz_schema_bad(s, list->items[i]->at, "normalise has '%.60s', must be out of %s", wanted,
                                 rz_schema_join(names, rz_n_normalisers, all, sizeof all));
        u->normalise[i] = &rz_normalisers[k];
    }
    return true;
}

bool rz_gold_load(const schema *s, rule *u, const rz_yaml *y)
{
    const char *gold = "answer";
    if (!rz_schema_text(s, y, "gold", &gold)) return false;
    if (strncmp(gold, "meta.", 5) == 0 && gold[5])
        u->gold_key = gold + 5;
    else if (strcmp(gold, "answer") != 0)
        return rz_schema_bad(s, rz_yaml_get(y, "gold")->at, "gold is '%.60s', must be answer or meta.KEY", gold);
    return true;
}

static bool load_compare(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    static const char *const keys[] = {"kind", "gold"};
    const rz_yaml *c = rz_yaml_get(y, "compare"), *x = rz_yaml_get(y, "extract");
    const char *names[16];
    char all[256];
    if (!c) return rz_schema_bad(s, y->at, "compare is missing: say how, as in compare: {kind: int}");
    if (!x) return rz_schema_bad(s, y->at, "extract is missing: say where the answer is, as in extract: {tag: answer}");
    for (int i = 0; i < rz_n_comparers; i++) names[i] = rz_comparers[i].name;
    rz_schema_join(names, rz_n_comparers, all, sizeof all);
    int kind = -1;
    if (c->kind == RZ_YAML_MAP) {
        if (!rz_schema_choice(s, c, "kind", names, rz_n_comparers, &kind) || !rz_gold_load(s, u, c)) return false;
    } else if (!rz_schema_choice(s, y, "compare", names, rz_n_comparers, &kind)) {
        return false;
    }
    if (kind < 0) return rz_schema_bad(s, c->at, "compare: kind is missing: one of %s", all);
    u->comparer = &rz_comparers[kind];
    if (c->kind == RZ_YAML_MAP && !rz_params_load(s, c, u->comparer->name, u->comparer->options, keys, 2, &u->options)) return false;
    if (u->options && u->comparer->check && !u->comparer->check(u->options, s->err)) return rz_schema_bad_there(s, c->at);
    if (!u->options) u->options = u->comparer->options ? json_loads(u->comparer->options, 0, NULL) : json_object();
    return rz_extract_load(s, r, &u->extract, x) && rz_normalise_load(s, u, y);
}

rz_slice rz_normalised(rz_env *env, const rule *u, rz_slice t)
{
    char *copy = RZ_NEW(env->scratch, t.len + 1, char);
    memcpy(copy, t.s, t.len);
    for (int i = 0; i < u->n_normalise; i++) u->normalise[i]->apply(copy, &t.len);
    return (rz_slice){copy, t.len};
}

static void score_compare(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    rz_slice gold, found;
    if (!gold_text(e, u, o, &gold)) return;
    gold = rz_normalised(e->env, u, gold);
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    /* a gold that does not equal itself is no gold; found out before the completion is looked at */
    if (!gold.len || u->comparer->compare(e->env, gold, gold, u->options) != RZ_EQUAL) {
        gold_error(o, u, "the sample's answer '%.80s' is not %s", o->expected, u->comparer->wanted);
        return;
    }
    if (!rz_answer_extract(e, u, where, o, &found)) return;
    found = rz_normalised(e->env, u, found);
    rz_show(o->found, sizeof o->found, found.s, found.len);
    rz_verdict v = u->comparer->compare(e->env, found, gold, u->options);
    if (v == RZ_EQUAL)
        rz_outcome_pass(o, u);
    else if (v == RZ_DIFFERENT)
        rz_outcome_fail(o, u, "differs from the answer (compared as %s)", u->comparer->name);
    else
        rz_outcome_fail(o, u, "what was found is not %s", u->comparer->wanted);
}

/* ---- expr_uses_numbers ---- */

static bool load_expr(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const rz_yaml *x = rz_yaml_get(y, "extract");
    u->numbers_key = "numbers";
    u->target_key = "target";
    if (!x) return rz_schema_bad(s, y->at, "extract is missing: say where the expression is, as in extract: {tag: answer}");
    return rz_schema_text(s, y, "numbers", &u->numbers_key) && rz_schema_text(s, y, "target", &u->target_key) &&
           rz_extract_load(s, r, &u->extract, x);
}

static const int64_t MAX_NUMBER = 999999999999999999; /* as many digits as an expression may write */

static bool read_gold_numbers(evaluation *e, const rule *u, outcome *o, int64_t *numbers, int *n, int64_t *target)
{
    const json_t *list = meta_get(e, u, u->numbers_key, o), *t = list ? meta_get(e, u, u->target_key, o) : NULL;
    if (!t) return false;
    size_t size = json_is_array(list) ? json_array_size(list) : 0;
    if (size < 1 || size > RZ_EXPR_MAX_NUMBERS || !json_is_integer(t) || llabs(json_integer_value(t)) > MAX_NUMBER) {
        gold_error(o, u, "the sample's meta must hold '%s', 1..%d integers, and '%s', an integer of at most 18 digits", u->numbers_key,
                   RZ_EXPR_MAX_NUMBERS, u->target_key);
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const json_t *v = json_array_get(list, i);
        numbers[i] = json_is_integer(v) ? json_integer_value(v) : -1;
        if (numbers[i] >= 0 && numbers[i] <= MAX_NUMBER) continue;
        gold_error(o, u, "entry %zu of the sample's '%s' must be an integer, 0 or more, of at most 18 digits", i + 1, u->numbers_key);
        return false;
    }
    *n = (int)size;
    *target = json_integer_value(t);
    return true;
}

static void show_task(outcome *o, const int64_t *numbers, int n, int64_t target)
{
    size_t at = (size_t)snprintf(o->expected, sizeof o->expected, "%lld, with each of", (long long)target);
    for (int i = 0; i < n && at < sizeof o->expected; i++)
        at += (size_t)snprintf(o->expected + at, sizeof o->expected - at, " %lld", (long long)numbers[i]);
    if (at < sizeof o->expected) snprintf(o->expected + at, sizeof o->expected - at, " once");
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Both are sorted. Fails the rule at the first number that one of them has more often. */
static bool same_numbers(const int64_t *given, int n, const int64_t *used, int m, const rule *u, outcome *o)
{
    int i = 0;
    while (i < n && i < m && given[i] == used[i]) i++;
    if (i == n && i == m) return true;
    bool missing = i == m || (i < n && given[i] < used[i]);
    long long v = missing ? given[i] : used[i];
    rz_outcome_fail(o, u, missing ? "%lld is given but not used (often enough)" : "%lld is used but not given (so often)", v);
    return false;
}

static void score_expr(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    int64_t given[RZ_EXPR_MAX_NUMBERS], target;
    int n;
    rz_slice found;
    rz_expr x;
    char value[RZ_RATIONAL_TEXT];
    if (!read_gold_numbers(e, u, o, given, &n, &target)) return;
    show_task(o, given, n, target);
    if (!rz_answer_extract(e, u, where, o, &found)) return;
    found = rz_trim(found);
    o->span = (rz_span){(size_t)(found.s - e->text), (size_t)(found.s - e->text) + found.len};
    rz_show(o->found, sizeof o->found, found.s, found.len);
    rz_expr_eval(found.s, found.len, &x);
    if (x.problem) {
        rz_outcome_fail(o, u, "%s (byte %zu of the expression)", x.problem, x.at);
        return;
    }
    qsort(given, (size_t)n, sizeof *given, by_value);
    qsort(x.numbers, (size_t)x.n, sizeof *x.numbers, by_value);
    if (!same_numbers(given, n, x.numbers, x.n, u, o)) return;
    if (x.value.den == 1 && x.value.num == target)
        rz_outcome_pass(o, u);
    else
        rz_outcome_fail(o, u, "its value is %s, must be %lld", rz_rational_text(x.value, value), (long long)target);
}

static const char *const compare_keys[] = {"compare", "extract", "normalise", NULL};
static const char *const expr_keys[] = {"extract", "numbers", "target", NULL};
const rule_kind rz_kind_compare = {"compare", compare_keys, true, true, true, load_compare, score_compare,
    "finds the answer, cleans it, and compares it with the gold", "correct: {extract: {tag: answer}, normalise: [trim, 'number: us'], compare: decimal}"};
const rule_kind rz_kind_expr = {"expr_uses_numbers", expr_keys, true, true, true, load_expr, score_expr,
    "an expression that uses each given number once and equals the target (Countdown)", "correct: {kind: expr_uses_numbers, extract: {tag: answer}, numbers: numbers, target: target}"};
