/* `combine:`: from the parts of a score to the score. */
#include "rewards/internal.h"
#include <stdio.h>
#include <string.h>

/* ---- loading ---- */

static const char *const modes[] = {[COMBINE_SUM] = "weighted_sum", [COMBINE_PRODUCT] = "product", [COMBINE_MIN] = "min", [COMBINE_FIRST] = "first_match",
                                    [COMBINE_EXPRESSION] = "expression"};

static const char *name_of(const void *rules, int i) { return ((const rz_rules *)rules)->rules[i].name; }
static bool passes(const void *rules, int i) { return ((const rz_rules *)rules)->rules[i].passes; }

static bool load_expression(const schema *s, rz_rules *r, const rz_yaml *y)
{
    const rz_yaml *text = rz_yaml_get(y, "expression");
    const formula_names names = {r->n, name_of, passes, r};
    if (!text) return rz_schema_bad(s, y->at, "combine: expression is missing, as in expression: correct ? 1 : 0.1 * format");
    if (!rz_schema_is(s, text, "combine: expression", RZ_YAML_SCALAR)) return false;
    return rz_formula_parse(&r->combine.expression, s, text, &names);
}

/* An expression is written with its factors: a weight beside it would do nothing. */
static bool load_weights(const schema *s, rz_rules *r, const rz_yaml *y, const rz_yaml *rules)
{
    const rz_yaml *weights = rz_yaml_get(y, "weights");
    bool none = r->combine.mode == COMBINE_EXPRESSION;
    if (weights && !rz_schema_is(s, weights, "combine: weights", RZ_YAML_MAP)) return false;
    if (weights && none) return rz_schema_bad(s, weights->at, "combine: weights: an expression has none, write them into it");
    for (int i = 0; none && i < r->n; i++) {
        const rz_yaml *w = rz_yaml_get(rules->items[i], "weight");
        if (w) return rz_schema_bad(s, w->at, "rule '%s' has a weight, which combine: expression does not use: write it into the expression", r->rules[i].name);
    }
    for (int i = 0; weights && i < weights->n; i++) {
        int u = rz_rule_find(r, weights->keys[i]);
        if (u < 0) return rz_rule_unknown(s, r, weights->key_at[i], "combine: weights", weights->keys[i]);
        if (rz_yaml_get(rules->items[u], "weight"))
            return rz_schema_bad(s, weights->key_at[i], "combine: weights: rule '%s' has a weight of its own already: keep one", r->rules[u].name);
        if (!rz_schema_value(s, weights->items[i], weights->keys[i], -MAX_POINTS, MAX_POINTS, &r->rules[u].weight)) return false;
    }
    return true;
}

static bool load_clamp(const schema *s, rz_rules *r, const rz_yaml *y)
{
    const rz_yaml *clamp = rz_yaml_get(y, "clamp");
    double *lo = &r->combine.lowest, *hi = &r->combine.highest;
    if (!clamp) return true;
    if (!rz_schema_is(s, clamp, "combine: clamp", RZ_YAML_LIST)) return false;
    if (clamp->n != 2) return rz_schema_bad(s, clamp->at, "combine: clamp has %d entries, must be [lowest, highest]", clamp->n);
    if (!rz_schema_value(s, clamp->items[0], "combine: clamp", -MAX_POINTS, MAX_POINTS, lo) ||
        !rz_schema_value(s, clamp->items[1], "combine: clamp", -MAX_POINTS, MAX_POINTS, hi))
        return false;
    return *lo < *hi || rz_schema_bad(s, clamp->at, "combine: clamp is [%g, %g], the first must be below the second", *lo, *hi);
}

/* `normalise: group`, or of some: {RULE: group, …}. */
static bool load_normalise(const schema *s, rz_rules *r, const rz_yaml *y)
{
    static const char *const kinds[] = {"group"};
    const rz_yaml *n = rz_yaml_get(y, "normalise");
    int kind = -1;
    if (!n) return true;
    if (r->combine.mode != COMBINE_SUM) return rz_schema_bad(s, n->at, "combine: normalise needs mode: weighted_sum: it is the terms of a sum that are normalised");
    if (rz_yaml_get(y, "clamp")) return rz_schema_bad(s, n->at, "combine: normalise trains on the terms, which clamp does not reach: remove one of the two");
    if (n->kind == RZ_YAML_SCALAR) {
        if (!rz_schema_choice(s, y, "normalise", kinds, 1, &kind)) return false;
        for (int i = 0; i < r->n; i++) r->rules[i].group_normalised = true;
        return true;
    }
    if (!rz_schema_is(s, n, "combine: normalise", RZ_YAML_MAP)) return false;
    for (int i = 0; i < n->n; i++) {
        int u = rz_rule_find(r, n->keys[i]);
        if (u < 0) return rz_rule_unknown(s, r, n->key_at[i], "combine: normalise", n->keys[i]);
        if (!rz_schema_choice(s, n, n->keys[i], kinds, 1, &kind)) return false;
        r->rules[u].group_normalised = true;
    }
    return true;
}

