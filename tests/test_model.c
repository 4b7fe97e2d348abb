/* policy: the model against itself in binary64 (tests/tiny.h), its gradient against central differences of that, and the promises of exactness:
 * cuts into calls, threads, kernel tables and neighbours change no bit. */
#include "policy/mathf.h"
#include "tests/tiny_rig.h"

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
    {{37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 1e4, true, RZ_QWEN2}, 3, 2, {3, 1}, 1},
    {{37, 20, 28, 2, 4, 2, 6, 32, 1e-5, 100, false, RZ_LLAMA, .attention_bias = true, .mlp_bias = true, .rope_type = RZ_ROPE_LINEAR, .factor = 2.5}, 3, 2,
     {1, 3}, 1},
    {{37, 20, 28, 2, 4, 2, 12, 64, 1e-3, 30, false, RZ_QWEN3}, 5, 2, {3, 1}, 1},
    {{37, 20, 28, 2, 3, 1, 16, 64, 1e-5, 1e3, true, RZ_QWEN3, .attention_bias = true}, 4, 2, {3, 1}, 0.8},
    {{37, 20, 28, 2, 2, 2, 16, 64, 1e-5, 1e4, false, RZ_MISTRAL, .rope_type = RZ_ROPE_LLAMA3, .factor = 8, .low_freq_factor = 1, .high_freq_factor = 4,
      .original_max_position_embeddings = 64}, 9, 2, {4, 2}, 1}, /* waves on either side and between */
};
enum { N_CASES = sizeof cases / sizeof cases[0], MAX_LENGTH = 64 };

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

/* Cuts into calls, threads, kernel tables, panels or none, what is computed again, in every family: the same bits as the reference in one call on one thread that keeps
 * everything. */
