/* Every table of kernels against the reference, bit by bit (two NaNs are the same): odd sizes, remainders, aliasing, wild values. Arrays end at a
 * page that may not be touched, so that one float too many is a crash. argv[1] or RULEZERO_CPU restricts the run to one table.
 * That the reference itself computes the right thing is test_gradients.c's matter. */
#include "tests/kernels_rig.h"

static const int sizes[] = {1, 2, 3, 5, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 176, 352};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- matrix products ---- */

typedef struct { int M, N, K, slack_a, slack_b, slack_c; bool transposed, packed, add, wildly, rounded, turned; } product_case; /* rounded: to bfloat16; turned: B is Wᵀ, W in rows */

static void one_product(const rz_kernels *k, product_case c)
{
    CASE("%d x %d x %d, A %s, B %s, slack %d %d %d, %s, %s", c.M, c.K, c.N, c.transposed ? "transposed" : "rows", c.packed ? (c.rounded ? "packed halves" : "packed") : c.turned ? (c.rounded ? "rounded rows of W" : "rows of W") : c.rounded ? "rounded rows" : "rows", c.slack_a,
         c.slack_b, c.slack_c, c.add ? "add" : "set", c.wildly ? "wild" : "tame");
    int64_t lda = (c.transposed ? c.M : c.K) + c.slack_a, ldb = c.N + c.slack_b, ldc = c.N + c.slack_c;
    int64_t size_a = c.transposed ? (c.K - 1) * lda + c.M : (c.M - 1) * lda + c.K, size_c = (c.M - 1) * ldc + c.N;
    rz_mat_a a = {values(size_a > 0 ? size_a : 0, c.wildly), c.transposed ? 1 : lda, c.transposed ? lda : 1};
    rz_mat_b b;
    if (c.packed) {
        const float *w = values((int64_t)c.N * c.K, c.wildly);
        float *panels = floats((int64_t)rz_packed_size(c.N, c.K));
        rz_pack(panels, w, c.N, c.K);
        b = (rz_mat_b){panels, RZ_PANEL, (int64_t)RZ_PANEL * c.K};
        if (c.rounded) {
            uint16_t *half = (uint16_t *)(void *)floats((int64_t)rz_packed_size(c.N, rz_half_k(c.K)) / 2);
            const bool fours = next() % 2; /* matmul takes either */
            rz_pack_half(half, w, c.N, c.K, fours);
            b = rz_half_panels(half, c.K, fours);
        }
    } else if (c.turned) {
        int64_t ldw = c.K + c.slack_b;
        b = (rz_mat_b){values(c.K > 0 ? (c.N - 1) * ldw + c.K : 0, c.wildly), 1, RZ_PANEL * ldw, NULL, c.rounded};
    } else {
        b = (rz_mat_b){values(c.K > 0 ? (c.K - 1) * ldb + c.N : 0, c.wildly), ldb, RZ_PANEL, NULL, c.rounded};
    }
    twins out = c.add ? twin(size_c, c.wildly) : blank(size_c);
    reference->matmul(out.a, ldc, a, b, c.M, c.N, c.K, c.add);
    b.far = next() % 2;
    k->matmul(out.b, ldc, a, b, c.M, c.N, c.K, c.add);
    same(out, "c", k->name);
    free_all();
}

START_TEST(products)
{
    const rz_kernels *k = tested[_i];
    for (int M = 1; M <= 14; M++)
        for (int panels = 1; panels <= 9; panels++)
            one_product(k, (product_case){.M = M, .N = 16 * panels, .K = 3, .packed = true});
    for (int round = 0; round < 400; round++)
        one_product(k, (product_case){PICK(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 25),
                                      PICK(1, 2, 3, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 132, 176),
                                      PICK(0, 1, 2, 3, 7, 16, 33, 100), PICK(0, 0, 3), PICK(0, 0, 5), PICK(0, 0, 7), next() % 2, next() % 2, next() % 2,
                                      next() % 4 == 0});
    for (int round = 0; round < 40; round++) /* panels in blocks, half of them said to be far: every tile asks for a share of the next ones */
        one_product(k, (product_case){PICK(17, 19, 23, 24, 28, 32, 33, 64, 65), PICK(64, 130, 200), PICK(7, 21, 66, 201, 257, 530), .packed = true, .add = next() % 2});
    for (int round = 0; round < 24; round++) /* panels in blocks */
        one_product(k, (product_case){PICK(1, 2, 5, 7, 12, 13, 32), PICK(16, 70, 131), PICK(256, 257, 530), .packed = true, .add = next() % 2});
    for (int round = 0; round < 8; round++) /* large enough for every block of every dimension */
        one_product(k, (product_case){PICK(97, 130), PICK(70, 131), PICK(530, 700), 0, round & 1 ? 61 : 0, 0, round & 1, round & 2, round & 4, false});
    for (int round = 0; round < 4; round++) /* blocks of rows, the next one copied while one is worked on: also what tiles leave of it, and parts of lines */
        one_product(k, (product_case){PICK(385, 450, 833), PICK(64, 131, 200), PICK(150, 300), .transposed = round < 3, .add = round & 1});
}
END_TEST

