/* The only door to GGUF (versions 2 and 3, little-endian; a big-endian file is refused by name). Files come from strangers: every count, length and offset is checked
 * against the file's size before use; keys and tensor names are unique; tensors may not overlap; arrays of arrays are refused. */
#ifndef RZ_BASE_GGUF_H
#define RZ_BASE_GGUF_H
#include "base/safetensors.h" /* rz_tensor_view; dims here too outermost first (the file has them innermost first) */

typedef enum {
    RZ_GGUF_U8, RZ_GGUF_I8, RZ_GGUF_U16, RZ_GGUF_I16, RZ_GGUF_U32, RZ_GGUF_I32, RZ_GGUF_F32, RZ_GGUF_BOOL, RZ_GGUF_STRING, RZ_GGUF_ARRAY, RZ_GGUF_U64,
    RZ_GGUF_I64, RZ_GGUF_F64
} rz_gguf_type;

typedef struct rz_gguf rz_gguf;
bool rz_gguf_is(const char *path); /* begins with the magic bytes */
bool rz_gguf_open(rz_gguf **out, const char *path, rz_err *err);
bool rz_gguf_parse(rz_gguf **out, const char *name, const void *bytes, int64_t size, rz_err *err); /* bytes are borrowed */
void rz_gguf_close(rz_gguf *g);
const char *rz_gguf_name(const rz_gguf *g); /* path or name, for messages */

int rz_gguf_n_keys(const rz_gguf *g);
const char *rz_gguf_key(const rz_gguf *g, int i, rz_gguf_type *type);
bool rz_gguf_has(const rz_gguf *g, const char *key);
/* Values by key. False without touching *v when there is no such key or it has another type (numbers convert where the value fits). */
bool rz_gguf_i64(const rz_gguf *g, const char *key, int64_t *v);
bool rz_gguf_f64(const rz_gguf *g, const char *key, double *v);
bool rz_gguf_bool(const rz_gguf *g, const char *key, bool *v);
bool rz_gguf_text(const rz_gguf *g, const char *key, const char **text, size_t *len); /* in the file: no NUL behind it, any bytes */
/* Arrays: −1 when there is none of that key. Elements one by one. */
int64_t rz_gguf_array(const rz_gguf *g, const char *key, rz_gguf_type *element);
bool rz_gguf_array_text(const rz_gguf *g, const char *key, int64_t i, const char **text, size_t *len);
bool rz_gguf_array_f64(const rz_gguf *g, const char *key, int64_t i, double *v); /* any number type */

int rz_gguf_count(const rz_gguf *g); /* tensors */
const rz_tensor_view *rz_gguf_at(const rz_gguf *g, int i);
const rz_tensor_view *rz_gguf_find(const rz_gguf *g, const char *name);

/* Writing (version 3, alignment 32): keys and tensors are declared, then tensors given in order of declaration, converted on the way. Atomic as in base/file.h. */
typedef struct rz_gguf_writer rz_gguf_writer;
bool rz_gguf_create(rz_gguf_writer **out, const char *path, rz_err *err);
void rz_gguf_put_u32(rz_gguf_writer *w, const char *key, uint32_t v);
void rz_gguf_put_f32(rz_gguf_writer *w, const char *key, float v);
void rz_gguf_put_bool(rz_gguf_writer *w, const char *key, bool v);
void rz_gguf_put_text(rz_gguf_writer *w, const char *key, const char *text, size_t len);
void rz_gguf_put_texts(rz_gguf_writer *w, const char *key, const char *const *texts, const size_t *lens, int64_t n);
void rz_gguf_put_i32s(rz_gguf_writer *w, const char *key, const int32_t *v, int64_t n);
void rz_gguf_declare(rz_gguf_writer *w, const char *name, rz_encoding e, int n_dims, const int64_t *dims);
bool rz_gguf_put(rz_gguf_writer *w, const float *data, rz_err *err);
bool rz_gguf_commit(rz_gguf_writer *w, rz_err *err);
void rz_gguf_discard(rz_gguf_writer *w);
#endif
