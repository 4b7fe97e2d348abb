#include "trainer/loop.h"

#include "base/pulse.h"

#include <math.h>
#include <stdlib.h>

bool rz_saving_open(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    s->begun = s->saved = l->at.step;
    s->begun_s = rz_now_s();
    s->best_now = false;
    return rz_comm_agree(l->env->comm, !rz_loop_first(l) || rz_rundir_best(&l->run, &s->best, err), err);
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

static double mib(int64_t bytes)
{
    return (double)bytes / (1 << 20);
}

/* Checkpoints that are there at once, at most: those that stay and the one that is being written. */
static int64_t most_checkpoints(const rz_config *c, int64_t steps)
{
    return c->checkpoint.keep + 1 + (c->checkpoint.every > 0) + c->checkpoint.keep_best + (c->checkpoint.keep_every ? steps / c->checkpoint.keep_every : 0);
}

bool rz_saving_room(rz_loop *l, bool tell, rz_err *err)
{
    char **paths;
    int n;
    int64_t room = rz_file_room(l->dir), model = rz_model_bytes(l->policy, l->tokenizer), one = rz_checkpoint_bytes(&l->at, l->policy, l->tokenizer),
            most = most_checkpoints(l->config, l->steps);
    if (!rz_rundir_steps(l->dir, "checkpoints", &paths, &n, err))
        return false;
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    if (room >= 0 && room < one + model)
        return rz_fail(err, RZ_EIO, "cannot begin in %s: No space left on device: a checkpoint and model.h5 need %lld bytes, and the file system has %lld left; make room, or give another out=",
                       l->dir, (long long)(one + model), (long long)room);
    int64_t to_come = (most > n ? most - n : 1) * one + model;
    if (tell)
        rz_loop_note(l, "disk: a checkpoint takes %.1f MiB; with up to %lld of them and model.h5 %.1f MiB are to come, rollouts and logs apart; %.1f MiB are left for %s", mib(one),
                     (long long)most, mib(to_come), mib(room), l->dir);
    else if (room >= 0 && room < to_come)
        rz_loop_note(l, "disk: checkpoints and model.h5 may come to take %.1f MiB more, and %.1f MiB are left for %s: make room, or lower checkpoint.keep (%lld) or what else is kept",
                     mib(to_come), mib(room), l->dir, (long long)l->config->checkpoint.keep);
    return true;
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
    *err = (rz_err){0};
    double start = rz_now_s(), cpu = rz_cpu_s();
    char *path = rz_rundir_path(&l->run, "checkpoints", s->at.step);
    s->ok = (!l->write_beside || l->write_beside(l, s->at.step, err)) && rz_log_sync(l->run.metrics, err) && rz_log_sync(l->run.eval, err) &&
            rz_checkpoint_write(path, &s->at, l->policy, &s->copy, l->tokenizer, err) && prune(l, s->at.step, err);
    free(path);
    s->took_s = rz_now_s() - start;
    s->took_cpu_s = rz_cpu_s() - cpu;
}

/* ---- the main thread ---- */

bool rz_saving_forgive(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    bool forgiven = l->config->on_save_error == RZ_SAVE_ERROR_CONTINUE && !s->ending && err->code != RZ_EINTERNAL;
    if (forgiven && !s->troubled) {
        s->troubled = true;
        rz_loop_note(l, "not saved: %s; the job goes on (on_save_error is continue), keeps what could not be written in memory, and tries again with the next checkpoint", err->text);
    }
    s->cures = false;
    if (forgiven)
        *err = (rz_err){0};
    return forgiven;
}

/* The thread's result, waiting for it. */
static bool collect(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    if (!s->thread)
        return true;
    rz_pulse_await(true);
    rz_thread_join(s->thread);
    rz_pulse_await(false);
    s->thread = NULL;
    s->write_s = s->took_s;
    s->spent_s += s->took_s;
    s->spent_cpu_s += s->took_cpu_s;
    if (!s->ok) {
        s->failed++;
        *err = s->err;
        return false;
    }
    if (s->troubled && s->cures)
        rz_loop_note(l, "saved again: the checkpoint of step %lld stands", (long long)s->at.step);
    s->troubled = s->troubled && !s->cures;
    s->saved = s->at.step;
    return true;
}

bool rz_saving_check(rz_loop *l, rz_err *err)
{
    return !l->saving.thread || !rz_thread_done(l->saving.thread) || collect(l, err) || rz_saving_forgive(l, err);
}

/* A kill costs the work since the newest checkpoint was begun: that of the step to come and of the writing belongs to it. But no more than two are begun in the
 * time that was asked for, copies stop training for no more than a fiftieth of it if so many do, and none is begun while another one is written. */
static bool time_is_up(rz_loop *l)
{
    rz_saving *s = &l->saving;
    double most = l->config->checkpoint.seconds, since = rz_now_s() - s->begun_s;
    double early = fmax(most - s->step_s - s->write_s, fmax(most / 2, 50 * s->copy_s));
    if (most <= 0 || since < (early < most ? early : most))
        return false;
    if (s->thread && since > most && !s->told_slow) {
        s->told_slow = true;
        rz_loop_note(l, "a checkpoint takes longer to write than checkpoint.seconds (%g): a kill may cost more than that; the next one begins when this one stands", most);
    }
    return !s->thread;
}

bool rz_saving_due(rz_loop *l)
{
    const rz_config *c = l->config;
    int64_t step = l->at.step;
    return step != l->saving.begun && (rz_is_each(step, c->checkpoint.every) || rz_is_each(step, c->checkpoint.keep_every) ||
                                       (c->checkpoint.keep_best && l->saving.best_now) || time_is_up(l));
}

/* The state of now as the thread will find it, but for the copy. */
static bool hand_over(rz_loop *l, rz_err *err)
{
    if (!rz_log_flush(l->run.metrics, err) || !rz_log_flush(l->run.eval, err))
        return false;
    l->at.metrics_bytes = rz_log_size(l->run.metrics);
    l->at.eval_bytes = rz_log_size(l->run.eval);
    if (l->hand_over && !l->hand_over(l, err))
        return false;
    l->saving.at = l->at;
    return true;
}

/* Rank 0: the one before is done, and what belongs to this one handed over; if not, and that is forgiven, *left_out. */
static bool prepare(rz_loop *l, bool *left_out, rz_err *err)
{
    if (!collect(l, err) && !rz_saving_forgive(l, err))
        return false;
    *left_out = !hand_over(l, err);
    l->saving.cures = true;
    l->saving.failed += *left_out;
    return !*left_out || rz_saving_forgive(l, err);
}

bool rz_saving_begin(rz_loop *l, rz_err *err)
{
    rz_saving *s = &l->saving;
    double start = rz_now_s();
    bool left_out = false;
    rz_pulse_enter(RZ_PHASE_SAVE, l->at.step);
    if (!rz_comm_agree(l->env->comm, !rz_loop_first(l) || prepare(l, &left_out, err), err))
        return false;
    s->begun = l->at.step;
    s->begun_s = start;
    s->best_now = false;
    int64_t over = left_out;
    rz_comm_max_i64(l->env->comm, &over, 1);
    double before = rz_now_s();
    if (!over)
        rz_snapshot_take(&s->copy, l->policy, l->update, l->env->comm);
    s->copy_s = rz_now_s() - before;
    bool ok = over || !rz_loop_first(l) || rz_thread_start(&s->thread, write_checkpoint, l, err) || rz_saving_forgive(l, err);
    l->io_s += rz_now_s() - start;
    return rz_comm_agree(l->env->comm, ok, err);
}

bool rz_saving_settle(rz_loop *l, rz_err *err)
{
    double start = rz_now_s();
    rz_pulse_enter(RZ_PHASE_SAVE, l->at.step);
    bool ok = rz_comm_agree(l->env->comm, collect(l, err) || rz_saving_forgive(l, err), err);
    l->io_s += rz_now_s() - start;
    return ok;
}

bool rz_saving_end(rz_loop *l, rz_err *err)
{
    if (l->saving.begun != l->at.step && !rz_saving_settle(l, err)) /* an older one may still be forgiven: a newer one follows */
        return false;
    l->saving.ending = true;
    return (l->saving.begun == l->at.step || rz_saving_begin(l, err)) && rz_saving_settle(l, err);
}

void rz_saving_close(rz_loop *l)
{
    rz_err ignored;
    collect(l, &ignored);
    rz_snapshot_finish(&l->saving.copy);
}
