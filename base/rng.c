#include "base/rng.h"
#include <assert.h>
#include <math.h>
#include <string.h>

rz_u32x4 rz_philox(rz_u32x4 counter, uint32_t key0, uint32_t key1)
{
    uint32_t c0 = counter.v[0], c1 = counter.v[1], c2 = counter.v[2], c3 = counter.v[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)p0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return (rz_u32x4){{c0, c1, c2, c3}};
}

rz_u32x4 rz_rng_at(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return rz_philox((rz_u32x4){{a, b, c, d}}, seed, (uint32_t)purpose);
}

static uint64_t join(uint32_t hi, uint32_t lo) { return (uint64_t)hi << 32 | lo; }

static double unit(uint32_t hi, uint32_t lo) { return (double)(join(hi, lo) >> 11) * 0x1p-53; }

double rz_rng_unit(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    rz_u32x4 x = rz_rng_at(seed, purpose, a, b, c, d);
    return unit(x.v[0], x.v[1]);
}

/* Natural logarithm of a positive normal number by + - * / alone (libm's last bit differs between machines), to about 2 units in the
 * last place: x = m 2^e with m in [sqrt ½, sqrt 2), log m = 2 atanh((m-1)/(m+1)) by its series. */
static double log_exact_ops(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 21; k >= 3; k -= 2) sum = s2 * (sum + 1.0 / k);
    double log_m = 2 * s + 2 * s * sum;
    return e * 0x1.62e42fefa38p-1 + (e * 0x1.ef35793c7673p-45 + log_m); /* ln 2 in two parts, the first with zeros behind: e * it is exact */
}

/* c[0] + c[1] x + … + c[7] x^7 */
static double poly7(const double c[8], double x)
{
    double y = c[7];
    for (int i = 6; i >= 0; i--) y = y * x + c[i];
    return y;
}

/* Quantile of the standard normal: Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), routine PPND16 (about 1e-16). */
static double normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
                                1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15};
    double q = p - 0.5;
    if (q >= -0.425 && q <= 0.425) {
        double r = 0.180625 - q * q;
        return q * poly7(a, r) / poly7(b, r);
    }
    double r = sqrt(-log_exact_ops(q < 0 ? p : 1 - p));
    double x = r <= 5 ? poly7(c, r - 1.6) / poly7(d, r - 1.6) : poly7(e, r - 5) / poly7(f, r - 5);
    return q < 0 ? -x : x;
}

double rz_rng_normal(uint32_t seed, rz_rng_purpose purpose, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    rz_u32x4 x = rz_rng_at(seed, purpose, a, b, c, d);
    double p = ((double)(join(x.v[0], x.v[1]) >> 12) + 0.5) * 0x1p-52; /* exact, symmetric, never 0 or 1 */
    return normal_quantile(p);
}

void rz_stream_init(rz_stream *s, uint32_t seed, rz_rng_purpose purpose, uint64_t index)
{
    *s = (rz_stream){.seed = seed, .purpose = (uint32_t)purpose, .index_lo = (uint32_t)index, .index_hi = (uint32_t)(index >> 32)};
}

uint32_t rz_stream_u32(rz_stream *s)
{
    if (s->left == 0) {
        s->buffer = rz_philox((rz_u32x4){{s->index_lo, s->index_hi, 0, s->block++}}, s->seed, s->purpose);
        s->left = 4;
    }
    return s->buffer.v[4 - s->left--];
}

double rz_stream_unit(rz_stream *s)
{
    uint32_t hi = rz_stream_u32(s);
    return unit(hi, rz_stream_u32(s));
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of word * n, words in the uneven rest are drawn again. */
uint32_t rz_stream_below(rz_stream *s, uint32_t n)
{
    assert(n >= 1);
    uint64_t m = (uint64_t)rz_stream_u32(s) * n;
    if ((uint32_t)m < n) {
        uint32_t rest = -n % n; /* 2^32 mod n */
        while ((uint32_t)m < rest) m = (uint64_t)rz_stream_u32(s) * n;
    }
    return (uint32_t)(m >> 32);
}

int rz_stream_range(rz_stream *s, int lo, int hi)
{
    assert(lo <= hi);
    uint32_t span = (uint32_t)hi - (uint32_t)lo + 1;
    uint32_t x = span == 0 ? rz_stream_u32(s) : rz_stream_below(s, span); /* 0: all of int */
    return (int)((int64_t)lo + x);
}

uint64_t rz_rng_permute(uint32_t seed, rz_rng_purpose purpose, uint32_t key, uint64_t n, uint64_t i)
{
    assert(i < n);
    if (n == 1) return 0;
    enum { ROUNDS = 24 }; /* even, so that the halves end in their places; n = 5 needs this many until its 120 orders are equally likely */
    int bits = 64 - __builtin_clzll(n - 1), low = bits / 2, high = bits - low;
    uint32_t mask[2] = {(uint32_t)((UINT64_C(1) << high) - 1), (uint32_t)((UINT64_C(1) << low) - 1)};
    do {
        uint32_t left = (uint32_t)(i >> low), right = (uint32_t)i & mask[1];
        for (int round = 0; round < ROUNDS; round++) {
            rz_u32x4 f = rz_philox((rz_u32x4){{right, (uint32_t)round, key, (uint32_t)n}}, seed, (uint32_t)purpose);
            uint32_t mixed = left ^ (f.v[0] & mask[round & 1]);
            left = right;
            right = mixed;
        }
        i = (uint64_t)left << low | right;
    } while (i >= n); /* walk the cycle until it is back below n: fewer than 2 turns on average */
    return i;
}
