#include "data/split.h"

const char *const rz_split_names[3] = {[RZ_TRAIN] = "train", [RZ_VALIDATION] = "validation", [RZ_TEST] = "test"};

/* FNV-1a over the bytes of every number, with a final mix. */
uint64_t rz_content_add(uint64_t h, int64_t value)
{
    for (int byte = 0; byte < 8; byte++) h = (h ^ ((uint64_t)value >> 8 * byte & 0xFF)) * 1099511628211u;
    return h;
}

uint64_t rz_content_end(uint64_t h)
{
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
    return ((h ^ h >> 29) >> 2) | (uint64_t)1 << 62;
}

uint64_t rz_content(const int64_t *values, int n)
{
    uint64_t h = RZ_CONTENT_BEGIN;
    for (int i = 0; i < n; i++) h = rz_content_add(h, values[i]);
    return rz_content_end(h);
}

rz_split rz_split_of(const rz_shares *s, uint64_t content)
{
    double at = rz_rng_unit(s->seed, RZ_RNG_SPLIT, (uint32_t)content, (uint32_t)(content >> 32), 0, 0);
    if (at < s->test_share) return RZ_TEST;
    return at < s->test_share + s->validation_share ? RZ_VALIDATION : RZ_TRAIN;
}

bool rz_shares_check(const char *task, int64_t split_seed, double test_share, double validation_share, rz_err *err)
{
    if (split_seed < 0 || split_seed > UINT32_MAX) {
        return rz_fail(err, RZ_ECONFIG, "%s: split_seed is %lld, must be 0..4294967295", task, (long long)split_seed);
    }
    if (test_share >= 0 && validation_share >= 0 && test_share + validation_share <= 1) return true;
    return rz_fail(err, RZ_ECONFIG, "%s: test_share is %g and validation_share %g; each must be at least 0, their sum at most 1", task, test_share,
                   validation_share);
}
