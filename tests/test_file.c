#include "tests/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The contents must be exactly this, read without our own code. */
static void expect(const char *path, const char *text, size_t len)
{
    char *have = rz_malloc(len + 2);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is missing", path);
    size_t n = fread(have, 1, len + 2, f);
    fclose(f);
    ck_assert_uint_eq(n, len);
    ck_assert(memcmp(have, text, len) == 0);
    free(have);
}

static void expect_names(const char *path, const char *joined)
{
    char **names, all[1024] = "";
    int n;
    ck_assert_msg(rz_dir_list(path, &names, &n, &err), "%s", err.text);
    for (int i = 0; i < n; i++) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? " " : "", names[i]);
        free(names[i]);
    }
    free(names);
    ck_assert_str_eq(all, joined);
}

START_TEST(read_gives_the_whole_file_and_a_nul)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 300000};
    char *text = rz_malloc(300000), *data;
    size_t len;
    for (size_t i = 0; i < 300000; i++) text[i] = (char)(i * 31 >> 4);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        put(in_folder("f"), text, sizes[k]);
        ck_assert(rz_file_read(in_folder("f"), sizes[k], &data, &len, &err)); /* exactly the limit */
        ck_assert_uint_eq(len, sizes[k]);
        ck_assert(memcmp(data, text, len) == 0);
        ck_assert_int_eq(data[len], 0);
        free(data);
        ck_assert(rz_file_read(in_folder("f"), SIZE_MAX, &data, &len, &err) && len == sizes[k]);
        free(data);
        if (sizes[k] == 0) continue;
        ck_assert(!rz_file_read(in_folder("f"), sizes[k] - 1, &data, &len, &err));
        expect_failure(RZ_EDATA, folder);
        ck_assert_ptr_null(data);
    }
    free(text);
}
END_TEST

START_TEST(read_takes_files_without_a_size)
{
    char *data, *text = rz_malloc(200000);
    size_t len;
    ck_assert(rz_file_read("/proc/self/status", 1 << 20, &data, &len, &err));
    ck_assert_uint_gt(len, 100);
    ck_assert_ptr_nonnull(strstr(data, "VmSize") != NULL ? data : strstr(data, "Name"));
    free(data);
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    memset(text, 'x', 200000);
    pid_t child = fork();
    if (child == 0) {
        put(in_folder("pipe"), text, 200000);
        _exit(0);
    }
    ck_assert(rz_file_read(in_folder("pipe"), 1 << 20, &data, &len, &err));
    ck_assert_uint_eq(len, 200000);
    ck_assert(memcmp(data, text, len) == 0);
    waitpid(child, NULL, 0);
    free(data);
    free(text);
}
END_TEST

START_TEST(read_failures_name_the_file)
{
    char *data;
    size_t len;
    ck_assert(!rz_file_read(in_folder("missing"), 10, &data, &len, &err));
    expect_failure(RZ_EIO, "missing: No such file");
    ck_assert(!rz_file_read(folder, 10, &data, &len, &err));
    expect_failure(RZ_EIO, "directory");
}
END_TEST

START_TEST(write_replaces_the_file_and_leaves_nothing_else)
{
    ck_assert(rz_file_write(in_folder("a"), "one", 3, &err));
    expect(in_folder("a"), "one", 3);
    ck_assert(rz_file_write(in_folder("a"), "", 0, &err));
    expect(in_folder("a"), "", 0);
    char *big = rz_calloc(9 << 20, 1);
    big[9 << 19] = 'x';
    ck_assert(rz_file_write(in_folder("a"), big, 9 << 20, &err));
    expect(in_folder("a"), big, 9 << 20);
    free(big);
    expect_names(folder, "a");
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert(rz_file_write("no-folder-in-the-name", "x", 1, &err));
    expect_names(".", "a no-folder-in-the-name");
}
END_TEST

