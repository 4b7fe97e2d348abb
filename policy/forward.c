#include "policy/internal.h"
#include "policy/mathf.h"

#include <assert.h>
#include <string.h>

static int64_t whole_panels(int64_t n)
{
    return (n + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL;
}

/* Numbers that the keys, or the values, of a layer take. */
static int64_t layer_numbers(const rz_policy *p, int n_tokens)
{
    return whole_panels(n_tokens) * p->heads.G * p->heads.E;
}

static size_t number_bytes(const rz_kv *kv)
{
    return kv->half_k ? sizeof *kv->half_k : sizeof *kv->k;
}

/* Keys or values from the at-th number on. */
static void *keys_from(const rz_kv *kv, int64_t at) { return kv->half_k ? (void *)(kv->half_k + at) : kv->k + at; }
static void *values_from(const rz_kv *kv, int64_t at) { return kv->half_v ? (void *)(kv->half_v + at) : kv->v + at; }

size_t rz_cache_layer_bytes(const rz_policy *p, int n_tokens)
{
    return 2 * (size_t)layer_numbers(p, n_tokens) * sizeof(float);
}

size_t rz_cache_bytes(const rz_policy *p, int n_tokens)
{
    return (size_t)p->arch.num_hidden_layers * rz_cache_layer_bytes(p, n_tokens) / (p->kv_dtype == RZ_KV_BF16 ? 2 : 1);
}

static void begin(rz_cache *c, const rz_policy *p, int n_tokens, bool one_layer, bool half, rz_arena *arena)
{
    int64_t layer = layer_numbers(p, n_tokens), all = one_layer ? layer : layer * p->arch.num_hidden_layers;
    *c = (rz_cache){.stride = one_layer ? 0 : layer, .cap = (int)whole_panels(n_tokens)};
    if (half)
        c->first = (rz_kv){.half_k = RZ_NEW(arena, all, uint16_t), .half_v = RZ_NEW(arena, all, uint16_t)};
    else
        c->first = (rz_kv){.k = RZ_NEW(arena, all, float), .v = RZ_NEW(arena, all, float), .rounded = p->kv_dtype == RZ_KV_BF16};
}

void rz_cache_begin(rz_cache *c, const rz_policy *p, int n_tokens, bool one_layer, rz_arena *arena)
{
    begin(c, p, n_tokens, one_layer, false, arena);
}

void rz_cache_init(rz_cache *c, const rz_policy *p, int n_tokens, rz_arena *arena)
{
    begin(c, p, n_tokens, false, p->kv_dtype == RZ_KV_BF16, arena);
}

rz_kv rz_cache_layer(const rz_cache *c, int layer)
{
    rz_kv kv = c->first;
    int64_t at = layer * c->stride;
    kv.n = c->n, kv.cap = c->cap;
    if (kv.half_k)
        kv.half_k += at, kv.half_v += at;
    else
        kv.k += at, kv.v += at;
    return kv;
}

void rz_cache_share(rz_cache *to, const rz_cache *from, int n, const rz_policy *p)
{
    int64_t panels = whole_panels(n), pairs = n + n % 2; /* lanes beyond n are numbers in `from` already */
    size_t width = (size_t)(p->heads.G * p->heads.E) * number_bytes(&to->first);
    assert(n <= from->n && panels <= to->cap);
    to->n = n;
    for (int l = 0; to != from && l < p->arch.num_hidden_layers; l++) {
        rz_kv into = rz_cache_layer(to, l), of = rz_cache_layer(from, l);
        memcpy(keys_from(&into, 0), keys_from(&of, 0), (size_t)panels * width);
        memcpy(values_from(&into, 0), values_from(&of, 0), (size_t)pairs * width);
    }
}

/* Places the arrays of a->M rows in the arena (NULL: nowhere). Returns their floats. */
static size_t place(rz_acts *a, const rz_policy *p, rz_arena *arena)
{
    size_t M = (size_t)a->M, D = (size_t)p->arch.hidden_size, F = (size_t)p->arch.intermediate_size, H = (size_t)p->heads.H,
           G = (size_t)p->heads.G, E = (size_t)p->heads.E, L = (size_t)p->arch.num_hidden_layers,
           QK = rz_arch_family(&p->arch)->qk_norm ? H + G : 0, floats = 0;
    const rz_recompute none = RZ_RECOMPUTE_NONE, norms = RZ_RECOMPUTE_NORMS, layer = RZ_RECOMPUTE_LAYER;
    bool one_stream = a->recompute == RZ_RECOMPUTE_ALL; /* one residual stream serves all places */
    /* kept: by every layer up to this setting of recompute, beyond it one array serves all layers */
    const struct { rz_activation *to; size_t width; rz_recompute kept; } table[] = {
        {&a->x_in, D, layer}, {&a->x_mid, one_stream ? 0 : D, norms}, {&a->h1, D, none}, {&a->h2, D, none}, {&a->rstd1, 1, none},
        {&a->rstd2, 1, none}, {&a->qk, QK * E, norms}, {&a->rstd_qk, QK, norms}, {&a->qkv, (H + 2 * G) * E, norms}, {&a->att, H * E, norms}, {&a->row_max, H, norms},
        {&a->row_sum, H, norms}, {&a->gate_up, 2 * F, norms}, {&a->act, F, none},
    };
    const struct { float **to; size_t n; } single[] = {{&a->x_out, one_stream ? 0 : M * D}, {&a->rstd_out, M}, {&a->t, M * D}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool kept = a->recompute <= table[i].kept;
        size_t n = M * table[i].width, all = kept ? L * n : n;
        *table[i].to = (rz_activation){arena ? RZ_NEW(arena, all, float) : NULL, kept ? (int64_t)n : 0};
        floats += all;
    }
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        *single[i].to = arena ? RZ_NEW(arena, single[i].n, float) : NULL;
        floats += single[i].n;
    }
    if (one_stream) {
        a->x_mid = a->x_in;
        a->x_out = a->x_in.p;
    }
    return floats;
}

