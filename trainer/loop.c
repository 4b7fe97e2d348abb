#include "trainer/loop.h"

#include "base/fault.h"
#include "trainer/guard.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rz_loop_note(rz_loop *l, const char *fmt, ...)
{
    char text[1024];
    rz_err err;
    va_list args;
    if (!rz_loop_first(l))
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (l->run.log)
        rz_rundir_note(&l->run, &err, "%s", text); /* a full disk is noticed where it matters: at metrics and checkpoints */
    if (l->env->listener.note)
        l->env->listener.note(l->env->listener.ctx, text);
}

static void tell_waiting(void *ctx)
{
    rz_loop_note(ctx, "%s is in use; waiting a few seconds, in case its job is just ending", ((rz_loop *)ctx)->dir);
}

/* Rank 0 finds where to go on; the others learn the path of the checkpoint ("" for a new run). */
static bool find_start(rz_loop *l, bool fresh, char *path, size_t size, rz_err *err)
{
    bool ok = true;
    memset(path, 0, size);
    if (rz_loop_first(l)) {
        ok = rz_rundir_open(&l->run, l->dir, fresh, tell_waiting, l, err);
        if (ok && l->run.resume)
            snprintf(path, size, "%s", l->run.resume);
    }
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    rz_comm_bcast(l->env->comm, path, size, 0);
    return true;
}

bool rz_loop_read(rz_loop *l, const char *path, rz_err *err)
{
    rz_comm *c = l->env->comm;
    int rank = rz_comm_rank(c);
    bool verified = rank == 0 || rz_comm_machine(c, rank) != rank || rz_store_verify(path, err);
    if (!rz_comm_agree(c, verified, err) || !rz_comm_agree(c, rz_checkpoint_read(path, &l->at, l->policy, l->update, l->tokenizer, err), err))
        return false;
    rz_policy_refresh(l->policy);
    return true;
}

static const char *stage_name(const rz_loop *l)
{
    return l->at.stage == RZ_STAGE_TRAIN ? "train" : "pretrain";
}

/* Collective. Now that there is a run directory to remember in what has struck. */
static bool arm_faults(rz_loop *l, rz_err *err)
{
    const rz_text_list *faults = &l->config->fault;
    if (!rz_comm_agree(l->env->comm, rz_fault_arm(faults, rz_comm_rank(l->env->comm), stage_name(l), l->dir, err), err))
        return false;
    if (faults->n)
        rz_loop_note(l, "this job makes faults on purpose (fault=%s%s); those that have struck before are in %s/faults", faults->v[0],
                     faults->n > 1 ? ", ..." : "", l->dir);
    rz_fault_window(l->at.rollbacks);
    return true;
}

static bool write_config(const rz_loop *l, rz_err *err)
{
    char *path = rz_asprintf("%s/config.yaml", l->dir), *text = rz_options_dump(rz_config_rows, rz_config_n_rows, l->config);
    bool ok = rz_file_write(path, text, strlen(text), err);
    free(path);
    free(text);
    return ok;
}

/* Where a file `stop` is looked for. */
static const char *stop_folder(const rz_loop *l)
{
    return l->env->run ? l->env->run : l->dir;
}

/* One that was there before the job stopped another one that has ended since, or none. */
static bool forget_stop(rz_loop *l, rz_err *err)
{
    bool was;
    if (l->behind_base)
        return true;
    if (!rz_rundir_remove_stop(stop_folder(l), &was, err))
        return false;
    if (was)
        rz_loop_note(l, "%s/stop was there before this job: removed, and the job goes on", stop_folder(l));
    return true;
}

