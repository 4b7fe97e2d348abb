#include "data/tasks/draft.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 20 };

static int by_letters(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    const char *given[MAX_ITEMS], *sorted[MAX_ITEMS];
    int n = (int)p[RZ_ITEMS], in_place = 0;
    for (int i = 0; i < n; i++) {
        given[i] = rz_draft_word(s, (int)p[RZ_LENGTH]);
        for (int j = 0; j < i; j++) {
            if (strcmp(given[i], given[j]) == 0 || (p[RZ_VARIETY] == 1 && given[i][0] == given[j][0])) return false;
        }
        sorted[i] = given[i];
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_letters);
    rz_draft_prompt(d, "Sort these words in alphabetical order: ");
    for (int i = 0; i < n; i++) {
        rz_draft_prompt(d, "%s%s", i ? ", " : "", given[i]);
        rz_draft_answer(d, "%s%s", i ? ", " : "", sorted[i]);
        rz_draft_content_text(d, sorted[i]);
        in_place += given[i] == sorted[i];
    }
    return in_place < n; /* copying is never the answer */
}

const rz_task rz_task_word_sorting = {
    .name = "word_sorting", .about = "Sort words by the alphabet.", .answer = "the words in order, with commas between", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "words", 2, MAX_ITEMS, {3, 4, 5, 7, 10}}, {RZ_LENGTH, "letters of a word at most (3 at least)", 4, 9, {4, 5, 6, 9, 9}},
               {RZ_VARIETY, "1: no two words begin with the same letter (at most 10 words); 2: any words", 1, 2, {1, 1, 2, 2, 2}}},
};
