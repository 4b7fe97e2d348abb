#include "cli/meter.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

const char *const rz_meter_names[RZ_METER_OPS] = {
    [RZ_METER_FORWARD] = "products, forward", [RZ_METER_INPUTS] = "products, gradient of inputs",
    [RZ_METER_WEIGHTS] = "products, gradient of weights",
    [RZ_METER_ATTENTION_FORWARD] = "attention, forward", [RZ_METER_ATTENTION_BACKWARD] = "attention, backward", [RZ_METER_NORM] = "norms",
    [RZ_METER_ROPE] = "rotary positions", [RZ_METER_CACHE] = "key/value cache", [RZ_METER_SWIGLU] = "SwiGLU",
    [RZ_METER_LOGITS] = "log-probabilities, sampling", [RZ_METER_ADD] = "sums of arrays", [RZ_METER_OPTIMIZER] = "norm of the gradient, AdamW",
};

/* Every thread counts for itself, on cache lines of its own. */
enum { MAX_THREADS = 1025 };
typedef struct { _Alignas(64) rz_meter_count op[RZ_METER_OPS]; } counters;
static counters all[MAX_THREADS];
static atomic_int n_threads;
static _Thread_local counters *mine;
static const rz_kernels *inner;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void count(rz_meter_op op, int64_t start, int64_t flop)
{
    int64_t spent = now_ns() - start;
    if (!mine) {
        int i = atomic_fetch_add(&n_threads, 1);
        assert(i < MAX_THREADS);
        mine = &all[i];
    }
    mine->op[op].calls++;
    mine->op[op].ns += spent;
    mine->op[op].flop += flop;
}

#define TIMED(op, flop, call)          \
    do {                               \
        int64_t start_ = now_ns();     \
        inner->call;                   \
        count(op, start_, flop);       \
    } while (0)

static rz_meter_op pass(rz_mat_a a, rz_mat_b b)
{
    return a.stride_k != 1 ? RZ_METER_WEIGHTS : b.stride_panel != RZ_PANEL ? RZ_METER_FORWARD : RZ_METER_INPUTS;
}

static void matmul(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add)
{
    TIMED(pass(a, b), 2 * (int64_t)M * N * K, matmul(c, ldc, a, b, M, N, K, add));
}

static void matmul_half(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    TIMED(pass(a, b), 2 * (int64_t)M * N * K, matmul_half(c, ldc, a, b, M, N, K, spans, add));
}

static void rmsnorm_forward(float *y, float *rstd, float *x, const float *add, const float *w, float eps, int M, int D)
{
    TIMED(RZ_METER_NORM, 0, rmsnorm_forward(y, rstd, x, add, w, eps, M, D));
}

static void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, const float *rstd, int M, int D)
{
    TIMED(RZ_METER_NORM, 0, rmsnorm_backward(dx, dy, x, w, rstd, M, D));
}

static void rmsnorm_backward_w(float *dw, const float *dy, const float *x, const float *rstd, int M, int D, int d0, int d1)
{
    TIMED(RZ_METER_NORM, 0, rmsnorm_backward_w(dw, dy, x, rstd, M, D, d0, d1));
}

static void rope(float *x, int64_t ld, const float *cs, const int32_t *pos, int M, int n_heads, int E, bool inverse)
{
    TIMED(RZ_METER_ROPE, 0, rope(x, ld, cs, pos, M, n_heads, E, inverse));
}

static void kv_append(const rz_kv *kv, const float *k, const float *v, int64_t ld, int n, int G, int E)
{
    TIMED(RZ_METER_CACHE, 0, kv_append(kv, k, v, ld, n, G, E));
}

/* (query, key) pairs times heads times width: each costs a multiply-add in every product of the pass. */
static int64_t pairs(int n_q, const rz_kv *parent, const rz_kv *own, rz_heads heads, int g0, int g1)
{
    int64_t n = (int64_t)n_q * ((parent ? parent->n : 0) + own->n - n_q) + (int64_t)n_q * (n_q + 1) / 2;
    return n * (g1 - g0) * (heads.H / heads.G) * heads.E;
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    TIMED(RZ_METER_ATTENTION_FORWARD, 2 * 2 * pairs(n_q, parent, own, heads, g0, g1),
          attention_forward(out, ldo, row_max, row_sum, q, ldq, n_q, parent, own, heads, g0, g1, scratch));
}

