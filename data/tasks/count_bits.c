#include "data/tasks/draft.h"
#include <inttypes.h>

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    uint32_t value = rz_stream_below(s, (uint32_t)p[RZ_LARGEST]) + 1;
    rz_draft_prompt(d, "How many ones are there in the number %" PRIu32 " written in base 2?", value);
    rz_draft_answer(d, "%d", __builtin_popcount(value));
    rz_draft_meta_number(d, "number", value);
    rz_draft_content(d, value);
    return true;
}

const rz_task rz_task_count_bits = {
    .name = "count_bits", .about = "How many ones has a number in base 2?", .answer = "an integer", .generator = 1, .make = make,
    .params = {{RZ_LARGEST, "largest number", 63, 1000000000, {127, 255, 1023, 65535, 1000000}}},
};
