/* The only door to safetensors: one file, or a Hugging Face folder's model.safetensors or its shards (model.safetensors.index.json). Format: 8 bytes
 * little-endian length of a JSON header {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {text: text}}, then the data.
 * Files come from strangers: every number is checked against the file's size before use, tensors may neither overlap nor leave gaps, names are unique
 * over all shards, a header is at most 100 MB (the format's own limit) and shallow. */
#ifndef RZ_BASE_SAFETENSORS_H
#define RZ_BASE_SAFETENSORS_H
#include "base/encoding.h"

typedef struct {
    const char *name;
    rz_encoding encoding;    /* F32, F16 or BF16; tensors of other types are listed with known == false */
    bool known;
    const char *dtype;       /* as written: "F32", "I64" … */
    int n_dims;
    int64_t dims[8], n;      /* n elements, outermost dimension first */
    const void *data;        /* in the mapped file, not aligned */
} rz_tensor_view;

typedef struct rz_safetensors rz_safetensors;
/* path: a *.safetensors file or a folder. RZ_EIO, RZ_EDATA with the file, the tensor and what is wrong. */
bool rz_safetensors_open(rz_safetensors **out, const char *path, rz_err *err);
/* The same of bytes in memory (tests, fuzzing); they are borrowed. */
bool rz_safetensors_parse(rz_safetensors **out, const char *name, const void *bytes, int64_t size, rz_err *err);
void rz_safetensors_close(rz_safetensors *s);
int rz_safetensors_count(const rz_safetensors *s);
const rz_tensor_view *rz_safetensors_at(const rz_safetensors *s, int i);          /* in name order */
const rz_tensor_view *rz_safetensors_find(const rz_safetensors *s, const char *name); /* NULL */

/* Writing: the tensors are declared first (all of one encoding: F32, F16 or BF16), then given in the order of declaration, converted on the way.
 * What is at `path` is the old file until commit (base/file.h). Metadata {"format": "pt"} is what transformers asks for. */
typedef struct rz_safetensors_writer rz_safetensors_writer;
bool rz_safetensors_create(rz_safetensors_writer **out, const char *path, rz_encoding e, rz_err *err);
void rz_safetensors_declare(rz_safetensors_writer *w, const char *name, int n_dims, const int64_t *dims);
bool rz_safetensors_put(rz_safetensors_writer *w, const float *data, rz_err *err);
bool rz_safetensors_commit(rz_safetensors_writer *w, rz_err *err); /* RZ_EINTERNAL when some tensor was not given */
void rz_safetensors_discard(rz_safetensors_writer *w);             /* frees; nothing is left unless committed */
#endif
