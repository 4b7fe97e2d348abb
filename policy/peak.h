/* What a core can do at most: fused multiply-adds on registers alone, no memory; and reading alone. The yardsticks of bench/kernels.c and of `rulezero bench`. */
#ifndef RZ_POLICY_PEAK_H
#define RZ_POLICY_PEAK_H
#include <stddef.h>

/* GFLOP/s of the calling thread over about `ms` milliseconds, with the registers that the kernels `name` (policy/kernels.h) use. 0 when there
 * is no such loop here (portable, reference). */
double rz_peak_gflops(const char *name, double ms);
/* The same of products of bfloat16s, by the instructions that the kernels multiply those with. */
double rz_peak_half_gflops(const char *name, double ms);
/* GB/s of the calling thread in one pass over `bytes` of memory, read with the same registers. 0 as above. */
double rz_peak_read(const char *name, const void *data, size_t bytes);
#endif
