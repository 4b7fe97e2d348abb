/* matmul_half once more for each kind of processor that multiplies bfloat16s by instructions of its own (policy/meson.build): RZ_DOTS, of two products a word
 * (AVX512_BF16), or RZ_TILES (AMX). It takes its place in the avx512 table. */
#include "policy/kernels_vec.h"

#include <immintrin.h>

#ifdef RZ_TILES
#define MATMUL_HALF void rz_matmul_tiles
#else
#define MATMUL_HALF void rz_matmul_dots
#endif
#include "policy/kernels_half.inc.c"
