#include "data/tasks/draft.h"
#include <stdio.h>
#include <string.h>

enum { MAX_WORDS = 20 };

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    char text[MAX_WORDS * 10 + 1] = "", letter[2] = "";
    size_t n = 0;
    int count = 0;
    for (int i = 0; i < (int)p[RZ_ITEMS]; i++) n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? " " : "", rz_draft_word(s, (int)p[RZ_LENGTH]));
    do letter[0] = rz_stream_below(s, 8) ? text[rz_stream_below(s, (uint32_t)n)] : (char)('a' + rz_stream_below(s, 26)); /* one of eight is perhaps not there */
    while (letter[0] == ' ');
    for (size_t i = 0; i < n; i++) count += text[i] == letter[0];
    rz_draft_prompt(d, "How many times does the letter \"%s\" occur in \"%s\"?", letter, text);
    rz_draft_answer(d, "%d", count);
    rz_draft_meta_text(d, "letter", letter);
    rz_draft_meta_text(d, "text", text);
    rz_draft_content_text(d, text);
    return true;
}

const rz_task rz_task_letter_counting = {
    .name = "letter_counting", .about = "How often is a letter in a text?", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "words", 1, MAX_WORDS, {1, 1, 2, 4, 8}}, {RZ_LENGTH, "letters of a word at most (3 at least)", 4, 9, {6, 9, 9, 9, 9}}},
};
