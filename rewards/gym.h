/* What the scores of reasoning-gym's tasks share. Private to rewards/presets_gym*.c. */
#ifndef RZ_REWARDS_GYM_H
#define RZ_REWARDS_GYM_H
#include "rewards/internal.h"
#include "rewards/python.h"

/* Sets the outcome: the whole text decides. */
void rz_gym_give(const rz_case *c, outcome *o, double points, const char *why);
/* The gold's text, or an outcome that says it is missing. */
bool rz_gym_gold(const rz_case *c, outcome *o, rz_slice *gold);
/* meta.KEY of this type, or an outcome that says it is missing. */
const json_t *rz_gym_meta(const rz_case *c, outcome *o, const char *key, json_type type);
/* Whether there is a text to score; else the points of none are given. Texts beyond `max` bytes are an error: what is to be done with them is not linear. */
bool rz_gym_text(const rz_case *c, outcome *o, double points_of_none, size_t max);
rz_slice rz_gym_json_text(const json_t *v);

/* presets_gym_logic.c, presets_gym_countdown.c, presets_gym_lists.c */
void rz_gym_propositional_logic(const rz_case *c, outcome *o);
void rz_gym_countdown(const rz_case *c, outcome *o);
void rz_gym_knights_knaves(const rz_case *c, outcome *o);
void rz_gym_mini_sudoku(const rz_case *c, outcome *o);
void rz_gym_number_sorting(const rz_case *c, outcome *o);
void rz_gym_word_sorting(const rz_case *c, outcome *o);
void rz_gym_shortest_path(const rz_case *c, outcome *o);
void rz_gym_prime_factorization(const rz_case *c, outcome *o);
#endif
