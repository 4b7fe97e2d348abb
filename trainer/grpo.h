/* The GRPO step. */
#ifndef RZ_TRAINER_GRPO_H
#define RZ_TRAINER_GRPO_H
#include "trainer/config.h"
#include "trainer/group.h"
#include "trainer/metrics.h"
#include "trainer/objective.h"
#include "trainer/update.h"

typedef struct {
    const rz_config *config;
    rz_rollout rollout;
    rz_update *update;
    rz_policy *reference; /* that the KL term holds to; NULL without one */
    rz_learner *reference_learner;
    rz_arena arena;       /* dies after each step */
    rz_group *groups;     /* of the step in hand, in slot order: prompts_per_step, then those of refills (dynamic_sampling) */
    int n_groups;
    int64_t tokens_sampled, tokens_trained; /* since the first step */
    int64_t data_shift;   /* problems and random numbers of a step are those of the step so many later */
} rz_grpo;

/* Collective. Keeps a copy of p as it is now, if kl.coef asks for it: to be called while p is the base. rz_grpo_finish frees it and the arena. */
bool rz_grpo_keep_reference(rz_grpo *g, const rz_policy *p, rz_comm *c, rz_err *err);
void rz_grpo_finish(rz_grpo *g);

/* What the objective's row and the config's overrides come to. */
typedef struct { bool divide_by_std; rz_aggregation aggregation; rz_clip clip; bool mask_truncated; } rz_method;
rz_method rz_grpo_method(const rz_config *c);

/* Sampling temperature, filters, limit and stop texts (none without a tokenizer) of the rollout.* keys; all is borrowed. */
rz_sampling rz_config_sampling(const rz_config *c, const rz_tokenizer *t, const int32_t *stop, int n_stop);

/* Collective. Step `step` (from 1): draws prompts, samples, scores, shares, computes advantages, updates, measures. groups stay readable until the
 * next step. In strict mode RZ_EINTERNAL when a recomputed log-probability differs from the sampled one. */
bool rz_grpo_step(rz_grpo *g, int64_t step, rz_metrics *m, rz_err *err);

/* Problems of refills are numbered from here: beyond those of the steps (at most 1e9 · 65536), and no round number, lest a refill of a file whose length
 * divides it draw the prompts of an earlier epoch in the same order. */
#define RZ_REFILL_FIRST UINT64_C(0x9E3779B97F4B)

/* The two halves of it, for tests. rz_grpo_update fills what it measures. */
typedef struct { double loss, grad_norm, mismatch, kl; int64_t tokens, clipped_low, clipped_high, updates, skipped; } rz_grpo_measured;
bool rz_grpo_rollout(rz_grpo *g, int64_t step, rz_rollout_times *times, rz_err *err);
bool rz_grpo_update(rz_grpo *g, int64_t step, double learning_rate, rz_grpo_measured *measured, rz_err *err);
#endif
