/* One rank's optimizer step: the batch's gradient against a sum written out by hand over a learner's shards (bit for bit), AdamW and clipping against
 * binary64, divergence, and moments that resume. Several ranks: suite mpi. */
#include "trainer/update.h"

#include "tests/tiny.h"

#include <unistd.h>

enum { MOST = 9 };

static const rz_arch arch = {37, 20, 28, 2, 4, 2, 6, 64, 1e-5, 1e4, true};
/* With beta1 0, one_b1 1 and no clipping the first moment is the gradient: this is how it is read. */
static const rz_optimizer_options bare = {.learning_rate = 1e-3, .beta1 = 0, .beta2 = 0.9, .eps = 1e-8};
static const rz_optimizer_options usual = {.learning_rate = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .max_grad_norm = 0.7};

static rz_arena arena;
static rz_comm *comm;
static rz_err err;

static void setup(void)
{
    arena = tiny_arena();
    ck_assert(rz_comm_create(&comm, &err));
}

static void teardown(void)
{
    rz_comm_destroy(comm);
    rz_arena_finish(&arena);
}

typedef struct {
    rz_policy *p;
    rz_update *u;
    int64_t n;
    float *m, *v;
} rig;

static rig open_rig(const rz_arch *a, const rz_kernels *k, rz_pool *pool, int shards, const rz_optimizer_options *o)
{
    rig r = {.p = tiny_policy(a, k, pool, 41, 1.5)};
    ck_assert_msg(rz_update_create(&r.u, r.p, comm, shards, o, &err), "%s", err.text);
    r.n = r.p->layout.n_params;
    r.m = RZ_NEW(&arena, r.n, float);
    r.v = RZ_NEW(&arena, r.n, float);
    return r;
}

static void close_rig(rig *r)
{
    rz_update_destroy(r->u);
    rz_policy_destroy(r->p);
}

static rz_store *moments(rig *r, const char *path)
{
    rz_store *s;
    ck_assert(rz_store_create(&s, path, &err));
    rz_update_moments(r->u, r->m, r->v);
    rz_shape shape = {RZ_F32, 1, {r->n}};
    ck_assert_msg(rz_store_put(s, "optimizer/m", shape, r->m, &err) && rz_store_put(s, "optimizer/v", shape, r->v, &err) &&
                      rz_store_put_i64(s, "optimizer_steps", rz_update_count(r->u), &err), "%s", err.text);
    return s;
}

static void read_moments(rig *r)
{
    rz_update_moments(r->u, r->m, r->v);
}

static bool same_floats(const float *a, const float *b, int64_t n)
{
    return !memcmp(a, b, (size_t)n * sizeof *a);
}

/* n groups and documents of all kinds, other ones for each `which`. */
static rz_tree *trees(int n, int V, uint64_t which)
{
    rz_tree *t = RZ_NEW(&arena, n, rz_tree);
    rz_stream s;
    rz_stream_init(&s, 42, RZ_RNG_TEST, which);
    for (int i = 0; i < n; i++) {
        int lengths[3] = {rz_stream_range(&s, 1, 6), rz_stream_range(&s, 1, 3), 1};
        t[i] = tiny_tree(&s, i % 3 ? rz_stream_range(&s, 0, 7) : 0, lengths, rz_stream_range(&s, 1, 3), V, &arena);
    }
    return t;
}

/* The loss's slopes are in the trees already. */
typedef struct { const rz_tree *trees; int n, calls, most; int order[4096]; } plain_loss; /* most: trees beyond the one in hand that had run */

static void loss(void *ctx, int i, rz_tree_result *result)
{
    plain_loss *l = ctx;
    *result = (rz_tree_result){.loss = 0.5 * i, .mismatch = l->trees[i].sequences[0].logp[0], .tokens = rz_tree_rows(&l->trees[i])};
    l->order[l->calls++] = i;
    int ahead = 0;
    while (i + ahead + 1 < l->n && l->trees[i + ahead + 1].sequences[0].logp[0] != 9)
        ahead++;
    l->most = ahead > l->most ? ahead : l->most;
}

static int most_together; /* trees in a call of the learner, in the last step */

static bool step(rig *r, const rz_tree *t, int n, double lr, double *norm)
{
    plain_loss l = {.trees = t, .n = n};
    rz_tree_result *results = RZ_ZNEW(&arena, n, rz_tree_result);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < t[i].n_sequences; k++)
            t[i].sequences[k].logp[0] = 9;
    bool ok = rz_update_step(r->u, t, n, 0.8f, loss, &l, lr, results, norm);
    most_together = l.most + 1;
    ck_assert_int_eq(l.calls, n); /* each once, in order, after its forward pass */
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(l.order[i], i);
        ck_assert(results[i].loss == 0.5 * i && results[i].tokens == rz_tree_rows(&t[i]) && results[i].mismatch < 0);
    }
    return ok;
}

