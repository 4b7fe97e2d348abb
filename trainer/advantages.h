/* Advantages of groups: of the scores, or with `combine: normalise: group` of the terms of the scores, each normalised in its group (GDPO, arXiv 2601.05242). */
#ifndef RZ_TRAINER_ADVANTAGES_H
#define RZ_TRAINER_ADVANTAGES_H
#include "trainer/group.h"

typedef struct {
    const rz_rules *rules;
    bool divide_by_std; /* of scores, and of the terms that no rule file normalises */
    bool by_terms;      /* some rule is normalised (rz_rules_group_normalised) and the score is that of the rules */
} rz_advantage_plan;

rz_advantage_plan rz_advantage_plan_make(const rz_rules *rules, bool divide_by_std, bool random_reward);
/* Sets the advantages of a group, and returns whether they hold a signal: without one they are all exactly 0. */
bool rz_group_advantages(const rz_advantage_plan *p, rz_group *g, rz_arena scratch);
/* GDPO's last step, for plans by terms: all advantages are divided by the standard deviation (+ 1e-4) of those of the groups that are trained and have a signal, so that
 * their size does not grow with the number of terms. Their mean is 0 already, in each group. */
void rz_batch_advantages(const rz_advantage_plan *p, rz_group *groups, int n_groups);
#endif