START_TEST(cuts_threads_and_tables)
{
    const int n_f32 = N_MIDDLINGS * tiny_n_kernels(); /* of f32, as many with keys and values in bfloat16, then the products */
    const rz_compute compute = _i < 2 * n_f32 ? RZ_COMPUTE_F32 : RZ_COMPUTE_BF16;
    const rz_kv_dtype kv = _i / n_f32 == 1 ? RZ_KV_BF16 : RZ_KV_F32;
    _i -= _i < n_f32 ? 0 : _i < 2 * n_f32 ? n_f32 : 2 * n_f32;
    rz_arch a = middlings[_i % N_MIDDLINGS];
    rz_arena arena = tiny_arena();
    rz_tree trees[N_TREES];
    many_trees(trees, &arena);
    float *logp = RZ_NEW(&arena, 4096, float), *other = RZ_NEW(&arena, 4096, float);
    rig wanted = open_rig(&a, tiny_kernels(0), NULL, 4);
    rz_policy_store(wanted.p, RZ_STORED_F32, compute, kv);
    gradient(&wanted, trees, N_TREES, 0, 0.9f);
    int n = outputs(trees, N_TREES, logp);
    size_t bytes = (size_t)wanted.p->layout.n_params * sizeof(float);
    for (int threads = 0, step = _i % N_MIDDLINGS > 1 ? 2 : 1; threads <= 3; threads += step) {
        rz_pool *pool = threads ? tiny_pool(threads) : NULL;
        rig r = open_rig(&a, tiny_kernels(_i / N_MIDDLINGS), pool, 4);
        rz_policy_store(r.p, RZ_STORED_F32, compute, kv);
        for (unsigned i = 0, cuts = 0; cuts < 1u << (N_TREES - 1); i++, cuts += i % 3 ? 0 : threads || _i < N_MIDDLINGS || _i % N_MIDDLINGS > 1 ? 7 : 1) {
            rz_learner_recompute(r.l, (rz_recompute)(i % 3));
            if (i == 2)
                rz_policy_panels(r.p);
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

/* Matrices computed with in bfloat16: as a policy whose matrices are those values (vectors stay), on every table, whatever is computed again; the weights
 * that an update changes are as they were. */
START_TEST(stored_as_bfloat16)
{
    rz_arch a = middlings[_i % N_MIDDLINGS];
    rz_arena arena = tiny_arena();
    rz_tree trees[N_TREES];
    many_trees(trees, &arena);
    float *logp = RZ_NEW(&arena, 4096, float), *other = RZ_NEW(&arena, 4096, float);
    rig wanted = open_rig(&a, tiny_kernels(0), NULL, 4);
    size_t bytes = (size_t)wanted.p->layout.n_params * sizeof(float);
    float *w = RZ_NEW(&arena, wanted.p->layout.n_params, float);
    memcpy(w, wanted.p->w, bytes);
    gradient(&wanted, trees, N_TREES, 0, 0.9f);
    int n = outputs(trees, N_TREES, other);
    for (int i = 0; i < wanted.p->layout.n_tensors; i++) {
        const rz_tensor *t = &wanted.p->layout.tensors[i];
        for (int64_t j = 0; t->cols && j < tiny_size(t); j++)
            wanted.p->w[t->offset + j] = rz_from_half(rz_half(w[t->offset + j]));
    }
    rz_policy_refresh(wanted.p);
    gradient(&wanted, trees, N_TREES, 0, 0.9f);
    ck_assert_int_eq(outputs(trees, N_TREES, logp), n);
    ck_assert(memcmp(logp, other, (size_t)n * sizeof *logp)); /* rounding shows */
    for (int threads = 0; threads <= 3; threads++) {
        rz_pool *pool = threads ? tiny_pool(threads) : NULL;
        rig r = open_rig(&a, tiny_kernels(_i / N_MIDDLINGS), pool, 4);
        rz_learner_recompute(r.l, (rz_recompute)(threads % 3));
        rz_learner_forward(r.l, trees, N_TREES, 0.9f);
        outputs(trees, N_TREES, other);
        ck_assert(memcmp(logp, other, (size_t)n * sizeof *logp));
        rz_policy_store(r.p, RZ_STORED_BF16, RZ_COMPUTE_F32, RZ_KV_F32);
        for (int panels = 0; panels < 2; panels++) {
            if (panels)
                rz_policy_panels(r.p);
            gradient(&r, trees, N_TREES, (unsigned)threads * 3, 0.9f);
            ck_assert_msg(!memcmp(r.grad, wanted.grad, bytes), "%s, %d threads, panels %d: another gradient", r.p->k->name, threads, panels);
            ck_assert_int_eq(outputs(trees, N_TREES, other), n);
            ck_assert_msg(!memcmp(logp, other, (size_t)n * sizeof *logp), "%s, %d threads, panels %d: other log-probabilities", r.p->k->name, threads, panels);
            ck_assert(!memcmp(r.p->w, w, bytes));
        }
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
        {{300, 48, 96, 3, 4, 2, 16, 512, 1e-6, 1e4, true, RZ_QWEN3}, {1, 0.9, 0.7}},
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
        ck_assert_msg(taken <= said && said <= 1.1 * taken + 16384, "recompute %d: said %g, took %g", recompute, said, taken);
        ck_assert_msg(said <= shapes[_i].share[recompute] * before, "recompute %d: %g of %g", recompute, said, before);
        before = said;
        close_rig(&r);
    }
    rz_arena_finish(&arena);
}
END_TEST

/* The head works on some hundred rows at once (fewer for a large vocabulary); where it begins anew changes nothing, nor whether logits are kept or computed
 * twice. */
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
    for (int recompute = RZ_RECOMPUTE_NONE; recompute < RZ_RECOMPUTE_ALL; recompute++) {
        rz_learner_recompute(r.l, (rz_recompute)recompute);
        gradient(&r, trees, n, ~0u, 1);
        ck_assert(!memcmp(first, r.grad, bytes));
        gradient(&r, trees, n, 0, 1);
        ck_assert(!memcmp(first, r.grad, bytes));
    }
    close_rig(&r);
}
END_TEST

/* Trees of more rows than go through a layer together (the more the threads, the more those are): attention has all that it reads, and with `compute: bf16` rows that are
 * worked on together end where blocks of the definition do, whatever calls, threads, the head's chunks and trees make of it. */
START_TEST(blocks_of_rows)
{
    enum { TREES = 7 };
    static const struct { int n_prefix, n, lengths[2]; } shapes[TREES] = {{0, 1, {300}}, {0, 1, {45}}, {5, 2, {2, 1}}, {40, 2, {290, 131}}, {0, 1, {33}}, {0, 1, {257}}, {70, 1, {320}}};
    rz_arch a = {50, 8, 24, 1, 2, 1, 4, 512, 1e-5, 1e4, true};
    rz_arena arena = tiny_arena();
    rz_stream s;
    rz_tree trees[TREES];
    rz_stream_init(&s, 13, RZ_RNG_TEST, 0);
    for (int i = 0; i < TREES; i++)
        trees[i] = tiny_tree(&s, shapes[i].n_prefix, shapes[i].lengths, shapes[i].n, a.vocab_size, &arena);
    float *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        rz_pool *pool = tiny_pool(threads);
        rig r = open_rig(&a, tiny_kernels(_i / 2), pool, 5);
        rz_policy_store(r.p, RZ_STORED_F32, _i % 2 ? RZ_COMPUTE_BF16 : RZ_COMPUTE_F32, RZ_KV_F32);
        size_t bytes = (size_t)r.p->layout.n_params * sizeof(float);
        for (int i = 0; i < 4; i++) {
            rz_learner_recompute(r.l, (rz_recompute)(i % RZ_RECOMPUTE_ALL));
            gradient(&r, trees, TREES, (unsigned)i * 0x2b, 1);
            if (!first)
                first = memcpy(RZ_NEW(&arena, r.p->layout.n_params, float), r.grad, bytes);
            ck_assert_msg(!memcmp(first, r.grad, bytes), "%s, %d threads, round %d: another gradient", r.p->k->name, threads, i);
        }
        close_rig(&r);
        rz_pool_destroy(pool);
    }
    rz_arena_finish(&arena);
}
END_TEST

/* It is the same model and gradient but for rounding to eight bits, of products or of keys and values: log-probabilities within a few hundredths, gradients of all tensors all
 * but parallel. */
START_TEST(computed_in_bfloat16)
{
    rig r = open_rig(&middlings[0], tiny_kernels(-1), NULL, 4), half = open_rig(&middlings[0], tiny_kernels(-1), NULL, 4);
    rz_tree trees[N_TREES];
    many_trees(trees, &r.arena);
    float *logp = RZ_NEW(&r.arena, 4096, float), *other = RZ_NEW(&r.arena, 4096, float);
    gradient(&r, trees, N_TREES, 0, 1);
    int n = outputs(trees, N_TREES, logp);
    rz_policy_store(half.p, RZ_STORED_F32, _i ? RZ_COMPUTE_F32 : RZ_COMPUTE_BF16, _i ? RZ_KV_BF16 : RZ_KV_F32);
    gradient(&half, trees, N_TREES, 0, 1);
    outputs(trees, N_TREES, other);
    for (int i = 0; i < n; i++)
        ck_assert_msg(fabsf(logp[i] - other[i]) < 0.15f, "%g, of bfloat16s %g", (double)logp[i], (double)other[i]);
    for (int i = 0; i < r.p->layout.n_tensors; i++) {
        const rz_tensor *t = &r.p->layout.tensors[i];
        double xx = 0, yy = 0, xy = 0;
        for (int64_t j = t->offset; j < t->offset + tiny_size(t); j++)
            xx += (double)r.grad[j] * r.grad[j], yy += (double)half.grad[j] * half.grad[j], xy += (double)r.grad[j] * half.grad[j];
        ck_assert_msg(xy >= 0.995 * sqrt(xx * yy) && xx != yy, "%s: cosine %g", t->name, xy / sqrt(xx * yy));
    }
    close_rig(&r);
    close_rig(&half);
}
END_TEST

/* A completion's numbers are its own: alone, among others, or with the prompt written out in front of it. */
START_TEST(neighbours)
{
    rig r = open_rig(&middlings[0], tiny_kernels(_i), NULL, 4);
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
    rig r = open_rig(&middlings[0], tiny_kernels(-1), NULL, 4);
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

static void add(TCase *t)
{
    tcase_add_loop_test(t, log_probabilities, 0, N_CASES * tiny_n_kernels());
    tcase_add_loop_test(t, gradients, 0, N_CASES);
    tcase_add_loop_test(t, cuts_threads_and_tables, 0, N_MIDDLINGS * (2 * tiny_n_kernels() + tiny_n_half_kernels()));
    tcase_add_loop_test(t, blocks_of_rows, 0, 2 * tiny_n_half_kernels());
    tcase_add_loop_test(t, computed_in_bfloat16, 0, 2);
    tcase_add_loop_test(t, stored_as_bfloat16, 0, N_MIDDLINGS * tiny_n_kernels());
    tcase_add_loop_test(t, memory_of_a_call, 0, 3);
    tcase_add_loop_test(t, rows_of_the_head, 0, 2);
    tcase_add_loop_test(t, neighbours, 0, tiny_n_kernels());
    tcase_add_test(t, shards_start_anew);
}

int main(void)
{
    return tiny_main("model", add);
}