bool rz_loop_open(rz_loop *l, bool fresh, rz_err *err)
{
    char path[4096];
    l->started_s = rz_now_s();
    if (!l->limit_from_s)
        l->limit_from_s = l->started_s;
    l->at.ranks = rz_comm_size(l->env->comm);
    if (!find_start(l, fresh, path, sizeof path, err))
        return false;
    bool resumed = path[0];
    if (resumed && !rz_loop_read(l, path, err))
        return false;
    bool ok = true;
    if (rz_loop_first(l)) /* nothing is written before everything was read */
        ok = rz_rundir_logs(&l->run, l->at.metrics_bytes, l->at.eval_bytes, err) && rz_rundir_forget_rollouts(&l->run, l->at.step, err) &&
             (l->at.step >= l->steps || rz_saving_room(l, false, err)) && write_config(l, err) && forget_stop(l, err);
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    if (rz_loop_first(l) && l->run.n_rejected)
        rz_loop_note(l, "%d newer checkpoint(s) cannot be read and were left out: %s", l->run.n_rejected, l->run.rejected);
    if (resumed && l->at.step < l->steps)
        rz_loop_note(l, "resuming from %s (step %lld of %lld)", path, (long long)l->at.step, (long long)l->steps);
    if (resumed && l->at.arithmetic != RZ_ARITHMETIC)
        rz_loop_note(l, "the checkpoint was written by a program with another arithmetic (%lld, this one has %d; docs/numerics.md): the run goes on from the same weights, but "
                     "not to the bits that program would have ended with", (long long)l->at.arithmetic, RZ_ARITHMETIC);
    if (resumed && l->at.rules_changed)
        rz_loop_note(l, "the rules are not those this run began with (allow_changed_rules): scores before and after this point do not compare");
    return arm_faults(l, err);
}

static bool write_line(rz_log *log, const rz_metrics *m, rz_err *err)
{
    char *line = rz_metrics_json(m);
    bool ok = rz_log_line(log, line, err);
    free(line);
    return ok;
}

bool rz_loop_evaluation(rz_loop *l, const rz_metrics *m, rz_err *err)
{
    bool ok = true;
    if (rz_loop_first(l)) {
        ok = write_line(l->run.eval, m, err) || rz_saving_forgive(l, err);
        rz_saving_evaluated(l, m);
        if (ok && l->env->listener.evaluation)
            l->env->listener.evaluation(l->env->listener.ctx, m);
    }
    return rz_comm_agree(l->env->comm, ok, err);
}

/* Why a job ends before its last step; with several reasons on several ranks the highest counts. */
typedef enum { GO_ON, ON_SIGNAL, BY_TIME, BY_FILE } stop_reason;
static const char *const stop_words[] = {[ON_SIGNAL] = "on a signal", [BY_TIME] = "by time_limit", [BY_FILE] = "by the file `stop`"};

static stop_reason asked_to_stop(const rz_loop *l)
{
    if (l->env->stop && *l->env->stop)
        return ON_SIGNAL;
    if (l->config->time_limit > 0 && rz_now_s() - l->limit_from_s > l->config->time_limit)
        return BY_TIME;
    return rz_loop_first(l) && rz_rundir_has_stop(stop_folder(l)) ? BY_FILE : GO_ON; /* one answer for all ranks, whatever their file system's caches say */
}

/* Between two steps all ranks learn what any of them knows: whether to stop, to save, or that a checkpoint could not be written. */
static bool look_round(rz_loop *l, stop_reason *reason, bool *save, rz_err *err)
{
    bool ok = !rz_loop_first(l) || rz_saving_check(l, err);
    int64_t told[] = {asked_to_stop(l), rz_loop_first(l) && !l->at.skipped_in_row && rz_saving_due(l), !ok}; /* in trouble nothing is new, and the checkpoints that there are will be needed */
    rz_comm_max_i64(l->env->comm, told, 3);
    *reason = (stop_reason)told[0];
    *save = told[1];
    return !told[2] || rz_comm_agree(l->env->comm, ok, err);
}

bool rz_loop_leave(void *ctx)
{
    const double patience_s = 10, look_s = 0.5; /* most steps end within the first; a file is asked for no more often than by the second */
    rz_loop *l = ctx;
    double now = rz_now_s();
    if (now - l->looked_s < look_s)
        return false;
    l->looked_s = now;
    stop_reason reason = asked_to_stop(l);
    if (reason != GO_ON && !l->asked_s)
        l->asked_s = now;
    if (reason == GO_ON || now - l->asked_s < patience_s)
        return false;
    l->left = reason;
    return true;
}

/* Collective. Whether what failed was left on purpose, and why. */
static bool was_left(rz_loop *l, stop_reason *reason, const rz_err *err)
{
    int64_t why = l->left;
    if (err->code != RZ_ESTOPPED)
        return false;
    rz_comm_max_i64(l->env->comm, &why, 1);
    *reason = (stop_reason)why;
    return true;
}

