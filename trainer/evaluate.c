#include "trainer/evaluate.h"

#include "trainer/kinds.h"
#include "trainer/statistics.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_AT_ONCE = 16384, /* completions held in memory on every rank: large evaluations are cut, without a trace in the results */
    MAX_NUMBERS = 16,     /* that a problem may give, to be counted by how many they are */
    MOST_SPLIT = MAX_NUMBERS + 2 * RZ_MAX_KINDS, /* columns for parts of the problems */
};

/* Measures of a completion. All are means over completions but the last, which is one over equations. */
enum { ACCURACY, SCORE, FORMAT, LENGTH, TRUNCATED, ATTEMPTS, SELF_CHECKS, EQUATIONS_RIGHT, N_MEASURES };
static const struct { const char *name; bool share; } measures[N_MEASURES] = {
    [ACCURACY] = {"accuracy", true}, [SCORE] = {"score", false}, [FORMAT] = {"format", true}, [LENGTH] = {"mean_length", false},
    [TRUNCATED] = {"truncated", true}, [ATTEMPTS] = {"trace/attempts", false}, [SELF_CHECKS] = {"trace/self_checks", false},
    [EQUATIONS_RIGHT] = {"trace/equations_right", true},
};

/* Columns of the table that is resampled, (n_problems, width): measures, pass@k, majority, rules, parts of the problems (by numbers, by kind). */
typedef struct {
    const rz_rules *rules;
    int samples, n_pass, pass[64], majority, rules_at, width; /* majority −1: no rule reads an answer */
    rz_ratio *table;
    uint64_t *clusters;    /* (n_problems) */
    int *numbers, *kind;   /* (n_problems) how many numbers it gives, 0: none; which of `kinds`, −1: none */
    rz_ratio *well_formed; /* (n_problems) right ones among its well-formed completions */
    rz_kinds kinds;
    rz_vote *votes;     /* (samples) scratch */
} sheet;

