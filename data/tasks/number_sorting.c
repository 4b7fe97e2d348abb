#include "data/tasks/draft.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ITEMS = 20, TEXT = 24 };

/* In hundredths; without zeros at the end. */
static void write_down(int64_t value, char *out)
{
    int64_t size = value < 0 ? -value : value, rest = size % 100;
    int n = snprintf(out, TEXT, "%s%" PRId64, value < 0 ? "-" : "", size / 100);
    if (rest) snprintf(out + n, (size_t)(TEXT - n), rest % 10 ? ".%02" PRId64 : ".%" PRId64, rest % 10 ? rest : rest / 10);
}

static int rising(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int falling(const void *a, const void *b) { return rising(b, a); }

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t given[MAX_ITEMS], sorted[MAX_ITEMS];
    int n = (int)p[RZ_ITEMS], in_place = 0;
    bool down = rz_stream_below(s, 2);
    char text[TEXT];
    for (int i = 0; i < n; i++) {
        given[i] = 100 * (int64_t)rz_stream_range(s, 0, (int)p[RZ_LARGEST]);
        if (p[RZ_VARIETY] >= 3 && given[i]) given[i] -= rz_stream_range(s, 0, 99);
        if (p[RZ_VARIETY] >= 2 && rz_stream_below(s, 2)) given[i] = -given[i];
        for (int j = 0; j < i; j++) {
            if (given[j] == given[i]) return false;
        }
        sorted[i] = given[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, down ? falling : rising);
    rz_draft_prompt(d, "Sort these numbers from %s: ", down ? "largest to smallest" : "smallest to largest");
    for (int i = 0; i < n; i++) {
        write_down(given[i], text);
        rz_draft_prompt(d, "%s%s", i ? ", " : "", text);
        write_down(sorted[i], text);
        rz_draft_answer(d, "%s%s", i ? ", " : "", text);
        in_place += given[i] == sorted[i];
    }
    rz_draft_content(d, down);
    rz_draft_content_sorted(d, given, n);
    return in_place < n; /* copying is never the answer */
}

const rz_task rz_task_number_sorting = {
    .name = "number_sorting", .about = "Sort numbers, up or down.", .answer = "the numbers in order, with commas between; compared by value", .generator = 1,
    .make = make,
    .params = {{RZ_ITEMS, "numbers", 2, MAX_ITEMS, {3, 4, 5, 7, 10}}, {RZ_LARGEST, "largest number", 20, 1000000, {20, 99, 99, 999, 9999}},
               {RZ_VARIETY, "1: whole numbers; 2: also below zero; 3: also with up to two decimals", 1, 3, {1, 1, 2, 3, 3}}},
};
