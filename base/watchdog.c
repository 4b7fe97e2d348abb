#include "base/watchdog.h"

#include "base/file.h"
#include "base/shared.h"
#include "base/threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 200, LINE = 64 };
static const double MOST_AT_ONCE_S = 1; /* that passes between two looks */
static const double OTHERS_FIRST_S = 1; /* who sees that a rank hangs speaks before who sees only that everybody waits, */
static const double NEXT_S = 0.7;       /* and of those one machine after the other: the second within two seconds, for the rank may be alone on the first; */
static const double TURN_S = 5;         /* the others when mpirun has ended the job long since */
static const double PATIENCE = 3;       /* times the longest silence that was survived */

/* In memory that the ranks of a machine have in common; a pulse has its own cache line. */
typedef struct {
    _Alignas(LINE) rz_pulse pulse;
} seat;
typedef struct {
    _Alignas(LINE) _Atomic bool told_dead, told_hung;
} board;

typedef struct { uint64_t beats, polls; double silent_s; bool told; } watched;

struct rz_watchdog {
    rz_watchdog_plan plan;
    rz_shared memory;
    board *board;
    seat *seats;           /* (size); those of other machines stay empty */
    watched *ranks;        /* (size) */
    double longest_s[RZ_N_PHASES];
    double quiet_s;        /* since any rank here has done anything but wait */
    int size, rank, turn;  /* turn: of this machine, from 0 */
    char host[64];
    rz_thread *thread;
    pthread_mutex_t lock;  /* of stop */
    pthread_cond_t stopped;
    bool stop;
};

static bool here(const rz_watchdog *w, int r)
{
    return w->seats[r].pulse.pid != 0 && !w->seats[r].pulse.left;
}

static rz_phase phase_of(const rz_watchdog *w, int r)
{
    return (rz_phase)w->seats[r].pulse.phase;
}

static double limit(const rz_watchdog *w, rz_phase phase)
{
    double most = PATIENCE * w->longest_s[phase];
    return w->plan.limit_s[phase] > most ? w->plan.limit_s[phase] : most;
}

/* The state of a process as the kernel tells it, a letter; 0: it does not. */
static char state_of(int64_t pid)
{
    char path[64], text[512] = "", *end;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    end = n ? strrchr(text, ')') : NULL; /* behind the name, which may hold anything */
    return end && end[1] ? end[2] : 0;
}

static bool is_gone(int64_t pid)
{
    return kill((pid_t)pid, 0) && errno == ESRCH;
}

static void describe(const rz_watchdog *w, int r, char *out, size_t size)
{
    snprintf(out, size, "rank %d (process %lld on %s)", r, (long long)w->seats[r].pulse.pid, w->host);
}

static void where(const rz_watchdog *w, int r, char *out, size_t size)
{
    int64_t step = w->seats[r].pulse.step;
    if (step)
        snprintf(out, size, "step %lld (%s)", (long long)step, rz_phase_names[phase_of(w, r)]);
    else
        snprintf(out, size, "%s, before the first step", rz_phase_names[phase_of(w, r)]);
}

/* ", while ranks 0, 2 wait for it", or nothing. */
static void who_waits(const rz_watchdog *w, int but, char *out, size_t size)
{
    int n = 0;
    size_t at = 0;
    *out = '\0';
    for (int r = 0; r < w->size; r++) {
        if (r == but || !here(w, r) || !w->seats[r].pulse.waiting)
            continue;
        if (at + 32 < size)
            at += (size_t)snprintf(out + at, size - at, "%s %d", n ? "," : "; waiting for it:", r);
        n++;
    }
}

static void tell_death(rz_watchdog *w, int r)
{
    char text[512], who[128], at[64];
    describe(w, r, who, sizeof who);
    where(w, r, at, sizeof at);
    snprintf(text, sizeof text, "%s died in %s, and the job ends with it; the same command goes on from the last checkpoint", who, at);
    w->plan.died(w->plan.ctx, text);
}

static void tell_hang(rz_watchdog *w, int r)
{
    static const struct { char state; const char *means; } states[] = {
        {'T', "it is stopped (kill -CONT would have let it go on)"},
        {'t', "a debugger has stopped it"},
        {'D', "it waits for a disk or the network"},
        {'R', "it computes"},
        {'S', "it sleeps"},
        {'Z', "it has died"},
        {0, "it is gone"},
    };
    char text[1024], who[128], at[64], waiting[300], state = state_of(w->seats[r].pulse.pid);
    rz_phase phase = phase_of(w, r);
    size_t k = 0;
    while (states[k].state && states[k].state != state)
        k++;
    describe(w, r, who, sizeof who);
    where(w, r, at, sizeof at);
    who_waits(w, r, waiting, sizeof waiting);
    snprintf(text, sizeof text, "watchdog: %s has not moved for %.1f s in %s: %s%s. The same command goes on from the last checkpoint; if it was only slow, raise %s (%g s)", who,
             w->ranks[r].silent_s, at, states[k].means, waiting, w->plan.key[phase], limit(w, phase));
    w->plan.hangs(w->plan.ctx, text);
}

