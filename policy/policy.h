/* A policy: architecture, weights, and what is needed to run them. Decoding with a cache and training on whole sequences are the
 * same function (policy/forward.c), which is why a sampled log-probability equals the recomputed one to the last bit.
 * Where a tensor lies is known only here and behind the kernel table. */
#ifndef RZ_POLICY_POLICY_H
#define RZ_POLICY_POLICY_H
#include "base/arena.h"
#include "base/shared.h"
#include "base/store.h"
#include "base/threads.h"
#include "policy/arch.h"
#include "policy/kernels.h"
#include "policy/rope.h"

/* A matrix W(N,K) of the weights: at w + at; its panels at packed + packed_at; its bias(N), if it has one (else −1), at w + bias. */
typedef struct { int64_t at, packed_at; int N, K; int64_t bias; } rz_matrix;
typedef struct { rz_matrix qkv, o, gate_up, down; } rz_layer_matrices;

/* What matrices (the embedding is one) are computed with: themselves, or themselves rounded to bfloat16. */
typedef enum { RZ_STORED_F32, RZ_STORED_BF16 } rz_stored;
#define RZ_STORED_NAMES "f32|bf16"
/* How products with matrices multiply: chains of floats, or blocks of bfloat16s (policy/kernels.h, matmul_half), whatever the matrices are stored as. */
typedef enum { RZ_COMPUTE_F32, RZ_COMPUTE_BF16 } rz_compute;
#define RZ_COMPUTE_NAMES "f32|bf16"
/* What keys and values are attended to as: themselves, or themselves rounded to bfloat16, which is what a cache then holds. */
typedef enum { RZ_KV_F32, RZ_KV_BF16 } rz_kv_dtype;
#define RZ_KV_DTYPE_NAMES "f32|bf16"

typedef struct {
    rz_arch arch;
    rz_layout layout;
    rz_layer_matrices *matrices; /* one a layer */
    rz_matrix head;
    const rz_kernels *k;
    rz_pool *pool;      /* borrowed; NULL: one thread */
    rz_heads heads;
    float *w;           /* (n_params): the weights; whoever writes them calls rz_policy_refresh */
    rz_stored stored;
    rz_compute compute;
    rz_kv_dtype kv_dtype;
    float *packed;      /* the same matrices as panels for y = x·Wᵀ, or … */
    uint16_t *half;     /* … as these where they are stored or computed with in bfloat16. Both NULL until rz_policy_panels */
    int64_t n_packed;   /* numbers that panels have */
    rz_shared w_memory, packed_memory; /* where these lie */
    rz_rope *rope;      /* angles of the positions used so far: the forward pass has them computed */
} rz_policy;

/* Weights are zero until set. */
bool rz_policy_create(rz_policy **out, const rz_arch *arch, const rz_kernels *kernels, rz_pool *pool, rz_err *err);
void rz_policy_destroy(rz_policy *p);
/* Embedding and head N(0, .02); q, k, v, gate, up N(0, D^-1/2); o and down N(0, .02/sqrt(2L)); norms 1; biases 0. */
void rz_policy_init_weights(rz_policy *p, uint32_t seed);
/* w is what an update changes, and what is written to files, either way. Before rz_policy_panels. */
void rz_policy_store(rz_policy *p, rz_stored as, rz_compute compute, rz_kv_dtype kv_dtype);
/* For whoever decodes: few rows at a time are several times as fast with panels. Without them many rows, as in training, cost some 2 % more in the forward
 * products, and no memory. The same bits. Collective once the weights are shared, w being complete for all ranks before. */
void rz_policy_panels(rz_policy *p);
/* Of the panels, made or not. far: they are more than caches hold, so that a step of few rows waits for memory. */
int64_t rz_policy_panel_bytes(const rz_policy *p);
bool rz_policy_far(const rz_policy *p);
/* Makes the panels again, if there are any. Collective likewise. */
void rz_policy_refresh(rz_policy *p);
/* Collective, before rz_policy_panels. From now on the ranks of a machine have one copy of the weights: that of the machine's first rank. False: they keep a copy each, `why` says
 * what stands against it. */
bool rz_policy_share(rz_policy *p, rz_comm *c, rz_err *why);
/* Collective. The same weights, stored likewise, once more, without panels: one copy a machine, made without others in between; where memory cannot be had in common, a copy
 * each. */
bool rz_policy_copy(rz_policy **out, const rz_policy *p, rz_comm *c, rz_err *err);
/* Weights [from, to) are numbers. At the speed of memory: it is asked after every update. */
bool rz_policy_finite(const rz_policy *p, int64_t from, int64_t to);

/* "model/<tensor name>" arrays and "arch" text. put: w are the weights to be put, those of p or a copy of them; of p itself it looks at what never changes. get demands every tensor with its exact shape, and finite. Of ranks that share the weights the first one
 * reads them: the others have them after the next call that waits for all, as rz_comm_agree, which belongs there anyhow. Where there are panels, rz_policy_refresh is called then. */
bool rz_policy_put(const rz_policy *p, const float *w, rz_store *s, rz_err *err);
bool rz_policy_get(rz_policy *p, rz_store *s, rz_err *err);
bool rz_policy_get_arch(rz_arch *a, rz_store *s, rz_err *err);

