/* PRIME's second opinion on two answers, when grade_answer says no: numbers to a part in 10,000, percent or not, part by part. Private to rewards/. */
#ifndef RZ_REWARDS_PRIME_EQUAL_H
#define RZ_REWARDS_PRIME_EQUAL_H
#include "rewards/rewrite.h"

/* With 3.14159… and with 3.14 for \pi, if there is one. */
/* *work: units (rewards/math.h) that may be spent, less by what was on return; when it is 0 or less, what was not shown equal is not known. */
bool rz_prime_equal(rz_arena scratch, rz_slice found, rz_slice gold, long *work);
#endif
