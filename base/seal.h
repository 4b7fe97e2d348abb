/* The last 32 bytes of a store: magic (8), length of all before (u64, little endian), XXH3-128 of it (canonical, 16). store.c alone uses it. */
#ifndef RZ_BASE_SEAL_H
#define RZ_BASE_SEAL_H
#include "base/error.h"
#include <stdint.h>

enum { RZ_SEAL_BYTES = 32 };

/* Puts a seal behind the first len bytes of fd, which it reads. path is for messages. */
bool rz_seal_append(int fd, const char *path, uint64_t len, rz_err *err);
/* Reads the whole file. RZ_EDATA with a sentence when it is cut, changed or not ours; RZ_EIO when it cannot be read. */
bool rz_seal_check(const char *path, rz_err *err);
#endif
