/* The operations of the policy and their defined arithmetic (docs/numerics.md). One table of functions: `reference` is the
 * definition in plain loops; `portable`, `avx2`, `avx512`, `avx512_bf16` and `amx` give the same bits faster (the last two: avx512 with another matmul_half).
 *
 * Dimensions: M rows (tokens) · N outputs · K inputs · D hidden_size · F intermediate_size · V vocab_size
 *             H query heads · G key/value heads (H = G·R) · E head_dim · T keys
 *
 * All numbers are IEEE binary32 unless said otherwise; fma(a,b,c) is one rounding; every written expression is evaluated exactly as
 * written, each operation rounded once. Notation:
 *   chain   acc = start; for i in order: acc = fma(a_i, b_i, acc)
 *   sum16   element i goes to lane i mod 16, each lane a chain (or plain additions) in order from +0; lanes are combined as
 *           l[i] + l[i+8] (i < 8), then + [i+4], [i+2], [i+1]
 *   max     NaN wins; +0 > −0
 *   exp, log, sigmoid: policy/mathf.h.   No operation reads or writes outside the arrays named; none checks for NaN.
 * Two results are "the same" when their bits are, or when both are NaN: which NaN an operation returns is left to the processor.
 * Divisions by a value shared by a whole row are one division and many multiplications, written out below (three divisions an element
 * would cost as much as the matrix product beside them).
 * Kernels return void: dimensions are asserted, never negative; 0 is legal where it makes sense. Only the calling thread works: callers cut
 * the work (rows, columns, heads) for threads; how it is cut changes no bit. */
#ifndef RZ_POLICY_KERNELS_H
#define RZ_POLICY_KERNELS_H
#include "base/error.h"
#include <stdint.h>

enum { RZ_PANEL = 16 };       /* columns a packed panel holds, keys a key block holds, lanes of a sum */
enum { RZ_HALF_BLOCK = 32 };   /* terms that matmul_half adds up before it adds them to an element */
enum { RZ_NORM_BLOCK = 4096 }; /* parameters a block of the global norm holds */

/* What is read next, in this order, `n` pieces of it: some of it may be asked for beside a product. Changes no bit. */
typedef struct { const float *from; int64_t n; } rz_read;
typedef struct { const rz_read *pieces; int n; } rz_reads;

/* A(m,k) at p[m*stride_m + k*stride_k]; one of the strides is 1 (a matrix as it lies, or transposed), unless M is 1. */
typedef struct { const float *p; int64_t stride_m, stride_k; } rz_mat_a;
/* B(k,n) at p[(n/16)*stride_panel + k*stride_k + n%16]: packed panels (stride_k 16, stride_panel 16·K) or a row-major
 * matrix as it lies (stride_k = its row length, stride_panel 16). The last panel of a row-major matrix is only read up to N.
 * Or B is Wᵀ, and W(N,K) lies row-major (stride_k 1, stride_panel 16 rows of W): B(k,n) at p[n*(stride_panel/16) + k]; then A is row-major.
 * half, if not NULL, stands for p: panels of bfloat16 (rz_half_panels, below), in which two k lie side by side: B(k,n) at half[(n/16)*stride_panel + rz_half_at(k, n%16, fours)];
 * A is row-major. rounded: an element is used rounded to bfloat16 (policy/mathf.h). far: panels are read from memory, not from a
 * cache; changes no bit. reads: or none. */
typedef struct { const float *p; int64_t stride_k, stride_panel; const uint16_t *half; bool rounded, fours, far; rz_reads reads; } rz_mat_b;

/* Where the k of matmul_half are the rows of several things: those of the i-th end before k = ends[i], of the last (n − 1) at K. n 0: all are of one. */
typedef struct { const int *ends; int n; } rz_spans;

