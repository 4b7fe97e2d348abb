#include "data/tasks/draft.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 16, N_DIGITS = 3 };
#define LIMIT 1000000 /* of any value on the way */

typedef struct {
    int64_t stack[MAX_WORDS + 1];
    int depth;
} machine;

static bool binary(machine *m, char op)
{
    int64_t b = m->stack[--m->depth], *a = &m->stack[m->depth - 1];
    *a = op == '+' ? *a + b : op == '-' ? *a - b : *a * b;
    return llabs(*a) <= LIMIT;
}

/* One word more, with `left` words to come that can take one number off each. False when a value has grown too large. */
static bool add_word(rz_stream *s, const int *digits, int left, machine *m, rz_draft *d)
{
    static const char ops[] = "+-*";
    bool can_grow = m->depth <= left, can_join = m->depth >= 2;
    uint32_t choice = rz_stream_below(s, 8);
    if (can_join && (!can_grow || choice >= 4)) {
        if (choice == 7 && m->depth - 1 <= left) { /* no number more nor less */
            int64_t top = m->stack[m->depth - 1];
            m->stack[m->depth - 1] = m->stack[m->depth - 2];
            m->stack[m->depth - 2] = top;
            rz_draft_answer(d, "swap");
            return true;
        }
        char op = ops[rz_stream_below(s, 3)];
        rz_draft_answer(d, "%c", op);
        return binary(m, op);
    }
    if (!can_grow) return false;
    if (m->depth && choice == 0) {
        m->stack[m->depth] = m->stack[m->depth - 1];
        m->depth++;
        rz_draft_answer(d, "dup");
        return true;
    }
    int64_t digit = digits[rz_stream_below(s, N_DIGITS)];
    m->stack[m->depth++] = digit;
    rz_draft_answer(d, "%" PRId64, digit);
    return true;
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int digits[9], n = (int)p[RZ_ITEMS];
    char text[N_DIGITS][2] = {{0}};
    machine m = {.depth = 0};
    rz_draft_shuffle(s, digits, 9);
    for (int i = 0; i < N_DIGITS; i++) text[i][0] = (char)('0' + ++digits[i]);
    for (int i = 0; i < n; i++) {
        if (i) rz_draft_answer(d, " ");
        if (!add_word(s, digits, n - 1 - i, &m, d)) return false;
    }
    int64_t target = m.stack[0];
    if (m.depth != 1 || target < 1 || target > p[RZ_LARGEST]) return false;
    int64_t pushes[N_DIGITS];
    for (int i = 0; i < N_DIGITS; i++) {
        if (target == digits[i]) return false; /* one word would do */
        pushes[i] = digits[i];
    }
    rz_draft_content_sorted(d, pushes, N_DIGITS);
    const char *const words[] = {text[0], text[1], text[2], "+", "-", "*", "dup", "swap"};
    rz_draft_prompt(d, "A stack machine knows the words %s %s %s (put that number on the stack), + - * (replace the two topmost numbers by their sum, difference, "
                       "product), dup (repeat the topmost) and swap (exchange the two topmost). Write a program of at most %d words that leaves %" PRId64
                       " and nothing else.", text[0], text[1], text[2], n, target);
    rz_draft_meta_texts(d, "words", words, 8);
    rz_draft_meta_number(d, "max_words", n);
    rz_draft_meta_number(d, "target", target);
    rz_draft_content(d, target);
    return true;
}

const rz_task rz_task_stack_program = {
    .name = "stack_program", .about = "Write a program for a stack machine that leaves a number.", .answer = "words with blanks between; any program that does it is right",
    .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "words that a program may have", 3, MAX_WORDS, {3, 5, 5, 7, 9}}, {RZ_LARGEST, "largest number to be left", 20, LIMIT, {30, 50, 100, 300, 999}}},
};
