/* What the sources of the fast kernels share. Static inline only. */
#ifndef RZ_POLICY_KERNELS_VEC_H
#define RZ_POLICY_KERNELS_VEC_H
#include "policy/kernels_internal.h"
#include "policy/vec.h"

#include <assert.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { LINE = 64 }; /* bytes that memory gives at a time */

/* Visits `length` elements sixteen at a time: i is the first of them, n how many (fewer than 16 in the last round only). */
#define SIXTEENS(i, n, length) \
    for (int64_t i = 0, n; n = (length) - i < 16 ? (length) - i : 16, i < (length); i += 16)

static inline vf get(const float *p, int64_t n) { return n == 16 ? vf_load(p) : vf_load_n(p, (int)n); }
static inline void put(float *p, vf x, int64_t n)
{
    if (n == 16)
        vf_store(p, x);
    else
        vf_store_n(p, x, (int)n);
}
/* x in the first n lanes, else other. */
static inline vf only(vf x, vf other, int64_t n) { return n == 16 ? x : vf_select(vf_first((int)n), x, other); }

/* Size of part i when n things are cut into as few parts of at most `most` as will do, as evenly as they go. */
static inline int even_part(int n, int most, int i)
{
    int parts = (n + most - 1) / most;
    return n / parts + (i < n % parts);
}

static inline int minimum(int a, int b) { return a < b ? a : b; }

/* What pays differs by vendor where memory and caches do: measured (docs/performance.md), and no bit depends on it. */
static inline bool on_intel(void)
{
#ifdef RZ_BUILD_X86
    return __builtin_cpu_is("intel");
#else
    return false;
#endif
}
#endif
