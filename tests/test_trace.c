/* trace: counts against those of another program with other means (golden/data/make_trace.py: regular expressions), on the corpus, on mangled corpus,
 * and on texts made to be misread. */
#include "base/file.h"
#include "data/trace.h"
#include "tests/suite.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

START_TEST(counts_are_those_of_another_program)
{
    rz_err err = {0};
    rz_lines *lines;
    char *line;
    size_t len;
    int n = 0;
    int64_t sums[4] = {0};
    ck_assert_msg(rz_lines_open(&lines, "tests/golden/data/trace.jsonl", 1 << 20, &err), "%s", err.text);
    while (rz_lines_next(lines, &line, &len, &err)) {
        json_t *o = json_loadb(line, len, 0, NULL), *text = json_object_get(o, "text"), *counts = json_object_get(o, "counts");
        size_t size = json_string_length(text);
        char *exact = malloc(size + 1); /* exactly as long as said, for the sanitizer */
        memcpy(exact, json_string_value(text), size);
        exact = realloc(exact, size ? size : 1);
        rz_trace t;
        rz_trace_count(exact, size, &t);
        const int64_t found[4] = {t.attempts, t.self_checks, t.equations, t.equations_right};
        for (size_t i = 0; i < 4; i++) {
            int64_t wanted = json_integer_value(json_array_get(counts, i));
            ck_assert_msg(found[i] == wanted, "count %zu is %lld, must be %lld: %s", i, (long long)found[i], (long long)wanted, json_string_value(text));
            sums[i] += wanted;
        }
        free(exact);
        json_decref(o);
        n++;
    }
    ck_assert_msg(!err.code, "%s", err.text);
    rz_lines_close(lines);
    ck_assert_int_gt(n, 150);
    ck_assert(sums[0] > 100 && sums[1] > 50 && sums[3] > 100 && sums[2] > sums[3] + 30);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *all = tcase_create("trace");
    tcase_add_test(all, counts_are_those_of_another_program);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