size_t rz_acts_bytes(const rz_acts *a, const rz_policy *p)
{
    rz_acts sizes = *a;
    size_t scratch = p->k->attention_scratch(a->max_segment, a->max_keys, p->heads);
    return (place(&sizes, p, NULL) + (size_t)rz_pool_size(p->pool) * scratch) * sizeof(float) + (size_t)a->M * (sizeof(int32_t) + 2 * sizeof(rz_kv) + sizeof(int));
}

/* Runs of up to so many new tokens are attended to token by token: between the keys and values of many sequences that is faster than a block of them. */
enum { STEP_TOKENS = 8 };

void rz_acts_init(rz_acts *a, const rz_policy *p, const rz_run *runs, int n_runs, rz_recompute recompute, rz_arena *arena)
{
    memset(a, 0, sizeof *a);
    a->recompute = recompute;
    for (int i = 0; i < n_runs; i++) {
        int keys = runs[i].cache->n + runs[i].n + (runs[i].parent ? runs[i].parent->n : 0);
        a->M += runs[i].n;
        a->max_segment = runs[i].n > a->max_segment ? runs[i].n : a->max_segment;
        a->max_keys = keys > a->max_keys ? keys : a->max_keys;
    }
    a->steps = a->max_segment <= STEP_TOKENS;
    a->needs = RZ_NEW(arena, n_runs, int);
    /* a parent that is run in the same call has not grown yet */
    for (int i = 0; i < n_runs; i++) {
        a->needs[i] = i + 1;
        a->steps = a->steps && !runs[i].root;
        for (int j = 0; runs[i].parent && j < n_runs; j++) {
            int keys = runs[i].n + runs[i].cache->n + runs[j].cache->n + runs[j].n;
            if (runs[j].cache != runs[i].parent)
                continue;
            a->steps = false;
            a->max_keys = keys > a->max_keys ? keys : a->max_keys;
            a->needs[i] = j < i ? i + 1 : j + 1;
        }
    }
    for (int i = n_runs - 1; i >= 0; i--) {
        for (int j = i + 1; j < a->needs[i]; j = a->needs[j]) /* those before needs[j] need nothing behind it */
            a->needs[i] = a->needs[j] > a->needs[i] ? a->needs[j] : a->needs[i];
        a->needs[i] = a->steps ? n_runs : a->needs[i];
    }
    place(a, p, arena);
    a->parents = RZ_NEW(arena, a->M, rz_kv);
    a->owns = RZ_NEW(arena, a->M, rz_kv);
    a->pos = RZ_NEW(arena, a->M, int32_t);
    a->scratch = RZ_NEW(arena, rz_pool_size(p->pool), float *);
    for (int i = 0; i < rz_pool_size(p->pool); i++)
        a->scratch[i] = RZ_NEW(arena, p->k->attention_scratch(a->max_segment, a->max_keys, p->heads), float);
}

