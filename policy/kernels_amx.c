/* Products of bfloat16s on tile registers (AMX): what takes the place of matmul_half in the avx512 table. A tile instruction flushes small numbers and rounds
 * to nearest whatever the control register says. */
#include "policy/kernels_vec.h"

#include <immintrin.h>

#define RZ_TILES /* half_tiles is that of the instruction */
#include "policy/kernels_half.inc.c"

void rz_matmul_amx(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    check_half(a, b, M, N, K, spans);
    if (K == 0)
        no_terms(c, ldc, M, N, add);
    if (M == 0 || N == 0)
        return;
    configure_tiles(M);
    half_product(c, ldc, &a, &b, M, N, K, &spans, add);
    _tile_release(); /* else every switch to another thread would save them */
}
