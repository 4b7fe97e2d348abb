/* policy: the model against itself in binary64 (tests/tiny.h), its gradient against central differences of that, and the promises of exactness:
 * cuts into calls, threads, kernel tables and neighbours change no bit. */
#include "policy/mathf.h"
#include "tests/tiny.h"

/* vocab, hidden, intermediate, layers, heads, key/value heads, head_dim, positions, eps, theta, tied */
static const struct {
    rz_arch arch;
    int n_prefix, n, lengths[4];
    double temperature;
} cases[] = {
    {{37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, 5, 4, {3, 1, 6, 2}, 1},
    {{37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, false}, 1, 2, {1, 4}, 0.7},
    {{19, 20, 28, 2, 3, 3, 6, 32, 1e-2, 100, false}, 0, 1, {7}, 1.3},  /* H/G = 1; a document */
    {{19, 21, 11, 3, 3, 1, 10, 32, 1e-6, 5e5, true}, 0, 3, {2, 5, 1}, 2}, /* H/G = 3; prompts of one token */
    {{33, 16, 32, 1, 2, 1, 16, 64, 1e-5, 1e4, false}, 17, 2, {18, 33}, 1}, /* more keys than a panel holds */
    {{2, 3, 1, 1, 1, 1, 2, 8, 1e-5, 1e4, true}, 1, 1, {1}, 0.5},         /* as small as it gets */
};
enum { N_CASES = sizeof cases / sizeof cases[0], MAX_LENGTH = 64 };

typedef struct {
    rz_policy *p;
    rz_learner *l;
    rz_arena arena;
    float *grad;
} rig;

static rig open_rig(const rz_arch *a, const rz_kernels *k, rz_pool *pool, uint32_t seed)
{
    rz_err err;
    rig r = {.p = tiny_policy(a, k, pool, seed, 1.5), .arena = tiny_arena()};
    ck_assert_msg(rz_learner_create(&r.l, r.p, &err), "%s", err.text);
    r.grad = RZ_NEW(&r.arena, r.p->layout.n_params, float);
    return r;
}

static void close_rig(rig *r)
{
    rz_learner_destroy(r->l);
    rz_policy_destroy(r->p);
    rz_arena_finish(&r->arena);
}

/* r->grad of one shard. Bit i of cuts: a new call after tree i. */
static void gradient(rig *r, const rz_tree *trees, int n, unsigned cuts, float temperature)
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

static rz_tree case_tree(int i, rz_arena *arena)
{
    rz_stream s;
    rz_stream_init(&s, 7, RZ_RNG_TEST, (uint64_t)i);
    return tiny_tree(&s, cases[i].n_prefix, cases[i].lengths, cases[i].n, cases[i].arch.vocab_size, arena);
}

/* ---- against binary64 ---- */

/* The worst of all cases is 1.4e-6: some twenty roundings on values of size one. */
START_TEST(log_probabilities)
{
    rz_arch a = cases[_i % N_CASES].arch;
    rig r = open_rig(&a, tiny_kernels(_i / N_CASES), NULL, 3);
    rz_tree tree = case_tree(_i % N_CASES, &r.arena);
    double temperature = cases[_i % N_CASES].temperature, logp[MAX_LENGTH], entropy[MAX_LENGTH], worst = 0, spread = 0;
    truth t = truth_create(r.p);
    rz_learner_forward(r.l, &tree, 1, (float)temperature);
    for (int k = 0; k < tree.n_sequences; k++) {
        const rz_sequence *s = &tree.sequences[k];
        truth_logp(&t, tree.prefix, tree.n_prefix, s, temperature, logp, entropy);
        for (int i = 0; i < s->n; i++) {
            worst = fmax(worst, fmax(fabs(s->logp[i] - logp[i]), fabs(s->entropy[i] - entropy[i])));
            spread = fmax(spread, fabs(logp[i] + log(a.vocab_size)));
        }
    }
    ck_assert_msg(worst <= 1e-5, "%s, case %d: off by %g", r.p->k->name, _i % N_CASES, worst);
    ck_assert_msg(spread > 0.1, "case %d says nothing", _i % N_CASES);
    truth_destroy(&t);
    close_rig(&r);
}
END_TEST

/* Σ dlogp · logp over the tree. */
static double tree_loss(const truth *t, const rz_tree *tree, double temperature)
{
    double logp[MAX_LENGTH], sum = 0;
    for (int k = 0; k < tree->n_sequences; k++) {
        const rz_sequence *s = &tree->sequences[k];
        truth_logp(t, tree->prefix, tree->n_prefix, s, temperature, logp, NULL);
        for (int i = 0; i < s->n; i++)
            sum += (double)s->dlogp[i] * logp[i];
    }
    return sum;
}

/* Central difference along direction(n) from w. In binary64 its own error is about 1e-9 of the gradient. */
static double difference(const truth *t, double *w, const double *direction, int64_t n, const rz_tree *tree, double temperature)
{
    const double h = 1e-5;
    double at[2];
    for (int side = 0; side < 2; side++) {
        for (int64_t i = 0; i < n; i++)
            w[i] += (side ? -h : h) * direction[i];
        at[side] = tree_loss(t, tree, temperature);
        for (int64_t i = 0; i < n; i++)
            w[i] -= (side ? -h : h) * direction[i];
    }
    return (at[0] - at[1]) / (2 * h);
}

/* Single elements: all of a vector, some of a matrix. And every element at once along two directions of random signs: a wrong one shows up with
 * its own size. Errors are relative to the largest element of the tensor's gradient (times the root of the number of elements along a direction).
 * The worst of all cases is 3e-6: the gradient is a chain of some hundred roundings; 2e-5 leaves room for another compiler, and a wrong formula
 * is wrong by 1e-2 and more. */
static void check_tensor(const rig *r, truth *t, const rz_tensor *x, const rz_tree *tree, double temperature, rz_stream *random)
{
    int64_t n = tiny_size(x);
    const float *grad = r->grad + x->offset;
    double *direction = calloc((size_t)n, sizeof *direction), scale = 0;
    for (int64_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(grad[i]));
    for (int k = 0; k < (n <= 40 ? (int)n : 12); k++) {
        int64_t i = n <= 40 ? k : rz_stream_range(random, 0, (int)n - 1);
        direction[i] = 1;
        double wanted = difference(t, t->w + x->offset, direction, n, tree, temperature), error = fabs(grad[i] - wanted) / scale;
        direction[i] = 0;
        ck_assert_msg(error <= 2e-5 || fabs(grad[i] - wanted) < 1e-9, "%s[%d] is %.9g, differences give %.9g", x->name, (int)i, grad[i], wanted);
    }
    for (int k = 0; k < 2; k++) {
        double ours = 0;
        for (int64_t i = 0; i < n; i++)
            ours += grad[i] * (direction[i] = rz_stream_below(random, 2) ? 1 : -1);
        double wanted = difference(t, t->w + x->offset, direction, n, tree, temperature), error = fabs(ours - wanted) / (scale * sqrt((double)n));
        ck_assert_msg(error <= 2e-5 || fabs(ours - wanted) < 1e-9, "%s along a direction: %.9g, differences give %.9g", x->name, ours, wanted);
    }
    free(direction);
}

START_TEST(gradients)
{
    rz_arch a = cases[_i].arch;
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 3);
    rz_tree tree = case_tree(_i, &r.arena);
    truth t = truth_create(r.p);
    rz_stream random;
    rz_stream_init(&random, 8, RZ_RNG_TEST, (uint64_t)_i);
    gradient(&r, &tree, 1, 0, (float)cases[_i].temperature);
    for (int i = 0; i < r.p->layout.n_tensors; i++)
        check_tensor(&r, &t, &r.p->layout.tensors[i], &tree, (float)cases[_i].temperature, &random);
    truth_destroy(&t);
    close_rig(&r);
}
END_TEST