/* What the cuts of one layer's loops need. */
typedef struct {
    const rz_policy *p;
    const rz_acts *a;
    const rz_run *runs;
    const int *row0; /* first row of each run */
    int layer, n_runs, first; /* first: of the runs at hand */
    float *to, *from, *rstd;
    const float *add, *weight;
    const int32_t *pos;
} work;

static void norm_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t D = w->p->arch.hidden_size;
    w->p->k->rmsnorm_forward(w->to + r0 * D, w->rstd + r0, w->from + r0 * D, w->add ? w->add + r0 * D : NULL, w->weight,
                             (float)w->p->arch.rms_norm_eps, r1 - r0, (int)D);
}

/* Of M rows: x += add (unless NULL); h = norm(x). */
static void norm(const rz_policy *p, int M, float *h, float *rstd, float *x, const float *add, int64_t weight)
{
    work w = {.p = p, .to = h, .from = x, .add = add, .weight = p->w + weight, .rstd = rstd};
    rz_op_rows(p, M, norm_rows, &w);
}

/* Queries and keys move out of qkv, and their norms back in. Heads are rows to the kernel. */
static void head_norm_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    const rz_policy *p = w->p;
    const rz_layer_offsets *o = &p->layout.layers[w->layer];
    int64_t H = p->heads.H, G = p->heads.G, E = p->heads.E;
    for (int64_t r = r0; r < r1; r++) {
        float *to = w->to + r * (H + 2 * G) * E, *from = w->from + r * (H + G) * E, *rstd = w->rstd + r * (H + G);
        memcpy(from, to, (size_t)((H + G) * E) * sizeof *to);
        p->k->rmsnorm_forward(to, rstd, from, NULL, p->w + o->q_norm, (float)p->arch.rms_norm_eps, (int)H, (int)E);
        p->k->rmsnorm_forward(to + H * E, rstd + H, from + H * E, NULL, p->w + o->k_norm, (float)p->arch.rms_norm_eps, (int)G, (int)E);
    }
}

static void rope_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    const rz_heads *h = &w->p->heads;
    int64_t ld = (int64_t)(h->H + 2 * h->G) * h->E;
    w->p->k->rope(w->to + r0 * ld, ld, w->p->rope->cs, w->pos + r0, r1 - r0, h->H + h->G, h->E, false);
}

static void swiglu_rows(void *ctx, int r0, int r1)
{
    const work *w = ctx;
    int64_t F = w->p->arch.intermediate_size;
    w->p->k->swiglu_forward(w->to + r0 * F, w->from + r0 * 2 * F, r1 - r0, (int)F);
}

/* The root's keys and values, whole panels, become the first ones of kv. */
static void begin_with(const rz_kv *kv, const rz_cache *root, const rz_policy *p, int layer)
{
    rz_kv from = rz_cache_layer(root, layer);
    size_t bytes = (size_t)from.n * (size_t)p->heads.G * (size_t)p->heads.E * number_bytes(kv);
    assert(from.n % RZ_PANEL == 0 && from.n <= kv->n && number_bytes(kv) == number_bytes(&from));
    memcpy(keys_from(kv, 0), keys_from(&from, 0), bytes);
    memcpy(values_from(kv, 0), values_from(&from, 0), bytes);
}

static void append_run(void *ctx, int i, int thread)
{
    (void)thread;
    const work *w = ctx;
    i += w->first;
    const rz_heads *h = &w->p->heads;
    int64_t ld = (int64_t)(h->H + 2 * h->G) * h->E;
    const float *row = w->from + w->row0[i] * ld;
    rz_kv kv = rz_cache_layer(w->runs[i].cache, w->layer);
    if (w->runs[i].root)
        begin_with(&kv, w->runs[i].root, w->p, w->layer);
    int last = kv.n / RZ_PANEL * RZ_PANEL; /* keys beyond the last are computed on, then dropped: let them be numbers */
    kv.n -= w->runs[i].n;
    if (last < kv.n + w->runs[i].n && kv.n <= last)
        memset(keys_from(&kv, (int64_t)last * h->G * h->E), 0, (size_t)(RZ_PANEL * h->G * h->E) * number_bytes(&kv));
    w->p->k->kv_append(&kv, row + (int64_t)h->H * h->E, row + (int64_t)(h->H + h->G) * h->E, ld, w->runs[i].n, h->G, h->E);
}

