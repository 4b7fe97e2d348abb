/* Runs a job and starts it again when that can help (docs/cluster.md). The job is this process's child in a session of its own: a terminal's Ctrl-C reaches only
 * us, and we ask the job to save by SIGUSR1, which mpirun hands to the ranks and keeps their exit status (on SIGTERM it gives them a second and ends with 1). */
#include "cli/cli.h"
#include "cli/flags.h"

#include "base/file.h"
#include "trainer/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct { int64_t max_restarts; } launch_options;
const rz_option rz_launch_flags[] = {
    {"max-restarts", RZ_OPT_INT, offsetof(launch_options, max_restarts), "3", 0, 1e6, NULL, RZ_OPT_FIXED, "restarts in a row that bring no new checkpoint"},
};
const int rz_launch_n_flags = sizeof rz_launch_flags / sizeof rz_launch_flags[0];

/* ---- what an exit status means ---- */

/* ONCE_BEGUN: unless the first attempt ended at once, which is how wrong words to mpirun end too. BEHIND: only behind an attempt of ours, which may not be gone on
 * another machine yet. */
typedef enum { NEVER, ALWAYS, ONCE_BEGUN, BEHIND } cure;
enum { BEGUN_S = 10, UNTRAPPED = 128 + SIGUSR1 };

/* Those of ours that no restart cures have no words: the job has said why it ended. */
static const struct { int status; cure cure; const char *what; } endings[] = {
    {RZ_OK, NEVER, NULL},
    {1, ONCE_BEGUN, "mpirun gave up: somebody ended it, a rank left without a word, or it does not take its command line (without -q it says more)"},
    {RZ_EUSAGE, NEVER, NULL},
    {RZ_EDATA, NEVER, NULL},
    {RZ_EINTERNAL, NEVER, NULL},
    {RZ_ECREATE, BEHIND, "the run directory is in use: what is left of the attempt before may be on its way out"},
    {RZ_EIO, NEVER, NULL},
    {RZ_ETRANSIENT, ALWAYS, "something that passes"},
    {RZ_ECONFIG, NEVER, NULL},
    {RZ_ESTOPPED, NEVER, NULL},
    {RZ_EWATCHDOG, ALWAYS, "the watchdog ended it: a rank was stuck"},
    {RZ_EDIVERGED, NEVER, NULL},
    {128 + SIGABRT, ALWAYS, "a process aborted"},
    {128 + SIGBUS, ALWAYS, "a process met a bus error: a file that it had mapped became shorter, or memory is damaged or full"},
    {128 + SIGKILL, ALWAYS, "a process was killed, by somebody or by the system for want of memory"},
    {128 + SIGSEGV, ALWAYS, "a process crashed"},
    {205, ALWAYS, "mpirun lost a machine, or its daemon there"},
    {255, ONCE_BEGUN, "mpirun cannot reach a machine"},
};