/* ---- exactness ---- */

static const rz_arch middling = {150, 40, 56, 2, 4, 2, 10, 64, 1e-5, 1e4, true}; /* large enough for its products to be cut for threads */
enum { N_TREES = 4 };

static void many_trees(rz_tree *trees, rz_arena *arena)
{
    static const struct { int n_prefix, n, lengths[3]; } shapes[N_TREES] = {{9, 3, {12, 3, 7}}, {0, 1, {25}}, {1, 2, {1, 2}}, {17, 2, {16, 1}}};
    rz_stream s;
    rz_stream_init(&s, 9, RZ_RNG_TEST, 0);
    for (int i = 0; i < N_TREES; i++)
        trees[i] = tiny_tree(&s, shapes[i].n_prefix, shapes[i].lengths, shapes[i].n, middling.vocab_size, arena);
}

/* Log-probabilities and entropies of all trees in one array. Returns how many. */
static int outputs(const rz_tree *trees, int n_trees, float *to)
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

/* Cuts into calls, threads, kernel tables, what is computed again, tied and untied: the same bits as the reference in one call on one thread that keeps
 * everything. */
START_TEST(cuts_threads_and_tables)
{
    rz_arch a = middling;
    a.tie_word_embeddings = _i & 1;
    rz_arena arena = tiny_arena();
    rz_tree trees[N_TREES];
    many_trees(trees, &arena);
    float *logp = RZ_NEW(&arena, 4096, float), *other = RZ_NEW(&arena, 4096, float);
    rig wanted = open_rig(&a, tiny_kernels(0), NULL, 4);
    gradient(&wanted, trees, N_TREES, 0, 0.9f);
    int n = outputs(trees, N_TREES, logp);
    size_t bytes = (size_t)wanted.p->layout.n_params * sizeof(float);
    for (int threads = 0; threads <= 3; threads++) {
        rz_pool *pool = threads ? tiny_pool(threads) : NULL;
        rig r = open_rig(&a, tiny_kernels(_i / 2), pool, 4);
        for (unsigned i = 0, cuts = 0; cuts < 1u << (N_TREES - 1); i++, cuts += i % 3 ? 0 : threads || _i < 2 ? 7 : 1) {
            rz_learner_recompute(r.l, (rz_recompute)(i % 3));
            gradient(&r, trees, N_TREES, cuts, 0.9f);
            ck_assert_msg(!memcmp(r.grad, wanted.grad, bytes), "%s, %d threads, cuts %u, recompute %u: another gradient", r.p->k->name, threads, cuts, i % 3);
            ck_assert_int_eq(outputs(trees, N_TREES, other), n);
            ck_assert_msg(!memcmp(logp, other, (size_t)n * sizeof *logp), "%s, %d threads, cuts %u, recompute %u: other log-probabilities", r.p->k->name,
                          threads, cuts, i % 3);
        }
        rz_learner_recompute(r.l, RZ_RECOMPUTE_ALL);
        rz_learner_forward(r.l, trees, N_TREES, 0.9f);
        ck_assert(outputs(trees, N_TREES, other) == n && !memcmp(logp, other, (size_t)n * sizeof *logp));
        close_rig(&r);
        rz_pool_destroy(pool);
    }
    close_rig(&wanted);
    rz_arena_finish(&arena);
}
END_TEST

