/* The watchdog on one rank: silence is noticed in time and told, signs of life, waits and sleeps of the whole process are not taken for it. Several ranks: tests/system/test_faults.py. */
#include "base/watchdog.h"

#include "base/file.h"
#include "tests/suite.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANG = 86, WRONG = 99 };

static rz_err err;
static rz_comm *comm;
static rz_watchdog *dog;
static double began_s, earliest_s, latest_s;
static const char *says[3];

static void nap(double s)
{
    struct timespec left = {(time_t)s, (long)(1e9 * (s - (double)(time_t)s))};
    while (nanosleep(&left, &left))
        continue;
}

static void died(void *ctx, const char *text)
{
    (void)ctx, (void)text;
    _exit(WRONG);
}

static void hangs(void *ctx, const char *text)
{
    double after_s = rz_now_s() - began_s;
    (void)ctx;
    bool good = after_s >= earliest_s && after_s <= latest_s;
    for (int i = 0; i < 3; i++)
        good &= !says[i] || strstr(text, says[i]);
    if (!good)
        fprintf(stderr, "after %.2f s (%.2f to %.2f): %s\n", after_s, earliest_s, latest_s, text);
    _exit(good ? HANG : WRONG);
}

static void end(void *ctx)
{
    (void)ctx;
    _exit(WRONG);
}

static void start(double limit_s)
{
    rz_watchdog_plan plan = {.died = died, .hangs = hangs, .end = end};
    for (int p = 0; p < RZ_N_PHASES; p++) {
        plan.limit_s[p] = p == RZ_PHASE_UPDATE || p == RZ_PHASE_SAVE ? limit_s : 0;
        plan.key[p] = "watchdog.step_s";
    }
    ck_assert(rz_comm_create(&comm, &err));
    ck_assert_msg(rz_watchdog_start(&dog, comm, &plan, &err), "%s", err.text);
    rz_pulse_enter(RZ_PHASE_UPDATE, 12);
    began_s = rz_now_s();
}

static void stop(void)
{
    rz_watchdog_stop(dog);
    rz_comm_destroy(comm);
}

/* Exits 86. */
START_TEST(silence_is_noticed)
{
    says[0] = "rank 0 (process ", says[1] = "in step 12 (update): it sleeps", says[2] = "raise watchdog.step_s (0.6 s)";
    earliest_s = 0.4, latest_s = 2.6; /* the last sign may lie a look back; a busy machine is given two seconds */
    start(0.6);
    nap(5);
}
END_TEST

/* Exits 86: a rank that waits is alive, but nobody works, and who sees only that speaks a second later. */
START_TEST(waiting_of_all_is_noticed)
{
    says[0] = "every rank on ", says[1] = "has waited for others for", says[2] = "in step 12 (update)";
    earliest_s = 1.4, latest_s = 3.6;
    start(0.6);
    rz_pulse_wait();
    for (int i = 0; i < 500; i++) {
        rz_pulse_poll();
        nap(0.01);
    }
}
END_TEST

START_TEST(signs_of_life_are_seen)
{
    start(1);
    for (int i = 0; i < 30; i++) {
        rz_pulse_beat();
        nap(0.05);
    }
    rz_pulse_enter(RZ_PHASE_EVAL, 12); /* that has no limit */
    nap(1.2);
    stop();
}
END_TEST

/* A silence of 1.2 s that ended (of which looks may miss the fifth of a second) allows for one of 3. */
START_TEST(a_slow_job_is_known_by_its_past)
{
    start(1.8);
    nap(1.2);
    rz_pulse_beat();
    nap(2.3);
    rz_pulse_beat();
    nap(0.3);
    stop();
}
END_TEST

/* Exits 86: a thread beside does not hide that the main one hangs, except while it is waited for. */
static void *beat(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 100; i++) {
        rz_pulse_beat();
        nap(0.05);
    }
    return NULL;
}

START_TEST(threads_beside_hide_nothing)
{
    pthread_t thread;
    says[0] = "has not moved", says[1] = says[2] = NULL;
    earliest_s = 0.4, latest_s = 2.6;
    start(0.6);
    pthread_create(&thread, NULL, beat, NULL);
    nap(5);
}
END_TEST

/* Exits 86: nor while a checkpoint is saved. */
START_TEST(threads_beside_count_while_they_are_waited_for)
{
    pthread_t thread;
    says[0] = "has not moved", says[1] = "(save)", says[2] = NULL;
    earliest_s = 1.6, latest_s = 3.8;
    start(0.6);
    rz_pulse_enter(RZ_PHASE_SAVE, 12);
    pthread_create(&thread, NULL, beat, NULL);
    rz_pulse_await(true);
    nap(1.2);
    rz_pulse_await(false);
    nap(5);
}
END_TEST

/* Stopped as a whole for longer than the limit, in the middle of a long piece of work: the machine was asleep, and nothing hangs. */
START_TEST(a_job_that_was_stopped_goes_on)
{
    int status;
    pid_t child = fork();
    if (!child) {
        start(2.8);
        nap(4.5); /* the 3.5 s of the stop are in it */
        stop();
        _exit(0);
    }
    nap(0.4);
    kill(child, SIGSTOP);
    nap(3.5);
    kill(child, SIGCONT);
    ck_assert(waitpid(child, &status, 0) == child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watchdog");
    TCase *t = tcase_create("watchdog");
    tcase_set_timeout(t, 60);
    tcase_add_exit_test(t, silence_is_noticed, HANG);
    tcase_add_exit_test(t, waiting_of_all_is_noticed, HANG);
    tcase_add_exit_test(t, threads_beside_hide_nothing, HANG);
    tcase_add_exit_test(t, threads_beside_count_while_they_are_waited_for, HANG);
    tcase_add_test(t, signs_of_life_are_seen);
    tcase_add_test(t, a_slow_job_is_known_by_its_past);
    tcase_add_test(t, a_job_that_was_stopped_goes_on);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
