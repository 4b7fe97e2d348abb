#include "policy/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Gradients of embedding rows wait until a shard is complete: a tied head must add before the embedding, whatever the calls. */
typedef struct kept {
    struct kept *next;
    int M;
    int32_t *ids; /* (M) */
    float *dx;    /* (M,D) */
} kept;

struct rz_learner {
    rz_policy *p;
    rz_recompute recompute;
    rz_arena work, keep;
    size_t peak;      /* bytes */
    kept *first, **last;

    /* of the trees in hand */
    const rz_tree *trees;
    int n_trees, n_runs;
    rz_run *runs;     /* per tree: its sequences, then the prefix if it has one */
    int *row0;        /* first row of each run */
    int *tree_run;    /* (n_trees + 1) first run of each tree */
    int32_t *target;  /* (M), −1: no loss in this row */
    float temperature;
    rz_acts acts;
    float *h;         /* (M,D) */
    float *row_max, *row_sum; /* (M) of the logits */
};

enum { LOGIT_FLOATS = 1 << 22, LOGIT_ROWS = 512 }; /* logits in memory at once: rows × vocabulary is never held */
enum { RESTING_MIB = 32 }; /* of an arena, kept while it is not used: small models take no new pages at every step */
static const size_t RESERVE = (size_t)1 << 40;

bool rz_learner_create(rz_learner **out, rz_policy *p, rz_err *err)
{
    rz_learner *l = rz_calloc(1, sizeof *l);
    l->p = p;
    l->last = &l->first;
    if (!rz_arena_init(&l->work, RESERVE, err) || !rz_arena_init(&l->keep, RESERVE, err)) {
        rz_learner_destroy(l);
        return false;
    }
    *out = l;
    return true;
}

void rz_learner_destroy(rz_learner *l)
{
    if (!l)
        return;
    rz_arena_finish(&l->work);
    rz_arena_finish(&l->keep);
    free(l);
}

int rz_tree_rows(const rz_tree *t)
{
    int rows = t->n_prefix;
    for (int i = 0; i < t->n_sequences; i++)
        rows += t->sequences[i].n;
    return rows;
}

static void add_run(rz_learner *l, int *row, const int32_t *ids, const int32_t *targets, int n, const rz_cache *parent)
{
    rz_cache *cache = RZ_NEW(&l->work, 1, rz_cache);
    rz_cache_begin(cache, l->p, n, l->recompute != RZ_RECOMPUTE_NONE, &l->work);
    for (int i = 0; i < n; i++)
        l->target[*row + i] = targets ? targets[i] : -1;
    l->row0[l->n_runs] = *row;
    l->runs[l->n_runs++] = (rz_run){ids, n, cache, parent};
    *row += n;
}

/* Lays out the runs of the trees in the order of the definition. Returns the rows. */
static int lay_out(rz_learner *l)
{
    int rows = 0, n_runs = 0, row = 0;
    for (int t = 0; t < l->n_trees; t++) {
        rows += rz_tree_rows(&l->trees[t]);
        n_runs += l->trees[t].n_sequences + 1;
    }
    l->runs = RZ_NEW(&l->work, n_runs, rz_run);
    l->row0 = RZ_NEW(&l->work, n_runs, int);
    l->tree_run = RZ_NEW(&l->work, l->n_trees + 1, int);
    l->target = RZ_NEW(&l->work, rows, int32_t);
    l->n_runs = 0;
    for (int t = 0; t < l->n_trees; t++) {
        const rz_tree *tree = &l->trees[t];
        l->tree_run[t] = l->n_runs;
        int prefix_run = l->n_runs + tree->n_sequences;
        for (int i = 0; i < tree->n_sequences; i++)
            add_run(l, &row, tree->sequences[i].ids, tree->sequences[i].targets, tree->sequences[i].n, NULL);
        if (tree->n_prefix)
            add_run(l, &row, tree->prefix, NULL, tree->n_prefix, NULL);
        for (int r = l->tree_run[t]; tree->n_prefix && r < prefix_run; r++)
            l->runs[r].parent = l->runs[prefix_run].cache;
    }
    l->tree_run[l->n_trees] = l->n_runs;
    return rows;
}