/* What a call takes is known before: not less than it took, and not much more. Of the settings each takes less than the one before. */
START_TEST(memory_of_a_call)
{
    static const struct { rz_arch arch; double share[3]; } shapes[] = { /* share: of what the setting before took, at most */
        {{300, 64, 192, 6, 4, 2, 16, 512, 1e-5, 1e4, true}, {1, 0.8, 0.5}},
        {{20000, 16, 32, 2, 2, 1, 8, 512, 1e-5, 1e4, true}, {1, 1, 1}}, /* most of it are logits */
    };
    static const int lengths[3] = {400, 300, 200};
    rz_arch a = shapes[_i].arch;
    rz_arena arena = tiny_arena();
    rz_stream s;
    rz_stream_init(&s, 12, RZ_RNG_TEST, 0);
    rz_tree trees[3];
    for (int t = 0; t < 3; t++)
        trees[t] = tiny_tree(&s, 100, lengths, 3, a.vocab_size, &arena);
    double before = 1e18;
    for (int recompute = RZ_RECOMPUTE_NONE; recompute < RZ_RECOMPUTE_ALL; recompute++) {
        rig r = open_rig(&a, tiny_kernels(-1), NULL, 4);
        rz_learner_recompute(r.l, (rz_recompute)recompute);
        double said = (double)rz_learner_bytes(r.l, trees, 3);
        gradient(&r, trees, 3, 0, 1);
        double taken = (double)rz_learner_peak(r.l);
        ck_assert_msg(taken <= said && said <= 1.1 * taken + 4096, "recompute %d: said %g, took %g", recompute, said, taken);
        ck_assert_msg(said <= shapes[_i].share[recompute] * before, "recompute %d: %g of %g", recompute, said, before);
        before = said;
        close_rig(&r);
    }
    rz_arena_finish(&arena);
}
END_TEST

