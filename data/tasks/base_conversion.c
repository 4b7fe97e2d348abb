#include "data/tasks/draft.h"
#include <string.h>

static void write_in(int64_t value, int base, char out[40])
{
    char back[40];
    int n = 0;
    do back[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    for (int i = 0; i < n; i++) out[i] = back[n - 1 - i];
    out[n] = 0;
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    static const int usual[] = {2, 10, 8, 16};
    int bases[2], value = rz_stream_range(s, 2, (int)p[RZ_LARGEST]);
    char text[2][40];
    for (int i = 0; i < 2; i++) {
        bases[i] = p[RZ_VARIETY] == 3 ? rz_stream_range(s, 2, 16) : usual[rz_stream_below(s, p[RZ_VARIETY] == 1 ? 2 : 4)];
        write_in(value, bases[i], text[i]);
    }
    rz_draft_prompt(d, "The number %s is written in base %d. Write it in base %d.", text[0], bases[0], bases[1]);
    rz_draft_answer(d, "%s", text[1]);
    rz_draft_content(d, value);
    return strcmp(text[0], text[1]) != 0; /* 5 is 5 in base 8 too: copying is never the answer */
}

const rz_task rz_task_base_conversion = {
    .name = "base_conversion", .about = "Write a number in another base.", .answer = "its digits, a to f in either case, no zeros before them", .generator = 1,
    .make = make,
    .params = {{RZ_LARGEST, "largest number", 64, 1000000000, {127, 255, 999, 9999, 99999}},
               {RZ_VARIETY, "bases; 1: 2 and 10; 2: 2, 8, 10 and 16; 3: all from 2 to 16", 1, 3, {1, 1, 2, 2, 3}}},
};
