#include "base/processor.h"
#include "policy/kernels_internal.h"
#include "policy/mathf.h"
#include "policy/peak.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t rz_packed_size(int N, int K)
{
    return ((size_t)N + RZ_PANEL - 1) / RZ_PANEL * RZ_PANEL * (size_t)K;
}

void rz_pack(float *dst, const float *w, int N, int K)
{
    for (int n0 = 0; n0 < N; n0 += RZ_PANEL) {
        int width = N - n0 < RZ_PANEL ? N - n0 : RZ_PANEL;
        for (int k = 0; k < K; k++, dst += RZ_PANEL)
            for (int n = 0; n < RZ_PANEL; n++)
                dst[n] = n < width ? w[(int64_t)(n0 + n) * K + k] : 0.0f;
    }
}

void rz_pack_half(uint16_t *dst, const float *w, int N, int K, bool fours)
{
    for (int n0 = 0; n0 < N; n0 += RZ_PANEL, dst += rz_half_panel(K)) {
        int width = N - n0 < RZ_PANEL ? N - n0 : RZ_PANEL;
        for (int k = 0; k < rz_half_k(K); k += 4)
            for (int n = 0; n < RZ_PANEL; n++)
                for (int i = k; i < k + 4; i++)
                    dst[rz_half_at(i, n, fours)] = n < width && i < K ? rz_half(w[(int64_t)(n0 + n) * K + i]) : 0;
    }
}

/* ---- which tables this processor can run ---- */

static bool has_always(void) { return true; }
#ifdef RZ_BUILD_X86
/* The builtin also asks whether the system saves the wide registers. */
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* The AVX-512 table, but for products of bfloat16s. */
static rz_kernels dots, amx;
static bool has_dots(void)
{
    if (!has_avx512() || !__builtin_cpu_supports("avx512bf16"))
        return false;
    dots = rz_kernels_avx512;
    dots.name = "avx512_bf16";
    dots.matmul_half = rz_matmul_dots;
    return true;
}
/* Its instruction makes two multiply-adds at once, and on some processors takes four times as long. In short windows, of which the best count. */
static bool dots_pay(void)
{
    double floats = 0, halves = 0;
    for (int i = 0; i < 5; i++) {
        floats = fmax(floats, rz_peak_gflops(dots.name, 0.01));
        halves = fmax(halves, rz_peak_half_gflops(dots.name, 0.01));
    }
    return halves > floats / 0.75;
}
static bool has_amx(void)
{
    if (!has_dots() || !rz_tiles_usable())
        return false;
    amx = rz_kernels_avx512;
    amx.name = "amx";
    amx.fours = false;
    amx.matmul_half = rz_matmul_tiles;
    return true;
}
#endif

/* pays, where there is one: of those that are usable, whether it is faster than the one before; asked when the best is wanted. */
static const struct { const rz_kernels *kernels; bool (*usable)(void), (*pays)(void); } tables[] = {
    {&rz_kernels_reference, has_always, NULL},
    {&rz_kernels_portable, has_always, NULL},
#ifdef RZ_BUILD_X86
    {&rz_kernels_avx2, has_avx2, NULL},
    {&rz_kernels_avx512, has_avx512, NULL},
    {&dots, has_dots, dots_pay},
    {&amx, has_amx, NULL},
#endif
};
enum { N_TABLES = sizeof tables / sizeof tables[0] };

int rz_kernels_available(const rz_kernels *const **list)
{
    static const rz_kernels *usable[N_TABLES]; /* any thread writes the same values */
    int n = 0;
    for (int i = 0; i < N_TABLES; i++)
        if (tables[i].usable())
            usable[n++] = tables[i].kernels;
    *list = usable;
    return n;
}

/* ---- the probe: every operation once, on sizes with remainders in every dimension ---- */

enum { M = 7, N = 70, K = 19, D = 37, F = 21, V = 83, H = 6, G = 2, E = 18, T = 21, PARENT = 19, CAP = 32, PROBE_FLOATS = 1 << 15 };

