/* policy: the model against itself in binary64 (tests/tiny.h), its gradient against central differences of that, and the promises of exactness:
 * cuts into calls, threads, kernel tables and neighbours change no bit. */
#include "tests/tiny.h"

#include <unistd.h>

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

/* Cuts into calls, threads, kernel tables, tied and untied: the same bits as the reference in one call on one thread. */
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
        for (unsigned cuts = 0; cuts < 1u << (N_TREES - 1); cuts += threads ? 7 : 1) {
            gradient(&r, trees, N_TREES, cuts, 0.9f);
            ck_assert_msg(!memcmp(r.grad, wanted.grad, bytes), "%s, %d threads, cuts %u: another gradient", r.p->k->name, threads, cuts);
            ck_assert_int_eq(outputs(trees, N_TREES, other), n);
            ck_assert_msg(!memcmp(logp, other, (size_t)n * sizeof *logp), "%s, %d threads, cuts %u: other log-probabilities", r.p->k->name, threads, cuts);
        }
        close_rig(&r);
        rz_pool_destroy(pool);
    }
    close_rig(&wanted);
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

/* ---- weights ---- */

START_TEST(first_weights)
{
    rz_arch a = {64, 64, 96, 2, 4, 2, 16, 64, 1e-5, 1e4, false};
    rz_policy *p, *q;
    rz_err err;
    ck_assert(rz_policy_create(&p, &a, tiny_kernels(-1), NULL, &err) && rz_policy_create(&q, &a, tiny_kernels(0), NULL, &err));
    rz_policy_init_weights(p, 1);
    rz_policy_init_weights(q, 1);
    ck_assert(!memcmp(p->w, q->w, (size_t)p->layout.n_params * sizeof *p->w));
    int64_t at = 0;
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        double sum = 0, squares = 0, n = (double)tiny_size(t);
        ck_assert_int_eq(t->offset, at); /* no gaps */
        ck_assert_int_eq(t->decay, t->cols > 0);
        at += tiny_size(t);
        for (int64_t j = t->offset; j < at; j++) {
            sum += p->w[j];
            squares += (double)p->w[j] * p->w[j];
        }
        bool out = strstr(t->name, "o_proj") || strstr(t->name, "down_proj"), outer = strstr(t->name, "embed") || strstr(t->name, "lm_head");
        double std = out ? 0.02 / sqrt(2 * 2) : outer ? 0.02 : 1 / sqrt(64);
        if (!t->cols)
            ck_assert_msg(sum == n && squares == n, "%s is not 1 everywhere", t->name);
        else
            ck_assert_msg(fabs(sum / n) < 5 * std / sqrt(n) && fabs(sqrt(squares / n) / std - 1) < 5 / sqrt(2 * n), "%s: mean %g, deviation %g", t->name,
                          sum / n, sqrt(squares / n));
    }
    ck_assert_int_eq(p->layout.n_params, at);
    rz_policy_init_weights(q, 2);
    ck_assert(memcmp(p->w, q->w, (size_t)p->layout.n_params * sizeof *p->w));
    ck_assert(rz_policy_finite(p));
    p->w[at - 1] = INFINITY;
    ck_assert(!rz_policy_finite(p));
    rz_policy_destroy(p);
    rz_policy_destroy(q);
    rz_policy_destroy(NULL);
}
END_TEST

static char folder[256];

static char *file_path(void)
{
    static char path[300];
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rz_model_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.h5", folder);
    return path;
}

static rz_store *new_store(void)
{
    rz_store *s;
    rz_err err;
    ck_assert(rz_store_create(&s, &err));
    return s;
}

