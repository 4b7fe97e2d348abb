#include "trainer/statistics.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double rz_pass_at_k(int64_t n, int64_t c, int64_t k)
{
    double none = 1;
    if (n - c < k)
        return 1;
    for (int64_t i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / (double)i;
    return 1 - none;
}

static int by_answer(const void *a, const void *b)
{
    uint64_t x = ((const rz_vote *)a)->answer, y = ((const rz_vote *)b)->answer;
    return x < y ? -1 : x > y;
}

double rz_majority(rz_vote *votes, int n)
{
    int most = 0, n_most = 0;
    double right = 0; /* sum over the leading answers of their shares of right ones */
    qsort(votes, (size_t)n, sizeof *votes, by_answer);
    for (int i = 0, end; i < n; i = end) {
        int correct = 0;
        for (end = i; end < n && votes[end].answer == votes[i].answer; end++)
            correct += votes[end].correct;
        if (!votes[i].answer || end - i < most)
            continue;
        if (end - i > most) {
            most = end - i;
            n_most = 0;
            right = 0;
        }
        n_most++;
        right += (double)correct / most;
    }
    return n_most ? right / n_most : 0;
}

typedef struct { uint64_t cluster; int problem; } place;

static int by_cluster(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    return x->problem < y->problem ? -1 : x->problem > y->problem;
}

/* Sums of the rows of each cluster, (n_clusters, m), in the order of the cluster's numbers. */
static rz_ratio *add_up_clusters(const rz_ratio *ratios, const uint64_t *clusters, int n, int m, int *n_clusters, rz_arena *arena)
{
    place *places = RZ_NEW(arena, n, place);
    for (int i = 0; i < n; i++)
        places[i] = (place){clusters[i], i};
    qsort(places, (size_t)n, sizeof *places, by_cluster);
    rz_ratio *sums = RZ_ZNEW(arena, (size_t)n * (size_t)m, rz_ratio);
    int at = -1;
    for (int i = 0; i < n; i++) {
        at += !i || places[i].cluster != places[i - 1].cluster;
        const rz_ratio *from = ratios + (size_t)places[i].problem * (size_t)m;
        rz_ratio *to = sums + (size_t)at * (size_t)m;
        for (int j = 0; j < m; j++) {
            to[j].num += from[j].num;
            to[j].den += from[j].den;
        }
    }
    *n_clusters = at + 1;
    return sums;
}

static void add_times(rz_ratio *to, const rz_ratio *from, int times, int m)
{
    for (int j = 0; j < m; j++) {
        to[j].num += times * from[j].num;
        to[j].den += times * from[j].den;
    }
}

/* How often each of n clusters is drawn in a resample. 32 random bits an index: the bias is below n / 2^32. */
static void draw(uint32_t seed, int resample, int n, int *times)
{
    rz_u32x4 bits = {{0}};
    memset(times, 0, (size_t)n * sizeof *times);
    for (int i = 0; i < n; i++) {
        if (i % 4 == 0)
            bits = rz_rng_at(seed, RZ_RNG_BOOTSTRAP, (uint32_t)resample, (uint32_t)(i / 4), 0, 0);
        times[(uint64_t)bits.v[i % 4] * (uint64_t)n >> 32]++;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Of n sorted values, n ≥ 1. */
static double quantile(const double *sorted, int n, double p)
{
    double at = p * (n - 1);
    int below = (int)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

void rz_bootstrap(const rz_ratio *ratios, const uint64_t *clusters, int n, int m, uint32_t seed, rz_interval *out, int *n_clusters, rz_arena scratch)
{
    rz_ratio *sums = add_up_clusters(ratios, clusters, n, m, n_clusters, &scratch), *total = RZ_NEW(&scratch, m, rz_ratio);
    double *values = RZ_NEW(&scratch, (size_t)m * RZ_RESAMPLES, double);
    int *times = RZ_NEW(&scratch, n, int), *n_values = RZ_ZNEW(&scratch, m, int);
    memset(total, 0, (size_t)m * sizeof *total);
    for (int c = 0; c < *n_clusters; c++)
        add_times(total, sums + (size_t)c * (size_t)m, 1, m);
    for (int j = 0; j < m; j++)
        out[j] = (rz_interval){total[j].den > 0 ? total[j].num / total[j].den : NAN, NAN, NAN};
    if (*n_clusters < 2)
        return;
    for (int b = 0; b < RZ_RESAMPLES; b++) {
        draw(seed, b, *n_clusters, times);
        memset(total, 0, (size_t)m * sizeof *total);
        for (int c = 0; c < *n_clusters; c++)
            if (times[c])
                add_times(total, sums + (size_t)c * (size_t)m, times[c], m);
        for (int j = 0; j < m; j++)
            if (total[j].den > 0) /* a resample may hold no case of it */
                values[(size_t)j * RZ_RESAMPLES + (size_t)n_values[j]++] = total[j].num / total[j].den;
    }
    for (int j = 0; j < m; j++) {
        double *sorted = values + (size_t)j * RZ_RESAMPLES;
        if (!n_values[j])
            continue;
        qsort(sorted, (size_t)n_values[j], sizeof *sorted, by_value);
        out[j].low = quantile(sorted, n_values[j], 0.025);
        out[j].high = quantile(sorted, n_values[j], 0.975);
    }
}

double rz_cluster_error(const rz_ratio *ratios, const uint64_t *clusters, int n, rz_arena scratch)
{
    int n_clusters;
    rz_ratio *sums = add_up_clusters(ratios, clusters, n, 1, &n_clusters, &scratch), total = {0, 0};
    double variance = 0;
    for (int c = 0; c < n_clusters; c++)
        add_times(&total, &sums[c], 1, 1);
    for (int c = 0; c < n_clusters; c++) {
        double deviation = sums[c].num - total.num / total.den * sums[c].den;
        variance += deviation * deviation;
    }
    return n_clusters > 1 ? sqrt(variance * n_clusters / (n_clusters - 1)) / total.den : NAN;
}