typedef struct { float *next; uint32_t seed; } bump;

static float *take(bump *b, int n)
{
    float *p = b->next;
    b->next += n;
    return p;
}

/* In (−2, 2), by a plain congruential generator: the probe needs variety, not quality. */
static float *values(bump *b, int n)
{
    float *p = take(b, n);
    for (int i = 0; i < n; i++) {
        b->seed = b->seed * 1664525u + 1013904223u;
        p[i] = (float)(int32_t)b->seed * 0x1p-30f;
    }
    return p;
}

static void probe_matmul(const rz_kernels *k, bump *b)
{
    const float *a = values(b, M * K), *w = values(b, N * K), *rows = values(b, K * N);
    float *packed = take(b, (int)rz_packed_size(N, K)), *c = values(b, 2 * M * N);
    rz_pack(packed, w, N, K);
    k->matmul(c, N, (rz_mat_a){a, K, 1}, (rz_mat_b){packed, RZ_PANEL, RZ_PANEL * K}, M, N, K, false);
    uint16_t *half = (uint16_t *)(void *)take(b, (int)rz_packed_size(N, rz_half_k(K)) / 2);
    float *d = take(b, 4 * M * N);
    const float *many = values(b, 2 * M * K);
    rz_pack_half(half, w, N, K, k->fours);
    k->matmul(d, N, (rz_mat_a){a, K, 1}, rz_half_panels(half, K, k->fours), M, N, K, false);
    k->matmul(d + M * N, N, (rz_mat_a){a, K, 1}, (rz_mat_b){rows, N, RZ_PANEL, NULL, true}, M, N, K, false);
    k->matmul(d + 2 * M * N, N, (rz_mat_a){many, K, 1}, rz_half_panels(half, K, k->fours), 2 * M, N / 2, K, false);
    k->matmul(d + 3 * M * N, N, (rz_mat_a){a, K, 1}, (rz_mat_b){w, 1, RZ_PANEL * K}, M, N, K, false);
    k->matmul(c + M * N, N, (rz_mat_a){a, 1, M}, (rz_mat_b){rows, N, RZ_PANEL}, M, N, K, true);
}

/* Three spans of small numbers: some results are flushed. */
static void probe_half(const rz_kernels *k, bump *b)
{
    enum { L = 83 };
    static const int ends[] = {3, 70, L};
    float *a = values(b, M * L), *w = values(b, N * L), *c = values(b, 4 * M * N);
    uint16_t *half = (uint16_t *)(void *)take(b, (int)rz_packed_size(N, rz_half_k(L)) / 2);
    rz_pack_half(half, w, N, L, k->fours);
    k->matmul_half(c, N, (rz_mat_a){a, L, 1}, rz_half_panels(half, L, k->fours), M, N, L, (rz_spans){0}, true);
    k->matmul_half(c + M * N, N, (rz_mat_a){a, L, 1}, (rz_mat_b){w, 1, RZ_PANEL * L}, M, N, L, (rz_spans){0}, false);
    for (int i = 0; i < M * L; i++)
        a[i] *= 0x1p-64f;
    for (int i = 0; i < N * L; i++)
        w[i] *= 0x1p-62f;
    k->matmul_half(c + 2 * M * N, N, (rz_mat_a){a, 1, M}, (rz_mat_b){w, N, RZ_PANEL}, M, N, L, (rz_spans){ends, 3}, true);
    k->matmul_half(c + 3 * M * N, N, (rz_mat_a){a, 1, M}, (rz_mat_b){w, N, RZ_PANEL}, M, N, L, (rz_spans){ends, 3}, false);
}

