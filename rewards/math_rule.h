/* Mathematical equality in rule files: `compare: {kind: math, …}`. */
#ifndef RZ_REWARDS_MATH_RULE_H
#define RZ_REWARDS_MATH_RULE_H
#include "rewards/compare.h"
#include "rewards/math.h"

/* Each policy with its strict default; docs/rules/math.md explains them. */
#define RZ_MATH_OPTIONS "{\"percent\": \"strict\", \"units\": \"strict\", \"assignment\": \"value\", \"relation_is_set\": \"never\", \"set_is_tuple\": false, " \
    "\"unordered\": false, \"digits\": -1, \"reduced\": false, \"any_variables\": false}"

rz_verdict rz_math_rule_compare(rz_env *env, rz_slice found, rz_slice gold, const json_t *options);
bool rz_math_rule_check(const json_t *options, rz_err *err);
#endif
