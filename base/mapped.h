/* A file seen as memory, read-only. It must not be cut short by others meanwhile (the system ends whoever then reads it); what checks a model file copies
 * nothing and trusts nothing but the size seen here. */
#ifndef RZ_BASE_MAPPED_H
#define RZ_BASE_MAPPED_H
#include "base/error.h"
#include <stdint.h>

typedef struct rz_mapped rz_mapped;
bool rz_mapped_open(rz_mapped **out, const char *path, rz_err *err); /* RZ_EIO; a folder, pipe or device is RZ_EDATA */
const uint8_t *rz_mapped_bytes(const rz_mapped *m);
int64_t rz_mapped_size(const rz_mapped *m);
/* What lies in these bytes of a mapped file (of nothing else!) has been used and need not stay in memory; it can still be read. */
void rz_mapped_forget(const void *bytes, int64_t size);
void rz_mapped_close(rz_mapped *m);
#endif
