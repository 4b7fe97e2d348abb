/* Tiny policies whose weights matter, and the same model once more: in binary64, from its formulas, one sequence at a time and for reading only.
 * It is the independent truth of the tests of policy, rollout and trainer. Static inline only: a test uses what it needs. */
#ifndef RZ_TESTS_TINY_H
#define RZ_TESTS_TINY_H
#include "base/rng.h"
#include "policy/policy.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of them; and the first ones, of which none differs from the one before in matmul_half alone. */
static inline int tiny_n_half_kernels(void)
{
    const rz_kernels *const *list;
    return rz_kernels_available(&list);
}
static inline int tiny_n_kernels(void)
{
    const rz_kernels *const *list;
    int n = rz_kernels_available(&list);
    while (list[n - 1]->matmul == list[n - 2]->matmul)
        n--;
    return n;
}

/* −1: the best. */
static inline const rz_kernels *tiny_kernels(int i)
{
    const rz_kernels *const *list;
    int n = rz_kernels_available(&list);
    return list[i < 0 ? n - 1 : i];
}

static inline rz_pool *tiny_pool(int threads)
{
    rz_pool *pool;
    rz_err err;
    ck_assert_msg(rz_pool_create(&pool, threads, &err), "%s", err.text);
    return pool;
}

static inline rz_arena tiny_arena(void)
{
    rz_arena a;
    rz_err err;
    ck_assert_msg(rz_arena_init(&a, (size_t)1 << 34, &err), "%s", err.text);
    return a;
}

/* Uniform in (−1, 1). */
static inline double tiny_even(rz_stream *s)
{
    return 2 * rz_stream_unit(s) - 1;
}

static inline int64_t tiny_size(const rz_tensor *t)
{
    return t->rows * (t->cols ? t->cols : 1);
}

/* Logits spread by about `gain`: some tokens are likely, some are not. */
static inline rz_policy *tiny_policy(const rz_arch *a, const rz_kernels *k, rz_pool *pool, uint32_t seed, double gain)
{
    rz_policy *p;
    rz_err err;
    rz_stream s;
    ck_assert_msg(rz_policy_create(&p, a, k, pool, &err), "%s", err.text);
    rz_stream_init(&s, seed, RZ_RNG_TEST, 0);
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        for (int64_t j = 0; j < tiny_size(t); j++)
            p->w[t->offset + j] = (float)(t->cols ? gain * sqrt(3.0 / (double)t->cols) * tiny_even(&s) : t->bias ? tiny_even(&s) : 1 + 0.3 * tiny_even(&s));
    }
    rz_policy_refresh(p);
    return p;
}

static inline int32_t *tiny_ids(rz_stream *s, int n, int V, rz_arena *arena)
{
    int32_t *ids = RZ_NEW(arena, n, int32_t);
    for (int i = 0; i < n; i++)
        ids[i] = (int32_t)rz_stream_below(s, (uint32_t)V);
    return ids;
}

/* n+1 random tokens: inputs and targets. dlogp is random. */
static inline rz_sequence tiny_sequence(rz_stream *s, int n, int V, rz_arena *arena)
{
    int32_t *ids = tiny_ids(s, n + 1, V, arena);
    float *dlogp = RZ_NEW(arena, n, float);
    for (int i = 0; i < n; i++)
        dlogp[i] = (float)tiny_even(s);
    return (rz_sequence){ids, ids + 1, n, RZ_ZNEW(arena, n, float), RZ_ZNEW(arena, n, float), dlogp};
}

static inline rz_tree tiny_tree(rz_stream *s, int n_prefix, const int *lengths, int n, int V, rz_arena *arena)
{
    rz_sequence *sequences = RZ_NEW(arena, n, rz_sequence);
    for (int i = 0; i < n; i++)
        sequences[i] = tiny_sequence(s, lengths[i], V, arena);
    return (rz_tree){tiny_ids(s, n_prefix, V, arena), n_prefix, n, sequences};
}

/* ---- the model in binary64 ---- */

typedef struct {
    rz_arch a;
    const rz_layout *layout; /* for names, offsets and shapes */
    double *w;
} truth;

static inline truth truth_create(const rz_policy *p)
{
    truth t = {p->arch, &p->layout, calloc((size_t)p->layout.n_params, sizeof(double))};
    for (int64_t i = 0; i < p->layout.n_params; i++)
        t.w[i] = p->w[i];
    return t;
}

static inline void truth_destroy(truth *t)
{
    free(t->w);
}

/* A tensor by its published name, of the shape the architecture gives it. */
static inline const double *truth_named(const truth *t, const char *name, int64_t rows, int64_t cols)
{
    for (int i = 0; i < t->layout->n_tensors; i++) {
        const rz_tensor *x = &t->layout->tensors[i];
        if (!strcmp(x->name, name)) {
            ck_assert_msg(x->rows == rows && x->cols == cols, "%s is %d x %d", name, (int)x->rows, (int)x->cols);
            return t->w + x->offset;
        }
    }
    ck_abort_msg("no tensor %s", name);
}