static void probe_rows(const rz_kernels *k, bump *b)
{
    float *x = values(b, M * D), *dx = values(b, M * D), *dw = values(b, D), *y = take(b, M * D), *rstd = take(b, M), *cs = values(b, T * E);
    const float *add = values(b, M * D), *w = values(b, D), *dy = values(b, M * D);
    static const int32_t pos[M] = {0, 1, 2, 20, 4, 5, 6};
    k->rmsnorm_forward(y, rstd, x, add, w, 1e-6f, M, D);
    k->rmsnorm_backward(dx, dy, x, w, rstd, M, D);
    k->rmsnorm_backward_w(dw, dy, x, rstd, M, D, 1, D);
    float *r = values(b, M * (2 * E + 1));
    k->rope(r, 2 * E + 1, cs, pos, M, 2, E, false);
    k->rope(r, 2 * E + 1, cs, pos, M, 1, E, true);
    float *a = take(b, M * F), *dgu = take(b, 2 * M * F);
    const float *gu = values(b, 2 * M * F), *da = values(b, M * F);
    k->swiglu_forward(a, gu, M, F);
    k->swiglu_backward(dgu, da, gu, M, F);
}

static void probe_attention(const rz_kernels *k, bump *b)
{
    const rz_heads heads = {H, G, E, 0.25f};
    rz_kv parent = {.k = values(b, G * CAP * E), .v = values(b, G * CAP * E), .cap = CAP}, own = {.k = values(b, G * CAP * E), .v = values(b, G * CAP * E), .cap = CAP};
    const float *k_rows = values(b, PARENT * G * E), *v_rows = values(b, PARENT * G * E), *q = values(b, M * H * E), *dout = values(b, M * H * E);
    k->kv_append(&parent, k_rows, v_rows, G * E, PARENT, G, E);
    k->kv_append(&own, k_rows + 5 * G * E, v_rows + 3 * G * E, G * E, M, G, E);
    parent.n = PARENT, own.n = M;
    float *out = take(b, M * H * E), *mx = take(b, M * H), *sum = take(b, M * H), *dq = take(b, M * H * E);
    float *grad = values(b, 2 * (M + PARENT) * H * E), *scratch = malloc(k->attention_scratch(M, M + 1 + PARENT, heads) * sizeof *scratch);
    if (!scratch)
        rz_out_of_memory(k->attention_scratch(M, M + 1 + PARENT, heads) * sizeof *scratch);
    k->attention_forward(out, H * E, mx, sum, q, H * E, M, &parent, &own, heads, 0, G, scratch);
    const rz_kv seen[2] = {parent, {0}}, both[2] = {{.k = own.k, .v = own.v, .n = M + 1, .cap = CAP}, {.k = parent.k, .v = parent.v, .n = PARENT + 1, .cap = CAP}};
    float *step = take(b, 2 * H * E);
    k->attention_step(step, H * E, NULL, NULL, values(b, 2 * (H + 2 * G) * E), (H + 2 * G) * E, seen, both, 2, heads, 0, G, scratch);
    k->attention_backward(dq, grad, grad + M * H * E, grad + 2 * M * H * E, grad + (2 * M + PARENT) * H * E, H * E, dout, out, H * E, mx, sum, q,
                          H * E, M, &parent, &own, heads, 0, G, scratch);
    free(scratch);
}

/* A cache of bfloat16s: two steps and some queries. */
static void probe_half_attention(const rz_kernels *k, bump *b)
{
    enum { WIDE = 32 };
    const rz_heads heads = {H, G, WIDE, 0.25f};
    rz_kv kv = {.half_k = (uint16_t *)(void *)take(b, G * CAP * WIDE / 2), .half_v = (uint16_t *)(void *)take(b, G * CAP * WIDE / 2), .cap = CAP};
    const float *k_rows = values(b, PARENT * G * WIDE), *v_rows = values(b, PARENT * G * WIDE), *q = values(b, 2 * (H + 2 * G) * WIDE);
    float *out = take(b, 4 * H * WIDE), *scratch = malloc(k->attention_scratch(2, 2 + PARENT, heads) * sizeof *scratch);
    if (!scratch)
        rz_out_of_memory(k->attention_scratch(2, 2 + PARENT, heads) * sizeof *scratch);
    k->kv_append(&kv, k_rows, v_rows, G * WIDE, PARENT, G, WIDE);
    kv.n = PARENT + 1;
    const rz_kv none[2] = {{0}}, both[2] = {kv, {.half_k = kv.half_k, .half_v = kv.half_v, .n = PARENT + 2, .cap = CAP}};
    k->attention_step(out, H * WIDE, NULL, NULL, q, (H + 2 * G) * WIDE, none, both, 2, heads, 0, G, scratch);
    k->attention_forward(out + 2 * H * WIDE, H * WIDE, NULL, NULL, q, (H + 2 * G) * WIDE, 2, NULL, &both[1], heads, 0, G, scratch);
    free(scratch);
}

