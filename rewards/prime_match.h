/* How PRIME's grader, which verl has too, finds the answer in a completion. Private to rewards/. */
#ifndef RZ_REWARDS_PRIME_MATCH_H
#define RZ_REWARDS_PRIME_MATCH_H
#include "rewards/rewrite.h"

/* What is taken for the answer, a part of the text; true if something announced it and it holds a digit. */
bool rz_prime_match(rz_slice text, rz_slice *answer);
#endif
