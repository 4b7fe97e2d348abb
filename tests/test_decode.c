/* Decoding: against a sampler without cache, batch or slots that runs the whole sequence again for every token, against the learner (what was
 * sampled is what is trained, bit for bit) and against the model in binary64; and what may not matter: slots, order, company. */
#include "tests/tiny_decode.h"

/* ---- the same by brute force ---- */

static rz_completion slow(const rz_policy *p, const rz_request *r, int sample, const rz_sampling *s, rz_address at)
{
    float *h = RZ_NEW(&arena, P * arch.hidden_size, float), *logits = RZ_NEW(&arena, V, float), mx, sum;
    int32_t *ids = RZ_NEW(&arena, P, int32_t);
    rz_completion c = {0, ids + r->n_prompt, RZ_NEW(&arena, P, float), RZ_NEW(&arena, P, float), RZ_NEW(&arena, P, float), 0, false};
    memcpy(ids, r->prompt, (size_t)r->n_prompt * sizeof *ids);
    for (;;) {
        rz_cache cache;
        int n = r->n_prompt + c.n;
        rz_cache_init(&cache, p, n, &arena);
        rz_policy_forward(p, &(rz_run){ids, n, &cache, NULL, NULL}, 1, h, arena);
        rz_policy_logits(p, logits, h + (n - 1) * arch.hidden_size, 1);
        double u = rz_rng_unit(at.seed, at.purpose, at.step, r->slot, r->refill << 16 | (uint32_t)sample, (uint32_t)c.n);
        rz_sampled of;
        ids[n] = rz_sample_token(p->k, s, logits, V, u, &of, arena);
        p->k->logp_forward(&c.logp[c.n], &c.entropy[c.n], &mx, &sum, logits, V, &ids[n], rz_sampling_temperature(s), 1, V);
        c.logp_behaviour[c.n] = rz_sampling_filters(s, V) ? of.logp_behaviour : c.logp[c.n];
        c.n++;
        c.n_text = c.n - is_stop(ids[n]);
        if (is_stop(ids[n]))
            return c;
        if (c.n == s->max_new || n + 1 == P) {
            c.truncated = true;
            return c;
        }
    }
}

START_TEST(without_cache_and_batch)
{
    static const int all_slots[] = {1, 2, 7, 64};
    rz_pool *pool = _i & 1 ? tiny_pool(2) : NULL;
    rz_policy *p = tiny_policy(&arch, tiny_kernels(_i / 2 % tiny_n_kernels()), pool, 31, 1.5);
    rz_policy_store(p, RZ_STORED_F32, RZ_COMPUTE_F32, _i / 2 < tiny_n_kernels() ? RZ_KV_F32 : RZ_KV_BF16);
    for (int filters = 0; filters < 2; filters++) {
        rz_request *wanted = requests();
        rz_sampling s = sampling();
        if (filters) {
            s.top_k = 20;
            s.top_p = 0.95;
            s.min_p = 0.01;
        }
        for (int i = 0; i < N_REQUESTS; i++)
            for (int k = 0; k < N; k++)
                wanted[i].completions[k] = slow(p, &wanted[i], k, &s, address);
        for (int w = 0; w < 4; w++) {
            rz_request *r = requests();
            if (w == 2)
                rz_policy_panels(p);
            decode(p, all_slots[w], r, N_REQUESTS, &s, address);
            for (int i = 0; i < N_REQUESTS; i++)
                check_same(&wanted[i], &r[i], "one at a time");
        }
    }
    rz_policy_destroy(p);
    rz_pool_destroy(pool);
}
END_TEST

/* ---- what was sampled is what is trained ---- */

/* Completions as the trainer sees them: the prompt's last token is the first input of each. */
static rz_tree tree_of(const rz_request *r)
{
    rz_sequence *s = RZ_NEW(&arena, r->n_completions, rz_sequence);
    for (int k = 0; k < r->n_completions; k++) {
        const rz_completion *c = &r->completions[k];
        int32_t *ids = RZ_NEW(&arena, c->n, int32_t);
        ids[0] = r->prompt[r->n_prompt - 1];
        memcpy(ids + 1, c->ids, (size_t)(c->n - 1) * sizeof *ids);
        s[k] = (rz_sequence){ids, c->ids, c->n, RZ_NEW(&arena, c->n, float), RZ_NEW(&arena, c->n, float), NULL};
    }
    return (rz_tree){r->prompt, r->n_prompt - 1, r->n_completions, s};
}