START_TEST(products_with_bfloat16)
{
    const rz_kernels *k = tested[_i];
    for (int M = 1; M <= 14; M++)
        for (int panels = 1; panels <= 9; panels++)
            one_product(k, (product_case){.M = M, .N = 16 * panels, .K = 3, .packed = true, .rounded = true});
    for (int round = 0; round < 400; round++) {
        bool packed = next() % 2;
        one_product(k, (product_case){PICK(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 25),
                                      PICK(1, 2, 3, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 132, 176),
                                      PICK(0, 1, 2, 3, 7, 16, 33, 100), PICK(0, 0, 3), packed ? 0 : PICK(0, 0, 5), PICK(0, 0, 7), !packed && next() % 2, packed,
                                      next() % 2, next() % 4 == 0, true});
    }
    for (int round = 0; round < 24; round++)
        one_product(k, (product_case){PICK(1, 2, 5, 7, 12, 13, 32), PICK(16, 70, 131), PICK(256, 257, 530), .packed = true, .add = next() % 2, .rounded = true});
    for (int round = 0; round < 8; round++)
        one_product(k, (product_case){PICK(97, 130), PICK(70, 131), PICK(530, 700), 0, 0, 0, !(round & 2) && round & 1, round & 2, round & 4, false, true});
}
END_TEST

/* y = x·Wᵀ as training computes it: of W as it lies, the same bits as of its panels. */
START_TEST(products_without_panels)
{
    const rz_kernels *k = tested[_i];
    for (int M = 1; M <= 14; M++)
        for (int N = 1; N <= 67; N += 3)
            one_product(k, (product_case){.M = M, .N = N, .K = 3, .turned = true});
    for (int round = 0; round < 400; round++)
        one_product(k, (product_case){PICK(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 25), PICK(1, 2, 3, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 132, 176),
                                      PICK(0, 1, 2, 3, 7, 15, 16, 17, 33, 100), PICK(0, 0, 3), PICK(0, 0, 5), PICK(0, 0, 7), .add = next() % 2,
                                      .wildly = next() % 4 == 0, .turned = true, .rounded = next() % 2});
    for (int round = 0; round < 24; round++) /* several blocks of every dimension */
        one_product(k, (product_case){PICK(1, 2, 5, 13, 32, 97, 130), PICK(16, 70, 131, 197), PICK(256, 257, 530, 701), .add = next() % 2, .turned = true,
                                      .rounded = next() % 2});
}
END_TEST

/* Rounding by its definition: the nearest of the two neighbours, of two equally near the one whose last bit is 0; and of the panels, the value that was
 * rounded. */
START_TEST(bfloat16)
{
    for (int i = 0; i < 400000; i++) {
        float x = i < 65536 ? rz_from_half((uint16_t)i) : wild(), y = rz_from_half(rz_half(x));
        uint16_t h = rz_half(x), down = (uint16_t)((uint32_t)rz_bits32(x) >> 16), up = (uint16_t)(down + 1);
        if (x != x) {
            ck_assert(y != y);
            continue;
        }
        double below = fabs((double)x - (double)rz_from_half(down)),
               above = fabs((double)(isinf(rz_from_half(up)) ? copysign(0x1p128, x) : (double)rz_from_half(up)) - (double)x);
        if (isinf(x) || below == 0)
            ck_assert(y == x);
        else
            ck_assert_msg(h == (below < above ? down : above < below ? up : down & 1 ? up : down), "%a rounds to %a", (double)x, (double)y);
        uint16_t panel[RZ_HALF_BLOCK * RZ_PANEL];
        rz_pack_half(panel, &x, 1, 1, false);
        ck_assert(panel[0] == h && panel[1] == 0 && panel[31] == 0 && panel[511] == 0);
        rz_pack_half(panel, &x, 1, 1, true);
        ck_assert(panel[0] == 0 && panel[1] == h && panel[31] == 0 && panel[511] == 0);
    }
}
END_TEST