START_TEST(put_and_get)
{
    rz_arch a = cases[_i].arch, found;
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 6);
    rz_tree tree = case_tree(_i, &r.arena);
    char *path = file_path();
    rz_err err;
    rz_store *s = new_store();
    rz_policy *back;
    rz_learner *l;
    ck_assert_msg(rz_policy_put(r.p, s, &err) && rz_store_commit(s, path, &err), "%s", err.text);
    rz_store_close(s);
    ck_assert(rz_store_open(&s, path, &err));
    ck_assert_msg(rz_policy_get_arch(&found, s, &err), "%s", err.text);
    ck_assert(rz_policy_create(&back, &found, tiny_kernels(-1), NULL, &err));
    ck_assert_msg(rz_policy_get(back, s, &err), "%s", err.text);
    ck_assert(!memcmp(back->w, r.p->w, (size_t)r.p->layout.n_params * sizeof(float)));
    rz_store_close(s);

    float before = (rz_learner_forward(r.l, &tree, 1, 1), tree.sequences[0].logp[0]); /* panels too */
    ck_assert(rz_learner_create(&l, back, &err));
    rz_learner_forward(l, &tree, 1, 1);
    ck_assert(tree.sequences[0].logp[0] == before);
    rz_learner_destroy(l);
    rz_policy_destroy(back);
    close_rig(&r);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* Every field of the architecture. */
START_TEST(another_architecture)
{
    static const rz_arch others[] = {
        {38, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 24, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 27, 2, 4, 2, 6, 32, 1e-5, 1e4, true},
        {37, 20, 28, 1, 4, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 2, 2, 6, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 1, 6, 32, 1e-5, 1e4, true},
        {37, 20, 28, 2, 4, 2, 8, 32, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 2, 6, 16, 1e-5, 1e4, true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-6, 1e4, true},
        {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e3, true}, {37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, false},
    };
    static const char *const said[] = {
        "vocab_size is 37, expected 38", "hidden_size is 20, expected 24", "intermediate_size is 28, expected 27", "num_hidden_layers is 2, expected 1",
        "num_attention_heads is 4, expected 2", "num_key_value_heads is 2, expected 1", "head_dim is 6, expected 8",
        "max_position_embeddings is 32, expected 16", "rms_norm_eps is 1e-05, expected 1e-06", "rope_theta is 10000, expected 1000",
        "tie_word_embeddings is 1, expected 0",
    };
    rz_policy *p = tiny_policy(&cases[0].arch, tiny_kernels(-1), NULL, 1, 1), *other = tiny_policy(&others[_i], tiny_kernels(-1), NULL, 1, 1);
    rz_store *s = new_store();
    rz_err err = {0};
    ck_assert(rz_policy_put(p, s, &err));
    ck_assert(!rz_policy_get(other, s, &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, said[_i]), "%s", err.text);
    rz_store_close(s);
    rz_policy_destroy(p);
    rz_policy_destroy(other);
}
END_TEST

START_TEST(bad_weights)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    rz_policy *p = tiny_policy(&cases[0].arch, tiny_kernels(-1), NULL, 1, 1);
    rz_err err = {0};
    for (int i = 0; i < 3; i++) {
        rz_store *s = new_store();
        float *at = &p->w[i == 1 ? p->layout.n_params - 1 : 5], good = *at;
        *at = bad[i];
        ck_assert(rz_policy_put(p, s, &err));
        ck_assert(!rz_policy_get(p, s, &err));
        ck_assert_int_eq(err.code, RZ_EDATA);
        ck_assert_ptr_nonnull(strstr(err.text, "not finite"));
        *at = good;
        rz_store_close(s);
    }
    rz_store *s = new_store(); /* nothing in it; then no tensors; then one of another shape */
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "arch"));
    char *text = rz_arch_dump(&p->arch);
    ck_assert(rz_store_put_text(s, "arch", text, &err));
    free(text);
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "model/model.embed_tokens.weight"));
    ck_assert(rz_store_put(s, "model/model.embed_tokens.weight", (rz_shape){RZ_F32, 2, {20, 37}}, p->w, &err));
    ck_assert(!rz_policy_get(p, s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "model/model.embed_tokens.weight"));
    rz_store_close(s);
    rz_policy_destroy(p);
}
END_TEST

/* ---- architectures ---- */

