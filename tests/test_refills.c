/* Dynamic sampling in the GRPO step: which prompts come again, what of them is trained, and when it ends. */
#include "tests/tiny_job.h"

enum { PAIR = 2, ROUNDS = 3 };

typedef struct { rig *r; rz_group *group; uint32_t slot, refill; } one;

static rz_request_answer next_one(void *ctx, int n_free, bool wait, rz_request *to)
{
    one *o = ctx;
    (void)wait;
    if (!o->group || !n_free)
        return o->group ? RZ_REQUEST_LATER : RZ_REQUEST_NONE;
    *to = (rz_request){o->group->prompt, o->group->n_prompt, o->slot, o->refill, PAIR, o->group->completions};
    o->group = NULL;
    return RZ_REQUEST_GIVEN;
}

/* A group by itself: problem and tokens by their addresses. */
static rz_group sampled_alone(rig *r, int64_t step, int round, int i, rz_arena *arena)
{
    rz_group g = {.n = PAIR, .completions = RZ_ZNEW(arena, PAIR, rz_completion), .scored = RZ_ZNEW(arena, PAIR, rz_scored)};
    uint64_t index = (uint64_t)(round ? (step - 1) * (ROUNDS - 1) + round - 1 : step - 1) * PROMPTS + (uint64_t)i;
    MUST(rz_source_problem(r->source, RZ_TRAIN, round ? UINT64_C(173961102589771) + index : index, &g.problem, arena, &err));
    MUST(rz_tokenizer_encode(r->tokenizer, g.problem.prompt, strlen(g.problem.prompt), arena, &g.prompt, &g.n_prompt, &err));
    one o = {r, &g, (uint32_t)i, (uint32_t)round};
    MUST(rz_decode(r->decoder, &(rz_requests){.next = next_one, .ctx = &o, .max_prompt = g.n_prompt}, &r->g.rollout.sampling,
                   (rz_address){(uint32_t)r->config.seed, RZ_RNG_SAMPLE, (uint32_t)step}, arena, &err));
    for (int k = 0; k < PAIR; k++) {
        const rz_completion *c = &g.completions[k];
        rz_arena scratch = *arena;
        size_t len;
        const char *text = rz_tokenizer_decode(r->tokenizer, c->ids, c->n - !c->truncated, true, &scratch, &len);
        rz_score score;
        rz_rules_score(r->worker, &(rz_sample){text, len, g.problem.prompt, g.problem.answer, g.problem.meta, c->n, c->ids, c->truncated}, &score);
        g.scored[k].score = score.score;
    }
    return g;
}

/* Rounds until enough groups have signal, each as large as the share with signal so far promises to need; then the first PROMPTS of them are trained on.
 * Each step here is sampled again group by group and selected anew. */
