/* What HDF5 may be shown: files laid out as rz_store lays them out, and nothing else. */
#ifndef RZ_BASE_STORE_PLAIN_H
#define RZ_BASE_STORE_PLAIN_H
#include "base/error.h"

/* A seal proves that a file is whole, not that we wrote it, and HDF5 was not made for files that mean harm. So everything of a file that HDF5 reads to find its way
 * is read here first: each structure must be one that rz_store_put and its kind make (oldest format: groups by symbol tables, contiguous arrays of known numbers,
 * scalar attributes), and lie, with all that it points to, within the image; no ring, no array larger than the file. RZ_EDATA with what and where. The file is
 * sealed (base/seal.h): the image is all but the seal. Reads metadata only, however large the arrays are. */
bool rz_store_plain(const char *path, rz_err *err);
#endif
