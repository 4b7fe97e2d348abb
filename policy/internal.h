/* Shared by the files of policy/ only. */
#ifndef RZ_POLICY_INTERNAL_H
#define RZ_POLICY_INTERNAL_H
#include "policy/policy.h"

/* Threaded calls of the kernel table: the work is cut over rows, columns or heads; how, changes no bit (policy/ops.c). Products are those that p->compute says. */
/* y(M,N) = x(M,K)·Wᵀ, every chain starting from the bias where there is one. reads: what a thread that works alone may ask for meanwhile. */
void rz_op_linear(const rz_policy *p, float *y, const float *x, const rz_matrix *w, int M, rz_reads reads);
/* dx(M,K) = dy(M,N)·W. */
void rz_op_linear_dx(const rz_policy *p, float *dx, const float *dy, const rz_matrix *w, int M);
/* grad of W(N,K) += dyᵀ·x: chains over rows, or blocks of them (spans: what they are rows of). grad of the bias, if any, += the rows of dy in order. */
void rz_op_linear_dw(const rz_policy *p, float *grad, const float *dy, const float *x, const rz_matrix *w, int M, rz_spans spans);
/* fn over cuts [r0, r1) of M rows. */
void rz_op_rows(const rz_policy *p, int M, void (*fn)(void *ctx, int r0, int r1), void *ctx);

/* An activation: each layer has its own array where it is kept (stride: its floats), else all layers share one (stride 0). */
typedef struct { float *p; int64_t stride; } rz_activation;

/* Activations of M rows; which of them are kept is said in the table of forward.c. */
typedef struct {
    int M, max_segment, max_keys;
    rz_recompute recompute;
    int32_t *pos;                              /* (M) */
    rz_activation x_in, x_mid;                 /* (M,D) residual stream before attention, before the feed-forward */
    rz_activation h1, h2;                      /* (M,D) their norms */
    rz_activation rstd1, rstd2;                /* (M) */
    rz_activation qk, rstd_qk;                 /* (M,(H+G)E) queries and keys before their norm, (M,H+G); empty unless they are normed */
    rz_activation qkv;                         /* (M,(H+2G)E), normed and rotated */
    rz_activation att, row_max, row_sum;       /* (M,HE), (M,H) */
    rz_activation gate_up, act;                /* (M,2F), (M,F) */
    float *x_out, *rstd_out;                   /* (M,D), (M) before the final norm */
    float *t;                                  /* (M,D) scratch */
    float **scratch;                           /* one a thread, for attention */
    bool steps;                                /* every run is a few new tokens, without a root, and none of them goes to another's parent */
    rz_kv *parents, *owns;                     /* (M) of the layer at hand, if so */
    int *needs;                                /* (runs) the first run behind all that go through a layer with it: those in between, parents */
} rz_acts;

/* The array of a layer. */
static inline float *rz_act(rz_activation x, int layer)
{
    return x.p + layer * x.stride;
}

void rz_acts_init(rz_acts *a, const rz_policy *p, const rz_run *runs, int n_runs, rz_recompute recompute, rz_arena *arena);
/* Bytes that rz_acts_init takes from its arena, M, max_segment, max_keys and recompute being set. */
size_t rz_acts_bytes(const rz_acts *a, const rz_policy *p);
/* row0(n_runs): written, the first row of each run. h NULL: as in rz_policy_forward. */
void rz_acts_forward(const rz_policy *p, rz_acts *a, const rz_run *runs, int n_runs, int *row0, float *h);
/* How many of `left` rows go through the operations between two attentions together, so that what one writes is in the caches for the next. Changes no bit. */
int rz_rows_together(const rz_policy *p, int left);
/* Activations of a layer as they were when it ran, those that were not kept computed again: the same functions, the same bits. */
void rz_acts_again(const rz_policy *p, const rz_acts *a, const rz_run *runs, int n_runs, const int *row0, int layer);
rz_kv rz_cache_layer(const rz_cache *c, int layer);
/* A cache of floats, for training: rounded where the policy has it so. one_layer: all layers share the room, each forgets the one before. */
void rz_cache_begin(rz_cache *c, const rz_policy *p, int n_tokens, bool one_layer, rz_arena *arena);
size_t rz_cache_layer_bytes(const rz_policy *p, int n_tokens); /* that one of these takes a layer */
#endif
