/* A GRPO job in memory on a tiny policy, with the shipped tokenizer, task and rules, for the tests of the trainer. */
#ifndef RZ_TESTS_TINY_JOB_H
#define RZ_TESTS_TINY_JOB_H
#include "trainer/checkpoint.h"
#include "trainer/grpo.h"

#include "tests/tiny.h"

enum { PROMPTS = 4, GROUP = 4, MAX_NEW = 12, N_STOP = 14, MOST_TOKENS = PROMPTS * GROUP * MAX_NEW };

static rz_err err;

typedef struct {
    rz_config config;
    rz_comm *comm;
    rz_pool *pool;
    rz_tokenizer *tokenizer;
    rz_source *source;
    rz_rules *rules;
    rz_rules_worker *worker;
    rz_policy *policy;
    rz_decoder *decoder;
    rz_update *update;
    int32_t stop[N_STOP];
    rz_grpo g;
    float *first; /* the weights it began with */
} rig;

#define MUST(call) ck_assert_msg((call), "%s", err.text)

static inline void set(rig *r, const char *assignments)
{
    char text[400], *save = NULL;
    snprintf(text, sizeof text, "%s", assignments);
    for (char *a = strtok_r(text, " ", &save); a; a = strtok_r(NULL, " ", &save))
        MUST(rz_options_override(rz_config_rows, rz_config_n_rows, &r->config, a, NULL, &err));
}

/* base: a model file, or NULL for a tiny random policy. Many stop tokens, so that about half of the completions are not cut. beta1 0 and no clipping:
 * the first moment is the gradient. */
static inline rig open_rig(const char *assignments, const char *more, const char *base)
{
    rig r = {.stop = {1}};
    rz_arch a = {0, 16, 24, 1, 2, 1, 8, 64, 1e-5, 1e4, true};
    MUST(rz_options_init(rz_config_rows, rz_config_n_rows, &r.config, &err));
    set(&r, "prompts_per_step=4 group_size=4 rollout.max_new=12 rollout.slots=5 gradient_shards=2 task.numbers=[2] task.max_input=20 task.max_value=40 "
            "optimizer.beta1=0 optimizer.max_grad_norm=0");
    set(&r, assignments);
    set(&r, more);
    const rz_config *c = &r.config;
    MUST(rz_comm_create(&r.comm, &err) && rz_pool_create(&r.pool, (int)c->threads, &err));
    MUST(rz_source_open(&r.source, c->data, &c->task, (uint32_t)c->seed, &err));
    MUST(rz_rules_load(&r.rules, c->rules, &err) && rz_rules_worker_create(&r.worker, r.rules, NULL, &err));
    if (base) {
        MUST(rz_model_read(base, tiny_kernels(-1), r.pool, &r.policy, &r.tokenizer, &err));
    } else {
        MUST(rz_tokenizer_load(&r.tokenizer, c->tokenizer, &err));
        a.vocab_size = rz_tokenizer_size(r.tokenizer);
        r.policy = tiny_policy(&a, tiny_kernels(-1), r.pool, 51, 1);
    }
    rz_policy_panels(r.policy);
    MUST(rz_decoder_create(&r.decoder, r.policy, (int)c->rollout.slots, &err));
    MUST(rz_update_create(&r.update, r.policy, r.comm, (int)c->gradient_shards, &c->optimizer, &err));
    r.first = malloc((size_t)r.policy->layout.n_params * sizeof *r.first);
    memcpy(r.first, r.policy->w, (size_t)r.policy->layout.n_params * sizeof *r.first);
    r.g.arena = tiny_arena();
    return r;
}

