#include "trainer/diagnose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REWARD, ACCURACY, FORMAT, ERRORS, LENGTH, CUT, ENTROPY, ALL_RIGHT, ALL_WRONG, FLAT, GRAD_NORM, SAMPLED, EQUATIONS, KL, UPDATES, N_TRACKED };
static const char *const tracked[N_TRACKED] = {
    [REWARD] = "reward/mean", [ACCURACY] = "accuracy/mean", [FORMAT] = "format/mean", [ERRORS] = "rewards/errors",
    [LENGTH] = "completions/mean_length", [CUT] = "completions/clipped_ratio", [ENTROPY] = "entropy", [ALL_RIGHT] = "groups/all_right",
    [ALL_WRONG] = "groups/all_wrong", [FLAT] = "frac_reward_zero_std", [GRAD_NORM] = "grad_norm", [SAMPLED] = "tokens/sampled",
    [EQUATIONS] = "trace/equations_right", [KL] = "kl", [UPDATES] = "updates",
};

/* WINDOW: steps whose mean stands for "now", "the start" (the first ones) and "the best" (the highest such mean so far).
 * LONG: what "does not move" takes. */
enum { WINDOW = 20, LONG = 50, N_FIGURES = 5, MAX_FINDINGS = 16 };

struct rz_diagnosis {
    int64_t n;                             /* steps taken in */
    double ring[LONG][N_TRACKED];          /* step i (from 0) at i mod LONG */
    double start[N_TRACKED];               /* mean of the first WINDOW steps, from then on */
    double best[N_TRACKED];                /* NaN before the first whole window */
    double long_start, long_start_var;     /* reward: mean and variance over the first LONG steps */
    int n_findings, row[MAX_FINDINGS];
    rz_finding findings[MAX_FINDINGS];
};

/* Mean of the last `window` steps; NaN when there are fewer, or one lacks the metric. */
static double now(const rz_diagnosis *d, int metric, int window)
{
    double sum = 0;
    if (d->n < window)
        return NAN;
    for (int64_t i = d->n - window; i < d->n; i++)
        sum += d->ring[i % LONG][metric];
    return sum / window;
}

static double variance(const rz_diagnosis *d, int metric, int window, double mean)
{
    double sum = 0;
    for (int64_t i = d->n - window; i < d->n; i++)
        sum += (d->ring[i % LONG][metric] - mean) * (d->ring[i % LONG][metric] - mean);
    return sum / (window - 1);
}

/* ---- conditions: true when it is so; f gets the figures of the sentence ----
 * A comparison with NaN is false: a metric that is not there says nothing. */

static bool all_wrong(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, ALL_WRONG, window);
    f[1] = 100 * now(d, ACCURACY, window);
    return f[0] >= 95;
}

static bool all_right(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, ALL_RIGHT, window);
    return f[0] >= 90;
}

static bool no_signal(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, FLAT, window);
    return f[0] >= 90 && !(now(d, ALL_WRONG, window) >= 0.95) && !(now(d, ALL_RIGHT, window) >= 0.9);
}

static bool cut(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, CUT, window);
    f[1] = 100 * now(d, ACCURACY, window);
    return f[0] >= 40;
}

/* Shorter and better is no fault: some tasks need few words. */
static bool collapsed(const rz_diagnosis *d, int window, double *f)
{
    f[0] = d->start[LENGTH];
    f[1] = now(d, LENGTH, window);
    f[2] = d->start[REWARD];
    f[3] = now(d, REWARD, window);
    f[4] = 100 * now(d, ACCURACY, window);
    return f[1] < f[0] / 3 && !(now(d, ACCURACY, window) > d->start[ACCURACY] + 0.1);
}

/* What was never faithful (the smallest models) cannot stop being so. */
static bool unfaithful(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, EQUATIONS, window);
    f[1] = 100 * d->best[EQUATIONS];
    return f[1] >= 70 && f[0] < f[1] - 10;
}

static bool certain(const rz_diagnosis *d, int window, double *f)
{
    f[0] = now(d, ENTROPY, window);
    f[1] = d->start[ENTROPY];
    f[2] = 100 * now(d, FLAT, window);
    f[3] = 100 * now(d, ACCURACY, window);
    return f[0] < f[1] / 5 && f[0] < 0.1 && !(f[3] >= 90);
}