static void name_row(rz_evaluation *e, bool share, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void name_row(rz_evaluation *e, bool share, const char *fmt, ...)
{
    va_list args;
    rz_estimate *row = &e->row[e->n++];
    row->share = share;
    va_start(args, fmt);
    vsnprintf(row->name, sizeof row->name, fmt, args);
    va_end(args);
}

static sheet open_sheet(const rz_rules *rules, const rz_evaluation_plan *plan, rz_evaluation *e, rz_arena *arena)
{
    sheet s = {.rules = rules, .samples = plan->samples, .majority = -1};
    for (int i = 0; i < N_MEASURES; i++)
        name_row(e, measures[i].share, "%s", measures[i].name);
    for (int64_t k = 1; k < s.samples; k *= 2)
        s.pass[s.n_pass++] = (int)k;
    s.pass[s.n_pass++] = s.samples;
    for (int i = 0; i < s.n_pass; i++)
        name_row(e, true, "pass@%d", s.pass[i]);
    if (rz_rules_reads_answer(rules)) {
        s.majority = e->n;
        name_row(e, true, "maj@%d", s.samples);
    }
    s.rules_at = e->n;
    for (int i = 0; i < rz_rules_count(rules); i++)
        name_row(e, false, "rewards/%s/mean", rz_rules_name(rules, i));
    s.width = e->n + MOST_SPLIT;
    s.table = RZ_ZNEW(arena, (size_t)plan->problems * (size_t)s.width, rz_ratio);
    s.clusters = RZ_NEW(arena, plan->problems, uint64_t);
    s.numbers = RZ_NEW(arena, plan->problems, int);
    s.kind = RZ_NEW(arena, plan->problems, int);
    s.well_formed = RZ_ZNEW(arena, plan->problems, rz_ratio);
    s.votes = RZ_NEW(arena, plan->samples, rz_vote);
    return s;
}

static int numbers_of(const rz_problem *p)
{
    json_t *meta = json_loads(p->meta, 0, NULL);
    size_t n = json_array_size(json_object_get(meta, "numbers"));
    json_decref(meta);
    return n <= MAX_NUMBERS ? (int)n : 0;
}

static void enter_completion(const sheet *s, const rz_completion *c, const rz_scored *scored, rz_ratio *row)
{
    const double x[N_MEASURES] = {
        [ACCURACY] = scored->correct, [SCORE] = scored->score, [FORMAT] = scored->format_ok, [LENGTH] = c->n, [TRUNCATED] = c->truncated,
        [ATTEMPTS] = (double)scored->trace.attempts, [SELF_CHECKS] = (double)scored->trace.self_checks,
        [EQUATIONS_RIGHT] = (double)scored->trace.equations_right,
    };
    for (int i = 0; i < N_MEASURES; i++) {
        row[i].num += x[i];
        row[i].den += i == EQUATIONS_RIGHT ? (double)scored->trace.equations : 1;
    }
    for (int i = 0; i < rz_rules_count(s->rules); i++) {
        const rz_verdict *v = &scored->verdicts[i];
        row[s->rules_at + i].num += v->state == RZ_PART_SCORED ? v->points : 0;
        row[s->rules_at + i].den++;
    }
}

static void count_errors(const rz_scored *scored, int n_rules, rz_evaluation *e)
{
    e->errors += scored->n_errors;
    for (int i = 0; i < n_rules; i++) {
        e->crashes += scored->verdicts[i].crashed;
        e->nondeterministic += scored->verdicts[i].nondeterministic;
    }
}

static void enter_problem(sheet *s, int problem, const rz_group *g, rz_evaluation *e)
{
    rz_ratio *row = s->table + (size_t)problem * (size_t)s->width;
    s->clusters[problem] = g->problem.cluster;
    s->numbers[problem] = numbers_of(&g->problem);
    s->kind[problem] = rz_kinds_find(&s->kinds, &g->problem);
    for (int k = 0; k < g->n; k++) {
        enter_completion(s, &g->completions[k], &g->scored[k], row);
        s->well_formed[problem].num += g->scored[k].format_ok && g->scored[k].correct;
        s->well_formed[problem].den += g->scored[k].format_ok;
        s->votes[k] = (rz_vote){g->scored[k].answer, g->scored[k].correct};
        count_errors(&g->scored[k], rz_rules_count(s->rules), e);
        e->tokens += g->completions[k].n;
    }
    for (int i = 0; i < s->n_pass; i++)
        row[N_MEASURES + i] = (rz_ratio){rz_pass_at_k(g->n, (int64_t)row[ACCURACY].num, s->pass[i]), 1};
    if (s->majority >= 0)
        row[s->majority] = (rz_ratio){rz_majority(s->votes, g->n), 1};
}

/* A row for the problems whose part is `value`: their right completions among all, or among the well-formed ones. */
static void enter_part(const sheet *s, int n_problems, const int *part, int value, bool well_formed, rz_evaluation *e)
{
    for (int i = 0; i < n_problems; i++) {
        rz_ratio *row = s->table + (size_t)i * (size_t)s->width;
        if (part[i] == value)
            row[e->n] = well_formed ? s->well_formed[i] : row[ACCURACY];
    }
}

/* Problems of different difficulty in one set: by how many numbers they give, if that differs, and by the kind that their meta names. */
static void split_up(const sheet *s, int n_problems, rz_evaluation *e)
{
    int count[MAX_NUMBERS + 1] = {0}, n_counts = 0, order[RZ_MAX_KINDS];
    for (int i = 0; i < n_problems; i++)
        n_counts += s->numbers[i] && !count[s->numbers[i]]++;
    for (int n = 1; n <= MAX_NUMBERS && n_counts > 1; n++) {
        if (!count[n])
            continue;
        enter_part(s, n_problems, s->numbers, n, false, e);
        name_row(e, true, "accuracy/%d_numbers", n);
    }
    rz_kinds_order(&s->kinds, order);
    for (int i = 0; i < 2 * s->kinds.n; i++) {
        bool well_formed = i >= s->kinds.n;
        int kind = order[i % s->kinds.n];
        enter_part(s, n_problems, s->kind, kind, well_formed, e);
        name_row(e, true, "accuracy/%s/%s", well_formed ? "well_formed" : "kind", s->kinds.name[kind]);
    }
}

/* The columns that are in use, close together: only they are resampled. */
static void close_up(sheet *s, int n_problems, int width)
{
    for (int i = 1; i < n_problems; i++)
        memmove(s->table + (size_t)i * (size_t)width, s->table + (size_t)i * (size_t)s->width, (size_t)width * sizeof *s->table);
    s->width = width;
}

static void estimate(sheet *s, int n_problems, uint32_t seed, rz_evaluation *e, rz_arena scratch)
{
    int n_clusters;
    rz_ratio *accuracy = RZ_NEW(&scratch, n_problems, rz_ratio);
    for (int i = 0; i < n_problems; i++)
        accuracy[i] = s->table[(size_t)i * (size_t)s->width + ACCURACY];
    split_up(s, n_problems, e);
    close_up(s, n_problems, e->n);
    rz_interval *intervals = RZ_NEW(&scratch, s->width, rz_interval);
    rz_bootstrap(s->table, s->clusters, n_problems, s->width, seed, intervals, &n_clusters, scratch);
    e->clusters = n_clusters;
    e->accuracy_se = rz_cluster_error(accuracy, s->clusters, n_problems, scratch);
    for (int i = 0; i < e->n; i++) {
        e->row[i].value = intervals[i].value;
        e->row[i].low = intervals[i].low;
        e->row[i].high = intervals[i].high;
    }
}

bool rz_evaluate(const rz_rollout *r, const rz_evaluation_plan *plan, rz_arena scratch, rz_evaluation *out, rz_err *err)
{
    rz_rollout_times times = {0};
    int at_once = MOST_AT_ONCE / plan->samples > 0 ? MOST_AT_ONCE / plan->samples : 1;
    *out = (rz_evaluation){.problems = plan->problems, .samples = plan->samples};
    sheet s = open_sheet(r->rules, plan, out, &scratch);
    for (int at = 0, n; at < plan->problems; at += n) {
        rz_arena part = scratch;
        n = plan->problems - at < at_once ? plan->problems - at : at_once;
        rz_group *groups = RZ_NEW(&part, n, rz_group);
        const rz_draw draw = {.split = plan->split, .purpose = RZ_RNG_EVAL, .step = plan->step, .first_place = (uint32_t)at,
                              .first_slot = (uint32_t)at, .first = (uint64_t)at, .n_groups = n, .n = plan->samples};
        if (!rz_rollout_groups(r, draw, &part, groups, &times, err))
            return false;
        for (int i = 0; i < n; i++)
            enter_problem(&s, at + i, &groups[i], out);
        bool ok = !plan->groups || plan->groups(plan->ctx, groups, n, part, err);
        if (!rz_comm_agree(r->comm, ok, err))
            return false;
    }
    estimate(&s, plan->problems, r->seed, out, scratch);
    return true;
}

const rz_estimate *rz_evaluation_find(const rz_evaluation *e, const char *name)
{
    for (int i = 0; i < e->n; i++)
        if (!strcmp(e->row[i].name, name))
            return &e->row[i];
    return NULL;
}

void rz_evaluation_metrics(const rz_evaluation *e, rz_metrics *m)
{
    rz_metrics_put_int(m, "problems", e->problems);
    rz_metrics_put_int(m, "clusters", e->clusters);
    rz_metrics_put_int(m, "samples", e->samples);
    rz_metrics_put_int(m, "tokens", e->tokens);
    rz_metrics_put_int(m, "rewards/errors", e->errors);
    rz_metrics_put_int(m, "rewards/crashes", e->crashes);
    rz_metrics_put_int(m, "rewards/nondeterministic", e->nondeterministic);
    for (int i = 0; i < e->n; i++) {
        const rz_estimate *row = &e->row[i];
        char name[112];
        rz_metrics_put(m, row->name, row->value);
        snprintf(name, sizeof name, "%s_low", row->name);
        rz_metrics_put(m, name, row->low);
        snprintf(name, sizeof name, "%s_high", row->name);
        rz_metrics_put(m, name, row->high);
        if (i == ACCURACY)
            rz_metrics_put(m, "accuracy_se", e->accuracy_se);
    }
}
