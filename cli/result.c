#include "cli/cli.h"
#include "cli/report.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CURVE_CELLS = 48 };

/* A metric in CURVE_CELLS cells of eight heights. */
static void print_curve(const rz_history *h, const char *name)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = INFINITY, high = -INFINITY, x[CURVE_CELLS];
    int cells = h->n < CURVE_CELLS ? (int)h->n : CURVE_CELLS;
    for (int c = 0; c < cells; c++) {
        x[c] = rz_history_mean(h, name, h->n * c / cells, h->n * (c + 1) / cells);
        low = x[c] < low ? x[c] : low;
        high = x[c] > high ? x[c] : high;
    }
    if (low > high)
        return;
    fprintf(stderr, "  %.3f ", low);
    for (int c = 0; c < cells; c++)
        fputs(isnan(x[c]) ? " " : bars[high > low ? (int)(7.999 * (x[c] - low) / (high - low)) : 0], stderr);
    fprintf(stderr, " %.3f\n", high);
}

static void print_fifths(const rz_history *h, const char *name, const char *words)
{
    int64_t fifth = h->n / 5 ? h->n / 5 : 1;
    double first = rz_history_mean(h, name, 0, fifth), last = rz_history_mean(h, name, h->n - fifth, h->n);
    if (isnan(first) || isnan(last))
        return;
    fprintf(stderr, "%s: %.3f in the first fifth of %lld steps, %.3f in the last\n", words, first, (long long)h->n, last);
    print_curve(h, name);
}

/* "17.9% [14.9, 20.9]", of the evaluation of a line. */
static void print_share(const rz_history *eval, int64_t line)
{
    double low, high;
    rz_report_interval(eval, "accuracy", line, &low, &high);
    fprintf(stderr, "%.1f%%", 100 * rz_history_get(eval, "accuracy", line));
    if (isfinite(low) && isfinite(high))
        fprintf(stderr, " [%.1f, %.1f]", 100 * low, 100 * high);
}

static void print_evaluations(const rz_history *eval)
{
    int64_t last = eval->n - 1;
    if (last < 1)
        return;
    fprintf(stderr, "held-out problems right: ");
    print_share(eval, 0);
    fprintf(stderr, " before, ");
    print_share(eval, last);
    fprintf(stderr, " after (95%% intervals; length %.0f -> %.0f)\n", rz_history_get(eval, "mean_length", 0), rz_history_get(eval, "mean_length", last));
}

void rz_tell_result(const char *dir)
{
    rz_report r;
    rz_err err = {0};
    if (!rz_report_read(&r, dir, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    print_fifths(&r.metrics, "reward/mean", "reward");
    print_fifths(&r.metrics, "loss", "loss");
    print_evaluations(&r.eval);
    char *rollouts = rz_newest_step_file(dir, "rollouts"), *report = rz_asprintf("%s/report.html", dir);
    if (rollouts)
        rz_tell_sample(rollouts);
    int n_findings = 0;
    if (r.diagnosis)
        rz_diagnosis_findings(r.diagnosis, &n_findings);
    if (n_findings)
        fprintf(stderr, "%d thing%s looked wrong on the way: log.txt and the report say what\n", n_findings, n_findings > 1 ? "s" : "");
    fprintf(stderr, "%.0f tokens in %.1f s of steps\n", rz_report_tokens(&r), r.steps_s);
    fprintf(stderr, "run directory: %s  (model.h5, metrics.jsonl, %scheckpoints/, config.yaml, log.txt)\n", dir,
            r.pretrain ? "" : "eval.jsonl, rollouts/, ");
    if (rz_file_exists(report))
        fprintf(stderr, "report: %s\n", report);
    free(rollouts);
    free(report);
    rz_report_finish(&r);
}
