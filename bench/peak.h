/* What a core can do at most: fused multiply-adds on registers alone, no memory. The yardstick of bench/kernels.c. */
#ifndef RZ_BENCH_PEAK_H
#define RZ_BENCH_PEAK_H
/* GFLOP/s of one thread over about `ms` milliseconds, with the registers that the kernels `name` (policy/kernels.h) use. 0 when there is no
 * such loop here (portable, reference). */
double peak_gflops(const char *name, double ms);
double seconds_now(void);
#endif