START_TEST(product_rows_are_independent)
{
    enum { M = 23, N = 70, K = 50 };
    const rz_kernels *k = tested[_i];
    const float *a = values(M * K, false), *w = values(N * K, false);
    float *panels = floats((int64_t)rz_packed_size(N, K)), *all = floats(M * N), *one = floats(N);
    rz_pack(panels, w, N, K);
    rz_mat_b b = {panels, RZ_PANEL, RZ_PANEL * K};
    k->matmul(all, N, (rz_mat_a){a, K, 1}, b, M, N, K, false);
    for (int m = 0; m < M; m++) {
        k->matmul(one, N, (rz_mat_a){a + m * K, K, 1}, b, 1, N, K, false);
        ck_assert_msg(memcmp(one, all + m * N, sizeof(float) * N) == 0, "row %d depends on the others", m);
    }
    free_all();
}
END_TEST

/* ---- rows ---- */

START_TEST(norms)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 4 * N_SIZES; round++) {
        int D = sizes[round % N_SIZES], M = PICK(1, 2, 3, 5), d0 = (int)(next() % (uint32_t)D), d1 = d0 + (int)(next() % (uint32_t)(D - d0 + 1));
        bool wildly = round >= 3 * N_SIZES, with_add = next() % 2;
        CASE("%d x %d%s, columns %d to %d%s", M, D, with_add ? ", add" : "", d0, d1, wildly ? ", wild" : "");
        twins x = twin(M * D, wildly), y = blank(M * D), rstd = blank(M), dx = twin(M * D, wildly), dw = twin(D, wildly);
        const float *add = with_add ? values(M * D, wildly) : NULL, *w = values(D, wildly), *dy = values(M * D, wildly);
        reference->rmsnorm_forward(y.a, rstd.a, x.a, add, w, 1e-6f, M, D);
        k->rmsnorm_forward(y.b, rstd.b, x.b, add, w, 1e-6f, M, D);
        same(x, "x", k->name), same(y, "y", k->name), same(rstd, "rstd", k->name);
        k->rmsnorm_forward(y.b, NULL, x.b, NULL, w, 1e-6f, M, D);
        reference->rmsnorm_backward(dx.a, dy, x.a, w, rstd.a, M, D);
        k->rmsnorm_backward(dx.b, dy, x.a, w, rstd.a, M, D);
        same(dx, "dx", k->name);
        reference->rmsnorm_backward_w(dw.a, dy, x.a, rstd.a, M, D, d0, d1);
        k->rmsnorm_backward_w(dw.b, dy, x.a, rstd.a, M, D, d0, d1);
        same(dw, "dw", k->name);
        free_all();
    }
}
END_TEST

START_TEST(rotations)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 60; round++) {
        int E = PICK(2, 4, 6, 14, 16, 18, 30, 32, 34, 62, 64, 66, 100, 128), M = PICK(1, 2, 5), heads = PICK(1, 2, 3), T = 9, ld = heads * E + PICK(0, 3);
        int32_t pos[5] = {0, 8, 3, 3, 1};
        CASE("%d heads of %d", heads, E);
        twins x = twin((M - 1) * ld + heads * E, round % 4 == 3);
        const float *cs = values(T * E, false);
        reference->rope(x.a, ld, cs, pos, M, heads, E, round % 2);
        k->rope(x.b, ld, cs, pos, M, heads, E, round % 2);
        same(x, "x", k->name);
        free_all();
    }
}
END_TEST

