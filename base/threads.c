#include "base/threads.h"
#include <assert.h>
#include <errno.h>
#include <fenv.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { CACHE_LINE = 64, POLL_NS = 20000 };
static const unsigned OPEN = 1u << 31, ASLEEP = 1u << 30; /* bits of the door */

typedef struct {
    rz_pool *pool;
    pthread_t id;
    int index;
} worker;

/* A loop is published by opening the door. Workers that come while it is open go in, deal themselves iterations and leave; the caller deals
 * itself iterations too, then shuts the door and waits for those inside only. A worker that wakes late finds the door shut, so a short
 * loop never waits for a sleeper. */
struct rz_pool {
    alignas(CACHE_LINE) atomic_uint calls;    /* changes at every loop; futex of sleeping workers */
    atomic_int sleepers;
    alignas(CACHE_LINE) atomic_uint door;     /* OPEN; ASLEEP: the caller is; below them the number of workers inside. Futex of the caller */
    alignas(CACHE_LINE) atomic_llong next;    /* iteration to be dealt */
    alignas(CACHE_LINE) int n;                /* from here: written only while the door is shut and nobody is inside */
    void (*fn)(void *ctx, int i, int thread);
    void *ctx;
    atomic_bool stop;
    int size;
    worker workers[];                         /* size − 1; the caller is thread 0 */
};

static void futex_wait(atomic_uint *word, uint32_t while_equal)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_equal, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0); }

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void pause_cpu(void)
{
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Polls for about POLL_NS until *word is (wanted) or is no longer (!wanted) `value`; false when the time is over. */
static bool poll_word(atomic_uint *word, unsigned value, bool wanted)
{
    int64_t end = now_ns() + POLL_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if ((atomic_load_explicit(word, memory_order_acquire) == value) == wanted) return true;
            pause_cpu();
        }
        sched_yield(); /* costs next to nothing unless another thread or rank wants this core */
    } while (now_ns() < end);
    return false;
}

static void deal(rz_pool *p, int thread)
{
    for (;;) {
        long long i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (i >= p->n) return;
        p->fn(p->ctx, (int)i, thread);
    }
}

static void take_part(rz_pool *p, int thread)
{
    unsigned door = atomic_load_explicit(&p->door, memory_order_relaxed);
    do {
        if ((door & OPEN) == 0) return;
    } while (!atomic_compare_exchange_weak_explicit(&p->door, &door, door + 1, memory_order_acquire, memory_order_relaxed));
    deal(p, thread);
    door = atomic_fetch_sub_explicit(&p->door, 1, memory_order_release) - 1;
    if (door == ASLEEP) futex_wake(&p->door, 1); /* shut, and the last one out */
}

static void *work(void *arg)
{
    worker *w = arg;
    rz_pool *p = w->pool;
    rz_fp_setup();
    unsigned seen = 0;
    for (;;) {
        if (!poll_word(&p->calls, seen, false)) {
            atomic_fetch_add(&p->sleepers, 1);
            while (atomic_load(&p->calls) == seen) futex_wait(&p->calls, seen);
            atomic_fetch_sub(&p->sleepers, 1);
        }
        seen = atomic_load(&p->calls);
        if (atomic_load(&p->stop)) return NULL;
        take_part(p, w->index);
    }
}

static void call_workers(rz_pool *p, int at_most)
{
    atomic_fetch_add(&p->calls, 1);
    if (atomic_load(&p->sleepers) > 0) futex_wake(&p->calls, at_most);
}