START_TEST(sampled_is_trained)
{
    static const double temperatures[] = {1, 0.7, 1.6};
    const rz_kv_dtype kv = _i < tiny_n_kernels() + tiny_n_half_kernels() ? RZ_KV_F32 : RZ_KV_BF16; /* first all of the one, then of the other */
    _i %= tiny_n_kernels() + tiny_n_half_kernels();
    const int half = _i - tiny_n_kernels(); /* from 0 on: computed in bfloat16 */
    const rz_kernels *kernels = tiny_kernels(half < 0 ? _i : half);
    rz_policy *p = tiny_policy(&arch, kernels, NULL, 32, 1.5), *without = tiny_policy(&arch, kernels, NULL, 32, 1.5);
    rz_learner *l;
    int tokens = 0;
    rz_policy_store(p, RZ_STORED_F32, half < 0 ? RZ_COMPUTE_F32 : RZ_COMPUTE_BF16, kv);
    rz_policy_store(without, RZ_STORED_F32, half < 0 ? RZ_COMPUTE_F32 : RZ_COMPUTE_BF16, kv);
    rz_policy_panels(p);
    ck_assert(rz_learner_create(&l, without, &err));
    for (int way = 0; way < 3; way++) {
        rz_request *r = requests();
        rz_sampling s = sampling();
        rz_tree trees[N_REQUESTS];
        s.temperature = temperatures[way];
        s.top_p = way ? 0.9 : 1;
        decode(p, 1 + 2 * way, r, N_REQUESTS, &s, address);
        for (int i = 0; i < N_REQUESTS; i++)
            trees[i] = tree_of(&r[i]);
        rz_learner_forward(l, trees, N_REQUESTS, rz_sampling_temperature(&s));
        for (int i = 0; i < N_REQUESTS; i++)
            for (int k = 0; k < N; k++) {
                const rz_completion *c = &r[i].completions[k];
                const rz_sequence *t = &trees[i].sequences[k];
                tokens += c->n;
                ck_assert_msg(!memcmp(c->logp, t->logp, (size_t)c->n * sizeof(float)), "request %d, completion %d: another logp", i, k);
                ck_assert_msg(!memcmp(c->entropy, t->entropy, (size_t)c->n * sizeof(float)), "request %d, completion %d: another entropy", i, k);
                for (int j = 0; j < c->n; j++)
                    ck_assert(s.top_p < 1 ? c->logp_behaviour[j] > c->logp[j] - 1e-6f : c->logp_behaviour[j] == c->logp[j]);
            }
    }
    ck_assert_int_gt(tokens, 200);
    rz_learner_destroy(l);
    rz_policy_destroy(p);
    rz_policy_destroy(without);
}
END_TEST

/* Log-probability and entropy of every sampled token, and that greedy takes the most likely one. */
START_TEST(against_binary64)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(_i), NULL, 33, 1.5);
    truth t = truth_create(p);
    double distribution[V];
    for (int greedy = 0; greedy < 2; greedy++) {
        rz_request *r = requests();
        rz_sampling s = sampling();
        s.temperature = greedy ? 0 : 1.2;
        decode(p, 4, r, N_REQUESTS, &s, address);
        for (int i = 0; i < N_REQUESTS; i++) {
            const rz_completion *c = &r[i].completions[i % N];
            int32_t ids[2 * P];
            memcpy(ids, r[i].prompt, (size_t)r[i].n_prompt * sizeof *ids);
            memcpy(ids + r[i].n_prompt, c->ids, (size_t)c->n * sizeof *ids);
            for (int j = 0; j < c->n; j++) {
                int n = r[i].n_prompt + j;
                double entropy = 0, most = -INFINITY;
                truth_distribution(&t, ids, n, n - 1, greedy ? 1 : 1.2, distribution);
                for (int v = 0; v < V; v++) {
                    entropy -= exp(distribution[v]) * distribution[v];
                    most = fmax(most, distribution[v]);
                }
                ck_assert_double_eq_tol(c->logp[j], distribution[c->ids[j]], 1e-5);
                ck_assert_double_eq_tol(c->entropy[j], entropy, 1e-5);
                if (greedy)
                    ck_assert(distribution[c->ids[j]] >= most - 1e-5 && c->logp_behaviour[j] == 0);
            }
        }
    }
    truth_destroy(&t);
    rz_policy_destroy(p);
}
END_TEST

/* ---- what may not matter, and what must ---- */

