/* sympy.simplify((a) − (b)) == 0, where sympy reads a and b as Python with implicit multiplication. Private to rewards/. */
#ifndef RZ_REWARDS_MATH_SYMPY_H
#define RZ_REWARDS_MATH_SYMPY_H
#include "rewards/rewrite.h"

/* For texts with at most two different letters besides those of sqrt and frac (rewards/grade_answer.c lets no others through). *work is what may be spent (units of rewards/math.h), and is less by
 * what was; when it is 0 or less, nothing is equal any more. */
bool rz_sympy_equal(rz_arena scratch, rz_slice a, rz_slice b, long *work);
#endif
