/* Weights and moments as they were at one moment, so that they may change while they are written. */
#ifndef RZ_TRAINER_SNAPSHOT_H
#define RZ_TRAINER_SNAPSHOT_H
#include "base/shared.h"
#include "trainer/update.h"

typedef struct {
    float *w, *m, *v;
    int64_t steps;    /* of the optimizer */
    rz_shared memory; /* that they lie in */
} rz_snapshot;
/* Collective. Rank 0 has it then, in the room of an earlier one or (zeroed) in new room: 12 bytes a parameter. Ranks of one machine copy their parts at the same
 * time into memory that they have in common; with several machines rank 0 is sent the moments. No rank may change weights before all have come
 * to the next call that waits for all. */
void rz_snapshot_take(rz_snapshot *s, const rz_policy *p, rz_update *u, rz_comm *c);
void rz_snapshot_finish(rz_snapshot *s); /* not collective; accepts a zeroed one */
#endif
