/* Jobs: from a config to a finished run directory. */
#ifndef RZ_TRAINER_JOB_H
#define RZ_TRAINER_JOB_H
#include "base/comm.h"
#include "policy/kernels.h"
#include "rewards/helper.h"
#include "trainer/config.h"
#include "trainer/metrics.h"

#include <signal.h>

/* What the outside hears, on rank 0 only. Any of the functions may be NULL. */
typedef struct {
    void *ctx;
    void (*note)(void *ctx, const char *text);                                  /* a sentence for people */
    void (*stage)(void *ctx, const char *name, int64_t step, int64_t steps);    /* a stage begins (at step done) */
    void (*step)(void *ctx, const rz_metrics *m, int64_t step, int64_t steps);
    void (*evaluation)(void *ctx, const rz_metrics *m);
    void (*tick)(void *ctx, int64_t n_tokens);                                  /* tokens sampled so far in this round of a step */
} rz_listener;

typedef struct {
    rz_comm *comm;
    const rz_kernels *kernels;
    rz_listener listener;
    rz_helper *helper; /* runs rules that are programs; NULL: they are refused */
    const volatile sig_atomic_t *stop; /* not 0: save a checkpoint and end (RZ_ESTOPPED) */
    const char *run; /* whose file `stop` asks for the same; NULL: the config's `out` */
} rz_job_env;

typedef struct {
    bool fresh;   /* refuse a run directory that is not empty */
    bool dry_run; /* check everything and tell the plan, write nothing */
} rz_job_mode;

/* Both are collective. RZ_ESTOPPED when a signal, a file `stop` in the run directory or time_limit ended the job with a checkpoint saved. */
bool rz_job_train(const rz_job_env *env, const rz_config *c, rz_job_mode mode, rz_err *err);
bool rz_job_pretrain(const rz_job_env *env, const rz_config *c, rz_job_mode mode, rz_err *err);
/* Where a training job's own base is made: OUT/base-HASH, the hash being of all that decides its bits. Caller frees. */
bool rz_pretrain_dir(const rz_config *c, char **dir, rz_err *err);
#endif