START_TEST(write_failures_leave_the_old_file)
{
    ck_assert(!rz_file_write(in_folder("nowhere/a"), "x", 1, &err));
    expect_failure(RZ_EIO, "nowhere/a");
    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    put(in_folder("d/inside"), "x", 1);
    ck_assert(!rz_file_write(in_folder("d"), "x", 1, &err)); /* a folder is in the place */
    expect_failure(RZ_EIO, "rename");
    expect_names(folder, "d");
    put(in_folder("a"), "old", 3);
    struct rlimit limit = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    char text[2000] = "new";
    bool ok = rz_file_write(in_folder("a"), text, sizeof text, &err); /* the second part of the write fails */
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(!ok);
    expect_failure(RZ_EIO, "File too large");
    expect(in_folder("a"), "old", 3);
    expect_names(folder, "a d");
}
END_TEST

/* RLIMIT_FSIZE stands for a full disk: what it refuses waits, in order, and is written when it may be. */
START_TEST(log_lines_wait_for_room)
{
    struct rlimit limit;
    rz_log *log;
    char line[1000];
    memset(line, 'l', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    ck_assert(rz_log_open(&log, in_folder("log"), -1, &err) && rz_log_line(log, "first", &err));
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 700;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool written = rz_log_line(log, line, &err) || rz_log_line(log, "short, but behind", &err) || rz_log_flush(log, &err);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(!written);
    expect_failure(RZ_EIO, "File too large");
    ck_assert_int_eq(rz_log_size(log), 6);
    expect(in_folder("log"), "first\n", 6); /* no part of a line */
    ck_assert(rz_log_line(log, "last", &err) && rz_log_flush(log, &err));
    char *due = rz_asprintf("first\n%s\nshort, but behind\nlast\n", line);
    ck_assert_int_eq(rz_log_size(log), (int64_t)strlen(due));
    expect(in_folder("log"), due, strlen(due));
    free(due);
    rz_log_close(log);
}
END_TEST

/* Needs a file system of 1 MiB: skipped, with a word, where mounting is not allowed. */
START_TEST(write_to_a_full_disk_leaves_the_old_file)
{
    ck_assert_int_eq(mkdir(in_folder("disk"), 0700), 0);
    if (mount("none", in_folder("disk"), "tmpfs", 0, "size=1m") != 0) {
        printf("skipped: a full disk cannot be made: %s\n", strerror(errno));
        return;
    }
    char *big = rz_calloc(2 << 20, 1);
    bool first = rz_file_write(in_folder("disk/a"), "old", 3, &err), second = rz_file_write(in_folder("disk/a"), big, 2 << 20, &err);
    char **names = NULL, text[8] = "";
    int n = 0;
    bool listed = rz_dir_list(in_folder("disk"), &names, &n, &err);
    FILE *f = fopen(in_folder("disk/a"), "rb");
    size_t len = f != NULL ? fread(text, 1, sizeof text, f) : 0;
    if (f != NULL) fclose(f);
    rz_log *log;
    char line[3001];
    memset(line, 'l', 3000);
    line[3000] = '\0';
    int lines = 0;
    bool opened = rz_log_open(&log, in_folder("disk/log"), -1, &err);
    while (opened && lines < 1000 && rz_log_line(log, line, &err)) lines++;
    int64_t size = opened ? rz_log_size(log) : -1;
    struct stat st;
    int rc = stat(in_folder("disk/log"), &st);
    if (opened) rz_log_close(log);
    ck_assert_int_eq(umount(in_folder("disk")), 0); /* before any check can fail */
    free(big);
    ck_assert(first && !second && listed && opened);
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(names[0], "a");
    ck_assert(len == 3 && memcmp(text, "old", 3) == 0);
    ck_assert_msg(lines > 200 && lines < 400, "%d lines", lines);
    expect_failure(RZ_EIO, "No space left");
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(size, lines * 3001);
    ck_assert_int_eq(st.st_size, size); /* the part of the last line was taken back */
    free(names[0]);
    free(names);
}
END_TEST

START_TEST(room_is_asked_for_before_it_is_needed)
{
    rz_writer *w;
    int64_t room = rz_file_room(folder);
    ck_assert_int_gt(room, 0);
    ck_assert_int_eq(rz_file_room(in_folder("not/yet/there")) >> 30, room >> 30); /* others write too */
    ck_assert(rz_file_room("") > 0 && rz_file_room("not-there") > 0 && rz_file_room("/") >= 0);
    ck_assert(rz_writer_create(&w, in_folder("reserved"), &err));
    ck_assert(!rz_writer_reserve(w, INT64_MAX / 4, &err));
    expect_failure(RZ_EIO, "needs 2305843009213693951 bytes");
    ck_assert_ptr_nonnull(strstr(err.text, "No space left on device"));
    rz_writer_close(w);
    ck_assert(!rz_file_exists(in_folder("reserved")));
    ck_assert(rz_writer_create(&w, in_folder("reserved"), &err) && rz_writer_reserve(w, 1 << 20, &err));
    rz_writer_close(w);
}
END_TEST

START_TEST(dir_create_makes_all_parents)
{
    ck_assert(rz_dir_create(in_folder("x/y//z/"), &err));
    ck_assert(rz_dir_create(in_folder("x/y/z"), &err)); /* again */
    struct stat st;
    ck_assert(stat(in_folder("x/y/z"), &st) == 0 && S_ISDIR(st.st_mode));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert(rz_dir_create("relative/one", &err));
    ck_assert(rz_dir_create(".", &err) && rz_dir_create("/", &err));
    ck_assert(rz_file_exists("relative/one") && rz_file_exists(in_folder("x")) && !rz_file_exists(in_folder("w")));
    put(in_folder("file"), "x", 1);
    ck_assert(!rz_dir_create(in_folder("file"), &err));
    expect_failure(RZ_ECREATE, "Not a directory");
    ck_assert(!rz_dir_create(in_folder("file/below"), &err));
    expect_failure(RZ_ECREATE, "file/below");
    ck_assert(!rz_dir_create("", &err));
    expect_failure(RZ_ECREATE, "No such file");
    ck_assert(!rz_dir_create("/proc/never", &err));
    expect_failure(RZ_ECREATE, "/proc/never");
}
END_TEST

START_TEST(dir_list_is_sorted)
{
    expect_names(folder, "");
    static const char *const names[] = {"b", "a10", "a9", ".hidden", "B"};
    for (int i = 0; i < 5; i++) put(in_folder(names[i]), "", 0);
    expect_names(folder, ".hidden B a10 a9 b");
    for (int i = 0; i < 100; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%02d", i);
        ck_assert_int_eq(mkdir(in_folder(name), 0700), 0);
    }
    char **list;
    int n;
    ck_assert(rz_dir_list(folder, &list, &n, &err));
    ck_assert_int_eq(n, 105);
    ck_assert_str_eq(list[104], "n99");
    for (int i = 0; i < n; i++) free(list[i]);
    free(list);
    ck_assert(!rz_dir_list(in_folder("missing"), &list, &n, &err));
    expect_failure(RZ_EIO, "missing");
}
END_TEST

static void count_call(void *ctx) { ++*(int *)ctx; }

/* Takes the lock in a child; returns when it has it. The child ends when `end` is closed, or when killed. */
static pid_t holder(int *end)
{
    int ready[2], stay[2];
    char byte;
    ck_assert(pipe(ready) == 0 && pipe(stay) == 0);
    pid_t child = fork();
    if (child == 0) {
        rz_lock *l;
        close(stay[1]);
        if (!rz_lock_take(&l, in_folder("lock"), 0, NULL, NULL, &err) || write(ready[1], "x", 1) != 1) _exit(1);
        if (read(stay[0], &byte, 1) == 0) rz_lock_release(l);
        nanosleep(&(struct timespec){.tv_sec = 5}, NULL); /* released, yet alive, until killed */
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]), close(stay[0]);
    *end = stay[1];
    return child;
}

