/* bench_math FILE.jsonl: how long mathematical equality takes, pair by pair ({"gold": …, "completion": …} a line): extraction and comparison as math-verify/verify
 * does them, and the strict comparison of the two texts as they stand. A line of JSON; processor time, the best of three. */
#include "base/file.h"
#include "rewards/math.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3, MOST = 1 << 20 };
static const rz_math_extract everything = {.latex = true, .expr = true, .boxed_priority = 50, .unanchored = true, .malformed = true};

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static double best_us(rz_arena *scratch, rz_slice found, rz_slice gold, bool strict)
{
    double best = 1e30;
    for (int i = 0; i < ROUNDS; i++) {
        double t = cpu_us();
        if (strict) rz_math_equal(scratch, found, gold, &rz_math_strict, NULL);
        else rz_math_verify(scratch, found, &everything, gold, &everything, &rz_math_math_verify, NULL);
        t = cpu_us() - t;
        best = t < best ? t : best;
    }
    return best;
}

static int by_size(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static void print(const char *name, double *us, size_t n)
{
    qsort(us, n, sizeof *us, by_size);
    printf("\"%s\": {\"median_us\": %.1f, \"p95_us\": %.1f, \"max_us\": %.1f}", name, us[n / 2], us[n * 95 / 100], us[n - 1]);
}

int main(int argc, char **argv)
{
    rz_err err = {0};
    rz_lines *lines;
    rz_arena scratch;
    char *line;
    size_t len, n = 0;
    double *us[2] = {calloc(MOST, sizeof(double)), calloc(MOST, sizeof(double))};
    if (argc != 2 || !rz_arena_init(&scratch, (size_t)1 << 30, &err) || !rz_lines_open(&lines, argv[1], 16 << 20, &err)) {
        printf("usage: bench_math FILE.jsonl %s\n", err.text);
        return 64;
    }
    while (n < MOST && rz_lines_next(lines, &line, &len, &err)) {
        json_t *row = json_loadb(line, len, 0, NULL), *g = json_object_get(row, "gold"), *f = json_object_get(row, "completion");
        if (json_is_string(g) && json_is_string(f)) {
            rz_slice gold = {json_string_value(g), json_string_length(g)}, found = {json_string_value(f), json_string_length(f)};
            for (int strict = 0; strict < 2; strict++) us[strict][n] = best_us(&scratch, found, gold, strict);
            n++;
        }
        json_decref(row);
    }
    rz_lines_close(lines);
    if (!n) {
        printf("%s has no pairs\n", argv[1]);
        return 65;
    }
    printf("{\"pairs\": %zu, ", n);
    print("verify", us[0], n);
    printf(", ");
    print("strict", us[1], n);
    printf("}\n");
    rz_math_forget();
    rz_arena_finish(&scratch);
    free(us[0]);
    free(us[1]);
    return 0;
}
