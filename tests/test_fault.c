/* Faults made on purpose: which texts are faults, what the others are told, and that a fault strikes where and as often as it says, once a run directory. */
#include "base/fault.h"
#include "base/file.h"
#include "tests/suite.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static rz_err err;
static char dir[64];

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/rulezero-fault-XXXXXX");
    ck_assert(mkdtemp(dir));
}

static void teardown(void)
{
    char path[128];
    static const char *const names[] = {"faults", "log", "file"};
    rz_fault_disarm();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void arm(const char *text, int rank, const char *stage)
{
    rz_text_list list = {0};
    char copy[512], *save = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *t = strtok_r(copy, " ", &save); t; t = strtok_r(NULL, " ", &save))
        list.v[list.n++] = t;
    ck_assert_msg(rz_fault_arm(&list, rank, stage, dir, &err), "%s", err.text);
}

static const struct { const char *text, *says; } texts[] = { /* says NULL: it is one */
    {"kill:rank=1,step=7", NULL},
    {"kill:step=1", NULL},
    {"stop:rank=0,step=1000000000,phase=save,stage=pretrain", NULL},
    {"slow:step=3,seconds=0.25", NULL},
    {"nan:what=loss,step=4,times=2,windows=3", NULL},
    {"io:rank=0,step=5,what=fsync,error=EIO,times=2,path=checkpoints/", NULL},
    {"kil:step=1", "did you mean 'kill'"},
    {"explode:step=1", "there are kill, stop, hang, slow, nan, io"},
    {"", "there is no kind"},
    {"kill", "step is missing"},
    {"kill:rank=1", "step is missing"},
    {"kill:step=1,rnk=1", "did you mean 'rank'"},
    {"kill:step=1,seconds=3", "no key of kill 'seconds'"},
    {"kill:step", "'step' is no KEY=VALUE"},
    {"kill:step=0", "must be a whole number in 1..1e+09"},
    {"kill:step=1.5", "must be a whole number"},
    {"kill:step=-1", "must be a whole number"},
    {"kill:step=1e3", "must be a whole number"},
    {"kill:step=1,phase=sav", "did you mean 'save'"},
    {"slow:step=1", "seconds is missing"},
    {"slow:step=1,seconds=x", "must be a number"},
    {"nan:step=1", "what is missing"},
    {"nan:step=1,what=write", "there are reward, loss, gradient, weights"},
    {"nan:step=1,what=loss,rank=1", "no key of nan 'rank'"},
    {"io:step=1,what=loss,error=EIO", "there are write, fsync, rename"},
    {"io:step=1,what=write", "error is missing"},
    {"io:step=1,what=write,error=ENOMEM", "error 'ENOMEM'"},
    {"io:step=1,what=write,error=EIO,path=", "path must be a part of a path"},
};

START_TEST(faults_are_read)
{
    const char *text = texts[_i].text, *says = texts[_i].says;
    bool good = rz_fault_check(text, &err);
    ck_assert_msg(good == !says, "'%s': %s", text, err.text);
    if (says)
        ck_assert_msg(strstr(err.text, says) && strstr(err.text, text) && err.code == RZ_ECONFIG, "'%s': %s", text, err.text);
}
END_TEST

/* How a child ends that comes to this point. */
static int end_of(rz_phase phase, int64_t step)
{
    int status;
    pid_t child = fork();
    if (!child) {
        rz_fault_strike(phase, step);
        _exit(0);
    }
    ck_assert(waitpid(child, &status, WUNTRACED) == child);
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return -WSTOPSIG(status);
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_rank_is_killed_once_a_run)
{
    static const char text[] = "kill:rank=2,step=3,phase=update";
    arm(text, 1, "train");
    ck_assert_int_eq(end_of(RZ_PHASE_UPDATE, 3), 0); /* another rank */
    arm(text, 2, "pretrain");
    ck_assert_int_eq(end_of(RZ_PHASE_UPDATE, 3), 0); /* another stage */
    arm(text, 2, "train");
    ck_assert_int_eq(end_of(RZ_PHASE_UPDATE, 2), 0);
    ck_assert_int_eq(end_of(RZ_PHASE_SAMPLE, 3), 0);
    ck_assert_int_eq(end_of(RZ_PHASE_UPDATE, 3), SIGKILL);
    arm(text, 2, "train"); /* the job that is started again */
    ck_assert_int_eq(end_of(RZ_PHASE_UPDATE, 3), 0);
    char path[128], *lines;
    size_t len;
    snprintf(path, sizeof path, "%s/faults", dir);
    ck_assert(rz_file_read(path, 1000, &lines, &len, &err));
    ck_assert_str_eq(lines, "kill:rank=2,step=3,phase=update\n");
    free(lines);
}
END_TEST

START_TEST(two_of_a_kind_strike_twice)
{
    static const char text[] = "stop:step=3 stop:step=3";
    arm(text, 0, "train");
    ck_assert_int_eq(end_of(RZ_PHASE_SAMPLE, 3), -SIGSTOP);
    arm(text, 0, "train");
    ck_assert_int_eq(end_of(RZ_PHASE_SAMPLE, 3), -SIGSTOP);
    arm(text, 0, "train");
    ck_assert_int_eq(end_of(RZ_PHASE_SAMPLE, 3), 0);
}
END_TEST

