/* Verifiers about how long a completion is. */
#include "rewards/internal.h"
#include <stdio.h>
#include <string.h>

/* DAPO (arXiv 2503.14476), equation 13: nothing up to max − cache tokens, falling to −1 at max, −1 beyond. */
static bool check_soft_overlong(const json_t *p, rz_err *err)
{
    json_int_t max = json_integer_value(json_object_get(p, "max")), cache = json_integer_value(json_object_get(p, "cache"));
    const char *unit = json_string_value(json_object_get(p, "unit"));
    if (!unit || strcmp(unit, "tokens") != 0) return rz_fail(err, RZ_ECONFIG, "soft_overlong needs unit: tokens, max and cache");
    if (max < 1 || cache < 1) return rz_fail(err, RZ_ECONFIG, "soft_overlong needs unit: tokens, max and cache, 1 or more");
    return cache <= max || rz_fail(err, RZ_ECONFIG, "cache is %lld, must be at most max (%lld)", (long long)cache, (long long)max);
}

static void soft_overlong(const rz_case *c, outcome *o)
{
    int64_t n = c->n_tokens, max = rz_param_int(c, "max"), cache = rz_param_int(c, "cache"), free_until = max - cache;
    if (n < 0) {
        rz_outcome_error(o, "the number of tokens is not known: give n_tokens");
        return;
    }
    double points = n <= free_until ? 0 : n <= max ? (double)(free_until - n) / (double)cache : -1;
    snprintf(o->found, sizeof o->found, "%lld tokens", (long long)n);
    snprintf(o->expected, sizeof o->expected, "at most %lld tokens", (long long)free_until);
    if (n <= free_until)
        rz_outcome_scored(o, false, points, "short enough");
    else
        rz_outcome_scored(o, false, points, n <= max ? "within the last %lld of %lld tokens" : "beyond the last %lld of %lld tokens", (long long)cache, (long long)max);
}

const rz_verifier rz_verifiers_length[] = {
    {.name = "soft_overlong", .about = "a penalty that grows over the last tokens before a limit (DAPO, equation 13)", .params = "{\"unit\": null, \"max\": 0, \"cache\": 0}",
     .top = 0, .bottom = -1, .score = soft_overlong, .check = check_soft_overlong},
};
const int rz_n_verifiers_length = sizeof rz_verifiers_length / sizeof *rz_verifiers_length;
