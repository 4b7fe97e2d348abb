/* The only door to zlib and zstd: files that are read as they were before they were compressed, and written compressed. What a file is shows in its
 * first bytes, not in its name: gzip (RFC 1952), zstd (RFC 8878), both of one member or several, or neither. Memory is bounded whatever a file
 * claims to hold: a zstd window of at most 128 MiB. */
#ifndef RZ_BASE_PACKED_H
#define RZ_BASE_PACKED_H
#include "base/error.h"

typedef enum { RZ_PLAIN, RZ_GZIP, RZ_ZSTD } rz_packing;

typedef struct rz_unpacker rz_unpacker;
bool rz_unpacker_open(rz_unpacker **out, const char *path, rz_err *err); /* NULL: the standard input. RZ_EIO; a pipe or a socket will do */
/* The next bytes, at most room of them (room > 0); *n == 0: the end. RZ_EDATA names the file and what is wrong with the packing. */
bool rz_unpacker_read(rz_unpacker *u, void *data, size_t room, size_t *n, rz_err *err);
void rz_unpacker_close(rz_unpacker *u);

/* What a name asks for: .gz, .zst, or plain. */
rz_packing rz_packing_of(const char *path);
/* As rz_writer (base/file.h): nothing is at `path` before commit, and nothing is left when it is closed without. The same input gives the same bytes. */
typedef struct rz_packer rz_packer;
bool rz_packer_create(rz_packer **out, const char *path, rz_packing packing, rz_err *err);
bool rz_packer_add(rz_packer *p, const void *data, size_t len, rz_err *err);
bool rz_packer_commit(rz_packer *p, rz_err *err);
void rz_packer_close(rz_packer *p);
#endif
