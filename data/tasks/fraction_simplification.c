#include "data/tasks/draft.h"

static int gcd_of(int a, int b) { return b ? gcd_of(b, a % b) : a; }

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int common = rz_stream_range(s, 2, 12), most = (int)p[RZ_LARGEST] / common;
    int above = rz_stream_range(s, 1, most), below = rz_stream_range(s, 2, most);
    rz_draft_prompt(d, "Write %d/%d in lowest terms.", above * common, below * common);
    rz_draft_answer(d, "%d/%d", above, below);
    rz_draft_content(d, above);
    rz_draft_content(d, below);
    return gcd_of(above, below) == 1;
}

const rz_task rz_task_fraction_simplification = {
    .name = "fraction_simplification", .about = "A fraction in lowest terms.", .answer = "numerator/denominator, exactly", .generator = 1, .make = make,
    .params = {{RZ_LARGEST, "largest numerator and denominator; they have a common factor of 2 to 12", 60, 1000000, {60, 100, 300, 999, 9999}}},
};
