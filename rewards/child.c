#include "rewards/child.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

char **rz_child_environment(char *const *environment)
{
    static const char *const launchers[] = {"OMPI_", "PMIX_", "PMI_", "PMI2_", "ORTE_", "PRTE_"};
    size_t n = 0, kept = 0;
    while (environment && environment[n]) n++;
    char **list = rz_calloc(n + 1, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        bool of_launcher = false;
        for (size_t k = 0; k < sizeof launchers / sizeof launchers[0]; k++) of_launcher |= strncmp(environment[i], launchers[k], strlen(launchers[k])) == 0;
        if (!of_launcher) list[kept++] = environment[i];
    }
    return list;
}

static volatile sig_atomic_t running; /* pid of the program, or 0 */
static void (*at_the_end)(void);

static void end_together(int number)
{
    (void)number;
    if (running > 0) kill(-(pid_t)running, SIGKILL);
    if (at_the_end) at_the_end();
    _exit(0);
}

void rz_child_die_together(void (*last)(void))
{
    at_the_end = last;
    const struct sigaction s = {.sa_handler = end_together};
    sigaction(SIGTERM, &s, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* No SIGTERM between a fork and the note of it. */
static void block_term(bool block)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &term, NULL);
}

/* Between fork and exec. Returns only when it cannot go on, with errno. */
static void become(const rz_child_plan *p, const int pipes[3][2], int parent)
{
    static const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    const struct rlimit no_core = {0, 0}, memory = {(rlim_t)p->memory_mib << 20, (rlim_t)p->memory_mib << 20};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if ((int)getppid() != parent) return;
    setpgid(0, 0);
    for (size_t i = 0; i < sizeof reset / sizeof reset[0]; i++) signal(reset[i], SIG_DFL);
    block_term(false);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(pipes[fd][fd == 0 ? 0 : 1], fd) < 0) return;
    setrlimit(RLIMIT_CORE, &no_core);
    if (p->memory_mib) setrlimit(RLIMIT_DATA, &memory);
    if (p->folder && chdir(p->folder)) return;
    for (int i = 0; i < 2; i++)
        if (p->keep[i] && fcntl(p->keep[i], F_SETFD, 0)) return;
    if (p->before && !p->before(p->ctx)) return;
    execvpe(p->argv[0], p->argv, p->environment);
}

static void close_all(int fds[][2], int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (fds[i][k] >= 0) close(fds[i][k]);
}

/* Its errno if it could not become the program; 0 when the pipe was closed by exec. */
static int trouble_of(int fd)
{
    int trouble = 0;
    ssize_t n;
    while ((n = read(fd, &trouble, sizeof trouble)) < 0 && errno == EINTR) {}
    return n == (ssize_t)sizeof trouble ? trouble : 0;
}

/* Our end and its end of descriptor i: of a pipe, or what the plan says. fds: read, write. */
static bool connect_to(const rz_child_plan *p, int i, int fds[2])
{
    if (i == 0 && p->input) {
        fds[0] = fcntl(p->input, F_DUPFD_CLOEXEC, 3); /* none of the three that it will be put on */
        return fds[0] >= 0;
    }
    if (p->sealed && (i == 1 || i == 2)) return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0 && shutdown(fds[0], SHUT_WR) == 0;
    return pipe2(fds, O_CLOEXEC) == 0;
}

bool rz_child_start(rz_child *c, const rz_child_plan *p, rz_err *err)
{
    int fds[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}}, parent = (int)getpid(), why; /* in, out, err, and word of a failure */
    *c = (rz_child){0, -1, -1, -1};
    for (int i = 0; i < 4; i++)
        if (!connect_to(p, i, fds[i])) {
            why = errno;
            close_all(fds, i + 1);
            return rz_fail(err, RZ_EIO, "cannot make a pipe for '%.200s': %s", p->argv[0], strerror(why));
        }
    block_term(true);
    int pid = (int)fork();
    if (pid == 0) {
        become(p, (const int(*)[2])fds, parent);
        why = errno;
        if (write(fds[3][1], &why, sizeof why) < 0) _exit(126);
        _exit(127);
    }
    why = pid < 0 ? errno : 0;
    close(fds[0][0]), close(fds[1][1]), close(fds[2][1]), close(fds[3][1]);
    fds[0][0] = fds[1][1] = fds[2][1] = fds[3][1] = -1;
    if (pid > 0) {
        setpgid(pid, pid);
        running = pid;
    }
    block_term(false);
    if (pid > 0) {
        why = trouble_of(fds[3][0]);
    }
    close(fds[3][0]);
    fds[3][0] = -1;
    *c = (rz_child){pid > 0 ? pid : 0, fds[0][1], fds[1][0], fds[2][0]};
    if (why) {
        rz_child_end(c);
        return rz_fail(err, RZ_ECONFIG, "cannot start '%.200s'%s%.200s: %s", p->argv[0], p->folder ? " in " : "", p->folder ? p->folder : "", strerror(why));
    }
    for (int i = 0; i < 3; i++) {
        int fd = i == 0 ? c->in : i == 1 ? c->out : c->err;
        if (fd >= 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    return true;
}

bool rz_child_gone(const rz_child *c)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
}

int rz_child_end(rz_child *c)
{
    int status = 0;
    if (c->pid > 0) {
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {}
        running = 0;
    }
    if (c->in >= 0) close(c->in);
    if (c->out >= 0) close(c->out);
    if (c->err >= 0) close(c->err);
    *c = (rz_child){0, -1, -1, -1};
    return status;
}
