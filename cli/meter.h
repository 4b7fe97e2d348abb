/* A kernel table that counts: each operation's calls, multiply-adds and time. For `bench` alone: reading the clock costs some percent. */
#ifndef RZ_CLI_METER_H
#define RZ_CLI_METER_H
#include "policy/kernels.h"

typedef enum {
    RZ_METER_FORWARD,            /* products y = x·Wᵀ */
    RZ_METER_INPUTS,             /* products dx = dy·W */
    RZ_METER_WEIGHTS,            /* products dW += dyᵀ·x */
    RZ_METER_ATTENTION_FORWARD,
    RZ_METER_ATTENTION_BACKWARD,
    RZ_METER_NORM,
    RZ_METER_ROPE,
    RZ_METER_CACHE,
    RZ_METER_SWIGLU,
    RZ_METER_LOGITS,
    RZ_METER_ADD,
    RZ_METER_OPTIMIZER,
    RZ_METER_OPS,
} rz_meter_op;
enum { RZ_METER_PRODUCTS = RZ_METER_WEIGHTS + 1 }; /* the first operations are the matrix products */

/* flop: two for a multiply-add, of products and attention only (the rest is bound by memory and functions, and small). */
typedef struct { int64_t calls, ns, flop; } rz_meter_count;
extern const char *const rz_meter_names[RZ_METER_OPS];

/* The table k, counting. One at a time: there is one set of counters. */
const rz_kernels *rz_meter_wrap(const rz_kernels *k);
void rz_meter_reset(void);
/* Sums over all threads; no other thread may be working. */
void rz_meter_read(rz_meter_count out[RZ_METER_OPS]);
#endif
