#include "trainer/grpo.h"

#include "base/fault.h"
#include "base/file.h"
#include "trainer/advantages.h"
#include "trainer/kinds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

rz_method rz_grpo_method(const rz_config *c)
{
    const rz_objective *o = &rz_objectives[c->algorithm];
    return (rz_method){.divide_by_std = c->advantage_std ? c->advantage_std == 2 : o->divide_by_std,
                       .aggregation = c->aggregation ? (rz_aggregation)(c->aggregation - 1) : o->aggregation,
                       .clip = {c->clip_eps_low, c->clip_eps_high},
                       .mask_truncated = c->truncated == RZ_TRUNCATED_MASK};
}

rz_sampling rz_config_sampling(const rz_config *c, const rz_tokenizer *t, const int32_t *stop, int n_stop)
{
    return (rz_sampling){c->rollout.temperature, (int)c->rollout.top_k, c->rollout.top_p, c->rollout.min_p, (int)c->rollout.max_new, n_stop, stop,
                         t ? c->rollout.stop.n : 0, (const char *const *)c->rollout.stop.v, t, 0, NULL, c->rollout.speculative, 0};
}

bool rz_grpo_keep_reference(rz_grpo *g, const rz_policy *p, rz_comm *c, rz_err *err)
{
    if (g->config->kl.coef == 0)
        return true;
    if (!rz_policy_copy(&g->reference, p, c, err) || !rz_comm_agree(c, rz_learner_create(&g->reference_learner, g->reference, err), err))
        return false;
    rz_learner_recompute(g->reference_learner, RZ_RECOMPUTE_ALL); /* it never goes backward */
    return true;
}

void rz_grpo_finish(rz_grpo *g)
{
    rz_learner_destroy(g->reference_learner);
    rz_policy_destroy(g->reference);
    rz_arena_finish(&g->arena);
}

static rz_advantage_plan plan_of(const rz_grpo *g)
{
    return rz_advantage_plan_make(g->rollout.rules, rz_grpo_method(g->config).divide_by_std, g->rollout.random_reward);
}

/* How many prompts the next round of dynamic sampling draws: as many as should do, if as large a share of them has signal as so far in this step.
 * Fewer rounds than asking for what is missing would take, less waste than whole rounds. */
static int refill_size(int wanted, int sampled, int with_signal)
{
    int64_t n = with_signal ? ((int64_t)(wanted - with_signal) * sampled + with_signal - 1) / with_signal : wanted;
    return (int)(n < wanted ? n : wanted);
}

/* Rounds after the first: their prompts are numbered apart from the steps' (RZ_REFILL_FIRST), a fixed range a step. */
static rz_draw refill_of(const rz_config *c, rz_draw first, int64_t address, int round, int n)
{
    first.refill = (uint32_t)round;
    first.first_slot = (uint32_t)(round * c->prompts_per_step);
    first.first = RZ_REFILL_FIRST + (uint64_t)(((address - 1) * (c->dynamic_sampling_max_rounds - 1) + round - 1) * c->prompts_per_step);
    first.n_groups = n;
    return first;
}

bool rz_grpo_rollout(rz_grpo *g, int64_t step, rz_rollout_times *times, rz_err *err)
{
    const rz_config *c = g->config;
    int64_t address = step + g->data_shift;
    int wanted = (int)c->prompts_per_step, rounds = c->dynamic_sampling ? (int)c->dynamic_sampling_max_rounds : 1, with_signal = 0;
    rz_arena_release(&g->arena, 0);
    g->groups = RZ_NEW(&g->arena, wanted * rounds, rz_group);
    g->n_groups = 0;
    const rz_draw first = {.split = RZ_TRAIN, .purpose = RZ_RNG_SAMPLE, .step = (uint32_t)address, .n_groups = wanted, .n = (int)c->group_size,
                           .first = (uint64_t)(address - 1) * (uint64_t)wanted};
    rz_advantage_plan plan = plan_of(g);
    for (int round = 0; round < rounds && with_signal < wanted; round++) {
        rz_draw draw = round ? refill_of(c, first, address, round, refill_size(wanted, g->n_groups, with_signal)) : first;
        if (!rz_rollout_groups(&g->rollout, draw, &g->arena, g->groups + g->n_groups, times, err))
            return false;
        for (int i = 0; i < draw.n_groups; i++)
            with_signal += rz_group_advantages(&plan, &g->groups[g->n_groups++], g->arena);
    }
    return true;
}