/* The parts of g that point into the rig or into the config. */
static inline rz_grpo *grpo(rig *r, int n_stop)
{
    r->stop[0] = rz_tokenizer_id(r->tokenizer, "<eos>");
    for (int i = 1; i < N_STOP; i++)
        r->stop[i] = 7 * i;
    r->g.config = &r->config;
    r->g.update = r->update;
    r->g.rollout = (rz_rollout){.comm = r->comm, .decoder = r->decoder, .tokenizer = r->tokenizer, .source = r->source, .rules = r->rules,
                                .worker = r->worker, .sampling = rz_config_sampling(&r->config, r->tokenizer, r->stop, n_stop), .seed = (uint32_t)r->config.seed,
                                .random_reward = r->config.reward == RZ_REWARD_RANDOM};
    if (!r->g.reference)
        MUST(rz_grpo_keep_reference(&r->g, r->policy, r->comm, &err));
    return &r->g;
}

static inline void close_rig(rig *r)
{
    rz_grpo_finish(&r->g);
    rz_update_destroy(r->update);
    rz_decoder_destroy(r->decoder);
    rz_policy_destroy(r->policy);
    rz_rules_worker_destroy(r->worker);
    rz_rules_destroy(r->rules);
    rz_source_close(r->source);
    rz_tokenizer_destroy(r->tokenizer);
    rz_pool_destroy(r->pool);
    rz_comm_destroy(r->comm);
    rz_config_finish(&r->config);
    free(r->first);
}

static inline void rollout(rz_grpo *g, int64_t step)
{
    rz_rollout_times times = {0};
    MUST(rz_grpo_rollout(g, step, &times, &err));
}

/* Scores that a random policy would never reach; group 2 has no signal. */
static inline void give_scores(rz_grpo *g)
{
    static const double scores[PROMPTS][GROUP] = {{0, 1.1, 0.1, 0}, {1, 0, 0, 1}, {0.1, 0.1, 0.1, 0.1}, {0, 0, 0, 1.1}};
    for (int i = 0; i < g->n_groups; i++)
        for (int k = 0; k < g->groups[i].n; k++)
            g->groups[i].scored[k].score = scores[i % PROMPTS][k % GROUP];
}

static inline bool update(rz_grpo *g, double lr, rz_grpo_measured *m)
{
    err = (rz_err){0};
    return rz_grpo_update(g, 1, lr, m, &err);
}

static inline void restore(rig *r)
{
    memcpy(r->policy->w, r->first, (size_t)r->policy->layout.n_params * sizeof(float));
    rz_policy_refresh(r->policy);
}

static inline bool weights_are_first(const rig *r)
{
    return !memcmp(r->policy->w, r->first, (size_t)r->policy->layout.n_params * sizeof(float));
}

static inline float *weights(const rig *r)
{
    size_t bytes = (size_t)r->policy->layout.n_params * sizeof(float);
    return memcpy(malloc(bytes), r->policy->w, bytes);
}

/* logp(n) of a completion under the weights of now, the prompt being computed with it. */
static inline void current_logp(const rig *r, const rz_group *g, int k, float *logp)
{
    const rz_completion *c = &g->completions[k];
    int n = g->n_prompt + c->n;
    rz_learner *l;
    int32_t *ids = malloc((size_t)n * sizeof *ids);
    float *all = malloc((size_t)n * sizeof *all);
    memcpy(ids, g->prompt, (size_t)g->n_prompt * sizeof *ids);
    memcpy(ids + g->n_prompt, c->ids, (size_t)c->n * sizeof *ids);
    MUST(rz_learner_create(&l, r->policy, &err));
    rz_learner_forward(l, &(rz_tree){NULL, 0, 1, &(rz_sequence){ids, ids + 1, n - 1, all, NULL, NULL}}, 1, (float)r->config.rollout.temperature);
    memcpy(logp, all + g->n_prompt - 1, (size_t)c->n * sizeof *logp);
    rz_learner_destroy(l);
    free(ids);
    free(all);
}

/* Is the completion in the objective? By its scores and its end alone. */
static inline bool trained(const rig *r, bool mask, int group, int sample)
{
    const rz_group *g = &r->g.groups[group];
    bool signal = false;
    for (int k = 0; k < g->n; k++)
        signal = signal || g->scored[k].score != g->scored[0].score;
    return signal && !(mask && g->completions[sample].truncated);
}
#endif