void rz_learner_recompute(rz_learner *l, rz_recompute r)
{
    l->recompute = r;
}

void rz_learner_rest(rz_learner *l)
{
    rz_arena_release(&l->work, 0);
    rz_arena_trim(&l->work, (size_t)RESTING_MIB << 20);
    rz_arena_trim(&l->keep, (size_t)RESTING_MIB << 20);
}

static int logit_rows(const rz_policy *p)
{
    int most = LOGIT_FLOATS / p->arch.vocab_size;
    return most > LOGIT_ROWS ? LOGIT_ROWS : most < 1 ? 1 : most;
}

size_t rz_learner_kept_bytes(const rz_learner *l)
{
    return l->keep.used;
}

size_t rz_learner_peak(const rz_learner *l)
{
    return l->peak;
}

static void note_peak(rz_learner *l, const rz_arena *scratch)
{
    size_t used = scratch->used + l->keep.used;
    l->peak = used > l->peak ? used : l->peak;
}

size_t rz_learner_bytes(const rz_learner *l, const rz_tree *trees, int n_trees)
{
    const rz_policy *p = l->p;
    rz_acts a = {.recompute = l->recompute};
    size_t caches = 0, layers = l->recompute == RZ_RECOMPUTE_NONE ? 1 : (size_t)p->arch.num_hidden_layers, n_runs = 0;
    for (int t = 0; t < n_trees; t++) {
        a.M += rz_tree_rows(&trees[t]);
        n_runs += (size_t)trees[t].n_sequences + 1;
        for (int i = -1; i < trees[t].n_sequences; i++) {
            int n = i < 0 ? trees[t].n_prefix : trees[t].sequences[i].n, keys = i < 0 ? n : n + trees[t].n_prefix;
            caches += rz_cache_bytes(p, n) / layers;
            a.max_segment = n > a.max_segment ? n : a.max_segment;
            a.max_keys = keys > a.max_keys ? keys : a.max_keys;
        }
    }
    size_t M = (size_t)a.M, D = (size_t)p->arch.hidden_size, F = (size_t)p->arch.intermediate_size, H = (size_t)p->heads.H,
           W = (H + 2 * (size_t)p->heads.G) * (size_t)p->heads.E, rows = (size_t)logit_rows(p),
           logits = (M < rows ? M : rows) * (size_t)p->arch.vocab_size + M,          /* head_backward */
           qk = rz_arch_family(&p->arch)->qk_norm ? (H + (size_t)p->heads.G) * (size_t)p->heads.E : 0,
           layer = M * (D + 3 * F + H * (size_t)p->heads.E + W + qk);                /* layer_backward */
    return 64 * 128 /* some sixty arrays, aligned */ + rz_acts_bytes(&a, p) + caches + n_runs * (sizeof(rz_run) + sizeof(rz_cache) + 2 * 64) +
           (M * (3 * D + 4) + (logits > layer ? logits : layer)) * sizeof(float);    /* h, dh, the kept dx */
}

/* Next cut of rows with targets at or after *r: [*r, *r + returned). 0: none left. */
static int next_rows(const rz_learner *l, int *r)
{
    int n = 0, most = logit_rows(l->p);
    while (*r < l->acts.M && l->target[*r] < 0)
        ++*r;
    while (*r + n < l->acts.M && l->target[*r + n] >= 0 && n < most)
        n++;
    return n;
}

typedef struct {
    const rz_learner *l;
    float *logp, *entropy, *logits;
    const float *dlogp;
    int row;
} head_work;

static void logp_rows(void *ctx, int r0, int r1)
{
    const head_work *w = ctx;
    const rz_learner *l = w->l;
    int64_t V = l->p->arch.vocab_size;
    int m = w->row + r0;
    l->p->k->logp_forward(w->logp + m, w->entropy + m, l->row_max + m, l->row_sum + m, w->logits + r0 * V, V, l->target + m, l->temperature,
                          r1 - r0, (int)V);
}