/* Times that are not the stage's own. What comes after a line (its own writing, a checkpoint) is in the next. */
static void put_times(rz_loop *l, rz_metrics *m)
{
    rz_update_times now = rz_update_spent(l->update);
    rz_metrics_put(m, "time/forward_backward_s", now.forward_backward_s - l->spent.forward_backward_s);
    rz_metrics_put(m, "time/communication_s", now.communication_s - l->spent.communication_s);
    rz_metrics_put(m, "time/optimizer_s", now.optimizer_s - l->spent.optimizer_s);
    rz_metrics_put(m, "time/io_s", l->io_s);
    rz_metrics_put(m, "time/save_s", l->saving.spent_s);
    rz_metrics_put(m, "time/save_cpu_s", l->saving.spent_cpu_s);
    rz_metrics_put(m, "time/eval_s", l->eval_s);
    if (l->config->on_save_error == RZ_SAVE_ERROR_CONTINUE)
        rz_metrics_put_int(m, "checkpoint/failed", l->saving.failed);
    rz_metrics_put(m, "time/elapsed_s", rz_now_s() - l->started_s);
    l->spent = now;
    l->io_s = l->eval_s = l->saving.spent_s = l->saving.spent_cpu_s = 0;
}

static bool log_step(rz_loop *l, rz_metrics *m, rz_err *err)
{
    bool ok = true;
    if (rz_loop_first(l)) {
        put_times(l, m);
        double start = rz_now_s();
        ok = write_line(l->run.metrics, m, err) || rz_saving_forgive(l, err);
        if (ok && l->env->listener.step)
            l->env->listener.step(l->env->listener.ctx, m, l->at.step, l->steps);
        l->io_s += rz_now_s() - start;
    }
    return rz_comm_agree(l->env->comm, ok, err);
}

static bool one_step(rz_loop *l, int64_t step, rz_err *err)
{
    rz_metrics m = {0};
    double start = rz_now_s();
    rz_fp_setup();
    if (!l->step(l, step, &m, err))
        return false;
    if (!rz_comm_agree(l->env->comm, rz_pool_fp_ok(l->policy->pool) || rz_fail(err, RZ_EINTERNAL, "a library changed the floating-point mode of a thread"), err))
        return false;
    bool back;
    rz_guard_step(l, step, &m, &back);
    if (back)
        return rz_guard_go_back(l, step, err);
    l->at.step = step;
    double took = rz_now_s() - start;
    l->saving.step_s = took > l->saving.step_s ? took : l->saving.step_s;
    return log_step(l, &m, err);
}

/* Says where the job stopped. The file that asked for it goes now that all is saved: the next start goes on. */
static bool stopped(rz_loop *l, stop_reason reason, rz_err *err)
{
    bool was, ok = true;
    if (reason == BY_FILE && rz_loop_first(l))
        ok = rz_rundir_remove_stop(stop_folder(l), &was, err);
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    if (!l->at.step)
        return rz_fail(err, RZ_ESTOPPED, "stopped before step 1 of %lld %s, when there was nothing to save yet: the same command begins in %s",
                       (long long)l->steps, stop_words[reason], l->dir);
    return rz_fail(err, RZ_ESTOPPED, "stopped at step %lld of %lld %s; the checkpoint is in %s/checkpoints: the same command goes on from there",
                   (long long)l->at.step, (long long)l->steps, stop_words[reason], l->dir);
}

/* To the last step, or until *reason is given. */
static bool run_steps(rz_loop *l, stop_reason *reason, rz_err *err)
{
    bool save;
    while (l->at.step < l->steps) {
        if (!look_round(l, reason, &save, err))
            return false;
        if (*reason != GO_ON)
            return true;
        if (save && !rz_saving_begin(l, err))
            return false;
        if (!one_step(l, l->at.step + 1, err))
            return was_left(l, reason, err);
    }
    return true;
}

bool rz_loop_run(rz_loop *l, rz_err *err)
{
    stop_reason reason = GO_ON;
    if (l->at.step >= l->steps)
        return true;
    if (!rz_saving_open(l, err))
        return false;
    if (l->at.step == 0 && l->begin && !l->begin(l, err))
        return was_left(l, &reason, err) && stopped(l, reason, err);
    if (rz_loop_first(l) && l->env->listener.stage)
        l->env->listener.stage(l->env->listener.ctx, stage_name(l), l->at.step, l->steps);
    if (!run_steps(l, &reason, err))
        return false;
    bool last = l->at.step == l->steps;
    if ((last && l->end && !l->end(l, err)) || (l->at.step && !rz_saving_end(l, err)))
        return false;
    return last || stopped(l, reason, err);
}

void rz_loop_close(rz_loop *l)
{
    rz_saving_close(l);
    rz_fault_disarm();
    if (l->run.dir)
        rz_rundir_close(&l->run);
}
