/* Products of bfloat16s (`compute: bf16`) of every table against the reference, bit by bit, and the reference against what it stands for. */
#include "tests/kernels_rig.h"

#include <math.h>

enum { ROWS, TURNED, PANELS, N_FORMS }; /* how B lies */

typedef struct { int M, N, K, slack_a, slack_b, slack_c, form; bool transposed, add, wildly; float scale; int spans; } half_case;

/* `spans` of them, some no longer than a term. */
static rz_spans cut(int *ends, int spans, int K)
{
    int n = 0;
    for (int i = 0; i < spans - 1; i++) {
        int last = n ? ends[n - 1] : 0, to = last + 1 + (int)(next() % (uint32_t)(2 * K / spans + 1));
        if (to < K)
            ends[n++] = to;
    }
    ends[n++] = K;
    return (rz_spans){ends, n};
}

static float *scaled(int64_t n, bool wildly, float scale)
{
    float *p = values(n, wildly);
    for (int64_t i = 0; i < n && scale != 0; i++)
        p[i] *= scale;
    return p;
}

static void one_product(const rz_kernels *k, half_case c)
{
    static const char *const forms[] = {"rows", "rows of W", "panels"};
    CASE("%d x %d x %d, A %s, B %s, slack %d %d %d, %s, %s, times %g, %d spans", c.M, c.K, c.N, c.transposed ? "transposed" : "rows", forms[c.form], c.slack_a, c.slack_b,
         c.slack_c, c.add ? "add" : "set", c.wildly ? "wild" : "tame", (double)c.scale, c.spans);
    int64_t lda = (c.transposed ? c.M : c.K) + c.slack_a, ldb = (c.form == TURNED ? c.K : c.N) + c.slack_b, ldc = c.N + c.slack_c;
    int64_t size_a = c.transposed ? (c.K - 1) * lda + c.M : (c.M - 1) * lda + c.K, size_c = (c.M - 1) * ldc + c.N;
    int64_t size_b = c.form == TURNED ? (c.N - 1) * ldb + c.K : (c.K - 1) * ldb + c.N;
    rz_mat_a a = {scaled(c.K ? size_a : 0, c.wildly, c.scale), c.transposed ? 1 : lda, c.transposed ? lda : 1};
    rz_mat_b b = {.stride_k = ldb, .stride_panel = RZ_PANEL};
    int ends[64];
    rz_spans spans = {ends, 0};
    if (c.form == PANELS) {
        uint16_t *half = (uint16_t *)(void *)floats((int64_t)rz_packed_size(c.N, rz_half_k(c.K)) / 2);
        rz_pack_half(half, scaled((int64_t)c.N * c.K, c.wildly, c.scale), c.N, c.K, k->fours);
        b = rz_half_panels(half, c.K, k->fours);
    } else {
        b.p = scaled(c.K ? size_b : 0, c.wildly, c.scale);
        if (c.form == TURNED)
            b.stride_k = 1, b.stride_panel = RZ_PANEL * ldb;
        if (c.spans && c.K)
            spans = cut(ends, c.spans, c.K);
    }
    twins out = c.add ? twin(size_c, c.wildly) : blank(size_c);
    for (int64_t i = 0; c.add && c.scale != 0 && i < size_c; i++)
        out.a[i] = out.b[i] = out.a[i] * c.scale * c.scale;
    b.far = next() % 2;
    reference->matmul_half(out.a, ldc, a, b, c.M, c.N, c.K, spans, c.add);
    k->matmul_half(out.b, ldc, a, b, c.M, c.N, c.K, spans, c.add);
    same(out, "c", k->name);
    free_all();
}

START_TEST(products)
{
    const rz_kernels *k = tested[_i];
    for (int M = 1; M <= 18; M++)
        for (int form = 0; form < N_FORMS; form++)
            for (int N = 1; N <= 67; N += 11)
                one_product(k, (half_case){.M = M, .N = N, .K = 3, .form = form});
    for (int round = 0; round < 600; round++)
        one_product(k, (half_case){PICK(1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 47, 50), PICK(1, 2, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 132), PICK(0, 1, 2, 3, 16, 31, 32, 33, 63, 64, 65, 100),
                                   PICK(0, 0, 3), PICK(0, 0, 5), PICK(0, 0, 7), (int)(next() % N_FORMS), next() % 2, next() % 2, next() % 4 == 0, 0, PICK(0, 0, 1, 2, 3, 7)});
    for (int round = 0; round < 12; round++) /* several blocks of every dimension */
        one_product(k, (half_case){PICK(70, 513, 530), PICK(70, 131, 197), PICK(512, 513, 701), .form = round % N_FORMS, .transposed = round & 1, .add = round & 2, .spans = PICK(0, 3, 20)});
    for (int round = 0; round < 12; round++) /* so few rows that most of k, or all, goes into one pass */
        one_product(k, (half_case){PICK(1, 2, 8, 12, 13, 16), PICK(17, 33, 70), round < 9 ? PICK(1100, 4200) : 16500, .form = round < 9 ? PANELS : round % N_FORMS, .add = next() % 2});
}
END_TEST

/* Around 2^-126 terms, sums and what they are added to are flushed. */
START_TEST(small_numbers)
{
    const rz_kernels *k = tested[_i];
    static const float scales[] = {0x1p-62f, 0x1p-63f, 0x1p-64f, 0x1p-65f, 0x1p-68f, 0x1p-120f};
    for (int round = 0; round < 120; round++)
        one_product(k, (half_case){PICK(1, 5, 17, 33), PICK(3, 16, 70), PICK(1, 31, 64, 100), .form = round % N_FORMS, .transposed = next() % 2, .add = next() % 2,
                                   .scale = scales[round % 6], .spans = PICK(0, 3)});
}
END_TEST