START_TEST(swiglu)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 4 * N_SIZES; round++) {
        int F = sizes[round % N_SIZES], M = PICK(1, 2, 3);
        bool wildly = round % 2;
        CASE("%d x %d", M, F);
        twins a = blank(M * F), gu = twin(2 * M * F, wildly), dgu = blank(2 * M * F);
        const float *da = values(M * F, wildly);
        for (int i = 0; i < F; i++) /* tame values hardly leave the middle of the sigmoid */
            gu.a[i] *= 20.0f, gu.b[i] *= 20.0f;
        reference->swiglu_forward(a.a, gu.a, M, F);
        k->swiglu_forward(a.b, gu.b, M, F);
        same(a, "a", k->name);
        reference->swiglu_backward(dgu.a, da, gu.a, M, F);
        k->swiglu_backward(dgu.b, da, gu.b, M, F);
        same(dgu, "dgu", k->name);
        memcpy(dgu.b, gu.b, sizeof(float) * 2 * (size_t)(M * F));
        k->swiglu_backward(dgu.b, da, dgu.b, M, F);
        same(dgu, "dgu in place", k->name);
        free_all();
    }
}
END_TEST

/* What decides the maximum of a row: nothing special, NaN, infinities, zeros of both signs, nothing finite. */
static void trouble(float *row, int n, int kind)
{
    float odd[] = {NAN, -NAN, INFINITY, -INFINITY};
    if (kind >= 1 && kind <= 4)
        row[next() % (uint32_t)n] = odd[kind - 1];
    if (kind == 5 || kind == 6)
        for (int i = 0; i < n; i++)
            row[i] = kind == 6 || next() % 2 ? -0.0f : next() % 4 ? -fabsf(row[i]) : 0.0f;
    if (kind == 7)
        for (int i = 0; i < n; i++)
            row[i] = -INFINITY;
    if (kind == 8)
        for (int i = 0; i < n; i++)
            row[i] *= 60.0f; /* exp underflows for most */
}

START_TEST(log_probabilities)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 9 * N_SIZES; round++) {
        int V = sizes[round % N_SIZES], M = PICK(1, 2, 3), ld = V + PICK(0, 5), kind = round / N_SIZES;
        float temperature = next() % 2 ? 1.0f : 0.7f;
        CASE("%d x %d, trouble %d", M, V, kind);
        int32_t target[3];
        twins logits = twin((M - 1) * ld + V, false), d = blank(logits.n), in_place = twin(logits.n, false), e = blank(V), few = blank(4);
        for (int m = 0; m < M; m++) {
            target[m] = (int32_t)(next() % (uint32_t)V);
            trouble(logits.a + m * ld, V, kind);
        }
        memcpy(logits.b, logits.a, sizeof(float) * (size_t)logits.n);
        memcpy(in_place.a, logits.a, sizeof(float) * (size_t)logits.n);
        memcpy(in_place.b, logits.a, sizeof(float) * (size_t)logits.n);
        twins logp = blank(M), entropy = blank(M), mx = blank(M), sum = blank(M);
        const float *dlogp = values(M, false);
        reference->logp_forward(logp.a, entropy.a, mx.a, sum.a, logits.a, ld, target, temperature, M, V);
        k->logp_forward(logp.b, entropy.b, mx.b, sum.b, logits.a, ld, target, temperature, M, V);
        same(logp, "logp", k->name), same(entropy, "entropy", k->name), same(mx, "row_max", k->name), same(sum, "row_sum", k->name);
        k->logp_forward(logp.b, NULL, NULL, NULL, logits.a, ld, target, temperature, M, V);
        same(logp, "logp alone", k->name);
        reference->logp_backward(d.a, logits.a, ld, mx.a, sum.a, target, dlogp, temperature, M, V);
        k->logp_backward(d.b, logits.a, ld, mx.a, sum.a, target, dlogp, temperature, M, V);
        same(d, "dlogits", k->name);
        reference->logp_backward(in_place.a, in_place.a, ld, mx.a, sum.a, target, dlogp, temperature, M, V);
        k->logp_backward(in_place.b, in_place.b, ld, mx.a, sum.a, target, dlogp, temperature, M, V);
        same(in_place, "dlogits in place", k->name);
        reference->exp_row(e.a, few.a, few.a + 1, few.a + 2, logits.a, temperature, V);
        k->exp_row(e.b, few.b, few.b + 1, few.b + 2, logits.a, temperature, V);
        same(e, "e", k->name);
        reference->exp_row(logits.a, few.a, few.a + 1, few.a + 2, logits.a, temperature, V);
        k->exp_row(logits.b, few.b, few.b + 1, few.b + 2, logits.b, temperature, V);
        few.a[3] = reference->sum16(e.a, V);
        few.b[3] = k->sum16(e.a, V);
        same(logits, "e in place", k->name), same(few, "maximum, sums, sum16", k->name);
        free_all();
    }
}
END_TEST

