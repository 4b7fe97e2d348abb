#include "trainer/guard.h"

#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rz_guard_step(rz_loop *l, int64_t step, rz_metrics *m, bool *back)
{
    rz_update_trouble t = rz_update_take_trouble(l->update);
    bool trouble = t.skipped || t.broken;
    if (t.skipped && !t.broken && !l->at.skipped_in_row)
        rz_loop_note(l, "step %lld: %s; this update is left out, weights and moments stay as they were", (long long)step, t.why);
    l->at.skipped += t.skipped;
    l->at.skipped_in_row = trouble ? l->at.skipped_in_row + 1 : 0;
    snprintf(l->trouble, sizeof l->trouble, "%s", t.why);
    *back = t.broken || l->at.skipped_in_row >= l->config->guard.skips;
    rz_metrics_put_int(m, "guard/skipped", t.skipped);
    rz_metrics_put_int(m, "guard/rollbacks", l->at.rollbacks);
}

static bool diverged(const rz_loop *l, int64_t step, const char *but, rz_err *err)
{
    bool train = l->at.stage == RZ_STAGE_TRAIN;
    double lr = train ? l->config->optimizer.learning_rate : l->config->pretrain.optimizer.learning_rate;
    return rz_fail(err, RZ_EDIVERGED, "the run has diverged: at step %lld %s (%lld such steps in a row), %s; begin again with a lower %soptimizer.learning_rate (%g now) or "
                                      "%soptimizer.max_grad_norm, and another out=",
                   (long long)step, l->trouble, (long long)l->at.skipped_in_row, but, train ? "" : "pretrain.", lr, train ? "" : "pretrain.");
}

/* Rank 0 finds the newest checkpoint from before the trouble, all hear of it; "" when there is none. */
static bool find_checkpoint(rz_loop *l, int64_t before, char *path, size_t size, rz_err *err)
{
    bool ok = true;
    char *found = NULL;
    memset(path, 0, size);
    if (rz_loop_first(l))
        ok = rz_rundir_regular(&l->run, before, l->config->checkpoint.every, &found, err);
    if (found)
        snprintf(path, size, "%s", found);
    free(found);
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    rz_comm_bcast(l->env->comm, path, size, 0);
    return true;
}

bool rz_guard_go_back(rz_loop *l, int64_t step, rz_err *err)
{
    const rz_progress was = l->at;
    char path[4096], but[100];
    if (was.rollbacks >= l->config->guard.rollbacks) {
        snprintf(but, sizeof but, "after going back %lld times (guard.rollbacks)", (long long)was.rollbacks);
        return diverged(l, step, but, err);
    }
    if (!rz_saving_settle(l, err) || !find_checkpoint(l, step - was.skipped_in_row, path, sizeof path, err))
        return false;
    if (!path[0])
        return diverged(l, step, "with no checkpoint of checkpoint.every from before them to go back to", err);
    if (!rz_loop_read(l, path, err))
        return false;
    l->at.skipped = was.skipped;
    l->at.skipped_in_row = 0;
    l->at.rollbacks = was.rollbacks + 1;
    l->at.data_shift = was.data_shift + step - l->at.step;
    rz_fault_window(l->at.rollbacks);
    bool ok = !rz_loop_first(l) || (rz_rundir_forget(&l->run, l->at.step, err) && rz_rundir_logs(&l->run, l->at.metrics_bytes, l->at.eval_bytes, err));
    if (!rz_comm_agree(l->env->comm, ok && (!l->went_back || l->went_back(l, err)), err) || !rz_saving_open(l, err))
        return false;
    rz_loop_note(l, "step %lld: %s: gone back to step %lld, and on with the problems that would have come next (%lld of %lld times)", (long long)step, l->trouble,
                 (long long)l->at.step, (long long)l->at.rollbacks, (long long)l->config->guard.rollbacks);
    return true;
}
