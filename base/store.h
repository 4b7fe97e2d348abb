/* The only door to HDF5: trees of named arrays and attributes in one file. What is put is kept in memory, large arrays where they are, until commit writes it once, in order, to a temporary name
 * in the same folder (base/file.h), seals, syncs and renames it: a reader finds the old file or the new one, never a torn one. The last 32 bytes of the file, behind the HDF5 image (HDF5 tools
 * ignore them), are a seal: magic, length and XXH3-128 of all before; rz_store_open verifies it, and that everything is laid out as we do it (base/store_plain.h), before HDF5 sees a byte.
 * Names are paths ("model/lm_head.weight"); groups appear as needed. */
#ifndef RZ_BASE_STORE_H
#define RZ_BASE_STORE_H
#include "base/error.h"
#include <stdint.h>

typedef struct rz_store rz_store;
typedef enum { RZ_F32, RZ_F64, RZ_I8, RZ_U8, RZ_I32, RZ_U32, RZ_I64, RZ_U64, RZ_BF16 /* as 16-bit unsigned, attribute dtype=bf16 */ } rz_type;
enum { RZ_MAX_DIMS = 4 };

typedef struct {
    rz_type type;
    int n_dims; /* 0 … RZ_MAX_DIMS */
    int64_t dims[RZ_MAX_DIMS];
} rz_shape;

size_t rz_type_size(rz_type type);
const char *rz_type_name(rz_type type); /* "f32" … */

/* "HDF5 1.10.8"; whether it may be called by several threads. */
const char *rz_store_library(void);
bool rz_store_takes_threads(void);

bool rz_store_create(rz_store **out, const char *path, rz_err *err); /* empty; nothing is at `path` before commit. RZ_EIO, RZ_ECREATE */
bool rz_store_open(rz_store **out, const char *path, rz_err *err);   /* read-only; RZ_EDATA with a sentence when cut, changed or not ours */
/* The two halves of it: is the file what was sealed (it is read whole)? And the rest, of one of which that is known: several ranks of a machine, or the same one again. */
bool rz_store_verify(const char *path, rz_err *err);
bool rz_store_open_verified(rz_store **out, const char *path, rz_err *err);
/* A new, empty store is to be in parts: files PATH.part-1, PATH.part-2, … of about part_bytes each, which hold its arrays of f32 (`bytes` in all), cut by rows where need be. Each is a
 * sealed store of its own and stands as soon as it is full; the file at PATH holds all else and the seals of its parts, and comes last. Until it is committed what was put into parts cannot
 * be read; not committed, they go. Who opens it sees one store: arrays whole, and parts that are missing, damaged or not its own refused like a damaged file. */
void rz_store_split(rz_store *s, int64_t bytes, int64_t part_bytes);
bool rz_store_is_split(const rz_store *s);
int rz_store_n_parts(const rz_store *s);          /* of an open one; 0: it is one file */
int64_t rz_store_parts_bytes(const rz_store *s);  /* of their files */
/* A part calls itself kind `part`, and has this format_version. */
enum { RZ_STORE_SPLIT_FORMAT = 2 };
#define RZ_STORE_PART ".part-"
bool rz_store_remove(const char *path);           /* the file, then its parts; false with errno: it stays */
bool rz_store_commit(rz_store *s, rz_err *err);                      /* durable on return; RZ_EIO (the disk is full) leaves `path` as it was. From now on it can be read only */
void rz_store_close(rz_store *s);                                    /* accepts NULL; uncommitted contents are lost */

/* Takes room for a file of so many bytes, so that a full disk is noticed before a byte is written: RZ_EIO names both. An estimate will do. */
bool rz_store_reserve(rz_store *s, int64_t bytes, rz_err *err);
/* Data of RZ_STORE_STAYS bytes and more are not copied: they must stay as they are until the close. */
enum { RZ_STORE_STAYS = 1 << 16 };
bool rz_store_put(rz_store *s, const char *name, rz_shape shape, const void *data, rz_err *err);
/* Reads all of `name` into data; its type and shape must be exactly `shape` (the message says expected and found). */
bool rz_store_get(rz_store *s, const char *name, rz_shape shape, void *data, rz_err *err);
/* The same of n elements from `at` on, of an array of one dimension. */
bool rz_store_get_part(rz_store *s, const char *name, rz_shape shape, int64_t at, int64_t n, void *data, rz_err *err);
bool rz_store_has(rz_store *s, const char *name);
bool rz_store_shape(rz_store *s, const char *name, rz_shape *shape, rz_err *err);
/* Text is stored as a u8 array; get returns a NUL-terminated string to be freed by the caller. */
bool rz_store_put_text(rz_store *s, const char *name, const char *text, rz_err *err);
char *rz_store_get_text(rz_store *s, const char *name, rz_err *err); /* NULL on failure */

/* Attributes of the root. */
bool rz_store_put_i64(rz_store *s, const char *attr, int64_t value, rz_err *err);
bool rz_store_put_f64(rz_store *s, const char *attr, double value, rz_err *err);
bool rz_store_put_str(rz_store *s, const char *attr, const char *value, rz_err *err);
bool rz_store_get_i64(rz_store *s, const char *attr, int64_t *value, rz_err *err);
bool rz_store_get_f64(rz_store *s, const char *attr, double *value, rz_err *err);
bool rz_store_get_str(rz_store *s, const char *attr, char **value, rz_err *err); /* caller frees */
bool rz_store_has_attr(rz_store *s, const char *attr);

/* Calls back for every array (name order) and every root attribute (name order; value printed as text). Return false to stop. */
bool rz_store_each(rz_store *s, bool (*fn)(void *ctx, const char *name, const rz_shape *shape), void *ctx, rz_err *err);
bool rz_store_each_attr(rz_store *s, bool (*fn)(void *ctx, const char *name, const char *value), void *ctx, rz_err *err);
#endif