static void attend(void *ctx, int i, int thread)
{
    const work *w = ctx;
    const rz_policy *p = w->p;
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, run = w->first + i / G, g = i % G;
    const rz_run *r = &w->runs[run];
    int64_t ld = (int64_t)(H + 2 * G) * E, r0 = w->row0[run];
    rz_kv own = rz_cache_layer(r->cache, w->layer), parent = {0};
    if (r->parent)
        parent = rz_cache_layer(r->parent, w->layer);
    p->k->attention_forward(w->to + r0 * H * E, (int64_t)H * E, rz_act(w->a->row_max, w->layer) + r0 * H,
                            rz_act(w->a->row_sum, w->layer) + r0 * H, w->from + r0 * ld, ld, r->n, r->parent ? &parent : NULL, &own,
                            p->heads, g, g + 1, w->a->scratch[thread]);
}

/* Threads to work on short runs: some of them each, or some heads where runs are few. Longer runs are cut by key/value heads. */
static int step_pieces(const rz_policy *p, int n_runs)
{
    int threads = rz_pool_size(p->pool);
    return threads == 1 ? 1 : n_runs >= 2 * threads ? 2 * threads : 0;
}

/* Appends and attends: runs of piece i, or, without pieces, group i of all. */
static void step(void *ctx, int i, int thread)
{
    const work *w = ctx;
    const rz_policy *p = w->p;
    int H = p->heads.H, G = p->heads.G, E = p->heads.E, pieces = step_pieces(p, w->n_runs);
    int first = pieces ? w->n_runs * i / pieces : 0, end = pieces ? w->n_runs * (i + 1) / pieces : w->n_runs;
    int64_t r0 = w->row0[first], r1 = end < w->n_runs ? w->row0[end] : w->a->M, ld = (int64_t)(H + 2 * G) * E;
    p->k->attention_step(w->to + r0 * H * E, (int64_t)H * E, rz_act(w->a->row_max, w->layer) + r0 * H, rz_act(w->a->row_sum, w->layer) + r0 * H,
                         w->from + r0 * ld, ld, w->a->parents + r0, w->a->owns + r0, (int)(r1 - r0), p->heads, pieces ? 0 : i, pieces ? G : i + 1,
                         w->a->scratch[thread]);
}

static void steps(work *w)
{
    for (int i = 0, m = 0; i < w->n_runs; i++) {
        const rz_run *r = &w->runs[i];
        rz_kv parent = r->parent ? rz_cache_layer(r->parent, w->layer) : (rz_kv){0}, own = rz_cache_layer(r->cache, w->layer);
        for (own.n -= r->n; own.n < r->cache->n; m++) {
            own.n++; /* each token sees those before it */
            w->a->parents[m] = parent;
            w->a->owns[m] = own;
        }
    }
    int pieces = step_pieces(w->p, w->n_runs);
    rz_pool_run(w->p->pool, pieces ? pieces : w->p->heads.G, step, w);
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
            const float *row = p->w + p->layout.embed + (size_t)r->ids[j] * D;
            float *x = a->x_in.p + (size_t)m * D;
            for (size_t d = 0; d < D; d++)
                x[d] = p->stored == RZ_STORED_BF16 ? rz_from_half(rz_half(row[d])) : row[d];
            a->pos[m] = first + j;
        }
        rz_rope_reach(p->rope, first + r->n);
    }
}

int rz_rows_together(const rz_policy *p, int left)
{
    enum { ROW_BLOCK = 256, HALF_ROW_BLOCK = 512 /* products of bfloat16s wait for the gradients of weights, read and written once a block */ };
    int most = (p->compute == RZ_COMPUTE_F32 ? ROW_BLOCK : HALF_ROW_BLOCK) * rz_pool_size(p->pool), parts = (left - most / 4 + most - 1) / most;
    return parts > 1 ? (left + parts - 1) / parts : left; /* evenly: a block of few rows would cost almost what a whole one does */
}

