/* Part of kernels_vec.c: operations on rows, element by element. */

static float sum16(const float *x, int64_t length)
{
    vf s = vf_zero();
    SIXTEENS(i, n, length)
        s = vf_add(s, get(x + i, n)); /* a lane is never −0: the +0 beyond the end changes nothing */
    return vf_sum(s);
}

static float sum16_fma(const float *a, const float *b, int length)
{
    vf s = vf_zero();
    SIXTEENS(i, n, length)
        s = vf_fma(get(a + i, n), get(b + i, n), s);
    return vf_sum(s);
}

static void rmsnorm_forward(float *y, float *rstd, float *x, const float *residual, const float *w, float eps, int M, int D)
{
    assert(M >= 0 && D >= 1);
    for (int m = 0; m < M; m++, x += D, y += D) {
        if (residual) {
            SIXTEENS(d, n, D)
                put(x + d, vf_add(get(x + d, n), get(residual + d, n)), n);
            residual += D;
        }
        float r = 1.0f / sqrtf(sum16_fma(x, x, D) / (float)D + eps);
        if (rstd)
            rstd[m] = r;
        vf rv = vf_set(r);
        SIXTEENS(d, n, D)
            put(y + d, vf_mul(vf_mul(get(x + d, n), rv), get(w + d, n)), n);
    }
}

static void rmsnorm_backward(float *dx, const float *dy, const float *x, const float *w, const float *rstd, int M, int D)
{
    assert(M >= 0 && D >= 1);
    for (int m = 0; m < M; m++, dx += D, dy += D, x += D) {
        vf s = vf_zero(), r = vf_set(rstd[m]);
        SIXTEENS(d, n, D)
            s = only(vf_fma(vf_mul(get(dy + d, n), get(w + d, n)), vf_mul(get(x + d, n), r), s), s, n);
        vf mean = vf_set(vf_sum(s) / (float)D);
        SIXTEENS(d, n, D) {
            vf xh = vf_mul(get(x + d, n), r), gy = vf_mul(get(dy + d, n), get(w + d, n));
            put(dx + d, vf_fma(r, vf_fma(vf_neg(xh), mean, gy), get(dx + d, n)), n);
        }
    }
}

static void rmsnorm_backward_w(float *dw, const float *dy, const float *x, const float *rstd, int M, int D, int d0, int d1)
{
    assert(M >= 0 && 0 <= d0 && d0 <= d1 && d1 <= D);
    int64_t d = d0;
    for (; d + 64 <= d1; d += 64) { /* four chains at a time hide the latency */
        vf s[4];
        UNROLL for (int i = 0; i < 4; i++)
            s[i] = vf_load(dw + d + 16 * i);
        for (int64_t m = 0; m < M; m++) {
            vf r = vf_set(rstd[m]);
            UNROLL for (int i = 0; i < 4; i++)
                s[i] = vf_fma(vf_load(dy + m * D + d + 16 * i), vf_mul(vf_load(x + m * D + d + 16 * i), r), s[i]);
        }
        UNROLL for (int i = 0; i < 4; i++)
            vf_store(dw + d + 16 * i, s[i]);
    }
    SIXTEENS(i, n, d1 - d) {
        vf s = get(dw + d + i, n);
        for (int64_t m = 0; m < M; m++)
            s = vf_fma(get(dy + m * D + d + i, n), vf_mul(get(x + m * D + d + i, n), vf_set(rstd[m])), s);
        put(dw + d + i, s, n);
    }
}

static void rope(float *x, int64_t ld, const float *cs, const int32_t *pos, int M, int n_heads, int E, bool inverse)
{
    assert(M >= 0 && n_heads >= 0 && E % 2 == 0);
    int half = E / 2;
    for (int m = 0; m < M; m++)
        SIXTEENS(e, n, half) {
            const float *row = cs + (int64_t)pos[m] * E + 2 * e;
            vf c, s;
            vf_deinterleave(get(row, n < 8 ? 2 * n : 16), n <= 8 ? vf_zero() : get(row + 16, 2 * n - 16), &c, &s);
            s = inverse ? vf_neg(s) : s;
            for (int h = 0; h < n_heads; h++) {
                float *lo = x + m * ld + (int64_t)h * E + e, *hi = lo + half;
                vf a = get(lo, n), b = get(hi, n);
                put(lo, vf_fma(a, c, vf_neg(vf_mul(b, s))), n);
                put(hi, vf_fma(b, c, vf_mul(a, s)), n);
            }
        }
}

static void swiglu_forward(float *a, const float *gu, int M, int F)
{
    assert(M >= 0 && F >= 0);
    for (int m = 0; m < M; m++, a += F, gu += 2 * F)
        SIXTEENS(f, n, F) {
            vf gate = get(gu + f, n);
            put(a + f, vf_mul(vf_mul(gate, vf_sigmoid(gate)), get(gu + F + f, n)), n);
        }
}

static void swiglu_backward(float *dgu, const float *da, const float *gu, int M, int F)
{
    assert(M >= 0 && F >= 0);
    const vf one = vf_set(1.0f);
    for (int m = 0; m < M; m++, da += F, gu += 2 * F, dgu += 2 * F)
        SIXTEENS(f, n, F) {
            vf gate = get(gu + f, n), up = get(gu + F + f, n), d = get(da + f, n), s = vf_sigmoid(gate);
            put(dgu + f, vf_mul(vf_mul(d, up), vf_mul(s, vf_fma(gate, vf_sub(one, s), one))), n);
            put(dgu + F + f, vf_mul(d, vf_mul(gate, s)), n);
        }
}

