/* How HDF5 writes a store: into the temporary file of a writer (base/file.h), by our own calls. A write that fails is remembered and HDF5 told that all is well:
 * it comes through a full disk with handles that can neither be used nor closed, while what it would write on is thrown away in any case. store.c alone uses it. */
#ifndef RZ_BASE_STORE_DRIVER_H
#define RZ_BASE_STORE_DRIVER_H
#include "base/error.h"
#include <hdf5.h>
#include <stdint.h>

typedef struct {
    int fd;           /* read and written; not ours */
    const char *path; /* where the file will be; not ours */
    int why;          /* errno of the first call that failed, 0 so far */
    bool finished;    /* what HDF5 writes from now on (it tidies up when it closes) goes nowhere */
    uint64_t size;    /* bytes that HDF5 has taken: the length of the image */
} rz_store_sink;

void rz_store_driver_start(void); /* once, before any other */
/* Files that this access list creates go to the sink, which must outlive them. */
bool rz_store_driver_set(hid_t access, rz_store_sink *sink);
/* What HDF5's error stack says, outermost and innermost. Before the next HDF5 call, which clears it. */
void rz_store_driver_reason(char *out, size_t size);
#endif
