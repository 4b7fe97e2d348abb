/* The last 32 bytes of a store: magic (8), length of all before (u64, little endian), XXH3-128 of it (canonical, 16). The store alone uses it. */
#ifndef RZ_BASE_SEAL_H
#define RZ_BASE_SEAL_H
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { RZ_SEAL_BYTES = 32 };

/* Of bytes that are given in their order. */
typedef struct rz_seal rz_seal;
rz_seal *rz_seal_begin(void);
void rz_seal_add(rz_seal *s, const void *bytes, size_t n);
void rz_seal_make(const rz_seal *s, unsigned char seal[RZ_SEAL_BYTES]); /* of all so far */
void rz_seal_free(rz_seal *s);

/* Reads the whole file, by several threads unless `alone`. RZ_EDATA with a sentence when it is cut, changed or not ours; RZ_EIO when it cannot be read. */
bool rz_seal_check(const char *path, bool alone, rz_err *err);
uint64_t rz_seal_length(const unsigned char seal[RZ_SEAL_BYTES]); /* of all before it, as it says */
/* The last 32 bytes alone, whatever they are. RZ_EIO; RZ_EDATA when the file has less. */
bool rz_seal_read(const char *path, unsigned char seal[RZ_SEAL_BYTES], rz_err *err);
#endif