START_TEST(slots_order_and_company)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 34, 1.5);
    rz_sampling s = sampling();
    rz_request *wanted = requests();
    decode(p, 64, wanted, N_REQUESTS, &s, address);
    for (int slots = 1; slots <= 19; slots += 3) {
        rz_request *r = requests(), *mixed = requests();
        for (int i = 0; i < N_REQUESTS; i++) /* another order */
            mixed[i] = r[(i * 5 + slots) % N_REQUESTS];
        decode(p, slots, mixed, N_REQUESTS, &s, address);
        for (int i = 0; i < N_REQUESTS; i++)
            check_same(&wanted[i], &r[i], "another order");
        r = requests();
        decode(p, slots, r, 2, &s, address); /* in parts, as ranks share them */
        decode(p, slots, r + 2, N_REQUESTS - 2, &s, address);
        for (int i = 0; i < N_REQUESTS; i++)
            check_same(&wanted[i], &r[i], "in parts");
    }
    rz_request *r = requests(), *fewer = requests();
    for (int i = 0; i < N_REQUESTS; i++)
        fewer[i].n_completions = 1 + i % 2;
    decode(p, 3, fewer, N_REQUESTS, &s, address);
    for (int i = 0; i < N_REQUESTS; i++)
        for (int k = 0; k < fewer[i].n_completions; k++)
            ck_assert(same(&wanted[i].completions[k], &fewer[i].completions[k]));
    s.max_new = 4; /* shorter ones are the beginnings of longer ones */
    decode(p, 5, r, N_REQUESTS, &s, address);
    for (int i = 0; i < N_REQUESTS; i++)
        for (int k = 0; k < N; k++) {
            const rz_completion *c = &r[i].completions[k], *w = &wanted[i].completions[k];
            ck_assert_int_eq(c->n, w->n < 4 ? w->n : 4);
            ck_assert(!memcmp(c->ids, w->ids, (size_t)c->n * sizeof *c->ids) && !memcmp(c->logp, w->logp, (size_t)c->n * sizeof(float)));
        }
    rz_policy_destroy(p);
}
END_TEST

static int shared_ids(const rz_request *a, const rz_request *b)
{
    int same_ids = 0;
    for (int k = 0; k < N; k++)
        for (int j = 0; j < a->completions[k].n && j < b->completions[k].n; j++)
            same_ids += a->completions[k].ids[j] == b->completions[k].ids[j];
    return same_ids;
}

static int ids_of(const rz_request *a)
{
    int n = 0;
    for (int k = 0; k < N; k++)
        n += a->completions[k].n;
    return n;
}

/* Each part of an address gives other samples of the same prompt; so does each completion of a request. */
START_TEST(addresses)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 35, 0.7);
    rz_sampling s = sampling();
    rz_request *r = requests();
    s.n_stop = 0;
    decode(p, 8, r, N_REQUESTS, &s, address);
    ck_assert_int_lt(shared_ids(&r[0], &r[5]), ids_of(&r[0]) / 2); /* the same text in another slot */
    for (int k = 1; k < N; k++)
        ck_assert(memcmp(r[0].completions[0].ids, r[0].completions[k].ids, (size_t)r[0].completions[0].n * sizeof(int32_t)));
    for (int part = 0; part < 5; part++) {
        rz_request *other = requests();
        rz_address at = address;
        at.seed += part == 0;
        at.step += part == 1;
        at.purpose = part == 2 ? RZ_RNG_EVAL : at.purpose;
        other[0].refill += part == 3;
        other[0].slot += (uint32_t)(part == 4) * 1000;
        decode(p, 8, other, 1, &s, at);
        ck_assert_msg(shared_ids(&r[0], &other[0]) < ids_of(&r[0]) / 2, "part %d of the address changes nothing", part);
    }
    rz_policy_destroy(p);
}
END_TEST

/* Prompts that begin alike, at panel ends and beside them, that are the same, or the beginning of another; then many of one length, more rows than are run
 * together. What they share is computed once, and no bit changes. */
