/* Speculative decoding gives the same bits as plain decoding, which test_decode.c holds to the definition: with drafts that are right and drafts that are wrong. */
#include "tests/tiny_decode.h"

static int64_t drafted, accepted;

static void decode_with(const rz_policy *p, int slots, rz_request *r, int n, const rz_sampling *s, rz_address at)
{
    rz_decoder *d;
    int64_t right;
    ck_assert(rz_decoder_create(&d, p, slots, &err));
    ck_assert_msg(decode_list(d, &(list){.r = r, .n = n}, s, at), "%s", err.text);
    int64_t made = rz_decoder_drafted(d, &right);
    ck_assert(right >= 0 && right <= made && (s->speculative || !made));
    drafted += made;
    accepted += right;
    rz_decoder_destroy(d);
}

static const struct { const char *name; double temperature; int top_k; double top_p, min_p; int max_new; } ways[] = {
    {"warm", 0.6, 0, 1, 0, 30}, {"cold", 0.25, 0, 1, 0, 40}, {"greedy", 0, 0, 1, 0, 47}, {"filters", 0.5, 8, 0.9, 0.02, 33}, {"one token", 0.25, 0, 1, 0, 1},
};
enum { N_WAYS = sizeof ways / sizeof ways[0] };

/* Prompts that repeat themselves, so that there is something to draft from the first token on; the second begins like the first. */
static rz_request *repeating(void)
{
    rz_request *r = requests();
    for (int i = 0; i < N_REQUESTS; i++) {
        int32_t *ids = RZ_NEW(&arena, r[i].n_prompt, int32_t);
        for (int j = 0; j < r[i].n_prompt; j++)
            ids[j] = r[i & ~1].prompt[j % (i & ~1 ? 7 : 3)];
        r[i].prompt = ids;
    }
    return r;
}

/* Every set of kernels, one thread and two, few slots and many, drafts that must be likely (weights that cost little) and all that there are. */
START_TEST(same_bits)
{
    static const struct { int slots; double weights; } how[] = {{1, 0}, {2, 1e6}, {5, 8}, {64, 1e6}};
    rz_pool *pool = _i & 1 ? tiny_pool(2) : NULL;
    rz_policy *p = tiny_policy(&arch, tiny_kernels(_i / 2), pool, 31, 1.5);
    if (_i & 1)
        rz_policy_panels(p);
    for (int way = 0; way < N_WAYS; way++)
        for (int step = 0; step < 2; step++) {
            rz_request *wanted = repeating();
            rz_address at = {5, RZ_RNG_SAMPLE, (uint32_t)step};
            rz_sampling s = sampling();
            s.temperature = ways[way].temperature, s.top_k = ways[way].top_k, s.top_p = ways[way].top_p, s.min_p = ways[way].min_p;
            s.max_new = ways[way].max_new, s.n_stop = 3 * step;
            drafted = accepted = 0;
            decode_with(p, 7, wanted, N_REQUESTS, &s, at);
            s.speculative = true;
            for (int i = 0; i < 4; i++) {
                rz_request *r = repeating();
                s.weights_rows = how[i].weights;
                decode_with(p, how[i].slots, r, N_REQUESTS, &s, at);
                for (int j = 0; j < N_REQUESTS; j++)
                    check_same(&wanted[j], &r[j], ways[way].name);
            }
            if (s.max_new == 1)
                ck_assert_int_eq(drafted, 0);
            else
                ck_assert_msg(accepted > 20 && drafted > accepted + 20, "%s: drafted %lld, accepted %lld: the case shows nothing", ways[way].name,
                              (long long)drafted, (long long)accepted);
        }
    rz_policy_destroy(p);
    rz_pool_destroy(pool);
}
END_TEST

/* ---- stop texts ---- */

