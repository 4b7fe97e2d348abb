/* Every completion since the last checkpoint, as one HDF5 file (docs/files.md, "Rollouts"). */
#ifndef RZ_TRAINER_ROLLOUTS_H
#define RZ_TRAINER_ROLLOUTS_H
#include "base/store.h"
#include "trainer/group.h"

typedef struct rz_rollouts rz_rollouts;

rz_rollouts *rz_rollouts_create(const rz_tokenizer *t, const rz_rules *r);
void rz_rollouts_destroy(rz_rollouts *r);
/* As if nothing had been added since the last write. */
void rz_rollouts_clear(rz_rollouts *r);
void rz_rollouts_add(rz_rollouts *r, int64_t step, const rz_group *groups, int n_groups, rz_arena scratch);
/* What was added to `from` goes behind what `to` has; from is empty then. Both of the same rules. */
void rz_rollouts_move(rz_rollouts *to, rz_rollouts *from);
/* Writes what was added since the last write; nothing added: nothing written. What could not be written is kept. */
bool rz_rollouts_write(rz_rollouts *r, const char *path, rz_err *err);
/* Is all there that such a file holds, and do its parts fit together? RZ_EDATA. */
bool rz_rollouts_check(rz_store *s, rz_err *err);
#endif
