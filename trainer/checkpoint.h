/* Checkpoints (docs/files.md): all that a resumed run needs to end in the same bits. Each is a model too (trainer/model.h). */
#ifndef RZ_TRAINER_CHECKPOINT_H
#define RZ_TRAINER_CHECKPOINT_H
#include "trainer/curriculum.h"
#include "trainer/model.h"
#include "trainer/snapshot.h"

/* Raised whenever docs/numerics.md, and with it the bits of a run, changes; 1 in checkpoints that do not say. */
enum { RZ_ARITHMETIC = 2 };

/* What a run is, beside weights and moments. */
typedef struct {
    rz_stage stage;
    int64_t step;                         /* steps done */
    int64_t tokens_sampled, tokens_trained;
    rz_curriculum curriculum;
    int64_t data_shift;                   /* problems and random numbers of a step are those of the step so many later (trainer/guard.h) */
    int64_t skipped, skipped_in_row, rollbacks; /* optimizer steps left out, steps in a row with such, how often the run has gone back */
    int64_t metrics_bytes, eval_bytes;    /* lengths of the logs at this point */
    const rz_config *config;
    const char *rules;                    /* text of the rule file, "" for pretraining */
    const char *data_hash;
    const char *base_hash;                /* of the weights that training began with, "" for pretraining */
    int ranks;
    int64_t arithmetic;                   /* read from a checkpoint */
    bool rules_changed;                   /* read from a checkpoint that was written with others (allow_changed_rules) */
} rz_progress;

/* Of a checkpoint, at most. */
int64_t rz_checkpoint_bytes(const rz_progress *at, const rz_policy *p, const rz_tokenizer *t);
/* Any thread of rank 0. In parts when weights and moments are larger than checkpoint.part_bytes. Of the policy it looks at what never changes; t is its tokenizer. */
bool rz_checkpoint_write(const char *path, const rz_progress *at, const rz_policy *p, const rz_snapshot *s, const rz_tokenizer *t, rz_err *err);
/* Every rank for itself, of a file that rz_store_verify has let pass. Fills step, tokens_* and *_bytes of `at`; refuses (RZ_ECONFIG) a config, rules (unless allow_changed_rules), data, base or tokenizer other than those it was
 * written with, naming the first difference. */
bool rz_checkpoint_read(const char *path, rz_progress *at, rz_policy *p, rz_update *u, const rz_tokenizer *t, rz_err *err);
/* Parts of it: the whole numbers of `at`; whether its config can be read. RZ_EDATA. */
bool rz_checkpoint_get_progress(rz_store *s, rz_progress *at, rz_err *err);
bool rz_checkpoint_check_own_config(rz_store *s, const char *path, rz_err *err);
/* Only that: RZ_ECONFIG if a run with this config may not go on from the checkpoint. */
bool rz_checkpoint_check_config(const char *path, rz_stage stage, const rz_config *c, rz_err *err);
#endif
