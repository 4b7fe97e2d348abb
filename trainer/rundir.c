#include "trainer/rundir.h"

#include "base/store.h"
#include "trainer/history.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Ranks outlive a killed mpirun by two or three seconds and rank 0 holds the lock until then. */
enum { WAIT_MS = 10000 };

static bool is_step_file(const char *name)
{
    size_t n = strlen(name);
    return n >= 14 && !strncmp(name, "step-", 5) && !strcmp(name + n - 3, ".h5");
}

static int64_t step_of(const char *name)
{
    return strtoll(name + 5, NULL, 10);
}

static int by_step(const void *a, const void *b)
{
    int64_t x = step_of(*(char *const *)a), y = step_of(*(char *const *)b);
    return x < y ? -1 : x > y;
}

bool rz_rundir_steps(const char *dir, const char *folder, char ***paths, int *n, rz_err *err)
{
    char *path = rz_asprintf("%s/%s", dir, folder), **all = NULL;
    int n_all = 0;
    bool ok = !rz_file_exists(path) || rz_dir_list(path, &all, &n_all, err);
    *n = 0;
    for (int i = 0; i < n_all; i++) {
        if (is_step_file(all[i]))
            all[(*n)++] = all[i];
        else
            free(all[i]);
    }
    if (*n)
        qsort(all, (size_t)*n, sizeof *all, by_step);
    for (int i = 0; i < *n; i++) {
        char *name = all[i];
        all[i] = rz_asprintf("%s/%s", path, name);
        free(name);
    }
    free(path);
    *paths = all;
    return ok;
}

