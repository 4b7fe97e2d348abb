/* What training and pretraining share: a run directory, a loop of steps with checkpoints, stopping, resuming. */
#ifndef RZ_TRAINER_LOOP_H
#define RZ_TRAINER_LOOP_H
#include "trainer/job.h"
#include "trainer/rundir.h"
#include "trainer/saving.h"

typedef struct rz_loop {
    const rz_job_env *env;
    const rz_config *config;
    const char *dir;             /* run directory */
    int64_t steps;
    rz_policy *policy;
    rz_tokenizer *tokenizer;
    rz_update *update;
    rz_progress at;              /* stage, config, rules and data_hash set by the stage; the rest kept by the loop */
    rz_rundir run;               /* rank 0 */
    bool behind_base;            /* this process has just made the base: a file `stop` that is there already is meant for it */
    rz_saving saving;
    double looked_s;             /* when that was looked at last */
    double asked_s;              /* when the job was found asked to stop in the middle of a step; 0: it was not */
    int left;                    /* why a step was left (loop.c); 0: none was */
    double started_s;            /* of this stage */
    double limit_from_s;         /* time_limit counts from here: set by a stage that came behind another one, else started_s */
    double io_s, eval_s;         /* spent since the last line of metrics: on logs and on what checkpoints stop it for; on evaluations (the stage adds these) */
    rz_update_times spent;       /* of update, at the last line */
    char trouble[160];           /* what was not finite in the last step, if anything: a clause */

    /* What a stage is. Collective, save where rank 0 is named. */
    void *ctx;
    bool (*begin)(struct rz_loop *l, rz_err *err);                              /* before the first step of a new run; may be NULL */
    bool (*step)(struct rz_loop *l, int64_t step, rz_metrics *m, rz_err *err);
    bool (*end)(struct rz_loop *l, rz_err *err);                                /* after the last step; may be NULL */
    bool (*hand_over)(struct rz_loop *l, rz_err *err);                          /* rank 0: what belongs to a checkpoint of now goes to where write_beside finds it; may be NULL */
    bool (*write_beside)(struct rz_loop *l, int64_t step, rz_err *err);         /* rank 0, a thread of its own while steps go on: writes that; may be NULL */
    bool (*went_back)(struct rz_loop *l, rz_err *err);                          /* steps behind at.step are forgotten (trainer/guard.h), and will be made anew; may be NULL. Not collective */
} rz_loop;

/* Rank 0: the one that keeps the run directory. */
static inline bool rz_loop_first(const rz_loop *l)
{
    return rz_comm_rank(l->env->comm) == 0;
}

/* Collective. Takes the run directory and reads the newest checkpoint if there is one (at.step says where it stands). */
bool rz_loop_open(rz_loop *l, bool fresh, rz_err *err);
/* Collective. The state is that of the checkpoint at path, which rank 0 has found whole; on other machines it is verified first, once on each. */
bool rz_loop_read(rz_loop *l, const char *path, rz_err *err);
/* Collective. Runs to the last step, or until asked to stop. */
bool rz_loop_run(rz_loop *l, rz_err *err);
/* A rz_loop. For a step to ask in its first part, as long as nothing of the run has changed: whether the job was asked to stop so long ago that the step is to be left,
 * by failing as RZ_ESTOPPED on all ranks. It is made again by the next start. */
bool rz_loop_leave(void *l);
void rz_loop_close(rz_loop *l);
/* Collective. A line of eval.jsonl, told to the listener. */
bool rz_loop_evaluation(rz_loop *l, const rz_metrics *m, rz_err *err);
__attribute__((format(printf, 2, 3))) void rz_loop_note(rz_loop *l, const char *fmt, ...);
#endif
