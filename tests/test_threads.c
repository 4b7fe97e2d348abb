/* Pools of threads, and single ones. */
#include "base/threads.h"
#include "tests/suite.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

static rz_err err;

enum { MAX_N = 5000, MAX_THREADS = 8 };
typedef struct {
    atomic_int hits[MAX_N];
    atomic_int present, spoilt;
    int size;
} loop;

static void count(void *ctx, int i, int thread)
{
    loop *l = ctx;
    if (thread < 0 || thread >= l->size) atomic_fetch_add(&l->spoilt, 1);
    atomic_fetch_add(&l->hits[i], 1);
}

START_TEST(pool_runs_each_iteration_once)
{
    static const int ns[] = {0, 1, 2, 3, 7, 8, 100, MAX_N};
    loop *l = rz_malloc(sizeof *l);
    for (int size = 0; size <= MAX_THREADS; size++) { /* 0: no pool */
        rz_pool *pool = NULL;
        if (size > 0) ck_assert(rz_pool_create(&pool, size, &err));
        ck_assert_int_eq(rz_pool_size(pool), size > 0 ? size : 1);
        for (size_t k = 0; k < sizeof ns / sizeof *ns; k++) {
            memset(l, 0, sizeof *l);
            l->size = rz_pool_size(pool);
            rz_pool_run(pool, ns[k], count, l);
            int wrong = 0;
            for (int i = 0; i < MAX_N; i++) wrong += l->hits[i] != (i < ns[k]);
            ck_assert_int_eq(wrong, 0);
            ck_assert_int_eq(l->spoilt, 0);
        }
        rz_pool_destroy(pool);
    }
    free(l);
}
END_TEST

static void add(void *ctx, int i, int thread)
{
    int64_t *x = ctx;
    (void)thread;
    x[i * 8] += i + 1; /* plain memory: the pool must order it before and after */
}

typedef struct { int done; bool fp, masked; } aside;

static void beside(void *ctx)
{
    aside *a = ctx;
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    a->fp = rz_fp_ok();
    a->masked = sigismember(&now, SIGTERM) == 1;
    a->done++;
}

START_TEST(a_thread_runs_its_call_once)
{
    for (int i = 0; i < 50; i++) {
        aside a = {0};
        rz_thread *t;
        ck_assert(rz_thread_start(&t, beside, &a, &err));
        if (i % 2)
            while (!rz_thread_done(t)) sched_yield();
        rz_thread_join(t);
        ck_assert(a.done == 1 && a.fp && a.masked);
    }
    rz_thread_join(NULL);
}
END_TEST

START_TEST(pool_survives_many_short_loops)
{
    static const int sizes[] = {2, 3, 5};
    for (int k = 0; k < 3; k++) {
        rz_pool *pool;
        ck_assert(rz_pool_create(&pool, sizes[k], &err));
        int64_t x[8 * 8] = {0};
        enum { TURNS = 5000 };
        for (int turn = 0; turn < TURNS; turn++) {
            rz_pool_run(pool, 8, add, x);
            if (turn % 1000 == 0) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* lets the workers fall asleep */
            int wrong = 0;
            for (int i = 0; i < 8; i++) wrong += x[i * 8] != (int64_t)(i + 1) * (turn + 1);
            if (wrong > 0) ck_abort_msg("turn %d: %d sums are wrong", turn, wrong);
        }
        rz_pool_destroy(pool);
    }
}
END_TEST

/* Waits until as many iterations as there are threads run at once (10 s at most). */
static void meet(void *ctx, int i, int thread)
{
    loop *l = ctx;
    atomic_fetch_add(&l->hits[thread], 1);
    atomic_fetch_add(&l->present, 1);
    time_t end = time(NULL) + 10;
    while (atomic_load(&l->present) < l->size && time(NULL) < end) sched_yield();
    (void)i;
}

START_TEST(pool_uses_every_thread_even_after_sleep)
{
    rz_pool *pool;
    ck_assert(rz_pool_create(&pool, 4, &err));
    for (int turn = 0; turn < 5; turn++) {
        loop l = {.size = 4};
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        rz_pool_run(pool, 4, meet, &l);
        for (int t = 0; t < 4; t++) ck_assert_int_eq(l.hits[t], 1);
    }
    rz_pool_destroy(pool);
}
END_TEST

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

START_TEST(pool_burns_nothing_when_idle)
{
    rz_pool *pool;
    ck_assert(rz_pool_create(&pool, 4, &err));
    ck_assert(rz_pool_fp_ok(pool));
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    double before = cpu_s();
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    double burnt = cpu_s() - before;
    ck_assert_msg(burnt < 0.01, "%g s of CPU time in 0.2 s of idling", burnt);
    rz_pool_destroy(pool);
}
END_TEST

typedef struct {
    atomic_int begun, napping;
} naps;

