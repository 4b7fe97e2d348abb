#include "base/processor.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Their state is large, so Linux (5.16 and later) saves it only for those that asked: ARCH_REQ_XCOMP_PERM of arch_prctl(2), for state 18, XTILEDATA. */
bool rz_tiles_usable(void)
{
    enum { LEAF = 7, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, REQUEST = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) && syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}
#else
bool rz_tiles_usable(void)
{
    return false;
}
#endif
