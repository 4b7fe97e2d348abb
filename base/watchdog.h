/* A thread in every rank that looks at how the ranks of its machine move (base/pulse.h), a few times a second: it notices a rank that has died, one that is stopped or
 * hangs, and that all wait for one on another machine. Time is what the thread itself sees pass, on the monotonic clock and at most a second between two looks: a clock that is
 * set, a machine that sleeps, or a job that is stopped as a whole and goes on later costs a second and not the job. */
#ifndef RZ_BASE_WATCHDOG_H
#define RZ_BASE_WATCHDOG_H
#include "base/comm.h"
#include "base/pulse.h"

typedef struct {
    double limit_s[RZ_N_PHASES]; /* that a rank may be without a beat in a phase; 0: any. Thrice the longest that it was and came back from, if that is more */
    const char *key[RZ_N_PHASES]; /* what sets it, for the sentence */
    /* Both on the watchdog's thread, of one rank of the machine. died: says so and returns; the launcher ends the others. hangs: says so and ends the process. */
    void (*died)(void *ctx, const char *text);
    void (*hangs)(void *ctx, const char *text);
    void (*end)(void *ctx);      /* ends the process without a word: another rank has the word */
    void *ctx;
} rz_watchdog_plan;

typedef struct rz_watchdog rz_watchdog;
/* Collective. The plan is copied, the communicator borrowed. */
bool rz_watchdog_start(rz_watchdog **out, rz_comm *c, const rz_watchdog_plan *plan, rz_err *err);
void rz_watchdog_stop(rz_watchdog *w); /* this rank leaves in good order; not collective; accepts NULL */
#endif