/* The keys and values of one segment in one layer, those of all heads side by side: what a step reads lies in one piece each, which is what processors
 * fetch ahead. Key block b holds keys 16b … 16b+15 as (G,E,16): k[((j/16*G + g)*E + e)*16 + j%16]; v[(j*G + g)*E + e]. cap is a multiple of 16; what
 * lies beyond n is never used in a result.
 * half_k, half_v, if not NULL, stand for k and v: bfloat16s in pairs, of a key's elements, E being even, and of two tokens' values (rz_half_key_at,
 * rz_half_value_at). rounded: floats that are bfloat16s. Either way keys and values are rounded (policy/mathf.h) when they are appended. */
typedef struct { float *k, *v; int n, cap; bool rounded; uint16_t *half_k, *half_v; } rz_kv;
static inline int64_t rz_half_key_at(int G, int g, int64_t j, int e, int E)
{
    return (((j / RZ_PANEL * G + g) * (E / 2) + e / 2) * RZ_PANEL + j % RZ_PANEL) * 2 + e % 2;
}
static inline int64_t rz_half_value_at(int G, int g, int64_t j, int e, int E)
{
    return ((j / 2 * G + g) * E + e) * 2 + j % 2;
}

typedef struct { int H, G, E; float scale; } rz_heads; /* scale = 1/sqrt(E) rounded once */

/* one_b1 = 1 − b1 and one_b2 = 1 − b2 (binary64, rounded once); step = lr / (1 − b1^t); inv_sqrt_bias2 = 1 / sqrt(1 − b2^t);
 * lr_wd = lr·weight_decay. */
typedef struct { float grad_scale, lr_wd, b1, one_b1, b2, one_b2, step, inv_sqrt_bias2, eps; } rz_adamw;

