/* How fast the kernels are on this core: matrix products and attention in GFLOP/s and as a share of a register-only loop run in between
 * (policy/peak.c), the rest in ns per element. Best of several rounds of processor time, so that a busy machine spoils little.
 *   bench_kernels [TABLE [WORDS]]      default: the best table; all rows, or those with WORDS in their name */
#include "policy/kernels.h"
#include "policy/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 25 };
static const rz_kernels *k;
static double peak;
static const char *only = "";

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call of run(ctx), some milliseconds a round. */
static double best_time(void (*run)(void *ctx), void *ctx)
{
    run(ctx);
    double t0 = processor_seconds(), best = 1e30;
    run(ctx);
    int calls = 1 + (int)(2e-3 / (processor_seconds() - t0 + 1e-9));
    for (int r = 0; r < ROUNDS; r++) {
        double p = r % 5 ? 0 : rz_peak_gflops(k->name, 2);
        peak = p > peak ? p : peak;
        double start = processor_seconds();
        for (int i = 0; i < calls; i++)
            run(ctx);
        double t = (processor_seconds() - start) / calls;
        best = t < best ? t : best;
    }
    return best;
}

static void report(const char *what, double flop, double seconds)
{
    printf("%-58s %10.2f us %8.1f GFLOP/s", what, seconds * 1e6, flop / seconds * 1e-9);
    if (peak > 0)
        printf(" %6.1f %%", flop / seconds * 1e-7 / peak);
    printf("\n");
}

static float *values(int64_t n)
{
    float *p = aligned_alloc(64, ((size_t)n * sizeof *p + 63) / 64 * 64);
    if (!p)
        exit(1);
    for (int64_t i = 0; i < n; i++)
        p[i] = (float)(i * 2654435761u % 65521) / 32768.0f - 1.0f;
    return p;
}

/* ---- matrix products ---- */

typedef struct { float *c; rz_mat_a a; rz_mat_b b; int M, K, N; bool add, half; } product;

static void run_product(void *ctx)
{
    product *p = ctx;
    if (p->half)
        k->matmul_half(p->c, p->N, p->a, p->b, p->M, p->N, p->K, (rz_spans){NULL, 0}, p->add);
    else
        k->matmul(p->c, p->N, p->a, p->b, p->M, p->N, p->K, p->add);
}

