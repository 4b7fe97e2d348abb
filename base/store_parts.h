/* A store in several files: arrays of floats are cut by rows into parts, stores of their own beside the main file, which holds all else and the seals of its parts. To who reads it
 * it is one store. store.c alone uses it; every function takes NULL for a store in one piece. */
#ifndef RZ_BASE_STORE_PARTS_H
#define RZ_BASE_STORE_PARTS_H
#include "base/seal.h"
#include "base/store.h"

#define RZ_STORE_MANIFEST "manifest" /* array of the main file: u8 (parts, RZ_SEAL_BYTES) */

typedef struct rz_parts rz_parts;
const rz_parts *rz_store_parts(const rz_store *s);

/* Writing (rz_store_split). A part is written as soon as it is full, and stands then. */
rz_parts *rz_parts_create(const char *path, int64_t bytes, int64_t part_bytes);
bool rz_parts_takes(const rz_shape *shape); /* does it go to a part? */
bool rz_parts_put(rz_parts *p, const char *name, rz_shape shape, const void *data, rz_err *err);
bool rz_parts_commit(rz_parts *p, rz_store *main, rz_err *err); /* all stand, and the main file knows them */

void rz_parts_tidy(const rz_parts *p, const char *path);        /* when that stands: those of another one, which was there before, go */

/* Reading. *out is NULL when the main file knows of no parts. RZ_EDATA: one is missing, another one's, cut or (verify) changed. */
bool rz_parts_open(rz_parts **out, rz_store *main, const char *path, bool verify, rz_err *err);
const char *rz_parts_name(const rz_parts *p, int i);   /* of the i-th array in them; NULL: there is none */
bool rz_parts_has(const rz_parts *p, const char *name);
bool rz_parts_shape(const rz_parts *p, const char *name, rz_shape *shape); /* false: not in them */
/* Rows from … from + n − 1; of an array of several dimensions all. */
bool rz_parts_get(rz_parts *p, const char *name, const rz_shape *shape, int64_t from, int64_t n, void *data, rz_err *err);

void rz_parts_close(rz_parts *p); /* those of a store that was not committed go */
#endif
