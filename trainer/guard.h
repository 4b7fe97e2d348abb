/* What a job does about numbers that are not finite. A step with such has its update left out (trainer/update.h): weights and moments stay as they were. After
 * guard.skips such steps in a row, or at once when it is the weights that are not finite, the run goes back to its last checkpoint and on with the problems and
 * random numbers that would have come next: those of the steps between are passed over (data_shift). After guard.rollbacks of that it ends, RZ_EDIVERGED.
 * All of it is a function of what the run computes, so a run that is killed and started again does the same; and what is not finite is never saved. */
#ifndef RZ_TRAINER_GUARD_H
#define RZ_TRAINER_GUARD_H
#include "trainer/loop.h"

/* Collective, behind every step, before it is logged: counts, adds guard/… to the metrics, and tells of the first step in a row. *back: the run has to go back. */
void rz_guard_step(rz_loop *l, int64_t step, rz_metrics *m, bool *back);
/* Collective. Goes back: l->at, weights, moments and logs are those of the checkpoint, but for the counts of the guard and the shift. */
bool rz_guard_go_back(rz_loop *l, int64_t step, rz_err *err);
#endif
