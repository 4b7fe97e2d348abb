#include "data/tasks/draft.h"
#include <assert.h>
#include <stdio.h>

enum { TEXT = 160, MAX_LETTERS = 4 };

typedef struct {
    bool value, alone; /* alone: needs no parentheses */
    char text[TEXT];
} part;

static const char letters[] = "abcd";

static part letter(rz_stream *s, const bool *values, int n)
{
    part x = {.alone = true};
    int i = rz_stream_range(s, 0, n - 1);
    bool negated = rz_stream_below(s, 3) == 0;
    x.value = values[i] != negated;
    snprintf(x.text, sizeof x.text, "%s%c", negated ? "not " : "", letters[i]);
    return x;
}

/* Always with parentheses around what is not a letter: nothing hangs on which of the two words binds more tightly. */
static part formula(rz_stream *s, const int64_t *p, const bool *values, int n_letters, int n)
{
    static const char *const joins[] = {"and", "or", "implies"};
    if (n == 1) return letter(s, values, n_letters);
    int left = rz_stream_range(s, 1, n - 1);
    uint32_t op = rz_stream_below(s, (uint32_t)p[RZ_VARIETY] + 1);
    part a = formula(s, p, values, n_letters, left), b = formula(s, p, values, n_letters, n - left), x = {.alone = false};
    x.value = op == 0 ? a.value && b.value : op == 1 ? a.value || b.value : !a.value || b.value;
    int written = snprintf(x.text, sizeof x.text, "%s%s%s %s %s%s%s", a.alone ? "" : "(", a.text, a.alone ? "" : ")", joins[op], b.alone ? "" : "(", b.text, b.alone ? "" : ")");
    assert(written > 0 && written < TEXT);
    (void)written;
    return x;
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    bool values[MAX_LETTERS], wanted = rz_stream_below(s, 2); /* half of the answers are true */
    int n = (int)p[RZ_ITEMS] < MAX_LETTERS ? (int)p[RZ_ITEMS] : MAX_LETTERS;
    for (int i = 0; i < n; i++) {
        values[i] = rz_stream_below(s, 2);
        rz_draft_prompt(d, "%s%c is %s", i == 0 ? "" : i == n - 1 ? " and " : ", ", letters[i], values[i] ? "true" : "false");
    }
    part x = formula(s, p, values, n, (int)p[RZ_ITEMS]);
    if (x.value != wanted) return false;
    rz_draft_prompt(d, ". Is this true or false: %s?", x.text);
    rz_draft_answer(d, "%s", x.value ? "true" : "false");
    rz_draft_content_text(d, d->prompt);
    return true;
}

const rz_task rz_task_logic = {
    .name = "logic", .about = "Is a formula true?", .answer = "`true` or `false`; half of the answers are either, which guessing finds", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "letters in the formula", 2, 12, {3, 4, 5, 6, 9}}, {RZ_VARIETY, "1: and, or, not; 2: implies too", 1, 2, {1, 1, 1, 2, 2}}},
};
