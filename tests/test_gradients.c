/* The reference kernels against an independent truth: the textbook formulas in binary64, written here anew, for what goes forward, and their
 * central differences for what goes backward. Differences with step 1e-4 in binary64 are good to about 1e-8 of the gradient's scale; binary32
 * chains of up to a hundred terms lose some 1e-6. A wrong formula is wrong by parts in ten: the bound of 1e-5 of the scale separates them. */
#include "policy/kernels.h"
#include "tests/suite.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const rz_kernels *k;
static const double BOUND = 1e-5, STEP = 1e-4;

static uint64_t state = UINT64_C(88172645463325252);
static float any(void) /* in (−1, 1); xorshift64 (Marsaglia 2003) */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}
static void fill(float *p, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = any();
}
static void widen(double *to, const float *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = from[i];
}

static double largest(const double *x, int n)
{
    double m = 1e-30;
    for (int i = 0; i < n; i++)
        m = fmax(m, fabs(x[i]));
    return m;
}

static void near(const char *name, const float *ours, const double *truth, int n)
{
    double scale = largest(truth, n);
    for (int i = 0; i < n; i++)
        if (!(fabs(ours[i] - truth[i]) <= BOUND * scale))
            ck_abort_msg("%s[%d] is %.9g, should be %.9g (scale %g)", name, i, (double)ours[i], truth[i], scale);
}

/* d loss / d x[i] by central differences, plus what the gradient held before. */
static void gradient_is(const char *name, const float *ours, const float *before, double *x, int n, double (*loss)(void))
{
    double *truth = malloc(sizeof(double) * (size_t)n);
    for (int i = 0; i < n; i++) {
        double keep = x[i];
        x[i] = keep + STEP;
        double up = loss();
        x[i] = keep - STEP;
        truth[i] = (up - loss()) / (2 * STEP) + (before ? before[i] : 0);
        x[i] = keep;
    }
    near(name, ours, truth, n);
    free(truth);
}

/* ---- norm ---- */

enum { NM = 3, ND = 37 };
static double nx[NM * ND], nw[ND], ndy[NM * ND], ny[NM * ND];

static double norm_loss(void)
{
    double loss = 0;
    for (int m = 0; m < NM; m++) {
        double mean = 0;
        for (int d = 0; d < ND; d++)
            mean += nx[m * ND + d] * nx[m * ND + d] / ND;
        for (int d = 0; d < ND; d++) {
            ny[m * ND + d] = nx[m * ND + d] / sqrt(mean + 1e-2) * nw[d];
            loss += ny[m * ND + d] * ndy[m * ND + d];
        }
    }
    return loss;
}

START_TEST(norm)
{
    float x[NM * ND], sum[NM * ND], add[NM * ND], w[ND], dy[NM * ND], y[NM * ND], rstd[NM], dx[NM * ND], dx0[NM * ND], dw[ND], dw0[ND];
    fill(x, NM * ND), fill(add, NM * ND), fill(w, ND), fill(dy, NM * ND), fill(dx0, NM * ND), fill(dw0, ND);
    for (int i = 0; i < NM * ND; i++)
        sum[i] = x[i] + add[i];
    memcpy(dx, dx0, sizeof dx), memcpy(dw, dw0, sizeof dw);
    widen(nx, sum, NM * ND), widen(nw, w, ND), widen(ndy, dy, NM * ND);
    k->rmsnorm_forward(y, rstd, x, add, w, 1e-2f, NM, ND);
    ck_assert_mem_eq(x, sum, sizeof x);
    norm_loss();
    near("y", y, ny, NM * ND);
    k->rmsnorm_backward(dx, dy, x, w, rstd, NM, ND);
    k->rmsnorm_backward_w(dw, dy, x, rstd, NM, ND, 0, ND);
    gradient_is("dx", dx, dx0, nx, NM * ND, norm_loss);
    gradient_is("dw", dw, dw0, nw, ND, norm_loss);
}
END_TEST

/* ---- rotation: pairs (e, e + E/2) as complex numbers times exp(i·angle) ---- */