/* ---- the gradient of a batch ---- */

/* Shards [lo, hi) by the definition: a chain over the trees of each, one call a tree; then left + right; NULL without a tree. */
static float *sum_by_hand(rz_learner *l, const rz_policy *p, const rz_tree *t, int n, int shards, int lo, int hi)
{
    if (hi - lo > 1) {
        float *left = sum_by_hand(l, p, t, n, shards, lo, (lo + hi) / 2), *right = sum_by_hand(l, p, t, n, shards, (lo + hi) / 2, hi);
        for (int64_t i = 0; left && right && i < p->layout.n_params; i++)
            left[i] = left[i] + right[i];
        return left ? left : right;
    }
    int first = n * lo / shards, end = n * hi / shards;
    if (first == end)
        return NULL;
    float *grad = RZ_ZNEW(&arena, p->layout.n_params, float);
    for (int i = first; i < end; i++) {
        rz_learner_forward(l, t + i, 1, 0.8f);
        rz_learner_backward(l, grad);
    }
    rz_learner_finish_shard(l, grad);
    return grad;
}

/* The gradient as a first moment holds it: what is next to nothing is nothing. */
static void check_gradient(rig *r, const rz_tree *t, int n, int shards)
{
    rz_learner *l;
    double norm, squares = 0;
    ck_assert(rz_learner_create(&l, r->p, &err));
    float *wanted = sum_by_hand(l, r->p, t, n, shards, 0, shards);
    for (int64_t i = 0; i < r->n; i++) {
        squares += (double)wanted[i] * wanted[i];
        wanted[i] = fabsf(wanted[i]) < 0x1p-100f ? 0.0f : wanted[i];
    }
    ck_assert_msg(step(r, t, n, 1e-3, &norm), "%s", err.text);
    read_moments(r);
    ck_assert_msg(same_floats(r->m, wanted, r->n), "%d shards, %d trees: another gradient", shards, n);
    ck_assert_msg(fabs(norm / sqrt(squares) - 1) < 1e-12, "%d shards, %d trees: norm %.17g, wanted %.17g", shards, n, norm, sqrt(squares));
    rz_learner_destroy(l);
}

START_TEST(shards_and_trees)
{
    static const int all_shards[] = {1, 2, 4, 8, 64};
    int shards = all_shards[_i];
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, shards, &bare);
    for (int n = 1; n <= MOST; n++) {
        size_t mark = arena.used;
        check_gradient(&r, trees(n, arch.vocab_size, (uint64_t)n), n, shards);
        rz_arena_release(&arena, mark);
    }
    close_rig(&r);
}
END_TEST

/* ---- trees by their rows ---- */

/* Rows in shards [lo, hi) so far. */
static int rows_in(const int *shard_of, const rz_tree *t, int n, int lo, int hi)
{
    int rows = 0;
    for (int i = 0; i < n; i++)
        rows += shard_of[i] >= lo && shard_of[i] < hi ? rz_tree_rows(&t[i]) : 0;
    return rows;
}

/* The definition: the longest tree that has no shard yet, the first of equals; halves of what is left of the shards, the emptier one, the left one of equals. */
static void shards_by_hand(int *shard_of, const rz_tree *t, int n, int shards)
{
    for (int i = 0; i < n; i++)
        shard_of[i] = -1;
    for (int k = 0; k < n; k++) {
        int next = -1, lo = 0, hi = shards;
        for (int i = 0; i < n; i++)
            if (shard_of[i] < 0 && (next < 0 || rz_tree_rows(&t[i]) > rz_tree_rows(&t[next])))
                next = i;
        while (hi - lo > 1) {
            int half = (lo + hi) / 2;
            if (rows_in(shard_of, t, n, lo, half) <= rows_in(shard_of, t, n, half, hi))
                hi = half;
            else
                lo = half;
        }
        shard_of[next] = lo;
    }
}

