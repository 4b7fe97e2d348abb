/* Verifiers about how long a completion is, and the random control. */
#include "rewards/internal.h"
#include "base/file.h"
#include "base/rng.h"
#include "rewards/python.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- units ---- */

static const char *const units[] = {"tokens", "characters", "words"};
enum { N_UNITS = 3 };

static bool check_unit(const json_t *p, const char *kind, rz_err *err)
{
    const char *unit = json_string_value(json_object_get(p, "unit"));
    if (unit && rz_schema_find(unit, units, N_UNITS) >= 0) return true;
    return rz_fail(err, RZ_ECONFIG, "%s needs unit: tokens, characters or words", kind);
}

static bool check_max(const json_t *p, const char *kind, rz_err *err)
{
    json_int_t max = json_integer_value(json_object_get(p, "max"));
    return max >= 1 || rz_fail(err, RZ_ECONFIG, "%s needs max: a length, 1 or more", kind);
}

/* Of the rule's view, but in tokens always of the whole completion. −1: not known, and the outcome says so. */
static int64_t length_of(const rz_case *c, const char *unit, outcome *o)
{
    int64_t n = c->n_tokens;
    if (strcmp(unit, "characters") == 0)
        n = (int64_t)rz_python_len(c->text);
    else if (strcmp(unit, "words") == 0)
        n = rz_count_words(c->text.s, c->text.len, MAX_COMPLETION);
    if (n < 0) rz_outcome_error(o, "the number of tokens is not known: give n_tokens");
    snprintf(o->found, sizeof o->found, "%lld %s", (long long)n, unit);
    return n;
}

/* ---- soft_overlong ---- */

/* DAPO (arXiv 2503.14476), equation 13: nothing up to max − cache, falling to −1 at max, −1 beyond. */
static bool check_soft_overlong(const json_t *p, rz_err *err)
{
    json_int_t max = json_integer_value(json_object_get(p, "max")), cache = json_integer_value(json_object_get(p, "cache"));
    if (!check_unit(p, "soft_overlong", err) || !check_max(p, "soft_overlong", err)) return false;
    if (cache < 1) return rz_fail(err, RZ_ECONFIG, "soft_overlong needs cache: a length, 1 or more");
    return cache <= max || rz_fail(err, RZ_ECONFIG, "cache is %lld, must be at most max (%lld)", (long long)cache, (long long)max);
}

static void soft_overlong(const rz_case *c, outcome *o)
{
    const char *unit = rz_param_text(c, "unit");
    int64_t n = length_of(c, unit, o), max = rz_param_int(c, "max"), cache = rz_param_int(c, "cache"), free_until = max - cache;
    if (n < 0) return;
    double points = n <= free_until ? 0 : n <= max ? (double)(free_until - n) / (double)cache : -1;
    snprintf(o->expected, sizeof o->expected, "at most %lld %s", (long long)free_until, unit);
    if (n <= free_until)
        rz_outcome_scored(o, false, points, "short enough");
    else
        rz_outcome_scored(o, false, points, n <= max ? "within the last %lld of %lld %s" : "beyond the last %lld of %lld %s", (long long)cache, (long long)max, unit);
}

/* ---- cosine ---- */

/* To about 2^-52 for |x| < 2^30, the same on every machine: the rest to the nearest multiple of pi/2, in two parts, then the series. */
double rz_cosine(double x)
{
    static const double half_pi = 0x1.921fb54442d18p+0, half_pi_rest = 0x1.1a62633145c07p-54, per_half_pi = 0x1.45f306dc9c883p-1;
    double k = rint(x * per_half_pi), r = fma(-k, half_pi_rest, fma(-k, half_pi, x)), square = r * r, even = 0, odd = 0;
    for (int i = 9; i > 0; i--) {
        even = square / (2.0 * i * (2 * i - 1)) * (1 - even); /* 1 − cos r, from the inside out */
        odd = square / (2.0 * i * (2 * i + 1)) * (1 - odd);
    }
    double cos_r = 1 - even, sin_r = r * (1 - odd);
    switch ((int64_t)k & 3) {
    case 0: return cos_r;
    case 1: return -sin_r;
    case 2: return -cos_r;
    default: return sin_r;
    }
}

static bool check_cosine(const json_t *p, rz_err *err)
{
    double right = json_number_value(json_object_get(p, "right_long")), wrong = json_number_value(json_object_get(p, "wrong_long"));
    double right_short = json_number_value(json_object_get(p, "right_short")), wrong_short = json_number_value(json_object_get(p, "wrong_short"));
    if (!check_unit(p, "cosine", err) || !check_max(p, "cosine", err)) return false;
    double least = right < right_short ? right : right_short, most = wrong > wrong_short ? wrong : wrong_short;
    return least >= most || rz_fail(err, RZ_ECONFIG, "a wrong answer would earn up to %g and a right one as little as %g", most, least);
}

static double cosine_least(const json_t *p)
{
    static const char *const points[] = {"right_short", "right_long", "wrong_short", "wrong_long"};
    return rz_params_least(p, points, 4);
}

