#include "rewards/worker.h"
#include "tests/suite.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a worker that does what it is told ---- */

static int calls; /* the worker's own */

static int segfault(void)
{
    signal(SIGSEGV, SIG_DFL); /* AddressSanitizer would make a story of it */
    return raise(SIGSEGV);
}

static void *open_obedient(rz_slice setup, rz_err *err)
{
    if (setup.len >= 6 && !memcmp(setup.s, "refuse", 6)) {
        rz_fail(err, RZ_EDATA, "not %.*s", (int)setup.len, setup.s);
        return NULL;
    }
    if (setup.len == 5 && !memcmp(setup.s, "crash", 5)) segfault();
    return rz_strndup(setup.s, setup.len);
}

static size_t say(char *to, const char *text) { return (size_t)sprintf(to, "%s", text); }

static size_t allocate(char *answer)
{
    size_t mib = 0;
    for (void *p; mib < 10240 && (p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED; mib++) memset(p, 1, 1 << 20);
    return (size_t)sprintf(answer, "%zu", mib);
}

static size_t list_descriptors(char *answer)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; (e = readdir(d));) {
        char path[64], to[256];
        snprintf(path, sizeof path, "/proc/self/fd/%.16s", e->d_name);
        ssize_t len = readlink(path, to, sizeof to - 1);
        if (len <= 0 || atoi(e->d_name) == dirfd(d)) continue;
        to[len] = 0;
        n += (size_t)sprintf(answer + n, "%s=%s\n", e->d_name, to);
    }
    closedir(d);
    return n;
}

static size_t obey(void *self, rz_slice request, char *answer)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)(request.len < 60 ? request.len : 60), request.s);
    calls++;
    if (!strcmp(word, "setup")) return say(answer, self);
    if (!strcmp(word, "calls")) return (size_t)sprintf(answer, "%d", calls);
    if (!strcmp(word, "pid")) return (size_t)sprintf(answer, "%d", (int)getpid());
    if (!strcmp(word, "parent")) return (size_t)sprintf(answer, "%d", (int)getppid());
    if (!strcmp(word, "segfault")) segfault();
    if (!strcmp(word, "abort")) abort();
    if (!strcmp(word, "kill")) raise(SIGKILL);
    if (!strcmp(word, "exit")) _exit(3);
    if (!strcmp(word, "memory")) rz_out_of_memory(1);
    if (!strcmp(word, "allocate")) return allocate(answer);
    if (!strcmp(word, "descriptors")) return list_descriptors(answer);
    if (!strcmp(word, "most")) return RZ_WORKER_MAX_ANSWER;
    if (!strcmp(word, "too much")) return RZ_WORKER_MAX_ANSWER + 1;
    if (!strcmp(word, "loop"))
        for (;;) pause();
    if (!strcmp(word, "breed")) { /* a child that outlives the worker unless somebody ends it */
        int pid = (int)fork();
        if (pid == 0)
            for (;;) pause();
        return (size_t)sprintf(answer, "%d", pid);
    }
    memcpy(answer, request.s, request.len);
    return request.len;
}

static const rz_worker_kind obedient = {"obedient", open_obedient, obey};
static const rz_worker_kind *const kinds[] = {&obedient};

static rz_err err;
static rz_helper *helper;

static void set_up(void) { ck_assert_msg(rz_helper_fork(&helper, kinds, 1, NULL, &err), "%s", err.text); }
static void tear_down(void)
{
    rz_helper_stop(helper);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child, living or dead */
}

static rz_worker *worker(const char *setup, int memory_mib, int deadline_ms)
{
    rz_worker *w;
    ck_assert_msg(rz_worker_start(&w, helper, "obedient", (rz_slice){setup, strlen(setup)}, memory_mib, deadline_ms, &err), "%s", err.text);
    return w;
}

static char reason[RZ_WORKER_REASON];

static rz_worker_result ask(rz_worker *w, const char *word, char *to, size_t size)
{
    rz_slice answer;
    const rz_slice pieces[] = {{word, strlen(word)}};
    rz_worker_result got = rz_worker_ask(w, pieces, 1, &answer, reason);
    snprintf(to, size, "%.*s", (int)answer.len, answer.s);
    return got;
}

static void expect(rz_worker *w, const char *word, const char *want)
{
    char got[4096];
    ck_assert_msg(ask(w, word, got, sizeof got) == RZ_WORKER_ANSWERED, "%s: %s", word, reason);
    ck_assert_str_eq(got, want);
}

static int number(rz_worker *w, const char *word)
{
    char got[64];
    ck_assert_int_eq(ask(w, word, got, sizeof got), RZ_WORKER_ANSWERED);
    return atoi(got);
}

