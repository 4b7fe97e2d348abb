/* Scores → advantages → the gradient of each token's log-probability. docs/algorithm.md derives every formula. */
#ifndef RZ_TRAINER_OBJECTIVE_H
#define RZ_TRAINER_OBJECTIVE_H
#include <stdbool.h>
#include <stdint.h>

/* How the losses of the tokens that are trained on become one number. Counts are global: over all ranks and the whole minibatch, never over
 * a shard; a group without signal counts nowhere. */
typedef enum {
    RZ_TOKEN_MEAN,    /* Σ_i Σ_t l / Σ_i |o_i|                        (DAPO, arXiv 2503.14476, eq. 8) */
    RZ_SEQUENCE_MEAN, /* 1/n Σ_i 1/|o_i| Σ_t l                        (GRPO, arXiv 2402.03300, eq. 3) */
    RZ_BUDGET_MEAN,   /* 1/n Σ_i 1/max_new Σ_t l, a constant length   (Dr. GRPO, arXiv 2503.20783) */
} rz_aggregation;
#define RZ_AGGREGATION_NAMES "token_mean|sequence_mean|budget_mean"

/* One row an algorithm; RZ_OBJECTIVE_NAMES is in the order of the rows. */
typedef struct {
    const char *name;
    bool divide_by_std; /* A = (R − mean) / (std + 1e-4), sample standard deviation of the group; else A = R − mean */
    rz_aggregation aggregation;
} rz_objective;
#define RZ_OBJECTIVE_NAMES "grpo|dr_grpo"
extern const rz_objective rz_objectives[];
extern const int rz_n_objectives;

#define RZ_STD_EPS 1e-4 /* as TRL: keeps nearly equal scores from becoming huge advantages */
/* advantages(n) of the scores(n) of one group. False, and all exactly 0, when the group has no signal (all scores equal). */
bool rz_advantages(const double *scores, double *advantages, int n, bool divide_by_std);

typedef struct {
    double clip_eps_low, clip_eps_high;
} rz_clip;

/* Per token: ratio r = exp(logp − logp_old), loss = −min(r·A, clip(r, 1−low, 1+high)·A)  (PPO, arXiv 1707.06347, eq. 7, with two bounds).
 * dlogp(n) = weight · d loss / d logp: −weight·A·r, or 0 where the clip decides. Returns Σ loss (unweighted); *clipped_low, *clipped_high count
 * the tokens where it did. */
double rz_token_loss(const float *logp, const float *logp_old, float *dlogp, int n, double advantage, double weight, const rz_clip *clip,
                     int64_t *clipped_low, int64_t *clipped_high);

/* The KL term of GRPO (arXiv 2402.03300, eq. 4), per token k3 = exp(logp_ref − logp) − (logp_ref − logp) − 1: never negative, 0 where the two agree, and
 * unbiased for KL(policy, reference) of tokens sampled from the policy (Schulman, "Approximating KL divergence", 2020).
 * dlogp(n) += weight · coef · d k3 / d logp = weight · coef · (1 − exp(logp_ref − logp)). Returns Σ k3. */
double rz_token_kl(const float *logp, const float *logp_ref, float *dlogp, int n, double coef, double weight);

/* Weight of each token of a completion of n_tokens, given the minibatch's global counts. */
double rz_token_weight(rz_aggregation aggregation, int n_tokens, int64_t total_tokens, int64_t total_sequences, int64_t max_new);
#endif
