/* Rules that a verifier judges: `preset: NAME` and every kind that is a row of the table in verify.c. */
#include "rewards/internal.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- parameters: YAML → JSON, by the type of the default ---- */

static json_t *scalar_param(const schema *s, const rz_yaml *y, const char *key, const json_t *as)
{
    if (!rz_schema_is(s, y, key, RZ_YAML_SCALAR)) return NULL;
    if (json_is_boolean(as)) {
        bool yes = strcmp(y->text, "true") == 0;
        if (yes || strcmp(y->text, "false") == 0) return json_boolean(yes);
        rz_schema_bad(s, y->at, "%s is %.60s, must be true or false", key, y->text);
        return NULL;
    }
    if (json_is_number(as)) {
        double v;
        if (!rz_schema_value(s, y, key, -1e15, 1e15, &v)) return NULL; /* whole numbers stay exact */
        if (json_is_real(as)) return json_real(v);
        if (v == floor(v)) return json_integer((json_int_t)v);
        rz_schema_bad(s, y->at, "%s is %.60s, must be a whole number", key, y->text);
        return NULL;
    }
    return json_string(y->text);
}

static json_t *param(const schema *s, const rz_yaml *y, const char *key, const json_t *as)
{
    if (json_is_array(as)) {
        const json_t *first = json_array_get(as, 0);
        json_t *list = json_array(), *item;
        if (!rz_schema_is(s, y, key, RZ_YAML_LIST)) goto bad_list;
        for (int i = 0; i < y->n; i++) {
            if (!(item = scalar_param(s, y->items[i], key, first))) goto bad_list;
            json_array_append_new(list, item);
        }
        return list;
    bad_list:
        json_decref(list);
        return NULL;
    }
    if (json_is_object(as)) {
        json_t *map = json_object(), *item;
        if (!rz_schema_is(s, y, key, RZ_YAML_MAP)) goto bad_map;
        for (int i = 0; i < y->n; i++) {
            if (!(item = scalar_param(s, y->items[i], y->keys[i], json_object_iter_value(json_object_iter((json_t *)as))))) goto bad_map;
            json_object_set_new(map, y->keys[i], item);
        }
        return map;
    bad_map:
        json_decref(map);
        return NULL;
    }
    return scalar_param(s, y, key, as);
}

/* The map's keys that are parameters, over the defaults; every other key must be one of `others`. */
bool rz_params_load(const schema *s, const rz_yaml *map, const char *what, const char *defaults, const char *const *others, int n_others, json_t **out)
{
    json_t *all = defaults ? json_loads(defaults, 0, NULL) : json_object(), *unused;
    const char *names[64], *key;
    int n = 0;
    if (!all) return rz_fail(s->err, RZ_EINTERNAL, "the parameters of %s are not JSON", what);
    json_object_foreach(all, key, unused) if (n < 48) names[n++] = key;
    for (int i = 0; i < n_others && n < 64; i++) names[n++] = others[i];
    bool ok = rz_schema_keys(s, map, names, n);
    for (int i = 0; ok && i < map->n; i++) {
        const json_t *as = json_object_get(all, map->keys[i]);
        json_t *v = as ? param(s, map->items[i], map->keys[i], as) : NULL;
        ok = !as || v;
        if (v) json_object_set_new(all, map->keys[i], v);
    }
    *out = ok ? all : NULL;
    if (!ok) json_decref(all);
    return ok;
}

/* ---- loading ---- */

/* Keys of such a rule besides its parameters. Presets are judged as their originals: of the whole completion or a view, with nothing extracted or cleaned before. */
static bool load_verify(const schema *s, rz_rules *r, rule *u, const rz_yaml *y)
{
    static const char *const keys[] = {"kind", "preset", "requires", "weight", "view", "gold", "score", "extract", "normalise"};
    const rz_yaml *x = rz_yaml_get(y, "extract");
    bool own = !strchr(u->verifier->name, '/');
    if (!rz_params_load(s, y, u->verifier->name, u->verifier->params, keys, own ? 9 : 7, &u->params)) return false;
    if (u->verifier->check && !u->verifier->check(u->params, s->err)) return rz_schema_bad_there(s, y->at);
    if (!u->verifier->gold && rz_yaml_get(y, "gold"))
        return rz_schema_bad(s, rz_yaml_get(y, "gold")->at, "gold: %s compares with nothing", u->verifier->name);
    u->extracts = x;
    u->math = u->verifier->math;
    return rz_gold_load(s, u, y) && (!x || rz_extract_load(s, r, &u->extract, x)) && rz_normalise_load(s, u, y);
}

/* ---- scoring ---- */

bool rz_case_make(evaluation *e, const rule *u, rz_span where, rz_case *c, outcome *o)
{
    const rz_rules *r = e->rules;
    *c = (rz_case){.env = e->env, .text = {e->text + where.start, where.end - where.start}, .params = u->params, .ids = e->sample->ids,
                   .place = NO_SPAN, .n_tokens = e->sample->n_tokens, .correct = r->accuracy >= 0 && e->passed[r->accuracy], .meta = rz_evaluation_meta(e)};
    if (e->sample->prompt) c->prompt = (rz_slice){e->sample->prompt, strlen(e->sample->prompt)};
    if (!rz_gold_json(e, u, o, &c->gold)) return false;
    if (!u->extracts) return true;
    if (!rz_answer_extract(e, u, where, o, &c->text)) {
        if (o->state == RZ_PART_SCORED) o->points = rz_verifier_least(u->verifier, u->params);
        return false;
    }
    c->place = o->span;
    c->text = rz_normalised(e->env, u, c->text);
    return true;
}

static const char *const no_keys[] = {NULL};
const rule_kind rz_kind_verify = {"preset", no_keys, false, true, false, load_verify, NULL,
    "another system's reward, or a named one of ours, with its parameters", "reward: {preset: verl/gsm8k, method: strict}"};