static rz_tokenizer *words(void)
{
    rz_tokenizer *t;
    char json[2000], *at = json;
    at += sprintf(at, "{\"version\": \"1.0\", \"pre_tokenizer\": {\"type\": \"WhitespaceSplit\"}, \"model\": {\"type\": \"WordLevel\", \"vocab\": {");
    for (int i = 0; i < V; i++)
        at += sprintf(at, "\"%c%c\": %d%s", 'a' + i % 6, 'a' + i / 6, i, i + 1 < V ? ", " : "}}}");
    ck_assert_msg(rz_tokenizer_parse(&t, "words", json, strlen(json), &err), "%s", err.text);
    return t;
}

/* Texts that complete in the middle of what was drafted and sampled in one step. */
START_TEST(stop_texts)
{
    static const char *const texts[] = {"ac b", "ec", "dc f"};
    rz_tokenizer *t = words();
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 1.2);
    int by_text = 0;
    drafted = accepted = 0;
    for (int step = 0; step < 40; step++) {
        rz_request *wanted = repeating(), *r = repeating();
        rz_address at = {6, RZ_RNG_SAMPLE, (uint32_t)step};
        rz_sampling s = sampling();
        s.temperature = 0.3, s.max_new = 40, s.n_stop = 1, s.n_stop_texts = 3, s.stop_texts = texts, s.tokenizer = t;
        decode_with(p, 64, wanted, N_REQUESTS, &s, at);
        s.speculative = true, s.weights_rows = 1e6;
        decode_with(p, 1 + step % 9, r, N_REQUESTS, &s, at);
        for (int i = 0; i < N_REQUESTS; i++) {
            check_same(&wanted[i], &r[i], "stop texts");
            for (int k = 0; k < N; k++)
                by_text += !r[i].completions[k].truncated && r[i].completions[k].n_text == r[i].completions[k].n;
        }
    }
    ck_assert_msg(by_text > 100 && accepted > 200, "%d ended by a text, %lld accepted", by_text, (long long)accepted);
    rz_policy_destroy(p);
    rz_tokenizer_destroy(t);
}
END_TEST

/* ---- what is told as it goes ---- */

typedef struct { list l; int64_t told, last; int steps, n[N_REQUESTS][N]; int32_t ids[N_REQUESTS][N][P]; } account; /* the list first: all callbacks get it */

static void token(void *ctx, const rz_request *r, int sample, int32_t id)
{
    account *a = ctx;
    int i = (int)r->slot - 100;
    a->ids[i][sample][a->n[i][sample]++] = id;
    a->told++;
}

static void tick(void *ctx, int64_t n_tokens)
{
    account *a = ctx;
    ck_assert(n_tokens > a->last && n_tokens == a->told);
    a->last = n_tokens;
    a->steps++;
}

/* Every token is told once, in order; steps are fewer by what is accepted. */
START_TEST(progress)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 1.5);
    rz_decoder *d;
    int64_t right, tokens = 0;
    rz_sampling s = sampling();
    s.temperature = 0, s.max_new = 40, s.speculative = true;
    ck_assert(rz_decoder_create(&d, p, 1, &err));
    rz_request *r = repeating();
    account a = {.l = {.r = r, .n = N_REQUESTS, .n_slots = 1}};
    ck_assert(rz_decode(d, &(rz_requests){next, tick, &a, 40, token}, &s, address, &arena, &err));
    for (int i = 0; i < N_REQUESTS; i++)
        for (int k = 0; k < N; k++) {
            const rz_completion *c = &r[i].completions[k];
            ck_assert(a.n[i][k] == c->n && !memcmp(a.ids[i][k], c->ids, (size_t)c->n * sizeof *c->ids));
            tokens += c->n;
        }
    rz_decoder_drafted(d, &right);
    ck_assert_int_gt(right, 20);
    ck_assert_int_eq(a.steps, tokens - right);
    rz_decoder_destroy(d);
    rz_policy_destroy(p);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, same_bits, 0, 2 * tiny_n_kernels());
    tcase_add_test(t, stop_texts);
    tcase_add_test(t, progress);
}

int main(void)
{
    return tiny_main("speculative", add);
}