static void tell_quiet(rz_watchdog *w)
{
    char text[1024], at[64];
    rz_phase phase = phase_of(w, w->rank);
    where(w, w->rank, at, sizeof at);
    snprintf(text, sizeof text, "watchdog: every rank on %s has waited for others for %.1f s in %s: a rank on another machine, or the network to it, has stopped. The same command "
                                "goes on from the last checkpoint; if it was only slow, raise %s (%g s)", w->host, w->quiet_s, at, w->plan.key[phase], limit(w, phase));
    w->plan.hangs(w->plan.ctx, text);
}

/* The first one speaks. */
static bool first_to(_Atomic bool *told)
{
    return !atomic_exchange(told, true);
}

static void look_at_dead(rz_watchdog *w, int r)
{
    if (r == w->rank || w->ranks[r].told || w->board->told_hung || !is_gone(w->seats[r].pulse.pid) || w->seats[r].pulse.left)
        return;
    w->ranks[r].told = true;
    if (first_to(&w->board->told_dead))
        tell_death(w, r);
}

/* What a rank was silent for and came back from, it may be again. */
static bool look_at(rz_watchdog *w, int r, double passed_s)
{
    watched *s = &w->ranks[r];
    const rz_pulse *p = &w->seats[r].pulse;
    uint64_t beats = p->beats, polls = p->polls;
    bool worked = beats != s->beats, moved = worked || polls != s->polls;
    rz_phase phase = phase_of(w, r);
    if (moved && s->silent_s > w->longest_s[phase])
        w->longest_s[phase] = s->silent_s;
    s->silent_s = moved ? 0 : s->silent_s + passed_s;
    s->beats = beats;
    s->polls = polls;
    return worked;
}

static void look(rz_watchdog *w, double passed_s)
{
    bool worked = false;
    int hung = -1;
    for (int r = 0; r < w->size; r++) {
        if (!here(w, r))
            continue;
        look_at_dead(w, r);
        worked |= look_at(w, r, passed_s);
        rz_phase phase = phase_of(w, r);
        if (hung < 0 && w->plan.limit_s[phase] > 0 && w->ranks[r].silent_s >= limit(w, phase))
            hung = r;
    }
    rz_phase phase = phase_of(w, w->rank);
    if (worked && w->quiet_s > w->longest_s[phase])
        w->longest_s[phase] = w->quiet_s;
    w->quiet_s = worked ? 0 : w->quiet_s + passed_s;
    bool quiet = w->plan.limit_s[phase] > 0 && w->quiet_s >= limit(w, phase) + OTHERS_FIRST_S + (w->turn ? NEXT_S + (w->turn - 1) * TURN_S : 0);
    if (hung < 0 && !quiet)
        return;
    if (w->board->told_dead || !first_to(&w->board->told_hung)) /* all is said; if that did not end the job, this does */
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    else if (hung >= 0)
        tell_hang(w, hung);
    else
        tell_quiet(w);
    w->plan.end(w->plan.ctx);
}

/* False when it is over: at once, since a job does not end before. */
static bool rest(rz_watchdog *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&w->lock);
    while (!w->stop && pthread_cond_timedwait(&w->stopped, &w->lock, &until) == 0)
        continue;
    bool go_on = !w->stop;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

static void watch(void *ctx)
{
    rz_watchdog *w = ctx;
    double before = rz_now_s();
    while (rest(w)) {
        double now = rz_now_s(), passed_s = now - before;
        look(w, passed_s < MOST_AT_ONCE_S ? passed_s : MOST_AT_ONCE_S);
        before = now;
    }
}

bool rz_watchdog_start(rz_watchdog **out, rz_comm *c, const rz_watchdog_plan *plan, rz_err *err)
{
    rz_watchdog *w = rz_calloc(1, sizeof *w);
    rz_err why;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&w->lock, NULL);
    w->plan = *plan;
    w->size = rz_comm_size(c);
    w->rank = rz_comm_rank(c);
    w->ranks = rz_calloc((size_t)w->size, sizeof *w->ranks);
    for (int r = 0; r < rz_comm_machine(c, w->rank); r++)
        w->turn += rz_comm_machine(c, r) == r;
    gethostname(w->host, sizeof w->host - 1);
    rz_shared_init(&w->memory, c, sizeof *w->board + (size_t)w->size * sizeof *w->seats, &why); /* ranks that cannot see each other watch themselves */
    w->board = w->memory.p;
    w->seats = (seat *)(w->board + 1);
    rz_pulse *mine = &w->seats[w->rank].pulse;
    rz_pulse_move(mine);
    mine->pid = getpid();
    *out = w;
    return rz_comm_agree(c, rz_thread_start(&w->thread, watch, w, err), err);
}

void rz_watchdog_stop(rz_watchdog *w)
{
    if (!w)
        return;
    rz_pulse_leave();
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->stopped);
    pthread_mutex_unlock(&w->lock);
    rz_thread_join(w->thread);
    pthread_cond_destroy(&w->stopped);
    pthread_mutex_destroy(&w->lock);
    rz_pulse_move(NULL);
    rz_shared_finish(&w->memory);
    free(w->ranks);
    free(w);
}
