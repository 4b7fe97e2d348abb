/* The fast kernels: one source, compiled once for every instruction set (policy/meson.build) with RZ_VEC = portable, avx2 or avx512. What is
 * computed is written in policy/kernels.h; here is only the order in which independent results are worked on. */
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

#include "policy/kernels_matmul.inc.c"
#include "policy/kernels_rows.inc.c"
#include "policy/kernels_attention.inc.c"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define TABLE_OF(x) rz_kernels_##x
#define TABLE(x) TABLE_OF(x)
const rz_kernels TABLE(RZ_VEC) = {
    TEXT(RZ_VEC), matmul, rmsnorm_forward, rmsnorm_backward, rmsnorm_backward_w, rope, kv_append, attention_forward, attention_step, attention_backward,
    attention_scratch, swiglu_forward, swiglu_backward, logp_forward, logp_backward, exp_row, sum16, add, sumsq, adamw,
};