typedef struct {
    const char *name;
    bool fours; /* how panels of bfloat16 have to lie that these kernels multiply */

    /* C(M,N) = A·B, or C += A·B when add: each element one chain over k = 0 … K−1 starting from +0, or from C's value. ldc ≥ N.
     * K = 0: C = 0, or unchanged when add. */
    void (*matmul)(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add);

    /* The same of bfloat16s (docs/numerics.md, 4a), for `compute: bf16`: A and B are used rounded to bfloat16. k is cut into blocks of 32, each span by itself, the last
     * block of a span filled up with +0; of a block, even = chain over its even-numbered terms from +0, odd likewise, acc = acc + (even + odd). Numbers of
     * magnitude below 2^-126 are zeros of their sign here, those that are used and those that result (if the result, rounded to 24 bits whatever its exponent,
     * is that small). What a half holds of B for k ≥ K must be 0 (rz_pack_half); then there is one span. */
    void (*matmul_half)(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add);

    /* If add is not NULL first x(M,D) = x + add. Then rstd(m) = 1 / sqrt(sum16(x·x chains) / D + eps), y = (x·rstd)·w.
     * (Zhang & Sennrich 2019, arXiv 1910.07467.) y may not alias x. rstd may be NULL. */
    void (*rmsnorm_forward)(float *y, float *rstd, float *x, const float *add, const float *w, float eps, int M, int D);
    /* dx(M,D) = fma(rstd, fma(−xh, mean, gy), dx) with xh = x·rstd, gy = dy·w, mean = sum16(gy·xh chains) / D. */
    void (*rmsnorm_backward)(float *dx, const float *dy, const float *x, const float *w, const float *rstd, int M, int D);
    /* dw(d) for d in [d0,d1): chain over rows m in order of (dy, x·rstd), starting from dw's value. */
    void (*rmsnorm_backward_w)(float *dw, const float *dy, const float *x, const float *rstd, int M, int D, int d0, int d1);

    /* Rotates heads 0 … n_heads−1 of each row (row m at x + m*ld, head h at + h*E) in place: for e < E/2, with c, s = cs[pos[m]*E + 2e], [+2e+1]:
     * a = x[e], b = x[e+E/2];  x[e] = fma(a, c, −(b·s));  x[e+E/2] = fma(b, c, a·s).  inverse: s is negated first.
     * (Su et al. 2021, arXiv 2104.09864, in the half-split form of transformers.) */
    void (*rope)(float *x, int64_t ld, const float *cs, const int32_t *pos, int M, int n_heads, int E, bool inverse);

    /* Appends n rows of keys and values (k row i, head g at k + i*ld + g*E; v likewise) to kv at kv->n … kv->n+n−1, rounded or not as kv says. kv->n is
     * left as it is. */
    void (*kv_append)(const rz_kv *kv, const float *k, const float *v, int64_t ld, int n, int G, int E);

    /* Queries i = 0 … n_q−1 (q + i*ldq + h*E) of one segment. The keys of query i, in order: all of parent (may be NULL: none), then own keys
     * 0 … own->n − n_q + i. For head h, g = h/R:
     *   s_j = chain over e of (q_e, k_je) from +0, times scale;  mx = max_j s_j;  p_j = exp(s_j − mx);  sum = sum16(p_j, j counted from the first
     *   key of parent);  out_e = (chain over j in order of (p_j, v_je) from +0) / sum.
     * row_max, row_sum (n_q,H) are kept for backward; both may be NULL. Works on heads of g0 ≤ g < g1. scratch: see attention_scratch. Parent is
     * of bfloat16s where own is, here and in a step; backward takes floats. */
    void (*attention_forward)(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch);
    /* Decoding: one new token of each of n sequences. Row i of qkv (ld apart) is its queries(H,E), keys(G,E) and values(G,E). Of heads g0 ≤ g < g1 the key
     * and value become the last ones of own[i], whose n counts them already (the block that a key begins is zeroed before); then as attention_forward
     * with one query on parent[i] (n 0: none) and own[i], and rows i of out, row_max, row_sum. Row after row: a row may go on with the sequence of the one
     * before it. */
    void (*attention_step)(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch);
    /* Here own->n == n_q. With r = 1 / sum,  p_j = exp(s_j − mx)·r,  dp_j = chain over e of (do_e, v_je) from +0,  dot = sum16 over e
     * (do_e·out_e chains),  ds_j = (p_j·(dp_j − dot))·scale:
     *   dq_e  = chain over j in order of (ds_j, k_je) from +0 (overwrites);
     *   dk_je, dv_je of own and parent: chains over queries i in order, and within a query over its R heads of g in order, of (ds_j, q_e) and
     *   (p_j, do_e), starting from the value in memory (so that completions called in order go on with the parent's chains).
     * dq, dk_*, dv_* are rows of ldd floats (head g at + g*E; of dq head h at + h*E); row 0 is the segment's first token. */
    void (*attention_backward)(float *dq, float *dk_own, float *dv_own, float *dk_parent, float *dv_parent, int64_t ldd, const float *dout,
                               const float *out, int64_t ldo, const float *row_max, const float *row_sum, const float *q, int64_t ldq, int n_q,
                               const rz_kv *parent, const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch);
    /* Floats of scratch any attention call needs for n_q queries on n_keys keys in all, one thread. */
    size_t (*attention_scratch)(int n_q, int n_keys, rz_heads heads);

    /* gu(M,2F) holds gate and up side by side: a(M,F) = (gate·sigmoid(gate))·up. (Shazeer 2020, arXiv 2002.05202.) */
    void (*swiglu_forward)(float *a, const float *gu, int M, int F);
    /* s = sigmoid(gate), t = gate·s:  dgate = (da·up)·(s·fma(gate, 1−s, 1)),  dup = da·t. dgu may alias gu. */
    void (*swiglu_backward)(float *dgu, const float *da, const float *gu, int M, int F);

    /* Rows of logits (M,V): u = 1 / temperature; z = logits·u; mx = max z; S = sum16(exp(z − mx)); logS = log(S);
     * logp(m) = (z_target − mx) − logS;  entropy(m) = logS − sum16(exp(z−mx)·(z−mx) chains) / S (may be NULL);
     * row_max, row_sum (M) may be NULL. */
    void (*logp_forward)(float *logp, float *entropy, float *row_max, float *row_sum, const float *logits, int64_t ld, const int32_t *target,
                         float temperature, int M, int V);
    /* dlogits = (dlogp·u)·(δ − exp(z − mx)·r) with u and z as above, r = 1 / S, δ = 1 at target else 0. dlogits may alias
     * logits; its rows are ld apart too. */
    void (*logp_backward)(float *dlogits, const float *logits, int64_t ld, const float *row_max, const float *row_sum, const int32_t *target,
                          const float *dlogp, float temperature, int M, int V);
    /* One row: e_v = exp(z_v − mx) with z as above; returns mx, S, and what stands above S in the entropy. For the sampler. e may alias logits. */
    void (*exp_row)(float *e, float *mx, float *sum, float *weighted, const float *logits, float temperature, int V);
    float (*sum16)(const float *x, int64_t n); /* plain additions */

    /* y(n) = y + x */
    void (*add)(float *y, const float *x, int64_t n);
    /* Binary64: element i (converted) to lane i mod 16, lane += x·x, lanes combined as in sum16. */
    double (*sumsq)(const float *x, int64_t n);
    /* AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101); scalars are binary64 rounded once by the caller:
     *   g' = g·grad_scale;  w1 = fma(−lr_wd, w, w);  m' = fma(b1, m, (1−b1)·g');  v' = fma(b2, v, ((1−b2)·g')·g');
     *   m', v' of magnitude under 2^−100 become +0;  w' = fma(−step, m' / fma(sqrt(v'), inv_sqrt_bias2, eps), w1). */
    void (*adamw)(float *w, float *m, float *v, const float *g, int64_t n, const rz_adamw *a);
} rz_kernels;