/* A row is its own, wherever it is cut: by rows, columns, and, where blocks end, by k. */
START_TEST(cuts_change_nothing)
{
    enum { M = 37, N = 90, K = 170 };
    const rz_kernels *k = tested[_i];
    static const int ends[] = {40, 41, K};
    const float *a = values(M * K, false), *b = values(K * N, false);
    float *whole = floats(M * N), *parts = floats(M * N);
    rz_mat_b rows = {b, N, RZ_PANEL, NULL, false};
    k->matmul_half(whole, N, (rz_mat_a){a, 1, M}, rows, M, N, K, (rz_spans){ends, 3}, false);
    for (int m = 0; m < M; m++) {
        k->matmul_half(parts + m * N, N, (rz_mat_a){a + m, 1, M}, rows, 1, N, 32, (rz_spans){0}, false);
        for (int from = 32, to; from < K; from = to) { /* 41 + 32, + 64, + 96 */
            to = from == 32 ? 40 : from == 40 ? 41 : from == 41 ? 105 : from == 105 ? 137 : K;
            rz_mat_b rest = {b + from * N, N, RZ_PANEL, NULL, false};
            k->matmul_half(parts + m * N, N, (rz_mat_a){a + from * M + m, 1, M}, rest, 1, N, to - from, (rz_spans){0}, true);
        }
        ck_assert_msg(memcmp(whole + m * N, parts + m * N, sizeof(float) * N) == 0, "row %d", m);
    }
    free_all();
}
END_TEST

/* The reference beside binary64: terms are exact, so what separates them are sixteen additions of a chain, that of the two chains, and one a block, each half a unit of 2^-23. And beside the product of
 * floats: what separates those is rounding to eight bits. */
START_TEST(is_a_product)
{
    enum { M = 6, N = 20, K = 300 };
    const float *a = values(M * K, false), *w = values(N * K, false);
    float *c = floats(M * N), *f = floats(M * N);
    reference->matmul_half(c, N, (rz_mat_a){a, K, 1}, (rz_mat_b){w, 1, RZ_PANEL * K, NULL, false}, M, N, K, (rz_spans){0}, false);
    reference->matmul(f, N, (rz_mat_a){a, K, 1}, (rz_mat_b){w, 1, RZ_PANEL * K, NULL, false}, M, N, K, false);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double exact = 0, size = 0;
            for (int i = 0; i < K; i++) {
                double term = (double)rz_from_half(rz_half(a[m * K + i])) * (double)rz_from_half(rz_half(w[n * K + i]));
                exact += term, size += fabs(term);
            }
            ck_assert_msg(fabs((double)c[m * N + n] - exact) <= size * (16 + 1 + K / 32.0) * 0x1p-24, "%g, exact %g", (double)c[m * N + n], exact);
            ck_assert(fabs((double)c[m * N + n] - (double)f[m * N + n]) <= size * 0x1p-7);
            ck_assert(c[m * N + n] != f[m * N + n]);
        }
    free_all();
}
END_TEST

/* Numbers worked out by hand: the blocks, even and odd apart, rounding to nearest even, small ones. */
START_TEST(by_hand)
{
    static const struct { const char *what; int n; struct { float a, b; } term[4]; float start, result; } rows[] = {
        {"two of a block: 1 of 2^24 + 1 is lost where it is alone in its chain", 2, {{0x1p12f, 0x1p12f}, {1, 1}}, 0, 0x1p24f},
        {"even ones add up first: 2^24 + 1 + 1 is 2^24 in one chain, 1 + 1 in the other is not lost", 4, {{0x1p12f, 0x1p12f}, {1, 1}, {0, 0}, {1, 1}}, 0, 0x1p24f + 2},
        {"and lost it is in one chain", 3, {{0x1p12f, 0x1p12f}, {0, 0}, {1, 1}}, 0, 0x1p24f},
        {"a factor is rounded to eight bits", 1, {{0x1.01p0f, 1}}, 0, 1},
        {"ties to even", 1, {{0x1.03p0f, 1}}, 0, 0x1.04p0f},
        {"a small factor is 0", 1, {{0x1p-127f, 0x1p100f}}, 0, 0},
        {"so is a small result", 1, {{0x1p-64f, -0x1p-63f}}, 0, 0},
        {"and 2^-126 is not small", 1, {{0x1p-64f, 0x1p-62f}}, 0, 0x1p-126f},
        {"nor what it starts from", 1, {{0x1p-64f, 0x1p-62f}}, 0x1p-126f, 0x1p-125f},
        {"small, it is 0", 1, {{0x1p-64f, 0x1p-62f}}, 0x1p-127f, 0x1p-126f},
    };
    for (int i = 0; i <= n_tested; i++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
            float a[4], b[4], c = rows[r].start;
            for (int j = 0; j < 4; j++)
                a[j] = rows[r].term[j].a, b[j] = rows[r].term[j].b;
            const rz_kernels *k = i < n_tested ? tested[i] : reference;
            k->matmul_half(&c, 1, (rz_mat_a){a, 4, 1}, (rz_mat_b){b, 1, RZ_PANEL, NULL, false}, 1, 1, rows[r].n, (rz_spans){0}, true);
            ck_assert_msg(c == rows[r].result, "%s: %s: %a, not %a", k->name, rows[r].what, (double)c, (double)rows[r].result);
        }
}
END_TEST

int main(int argc, char **argv)
{
    choose_tables(argc > 1 ? argv[1] : getenv("RULEZERO_CPU"), false);
    Suite *suite = suite_create("kernels_half");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    static const TTest *const *const tests[] = {&products, &small_numbers, &cuts_change_nothing};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(t, *tests[i], 0, n_tested);
    tcase_add_test(t, is_a_product);
    tcase_add_test(t, by_hand);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