START_TEST(updates)
{
    const rz_kernels *k = tested[_i];
    const rz_adamw step = {0.5f, 1e-4f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-3f, 30.0f, 1e-8f};
    for (int round = 0; round < 6 * N_SIZES; round++) {
        int n = sizes[round % N_SIZES];
        bool wildly = round % 3 == 2;
        CASE("%d parameters", n);
        twins w = twin(n, wildly), m = twin(n, wildly), v = twin(n, wildly);
        const float *g = values(n, wildly);
        for (int i = 0; i < n; i++) {
            v.a[i] = v.b[i] = fabsf(v.a[i]);
            if (i % 5 == 1) /* around 2^-100 after the update */
                m.a[i] = m.b[i] = tame() * 0x1p-100f, v.a[i] = v.b[i] = fabsf(tame()) * 0x1p-100f;
        }
        if (round % 3 == 1)
            memset((float *)(uintptr_t)g, 0, sizeof(float) * (size_t)n);
        reference->adamw(w.a, m.a, v.a, g, n, &step);
        k->adamw(w.b, m.b, v.b, g, n, &step);
        same(w, "w", k->name), same(m, "m", k->name), same(v, "v", k->name);
        reference->add(w.a, g, n);
        k->add(w.b, g, n);
        same(w, "w + g", k->name);
        double a = reference->sumsq(g, n), b = k->sumsq(g, n);
        ck_assert_msg(memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b), "%s: sumsq is %a, reference %a", k->name, b, a);
        ck_assert(k->sumsq(g, 0) == 0 && k->sum16(g, 0) == 0);
        free_all();
    }
}
END_TEST

/* ---- attention ---- */

typedef struct { int n_q, E, R, G, parent, before, g0, g1; bool wildly, keep, half; } attention_case; /* half: caches of bfloat16s, E being even */