START_TEST(what_cannot_be_remembered_does_not_strike)
{
    arm("kill:step=1", 0, "train");
    ck_assert(!rmdir(dir));
    ck_assert_int_eq(end_of(RZ_PHASE_SAMPLE, 1), 0);
}
END_TEST

START_TEST(a_slow_rank_comes_late)
{
    arm("slow:step=2,seconds=0.2", 0, "train");
    double start = rz_now_s();
    rz_fault_strike(RZ_PHASE_SAMPLE, 1);
    double between = rz_now_s();
    rz_fault_strike(RZ_PHASE_SAMPLE, 2);
    rz_fault_strike(RZ_PHASE_UPDATE, 2);
    double end = rz_now_s();
    ck_assert(between - start < 0.2 && end - between >= 0.2); /* two of them would be 0.4, which a busy machine takes for one */
}
END_TEST

START_TEST(numbers_are_spoilt_by_step_and_window)
{
    arm("nan:what=gradient,step=4,times=2,windows=2", 3, "train");
    for (int64_t window = 0; window < 4; window++)
        for (int64_t step = 1; step < 9; step++) {
            rz_fault_window(window);
            rz_fault_strike(RZ_PHASE_SAMPLE, step);
            ck_assert_int_eq(rz_fault_nan(RZ_NAN_GRADIENT), window < 2 && (step == 4 || step == 5));
            ck_assert(!rz_fault_nan(RZ_NAN_LOSS));
        }
    arm("nan:what=gradient,step=4", 0, "train"); /* and again, in a job that was started again */
    rz_fault_strike(RZ_PHASE_SAMPLE, 4);
    ck_assert(rz_fault_nan(RZ_NAN_GRADIENT));
}
END_TEST

START_TEST(calls_fail_as_often_as_asked)
{
    static const char text[] = "io:step=3,what=write,error=ENOSPC,times=2,path=file";
    arm(text, 0, "train");
    rz_fault_strike(RZ_PHASE_SAMPLE, 2);
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/file"), 0);
    rz_fault_strike(RZ_PHASE_SAMPLE, 4); /* from step 3 on */
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/log"), 0);
    ck_assert_int_eq(rz_fault_io(RZ_IO_FSYNC, "a/file"), 0);
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/file"), ENOSPC);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/file"), ENOSPC);
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/file"), 0);
    arm(text, 0, "train");
    rz_fault_strike(RZ_PHASE_SAMPLE, 4);
    ck_assert_int_eq(rz_fault_io(RZ_IO_WRITE, "a/file"), 0);
}
END_TEST

/* Through the functions that write: whole files stay what they were, logs take half a line back. */
START_TEST(files_stay_what_they_were)
{
    static const struct { const char *fault, *says; } ways[] = {
        {"io:step=1,what=write,error=ENOSPC,path=/file", "No space left on device"},
        {"io:step=1,what=fsync,error=EIO,path=/file", "sync of"},
        {"io:step=1,what=rename,error=EROFS,path=/file", "Read-only file system"},
    };
    char path[128], log_path[128], *now;
    size_t len;
    rz_log *log;
    snprintf(path, sizeof path, "%s/file", dir);
    snprintf(log_path, sizeof log_path, "%s/log", dir);
    ck_assert(rz_file_write(path, "old", 3, &err));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        arm(ways[i].fault, 0, "train");
        rz_fault_strike(RZ_PHASE_SAMPLE, 1);
        ck_assert(!rz_file_write(path, "new", 3, &err));
        ck_assert_msg(err.code == RZ_EIO && strstr(err.text, ways[i].says), "%s", err.text);
        ck_assert(rz_file_read(path, 100, &now, &len, &err));
        ck_assert_str_eq(now, "old");
        free(now);
    }
    ck_assert(rz_log_open(&log, log_path, 0, &err));
    arm("io:step=1,what=write,error=EDQUOT,path=/log io:step=1,what=fsync,error=EIO,path=/log", 0, "train");
    rz_fault_strike(RZ_PHASE_SAMPLE, 1);
    ck_assert(!rz_log_line(log, "one", &err) && err.code == RZ_EIO && !rz_log_sync(log, &err) && err.code == RZ_EIO);
    ck_assert(rz_log_line(log, "two", &err) && rz_log_sync(log, &err));
    rz_log_close(log);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fault");
    TCase *t = tcase_create("fault");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, faults_are_read, 0, (int)(sizeof texts / sizeof texts[0]));
    tcase_add_test(t, a_rank_is_killed_once_a_run);
    tcase_add_test(t, two_of_a_kind_strike_twice);
    tcase_add_test(t, what_cannot_be_remembered_does_not_strike);
    tcase_add_test(t, a_slow_rank_comes_late);
    tcase_add_test(t, numbers_are_spoilt_by_step_and_window);
    tcase_add_test(t, calls_fail_as_often_as_asked);
    tcase_add_test(t, files_stay_what_they_were);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
