/* The works that `bench` times. */
#ifndef RZ_CLI_BENCH_H
#define RZ_CLI_BENCH_H
#include "cli/cli.h"
#include "policy/policy.h"

typedef struct {
    char *model, *rules;
    int shape, dtype, compute, kv_dtype;
    int64_t batch, prompt, new_tokens, seq, group, threads, shards;
    double seconds;
    bool json, plain;
    rz_int_list lengths;
    rz_text_list rules_allow;
} rz_bench_options;

typedef struct rz_bench rz_bench;

/* What one round came to on this rank. */
typedef struct {
    int64_t tokens, items; /* items: completions that `rules` scores, else 0 */
    int64_t trained;       /* tokens with a gradient */
    double prompt_s;       /* of decode: wall time spent on prompts */
    int64_t flop_again;    /* of products that are computed a second time rather than kept (logits of a large vocabulary, for their gradient): no work that was asked for */
} rz_bench_done;

/* A piece of work that can be repeated. */
typedef struct {
    const char *name, *what;
    int64_t batch;                               /* default of --batch */
    bool model, update;                          /* needs a policy; an optimizer */
    bool (*open)(rz_bench *b, rz_err *err);      /* each rank for itself; may be NULL */
    bool (*round)(rz_bench *b, rz_bench_done *done, rz_err *err);
} rz_bench_work;

/* Ends with a row without a name. */
extern const rz_bench_work rz_bench_works[];

#define RZ_BENCH_SHAPES "countdown|small|smollm2|qwen0.5b"
/* Collective. Weights of --model, or random ones of --shape. *out is to be closed whatever is returned; o is borrowed. */
bool rz_bench_open(rz_bench **out, const rz_bench_work *w, const rz_bench_options *o, rz_comm *comm, const rz_kernels *k, rz_err *err);
/* Collective. Does it once. */
bool rz_bench_round(rz_bench *b, const rz_bench_work *w, rz_bench_done *done, rz_err *err);
void rz_bench_close(rz_bench *b);
rz_policy *rz_bench_policy(rz_bench *b); /* NULL for a work without */
rz_pool *rz_bench_pool(rz_bench *b);
/* The panels that a step of decoding reads, all of them; NULL for a work without. */
const void *rz_bench_weights(rz_bench *b, size_t *bytes);
int64_t rz_bench_batch(const rz_bench *b);
#endif