static int64_t cap_of(int n) { return (n + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL; }

/* Room for keys and values, floats(size) each, or half as many of pairs. */
static rz_kv kv_of(const attention_case *c, float *k, float *v, int n, int cap)
{
    return c->half ? (rz_kv){.half_k = (void *)k, .half_v = (void *)v, .n = n, .cap = cap} : (rz_kv){k, v, n, cap, false, NULL, NULL};
}

static int64_t kv_floats(const attention_case *c, int cap)
{
    return (int64_t)c->G * cap * c->E / (c->half ? 2 : 1);
}

/* n keys and values; the room beyond them is NaN. rounded, unless NULL: the same as floats, by the reference. */
static rz_kv segment_and(const attention_case *c, int n, rz_kv *rounded)
{
    const int cap = (int)cap_of(n);
    const int64_t size = kv_floats(c, cap);
    float *room[2] = {floats(size), floats(size)};
    for (int64_t i = 0; i < size; i++)
        room[0][i] = room[1][i] = NAN;
    rz_kv kv = kv_of(c, room[0], room[1], 0, cap);
    const float *k = values((int64_t)n * c->G * c->E, c->wildly), *v = values((int64_t)n * c->G * c->E, c->wildly);
    reference->kv_append(&kv, k, v, (int64_t)c->G * c->E, n, c->G, c->E);
    kv.n = n;
    if (rounded) {
        *rounded = (rz_kv){.k = floats((int64_t)c->G * cap * c->E), .v = floats((int64_t)c->G * cap * c->E), .cap = cap, .rounded = true};
        reference->kv_append(rounded, k, v, (int64_t)c->G * c->E, n, c->G, c->E);
        rounded->n = n;
    }
    return kv;
}

static rz_kv segment(const attention_case *c, int n)
{
    return segment_and(c, n, NULL);
}

static float *scratch_for(const rz_kernels *k, const attention_case *c, rz_heads heads)
{
    int64_t n = (int64_t)k->attention_scratch(c->n_q, c->n_q + c->before + (c->parent > 0 ? c->parent : 0), heads);
    float *p = floats(n);
    for (int64_t i = 0; i < n; i++)
        p[i] = NAN;
    return p;
}

static void one_attention(const rz_kernels *k, attention_case c)
{
    CASE("%d queries, E %d, R %d, groups %d to %d of %d, parent %d, %d keys before, %s%s", c.n_q, c.E, c.R, c.g0, c.g1, c.G, c.parent, c.before,
         c.wildly ? "wild" : "tame", c.half ? ", of bfloat16s" : "");
    rz_heads heads = {c.R * c.G, c.G, c.E, 1.0f / sqrtf((float)c.E)};
    rz_kv wide[2] = {{0}}, parent = c.parent >= 0 ? segment_and(&c, c.parent, &wide[0]) : (rz_kv){0}, own = segment_and(&c, c.before + c.n_q, &wide[1]);
    const rz_kv *p = c.parent >= 0 ? &parent : NULL;
    int64_t width = (int64_t)heads.H * c.E, ldq = width + PICK(0, 5), ldo = width + PICK(0, 3);
    int64_t size_q = (c.n_q - 1) * ldq + width, size_o = (c.n_q - 1) * ldo + width;
    const float *q = values(size_q, c.wildly);
    twins out = blank(size_o), mx = blank((int64_t)c.n_q * heads.H), sum = blank(mx.n);
    float *scratch = scratch_for(k, &c, heads), *reference_scratch = scratch_for(reference, &c, heads);
    reference->attention_forward(out.a, ldo, c.keep ? mx.a : NULL, c.keep ? sum.a : NULL, q, ldq, c.n_q, p, &own, heads, c.g0, c.g1, reference_scratch);
    k->attention_forward(out.b, ldo, c.keep ? mx.b : NULL, c.keep ? sum.b : NULL, q, ldq, c.n_q, p, &own, heads, c.g0, c.g1, scratch);
    same(out, "out", k->name), same(mx, "row_max", k->name), same(sum, "row_sum", k->name);
    if (c.half) { /* as floats that were rounded */
        k->attention_forward(out.b, ldo, c.keep ? mx.b : NULL, c.keep ? sum.b : NULL, q, ldq, c.n_q, c.parent >= 0 ? &wide[0] : NULL, &wide[1], heads, c.g0, c.g1, scratch);
        same(out, "out of rounded floats", k->name), same(mx, "row_max", k->name), same(sum, "row_sum", k->name);
    } else if (c.before == 0 && c.keep) {
        int64_t ldd = width + PICK(0, 2), size_own = (c.n_q - 1) * ldd + width, size_parent = c.parent > 0 ? (c.parent - 1) * ldd + width : 0;
        twins dq = blank(size_own), dk = twin(size_own, c.wildly), dv = twin(size_own, c.wildly);
        twins dkp = twin(size_parent, c.wildly), dvp = twin(size_parent, c.wildly);
        const float *dout = values(size_o, c.wildly);
        reference->attention_backward(dq.a, dk.a, dv.a, dkp.a, dvp.a, ldd, dout, out.a, ldo, mx.a, sum.a, q, ldq, c.n_q, p, &own, heads, c.g0, c.g1,
                                      reference_scratch);
        k->attention_backward(dq.b, dk.b, dv.b, dkp.b, dvp.b, ldd, dout, out.a, ldo, mx.a, sum.a, q, ldq, c.n_q, p, &own, heads, c.g0, c.g1, scratch);
        same(dq, "dq", k->name), same(dk, "dk", k->name), same(dv, "dv", k->name), same(dkp, "dk_parent", k->name), same(dvp, "dv_parent", k->name);
    }
    free_all();
}

START_TEST(attention)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 260; round++) {
        attention_case c = {.n_q = PICK(1, 1, 2, 3, 5, 17, 30),
                            .E = PICK(1, 2, 3, 5, 15, 16, 17, 31, 32, 32, 33, 48, 64, 65, 80), .R = PICK(1, 1, 2, 3, 4, 7),
                            .G = PICK(1, 2, 3, 5), .parent = PICK(-1, 0, 1, 15, 16, 17, 40), .before = PICK(0, 0, 1, 16, 33), .wildly = round % 6 == 5,
                            .keep = round % 7 != 0};
        c.g0 = (int)(next() % (uint32_t)c.G), c.g1 = c.g0 + 1 + (int)(next() % (uint32_t)(c.G - c.g0));
        one_attention(k, c);
        c.half = true, c.E += c.E % 2;
        one_attention(k, c);
    }
    one_attention(k, (attention_case){.n_q = 3, .E = 32, .R = 30, .G = 1, .parent = 5, .g1 = 1, .keep = true});   /* more heads than a block has rows */
    one_attention(k, (attention_case){.n_q = 60, .E = 16, .R = 1, .G = 1, .parent = 140, .g1 = 1, .keep = true}); /* more than one block and tile */
    one_attention(k, (attention_case){.n_q = 150, .E = 8, .R = 1, .G = 2, .parent = -1, .g1 = 2, .keep = true});
    one_attention(k, (attention_case){.n_q = 33, .E = 16, .R = 7, .G = 1, .parent = 20, .g1 = 1, .keep = true});
    one_attention(k, (attention_case){.n_q = 1, .E = 32, .R = 1, .G = 6, .parent = 200, .before = 60, .g1 = 6});
    one_attention(k, (attention_case){.n_q = 0, .E = 32, .R = 1, .G = 2, .parent = 3, .before = 5, .g1 = 2});
}
END_TEST

