/* What a processor can do that compilers cannot be asked for. */
#ifndef RZ_BASE_PROCESSOR_H
#define RZ_BASE_PROCESSOR_H
#include <stdbool.h>

/* Tile registers (AMX) for products of bfloat16s: the processor has them, and the system lets this process use them, on all its threads from now on. */
bool rz_tiles_usable(void);
#endif