START_TEST(rotation)
{
    enum { M = 3, H = 2, E = 10, LD = H * E + 1, T = 4 };
    static const int32_t pos[M] = {3, 0, 2};
    float x[M * LD], before[M * LD], cs[T * E];
    double truth[M * LD];
    fill(x, M * LD), memcpy(before, x, sizeof x), widen(truth, x, M * LD);
    for (int t = 0; t < T; t++)
        for (int e = 0; e < E / 2; e++)
            cs[t * E + 2 * e] = (float)cos(t * pow(100, -2.0 * e / E)), cs[t * E + 2 * e + 1] = (float)sin(t * pow(100, -2.0 * e / E));
    for (int m = 0; m < M; m++)
        for (int h = 0; h < H; h++)
            for (int e = 0; e < E / 2; e++) {
                double *a = truth + m * LD + h * E + e, *b = a + E / 2, angle = pos[m] * pow(100, -2.0 * e / E), re = *a, im = *b;
                *a = re * cos(angle) - im * sin(angle);
                *b = re * sin(angle) + im * cos(angle);
            }
    k->rope(x, LD, cs, pos, M, H, E, false);
    near("rotated", x, truth, M * LD);
    k->rope(x, LD, cs, pos, M, H, E, true); /* the transpose of a rotation is its inverse: this is also the gradient */
    widen(truth, before, M * LD);
    near("rotated back", x, truth, M * LD);
}
END_TEST

/* ---- SwiGLU ---- */

enum { SM = 2, SF = 19 };
static double sgu[SM * 2 * SF], sda[SM * SF], sa[SM * SF];

static double swiglu_loss(void)
{
    double loss = 0;
    for (int m = 0; m < SM; m++)
        for (int f = 0; f < SF; f++) {
            double gate = sgu[m * 2 * SF + f];
            sa[m * SF + f] = gate / (1 + exp(-gate)) * sgu[m * 2 * SF + SF + f];
            loss += sa[m * SF + f] * sda[m * SF + f];
        }
    return loss;
}

START_TEST(swiglu)
{
    float gu[SM * 2 * SF], da[SM * SF], a[SM * SF], dgu[SM * 2 * SF];
    fill(gu, SM * 2 * SF), fill(da, SM * SF);
    for (int i = 0; i < SM * 2 * SF; i++)
        gu[i] *= 4;
    widen(sgu, gu, SM * 2 * SF), widen(sda, da, SM * SF);
    k->swiglu_forward(a, gu, SM, SF);
    swiglu_loss();
    near("a", a, sa, SM * SF);
    k->swiglu_backward(dgu, da, gu, SM, SF);
    gradient_is("dgu", dgu, NULL, sgu, SM * 2 * SF, swiglu_loss);
}
END_TEST

/* ---- log-probability ---- */

enum { LM = 3, LV = 29 };
static const int32_t ltarget[LM] = {0, 17, 28};
static double lz[LM * LV], ldlogp[LM], llogp[LM], lentropy[LM], ltemperature;

static double logp_loss(void)
{
    double loss = 0;
    for (int m = 0; m < LM; m++) {
        const double *z = lz + m * LV;
        double sum = 0;
        for (int v = 0; v < LV; v++)
            sum += exp(z[v] / ltemperature);
        llogp[m] = z[ltarget[m]] / ltemperature - log(sum);
        lentropy[m] = 0;
        for (int v = 0; v < LV; v++) {
            double logp = z[v] / ltemperature - log(sum);
            lentropy[m] -= exp(logp) * logp;
        }
        loss += llogp[m] * ldlogp[m];
    }
    return loss;
}

START_TEST(log_probability)
{
    float z[LM * LV], dlogp[LM], logp[LM], entropy[LM], mx[LM], sum[LM], dz[LM * LV], e[LV], total[3];
    fill(z, LM * LV), fill(dlogp, LM);
    for (int i = 0; i < LM * LV; i++)
        z[i] *= 3;
    ltemperature = 0.7f;
    widen(lz, z, LM * LV), widen(ldlogp, dlogp, LM);
    k->logp_forward(logp, entropy, mx, sum, z, LV, ltarget, 0.7f, LM, LV);
    logp_loss();
    near("logp", logp, llogp, LM);
    near("entropy", entropy, lentropy, LM);
    k->logp_backward(dz, z, LV, mx, sum, ltarget, dlogp, 0.7f, LM, LV);
    gradient_is("dlogits", dz, NULL, lz, LM * LV, logp_loss);
    k->exp_row(e, total, total + 1, total + 2, z, 0.7f, LV);
    for (int v = 0; v < LV; v++)
        ck_assert(fabs(e[v] / total[1] - exp(lz[v] / ltemperature - lz[0] / ltemperature + llogp[0])) < 1e-6);
}
END_TEST

/* ---- attention with grouped heads: a parent's keys first, then the segment's own, causal ---- */