/* Row-major W (N,K) to panels for y = x·Wᵀ: dst has rz_packed_size(N,K) floats; the columns that fill up the last panel are 0. */
size_t rz_packed_size(int N, int K);
void rz_pack(float *dst, const float *w, int N, int K);
/* Rounded to bfloat16, K rounded up to whole blocks by zeros: dst has rz_packed_size(N, rz_half_k(K)). fours: as the kernels say that use them. */
void rz_pack_half(uint16_t *dst, const float *w, int N, int K, bool fours);
static inline int rz_half_k(int K) { return (K + RZ_HALF_BLOCK - 1) / RZ_HALF_BLOCK * RZ_HALF_BLOCK; }
static inline int64_t rz_half_panel(int K) { return (int64_t)RZ_PANEL * rz_half_k(K); } /* its stride_panel */
static inline rz_mat_b rz_half_panels(const uint16_t *half, int K, bool fours)
{
    return (rz_mat_b){.half = half, .stride_k = RZ_PANEL, .stride_panel = rz_half_panel(K), .fours = fours};
}
/* Where a panel has k of column n < 16. Words are pairs of k: in order, the first of them lower, for instructions that add up even and odd terms apart; or of every four k the first
 * above the third, then the second above the fourth, for those that add both halves of a word to one sum, the upper one first. */
static inline int64_t rz_half_at(int k, int n, bool fours)
{
    int word = fours ? k / 4 * 2 + k % 2 : k / 2, upper = fours ? k % 4 < 2 : k % 2;
    return (word * RZ_PANEL + n) * 2 + upper;
}

/* All tables this build and this CPU have, best last ("reference" first). */
int rz_kernels_available(const rz_kernels *const **list);
/* name NULL: the best. RZ_EUSAGE names what there is when `name` is unknown or this CPU lacks it. Checks that the table computes what the
 * reference does on a small probe of every operation, so that a miscompiled path is refused rather than used. */
bool rz_kernels_select(const rz_kernels **out, const char *name, rz_err *err);
#endif