/* The head works on some hundred rows at once (fewer for a large vocabulary); where it begins anew changes nothing. */
START_TEST(rows_of_the_head)
{
    static const struct { rz_arch arch; int n, lengths[4]; } tall[] = {
        {{50, 8, 8, 1, 1, 1, 4, 512, 1e-5, 1e4, true}, 3, {300, 300, 300}},
        {{20000, 4, 4, 1, 1, 1, 4, 256, 1e-5, 1e4, true}, 2, {150, 120}},
    };
    rz_arch a = tall[_i].arch;
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 5);
    rz_tree trees[4];
    rz_stream s;
    int n = tall[_i].n;
    rz_stream_init(&s, 10, RZ_RNG_TEST, 0);
    for (int i = 0; i < n; i++)
        trees[i] = tiny_tree(&s, 0, &tall[_i].lengths[i], 1, a.vocab_size, &r.arena);
    size_t bytes = (size_t)r.p->layout.n_params * sizeof(float);
    float *first = RZ_NEW(&r.arena, r.p->layout.n_params, float);
    gradient(&r, trees, n, 0, 1);
    memcpy(first, r.grad, bytes);
    gradient(&r, trees, n, ~0u, 1);
    ck_assert(!memcmp(first, r.grad, bytes));
    close_rig(&r);
}
END_TEST

/* A completion's numbers are its own: alone, among others, or with the prompt written out in front of it. */
START_TEST(neighbours)
{
    rig r = open_rig(&middling, tiny_kernels(_i), NULL, 4);
    rz_tree trees[N_TREES];
    many_trees(trees, &r.arena);
    rz_learner_forward(r.l, trees, N_TREES, 1.5f);
    for (int t = 0; t < N_TREES; t++)
        for (int k = 0; k < trees[t].n_sequences; k++) {
            const rz_sequence *s = &trees[t].sequences[k];
            size_t bytes = (size_t)s->n * sizeof(float);
            int n_prefix = trees[t].n_prefix, n = n_prefix + s->n;
            float *together = RZ_NEW(&r.arena, s->n, float);
            memcpy(together, s->logp, bytes);
            rz_learner_forward(r.l, &(rz_tree){trees[t].prefix, n_prefix, 1, s}, 1, 1.5f);
            ck_assert(!memcmp(together, s->logp, bytes));

            rz_sequence whole = tiny_sequence(&(rz_stream){0}, n, 2, &r.arena);
            int32_t *ids = RZ_NEW(&r.arena, n + 1, int32_t);
            memcpy(ids, trees[t].prefix, (size_t)n_prefix * sizeof *ids);
            memcpy(ids + n_prefix, s->ids, (size_t)s->n * sizeof *ids);
            ids[n] = s->targets[s->n - 1];
            whole.ids = ids;
            whole.targets = ids + 1;
            rz_learner_forward(r.l, &(rz_tree){NULL, 0, 1, &whole}, 1, 1.5f);
            ck_assert(!memcmp(together, whole.logp + n_prefix, bytes));
        }
    close_rig(&r);
}
END_TEST