/* Half a turn from the points of length 0 to those of max; beyond it stays there, where the cosine alone would rise again. */
static void cosine(const rz_case *c, outcome *o)
{
    const char *unit = rz_param_text(c, "unit");
    int64_t n = length_of(c, unit, o), max = rz_param_int(c, "max");
    if (n < 0) return;
    double at_0 = rz_param_number(c, c->correct ? "right_short" : "wrong_short"), at_max = rz_param_number(c, c->correct ? "right_long" : "wrong_long");
    double turn = 0x1.921fb54442d18p+1 * (double)(n < max ? n : max) / (double)max;
    rz_outcome_scored(o, c->correct, at_max + 0.5 * (at_0 - at_max) * (1 + rz_cosine(turn)), "%s, %lld of %lld %s", c->correct ? "right" : "wrong", (long long)n, (long long)max,
                      unit);
}

/* ---- lengths within a group (Kimi k1.5, arXiv 2501.12599, section 2.3.3) ---- */

static bool check_kimi(const json_t *p, rz_err *err) { return check_unit(p, "kimi_len", err); }

static void kimi_len(const rz_case *c, int n, outcome *o)
{
    int64_t least = INT64_MAX, most = 0, *lengths = RZ_NEW(c->env->scratch, n, int64_t);
    for (int i = 0; i < n; i++) {
        lengths[i] = length_of(&c[i], rz_param_text(c, "unit"), &o[i]);
        if (lengths[i] >= 0 && lengths[i] < least) least = lengths[i];
        if (lengths[i] > most) most = lengths[i];
    }
    for (int i = 0; i < n; i++) {
        if (lengths[i] < 0) continue;
        double share = least == most ? 0 : 0.5 - (double)(lengths[i] - least) / (double)(most - least);
        snprintf(o[i].expected, sizeof o[i].expected, "as few as %lld", (long long)least);
        rz_outcome_scored(&o[i], c[i].correct, c[i].correct || share < 0 ? share : 0, "%s; the group has %lld to %lld", c[i].correct ? "right" : "wrong", (long long)least,
                          (long long)most);
    }
}

/* ---- random: a control ---- */

static bool check_random(const json_t *p, rz_err *err)
{
    double chance = json_number_value(json_object_get(p, "chance"));
    json_int_t seed = json_integer_value(json_object_get(p, "seed"));
    if (seed < 0 || seed > UINT32_MAX) return rz_fail(err, RZ_ECONFIG, "seed is %lld, must be 0..4294967295", (long long)seed);
    return (chance >= 0 && chance <= 1) || rz_fail(err, RZ_ECONFIG, "chance is %g, must be 0..1", chance);
}

/* The coin's address is the text: a rule knows no step and no sample, and the same text is worth the same. */
static void random_control(const rz_case *c, outcome *o)
{
    char hex[33];
    uint32_t word[4];
    rz_hash_hex(c->text.s, c->text.len, hex);
    for (int i = 0; i < 4; i++) {
        char digits[9] = {0};
        memcpy(digits, hex + 8 * i, 8);
        word[i] = (uint32_t)strtoul(digits, NULL, 16);
    }
    bool heads = rz_rng_unit((uint32_t)rz_param_int(c, "seed"), RZ_RNG_REWARD, word[0], word[1], word[2], word[3]) < rz_param_number(c, "chance");
    rz_outcome_scored(o, heads, heads, "a coin, thrown by the text");
}

#define COSINE_PARAMS "{\"unit\": null, \"max\": 0, \"right_short\": 1.0, \"right_long\": 0.5, \"wrong_short\": -1.0, \"wrong_long\": -0.5}"
const rz_verifier rz_verifiers_length[] = {
    {.name = "soft_overlong", .about = "a penalty that grows over the last tokens before a limit (DAPO, equation 13)", .params = "{\"unit\": null, \"max\": 0, \"cache\": 0}",
     .top = 0, .bottom = -1, .score = soft_overlong, .check = check_soft_overlong},
    {.name = "cosine", .about = "right answers are worth more when short, wrong ones less, along half a cosine up to max", .params = COSINE_PARAMS,
     .top = 1, .bottom = -1, .uses_correct = true, .score = cosine, .check = check_cosine, .least = cosine_least},
    {.name = "kimi_len", .about = "lengths against those of the group: from 0.5 for the shortest to -0.5 for the longest; wrong answers at most 0 (Kimi k1.5)",
     .params = "{\"unit\": null}", .top = 0.5, .bottom = -0.5, .uses_correct = true, .score_group = kimi_len, .check = check_kimi},
    {.name = "random", .about = "1 or 0 by a coin that the text throws: a control", .params = "{\"seed\": 1, \"chance\": 0.5}", .top = 1, .score = random_control,
     .check = check_random, .holes = "any text"},
};
const int rz_n_verifiers_length = sizeof rz_verifiers_length / sizeof *rz_verifiers_length;
