/* Presets about length: DAPO's punishment for overlong completions, the cosine of open-r1 and TRL, Kimi's lengths within a group, open-instruct's wished length. */
#include "rewards/math.h"
#include "rewards/presets.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool needs_tokens(const rz_case *c, outcome *o)
{
    if (c->n_tokens >= 0) return true;
    rz_outcome_error(o, "the number of tokens is not known: give n_tokens");
    return false;
}

static bool at_least_one(const json_t *p, const char *key, rz_err *err)
{
    json_int_t v = json_integer_value(json_object_get(p, key));
    return v >= 1 || rz_fail(err, RZ_ECONFIG, "%s is %lld, must be 1 or more", key, (long long)v);
}

/* ---- soft_overlong ---- */

static bool check_overlong(const json_t *p, rz_err *err)
{
    json_int_t cache = json_integer_value(json_object_get(p, "soft_punish_cache"));
    if (cache < 0) return rz_fail(err, RZ_ECONFIG, "soft_punish_cache is %lld, must be 0 or more", (long long)cache);
    return at_least_one(p, "max_completion_len", err);
}

static void soft_overlong(const rz_case *c, outcome *o)
{
    int64_t n = c->n_tokens, max = rz_param_int(c, "max_completion_len"), cache = rz_param_int(c, "soft_punish_cache"), free_until = max - cache;
    if (!needs_tokens(c, o)) return;
    rz_outcome_scored(o, false, n <= free_until ? 0 : n <= max ? (double)(free_until - n) / (double)cache : -1, "%lld tokens; free are %lld, allowed %lld", (long long)n,
                      (long long)free_until, (long long)max);
}

/* ---- cosine ---- */

typedef enum { WRONG, CORRECT, NO_GOLD } verdict;

/* Whether the completion is right, as math_verify has it; false: the outcome is set. open-r1 reads LaTeX alone in the gold here, so that a bare "7" cannot be
 * read; TRL asks its accuracy reward, which reads everything. */
static const rz_math_extract in_completion = {.latex = true, .boxed_priority = 0, .first_match = true};
static const rz_math_extract latex_gold = {.latex = true, .boxed_priority = 50, .unanchored = true, .first_match = true, .malformed = true};
static const rz_math_extract any_gold = {.latex = true, .expr = true, .boxed_priority = 50, .unanchored = true, .malformed = true};

static bool judge(const rz_case *c, const rz_math_extract *in_gold, outcome *o, verdict *out)
{
    rz_math_options options = rz_math_math_verify;
    rz_math_verify_report r;
    rz_slice gold;
    if (!rz_preset_gold(c, o, &gold)) return false;
    if (!rz_env_spend(c->env, rz_verifier_price(rz_verifier_find("trl/accuracy"), c->text.len))) { /* which it asks */
        rz_outcome_error(o, "the text is too long for what is left of the units of work");
        return false;
    }
    options.work = rz_env_math_work(c->env);
    rz_math_verify(c->env->scratch, c->text, &in_completion, gold, in_gold, &options, &r);
    rz_env_math_spent(c->env, r.math.work);
    *out = r.math.verdict == RZ_MATH_GOLD_UNPARSED ? NO_GOLD : r.math.verdict == RZ_MATH_EQUAL ? CORRECT : WRONG;
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    if (r.found.start == SIZE_MAX) return true;
    o->span = r.found;
    rz_show(o->found, sizeof o->found, c->text.s + r.found.start, r.found.end - r.found.start);
    return true;
}

static void cosine_points(const rz_case *c, outcome *o, bool correct, double progress)
{
    double min = rz_param_number(c, correct ? "min_value_correct" : "max_value_wrong"), max = rz_param_number(c, correct ? "max_value_correct" : "min_value_wrong");
    rz_outcome_scored(o, correct, min + 0.5 * (max - min) * (1.0 + rz_cosine(progress * 0x1.921fb54442d18p+1)), "%s, at %.4g of max_len", correct ? "right" : "wrong", progress);
}

static bool check_cosine(const json_t *p, rz_err *err) { return at_least_one(p, "max_len", err); }

static double cosine_least(const json_t *p)
{
    static const char *const points[] = {"min_value_wrong", "max_value_wrong", "min_value_correct", "max_value_correct"};
    return rz_params_least(p, points, 4);
}

static void cosine_characters(const rz_case *c, outcome *o)
{
    verdict v;
    if (!judge(c, &latex_gold, o, &v)) return;
    if (v == NO_GOLD)
        rz_outcome_scored(o, true, 1, "the gold cannot be read, which the original pays for");
    else
        cosine_points(c, o, v == CORRECT, (double)rz_python_len(c->text) / (double)rz_param_int(c, "max_len"));
}

static void cosine_tokens(const rz_case *c, outcome *o)
{
    verdict v;
    if (!needs_tokens(c, o) || !judge(c, &any_gold, o, &v)) return;
    if (v == NO_GOLD)
        rz_outcome_skipped(o, "the gold cannot be read");
    else
        cosine_points(c, o, v == CORRECT, fmin((double)c->n_tokens / (double)rz_param_int(c, "max_len"), 1));
}

/* ---- lengths within a group ---- */

