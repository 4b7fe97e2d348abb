/* What the forms of model files share (trainer/model*.c). */
#ifndef RZ_TRAINER_MODEL_PARTS_H
#define RZ_TRAINER_MODEL_PARTS_H
#include "base/safetensors.h"
#include "trainer/model.h"

/* What is made of a file; NULL as long as it is not there. */
typedef struct {
    const rz_kernels *k;
    rz_pool *pool;
    bool no_tokenizer; /* none is asked for: none is read, none need be there */
    rz_arch arch;
    rz_tokenizer *tokenizer;
    rz_policy *policy;
} rz_model;

/* Messages begin with the path, or the file in it. What was made is destroyed by the caller, on failure too. */
bool rz_model_read_hf(const char *folder, rz_model *r, rz_err *err);
bool rz_model_read_gguf(const char *path, rz_model *r, rz_err *err);

/* With architecture and tokenizer in hand: do they fit? */
bool rz_model_check_tokenizer(const char *path, const rz_model *r, rz_err *err);
/* A policy for weights that come from views. Every tensor is there and has its shape before any room is made, so that a config cannot ask for more than the
 * file holds: find(ctx, name, there) gives the view of a tensor of the layout, or NULL, and its name there; that and `file` are for messages. */
enum { RZ_MODEL_NAME = 96 };
typedef const rz_tensor_view *rz_model_find(const void *ctx, const char *name, char there[RZ_MODEL_NAME]);
bool rz_model_take(const char *file, rz_model *r, rz_model_find *find, const void *ctx, rz_err *err);

/* The parts of rz_token_extras in a Hugging Face folder, in our HDF5 files. */
bool rz_extras_read_hf(const char *folder, const char *config, rz_tokenizer *t, rz_err *err);
bool rz_extras_put(const rz_token_extras *e, rz_store *s, rz_err *err);
bool rz_extras_get(rz_tokenizer *t, rz_store *s, rz_err *err);
/* Are they those of the file? RZ_ECONFIG names what is not. A file that has none, as older ones, is not asked. */
bool rz_extras_check(const rz_token_extras *e, rz_store *s, rz_err *err);
/* An id that ends completions, once. RZ_EDATA when the tokenizer has no such id or there are more than RZ_MAX_EOS. `what` names its place. */
bool rz_extras_add_eos(rz_tokenizer *t, const char *what, int64_t id, rz_err *err);
#endif