static void dlogits_rows(void *ctx, int r0, int r1)
{
    const head_work *w = ctx;
    const rz_learner *l = w->l;
    int64_t V = l->p->arch.vocab_size;
    int m = w->row + r0;
    float *logits = w->logits + r0 * V;
    l->p->k->logp_backward(logits, logits, V, l->row_max + m, l->row_sum + m, l->target + m, w->dlogp + m, l->temperature, r1 - r0, (int)V);
}

void rz_learner_forward(rz_learner *l, const rz_tree *trees, int n_trees, float temperature)
{
    const rz_policy *p = l->p;
    rz_arena_release(&l->work, 0);
    l->trees = trees;
    l->n_trees = n_trees;
    l->temperature = temperature;
    int M = lay_out(l), D = p->arch.hidden_size, V = p->arch.vocab_size;
    rz_acts_init(&l->acts, p, l->runs, l->n_runs, l->recompute, &l->work);
    l->h = RZ_NEW(&l->work, (size_t)M * (size_t)D, float);
    l->row_max = RZ_NEW(&l->work, M, float);
    l->row_sum = RZ_NEW(&l->work, M, float);
    rz_acts_forward(p, &l->acts, l->runs, l->n_runs, l->row0, l->h);

    rz_arena scratch = l->work;
    head_work w = {.l = l, .logp = RZ_NEW(&scratch, M, float), .entropy = RZ_NEW(&scratch, M, float)};
    for (int r = 0, n; (n = next_rows(l, &r)) > 0; r += n) {
        rz_arena chunk = scratch;
        w.logits = RZ_NEW(&chunk, (size_t)n * (size_t)V, float);
        w.row = r;
        note_peak(l, &chunk);
        rz_policy_logits(p, w.logits, l->h + (int64_t)r * D, n);
        rz_op_rows(p, n, logp_rows, &w);
    }
    for (int t = 0; t < n_trees; t++)
        for (int i = 0; i < trees[t].n_sequences; i++) {
            const rz_sequence *s = &trees[t].sequences[i];
            int r0 = l->row0[l->tree_run[t] + i];
            memcpy(s->logp, w.logp + r0, (size_t)s->n * sizeof(float));
            if (s->entropy)
                memcpy(s->entropy, w.entropy + r0, (size_t)s->n * sizeof(float));
        }
}

/* dh(M,D) of the rows with a loss, zero elsewhere; the head's gradient. */
static void head_backward(rz_learner *l, float *dh, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int M = l->acts.M, D = p->arch.hidden_size, V = p->arch.vocab_size;
    float *dlogp = RZ_ZNEW(&scratch, M, float);
    for (int t = 0; t < l->n_trees; t++)
        for (int i = 0; i < l->trees[t].n_sequences; i++)
            memcpy(dlogp + l->row0[l->tree_run[t] + i], l->trees[t].sequences[i].dlogp, (size_t)l->trees[t].sequences[i].n * sizeof(float));
    memset(dh, 0, (size_t)M * (size_t)D * sizeof(float));
    head_work w = {.l = l, .dlogp = dlogp};
    for (int r = 0, n; (n = next_rows(l, &r)) > 0; r += n) {
        rz_arena chunk = scratch;
        w.logits = RZ_NEW(&chunk, (size_t)n * (size_t)V, float);
        w.row = r;
        const float *h = l->h + (int64_t)r * D;
        note_peak(l, &chunk);
        rz_policy_logits(p, w.logits, h, n); /* once more: cheaper than keeping them */
        rz_op_rows(p, n, dlogits_rows, &w);
        rz_op_linear_dx(p, dh + (int64_t)r * D, w.logits, &p->head, n);
        rz_op_linear_dw(p, grad, w.logits, h, &p->head, n);
    }
}

typedef struct {
    const rz_learner *l;
    int layer;
    float *dx, *dw;
    const float *dy, *x, *rstd, *weight;
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
    w->l->p->k->rmsnorm_backward_w(w->dw, w->dy, w->x, w->rstd, w->l->acts.M, w->l->p->arch.hidden_size, d0, d1);
}

