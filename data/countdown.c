#include "data/countdown.h"
#include "data/derivation.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT = 99, MAX_VALUE = 9999 };

static uint64_t choose(uint64_t n, uint64_t k)
{
    uint64_t r = 1;
    for (uint64_t i = 1; i <= k; i++) r = r * (n - k + i) / i; /* exact: a product of i consecutive integers is divisible by i! */
    return r;
}

static uint64_t count_multisets(const rz_countdown_options *o, int n) { return choose((uint64_t)(o->max_input + n - 1), (uint64_t)n); }

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Combinatorial number system: sorted a₁ ≤ … ≤ aₙ become the strictly increasing cᵢ = aᵢ − 1 + (i − 1), of rank Σ C(cᵢ, i). */
static uint64_t multiset_rank(const int *numbers, int n)
{
    int sorted[RZ_COUNTDOWN_MAX_NUMBERS];
    memcpy(sorted, numbers, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_ints);
    uint64_t rank = 0;
    for (int i = 0; i < n; i++) {
        uint64_t c = (uint64_t)(sorted[i] - 1 + i);
        if (c > (uint64_t)i) rank += choose(c, (uint64_t)i + 1);
    }
    return rank;
}

uint64_t rz_countdown_split_size(const rz_countdown_options *o, int n, rz_split split)
{
    uint64_t count = count_multisets(o, n);
    uint64_t test = (uint64_t)floor(o->test_share * (double)count + 0.5);
    uint64_t validation = (uint64_t)floor(o->validation_share * (double)count + 0.5);
    if (validation > count - test) validation = count - test; /* both shares rounded up */
    switch (split) {
    case RZ_TEST: return test;
    case RZ_VALIDATION: return validation;
    case RZ_TRAIN: break;
    }
    return count - test - validation;
}

rz_split rz_countdown_split(const rz_countdown_options *o, const int *numbers, int n)
{
    assert(n >= 2 && n <= RZ_COUNTDOWN_MAX_NUMBERS);
    uint64_t place = rz_rng_permute((uint32_t)o->split_seed, RZ_RNG_SPLIT, (uint32_t)n, count_multisets(o, n), multiset_rank(numbers, n));
    uint64_t test = rz_countdown_split_size(o, n, RZ_TEST);
    if (place < test) return RZ_TEST;
    return place < test + rz_countdown_split_size(o, n, RZ_VALIDATION) ? RZ_VALIDATION : RZ_TRAIN;
}

typedef struct {
    uint16_t *values; /* max_value places */
    int count;
} value_set;

static void add(value_set *set, bool *seen, int max_value, int v)
{
    if (v > max_value || seen[v]) return;
    seen[v] = true;
    set->values[set->count++] = (uint16_t)v;
}

static void add_combinations(value_set *set, bool *seen, int max_value, const value_set *a, const value_set *b)
{
    for (int i = 0; i < a->count; i++) {
        for (int j = 0; j < b->count; j++) {
            int x = a->values[i], y = b->values[j], hi = x > y ? x : y, lo = x > y ? y : x;
            add(set, seen, max_value, hi + lo);
            add(set, seen, max_value, hi * lo);
            if (hi > lo) add(set, seen, max_value, hi - lo);
            if (hi % lo == 0) add(set, seen, max_value, hi / lo);
        }
    }
}

/* Values of every subset from those of its two parts, smallest subsets first. Cost: Σ over the (3ⁿ+1)/2 − 2ⁿ splits of |values|·|values|. */
void rz_countdown_reachable(const int *numbers, int n, int max_value, bool *reachable)
{
    assert(n >= 1 && n <= RZ_COUNTDOWN_MAX_NUMBERS && max_value >= 1 && max_value <= MAX_VALUE);
    value_set sets[1 << RZ_COUNTDOWN_MAX_NUMBERS];
    unsigned n_sets = 1u << n;
    uint16_t *places = rz_malloc((size_t)n_sets * (size_t)max_value * sizeof *places);
    for (unsigned set = 1; set < n_sets; set++) {
        unsigned lowest = set & -set;
        memset(reachable, 0, ((size_t)max_value + 1) * sizeof *reachable); /* marks of this subset; the last subset is all numbers */
        sets[set] = (value_set){.values = places + (size_t)set * (size_t)max_value};
        if (set == lowest) add(&sets[set], reachable, max_value, numbers[__builtin_ctz(set)]);
        for (unsigned part = (set - 1) & set; part; part = (part - 1) & set) {
            if (part & lowest) add_combinations(&sets[set], reachable, max_value, &sets[part], &sets[set ^ part]);
        }
    }
    free(places);
}