static inline const double *truth_tensor(const truth *t, int layer, const char *part, int64_t rows, int64_t cols)
{
    char name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", layer, part);
    return truth_named(t, name, rows, cols);
}

/* y may be x. */
static inline void truth_norm(const truth *t, double *y, const double *x, const double *w, int n)
{
    double mean_square = 0;
    for (int d = 0; d < n; d++)
        mean_square += x[d] * x[d] / n;
    for (int d = 0; d < n; d++)
        y[d] = x[d] / sqrt(mean_square + t->a.rms_norm_eps) * w[d];
}

/* y += a bias, where the architecture has one. */
static inline void truth_bias(const truth *t, double *y, int layer, const char *part, int n)
{
    bool attention = strstr(part, "self_attn"), o = strstr(part, "o_proj");
    char name[96];
    if (!(attention ? t->a.attention_bias || (t->a.model_type == RZ_QWEN2 && !o) : t->a.mlp_bias))
        return;
    snprintf(name, sizeof name, "model.layers.%d.%s.bias", layer, part);
    const double *b = truth_named(t, name, n, 0);
    for (int i = 0; i < n; i++)
        y[i] += b[i];
}

/* Queries or keys by head, in place, where the architecture norms them. */
static inline void truth_head_norms(const truth *t, double *x, int layer, const char *part, int n_heads)
{
    int E = t->a.head_dim;
    for (int h = 0; t->a.model_type == RZ_QWEN3 && h < n_heads; h++)
        truth_norm(t, x + h * E, x + h * E, truth_tensor(t, layer, part, E, 0), E);
}

static inline void truth_linear(double *y, const double *x, const double *w, int n_out, int n_in)
{
    for (int i = 0; i < n_out; i++) {
        y[i] = 0;
        for (int j = 0; j < n_in; j++)
            y[i] += w[i * n_in + j] * x[j];
    }
}

/* The rule of Llama 3.1, in waves: those that turn fewer than low_freq_factor times in the original context are stretched by factor, those that turn
 * more than high_freq_factor times are not, and between the two the share goes from one to the other. */
static inline double truth_frequency(const rz_arch *a, int e)
{
    double f = pow(a->rope_theta, -2.0 * e / a->head_dim), turns = a->original_max_position_embeddings * f / (2 * M_PI);
    if (a->rope_type == RZ_ROPE_DEFAULT)
        return f;
    if (a->rope_type == RZ_ROPE_LINEAR)
        return f / a->factor;
    double kept = fmin(1, fmax(0, (turns - a->low_freq_factor) / (a->high_freq_factor - a->low_freq_factor)));
    return kept * f + (1 - kept) * f / a->factor;
}

static inline void truth_rotate(const truth *t, double *heads, int n_heads, int position)
{
    int E = t->a.head_dim;
    for (int e = 0; e < E / 2; e++) {
        double angle = position * truth_frequency(&t->a, e), c = cos(angle), s = sin(angle);
        for (int h = 0; h < n_heads; h++) {
            double *x = heads + h * E, a = x[e], b = x[e + E / 2];
            x[e] = a * c - b * s;
            x[e + E / 2] = b * c + a * s;
        }
    }
}

/* x(n,D) += attention of the sequence on itself. */
static inline void truth_attention(const truth *t, int layer, double *x, int n)
{
    int D = t->a.hidden_size, H = t->a.num_attention_heads, G = t->a.num_key_value_heads, E = t->a.head_dim, Q = H * E, K = G * E;
    const double *norm = truth_tensor(t, layer, "input_layernorm", D, 0), *wq = truth_tensor(t, layer, "self_attn.q_proj", Q, D),
                 *wk = truth_tensor(t, layer, "self_attn.k_proj", K, D), *wv = truth_tensor(t, layer, "self_attn.v_proj", K, D),
                 *wo = truth_tensor(t, layer, "self_attn.o_proj", D, Q);
    double *k = malloc((size_t)(2 * n * K + 2 * Q + 2 * D + n) * sizeof *k), *v = k + n * K, *q = v + n * K, *att = q + Q, *h = att + Q, *o = h + D,
           *weight = o + D;
    for (int i = 0; i < n; i++) {
        truth_norm(t, h, x + i * D, norm, D);
        truth_linear(q, h, wq, Q, D);
        truth_linear(k + i * K, h, wk, K, D);
        truth_linear(v + i * K, h, wv, K, D);
        truth_bias(t, q, layer, "self_attn.q_proj", Q);
        truth_bias(t, k + i * K, layer, "self_attn.k_proj", K);
        truth_bias(t, v + i * K, layer, "self_attn.v_proj", K);
        truth_head_norms(t, q, layer, "self_attn.q_norm", H);
        truth_head_norms(t, k + i * K, layer, "self_attn.k_norm", G);
        truth_rotate(t, q, H, i);
        truth_rotate(t, k + i * K, G, i);
        for (int head = 0; head < H; head++) {
            int g = head / (H / G);
            double sum = 0;
            for (int j = 0; j <= i; j++) {
                double score = 0;
                for (int e = 0; e < E; e++)
                    score += q[head * E + e] * k[j * K + g * E + e];
                sum += weight[j] = exp(score / sqrt(E));
            }
            for (int e = 0; e < E; e++) {
                att[head * E + e] = 0;
                for (int j = 0; j <= i; j++)
                    att[head * E + e] += weight[j] / sum * v[j * K + g * E + e];
            }
        }
        truth_linear(o, att, wo, D, Q);
        truth_bias(t, o, layer, "self_attn.o_proj", D);
        for (int d = 0; d < D; d++)
            x[i * D + d] += o[d];
    }
    free(k);
}