START_TEST(lock_excludes_and_names_the_holder)
{
    rz_lock *l;
    int end, calls = 0;
    pid_t child = holder(&end);
    ck_assert(!rz_lock_take(&l, in_folder("lock"), 0, count_call, &calls, &err));
    ck_assert_int_eq(calls, 0);
    char host[256], who[300];
    gethostname(host, sizeof host);
    snprintf(who, sizeof who, "process %d on %s", (int)child, host);
    expect_failure(RZ_ECREATE, who);
    ck_assert_ptr_null(l);
    double before = rz_now_s();
    ck_assert(!rz_lock_take(&l, in_folder("lock"), 350, count_call, &calls, &err));
    ck_assert_int_eq(calls, 1);
    ck_assert(rz_now_s() - before > 0.3 && rz_now_s() - before < 5);
    expect_failure(RZ_ECREATE, who);
    close(end); /* the child lets go */
    calls = 0;
    ck_assert(rz_lock_take(&l, in_folder("lock"), 10000, count_call, &calls, &err));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    rz_lock *second;
    ck_assert(!rz_lock_take(&second, in_folder("lock"), 0, NULL, NULL, &err)); /* also within one process */
    rz_lock_release(l);
    ck_assert(rz_lock_take(&second, in_folder("lock"), 0, NULL, NULL, &err));
    rz_lock_release(second);
    rz_lock_release(NULL);
}
END_TEST