static bool form_only(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, FORMAT, window);
    f[1] = 100 * d->start[FORMAT];
    f[2] = 100 * now(d, ACCURACY, window);
    f[3] = 100 * d->start[ACCURACY];
    return f[0] >= 80 && f[0] >= f[1] + 10 && f[2] < 30 && f[2] <= f[3] + 3;
}

/* Within two standard errors of the difference, the spread between steps taken as the noise. */
static bool not_moving(const rz_diagnosis *d, int window, double *f)
{
    f[0] = (double)d->n;
    f[1] = d->long_start;
    f[2] = now(d, REWARD, window);
    f[3] = 100 * now(d, ACCURACY, window);
    return d->n >= 2 * LONG && !(f[3] >= 90) &&
           fabs(f[2] - f[1]) <= 2 * sqrt((d->long_start_var + variance(d, REWARD, window, f[2])) / window);
}

static bool unlearning(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, ACCURACY, window);
    f[1] = 100 * d->best[ACCURACY];
    return f[0] < f[1] - 10 && f[0] < 0.7 * f[1];
}

/* Completions a step: tokens by tokens a completion. */
static bool errors(const rz_diagnosis *d, int window, double *f)
{
    f[0] = 100 * now(d, ERRORS, window) * now(d, LENGTH, window) / now(d, SAMPLED, window);
    return f[0] >= 1;
}

static bool steep(const rz_diagnosis *d, int window, double *f)
{
    f[0] = now(d, GRAD_NORM, window);
    f[1] = d->start[GRAD_NORM];
    return f[0] > 10 * f[1];
}

static bool far_away(const rz_diagnosis *d, int window, double *f)
{
    f[0] = now(d, KL, window);
    f[1] = d->start[KL];
    return f[0] > 1 && f[0] > 10 * f[1];
}

static const struct {
    const char *name;
    int window;
    bool (*holds)(const rz_diagnosis *d, int window, double *f);
    const char *text; /* takes the figures in order */
} table[] = {
    {"all_wrong", 10, all_wrong,
     "in %.0f%% of the groups no completion was right (%.1f%% of all completions are): being right is hardly ever compared with being wrong, so "
     "it cannot be learned. Give easier problems, a larger group_size, or a base that is right now and then."},
    {"all_right", WINDOW, all_right,
     "in %.0f%% of the groups every completion is right: there is nothing left to learn from these problems. Stop here, or give harder ones."},
    {"no_signal", 10, no_signal,
     "in %.0f%% of the groups all completions score the same: such groups have no gradient. Sample more completions a prompt (group_size), or "
     "mix problems of other difficulty, or rules that tell more apart."},
    {"truncated", 10, cut,
     "%.0f%% of the completions are cut at the length limit (%.0f%% of all are right): they do not come to an answer. Raise "
     "rollout.max_new, or let length be punished (truncated: punish)."},
    {"length_collapse", WINDOW, collapsed,
     "completions shrank from %.0f tokens to %.0f, while the reward went from %.3f to %.3f and %.0f%% are right: the thinking is being dropped, "
     "not used. Look at what the rules pay for without it; lower the learning rate; try advantage_std: none."},
    {"unfaithful", WINDOW, unfaithful,
     "of the equations written, %.0f%% hold; at best it was %.0f%%: the thinking no longer says what is so. Lower the learning rate, or add a "
     "rule that pays only for right equations."},
    {"entropy_collapse", WINDOW, certain,
     "entropy fell to %.3f nats a token from %.3f: the completions of a group are nearly the same (%.0f%% of the groups without signal, %.0f%% "
     "of completions right), and nothing new is tried. Lower the learning rate, raise rollout.temperature or clip_eps_high."},
    {"format_only", WINDOW, form_only,
     "the form is learned (%.0f%% of completions, %.0f%% at the start) but not the task (%.1f%% right, %.1f%% at the start): the form's points "
     "are cheaper. Lower their weight in the rule file, try advantage_std: none, or begin with a base that is right more often."},
    {"not_moving", LONG, not_moving,
     "after %.0f steps the reward has not moved beyond noise: %.3f in the first 50 steps, %.3f in the last 50 (%.0f%% right). Raise the learning"
     " rate, prompts_per_step or group_size, or give easier problems."},
    {"unlearning", WINDOW, unlearning,
     "accuracy in training fell to %.0f%%; its best was %.0f%%: what was learned is being lost. Lower the learning rate or let it decay, and use"
     " an earlier checkpoint (checkpoint.keep)."},
    {"rule_errors", 10, errors,
     "%.0f errors of rules in 100 completions: a limit was met, or a problem's answer cannot be read, and the score is not what the rules mean. "
     "The rollout files say why (explain)."},
    {"gradient_explodes", 10, steep,
     "the gradient's norm is %.3g; it was %.3g at the start: updates are at the mercy of clipping. Lower the learning rate or max_grad_norm."},
    {"kl_explodes", 10, far_away,
     "the policy has moved far from its base: KL %.2f nats a token, from %.2f at the start. Lower the learning rate or raise kl.coef."},
};
enum { N_ROWS = sizeof table / sizeof table[0] };
_Static_assert((int)N_ROWS <= (int)MAX_FINDINGS, "room for each");