static void free_names(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* A temporary file (".step-000012.h5.HOST-PID"), or a part whose checkpoint was not written or is removed. */
static bool is_left_over(const char *folder, const char *name)
{
    static const char *const ours[] = {".step-", ".model.h5.", ".config.yaml.", ".report.html."};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (!strncmp(name, ours[i], strlen(ours[i])))
            return true;
    const char *part = strncmp(name, "step-", 5) ? NULL : strstr(name, ".h5" RZ_STORE_PART);
    if (!part)
        return false;
    char *whole = rz_asprintf("%s/%.*s.h5", folder, (int)(part - name), name);
    bool left_over = !rz_file_exists(whole);
    free(whole);
    return left_over;
}

/* What a job killed in the middle of a write left behind: we hold the lock, so nobody is writing. */
static void sweep(const char *dir, const char *folder)
{
    char *path = rz_asprintf("%s%s", dir, folder), **names;
    rz_err err;
    int n = 0;
    if (rz_file_exists(path) && rz_dir_list(path, &names, &n, &err)) {
        for (int i = 0; i < n; i++)
            if (is_left_over(path, names[i])) {
                char *file = rz_asprintf("%s/%s", path, names[i]);
                unlink(file);
                free(file);
            }
        free_names(names, n);
    }
    free(path);
}

bool rz_rundir_regular(const rz_rundir *r, int64_t step, int64_t every, char **path, rz_err *err)
{
    char **paths;
    int n;
    bool ok = rz_rundir_steps(r->dir, "checkpoints", &paths, &n, err);
    *path = NULL;
    for (int i = n; ok && i-- > 0 && !*path;) {
        rz_store *s;
        rz_err e = {0};
        int64_t at = step_of(strrchr(paths[i], '/') + 1);
        if (at > step || !rz_is_each(at, every) || !rz_store_open(&s, paths[i], &e))
            continue;
        rz_store_close(s);
        *path = rz_strdup(paths[i]);
    }
    free_names(paths, n);
    return ok;
}

static bool find_checkpoint(rz_rundir *r, rz_err *err)
{
    char **paths;
    int n;
    bool ok = rz_rundir_steps(r->dir, "checkpoints", &paths, &n, err);
    for (int i = n; ok && i-- > 0 && !r->resume;) {
        rz_store *s;
        rz_err e = {0};
        if (rz_store_open(&s, paths[i], &e)) {
            rz_store_close(s);
            r->resume = rz_strdup(paths[i]);
        } else if (!r->n_rejected++) {
            snprintf(r->rejected, sizeof r->rejected, "%.500s", e.text);
        }
    }
    if (ok && n && !r->resume)
        ok = rz_fail(err, RZ_EDATA, "no checkpoint in %s/checkpoints can be read (%s); mend or remove them, or give another out=", r->dir, r->rejected);
    free_names(paths, n);
    return ok;
}

bool rz_rundir_check_empty(const char *dir, rz_err *err)
{
    char **names;
    int n, others = 0;
    if (!rz_file_exists(dir))
        return true;
    if (!rz_dir_list(dir, &names, &n, err))
        return false;
    for (int i = 0; i < n; i++)
        others += strcmp(names[i], "lock") != 0;
    free_names(names, n);
    return !others || rz_fail(err, RZ_ECREATE, "--fresh: %s is not empty; nothing is ever deleted: give another out=, or leave out --fresh to resume", dir);
}

bool rz_rundir_open(rz_rundir *r, const char *dir, bool fresh, void (*waiting)(void *ctx), void *ctx, rz_err *err)
{
    memset(r, 0, sizeof *r);
    r->dir = rz_strdup(dir);
    if (!rz_dir_create(dir, err))
        return false;
    char *lock = rz_asprintf("%s/lock", dir);
    bool ok = rz_lock_take(&r->lock, lock, WAIT_MS, waiting, ctx, err);
    free(lock);
    if (!ok || (fresh && !rz_rundir_check_empty(dir, err)))
        return false;
    sweep(dir, "");
    sweep(dir, "/checkpoints");
    sweep(dir, "/rollouts");
    sweep(dir, "/eval");
    return find_checkpoint(r, err);
}

static bool open_log(rz_rundir *r, rz_log **log, const char *name, int64_t keep, rz_err *err)
{
    char *path = rz_asprintf("%s/%s", r->dir, name);
    bool ok = rz_log_open(log, path, keep, err);
    free(path);
    return ok;
}

bool rz_rundir_logs(rz_rundir *r, int64_t metrics_bytes, int64_t eval_bytes, rz_err *err)
{
    rz_log **const logs[] = {&r->metrics, &r->eval, &r->log};
    for (size_t i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        rz_log_close(*logs[i]);
        *logs[i] = NULL;
    }
    char *checkpoints = rz_asprintf("%s/checkpoints", r->dir), *rollouts = rz_asprintf("%s/rollouts", r->dir), *eval = rz_asprintf("%s/eval", r->dir);
    bool ok = rz_dir_create(checkpoints, err) && rz_dir_create(rollouts, err) && rz_dir_create(eval, err) &&
              open_log(r, &r->metrics, "metrics.jsonl", metrics_bytes, err) &&
              open_log(r, &r->eval, "eval.jsonl", eval_bytes, err) && open_log(r, &r->log, "log.txt", -1, err);
    free(checkpoints);
    free(rollouts);
    free(eval);
    return ok;
}

bool rz_rundir_note(rz_rundir *r, rz_err *err, const char *fmt, ...)
{
    char text[2048], when[32];
    time_t now = time(NULL);
    struct tm tm;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    char *line = rz_asprintf("%s %s", when, text);
    bool ok = rz_log_line(r->log, line, err);
    free(line);
    return ok;
}

void rz_rundir_close(rz_rundir *r)
{
    rz_log_close(r->metrics);
    rz_log_close(r->eval);
    rz_log_close(r->log);
    rz_lock_release(r->lock);
    free(r->resume);
    free(r->dir);
    memset(r, 0, sizeof *r);
}

char *rz_rundir_path(const rz_rundir *r, const char *folder, int64_t step)
{
    return rz_asprintf("%s/%s/step-%06lld.h5", r->dir, folder, (long long)step);
}

static bool read_evaluations(const rz_rundir *r, rz_history *h, rz_err *err)
{
    char *path = rz_asprintf("%s/eval.jsonl", r->dir);
    bool ok = rz_history_read(h, path, err);
    free(path);
    return ok;
}

bool rz_rundir_best(const rz_rundir *r, double *accuracy, rz_err *err)
{
    rz_history h;
    bool ok = read_evaluations(r, &h, err);
    *accuracy = -1;
    for (int64_t i = 0; ok && i < h.n; i++)
        if (rz_history_get(&h, "step", i) > 0 && rz_history_get(&h, "accuracy", i) > *accuracy)
            *accuracy = rz_history_get(&h, "accuracy", i);
    rz_history_finish(&h);
    return ok;
}

/* Step of the best of these files; −1: none was evaluated. */
static bool best_of(const rz_rundir *r, char *const *paths, int64_t n, int64_t *best, rz_err *err)
{
    rz_history h;
    bool ok = read_evaluations(r, &h, err);
    double most = -1;
    *best = -1;
    for (int64_t i = 0; ok && i < h.n; i++)
        for (int64_t k = 0; k < n; k++) {
            int64_t step = step_of(strrchr(paths[k], '/') + 1);
            double accuracy = rz_history_get(&h, "accuracy", i);
            if ((double)step == rz_history_get(&h, "step", i) && accuracy > most) {
                most = accuracy;
                *best = step;
            }
        }
    rz_history_finish(&h);
    return ok;
}

bool rz_rundir_prune(const rz_rundir *r, const char *folder, int64_t step, rz_keep keep, rz_err *err)
{
    char **paths;
    int n;
    int64_t best = -1;
    bool ok = rz_rundir_steps(r->dir, folder, &paths, &n, err);
    int64_t known = n;
    while (known && step_of(strrchr(paths[known - 1], '/') + 1) > step)
        known--;
    ok = ok && (!keep.best || best_of(r, paths, known, &best, err));
    bool regular = false;
    for (int64_t i = known; ok && i-- > 0;) {
        int64_t its = step_of(strrchr(paths[i], '/') + 1);
        bool newest = !regular && rz_is_each(its, keep.regular);
        regular = regular || newest;
        if (i < known - keep.last && !newest && its != best && !rz_is_each(its, keep.every))
            rz_store_remove(paths[i]); /* a file that stays is no harm */
    }
    free_names(paths, n);
    return ok;
}

static bool forget_behind(const rz_rundir *r, const char *folder, int64_t step, rz_err *err)
{
    char **paths;
    int n;
    bool ok = rz_rundir_steps(r->dir, folder, &paths, &n, err);
    for (int i = 0; ok && i < n; i++)
        if (step_of(strrchr(paths[i], '/') + 1) > step && !rz_store_remove(paths[i]))
            ok = rz_fail(err, RZ_EIO, "cannot remove %s, whose steps are about to be made again: %s", paths[i], strerror(errno));
    free_names(paths, n);
    return ok;
}

bool rz_rundir_has_stop(const char *dir)
{
    char *path = rz_asprintf("%s/stop", dir);
    bool has = rz_file_exists(path);
    free(path);
    return has;
}

bool rz_rundir_remove_stop(const char *dir, bool *was, rz_err *err)
{
    char *path = rz_asprintf("%s/stop", dir);
    *was = unlink(path) == 0;
    bool ok = *was || errno == ENOENT || rz_fail(err, RZ_EIO, "cannot remove %s, which would stop every job here: %s", path, strerror(errno));
    free(path);
    return ok;
}

bool rz_rundir_forget(rz_rundir *r, int64_t step, rz_err *err)
{
    char *folder = rz_asprintf("%s/checkpoints", r->dir);
    bool ok = forget_behind(r, "checkpoints", step, err) && rz_dir_sync(folder, err) && rz_rundir_forget_rollouts(r, step, err);
    free(folder);
    return ok;
}

bool rz_rundir_forget_rollouts(rz_rundir *r, int64_t step, rz_err *err)
{
    return forget_behind(r, "rollouts", step, err) && forget_behind(r, "eval", step, err);
}
