/* The fast kernels: one source, compiled once for every instruction set (policy/meson.build) with RZ_VEC = portable, avx2 or avx512. What is
 * computed is written in policy/kernels.h; here is only the order in which independent results are worked on. */
#include "policy/kernels_vec.h"

#include "policy/kernels_matmul.inc.c"
#ifdef __SSE2__
#define MATMUL_HALF static void matmul_half
#include "policy/kernels_half.inc.c"
#else /* how small numbers are flushed is x86's way: by plain loops elsewhere */
static void matmul_half(float *c, int64_t ldc, rz_mat_a a, rz_mat_b b, int M, int N, int K, rz_spans spans, bool add)
{
    rz_kernels_reference.matmul_half(c, ldc, a, b, M, N, K, spans, add);
}
#endif
#include "policy/kernels_rows.inc.c"
#include "policy/kernels_cache.inc.c"
#include "policy/kernels_attention.inc.c"
#include "policy/kernels_step.inc.c"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define TABLE_OF(x) rz_kernels_##x
#define TABLE(x) TABLE_OF(x)
const rz_kernels TABLE(RZ_VEC) = {
    TEXT(RZ_VEC), true, matmul, matmul_half, rmsnorm_forward, rmsnorm_backward, rmsnorm_backward_w, rope, kv_append, attention_forward, attention_step, attention_backward,
    attention_scratch, swiglu_forward, swiglu_backward, logp_forward, logp_backward, exp_row, sum16, add, sumsq, adamw,
};
