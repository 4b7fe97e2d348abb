/* The supervisor and the worker. Both are forks of a rank that has not started MPI. */
#include "base/file.h"
#include "rewards/worker.h"
#include "rewards/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SETUP = 8 << 20, MAX_WORKERS = 512, POLITE_MS = 1000 };

/* ---- the worker ---- */

static const rz_helper_plan *the_plan;
static double the_time_s;

double rz_worker_time_s(void) { return the_time_s; }
char *const *rz_worker_environment(void) { return the_plan->environment; }

static void end_for_memory(size_t bytes)
{
    (void)bytes;
    _exit(RZ_EINTERNAL);
}

/* Kilobytes of private writable memory, which is what RLIMIT_DATA counts. */
static long data_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmData: %ld", &kib) == 1) break;
    if (f) fclose(f);
    return kib;
}

static void limit_worker(int memory_mib)
{
    const struct rlimit no_core = {0, 0};
    rlim_t most = ((rlim_t)data_kib() << 10) + ((rlim_t)memory_mib << 20);
    setrlimit(RLIMIT_CORE, &no_core);
    if (memory_mib) setrlimit(RLIMIT_DATA, &(struct rlimit){most, most});
}

static void die_with(int parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if ((int)getppid() != parent) _exit(0); /* it was faster */
}

static void work(int fd, const rz_order *o, rz_slice setup, int parent)
{
    const rz_worker_kind *kind = the_plan->kinds[o->kind];
    rz_wire_buffer request = {0};
    rz_err err = {0};
    die_with(parent);
    setpgid(0, 0);
    rz_set_oom_handler(end_for_memory);
    limit_worker(o->memory_mib);
    the_time_s = o->time_s;
    char *answer = rz_malloc(RZ_WORKER_MAX_ANSWER);
    void *self = kind->open(setup, &err);
    const rz_slice opened = {err.text, self ? 0 : strlen(err.text)};
    if (rz_wire_send(fd, &opened, 1, -1) != RZ_WIRE_OK || !self) return;
    while (rz_wire_receive(fd, &request, RZ_WORKER_MAX_REQUEST, -1) == RZ_WIRE_OK) {
        const rz_slice a = {answer, kind->answer(self, (rz_slice){request.data, request.len}, answer)};
        if (rz_wire_send(fd, &a, 1, -1) != RZ_WIRE_OK) break;
    }
    if (kind->has_children) raise(SIGTERM); /* the rank is gone: what its programs have started goes with them (rz_child_die_together) */
}

/* ---- the supervisor ---- */

typedef struct { int pid, status; bool has_children, ended; } child;

static struct {
    int control;
    child children[MAX_WORKERS];
    int n;
} me;

static child *find(int pid)
{
    for (int i = 0; i < me.n; i++)
        if (me.children[i].pid == pid) return &me.children[i];
    return NULL;
}

/* Whatever has ended: workers, whose status is kept until it is asked for, and what they left behind (a subreaper inherits it). */
static void reap(void)
{
    siginfo_t found = {0};
    while (waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) == 0 && found.si_pid) {
        int pid = (int)found.si_pid, status = 0;
        child *c = find(pid);
        if (c) kill(-pid, SIGKILL); /* its group, while nobody else can have the number */
        if (waitpid(pid, &status, 0) == pid && c) c->status = status, c->ended = true;
        found.si_pid = 0;
    }
}

static void tell(rz_news news, int fd)
{
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec v = {&news, sizeof news};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    memset(&control, 0, sizeof control);
    if (fd >= 0) {
        m.msg_control = control.space;
        m.msg_controllen = sizeof control.space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    while (sendmsg(me.control, &m, MSG_NOSIGNAL) < 0 && errno == EINTR) {}
}

static void start_worker(const rz_order *o, rz_slice setup)
{
    int ends[2], parent = (int)getpid(), pid;
    if (me.n == MAX_WORKERS || o->kind < 0 || o->kind >= the_plan->n_kinds) {
        tell((rz_news){0, 0, EAGAIN}, -1);
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        tell((rz_news){0, 0, errno}, -1);
        return;
    }
    pid = (int)fork();
    if (pid == 0) {
        close(me.control);
        close(ends[0]);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGCHLD, SIG_DFL);
        work(ends[1], o, setup, parent);
        _exit(0);
    }
    if (pid > 0) {
        setpgid(pid, pid); /* both do: who comes first must not matter */
        me.children[me.n++] = (child){pid, 0, the_plan->kinds[o->kind]->has_children, false};
    }
    tell(pid > 0 ? (rz_news){pid, 0, 0} : (rz_news){0, 0, errno}, pid > 0 ? ends[0] : -1);
    close(ends[0]);
    close(ends[1]);
}

static void end_worker(int pid)
{
    child *c = find(pid);
    if (c && !c->ended && c->has_children) { /* its programs have groups of their own, which it knows */
        kill(pid, SIGTERM);
        for (int ms = 0; ms < POLITE_MS && !c->ended; ms++) {
            nanosleep(&(struct timespec){0, 1000000}, NULL);
            reap();
        }
    }
    if (c && !c->ended) kill(-pid, SIGKILL); /* also what it has started */
    while (c && !c->ended) {
        int status = 0;
        if (waitpid(pid, &status, 0) == pid || errno != EINTR) c->status = status, c->ended = true;
    }
    tell((rz_news){pid, c ? c->status : 0, c ? 0 : ESRCH}, -1);
    if (c) *c = me.children[--me.n];
}

static void note_child(int signal) { (void)signal; } /* so that it interrupts ppoll */

/* Terminal, descriptors, signals: what came from the rank is its own. A pipe of mpirun's that stayed open here would keep mpirun waiting. */
static void detach(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) dup2(nothing, fd);
    me.control = dup2(me.control, STDERR_FILENO + 1);
    close_range(STDERR_FILENO + 2, ~0U, 0);
    fcntl(me.control, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
    prctl(PR_SET_NAME, "rulezero-rules");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void rz_helper_supervise(int control, int parent, const rz_helper_plan *plan)
{
    const struct sigaction on_child = {.sa_handler = note_child};
    sigset_t blocked, before;
    rz_wire_buffer b = {0};
    die_with(parent);
    the_plan = plan;
    me.control = control;
    detach();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigdelset(&before, SIGCHLD);
    sigaction(SIGCHLD, &on_child, NULL);
    for (;;) {
        struct pollfd p = {me.control, POLLIN, 0};
        rz_order o;
        int ready = ppoll(&p, 1, NULL, &before);
        reap();
        if (ready <= 0) continue;
        if (rz_wire_receive(me.control, &b, MAX_SETUP + sizeof o, -1) != RZ_WIRE_OK || b.len < sizeof o) break; /* the rank is done, or gone */
        memcpy(&o, b.data, sizeof o);
        if (o.what == RZ_ORDER_START)
            start_worker(&o, (rz_slice){b.data + sizeof o, b.len - sizeof o});
        else
            end_worker(o.pid);
    }
    for (int i = 0; i < me.n; i++) {
        const child *c = &me.children[i];
        if (!c->ended) kill(c->has_children ? c->pid : -c->pid, c->has_children ? SIGTERM : SIGKILL);
    }
    _exit(0);
}
