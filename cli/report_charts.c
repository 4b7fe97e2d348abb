#include "cli/chart.h"
#include "cli/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A chart a row. A metric with a '*' stands for all of that form, one series each, labelled with what the star stands for behind the label here. */
typedef enum { OF_METRICS, OF_EVAL, OF_BASE } source;
static const struct {
    source from;
    const char *title, *unit;
    bool percent;
    double low, high; /* bounds of y, NAN: from the values */
    struct { const char *metric, *label; } series[RZ_CHART_SERIES];
} charts[] = {
    {OF_EVAL, "Held-out problems right", "95% intervals", true, 0, 1, {{"accuracy", ""}}},
    {OF_EVAL, "One right of K, and the most frequent", "held-out", true, 0, 1, {{"pass@*", "pass@"}, {"maj@*", "maj@"}}},
    {OF_EVAL, "Right by kind of problem", "held-out", true, 0, 1, {{"accuracy/kind/*", ""}}},
    {OF_EVAL, "Right by kind, of those in the form asked for", "held-out", true, 0, 1, {{"accuracy/well_formed/*", ""}}},
    {OF_METRICS, "Reward", "mean of a step", false, NAN, NAN, {{"reward/mean", ""}}},
    {OF_METRICS, "In training", "", true, 0, 1, {{"accuracy/mean", "right"}, {"format/mean", "in the form asked for"}}},
    {OF_METRICS, "Points by rule", "before the weight", false, NAN, NAN, {{"rewards/*/mean", ""}}},
    {OF_METRICS, "Length of completions", "tokens", false, 0, NAN, {{"completions/mean_length", "mean"}, {"completions/max_length", "longest"}}},
    {OF_METRICS, "Cut at the length limit", "", true, 0, NAN, {{"completions/clipped_ratio", ""}}},
    {OF_METRICS, "Thinking", "a completion", false, 0, NAN, {{"trace/attempts", "attempts"}, {"trace/self_checks", "self-checks"}}},
    {OF_METRICS, "Written equations that hold", "", true, NAN, 1, {{"trace/equations_right", ""}}},
    {OF_METRICS, "Groups", "", true, 0, 1,
     {{"frac_reward_zero_std", "without signal"}, {"groups/all_right", "all right"}, {"groups/all_wrong", "all wrong"}}},
    {OF_METRICS, "Entropy", "nats a token", false, 0, NAN, {{"entropy", ""}}},
    {OF_METRICS, "Loss", "nats a token", false, NAN, NAN, {{"loss", ""}}},
    {OF_METRICS, "Gradient norm", "before clipping", false, 0, NAN, {{"grad_norm", ""}}},
    {OF_METRICS, "Distance from the base", "KL, nats a token", false, 0, NAN, {{"kl", ""}}},
    {OF_METRICS, "Time of a step", "seconds", false, 0, NAN, 
     {{"time/sample_s", "sampling"}, {"time/forward_backward_s", "gradients"}, {"time/wait_s", "waiting"}, {"time/score_s", "scoring"},
      {"time/communication_s", "communication"}, {"time/optimizer_s", "optimizer"}}},
    {OF_BASE, "Pretraining of the base", "loss, nats a token", false, NAN, NAN, {{"loss", ""}}},
};
enum { N_CHARTS = sizeof charts / sizeof charts[0] };

/* The label with what the star of a pattern stands for in a name, as a new text; NULL when the name is not of that form. */
static char *star(const char *pattern, const char *label, const char *name)
{
    const char *at = strchr(pattern, '*');
    size_t before = (size_t)(at - pattern), after = strlen(at + 1), len = strlen(name);
    if (len <= before + after || strncmp(name, pattern, before) || strcmp(name + len - after, at + 1) || rz_report_is_bound(name))
        return NULL;
    return rz_asprintf("%s%.*s", label, (int)(len - before - after), name + before);
}

static bool finite_somewhere(const double *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (isfinite(y[i]))
            return true;
    return false;
}

static void add_series(rz_chart *c, const rz_history *h, const double *y, const char *label)
{
    if (y && c->n < RZ_CHART_SERIES && finite_somewhere(y, h->n))
        c->series[c->n++] = (rz_series){.label = label, .x = rz_history_column(h, "step"), .y = y, .n = h->n};
}

/* Labels that were made are handed to `made`, to be freed after the chart is written. */
static int gather(rz_chart *c, const rz_history *h, int row, char **made)
{
    int n_made = 0;
    for (int s = 0; s < RZ_CHART_SERIES && charts[row].series[s].metric; s++) {
        const char *metric = charts[row].series[s].metric;
        if (!strchr(metric, '*')) {
            add_series(c, h, rz_history_column(h, metric), charts[row].series[s].label);
            continue;
        }
        int room = RZ_CHART_SERIES; /* less what comes behind: many pass@ leave maj@ its line */
        for (int k = s + 1; k < RZ_CHART_SERIES && charts[row].series[k].metric; k++)
            room--;
        for (int i = 0; i < h->n_columns && n_made < room; i++)
            if ((made[n_made] = star(metric, charts[row].series[s].label, h->columns[i].name)))
                add_series(c, h, h->columns[i].v, made[n_made++]);
    }
    return n_made;
}

static bool write_chart(rz_html *h, const rz_report *r, int row)
{
    const rz_history *from = charts[row].from == OF_EVAL ? &r->eval : charts[row].from == OF_BASE ? &r->base : &r->metrics;
    rz_chart c = {.title = charts[row].title, .unit = charts[row].unit, .percent = charts[row].percent, .points = charts[row].from == OF_EVAL,
                  .low = charts[row].low, .high = charts[row].high};
    char *made[RZ_CHART_SERIES];
    double *low = NULL, *high = NULL;
    if (!from->n)
        return false;
    int n_made = gather(&c, from, row, made);
    if (c.points && c.n == 1) { /* intervals of several would hide each other */
        low = rz_calloc((size_t)from->n, sizeof *low);
        high = rz_calloc((size_t)from->n, sizeof *high);
        for (int64_t i = 0; i < from->n; i++)
            rz_report_interval(from, charts[row].series[0].metric, i, &low[i], &high[i]);
        c.series[0].low = low;
        c.series[0].high = high;
    }
    bool wrote = c.n > 0 && rz_chart_write(h, &c);
    for (int i = 0; i < n_made; i++)
        free(made[i]);
    free(low);
    free(high);
    return wrote;
}

void rz_report_curves(rz_html *h, const rz_report *r)
{
    rz_html_markup(h, "<section id=\"curves\"><h2>Curves</h2>\n");
    if (r->metrics.n > 1)
        rz_html_markup(h, "<p class=\"small\">Every step a dot (of long runs the range), the line smoothed; the figures on the right are where it begins "
                          "and ends. Point at a curve to read it.</p>\n");
    rz_html_markup(h, "<div class=\"charts\">\n");
    bool any = false;
    for (int i = 0; i < N_CHARTS; i++)
        any |= write_chart(h, r, i);
    rz_html_markup(h, "%s</div></section>\n", any ? "" : "<p>No step has been finished yet.</p>");
}