/* Fractions are not reduced: over six numbers below 10⁴ numerator and denominator stay under 2⁵·10²⁴ < 2¹²⁷. */
__extension__ typedef __int128 wide;
typedef struct { wide p, q; } fraction;

static bool solve(const fraction *f, int n, int target)
{
    if (n == 1) return f[0].p == target * f[0].q;
    for (int i = 0; i < n; i++) {
        for (int j = i + 1; j < n; j++) {
            fraction rest[RZ_COUNTDOWN_MAX_NUMBERS], a = f[i], b = f[j];
            int kept = 0;
            for (int k = 0; k < n; k++) {
                if (k != i && k != j) rest[kept++] = f[k];
            }
            const fraction results[] = {
                {a.p * b.q + b.p * a.q, a.q * b.q}, {a.p * b.q - b.p * a.q, a.q * b.q}, {b.p * a.q - a.p * b.q, a.q * b.q},
                {a.p * b.p, a.q * b.q}, {a.p * b.q, a.q * b.p}, {b.p * a.q, b.q * a.p},
            };
            for (int k = 0; k < 6; k++) {
                rest[kept] = results[k];
                if (results[k].q != 0 && solve(rest, n - 1, target)) return true;
            }
        }
    }
    return false;
}

bool rz_countdown_solvable(const int *numbers, int n, int target)
{
    assert(n >= 1 && n <= RZ_COUNTDOWN_MAX_NUMBERS);
    bool reachable[MAX_VALUE + 1];
    fraction f[RZ_COUNTDOWN_MAX_NUMBERS];
    for (int i = 0; i < n; i++) {
        assert(numbers[i] >= 1 && numbers[i] <= MAX_VALUE);
        f[i] = (fraction){numbers[i], 1};
    }
    if (target >= 1 && target <= MAX_VALUE) { /* whole positive steps nearly always suffice, and are tried in no time */
        rz_countdown_reachable(numbers, n, MAX_VALUE, reachable);
        if (reachable[target]) return true;
    }
    return solve(f, n, target);
}

static bool contains(const int *numbers, int n, int value)
{
    for (int i = 0; i < n; i++) {
        if (numbers[i] == value) return true;
    }
    return false;
}

/* A target for p's numbers; false when what was drawn is an input, or nothing else is reachable. */
static bool draw_target(const rz_countdown_options *o, bool deriv, rz_stream *s, rz_countdown *p)
{
    int max_value = (int)o->max_value;
    if (deriv) {
        rz_derivation d;
        rz_derivation_init(&d, p->numbers, p->n);
        while (d.n_live > 1) rz_derivation_random(&d, max_value, s);
        p->target = rz_derivation_result(&d);
        return !contains(p->numbers, p->n, p->target);
    }
    bool reachable[MAX_VALUE + 1];
    rz_countdown_reachable(p->numbers, p->n, max_value, reachable);
    uint32_t count = 0;
    for (int i = 0; i < p->n; i++) reachable[p->numbers[i]] = false;
    for (int v = 1; v <= max_value; v++) count += reachable[v];
    if (count == 0) return false;
    uint32_t left = rz_stream_below(s, count);
    int v = 1;
    while (!reachable[v] || left-- > 0) v++;
    p->target = v;
    return true;
}

/* Numbers are redrawn until they belong to the split and have a target; false after max_tries of them (0: never give up). */
static bool draw(const rz_countdown_options *o, int n, rz_split split, uint64_t max_tries, rz_stream *s, rz_countdown *p)
{
    bool deriv = o->targets == RZ_TARGETS_DERIV || (o->targets == RZ_TARGETS_MIX && rz_stream_below(s, 2) == 0);
    p->n = n;
    for (uint64_t tries = 0; max_tries == 0 || tries < max_tries; tries++) {
        for (int i = 0; i < n; i++) p->numbers[i] = rz_stream_range(s, 1, (int)o->max_input);
        if (rz_countdown_split(o, p->numbers, n) == split && draw_target(o, deriv, s, p)) return true;
    }
    return false;
}