/* Shards [lo, hi) of trees that begin with n_root common tokens. */
static float *balanced_by_hand(rz_learner *l, const rz_policy *p, const rz_tree *t, int n, const int *shard_of, int n_root, int lo, int hi)
{
    if (hi - lo > 1) {
        float *left = balanced_by_hand(l, p, t, n, shard_of, n_root, lo, (lo + hi) / 2),
              *right = balanced_by_hand(l, p, t, n, shard_of, n_root, (lo + hi) / 2, hi);
        for (int64_t i = 0; left && right && i < p->layout.n_params; i++)
            left[i] = left[i] + right[i];
        return left ? left : right;
    }
    float *grad = rows_in(shard_of, t, n, lo, hi) ? RZ_ZNEW(&arena, p->layout.n_params, float) : NULL;
    if (!grad)
        return NULL;
    rz_learner_root(l, t[0].prefix, n_root);
    for (int i = 0; i < n; i++)
        if (shard_of[i] == lo) {
            rz_learner_forward(l, t + i, 1, 0.8f);
            rz_learner_backward(l, grad);
        }
    rz_learner_finish_shard(l, grad);
    return grad;
}

/* Groups of very different lengths whose prompts begin alike (_i odd) or not. */
START_TEST(balanced)
{
    static const int all_shards[] = {1, 2, 4, 8};
    int shards = all_shards[_i / 2], shard_of[MOST];
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, shards, &bare);
    rz_update_balance(r.u);
    rz_learner *l;
    ck_assert(rz_learner_create(&l, r.p, &err));
    for (int n = 1; n <= MOST; n++) {
        size_t mark = arena.used;
        rz_tree *t = RZ_NEW(&arena, n, rz_tree);
        rz_tree_result *results = RZ_ZNEW(&arena, n, rz_tree_result);
        rz_stream s;
        rz_stream_init(&s, 45, RZ_RNG_TEST, (uint64_t)(_i * 100 + n));
        for (int i = 0; i < n; i++) {
            int lengths[2] = {rz_stream_range(&s, 1, 20), rz_stream_range(&s, 1, 4)};
            t[i] = tiny_tree(&s, 17 + rz_stream_range(&s, 1, 5), lengths, 2, arch.vocab_size, &arena);
            for (int j = 0; j < 16 && _i % 2; j++)
                ((int32_t *)t[i].prefix)[j] = j;
        }
        int n_root = rz_trees_root(t, n);
        ck_assert_int_eq(n_root, _i % 2 && n > 1 ? 16 : 0);
        shards_by_hand(shard_of, t, n, shards);
        float *wanted = balanced_by_hand(l, r.p, t, n, shard_of, n_root, 0, shards);
        plain_loss loss_of = {.trees = t, .n = n};
        double norm;
        ck_assert_msg(rz_update_step(r.u, t, n, 0.8f, loss, &loss_of, 1e-3, results, &norm), "%s", err.text);
        for (int64_t i = 0; i < r.n; i++)
            wanted[i] = fabsf(wanted[i]) < 0x1p-100f ? 0.0f : wanted[i];
        read_moments(&r);
        ck_assert_msg(same_floats(r.m, wanted, r.n), "%d shards, %d trees: another gradient", shards, n);
        for (int i = 0, order = 0; i < n; i++) { /* results are where their trees are, whatever the order they were made in */
            ck_assert(results[i].loss == 0.5 * i && results[i].tokens == rz_tree_rows(&t[i]));
            ck_assert(!i || (order = shard_of[loss_of.order[i]] - shard_of[loss_of.order[i - 1]]) > 0 || (!order && loss_of.order[i] > loss_of.order[i - 1]));
        }
        rz_arena_release(&arena, mark);
    }
    rz_learner_destroy(l);
    close_rig(&r);
}
END_TEST

/* Batches that do not fit one call of the learner, and gradients that threads share. */
START_TEST(large_batches)
{
    static const struct { rz_arch arch; int n, rows, shards; } large[] = {
        {{50, 8, 8, 1, 1, 1, 4, 512, 1e-5, 1e4, true}, 9, 300, 1}, {{50, 8, 8, 1, 1, 1, 4, 512, 1e-5, 1e4, true}, 9, 500, 2},
        {{3000, 24, 8, 1, 1, 1, 4, 16, 1e-5, 1e4, true}, 7, 3, 4},
    };
    rz_pool *pool = tiny_pool(1 + _i);
    rig r = open_rig(&large[_i].arch, tiny_kernels(-1), pool, large[_i].shards, &bare);
    rz_stream s;
    rz_stream_init(&s, 43, RZ_RNG_TEST, 0);
    rz_tree t[MOST];
    for (int i = 0; i < large[_i].n; i++)
        t[i] = tiny_tree(&s, 0, &large[_i].rows, 1, large[_i].arch.vocab_size, &arena);
    check_gradient(&r, t, large[_i].n, large[_i].shards);
    close_rig(&r);
    rz_pool_destroy(pool);
}
END_TEST

