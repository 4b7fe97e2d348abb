/* The bytes of an HDF5 file that is being made, in memory. HDF5 writes parts of it in an order of its own, and some more than once; the file is written once,
 * from its beginning to its end, and hashed on the way: no byte is read back. Small parts are copied, large ones stay where they are. store.c alone uses it. */
#ifndef RZ_BASE_STORE_IMAGE_H
#define RZ_BASE_STORE_IMAGE_H
#include "base/error.h"
#include <stdint.h>

typedef struct {
    uint64_t at, size;
    const uint8_t *from;
} rz_lent;

typedef struct {
    uint8_t **pages; /* what was copied; NULL: nothing yet, zeros */
    size_t n_pages;
    rz_lent *lent;   /* by place; they do not overlap each other nor what was copied */
    int n_lent, room;
} rz_image;

void rz_image_put(rz_image *m, uint64_t at, const void *from, size_t n);  /* copied; the last one counts */
void rz_image_lend(rz_image *m, uint64_t at, const void *from, size_t n); /* must stay as it is until rz_image_finish */
void rz_image_get(const rz_image *m, uint64_t at, void *to, size_t n);    /* what was never put is zero */
void rz_image_finish(rz_image *m);

/* Writes the first `size` bytes and a seal (base/seal.h) behind them as the whole of fd, which is empty or holds room for it; not synced. A large one goes past
 * the system's cache where the file system can do that: half the processor time, and the cache keeps what training needs. RZ_EIO names path. */
bool rz_image_write(const rz_image *m, uint64_t size, int fd, const char *path, rz_err *err);
#endif