START_TEST(architecture_as_text)
{
    rz_arch a = cases[_i].arch, back;
    char *text = rz_arch_dump(&a), differ[200];
    rz_err err;
    memset(&back, 0xff, sizeof back);
    ck_assert_msg(rz_arch_parse(&back, "config.json", text, &err), "%s", err.text);
    ck_assert(!rz_arch_differ(&back, &a, differ, sizeof differ));
    free(text);
}
END_TEST

#define ARCH(vocab, hidden, heads, kv, dim, eps, tied) \
    "{\"model_type\":\"llama\",\"vocab_size\":" vocab ",\"hidden_size\":" hidden ",\"intermediate_size\":8,\"num_hidden_layers\":1," \
    "\"num_attention_heads\":" heads ",\"num_key_value_heads\":" kv ",\"head_dim\":" dim ",\"max_position_embeddings\":16," \
    "\"rms_norm_eps\":" eps ",\"rope_theta\":1e4,\"tie_word_embeddings\":" tied "}"
static const char *const refused[][2] = {
    {ARCH("1", "8", "4", "2", "4", "1e-5", "true"), "vocab_size is 1, must be 2..10000000"},
    {ARCH("9", "0", "4", "2", "4", "1e-5", "true"), "hidden_size is 0"},
    {ARCH("9", "-8", "4", "2", "4", "1e-5", "true"), "hidden_size is -8"},
    {ARCH("9", "8.5", "4", "2", "4", "1e-5", "true"), "hidden_size has the wrong type"},
    {ARCH("9", "99999999999", "4", "2", "4", "1e-5", "true"), "hidden_size is 99999999999"},
    {ARCH("9", "8", "4", "3", "4", "1e-5", "true"), "num_attention_heads is 4, must be a multiple of num_key_value_heads (3)"},
    {ARCH("9", "8", "4", "2", "5", "1e-5", "true"), "head_dim is 5, must be even"},
    {ARCH("9", "8", "4", "2", "4", "0", "true"), "rms_norm_eps is 0"},
    {ARCH("9", "8", "4", "2", "4", "\"a\"", "true"), "rms_norm_eps has the wrong type"},
    {ARCH("9", "8", "4", "2", "4", "1e-5", "1"), "tie_word_embeddings has the wrong type"},
    {"{\"model_type\":\"gpt2\"}", "model_type is gpt2"},
    {"{\"vocab_size\":9}", "model_type is missing"},
    {"{\"model_type\":\"llama\"}", "vocab_size is missing"},
    {"[1]", "not a JSON object"},
    {"{", "not a JSON object"},
};

START_TEST(bad_architectures)
{
    rz_arch a;
    rz_err err = {0};
    ck_assert(!rz_arch_parse(&a, "config.json", refused[_i][0], &err));
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, "config.json") && strstr(err.text, refused[_i][1]), "'%s' does not say '%s'", err.text, refused[_i][1]);
}
END_TEST

START_TEST(the_program_checks_too)
{
    rz_arch good = cases[0].arch, bad = good;
    rz_policy *p = NULL;
    rz_err err = {0};
    ck_assert(rz_arch_check(&good, &err));
    bad.rope_theta = NAN;
    ck_assert(!rz_policy_create(&p, &bad, tiny_kernels(-1), NULL, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_ptr_null(p);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_loop_test(t, log_probabilities, 0, N_CASES * tiny_n_kernels());
    tcase_add_loop_test(t, gradients, 0, N_CASES);
    tcase_add_loop_test(t, cuts_threads_and_tables, 0, 2 * tiny_n_kernels());
    tcase_add_loop_test(t, rows_of_the_head, 0, 2);
    tcase_add_loop_test(t, neighbours, 0, tiny_n_kernels());
    tcase_add_test(t, shards_start_anew);
    tcase_add_test(t, first_weights);
    tcase_add_loop_test(t, put_and_get, 0, N_CASES);
    tcase_add_loop_test(t, another_architecture, 0, 11);
    tcase_add_test(t, bad_weights);
    tcase_add_loop_test(t, architecture_as_text, 0, N_CASES);
    tcase_add_loop_test(t, bad_architectures, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(t, the_program_checks_too);
}

int main(void)
{
    return tiny_main("model", add);
}
