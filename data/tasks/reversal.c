#include "data/tasks/draft.h"
#include <stdio.h>
#include <string.h>

enum { MAX_LENGTH = 60 };

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    char text[MAX_LENGTH + 1] = "", back[MAX_LENGTH + 1] = "";
    int length = (int)p[RZ_LENGTH], n;
    if (p[RZ_VARIETY] == 1) {
        n = snprintf(text, sizeof text, "%s", rz_draft_word(s, length < 9 ? length : 9));
    } else {
        n = rz_stream_range(s, (length + 1) / 2, length);
        for (int i = 0; i < n; i++) text[i] = (char)('a' + rz_stream_below(s, 26));
    }
    for (int i = 0; i < n; i++) back[i] = text[n - 1 - i];
    rz_draft_prompt(d, "Write this backwards: %s", text);
    rz_draft_answer(d, "%s", back);
    rz_draft_content_text(d, strcmp(text, back) < 0 ? text : back);
    return strcmp(text, back) != 0;
}

const rz_task rz_task_reversal = {
    .name = "reversal", .about = "Spell a word, or letters, backwards.", .answer = "the letters, exactly", .generator = 1, .make = make,
    .params = {{RZ_LENGTH, "letters at most (of letters drawn at random half as many at least)", 4, MAX_LENGTH, {5, 9, 8, 12, 20}},
               {RZ_VARIETY, "1: an English word of at most 9 letters; 2: letters at random", 1, 2, {1, 1, 2, 2, 2}}},
};
