/* policy: the gradient of a shard once more, as docs/numerics.md (sections 4 and 6) says it: one layer after the other over all rows, in plain loops and
 * reference kernels, without calls, cuts or threads. What may be added in another order without being wrong is pinned down here. */
#include "policy/mathf.h"
#include "tests/tiny_rig.h"

enum { LAYERS = 2, RUNS = 16 };

typedef struct { int row0, n, parent; rz_kv kv[LAYERS]; } segment; /* parent: index of the prompt's segment, or −1 */
typedef struct { float *x_in, *x_mid, *h1, *h2, *rstd1, *rstd2, *qk, *rstd_qk, *qkv, *att, *row_max, *row_sum, *gate_up, *act; } activations;

typedef struct {
    const rz_policy *p;
    rz_arena *arena;
    segment segments[RUNS];
    int n_segments, M;
    int tree[RUNS + 1], n_trees; /* first row of each tree; behind the last M */
    int32_t *ids, *pos, *target; /* target −1: no loss */
    float *dlogp, *h, *x_out, *rstd;
    activations layers[LAYERS];
} shard;

static float *zeros(shard *s, int n)
{
    return RZ_ZNEW(s->arena, n, float);
}

/* start and what n terms a·b add to it: one chain, or, of bfloat16s, blocks of 32 (section 4a; nothing is small enough here to be flushed). */
static float dot(const shard *s, float start, const float *a, int step_a, const float *b, int step_b, int n)
{
    bool half = s->p->compute == RZ_COMPUTE_BF16;
    for (int i = 0; i < n && !half; i++)
        start = rz_fmaf(a[i * step_a], b[i * step_b], start);
    for (int i = 0; i < n && half; i += 32) {
        float even = 0, odd = 0;
        for (int j = i; j < i + 32 && j < n; j++) {
            float x = rz_from_half(rz_half(a[j * step_a])), y = rz_from_half(rz_half(b[j * step_b]));
            if (j % 2)
                odd = rz_fmaf(x, y, odd);
            else
                even = rz_fmaf(x, y, even);
        }
        start += even + odd;
    }
    return start;
}

/* y = b + x·Wᵀ. b < 0: no bias. */
static float *linear(shard *s, const float *x, int64_t w, int64_t b, int N, int K)
{
    float *y = zeros(s, s->M * N);
    for (int m = 0; m < s->M; m++)
        for (int n = 0; n < N; n++)
            y[m * N + n] = dot(s, b < 0 ? 0 : s->p->w[b + n], x + m * K, 1, s->p->w + w + n * K, 1, K);
    return y;
}

/* dx = dy·W; dW += dyᵀ·x and db += dy over the rows in order, without those that have no loss. */
static float *linear_backward(shard *s, float *grad, const float *dy, const float *x, int64_t w, int64_t b, int N, int K, bool all_rows)
{
    float *dx = zeros(s, s->M * K), *dw = grad + w;
    for (int m = 0; m < s->M; m++) {
        for (int k = 0; k < K && (all_rows || s->target[m] >= 0); k++)
            dx[m * K + k] = dot(s, 0, dy + m * N, 1, s->p->w + w + k, K, N);
        for (int n = 0; n < N && b >= 0; n++)
            grad[b + n] = grad[b + n] + dy[m * N + n];
    }
    for (int t = 0; t < s->n_trees; t++) { /* of the rows of a tree the first ones have a loss */
        int first = s->tree[t], rows = 0;
        while (first + rows < s->tree[t + 1] && (all_rows || s->target[first + rows] >= 0))
            rows++;
        for (int n = 0; n < N; n++)
            for (int k = 0; k < K; k++)
                dw[n * K + k] = dot(s, dw[n * K + k], dy + first * N + n, N, x + first * K + k, K, rows);
    }
    return dx;
}

