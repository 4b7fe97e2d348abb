/* How HDF5 writes a store: into an image in memory (base/store_image.h), where nothing can fail. It comes through a full disk with handles that can neither be used nor closed, so it is
 * not shown one: the image goes to the disk by our own calls when all is in it. store.c alone uses it. */
#ifndef RZ_BASE_STORE_DRIVER_H
#define RZ_BASE_STORE_DRIVER_H
#include "base/store_image.h"
#include <hdf5.h>

typedef struct {
    rz_image image;
    uint64_t size;    /* bytes that HDF5 has taken: the length of the file */
    bool finished;    /* what HDF5 writes from now on (it tidies up when it closes) goes nowhere */
    const void *lent; /* the array that is being put: it will stay as it is, and needs no copy */
    size_t lent_bytes;
} rz_store_sink;

void rz_store_driver_start(void); /* once, before any other */
/* Files that this access list creates go to the sink, which must outlive them. */
bool rz_store_driver_set(hid_t access, rz_store_sink *sink);
/* What HDF5's error stack says, outermost and innermost. Before the next HDF5 call, which clears it. */
void rz_store_driver_reason(char *out, size_t size);
#endif
