/* Lines of text files: every ending, what is no text, lines of any length. */
#include "tests/folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Reads all lines of the text into one string, "<number:text>" each, errors as "<!message after the path>". */
static char *lines_of(const char *text, size_t len, size_t max_line)
{
    put(in_folder("lines"), text, len);
    rz_lines *l;
    ck_assert(rz_lines_open(&l, in_folder("lines"), max_line, &err));
    char *all = rz_strdup(""), *line = NULL;
    size_t n;
    for (;;) {
        bool ok = rz_lines_next(l, &line, &n, &err);
        if (!ok && err.code == RZ_OK) break;
        char *more = NULL;
        if (ok) {
            ck_assert_uint_eq(strlen(line), n);
            more = rz_asprintf("%s<%lld:%s>", all, (long long)rz_lines_number(l), line);
        } else {
            ck_assert_int_eq(err.code, RZ_EDATA);
            ck_assert_ptr_nonnull(strstr(err.text, "/lines:"));
            more = rz_asprintf("%s<!%s>", all, strstr(err.text, "/lines:") + 7);
        }
        free(all);
        all = more;
    }
    ck_assert(!rz_lines_next(l, &line, &n, &err) && err.code == RZ_OK); /* the end stays the end */
    rz_lines_close(l);
    return all;
}

START_TEST(lines_take_every_ending_and_refuse_what_is_not_text)
{
#define ROW(text, want) {text, sizeof text - 1, want}
    static const struct {
        const char *text;
        size_t len;
        const char *want; /* up to the end of it */
    } rows[] = {
        ROW("", ""),
        ROW("a\nb\n", "<1:a><2:b>"),
        ROW("a\nb", "<1:a><2:b>"),
        ROW("a\r\nb\r\n\r\nc", "<1:a><2:b><3:><4:c>"),
        ROW("\n\n", "<1:><2:>"),
        ROW("a\rb\n", "<1:a\rb>"),
        ROW("last\r", "<1:last\r>"),
        ROW("\xEF\xBB\xBFmark\n", "<1:mark>"),
        ROW("\xEF\xBB\xBF", ""),
        ROW("\xEF\xBB\xBF\xEF\xBB\xBFx", "<1:\xEF\xBB\xBFx>"),
        ROW("a\n\xEF\xBB\xBF" "b\n", "<1:a><2:\xEF\xBB\xBF" "b>"),
        ROW("1234567890\n1234567890\r\n1234567890", "<1:1234567890><2:1234567890><3:1234567890>"),
        ROW("12345678901\nok\n", "<!1: the line is longer than 10 bytes><2:ok>"),
        ROW("ok\n12345678901", "<1:ok><!2: the line is longer than 10 bytes>"),
        ROW("12345678901\r\nok", "<!1: the line is longer than 10 bytes><2:ok>"),
        ROW("ab\0c\nok\n", "<!1: byte 3 of the line is NUL; this is not a text file><2:ok>"),
        ROW("ok\na\xC0\xAF\nok\n", "<1:ok><!2: byte 2 of the line (0xc0) is not valid UTF-8; convert the file to UTF-8><3:ok>"),
        ROW("\xED\xA0\x80\n", "<!1: byte 1 of the line (0xed) is not valid UTF-8; convert the file to UTF-8>"),
        ROW("gr\xC3\xBC\xC3\x9F\n", "<1:gr\xC3\xBC\xC3\x9F>"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *have = lines_of(rows[i].text, rows[i].len, 10);
        ck_assert_msg(strcmp(have, rows[i].want) == 0, "row %zu: %s", i, have);
        free(have);
    }
}
END_TEST

START_TEST(lines_of_any_length_pass_the_buffer)
{
    static const size_t lengths[] = {0, 1, 65534, 65535, 65536, 65537, 131071, 131072, 500000, 3};
    enum { N = sizeof lengths / sizeof *lengths, MAX = 500000 };
    char *text = rz_malloc(2 * MAX + 400000), *line;
    size_t len = 0, n;
    for (int k = 0; k < N; k++) {
        memset(text + len, 'a' + k, lengths[k]);
        len += lengths[k];
        text[len++] = '\n';
    }
    put(in_folder("long"), text, len);
    for (int limit = 0; limit < 2; limit++) {
        rz_lines *l;
        ck_assert(rz_lines_open(&l, in_folder("long"), limit ? MAX - 1 : MAX, &err));
        for (int k = 0; k < N; k++) {
            bool ok = rz_lines_next(l, &line, &n, &err);
            ck_assert_int_eq(rz_lines_number(l), k + 1);
            ck_assert(ok == (lengths[k] <= (size_t)(limit ? MAX - 1 : MAX)));
            if (!ok) continue;
            ck_assert_uint_eq(n, lengths[k]);
            for (size_t i = 0; i < n; i++)
                if (line[i] != 'a' + k) ck_abort_msg("line %d byte %zu", k + 1, i);
        }
        ck_assert(!rz_lines_next(l, &line, &n, &err) && err.code == RZ_OK);
        ck_assert_int_eq(rz_lines_number(l), N);
        rz_lines_close(l);
    }
    free(text);
    rz_lines *l;
    ck_assert(!rz_lines_open(&l, in_folder("missing"), 10, &err));
    expect_failure(RZ_EIO, "missing");
    ck_assert(!rz_lines_open(&l, folder, 10, &err));
    expect_failure(RZ_EIO, "directory");
    rz_lines_close(NULL);
}
END_TEST

START_TEST(line_ending_may_come_in_pieces)
{
    static const char *const pieces[] = {"\xEF", "\xBB", "\xBF", "1234567890\r", "\n1234567890", "\r\n", "ab", "\xC3", "\xBC\n"};
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    pid_t writer = fork();
    if (writer == 0) {
        int fd = open(in_folder("pipe"), O_WRONLY);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            if (write(fd, pieces[i], strlen(pieces[i])) < 0) _exit(1);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        _exit(0);
    }
    static const char *const want[] = {"1234567890", "1234567890", "ab\xC3\xBC"};
    rz_lines *l;
    char *line;
    size_t n;
    ck_assert(rz_lines_open(&l, in_folder("pipe"), 10, &err));
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(rz_lines_next(l, &line, &n, &err), "%s", err.text);
        ck_assert_str_eq(line, want[i]);
    }
    ck_assert(!rz_lines_next(l, &line, &n, &err) && err.code == RZ_OK);
    rz_lines_close(l);
    waitpid(writer, NULL, 0);
}
END_TEST