/* x(n,D) += the feed-forward layer. */
static inline void truth_feed_forward(const truth *t, int layer, double *x, int n)
{
    int D = t->a.hidden_size, F = t->a.intermediate_size;
    const double *norm = truth_tensor(t, layer, "post_attention_layernorm", D, 0), *gate = truth_tensor(t, layer, "mlp.gate_proj", F, D),
                 *up = truth_tensor(t, layer, "mlp.up_proj", F, D), *down = truth_tensor(t, layer, "mlp.down_proj", D, F);
    double *h = malloc((size_t)(2 * D + 2 * F) * sizeof *h), *o = h + D, *a = o + D, *b = a + F;
    for (int i = 0; i < n; i++) {
        truth_norm(t, h, x + i * D, norm, D);
        truth_linear(a, h, gate, F, D);
        truth_linear(b, h, up, F, D);
        truth_bias(t, a, layer, "mlp.gate_proj", F);
        truth_bias(t, b, layer, "mlp.up_proj", F);
        for (int f = 0; f < F; f++)
            a[f] = a[f] / (1 + exp(-a[f])) * b[f];
        truth_linear(o, a, down, D, F);
        truth_bias(t, o, layer, "mlp.down_proj", D);
        for (int d = 0; d < D; d++)
            x[i * D + d] += o[d];
    }
    free(h);
}

/* logp(n − from, V): log-probabilities of what may follow each of ids[from] … ids[n−1]. */
static inline void truth_distribution(const truth *t, const int32_t *ids, int n, int from, double temperature, double *logp)
{
    int D = t->a.hidden_size, V = t->a.vocab_size;
    const double *embed = truth_named(t, "model.embed_tokens.weight", V, D), *norm = truth_named(t, "model.norm.weight", D, 0),
                 *head = t->a.tie_word_embeddings ? embed : truth_named(t, "lm_head.weight", V, D);
    double *x = malloc((size_t)(n * D + D) * sizeof *x), *h = x + n * D;
    for (int i = 0; i < n; i++)
        memcpy(x + i * D, embed + ids[i] * D, (size_t)D * sizeof *x);
    for (int l = 0; l < t->a.num_hidden_layers; l++) {
        truth_attention(t, l, x, n);
        truth_feed_forward(t, l, x, n);
    }
    for (int i = from; i < n; i++, logp += V) {
        double sum = 0;
        truth_norm(t, h, x + i * D, norm, D);
        truth_linear(logp, h, head, V, D);
        for (int v = 0; v < V; v++)
            sum += exp(logp[v] /= temperature);
        for (int v = 0; v < V; v++)
            logp[v] -= log(sum);
    }
    free(x);
}

/* logp(n) of the targets of a sequence after its prefix; entropy(n) may be NULL. */
static inline void truth_logp(const truth *t, const int32_t *prefix, int n_prefix, const rz_sequence *s, double temperature, double *logp,
                              double *entropy)
{
    int n = n_prefix + s->n, V = t->a.vocab_size;
    int32_t *ids = malloc((size_t)n * sizeof *ids);
    double *all = malloc((size_t)s->n * (size_t)V * sizeof *all);
    if (n_prefix)
        memcpy(ids, prefix, (size_t)n_prefix * sizeof *ids);
    memcpy(ids + n_prefix, s->ids, (size_t)s->n * sizeof *ids);
    truth_distribution(t, ids, n, n_prefix, temperature, all);
    for (int i = 0; i < s->n; i++) {
        logp[i] = all[i * V + s->targets[i]];
        if (!entropy)
            continue;
        entropy[i] = 0;
        for (int v = 0; v < V; v++)
            entropy[i] -= exp(all[i * V + v]) * all[i * V + v];
    }
    free(all);
    free(ids);
}

/* Runs the program of a test file. */
static inline int tiny_main(const char *name, void (*add)(TCase *t))
{
    Suite *suite = suite_create(name);
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 120);
    add(t);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
#endif
