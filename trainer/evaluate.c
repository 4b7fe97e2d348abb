#include "trainer/evaluate.h"

#include <math.h>
#include <stdlib.h>

/* Problems with the same numbers are not independent: their deviations are summed before they are squared (cluster-robust variance of a mean). */
typedef struct { uint64_t cluster; double x, n; } cell;

static int by_cluster(const void *a, const void *b)
{
    uint64_t x = ((const cell *)a)->cluster, y = ((const cell *)b)->cluster;
    return x < y ? -1 : x > y;
}

static double standard_error(cell *cells, int n, double mean, double total)
{
    double variance = 0;
    int clusters = 0;
    qsort(cells, (size_t)n, sizeof *cells, by_cluster);
    for (int i = 0; i < n; clusters++) {
        double deviation = 0;
        uint64_t c = cells[i].cluster;
        for (; i < n && cells[i].cluster == c; i++)
            deviation += cells[i].x - mean * cells[i].n;
        variance += deviation * deviation;
    }
    return clusters > 1 ? sqrt(variance * clusters / (clusters - 1)) / total : NAN;
}

bool rz_evaluate(const rz_rollout *r, rz_split split, int n_problems, int n_samples, uint32_t step, rz_arena scratch, rz_evaluation *out,
                 rz_err *err)
{
    rz_group *groups = RZ_NEW(&scratch, n_problems, rz_group);
    rz_rollout_times times = {0};
    const rz_draw draw = {.split = split, .purpose = RZ_RNG_EVAL, .step = step, .n_groups = n_problems, .n = n_samples};
    *out = (rz_evaluation){.problems = n_problems, .samples = n_samples};
    if (!rz_rollout_groups(r, draw, &scratch, groups, &times, err))
        return false;
    double n = (double)n_problems * n_samples;
    cell *cells = RZ_ZNEW(&scratch, n_problems, cell);
    for (int i = 0; i < n_problems; i++) {
        cells[i].cluster = groups[i].problem.cluster;
        for (int k = 0; k < n_samples; k++) {
            const rz_scored *s = &groups[i].scored[k];
            cells[i].x += s->correct;
            cells[i].n++;
            out->accuracy += s->correct / n;
            out->score += s->score / n;
            out->format += s->format_ok / n;
            out->mean_length += groups[i].completions[k].n / n;
            out->truncated += groups[i].completions[k].truncated / n;
        }
    }
    out->accuracy_se = standard_error(cells, n_problems, out->accuracy, n);
    return true;
}

void rz_evaluation_metrics(const rz_evaluation *e, int64_t step, rz_metrics *m)
{
    m->n = 0;
    rz_metrics_put_int(m, "step", step);
    rz_metrics_put_int(m, "problems", e->problems);
    rz_metrics_put_int(m, "samples", e->samples);
    rz_metrics_put(m, "accuracy", e->accuracy);
    rz_metrics_put(m, "accuracy_se", e->accuracy_se);
    rz_metrics_put(m, "score", e->score);
    rz_metrics_put(m, "format", e->format);
    rz_metrics_put(m, "mean_length", e->mean_length);
    rz_metrics_put(m, "truncated", e->truncated);
}