/* It ends (a zombie of somebody's has ended too). */
static bool ends(int pid)
{
    char path[64], line[256];
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *f = fopen(path, "r");
        if (!f) return true;
        char *got = fgets(line, sizeof line, f);
        fclose(f);
        if (got && strstr(line, ") Z")) return true;
        usleep(10000);
    }
    return false;
}

static int descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* ---- tests ---- */

START_TEST(workers_answer)
{
    rz_worker *a = worker("one", 0, 5000), *b = worker("two", 0, 5000);
    for (int i = 0; i < 100; i++) {
        expect(a, "setup", "one");
        expect(b, "setup", "two");
        expect(a, "echo", "echo");
        expect(b, "", "");
    }
    ck_assert_int_ne(number(a, "pid"), number(b, "pid"));
    ck_assert_int_eq(number(a, "parent"), number(b, "parent"));
    ck_assert_int_ne(number(a, "parent"), (int)getpid());
    rz_worker_stop(a);
    expect(b, "setup", "two");
    rz_worker_stop(b);
    rz_worker_stop(NULL);
}
END_TEST

START_TEST(pieces_of_any_size)
{
    rz_worker *w = worker("", 0, 20000);
    size_t len = RZ_WORKER_MAX_ANSWER / 2;
    char *big = rz_malloc(len);
    for (size_t i = 0; i < len; i++) big[i] = (char)(i * 7 + i / 251);
    const rz_slice pieces[] = {{"", 0}, {big, len}, {"", 0}, {big, len}};
    rz_slice answer;
    ck_assert_int_eq(rz_worker_ask(w, pieces, 4, &answer, reason), RZ_WORKER_ANSWERED);
    ck_assert_uint_eq(answer.len, 2 * len);
    ck_assert(!memcmp(answer.s, big, len) && !memcmp(answer.s + len, big, len));
    ck_assert_int_eq(ask(w, "most", (char[8]){0}, 8), RZ_WORKER_ANSWERED);
    ck_assert_int_eq(ask(w, "too much", (char[8]){0}, 8), RZ_WORKER_CRASHED);
    expect(w, "calls", "1");
    free(big);
    rz_worker_stop(w);
}
END_TEST

static const struct { const char *word; rz_worker_result result; const char *says; } ways_to_end[] = {
    {"segfault", RZ_WORKER_CRASHED, "signal 11"}, {"abort", RZ_WORKER_CRASHED, "signal 6"}, {"exit", RZ_WORKER_CRASHED, "status 3"},
    {"memory", RZ_WORKER_CRASHED, "out of memory"}, {"kill", RZ_WORKER_KILLED, "signal 9"}, {"loop", RZ_WORKER_KILLED, "0.2 seconds"}};
enum { N_WAYS = sizeof ways_to_end / sizeof ways_to_end[0] };

START_TEST(an_end_costs_one_answer)
{
    int before = descriptors();
    char unused[8];
    rz_worker *w = worker("still", 0, 200), *other = worker("other", 0, 20000);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N_WAYS; i++) {
            expect(w, "setup", "still");
            ck_assert_msg(ask(w, ways_to_end[i].word, unused, sizeof unused) == ways_to_end[i].result, "%s: %s", ways_to_end[i].word, reason);
            ck_assert_msg(strstr(reason, ways_to_end[i].says), "%s: %s", ways_to_end[i].word, reason);
        }
    expect(w, "calls", "1");
    expect(other, "calls", "1"); /* nobody else notices */
    rz_worker_stop(w);
    rz_worker_stop(other);
    ck_assert_int_eq(descriptors(), before);
}
END_TEST

START_TEST(memory_is_limited)
{
    rz_worker *w = worker("", 64, 20000);
    int mib = number(w, "allocate");
    ck_assert_msg(mib >= 50 && mib <= 64, "%d MiB", mib);
    rz_worker_stop(w);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    rz_worker *w;
    ck_assert(!rz_worker_start(&w, helper, "obedient", (rz_slice){"refuse me", 9}, 0, 1000, &err));
    ck_assert_ptr_null(w);
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_str_eq(err.text, "not refuse me");
    ck_assert(!rz_worker_start(&w, helper, "obedient", (rz_slice){"crash", 5}, 0, 1000, &err));
    ck_assert_msg(strstr(err.text, "signal 11"), "%s", err.text);
    ck_assert(!rz_worker_start(&w, helper, "unknown", (rz_slice){"", 0}, 0, 1000, &err));
    ck_assert_int_eq(err.code, RZ_EINTERNAL);
}
END_TEST

