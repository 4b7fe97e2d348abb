#include "policy/learner.h"

#include <assert.h>
#include <string.h>

static void dlogits_rows(void *ctx, int r0, int r1)
{
    const rz_head_work *w = ctx;
    const rz_learner *l = w->l;
    int64_t V = l->p->arch.vocab_size;
    int m = w->row + r0;
    float *logits = w->logits + r0 * V;
    l->p->k->logp_backward(logits, logits, V, l->row_max + m, l->row_sum + m, l->target + m, w->dlogp + m, l->temperature, r1 - r0, (int)V);
}

/* dh(M,D) of the rows with a loss, zero elsewhere; the head's gradient. */
static void head_backward(rz_learner *l, float *dh, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int M = l->now.acts.M, D = p->arch.hidden_size, V = p->arch.vocab_size;
    float *dlogp = RZ_ZNEW(&scratch, M, float);
    for (int t = 0; t < l->now.n_trees; t++)
        for (int i = 0; i < l->now.trees[t].n_sequences; i++)
            memcpy(dlogp + l->now.row0[l->now.tree_run[t] + i], l->now.trees[t].sequences[i].dlogp, (size_t)l->now.trees[t].sequences[i].n * sizeof(float));
    memset(dh, 0, (size_t)M * (size_t)D * sizeof(float));
    rz_head_work w = {.l = l, .dlogp = dlogp};
    size_t done = 0;
    for (int r = 0, n; (n = rz_learner_next_rows(l, &r)) > 0; r += n, done += (size_t)n) {
        rz_arena chunk = scratch;
        w.logits = l->logits ? l->logits + done * (size_t)V : RZ_NEW(&chunk, (size_t)n * (size_t)V, float);
        w.row = r;
        const float *h = l->h + (int64_t)r * D;
        rz_learner_note_peak(l, &chunk);
        if (!l->logits) {
            rz_policy_logits(p, w.logits, h, n);
            l->again += n;
        }
        rz_op_rows(p, n, dlogits_rows, &w);
        rz_op_linear_dx(p, dh + (int64_t)r * D, w.logits, &p->head, n);
        rz_op_linear_dw(p, grad, w.logits, h, &p->head, n, rz_batch_spans(p, &l->now, r, n, &chunk));
    }
}

/* A part of a batch: trees that go through a layer together, rows [row, end). Their datt(rows,HE) and dqkv(rows,W), written and read again while they are in the caches. */
typedef struct {
    const rz_batch *b;
    int layer, tree, n_trees, row, end;
    float *datt, *dqkv;
} part;

typedef struct {
    const rz_learner *l;
    const part *s;
    int M;
    const int32_t *pos; /* (M) */
    float *dx, *dw;
    const float *dy, *x, *rstd, *weight;
    float *const *d_whole; /* per tree, of a tree with a root: (n_prefix,W) what is sent to all keys and values of its prefix */
} work;

static void norm_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t D = w->l->p->arch.hidden_size;
    w->l->p->k->rmsnorm_backward(w->dx + r0 * D, w->dy + r0 * D, w->x + r0 * D, w->weight, w->rstd + r0, r1 - r0, (int)D);
}

static void norm_columns(void *ctx, int d0, int d1)
{
    const work *w = ctx;
    w->l->p->k->rmsnorm_backward_w(w->dw, w->dy, w->x, w->rstd, w->M, w->l->p->arch.hidden_size, d0, d1);
}

/* Of M rows: dx += gradient through the norm; the norm weight's gradient. */
static void norm_backward(const rz_learner *l, int M, float *dx, const float *dy, const float *x, const float *rstd, int64_t weight, float *grad)
{
    work w = {.l = l, .M = M, .dx = dx, .dw = grad + weight, .dy = dy, .x = x, .rstd = rstd, .weight = l->p->w + weight};
    rz_op_rows(l->p, M, norm_rows, &w);
    rz_op_rows(l->p, l->p->arch.hidden_size, norm_columns, &w);
}

static void swiglu_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t F = w->l->p->arch.intermediate_size;
    w->l->p->k->swiglu_backward(w->dx + r0 * 2 * F, w->dy + r0 * F, w->x + r0 * 2 * F, r1 - r0, (int)F);
}

typedef struct {
    const rz_learner *l;
    int M;
    const rz_layer_offsets *o;
    float *dqkv, *dy, *grad;
    const float *x, *rstd;
} head_norm_work;

static void unrotate_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    const rz_policy *p = w->l->p;
    int64_t ld = (int64_t)(p->heads.H + 2 * p->heads.G) * p->heads.E;
    p->k->rope(w->dx + r0 * ld, ld, p->rope->cs, w->pos + r0, r1 - r0, p->heads.H + p->heads.G, p->heads.E, true);
}