static void compute_advantages(rz_grpo *g)
{
    rz_advantage_plan plan = plan_of(g);
    int taken = 0;
    for (int i = 0; i < g->n_groups; i++) {
        rz_group *group = &g->groups[i];
        group->signal = rz_group_advantages(&plan, group, g->arena);
        if (g->config->dynamic_sampling) /* the first ones in order of slots */
            group->trained = group->signal && taken++ < g->config->prompts_per_step;
        else /* a KL term has a gradient where scores have none */
            group->trained = group->signal || g->reference;
    }
    rz_batch_advantages(&plan, g->groups, g->n_groups);
}

/* One optimizer step's share of the groups. */
typedef struct {
    const rz_grpo *g;
    rz_method method;
    rz_arena scratch;     /* of the losses */
    int64_t max_new, tokens, sequences;
    bool fresh;           /* the weights are those that sampled: recomputed must equal sampled */
    rz_tree *trees;
    const float **sampled; /* per sequence of each tree, in order: logp as sampled */
    double *advantages;    /* likewise */
    int *first;            /* (n_trees) index of a tree's first sequence in the two arrays */
} minibatch;

static bool is_trained(const minibatch *b, const rz_group *g, int k)
{
    return !(b->method.mask_truncated && g->completions[k].truncated) && g->completions[k].n > 0;
}

/* A group as a tree: the shared prefix is the prompt without its last token, which is the first input of every completion. */
static int add_tree(minibatch *b, const rz_group *g, int n_trees, int at, rz_arena *arena)
{
    rz_sequence *s = RZ_NEW(arena, g->n, rz_sequence);
    int n = 0;
    for (int k = 0; k < g->n; k++) {
        const rz_completion *c = &g->completions[k];
        if (!is_trained(b, g, k))
            continue;
        int32_t *ids = RZ_NEW(arena, c->n, int32_t);
        ids[0] = g->prompt[g->n_prompt - 1];
        memcpy(ids + 1, c->ids, (size_t)(c->n - 1) * sizeof *ids);
        b->sampled[at + n] = c->logp;
        b->advantages[at + n] = g->scored[k].advantage;
        s[n++] = (rz_sequence){ids, c->ids, c->n, RZ_NEW(arena, c->n, float), NULL, RZ_NEW(arena, c->n, float)};
        b->tokens += c->n;
    }
    if (n) {
        b->trees[n_trees] = (rz_tree){g->prompt, g->n_prompt - 1, n, s};
        b->first[n_trees] = at;
        b->sequences += n;
    }
    return n;
}

/* Log-probabilities of a tree under the reference: a copy of its sequences with arrays of their own. */
static const rz_sequence *reference_logp(const rz_grpo *g, const rz_tree *t, rz_arena *arena)
{
    rz_sequence *s = RZ_NEW(arena, t->n_sequences, rz_sequence);
    for (int k = 0; k < t->n_sequences; k++)
        s[k] = (rz_sequence){t->sequences[k].ids, t->sequences[k].targets, t->sequences[k].n, RZ_NEW(arena, t->sequences[k].n, float), NULL, NULL};
    rz_learner_forward(g->reference_learner, &(rz_tree){t->prefix, t->n_prefix, t->n_sequences, s}, 1, rz_sampling_temperature(&g->rollout.sampling));
    return s;
}

/* NaN when either is. */
static double larger(double a, double b)
{
    return isnan(a) || a >= b ? a : b;
}

static void tree_loss(void *ctx, int i, rz_tree_result *result)
{
    const minibatch *b = ctx;
    const rz_tree *t = &b->trees[i];
    rz_arena scratch = b->scratch;
    const rz_sequence *reference = b->g->reference ? reference_logp(b->g, t, &scratch) : NULL;
    double coef = b->g->config->kl.coef;
    *result = (rz_tree_result){0};
    for (int k = 0; k < t->n_sequences; k++) {
        const rz_sequence *s = &t->sequences[k];
        const float *old = b->sampled[b->first[i] + k];
        double weight = rz_token_weight(b->method.aggregation, s->n, b->tokens, b->sequences, b->max_new);
        result->loss += weight * rz_token_loss(s->logp, old, (float *)s->dlogp, s->n, b->advantages[b->first[i] + k], weight, &b->method.clip,
                                               &result->clipped_low, &result->clipped_high);
        if (reference) {
            double kl = rz_token_kl(s->logp, reference[k].logp, (float *)s->dlogp, s->n, coef, weight);
            result->loss += weight * coef * kl;
            result->kl += kl;
        }
        result->tokens += s->n;
        for (int j = 0; b->fresh && j < s->n; j++) {
            double d = fabs((double)s->logp[j] - (double)old[j]);
            result->mismatch = larger(result->mismatch, d);
        }
    }
}

