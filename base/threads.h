/* A pool of threads for loops whose iterations are independent. n = 1 runs inline. Each thread has its floating-point control set by
 * rz_fp_setup before it works. */
#ifndef RZ_BASE_THREADS_H
#define RZ_BASE_THREADS_H
#include "base/error.h"

typedef struct rz_pool rz_pool;

bool rz_pool_create(rz_pool **out, int n_threads, rz_err *err);
void rz_pool_destroy(rz_pool *p);       /* accepts NULL */
int rz_pool_size(const rz_pool *p);     /* NULL counts as 1 */

/* Calls fn(ctx, i, thread) for i in 0 … n−1, thread in 0 … size−1; returns when all are done. Not re-entrant. p may be NULL (inline). */
void rz_pool_run(rz_pool *p, int n, void (*fn)(void *ctx, int i, int thread), void *ctx);

/* One call on a thread of its own, beside the caller's work. Signals stay with the main thread. */
typedef struct rz_thread rz_thread;
bool rz_thread_start(rz_thread **out, void (*fn)(void *ctx), void *ctx, rz_err *err); /* RZ_ETRANSIENT */
bool rz_thread_done(rz_thread *t);          /* fn has returned; what it wrote can be read */
void rz_thread_join(rz_thread *t);          /* waits for that and frees; accepts NULL */

/* Round to nearest, no flush to zero, no denormals-are-zero, on the calling thread; rz_fp_ok tells whether it still is so. */
void rz_fp_setup(void);
bool rz_fp_ok(void);
/* rz_fp_ok on every thread of the pool. */
bool rz_pool_fp_ok(rz_pool *p);
#endif