/* What a rank may hold at once cuts the batch into calls, which shows in nothing else. */
START_TEST(limited)
{
    static const int lengths[3] = {9, 4, 6};
    rz_tree t[MOST];
    rz_stream s;
    rz_stream_init(&s, 44, RZ_RNG_TEST, 0);
    for (int i = 0; i < MOST; i++)
        t[i] = tiny_tree(&s, 5, lengths, 3, arch.vocab_size, &arena);
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 1, &bare);
    rz_learner *l;
    ck_assert(rz_learner_create(&l, r.p, &err));
    rz_learner_recompute(l, (rz_recompute)_i);
    for (int together = 1; together <= MOST; together += 4) {
        /* rows of embeddings are kept from call to call: the last calls are the smaller ones */
        rz_update_limit(r.u, (rz_recompute)_i, together == 1 ? 1 : rz_learner_bytes(l, t, together));
        check_gradient(&r, t, MOST, 1);
        ck_assert_int_eq(most_together, together);
    }
    rz_learner_destroy(l);
    close_rig(&r);
}
END_TEST

/* Tables of kernels and threads: the same weights and moments as the reference on one thread, after several steps. */
START_TEST(tables_and_threads)
{
    rig wanted = open_rig(&arch, tiny_kernels(0), NULL, 4, &usual);
    rz_pool *pool = tiny_pool(1 + _i % 3);
    rig r = open_rig(&arch, tiny_kernels(_i / 3), pool, 4, &usual);
    for (int k = 0; k < 3; k++) {
        rz_tree *t = trees(MOST, arch.vocab_size, (uint64_t)(100 + k));
        double norm, other;
        ck_assert(step(&wanted, t, MOST, 0.01, &norm) && step(&r, t, MOST, 0.01, &other));
        ck_assert(norm == other);
    }
    read_moments(&wanted);
    read_moments(&r);
    ck_assert(same_floats(wanted.p->w, r.p->w, r.n) && same_floats(wanted.m, r.m, r.n) && same_floats(wanted.v, r.v, r.n));
    close_rig(&r);
    close_rig(&wanted);
    rz_pool_destroy(pool);
}
END_TEST

/* ---- AdamW ---- */

/* Six steps of AdamW as published (Loshchilov & Hutter 2019, algorithm 2), in binary64, on the gradients that the learner gives for the same
 * weights. Errors: a step is right to some roundings of a float (1e-5 of the learning rate), the weight itself to one rounding a step. */
START_TEST(adamw_in_binary64)
{
    static const struct { double b1, b2, eps, decay, clip; bool tied; } ways[] = {
        {0.9, 0.999, 1e-8, 0, 0, true}, {0.9, 0.95, 1e-8, 0.1, 0, false}, {0.9, 0.95, 1e-8, 0.5, 0.3, true},
        {0.5, 0.9, 1e-2, 0, 1e9, true}, {0, 0, 1e-8, 0, 1, true},
    };
    rz_arch a = arch;
    a.tie_word_embeddings = ways[_i].tied;
    rz_optimizer_options o = {.beta1 = ways[_i].b1, .beta2 = ways[_i].b2, .eps = ways[_i].eps, .weight_decay = ways[_i].decay,
                              .max_grad_norm = ways[_i].clip};
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 1, &o);
    double *w = RZ_NEW(&arena, r.n, double), *m = RZ_ZNEW(&arena, r.n, double), *v = RZ_ZNEW(&arena, r.n, double), b1t = 1, b2t = 1, moved = 0;
    rz_learner *l;
    int clipped = 0;
    ck_assert(rz_learner_create(&l, r.p, &err));
    for (int64_t i = 0; i < r.n; i++)
        w[i] = r.p->w[i];
    for (int t = 1; t <= 6; t++) {
        rz_tree *batch = trees(3, a.vocab_size, (uint64_t)(200 + t));
        double lr = 0.01 / t, norm, squares = 0, scale = 1;
        float *grad = sum_by_hand(l, r.p, batch, 3, 1, 0, 1);
        for (int64_t i = 0; i < r.n; i++)
            squares += (double)grad[i] * grad[i];
        if (o.max_grad_norm > 0 && sqrt(squares) > o.max_grad_norm) {
            scale = o.max_grad_norm / sqrt(squares);
            clipped++;
        }
        ck_assert_msg(step(&r, batch, 3, lr, &norm), "%s", err.text);
        ck_assert_double_eq_tol(norm, sqrt(squares), 1e-12 * norm);
        ck_assert_int_eq(rz_update_count(r.u), t);
        b1t *= o.beta1;
        b2t *= o.beta2;
        for (int k = 0; k < r.p->layout.n_tensors; k++) {
            const rz_tensor *x = &r.p->layout.tensors[k];
            bool vector = strstr(x->name, "norm") != NULL;
            for (int64_t i = x->offset; i < x->offset + tiny_size(x); i++) {
                double g = grad[i] * scale, before = w[i];
                m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
                v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
                w[i] -= lr * (m[i] / (1 - b1t) / (sqrt(v[i] / (1 - b2t)) + o.eps) + (vector ? 0 : o.weight_decay * w[i]));
                moved = fmax(moved, fabs(w[i] - before) / lr);
                ck_assert_msg(fabs(r.p->w[i] - w[i]) < 1e-5 * lr + 1.2e-7 * fabs(w[i]), "step %d, %s[%d]: %.9g, binary64 %.9g", t, x->name,
                              (int)(i - x->offset), r.p->w[i], w[i]);
                w[i] = r.p->w[i]; /* rounding of the weight is not to add up */
            }
        }
    }
    ck_assert_int_eq(clipped > 0, _i == 2 || _i == 4);
    ck_assert_double_gt(moved, 0.4);
    rz_learner_destroy(l);
    close_rig(&r);
}
END_TEST

