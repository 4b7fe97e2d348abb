/* The rank's side. */
#include "rewards/worker.h"
#include "base/file.h"
#include "rewards/wire.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPEN_S 60.0   /* a worker opens: compiles a rule, starts an interpreter */
#define GRACE_S 2.0   /* for a kind that has a clock of its own */
#define CONTROL_S 60.0 /* the supervisor answers at once; on a machine that thrashes, later */

struct rz_helper {
    int control, pid;
    unsigned allowed; /* bits: rows of `trusted` */
    rz_helper_plan plan;
};

struct rz_worker {
    rz_helper *helper;
    int kind, memory_mib, fd, pid; /* fd −1: to be started */
    double time_s;
    char *setup;
    size_t setup_len;
    rz_wire_buffer answer;
};

bool rz_helper_fork(rz_helper **out, const rz_worker_kind *const *kinds, int n_kinds, char *const *environment, rz_err *err)
{
    int ends[2], parent = (int)getpid();
    *out = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return rz_fail(err, RZ_EIO, "cannot make a socket for the helper process: %s", strerror(errno));
    rz_helper *h = rz_calloc(1, sizeof *h);
    h->plan = (rz_helper_plan){kinds, n_kinds, environment};
    h->control = ends[0];
    h->pid = (int)fork();
    if (h->pid == 0) {
        close(ends[0]);
        rz_helper_supervise(ends[1], parent, &h->plan);
    }
    int why = errno;
    close(ends[1]);
    if (h->pid < 0) {
        close(ends[0]);
        free(h);
        return rz_fail(err, RZ_ETRANSIENT, "cannot fork the helper process: %s", strerror(why));
    }
    *out = h;
    return true;
}

void rz_helper_stop(rz_helper *h)
{
    if (!h) return;
    close(h->control); /* which it takes as the end */
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR) {}
    free(h);
}

static const char *const trusted[] = {"plugin", "program"};
enum { N_TRUSTED = sizeof trusted / sizeof trusted[0] };

static int find_trusted(const char *name, size_t len)
{
    int i = 0;
    while (i < N_TRUSTED && (strlen(trusted[i]) != len || memcmp(trusted[i], name, len) != 0)) i++;
    return i;
}

bool rz_helper_allow(rz_helper *h, const rz_text_list *names, rz_err *err)
{
    for (int i = 0; i < names->n; i++)
        for (const char *name = names->v[i]; *name;) {
            size_t len = strcspn(name, ", ");
            int row = find_trusted(name, len);
            if (row == N_TRUSTED)
                return rz_fail(err, RZ_ECONFIG, "rules_allow: '%.*s' is no kind of rules that must be allowed; those are plugin and program", len < 60 ? (int)len : 60, name);
            if (h) h->allowed |= 1u << row;
            name += len + strspn(name + len, ", ");
        }
    return true;
}

bool rz_helper_allows(const rz_helper *h, const char *name)
{
    int row = find_trusted(name, strlen(name));
    return row == N_TRUSTED || h->allowed >> row & 1;
}

/* ---- the supervisor ---- */