enum { AT = 6, AP = 5, AH = 4, AG = 2, AE = 7, AQ = AH * AE, AK = AG * AE };
static double aq[AT * AQ], ak[(AP + AT) * AK], av[(AP + AT) * AK], ado[AT * AQ], ao[AT * AQ];
static int aparent;

static double attention_loss(void)
{
    double loss = 0;
    for (int i = 0; i < AT; i++)
        for (int h = 0; h < AH; h++) {
            int first = AP - aparent, last = AP + i, g = h / (AH / AG);
            double w[AP + AT], sum = 0;
            for (int j = first; j <= last; j++) {
                double s = 0;
                for (int e = 0; e < AE; e++)
                    s += aq[i * AQ + h * AE + e] * ak[j * AK + g * AE + e];
                sum += w[j] = exp(s / sqrt(AE));
            }
            for (int e = 0; e < AE; e++) {
                double o = 0;
                for (int j = first; j <= last; j++)
                    o += w[j] / sum * av[j * AK + g * AE + e];
                ao[i * AQ + h * AE + e] = o;
                loss += o * ado[i * AQ + h * AE + e];
            }
        }
    return loss;
}

static rz_kv segment(float *room, const float *keys, const float *vals, int n)
{
    rz_kv kv = {room, room + AG * 16 * AE, 0, 16};
    k->kv_append(&kv, keys, vals, AK, n, AG, AE);
    kv.n = n;
    return kv;
}

/* Gradients of keys come in rows as wide as dq (ldd): the first AK of each. */
static void take_rows(float *to, const float *from, int n)
{
    for (int i = 0; i < n; i++)
        memcpy(to + i * AK, from + i * AQ, sizeof(float) * AK);
}

START_TEST(attention)
{
    float q[AT * AQ], keys[(AP + AT) * AK], vals[(AP + AT) * AK], dout[AT * AQ], out[AT * AQ], mx[AT * AH], sum[AT * AH], room[4 * AG * 16 * AE];
    float dq[AT * AQ], dk0[(AP + AT) * AQ], dv0[(AP + AT) * AQ], dk[(AP + AT) * AQ], dv[(AP + AT) * AQ], got[(AP + AT) * AK], before[(AP + AT) * AK];
    const rz_heads heads = {AH, AG, AE, (float)(1 / sqrt(AE))};
    fill(q, AT * AQ), fill(keys, (AP + AT) * AK), fill(vals, (AP + AT) * AK), fill(dout, AT * AQ), fill(dk0, (AP + AT) * AQ), fill(dv0, (AP + AT) * AQ);
    for (int i = 0; i < AT * AQ; i++)
        q[i] *= 4; /* far from uniform weights */
    widen(aq, q, AT * AQ), widen(ak, keys, (AP + AT) * AK), widen(av, vals, (AP + AT) * AK), widen(ado, dout, AT * AQ);
    memset(room, 0, sizeof room);
    memcpy(dk, dk0, sizeof dk), memcpy(dv, dv0, sizeof dv);
    aparent = _i;
    rz_kv parent = segment(room, keys + (AP - aparent) * AK, vals + (AP - aparent) * AK, aparent);
    rz_kv own = segment(room + 2 * AG * 16 * AE, keys + AP * AK, vals + AP * AK, AT);
    float *scratch = malloc(sizeof(float) * k->attention_scratch(AT, AP + AT, heads));
    k->attention_forward(out, AQ, mx, sum, q, AQ, AT, &parent, &own, heads, 0, AG, scratch);
    attention_loss();
    near("out", out, ao, AT * AQ);
    int64_t at = (AP - aparent) * AQ;
    k->attention_backward(dq, dk + AP * AQ, dv + AP * AQ, dk + at, dv + at, AQ, dout, out, AQ, mx, sum, q, AQ, AT, &parent, &own, heads, 0, AG, scratch);
    gradient_is("dq", dq, NULL, aq, AT * AQ, attention_loss);
    take_rows(got, dk, AP + AT), take_rows(before, dk0, AP + AT);
    gradient_is("dk", got, before, ak, (AP + AT) * AK, attention_loss);
    take_rows(got, dv, AP + AT), take_rows(before, dv0, AP + AT);
    gradient_is("dv", got, before, av, (AP + AT) * AK, attention_loss);

    /* the last query alone, as in decoding, is the last row of the whole */
    float last[AQ];
    k->attention_forward(last, AQ, NULL, NULL, q + (AT - 1) * AQ, AQ, 1, &parent, &own, heads, 0, AG, scratch);
    ck_assert_mem_eq(last, out + (AT - 1) * AQ, sizeof last);
    free(scratch);
}
END_TEST