static void update_minibatch(rz_grpo *g, minibatch *b, rz_group *const *groups, int n_groups, double learning_rate, rz_grpo_measured *m)
{
    rz_arena scratch = g->arena;
    int n_trees = 0, at = 0, most = n_groups * (int)g->config->group_size;
    b->trees = RZ_NEW(&scratch, n_groups, rz_tree);
    b->first = RZ_NEW(&scratch, n_groups, int);
    b->sampled = RZ_NEW(&scratch, most, const float *);
    b->advantages = RZ_NEW(&scratch, most, double);
    b->tokens = b->sequences = 0;
    for (int i = 0; i < n_groups; i++) {
        int n = add_tree(b, groups[i], n_trees, at, &scratch);
        at += n;
        n_trees += n > 0;
    }
    if (!n_trees)
        return;
    rz_tree_result *results = RZ_ZNEW(&scratch, n_trees, rz_tree_result);
    double grad_norm;
    b->scratch = scratch;
    if (g->reference)
        rz_learner_root(g->reference_learner, b->trees[0].prefix, rz_trees_root(b->trees, n_trees));
    bool made = rz_update_step(g->update, b->trees, n_trees, rz_sampling_temperature(&g->rollout.sampling), tree_loss, b, learning_rate, results, &grad_norm);
    if (g->reference)
        rz_learner_rest(g->reference_learner); /* sampling needs room */
    for (int i = 0; i < n_trees; i++) {
        m->mismatch = larger(m->mismatch, results[i].mismatch);
        if (!made)
            continue;
        m->loss += results[i].loss;
        m->kl += results[i].kl;
        m->tokens += results[i].tokens;
        m->clipped_low += results[i].clipped_low;
        m->clipped_high += results[i].clipped_high;
    }
    m->grad_norm += made ? grad_norm : 0;
    m->updates += made;
    m->skipped += !made;
}

/* Rules give numbers (rewards/rules.h); that nothing else comes here is checked all the same, since one NaN would be in every advantage of its batch. */
static bool scores_are_finite(rz_grpo *g)
{
    if (rz_fault_nan(RZ_NAN_REWARD))
        g->groups[0].scored[0].score = NAN;
    for (int i = 0; i < g->n_groups; i++)
        for (int k = 0; k < g->groups[i].n; k++)
            if (!isfinite(g->groups[i].scored[k].score)) {
                rz_update_skip(g->update, "a score is not finite (%g, completion %d of prompt %d)", fabs(g->groups[i].scored[k].score), k, i);
                return false;
            }
    return true;
}

bool rz_grpo_update(rz_grpo *g, int64_t step, double learning_rate, rz_grpo_measured *m, rz_err *err)
{
    const rz_config *c = g->config;
    rz_group **order = RZ_NEW(&g->arena, g->n_groups, rz_group *), **trained = RZ_NEW(&g->arena, g->n_groups, rz_group *);
    int n = 0;
    bool finite = scores_are_finite(g);
    compute_advantages(g);
    for (int i = 0; finite && i < g->n_groups; i++)
        if (g->groups[i].trained)
            trained[n++] = &g->groups[i];
    *m = (rz_grpo_measured){.skipped = !finite};
    for (int64_t epoch = 0; n && epoch < c->epochs; epoch++) {
        for (int i = 0; i < n; i++)
            order[rz_rng_permute((uint32_t)c->seed, RZ_RNG_BATCH, (uint32_t)((step + g->data_shift) * 64 + epoch), (uint64_t)n, (uint64_t)i)] = trained[i];
        for (int64_t k = 0; k < c->minibatches; k++) {
            int lo = (int)(n * k / c->minibatches), hi = (int)(n * (k + 1) / c->minibatches);
            minibatch b = {.g = g, .method = rz_grpo_method(c), .max_new = c->rollout.max_new, .fresh = m->updates == 0};
            update_minibatch(g, &b, order + lo, hi - lo, learning_rate, m);
        }
    }
    if (m->updates || m->skipped) { /* of nothing but skipped ones: not a number */
        m->loss /= (double)m->updates;
        m->grad_norm /= (double)m->updates;
    }
    if (c->strict && !(m->mismatch == 0) && !(m->skipped && isnan(m->mismatch)))
        return rz_fail(err, RZ_EINTERNAL,
                       "logp_mismatch is %g at step %lld: what was sampled is not what is trained; this must never happen: please report the CPU and "
                       "the config (strict=false counts it and goes on)",
                       m->mismatch, (long long)step);
    return true;
}

