#include "data/tasks/draft.h"
#include <stdio.h>

enum { MAX_WORDS = 10 };

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    char plain[MAX_WORDS * 10 + 1] = "", moved[sizeof plain] = "";
    int n = 0, shift = rz_stream_range(s, 1, (int)p[RZ_LARGEST]);
    bool back = p[RZ_VARIETY] == 2 && rz_stream_below(s, 2);
    for (int i = 0; i < (int)p[RZ_ITEMS]; i++) n += snprintf(plain + n, sizeof plain - (size_t)n, "%s%s", i ? " " : "", rz_draft_word(s, 9));
    for (int i = 0; i < n; i++) moved[i] = plain[i] == ' ' ? ' ' : (char)('a' + (plain[i] - 'a' + shift) % 26);
    if (back) rz_draft_prompt(d, "Every letter of a text was moved %d forward in the alphabet (a follows z), which gave: %s. What was the text?", shift, moved);
    else rz_draft_prompt(d, "Move every letter %d forward in the alphabet (a follows z): %s", shift, plain);
    rz_draft_answer(d, "%s", back ? plain : moved);
    rz_draft_content_text(d, plain);
    return true;
}

const rz_task rz_task_caesar = {
    .name = "caesar", .about = "Move letters along the alphabet, or back.", .answer = "the letters, in either case", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "words", 1, MAX_WORDS, {1, 1, 2, 3, 5}}, {RZ_LARGEST, "largest shift", 1, 25, {2, 5, 13, 25, 25}},
               {RZ_VARIETY, "1: forward; 2: back too", 1, 2, {1, 1, 2, 2, 2}}},
};
