/* Evaluation on problems that are not trained on, dealt to all ranks: estimates with intervals. */
#ifndef RZ_TRAINER_EVALUATE_H
#define RZ_TRAINER_EVALUATE_H
#include "trainer/group.h"
#include "trainer/metrics.h"

/* One number about the policy, with its 95 % interval (NaN: none; trainer/statistics.h says how it is made). Names: docs/metrics.md, eval.jsonl. */
typedef struct {
    char name[96];
    bool share;              /* of 1: people read it in per cent */
    double value, low, high;
} rz_estimate;

enum { RZ_MAX_ESTIMATES = 352 }; /* 8 measures, 14 pass@k, maj@K, 256 rules, 16 counts of numbers, 2 × 16 kinds of problems, and some room */

typedef struct {
    int64_t problems, clusters, samples, tokens;
    int64_t errors, crashes, nondeterministic; /* of rules; crashes and what the clock ended are errors too */
    double accuracy_se;
    int n;
    rz_estimate row[RZ_MAX_ESTIMATES]; /* the first is the accuracy */
} rz_evaluation;

typedef struct {
    rz_split split;
    int problems, samples;   /* problems 0 … problems − 1 of the split, `samples` completions each, both ≥ 1 */
    uint32_t step;           /* addresses the samples: the same problems at every step, other draws */
    /* May be NULL; called on this rank alone with the next groups, in order, until all have passed. */
    bool (*groups)(void *ctx, const rz_group *groups, int n, rz_arena scratch, rz_err *err);
    void *ctx;
} rz_evaluation_plan;

/* Collective; every rank holds the same result. */
bool rz_evaluate(const rz_rollout *r, const rz_evaluation_plan *plan, rz_arena scratch, rz_evaluation *out, rz_err *err);
/* The row of this name, or NULL. */
const rz_estimate *rz_evaluation_find(const rz_evaluation *e, const char *name);
/* Everything but the step, each estimate as NAME, NAME_low, NAME_high. */
void rz_evaluation_metrics(const rz_evaluation *e, rz_metrics *m);
#endif
