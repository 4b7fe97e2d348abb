#include "policy/internal.h"

#include <string.h>

/* Cuts of at least this many multiply-adds are worth waking a thread for. */
enum { WORTH = 1 << 15, ROW_CUT = 48, COLUMN_CUT = 4 * RZ_PANEL };

typedef struct {
    const rz_policy *p;
    float *c;
    int64_t ldc;
    rz_mat_a a;
    rz_mat_b b;
    int M, N, K, rows, columns, n_row_cuts;
    bool add;
    rz_spans spans;
} product;

static void multiply(const product *m, float *c, rz_mat_a a, rz_mat_b b, int M, int N)
{
    if (m->p->compute == RZ_COMPUTE_BF16)
        m->p->k->matmul_half(c, m->ldc, a, b, M, N, m->K, m->spans, m->add);
    else
        m->p->k->matmul(c, m->ldc, a, b, M, N, m->K, m->add);
}

static void matmul_cut(void *ctx, int i, int thread)
{
    (void)thread;
    const product *m = ctx;
    int r0 = i % m->n_row_cuts * m->rows, c0 = i / m->n_row_cuts * m->columns;
    int M = m->M - r0 < m->rows ? m->M - r0 : m->rows, N = m->N - c0 < m->columns ? m->N - c0 : m->columns;
    rz_mat_a a = m->a;
    rz_mat_b b = m->b;
    a.p += r0 * a.stride_m;
    if (b.half)
        b.half += c0 / RZ_PANEL * b.stride_panel;
    else
        b.p += c0 / RZ_PANEL * b.stride_panel;
    multiply(m, m->c + r0 * m->ldc + c0, a, b, M, N);
}

static int n_cuts(int n, int size)
{
    return (n + size - 1) / size;
}

static int cut_size(int n, int pieces, int unit)
{
    int size = ((n + pieces - 1) / pieces + unit - 1) / unit * unit;
    return size < unit ? unit : size;
}

static void matmul(product m)
{
    int threads = rz_pool_size(m.p->pool);
    if (threads == 1 || (double)m.M * m.N * m.K < 2 * WORTH) {
        multiply(&m, m.c, m.a, m.b, m.M, m.N);
        return;
    }
    /* rows first: every thread then streams all of B once; columns when rows are few. The other way round where W lies in rows: each cut turns it around for
     * itself, on which many rows should work */
    static const int unit[2] = {ROW_CUT, COLUMN_CUT};
    const int of[2] = {m.M, m.N}, first = m.b.stride_k == 1, second = !first;
    int size[2] = {m.M, m.N};
    size[first] = cut_size(of[first], 4 * threads, unit[first]);
    int n = n_cuts(of[first], size[first]);
    if (n < 2 * threads)
        size[second] = cut_size(of[second], n_cuts(2 * threads, n), unit[second]);
    m.rows = size[0], m.columns = size[1], m.n_row_cuts = n_cuts(m.M, m.rows);
    rz_pool_run(m.p->pool, m.n_row_cuts * n_cuts(m.N, m.columns), matmul_cut, &m);
}

void rz_op_linear(const rz_policy *p, float *y, const float *x, const rz_matrix *w, int M, rz_reads reads)
{
    int64_t panel = (int64_t)RZ_PANEL * w->K;
    rz_mat_b b = p->half     ? rz_half_panels(p->half + w->packed_at, w->K, p->k->fours)
                 : p->packed ? (rz_mat_b){p->packed + w->packed_at, RZ_PANEL, panel, NULL, false}
                             : (rz_mat_b){p->w + w->at, 1, panel, NULL, p->stored == RZ_STORED_BF16};
    b.far = rz_policy_far(p);
    if (rz_pool_size(p->pool) == 1)
        b.reads = reads;
    for (int m = 0; w->bias >= 0 && m < M; m++)
        memcpy(y + (int64_t)m * w->N, p->w + w->bias, (size_t)w->N * sizeof *y);
    matmul((product){.p = p, .c = y, .ldc = w->N, .a = {x, w->K, 1}, .b = b, .M = M, .N = w->N, .K = w->K, .add = w->bias >= 0});
}

void rz_op_linear_dx(const rz_policy *p, float *dx, const float *dy, const rz_matrix *w, int M)
{
    matmul((product){.p = p, .c = dx, .ldc = w->K, .a = {dy, w->N, 1}, .b = {p->w + w->at, w->K, RZ_PANEL, NULL, p->stored == RZ_STORED_BF16}, .M = M, .N = w->K, .K = w->N});
}

typedef struct {
    const rz_policy *p;
    float *grad;
    const float *dy;
    int M, N;
} bias_work;

static void bias_columns(void *ctx, int n0, int n1)
{
    const bias_work *b = ctx;
    for (int m = 0; m < b->M; m++)
        b->p->k->add(b->grad + n0, b->dy + (int64_t)m * b->N + n0, n1 - n0);
}

void rz_op_linear_dw(const rz_policy *p, float *grad, const float *dy, const float *x, const rz_matrix *w, int M, rz_spans spans)
{
    bias_work b = {p, grad + w->bias, dy, M, w->N};
    if (w->bias >= 0)
        rz_op_rows(p, w->N, bias_columns, &b);
    matmul((product){.p = p, .c = grad + w->at, .ldc = w->K, .a = {dy, 1, w->N}, .b = {x, w->K, RZ_PANEL, NULL, false}, .M = w->N, .N = w->K, .K = M, .add = true, .spans = spans});
}

typedef struct {
    void (*fn)(void *ctx, int r0, int r1);
    void *ctx;
    int M, rows;
} row_work;

static void rows_cut(void *ctx, int i, int thread)
{
    (void)thread;
    const row_work *w = ctx;
    int r0 = i * w->rows, r1 = r0 + w->rows;
    w->fn(w->ctx, r0, r1 < w->M ? r1 : w->M);
}

void rz_op_rows(const rz_policy *p, int M, void (*fn)(void *ctx, int r0, int r1), void *ctx)
{
    int threads = rz_pool_size(p->pool);
    row_work w = {fn, ctx, M, threads == 1 ? M : cut_size(M, 4 * threads, 16)};
    if (M > 0)
        rz_pool_run(p->pool, (M + w.rows - 1) / w.rows, rows_cut, &w);
}