/* ---- rows of logits ---- */

/* max of x·u. The processor's own maximum loses NaN and the sign of zero: a first pass notices whether that could matter (0·z is NaN for
 * NaN and infinities), a second one is exact. */
static float greatest(const float *x, float u, int length)
{
    vf uv = vf_set(u), m = vf_set(-INFINITY), odd = vf_zero();
    SIXTEENS(i, n, length) {
        vf z = only(vf_mul(get(x + i, n), uv), m, n);
        m = vf_max_fast(m, z);
        odd = only(vf_fma(z, vf_zero(), odd), odd, n);
    }
    float mx = vf_greatest(m), odd_sum = vf_sum(odd);
    if (mx != 0 && odd_sum == odd_sum)
        return mx;
    m = vf_set(-INFINITY);
    SIXTEENS(i, n, length)
        m = vf_max(m, only(vf_mul(get(x + i, n), uv), m, n));
    return vf_greatest_exact(m);
}

/* Sum of exp(x·u − mx) and, unless NULL, of exp(z)·z; the exponentials go to e unless it is NULL. */
INLINE float sum_exp(float *e, float *weighted, const float *x, float u, float mx, int length)
{
    vf s = vf_zero(), w = vf_zero(), uv = vf_set(u), mv = vf_set(mx);
    SIXTEENS(i, n, length) {
        vf z = vf_sub(vf_mul(get(x + i, n), uv), mv), y = vf_exp(z);
        s = only(vf_add(s, y), s, n);
        if (weighted)
            w = only(vf_fma(y, z, w), w, n);
        if (e)
            put(e + i, y, n);
    }
    if (weighted)
        *weighted = vf_sum(w);
    return vf_sum(s);
}

static void logp_forward(float *logp, float *entropy, float *row_max, float *row_sum, const float *logits, int64_t ld, const int32_t *target,
                         float temperature, int M, int V)
{
    assert(M >= 0 && V >= 1);
    float u = 1.0f / temperature;
    for (int m = 0; m < M; m++, logits += ld) {
        assert(0 <= target[m] && target[m] < V);
        float weighted, mx = greatest(logits, u, V);
        float S = entropy ? sum_exp(NULL, &weighted, logits, u, mx, V) : sum_exp(NULL, NULL, logits, u, mx, V), log_sum = rz_logf(S);
        logp[m] = (logits[target[m]] * u - mx) - log_sum;
        if (entropy)
            entropy[m] = log_sum - weighted / S;
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
        float at_target = d * (1.0f - rz_expf(logits[target[m]] * u - row_max[m]) * r);
        vf uv = vf_set(u), mv = vf_set(row_max[m]), rv = vf_set(r), dv = vf_set(d);
        SIXTEENS(i, n, V) {
            vf p = vf_mul(vf_exp(vf_sub(vf_mul(get(logits + i, n), uv), mv)), rv);
            put(dlogits + i, vf_mul(dv, vf_sub(vf_zero(), p)), n);
        }
        dlogits[target[m]] = at_target;
    }
}

static void exp_row(float *e, float *mx, float *sum, float *weighted, const float *logits, float temperature, int V)
{
    assert(V >= 1);
    float u = 1.0f / temperature;
    *mx = greatest(logits, u, V);
    *sum = sum_exp(e, weighted, logits, u, *mx, V);
}

/* ---- arrays ---- */

static void add(float *y, const float *x, int64_t length)
{
    SIXTEENS(i, n, length)
        put(y + i, vf_add(get(y + i, n), get(x + i, n)), n);
}

static double sumsq(const float *x, int64_t length)
{
    vd s = vd_zero();
    SIXTEENS(i, n, length)
        s = vd_add_square(s, get(x + i, n));
    return vd_sum(s);
}

static inline vf flush(vf x)
{
    return vf_select(vf_lt(vf_abs(x), vf_set(0x1p-100f)), vf_zero(), x);
}

static void adamw(float *w, float *m, float *v, const float *g, int64_t length, const rz_adamw *a)
{
    const vf scale = vf_set(a->grad_scale), minus_lr_wd = vf_set(-a->lr_wd), minus_step = vf_set(-a->step), b1 = vf_set(a->b1), b2 = vf_set(a->b2),
             one_b1 = vf_set(a->one_b1), one_b2 = vf_set(a->one_b2), bias = vf_set(a->inv_sqrt_bias2), eps = vf_set(a->eps);
    SIXTEENS(i, n, length) {
        vf gs = vf_mul(get(g + i, n), scale), w0 = get(w + i, n), w1 = vf_fma(minus_lr_wd, w0, w0);
        vf m1 = flush(vf_fma(b1, get(m + i, n), vf_mul(one_b1, gs)));
        vf v1 = flush(vf_fma(b2, get(v + i, n), vf_mul(vf_mul(one_b2, gs), gs)));
        put(m + i, m1, n);
        put(v + i, v1, n);
        put(w + i, vf_fma(minus_step, vf_div(m1, vf_fma(vf_sqrt(v1), bias, eps)), w1), n);
    }
}