/* Queries and keys of a row are H and G rows of E. first: the head a norm begins with. */
static void head_norms(shard *s, activations *a, int first, int n, int64_t weight)
{
    int E = s->p->heads.E, H = s->p->heads.H, G = s->p->heads.G;
    for (int m = 0; weight >= 0 && m < s->M; m++)
        for (int h = first; h < first + n; h++) {
            float *y = a->qkv + (m * (H + 2 * G) + h) * E, *x = memcpy(a->qk + (m * (H + G) + h) * E, y, (size_t)E * sizeof *y);
            s->p->k->rmsnorm_forward(y, &a->rstd_qk[m * (H + G) + h], x, NULL, s->p->w + weight, (float)s->p->arch.rms_norm_eps, 1, E);
        }
}

static void head_norms_backward(shard *s, const activations *a, float *d, int first, int n, int64_t weight, float *grad)
{
    int E = s->p->heads.E, H = s->p->heads.H, G = s->p->heads.G;
    for (int m = 0; weight >= 0 && m < s->M; m++)
        for (int h = first; h < first + n; h++) {
            const float *x = a->qk + (m * (H + G) + h) * E, *rstd = &a->rstd_qk[m * (H + G) + h];
            float *dx = d + (m * (H + 2 * G) + h) * E, dy[64];
            memcpy(dy, dx, (size_t)E * sizeof *dy);
            memset(dx, 0, (size_t)E * sizeof *dx);
            s->p->k->rmsnorm_backward(dx, dy, x, s->p->w + weight, rstd, 1, E);
            s->p->k->rmsnorm_backward_w(grad + weight, dy, x, rstd, 1, E, 0, E);
        }
}

static void add_segment(shard *s, const int32_t *ids, const rz_sequence *q, int n, int first_position, int parent)
{
    const rz_heads *h = &s->p->heads;
    segment *g = &s->segments[s->n_segments++];
    *g = (segment){s->M, n, parent, {{0}}};
    for (int l = 0; l < LAYERS; l++) {
        int cap = (n + 15) / 16 * 16;
        g->kv[l] = (rz_kv){zeros(s, h->G * cap * h->E), zeros(s, h->G * cap * h->E), 0, cap};
    }
    for (int i = 0; i < n; i++, s->M++) {
        s->ids[s->M] = ids[i];
        s->pos[s->M] = first_position + i;
        s->target[s->M] = q ? q->targets[i] : -1;
        s->dlogp[s->M] = q ? q->dlogp[i] : 0;
    }
}

/* Completions in order, then their prompt. */
static void lay_out(shard *s, const rz_tree *trees, int n_trees)
{
    for (int t = 0; t < n_trees; t++) {
        const rz_tree *tree = &trees[t];
        int prompt = tree->n_prefix ? s->n_segments + tree->n_sequences : -1;
        s->tree[s->n_trees++] = s->M;
        for (int k = 0; k < tree->n_sequences; k++)
            add_segment(s, tree->sequences[k].ids, &tree->sequences[k], tree->sequences[k].n, tree->n_prefix, prompt);
        if (tree->n_prefix)
            add_segment(s, tree->prefix, NULL, tree->n_prefix, 0, -1);
    }
    s->tree[s->n_trees] = s->M;
}

static float *copy(shard *s, const float *x, int n)
{
    return memcpy(zeros(s, n), x, (size_t)n * sizeof *x);
}

static void attention(shard *s, int l, bool prompts)
{
    const rz_policy *p = s->p;
    const activations *a = &s->layers[l];
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, W = (H + 2 * G) * E;
    for (int i = 0; i < s->n_segments; i++) {
        segment *g = &s->segments[i];
        float *rows = a->qkv + g->row0 * W;
        if ((g->parent < 0) != prompts) /* what others look back on comes first */
            continue;
        float *kv = copy(s, rows, g->n * W);
        for (int m = 0; m < g->n * W && p->kv_dtype == RZ_KV_BF16; m++)
            kv[m] = rz_from_half(rz_half(kv[m])); /* keys and values, and queries, which nobody reads here */
        p->k->kv_append(&g->kv[l], kv + H * E, kv + (H + G) * E, W, g->n, G, E);
        g->kv[l].n = g->n;
        p->k->attention_forward(a->att + g->row0 * H * E, H * E, a->row_max + g->row0 * H, a->row_sum + g->row0 * H, rows, W, g->n,
                                g->parent < 0 ? NULL : &s->segments[g->parent].kv[l], &g->kv[l], p->heads, 0, G, zeros(s, 4096));
    }
}