/* The answer to an order, with the descriptor that may come along (else −1). */
static bool hear(const rz_helper *h, rz_news *news, int *fd)
{
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec v = {news, sizeof *news};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t n;
    *fd = -1;
    if (!rz_wire_wait(h->control, POLLIN, rz_now_s() + CONTROL_S)) return false;
    while ((n = recvmsg(h->control, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {}
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(c), sizeof *fd);
    return n == (ssize_t)sizeof *news; /* so short a message comes whole */
}

static bool order(const rz_helper *h, rz_order o, rz_slice setup, rz_news *news, int *fd)
{
    const rz_slice pieces[] = {{(const char *)&o, sizeof o}, setup};
    return rz_wire_send(h->control, pieces, 2, rz_now_s() + CONTROL_S) == RZ_WIRE_OK && hear(h, news, fd);
}

/* Its wait status; −1 when the supervisor is gone. */
static int end_worker(rz_worker *t)
{
    rz_news news;
    int fd;
    close(t->fd);
    t->fd = -1;
    return order(t->helper, (rz_order){.what = RZ_ORDER_END, .pid = t->pid}, (rz_slice){"", 0}, &news, &fd) ? news.status : -1;
}

static void tell_end(int status, char reason[RZ_WORKER_REASON])
{
    if (status < 0)
        snprintf(reason, RZ_WORKER_REASON, "the helper process, which runs it, is gone: start the job again");
    else if (WIFSIGNALED(status))
        snprintf(reason, RZ_WORKER_REASON, "it crashed: signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == RZ_EINTERNAL)
        snprintf(reason, RZ_WORKER_REASON, "it ran out of memory (memory_mb)");
    else
        snprintf(reason, RZ_WORKER_REASON, "it ended its process, with status %d", WEXITSTATUS(status));
}

/* ---- tasks ---- */

static bool start_worker(rz_worker *t, rz_err *err)
{
    rz_news news;
    char reason[RZ_WORKER_REASON];
    const rz_order o = {RZ_ORDER_START, t->kind, 0, t->memory_mib, t->time_s};
    if (!order(t->helper, o, (rz_slice){t->setup, t->setup_len}, &news, &t->fd)) return rz_fail(err, RZ_EINTERNAL, "the helper process, which runs rules that are programs, is gone");
    if (t->fd < 0) return rz_fail(err, RZ_ETRANSIENT, "cannot fork a worker: %s", strerror(news.error));
    t->pid = news.pid;
    rz_wire_result got = rz_wire_receive(t->fd, &t->answer, sizeof *err, rz_now_s() + OPEN_S);
    if (got == RZ_WIRE_OK && t->answer.len == 0) return true;
    int status = end_worker(t);
    if (got == RZ_WIRE_OK) return rz_fail(err, RZ_ECONFIG, "%s", t->answer.data);
    if (got == RZ_WIRE_LATE) return rz_fail(err, RZ_ECONFIG, "it was not ready after %.0f seconds", OPEN_S);
    tell_end(status, reason);
    return rz_fail(err, RZ_ECONFIG, "while it was opened %s", reason);
}

bool rz_worker_start(rz_worker **out, rz_helper *h, const char *kind, rz_slice setup, int memory_mib, int deadline_ms, rz_err *err)
{
    int row = 0;
    *out = NULL;
    while (row < h->plan.n_kinds && strcmp(h->plan.kinds[row]->name, kind) != 0) row++;
    if (row == h->plan.n_kinds) return rz_fail(err, RZ_EINTERNAL, "no worker is of the kind '%s'", kind);
    rz_worker *t = rz_calloc(1, sizeof *t);
    *t = (rz_worker){.helper = h, .kind = row, .memory_mib = memory_mib, .fd = -1, .time_s = deadline_ms / 1000.0,
                   .setup = rz_malloc(setup.len + 1), .setup_len = setup.len};
    memcpy(t->setup, setup.s, setup.len);
    *out = t;
    if (start_worker(t, err)) return true;
    rz_worker_stop(t);
    *out = NULL;
    return false;
}

void rz_worker_stop(rz_worker *t)
{
    if (!t) return;
    if (t->fd >= 0) end_worker(t);
    free(t->answer.data);
    free(t->setup);
    free(t);
}

rz_worker_result rz_worker_ask(rz_worker *t, const rz_slice *pieces, int n, rz_slice *answer, char reason[RZ_WORKER_REASON])
{
    rz_err err;
    *answer = (rz_slice){"", 0};
    if (t->fd < 0 && !start_worker(t, &err)) {
        snprintf(reason, RZ_WORKER_REASON, "it could not be started again: %.280s", err.text);
        return RZ_WORKER_CRASHED;
    }
    double until = rz_now_s() + t->time_s + (t->helper->plan.kinds[t->kind]->has_children ? GRACE_S : 0);
    rz_wire_result got = rz_wire_send(t->fd, pieces, n, until);
    if (got == RZ_WIRE_OK) got = rz_wire_receive(t->fd, &t->answer, RZ_WORKER_MAX_ANSWER, until);
    if (got == RZ_WIRE_OK) {
        *answer = (rz_slice){t->answer.data, t->answer.len};
        return RZ_WORKER_ANSWERED;
    }
    int status = end_worker(t);
    if (got == RZ_WIRE_LATE) {
        snprintf(reason, RZ_WORKER_REASON, "it gave no answer within %.3g seconds and was killed (deadline_ms)", t->time_s);
        return RZ_WORKER_KILLED;
    }
    if (got == RZ_WIRE_BROKEN) {
        snprintf(reason, RZ_WORKER_REASON, "it wrote into the socket of its process");
        return RZ_WORKER_CRASHED;
    }
    tell_end(status, reason);
    if (status < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return RZ_WORKER_CRASHED;
    snprintf(reason, RZ_WORKER_REASON, "somebody killed it (signal 9): the machine may have run out of memory");
    return RZ_WORKER_KILLED;
}