START_TEST(lock_ends_with_the_process_that_held_it)
{
    rz_lock *l;
    int end, calls = 0;
    pid_t child = holder(&end);
    pid_t killer = fork();
    if (killer == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
        kill(child, SIGKILL);
        _exit(0);
    }
    ck_assert(rz_lock_take(&l, in_folder("lock"), 10000, count_call, &calls, &err));
    ck_assert_int_eq(calls, 1);
    rz_lock_release(l);
    close(end);
    waitpid(child, NULL, 0);
    waitpid(killer, NULL, 0);
    ck_assert(!rz_lock_take(&l, in_folder("missing/lock"), 0, NULL, NULL, &err));
    expect_failure(RZ_ECREATE, "missing/lock");
}
END_TEST

START_TEST(lock_is_not_inherited_by_programs)
{
    rz_lock *l;
    ck_assert(rz_lock_take(&l, in_folder("lock"), 0, NULL, NULL, &err));
    char *command = rz_asprintf("! ls -l /proc/self/fd | grep -q '%s/lock'", folder);
    ck_assert_int_eq(system(command), 0);
    free(command);
    rz_lock_release(l);
}
END_TEST

START_TEST(log_appends_cuts_and_knows_its_length)
{
    rz_log *l;
    ck_assert(rz_log_open(&l, in_folder("log"), -1, &err));
    ck_assert_int_eq(rz_log_size(l), 0);
    ck_assert(rz_log_line(l, "first", &err) && rz_log_line(l, "", &err) && rz_log_line(l, "second line", &err));
    ck_assert_int_eq(rz_log_size(l), 6 + 1 + 12);
    ck_assert(rz_log_sync(l, &err));
    rz_log_close(l);
    expect(in_folder("log"), "first\n\nsecond line\n", 19);
    ck_assert(rz_log_open(&l, in_folder("log"), -1, &err));
    ck_assert_int_eq(rz_log_size(l), 19);
    ck_assert(rz_log_line(l, "third", &err));
    rz_log_close(l);
    ck_assert(rz_log_open(&l, in_folder("log"), 7, &err)); /* resumed at a checkpoint after two lines */
    ck_assert_int_eq(rz_log_size(l), 7);
    ck_assert(rz_log_line(l, "again", &err));
    rz_log_close(l);
    expect(in_folder("log"), "first\n\nagain\n", 13);
    ck_assert(!rz_log_open(&l, in_folder("log"), 14, &err));
    expect_failure(RZ_EDATA, "13 bytes");
    ck_assert_ptr_null(l);
    expect(in_folder("log"), "first\n\nagain\n", 13);
    ck_assert(!rz_log_open(&l, in_folder("log"), 9, &err)); /* another file in its place */
    expect_failure(RZ_EDATA, "no line ends at byte 9");
    expect(in_folder("log"), "first\n\nagain\n", 13);
    ck_assert(rz_log_open(&l, in_folder("log"), 0, &err));
    rz_log_close(l);
    expect(in_folder("log"), "", 0);
    ck_assert(!rz_log_open(&l, in_folder("missing/log"), -1, &err));
    expect_failure(RZ_EIO, "missing/log");
    rz_log_close(NULL);
}
END_TEST