START_TEST(line_that_is_too_long_is_not_kept)
{
    put(in_folder("sparse"), "", 0);
    ck_assert_int_eq(truncate(in_folder("sparse"), 256 << 20), 0);
    rz_lines *l;
    char *line;
    size_t n;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    ck_assert(rz_lines_open(&l, in_folder("sparse"), 1000, &err));
    ck_assert(!rz_lines_next(l, &line, &n, &err));
    expect_failure(RZ_EDATA, "sparse:1: the line is longer than 1000 bytes");
    getrusage(RUSAGE_SELF, &after);
    ck_assert_msg(after.ru_maxrss - before.ru_maxrss < 16 << 10, "%ld KiB more", after.ru_maxrss - before.ru_maxrss);
    rz_lines_close(l);
}
END_TEST

typedef struct { int n; char text[100]; } seen;

static bool see(void *ctx, const char *text, size_t len, int64_t number, rz_err *why)
{
    seen *s = ctx;
    s->n++;
    size_t used = strlen(s->text);
    snprintf(s->text + used, sizeof s->text - used, "%lld:%.*s;", (long long)number, (int)len, text);
    return strcmp(text, "bad") || rz_fail(why, RZ_EDATA, "I will not");
}

START_TEST(each_line_but_blank_ones_is_shown_until_one_is_refused)
{
    static const struct { const char *file, *seen, *fails; int n; } rows[] = {
        {"", "", NULL, 0},
        {"a\n\n  \t\nb", "1:a;4:b;", NULL, 2},
        {"a\r\n\r\nbad\nc\n", "1:a;3:bad;", "each:3: I will not", 2},
        {"a\nb\xFF\nc\n", "1:a;", "each:2: byte 2", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seen s = {0};
        put(in_folder("each"), rows[i].file, strlen(rows[i].file));
        ck_assert(rz_lines_each(in_folder("each"), 10, see, &s, &err) == !rows[i].fails);
        ck_assert_int_eq(s.n, rows[i].n);
        ck_assert_str_eq(s.text, rows[i].seen);
        if (rows[i].fails) expect_failure(RZ_EDATA, rows[i].fails);
    }
    ck_assert(!rz_lines_each(in_folder("missing"), 10, see, &(seen){0}, &err));
    expect_failure(RZ_EIO, "missing");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, lines_take_every_ending_and_refuse_what_is_not_text);
    tcase_add_test(tests, lines_of_any_length_pass_the_buffer);
    tcase_add_test(tests, line_ending_may_come_in_pieces);
    tcase_add_test(tests, line_that_is_too_long_is_not_kept);
    tcase_add_test(tests, each_line_but_blank_ones_is_shown_until_one_is_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
