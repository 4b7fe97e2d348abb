#include "trainer/lineup.h"

#include <stdlib.h>

int rz_lineup_start(int shard, int shards, int n_trees)
{
    return (int)((int64_t)n_trees * shard / shards);
}

typedef struct { int rows, index; } length;

static int longer_first(const void *x, const void *y)
{
    const length *a = x, *b = y;
    return a->rows != b->rows ? (a->rows < b->rows) - (a->rows > b->rows) : (a->index > b->index) - (a->index < b->index);
}

/* Longest trees first (ties: the lower index), each goes down the tree of shards, at every fork to where there are fewer rows so far (ties: left). */
static void balance(const rz_tree *trees, int n, int shards, int *shard_of)
{
    length *lengths = rz_calloc((size_t)n, sizeof *lengths);
    int64_t *load = rz_calloc(2 * (size_t)shards, sizeof *load);
    for (int i = 0; i < n; i++)
        lengths[i] = (length){rz_tree_rows(&trees[i]), i};
    qsort(lengths, (size_t)n, sizeof *lengths, longer_first);
    for (int i = 0, node; i < n; i++) {
        for (node = 1; node < shards; load[node] += lengths[i].rows)
            node = 2 * node + (load[2 * node] > load[2 * node + 1]);
        shard_of[lengths[i].index] = node - shards;
    }
    free(lengths);
    free(load);
}

void rz_lineup_make(rz_lineup *l, const rz_tree *trees, int n, int shards, bool balanced)
{
    int *shard_of = rz_calloc((size_t)n, sizeof *shard_of), at = 0;
    *l = (rz_lineup){rz_calloc((size_t)n, sizeof *l->trees), rz_calloc((size_t)n, sizeof *l->index), rz_calloc((size_t)shards + 1, sizeof *l->start), n,
                  rz_trees_root(trees, n), rz_calloc((size_t)n, sizeof *l->results)};
    if (balanced)
        balance(trees, n, shards, shard_of);
    for (int s = 0; !balanced && s < shards; s++)
        for (int i = rz_lineup_start(s, shards, n); i < rz_lineup_start(s + 1, shards, n); i++)
            shard_of[i] = s;
    for (int s = 0; s < shards; s++, l->start[s] = at)
        for (int i = 0; i < n; i++)
            if (shard_of[i] == s) {
                l->trees[at] = trees[i];
                l->index[at++] = i;
            }
    free(shard_of);
}

void rz_lineup_finish(rz_lineup *l)
{
    free(l->trees);
    free(l->index);
    free(l->start);
    free(l->results);
}
