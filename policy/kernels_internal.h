/* The tables of this build; shared by the kernel files only. */
#ifndef RZ_POLICY_KERNELS_INTERNAL_H
#define RZ_POLICY_KERNELS_INTERNAL_H
#include "policy/kernels.h"

extern const rz_kernels rz_kernels_reference, rz_kernels_portable;
#ifdef RZ_BUILD_X86
extern const rz_kernels rz_kernels_avx2, rz_kernels_avx512;
/* matmul_half of the tables avx512_bf16 and amx (policy/kernels_half.c). */
void rz_matmul_dots(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add);
void rz_matmul_tiles(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add);
#endif
#endif
