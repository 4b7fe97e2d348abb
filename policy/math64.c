#include "policy/math64.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static double from_bits(uint64_t i)
{
    double x;
    memcpy(&x, &i, sizeof x);
    return x;
}

static uint64_t to_bits(double x)
{
    uint64_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

/* 1.5·2^52: adding it leaves the nearest integer in the low bits. */
static const double MAGIC = 0x1.8p+52;

void rz_sincos64(double x, double *s, double *c)
{
    if (!(fabs(x) <= 1.6e6)) {
        *s = *c = NAN;
        return;
    }
    /* pi/2 in parts of 33, 33 and 53 bits: n·part is exact for n < 2^20, and so is the first difference. */
    double t = x * 0x1.45f306dc9c883p-1 + MAGIC, n = t - MAGIC;
    double a = x - n * 0x1.921fb544p+0;
    double w = n * 0x1.0b4611a6p-34, b = a - w;
    double low = (a - b) - w - n * 0x1.3198a2e037073p-69; /* what b lost, and the third part */
    double r = b + low;
    low += b - r;

    /* Taylor on [−pi/4, pi/4]: the next terms are below 2^-60. The low part enters to first order. */
    double z = r * r, p = 0, q = 0;
    static const double S[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800.0, -1.0 / 1307674368000.0,
                               1.0 / 355687428096000.0};
    static const double C[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600.0, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
    for (int i = 7; i >= 0; i--)
        p = p * z + S[i];
    for (int i = 6; i >= 0; i--)
        q = q * z + C[i];
    double sine = r + (r * (z * p) + low * (1 - z * 0.5));
    double half = z * 0.5, one = 1 - half;
    double cosine = one + (((1 - one) - half) + (z * z * q - r * low));

    switch (to_bits(t) & 3) {
    case 0: *s = sine, *c = cosine; break;
    case 1: *s = cosine, *c = -sine; break;
    case 2: *s = -sine, *c = -cosine; break;
    default: *s = -cosine, *c = sine; break;
    }
}

double rz_log64(double x)
{
    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (x == INFINITY)
        return x;
    double e = 0;
    if (x < 0x1p-1022)
        x *= 0x1p+54, e = -54;
    int64_t i = (int64_t)to_bits(x), n = (i - (int64_t)to_bits(0x1.6a09e667f3bcdp-1)) >> 52;
    e += (double)n;
    double m = from_bits((uint64_t)i - ((uint64_t)n << 52)); /* in [sqrt(1/2), sqrt(2)) */

    /* log m = f − s·(f − R), s = f/(2 + f): from log m = 2·atanh(s) = 2s + s·R with R = 2(s²/3 + s⁴/5 + …), and 2s = f − s·f. */
    double f = m - 1, s = f / (2 + f), z = s * s, p = 0;
    for (int k = 11; k >= 1; k--)
        p = p * z + 2.0 / (2 * k + 1);
    double h = f * f * 0.5; /* f − s·f = f − h + s·h */
    return e * 0x1.62e42feep-1 - ((h - (s * (h + z * p) + e * 0x1.a39ef35793c76p-33)) - f);
}

double rz_exp64(double x)
{
    if (!(x <= 0x1.62e42fefa39efp+9))
        return x + INFINITY;
    if (x < -707)
        return 0;
    double t = x * 0x1.71547652b82fep+0 + MAGIC, n = t - MAGIC;
    double high = x - n * 0x1.62e42feep-1, low = n * 0x1.a39ef35793c76p-33, r = high - low; /* n·first part is exact */
    low = (high - r) - low;
    double p = 0;
    static const double C[] = {1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
                               1.0 / 39916800, 1.0 / 479001600.0, 1.0 / 6227020800.0};
    for (int i = 11; i >= 0; i--)
        p = p * r + C[i];
    p = 1 + (r + (r * r * p + (low + r * low)));
    /* in two steps: 2^1024 is no number */
    uint64_t half = (to_bits(t) << 52) - (UINT64_C(1) << 52);
    return from_bits(to_bits(p) + half) * 2;
}

double rz_pow64(double b, double e)
{
    return rz_exp64(e * rz_log64(b));
}
