/* Models as files: weights, architecture, tokenizer and what the model says of its texts (docs/models.md). A model may be a file of ours (*.h5, a
 * checkpoint too), a Hugging Face folder or a GGUF file; which of them is told by what it holds, not by its name. */
#ifndef RZ_TRAINER_MODEL_H
#define RZ_TRAINER_MODEL_H
#include "base/encoding.h"
#include "data/tokenizer.h"
#include "policy/policy.h"

enum { RZ_FORMAT_VERSION = 1 }; /* of our HDF5 files */

typedef enum { RZ_MODEL_H5, RZ_MODEL_HF, RZ_MODEL_GGUF, RZ_N_MODEL_FORMS } rz_model_form;

/* Makes policy and tokenizer (t NULL: none, and the file need not have one). Weights are decoded tensor by tensor from the mapped file: there is never a
 * second copy of them. Ranks each for themselves. RZ_EIO, RZ_EDATA with the file, the tensor or field, and what is wrong. Only the tokenizer:
 * data/tokenizer_gguf.h. */
bool rz_model_read(const char *path, const rz_kernels *k, rz_pool *pool, rz_policy **p, rz_tokenizer **t, rz_err *err);
/* Writes one in that form; weights in that encoding where the form has it (rz_model_has_encoding). RZ_EDATA when a weight would become infinite or the form has
 * no words for this model; then nothing is written. */
bool rz_model_export(const char *path, rz_model_form form, rz_encoding e, const rz_policy *p, const rz_tokenizer *t, rz_err *err);
bool rz_model_has_encoding(rz_model_form form, rz_encoding e);
/* In our own form. */
bool rz_model_write(const char *path, const rz_policy *p, const rz_tokenizer *t, rz_err *err);

/* XXH3-128 in hex of the weights. */
void rz_model_hash(const rz_policy *p, char out[33]);

/* Parts of our HDF5 files, for checkpoints too: what a model is, and whether s is of our format and (unless NULL) of that kind: RZ_EDATA. */
bool rz_model_put(rz_store *s, const char *kind, const rz_policy *p, const float *w, const rz_tokenizer *t, rz_err *err);
int64_t rz_model_bytes(const rz_policy *p, const rz_tokenizer *t); /* of a model in our form, at most */
bool rz_model_check_kind(rz_store *s, const char *want, rz_err *err);
#endif
