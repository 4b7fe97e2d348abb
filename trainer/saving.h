/* Checkpoints written beside the training. All ranks make a copy in memory together; then the next steps run while a thread of rank 0 writes, in this order: the
 * rollouts since the checkpoint before, what of the logs is not on the disk yet, the checkpoint; when it stands, older ones go. A job that is killed at any
 * moment finds the checkpoint before or the new one, and with either what belongs to it. */
#ifndef RZ_TRAINER_SAVING_H
#define RZ_TRAINER_SAVING_H
#include "base/threads.h"
#include "trainer/checkpoint.h"
#include "trainer/metrics.h"

struct rz_loop;

/* Of a loop. Rank 0's, but for begun. */
typedef struct {
    rz_thread *thread;     /* writes now; NULL: nothing is written */
    rz_snapshot copy;      /* what it writes; its room is used again */
    rz_progress at;
    bool ok;               /* what has become of it, once it is done */
    rz_err err;
    double took_s, took_cpu_s;
    int64_t begun, saved;  /* steps: of the newest that was begun, of the newest that stands */
    double begun_s;        /* when it was */
    double step_s;         /* the longest step so far */
    double copy_s;         /* that the last copy stopped training for */
    double write_s, spent_s, spent_cpu_s; /* of the thread: its last checkpoint; since the last line of metrics */
    double best;           /* held-out accuracy so far; -1: none */
    bool best_now;         /* the state of now has it, and no checkpoint yet */
    int64_t failed;        /* checkpoints since this start */
    bool troubled;         /* the last that was to be written was not, and that has been told */
    bool cures;            /* the one that is being written was begun behind the last failure */
    bool ending;           /* nothing is forgiven any more */
    bool told_slow;
} rz_saving;

/* Collective. A run begins, or goes on from a checkpoint, at l->at.step. */
bool rz_saving_open(struct rz_loop *l, rz_err *err);
/* Rank 0: RZ_EIO when there is no room for a checkpoint; a note when there may be none for all that are to be kept, or (tell) in any case. */
bool rz_saving_room(struct rz_loop *l, bool tell, rz_err *err);
/* Rank 0: whether the job is to go on although something could not be written, which is tried again; tells it once. */
bool rz_saving_forgive(struct rz_loop *l, rz_err *err);
/* Rank 0: the state that the next checkpoint is of has been evaluated; a line of eval.jsonl. */
void rz_saving_evaluated(struct rz_loop *l, const rz_metrics *m);
/* Rank 0: whether the state of now is to be saved. */
bool rz_saving_due(struct rz_loop *l);
/* Rank 0: false when a checkpoint has failed since the last call, which is not forgiven. Does not wait. */
bool rz_saving_check(struct rz_loop *l, rz_err *err);
/* Collective. Begins to save the state of now; waits for the one before. */
bool rz_saving_begin(struct rz_loop *l, rz_err *err);
/* Collective. Waits for what is being written: it stands, or has failed. */
bool rz_saving_settle(struct rz_loop *l, rz_err *err);
/* Collective. The state of now stands when it returns true. */
bool rz_saving_end(struct rz_loop *l, rz_err *err);
void rz_saving_close(struct rz_loop *l); /* waits */
#endif
