/* From a batch of trees to new weights: gradient shards, their sum over ranks by a fixed tree, clipping, AdamW.
 * The result depends on the batch and the config alone, never on ranks or threads (docs/numerics.md):
 *   the batch is cut into `shards` parts of whole trees; inside a shard contributions add as chains in order; shards combine in a fixed
 *   binary tree by index (an empty shard is left out); a rank owns whole shards, and a slice of the parameters with their moments. */
#ifndef RZ_TRAINER_UPDATE_H
#define RZ_TRAINER_UPDATE_H
#include "base/comm.h"
#include "policy/policy.h"
#include "trainer/config.h"

typedef struct rz_update rz_update;

/* Collective. p, c and o are borrowed. */
bool rz_update_create(rz_update **out, rz_policy *p, rz_comm *c, int shards, const rz_optimizer_options *o, rz_err *err);
void rz_update_destroy(rz_update *u);
/* What is kept between a forward and a backward pass, and how many bytes of it a rank may hold at once (a tree that does not fit alone is taken
 * alone). Until called: everything, and any number. Changes no bit. */
void rz_update_limit(rz_update *u, rz_recompute recompute, size_t activation_bytes);

/* From now on trees go to shards by their rows, so that ranks have about as much to do: every rank must know the lengths of all trees. Until called: by their
 * number (rz_update_owned). Either way the trees' lengths and order alone decide, never the ranks. */
void rz_update_balance(rz_update *u);

/* Numbers of one tree that its owner hands to every rank. */
typedef struct {
    double loss;                        /* the tree's share of the batch's loss */
    double kl;                          /* Σ k3 of its tokens, 0 without a reference */
    double mismatch;                    /* max |logp sampled − recomputed|; NaN if any is */
    int64_t clipped_low, clipped_high, tokens;
} rz_tree_result;

/* Called on the rank that owns tree i after its forward pass: reads logp of the tree's sequences, writes their dlogp and the result. */
typedef void (*rz_tree_loss)(void *ctx, int i, rz_tree_result *result);

/* Collective. One optimizer step on trees(n_trees), the same on every rank. results(n_trees) is filled on every rank. grad_norm is the global
 * norm before clipping. False, the same on every rank: a loss or the gradient is not finite, the step is left out, weights and moments are as they were. */
bool rz_update_step(rz_update *u, const rz_tree *trees, int n_trees, float temperature, rz_tree_loss loss, void *ctx, double learning_rate,
                    rz_tree_result *results, double *grad_norm);

/* What was left out since the last call, the same on every rank. broken: weights are not finite after a step that was made, and only a checkpoint can mend that. */
typedef struct { int64_t skipped; bool broken; char why[160]; /* the first reason, a clause */ } rz_update_trouble;
rz_update_trouble rz_update_take_trouble(rz_update *u);
/* Counts an optimizer step that the caller leaves out, for numbers that never came to rz_update_step. To be called on every rank alike. */
__attribute__((format(printf, 2, 3))) void rz_update_skip(rz_update *u, const char *fmt, ...);

/* Seconds of this rank since rz_update_create: forward and backward passes with the losses between; sums, results, norms and weights on their way
 * between ranks, waiting for slower ranks included; clipping, AdamW and what the new weights need before use. */
typedef struct { double forward_backward_s, communication_s, optimizer_s; } rz_update_times;
rz_update_times rz_update_spent(const rz_update *u);

/* The trees whose gradient this rank computes, unless they are balanced: [*t0, *t1). Only these need ids when rz_update_step is called. */
void rz_update_owned(const rz_update *u, int n_trees, int *t0, int *t1);

/* rz_learner_again of this rank. */
int64_t rz_update_again(const rz_update *u);
/* Steps made so far (AdamW's t). */
int64_t rz_update_count(const rz_update *u);
/* The parameters that this rank updates, [*from, *to), and their moments. */
void rz_update_slice(const rz_update *u, int64_t *from, int64_t *to, const float **m, const float **v);
/* Collective. Both moments of all parameters, on rank 0; NULL on the others. */
void rz_update_moments(rz_update *u, float *m, float *v);
/* Every rank for itself: its own of "optimizer/m" and "optimizer/v", and attribute optimizer_steps. */
bool rz_update_get(rz_update *u, rz_store *s, rz_err *err);
/* Bytes that this rank needs at most, for gradients with what of them is on its way, and for moments; and for the activations of one of its shards with
 * these trees, whose tokens need not be there. */
typedef struct { size_t gradients, moments, activations; } rz_update_memory;
rz_update_memory rz_update_needs(const rz_update *u, const rz_tree *trees, int n_trees);

/* Learning rate of step t = 1 … steps: linear warm-up, then the schedule down to min_lr_ratio at the last step. */
double rz_learning_rate(const rz_optimizer_options *o, int64_t t, int64_t steps);
#endif