typedef struct {
    int64_t n, tokens, min_length, max_length, truncated, correct, format_ok, errors, all_right, all_wrong, flat;
    rz_trace trace;
    double score, score_sq, entropy;
} totals;

static totals add_up(const rz_grpo *g, int n_groups)
{
    totals t = {.min_length = INT64_MAX};
    for (int i = 0; i < n_groups; i++) {
        const rz_group *group = &g->groups[i];
        int right = 0;
        for (int k = 0; k < group->n; k++) {
            const rz_completion *c = &group->completions[k];
            const rz_scored *s = &group->scored[k];
            t.n++;
            t.tokens += c->n;
            t.min_length = c->n < t.min_length ? c->n : t.min_length;
            t.max_length = c->n > t.max_length ? c->n : t.max_length;
            t.truncated += c->truncated;
            right += s->correct;
            t.format_ok += s->format_ok;
            t.errors += s->n_errors;
            t.trace.attempts += s->trace.attempts;
            t.trace.self_checks += s->trace.self_checks;
            t.trace.equations += s->trace.equations;
            t.trace.equations_right += s->trace.equations_right;
            t.score += s->score;
            t.score_sq += s->score * s->score;
            for (int j = 0; j < c->n; j++)
                t.entropy += c->entropy[j];
        }
        t.correct += right;
        t.all_right += right == group->n;
        t.all_wrong += right == 0;
        t.flat += !group->signal;
    }
    return t;
}

/* Of each rule over all completions: mean points, of which one that it skipped counts 0, and how many it skipped and had an error with. */
static void measure_rules(const rz_grpo *g, int n_groups, rz_metrics *m)
{
    static const char *const counted[] = {[RZ_PART_SKIPPED] = "skipped", [RZ_PART_ERROR] = "errors"};
    for (int r = 0; r < rz_rules_count(g->rollout.rules); r++) {
        const char *rule = rz_rules_name(g->rollout.rules, r);
        double sum = 0;
        int64_t n = 0, states[3] = {0}, crashes = 0, killed = 0;
        char name[96];
        for (int i = 0; i < n_groups; i++)
            for (int k = 0; k < g->groups[i].n; k++) {
                const rz_verdict *v = &g->groups[i].scored[k].verdicts[r];
                sum += v->state == RZ_PART_SCORED ? v->points : 0;
                states[v->state]++;
                crashes += v->crashed;
                killed += v->nondeterministic;
                n++;
            }
        snprintf(name, sizeof name, "rewards/%s/mean", rule);
        rz_metrics_put(m, name, sum / (double)n);
        for (int i = RZ_PART_SKIPPED; i <= RZ_PART_ERROR; i++) {
            snprintf(name, sizeof name, "rewards/%s/%s", rule, counted[i]);
            rz_metrics_put_int(m, name, states[i]);
        }
        if (!rz_rules_is_program(g->rollout.rules, r))
            continue;
        snprintf(name, sizeof name, "rewards/%s/crashes", rule);
        rz_metrics_put_int(m, name, crashes);
        snprintf(name, sizeof name, "rewards/%s/nondeterministic", rule);
        rz_metrics_put_int(m, name, killed);
    }
}

/* What dynamic sampling cost. */
static void measure_refills(const rz_grpo *g, rz_metrics *m)
{
    int trained = 0;
    for (int i = 0; i < g->n_groups; i++)
        trained += g->groups[i].trained;
    rz_metrics_put_int(m, "groups/sampled", g->n_groups);
    rz_metrics_put_int(m, "groups/wasted", g->n_groups - trained);
}

/* Scores, lengths and the like are those of the step's own prompts, refills left out: they were drawn because of the scores of others, and curves of jobs with
 * and without dynamic sampling should be comparable. */
