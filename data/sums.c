#include "data/sums.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t draw_term(const rz_sums_options *o, rz_stream *s)
{
    int digits = rz_stream_range(s, 1, (int)o->digits);
    int64_t least = 1;
    while (--digits > 0) least *= 10;
    return least + rz_stream_below(s, (uint32_t)(9 * least));
}

/* Terms are redrawn until they belong to the split; false after max_tries of them (0: never give up). */
static bool draw(const rz_sums_options *o, const rz_shares *shares, int n, rz_split split, uint64_t max_tries, rz_stream *s, rz_sums *p)
{
    for (uint64_t tries = 0; max_tries == 0 || tries < max_tries; tries++) {
        *p = (rz_sums){.n = n};
        for (int i = 0; i < n; i++) {
            int64_t term = draw_term(o, s);
            p->terms[i] = i && rz_stream_below(s, 2) ? -term : term;
            p->sum += p->terms[i];
        }
        if (rz_split_of(shares, rz_sums_content(p)) == split) return true;
    }
    return false;
}

void rz_sums_draw(const rz_sums_options *o, const rz_shares *shares, uint32_t seed, rz_split split, uint64_t index, rz_sums *out)
{
    rz_stream s;
    rz_stream_init(&s, seed, RZ_RNG_PROBLEM, index << 2 | (uint64_t)split); /* problem i of one split says nothing of problem i of another */
    draw(o, shares, (int)o->terms.v[rz_stream_below(&s, (uint32_t)o->terms.n)], split, 0, &s, out);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

uint64_t rz_sums_content(const rz_sums *p)
{
    int64_t sorted[RZ_SUMS_MAX_TERMS];
    memcpy(sorted, p->terms, (size_t)p->n * sizeof *sorted);
    qsort(sorted, (size_t)p->n, sizeof *sorted, by_value);
    return rz_content(sorted, p->n);
}

void rz_sums_prompt(const rz_sums *p, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, "What is %" PRId64, p->terms[0]);
    for (int i = 1; i < p->n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, " %c %" PRId64, p->terms[i] < 0 ? '-' : '+', p->terms[i] < 0 ? -p->terms[i] : p->terms[i]);
    if (used < size) snprintf(buf + used, size - used, "?");
}

static bool check_terms(const rz_sums_options *o, const rz_shares *shares, int n, rz_err *err)
{
    enum { MAX_TRIES = 100000 };
    const double shares_of_splits[] = {[RZ_TRAIN] = 1 - shares->test_share - shares->validation_share, [RZ_VALIDATION] = shares->validation_share,
                                       [RZ_TEST] = shares->test_share};
    for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) {
        rz_stream s;
        rz_sums p;
        rz_stream_init(&s, 0, RZ_RNG_PROBLEM, 0);
        if (shares_of_splits[split] > 1e-9 && !draw(o, shares, n, split, MAX_TRIES, &s, &p)) {
            return rz_fail(err, RZ_ECONFIG, "sums: %d draws gave no problem of %d terms for the %s split (a share of %g); raise the share or the digits",
                           MAX_TRIES, n, rz_split_names[split], shares_of_splits[split]);
        }
    }
    return true;
}

bool rz_sums_check(const rz_sums_options *o, const rz_shares *shares, rz_err *err)
{
    if (o->terms.n < 1) return rz_fail(err, RZ_ECONFIG, "sums: terms is empty, must list counts of 2..%d", RZ_SUMS_MAX_TERMS);
    if (o->digits < 1 || o->digits > RZ_SUMS_MAX_DIGITS)
        return rz_fail(err, RZ_ECONFIG, "sums: digits is %" PRId64 ", must be 1..%d", o->digits, RZ_SUMS_MAX_DIGITS);
    for (int i = 0; i < o->terms.n; i++) {
        if (o->terms.v[i] < 2 || o->terms.v[i] > RZ_SUMS_MAX_TERMS)
            return rz_fail(err, RZ_ECONFIG, "sums: terms is %" PRId64 ", must be 2..%d", o->terms.v[i], RZ_SUMS_MAX_TERMS);
    }
    for (int i = 0; i < o->terms.n; i++) {
        if (!check_terms(o, shares, (int)o->terms.v[i], err)) return false;
    }
    return true;
}