/* Some sequences, some of them on one parent; some rows go on with the sequence of the row before. The room beyond what the new keys begin is NaN. */
static void one_step(const rz_kernels *k, attention_case c, int n)
{
    CASE("%d steps, E %d, R %d, groups %d to %d of %d, parent %d, %d keys before, %s%s", n, c.E, c.R, c.g0, c.g1, c.G, c.parent, c.before,
         c.wildly ? "wild" : "tame", c.half ? ", of bfloat16s" : "");
    rz_heads heads = {c.R * c.G, c.G, c.E, 1.0f / sqrtf((float)c.E)};
    rz_kv parent[8], own[2][8], shared = segment(&c, c.parent);
    twins keys[8], vals[8];
    int most = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && next() % 3 == 0) {
            parent[i] = parent[i - 1], keys[i] = keys[i - 1], vals[i] = vals[i - 1];
            for (int t = 0; t < 2; t++)
                own[t][i] = own[t][i - 1], own[t][i].n++;
            most = parent[i].n + own[0][i].n > most ? parent[i].n + own[0][i].n : most;
            continue;
        }
        parent[i] = next() % 2 ? shared : segment(&c, PICK(0, 1, 16, 31));
        int before = c.before + PICK(0, 0, 1, 3, 40), cap = (int)cap_of(before + n);
        rz_kv had = segment(&c, before);
        int64_t size = kv_floats(&c, cap);
        keys[i] = blank(size), vals[i] = blank(size);
        for (int t = 0; t < 2; t++) {
            memcpy(t ? keys[i].b : keys[i].a, c.half ? (void *)had.half_k : had.k, (size_t)kv_floats(&c, had.cap) * sizeof(float));
            memcpy(t ? vals[i].b : vals[i].a, c.half ? (void *)had.half_v : had.v, (size_t)kv_floats(&c, had.cap) * sizeof(float));
        }
        own[0][i] = kv_of(&c, keys[i].a, vals[i].a, before + 1, cap), own[1][i] = kv_of(&c, keys[i].b, vals[i].b, before + 1, cap);
        most = parent[i].n + before + 1 > most ? parent[i].n + before + 1 : most;
    }
    int64_t out_width = (int64_t)heads.H * c.E, width = out_width + 2 * c.G * c.E, ld = width + PICK(0, 5), ldo = out_width + PICK(0, 3);
    const float *qkv = values((n - 1) * ld + width, c.wildly);
    twins out = blank((n - 1) * ldo + out_width), mx = blank((int64_t)n * heads.H), sum = blank(mx.n);
    c.n_q = 1, c.before = most, c.parent = 0;
    float *scratch = scratch_for(k, &c, heads), *reference_scratch = scratch_for(reference, &c, heads);
    reference->attention_step(out.a, ldo, c.keep ? mx.a : NULL, c.keep ? sum.a : NULL, qkv, ld, parent, own[0], n, heads, c.g0, c.g1, reference_scratch);
    k->attention_step(out.b, ldo, c.keep ? mx.b : NULL, c.keep ? sum.b : NULL, qkv, ld, parent, own[1], n, heads, c.g0, c.g1, scratch);
    same(out, "out", k->name), same(mx, "row_max", k->name), same(sum, "row_sum", k->name);
    for (int i = 0; i < n; i++)
        same(keys[i], "k", k->name), same(vals[i], "v", k->name);
    free_all();
}

