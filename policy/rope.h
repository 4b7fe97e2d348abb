/* Rotary positions: a row of cosines and sines for every position, computed when it is first used. A model may be made for a million positions, and
 * jobs use a few thousand. Row and frequencies are defined in docs/numerics.md; when they are computed changes no bit. */
#ifndef RZ_POLICY_ROPE_H
#define RZ_POLICY_ROPE_H
#include "base/arena.h"
#include "policy/arch.h"

typedef struct {
    rz_arena arena;         /* address space for all positions of the architecture */
    int head_dim, limit, n; /* positions there may be, positions computed */
    float *frequency;       /* (head_dim/2) */
    float *cs;              /* (n, head_dim): cos and sin interleaved; never moves */
} rz_rope;

bool rz_rope_create(rz_rope **out, const rz_arch *a, rz_err *err);
void rz_rope_destroy(rz_rope *r);
/* Rows 0 … n_positions−1 are there afterwards; n_positions is at most max_position_embeddings. Not while another thread uses the rows. */
void rz_rope_reach(rz_rope *r, int n_positions);
/* frequency(head_dim/2), scaled as rope_type says. */
void rz_rope_frequencies(float *frequency, const rz_arch *a);
#endif