/* A gradient of exactly nothing moves nothing but what decays, and makes no NaN. */
START_TEST(no_gradient)
{
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 2, &bare);
    float *before = RZ_NEW(&arena, r.n, float);
    rz_tree *t = trees(2, arch.vocab_size, 5);
    double norm;
    memcpy(before, r.p->w, (size_t)r.n * sizeof *before);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < t[i].n_sequences; k++)
            memset((float *)t[i].sequences[k].dlogp, 0, (size_t)t[i].sequences[k].n * sizeof(float));
    ck_assert(step(&r, t, 2, 0.1, &norm));
    ck_assert(norm == 0 && same_floats(before, r.p->w, r.n));
    close_rig(&r);
}
END_TEST

/* ---- divergence ---- */

START_TEST(divergence)
{
    static const float bad[] = {NAN, INFINITY, 1e38f};
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 4, &usual), twin = open_rig(&arch, tiny_kernels(-1), NULL, 4, &usual);
    rz_tree *t = trees(5, arch.vocab_size, 6);
    float *w = RZ_NEW(&arena, r.n, float), *m = RZ_NEW(&arena, r.n, float), *v = RZ_NEW(&arena, r.n, float);
    float *at = (float *)t[4].sequences[0].dlogp, good = *at;
    double norm;
    ck_assert(step(&r, t, 5, 0.01, &norm) && step(&twin, t, 5, 0.01, &norm));
    read_moments(&r);
    memcpy(w, r.p->w, (size_t)r.n * sizeof *w);
    memcpy(m, r.m, (size_t)r.n * sizeof *m);
    memcpy(v, r.v, (size_t)r.n * sizeof *v);
    for (int i = 0; i < 3; i++) {
        *at = bad[i];
        ck_assert(!step(&r, t, 5, 0.01, &norm));
        ck_assert(!isfinite(norm));
        rz_update_trouble trouble = rz_update_take_trouble(r.u);
        ck_assert(trouble.skipped == 1 && !trouble.broken);
        ck_assert_ptr_nonnull(strstr(trouble.why, "the gradient is not finite"));
        ck_assert_int_eq(rz_update_take_trouble(r.u).skipped, 0);
        read_moments(&r);
        ck_assert(same_floats(w, r.p->w, r.n) && same_floats(m, r.m, r.n) && same_floats(v, r.v, r.n));
        ck_assert_int_eq(rz_update_count(r.u), 1);
        *at = good;
    }
    ck_assert(step(&r, t, 5, 0.01, &norm) && step(&twin, t, 5, 0.01, &norm)); /* as if nothing had happened */
    ck_assert(same_floats(twin.p->w, r.p->w, r.n));
    close_rig(&r);
    close_rig(&twin);
}
END_TEST

/* ---- resuming ---- */