START_TEST(attention_steps)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 400; round++) {
        attention_case c = {.E = PICK(1, 3, 15, 16, 17, 32, 32, 33, 48, 64, 64, 65, 80, 128), .R = PICK(1, 1, 2, 3, 4, 5, 6, 7, 8, 9), .G = PICK(1, 2, 3, 5, 6),
                            .parent = PICK(0, 1, 15, 16, 17, 200), .before = PICK(0, 0, 15, 16, 33, 150), .wildly = round % 6 == 5, .keep = round % 7 != 0};
        c.g0 = (int)(next() % (uint32_t)c.G), c.g1 = c.g0 + 1 + (int)(next() % (uint32_t)(c.G - c.g0));
        one_step(k, c, PICK(1, 1, 2, 3, 8));
        c.half = true, c.E += c.E % 2;
        one_step(k, c, PICK(1, 1, 2, 3, 8));
    }
}
END_TEST

START_TEST(appending)
{
    const rz_kernels *k = tested[_i];
    for (int round = 0; round < 240; round++) {
        attention_case c = {.half = round % 3 == 1};
        int E = c.half ? PICK(2, 4, 16, 18, 32, 64) : PICK(1, 3, 16, 17, 32, 64), G = PICK(1, 2, 3), before = PICK(0, 1, 15, 16, 20), n = PICK(0, 1, 2, 16, 17, 40),
            ld = G * E + PICK(0, 7);
        CASE("%d after %d, %d heads of %d, %s", n, before, G, E, c.half ? "bfloat16s" : round % 3 ? "rounded" : "floats");
        int cap = (int)cap_of(before + n);
        c.E = E, c.G = G;
        twins keys = twin(kv_floats(&c, cap), false), vals = twin(kv_floats(&c, cap), false);
        rz_kv a = kv_of(&c, keys.a, vals.a, before, cap), b = kv_of(&c, keys.b, vals.b, before, cap);
        a.rounded = b.rounded = round % 3 == 2;
        for (int64_t i = 0; c.half && i < 2 * vals.n; i++) /* numbers */
            a.half_k[i] = b.half_k[i] = a.half_v[i] = b.half_v[i] = (uint16_t)(0x3f80 + i % 100);
        int64_t size = n ? (n - 1) * ld + G * E : 0;
        const float *kr = values(size, true), *vr = values(size, true);
        reference->kv_append(&a, kr, vr, ld, n, G, E);
        k->kv_append(&b, kr, vr, ld, n, G, E);
        same(keys, "k", k->name), same(vals, "v", k->name);
        ck_assert_int_eq(b.n, before);
        free_all();
    }
}
END_TEST

/* ---- choosing a table ---- */

START_TEST(selection)
{
    const rz_kernels *const *list, *k = NULL;
    rz_err err;
    int n = rz_kernels_available(&list);
    ck_assert_int_ge(n, 2);
    ck_assert_str_eq(list[0]->name, "reference");
    for (int i = 0; i < n; i++) {
        ck_assert_msg(rz_kernels_select(&k, list[i]->name, &err), "%s", err.text);
        ck_assert_ptr_eq(k, list[i]);
    }
    ck_assert(rz_kernels_select(&k, NULL, &err)); /* the last; avx512_bf16 only where it pays */
    ck_assert(k == list[n - 1] || (k == list[n - 2] && !strcmp(list[n - 1]->name, "avx512_bf16")));
    ck_assert(!rz_kernels_select(&k, "abacus", &err));
    ck_assert_int_eq(err.code, RZ_EUSAGE);
    ck_assert(strstr(err.text, "abacus") && strstr(err.text, "reference, portable"));
}
END_TEST

int main(int argc, char **argv)
{
    choose_tables(argc > 1 ? argv[1] : getenv("RULEZERO_CPU"), true);
    Suite *suite = suite_create("kernels");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    static const TTest *const *const tests[] = {&products, &products_with_bfloat16, &products_without_panels, &bfloat16, &product_rows_are_independent, &norms, &rotations, &swiglu, &log_probabilities,
                                                &updates, &attention, &attention_steps, &appending};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(t, *tests[i], 0, n_tested);
    tcase_add_test(t, selection);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
