/* Shapes of arrays: sizes, comparison, text. store.c and store_parts.c use it. */
#ifndef RZ_BASE_STORE_SHAPE_H
#define RZ_BASE_STORE_SHAPE_H
#include "base/store.h"

/* "f32[2,3]"; "f32[]" for a single number. */
void rz_store_shape_text(const rz_shape *shape, char *out, size_t size);
/* False when there are too many dimensions, one is negative, or the bytes do not fit a size_t. */
bool rz_store_shape_count(const rz_shape *shape, size_t *n);
/* RZ_EDATA says what it is and what it must be. */
bool rz_store_shape_check(const char *path, const char *name, const rz_shape *is, const rz_shape *due, rz_err *err);

enum { RZ_STORE_MAX_NAME = 512 };
/* The part of a good name before its i-th slash, all of it after the last; NULL when there is no more. */
const char *rz_store_name_prefix(const char *name, int i, char out[RZ_STORE_MAX_NAME]);
bool rz_store_name_good(const char *name); /* may an array be called so */
#endif
