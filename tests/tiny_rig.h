/* A tiny policy with a learner and a gradient, and trees for it. Static inline only. */
#ifndef RZ_TESTS_TINY_RIG_H
#define RZ_TESTS_TINY_RIG_H
#include "tests/tiny.h"

typedef struct {
    rz_policy *p;
    rz_learner *l;
    rz_arena arena;
    float *grad;
} rig;

static inline rig open_rig(const rz_arch *a, const rz_kernels *k, rz_pool *pool, uint32_t seed)
{
    rz_err err;
    rig r = {.p = tiny_policy(a, k, pool, seed, 1.5), .arena = tiny_arena()};
    ck_assert_msg(rz_learner_create(&r.l, r.p, &err), "%s", err.text);
    r.grad = RZ_NEW(&r.arena, r.p->layout.n_params, float);
    return r;
}

static inline void close_rig(rig *r)
{
    rz_learner_destroy(r->l);
    rz_policy_destroy(r->p);
    rz_arena_finish(&r->arena);
}

/* r->grad of one shard. Bit i of cuts: a new call after tree i. */
static inline void gradient(rig *r, const rz_tree *trees, int n, unsigned cuts, float temperature)
{
    memset(r->grad, 0, (size_t)r->p->layout.n_params * sizeof *r->grad);
    for (int i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && !(cuts >> (j - 1) & 1); j++)
            ;
        rz_learner_forward(r->l, trees + i, j - i, temperature);
        rz_learner_backward(r->l, r->grad);
    }
    rz_learner_finish_shard(r->l, r->grad);
}

/* Log-probabilities and entropies of all trees in one array. Returns how many. */
static inline int outputs(const rz_tree *trees, int n_trees, float *to)
{
    int n = 0;
    for (int t = 0; t < n_trees; t++)
        for (int k = 0; k < trees[t].n_sequences; k++)
            for (int i = 0; i < trees[t].sequences[k].n; i++) {
                to[n++] = trees[t].sequences[k].logp[i];
                to[n++] = trees[t].sequences[k].entropy[i];
            }
    return n;
}

/* Large enough for products to be cut for threads; two layers. Biases and norms of heads: where the families have them. */
static const rz_arch middlings[] = {
    {150, 40, 56, 2, 4, 2, 10, 64, 1e-5, 1e4, true},
    {150, 40, 56, 2, 4, 2, 10, 64, 1e-5, 1e4, false},
    {150, 40, 56, 2, 4, 2, 10, 64, 1e-5, 1e4, true, RZ_LLAMA, .attention_bias = true, .mlp_bias = true},
    {150, 40, 56, 2, 4, 2, 10, 64, 1e-5, 1e4, false, RZ_QWEN3, .attention_bias = true, .rope_type = RZ_ROPE_LLAMA3, .factor = 8, .low_freq_factor = 1,
     .high_freq_factor = 4, .original_max_position_embeddings = 32},
    {150, 40, 56, 2, 4, 1, 10, 64, 1e-5, 1e4, true, RZ_QWEN2},
};
enum { N_MIDDLINGS = sizeof middlings / sizeof middlings[0], N_TREES = 4 };

static inline void many_trees(rz_tree *trees, rz_arena *arena)
{
    static const struct { int n_prefix, n, lengths[3]; } shapes[N_TREES] = {{9, 3, {12, 3, 7}}, {0, 1, {25}}, {1, 2, {1, 2}}, {17, 2, {16, 1}}};
    rz_stream s;
    rz_stream_init(&s, 9, RZ_RNG_TEST, 0);
    for (int i = 0; i < N_TREES; i++)
        trees[i] = tiny_tree(&s, shapes[i].n_prefix, shapes[i].lengths, shapes[i].n, middlings[0].vocab_size, arena);
}
#endif