/* dx += gradient through the norm; the norm weight's gradient. */
static void norm_backward(const rz_learner *l, float *dx, const float *dy, const float *x, const float *rstd, int64_t weight, float *grad)
{
    work w = {.l = l, .dx = dx, .dw = grad + weight, .dy = dy, .x = x, .rstd = rstd, .weight = l->p->w + weight};
    rz_op_rows(l->p, l->acts.M, norm_rows, &w);
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
    const rz_layer_offsets *o;
    float *dqkv, *dy, *grad;
    const float *x, *rstd;
} head_norm_work;

static void unrotate_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    const rz_policy *p = w->l->p;
    int64_t ld = (int64_t)(p->heads.H + 2 * p->heads.G) * p->heads.E;
    p->k->rope(w->dx + r0 * ld, ld, p->rope->cs, w->l->acts.pos + r0, r1 - r0, p->heads.H + p->heads.G, p->heads.E, true);
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
    for (int64_t r = 0; r < w->l->acts.M; r++) {
        const float *dy = w->dy + r * (H + G) * E, *x = w->x + r * (H + G) * E, *rstd = w->rstd + r * (H + G);
        p->k->rmsnorm_backward_w(w->grad + w->o->q_norm, dy, x, rstd, (int)H, (int)E, d0, d1);
        p->k->rmsnorm_backward_w(w->grad + w->o->k_norm, dy + H * E, x + H * E, rstd + H, (int)G, (int)E, d0, d1);
    }
}

/* Through the norms of queries and keys: dqkv in place, the gradients of the two weights. */
static void head_norm_backward(const rz_learner *l, int layer, float *dqkv, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    int64_t N = p->heads.H + p->heads.G, E = p->heads.E;
    head_norm_work w = {l, &p->layout.layers[layer], dqkv, RZ_NEW(&scratch, l->acts.M * N * E, float), grad,
                        rz_act(l->acts.qk, layer), rz_act(l->acts.rstd_qk, layer)};
    rz_op_rows(p, l->acts.M, head_norm_rows, &w);
    rz_op_rows(p, (int)E, head_norm_columns, &w);
}

/* Attention of one tree and one key/value head: completions in order against the prefix's keys, then the prefix. */
static void attend_backward(void *ctx, int i, int thread)
{
    const work *w = ctx;
    const rz_learner *l = w->l;
    const rz_policy *p = l->p;
    const rz_acts *a = &l->acts;
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, g = i % G, tree = i / G;
    int64_t ld = (int64_t)(H + 2 * G) * E, k_at = (int64_t)H * E, v_at = (int64_t)(H + G) * E, ldo = (int64_t)H * E;
    for (int r = l->tree_run[tree]; r < l->tree_run[tree + 1]; r++) {
        const rz_run *run = &l->runs[r];
        int64_t r0 = l->row0[r];
        float *d = w->dx + r0 * ld, *d_parent = NULL;
        rz_kv own = rz_cache_layer(run->cache, p, w->layer), parent = {0};
        if (run->parent) {
            parent = rz_cache_layer(run->parent, p, w->layer);
            d_parent = w->dx + l->row0[l->tree_run[tree + 1] - 1] * ld;
        }
        p->k->attention_backward(d, d + k_at, d + v_at, d_parent ? d_parent + k_at : NULL, d_parent ? d_parent + v_at : NULL, ld,
                                 w->dy + r0 * ldo, rz_act(a->att, w->layer) + r0 * ldo, ldo, rz_act(a->row_max, w->layer) + r0 * H,
                                 rz_act(a->row_sum, w->layer) + r0 * H, rz_act(a->qkv, w->layer) + r0 * ld, ld, run->n,
                                 run->parent ? &parent : NULL, &own, p->heads, g, g + 1, a->scratch[thread]);
    }
}

