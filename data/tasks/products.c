#include "data/tasks/draft.h"
#include <inttypes.h>

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int64_t factors[4], product = 1; /* at most 9999⁴ */
    int n = (int)p[RZ_ITEMS];
    for (int i = 0; i < n; i++) {
        factors[i] = rz_stream_range(s, 2, (int)p[RZ_LARGEST]);
        product *= factors[i];
        rz_draft_prompt(d, "%s%" PRId64, i ? " * " : "What is ", factors[i]);
    }
    rz_draft_prompt(d, "?");
    rz_draft_answer(d, "%" PRId64, product);
    rz_draft_meta_numbers(d, "factors", factors, n);
    rz_draft_content_sorted(d, factors, n);
    return true;
}

const rz_task rz_task_products = {
    .name = "products", .about = "Multiply whole numbers.", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_ITEMS, "factors", 2, 4, {2, 2, 2, 3, 3}}, {RZ_LARGEST, "largest factor (the smallest is 2)", 12, 9999, {12, 30, 99, 99, 999}}},
};
