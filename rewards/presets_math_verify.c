/* Math-Verify, and the accuracy rewards of open-r1 and TRL that are made of it. */
#include "rewards/internal.h"
#include "rewards/math.h"
#include "rewards/python.h"
#include <string.h>

static const rz_math_extract everything = {.latex = true, .expr = true, .boxed_priority = 50, .unanchored = true, .malformed = true};
/* What open-r1 and TRL read in a completion: LaTeX behind an anchor or in a box, nothing mended. */
static const rz_math_extract anchored = {.latex = true, .boxed_priority = 0, .first_match = true};

static void told(const rz_case *c, outcome *o, const rz_math_verify_report *r)
{
    rz_slice gold = rz_case_gold(c);
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    o->span = r->found;
    if (r->found.start != SIZE_MAX) rz_show(o->found, sizeof o->found, c->text.s + r->found.start, r->found.end - r->found.start);
    bool equal = r->math.verdict == RZ_MATH_EQUAL;
    rz_outcome_scored(o, equal, equal, "%s", equal                                        ? "equals the answer"
                                             : r->math.verdict == RZ_MATH_FOUND_UNPARSED ? "no expression that can be read"
                                             : r->math.verdict == RZ_MATH_UNKNOWN        ? "neither shown equal nor different within the limits: counts as different"
                                                                                         : "differs from the answer");
}

static bool lists(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), name) == 0) return true;
    return false;
}

static bool check_verify(const json_t *params, rz_err *err)
{
    const json_t *types = json_object_get(params, "match_types"), *v;
    size_t i;
    json_int_t priority = json_integer_value(json_object_get(params, "boxed_match_priority")), digits = json_integer_value(json_object_get(params, "float_rounding"));
    json_array_foreach(types, i, v)
        if (strcmp(json_string_value(v), "latex") != 0 && strcmp(json_string_value(v), "expr") != 0)
            return rz_fail(err, RZ_ECONFIG, "match_types has '%.40s', must be out of latex, expr", json_string_value(v));
    if (priority != 0 && priority != 50 && priority != -1) return rz_fail(err, RZ_ECONFIG, "boxed_match_priority is %lld, must be 0, 50 or -1", (long long)priority);
    if (digits < 0 || digits > 100) return rz_fail(err, RZ_ECONFIG, "float_rounding is %lld, must be 0..100", (long long)digits);
    return true;
}

static void verify(const rz_case *c, outcome *o)
{
    const json_t *types = rz_param(c, "match_types");
    rz_math_extract x = everything;
    rz_math_options options = rz_math_math_verify;
    rz_math_verify_report r;
    rz_slice gold = rz_case_gold(c);
    if (!gold.s) {
        rz_outcome_gold_error(o, "the sample has no answer to compare with");
        return;
    }
    x.latex = lists(types, "latex");
    x.expr = lists(types, "expr");
    x.boxed_priority = (int)rz_param_int(c, "boxed_match_priority");
    options.digits = (int)rz_param_int(c, "float_rounding");
    options.any_variables = !rz_param_bool(c, "strict");
    options.relation = rz_param_bool(c, "allow_set_relation_comp") ? RZ_MATH_RELATION_BOTH : RZ_MATH_RELATION_GOLD;
    options.work = rz_env_math_work(c->env);
    rz_math_verify(c->env->scratch, c->text, &x, gold, &x, &options, &r);
    rz_env_math_spent(c->env, r.math.work);
    told(c, o, &r);
}

static void accuracy_of(const rz_case *c, rz_slice text, outcome *o)
{
    rz_math_extract from_gold = everything;
    rz_math_options options = rz_math_math_verify;
    rz_math_verify_report r;
    rz_slice gold = rz_case_gold(c);
    from_gold.first_match = true;
    if (!gold.s) {
        rz_outcome_gold_error(o, "the sample has no answer to compare with");
        return;
    }
    options.work = rz_env_math_work(c->env);
    rz_math_verify(c->env->scratch, text, &anchored, gold, &from_gold, &options, &r);
    rz_env_math_spent(c->env, r.math.work);
    if (r.math.verdict == RZ_MATH_GOLD_UNPARSED) {
        rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
        rz_outcome_skipped(o, "the answer cannot be read");
        return;
    }
    size_t shift = (size_t)(text.s - c->text.s);
    if (r.found.start != SIZE_MAX) r.found.start += shift, r.found.end += shift;
    told(c, o, &r);
}

static void accuracy(const rz_case *c, outcome *o) { accuracy_of(c, c->text, o); }

/* The answer stands behind the last place of the first delimiter that occurs at all, in the order of the list; without one there is none. */
static void reasoning_accuracy(const rz_case *c, outcome *o)
{
    const json_t *marks = rz_param(c, "reasoning_delimiters");
    size_t from = SIZE_MAX;
    for (size_t k = 0; k < json_array_size(marks) && from == SIZE_MAX; k++) {
        const char *mark = json_string_value(json_array_get(marks, k));
        size_t at = *mark ? rz_python_rfind(c->text, mark) : SIZE_MAX;
        if (at != SIZE_MAX) from = at + strlen(mark);
    }
    if (from == SIZE_MAX) rz_outcome_scored(o, false, 0, "the reasoning has no end");
    else accuracy_of(c, (rz_slice){c->text.s + from, c->text.len - from}, o);
}

#define HOLES "several boxes make a set; 50 and 0.5 both answer 50%; {1,2} answers (1,2); decimals are rounded to six places"
const rz_verifier rz_verifiers_math_verify[] = {
    {.name = "math-verify/verify", .origin = "Math-Verify 5d148cf, verify(parse(gold), parse(completion))", .about = "the expressions found in both texts are equal",
     .params = "{\"match_types\": [\"latex\", \"expr\"], \"boxed_match_priority\": 50, \"float_rounding\": 6, \"strict\": true, \"allow_set_relation_comp\": false}",
     .gold = "answer: a text with the expression in $...$ or \\boxed{...}", .holes = HOLES, .top = 1, .math = true, .score = verify, .check = check_verify},
    {.name = "open-r1/accuracy", .origin = "open-r1 1416fa0, accuracy_reward", .about = "the boxed or final answer equals the solution's; skips a solution that cannot be read",
     .gold = "answer: the solution, with its expression in $...$ or \\boxed{...}", .holes = "a box inside the reasoning counts; " HOLES, .top = 1, .math = true, .score = accuracy},
    {.name = "trl/accuracy", .origin = "TRL f2cd577, accuracy_reward", .about = "the boxed or final answer equals the solution's; skips a solution that cannot be read",
     .gold = "answer: the solution, with its expression in $...$ or \\boxed{...}", .holes = "a box inside the reasoning counts; " HOLES, .top = 1, .math = true, .score = accuracy},
    {.name = "trl/reasoning_accuracy", .origin = "TRL f2cd577, reasoning_accuracy_reward", .about = "as trl/accuracy, of the text behind the last </think>",
     .params = "{\"reasoning_delimiters\": [\"</think>\"]}", .gold = "answer: the solution, with its expression in $...$ or \\boxed{...}", .holes = HOLES, .top = 1,
     .math = true, .score = reasoning_accuracy},
};
const int rz_n_verifiers_math_verify = sizeof rz_verifiers_math_verify / sizeof *rz_verifiers_math_verify;