START_TEST(prompts_that_begin_alike)
{
    enum { MANY = 20 };
    static const struct { int from, shared, n; } shapes[MANY] = {
        {0, 0, 40}, {0, 40, 40}, {0, 33, 33}, {0, 16, 30}, {0, 17, 18}, {0, 15, 41}, {0, 1, 2}, {3, 25, 36}, {3, 24, 44}, {0, 39, 47},
        {0, 0, 44}, {0, 0, 44}, {0, 0, 44}, {0, 0, 44}, {0, 0, 44}, {0, 0, 44}, {0, 0, 44}, {15, 43, 44}, {0, 0, 1}, {0, 32, 40},
    };
    static const int all_slots[] = {1, 2, 3, 7, 64};
    rz_policy *p = tiny_policy(&arch, tiny_kernels(_i / 2), NULL, 38, 1.5);
    rz_policy_store(p, RZ_STORED_F32, RZ_COMPUTE_F32, (rz_kv_dtype)(_i % 2));
    rz_sampling s = sampling();
    rz_request r[MANY];
    rz_completion wanted[MANY][2];
    rz_stream random;
    int64_t all = 0;
    rz_stream_init(&random, 22, RZ_RNG_TEST, 0);
    for (int i = 0; i < MANY; i++) {
        int32_t *ids = tiny_ids(&random, shapes[i].n, V, &arena);
        if (shapes[i].shared)
            memcpy(ids, r[shapes[i].from].prompt, (size_t)shapes[i].shared * sizeof *ids);
        r[i] = (rz_request){ids, shapes[i].n, (uint32_t)i, 0, 2, RZ_ZNEW(&arena, 2, rz_completion)};
        all += shapes[i].n - 1;
        for (int k = 0; k < 2; k++)
            wanted[i][k] = slow(p, &r[i], k, &s, address);
    }
    for (int w = 0; w < 10; w++) {
        rz_decoder *d;
        rz_request mixed[MANY];
        for (int i = 0; i < MANY; i++)
            mixed[i] = r[w < 5 ? i : (7 * i + w) % MANY];
        ck_assert(rz_decoder_create(&d, p, all_slots[w % 5], &err));
        for (int again = 0; again < 2; again++) {
            ck_assert_msg(decode_list(d, &(list){.r = mixed, .n = MANY}, &s, address), "%s", err.text);
            for (int i = 0; i < MANY; i++)
                for (int k = 0; k < 2; k++)
                    ck_assert_msg(same(&r[i].completions[k], &wanted[i][k]), "prompt %d, %d slots", i, all_slots[w % 5]);
        }
        if (w == 4) /* all at once: 1, 2, 3, 4, 7, 8, 9 and 19 take from 0, 17 from 15; 5 and 6 are not worth a pass; 3 waits itself, and gives to none */
            ck_assert_int_eq(rz_decoder_prompt_rows(d), all - 39 - 32 - 16 - 17 - 16 - 16 - 39 - 32 - 43);
        ck_assert_int_lt(rz_decoder_prompt_rows(d), all - (all_slots[w % 5] > 1 ? 50 : w ? 0 : 39));
        rz_decoder_destroy(d);
    }
    rz_policy_destroy(p);
}
END_TEST

/* Requests that come late find their slots later, and nothing else changes. The decoder asks ahead when its slots are full, and waits only when they
 * are all empty. */
START_TEST(late_requests)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 34, 1.5);
    rz_sampling s = sampling();
    rz_request *wanted = requests();
    decode(p, 64, wanted, N_REQUESTS, &s, address);
    for (int delay = 0; delay < 40; delay += 3)
        for (int slots = 1; slots <= 8; slots += 3) {
            rz_decoder *d;
            rz_request *r = requests();
            list l = {.r = r, .n = N_REQUESTS, .delay = delay};
            ck_assert(rz_decoder_create(&d, p, slots, &err));
            ck_assert_msg(decode_list(d, &l, &s, address), "%s", err.text);
            for (int i = 0; i < N_REQUESTS; i++)
                check_same(&wanted[i], &r[i], "late");
            ck_assert(l.over && l.idle_asks > 0 && (slots > 1 || l.early_asks > 0));
            rz_decoder_destroy(d);
        }
    rz_policy_destroy(p);
}
END_TEST

typedef struct { list l; int calls; int64_t last, told; int n[N_REQUESTS][N]; int32_t ids[N_REQUESTS][N][P]; } ticks; /* the list first: all callbacks get it */

static void token(void *ctx, const rz_request *r, int sample, int32_t id)
{
    ticks *t = ctx;
    int i = (int)r->slot - 100;
    t->ids[i][sample][t->n[i][sample]++] = id;
    t->told++;
}

static void tick(void *ctx, int64_t n_tokens)
{
    ticks *t = ctx;
    ck_assert_int_gt(n_tokens, t->last);
    ck_assert_int_eq(n_tokens, t->told);
    t->last = n_tokens;
    t->calls++;
}

