/* Which HDF5 this is. */
#include "base/store.h"

#include <hdf5.h>
#include <stdio.h>

const char *rz_store_library(void)
{
    static char text[64];
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
    return text;
}

bool rz_store_takes_threads(void)
{
    hbool_t yes = 0;
    return H5is_library_threadsafe(&yes) >= 0 && yes;
}