static void probe_logp(const rz_kernels *k, bump *b)
{
    static const int32_t target[M] = {0, 1, 2, 3, 4, 5, V - 1};
    const float *logits = values(b, M * V), *dlogp = values(b, M);
    float *logp = take(b, M), *entropy = take(b, M), *mx = take(b, M), *sum = take(b, M), *d = take(b, M * V), *e = take(b, V), *few = take(b, 4);
    k->logp_forward(logp, entropy, mx, sum, logits, V, target, 0.7f, M, V);
    k->logp_backward(d, logits, V, mx, sum, target, dlogp, 0.7f, M, V);
    k->exp_row(e, few, few + 1, few + 2, logits, 1.3f, V);
    few[3] = k->sum16(logits, V);
}

static void probe_update(const rz_kernels *k, bump *b)
{
    static const rz_adamw adamw = {0.5f, 1e-4f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-3f, 30.0f, 1e-8f};
    float *w = values(b, D), *m = values(b, D), *v = values(b, D), *g = values(b, D), *total = take(b, 2);
    for (int i = 0; i < D; i++)
        v[i] = fabsf(v[i]);
    k->adamw(w, m, v, g, D, &adamw);
    k->add(w, g, D);
    double s = k->sumsq(g, D);
    memcpy(total, &s, sizeof s);
}

static const struct { const char *name; void (*run)(const rz_kernels *k, bump *b); } probes[] = {
    {"matrix product", probe_matmul}, {"matrix product of bfloat16s", probe_half}, {"norm, rope or swiglu", probe_rows}, {"attention", probe_attention}, {"attention to bfloat16s", probe_half_attention}, {"log-probability", probe_logp},
    {"update", probe_update},
};

static bool probe(const rz_kernels *k, rz_err *err)
{
    float *truth = rz_calloc(2 * PROBE_FLOATS, sizeof *truth), *result = truth + PROBE_FLOATS;
    rz_kernels reference = rz_kernels_reference;
    reference.fours = k->fours; /* it takes either */
    bool same = true;
    for (size_t i = 0; same && i < sizeof probes / sizeof probes[0]; i++) {
        bump b[2] = {{truth, 1}, {result, 1}};
        probes[i].run(&reference, &b[0]);
        probes[i].run(k, &b[1]);
        same = memcmp(truth, result, (size_t)(b[0].next - truth) * sizeof *truth) == 0;
        if (!same)
            rz_fail(err, RZ_EINTERNAL, "kernels '%s' compute another %s than the reference on this machine: this build of them is broken; "
                    "choose others (kernels: reference always works) and report it", k->name, probes[i].name);
    }
    free(truth);
    return same;
}

/* The last that is usable and pays; the reference always is. */
static const rz_kernels *best_table(void)
{
    int i = N_TABLES - 1;
    while (!tables[i].usable() || (tables[i].pays && !tables[i].pays()))
        i--;
    return tables[i].kernels;
}

bool rz_kernels_select(const rz_kernels **out, const char *name, rz_err *err)
{
    const rz_kernels *const *list, *found = name ? NULL : best_table();
    int n = rz_kernels_available(&list);
    char names[128] = "";
    for (int i = 0; i < n; i++) {
        if (name && strcmp(name, list[i]->name) == 0)
            found = list[i];
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", list[i]->name);
    }
    if (!found)
        return rz_fail(err, RZ_EUSAGE, "kernels '%s': this build on this processor has %s", name, names);
    if (!probe(found, err))
        return false;
    *out = found;
    return true;
}