bool rz_combine_load(const schema *s, rz_rules *r, const rz_yaml *root)
{
    static const char *const keys[] = {"mode", "weights", "clamp", "expression", "otherwise", "normalise"};
    const rz_yaml *y = rz_yaml_get(root, "combine"), *rules = rz_yaml_get(root, "rules");
    r->combine = (combination){.mode = COMBINE_SUM, .lowest = -MAX_POINTS, .highest = MAX_POINTS};
    if (!y) return true;
    if (!rz_schema_is(s, y, "combine", RZ_YAML_MAP) || !rz_schema_keys(s, y, keys, sizeof keys / sizeof *keys)) return false;
    const rz_yaml *expression = rz_yaml_get(y, "expression"), *otherwise = rz_yaml_get(y, "otherwise");
    int mode = expression && !rz_yaml_get(y, "mode") ? COMBINE_EXPRESSION : COMBINE_SUM;
    if (!rz_schema_choice(s, y, "mode", modes, sizeof modes / sizeof *modes, &mode)) return false;
    r->combine.mode = (combine_mode)mode;
    if (expression && mode != COMBINE_EXPRESSION) return rz_schema_bad(s, expression->at, "combine: expression needs mode: expression, but mode is %s", modes[mode]);
    if (otherwise && mode != COMBINE_FIRST) return rz_schema_bad(s, otherwise->at, "combine: otherwise needs mode: first_match, but mode is %s", modes[mode]);
    return rz_schema_number(s, y, "otherwise", -MAX_POINTS, MAX_POINTS, &r->combine.otherwise) && load_weights(s, r, y, rules) && load_clamp(s, r, y) &&
           load_normalise(s, r, y) && (mode != COMBINE_EXPRESSION || load_expression(s, r, y));
}

/* ---- scoring ---- */

/* 0 of a rule that was skipped; of one that had an error 0 or what failing costs. */
static double term(const evaluation *e, int i) { return e->rules->rules[i].weight * e->parts[i].points; }

static double sum(const evaluation *e)
{
    double sum = 0;
    for (int i = 0; i < e->rules->n; i++) sum += term(e, i);
    return sum;
}

/* The product, or the least, of the terms that are scored. Points are at most 1e6, so products are kept from leaving the finite numbers. */
static double fold(const evaluation *e, bool product, bool *any)
{
    double all = product ? 1 : MAX_POINTS * MAX_POINTS;
    *any = false;
    for (int i = 0; i < e->rules->n; i++) {
        if (e->parts[i].state != RZ_PART_SCORED) continue;
        double v = term(e, i);
        all = product ? all * v : v < all ? v : all;
        all = all > FORMULA_LARGEST ? FORMULA_LARGEST : all < -FORMULA_LARGEST ? -FORMULA_LARGEST : all;
        *any = true;
    }
    return all;
}

static int first_error(const evaluation *e)
{
    for (int i = 0; i < e->rules->n; i++)
        if (e->parts[i].state == RZ_PART_ERROR) return i;
    return -1;
}

static double combined(const evaluation *e, const char **note);

/* Without the value of a rule that had an error there is no score: it is 0, or what it would be had the rule failed if that is less, and the note says so. */
static double refuse(const evaluation *e, int i, const char **note)
{
    char text[MAX_NAME + 64];
    const char *none = "";
    evaluation failed = *e;
    failed.parts = RZ_NEW(e->env->scratch, e->rules->n, rz_part);
    memcpy(failed.parts, e->parts, (size_t)e->rules->n * sizeof *failed.parts);
    for (int k = 0; k < e->rules->n; k++)
        if (failed.parts[k].state == RZ_PART_ERROR) failed.parts[k].state = RZ_PART_SCORED;
    double v = combined(&failed, &none);
    int n = snprintf(text, sizeof text, "%s, for '%s' had an error", v < 0 ? "as if failed" : "0", e->rules->rules[i].name);
    *note = rz_arena_strndup(e->env->scratch, text, (size_t)n);
    return v < 0 ? v : 0;
}

static double first_match(const evaluation *e, const char **note)
{
    for (int i = 0; i < e->rules->n; i++) {
        if (e->parts[i].state == RZ_PART_ERROR) return refuse(e, i, note); /* whether it would have been this one is not known */
        if (e->passed[i]) return term(e, i);
    }
    return e->rules->combine.otherwise;
}

static double expression(const evaluation *e, const char **note)
{
    formula_value v = rz_formula_evaluate(e->rules->combine.expression, e->parts, e->passed);
    if (v.state == RZ_PART_ERROR) return refuse(e, v.rule, note);
    return v.state == RZ_PART_SCORED ? v.number : 0;
}

static double combined(const evaluation *e, const char **note)
{
    combine_mode mode = e->rules->combine.mode;
    bool any;
    int error;
    switch (mode) {
    case COMBINE_SUM: return sum(e);
    case COMBINE_FIRST: return first_match(e, note);
    case COMBINE_EXPRESSION: return expression(e, note);
    case COMBINE_PRODUCT:
    case COMBINE_MIN: break;
    }
    if ((error = first_error(e)) >= 0) return refuse(e, error, note);
    double v = fold(e, mode == COMBINE_PRODUCT, &any);
    return any ? v : 0;
}

void rz_combine(const evaluation *e, rz_score *out)
{
    const rz_rules *r = e->rules;
    out->note = "";
    double v = combined(e, &out->note);
    out->score = v < r->combine.lowest ? r->combine.lowest : v > r->combine.highest ? r->combine.highest : v;
}