START_TEST(moments_resume)
{
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 2, &usual), back = open_rig(&arch, tiny_kernels(-1), NULL, 2, &usual);
    char folder[256], path[300];
    const char *tmp = getenv("TMPDIR");
    double norm;
    snprintf(folder, sizeof folder, "%s/rz_update_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/u.h5", folder);
    for (int k = 0; k < 3; k++)
        ck_assert(step(&r, trees(4, arch.vocab_size, (uint64_t)k), 4, 0.02, &norm));
    rz_store *s = moments(&r, path);
    ck_assert_msg(rz_policy_put(r.p, r.p->w, s, &err) && rz_store_commit(s, &err), "%s", err.text);
    rz_store_close(s);
    ck_assert(rz_store_open(&s, path, &err));
    rz_policy_panels(back.p); /* which follow what is read and what is updated */
    ck_assert_msg(rz_policy_get(back.p, s, &err) && rz_update_get(back.u, s, &err), "%s", err.text);
    rz_policy_refresh(back.p);
    rz_store_close(s);
    ck_assert_int_eq(rz_update_count(back.u), 3);
    for (int k = 3; k < 6; k++) {
        rz_tree *t = trees(4, arch.vocab_size, (uint64_t)k);
        ck_assert(step(&r, t, 4, 0.02, &norm) && step(&back, t, 4, 0.02, &norm));
        read_moments(&r);
        read_moments(&back);
        ck_assert(same_floats(r.p->w, back.p->w, r.n) && same_floats(r.m, back.m, r.n) && same_floats(r.v, back.v, r.n));
    }
    ck_assert_uint_eq(r.p->packed_memory.bytes, 0); /* nobody asked for them */
    close_rig(&r);
    close_rig(&back);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(moments_refused)
{
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 2, &usual);
    rz_store *s;
    ck_assert(rz_store_create(&s, "/tmp/rulezero-moments.h5", &err));
    ck_assert(!rz_update_get(r.u, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "optimizer/m"));
    ck_assert(rz_store_put(s, "optimizer/m", (rz_shape){RZ_F32, 1, {r.n - 1}}, r.p->w, &err)); /* of another model */
    ck_assert(!rz_update_get(r.u, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "optimizer/m"));
    rz_store_close(s);
    ck_assert(rz_store_create(&s, "/tmp/rulezero-moments.h5", &err));
    ck_assert(rz_store_put(s, "optimizer/m", (rz_shape){RZ_F32, 1, {r.n}}, r.p->w, &err) &&
              rz_store_put(s, "optimizer/v", (rz_shape){RZ_F32, 1, {r.n}}, r.p->w, &err));
    ck_assert(!rz_update_get(r.u, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "optimizer_steps"));
    rz_store_close(s);
    for (int i = 0; i < 3; i++) { /* no checkpoint may take for ever */
        static const int64_t steps[] = {-1, ((int64_t)1 << 40) + 1, (int64_t)1 << 40};
        ck_assert(rz_store_create(&s, "/tmp/rulezero-moments.h5", &err));
        ck_assert(rz_store_put(s, "optimizer/m", (rz_shape){RZ_F32, 1, {r.n}}, r.p->w, &err) &&
                  rz_store_put(s, "optimizer/v", (rz_shape){RZ_F32, 1, {r.n}}, r.p->w, &err) && rz_store_put_i64(s, "optimizer_steps", steps[i], &err));
        ck_assert(rz_update_get(r.u, s, &err) == (i == 2));
        ck_assert(i == 2 || strstr(err.text, "optimizer_steps is "));
        rz_store_close(s);
    }
    close_rig(&r);
    rz_update_destroy(NULL);
}
END_TEST

START_TEST(one_rank_owns_all)
{
    rig r = open_rig(&arch, tiny_kernels(-1), NULL, 4, &usual);
    for (int n = 1; n < 10; n++) {
        int t0, t1;
        rz_update_owned(r.u, n, &t0, &t1);
        ck_assert(t0 == 0 && t1 == n);
    }
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, shards_and_trees, 0, 5);
    tcase_add_loop_test(t, balanced, 0, 8);
    tcase_add_loop_test(t, limited, 0, 3);
    tcase_add_loop_test(t, large_batches, 0, 3);
    tcase_add_loop_test(t, tables_and_threads, 0, 3 * tiny_n_kernels());
    tcase_add_loop_test(t, adamw_in_binary64, 0, 5);
    tcase_add_test(t, no_gradient);
    tcase_add_test(t, divergence);
    tcase_add_test(t, moments_resume);
    tcase_add_test(t, moments_refused);
    tcase_add_test(t, one_rank_owns_all);
}

int main(void)
{
    return tiny_main("update", add);
}