static void measure(rz_grpo *g, int64_t step, double lr, const rz_grpo_measured *u, rz_metrics *m)
{
    int n_groups = (int)g->config->prompts_per_step;
    totals t = add_up(g, n_groups);
    int64_t sampled = add_up(g, g->n_groups).tokens;
    double n = (double)t.n, mean = t.score / n;
    g->tokens_sampled += sampled;
    g->tokens_trained += u->tokens;
    m->n = 0;
    rz_metrics_put_int(m, "step", step);
    rz_metrics_put(m, "reward/mean", mean);
    rz_metrics_put(m, "reward/std", sqrt(fmax(0, t.score_sq / n - mean * mean)));
    rz_metrics_put(m, "accuracy/mean", (double)t.correct / n);
    rz_metrics_put(m, "format/mean", (double)t.format_ok / n);
    rz_kinds_measure(g->groups, n_groups, m);
    measure_rules(g, n_groups, m);
    rz_metrics_put_int(m, "rewards/errors", t.errors);
    rz_metrics_put(m, "completions/mean_length", (double)t.tokens / n);
    rz_metrics_put_int(m, "completions/min_length", t.min_length);
    rz_metrics_put_int(m, "completions/max_length", t.max_length);
    rz_metrics_put(m, "completions/clipped_ratio", (double)t.truncated / n);
    rz_metrics_put(m, "trace/attempts", (double)t.trace.attempts / n);
    rz_metrics_put(m, "trace/self_checks", (double)t.trace.self_checks / n);
    if (t.trace.equations)
        rz_metrics_put(m, "trace/equations_right", (double)t.trace.equations_right / (double)t.trace.equations);
    rz_metrics_put(m, "entropy", t.entropy / (double)t.tokens);
    rz_metrics_put(m, "groups/all_right", (double)t.all_right / n_groups);
    rz_metrics_put(m, "groups/all_wrong", (double)t.all_wrong / n_groups);
    rz_metrics_put(m, "frac_reward_zero_std", (double)t.flat / n_groups);
    if (g->config->dynamic_sampling)
        measure_refills(g, m);
    rz_metrics_put(m, "policy_loss", u->loss);
    if (g->reference)
        rz_metrics_put(m, "kl", u->tokens ? u->kl / (double)u->tokens : 0);
    rz_metrics_put(m, "grad_norm", u->grad_norm);
    rz_metrics_put(m, "clip_ratio/low", u->tokens ? (double)u->clipped_low / (double)u->tokens : 0);
    rz_metrics_put(m, "clip_ratio/high", u->tokens ? (double)u->clipped_high / (double)u->tokens : 0);
    rz_metrics_put(m, "logp_mismatch", u->mismatch);
    rz_metrics_put(m, "learning_rate", lr);
    rz_metrics_put_int(m, "updates", u->updates);
    rz_metrics_put_int(m, "tokens/sampled", sampled);
    rz_metrics_put_int(m, "tokens/trained", u->tokens);
    rz_metrics_put_int(m, "tokens/sampled_total", g->tokens_sampled);
    rz_metrics_put_int(m, "tokens/trained_total", g->tokens_trained);
}

bool rz_grpo_step(rz_grpo *g, int64_t step, rz_metrics *m, rz_err *err)
{
    double start = rz_now_s(), lr = rz_learning_rate(&g->config->optimizer, step, g->config->steps);
    rz_rollout_times times = {0};
    rz_grpo_measured measured;
    rz_pulse_enter(RZ_PHASE_SAMPLE, step);
    if (!rz_grpo_rollout(g, step, &times, err))
        return false;
    double rolled = rz_now_s();
    rz_pulse_enter(RZ_PHASE_UPDATE, step);
    if (!rz_grpo_update(g, step, lr, &measured, err))
        return false;
    double updated = rz_now_s();
    measure(g, step, lr, &measured, m);
    double end = rz_now_s();
    rz_metrics_put(m, "time/step_s", end - start);
    rz_metrics_put(m, "time/sample_s", times.sample_s);
    rz_metrics_put(m, "time/score_s", times.score_s);
    rz_metrics_put(m, "time/wait_s", times.wait_s);
    if (g->config->rollout.speculative) {
        rz_metrics_put_int(m, "speculative/drafted", times.drafted);
        rz_metrics_put_int(m, "speculative/accepted", times.accepted);
    }
    rz_metrics_put(m, "time/update_s", updated - rolled);
    return true;
}