static void ignore(int signal_number) { (void)signal_number; }

/* A pipe takes what fits; a signal then makes write() return short, or not at all (EINTR). */
START_TEST(log_line_goes_on_after_short_writes)
{
    enum { N = 3000000 };
    char *text = rz_malloc(N + 1), *have = rz_malloc(N + 1);
    for (int i = 0; i < N; i++) text[i] = (char)('a' + i % 26 + (i / 26 + i / 7000) % 4);
    text[N] = '\0';
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    pid_t reader = fork();
    if (reader == 0) {
        int fd = open(in_folder("pipe"), O_RDONLY);
        size_t n = 0;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* the writer is interrupted with nothing written */
        for (ssize_t got; n <= N && (got = read(fd, have + n, 50000 < N + 1 - n ? 50000 : N + 1 - n)) > 0; n += (size_t)got)
            nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
        _exit(n == N + 1 && memcmp(have, text, N) == 0 && have[N] == '\n' ? 0 : 1);
    }
    rz_log *l;
    ck_assert(rz_log_open(&l, in_folder("pipe"), -1, &err));
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 700, .it_interval.tv_usec = 700}, NULL);
    bool ok = rz_log_line(l, text, &err);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 0}, NULL);
    rz_log_close(l);
    int status;
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert(ok && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(text);
    free(have);
}
END_TEST

/* Values of XXH3-128 with seed 0, as the xxh128sum tool of xxHash prints them. */
START_TEST(hash_is_xxh3_128)
{
    char hex[33];
    rz_hash_hex("", 0, hex);
    ck_assert_str_eq(hex, "99aa06d3014798d86001c324468d497f");
    rz_hash_hex("abc", 3, hex);
    ck_assert_str_eq(hex, "06b05ab6733a618578af5f94892f3950");
    enum { N = 3000001 }; /* more than two blocks of the reader */
    char *data = rz_malloc(N);
    for (int i = 0; i < N; i++) data[i] = (char)((int64_t)i * 7919 >> 3);
    rz_hash_hex(data, N, hex);
    ck_assert_str_eq(hex, "34eac8606650b53f2f260d9c7321cc56");
    put(in_folder("f"), data, N);
    hex[0] = '\0';
    ck_assert(rz_hash_file(in_folder("f"), hex, &err));
    ck_assert_str_eq(hex, "34eac8606650b53f2f260d9c7321cc56");
    free(data);
    ck_assert(!rz_hash_file(in_folder("missing"), hex, &err));
    expect_failure(RZ_EIO, "missing");
    ck_assert(!rz_hash_file(folder, hex, &err));
    expect_failure(RZ_EIO, "directory");
}
END_TEST

START_TEST(clock_runs_forward_in_seconds)
{
    double before = rz_now_s();
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    double passed = rz_now_s() - before;
    ck_assert_msg(passed >= 0.02 && passed < 5, "%g s", passed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tests = tcase_create("file");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, read_gives_the_whole_file_and_a_nul);
    tcase_add_test(tests, read_takes_files_without_a_size);
    tcase_add_test(tests, read_failures_name_the_file);
    tcase_add_test(tests, write_replaces_the_file_and_leaves_nothing_else);
    tcase_add_test(tests, write_failures_leave_the_old_file);
    tcase_add_test(tests, write_to_a_full_disk_leaves_the_old_file);
    tcase_add_test(tests, dir_create_makes_all_parents);
    tcase_add_test(tests, dir_list_is_sorted);
    tcase_add_test(tests, lock_excludes_and_names_the_holder);
    tcase_add_test(tests, lock_ends_with_the_process_that_held_it);
    tcase_add_test(tests, lock_is_not_inherited_by_programs);
    tcase_add_test(tests, log_lines_wait_for_room);
    tcase_add_test(tests, room_is_asked_for_before_it_is_needed);
    tcase_add_test(tests, log_appends_cuts_and_knows_its_length);
    tcase_add_test(tests, log_line_goes_on_after_short_writes);
    tcase_add_test(tests, hash_is_xxh3_128);
    tcase_add_test(tests, clock_runs_forward_in_seconds);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
