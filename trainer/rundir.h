/* The run directory: who may write it, where the last good checkpoint is, and its logs. Rank 0 only, except where it says collective. */
#ifndef RZ_TRAINER_RUNDIR_H
#define RZ_TRAINER_RUNDIR_H
#include "base/file.h"

/* Whether the step is one of each `every` steps; 0: none is. */
static inline bool rz_is_each(int64_t step, int64_t every)
{
    return every && step % every == 0;
}

typedef struct {
    char *dir;
    rz_lock *lock;
    rz_log *metrics, *eval, *log;
    char *resume;          /* newest checkpoint that verifies, or NULL: start anew */
    int n_rejected;        /* newer ones that do not */
    char rejected[512];    /* what was wrong with the newest of them */
} rz_rundir;

/* Creates the directory, takes its lock (waiting a few seconds for a job that is just dying; waiting(ctx) is called if so) and looks for a checkpoint. fresh: RZ_ECREATE unless
 * the directory is empty. RZ_EDATA when there are checkpoints and none verifies: a run never silently starts anew. */
bool rz_rundir_open(rz_rundir *r, const char *dir, bool fresh, void (*waiting)(void *ctx), void *ctx, rz_err *err);
/* Opens, if need be anew, metrics.jsonl, eval.jsonl and log.txt, cut to what they held when the checkpoint was written (0 for a new run). */
bool rz_rundir_logs(rz_rundir *r, int64_t metrics_bytes, int64_t eval_bytes, rz_err *err);
/* A line of log.txt with the time in front. */
__attribute__((format(printf, 3, 4))) bool rz_rundir_note(rz_rundir *r, rz_err *err, const char *fmt, ...);
void rz_rundir_close(rz_rundir *r); /* accepts a zeroed one */

/* "DIR/FOLDER/step-NNNNNN.h5"; caller frees. */
char *rz_rundir_path(const rz_rundir *r, const char *folder, int64_t step);
/* What stays of a folder: the newest `last`, the newest of those whose step `regular` divides, all whose step `every` divides (0: none), and the best: of those
 * that are there the one whose step has the highest accuracy in eval.jsonl, the oldest of equals. */
typedef struct { int64_t last, regular, every; bool best; } rz_keep;
/* Removes the other ones of DIR/FOLDER/step-*.h5 up to `step`. Later ones could not be read when the run was resumed before them: they take no good one's
 * place, and are written anew. Any thread: a line that is just being written to eval.jsonl is passed over. */
bool rz_rundir_prune(const rz_rundir *r, const char *folder, int64_t step, rz_keep keep, rz_err *err);
/* The highest accuracy in eval.jsonl behind the first step; −1: there is none. */
bool rz_rundir_best(const rz_rundir *r, double *accuracy, rz_err *err);
/* Removes checkpoints, rollouts and evaluated completions of steps behind `step`, durably: the run goes back to it, and what comes then is other than what was. */
bool rz_rundir_forget(rz_rundir *r, int64_t step, rz_err *err);
/* The newest checkpoint up to `step` that verifies, of those whose step `every` (0: none) divides; NULL: there is none. The caller frees it. Others were written by the
 * clock or at a stop: where a run goes back to must depend neither on when it was stopped nor on how fast it was. */
bool rz_rundir_regular(const rz_rundir *r, int64_t step, int64_t every, char **path, rz_err *err);
/* Removes rollouts and evaluated completions of steps behind the checkpoint that a run goes on from (written, but their checkpoint was not): they come again. */
bool rz_rundir_forget_rollouts(rz_rundir *r, int64_t step, rz_err *err);

/* A file DIR/stop, made by anybody, asks the job that runs there to save a checkpoint and end. */
bool rz_rundir_has_stop(const char *dir);
/* Removes it; *was: there was one. RZ_EIO. */
bool rz_rundir_remove_stop(const char *dir, bool *was, rz_err *err);

/* Paths of DIR/FOLDER/step-*.h5, oldest first by number; none when there is no such folder. Caller frees each and the list. */
bool rz_rundir_steps(const char *dir, const char *folder, char ***paths, int *n, rz_err *err);
/* RZ_ECREATE unless DIR is missing or holds nothing but its lock: what --fresh demands. */
bool rz_rundir_check_empty(const char *dir, rz_err *err);
#endif
