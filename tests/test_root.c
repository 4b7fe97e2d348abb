/* policy: what all prefixes of a shard begin with is computed once. Against the same trees without a root (log-probabilities: the same bits; gradients: to
 * rounding, and those are checked by differences in test_model.c); cuts into calls, threads, tables and recomputing change no bit. */
#include "tests/tiny_rig.h"

enum { ROOT = 32, MOST = 4 };

/* Prefixes that begin with the same ROOT tokens and go on differently. */
static void rooted_trees(rz_tree *trees, int V, rz_arena *arena)
{
    static const struct { int suffix, n, lengths[3]; } shapes[MOST] = {{5, 3, {12, 3, 7}}, {1, 1, {9}}, {17, 2, {1, 2}}, {2, 2, {13, 1}}};
    rz_stream s;
    rz_stream_init(&s, 91, RZ_RNG_TEST, 0);
    const int32_t *root = NULL;
    for (int i = 0; i < MOST; i++) {
        trees[i] = tiny_tree(&s, ROOT + shapes[i].suffix, shapes[i].lengths, shapes[i].n, V, arena);
        if (i)
            memcpy((int32_t *)trees[i].prefix, root, ROOT * sizeof *root);
        else
            root = trees[i].prefix;
        ((int32_t *)trees[i].prefix)[ROOT] = i % V;
    }
}

static void rooted_gradient(rig *r, const rz_tree *trees, unsigned cuts, int n_root)
{
    rz_learner_root(r->l, trees[0].prefix, n_root);
    gradient(r, trees, MOST, cuts, 0.9f);
}

START_TEST(what_prefixes_share)
{
    static const struct { int n[3], same, root; } rows[] = {
        {{40, 41, 50}, 39, 32}, {{40, 41, 50}, 32, 32}, {{40, 41, 50}, 31, 16}, {{40, 33, 50}, 33, 32}, {{40, 32, 50}, 32, 16}, {{40, 41, 50}, 3, 0},
        {{40, 0, 50}, 0, 0}, {{17, 17, 17}, 17, 16}, {{16, 16, 16}, 16, 0}, {{0, 0, 0}, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t ids[3][64];
        rz_tree trees[3];
        for (int t = 0; t < 3; t++) {
            for (int j = 0; j < 64; j++)
                ids[t][j] = j < rows[i].same ? j : 100 * (t == 2) + j; /* the last one leaves the others */
            trees[t] = (rz_tree){ids[t], rows[i].n[t], 0, NULL};
        }
        ck_assert_int_eq(rz_trees_root(trees, 3), rows[i].root);
        ck_assert_int_eq(rz_trees_root(trees, 1), 0);
    }
    ck_assert_int_eq(rz_trees_root(&(rz_tree){NULL, 0, 0, NULL}, 1), 0);
}
END_TEST

/* Against trees without a root: the worst of all families is 1.6e-6 of the largest element of its tensor. */
START_TEST(as_without)
{
    rz_arch a = middlings[_i];
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 4);
    rz_tree trees[MOST];
    rooted_trees(trees, a.vocab_size, &r.arena);
    float *logp = RZ_NEW(&r.arena, 4096, float), *other = RZ_NEW(&r.arena, 4096, float), *wanted = RZ_NEW(&r.arena, r.p->layout.n_params, float);
    gradient(&r, trees, MOST, 0, 0.9f);
    int n = outputs(trees, MOST, logp);
    memcpy(wanted, r.grad, (size_t)r.p->layout.n_params * sizeof *wanted);
    for (int root = 16; root <= ROOT; root += 16) {
        rooted_gradient(&r, trees, 0, root);
        ck_assert(outputs(trees, MOST, other) == n && !memcmp(logp, other, (size_t)n * sizeof *logp));
        for (int t = 0; t < r.p->layout.n_tensors; t++) {
            const rz_tensor *x = &r.p->layout.tensors[t];
            double scale = 0, worst = 0;
            for (int64_t i = x->offset; i < x->offset + tiny_size(x); i++) {
                scale = fmax(scale, fabs(wanted[i]));
                worst = fmax(worst, fabs((double)r.grad[i] - wanted[i]));
            }
            ck_assert_msg(worst <= 5e-6 * scale + 1e-12, "root of %d, %s: off by %g of %g", root, x->name, worst, scale);
        }
    }
    close_rig(&r);
}
END_TEST

