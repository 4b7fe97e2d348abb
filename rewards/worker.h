/* Rules that are programs run outside the trainer, so that one which loops, crashes or eats memory costs a sample and never the run. A process that has
 * started MPI may not fork; a small child is therefore forked before: the supervisor. It holds no MPI, no files, nothing but one socket, and forks the
 * workers that a rank asks for. A rank talks to its workers directly:
 *
 *     rank ──control──> supervisor ──fork──> worker (a process, one a rule)
 *       └───────────── requests, answers ──────┘
 *
 * A worker that ends, or does not answer in time and is killed for it, is forked anew before the next request. All of them die with the rank. A worker
 * may itself fork and exec: what it leaves behind is killed with it (its process group) and reaped by the supervisor. Private to rewards/. */
#ifndef RZ_REWARDS_WORKER_H
#define RZ_REWARDS_WORKER_H
#include "rewards/helper.h"
#include "rewards/number.h"

typedef struct rz_worker rz_worker;     /* a worker, as its rank sees it */

enum { RZ_WORKER_MAX_REQUEST = 96 << 20, RZ_WORKER_MAX_ANSWER = 1 << 20, RZ_WORKER_REASON = 320 }; /* bytes */

/* What a worker can be. Both functions run in the worker. */
typedef struct {
    const char *name;
    /* NULL: refused, and err says why. `setup` is the text that rz_worker_start was given. */
    void *(*open)(rz_slice setup, rz_err *err);
    /* Bytes written to `answer`, which has room for RZ_WORKER_MAX_ANSWER. */
    size_t (*answer)(void *self, rz_slice request, char *answer);
    /* It runs programs: answer() itself ends within rz_worker_time_s() and can say more, so it is given two seconds on top; and it has called
     * rz_child_die_together (child.h): SIGTERM ends it and what it has started, so it is ended by that first. */
    bool has_children;
} rz_worker_kind;

/* rz_helper_start with other kinds: n rows that live as long as the process. */
bool rz_helper_fork(rz_helper **out, const rz_worker_kind *const *kinds, int n_kinds, char *const *environment, rz_err *err);

/* Forks a worker and waits until it is open. RZ_ECONFIG: its own sentence. memory_mib: of private memory beyond what it begins with; 0: no limit.
 * deadline_ms: for an answer. */
bool rz_worker_start(rz_worker **out, rz_helper *h, const char *kind, rz_slice setup, int memory_mib, int deadline_ms, rz_err *err);
void rz_worker_stop(rz_worker *t); /* accepts NULL */

typedef enum {
    RZ_WORKER_ANSWERED,
    RZ_WORKER_CRASHED, /* it ended in the middle; the next request finds a new worker */
    RZ_WORKER_KILLED,  /* by us at the deadline, or by somebody: on another day it might have answered */
} rz_worker_result;
/* *answer is the task's until the next request; reason: one clause when there is no answer. */
rz_worker_result rz_worker_ask(rz_worker *t, const rz_slice *pieces, int n, rz_slice *answer, char reason[RZ_WORKER_REASON]);

/* In a worker: the seconds it has for an answer, and the environment for programs. */
double rz_worker_time_s(void);
char *const *rz_worker_environment(void);

/* ---- private to the two halves (helper.c, helper_child.c) ---- */

typedef enum { RZ_ORDER_START, RZ_ORDER_END } rz_order_kind;
/* From the rank, as a frame; RZ_ORDER_START: the setup follows. */
typedef struct { rz_order_kind what; int kind, pid, memory_mib; double time_s; } rz_order;
/* From the supervisor, as a plain message. START: pid and the descriptor, or errno. END: the wait status. */
typedef struct { int pid, status, error; } rz_news;
typedef struct { const rz_worker_kind *const *kinds; int n_kinds; char *const *environment; } rz_helper_plan;
__attribute__((noreturn)) void rz_helper_supervise(int control, int parent, const rz_helper_plan *plan);
#endif