/* Signals are for the main thread: it alone has none blocked. */
static int start_thread(pthread_t *id, void *(*fn)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited */
    int failure = pthread_create(id, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

bool rz_pool_create(rz_pool **out, int n_threads, rz_err *err)
{
    *out = NULL;
    if (n_threads < 1) return rz_fail(err, RZ_ECONFIG, "%d threads asked for, at least 1 is needed", n_threads);
    rz_fp_setup();
    size_t bytes = sizeof(rz_pool) + (size_t)(n_threads - 1) * sizeof(worker);
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    rz_pool *p = aligned_alloc(CACHE_LINE, bytes);
    if (p == NULL) rz_out_of_memory(bytes);
    memset(p, 0, bytes);
    p->size = 1;
    int failure = 0;
    for (int i = 1; i < n_threads && failure == 0; i++) {
        worker *w = &p->workers[i - 1];
        *w = (worker){.pool = p, .index = i};
        failure = start_thread(&w->id, work, w);
        if (failure == 0) p->size++;
    }
    if (failure != 0) {
        rz_fail(err, RZ_ETRANSIENT, "cannot start thread %d of %d: %s; ask for fewer threads or raise ulimit -u", p->size + 1, n_threads,
                strerror(failure));
        rz_pool_destroy(p);
        return false;
    }
    *out = p;
    return true;
}

void rz_pool_destroy(rz_pool *p)
{
    if (p == NULL) return;
    atomic_store(&p->stop, true);
    call_workers(p, INT_MAX);
    for (int i = 0; i < p->size - 1; i++) pthread_join(p->workers[i].id, NULL);
    free(p);
}

int rz_pool_size(const rz_pool *p) { return p == NULL ? 1 : p->size; }

void rz_pool_run(rz_pool *p, int n, void (*fn)(void *ctx, int i, int thread), void *ctx)
{
    if (p == NULL || p->size == 1 || n <= 1) {
        for (int i = 0; i < n; i++) fn(ctx, i, 0);
        return;
    }
    p->n = n;
    p->fn = fn;
    p->ctx = ctx;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    atomic_store_explicit(&p->door, OPEN, memory_order_release);
    call_workers(p, n - 1);
    deal(p, 0);
    unsigned door = atomic_fetch_and_explicit(&p->door, ~OPEN, memory_order_acquire) & ~OPEN;
    if (door == 0 || poll_word(&p->door, 0, true)) return;
    door = atomic_fetch_or_explicit(&p->door, ASLEEP, memory_order_acquire) | ASLEEP;
    while (door != ASLEEP) {
        futex_wait(&p->door, door);
        door = atomic_load_explicit(&p->door, memory_order_acquire);
    }
}

struct rz_thread {
    pthread_t id;
    void (*fn)(void *ctx);
    void *ctx;
    atomic_bool done;
};

static void *run_thread(void *arg)
{
    rz_thread *t = arg;
    rz_fp_setup();
    t->fn(t->ctx);
    atomic_store_explicit(&t->done, true, memory_order_release);
    return NULL;
}

bool rz_thread_start(rz_thread **out, void (*fn)(void *ctx), void *ctx, rz_err *err)
{
    *out = NULL;
    rz_thread *t = rz_calloc(1, sizeof *t);
    t->fn = fn;
    t->ctx = ctx;
    int failure = start_thread(&t->id, run_thread, t);
    if (failure == 0) {
        *out = t;
        return true;
    }
    free(t);
    return rz_fail(err, RZ_ETRANSIENT, "cannot start a thread: %s; raise ulimit -u", strerror(failure));
}

bool rz_thread_done(rz_thread *t) { return atomic_load_explicit(&t->done, memory_order_acquire); }

void rz_thread_join(rz_thread *t)
{
    if (t == NULL) return;
    pthread_join(t->id, NULL);
    free(t);
}

#if defined(__SSE2__)
enum { FTZ_DAZ_ROUNDING = 0x8000 | 0x0040 | 0x6000 }; /* bits of MXCSR */
void rz_fp_setup(void)
{
    fesetround(FE_TONEAREST); /* the x87 unit too */
    _mm_setcsr(_mm_getcsr() & ~(unsigned)FTZ_DAZ_ROUNDING);
}
bool rz_fp_ok(void) { return (_mm_getcsr() & FTZ_DAZ_ROUNDING) == 0; }
#elif defined(__aarch64__)
static const uint64_t FLUSH_ROUNDING = UINT64_C(0x3f) << 19; /* FPCR: FZ16, RMode and FZ between Stride/Len, and DN */
static uint64_t fpcr(void)
{
    uint64_t bits;
    __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
}
void rz_fp_setup(void)
{
    uint64_t bits = fpcr() & ~FLUSH_ROUNDING;
    __asm__ volatile("msr fpcr, %0" : : "r"(bits));
}
bool rz_fp_ok(void) { return (fpcr() & FLUSH_ROUNDING) == 0; }
#else
void rz_fp_setup(void) { fesetround(FE_TONEAREST); }
bool rz_fp_ok(void) { return fegetround() == FE_TONEAREST; }
#endif

typedef struct {
    atomic_int present, ok;
    int size;
} roll_call;

/* Nobody leaves before all have come, so each thread takes exactly one iteration. */
static void answer(void *ctx, int i, int thread)
{
    (void)i, (void)thread;
    roll_call *r = ctx;
    if (rz_fp_ok()) atomic_fetch_add(&r->ok, 1);
    atomic_fetch_add(&r->present, 1);
    while (atomic_load(&r->present) < r->size) sched_yield();
}

bool rz_pool_fp_ok(rz_pool *p)
{
    roll_call r = {.size = rz_pool_size(p)};
    rz_pool_run(p, r.size, answer, &r);
    return atomic_load(&r.ok) == r.size;
}
