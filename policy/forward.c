#include "policy/internal.h"

#include <assert.h>
#include <string.h>

size_t rz_cache_bytes(const rz_policy *p, int n_tokens)
{
    size_t cap = ((size_t)n_tokens + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL;
    return 2 * cap * (size_t)p->arch.num_hidden_layers * (size_t)p->heads.G * (size_t)p->heads.E * sizeof(float);
}

void rz_cache_init(rz_cache *c, const rz_policy *p, int n_tokens, rz_arena *arena)
{
    size_t floats = rz_cache_bytes(p, n_tokens) / 2 / sizeof(float);
    c->n = 0;
    c->cap = (n_tokens + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL;
    c->k = RZ_ZNEW(arena, floats, float); /* lanes beyond the last key are computed on, then dropped: let them be numbers */
    c->v = RZ_NEW(arena, floats, float);
}

rz_kv rz_cache_layer(const rz_cache *c, const rz_policy *p, int layer)
{
    int64_t stride = (int64_t)p->heads.G * c->cap * p->heads.E;
    return (rz_kv){c->k + layer * stride, c->v + layer * stride, c->n, c->cap};
}

void rz_acts_init(rz_acts *a, const rz_policy *p, const rz_run *runs, int n_runs, bool keep, rz_arena *arena)
{
    memset(a, 0, sizeof *a);
    a->keep = keep;
    for (int i = 0; i < n_runs; i++) {
        int keys = runs[i].cache->n + runs[i].n + (runs[i].parent ? runs[i].parent->n : 0);
        a->M += runs[i].n;
        a->max_segment = runs[i].n > a->max_segment ? runs[i].n : a->max_segment;
        a->max_keys = keys > a->max_keys ? keys : a->max_keys;
    }
    /* a parent that is run in the same call has not grown yet */
    for (int i = 0; i < n_runs; i++)
        if (runs[i].parent)
            for (int j = 0; j < n_runs; j++)
                if (runs[j].cache == runs[i].parent && a->max_keys < runs[i].n + runs[i].cache->n + runs[j].cache->n + runs[j].n)
                    a->max_keys = runs[i].n + runs[i].cache->n + runs[j].cache->n + runs[j].n;
    size_t M = (size_t)a->M, D = (size_t)p->arch.hidden_size, F = (size_t)p->arch.intermediate_size, H = (size_t)p->heads.H,
           G = (size_t)p->heads.G, E = (size_t)p->heads.E, L = keep ? (size_t)p->arch.num_hidden_layers : 1, MAXT = (size_t)rz_pool_size(p->pool);
    const struct { float **to; size_t n; } table[] = {
        {&a->x_in, L * M * D}, {&a->x_mid, keep ? L * M * D : 0}, {&a->h1, L * M * D}, {&a->h2, L * M * D}, {&a->rstd1, L * M},
        {&a->rstd2, L * M}, {&a->qkv, L * M * (H + 2 * G) * E}, {&a->att, L * M * H * E}, {&a->row_max, L * M * H}, {&a->row_sum, L * M * H},
        {&a->gate_up, L * M * 2 * F}, {&a->act, L * M * F}, {&a->x_out, keep ? M * D : 0}, {&a->rstd_out, M}, {&a->t, M * D},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        *table[i].to = RZ_NEW(arena, table[i].n, float);
    if (!keep) /* one residual stream serves all places */
        a->x_mid = a->x_out = a->x_in;
    a->pos = RZ_NEW(arena, M, int32_t);
    a->scratch = RZ_NEW(arena, MAXT, float *);
    for (size_t i = 0; i < MAXT; i++)
        a->scratch[i] = RZ_NEW(arena, p->k->attention_scratch(a->max_segment, a->max_keys, p->heads), float);
}

/* What the cuts of one layer's loops need. */
typedef struct {
    const rz_policy *p;
    const rz_acts *a;
    const rz_run *runs;
    const int *row0; /* first row of each run */
    int layer, cuts; /* pieces that the heads of a run are attended in */
    float *to, *from, *rstd;
    const float *add, *weight;
} work;

static void norm_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t D = w->p->arch.hidden_size;
    w->p->k->rmsnorm_forward(w->to + r0 * D, w->rstd + r0, w->from + r0 * D, w->add ? w->add + r0 * D : NULL, w->weight,
                             (float)w->p->arch.rms_norm_eps, r1 - r0, (int)D);
}

/* x += add (unless NULL); h = norm(x). */
static void norm(const rz_policy *p, const rz_acts *a, float *h, float *rstd, float *x, const float *add, int64_t weight)
{
    work w = {.p = p, .to = h, .from = x, .add = add, .weight = p->w + weight, .rstd = rstd};
    rz_op_rows(p, a->M, norm_rows, &w);
}

static void rope_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    const rz_heads *h = &w->p->heads;
    int64_t ld = (int64_t)(h->H + 2 * h->G) * h->E;
    w->p->k->rope(w->to + r0 * ld, ld, w->p->rope, w->a->pos + r0, r1 - r0, h->H + h->G, h->E, false);
}

static void swiglu_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t F = w->p->arch.intermediate_size;
    w->p->k->swiglu_forward(w->to + r0 * F, w->from + r0 * 2 * F, r1 - r0, (int)F);
}

static void append_run(void *ctx, int i, int thread)
{
    (void)thread;
    const work *w = ctx;
    const rz_heads *h = &w->p->heads;
    int64_t ld = (int64_t)(h->H + 2 * h->G) * h->E;
    const float *row = w->from + w->row0[i] * ld;
    rz_kv kv = rz_cache_layer(w->runs[i].cache, w->p, w->layer);
    kv.n -= w->runs[i].n;
    w->p->k->kv_append(&kv, row + (int64_t)h->H * h->E, row + (int64_t)(h->H + h->G) * h->E, ld, w->runs[i].n, h->G, h->E);
}

