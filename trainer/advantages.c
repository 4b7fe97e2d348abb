#include "trainer/advantages.h"

#include "trainer/objective.h"

#include <math.h>

rz_advantage_plan rz_advantage_plan_make(const rz_rules *rules, bool divide_by_std, bool random_reward)
{
    rz_advantage_plan p = {rules, divide_by_std, false};
    for (int r = 0; r < rz_rules_count(rules); r++)
        p.by_terms |= rz_rules_group_normalised(rules, r) && !random_reward;
    return p;
}

/* advantages += weight · those of the values. */
static void add_term(double *advantages, const double *values, double *own, int n, bool divide_by_std, double weight)
{
    rz_advantages(values, own, n, divide_by_std);
    for (int k = 0; k < n; k++)
        advantages[k] += weight * own[k];
}

/* The normalised terms in the order of the file, then the sum of the others as one. */
static void by_terms(const rz_advantage_plan *p, const rz_group *g, double *advantages, double *values, double *own, double *rest)
{
    for (int k = 0; k < g->n; k++)
        advantages[k] = rest[k] = 0;
    for (int r = 0; r < rz_rules_count(p->rules); r++) {
        double weight = rz_rules_weight(p->rules, r);
        bool normalised = rz_rules_group_normalised(p->rules, r);
        for (int k = 0; k < g->n; k++) {
            values[k] = g->scored[k].verdicts[r].points;
            rest[k] += normalised ? 0 : weight * values[k];
        }
        if (normalised)
            add_term(advantages, values, own, g->n, true, weight);
    }
    add_term(advantages, rest, own, g->n, p->divide_by_std, 1);
}

bool rz_group_advantages(const rz_advantage_plan *p, rz_group *g, rz_arena scratch)
{
    double *advantages = RZ_NEW(&scratch, g->n, double), *values = RZ_NEW(&scratch, g->n, double), *own = RZ_NEW(&scratch, g->n, double);
    bool signal = false;
    for (int k = 0; k < g->n; k++)
        values[k] = g->scored[k].score;
    if (p->by_terms)
        by_terms(p, g, advantages, values, own, RZ_NEW(&scratch, g->n, double));
    else
        signal = rz_advantages(values, advantages, g->n, p->divide_by_std);
    for (int k = 0; k < g->n; k++) {
        g->scored[k].advantage = advantages[k];
        signal = signal || advantages[k] != 0;
    }
    return signal;
}

void rz_batch_advantages(const rz_advantage_plan *p, rz_group *groups, int n_groups)
{
    double squares = 0;
    int64_t n = 0;
    if (!p->by_terms)
        return;
    for (int i = 0; i < n_groups; i++)
        for (int k = 0; k < groups[i].n && groups[i].signal && groups[i].trained; k++, n++)
            squares += groups[i].scored[k].advantage * groups[i].scored[k].advantage;
    if (n < 2)
        return;
    double scale = 1 / (sqrt(squares / (double)(n - 1)) + RZ_STD_EPS);
    for (int i = 0; i < n_groups; i++)
        for (int k = 0; k < groups[i].n; k++)
            groups[i].scored[k].advantage *= scale;
}
