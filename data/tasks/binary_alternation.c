#include "data/tasks/draft.h"

enum { MAX_LENGTH = 64 };

/* Every exchange sets two digits right, so half of those in a wrong place. */
static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    char text[MAX_LENGTH + 1] = "";
    int n = rz_stream_range(s, ((int)p[RZ_LENGTH] + 1) / 2, (int)p[RZ_LENGTH]), ones = n / 2 + (n % 2 ? (int)rz_stream_below(s, 2) : 0), order[MAX_LENGTH], wrong = 0;
    rz_draft_shuffle(s, order, n);
    for (int i = 0; i < n; i++) text[i] = order[i] < ones ? '1' : '0';
    for (int i = 0; i < n; i++) wrong += text[i] != (i % 2 ? '0' : '1'); /* against 1010… */
    if (2 * ones < n || (2 * ones == n && wrong > n - wrong)) wrong = n - wrong; /* 0101… is the only one, or the nearer one */
    rz_draft_prompt(d, "Two digits of %s may be exchanged at a time, wherever they stand. How many exchanges does it take at least until zeros and ones take turns?", text);
    rz_draft_answer(d, "%d", wrong / 2);
    rz_draft_meta_text(d, "text", text);
    rz_draft_content_text(d, text);
    return wrong > 0;
}

const rz_task rz_task_binary_alternation = {
    .name = "binary_alternation", .about = "The fewest exchanges that make zeros and ones take turns.", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_LENGTH, "digits at most (half as many at least)", 8, MAX_LENGTH, {8, 10, 14, 20, 30}}},
};
