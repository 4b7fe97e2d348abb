#include "base/processor.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

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

static void read_line(char *line, size_t size, const char *root, const char *name)
{
    char *path = rz_asprintf("%s/sys/devices/system/cpu/%s", root, name);
    rz_file_line(path, line, size);
    free(path);
}

/* How many there are in a list as 0-3,8,10-11. */
static int count_listed(const char *list)
{
    int n = 0, from, to, length;
    for (; sscanf(list, "%d%n", &from, &length) == 1; list += *list == ',') {
        list += length;
        to = from;
        if (sscanf(list, "-%d%n", &to, &length) == 1)
            list += length;
        n += to >= from ? to - from + 1 : 0;
    }
    return n;
}

int64_t rz_third_cache(const char *root, int *caches)
{
    char size[32], sharing[1024], online[1024];
    long long kib;
    read_line(size, sizeof size, root, "cpu0/cache/index3/size");
    read_line(sharing, sizeof sharing, root, "cpu0/cache/index3/shared_cpu_list");
    read_line(online, sizeof online, root, "online");
    int n = count_listed(sharing);
    *caches = n ? count_listed(online) / n : 0;
    return sscanf(size, "%lldK", &kib) == 1 && kib > 0 && *caches > 0 ? kib << 10 : 0;
}
