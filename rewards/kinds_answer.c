/* Where an answer is, and the kind expr_uses_numbers (Countdown). */
#include "rewards/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rz_answer_extract(evaluation *e, const rule *u, rz_span where, outcome *o, rz_slice *out)
{
    char why[REASON];
    extract_result got = rz_extract(e, &u->extract, where, &o->span, out, why);
    if (got == LIMIT_HIT) {
        rz_outcome_error(o, "%s", why);
        return false;
    }
    if (got == NOTHING) {
        rz_outcome_fail(o, u, "no answer: %s", why);
        o->points = u->no_extract;
        return false;
    }
    if (out->len <= MAX_ANSWER) return true;
    rz_outcome_fail(o, u, "the answer has %zu bytes: over %d none is read", out->len, MAX_ANSWER);
    return false;
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
    const json_t *list = rz_meta_get(e, u, u->numbers_key, o), *t = list ? rz_meta_get(e, u, u->target_key, o) : NULL;
    if (!t) return false;
    size_t size = json_is_array(list) ? json_array_size(list) : 0;
    if (size < 1 || size > RZ_EXPR_MAX_NUMBERS || !json_is_integer(t) || llabs(json_integer_value(t)) > MAX_NUMBER) {
        rz_gold_error(o, u, "the sample's meta must hold '%s', 1..%d integers, and '%s', an integer of at most 18 digits", u->numbers_key,
                   RZ_EXPR_MAX_NUMBERS, u->target_key);
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const json_t *v = json_array_get(list, i);
        numbers[i] = json_is_integer(v) ? json_integer_value(v) : -1;
        if (numbers[i] >= 0 && numbers[i] <= MAX_NUMBER) continue;
        rz_gold_error(o, u, "entry %zu of the sample's '%s' must be an integer, 0 or more, of at most 18 digits", i + 1, u->numbers_key);
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
    if (u->extract.pick != PICK_ALL) o->span = (rz_span){(size_t)(found.s - e->text), (size_t)(found.s - e->text) + found.len};
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

static const char *const expr_keys[] = {"extract", "numbers", "target", NULL};
const rule_kind rz_kind_expr = {"expr_uses_numbers", expr_keys, true, true, true, load_expr, score_expr,
    "an expression that uses each given number once and equals the target (Countdown)", "correct: {kind: expr_uses_numbers, extract: {tag: answer}, numbers: numbers, target: target}"};
