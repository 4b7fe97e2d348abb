#include "data/tasks/draft.h"
#include <inttypes.h>

enum { MAX_TERMS = 12 };

static int step(rz_stream *s, int largest)
{
    int v = rz_stream_range(s, 1, largest);
    return rz_stream_below(s, 3) ? v : -v;
}

/* n numbers of one kind. */
static void numbers(rz_stream *s, int kind, int largest, int64_t *v, int n)
{
    int a = step(s, largest), b = step(s, largest), ratio = rz_stream_range(s, 2, 4);
    v[0] = kind == 2 ? rz_stream_range(s, 1, 9) : rz_stream_range(s, 0, largest);
    for (int i = 1; i < n; i++) {
        switch (kind) {
        case 1: v[i] = v[i - 1] + a; break;
        case 2: v[i] = v[i - 1] * ratio; break;              /* at most 9·4¹² */
        case 3: v[i] = v[i - 1] + (i % 2 ? a : b); break;    /* two steps take turns */
        case 4: v[i] = v[i - 1] + a + (i - 1) * b; break;    /* the step grows by b */
        default: v[i] = i == 1 ? v[0] + (a < 0 ? -a : a) : v[i - 1] + v[i - 2];
        }
    }
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t v[MAX_TERMS + 1];
    int n = (int)p[RZ_ITEMS];
    numbers(s, rz_stream_range(s, 1, (int)p[RZ_VARIETY]), (int)p[RZ_LARGEST], v, n + 1);
    rz_draft_prompt(d, "Which number comes next: ");
    for (int i = 0; i < n; i++) {
        rz_draft_prompt(d, "%" PRId64 ", ", v[i]);
        rz_draft_content(d, v[i]);
    }
    rz_draft_prompt(d, "?");
    rz_draft_answer(d, "%" PRId64, v[n]);
    rz_draft_meta_numbers(d, "numbers", v, n);
    return true;
}

const rz_task rz_task_number_sequence = {
    .name = "number_sequence", .about = "Go on with a sequence.", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "numbers that are given", 5, MAX_TERMS, {5, 5, 6, 6, 7}}, {RZ_LARGEST, "largest beginning and step", 9, 100000, {10, 10, 20, 30, 99}},
               {RZ_VARIETY, "1: a step; 2: a ratio of 2 to 4 too; 3: two steps in turns too; 4: a step that grows too; 5: sums of the last two too", 1, 5,
                {1, 2, 3, 4, 5}}},
};
