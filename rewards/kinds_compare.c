/* The rule kind compare: an answer is found, cleaned, and compared with the gold. */
#include "rewards/internal.h"
#include <stdio.h>
#include <string.h>

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
    u->normalise[0] = rz_normaliser_find("trim");
    u->n_normalise = 1;
    if (!list) return true;
    if (!rz_schema_is(s, list, "normalise", RZ_YAML_LIST)) return false;
    u->n_normalise = list->n;
    for (int i = 0; i < list->n; i++) {
        char wanted[128], all[512];
        const char *names[32];
        if (!step_name(s, list->items[i], wanted, sizeof wanted)) return false;
        if ((u->normalise[i] = rz_normaliser_find(wanted))) continue;
        for (int k = 0; k < rz_n_normalisers; k++) names[k] = rz_normalisers[k].name;
        return rz_schema_bad(s, list->items[i]->at, "normalise has '%.60s', must be out of %s", wanted, rz_schema_join(names, rz_n_normalisers, all, sizeof all));
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

/* ---- which comparer, with which options ---- */

static const rz_comparer *choose(const schema *s, const rz_yaml *map, const char *key, bool of_parts)
{
    const char *names[32];
    int n = 0, i = -1;
    for (int k = 0; k < rz_n_comparers; k++)
        if (!of_parts || !rz_comparers[k]->of) names[n++] = rz_comparers[k]->name;
    if (!rz_schema_choice(s, map, key, names, n, &i)) return NULL;
    if (i >= 0) return rz_comparer_find(names[i]);
    char all[512];
    rz_schema_bad(s, map->at, "compare: kind is missing: one of %s", rz_schema_join(names, n, all, sizeof all));
    return NULL;
}

/* `key` of the map is the name of a comparer, or a map of its kind and its options. */
static bool load_comparison(const schema *s, const rz_yaml *map, const char *key, bool of_parts, const rz_comparer **out, json_t **options)
{
    const rz_yaml *y = rz_yaml_get(map, key);
    bool given = y->kind == RZ_YAML_MAP;
    json_t *of = NULL;
    if (!(*out = choose(s, given ? y : map, given ? "kind" : key, of_parts))) return false;
    if (!given) {
        *options = rz_comparer_defaults(*out);
        return true;
    }
    static const char *const others[] = {"kind", "gold", "of"}; /* a part has no gold of its own, and a whole value no parts */
    bool parts = (*out)->of;
    if (!rz_params_load(s, y, (*out)->name, (*out)->options, others, parts ? 3 : of_parts ? 1 : 2, options)) return false;
    if ((*out)->check && !(*out)->check(*options, s->err)) return rz_schema_bad_there(s, y->at);
    if (!parts) return true;
    const rz_comparer *part = rz_comparer_find((*out)->of);
    if (!rz_yaml_get(y, "of"))
        of = rz_comparer_defaults(part);
    else if (!load_comparison(s, y, "of", true, &part, &of))
        return json_decref(of), false;
    json_object_set_new(of, "kind", json_string(part->name));
    json_object_set_new(*options, "of", of);
    return true;
}

static bool compares_math(const rz_comparer *c, const json_t *options)
{
    const char *of = json_string_value(json_object_get(json_object_get(options, "of"), "kind"));
    return strcmp(of ? of : c->name, "math") == 0;
}

static bool load_compare(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    const rz_yaml *c = rz_yaml_get(y, "compare"), *x = rz_yaml_get(y, "extract");
    if (!c) return rz_schema_bad(s, y->at, "compare is missing: say how, as in compare: {kind: int}");
    if (!x) return rz_schema_bad(s, y->at, "extract is missing: say where the answer is, as in extract: {tag: answer}");
    if (c->kind == RZ_YAML_MAP && !rz_gold_load(s, u, c)) return false;
    if (!load_comparison(s, y, "compare", false, &u->comparer, &u->options)) return false;
    u->math = compares_math(u->comparer, u->options);
    return rz_extract_load(s, r, &u->extract, x) && rz_normalise_load(s, u, y);
}

/* ---- scoring ---- */

enum { NORMALISE_PRICE = 12 }; /* units of work a byte and step */

rz_slice rz_normalised(rz_env *env, const rule *u, rz_slice t)
{
    for (int i = 0; i < u->n_normalise && rz_env_spend(env, (int64_t)t.len * NORMALISE_PRICE); i++) t = u->normalise[i]->apply(env->scratch, t);
    return t;
}

/* The golds, cleaned, each of which equals itself: one that does not is no gold. This is found out before the completion is looked at. */
static bool read_golds(evaluation *e, const rule *u, outcome *o, rz_slice golds[MAX_GOLDS], int *n)
{
    double ignored;
    size_t shown = 0;
    if (!rz_gold_texts(e, u, o, golds, n)) return false;
    for (int i = 0; i < *n; i++) {
        golds[i] = rz_normalised(e->env, u, golds[i]);
        char text[SHOWN];
        rz_show(text, sizeof text, golds[i].s, golds[i].len);
        if (shown < sizeof o->expected) shown += (size_t)snprintf(o->expected + shown, sizeof o->expected - shown, "%s%s", i ? " or " : "", text);
        if (golds[i].len && rz_compare(u->comparer, e->env, golds[i], golds[i], u->options, &ignored) == RZ_EQUAL) continue;
        rz_gold_error(o, u, "the sample's answer '%.80s' is not %s", text, u->comparer->wanted);
        return false;
    }
    return true;
}

static void score_compare(evaluation *e, const rule *u, rz_span where, outcome *o)
{
    rz_slice golds[MAX_GOLDS], found;
    double likeness, best = 0;
    int n;
    rz_verdict v = RZ_FOUND_UNREADABLE;
    if (!read_golds(e, u, o, golds, &n) || !rz_answer_extract(e, u, where, o, &found)) return;
    found = rz_normalised(e->env, u, found);
    rz_show(o->found, sizeof o->found, found.s, found.len);
    for (int i = 0; i < n && v != RZ_EQUAL; i++) {
        rz_verdict this = rz_compare(u->comparer, e->env, found, golds[i], u->options, &likeness);
        if (this != RZ_FOUND_UNREADABLE) v = this;
        if (likeness > best) best = likeness;
    }
    if (v == RZ_EQUAL)
        rz_outcome_pass(o, u);
    else if (v == RZ_DIFFERENT && best > 0)
        rz_outcome_fail(o, u, "%.4g like the answer (compared as %s)", best, u->comparer->name);
    else if (v == RZ_DIFFERENT)
        rz_outcome_fail(o, u, "differs from the answer (compared as %s)", u->comparer->name);
    else
        rz_outcome_fail(o, u, "what was found is not %s", u->comparer->wanted);
    if (v != RZ_EQUAL) o->points += best * (u->pass - u->fail);
}

static const char *const compare_keys[] = {"compare", "extract", "normalise", NULL};
const rule_kind rz_kind_compare = {"compare", compare_keys, true, true, true, load_compare, score_compare,
    "finds the answer, cleans it, and compares it with the gold", "correct: {extract: {tag: answer}, normalise: [trim, 'number: us'], compare: decimal}"};