/* dqkv's queries and keys move to dy, and what comes back through their norms takes the place. */
static void head_norm_rows(void *ctx, int r0, int r1)
{
    const head_norm_work *w = ctx;
    const rz_policy *p = w->l->p;
    int64_t H = p->heads.H, G = p->heads.G, E = p->heads.E;
    for (int64_t r = r0; r < r1; r++) {
        float *dx = w->dqkv + r * (H + 2 * G) * E, *dy = w->dy + r * (H + G) * E;
        const float *x = w->x + r * (H + G) * E, *rstd = w->rstd + r * (H + G);
        memcpy(dy, dx, (size_t)((H + G) * E) * sizeof *dx);
        memset(dx, 0, (size_t)((H + G) * E) * sizeof *dx);
        p->k->rmsnorm_backward(dx, dy, x, p->w + w->o->q_norm, rstd, (int)H, (int)E);
        p->k->rmsnorm_backward(dx + H * E, dy + H * E, x + H * E, p->w + w->o->k_norm, rstd + H, (int)G, (int)E);
    }
}

static void head_norm_columns(void *ctx, int d0, int d1)
{
    const head_norm_work *w = ctx;
    const rz_policy *p = w->l->p;
    int64_t H = p->heads.H, G = p->heads.G, E = p->heads.E;
    for (int64_t r = 0; r < w->M; r++) {
        const float *dy = w->dy + r * (H + G) * E, *x = w->x + r * (H + G) * E, *rstd = w->rstd + r * (H + G);
        p->k->rmsnorm_backward_w(w->grad + w->o->q_norm, dy, x, rstd, (int)H, (int)E, d0, d1);
        p->k->rmsnorm_backward_w(w->grad + w->o->k_norm, dy + H * E, x + H * E, rstd + H, (int)G, (int)E, d0, d1);
    }
}

/* Rows [r, r + M) through the norms of queries and keys: dqkv, from the first of them, in place; the gradients of the two weights. */
static void head_norm_backward(const rz_learner *l, const rz_acts *a, int layer, int r, int M, float *dqkv, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int64_t N = p->heads.H + p->heads.G, E = p->heads.E;
    head_norm_work w = {l, M, &p->layout.layers[layer], dqkv, RZ_NEW(&scratch, M * N * E, float), grad, rz_act(a->qk, layer) + r * N * E,
                        rz_act(a->rstd_qk, layer) + r * N};
    rz_op_rows(p, M, head_norm_rows, &w);
    rz_op_rows(p, (int)E, head_norm_columns, &w);
}

/* Attention of one tree and one key/value head: completions in order against the prefix's keys, then the prefix. */
static void attend_backward(void *ctx, int i, int thread)
{
    const work *w = ctx;
    const rz_learner *l = w->l;
    const rz_policy *p = l->p;
    const part *s = w->s;
    const rz_batch *b = s->b;
    const rz_acts *a = &b->acts;
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, g = i % G, tree = s->tree + i / G, prefix = b->tree_run[tree + 1] - 1;
    int64_t ld = (int64_t)(H + 2 * G) * E, k_at = (int64_t)H * E, v_at = (int64_t)(H + G) * E, ldo = (int64_t)H * E;
    float *d_prefix = s->dqkv + (b->row0[prefix] - s->row) * ld, *d_whole = w->d_whole ? w->d_whole[i / G] : d_prefix;
    for (int r = b->tree_run[tree]; r <= prefix; r++) {
        const rz_run *run = &b->runs[r];
        int64_t r0 = b->row0[r];
        float *d = s->dqkv + (r0 - s->row) * ld;
        rz_kv own = rz_cache_layer(run->cache, s->layer), parent = {0};
        if (run->parent)
            parent = rz_cache_layer(run->parent, s->layer);
        if (run->root) {
            parent = (rz_kv){.k = own.k, .v = own.v, .n = run->root->n, .cap = own.cap};
            own = (rz_kv){.k = own.k + (int64_t)parent.n * G * E, .v = own.v + (int64_t)parent.n * G * E, .n = run->n, .cap = own.cap - parent.n};
            for (int64_t j = 0; j < run->n; j++) /* the completions' share: the chains go on */
                for (int64_t at = k_at; at <= v_at; at += v_at - k_at)
                    memcpy(d + j * ld + at + g * E, d_whole + (parent.n + j) * ld + at + g * E, (size_t)E * sizeof *d);
        }
        p->k->attention_backward(d, d + k_at, d + v_at, d_whole + k_at, d_whole + v_at, ld, s->datt + (r0 - s->row) * ldo, rz_act(a->att, s->layer) + r0 * ldo, ldo,
                                 rz_act(a->row_max, s->layer) + r0 * H, rz_act(a->row_sum, s->layer) + r0 * H, rz_act(a->qkv, s->layer) + r0 * ld, ld,
                                 run->n, parent.n ? &parent : NULL, &own, p->heads, g, g + 1, a->scratch[thread]);
    }
}

