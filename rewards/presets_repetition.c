/* Presets against repetition: the part of n-grams that are no first ones, times a penalty. */
#include "rewards/presets.h"
#include <string.h>

static bool check_repetition(const json_t *p, rz_err *err)
{
    json_int_t n = json_integer_value(json_object_get(p, "ngram_size"));
    double penalty = json_number_value(json_object_get(p, "max_penalty"));
    const char *language = json_string_value(json_object_get(p, "language"));
    if (n < 1 || n > RZ_PRESET_MAX_ITEMS) return rz_fail(err, RZ_ECONFIG, "ngram_size is %lld, must be 1..%d", (long long)n, RZ_PRESET_MAX_ITEMS);
    if (language && strcmp(language, "en") != 0)
        return rz_fail(err, RZ_ECONFIG, "language is '%.40s', must be en: words parted by white space (the original's zh asks the library jieba)", language);
    return penalty <= 0 || rz_fail(err, RZ_ECONFIG, "max_penalty is %g, must be 0 or less", penalty);
}

static uint64_t mixed(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    h = (h ^ h >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return h ^ h >> 32;
}

/* Names of things by their first occurrence: 0, 1, …; open addressing. */
typedef struct {
    uint32_t *slots; /* name + 1, 0: free */
    uint64_t mask;
    uint32_t n;
} names;

static names names_for(rz_arena *a, size_t n)
{
    uint64_t room = 16;
    while (room < 2 * n) room *= 2;
    return (names){RZ_ZNEW(a, room, uint32_t), room - 1, 0};
}

bool rz_preset_number_words(rz_arena *a, rz_slice t, uint32_t **out, size_t *n_out)
{
    rz_slice w;
    size_t n = 0, at = 0;
    while (rz_python_word(t, &at, &w)) n++;
    if (n > RZ_PRESET_MAX_ITEMS) return false;
    names known = names_for(a, n);
    rz_slice *words = RZ_NEW(a, n + 1, rz_slice);
    uint32_t *ids = RZ_NEW(a, n + 1, uint32_t);
    at = n = 0;
    while (rz_python_word(t, &at, &w)) {
        uint64_t h = UINT64_C(14695981039346656037);
        for (size_t i = 0; i < w.len; i++) h = (h ^ (unsigned char)w.s[i]) * UINT64_C(1099511628211);
        for (h = mixed(h);; h++) {
            uint32_t *slot = &known.slots[h & known.mask];
            if (*slot && !rz_python_equal(words[*slot - 1], w)) continue;
            if (!*slot) words[known.n] = w, *slot = ++known.n;
            ids[n++] = *slot - 1;
            break;
        }
    }
    *out = ids;
    *n_out = n;
    return true;
}

/* out[i] = a name of the pair (x[i], y[i]); returns how many names there are. out may be x. */
static uint32_t name_pairs(rz_arena scratch, const uint32_t *x, const uint32_t *y, size_t n, uint32_t *out)
{
    names known = names_for(&scratch, n);
    uint64_t *pairs = RZ_NEW(&scratch, n + 1, uint64_t);
    for (size_t i = 0; i < n; i++) {
        uint64_t pair = (uint64_t)x[i] << 32 | y[i], h = mixed(pair);
        while (known.slots[h & known.mask] && pairs[known.slots[h & known.mask] - 1] != pair) h++;
        uint32_t *slot = &known.slots[h & known.mask];
        if (!*slot) pairs[known.n] = pair, *slot = ++known.n;
        out[i] = *slot - 1;
    }
    return known.n;
}

/* Different runs of `size` neighbours among n ≥ size numbers: runs of twice the length are pairs of runs, so it takes log2(size) passes and never compares. */
uint32_t rz_preset_count_runs(rz_arena scratch, const uint32_t *ids, size_t n, size_t size)
{
    uint32_t *runs = RZ_NEW(&scratch, n, uint32_t), *joined = RZ_NEW(&scratch, n, uint32_t), count;
    size_t length = 1; /* of the runs that are named */
    count = name_pairs(scratch, ids, ids, n, runs);
    while (length < size) {
        size_t step = 2 * length <= size ? length : size - length; /* two runs may overlap */
        n -= step;
        count = name_pairs(scratch, runs, runs + step, n, joined);
        uint32_t *other = runs;
        runs = joined, joined = other;
        length += step;
    }
    return count;
}

static void punish(const rz_case *c, outcome *o, const uint32_t *ids, size_t n, const char *items)
{
    size_t size = (size_t)rz_param_int(c, "ngram_size");
    if (n < size) {
        rz_outcome_scored(o, false, 0, "%zu %s, fewer than %zu", n, items, size);
        return;
    }
    size_t total = n - size + 1, different = rz_preset_count_runs(*c->env->scratch, ids, n, size);
    double scaling = 1 - (double)different / (double)total;
    rz_outcome_scored(o, false, scaling * rz_param_number(c, "max_penalty"), "%zu of %zu runs of %zu %s are different", different, total, size, items);
}

static void repetition_words(const rz_case *c, outcome *o)
{
    uint32_t *ids;
    size_t n;
    if (!rz_preset_number_words(c->env->scratch, rz_python_lower(c->env->scratch, c->text), &ids, &n))
        rz_outcome_error(o, "over %d words", RZ_PRESET_MAX_ITEMS);
    else
        punish(c, o, ids, n, "words");
}

static void repetition_tokens(const rz_case *c, outcome *o)
{
    if (!c->ids || c->n_tokens < 0)
        rz_outcome_error(o, "the tokens are not known: give ids");
    else if (c->n_tokens > RZ_PRESET_MAX_ITEMS)
        rz_outcome_error(o, "over %d tokens", RZ_PRESET_MAX_ITEMS);
    else
        punish(c, o, (const uint32_t *)c->ids, (size_t)c->n_tokens, "tokens");
}

const rz_verifier rz_verifiers_presets_repetition[] = {
    {.name = "open-r1/repetition", .origin = "open-r1 1416fa0, rewards.py, get_repetition_penalty_reward", .about = "a penalty for repeated runs of words",
     .params = "{\"ngram_size\": 3, \"max_penalty\": -1.0, \"language\": \"en\"}", .bottom = -1, .score = repetition_words, .check = check_repetition},
    {.name = "trl/repetition", .origin = "TRL f2cd577, get_repetition_penalty_reward", .about = "a penalty for repeated runs of tokens",
     .params = "{\"ngram_size\": 3, \"max_penalty\": -1.0}", .bottom = -1, .score = repetition_tokens, .check = check_repetition},
};
const int rz_n_verifiers_presets_repetition = sizeof rz_verifiers_presets_repetition / sizeof *rz_verifiers_presets_repetition;