START_TEST(cuts_threads_and_tables)
{
    rz_arch a = middlings[_i % N_MIDDLINGS];
    rz_arena arena = tiny_arena();
    rz_tree trees[MOST];
    rooted_trees(trees, a.vocab_size, &arena);
    float *logp = RZ_NEW(&arena, 4096, float), *other = RZ_NEW(&arena, 4096, float);
    rig wanted = open_rig(&a, tiny_kernels(0), NULL, 4);
    rooted_gradient(&wanted, trees, 0, ROOT);
    int n = outputs(trees, MOST, logp);
    for (int threads = 0; threads <= 3; threads += 3) {
        rz_pool *pool = threads ? tiny_pool(threads) : NULL;
        rig r = open_rig(&a, tiny_kernels(_i / N_MIDDLINGS), pool, 4);
        for (unsigned cuts = 0; cuts < 1u << (MOST - 1); cuts += 1 + (threads > 0)) {
            rz_learner_recompute(r.l, (rz_recompute)(cuts % 3));
            rooted_gradient(&r, trees, cuts, ROOT);
            ck_assert_msg(!memcmp(r.grad, wanted.grad, (size_t)r.p->layout.n_params * sizeof(float)), "%s, %d threads, cuts %u: another gradient", r.p->k->name,
                          threads, cuts);
            ck_assert(outputs(trees, MOST, other) == n && !memcmp(logp, other, (size_t)n * sizeof *logp));
        }
        rz_learner_recompute(r.l, RZ_RECOMPUTE_ALL); /* as a reference does: the root once, trees by themselves, then the next shard */
        for (int k = 0; k < 2; k++) {
            rz_learner_root(r.l, trees[0].prefix, k ? 16 : ROOT);
            memset(other, 0, 4096 * sizeof *other);
            for (int t = 0; t < MOST; t++)
                rz_learner_forward(r.l, &trees[t], 1, 0.9f);
            ck_assert(outputs(trees, MOST, other) == n && !memcmp(logp, other, (size_t)n * sizeof *logp));
        }
        close_rig(&r);
        rz_pool_destroy(pool);
    }
    close_rig(&wanted);
    rz_arena_finish(&arena);
}
END_TEST

/* What trees take on top of the root is known before; the shard after it knows nothing of it. */
START_TEST(memory_and_what_follows)
{
    static const rz_arch a = {300, 64, 192, 6, 4, 2, 16, 512, 1e-5, 1e4, true};
    static const int lengths[3] = {120, 80, 60};
    rig r = open_rig(&a, tiny_kernels(-1), NULL, 4);
    rz_stream s;
    rz_stream_init(&s, 12, RZ_RNG_TEST, 0);
    rz_tree trees[3];
    for (int t = 0; t < 3; t++) {
        trees[t] = tiny_tree(&s, 310, lengths, 3, a.vocab_size, &r.arena);
        memcpy((int32_t *)trees[t].prefix, trees[0].prefix, 290 * sizeof(int32_t));
    }
    int n_root = rz_trees_root(trees, 3);
    ck_assert_int_eq(n_root, 288);
    for (int recompute = RZ_RECOMPUTE_NONE; recompute < RZ_RECOMPUTE_ALL; recompute++) {
        rz_learner_recompute(r.l, (rz_recompute)recompute);
        size_t without = rz_learner_bytes(r.l, trees, 3);
        rz_learner_root(r.l, trees[0].prefix, n_root);
        size_t kept = rz_learner_kept_bytes(r.l), said = kept + rz_learner_bytes(r.l, trees, 3);
        ck_assert(said < without); /* the root once, not three times */
        gradient(&r, trees, 3, 0, 1);
        double taken = (double)rz_learner_peak(r.l);
        if (recompute == RZ_RECOMPUTE_NONE) /* the peak is of all calls so far, and this is the largest */
            ck_assert_msg(taken <= (double)said && (double)said <= 1.1 * taken, "said %zu, took %g", said, taken);
        ck_assert_uint_eq(rz_learner_kept_bytes(r.l), 0);
        ck_assert_uint_eq(rz_learner_bytes(r.l, trees, 3), without);
    }
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, what_prefixes_share);
    tcase_add_loop_test(t, as_without, 0, N_MIDDLINGS);
    tcase_add_loop_test(t, cuts_threads_and_tables, 0, N_MIDDLINGS * tiny_n_kernels());
    tcase_add_test(t, memory_and_what_follows);
}

int main(void)
{
    return tiny_main("root", add);
}
