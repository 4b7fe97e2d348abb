/* Drafts for speculative decoding: how a completion may go on, told by what followed the same few tokens before, in its prompt, in itself and in the completions
 * of its group so far. A draft is only compared with what is sampled at each address: it changes the number of steps, never a token.
 * How far a draft is right is counted, in tokens, not in time: the same calls make the same drafts on every machine. */
#ifndef RZ_ROLLOUT_DRAFT_H
#define RZ_ROLLOUT_DRAFT_H
#include "base/arena.h"
#include <stdint.h>

enum { RZ_DRAFT_TOKENS = 7, RZ_DRAFT_CONTEXT = 4 }; /* drafted for a sequence in a step, and looked at before them, at most */

/* How a text ends. Texts of one key learn from each other. {key} is an empty one. */
typedef struct {
    uint32_t key;
    int n;                         /* tokens that are there */
    int32_t ids[RZ_DRAFT_CONTEXT]; /* the last ones, the last first */
} rz_draft_text;

/* Tokens that may come next, each with the chance that it and all before it do. */
typedef struct {
    int n;
    int32_t ids[RZ_DRAFT_TOKENS];
    double chance[RZ_DRAFT_TOKENS];
} rz_drafted;

typedef struct rz_draft rz_draft;

rz_draft *rz_draft_create(rz_arena *arena); /* knows nothing; lives as long as what is taken from the arena */
size_t rz_draft_bytes(void);
/* id follows t, and is its end from now on. */
void rz_draft_learn(rz_draft *d, rz_draft_text *t, int32_t id);
/* What may follow t: at most `most` tokens, while their chance is above `least`. */
void rz_draft_next(const rz_draft *d, const rz_draft_text *t, int most, double least, rz_drafted *to);

/* What a step over so many rows costs: what it is measured in does not matter, how it grows does. A few points, lines between them and beyond the last. */
typedef struct { int rows; double cost; } rz_draft_point;
/* cost(n + 1) of 0 … n rows. */
void rz_draft_costs(const rz_draft_point *points, int n_points, int n, double *cost);
/* For n sequences: take[i], how many of the tokens drafted for i to run so that a token, of all that are expected of the step, costs the least; no more than `room`
 * in all. Returns how many these are. cost(n + room + 1). */
int rz_draft_choose(const rz_drafted *drafted, int n, const double *cost, int room, int *take);
/* No chance at or below this makes a draft worth a row when n sequences are in hand; 1: none does. */
double rz_draft_least(int n, const double *cost, int room);
#endif
