#include "rewards/math_rule.h"
#include "rewards/verify.h"
#include <stdio.h>
#include <string.h>

enum { N_CHOICES = 4, MAX_DIGITS = 100, PARSE_PRICE = 60 /* units of work a byte */ };

/* Options that are one of a few words, in the order of their enums. */
static const struct { const char *name, *words[3]; } choices[N_CHOICES] = {
    {"percent", {"strict", "drop", "either"}},
    {"units", {"strict", "optional", "drop"}},
    {"assignment", {"strict", "value", "last"}},
    {"relation_is_set", {"never", "gold", "both"}},
};

static int chosen(const json_t *options, int i)
{
    const char *word = json_string_value(json_object_get(options, choices[i].name));
    for (int k = 0; word && k < 3; k++)
        if (strcmp(word, choices[i].words[k]) == 0) return k;
    return -1;
}

bool rz_math_rule_check(const json_t *options, rz_err *err)
{
    for (int i = 0; i < N_CHOICES; i++)
        if (chosen(options, i) < 0)
            return rz_fail(err, RZ_ECONFIG, "%s is '%.40s', must be %s, %s or %s", choices[i].name, json_string_value(json_object_get(options, choices[i].name)),
                           choices[i].words[0], choices[i].words[1], choices[i].words[2]);
    json_int_t digits = json_integer_value(json_object_get(options, "digits"));
    if (digits < -1 || digits > MAX_DIGITS) return rz_fail(err, RZ_ECONFIG, "digits is %lld, must be -1 (exact) or 0..%d", (long long)digits, MAX_DIGITS);
    return true;
}

static bool is_true(const json_t *options, const char *name) { return json_is_true(json_object_get(options, name)); }

rz_verdict rz_math_rule_compare(rz_env *env, rz_slice found, rz_slice gold, const json_t *options)
{
    rz_math_options o = rz_math_strict;
    rz_math_report why;
    o.percent = (rz_math_percent)chosen(options, 0);
    o.units = (rz_math_units)chosen(options, 1);
    o.assign = (rz_math_assign)chosen(options, 2);
    o.relation = (rz_math_relation)chosen(options, 3);
    o.set_is_tuple = is_true(options, "set_is_tuple");
    o.unordered = is_true(options, "unordered");
    o.digits = (int)json_integer_value(json_object_get(options, "digits"));
    o.reduced = is_true(options, "reduced");
    o.any_variables = is_true(options, "any_variables");
    if (!rz_env_spend(env, (int64_t)(found.len + gold.len) * PARSE_PRICE)) return RZ_FOUND_UNREADABLE;
    o.work = rz_env_math_work(env);
    rz_math_equal(env->scratch, found, gold, &o, &why);
    rz_env_math_spent(env, why.work);
    switch (why.verdict) {
    case RZ_MATH_EQUAL: return RZ_EQUAL;
    case RZ_MATH_FOUND_UNPARSED: return RZ_FOUND_UNREADABLE;
    case RZ_MATH_GOLD_UNPARSED: return RZ_GOLD_UNREADABLE;
    default: return RZ_DIFFERENT;
    }
}
