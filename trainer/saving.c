#include "trainer/loop.h"

#include "base/pulse.h"

#include <stdlib.h>

static bool first(const rz_loop *l)
{
    return rz_comm_rank(l->env->comm) == 0;
}

bool rz_saving_open(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    s->begun = s->saved = l->at.step;
    s->begun_s = rz_now_s();
    s->best_now = false;
    return rz_comm_agree(l->env->comm, !first(l) || rz_rundir_best(&l->run, &s->best, err), err);
}

void rz_saving_evaluated(rz_loop *l, const rz_metrics *m)
{
    rz_saving *s = &l->saving;
    double accuracy = rz_metrics_get(m, "accuracy");
    if (rz_metrics_get(m, "step") > 0 && accuracy > s->best) {
        s->best = accuracy;
        s->best_now = true;
    }
}

/* ---- the thread ---- */

/* Older ones go last: until the new checkpoint stands a run may have to go on from them. */
static bool prune(rz_loop *l, int64_t step, rz_err *err)
{
    const rz_config *c = l->config;
    const rz_keep checkpoints = {c->checkpoint.keep, c->checkpoint.every, c->checkpoint.keep_every, c->checkpoint.keep_best}, rollouts = {.last = c->rollout.keep};
    return rz_rundir_prune(&l->run, "checkpoints", step, checkpoints, err) &&
           (!rollouts.last || rz_rundir_prune(&l->run, "rollouts", step, rollouts, err));
}

static void write_checkpoint(void *ctx)
{
    rz_loop *l = ctx;
    rz_saving *s = &l->saving;
    rz_err *err = &s->err;
    double start = rz_now_s();
    char *path = rz_rundir_path(&l->run, "checkpoints", s->at.step);
    s->ok = (!l->write_beside || l->write_beside(l, s->at.step, err)) && rz_log_sync(l->run.metrics, err) && rz_log_sync(l->run.eval, err) &&
            rz_checkpoint_write(path, &s->at, l->policy, &s->copy, l->tokenizer, err) && prune(l, s->at.step, err);
    free(path);
    s->took_s = rz_now_s() - start;
}

/* ---- the main thread ---- */

static bool collect(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    if (!s->thread)
        return true;
    rz_thread_join(s->thread);
    s->thread = NULL;
    s->write_s = s->took_s;
    s->spent_s += s->took_s;
    if (!s->ok)
        *err = s->err;
    else
        s->saved = s->at.step;
    return s->ok;
}

bool rz_saving_check(rz_loop *l, rz_err *err)
{
    return !l->saving.thread || !rz_thread_done(l->saving.thread) || collect(l, err);
}

/* A kill costs the work since the newest checkpoint was begun: that of the step to come and of the writing belongs to it. No more than two are begun in the time
 * that was asked for, and none while another one is written. */
static bool time_is_up(rz_loop *l)
{
    rz_saving *s = &l->saving;
    double most = l->config->checkpoint.seconds, since = rz_now_s() - s->begun_s, early = most - s->step_s - s->write_s;
    if (most <= 0 || since < (early > most / 2 ? early : most / 2))
        return false;
    if (s->thread && since > most && !s->told_slow) {
        s->told_slow = true;
        rz_loop_note(l, "a checkpoint takes longer to write than checkpoint.seconds (%g): a kill may cost more than that; the next one begins when this one stands", most);
    }
    return !s->thread;
}

static bool each(int64_t step, int64_t every)
{
    return every && step % every == 0;
}

bool rz_saving_due(rz_loop *l)
{
    const rz_config *c = l->config;
    int64_t step = l->at.step;
    return step != l->saving.begun && (each(step, c->checkpoint.every) || each(step, c->checkpoint.keep_every) ||
                                       (c->checkpoint.keep_best && l->saving.best_now) || time_is_up(l));
}

/* The state of now as the thread will find it, but for the copy. */
static bool hand_over(rz_loop *l, rz_err *err)
{
    if (!rz_log_flush(l->run.metrics, err) || !rz_log_flush(l->run.eval, err))
        return false;
    l->at.metrics_bytes = rz_log_size(l->run.metrics);
    l->at.eval_bytes = rz_log_size(l->run.eval);
    if (l->hand_over)
        l->hand_over(l);
    l->saving.at = l->at;
    return true;
}

bool rz_saving_begin(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    double start = rz_now_s();
    rz_pulse_enter(RZ_PHASE_SAVE, l->at.step);
    bool ok = !first(l) || (collect(l, err) && hand_over(l, err));
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    s->begun = l->at.step;
    s->begun_s = start;
    s->best_now = false;
    rz_snapshot_take(&s->copy, l->policy, l->update, l->env->comm);
    ok = !first(l) || rz_thread_start(&s->thread, write_checkpoint, l, err);
    l->io_s += rz_now_s() - start;
    return rz_comm_agree(l->env->comm, ok, err);
}

bool rz_saving_settle(rz_loop *l, rz_err *err)
{
    double start = rz_now_s();
    rz_pulse_enter(RZ_PHASE_SAVE, l->at.step);
    bool ok = rz_comm_agree(l->env->comm, collect(l, err), err);
    l->io_s += rz_now_s() - start;
    return ok;
}

bool rz_saving_end(rz_loop *l, rz_err *err)
{
    return (l->saving.begun == l->at.step || rz_saving_begin(l, err)) && rz_saving_settle(l, err);
}

void rz_saving_close(rz_loop *l)
{
    rz_err ignored;
    collect(l, &ignored);
    rz_snapshot_finish(&l->saving.copy);
}