/* x += y; returns the norm of x. */
static float *norm(shard *s, float *x, const float *y, int64_t weight, float **rstd)
{
    int D = s->p->arch.hidden_size;
    float *h = zeros(s, s->M * D);
    *rstd = zeros(s, s->M);
    s->p->k->rmsnorm_forward(h, *rstd, x, y, s->p->w + weight, (float)s->p->arch.rms_norm_eps, s->M, D);
    return h;
}

static void forward(shard *s)
{
    const rz_policy *p = s->p;
    int D = p->arch.hidden_size, F = p->arch.intermediate_size, H = p->heads.H, G = p->heads.G, E = p->heads.E, W = (H + 2 * G) * E;
    float *x = zeros(s, s->M * D), *y = NULL;
    rz_rope_reach(p->rope, p->arch.max_position_embeddings);
    for (int m = 0; m < s->M; m++)
        memcpy(x + m * D, p->w + p->layout.embed + s->ids[m] * D, (size_t)D * sizeof *x);
    for (int l = 0; l < LAYERS; l++) {
        const rz_layer_offsets *o = &p->layout.layers[l];
        activations *a = &s->layers[l];
        a->h1 = norm(s, x, y, o->norm1, &a->rstd1);
        a->x_in = copy(s, x, s->M * D);
        a->qkv = linear(s, a->h1, o->qkv, o->qkv_bias, W, D);
        a->qk = zeros(s, s->M * (H + G) * E);
        a->rstd_qk = zeros(s, s->M * (H + G));
        head_norms(s, a, 0, H, o->q_norm);
        head_norms(s, a, H, G, o->k_norm);
        p->k->rope(a->qkv, W, p->rope->cs, s->pos, s->M, H + G, E, false);
        a->att = zeros(s, s->M * H * E);
        a->row_max = zeros(s, s->M * H);
        a->row_sum = zeros(s, s->M * H);
        attention(s, l, true);
        attention(s, l, false);
        a->h2 = norm(s, x, linear(s, a->att, o->o, o->o_bias, D, H * E), o->norm2, &a->rstd2);
        a->x_mid = copy(s, x, s->M * D);
        a->gate_up = linear(s, a->h2, o->gate_up, o->gate_up_bias, 2 * F, D);
        a->act = zeros(s, s->M * F);
        p->k->swiglu_forward(a->act, a->gate_up, s->M, F);
        y = linear(s, a->act, o->down, o->down_bias, D, F);
    }
    s->h = norm(s, x, y, p->layout.norm, &s->rstd);
    s->x_out = x;
}

static void norm_backward(const shard *s, float *dx, const float *dy, const float *x, const float *rstd, int64_t weight, float *grad)
{
    int D = s->p->arch.hidden_size;
    s->p->k->rmsnorm_backward(dx, dy, x, s->p->w + weight, rstd, s->M, D);
    s->p->k->rmsnorm_backward_w(grad + weight, dy, x, rstd, s->M, D, 0, D);
}

static float *attention_backward(shard *s, int l, const float *datt)
{
    const rz_policy *p = s->p;
    const activations *a = &s->layers[l];
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, W = (H + 2 * G) * E, K = H * E, V = (H + G) * E;
    float *d = zeros(s, s->M * W);
    for (int i = 0; i < s->n_segments; i++) {
        const segment *g = &s->segments[i], *parent = g->parent < 0 ? NULL : &s->segments[g->parent];
        float *own = d + g->row0 * W, *above = parent ? d + parent->row0 * W : NULL;
        p->k->attention_backward(own, own + K, own + V, above ? above + K : NULL, above ? above + V : NULL, W, datt + g->row0 * H * E,
                                 a->att + g->row0 * H * E, H * E, a->row_max + g->row0 * H, a->row_sum + g->row0 * H, a->qkv + g->row0 * W, W, g->n,
                                 parent ? &parent->kv[l] : NULL, &g->kv[l], p->heads, 0, G, zeros(s, 4096));
    }
    p->k->rope(d, W, p->rope->cs, s->pos, s->M, H + G, E, true);
    return d;
}

