#include "data/tasks/draft.h"

static bool make(rz_stream *s, const int64_t *p, rz_draft *d)
{
    int value = rz_stream_range(s, 4, (int)p[RZ_LARGEST]), rest = value, n = 0;
    for (int prime = 2; rest > 1; prime++) {
        if ((int64_t)prime * prime > rest) prime = rest; /* what is left is a prime */
        for (; rest % prime == 0; rest /= prime) rz_draft_answer(d, n++ ? " * %d" : "%d", prime);
    }
    rz_draft_prompt(d, "Write %d as a product of prime numbers.", value);
    rz_draft_meta_number(d, "number", value);
    rz_draft_content(d, value);
    return n > 1;
}

const rz_task rz_task_prime_factorisation = {
    .name = "prime_factorisation", .about = "The prime factors of a number that is no prime.", .answer = "the primes with * between, in any order", .generator = 1,
    .make = make, .params = {{RZ_LARGEST, "largest number", 99, 1000000000, {120, 200, 999, 9999, 99999}}},
};
