/* A small batch of requests for the tests of decoding, and a source of requests. */
#ifndef RZ_TESTS_TINY_DECODE_H
#define RZ_TESTS_TINY_DECODE_H
#include "rollout/decode.h"
#include "tests/tiny.h"

enum { P = 48, V = 37, N_REQUESTS = 6, N = 3 }; /* N completions a request */

static const rz_arch arch = {V, 20, 28, 2, 4, 2, 6, P, 1e-5, 1e4, true};
static const int32_t stops[] = {3, 30, 17};
static const rz_address address = {5, RZ_RNG_SAMPLE, 9};
static rz_arena arena;
static rz_err err;

static inline void setup(void)
{
    arena = tiny_arena();
}

static inline void teardown(void)
{
    rz_arena_finish(&arena);
}

static inline rz_sampling sampling(void)
{
    return (rz_sampling){.temperature = 0.9, .top_p = 1, .max_new = 20, .n_stop = 3, .stop = stops};
}

/* Prompts of one token, of a panel's width and beside it, one that leaves little room; the first and the last are the same text. */
static inline rz_request *requests(void)
{
    static const int lengths[N_REQUESTS] = {5, 1, 16, 17, 40, 5};
    rz_request *r = RZ_NEW(&arena, N_REQUESTS, rz_request);
    rz_stream s;
    rz_stream_init(&s, 21, RZ_RNG_TEST, 0);
    for (int i = 0; i < N_REQUESTS; i++)
        r[i] = (rz_request){tiny_ids(&s, lengths[i], V, &arena), lengths[i], (uint32_t)(100 + i), 0, N, RZ_ZNEW(&arena, N, rz_completion)};
    r[N_REQUESTS - 1].prompt = r[0].prompt;
    return r;
}

/* A source of requests: an array. It says "later" `late` times before it gives one, unless the decoder has nothing else to do. */
typedef struct {
    rz_request *r;
    int n, at, late, delay, n_slots, idle_asks, early_asks;
    bool over;
} list;

static inline rz_request_answer next(void *ctx, int n_free, bool wait, rz_request *to)
{
    list *l = ctx;
    ck_assert(n_free >= 0 && n_free <= l->n_slots && !l->over && (!wait || n_free == l->n_slots));
    l->idle_asks += wait;
    l->early_asks += n_free == 0;
    if (n_free == 0 || (!wait && l->late++ < l->delay))
        return RZ_REQUEST_LATER;
    l->late = 0;
    l->over = l->at == l->n;
    if (l->over)
        return RZ_REQUEST_NONE;
    *to = l->r[l->at++];
    return RZ_REQUEST_GIVEN;
}

static inline int longest(const rz_request *r, int n)
{
    int most = n ? r[0].n_prompt : 1;
    for (int i = 0; i < n; i++)
        most = r[i].n_prompt > most ? r[i].n_prompt : most;
    return most;
}

static inline bool decode_list(rz_decoder *d, list *l, const rz_sampling *s, rz_address at)
{
    l->n_slots = rz_decoder_slots(d);
    return rz_decode(d, &(rz_requests){.next = next, .ctx = l, .max_prompt = longest(l->r, l->n)}, s, at, &arena, &err);
}

static inline void decode(const rz_policy *p, int slots, rz_request *r, int n, const rz_sampling *s, rz_address at)
{
    rz_decoder *d;
    ck_assert_msg(rz_decoder_create(&d, p, slots, &err), "%s", err.text);
    ck_assert_msg(decode_list(d, &(list){.r = r, .n = n}, s, at), "%s", err.text);
    rz_decoder_destroy(d);
}

static inline bool same(const rz_completion *a, const rz_completion *b)
{
    size_t n = (size_t)a->n * sizeof(float);
    return a->n == b->n && a->n_text == b->n_text && a->truncated == b->truncated && !memcmp(a->ids, b->ids, n) && !memcmp(a->logp, b->logp, n) &&
           !memcmp(a->logp_behaviour, b->logp_behaviour, n) && !memcmp(a->entropy, b->entropy, n);
}

static inline void check_same(const rz_request *a, const rz_request *b, const char *why)
{
    ck_assert_uint_eq(a->slot, b->slot);
    for (int k = 0; k < N; k++)
        ck_assert_msg(same(&a->completions[k], &b->completions[k]), "%s: slot %u, completion %d differs", why, a->slot, k);
}

static inline bool is_stop(int32_t id)
{
    return id == stops[0] || id == stops[1] || id == stops[2];
}
#endif