static void nap_on_worker(void *ctx, int i, int thread)
{
    naps *n = ctx;
    (void)i;
    if (thread == 0) { /* leaves something to the workers */
        time_t end = time(NULL) + 10;
        while (atomic_load(&n->begun) < 2 && time(NULL) < end) sched_yield();
        return;
    }
    atomic_fetch_add(&n->napping, 1);
    atomic_fetch_add(&n->begun, 1);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    atomic_fetch_sub(&n->napping, 1);
}

/* The caller must fall asleep, be woken, and return only when all are out. */
START_TEST(pool_waits_for_slow_workers)
{
    rz_pool *pool;
    ck_assert(rz_pool_create(&pool, 4, &err));
    for (int turn = 0; turn < 20; turn++) {
        naps n = {0};
        rz_pool_run(pool, 6, nap_on_worker, &n);
        ck_assert_int_eq(n.napping, 0);
        ck_assert_int_ge(n.begun, 2);
    }
    rz_pool_destroy(pool);
}
END_TEST

START_TEST(pool_of_no_threads_is_refused)
{
    rz_pool *pool;
    ck_assert(!rz_pool_create(&pool, 0, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_ptr_null(pool);
    rz_pool_destroy(NULL);
}
END_TEST

#ifndef UNDER_SANITIZER /* which maps terabytes */
START_TEST(pool_that_cannot_start_its_threads_fails_with_a_sentence)
{
    struct rlimit limit = {.rlim_cur = (rlim_t)1 << 30, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    rz_pool *pool;
    ck_assert(!rz_pool_create(&pool, 100000, &err));
    ck_assert_int_eq(err.code, RZ_ETRANSIENT);
    ck_assert_ptr_null(pool);
}
END_TEST
#endif

static void check_signals(void *ctx, int i, int thread)
{
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    if (thread != 0 && !sigismember(&set, SIGTERM)) atomic_fetch_add(&((loop *)ctx)->spoilt, 1);
    meet(ctx, i, thread);
}

START_TEST(signals_go_to_the_main_thread)
{
    rz_pool *pool;
    sigset_t set;
    ck_assert(rz_pool_create(&pool, 3, &err));
    loop l = {.size = 3};
    rz_pool_run(pool, 3, check_signals, &l);
    ck_assert_int_eq(l.spoilt, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    ck_assert(!sigismember(&set, SIGTERM));
    rz_pool_destroy(pool);
}
END_TEST

static void spoil_worker(void *ctx, int i, int thread)
{
    if (thread == 1) fesetround(FE_UPWARD);
    meet(ctx, i, thread);
}

static void repair(void *ctx, int i, int thread)
{
    rz_fp_setup();
    meet(ctx, i, thread);
}

START_TEST(floating_point_control_is_set_and_watched)
{
    fesetround(FE_DOWNWARD);
    ck_assert(!rz_fp_ok());
    rz_fp_setup();
    ck_assert(rz_fp_ok());
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
#ifdef __SSE2__
    static const unsigned bits[] = {0x8000 /* flush to zero */, 0x0040 /* denormals are zero */};
    for (int i = 0; i < 2; i++) {
        volatile float tiny = 0x1p-126f, half = 0.5f;
        _mm_setcsr(_mm_getcsr() | bits[i]);
        ck_assert(!rz_fp_ok());
        rz_fp_setup();
        ck_assert(rz_fp_ok());
        volatile float denormal = tiny * half;
        ck_assert(denormal / half == 0x1p-126f);
    }
    _mm_setcsr(_mm_getcsr() | bits[0]);
#endif
    rz_pool *pool; /* creating it sets the caller right, whatever its threads inherit */
    ck_assert(rz_pool_create(&pool, 3, &err));
    ck_assert(rz_pool_fp_ok(pool));
    loop l = {.size = 3};
    rz_pool_run(pool, 3, spoil_worker, &l);
    ck_assert(rz_fp_ok());
    ck_assert(!rz_pool_fp_ok(pool));
    loop again = {.size = 3};
    rz_pool_run(pool, 3, repair, &again);
    ck_assert(rz_pool_fp_ok(pool));
    ck_assert(rz_pool_fp_ok(NULL));
    rz_pool_destroy(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 60);
#ifndef UNDER_SANITIZER
    tcase_add_test(tests, pool_that_cannot_start_its_threads_fails_with_a_sentence);
#endif
    tcase_add_test(tests, pool_runs_each_iteration_once);
    tcase_add_test(tests, a_thread_runs_its_call_once);
    tcase_add_test(tests, pool_survives_many_short_loops);
    tcase_add_test(tests, pool_uses_every_thread_even_after_sleep);
    tcase_add_test(tests, pool_burns_nothing_when_idle);
    tcase_add_test(tests, pool_waits_for_slow_workers);
    tcase_add_test(tests, pool_of_no_threads_is_refused);
    tcase_add_test(tests, signals_go_to_the_main_thread);
    tcase_add_test(tests, floating_point_control_is_set_and_watched);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
