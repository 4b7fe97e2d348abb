/* Shared by the files of policy/ only. */
#ifndef RZ_POLICY_INTERNAL_H
#define RZ_POLICY_INTERNAL_H
#include "policy/policy.h"

/* Threaded calls of the kernel table: the work is cut over rows, columns or heads; how, changes no bit (policy/ops.c). */
void rz_op_matmul(const rz_policy *p, float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add);
/* y(M,N) = x(M,K)·Wᵀ. */
void rz_op_linear(const rz_policy *p, float *y, const float *x, const rz_matrix *w, int M);
/* dx(M,K) = dy(M,N)·W. */
void rz_op_linear_dx(const rz_policy *p, float *dx, const float *dy, const rz_matrix *w, int M);
/* grad of W(N,K) += dyᵀ·x: chains over rows. */
void rz_op_linear_dw(const rz_policy *p, float *grad, const float *dy, const float *x, const rz_matrix *w, int M);
/* fn over cuts [r0, r1) of M rows. */
void rz_op_rows(const rz_policy *p, int M, void (*fn)(void *ctx, int r0, int r1), void *ctx);

/* Activations of M rows. With keep, every layer has its own; without, all layers share one set. Arrays of layer l at + l·stride. */
typedef struct {
    int M, max_segment, max_keys;
    bool keep;
    int32_t *pos;                      /* (M) */
    float *x_in, *x_mid;               /* (M,D) residual stream before attention, before the feed-forward */
    float *h1, *h2;                    /* (M,D) their norms */
    float *rstd1, *rstd2;              /* (M) */
    float *qkv;                        /* (M,(H+2G)E), rotated */
    float *att, *row_max, *row_sum;    /* (M,HE), (M,H) */
    float *gate_up, *act;              /* (M,2F), (M,F) */
    float *x_out, *rstd_out;           /* (M,D), (M) before the final norm */
    float *t;                          /* (M,D) scratch */
    float **scratch;                   /* one an thread, for attention */
} rz_acts;

void rz_acts_init(rz_acts *a, const rz_policy *p, const rz_run *runs, int n_runs, bool keep, rz_arena *arena);
void rz_acts_forward(const rz_policy *p, rz_acts *a, const rz_run *runs, int n_runs, float *h, rz_arena scratch);
rz_kv rz_cache_layer(const rz_cache *c, const rz_policy *p, int layer);

/* The array of layer l. */
static inline float *rz_act(const rz_acts *a, float *base, int64_t width, int layer)
{
    return a->keep ? base + (int64_t)layer * a->M * width : base;
}
#endif
