#include "data/decimals.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const rz_decimals_kinds[RZ_DECIMALS_N_KINDS] = {"easy", "hard", "longer", "several", "signed", "equal"};

static const int64_t powers[RZ_DECIMALS_MAX_DIGITS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* A number as it is written: [-]whole.fraction, the fraction with `digits` digits. */
typedef struct {
    bool negative;
    int64_t whole, fraction;
    int digits;
} decimal;

static int64_t value_of(const decimal *d)
{
    int64_t v = d->whole * powers[RZ_DECIMALS_MAX_DIGITS] + d->fraction * powers[RZ_DECIMALS_MAX_DIGITS - d->digits];
    return d->negative ? -v : v;
}

static int64_t draw_whole(const rz_decimals_options *o, rz_stream *s)
{
    int digits = rz_stream_range(s, 1, (int)o->whole_digits);
    int64_t least = digits == 1 ? 0 : powers[digits - 1];
    return least + rz_stream_below(s, (uint32_t)(powers[digits] - least));
}

static decimal draw_number(int64_t whole, int digits, rz_stream *s) { return (decimal){false, whole, rz_stream_below(s, (uint32_t)powers[digits]), digits}; }

/* Which of the two is larger decides how hard it is to see, when one is written longer and the whole part does not tell. */
static rz_decimals_kind kind_of_pair(const decimal *a, const decimal *b)
{
    if (a->whole != b->whole || a->digits == b->digits) return RZ_DECIMALS_EASY;
    bool first_is_larger = value_of(a) > value_of(b), first_is_longer = a->digits > b->digits;
    return value_of(a) == value_of(b) ? RZ_DECIMALS_EQUAL : first_is_larger == first_is_longer ? RZ_DECIMALS_LONGER : RZ_DECIMALS_HARD;
}

static bool all_different(const rz_decimals *p)
{
    for (int i = 1; i < p->n; i++) {
        for (int j = 0; j < i; j++) {
            if (p->value[i] == p->value[j]) return false;
        }
    }
    return true;
}

/* Two lengths of fractions, the first one shorter. */
static void draw_two_lengths(const rz_decimals_options *o, int *shorter, int *longer, rz_stream *s)
{
    *shorter = rz_stream_range(s, 1, (int)o->fraction_digits);
    do *longer = rz_stream_range(s, 1, (int)o->fraction_digits);
    while (*longer == *shorter);
    if (*shorter > *longer) {
        int t = *shorter;
        *shorter = *longer;
        *longer = t;
    }
}

static bool two_lengths(rz_decimals_kind kind) { return kind == RZ_DECIMALS_HARD || kind == RZ_DECIMALS_LONGER || kind == RZ_DECIMALS_EQUAL; }

/* The numbers of one try at a kind; how many, or 0 when they are not of that kind. Half of the problems whose kind does not say so have one whole part:
 * else the fractions would hardly ever matter. */
static int try_kind(const rz_decimals_options *o, rz_decimals_kind kind, rz_stream *s, decimal *d)
{
    int n = kind == RZ_DECIMALS_SEVERAL ? rz_stream_range(s, 3, (int)o->candidates) : 2, shorter, longer;
    int64_t whole = draw_whole(o, s);
    if (two_lengths(kind)) {
        draw_two_lengths(o, &shorter, &longer, s);
        d[0] = draw_number(whole, shorter, s);
        d[1] = draw_number(whole, longer, s);
        if (kind == RZ_DECIMALS_EQUAL) d[1].fraction = d[0].fraction * powers[longer - shorter];
        return kind_of_pair(&d[0], &d[1]) == kind ? n : 0;
    }
    bool one_whole = rz_stream_below(s, 2) == 0, any_negative = false;
    for (int i = 0; i < n; i++) {
        int digits = rz_stream_range(s, 1, (int)o->fraction_digits); /* one draw a statement: C leaves the order of arguments open */
        d[i] = draw_number(one_whole || i == 0 ? whole : draw_whole(o, s), digits, s);
        d[i].negative = kind == RZ_DECIMALS_SIGNED && rz_stream_below(s, 2) == 0;
        any_negative = any_negative || d[i].negative;
        if (d[i].negative && value_of(&d[i]) == 0) return 0; /* -0.0 */
    }
    if (kind == RZ_DECIMALS_EASY && kind_of_pair(&d[0], &d[1]) != kind) return 0;
    return kind == RZ_DECIMALS_SIGNED && !any_negative ? 0 : n;
}

static void write_down(const decimal *d, int n, rz_stream *s, rz_decimals *p)
{
    p->n = n;
    p->largest = 0;
    for (int i = 0; i < n; i++) { /* in an order that says nothing: number i changes places with one before it */
        int j = rz_stream_range(s, 0, i);
        if (j != i) memcpy(p->text[i], p->text[j], sizeof p->text[0]);
        p->value[i] = p->value[j];
        snprintf(p->text[j], sizeof p->text[j], "%s%" PRId64 ".%0*" PRId64, d[i].negative ? "-" : "", d[i].whole, d[i].digits, d[i].fraction);
        p->value[j] = value_of(&d[i]);
    }
    for (int i = 1; i < n; i++) {
        if (p->value[i] > p->value[p->largest]) p->largest = i;
    }
}

/* Numbers are redrawn until they are of the kind and belong to the split; false after max_tries of them (0: never give up). */
static bool draw(const rz_decimals_options *o, const rz_shares *shares, rz_decimals_kind kind, rz_split split, uint64_t max_tries, rz_stream *s,
                 rz_decimals *p)
{
    *p = (rz_decimals){.kind = kind};
    for (uint64_t tries = 0; max_tries == 0 || tries < max_tries; tries++) {
        decimal d[RZ_DECIMALS_MAX_CANDIDATES] = {{0}};
        int n = try_kind(o, kind, s, d);
        if (!n) continue;
        write_down(d, n, s, p);
        if ((kind == RZ_DECIMALS_EQUAL || all_different(p)) && rz_split_of(shares, rz_decimals_content(p)) == split) return true;
    }
    return false;
}

static double share_of(const rz_decimals_options *o, rz_decimals_kind kind)
{
    const double shares[RZ_DECIMALS_N_KINDS] = {[RZ_DECIMALS_HARD] = o->hard, [RZ_DECIMALS_LONGER] = o->longer, [RZ_DECIMALS_SEVERAL] = o->several,
                                                [RZ_DECIMALS_SIGNED] = o->signed_, [RZ_DECIMALS_EQUAL] = o->equal};
    return kind == RZ_DECIMALS_EASY ? 1 - o->hard - o->longer - o->several - o->signed_ - o->equal : shares[kind];
}

void rz_decimals_draw(const rz_decimals_options *o, const rz_shares *shares, uint32_t seed, rz_split split, uint64_t index, rz_decimals *out)
{
    rz_stream s;
    rz_stream_init(&s, seed, RZ_RNG_PROBLEM, index << 2 | (uint64_t)split); /* problem i of one split says nothing of problem i of another */
    double at = rz_stream_unit(&s);
    rz_decimals_kind kind = RZ_DECIMALS_HARD;
    while (kind < RZ_DECIMALS_N_KINDS && at >= share_of(o, kind)) at -= share_of(o, kind++);
    draw(o, shares, kind < RZ_DECIMALS_N_KINDS ? kind : RZ_DECIMALS_EASY, split, 0, &s, out);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

uint64_t rz_decimals_content(const rz_decimals *p)
{
    int64_t sorted[RZ_DECIMALS_MAX_CANDIDATES];
    memcpy(sorted, p->value, (size_t)p->n * sizeof *sorted);
    qsort(sorted, (size_t)p->n, sizeof *sorted, by_value);
    return rz_content(sorted, p->n);
}

void rz_decimals_prompt(const rz_decimals *p, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "Which number is %s,", p->n == 2 ? "larger" : "the largest");
    for (int i = 0; i < p->n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s %s%s", i && i == p->n - 1 ? " or" : "", p->text[i], i < p->n - 2 ? "," : "");
    if (used < size) snprintf(buf + used, size - used, "?");
}

static bool check_range(const char *key, int64_t value, int64_t min, int64_t max, rz_err *err)
{
    if (value >= min && value <= max) return true;
    return rz_fail(err, RZ_ECONFIG, "decimals: %s is %" PRId64 ", must be %" PRId64 "..%" PRId64, key, value, min, max);
}

static bool check_kind(const rz_decimals_options *o, const rz_shares *shares, rz_decimals_kind kind, rz_err *err)
{
    enum { MAX_TRIES = 100000 };
    const double shares_of_splits[] = {[RZ_TRAIN] = 1 - shares->test_share - shares->validation_share, [RZ_VALIDATION] = shares->validation_share,
                                       [RZ_TEST] = shares->test_share};
    for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) {
        rz_stream s;
        rz_decimals p;
        rz_stream_init(&s, 0, RZ_RNG_PROBLEM, 0);
        if (shares_of_splits[split] > 1e-9 && !draw(o, shares, kind, split, MAX_TRIES, &s, &p)) {
            return rz_fail(err, RZ_ECONFIG, "decimals: %d draws gave no problem of kind %s for the %s split (a share of %g); raise the share or the digits",
                           MAX_TRIES, rz_decimals_kinds[kind], rz_split_names[split], shares_of_splits[split]);
        }
    }
    return true;
}

bool rz_decimals_check(const rz_decimals_options *o, const rz_shares *shares, rz_err *err)
{
    if (!check_range("whole_digits", o->whole_digits, 1, RZ_DECIMALS_MAX_DIGITS, err) ||
        !check_range("fraction_digits", o->fraction_digits, 1, RZ_DECIMALS_MAX_DIGITS, err) ||
        !check_range("candidates", o->candidates, 3, RZ_DECIMALS_MAX_CANDIDATES, err)) {
        return false;
    }
    double sum = 0;
    for (rz_decimals_kind kind = RZ_DECIMALS_HARD; kind < RZ_DECIMALS_N_KINDS; kind++) {
        double share = share_of(o, kind);
        if (!(share >= 0 && share <= 1)) return rz_fail(err, RZ_ECONFIG, "decimals: %s_share is %g, must be 0..1", rz_decimals_kinds[kind], share);
        sum += share;
        if (two_lengths(kind) && share > 0 && o->fraction_digits < 2) {
            return rz_fail(err, RZ_ECONFIG, "decimals: %s_share is %g, but problems of this kind need two lengths of fractions; set fraction_digits to 2 "
                           "or more, or the share to 0", rz_decimals_kinds[kind], share);
        }
    }
    if (sum > 1 + 1e-9) return rz_fail(err, RZ_ECONFIG, "decimals: the shares of the kinds add up to %g, must be at most 1", sum);
    for (rz_decimals_kind kind = RZ_DECIMALS_EASY; kind < RZ_DECIMALS_N_KINDS; kind++) {
        if (share_of(o, kind) > 1e-9 && !check_kind(o, shares, kind, err)) return false;
    }
    return true;
}