typedef struct {
    char **command;
    char *run;               /* run directory, NULL: not known */
    int64_t max_restarts, restarts; /* in a row, without a new checkpoint */
    int64_t progress;        /* of the newest checkpoint ever seen */
    bool first;              /* the first attempt */
    double began_s;
    sigset_t signals;        /* those that we wait for */
    pid_t job;               /* 0: none is running */
    const char *asked;       /* name of the signal that asked to stop; NULL: none did */
    int forced;              /* and of the one that meant "at once"; 0: none */
    double asked_s, forced_s, sent_s; /* when: SIGINT or SIGTERM came first, the second, SIGUSR1 went to the job */
} launch;

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
    va_list args;
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr); /* a job that was killed has left its line in place */
    fputs("rulezero launch: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* ---- how far the job is ---- */

static int64_t newest_step(const char *dir)
{
    char **paths;
    int n;
    rz_err err;
    int64_t step = 0;
    if (rz_rundir_steps(dir, "checkpoints", &paths, &n, &err) && n)
        step = strtoll(strrchr(paths[n - 1], '/') + strlen("/step-"), NULL, 10);
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    return step;
}

/* A number that grows with every checkpoint: of the run, and before there are any of the base that it makes. */
static int64_t progress_of(const char *run)
{
    char **names;
    int n;
    rz_err err;
    int64_t step = run ? newest_step(run) : 0, base = 0;
    if (!run || step || !rz_dir_list(run, &names, &n, &err))
        return step ? step + ((int64_t)1 << 40) : 0;
    for (int i = 0; i < n; i++) {
        char *dir = rz_asprintf("%s/%s", run, names[i]);
        int64_t s = strncmp(names[i], "base-", 5) ? 0 : newest_step(dir);
        base = s > base ? s : base;
        free(dir);
        free(names[i]);
    }
    free(names);
    return base;
}

/* ---- the job as a process ---- */

static void set_default(const char *name, const char *value)
{
    setenv(name, value, 0);
}

/* A cable that is pulled shows in 6 s instead of 8 minutes. mpirun gives the ranks a pipe for stderr: whether it ends in a terminal only we can see. */
static void set_environment(void)
{
    struct winsize size = {0};
    char columns[16];
    set_default("OMPI_MCA_oob_tcp_keepalive_time", "3");
    set_default("OMPI_MCA_oob_tcp_keepalive_intvl", "1");
    set_default("OMPI_MCA_oob_tcp_keepalive_probes", "3");
    if (!isatty(STDERR_FILENO) || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
        return;
    snprintf(columns, sizeof columns, "%d", size.ws_col);
    set_default("RULEZERO_COLUMNS", columns);
}

/* Between fork and exec. Should we be killed, the job saves and ends. It reads nothing: what it had read would be missing when it is started again. */
static void become(const launch *l, pid_t parent, int report)
{
    int nothing = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (getppid() == parent && setsid() > 0 && nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO) {
        if (nothing > STDERR_FILENO)
            close(nothing);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &l->signals, NULL);
        execvp(l->command[0], l->command);
    }
    int trouble = errno;
    if (write(report, &trouble, sizeof trouble) < 0)
        _exit(126);
    _exit(127);
}

static bool start_job(launch *l, rz_err *err)
{
    int report[2], trouble = 0;
    pid_t parent = getpid();
    if (pipe(report) || fcntl(report[0], F_SETFD, FD_CLOEXEC) || fcntl(report[1], F_SETFD, FD_CLOEXEC))
        return rz_fail(err, RZ_ETRANSIENT, "cannot make a pipe: %s", strerror(errno));
    l->began_s = rz_now_s();
    l->job = fork();
    if (l->job == 0)
        become(l, parent, report[1]);
    int failed = errno;
    close(report[1]);
    bool ok = l->job > 0 || rz_fail(err, RZ_ETRANSIENT, "cannot start a process: %s", strerror(failed));
    if (ok && read(report[0], &trouble, sizeof trouble) == sizeof trouble) { /* else exec has closed it */
        waitpid(l->job, NULL, 0);
        ok = rz_fail(err, RZ_EUSAGE, "cannot run '%s': %s", l->command[0], strerror(trouble));
    }
    close(report[0]);
    if (!ok)
        l->job = 0;
    return ok;
}

/* As a shell has it. */
static int exit_status(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Takes the status of whatever has ended: also of ranks whose mpirun was killed, whose parent we have become. */
static bool job_has_ended(launch *l, int *status)
{
    int s;
    pid_t pid;
    while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
        if (pid == l->job) {
            *status = exit_status(s);
            l->job = 0;
        }
    return !l->job;
}

/* The parent of a process by its name in /proc; 0: it has ended. */
static long parent_of(const char *name)
{
    char path[64], text[512], *behind;
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    behind = strrchr(text, ')'); /* the name in parentheses may hold anything */
    if (behind && sscanf(behind + 1, " %*c %ld", &parent) != 1)
        parent = 0;
    return parent;
}

static void kill_children(void)
{
    DIR *proc = opendir("/proc");
    const struct dirent *e;
    while (proc && (e = readdir(proc)))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && parent_of(e->d_name) == (long)getpid())
            kill((pid_t)strtol(e->d_name, NULL, 10), SIGKILL);
    if (proc)
        closedir(proc);
}

/* What outlives the job on this machine is our child now: it has a moment to end by itself, then it is killed, lest it hold the run directory. */
static void sweep(void)
{
    const double patience_s = 0.5, most_s = 10;
    double start = rz_now_s();
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        double waited = rz_now_s() - start;
        if ((pid < 0 && errno == ECHILD) || waited > most_s)
            return;
        if (pid > 0)
            continue;
        if (waited > patience_s)
            kill_children();
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

/* ---- signals ---- */

/* All ask to stop. What was ignored when we were started (nohup, a job in the background of a script) stays so. */
static const struct { int number; const char *name; bool harder; } stops[] = {
    {SIGTERM, "SIGTERM", true}, {SIGINT, "SIGINT", true}, {SIGHUP, "SIGHUP", false}, {SIGUSR1, "SIGUSR1", false}};
enum { N_STOPS = sizeof stops / sizeof stops[0] };

static void take_signals(launch *l)
{
    sigemptyset(&l->signals);
    sigaddset(&l->signals, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    for (int i = 0; i < N_STOPS; i++) {
        struct sigaction now;
        sigaction(stops[i].number, NULL, &now);
        if (now.sa_handler != SIG_IGN)
            sigaddset(&l->signals, stops[i].number);
    }
    sigprocmask(SIG_BLOCK, &l->signals, NULL);
}

/* A second SIGINT or SIGTERM, later than an echo of the first, means at once: mpirun gives its ranks a second. One more, or five seconds, and all is killed. */
static void stop_harder(launch *l, int number)
{
    if (l->forced) {
        l->forced_s = 0;
        return;
    }
    l->forced = number;
    l->forced_s = rz_now_s();
    tell("stopping at once: what was done since the last checkpoint is done again by the next start");
    if (l->job)
        kill(l->job, SIGTERM);
}

static void ask_job(launch *l)
{
    l->sent_s = rz_now_s();
    if (l->job)
        kill(l->job, SIGUSR1);
}

static void on_signal(launch *l, int number)
{
    const double echo_s = 1, now = rz_now_s();
    int i = 0;
    while (i < N_STOPS && stops[i].number != number)
        i++;
    if (i == N_STOPS)
        return;
    if (l->asked_s > 0 && stops[i].harder) { /* the first SIGTERM behind a SIGUSR1, as a cluster sends them, is no second one */
        if (now - l->asked_s > echo_s)
            stop_harder(l, number);
        return;
    }
    if (stops[i].harder)
        l->asked_s = now;
    if (!l->asked && l->job)
        tell("%s: the job is asked to save a checkpoint and end%s", stops[i].name, number == SIGINT ? " (Ctrl-C again: at once)" : "");
    l->asked = stops[i].name;
    ask_job(l);
}

/* Until something happens, for a second at most. */
static void await_signal(launch *l, double s)
{
    const struct timespec most = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    int number = sigtimedwait(&l->signals, NULL, &most);
    if (number > 0)
        on_signal(l, number);
}

/* ---- attempts ---- */

static bool attempt(launch *l, int *status, rz_err *err)
{
    const double grace_s = 5, repeat_s = 1;
    if (!start_job(l, err))
        return false;
    while (!job_has_ended(l, status)) {
        await_signal(l, 1);
        if (l->asked && !l->forced && rz_now_s() - l->sent_s > repeat_s)
            ask_job(l); /* mpirun hands it to nobody as long as it has started nobody */
        if (l->forced && rz_now_s() - l->forced_s > grace_s)
            kill_children();
    }
    sweep();
    return true;
}

static const char *ending_of(const launch *l, int status, bool *again)
{
    cure c = NEVER;
    const char *what = NULL;
    bool ours = false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (endings[i].status == status) {
            c = endings[i].cure;
            what = endings[i].what;
            ours = !what;
        }
    *again = c == ALWAYS || (c == BEHIND && !l->first) || (c == ONCE_BEGUN && (!l->first || rz_now_s() - l->began_s >= BEGUN_S));
    return what || ours ? what : status > 128 && status < 128 + SIGSYS ? strsignal(status - 128) : "not one of ours";
}

/* In the run's log.txt too, for whoever looks later; what cannot be written there is no reason to stop. */
static void note(const launch *l, int status, const char *what)
{
    rz_rundir r = {.dir = l->run};
    rz_err err;
    char *path = l->run ? rz_asprintf("%s/log.txt", l->run) : NULL;
    if (path && rz_file_exists(path) && rz_log_open(&r.log, path, -1, &err)) {
        rz_rundir_note(&r, &err, "launch: the job ended with status %d (%s) and is started again (restart %lld of %lld)", status, what, (long long)l->restarts,
                       (long long)l->max_restarts);
        rz_log_close(r.log);
    }
    free(path);
}

/* Whether it is to be started again, and says what happened. */
static bool again(launch *l, int status)
{
    bool curable;
    const char *what = ending_of(l, status, &curable);
    int64_t progress = progress_of(l->run);
    double took = rz_now_s() - l->began_s;
    if (progress > l->progress)
        l->restarts = 0;
    l->progress = progress > l->progress ? progress : l->progress;
    if (!curable && what && !(status == RZ_ECREATE))
        tell("the job ended with status %d (%s) after %.1f s, which a restart does not cure", status, what, took);
    if (!curable)
        return false;
    if (l->restarts >= l->max_restarts) {
        tell("the job ended with status %d (%s) after %.1f s; it is given up: %lld restarts brought no new checkpoint (--max-restarts)", status, what, took,
             (long long)l->max_restarts);
        return false;
    }
    double pause = l->restarts < 6 ? (double)(1 << l->restarts) : 60;
    l->restarts++;
    tell("the job ended with status %d (%s) after %.1f s; it is started again in %.0f s (restart %lld of %lld%s)", status, what, took, pause, (long long)l->restarts,
         (long long)l->max_restarts, l->run ? ", counted anew from every new checkpoint" : "");
    note(l, status, what);
    for (double end = rz_now_s() + pause, left; !l->asked && (left = end - rz_now_s()) > 0;)
        await_signal(l, left < 1 ? left : 1);
    return true;
}

/* The status to end with once the job was asked to stop, or had been when it was about to be started again. */
static int stopped_status(const launch *l, int status)
{
    if (l->forced && status != RZ_OK && status != RZ_ESTOPPED)
        return 128 + l->forced;
    return status == UNTRAPPED ? RZ_ESTOPPED : status; /* asked before it was ready to listen: nothing was done, nothing is lost */
}

static int run_job(launch *l, rz_err *err)
{
    int status = 0;
    for (l->first = true;; l->first = false) {
        if (!attempt(l, &status, err))
            return (int)err->code;
        if (l->asked)
            return stopped_status(l, status);
        if (!again(l, status))
            return status;
        if (l->asked) {
            tell("%s: the job is not started again; the same command goes on from its last checkpoint", l->asked);
            return RZ_ESTOPPED;
        }
    }
}

int rz_cmd_launch(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    int own = 0;
    launch_options o;
    while (own < argc && strcmp(argv[own], "--"))
        own++;
    if (!rz_flags_parse(rz_launch_flags, rz_launch_n_flags, &o, NULL, NULL, NULL, own < argc ? own : 0, argv, err))
        return (int)err->code;
    if (own + 1 >= argc)
        return rz_fail(err, RZ_EUSAGE, "the command to run is missing: launch [--max-restarts N] -- mpirun -n 2 build/rulezero train CONFIG"), RZ_EUSAGE;
    if (getenv("OMPI_COMM_WORLD_SIZE"))
        return rz_fail(err, RZ_EUSAGE, "launch stands before mpirun, not behind it: launch -- mpirun ..."), RZ_EUSAGE;
    launch l = {.command = argv + own + 1, .max_restarts = o.max_restarts};
    take_signals(&l);
    l.run = rz_cli_job_out(argc - own - 1, argv + own + 1);
    l.progress = progress_of(l.run);
    set_environment();
    signal(SIGPIPE, SIG_IGN); /* a reader of what we say that has gone must not end the job */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int status = run_job(&l, err);
    free(l.run);
    return status;
}