static void group_lengths(const rz_case *c, int n, outcome *o)
{
    size_t least = SIZE_MAX, most = 0;
    for (int i = 0; i < n; i++) {
        size_t len = rz_python_len(c[i].text);
        if (len < least) least = len;
        if (len > most) most = len;
    }
    for (int i = 0; i < n; i++) {
        verdict v;
        if (least == most) {
            rz_outcome_scored(&o[i], false, 0, "all are of one length");
            continue;
        }
        rz_case_enter(&c[i]);
        bool judged = judge(&c[i], &latex_gold, &o[i], &v);
        rz_case_leave(&c[i]);
        if (!judged) continue;
        size_t len = rz_python_len(c[i].text);
        double points = 0.5 - (double)(len - least) / (double)(most - least);
        bool correct = v != WRONG; /* a gold that cannot be read counts as right there */
        rz_outcome_scored(&o[i], correct && len == least, correct ? points : fmin(0, points), "%s, %zu characters; the group has %zu to %zu", correct ? "right" : "wrong", len,
                          least, most);
    }
}

/* ---- a wished length ---- */

static bool check_wish(const json_t *p, rz_err *err) { return at_least_one(p, "max_length_verifier_max_length", err); }

/* How much longer than the label, float(label), the completion is, as part of the maximum; false: the outcome is set. */
static bool excess(const rz_case *c, outcome *o, double *out)
{
    double wish;
    rz_slice gold = rz_case_gold(c);
    if (!needs_tokens(c, o)) return false;
    if (!gold.s || !rz_python_float(c->env->scratch, gold, &wish) || !isfinite(wish)) {
        rz_outcome_gold_error(o, "the answer is no length in tokens");
        return false;
    }
    snprintf(o->expected, sizeof o->expected, "%.10g tokens", wish);
    snprintf(o->found, sizeof o->found, "%d tokens", c->n_tokens);
    *out = (c->n_tokens - wish) / (double)rz_param_int(c, "max_length_verifier_max_length");
    return true;
}

static void max_len(const rz_case *c, outcome *o)
{
    double part;
    if (excess(c, o, &part)) rz_outcome_scored(o, part == 0, 1 - fabs(part), "off by %.4g of the maximum", part);
}

static void up_to_max_len(const rz_case *c, outcome *o)
{
    double part;
    if (excess(c, o, &part)) rz_outcome_scored(o, part <= 0, part < 0 ? 1 : 1 - part, part < 0 ? "short enough" : "longer by %.4g of the maximum", part);
}

#define OVERLONG "{\"max_completion_len\": 1024, \"soft_punish_cache\": 256}"
#define COSINE "{\"min_value_wrong\": -1.0, \"max_value_wrong\": -0.5, \"min_value_correct\": 0.5, \"max_value_correct\": 1.0, \"max_len\": 1000}"
#define WISH "{\"max_length_verifier_max_length\": 32768}"

const rz_verifier rz_verifiers_presets_length[] = {
    {.name = "open-r1/soft_overlong", .origin = "open-r1 1416fa0, rewards.py, get_soft_overlong_punishment", .about = "a penalty that grows over the last tokens before a limit",
     .params = OVERLONG, .bottom = -1, .score = soft_overlong, .check = check_overlong},
    {.name = "trl/soft_overlong", .origin = "TRL f2cd577, get_soft_overlong_punishment", .about = "a penalty that grows over the last tokens before a limit",
     .params = OVERLONG, .bottom = -1, .score = soft_overlong, .check = check_overlong},
    {.name = "open-r1/cosine", .origin = "open-r1 1416fa0, rewards.py, get_cosine_scaled_reward",
     .about = "right answers are worth more when short, wrong ones less, along a cosine of the length in characters", .params = COSINE, .gold = "answer: LaTeX", .top = 1, .bottom = -1,
     .holes = "beyond max_len the cosine rises again: at twice max_len a length is worth what 0 is; an answer in the problem's data that cannot be read pays 1", .math = true, .score = cosine_characters,
     .check = check_cosine, .least = cosine_least},
    {.name = "trl/cosine", .origin = "TRL f2cd577, get_cosine_scaled_reward", .about = "right answers are worth more when short, wrong ones less, along a cosine of the length in tokens",
     .params = COSINE, .gold = "answer: LaTeX", .top = 1, .bottom = -1, .math = true, .score = cosine_tokens, .check = check_cosine, .least = cosine_least},
    {.name = "open-r1/len", .origin = "open-r1 1416fa0, rewards.py, len_reward (Kimi k1.5, arXiv 2501.12599)",
     .about = "lengths in characters against those of the group: from 0.5 for the shortest to -0.5 for the longest; wrong answers at most 0", .gold = "answer: LaTeX", .top = 0.5, .bottom = -0.5,
     .holes = "an answer in the problem's data that cannot be read counts as met", .math = true, .score_group = group_lengths},
    {.name = "open-instruct/max_len", .origin = "open-instruct e6c3044, ground_truth_utils.py, MaxLenVerifier", .about = "how near the length in tokens is to the one asked for; below 0 when it is off by more than the maximum",
     .params = WISH, .gold = "answer: a length in tokens", .top = 1, .holes = "any text of that length", .score = max_len, .check = check_wish},
    {.name = "open-instruct/up_to_max_len", .origin = "open-instruct e6c3044, ground_truth_utils.py, UpToMaxLenVerifier",
     .about = "full up to the length in tokens that is asked for, then less; below 0 when it is longer by more than the maximum", .params = WISH, .gold = "answer: a length in tokens", .top = 1, .holes = "an empty text",
     .score = up_to_max_len, .check = check_wish},
};
const int rz_n_verifiers_presets_length = sizeof rz_verifiers_presets_length / sizeof *rz_verifiers_presets_length;