START_TEST(refills)
{
    rig r = open_rig("dynamic_sampling=true dynamic_sampling_max_rounds=3 group_size=2 rollout.max_new=60", "", "data/countdown/quick-base.h5");
    rz_grpo *g = grpo(&r, 1);
    int rounds_of[ROUNDS + 1] = {0}, surplus = 0, short_of = 0;
    for (int64_t step = 1; step <= 25; step++) {
        rz_arena arena = tiny_arena();
        rz_metrics m = {0};
        int n = 0, with_signal = 0, round = 0, trained_groups = 0;
        int64_t tokens = 0, first_tokens = 0;
        double first_score = 0;
        restore(&r);
        rollout(g, step);
        for (; round < ROUNDS && with_signal < PROMPTS; round++) {
            int size = round ? 0 : PROMPTS; /* the fewest that would do at this share, and no more than a step has */
            while (round && size < PROMPTS && size * with_signal < (PROMPTS - with_signal) * n)
                size++;
            if (round && !with_signal)
                size = PROMPTS;
            for (int i = 0; i < size; i++, n++) {
                ck_assert_int_lt(n, g->n_groups);
                rz_group *have = &g->groups[n], wanted = sampled_alone(&r, step, round, i, &arena);
                ck_assert_str_eq(have->problem.prompt, wanted.problem.prompt);
                ck_assert_uint_eq(have->slot, round * PROMPTS + i);
                for (int k = 0; k < PAIR; k++) {
                    const rz_completion *a = &have->completions[k], *b = &wanted.completions[k];
                    ck_assert(a->n == b->n && !memcmp(a->ids, b->ids, (size_t)a->n * sizeof *a->ids) && have->scored[k].score == wanted.scored[k].score);
                    tokens += a->n;
                    first_tokens += round ? 0 : a->n;
                    first_score += round ? 0 : have->scored[k].score / (PROMPTS * PAIR);
                }
                with_signal += wanted.scored[0].score != wanted.scored[1].score;
            }
        }
        ck_assert_int_eq(g->n_groups, n);
        rounds_of[round]++;
        surplus += with_signal > PROMPTS;
        short_of += with_signal < PROMPTS;
        err = (rz_err){0};
        ck_assert_msg(rz_grpo_step(g, step, &m, &err), "%s", err.text);
        for (int i = 0; i < n; i++) {
            bool signal = g->groups[i].scored[0].score != g->groups[i].scored[1].score;
            ck_assert(g->groups[i].signal == signal && g->groups[i].trained == (signal && trained_groups < PROMPTS));
            trained_groups += signal;
        }
        trained_groups = trained_groups < PROMPTS ? trained_groups : PROMPTS;
        ck_assert(rz_metrics_get(&m, "groups/sampled") == n && rz_metrics_get(&m, "groups/wasted") == n - trained_groups);
        ck_assert(rz_metrics_get(&m, "tokens/sampled") == (double)tokens && rz_metrics_get(&m, "updates") == (trained_groups > 0));
        ck_assert_double_eq_tol(rz_metrics_get(&m, "reward/mean"), first_score, 1e-12);
        ck_assert_double_eq_tol(rz_metrics_get(&m, "completions/mean_length"), (double)first_tokens / (PROMPTS * PAIR), 1e-12);
        rz_arena_finish(&arena);
    }
    ck_assert(rounds_of[1] + rounds_of[2] > 0 && rounds_of[2] > 0 && rounds_of[3] > 0 && surplus > 0 && short_of > 0);
    close_rig(&r);
}
END_TEST

/* The update sees the trained groups alone: the same as that of a step which had sampled nothing else. */
START_TEST(waste_counts_nowhere)
{
    rig r = open_rig("dynamic_sampling=true prompts_per_step=2 group_size=4", "gradient_shards=1 truncated=punish", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured all, alone;
    set(&r, "prompts_per_step=4");
    rollout(g, 1);
    set(&r, "prompts_per_step=2");
    g->n_groups = 4;
    give_scores(g); /* 0, 1 and 3 have signal: 3 is one too many */
    ck_assert_msg(update(g, 1e-2, &all), "%s", err.text);
    ck_assert(g->groups[0].trained && g->groups[1].trained && !g->groups[2].trained && !g->groups[3].trained && g->groups[3].signal);
    float *wanted = weights(&r);
    restore(&r);
    g->n_groups = 2;
    rz_update_destroy(r.update);
    MUST(rz_update_create(&r.update, r.policy, r.comm, 1, &r.config.optimizer, &err));
    g->update = r.update;
    ck_assert_msg(update(g, 1e-2, &alone), "%s", err.text);
    ck_assert(all.loss == alone.loss && all.tokens == alone.tokens && all.tokens > 0);
    ck_assert(!memcmp(wanted, r.policy->w, (size_t)r.policy->layout.n_params * sizeof(float)));
    free(wanted);
    close_rig(&r);
}
END_TEST

/* Nobody ever earns anything: the cap ends it, and nothing is trained. */
START_TEST(hopeless_refills)
{
    rig r = open_rig("dynamic_sampling=true dynamic_sampling_max_rounds=5 kl.coef=1", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_metrics m = {0};
    err = (rz_err){0};
    ck_assert_msg(rz_grpo_step(g, 1, &m, &err), "%s", err.text);
    ck_assert(g->n_groups == 5 * PROMPTS && rz_metrics_get(&m, "groups/sampled") == 5 * PROMPTS && rz_metrics_get(&m, "groups/wasted") == 5 * PROMPTS);
    ck_assert(rz_metrics_get(&m, "updates") == 0 && rz_metrics_get(&m, "tokens/trained") == 0 && weights_are_first(&r));
    for (int i = 0; i < g->n_groups; i++)
        for (int j = 0; j < i; j++) /* no prompt is sampled twice at one address */
            ck_assert(g->groups[i].slot != g->groups[j].slot);
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, refills);
    tcase_add_test(t, waste_counts_nowhere);
    tcase_add_test(t, hopeless_refills);
}

int main(void)
{
    return tiny_main("refills", add);
}
