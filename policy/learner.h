/* Shared by learner.c (what is kept, the forward pass) and backward.c. */
#ifndef RZ_POLICY_LEARNER_H
#define RZ_POLICY_LEARNER_H
#include "policy/internal.h"

/* Gradients of embedding rows wait until a shard is complete: a tied head must add before the embedding, whatever the calls. */
typedef struct rz_kept {
    struct rz_kept *next;
    int M;
    int32_t *ids; /* (M) */
    float *dx;    /* (M,D) */
} rz_kept;

/* Trees that go through the layers together, or the root, which is one run. */
typedef struct {
    const rz_tree *trees;
    int n_trees, n_runs;
    rz_run *runs;     /* per tree: its sequences, then the prefix if it has one */
    int *row0;        /* first row of each run */
    int *tree_run;    /* (n_trees + 1) first run of each tree */
    rz_acts acts;
} rz_batch;

struct rz_learner {
    rz_policy *p;
    rz_recompute recompute;
    rz_arena work, keep; /* of the trees in hand; of the shard */
    size_t peak;      /* bytes */
    int64_t again;    /* rows of logits */
    rz_kept *first, **last;

    /* of the shard */
    int n_root;       /* tokens; 0: none */
    rz_cache root_cache;
    rz_batch root;
    float *d_root;    /* (L,n_root,2GE) what the trees so far send to its keys and values */

    /* of the trees in hand */
    rz_batch now;
    int32_t *target;  /* (M), −1: no loss in this row */
    float temperature;
    float *h;         /* (M,D) */
    float *row_max, *row_sum; /* (M) of the logits */
    float *logits;    /* (rows with a loss, V) of the forward pass, or NULL: too many to keep */
};

/* What the cuts of the head's loops need. */
typedef struct {
    const rz_learner *l;
    float *logp, *entropy, *logits;
    const float *dlogp;
    int row;
} rz_head_work;

/* Of the n rows from r on, where blocks of rows begin or trees do (docs/numerics.md, 6), as many as make up whole blocks: at least one if n is RZ_HALF_BLOCK, all if a tree ends
 * with those. In chains rows have no blocks: n. */
int rz_batch_rows(const rz_policy *p, const rz_batch *b, int r, int n);
/* Of the trees, whose rows and those behind are `left`, as many as go through a layer together: the rows that pay, so that what attention leaves is found in the caches. Returns
 * how many; *rows: theirs. */
int rz_trees_together(const rz_learner *l, const rz_tree *trees, int n_trees, int left, int *rows);
/* The trees that these rows are of. */
rz_spans rz_batch_spans(const rz_policy *p, const rz_batch *b, int r, int n, rz_arena *arena);
/* Next cut of rows with targets at or after *r: [*r, *r + returned). 0: none left. */
int rz_learner_next_rows(const rz_learner *l, int *r);
void rz_learner_note_peak(rz_learner *l, const rz_arena *scratch);
#endif
