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
} product;

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
    m->p->k->matmul(m->c + r0 * m->ldc + c0, m->ldc, a, b, M, N, m->K, m->add);
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

void rz_op_matmul(const rz_policy *p, float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add)
{
    int threads = rz_pool_size(p->pool);
    if (threads == 1 || (double)M * N * K < 2 * WORTH) {
        p->k->matmul(c, ldc, a, b, M, N, K, add);
        return;
    }
    /* rows first: every thread then streams all of B once; columns when rows are few. The other way round where W lies in rows: each cut turns it around for
     * itself, on which many rows should work */
    static const int unit[2] = {ROW_CUT, COLUMN_CUT};
    const int of[2] = {M, N}, first = b.stride_k == 1, second = !first;
    int size[2] = {M, N};
    size[first] = cut_size(of[first], 4 * threads, unit[first]);
    int n = n_cuts(of[first], size[first]);
    if (n < 2 * threads)
        size[second] = cut_size(of[second], n_cuts(2 * threads, n), unit[second]);
    product m = {p, c, ldc, a, b, M, N, K, size[0], size[1], n_cuts(M, size[0]), add};
    rz_pool_run(p->pool, m.n_row_cuts * n_cuts(N, m.columns), matmul_cut, &m);
}

void rz_op_linear(const rz_policy *p, float *y, const float *x, const rz_matrix *w, int M)
{
    int64_t panel = (int64_t)RZ_PANEL * w->K;
    rz_mat_b b = p->half     ? (rz_mat_b){NULL, RZ_PANEL, rz_half_panel(w->K), p->half + w->packed_at, false}
                 : p->packed ? (rz_mat_b){p->packed + w->packed_at, RZ_PANEL, panel, NULL, false}
                             : (rz_mat_b){p->w + w->at, 1, panel, NULL, p->stored == RZ_STORED_BF16};
    for (int m = 0; w->bias >= 0 && m < M; m++)
        memcpy(y + (int64_t)m * w->N, p->w + w->bias, (size_t)w->N * sizeof *y);
    rz_op_matmul(p, y, w->N, (rz_mat_a){x, w->K, 1}, b, M, w->N, w->K, w->bias >= 0);
}

void rz_op_linear_dx(const rz_policy *p, float *dx, const float *dy, const rz_matrix *w, int M)
{
    rz_op_matmul(p, dx, w->K, (rz_mat_a){dy, w->N, 1}, (rz_mat_b){p->w + w->at, w->K, RZ_PANEL, NULL, p->stored == RZ_STORED_BF16}, M, w->K, w->N, false);
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

void rz_op_linear_dw(const rz_policy *p, float *grad, const float *dy, const float *x, const rz_matrix *w, int M)
{
    bias_work b = {p, grad + w->bias, dy, M, w->N};
    if (w->bias >= 0)
        rz_op_rows(p, w->N, bias_columns, &b);
    rz_op_matmul(p, grad + w->at, w->K, (rz_mat_a){dy, 1, w->N}, (rz_mat_b){x, w->K, RZ_PANEL}, w->N, w->K, M, true);
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
