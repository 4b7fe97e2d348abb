#include "policy/learner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Logits that are computed at once, and those that wait for the backward pass instead of being computed again: rows × vocabulary has a bound. A pass over the
 * head's weights must pay, so of a large vocabulary the rows are not too few; where all wait, there is room for more at once. */
enum { LOGIT_FLOATS = 1 << 24, LOGIT_ROWS = 512, KEPT_LOGITS = 5 << 24 };
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

int rz_trees_root(const rz_tree *trees, int n_trees)
{
    int n = n_trees > 1 ? trees[0].n_prefix - 1 : 0; /* of every prefix a token is left */
    for (int t = 1; t < n_trees; t++) {
        n = trees[t].n_prefix - 1 < n ? trees[t].n_prefix - 1 : n;
        for (int i = 0; i < n; i++)
            if (trees[t].prefix[i] != trees[0].prefix[i])
                n = i;
    }
    return n > 0 ? n / RZ_PANEL * RZ_PANEL : 0;
}

/* Rows of a tree that its shard's root has not. */
static int tree_rows(const rz_tree *t, int n_root)
{
    return rz_tree_rows(t) - n_root;
}

/* A run of n tokens whose cache begins with the root's, if there is one. */
static void add_run(rz_learner *l, int *row, const int32_t *ids, const int32_t *targets, int n, const rz_cache *root)
{
    rz_cache *cache = RZ_NEW(&l->work, 1, rz_cache);
    rz_cache_begin(cache, l->p, n + (root ? root->n : 0), l->recompute != RZ_RECOMPUTE_NONE, &l->work);
    cache->n = root ? root->n : 0;
    for (int i = 0; i < n; i++)
        l->target[*row + i] = targets ? targets[i] : -1;
    l->now.row0[l->now.n_runs] = *row;
    l->now.runs[l->now.n_runs++] = (rz_run){ids, n, cache, NULL, root};
    *row += n;
}

/* Lays out the runs of the trees in the order of the definition. Returns the rows. */
static int lay_out(rz_learner *l)
{
    int rows = 0, n_runs = 0, row = 0;
    for (int t = 0; t < l->now.n_trees; t++) {
        rows += tree_rows(&l->now.trees[t], l->n_root);
        n_runs += l->now.trees[t].n_sequences + 1;
    }
    l->now.runs = RZ_NEW(&l->work, n_runs, rz_run);
    l->now.row0 = RZ_NEW(&l->work, n_runs, int);
    l->now.tree_run = RZ_NEW(&l->work, l->now.n_trees + 1, int);
    l->target = RZ_NEW(&l->work, rows, int32_t);
    l->now.n_runs = 0;
    for (int t = 0; t < l->now.n_trees; t++) {
        const rz_tree *tree = &l->now.trees[t];
        l->now.tree_run[t] = l->now.n_runs;
        int prefix_run = l->now.n_runs + tree->n_sequences;
        for (int i = 0; i < tree->n_sequences; i++)
            add_run(l, &row, tree->sequences[i].ids, tree->sequences[i].targets, tree->sequences[i].n, NULL);
        if (tree->n_prefix)
            add_run(l, &row, tree->prefix + l->n_root, NULL, tree->n_prefix - l->n_root, l->n_root ? &l->root_cache : NULL);
        for (int r = l->now.tree_run[t]; tree->n_prefix && r < prefix_run; r++)
            l->now.runs[r].parent = l->now.runs[prefix_run].cache;
    }
    l->now.tree_run[l->now.n_trees] = l->now.n_runs;
    return rows;
}

void rz_learner_recompute(rz_learner *l, rz_recompute r)
{
    l->recompute = r;
}

/* Nothing will go backward: the shard lacks nothing. */
static void forget_root(rz_learner *l)
{
    if (l->recompute == RZ_RECOMPUTE_ALL) {
        rz_arena_release(&l->keep, 0);
        l->n_root = 0;
    }
}

void rz_learner_rest(rz_learner *l)
{
    forget_root(l);
    rz_arena_release(&l->work, 0);
    rz_arena_rest(&l->work);
    rz_arena_rest(&l->keep);
}

/* Whether the logits of so many rows wait for the backward pass: not where memory is dearer than a layer's work. */
static bool keeps_logits(const rz_learner *l, size_t rows)
{
    return l->recompute < RZ_RECOMPUTE_LAYER && rows * (size_t)l->p->arch.vocab_size <= KEPT_LOGITS;
}

static int logit_rows(const rz_policy *p)
{
    int most = LOGIT_FLOATS / p->arch.vocab_size;
    return most > LOGIT_ROWS ? LOGIT_ROWS : most < RZ_HALF_BLOCK ? RZ_HALF_BLOCK : most;
}

static int tree_row(const rz_batch *b, int tree)
{
    return tree < b->n_trees ? b->row0[b->tree_run[tree]] : b->acts.M;
}