static float *row_of(rz_activation x, int layer, int r, int64_t width)
{
    return rz_act(x, layer) + r * width;
}

enum { FIRST_READS = 32 };

/* What the attention of a step reads first: as much as can be asked for during one product, and stays in the second cache. */
static int first_reads(const work *w, rz_read *to)
{
    enum { ROOM = 1 << 16 /* floats */ };
    const rz_policy *p = w->p;
    int64_t sum = 0;
    int n = 0;
    for (int i = 0; i < w->n_runs && n + 4 <= FIRST_READS && sum < ROOM; i++) {
        const rz_run *r = &w->runs[i];
        const bool parent = r->parent && (i == 0 || r->parent != r[-1].parent);
        const rz_kv both[2] = {parent ? rz_cache_layer(r->parent, w->layer) : (rz_kv){0}, rz_cache_layer(r->cache, w->layer)};
        for (int j = 0; j < 2; j++) {
            const int64_t token = (int64_t)p->heads.G * p->heads.E * (int64_t)number_bytes(&both[j]) / (int64_t)sizeof(float); /* E is even */
            to[n++] = (rz_read){keys_from(&both[j], 0), whole_panels(both[j].n) * token};
            to[n++] = (rz_read){values_from(&both[j], 0), both[j].n * token};
            sum += 2 * both[j].n * token;
        }
    }
    return n;
}

/* Rows [r, r + M) of a layer up to what attention reads. products: false when they are kept already, and only what lies between them is missing. */
static void project(const rz_policy *p, const rz_acts *a, work *w, int r, int M, const float *residual, bool products)
{
    int l = w->layer;
    int64_t D = p->arch.hidden_size, H = p->heads.H, G = p->heads.G, E = p->heads.E;
    const rz_layer_offsets *o = &p->layout.layers[l];
    float *h1 = row_of(a->h1, l, r, D), *qkv = row_of(a->qkv, l, r, (H + 2 * G) * E);
    norm(p, M, h1, row_of(a->rstd1, l, r, 1), row_of(a->x_in, l, r, D), residual ? residual + r * D : NULL, o->norm1);
    if (!products)
        return;
    rz_read first[FIRST_READS];
    rz_op_linear(p, qkv, h1, &p->matrices[l].qkv, M, (rz_reads){first, a->steps ? first_reads(w, first) : 0});
    w->to = qkv;
    if (o->q_norm >= 0) {
        w->from = row_of(a->qk, l, r, (H + G) * E);
        w->rstd = row_of(a->rstd_qk, l, r, H + G);
        rz_op_rows(p, M, head_norm_rows, w);
    }
    w->pos = a->pos + r;
    rz_op_rows(p, M, rope_rows, w);
}

/* The same rows from what attention wrote up to what the last product reads. next (M of all rows, D), if not NULL: also that product, into a->t, which is still
 * to be added to the residual stream, then in next. */
static void feed_forward(const rz_policy *p, const rz_acts *a, work *w, int r, int M, float *next, bool products)
{
    int l = w->layer;
    int64_t D = p->arch.hidden_size, F = p->arch.intermediate_size, HE = (int64_t)p->heads.H * p->heads.E;
    const rz_layer_matrices *m = &p->matrices[l];
    const rz_reads none = {0};
    float *x_in = row_of(a->x_in, l, r, D), *x_mid = row_of(a->x_mid, l, r, D), *h2 = row_of(a->h2, l, r, D), *t = a->t + r * D,
          *gate_up = row_of(a->gate_up, l, r, 2 * F), *act = row_of(a->act, l, r, F);
    if (products) {
        rz_op_linear(p, t, row_of(a->att, l, r, HE), &m->o, M, none);
        if (x_mid != x_in)
            memcpy(x_mid, x_in, (size_t)(M * D) * sizeof(float));
    }
    norm(p, M, h2, row_of(a->rstd2, l, r, 1), x_mid, products ? t : NULL, p->layout.layers[l].norm2);
    if (products)
        rz_op_linear(p, gate_up, h2, &m->gate_up, M, none);
    w->to = act;
    w->from = gate_up;
    rz_op_rows(p, M, swiglu_rows, w);
    if (!next)
        return;
    rz_op_linear(p, t, act, &m->down, M, none);
    if (next + r * D != x_mid)
        memcpy(next + r * D, x_mid, (size_t)(M * D) * sizeof(float));
}