/* What the trees send to the keys and values of the root is collected here, for each layer, in order of the trees. */
static float *root_gradient(const rz_learner *l, int layer)
{
    return l->d_root + (int64_t)layer * l->n_root * 2 * l->p->heads.G * l->p->heads.E;
}

/* Through the attention of a layer: dqkv from datt. */
static void attention_backward(rz_learner *l, const part *s, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int64_t E = p->heads.E, G = p->heads.G, k_at = p->heads.H * E, width = 2 * G * E, W = k_at + width;
    work w = {.l = l, .s = s};
    float **d_whole = NULL;
    memset(s->dqkv, 0, (size_t)((s->end - s->row) * W) * sizeof *s->dqkv);
    if (s->b == &l->root)
        for (int64_t j = 0; j < l->n_root; j++)
            memcpy(s->dqkv + j * W + k_at, root_gradient(l, s->layer) + j * width, (size_t)width * sizeof *s->dqkv);
    else if (l->n_root) {
        w.d_whole = d_whole = RZ_NEW(&scratch, s->n_trees, float *);
        for (int t = 0; t < s->n_trees; t++)
            d_whole[t] = RZ_ZNEW(&scratch, s->b->trees[s->tree + t].n_prefix * W, float);
    }
    rz_learner_note_peak(l, &scratch);
    rz_pool_run(p->pool, s->n_trees * (int)G, attend_backward, &w);
    for (int t = 0; d_whole && t < s->n_trees; t++)
        for (int64_t j = 0; j < l->n_root; j++)
            p->k->add(root_gradient(l, s->layer) + j * width, d_whole[t] + j * W + k_at, width);
}

/* Rows [r, r + M) of a layer from its end back to what attention wrote: dx (all rows, D) in place, datt. */
static void feed_forward_backward(rz_learner *l, const part *s, int r, int M, float *dx, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    const rz_acts *a = &s->b->acts;
    const int layer = s->layer;
    const rz_layer_matrices *m = &p->matrices[layer];
    int64_t D = p->arch.hidden_size, F = p->arch.intermediate_size, HE = (int64_t)p->heads.H * p->heads.E;
    float *dh = RZ_NEW(&scratch, M * D, float), *dact = RZ_NEW(&scratch, M * F, float), *dgate_up = RZ_NEW(&scratch, M * 2 * F, float);
    rz_learner_note_peak(l, &scratch);
    rz_spans spans = rz_batch_spans(p, s->b, r, M, &scratch);
    work w = {.l = l, .dx = dgate_up, .dy = dact, .x = rz_act(a->gate_up, layer) + r * 2 * F};
    dx += r * D;
    rz_op_linear_dx(p, dact, dx, &m->down, M);
    rz_op_linear_dw(p, grad, dx, rz_act(a->act, layer) + r * F, &m->down, M, spans);
    rz_op_rows(p, M, swiglu_rows, &w);
    rz_op_linear_dx(p, dh, dgate_up, &m->gate_up, M);
    rz_op_linear_dw(p, grad, dgate_up, rz_act(a->h2, layer) + r * D, &m->gate_up, M, spans);
    norm_backward(l, M, dx, dh, rz_act(a->x_mid, layer) + r * D, rz_act(a->rstd2, layer) + r, p->layout.layers[layer].norm2, grad);
    rz_op_linear_dx(p, s->datt + (r - s->row) * HE, dx, &m->o, M);
    rz_op_linear_dw(p, grad, dx, rz_act(a->att, layer) + r * HE, &m->o, M, spans);
}

