#include "data/tasks/draft.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int nonzero(rz_stream *s, int largest)
{
    int v = rz_stream_range(s, 1, largest);
    return rz_stream_below(s, 2) ? v : -v;
}

/* "3x + 5", "-x - 2", "4x" */
static void linear(rz_draft *d, int64_t a, int64_t b)
{
    rz_draft_prompt(d, a < 0 ? "-" : "");
    if (llabs(a) != 1) rz_draft_prompt(d, "%lld", llabs(a));
    rz_draft_prompt(d, "x");
    if (b) rz_draft_prompt(d, " %c %lld", b < 0 ? '-' : '+', llabs(b));
}

/* ax + b = c, by its solution. */
static void one_side(rz_stream *s, int largest, rz_draft *d)
{
    int64_t a = rz_stream_range(s, 2, 9), b = nonzero(s, largest), x = rz_stream_range(s, -largest, largest);
    linear(d, a, b);
    rz_draft_prompt(d, " = %" PRId64, a * x + b);
    rz_draft_answer(d, "%" PRId64, x);
}

static void both_sides(rz_stream *s, int largest, rz_draft *d)
{
    int64_t a = nonzero(s, 9), b = nonzero(s, largest), c, x = rz_stream_range(s, -largest, largest);
    do c = nonzero(s, 9);
    while (c == a);
    linear(d, a, b);
    rz_draft_prompt(d, " = ");
    linear(d, c, (a - c) * x + b);
    rz_draft_answer(d, "%" PRId64, x);
}

static void quadratic(rz_stream *s, int largest, rz_draft *d)
{
    int64_t x = rz_stream_range(s, -largest, largest), y = rz_stream_range(s, -largest, largest), b = -(x + y), c = x * y;
    rz_draft_prompt(d, "x^2");
    if (b) {
        rz_draft_prompt(d, b < 0 ? " - " : " + ");
        if (llabs(b) != 1) rz_draft_prompt(d, "%lld", llabs(b));
        rz_draft_prompt(d, "x");
    }
    if (c) rz_draft_prompt(d, " %c %lld", c < 0 ? '-' : '+', llabs(c));
    rz_draft_prompt(d, " = 0");
    rz_draft_answer(d, "%" PRId64, x < y ? x : y);
    if (x != y) rz_draft_answer(d, ", %" PRId64, x < y ? y : x);
}

/* ax + b = c with x = n/a in lowest terms. */
static void fraction(rz_stream *s, int largest, rz_draft *d)
{
    static const int primes[] = {2, 3, 5, 7};
    int64_t a = primes[rz_stream_below(s, 4)], b = nonzero(s, largest), n;
    do n = nonzero(s, largest);
    while (n % a == 0);
    linear(d, a, b);
    rz_draft_prompt(d, " = %" PRId64, n + b);
    rz_draft_answer(d, "%" PRId64 "/%" PRId64, n, a);
}

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    static void (*const kinds[])(rz_stream *, int, rz_draft *) = {one_side, both_sides, quadratic, fraction};
    static const char *const ask[] = {"Solve for x: ", "Solve for x: ", "Find every x, with a comma between two: ", "Solve for x, as a fraction: "};
    uint32_t kind = rz_stream_below(s, (uint32_t)p[RZ_VARIETY]);
    rz_draft_prompt(d, "%s", ask[kind]);
    kinds[kind](s, (int)p[RZ_LARGEST], d);
    rz_draft_content_text(d, d->prompt);
    return true;
}

const rz_task rz_task_equations = {
    .name = "equations", .about = "Solve an equation in x.", .answer = "the solutions, in any order, each once; fractions as 7/3", .generator = 1, .make = make,
    .params = {{RZ_LARGEST, "largest solution (or its numerator) and summand", 8, 1000, {8, 10, 10, 12, 30}},
               {RZ_VARIETY, "1: 3x + 5 = 20; 2: x on both sides; 3: quadratic equations too; 4: solutions that are fractions too", 1, 4, {1, 2, 2, 3, 4}}},
};
