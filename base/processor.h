/* What a processor can do, and has, that compilers cannot be asked for. */
#ifndef RZ_BASE_PROCESSOR_H
#define RZ_BASE_PROCESSOR_H
#include <stdbool.h>
#include <stdint.h>

/* Tile registers (AMX) for products of bfloat16s: the processor has them, and the system lets this process use them, on all its threads from now on. */
bool rz_tiles_usable(void);
/* Bytes of a cache of the third level, of which this machine has `caches`, each for as many processors; 0: none, or the system does not say. Its files are read below
 * `root`: "", but for tests. */
int64_t rz_third_cache(const char *root, int *caches);
#endif