static void backward(shard *s, float temperature, float *grad)
{
    const rz_policy *p = s->p;
    int D = p->arch.hidden_size, F = p->arch.intermediate_size, H = p->heads.H, G = p->heads.G, E = p->heads.E, V = p->arch.vocab_size;
    float *logits = linear(s, s->h, p->layout.head, -1, V, D), *dx = zeros(s, s->M * D), logp, mx, sum;
    for (int m = 0; m < s->M; m++)
        if (s->target[m] >= 0) {
            p->k->logp_forward(&logp, NULL, &mx, &sum, logits + m * V, V, &s->target[m], temperature, 1, V);
            p->k->logp_backward(logits + m * V, logits + m * V, V, &mx, &sum, &s->target[m], &s->dlogp[m], temperature, 1, V);
        }
    float *dhead = linear_backward(s, grad, logits, s->h, p->layout.head, -1, V, D, false);
    norm_backward(s, dx, dhead, s->x_out, s->rstd, p->layout.norm, grad);
    for (int l = LAYERS - 1; l >= 0; l--) {
        const rz_layer_offsets *o = &p->layout.layers[l];
        const activations *a = &s->layers[l];
        float *dact = linear_backward(s, grad, dx, a->act, o->down, o->down_bias, D, F, true), *dgate_up = zeros(s, s->M * 2 * F);
        p->k->swiglu_backward(dgate_up, dact, a->gate_up, s->M, F);
        float *dh = linear_backward(s, grad, dgate_up, a->h2, o->gate_up, o->gate_up_bias, 2 * F, D, true);
        norm_backward(s, dx, dh, a->x_mid, a->rstd2, o->norm2, grad);
        float *dqkv = attention_backward(s, l, linear_backward(s, grad, dx, a->att, o->o, o->o_bias, D, H * E, true));
        head_norms_backward(s, a, dqkv, 0, H, o->q_norm, grad);
        head_norms_backward(s, a, dqkv, H, G, o->k_norm, grad);
        dh = linear_backward(s, grad, dqkv, a->h1, o->qkv, o->qkv_bias, (H + 2 * G) * E, D, true);
        norm_backward(s, dx, dh, a->x_in, a->rstd1, o->norm1, grad);
    }
    for (int m = 0; m < s->M; m++)
        for (int d = 0; d < D; d++)
            grad[p->layout.embed + s->ids[m] * D + d] += dx[m * D + d];
}

START_TEST(the_definition)
{
    rz_arch a = middlings[_i % N_MIDDLINGS];
    rig r = open_rig(&a, tiny_kernels(0), NULL, 4);
    rz_policy_store(r.p, RZ_STORED_F32, _i / N_MIDDLINGS == 1 ? RZ_COMPUTE_BF16 : RZ_COMPUTE_F32, _i / N_MIDDLINGS == 2 ? RZ_KV_BF16 : RZ_KV_F32);
    rz_tree trees[N_TREES + 1];
    many_trees(trees, &r.arena);
    static const int lengths[2] = {31, 14}; /* more than a block of rows, the first of them not whole where the second sequence begins */
    trees[N_TREES] = tiny_tree(&(rz_stream){0}, 20, lengths, 2, a.vocab_size, &r.arena);
    shard s = {.p = r.p, .arena = &r.arena, .ids = RZ_NEW(&r.arena, 200, int32_t), .pos = RZ_NEW(&r.arena, 200, int32_t),
               .target = RZ_NEW(&r.arena, 200, int32_t), .dlogp = RZ_NEW(&r.arena, 200, float)};
    float *grad = zeros(&s, (int)r.p->layout.n_params);
    lay_out(&s, trees, N_TREES + 1);
    forward(&s);
    backward(&s, 0.9f, grad);
    gradient(&r, trees, N_TREES + 1, 0, 0.9f);
    for (int i = 0; i < r.p->layout.n_tensors; i++) {
        const rz_tensor *t = &r.p->layout.tensors[i];
        ck_assert_msg(!memcmp(r.grad + t->offset, grad + t->offset, (size_t)tiny_size(t) * sizeof *grad), "%s is not as defined", t->name);
    }
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_loop_test(t, the_definition, 0, 3 * N_MIDDLINGS);
}

int main(void)
{
    return tiny_main("definition", add);
}