static void attention_step(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch)
{
    int64_t flop = 0;
    for (int i = 0; i < n; i++)
        flop += 2 * 2 * pairs(1, &parent[i], &own[i], heads, g0, g1);
    TIMED(RZ_METER_ATTENTION_FORWARD, flop, attention_step(out, ldo, row_max, row_sum, qkv, ld, parent, own, n, heads, g0, g1, scratch));
}

static void attention_backward(float *dq, float *dk_own, float *dv_own, float *dk_parent, float *dv_parent, int64_t ldd, const float *dout,
                               const float *out, int64_t ldo, const float *row_max, const float *row_sum, const float *q, int64_t ldq, int n_q,
                               const rz_kv *parent, const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    TIMED(RZ_METER_ATTENTION_BACKWARD, 5 * 2 * pairs(n_q, parent, own, heads, g0, g1),
          attention_backward(dq, dk_own, dv_own, dk_parent, dv_parent, ldd, dout, out, ldo, row_max, row_sum, q, ldq, n_q, parent, own, heads, g0, g1,
                             scratch));
}

static void swiglu_forward(float *a, const float *gu, int M, int F)
{
    TIMED(RZ_METER_SWIGLU, 0, swiglu_forward(a, gu, M, F));
}

static void swiglu_backward(float *dgu, const float *da, const float *gu, int M, int F)
{
    TIMED(RZ_METER_SWIGLU, 0, swiglu_backward(dgu, da, gu, M, F));
}

static void logp_forward(float *logp, float *entropy, float *row_max, float *row_sum, const float *logits, int64_t ld, const int32_t *target,
                         float temperature, int M, int V)
{
    TIMED(RZ_METER_LOGITS, 0, logp_forward(logp, entropy, row_max, row_sum, logits, ld, target, temperature, M, V));
}

static void logp_backward(float *dlogits, const float *logits, int64_t ld, const float *row_max, const float *row_sum, const int32_t *target,
                          const float *dlogp, float temperature, int M, int V)
{
    TIMED(RZ_METER_LOGITS, 0, logp_backward(dlogits, logits, ld, row_max, row_sum, target, dlogp, temperature, M, V));
}

static void exp_row(float *e, float *mx, float *sum, float *weighted, const float *logits, float temperature, int V)
{
    TIMED(RZ_METER_LOGITS, 0, exp_row(e, mx, sum, weighted, logits, temperature, V));
}

static void add(float *y, const float *x, int64_t n)
{
    TIMED(RZ_METER_ADD, 0, add(y, x, n));
}

static double sumsq(const float *x, int64_t n)
{
    int64_t start = now_ns();
    double sum = inner->sumsq(x, n);
    count(RZ_METER_OPTIMIZER, start, 0);
    return sum;
}

static void adamw(float *w, float *m, float *v, const float *g, int64_t n, const rz_adamw *a)
{
    TIMED(RZ_METER_OPTIMIZER, 0, adamw(w, m, v, g, n, a));
}

const rz_kernels *rz_meter_wrap(const rz_kernels *k)
{
    static rz_kernels table;
    inner = k;
    table = *k; /* attention_scratch only tells a size; sum16 of a row of logits takes no longer than the clock: they are not counted */
    table.matmul = matmul;
    table.matmul_half = matmul_half;
    table.rmsnorm_forward = rmsnorm_forward, table.rmsnorm_backward = rmsnorm_backward, table.rmsnorm_backward_w = rmsnorm_backward_w;
    table.rope = rope, table.kv_append = kv_append;
    table.attention_forward = attention_forward, table.attention_step = attention_step, table.attention_backward = attention_backward;
    table.swiglu_forward = swiglu_forward, table.swiglu_backward = swiglu_backward;
    table.logp_forward = logp_forward, table.logp_backward = logp_backward, table.exp_row = exp_row;
    table.add = add, table.sumsq = sumsq, table.adamw = adamw;
    return &table;
}

void rz_meter_reset(void)
{
    memset(all, 0, sizeof all);
}

void rz_meter_read(rz_meter_count out[RZ_METER_OPS])
{
    memset(out, 0, RZ_METER_OPS * sizeof *out);
    for (int t = 0; t < n_threads; t++)
        for (int i = 0; i < RZ_METER_OPS; i++) {
            out[i].calls += all[t].op[i].calls;
            out[i].ns += all[t].op[i].ns;
            out[i].flop += all[t].op[i].flop;
        }
}