void rz_countdown_draw_next(const rz_countdown_options *o, rz_split split, rz_stream *s, rz_countdown *out)
{
    int n = (int)o->numbers.v[rz_stream_below(s, (uint32_t)o->numbers.n)];
    draw(o, n, split, 0, s, out);
}

void rz_countdown_draw(const rz_countdown_options *o, uint32_t seed, rz_split split, uint64_t index, rz_countdown *out)
{
    rz_stream s;
    rz_stream_init(&s, seed, RZ_RNG_PROBLEM, index << 2 | (uint64_t)split); /* problem i of one split says nothing of problem i of another */
    rz_countdown_draw_next(o, split, &s, out);
}

static bool check_split(const rz_countdown_options *o, int n, rz_split split, rz_err *err)
{
    enum { MAX_TRIES = 100000 };
    static const char *const names[] = {[RZ_TRAIN] = "train", [RZ_VALIDATION] = "validation", [RZ_TEST] = "test"};
    const double shares[] = {[RZ_TRAIN] = 1 - o->test_share - o->validation_share, [RZ_VALIDATION] = o->validation_share, [RZ_TEST] = o->test_share};
    uint64_t size = rz_countdown_split_size(o, n, split);
    if (size == 0 && shares[split] > 1e-9) {
        return rz_fail(err, RZ_ECONFIG, "countdown: a share of %g of the %" PRIu64 " multisets of %d numbers in 1..%" PRId64 " leaves the %s split "
                       "empty; raise max_input or the share, or set the share to 0", shares[split], count_multisets(o, n), n, o->max_input, names[split]);
    }
    rz_stream s;
    rz_countdown p;
    rz_stream_init(&s, 0, RZ_RNG_PROBLEM, 0);
    if (size > 0 && !draw(o, n, split, MAX_TRIES, &s, &p)) {
        return rz_fail(err, RZ_ECONFIG, "countdown: %d draws of %d numbers in 1..%" PRId64 " gave no problem of the %s split (%" PRIu64 " of %" PRIu64
                       " multisets) with a target in 1..%" PRId64 " that is no input; raise max_value or the share", MAX_TRIES, n, o->max_input,
                       names[split], size, count_multisets(o, n), o->max_value);
    }
    return true;
}

static bool check_range(const char *key, int64_t value, int64_t min, int64_t max, rz_err *err)
{
    if (value >= min && value <= max) return true;
    return rz_fail(err, RZ_ECONFIG, "countdown: %s is %" PRId64 ", must be %" PRId64 "..%" PRId64, key, value, min, max);
}

bool rz_countdown_check(const rz_countdown_options *o, rz_err *err)
{
    if (o->numbers.n < 1) return rz_fail(err, RZ_ECONFIG, "countdown: numbers is empty, must list counts of 2..%d", RZ_COUNTDOWN_MAX_NUMBERS);
    for (int i = 0; i < o->numbers.n; i++) {
        if (!check_range("numbers", o->numbers.v[i], 2, RZ_COUNTDOWN_MAX_NUMBERS, err)) return false;
    }
    if (!check_range("max_input", o->max_input, 1, MAX_INPUT, err)) return false;
    if (!check_range("max_value", o->max_value, 1, MAX_VALUE, err)) return false;
    if (o->max_value < o->max_input) {
        return rz_fail(err, RZ_ECONFIG, "countdown: max_value is %" PRId64 ", must be at least max_input (%" PRId64 "): it bounds the inputs too",
                       o->max_value, o->max_input);
    }
    if (!check_range("targets", o->targets, RZ_TARGETS_DERIV, RZ_TARGETS_MIX, err)) return false;
    if (!check_range("split_seed", o->split_seed, 0, UINT32_MAX, err)) return false;
    if (!(o->test_share >= 0 && o->validation_share >= 0 && o->test_share + o->validation_share <= 1)) {
        return rz_fail(err, RZ_ECONFIG, "countdown: test_share is %g and validation_share %g; each must be at least 0, their sum at most 1",
                       o->test_share, o->validation_share);
    }
    for (int i = 0; i < o->numbers.n; i++) {
        for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) {
            if (!check_split(o, (int)o->numbers.v[i], split, err)) return false;
        }
    }
    return true;
}

void rz_countdown_prompt(const rz_countdown *p, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "numbers");
    for (int i = 0; i < p->n && used < size; i++) used += (size_t)snprintf(buf + used, size - used, " %d", p->numbers[i]);
    if (used < size) snprintf(buf + used, size - used, " target %d ?", p->target);
}
