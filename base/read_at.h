/* A span of a file that does not change. */
#ifndef RZ_BASE_READ_AT_H
#define RZ_BASE_READ_AT_H
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

/* Many disks give more to several readers than to one, and so does the system's clearing of memory. */
enum { RZ_READERS = 4, RZ_READ_BLOCK = 1 << 20 };

/* Reads `len` bytes from byte `at` on into data; four blocks and more by several threads. `path` is what a message calls it. RZ_EIO; RZ_EDATA when the file ends before. */
bool rz_read_at(int fd, const char *path, void *data, size_t len, uint64_t at, rz_err *err);
#endif