const char *const *rz_diagnosis_names(int *n)
{
    static const char *names[N_ROWS];
    for (int i = 0; i < N_ROWS; i++)
        names[i] = table[i].name;
    *n = N_ROWS;
    return names;
}

rz_diagnosis *rz_diagnosis_create(void)
{
    rz_diagnosis *d = rz_calloc(1, sizeof *d);
    for (int i = 0; i < N_TRACKED; i++)
        d->start[i] = d->best[i] = NAN;
    return d;
}

void rz_diagnosis_destroy(rz_diagnosis *d)
{
    free(d);
}

static void remember(rz_diagnosis *d, const double *values)
{
    memcpy(d->ring[d->n % LONG], values, sizeof d->ring[0]);
    d->n++;
    for (int i = 0; i < N_TRACKED; i++) {
        double mean = now(d, i, WINDOW);
        if (d->n == WINDOW)
            d->start[i] = mean;
        if (!(mean <= d->best[i]) && !isnan(mean))
            d->best[i] = mean;
    }
    if (d->n == LONG) {
        d->long_start = now(d, REWARD, LONG);
        d->long_start_var = variance(d, REWARD, LONG, d->long_start);
    }
}

static rz_finding *found(rz_diagnosis *d, int row)
{
    for (int i = 0; i < d->n_findings; i++)
        if (d->row[i] == row)
            return &d->findings[i];
    return NULL;
}

static int take(rz_diagnosis *d, double *values, int64_t step)
{
    int before = d->n_findings;
    double f[N_FIGURES];
    if (values[UPDATES] == 0) /* there was no gradient: its norm is not 0 */
        values[GRAD_NORM] = NAN;
    remember(d, values);
    for (int i = 0; i < N_ROWS; i++) {
        rz_finding *old = found(d, i);
        memset(f, 0, sizeof f);
        if (!table[i].holds(d, table[i].window, f))
            continue;
        if (old) {
            old->last = step;
            continue;
        }
        rz_finding *new = &d->findings[d->n_findings];
        d->row[d->n_findings++] = i;
        new->name = table[i].name;
        new->first = new->last = step;
        int n = snprintf(new->text, sizeof new->text, "Steps %lld to %lld: ", (long long)step - table[i].window + 1, (long long)step);
        snprintf(new->text + n, sizeof new->text - (size_t)n, table[i].text, f[0], f[1], f[2], f[3], f[4]);
    }
    return d->n_findings - before;
}

int rz_diagnosis_step(rz_diagnosis *d, const rz_metrics *m)
{
    double values[N_TRACKED];
    for (int i = 0; i < N_TRACKED; i++)
        values[i] = rz_metrics_get(m, tracked[i]);
    return take(d, values, (int64_t)rz_metrics_get(m, "step"));
}

void rz_diagnosis_replay(rz_diagnosis *d, const rz_history *h)
{
    const double *columns[N_TRACKED], *step = rz_history_column(h, "step");
    double values[N_TRACKED];
    for (int i = 0; i < N_TRACKED; i++)
        columns[i] = rz_history_column(h, tracked[i]);
    for (int64_t k = 0; k < h->n; k++) {
        for (int i = 0; i < N_TRACKED; i++)
            values[i] = columns[i] ? columns[i][k] : NAN;
        take(d, values, (int64_t)step[k]);
    }
}

const rz_finding *rz_diagnosis_findings(const rz_diagnosis *d, int *n)
{
    *n = d->n_findings;
    return d->findings;
}
