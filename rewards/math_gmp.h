/* Rationals of GMP, shared by math_exact.c and math_ball.c. */
#ifndef RZ_REWARDS_MATH_GMP_H
#define RZ_REWARDS_MATH_GMP_H
#include "rewards/math_tree.h"
#include <gmp.h>

/* The value of a tree that is a rational number of at most RZ_MATH_BITS bits; out is initialised. */
bool rz_math_rational(math_env *e, const math_node *n, mpq_ptr out);
/* round(v · 10^digits), halves to even. */
void rz_math_round(mpz_ptr out, mpq_srcptr v, int digits);
#endif