START_TEST(shards_start_anew)
{
    rig r = open_rig(&middling, tiny_kernels(-1), NULL, 4);
    rz_tree trees[N_TREES];
    many_trees(trees, &r.arena);
    size_t bytes = (size_t)r.p->layout.n_params * sizeof(float);
    float *first = RZ_NEW(&r.arena, r.p->layout.n_params, float);
    int rows = 0;
    for (int i = 0; i < N_TREES; i++)
        rows += rz_tree_rows(&trees[i]);
    ck_assert_int_eq(rows, 9 + 12 + 3 + 7 + 25 + 1 + 1 + 2 + 17 + 16 + 1);
    gradient(&r, trees, 2, 0, 1);
    memcpy(first, r.grad, bytes);
    gradient(&r, trees + 2, 2, 0, 1);
    ck_assert(memcmp(first, r.grad, bytes));
    gradient(&r, trees, 2, 1, 1);
    ck_assert(!memcmp(first, r.grad, bytes));
    for (int i = 0; i < trees[2].n_sequences; i++)
        memset((float *)trees[2].sequences[i].dlogp, 0, (size_t)trees[2].sequences[i].n * sizeof(float));
    gradient(&r, trees + 2, 1, 0, 1);
    for (int64_t i = 0; i < r.p->layout.n_params; i++)
        ck_assert(r.grad[i] == 0);
    close_rig(&r);
}
END_TEST

/* ---- by the definition ---- */

/* The gradient of a shard once more, as docs/numerics.md (sections 4 and 6) says it: one layer after the other over all rows, in plain loops and
 * reference kernels, without calls, cuts or threads. What may be added in another order without being wrong is pinned down here. */
enum { LAYERS = 2, RUNS = 16 };

typedef struct { int row0, n, parent; rz_kv kv[LAYERS]; } segment; /* parent: index of the prompt's segment, or −1 */
typedef struct { float *x_in, *x_mid, *h1, *h2, *rstd1, *rstd2, *qkv, *att, *row_max, *row_sum, *gate_up, *act; } activations;

typedef struct {
    const rz_policy *p;
    rz_arena *arena;
    segment segments[RUNS];
    int n_segments, M;
    int32_t *ids, *pos, *target; /* target −1: no loss */
    float *dlogp, *h, *x_out, *rstd;
    activations layers[LAYERS];
} shard;

static float *zeros(shard *s, int n)
{
    return RZ_ZNEW(s->arena, n, float);
}

/* y = x·Wᵀ */
static float *linear(shard *s, const float *x, const float *w, int N, int K)
{
    float *y = zeros(s, s->M * N);
    for (int m = 0; m < s->M; m++)
        for (int n = 0; n < N; n++)
            for (int k = 0; k < K; k++)
                y[m * N + n] = rz_fmaf(x[m * K + k], w[n * K + k], y[m * N + n]);
    return y;
}

/* dx = dy·W; dW += dyᵀ·x over the rows in order, without those that have no loss. */
static float *linear_backward(shard *s, float *dw, const float *dy, const float *x, const float *w, int N, int K, bool all_rows)
{
    float *dx = zeros(s, s->M * K);
    for (int m = 0; m < s->M; m++)
        for (int n = 0; n < N && (all_rows || s->target[m] >= 0); n++)
            for (int k = 0; k < K; k++) {
                dx[m * K + k] = rz_fmaf(dy[m * N + n], w[n * K + k], dx[m * K + k]);
                dw[n * K + k] = rz_fmaf(dy[m * N + n], x[m * K + k], dw[n * K + k]);
            }
    return dx;
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
        for (int k = 0; k < tree->n_sequences; k++)
            add_segment(s, tree->sequences[k].ids, &tree->sequences[k], tree->sequences[k].n, tree->n_prefix, prompt);
        if (tree->n_prefix)
            add_segment(s, tree->prefix, NULL, tree->n_prefix, 0, -1);
    }
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
        p->k->kv_append(&g->kv[l], rows + H * E, rows + (H + G) * E, W, g->n, G, E);
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

