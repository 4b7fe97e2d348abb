#include "cli/alarm.h"

#include "base/threads.h"
#include "base/watchdog.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The keys of a phase, as offsets in the config. */
static const struct { const char *key; size_t offset; } limits[RZ_N_PHASES] = {
    [RZ_PHASE_SETUP] = {"watchdog.setup_s", offsetof(rz_config, watchdog.setup_s)},
    [RZ_PHASE_SAMPLE] = {"watchdog.step_s", offsetof(rz_config, watchdog.step_s)},
    [RZ_PHASE_SCORE] = {"watchdog.step_s", offsetof(rz_config, watchdog.step_s)},
    [RZ_PHASE_UPDATE] = {"watchdog.step_s", offsetof(rz_config, watchdog.step_s)},
    [RZ_PHASE_EVAL] = {"watchdog.eval_s", offsetof(rz_config, watchdog.eval_s)},
    [RZ_PHASE_SAVE] = {"watchdog.save_s", offsetof(rz_config, watchdog.save_s)},
};
enum { LOG_WAIT_MS = 500 };

struct rz_alarm {
    rz_watchdog *watchdog;
    const char *dir;     /* the run directory */
    const char *text;    /* that is to be logged */
};

/* By a call of its own: whatever hangs may hold the locks of stdio. */
static void say(const char *text)
{
    char line[1200];
    int n = snprintf(line, sizeof line, "rulezero: %s\n", text);
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nobody listens */
}

/* A line of log.txt, if the run has one. Lines are appended whole: rank 0's own writing does not mind. */
static void log_text(void *ctx)
{
    const rz_alarm *a = ctx;
    char path[4096], line[1300], when[32];
    time_t now = time(NULL);
    struct tm tm;
    snprintf(path, sizeof path, "%s/log.txt", a->dir);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), n = snprintf(line, sizeof line, "%s %s\n", when, a->text);
    if (fd >= 0 && write(fd, line, (size_t)n) == n)
        fsync(fd);
    if (fd >= 0)
        close(fd);
}

/* Logged beside: the disk may be what hangs. */
static void tell(rz_alarm *a, const char *text)
{
    rz_thread *log;
    rz_err err;
    a->text = text;
    say(text);
    if (!rz_thread_start(&log, log_text, a, &err))
        return;
    for (int ms = 0; ms < LOG_WAIT_MS && !rz_thread_done(log); ms += 10)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    if (rz_thread_done(log))
        rz_thread_join(log);
}

static void died(void *ctx, const char *text)
{
    if (!rz_stop_asked) /* a job that is being ended from outside loses its ranks one by one */
        tell(ctx, text);
}

static void end(void *ctx)
{
    (void)ctx;
    _exit(RZ_EWATCHDOG);
}

static void hangs(void *ctx, const char *text)
{
    if (rz_stop_asked) /* by mpirun, perhaps, since a rank elsewhere has said all this: then it kills us in a second */
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
    tell(ctx, text);
    end(ctx);
}

bool rz_alarm_start(rz_alarm **out, rz_comm *comm, const rz_config *c, rz_err *err)
{
    rz_alarm *a = rz_calloc(1, sizeof *a);
    rz_watchdog_plan plan = {.died = died, .hangs = hangs, .end = end, .ctx = a};
    for (int p = 0; p < RZ_N_PHASES; p++) {
        plan.key[p] = limits[p].key;
        plan.limit_s[p] = *(const double *)(const void *)((const char *)c + limits[p].offset);
    }
    a->dir = c->out;
    *out = a;
    return rz_watchdog_start(&a->watchdog, comm, &plan, err);
}

void rz_alarm_stop(rz_alarm *a)
{
    if (!a)
        return;
    rz_watchdog_stop(a->watchdog);
    free(a);
}
