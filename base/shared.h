/* Memory that the ranks of one machine have in common. It has no name in any file system: it is gone with its last process, however that ends, and needs no
 * room in /dev/shm. Writers and readers keep apart by barriers. */
#ifndef RZ_BASE_SHARED_H
#define RZ_BASE_SHARED_H
#include "base/comm.h"

typedef struct {
    void *p;         /* zeroed at first, 64-byte aligned; a large one takes no memory where nobody has written */
    size_t bytes;
    rz_comm *comm;   /* borrowed; NULL: no other rank has to do with it */
    bool common;     /* several ranks have it; else it is this rank's own */
    int part, parts; /* this rank among those that have it: they may divide work on it; 0 of 1 where it is its own */
} rz_shared;

/* Collective, unless c is NULL (memory of this rank alone). False: ranks of one machine hold a copy each, because it cannot be had in common; `why`, the
 * same on all ranks, says so. The memory is there all the same. */
bool rz_shared_init(rz_shared *s, rz_comm *c, size_t bytes, rz_err *why);
void rz_shared_finish(rz_shared *s); /* not collective; accepts a zeroed one */

/* Collective. counts as in rz_comm_allgather: every rank has written its part in its place; afterwards every rank sees all parts. */
void rz_shared_gather(rz_shared *s, const size_t *counts);
/* Collective where the memory is common: what a rank wrote before, all see afterwards. */
void rz_shared_barrier(rz_shared *s);
#endif
