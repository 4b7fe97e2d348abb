/* Which of a task's levels a step draws its problems of, when they do not take turns (curriculum.every): decided by how many completions were right. The
 * counts are whole numbers that every rank has, and are kept in checkpoints: the same for any number of ranks, and after a resume. */
#ifndef RZ_TRAINER_CURRICULUM_H
#define RZ_TRAINER_CURRICULUM_H
#include "trainer/config.h"
#include "trainer/group.h"

typedef struct {
    int64_t place;        /* in task.level */
    int64_t right, seen;  /* completions since the last decision */
} rz_curriculum;

/* RZ_ECONFIG when the curriculum.* keys could not do what they say. */
bool rz_curriculum_check(const rz_config *c, rz_err *err);
/* After step `step` (from 1): counts its own prompts' completions, n_groups groups, and decides if it is time. */
void rz_curriculum_step(rz_curriculum *at, const rz_config *c, int64_t step, const rz_group *groups, int n_groups);
#endif