/* dx(M,D): in, d loss / d output of layer l; out, d loss / d its input. */
static void layer_backward(rz_learner *l, int layer, float *dx, float *grad, rz_arena scratch)
{
    const rz_policy *p = l->p;
    const rz_acts *a = &l->acts;
    const rz_layer_offsets *o = &p->layout.layers[layer];
    const rz_layer_matrices *m = &p->matrices[layer];
    int64_t M = a->M, D = p->arch.hidden_size, F = p->arch.intermediate_size, H = p->heads.H, G = p->heads.G, E = p->heads.E,
            W = (H + 2 * G) * E;
    float *dh = RZ_NEW(&scratch, M * D, float), *dact = RZ_NEW(&scratch, M * F, float), *dgate_up = RZ_NEW(&scratch, M * 2 * F, float),
          *datt = RZ_NEW(&scratch, M * H * E, float), *dqkv = RZ_ZNEW(&scratch, M * W, float);
    work w = {.l = l, .layer = layer};

    note_peak(l, &scratch);
    rz_acts_again(p, a, l->runs, l->n_runs, l->row0, layer);
    rz_op_linear_dx(p, dact, dx, &m->down, a->M);
    rz_op_linear_dw(p, grad, dx, rz_act(a->act, layer), &m->down, a->M);
    w.dx = dgate_up;
    w.dy = dact;
    w.x = rz_act(a->gate_up, layer);
    rz_op_rows(p, a->M, swiglu_rows, &w);
    rz_op_linear_dx(p, dh, dgate_up, &m->gate_up, a->M);
    rz_op_linear_dw(p, grad, dgate_up, rz_act(a->h2, layer), &m->gate_up, a->M);
    norm_backward(l, dx, dh, rz_act(a->x_mid, layer), rz_act(a->rstd2, layer), o->norm2, grad);

    rz_op_linear_dx(p, datt, dx, &m->o, a->M);
    rz_op_linear_dw(p, grad, dx, rz_act(a->att, layer), &m->o, a->M);
    w.dx = dqkv;
    w.dy = datt;
    rz_pool_run(p->pool, l->n_trees * (int)G, attend_backward, &w);
    rz_op_rows(p, a->M, unrotate_rows, &w);
    if (o->q_norm >= 0)
        head_norm_backward(l, layer, dqkv, grad, scratch);
    rz_op_linear_dx(p, dh, dqkv, &m->qkv, a->M);
    rz_op_linear_dw(p, grad, dqkv, rz_act(a->h1, layer), &m->qkv, a->M);
    norm_backward(l, dx, dh, rz_act(a->x_in, layer), rz_act(a->rstd1, layer), o->norm1, grad);
}

void rz_learner_backward(rz_learner *l, float *grad)
{
    const rz_policy *p = l->p;
    int M = l->acts.M, D = p->arch.hidden_size;
    assert(l->acts.recompute != RZ_RECOMPUTE_ALL);
    kept *k = RZ_NEW(&l->keep, 1, kept);
    *k = (kept){NULL, M, RZ_NEW(&l->keep, M, int32_t), RZ_ZNEW(&l->keep, (size_t)M * (size_t)D, float)};
    *l->last = k;
    l->last = &k->next;
    for (int r = 0; r < l->n_runs; r++)
        memcpy(k->ids + l->row0[r], l->runs[r].ids, (size_t)l->runs[r].n * sizeof(int32_t));

    rz_arena scratch = l->work;
    float *dh = RZ_NEW(&scratch, (size_t)M * (size_t)D, float);
    head_backward(l, dh, grad, scratch);
    norm_backward(l, k->dx, dh, l->acts.x_out, l->acts.rstd_out, p->layout.norm, grad);
    for (int layer = p->arch.num_hidden_layers - 1; layer >= 0; layer--)
        layer_backward(l, layer, k->dx, grad, scratch);
}

void rz_learner_finish_shard(rz_learner *l, float *grad)
{
    const rz_policy *p = l->p;
    int64_t D = p->arch.hidden_size;
    for (const kept *k = l->first; k; k = k->next)
        for (int r = 0; r < k->M; r++)
            p->k->add(grad + p->layout.embed + k->ids[r] * D, k->dx + r * D, D);
    rz_arena_release(&l->keep, 0);
    l->first = NULL;
    l->last = &l->first;
}