START_TEST(progress)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 1);
    rz_sampling s = sampling();
    rz_decoder *d;
    int64_t tokens = 0;
    ck_assert(rz_decoder_create(&d, p, 4, &err));
    for (int again = 0; again < 2; again++) { /* a decoder serves many calls */
        rz_request *r = requests();
        ticks t = {.l = {.r = r, .n = N_REQUESTS, .n_slots = 4}};
        ck_assert(rz_decode(d, &(rz_requests){next, tick, &t, 40, token}, &s, address, &arena, &err));
        tokens = 0;
        for (int i = 0; i < N_REQUESTS; i++) {
            tokens += ids_of(&r[i]);
            for (int k = 0; k < N; k++) {
                const rz_completion *c = &r[i].completions[k];
                ck_assert(t.n[i][k] == c->n && !memcmp(t.ids[i][k], c->ids, (size_t)c->n * sizeof *c->ids));
            }
        }
        ck_assert_int_eq(t.last, tokens);
        ck_assert_int_gt(t.calls, 1);
        s.max_new = 5;
    }
    ck_assert(decode_list(d, &(list){0}, &s, address)); /* a rank without a share */
    rz_decoder_destroy(d);
    rz_decoder_destroy(NULL);
    rz_policy_destroy(p);
}
END_TEST

static bool leave(void *ctx) { return ((list *)ctx)->n_slots++ == 6; } /* which next() has no more use for */

/* In the middle, with slots taken; the next call finds nothing of it. */
START_TEST(leaving)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 36, 1);
    rz_sampling s = sampling();
    rz_request *wanted = requests(), *r = requests();
    rz_decoder *d;
    decode(p, 4, wanted, N_REQUESTS, &s, address);
    ck_assert(rz_decoder_create(&d, p, 4, &err));
    list l = {.r = r, .n = N_REQUESTS, .n_slots = 4};
    ck_assert(!rz_decode(d, &(rz_requests){.next = next, .ctx = &l, .max_prompt = 40, .leave = leave}, &s, address, &arena, &err));
    ck_assert_int_eq(err.code, RZ_ESTOPPED);
    ck_assert_int_eq(l.n_slots, 7);
    ck_assert(decode_list(d, &(list){.r = r, .n = N_REQUESTS}, &s, address));
    for (int i = 0; i < N_REQUESTS; i++)
        check_same(&wanted[i], &r[i], "behind a call that was left");
    rz_decoder_destroy(d);
    rz_policy_destroy(p);
}
END_TEST

START_TEST(no_room)
{
    rz_policy *p = tiny_policy(&arch, tiny_kernels(-1), NULL, 37, 1);
    rz_sampling s = sampling();
    rz_decoder *d;
    rz_completion c[1];
    int32_t *prompt = RZ_ZNEW(&arena, P + 1, int32_t);
    ck_assert(rz_decoder_create(&d, p, 4, &err));
    static const int bad[] = {0, -1, P, P + 1};
    for (int i = 0; i < 4; i++) {
        rz_request r = {prompt, bad[i], 0, 0, 1, c};
        char said[60];
        snprintf(said, sizeof said, "a prompt has %d tokens, must have 1..%d", bad[i], P - 1);
        err = (rz_err){0};
        ck_assert(!decode_list(d, &(list){.r = &r, .n = 1}, &s, address));
        ck_assert_int_eq(err.code, RZ_EDATA);
        ck_assert_msg(strstr(err.text, said), "%s", err.text);
    }
    rz_request last = {prompt, P - 1, 0, 0, 1, c}; /* room for one */
    ck_assert_msg(decode_list(d, &(list){.r = &last, .n = 1}, &s, address), "%s", err.text);
    ck_assert_int_eq(c[0].n, 1);
    ck_assert_int_eq(c[0].truncated, !is_stop(c[0].ids[0]));
    rz_decoder_destroy(d);
    rz_policy_destroy(p);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, without_cache_and_batch, 0, 4 * tiny_n_kernels());
    tcase_add_loop_test(t, sampled_is_trained, 0, 2 * (tiny_n_kernels() + tiny_n_half_kernels()));
    tcase_add_loop_test(t, against_binary64, 0, tiny_n_kernels());
    tcase_add_test(t, slots_order_and_company);
    tcase_add_test(t, addresses);
    tcase_add_loop_test(t, prompts_that_begin_alike, 0, 2 * tiny_n_kernels());
    tcase_add_test(t, late_requests);
    tcase_add_test(t, progress);
    tcase_add_test(t, leaving);
    tcase_add_test(t, no_room);
}

int main(void)
{
    return tiny_main("decode", add);
}