static void products(void)
{
    static const struct { const char *kind; int M, K, N; bool half; } shapes[] = {
        {"x·Wᵀ", 1, 128, 704},    {"x·Wᵀ", 8, 128, 704},    {"x·Wᵀ", 32, 128, 704},   {"x·Wᵀ", 64, 128, 704},    {"x·Wᵀ", 256, 128, 704},
        {"x·Wᵀ", 1, 352, 128},    {"x·Wᵀ", 8, 352, 128},    {"x·Wᵀ", 32, 352, 128},   {"x·Wᵀ", 64, 352, 128},    {"x·Wᵀ", 256, 352, 128},
        {"x·Wᵀ", 1, 128, 132},    {"x·Wᵀ", 8, 128, 132},    {"x·Wᵀ", 32, 128, 132},   {"x·Wᵀ", 64, 128, 132},    {"x·Wᵀ", 256, 128, 132},
        {"x·Wᵀ", 1, 256, 1024},   {"x·Wᵀ", 8, 256, 1024},   {"x·Wᵀ", 32, 256, 1024},  {"x·Wᵀ", 64, 256, 1024},   {"x·Wᵀ", 256, 256, 1024},
        {"x·Wᵀ", 1, 896, 4864},   {"x·Wᵀ", 8, 896, 4864},   {"x·Wᵀ", 32, 896, 4864},  {"x·Wᵀ", 64, 896, 4864},   {"x·Wᵀ", 256, 896, 4864},
        {"bf16", 1, 896, 4864},   {"bf16", 8, 896, 4864},   {"bf16", 32, 896, 4864},  {"bf16", 64, 896, 4864},   {"bf16", 256, 896, 4864},
        {"W rows", 64, 896, 4864}, {"W rows", 256, 128, 704}, {"W rows", 256, 256, 1024}, {"W rows", 256, 896, 4864},
        {"dy·W", 256, 704, 128},  {"dy·W", 256, 128, 352},  {"dy·W", 256, 1024, 256}, {"dy·W", 256, 4864, 896},
        {"dyᵀ·x", 704, 2048, 128}, {"dyᵀ·x", 128, 2048, 352}, {"dyᵀ·x", 132, 2048, 128}, {"dyᵀ·x", 1024, 2048, 256}, {"dyᵀ·x", 4864, 1024, 896},
        /* of bfloat16s (compute: bf16) */
        {"bf16", 1, 896, 4864, true},   {"bf16", 8, 896, 4864, true},   {"bf16", 32, 896, 4864, true},  {"bf16", 64, 896, 4864, true},  {"bf16", 256, 896, 4864, true},
        {"bf16", 32, 192, 1152, true},  {"bf16", 256, 192, 1152, true}, {"W rows", 256, 192, 1152, true}, {"W rows", 256, 896, 4864, true},
        {"dy·W", 256, 1152, 192, true}, {"dy·W", 256, 4864, 896, true}, {"dyᵀ·x", 1152, 256, 192, true}, {"dyᵀ·x", 4864, 256, 896, true}, {"dyᵀ·x", 4864, 1024, 896, true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        int M = shapes[i].M, K = shapes[i].K, N = shapes[i].N, half = strcmp(shapes[i].kind, "bf16") == 0,
            packed = half || strcmp(shapes[i].kind, "x·Wᵀ") == 0;
        char what[64];
        snprintf(what, sizeof what, "%-6s %4d x %4d x %4d%s", shapes[i].kind, M, K, N, shapes[i].half ? ", compute bf16" : "");
        if (!strstr(what, only))
            continue;
        int weights = strcmp(shapes[i].kind, "dyᵀ·x") == 0, rows = strcmp(shapes[i].kind, "W rows") == 0; /* x·Wᵀ without panels */
        float *a = values((int64_t)M * K), *b = values((int64_t)rz_packed_size(N, K)), *c = values((int64_t)M * N);
        uint16_t *halves = (uint16_t *)(void *)values((int64_t)rz_packed_size(N, rz_half_k(K)) / 2);
        product p = {c, {a, weights ? 1 : K, weights ? M : 1}, {b, packed ? RZ_PANEL : rows ? 1 : N, packed || rows ? (int64_t)RZ_PANEL * K : RZ_PANEL}, M, K, N, weights, shapes[i].half};
        if (half) /* of the same products with panels of bfloat16 */
            rz_pack_half(halves, b, N, K, k->fours), p.b = rz_half_panels(halves, K, k->fours);
        report(what, 2.0 * M * K * N, best_time(run_product, &p));
        free(a), free(b), free(c), free(halves);
    }
}

/* ---- attention ---- */

typedef struct {
    rz_heads heads;
    int n_q;
    rz_kv parent, own;
    float *q, *out, *mx, *sum, *dq, *dk, *dv, *scratch;
    bool backward;
} attention;

static void run_attention(void *ctx)
{
    attention *a = ctx;
    int64_t ld = (int64_t)a->heads.H * a->heads.E;
    if (a->backward) /* gradients of parent's keys fall on the own ones: the time is the same */
        k->attention_backward(a->dq, a->dk, a->dv, a->dk, a->dv, ld, a->q, a->out, ld, a->mx, a->sum, a->q, ld, a->n_q, &a->parent, &a->own, a->heads, 0,
                              a->heads.G, a->scratch);
    else
        k->attention_forward(a->out, ld, a->mx, a->sum, a->q, ld, a->n_q, &a->parent, &a->own, a->heads, 0, a->heads.G, a->scratch);
}

static rz_kv segment(int n, rz_heads h)
{
    int cap = (n + 15) / 16 * 16;
    return (rz_kv){values((int64_t)cap * h.G * h.E), values((int64_t)cap * h.G * h.E), n, cap};
}

static void attentions(void)
{
    static const struct { int H, G, E, n_q, parent, own; } shapes[] = {
        {6, 6, 32, 1, 0, 80},   {6, 6, 32, 1, 256, 64},  {6, 6, 32, 1, 256, 800}, {14, 2, 64, 1, 0, 144},   {14, 2, 64, 1, 256, 800},
        {8, 4, 32, 1, 256, 64}, {4, 4, 64, 1, 256, 64},  {8, 8, 16, 1, 256, 64},  {6, 6, 32, 16, 0, 16},    {6, 6, 32, 256, 0, 256},
        {6, 6, 32, 64, 256, 64}, {6, 6, 32, 500, 256, 500}, {14, 2, 64, 256, 0, 256}, {14, 2, 64, 256, 256, 256}, {8, 2, 128, 256, 0, 256},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int backward = 0; backward < 2; backward++) {
            rz_heads h = {shapes[i].H, shapes[i].G, shapes[i].E, 0.2f};
            int n_q = shapes[i].n_q, n_keys = shapes[i].parent + shapes[i].own;
            char what[96];
            snprintf(what, sizeof what, "attention %s H %d G %d E %d, %d on %d+%d", backward ? "backward" : "forward", h.H, h.G, h.E, n_q,
                     shapes[i].parent, shapes[i].own);
            if ((backward && shapes[i].own != n_q) || !strstr(what, only))
                continue;
            int64_t size = (int64_t)h.H * h.E * (n_keys > n_q ? n_keys : n_q), stats = (int64_t)n_q * h.H;
            attention a = {h, n_q, segment(shapes[i].parent, h), segment(shapes[i].own, h), values(size), values(size), values(stats), values(stats),
                           values(size), values(size), values(size), values((int64_t)k->attention_scratch(n_q, n_keys, h)), false};
            run_attention(&a); /* row_max, row_sum and out are what backward expects */
            a.backward = backward;
            double pairs = (double)n_q * (shapes[i].parent + shapes[i].own - n_q) + (double)n_q * (n_q + 1) / 2; /* query sees key */
            report(what, pairs * h.H * h.E * (backward ? 10 : 4), best_time(run_attention, &a));
            free(a.parent.k), free(a.parent.v), free(a.own.k), free(a.own.v), free(a.q), free(a.out), free(a.mx), free(a.sum);
            free(a.dq), free(a.dk), free(a.dv), free(a.scratch);
        }
}

/* ---- the rest, by element ---- */

enum { M = 64, D = 896, F = 1024, V = 16384, LONG = 1 << 18 };
static float *x, *y, *z, *w, *row, turn[64];
static int32_t *ids;

static void norm_forward(void *c) { (void)c, k->rmsnorm_forward(y, row, x, NULL, w, 1e-6f, M, D); }
static void norm_backward(void *c) { (void)c, k->rmsnorm_backward(y, z, x, w, row, M, D); }
static void norm_backward_w(void *c) { (void)c, k->rmsnorm_backward_w(w, z, x, row, M, D, 0, D); }
static void rope(void *c) { (void)c, k->rope(x, D, turn, ids, M, 14, 64, false); }
static void swiglu_forward(void *c) { (void)c, k->swiglu_forward(y, x, M, F); }
static void swiglu_backward(void *c) { (void)c, k->swiglu_backward(z, y, x, M, F); }
static void logp_forward(void *c) { (void)c, k->logp_forward(row, row + 32, row + 64, row + 96, x, V, ids, 0.9f, 16, V); }
static void logp_backward(void *c) { (void)c, k->logp_backward(y, x, V, row + 64, row + 96, ids, row, 0.9f, 16, V); }
static void exp_row(void *c) { (void)c, k->exp_row(y, row, row + 1, row + 2, x, 0.9f, V); }
static void sum16(void *c) { (void)c, row[0] = k->sum16(x, V); }
static void add(void *c) { (void)c, k->add(y, x, V); }
static void sumsq(void *c) { (void)c, row[0] = (float)k->sumsq(x, V); }
static void adamw(void *c)
{
    (void)c;
    static const rz_adamw a = {0.5f, 1e-4f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-3f, 30.0f, 1e-8f};
    k->adamw(y, z, w, x, LONG, &a);
}

static void others(void)
{
    static const struct { const char *name; void (*run)(void *); double elements; } rows[] = {
        {"rmsnorm_forward", norm_forward, M * D}, {"rmsnorm_backward", norm_backward, M * D}, {"rmsnorm_backward_w", norm_backward_w, M * D},
        {"rope", rope, M * D}, {"swiglu_forward", swiglu_forward, M * F}, {"swiglu_backward", swiglu_backward, M * F},
        {"logp_forward (with entropy)", logp_forward, 16 * V}, {"logp_backward", logp_backward, 16 * V}, {"exp_row", exp_row, V},
        {"sum16", sum16, V}, {"add", add, V}, {"sumsq", sumsq, V}, {"adamw", adamw, LONG},
    };
    x = values(LONG), y = values(LONG), z = values(LONG), w = values(LONG), row = values(128);
    ids = calloc(M, sizeof *ids);
    for (int i = 0; i < 64; i += 2)
        turn[i] = 1; /* by no angle: x must not grow from call to call */
    for (int i = 0; i < LONG; i++)
        w[i] = w[i] < 0 ? -w[i] : w[i]; /* also the second moment */
    for (size_t i = 0; ids && i < sizeof rows / sizeof rows[0]; i++)
        if (strstr(rows[i].name, only))
            printf("%-58s %10.3f ns an element\n", rows[i].name, best_time(rows[i].run, NULL) / rows[i].elements * 1e9);
    free(x), free(y), free(z), free(w), free(row), free(ids);
}

int main(int argc, char **argv)
{
    rz_err err;
    only = argc > 2 ? argv[2] : "";
    if (!rz_kernels_select(&k, argc > 1 ? argv[1] : NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 0; i < 10; i++) {
        double p = rz_peak_gflops(k->name, 10);
        peak = p > peak ? p : peak;
    }
    printf("kernels %s, one thread, registers alone %.1f GFLOP/s\n", k->name, peak);
    products();
    attentions();
    others();
    printf("registers alone, best seen: %.1f GFLOP/s\n", peak);
    return 0;
}
