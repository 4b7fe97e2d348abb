/* Which tree of a step goes to which shard (docs/numerics.md, section 6). */
#ifndef RZ_TRAINER_LINEUP_H
#define RZ_TRAINER_LINEUP_H
#include "trainer/update.h"

/* The trees of a step in order of their shards, and in a shard by index. */
typedef struct {
    rz_tree *trees;
    int *index;     /* (n) of each among those of the step */
    int *start;     /* (shards + 1) */
    int n, n_root;  /* n_root: rz_trees_root */
    rz_tree_result *results; /* (n) in this order */
} rz_lineup;

/* The first tree of a shard that takes them by their number. */
int rz_lineup_start(int shard, int shards, int n_trees);
/* By their rows if balanced, else by their number. To be given back with rz_lineup_finish. */
void rz_lineup_make(rz_lineup *l, const rz_tree *trees, int n, int shards, bool balanced);
void rz_lineup_finish(rz_lineup *l);
#endif
