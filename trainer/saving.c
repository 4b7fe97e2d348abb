#include "trainer/loop.h"

#include "base/pulse.h"

#include <stdlib.h>

static bool first(const rz_loop *l)
{
    return rz_comm_rank(l->env->comm) == 0;
}

void rz_saving_open(rz_loop *l)
{
    l->saving.begun = l->saving.saved = l->at.step;
    l->saving.begun_s = rz_now_s();
}

/* ---- the thread ---- */

/* Older ones go last: until the new checkpoint stands a run may have to go on from them. */
static bool prune(rz_loop *l, int64_t step, rz_err *err)
{
    const rz_config *c = l->config;
    return rz_rundir_prune(&l->run, "checkpoints", step, c->checkpoint.keep, err) &&
           (!c->rollout.keep || rz_rundir_prune(&l->run, "rollouts", step, c->rollout.keep, err));
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

bool rz_saving_due(rz_loop *l)
{
    return l->at.step != l->saving.begun && l->at.step % l->config->checkpoint.every == 0;
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