/* The first tree that begins after row r. */
static int tree_after(const rz_batch *b, int r)
{
    int low = 0, high = b->n_trees;
    while (low < high) {
        int middle = (low + high) / 2;
        if (tree_row(b, middle) <= r)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int rz_batch_rows(const rz_policy *p, const rz_batch *b, int r, int n)
{
    if (p->compute == RZ_COMPUTE_F32 || r + n == b->acts.M)
        return n;
    return n - (r + n - tree_row(b, tree_after(b, r + n) - 1)) % RZ_HALF_BLOCK;
}

int rz_trees_together(const rz_learner *l, const rz_tree *trees, int n_trees, int left, int *rows)
{
    const int enough = rz_rows_together(l->p, left);
    int n = 1;
    *rows = tree_rows(&trees[0], l->n_root);
    for (int more; n < n_trees && *rows + (more = tree_rows(&trees[n], l->n_root)) <= enough; n++)
        *rows += more;
    return n;
}

rz_spans rz_batch_spans(const rz_policy *p, const rz_batch *b, int r, int n, rz_arena *arena)
{
    if (p->compute == RZ_COMPUTE_F32)
        return (rz_spans){NULL, 0};
    int first = tree_after(b, r), last = tree_after(b, r + n - 1);
    int *ends = RZ_NEW(arena, last - first + 1, int);
    for (int t = first; t <= last; t++)
        ends[t - first] = tree_row(b, t) - r < n ? tree_row(b, t) - r : n;
    return (rz_spans){ends, last - first + 1};
}

size_t rz_learner_kept_bytes(const rz_learner *l)
{
    return l->keep.used;
}

size_t rz_learner_peak(const rz_learner *l)
{
    return l->peak;
}

int64_t rz_learner_again(const rz_learner *l)
{
    return l->again;
}

void rz_learner_note_peak(rz_learner *l, const rz_arena *scratch)
{
    size_t used = scratch->used + l->keep.used;
    l->peak = used > l->peak ? used : l->peak;
}

size_t rz_learner_bytes(const rz_learner *l, const rz_tree *trees, int n_trees)
{
    const rz_policy *p = l->p;
    rz_acts a = {.recompute = l->recompute};
    size_t caches = 0, roots = 0, targets = 0, layers = l->recompute == RZ_RECOMPUTE_NONE ? (size_t)p->arch.num_hidden_layers : 1, n_runs = 0;
    for (int t = 0; t < n_trees; t++) {
        a.M += tree_rows(&trees[t], l->n_root);
        n_runs += (size_t)trees[t].n_sequences + 1;
        roots += l->n_root ? trees[t].n_prefix : 0;
        for (int i = -1; i < trees[t].n_sequences; i++) {
            int n = i < 0 ? trees[t].n_prefix - l->n_root : trees[t].sequences[i].n, keys = i < 0 ? trees[t].n_prefix : n + trees[t].n_prefix;
            caches += rz_cache_layer_bytes(p, i < 0 ? keys : n) * layers;
            targets += i < 0 ? 0 : (size_t)n;
            a.max_segment = n > a.max_segment ? n : a.max_segment;
            a.max_keys = keys > a.max_keys ? keys : a.max_keys;
        }
    }
    int most = l->n_root; /* rows that go through a layer backward together */
    for (int t = 0, left = a.M, rows; t < n_trees; left -= rows) {
        t += rz_trees_together(l, trees + t, n_trees - t, left, &rows);
        most = rows > most ? rows : most;
    }
    size_t M = (size_t)a.M, D = (size_t)p->arch.hidden_size, F = (size_t)p->arch.intermediate_size, H = (size_t)p->heads.H,
           W = (H + 2 * (size_t)p->heads.G) * (size_t)p->heads.E, rows = (size_t)logit_rows(p),
           kept = keeps_logits(l, targets) ? targets * (size_t)p->arch.vocab_size : 0,
           logits = (kept ? 0 : M < rows ? M : rows) * (size_t)p->arch.vocab_size + M, /* head_backward */
           qk = rz_arch_family(&p->arch)->qk_norm ? (H + (size_t)p->heads.G) * (size_t)p->heads.E : 0,
           block = (size_t)rz_rows_together(p, most) * (D + 3 * F > D + qk ? D + 3 * F : D + qk),
           layer = (size_t)most * (H * (size_t)p->heads.E + W) + (block > roots * W ? block : roots * W); /* layer_backward */
    return 64 * 128 /* some sixty arrays, aligned */ + ((size_t)n_trees + 1) * sizeof(int) /* rz_batch_spans */ + rz_acts_bytes(&a, p) + caches + n_runs * (sizeof(rz_run) + sizeof(rz_cache) + 2 * 64) +
           (M * (3 * D + 4) + kept + (logits > layer ? logits : layer)) * sizeof(float); /* h, dh, the kept dx */
}

int rz_learner_next_rows(const rz_learner *l, int *r)
{
    int n = 0, most = l->logits ? LOGIT_ROWS : logit_rows(l->p);
    while (*r < l->now.acts.M && l->target[*r] < 0)
        ++*r;
    while (*r + n < l->now.acts.M && l->target[*r + n] >= 0 && n < most)
        n++;
    return n < most ? n : rz_batch_rows(l->p, &l->now, *r, n);
}

static void logp_rows(void *ctx, int r0, int r1)
{
    const rz_head_work *w = ctx;
    const rz_learner *l = w->l;
    int64_t V = l->p->arch.vocab_size;
    int m = w->row + r0;
    l->p->k->logp_forward(w->logp + m, w->entropy + m, l->row_max + m, l->row_sum + m, w->logits + r0 * V, V, l->target + m, l->temperature,
                          r1 - r0, (int)V);
}

void rz_learner_root(rz_learner *l, const int32_t *ids, int n)
{
    const rz_policy *p = l->p;
    forget_root(l);
    assert(n % RZ_PANEL == 0 && !l->n_root && !l->first);
    l->n_root = n;
    if (!n)
        return;
    rz_cache_begin(&l->root_cache, p, n, false, &l->keep);
    rz_batch *b = &l->root;
    *b = (rz_batch){.n_trees = 1, .n_runs = 1, .runs = RZ_NEW(&l->keep, 1, rz_run), .row0 = RZ_NEW(&l->keep, 1, int),
                    .tree_run = RZ_NEW(&l->keep, 2, int)};
    b->runs[0] = (rz_run){ids, n, &l->root_cache, NULL, NULL};
    b->tree_run[0] = 0, b->tree_run[1] = 1;
    if (l->recompute == RZ_RECOMPUTE_ALL) {
        rz_policy_forward(p, b->runs, 1, NULL, l->keep);
        return;
    }
    rz_acts_init(&b->acts, p, b->runs, 1, l->recompute, &l->keep);
    l->d_root = RZ_ZNEW(&l->keep, (size_t)p->arch.num_hidden_layers * (size_t)n * 2 * (size_t)p->heads.G * (size_t)p->heads.E, float);
    rz_arena scratch = l->keep;
    rz_acts_forward(p, &b->acts, b->runs, 1, b->row0, RZ_NEW(&scratch, (size_t)n * (size_t)p->arch.hidden_size, float)); /* nobody asks for its logits */
    rz_learner_note_peak(l, &l->work);
}

void rz_learner_forward(rz_learner *l, const rz_tree *trees, int n_trees, float temperature)
{
    const rz_policy *p = l->p;
    rz_arena_release(&l->work, 0);
    l->now.trees = trees;
    l->now.n_trees = n_trees;
    l->temperature = temperature;
    int M = lay_out(l), D = p->arch.hidden_size, V = p->arch.vocab_size;
    rz_acts_init(&l->now.acts, p, l->now.runs, l->now.n_runs, l->recompute, &l->work);
    l->h = RZ_NEW(&l->work, (size_t)M * (size_t)D, float);
    l->row_max = RZ_NEW(&l->work, M, float);
    l->row_sum = RZ_NEW(&l->work, M, float);
    rz_acts_forward(p, &l->now.acts, l->now.runs, l->now.n_runs, l->now.row0, l->h);

    size_t targets = 0, done = 0;
    for (int i = 0; i < M; i++)
        targets += l->target[i] >= 0;
    l->logits = keeps_logits(l, targets) ? RZ_NEW(&l->work, targets * (size_t)V, float) : NULL;
    rz_arena scratch = l->work;
    rz_head_work w = {.l = l, .logp = RZ_NEW(&scratch, M, float), .entropy = RZ_NEW(&scratch, M, float)};
    for (int r = 0, n; (n = rz_learner_next_rows(l, &r)) > 0; r += n, done += (size_t)n) {
        rz_arena chunk = scratch;
        w.logits = l->logits ? l->logits + done * (size_t)V : RZ_NEW(&chunk, (size_t)n * (size_t)V, float);
        w.row = r;
        rz_learner_note_peak(l, &chunk);
        rz_policy_logits(p, w.logits, l->h + (int64_t)r * D, n);
        rz_op_rows(p, n, logp_rows, &w);
    }
    for (int t = 0; t < n_trees; t++)
        for (int i = 0; i < trees[t].n_sequences; i++) {
            const rz_sequence *s = &trees[t].sequences[i];
            int r0 = l->now.row0[l->now.tree_run[t] + i];
            memcpy(s->logp, w.logp + r0, (size_t)s->n * sizeof(float));
            if (s->entropy)
                memcpy(s->entropy, w.entropy + r0, (size_t)s->n * sizeof(float));
        }
}