static void attend(void *ctx, int i, int thread)
{
    const work *w = ctx;
    const rz_policy *p = w->p;
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, run = i / w->cuts, cut = i % w->cuts;
    const rz_run *r = &w->runs[run];
    int64_t ld = (int64_t)(H + 2 * G) * E, r0 = w->row0[run];
    rz_kv own = rz_cache_layer(r->cache, p, w->layer), parent = {0};
    if (r->parent)
        parent = rz_cache_layer(r->parent, p, w->layer);
    p->k->attention_forward(w->to + r0 * H * E, (int64_t)H * E, rz_act(w->a, w->a->row_max, H, w->layer) + r0 * H,
                            rz_act(w->a, w->a->row_sum, H, w->layer) + r0 * H, w->from + r0 * ld, ld, r->n, r->parent ? &parent : NULL, &own,
                            p->heads, G * cut / w->cuts, G * (cut + 1) / w->cuts, w->a->scratch[thread]);
}

/* The heads of one new token have few chains each: taken together they hide each other's latency. Long runs are cut by key/value heads. */
static int attention_cuts(const rz_policy *p, const rz_acts *a, int n_runs)
{
    return a->max_segment == 1 && n_runs >= 2 * rz_pool_size(p->pool) ? 1 : p->heads.G;
}

/* Embeds the new tokens, gives them positions, and lets the caches grow. */
static void embed(const rz_policy *p, rz_acts *a, const rz_run *runs, int n_runs, int *row0)
{
    size_t D = (size_t)p->arch.hidden_size;
    int m = 0;
    for (int i = 0; i < n_runs; i++)
        runs[i].cache->n += runs[i].n;
    for (int i = 0; i < n_runs; i++) {
        const rz_run *r = &runs[i];
        int first = r->cache->n - r->n + (r->parent ? r->parent->n : 0);
        assert(r->cache->n <= r->cache->cap && first + r->n <= p->arch.max_position_embeddings);
        row0[i] = m;
        for (int j = 0; j < r->n; j++, m++) {
            assert(r->ids[j] >= 0 && r->ids[j] < p->arch.vocab_size);
            memcpy(a->x_in + (size_t)m * D, p->w + p->layout.embed + (size_t)r->ids[j] * D, D * sizeof(float));
            a->pos[m] = first + j;
        }
    }
}

static void layer_forward(const rz_policy *p, rz_acts *a, work *w, int n_runs, const float *residual)
{
    int l = w->layer;
    const rz_layer_offsets *o = &p->layout.layers[l];
    const rz_layer_matrices *m = &p->matrices[l];
    int64_t D = p->arch.hidden_size, F = p->arch.intermediate_size, H = p->heads.H, G = p->heads.G, E = p->heads.E;
    size_t bytes = (size_t)a->M * (size_t)D * sizeof(float);
    float *x_in = rz_act(a, a->x_in, D, l), *x_mid = rz_act(a, a->x_mid, D, l), *h1 = rz_act(a, a->h1, D, l), *h2 = rz_act(a, a->h2, D, l),
          *qkv = rz_act(a, a->qkv, (H + 2 * G) * E, l), *att = rz_act(a, a->att, H * E, l), *gate_up = rz_act(a, a->gate_up, 2 * F, l),
          *act = rz_act(a, a->act, F, l);

    norm(p, a, h1, rz_act(a, a->rstd1, 1, l), x_in, residual, o->norm1);
    rz_op_linear(p, qkv, h1, &m->qkv, a->M);
    w->to = qkv;
    rz_op_rows(p, a->M, rope_rows, w);
    w->from = qkv;
    rz_pool_run(p->pool, n_runs, append_run, w);
    w->to = att;
    rz_pool_run(p->pool, n_runs * w->cuts, attend, w);
    rz_op_linear(p, a->t, att, &m->o, a->M);
    if (a->keep)
        memcpy(x_mid, x_in, bytes);
    norm(p, a, h2, rz_act(a, a->rstd2, 1, l), x_mid, a->t, o->norm2);
    rz_op_linear(p, gate_up, h2, &m->gate_up, a->M);
    w->to = act;
    w->from = gate_up;
    rz_op_rows(p, a->M, swiglu_rows, w);
    rz_op_linear(p, a->t, act, &m->down, a->M);
    if (a->keep)
        memcpy(l + 1 < p->arch.num_hidden_layers ? rz_act(a, a->x_in, D, l + 1) : a->x_out, x_mid, bytes);
}

void rz_acts_forward(const rz_policy *p, rz_acts *a, const rz_run *runs, int n_runs, float *h, rz_arena scratch)
{
    int *row0 = RZ_NEW(&scratch, n_runs, int);
    embed(p, a, runs, n_runs, row0);
    for (int l = 0; l < p->arch.num_hidden_layers; l++) {
        work w = {.p = p, .a = a, .runs = runs, .row0 = row0, .layer = l, .cuts = attention_cuts(p, a, n_runs)};
        layer_forward(p, a, &w, n_runs, l ? a->t : NULL);
    }
    norm(p, a, h, a->rstd_out, a->x_out, a->t, p->layout.norm);
}

void rz_policy_forward(const rz_policy *p, const rz_run *runs, int n_runs, float *h, rz_arena scratch)
{
    rz_acts a;
    rz_acts_init(&a, p, runs, n_runs, false, &scratch);
    rz_acts_forward(p, &a, runs, n_runs, h, scratch);
}

void rz_policy_logits(const rz_policy *p, float *logits, const float *h, int M)
{
    rz_op_linear(p, logits, h, &p->head, M);
}