START_TEST(nothing_is_inherited)
{
    int fd = dup(0); /* not closed on exec, as a library might leave it */
    rz_helper *late;
    rz_worker *w, *x;
    char got[4096];
    ck_assert(rz_helper_fork(&late, kinds, 1, NULL, &err));
    ck_assert(rz_worker_start(&w, late, "obedient", (rz_slice){"", 0}, 0, 5000, &err) && rz_worker_start(&x, late, "obedient", (rz_slice){"", 0}, 0, 5000, &err));
    ck_assert_int_eq(ask(x, "descriptors", got, sizeof got), RZ_WORKER_ANSWERED);
    int lines = 0;
    for (const char *p = got; (p = strchr(p, '\n')); p++) lines++;
    ck_assert_msg(lines == 4 && strstr(got, "0=/dev/null\n1=/dev/null\n2=/dev/null\n") == got && strstr(got, "socket:"), "%s", got);
    rz_worker_stop(w);
    rz_worker_stop(x);
    rz_helper_stop(late);
    close(fd);
}
END_TEST

START_TEST(what_a_worker_started_ends_with_it)
{
    rz_worker *w = worker("", 0, 200);
    int child = number(w, "breed"), other = number(w, "breed");
    ck_assert_int_eq(ask(w, "loop", (char[8]){0}, 8), RZ_WORKER_KILLED);
    ck_assert(ends(child) && ends(other));
    child = number(w, "breed");
    rz_worker_stop(w);
    ck_assert(ends(child));
    w = worker("", 0, 200);
    child = number(w, "breed");
    ck_assert_int_eq(ask(w, "segfault", (char[8]){0}, 8), RZ_WORKER_CRASHED);
    ck_assert(ends(child));
    rz_worker_stop(w);
}
END_TEST

/* A rank that is killed takes all of them with it. */
START_TEST(they_die_with_the_rank)
{
    int pids[3], pipes[2], status;
    ck_assert_int_eq(pipe(pipes), 0);
    int rank = (int)fork();
    if (rank == 0) {
        rz_helper *h;
        rz_worker *w = NULL;
        if (!rz_helper_fork(&h, kinds, 1, NULL, &err) || !rz_worker_start(&w, h, "obedient", (rz_slice){"", 0}, 0, 5000, &err)) _exit(1);
        pids[0] = number(w, "pid"), pids[1] = number(w, "parent"), pids[2] = number(w, "breed");
        if (write(pipes[1], pids, sizeof pids) < 0) _exit(1);
        for (;;) pause();
    }
    ck_assert_int_eq(read(pipes[0], pids, sizeof pids), sizeof pids);
    kill(rank, SIGKILL);
    ck_assert_int_eq(waitpid(rank, &status, 0), rank);
    ck_assert(ends(pids[0]) && ends(pids[1]));
    kill(pids[2], SIGKILL); /* a child of a worker that was killed from outside is its worker's own affair: programs ask to die with it (child.c) */
    close(pipes[0]), close(pipes[1]);
}
END_TEST

/* Signals that are meant for the rank, as Ctrl-C sends them to a whole group, do not reach its helpers. */
START_TEST(signals_for_the_rank_pass_by)
{
    rz_worker *w = worker("", 0, 5000);
    int pid = number(w, "pid"), parent = number(w, "parent");
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    for (int i = 0; i < 4; i++) kill(pid, all[i]), kill(parent, all[i]);
    ck_assert_int_eq(number(w, "pid"), pid);
    ck_assert_int_eq(number(w, "parent"), parent);
    rz_worker_stop(w);
}
END_TEST

START_TEST(without_a_supervisor_every_answer_is_an_error)
{
    rz_worker *w = worker("", 0, 1000), *x;
    kill(number(w, "parent"), SIGKILL);
    for (int i = 0; i < 50 && ask(w, "pid", (char[8]){0}, 8) == RZ_WORKER_ANSWERED; i++) usleep(10000);
    ck_assert_int_eq(ask(w, "pid", (char[8]){0}, 8), RZ_WORKER_CRASHED);
    ck_assert_msg(strstr(reason, "gone"), "%s", reason);
    ck_assert(!rz_worker_start(&x, helper, "obedient", (rz_slice){"", 0}, 0, 1000, &err));
    rz_worker_stop(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("helper");
    TCase *t = tcase_create("workers");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, workers_answer);
    tcase_add_test(t, pieces_of_any_size);
    tcase_add_test(t, an_end_costs_one_answer);
    tcase_add_test(t, memory_is_limited);
    tcase_add_test(t, a_refusal_is_told);
    tcase_add_test(t, nothing_is_inherited);
    tcase_add_test(t, what_a_worker_started_ends_with_it);
    tcase_add_test(t, they_die_with_the_rank);
    tcase_add_test(t, signals_for_the_rank_pass_by);
    tcase_add_test(t, without_a_supervisor_every_answer_is_an_error);
    suite_add_tcase(s, t);
    return run_suite(s);
}
