/* gcd and lcm: the two questions about what numbers have in common. */
#include "data/tasks/draft.h"
#include <inttypes.h>

enum { MAX_ITEMS = 4 };

static int64_t gcd_of(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* "What is the …  of 12, 18 and 24?"; false when all numbers are the same. */
static bool ask(rz_draft *d, const char *what, const int64_t *v, int n, int64_t answer)
{
    int same = 0;
    rz_draft_prompt(d, "What is the %s of", what);
    for (int i = 0; i < n; i++) {
        rz_draft_prompt(d, "%s %" PRId64, i == 0 ? "" : i == n - 1 ? " and" : ",", v[i]);
        same += v[i] == v[0];
    }
    rz_draft_prompt(d, "?");
    rz_draft_answer(d, "%" PRId64, answer);
    rz_draft_meta_numbers(d, "numbers", v, n);
    rz_draft_content_sorted(d, v, n);
    return same < n;
}

/* Three of four are made of a common factor: of numbers at random most have none. */
static bool make_gcd(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t v[MAX_ITEMS], answer = 0;
    int n = (int)p[RZ_ITEMS], largest = (int)p[RZ_LARGEST], common = rz_stream_below(s, 4) ? rz_stream_range(s, 2, largest / 4) : 1;
    for (int i = 0; i < n; i++) {
        v[i] = common * (int64_t)rz_stream_range(s, 1, largest / common);
        answer = gcd_of(v[i], answer);
    }
    return ask(d, "greatest common divisor", v, n, answer);
}

static bool make_lcm(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t v[MAX_ITEMS], answer = 1; /* at most 9999⁴ */
    int n = (int)p[RZ_ITEMS];
    for (int i = 0; i < n; i++) {
        v[i] = rz_stream_range(s, 2, (int)p[RZ_LARGEST]);
        answer = answer / gcd_of(answer, v[i]) * v[i];
    }
    return ask(d, "least common multiple", v, n, answer);
}

const rz_task rz_task_gcd = {
    .name = "gcd", .about = "The greatest common divisor.", .answer = "an integer", .generator = 1, .make = make_gcd,
    .params = {{RZ_ITEMS, "numbers", 2, MAX_ITEMS, {2, 2, 2, 3, 3}}, {RZ_LARGEST, "largest number", 20, 1000000000, {30, 100, 999, 999, 99999}}},
};
const rz_task rz_task_lcm = {
    .name = "lcm", .about = "The least common multiple.", .answer = "an integer", .generator = 1, .make = make_lcm,
    .params = {{RZ_ITEMS, "numbers", 2, MAX_ITEMS, {2, 2, 2, 3, 3}}, {RZ_LARGEST, "largest number", 12, 9999, {15, 30, 99, 50, 200}}},
};
