#include "cli/cli.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 20, CURVE_CELLS = 48 };

typedef struct { double *v; int n, cap; } series;

static void add(series *s, double x)
{
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 64;
        s->v = rz_realloc(s->v, (size_t)s->cap * sizeof *s->v);
    }
    s->v[s->n++] = x;
}

static double mean(const series *s, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += s->v[i];
    return sum / (to - from);
}

/* Calls fn with every object of a JSONL file; what cannot be read is passed over (the run itself has checked its logs). */
static void each_line(const char *dir, const char *name, void (*fn)(void *ctx, const json_t *o), void *ctx)
{
    char *path = rz_asprintf("%s/%s", dir, name), *line;
    rz_lines *lines;
    rz_err err = {0};
    size_t len;
    if (rz_lines_open(&lines, path, MAX_LINE, &err)) {
        while (rz_lines_next(lines, &line, &len, &err)) {
            json_t *o = json_loadb(line, len, 0, NULL);
            if (o)
                fn(ctx, o);
            json_decref(o);
        }
        rz_lines_close(lines);
    }
    free(path);
}

static double number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

typedef struct {
    series reward, loss;
    double tokens, seconds;
    int n_eval;
    struct { double step, accuracy, se, length; } before, after;
} result;

static void on_metrics(void *ctx, const json_t *o)
{
    result *r = ctx;
    double reward = number(o, "reward/mean"), loss = number(o, "loss"), sampled = number(o, "tokens/sampled");
    if (!isnan(reward))
        add(&r->reward, reward);
    if (!isnan(loss))
        add(&r->loss, loss);
    r->tokens += isnan(sampled) ? number(o, "tokens/trained") : sampled;
    r->seconds += number(o, "time/step_s");
}

static void on_eval(void *ctx, const json_t *o)
{
    result *r = ctx;
    r->after.step = number(o, "step");
    r->after.accuracy = number(o, "accuracy");
    r->after.se = number(o, "accuracy_se");
    r->after.length = number(o, "mean_length");
    if (!r->n_eval++)
        memcpy(&r->before, &r->after, sizeof r->before);
}

/* The series in CURVE_CELLS cells of eight heights. */
static void print_curve(const series *s)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = INFINITY, high = -INFINITY;
    int cells = s->n < CURVE_CELLS ? s->n : CURVE_CELLS;
    for (int c = 0; c < cells; c++) {
        double x = mean(s, s->n * c / cells, s->n * (c + 1) / cells);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    fprintf(stderr, "  %.3f ", low);
    for (int c = 0; c < cells; c++) {
        double x = mean(s, s->n * c / cells, s->n * (c + 1) / cells);
        fputs(bars[high > low ? (int)(7.999 * (x - low) / (high - low)) : 0], stderr);
    }
    fprintf(stderr, " %.3f\n", high);
}

static void print_fifths(const char *name, const series *s)
{
    int fifth = s->n / 5 ? s->n / 5 : 1;
    if (!s->n)
        return;
    fprintf(stderr, "%s: %.3f in the first fifth of %d steps, %.3f in the last\n", name, mean(s, 0, fifth), s->n, mean(s, s->n - fifth, s->n));
    print_curve(s);
}

void rz_tell_result(const char *dir)
{
    result r = {0};
    each_line(dir, "metrics.jsonl", on_metrics, &r);
    each_line(dir, "eval.jsonl", on_eval, &r);
    print_fifths("reward", &r.reward);
    print_fifths("loss", &r.loss);
    if (r.n_eval > 1)
        fprintf(stderr, "held-out problems right: %.1f%% +- %.1f before, %.1f%% +- %.1f after (length %.0f -> %.0f)\n", 100 * r.before.accuracy,
                196 * r.before.se, 100 * r.after.accuracy, 196 * r.after.se, r.before.length, r.after.length);
    char *rollouts = rz_newest_step_file(dir, "rollouts");
    if (rollouts)
        rz_tell_sample(rollouts);
    free(rollouts);
    fprintf(stderr, "%.0f tokens in %.1f s of steps\n", r.tokens, r.seconds);
    fprintf(stderr, "run directory: %s  (model.h5, metrics.jsonl, %scheckpoints/, config.yaml, log.txt)\n", dir,
            r.reward.n ? "eval.jsonl, rollouts/, " : "");
    free(r.reward.v);
    free(r.loss.v);
}
