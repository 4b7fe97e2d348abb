/* The definition of every operation of policy/kernels.h in plain loops, compiled for the baseline processor. Slow on purpose: nothing here
 * may be clever, since everything else is tested against it. */
#include "policy/kernels_internal.h"
#include "policy/mathf.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LANES = RZ_PANEL };

static float combine(float l[LANES])
{
    for (int half = LANES / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            l[i] = l[i] + l[i + half];
    return l[0];
}

static float sum16_fma(const float *a, const float *b, int64_t n)
{
    float l[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        l[i % LANES] = rz_fmaf(a[i], b[i], l[i % LANES]);
    return combine(l);
}

static float sum16(const float *x, int64_t n)
{
    float l[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        l[i % LANES] = l[i % LANES] + x[i];
    return combine(l);
}

static float element(const rz_mat_b *b, int k, int n)
{
    int64_t at = n / LANES * b->stride_panel + k * b->stride_k + n % LANES * (b->stride_k == 1 ? b->stride_panel / LANES : 1);
    return b->half ? rz_from_half(b->half[n / LANES * b->stride_panel + rz_half_at(k, n % LANES, b->fours)]) : b->rounded ? rz_from_half(rz_half(b->p[at])) : b->p[at];
}

static void matmul(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, bool add)
{
    assert(M >= 0 && N >= 0 && K >= 0 && (a.stride_m == 1 || a.stride_k == 1 || M <= 1) && (!b.half || a.stride_k == 1));
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float acc = add ? c[m * ldc + n] : 0.0f;
            for (int k = 0; k < K; k++)
                acc = rz_fmaf(a.p[m * a.stride_m + k * a.stride_k], element(&b, k, n), acc);
            c[m * ldc + n] = acc;
        }
}

static float flushed(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

/* fma, flushed. Whether a result that is no more than 2^-126 would have been less, had the exponent not been in the way, is seen some powers of two higher up. */
static float fma_flushed(float a, float b, float c)
{
    float r = rz_fmaf(a, b, c);
    if (r == 0 || !(fabsf(r) <= 0x1p-126f))
        return r;
    return fabsf(rz_fmaf(a * 0x1p24f, b, c * 0x1p24f)) < 0x1p-102f ? copysignf(0, r) : r;
}

static void matmul_half(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    assert(M >= 0 && N >= 0 && K >= 0 && (spans.n == 0 || spans.ends[spans.n - 1] == K) && (!b.half || spans.n <= 1));
    b.rounded = true;
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float acc = add ? c[m * ldc + n] : 0.0f;
            for (int k = 0, span = 0, filled; k < K; k += filled) {
                int end = spans.n ? spans.ends[span] : K;
                filled = end - k < RZ_HALF_BLOCK ? end - k : RZ_HALF_BLOCK;
                float sum[2] = {0, 0}; /* of even-numbered and odd-numbered terms */
                for (int i = 0; i < RZ_HALF_BLOCK; i++) {
                    float x = i < filled ? rz_from_half(rz_half(a.p[m * a.stride_m + (k + i) * a.stride_k])) : 0.0f, y = i < filled ? element(&b, k + i, n) : 0.0f;
                    sum[i % 2] = fma_flushed(flushed(x), flushed(y), sum[i % 2]);
                }
                acc = flushed(flushed(acc) + flushed(sum[0] + sum[1]));
                span += k + filled == end;
            }
            c[m * ldc + n] = acc;
        }
}

static void rmsnorm_forward(float *y, float *rstd, float *x, const float *add, const float *w, float eps, int M, int D)
{
    assert(M >= 0 && D >= 1);
    for (int m = 0; m < M; m++, x += D, y += D) {
        if (add)
            for (int d = 0; d < D; d++)
                x[d] = x[d] + add[(int64_t)m * D + d];
        float r = 1.0f / sqrtf(sum16_fma(x, x, D) / (float)D + eps);
        if (rstd)
            rstd[m] = r;
        for (int d = 0; d < D; d++)
            y[d] = (x[d] * r) * w[d];
    }
}

static void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, const float *rstd, int M, int D)
{
    assert(M >= 0 && D >= 1);
    for (int m = 0; m < M; m++, dx += D, dy += D, x += D) {
        float l[LANES] = {0};
        for (int d = 0; d < D; d++)
            l[d % LANES] = rz_fmaf(dy[d] * w[d], x[d] * rstd[m], l[d % LANES]);
        float mean = combine(l) / (float)D;
        for (int d = 0; d < D; d++) {
            float xh = x[d] * rstd[m], gy = dy[d] * w[d];
            dx[d] = rz_fmaf(rstd[m], rz_fmaf(-xh, mean, gy), dx[d]);
        }
    }
}

static void rmsnorm_backward_w(float *dw, const float *dy, const float *x, const float *rstd, int M, int D, int d0, int d1)
{
    assert(M >= 0 && 0 <= d0 && d0 <= d1 && d1 <= D);
    for (int d = d0; d < d1; d++)
        for (int m = 0; m < M; m++)
            dw[d] = rz_fmaf(dy[(int64_t)m * D + d], x[(int64_t)m * D + d] * rstd[m], dw[d]);
}

static void rope(float *x, int64_t ld, const float *cs, const int32_t *pos, int M, int n_heads, int E, bool inverse)
{
    assert(M >= 0 && n_heads >= 0 && E % 2 == 0);
    for (int m = 0; m < M; m++)
        for (int h = 0; h < n_heads; h++)
            for (int e = 0; e < E / 2; e++) {
                float *lo = x + m * ld + (int64_t)h * E + e, *hi = lo + E / 2, a = *lo, b = *hi;
                float c = cs[(int64_t)pos[m] * E + 2 * e], s = cs[(int64_t)pos[m] * E + 2 * e + 1];
                s = inverse ? -s : s;
                *lo = rz_fmaf(a, c, -(b * s));
                *hi = rz_fmaf(b, c, a * s);
            }
}

/* Element e of key j of head g. */
static float *key_at(const rz_kv *kv, int G, int g, int j, int e, int E)
{
    return kv->k + (((int64_t)(j / LANES) * G + g) * E + e) * LANES + j % LANES;
}

static float *value_at(const rz_kv *kv, int G, int g, int j, int e, int E)
{
    return kv->v + ((int64_t)j * G + g) * E + e;
}

static float key_of(const rz_kv *kv, int G, int g, int j, int e, int E)
{
    return kv->half_k ? rz_from_half(kv->half_k[rz_half_key_at(G, g, j, e, E)]) : *key_at(kv, G, g, j, e, E);
}

static float value_of(const rz_kv *kv, int G, int g, int j, int e, int E)
{
    return kv->half_v ? rz_from_half(kv->half_v[rz_half_value_at(G, g, j, e, E)]) : *value_at(kv, G, g, j, e, E);
}

static void put_key(const rz_kv *kv, int G, int g, int j, int e, int E, float x)
{
    if (kv->half_k)
        kv->half_k[rz_half_key_at(G, g, j, e, E)] = rz_half(x);
    else
        *key_at(kv, G, g, j, e, E) = kv->rounded ? rz_from_half(rz_half(x)) : x;
}

static void put_value(const rz_kv *kv, int G, int g, int j, int e, int E, float x)
{
    if (kv->half_v)
        kv->half_v[rz_half_value_at(G, g, j, e, E)] = rz_half(x);
    else
        *value_at(kv, G, g, j, e, E) = kv->rounded ? rz_from_half(rz_half(x)) : x;
}

static void kv_append(const rz_kv *kv, const float *k, const float *v, int64_t ld, int n, int G, int E)
{
    assert(n >= 0 && kv->n + n <= kv->cap && kv->cap % LANES == 0);
    for (int i = 0; i < n; i++)
        for (int g = 0; g < G; g++)
            for (int e = 0; e < E; e++) {
                put_key(kv, G, g, kv->n + i, e, E, k[i * ld + (int64_t)g * E + e]);
                put_value(kv, G, g, kv->n + i, e, E, v[i * ld + (int64_t)g * E + e]);
            }
}

/* The keys of one query, parent's first: which segment key j lies in, and where. */
typedef struct { const rz_kv *parent, *own; int G, n_parent, n; } key_list;

static key_list keys_of(const rz_kv *parent, const rz_kv *own, int G, int n_q, int i)
{
    int n_parent = parent ? parent->n : 0;
    return (key_list){parent, own, G, n_parent, n_parent + own->n - n_q + i + 1};
}

static const rz_kv *segment_of(const key_list *list, int *j)
{
    if (*j < list->n_parent)
        return list->parent;
    *j -= list->n_parent;
    return list->own;
}

static float key_dot(const key_list *list, int g, int j, const float *q, int E)
{
    const rz_kv *kv = segment_of(list, &j);
    float acc = 0.0f;
    for (int e = 0; e < E; e++)
        acc = rz_fmaf(q[e], key_of(kv, list->G, g, j, e, E), acc);
    return acc;
}

static float value_dot(const key_list *list, int g, int j, const float *d, int E)
{
    const rz_kv *kv = segment_of(list, &j);
    float acc = 0.0f;
    for (int e = 0; e < E; e++)
        acc = rz_fmaf(d[e], value_of(kv, list->G, g, j, e, E), acc);
    return acc;
}

static void attend_one(float *out, float *row_max, float *row_sum, const float *q, const key_list *list, int g, int E, float scale, float *p)
{
    for (int j = 0; j < list->n; j++)
        p[j] = key_dot(list, g, j, q, E) * scale;
    float mx = p[0];
    for (int j = 1; j < list->n; j++)
        mx = rz_maxf(mx, p[j]);
    for (int j = 0; j < list->n; j++)
        p[j] = rz_expf(p[j] - mx);
    float sum = sum16(p, list->n);
    for (int e = 0; e < E; e++) {
        float acc = 0.0f;
        for (int j = 0; j < list->n; j++) {
            int at = j;
            const rz_kv *kv = segment_of(list, &at);
            acc = rz_fmaf(p[j], value_of(kv, list->G, g, at, e, E), acc);
        }
        out[e] = acc / sum;
    }
    if (row_max)
        *row_max = mx;
    if (row_sum)
        *row_sum = sum;
}

static void attention_forward(float *out, int64_t ldo, float *row_max, float *row_sum, const float *q, int64_t ldq, int n_q, const rz_kv *parent,
                              const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n >= n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int R = heads.H / heads.G, E = heads.E;
    for (int i = 0; i < n_q; i++) {
        key_list list = keys_of(parent, own, heads.G, n_q, i);
        for (int h = g0 * R; h < g1 * R; h++) {
            int64_t row = (int64_t)i * heads.H + h;
            attend_one(out + i * ldo + h * E, row_max ? row_max + row : NULL, row_sum ? row_sum + row : NULL, q + i * ldq + h * E, &list,
                       h / R, E, heads.scale, scratch);
        }
    }
}

static void attention_step(float *out, int64_t ldo, float *row_max, float *row_sum, const float *qkv, int64_t ld, const rz_kv *parent, const rz_kv *own,
                           int n, rz_heads heads, int g0, int g1, float *scratch)
{
    int H = heads.H, G = heads.G, E = heads.E;
    for (int i = 0; i < n; i++, qkv += ld) {
        int at = own[i].n - 1, first = at / RZ_PANEL * RZ_PANEL;
        for (int g = g0; g < g1; g++)
            for (int e = 0; e < E; e++) {
                for (int j = first; at == first && j < first + RZ_PANEL; j++)
                    put_key(&own[i], G, g, j, e, E, 0.0f);
                put_key(&own[i], G, g, at, e, E, qkv[(H + g) * E + e]);
                put_value(&own[i], G, g, at, e, E, qkv[(H + G + g) * E + e]);
            }
        attention_forward(out + i * ldo, ldo, row_max ? row_max + (int64_t)i * H : NULL, row_sum ? row_sum + (int64_t)i * H : NULL, qkv, ld, 1, &parent[i],
                          &own[i], heads, g0, g1, scratch);
    }
}

/* One query, one head. grad_k, grad_v: of parent, of own. */
static void attend_one_backward(float *dq, float *const grad_k[2], float *const grad_v[2], int64_t ldd, const float *dout, const float *out,
                                float mx, float sum, const float *q, const key_list *list, int g, int E, float scale, float *ds)
{
    float dot = sum16_fma(dout, out, E), r = 1.0f / sum;
    for (int j = 0; j < list->n; j++) {
        float p = rz_expf(key_dot(list, g, j, q, E) * scale - mx) * r;
        ds[j] = (p * (value_dot(list, g, j, dout, E) - dot)) * scale;
        int at = j, own = segment_of(list, &at) == list->own;
        float *dk = grad_k[own] + at * ldd + (int64_t)g * E, *dv = grad_v[own] + at * ldd + (int64_t)g * E;
        for (int e = 0; e < E; e++) {
            dk[e] = rz_fmaf(ds[j], q[e], dk[e]);
            dv[e] = rz_fmaf(p, dout[e], dv[e]);
        }
    }
    for (int e = 0; e < E; e++) {
        float acc = 0.0f;
        for (int j = 0; j < list->n; j++) {
            int at = j;
            const rz_kv *kv = segment_of(list, &at);
            acc = rz_fmaf(ds[j], key_of(kv, list->G, g, at, e, E), acc);
        }
        dq[e] = acc;
    }
}

static void attention_backward(float *dq, float *dk_own, float *dv_own, float *dk_parent, float *dv_parent, int64_t ldd, const float *dout,
                               const float *out, int64_t ldo, const float *row_max, const float *row_sum, const float *q, int64_t ldq, int n_q,
                               const rz_kv *parent, const rz_kv *own, rz_heads heads, int g0, int g1, float *scratch)
{
    assert(n_q >= 0 && own->n == n_q && heads.H % heads.G == 0 && 0 <= g0 && g0 <= g1 && g1 <= heads.G);
    int R = heads.H / heads.G, E = heads.E;
    float *const grad_k[2] = {dk_parent, dk_own}, *const grad_v[2] = {dv_parent, dv_own};
    for (int i = 0; i < n_q; i++) {
        key_list list = keys_of(parent, own, heads.G, n_q, i);
        for (int h = g0 * R; h < g1 * R; h++) {
            int64_t row = (int64_t)i * heads.H + h;
            attend_one_backward(dq + i * ldd + h * E, grad_k, grad_v, ldd, dout + i * ldo + h * E, out + i * ldo + h * E, row_max[row], row_sum[row],
                                q + i * ldq + h * E, &list, h / R, E, heads.scale, scratch);
        }
    }
}

static size_t attention_scratch(int n_q, int n_keys, rz_heads heads)
{
    (void)n_q, (void)heads;
    return (size_t)n_keys;
}

static void swiglu_forward(float *a, const float *gu, int M, int F)
{
    assert(M >= 0 && F >= 0);
    for (int64_t m = 0; m < M; m++)
        for (int f = 0; f < F; f++) {
            float gate = gu[m * 2 * F + f], up = gu[m * 2 * F + F + f];
            a[m * F + f] = (gate * rz_sigmoidf(gate)) * up;
        }
}

static void swiglu_backward(float *dgu, const float *da, const float *gu, int M, int F)
{
    assert(M >= 0 && F >= 0);
    for (int64_t m = 0; m < M; m++)
        for (int f = 0; f < F; f++) {
            float gate = gu[m * 2 * F + f], up = gu[m * 2 * F + F + f], d = da[m * F + f];
            float s = rz_sigmoidf(gate), t = gate * s;
            dgu[m * 2 * F + f] = (d * up) * (s * rz_fmaf(gate, 1.0f - s, 1.0f));
            dgu[m * 2 * F + F + f] = d * t;
        }
}

static float max_of(const float *x, float factor, int n)
{
    float mx = x[0] * factor;
    for (int i = 1; i < n; i++)
        mx = rz_maxf(mx, x[i] * factor);
    return mx;
}

static void logp_forward(float *logp, float *entropy, float *row_max, float *row_sum, const float *logits, int64_t ld, const int32_t *target,
                         float temperature, int M, int V)
{
    assert(M >= 0 && V >= 1);
    float u = 1.0f / temperature;
    for (int m = 0; m < M; m++, logits += ld) {
        assert(0 <= target[m] && target[m] < V);
        float mx = max_of(logits, u, V), sum[LANES] = {0}, weighted[LANES] = {0};
        for (int v = 0; v < V; v++) {
            float z = logits[v] * u - mx, e = rz_expf(z);
            sum[v % LANES] = sum[v % LANES] + e;
            weighted[v % LANES] = rz_fmaf(e, z, weighted[v % LANES]);
        }
        float S = combine(sum), log_sum = rz_logf(S);
        logp[m] = (logits[target[m]] * u - mx) - log_sum;
        if (entropy)
            entropy[m] = log_sum - combine(weighted) / S;
        if (row_max)
            row_max[m] = mx;
        if (row_sum)
            row_sum[m] = S;
    }
}

static void logp_backward(float *dlogits, const float *logits, int64_t ld, const float *row_max, const float *row_sum, const int32_t *target,
                          const float *dlogp, float temperature, int M, int V)
{
    assert(M >= 0 && V >= 1);
    float u = 1.0f / temperature;
    for (int m = 0; m < M; m++, logits += ld, dlogits += ld) {
        float d = dlogp[m] * u, r = 1.0f / row_sum[m];
        for (int v = 0; v < V; v++)
            dlogits[v] = d * ((v == target[m] ? 1.0f : 0.0f) - rz_expf(logits[v] * u - row_max[m]) * r);
    }
}

static void exp_row(float *e, float *mx, float *sum, float *weighted, const float *logits, float temperature, int V)
{
    assert(V >= 1);
    float u = 1.0f / temperature, max = max_of(logits, u, V), lanes[LANES] = {0};
    for (int v = 0; v < V; v++) {
        float z = logits[v] * u - max;
        e[v] = rz_expf(z);
        lanes[v % LANES] = rz_fmaf(e[v], z, lanes[v % LANES]);
    }
    *mx = max;
    *sum = sum16(e, V);
    *weighted = combine(lanes);
}

static void add(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = y[i] + x[i];
}

static double sumsq(const float *x, int64_t n)
{
    double l[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        l[i % LANES] = l[i % LANES] + (double)x[i] * (double)x[i];
    for (int half = LANES / 2; half >= 1; half /= 2)
        for (int i = 0; i < half; i++)
            l[i] = l[i] + l[i + half];
    return l[0];
}

static float flush(float x) { return fabsf(x) < 0x1p-100f ? 0.0f : x; }

static void adamw(float *w, float *m, float *v, const float *g, int64_t n, const rz_adamw *a)
{
    for (int64_t i = 0; i < n; i++) {
        float gs = g[i] * a->grad_scale, w1 = rz_fmaf(-a->lr_wd, w[i], w[i]);
        m[i] = flush(rz_fmaf(a->b1, m[i], a->one_b1 * gs));
        v[i] = flush(rz_fmaf(a->b2, v[i], (a->one_b2 * gs) * gs));
        w[i] = rz_fmaf(-a->step, m[i] / rz_fmaf(sqrtf(v[i]), a->inv_sqrt_bias2, a->eps), w1);
    }
}

const rz_kernels rz_kernels_reference = {
    "reference", true, matmul, matmul_half, rmsnorm_forward, rmsnorm_backward, rmsnorm_backward_w, rope, kv_append, attention_forward, attention_step, attention_backward,
    attention_scratch, swiglu_forward, swiglu_backward, logp_forward, logp_backward, exp_row, sum16, add, sumsq, adamw,
};