static float *copy(shard *s, const float *x, int n)
{
    return memcpy(zeros(s, n), x, (size_t)n * sizeof *x);
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
        a->qkv = linear(s, a->h1, p->w + o->qkv, W, D);
        p->k->rope(a->qkv, W, p->rope->cs, s->pos, s->M, H + G, E, false);
        a->att = zeros(s, s->M * H * E);
        a->row_max = zeros(s, s->M * H);
        a->row_sum = zeros(s, s->M * H);
        attention(s, l, true);
        attention(s, l, false);
        a->h2 = norm(s, x, linear(s, a->att, p->w + o->o, D, H * E), o->norm2, &a->rstd2);
        a->x_mid = copy(s, x, s->M * D);
        a->gate_up = linear(s, a->h2, p->w + o->gate_up, 2 * F, D);
        a->act = zeros(s, s->M * F);
        p->k->swiglu_forward(a->act, a->gate_up, s->M, F);
        y = linear(s, a->act, p->w + o->down, D, F);
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
    float *logits = linear(s, s->h, p->w + p->layout.head, V, D), *dx = zeros(s, s->M * D), logp, mx, sum;
    for (int m = 0; m < s->M; m++)
        if (s->target[m] >= 0) {
            p->k->logp_forward(&logp, NULL, &mx, &sum, logits + m * V, V, &s->target[m], temperature, 1, V);
            p->k->logp_backward(logits + m * V, logits + m * V, V, &mx, &sum, &s->target[m], &s->dlogp[m], temperature, 1, V);
        }
    float *dh = linear_backward(s, grad + p->layout.head, logits, s->h, p->w + p->layout.head, V, D, false);
    norm_backward(s, dx, dh, s->x_out, s->rstd, p->layout.norm, grad);
    for (int l = LAYERS - 1; l >= 0; l--) {
        const rz_layer_offsets *o = &p->layout.layers[l];
        const activations *a = &s->layers[l];
        float *dact = linear_backward(s, grad + o->down, dx, a->act, p->w + o->down, D, F, true), *dgate_up = zeros(s, s->M * 2 * F);
        p->k->swiglu_backward(dgate_up, dact, a->gate_up, s->M, F);
        norm_backward(s, dx, linear_backward(s, grad + o->gate_up, dgate_up, a->h2, p->w + o->gate_up, 2 * F, D, true), a->x_mid, a->rstd2, o->norm2, grad);
        float *dqkv = attention_backward(s, l, linear_backward(s, grad + o->o, dx, a->att, p->w + o->o, D, H * E, true));
        norm_backward(s, dx, linear_backward(s, grad + o->qkv, dqkv, a->h1, p->w + o->qkv, (H + 2 * G) * E, D, true), a->x_in, a->rstd1, o->norm1, grad);
    }
    for (int m = 0; m < s->M; m++)
        for (int d = 0; d < D; d++)
            grad[p->layout.embed + s->ids[m] * D + d] += dx[m * D + d];
}

START_TEST(the_definition)
{
    rz_arch a = middling;
    a.tie_word_embeddings = _i;
    rig r = open_rig(&a, tiny_kernels(0), NULL, 4);
    rz_tree trees[N_TREES];
    many_trees(trees, &r.arena);
    shard s = {.p = r.p, .arena = &r.arena, .ids = RZ_NEW(&r.arena, 200, int32_t), .pos = RZ_NEW(&r.arena, 200, int32_t),
               .target = RZ_NEW(&r.arena, 200, int32_t), .dlogp = RZ_NEW(&r.arena, 200, float)};
    float *grad = zeros(&s, (int)r.p->layout.n_params);
    lay_out(&s, trees, N_TREES);
    forward(&s);
    backward(&s, 0.9f, grad);
    gradient(&r, trees, N_TREES, 0, 0.9f);
    for (int i = 0; i < r.p->layout.n_tensors; i++) {
        const rz_tensor *t = &r.p->layout.tensors[i];
        ck_assert_msg(!memcmp(r.grad + t->offset, grad + t->offset, (size_t)tiny_size(t) * sizeof *grad), "%s is not as defined", t->name);
    }
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_loop_test(t, log_probabilities, 0, N_CASES * tiny_n_kernels());
    tcase_add_loop_test(t, gradients, 0, N_CASES);
    tcase_add_loop_test(t, cuts_threads_and_tables, 0, 2 * tiny_n_kernels());
    tcase_add_loop_test(t, memory_of_a_call, 0, 2);
    tcase_add_loop_test(t, rows_of_the_head, 0, 2);
    tcase_add_loop_test(t, neighbours, 0, tiny_n_kernels());
    tcase_add_test(t, shards_start_anew);
    tcase_add_loop_test(t, the_definition, 0, 2);
}

int main(void)
{
    return tiny_main("model", add);
}