/* A layer ends with its keys and values where nobody wants more (WANT_KEYS); its products may be there already (WANT_REST). */
typedef enum { WANT_ALL, WANT_KEYS, WANT_REST } wanted;

/* Runs from w->first to `end`, rows [row, row_end). */
static void run_part(const rz_policy *p, const rz_acts *a, work *w, int end, int row, int row_end, const float *residual, float *next, wanted want)
{
    const bool all = want == WANT_ALL;
    for (int r = row, n; r < row_end; r += n)
        project(p, a, w, r, n = rz_rows_together(p, row_end - r), residual, want != WANT_REST);
    w->from = rz_act(a->qkv, w->layer);
    w->to = rz_act(a->att, w->layer);
    if (all && a->steps)
        steps(w);
    else
        rz_pool_run(p->pool, end - w->first, append_run, w);
    if (want == WANT_KEYS)
        return;
    if (all && !a->steps)
        rz_pool_run(p->pool, (end - w->first) * p->heads.G, attend, w);
    for (int r = row, n; r < row_end; r += n)
        feed_forward(p, a, w, r, n = rz_rows_together(p, row_end - r), next, all);
}

static int row_of_run(const work *w, int i)
{
    return i < w->n_runs ? w->row0[i] : w->a->M;
}

/* Runs go through a layer by as many as make up the rows that go through its operations together, and those that they need: then attention finds in the caches what was
 * made for it. */
static void run_layer(const rz_policy *p, const rz_acts *a, work *w, const float *residual, float *next, wanted want)
{
    for (int end = 0; end < w->n_runs;) {
        const int row = row_of_run(w, end), enough = row + rz_rows_together(p, a->M - row);
        w->first = end;
        do
            end = a->needs[end];
        while (end < w->n_runs && row_of_run(w, a->needs[end]) <= enough);
        run_part(p, a, w, end, row, row_of_run(w, end), residual, next, want);
    }
}

static work layer_work(const rz_policy *p, const rz_acts *a, const rz_run *runs, int n_runs, const int *row0, int layer)
{
    return (work){.p = p, .a = a, .runs = runs, .row0 = row0, .layer = layer, .n_runs = n_runs};
}

void rz_acts_forward(const rz_policy *p, rz_acts *a, const rz_run *runs, int n_runs, int *row0, float *h)
{
    embed(p, a, runs, n_runs, row0);
    for (int l = 0; l < p->arch.num_hidden_layers; l++) {
        work w = layer_work(p, a, runs, n_runs, row0, l);
        bool last = l + 1 == p->arch.num_hidden_layers;
        run_layer(p, a, &w, l ? a->t : NULL, last ? a->x_out : rz_act(a->x_in, l + 1), last && !h ? WANT_KEYS : WANT_ALL);
    }
    if (h)
        norm(p, a->M, h, a->rstd_out, a->x_out, a->t, p->layout.norm);
}

void rz_acts_again(const rz_policy *p, const rz_acts *a, const rz_run *runs, int n_runs, const int *row0, int layer)
{
    work w = layer_work(p, a, runs, n_runs, row0, layer);
    if (a->recompute != RZ_RECOMPUTE_NONE) /* x_in holds the residual added to it */
        run_layer(p, a, &w, NULL, NULL, a->recompute == RZ_RECOMPUTE_LAYER ? WANT_ALL : WANT_REST);
}

void rz_policy_forward(const rz_policy *p, const rz_run *runs, int n_runs, float *h, rz_arena scratch)
{
    rz_acts a;
    int *row0 = RZ_NEW(&scratch, n_runs, int);
    rz_acts_init(&a, p, runs, n_runs, RZ_RECOMPUTE_ALL, &scratch);
    rz_acts_forward(p, &a, runs, n_runs, row0, h);
}

size_t rz_policy_forward_bytes(const rz_policy *p, int M, int segment, int keys)
{
    return rz_acts_bytes(&(rz_acts){.M = M, .max_segment = segment, .max_keys = keys, .recompute = RZ_RECOMPUTE_ALL}, p);
}

void rz_policy_logits(const rz_policy *p, float *logits, const float *h, int M)
{
    rz_op_linear(p, logits, h, &p->head, M, (rz_reads){0});
}
