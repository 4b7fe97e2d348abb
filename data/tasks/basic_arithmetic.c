#include "data/tasks/draft.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 160, MAX_TERMS = 8 };

/* A part of the expression as it is written, and how tightly it holds together: 1 + and -, 2 * and /, 3 a number. */
typedef struct {
    int64_t value;
    int binds;
    char text[TEXT];
} part;

static part number(int64_t value)
{
    part x = {.value = value, .binds = 3};
    snprintf(x.text, sizeof x.text, "%" PRId64, value);
    return x;
}

/* Parentheses only where they are needed; behind - and / also around their own kind. */
static part join(const part *a, char op, const part *b)
{
    int binds = op == '*' || op == '/' ? 2 : 1;
    bool left = a->binds < binds, right = b->binds < binds || (b->binds == binds && op != '+');
    part x = {.binds = binds};
    int n = snprintf(x.text, sizeof x.text, "%s%s%s %c %s%s%s", left ? "(" : "", a->text, left ? ")" : "", op, right ? "(" : "", b->text, right ? ")" : "");
    assert(n > 0 && n < TEXT);
    (void)n;
    x.value = op == '+' ? a->value + b->value : op == '-' ? a->value - b->value : op == '*' ? a->value * b->value : a->value / b->value;
    return x;
}

/* A quotient of two numbers is made from its result, or it would hardly ever be a whole one. */
static part quotient(rz_stream *s, int largest)
{
    int divisor = rz_stream_range(s, 2, largest / 2), result = rz_stream_range(s, 1, largest / divisor);
    part a = number(divisor * result), b = number(divisor);
    return join(&a, '/', &b);
}

/* n numbers: at most 999⁶ on the way. */
static part expression(rz_stream *s, const int64_t *p, int n)
{
    static const char ops[] = "+-*/";
    if (n == 1) return number(rz_stream_range(s, 1, (int)p[RZ_LARGEST]));
    char op = ops[rz_stream_below(s, (uint32_t)p[RZ_VARIETY] + 1)];
    if (n == 2 && op == '/') return quotient(s, (int)p[RZ_LARGEST]);
    int left = rz_stream_range(s, 1, n - 1);
    part a = expression(s, p, left), b = expression(s, p, n - left);
    if (op == '/' && (b.value == 0 || a.value % b.value != 0)) op = '-';
    return join(&a, op, &b);
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    part x = expression(s, p, (int)p[RZ_ITEMS]);
    rz_draft_prompt(d, "What is %s?", x.text);
    rz_draft_answer(d, "%" PRId64, x.value);
    rz_draft_meta_text(d, "expression", x.text);
    rz_draft_content_text(d, x.text);
    return true;
}

const rz_task rz_task_basic_arithmetic = {
    .name = "basic_arithmetic", .about = "The value of an expression with parentheses; every division comes out even.", .answer = "an integer", .generator = 1,
    .make = make,
    .params = {{RZ_ITEMS, "numbers in the expression", 2, 6, {2, 3, 3, 4, 6}}, {RZ_LARGEST, "largest number", 9, 999, {9, 9, 20, 50, 99}},
               {RZ_VARIETY, "1: + and -; 2: * too; 3: / too", 1, 3, {2, 2, 3, 3, 3}}},
};