/* The same rows from what attention read back to the beginning of the layer: dqkv is used up. */
static void project_backward(const rz_learner *l, const part *s, int r, int M, float *dx, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    const rz_acts *a = &s->b->acts;
    const int layer = s->layer;
    const rz_layer_offsets *o = &p->layout.layers[layer];
    int64_t D = p->arch.hidden_size, W = (int64_t)(p->heads.H + 2 * p->heads.G) * p->heads.E;
    float *dh = RZ_NEW(&scratch, M * D, float), *dqkv = s->dqkv + (r - s->row) * W;
    rz_spans spans = rz_batch_spans(p, s->b, r, M, &scratch);
    work w = {.l = l, .dx = dqkv, .pos = a->pos + r};
    rz_op_rows(p, M, unrotate_rows, &w);
    if (o->q_norm >= 0)
        head_norm_backward(l, a, layer, r, M, dqkv, grad, scratch);
    rz_op_linear_dx(p, dh, dqkv, &p->matrices[layer].qkv, M);
    rz_op_linear_dw(p, grad, dqkv, rz_act(a->h1, layer) + r * D, &p->matrices[layer].qkv, M, spans);
    norm_backward(l, M, dx + r * D, dh, rz_act(a->x_in, layer) + r * D, rz_act(a->rstd1, layer) + r, o->norm1, grad);
}

static int rows_together(const rz_policy *p, const part *s, int r)
{
    return rz_batch_rows(p, s->b, r, rz_rows_together(p, s->end - r));
}

/* dx(M,D): in, d loss / d output of layer l; out, d loss / d its input. */
static void layer_backward(rz_learner *l, const rz_batch *b, int layer, float *dx, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int64_t H = p->heads.H, E = p->heads.E, W = (H + 2 * p->heads.G) * E;
    rz_acts_again(p, &b->acts, b->runs, b->n_runs, b->row0, layer);
    part s = {.b = b, .layer = layer};
    for (int rows; s.tree < b->n_trees; s.tree += s.n_trees, s.row = s.end) {
        rz_arena room = scratch;
        s.n_trees = b == &l->root ? 1 : rz_trees_together(l, b->trees + s.tree, b->n_trees - s.tree, b->acts.M - s.row, &rows);
        s.end = b == &l->root ? b->acts.M : s.row + rows;
        s.datt = RZ_NEW(&room, (s.end - s.row) * H * E, float), s.dqkv = RZ_NEW(&room, (s.end - s.row) * W, float);
        for (int r = s.row, n; r < s.end; r += n)
            feed_forward_backward(l, &s, r, n = rows_together(p, &s, r), dx, grad, room);
        attention_backward(l, &s, room);
        for (int r = s.row, n; r < s.end; r += n)
            project_backward(l, &s, r, n = rows_together(p, &s, r), dx, grad, room);
    }
}

/* A place for dx of a batch's rows, zero so far, until the embedding takes it. */
static rz_kept *keep_rows(rz_learner *l, const rz_batch *b)
{
    int M = b->acts.M;
    rz_kept *k = RZ_NEW(&l->keep, 1, rz_kept);
    *k = (rz_kept){NULL, M, RZ_NEW(&l->keep, M, int32_t), RZ_ZNEW(&l->keep, (size_t)M * (size_t)l->p->arch.hidden_size, float)};
    *l->last = k;
    l->last = &k->next;
    for (int r = 0; r < b->n_runs; r++)
        memcpy(k->ids + b->row0[r], b->runs[r].ids, (size_t)b->runs[r].n * sizeof(int32_t));
    return k;
}

void rz_learner_backward(rz_learner *l, float *grad)
{
    const rz_policy *p = l->p;
    const rz_batch *b = &l->now;
    assert(b->acts.recompute != RZ_RECOMPUTE_ALL);
    rz_kept *k = keep_rows(l, b);
    rz_arena scratch = l->work;
    float *dh = RZ_NEW(&scratch, (size_t)b->acts.M * (size_t)p->arch.hidden_size, float);
    head_backward(l, dh, grad, scratch);
    norm_backward(l, b->acts.M, k->dx, dh, b->acts.x_out, b->acts.rstd_out, p->layout.norm, grad);
    for (int layer = p->arch.num_hidden_layers - 1; layer >= 0; layer--)
        layer_backward(l, b, layer, k->dx, grad, scratch);
}

void rz_learner_finish_shard(rz_learner *l, float *grad)
{
    const rz_policy *p = l->p;
    int64_t D = p->arch.hidden_size;
    rz_arena_release(&l->work, 0);
    if (l->n_root) { /* no loss at the root: what the trees sent is all that comes back */
        float *dx = keep_rows(l, &l->root)->dx;
        for (int layer = p->arch.num_hidden_layers - 1; layer >= 0; layer--)
            layer_backward(l, &l->root, layer, dx, grad, l->work);
    }
    for (const rz_kept *k = l->first; k; k = k->next)
        for (int r = 0; r < k->M; r++)
            p->k->add(grad + p->layout.embed + k->ids[r] * D, k->dx + r * D, D);
    rz_arena_release(&l->keep, 0);
    l->first = NULL;
    l->last = &l->first;
    l->n_root = 0;
}
