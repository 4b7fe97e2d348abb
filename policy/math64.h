/* Binary64 sine, cosine, logarithm, exponential and power of our own: only additions, multiplications and divisions, so every machine gives the
 * same bits (libm's last bit differs between versions). Used for tables and schedules, never in an inner loop.
 * Errors are in units in the last place (tests/test_mathf.c measures them against long double). */
#ifndef RZ_POLICY_MATH64_H
#define RZ_POLICY_MATH64_H

/* Sine and cosine of x; at most 1.5 ulp for |x| ≤ 1.6e6 (positions up to a million and more); NaN beyond, and for NaN. */
void rz_sincos64(double x, double *s, double *c);
/* At most 1.5 ulp; −inf for 0, NaN for negative numbers and NaN; subnormals included. */
double rz_log64(double x);
/* At most 1.5 ulp; +inf above 709.78, 0 below −707, NaN for NaN. */
double rz_exp64(double x);
/* b^e = exp(e·log b) for b > 0 (NaN for b < 0); relative error up to (2 + |e·log b|)·2^-52. */
double rz_pow64(double b, double e);
#endif