/* ---- products, sums, AdamW ---- */

START_TEST(product)
{
    enum { M = 5, N = 21, K = 13 };
    float a[M * K], w[N * K], c[M * N], c0[M * N], packed[32 * K];
    double truth[M * N];
    fill(a, M * K), fill(w, N * K), fill(c0, M * N);
    ck_assert_uint_eq(rz_packed_size(N, K), 32 * K);
    rz_pack(packed, w, N, K);
    for (int add = 0; add < 2; add++) {
        memcpy(c, c0, sizeof c);
        for (int m = 0; m < M; m++)
            for (int n = 0; n < N; n++) {
                truth[m * N + n] = add ? c0[m * N + n] : 0;
                for (int i = 0; i < K; i++)
                    truth[m * N + n] += (double)a[m * K + i] * (double)w[n * K + i];
            }
        k->matmul(c, N, (rz_mat_a){a, K, 1}, (rz_mat_b){packed, RZ_PANEL, RZ_PANEL * K}, M, N, K, add);
        near("c", c, truth, M * N);
    }
    /* the same as a transposed product of the rows of wᵀ and aᵀ as they lie: cᵀ = w·aᵀ */
    float at[K * M], ct[N * M];
    for (int m = 0; m < M; m++)
        for (int i = 0; i < K; i++)
            at[i * M + m] = a[m * K + i];
    for (int i = 0; i < M * N; i++)
        truth[i] -= c0[i];
    k->matmul(ct, M, (rz_mat_a){w, K, 1}, (rz_mat_b){at, M, RZ_PANEL}, N, M, K, false);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++)
            c[m * N + n] = ct[n * M + m];
    near("transposed", c, truth, M * N);
}
END_TEST

START_TEST(adamw)
{
    enum { N = 40 };
    float w[N], m[N], v[N], g[N], sum = 0;
    double tw[N], tm[N], tv[N], squares = 0;
    const double lr = 1e-2, b1 = 0.9, b2 = 0.95, wd = 0.1, eps = 1e-8, scale = 0.25;
    fill(w, N), memset(m, 0, sizeof m), memset(v, 0, sizeof v);
    widen(tw, w, N), widen(tm, m, N), widen(tv, v, N);
    for (int t = 1; t <= 5; t++) {
        fill(g, N);
        g[0] = 0; /* a row of the embedding nobody used */
        rz_adamw a = {(float)scale, (float)(lr * wd), (float)b1, (float)(1 - b1), (float)b2, (float)(1 - b2), (float)(lr / (1 - pow(b1, t))),
                      (float)(1 / sqrt(1 - pow(b2, t))), (float)eps};
        k->adamw(w, m, v, g, N, &a);
        for (int i = 0; i < N; i++) { /* Loshchilov & Hutter 2019, algorithm 2 */
            double gs = g[i] * scale;
            tm[i] = b1 * tm[i] + (1 - b1) * gs;
            tv[i] = b2 * tv[i] + (1 - b2) * gs * gs;
            tw[i] -= lr * (tm[i] / (1 - pow(b1, t)) / (sqrt(tv[i] / (1 - pow(b2, t))) + eps) + wd * tw[i]);
        }
    }
    near("w", w, tw, N), near("m", m, tm, N), near("v", v, tv, N);
    m[0] = 0x1p-100f, v[0] = 0x1p-100f, g[0] = 0;
    rz_adamw idle = {1, 0, 0.9f, 0.1f, 0.9f, 0.1f, 0, 1, 1};
    k->adamw(w, m, v, g, 1, &idle);
    ck_assert(m[0] == 0 && v[0] == 0);
    for (int i = 0; i < N; i++)
        sum += g[i], squares += (double)g[i] * (double)g[i];
    ck_assert(fabsf(k->sum16(g, N) - sum) < 1e-5f && fabs(k->sumsq(g, N) - squares) < 1e-12);
    memcpy(w, g, sizeof w);
    k->add(w, g, N);
    for (int i = 0; i < N; i++)
        ck_assert(w[i] == 2 * g[i]);
}
END_TEST

int main(void)
{
    const rz_kernels *const *list;
    rz_kernels_available(&list);
    k = list[0];
    Suite *suite = suite_create("gradients");
    TCase *t = tcase_create("all");
    tcase_add_test(t, norm);
    tcase_add_test(t, rotation);
    tcase_add_test(t, swiglu);
    tcase_add_test(t, log_probability);
    tcase_add_loop_test(t, attention, 0, AP + 1);
    tcase_add_test(t, product);
    tcase_add_test(t, adamw);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