/* Keys and values of one run of tokens, all layers: as rz_kv, whose places are those of layer 0. */
typedef struct {
    rz_kv first;
    int64_t stride; /* numbers that a layer has: G·cap·E */
    int n, cap;     /* tokens held; room (a multiple of 16) */
} rz_cache;
/* The memory is touched as tokens come. */
void rz_cache_init(rz_cache *c, const rz_policy *p, int n_tokens, rz_arena *arena);
size_t rz_cache_bytes(const rz_policy *p, int n_tokens);
/* `to` holds the first n tokens of `from` and nothing else: the same bits as computing them again. from may be to. */
void rz_cache_share(rz_cache *to, const rz_cache *from, int n, const rz_policy *p);

/* New tokens appended to `cache`; `parent` (may be NULL) holds the keys that precede it. Positions go on from parent->n + cache->n.
 * root (may be NULL): what cache->n tokens the cache begins with, a multiple of 16; their keys and values are taken from there. */
typedef struct {
    const int32_t *ids;
    int n;
    rz_cache *cache;
    const rz_cache *parent, *root;
} rz_run;

/* Runs the new tokens of all runs through the model: h(M,D) = final norm's output, M = sum of n, rows in order of runs. A parent may itself be the
 * cache of another run of the same call. Caches grow by n. h NULL: only their keys and values are wanted, for which the last layer needs no more than these.
 * scratch is free again afterwards. */
void rz_policy_forward(const rz_policy *p, const rz_run *runs, int n_runs, float *h, rz_arena scratch);
/* Bytes of scratch that takes for M new tokens, at most `segment` of a run, on `keys` keys at most. */
size_t rz_policy_forward_bytes(const rz_policy *p, int M, int segment, int keys);
/* logits(M,V) of rows of h. */
void rz_policy_logits(const rz_policy *p, float *logits, const float *h, int M);

/* ---- training ---- */

/* One completion or document: n tokens in, n targets out. */
typedef struct {
    const int32_t *ids, *targets; /* (n); ids[i+1] == targets[i] */
    int n;
    float *logp;                  /* (n) written by forward: log-probability of the target under softmax(logits / temperature) */
    float *entropy;               /* (n) or NULL */
    const float *dlogp;           /* (n) read by backward: d loss / d logp */
} rz_sequence;

/* Sequences that share a prefix (a group and its prompt), or a prefix of 0 tokens and one sequence (a document). The prefix is computed once. */
typedef struct {
    const int32_t *prefix;
    int n_prefix, n_sequences;
    const rz_sequence *sequences;
} rz_tree;

typedef struct rz_learner rz_learner; /* activations of the trees in hand, and what a shard's gradient still lacks */

/* What a backward pass computes again instead of finding it kept. Changes no bit. */
typedef enum {
    RZ_RECOMPUTE_NONE,
    RZ_RECOMPUTE_NORMS, /* norms, SwiGLU, and the order of keys and values: what costs next to nothing */
    RZ_RECOMPUTE_LAYER, /* all of a layer but its input: a third more work in the layers */
    RZ_RECOMPUTE_ALL,   /* nothing is kept: no backward pass */
} rz_recompute;
#define RZ_RECOMPUTE_NAMES "none|norms|layer" /* those of a learner that goes backward, in the order of the enumeration */

bool rz_learner_create(rz_learner **out, rz_policy *p, rz_err *err);
void rz_learner_destroy(rz_learner *l);
/* The tokens that the prefixes of all the trees begin with, by which they are computed once for all of them: a multiple of 16 tokens, 0 for one tree. */
int rz_trees_root(const rz_tree *trees, int n_trees);
/* Begins a shard whose trees all begin with these n tokens, rz_trees_root of them or fewer (a multiple of 16; 0: as if not called): computes them. Until
 * rz_learner_finish_shard they are rows of no tree; ids must stay. A learner that never goes backward ends it by the next call. */
void rz_learner_root(rz_learner *l, const int32_t *ids, int n);
void rz_learner_recompute(rz_learner *l, rz_recompute r); /* RZ_RECOMPUTE_NONE until set; from the next forward on */
/* Until the next forward its memory, but for a little, is the system's. What backward was to find is lost; what a shard still lacks is not. */
void rz_learner_rest(rz_learner *l);
/* Bytes that a forward and a backward pass over these trees takes at most, the gradient left out. Of them some stay until the shard is complete: */
size_t rz_learner_bytes(const rz_learner *l, const rz_tree *trees, int n_trees);
size_t rz_learner_kept_bytes(const rz_learner *l); /* those of the calls so far */
size_t rz_learner_peak(const rz_learner *l);       /* the most that was in use so far */
int64_t rz_learner_again(const rz_learner *l);     /* rows so far whose logits were not kept but computed a second time */
int rz_tree_rows(const rz_tree *t);
/* Log-probabilities of every target; keeps the activations for rz_learner_backward. Row order (docs/numerics.md): per tree its
 * sequences in order, then the prefix. How trees are cut into calls changes no bit of the gradient. */
void rz_learner_forward(rz_learner *l, const rz_tree *trees, int n_trees, float temperature);
/* grad(n_params) += d loss / d w of the trees of the last forward, except for the embedding, whose rows are kept until … */
void rz_learner_backward(rz_learner *l, float *grad);
/* … the shard is complete: adds them, in order. */
void rz_learner_finish_shard(rz_learner *l, float *grad);
#endif
