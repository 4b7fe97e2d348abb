/* Models as files: weights, architecture and tokenizer (docs/models.md). */
#ifndef RZ_TRAINER_MODEL_H
#define RZ_TRAINER_MODEL_H
#include "data/tokenizer.h"
#include "policy/policy.h"

enum { RZ_FORMAT_VERSION = 1 }; /* of our HDF5 files */

/* XXH3-128 in hex of the weights. */
void rz_model_hash(const rz_policy *p, char out[33]);
bool rz_model_write(const char *path, const rz_policy *p, const rz_tokenizer *t, rz_err *err);
/* Makes policy and tokenizer from a model or checkpoint file. */
bool rz_model_read(const char *path, const rz_kernels *k, rz_pool *pool, rz_policy **p, rz_tokenizer **t, rz_err *err);

/* Parts of our HDF5 files, for checkpoints too: what a model is, and whether s is of our format and (unless NULL) of that kind: RZ_EDATA. */
bool rz_model_put(rz_store *s, const char *kind, const rz_policy *p, const rz_tokenizer *t, rz_err *err);
bool rz_model_check_kind(rz_store *s, const char *want, rz_err *err);
#endif
