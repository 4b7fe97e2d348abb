/* The GRPO step on a tiny policy: scores are what the rules say, what was sampled is what is trained (and a single bit is noticed), masks, groups
 * without signal, the random-reward control, and the direction in which an update goes. Its gradient: test_grpo_gradient.c, dynamic sampling: test_refills.c. */
#include "tests/tiny_job.h"

/* ---- sampling and scoring ---- */

/* Problems by index, prompts as tokens, and every score what the shipped rules say of the decoded text. The base of configs/quick.yaml now and then
 * answers in the form asked for. */
START_TEST(rollouts_are_scored)
{
    rig r = open_rig("group_size=8 rollout.max_new=80 threads=2", "", "data/countdown/quick-base.h5");
    rz_grpo *g = grpo(&r, 1);
    rz_rules_worker *worker;
    int scored[2] = {0}, cut[2] = {0}, answered[2] = {0};
    MUST(rz_rules_worker_create(&worker, r.rules, NULL, &err));
    for (int step = 1; step <= 3; step += 2) {
        rz_arena arena = tiny_arena();
        rollout(g, step);
        ck_assert_int_eq(g->n_groups, PROMPTS);
        for (int i = 0; i < PROMPTS; i++) {
            const rz_group *group = &g->groups[i];
            rz_problem problem;
            int32_t *ids;
            int n;
            MUST(rz_source_problem(r.source, RZ_TRAIN, (uint64_t)((step - 1) * PROMPTS + i), &problem, &arena, &err));
            MUST(rz_tokenizer_encode(r.tokenizer, problem.prompt, strlen(problem.prompt), &arena, &ids, &n, &err));
            ck_assert_str_eq(group->problem.prompt, problem.prompt);
            ck_assert_int_eq(group->n_prompt, n);
            ck_assert(!memcmp(group->prompt, ids, (size_t)n * sizeof *ids));
            ck_assert_uint_eq(group->slot, i);
            ck_assert_int_eq(group->n, 8);
            for (int k = 0; k < group->n; k++) {
                const rz_completion *c = &group->completions[k];
                const rz_scored *s = &group->scored[k];
                size_t len;
                bool stopped = c->ids[c->n - 1] == r.stop[0];
                const char *text = rz_tokenizer_decode(r.tokenizer, c->ids, c->n - stopped, true, &arena, &len);
                rz_score wanted;
                rz_rules_score(worker, &(rz_sample){text, len, problem.prompt, problem.answer, problem.meta, c->n, c->ids, !stopped}, &wanted);
                ck_assert_int_eq(c->truncated, !stopped);
                ck_assert(s->score == wanted.score && s->correct == wanted.correct && s->format_ok == wanted.format_ok);
                for (int j = 0; j < rz_rules_count(r.rules); j++)
                    ck_assert(s->verdicts[j].state == (int)wanted.parts[j].state && s->verdicts[j].points == wanted.parts[j].points);
                ck_assert(s->explain[0]);
                rz_trace trace;
                rz_trace_count(text, len, &trace);
                ck_assert(!memcmp(&s->trace, &trace, sizeof trace));
                const rz_part *answer = &wanted.parts[rz_rules_count(r.rules) - 1]; /* of the shipped rules the last is about accuracy */
                ck_assert_str_eq(wanted.answer, answer->found);
                ck_assert_int_eq(s->answer != 0, answer->found[0] != 0);
                answered[s->answer != 0]++;
                scored[s->score > 0]++;
                cut[c->truncated]++;
            }
        }
        rz_arena_finish(&arena);
    }
    ck_assert(scored[0] && scored[1] && cut[0] && answered[0] && answered[1]);
    rz_rules_worker_destroy(worker);
    close_rig(&r);
}
END_TEST

/* The number of tokens and whether it was cut reach the rules: 1 for any text that was not cut, less a twelfth a token. */
START_TEST(lengths_and_ends_are_scored)
{
    static const char text[] = "version: 1\nrules:\n  any: {match: '.+', score: {pass: 1, fail: 0}}\n"
                               "  short: {kind: soft_overlong, unit: tokens, max: 12, cache: 12}\ntruncated: fail\ncombine: {mode: weighted_sum}\n";
    rig r = open_rig("", "", NULL);
    int cut[2] = {0};
    rz_rules_worker_destroy(r.worker);
    rz_rules_destroy(r.rules);
    MUST(rz_rules_parse(&r.rules, "rules", text, strlen(text), &err) && rz_rules_worker_create(&r.worker, r.rules, NULL, &err));
    rz_grpo *g = grpo(&r, N_STOP);
    rollout(g, 1);
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++) {
            const rz_completion *c = &g->groups[i].completions[k];
            bool something = c->n > 1 && !c->truncated; /* beside the stop token */
            ck_assert_double_eq_tol(g->groups[i].scored[k].score, something - c->n / 12.0, 1e-12);
            cut[c->truncated]++;
        }
    ck_assert(cut[0] && cut[1]);
    close_rig(&r);
}
END_TEST

/* A coin for each completion: 0 or 1, the same every time, whatever was sampled. */
START_TEST(random_reward)
{
    static const char *const ways[] = {"reward=random", "reward=random", "reward=random rollout.temperature=3 rollout.slots=2", "reward=random seed=2"};
    double coin[4][16 * GROUP];
    for (int way = 0; way < 4; way++) {
        rig r = open_rig(ways[way], "", NULL);
        set(&r, "prompts_per_step=16");
        rz_grpo *g = grpo(&r, N_STOP);
        double sum = 0;
        rollout(g, way == 1 ? 2 : 1);
        for (int i = 0; i < 16; i++)
            for (int k = 0; k < GROUP; k++) {
                double s = g->groups[i].scored[k].score;
                ck_assert(s == 0 || s == 1);
                coin[way][i * GROUP + k] = s;
                sum += s;
            }
        ck_assert(sum > 16 && sum < 48); /* of 64: four standard deviations */
        close_rig(&r);
    }
    ck_assert(memcmp(coin[0], coin[1], sizeof coin[0]));  /* another step */
    ck_assert(!memcmp(coin[0], coin[2], sizeof coin[0])); /* other samples */
    ck_assert(memcmp(coin[0], coin[3], sizeof coin[0]));  /* another seed */
}
END_TEST

START_TEST(methods)
{
    rig r = open_rig("clip_eps_low=0.1 clip_eps_high=0.5", "rollout.temperature=0.7 rollout.top_k=5 rollout.top_p=0.9 rollout.min_p=0.05 rollout.max_new=9 rollout.stop=[a,b]",
                     NULL);
    for (int i = 0; i < rz_n_objectives; i++) {
        r.config.algorithm = i;
        rz_method m = rz_grpo_method(&r.config);
        ck_assert(m.divide_by_std == rz_objectives[i].divide_by_std && m.aggregation == rz_objectives[i].aggregation && m.mask_truncated);
        ck_assert(m.clip.clip_eps_low == 0.1 && m.clip.clip_eps_high == 0.5);
    }
    rz_sampling s = rz_config_sampling(&r.config, r.tokenizer, r.stop, 3);
    ck_assert(s.temperature == 0.7 && s.top_k == 5 && s.top_p == 0.9 && s.min_p == 0.05 && s.max_new == 9 && s.n_stop == 3 && s.stop == r.stop);
    ck_assert(s.n_stop_texts == 2 && !strcmp(s.stop_texts[1], "b") && s.tokenizer == r.tokenizer);
    close_rig(&r);
}
END_TEST

/* ---- what was sampled is what is trained ---- */

static const struct { const char *assignments; int updates, epochs; } jobs[] = {
    {"", 1, 1},
    {"algorithm=dr_grpo aggregation=token_mean", 1, 1},
    {"rollout.temperature=0.7 rollout.top_k=60 rollout.top_p=0.9 rollout.min_p=0.01", 1, 1},
    {"rollout.temperature=1.8 truncated=punish", 1, 1},
    {"minibatches=2", 2, 1},
    {"epochs=2", 2, 2},
    {"minibatches=3 epochs=2 truncated=punish threads=2 gradient_shards=8 rollout.slots=1", 6, 2},
    {"threads=3 gradient_shards=1 rollout.slots=64 optimizer.beta1=0.9 optimizer.max_grad_norm=0.1", 1, 1},
};
enum { N_JOBS = sizeof jobs / sizeof jobs[0] };

static int trained_tokens(const rig *r, int *cut)
{
    int tokens = 0;
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++) {
            tokens += trained(r, r->config.truncated == RZ_TRUNCATED_MASK, i, k) ? r->g.groups[i].completions[k].n : 0;
            *cut += r->g.groups[i].completions[k].truncated;
        }
    return tokens;
}

START_TEST(no_mismatch)
{
    rig r = open_rig(jobs[_i].assignments, "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    for (int step = 1; step <= 3; step++) {
        rz_grpo_measured m;
        int cut = 0;
        rollout(g, step);
        give_scores(g);
        ck_assert_msg(update(g, 0.01, &m), "%s", err.text);
        ck_assert_msg(m.mismatch == 0, "logp_mismatch is %g", m.mismatch);
        ck_assert_int_eq(m.updates, jobs[_i].updates);
        ck_assert_int_eq(m.tokens, jobs[_i].epochs * trained_tokens(&r, &cut));
        ck_assert(cut > 0 && cut < PROMPTS * GROUP && m.grad_norm > 0);
        if (m.updates == 1)
            ck_assert(m.clipped_low == 0 && m.clipped_high == 0);
    }
    ck_assert(!weights_are_first(&r));
    close_rig(&r);
}
END_TEST

/* The last of the minibatches that is trained with the weights that sampled: any completion of it will do. */
static float *some_logp(rz_grpo *g, bool last_token)
{
    for (int i = 0; i < g->n_groups; i++)
        for (int k = 0; k < g->groups[i].n; k++) {
            const rz_completion *c = &g->groups[i].completions[k];
            if (!c->truncated && c->n > 1 && i != 2)
                return &c->logp[last_token ? c->n - 1 : 0];
        }
    ck_abort_msg("every completion is cut");
}

/* One bit in one sampled log-probability: an error when strict, a number otherwise. */
START_TEST(one_bit_is_noticed)
{
    rig r = open_rig(_i & 1 ? "rollout.temperature=0.7 rollout.top_p=0.9" : "", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m;
    rollout(g, 1);
    give_scores(g);
    float *logp = some_logp(g, _i & 2), good = *logp;
    *logp = nextafterf(good, _i & 4 ? 0.0f : -INFINITY);
    ck_assert(!update(g, 1e-3, &m));
    ck_assert_int_eq(err.code, RZ_EINTERNAL);
    ck_assert_ptr_nonnull(strstr(err.text, "logp_mismatch"));
    restore(&r);
    set(&r, "strict=false");
    ck_assert_msg(update(g, 1e-3, &m), "%s", err.text);
    ck_assert(m.mismatch == fabs((double)*logp - (double)good) && m.mismatch > 0);
    restore(&r);
    set(&r, "strict=true");
    *logp = NAN; /* that is another matter: the update is left out, strict or not */
    ck_assert_msg(update(g, 1e-3, &m), "%s", err.text);
    ck_assert(m.skipped == 1 && m.updates == 0 && isnan(m.mismatch) && isnan(m.grad_norm) && weights_are_first(&r));
    *logp = good;
    for (int k = 0; k < 2; k++) { /* and so is a score that is none */
        double *score = &g->groups[3].scored[1].score, was = *score;
        *score = k ? NAN : INFINITY;
        ck_assert_msg(update(g, 1e-3, &m), "%s", err.text);
        ck_assert(m.skipped == 1 && m.updates == 0 && m.tokens == 0 && weights_are_first(&r));
        *score = was;
    }
    ck_assert_int_eq(rz_update_take_trouble(r.update).skipped, 3);
    ck_assert_msg(update(g, 1e-3, &m), "%s", err.text);
    ck_assert(m.mismatch == 0);
    close_rig(&r);
}
END_TEST

/* Weights changed between sampling and training: the same check finds it. */
START_TEST(another_policy_is_noticed)
{
    rig r = open_rig("", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m;
    rollout(g, 1);
    give_scores(g);
    r.policy->w[r.policy->layout.norm] *= 1.001f;
    rz_policy_refresh(r.policy);
    ck_assert(!update(g, 1e-3, &m));
    ck_assert_int_eq(err.code, RZ_EINTERNAL);
    close_rig(&r);
}
END_TEST

/* ---- truncated completions ---- */

/* Masked: other tokens in them change nothing; their score does, through the baseline. Punished: their tokens count. */
START_TEST(truncated)
{
    rig r = open_rig(_i ? "truncated=punish" : "truncated=mask", "strict=false", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m, other;
    int changed = 0;
    rollout(g, 1);
    give_scores(g);
    ck_assert_msg(update(g, 1e-2, &m), "%s", err.text);
    float *wanted = weights(&r);
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++) {
            const rz_completion *c = &g->groups[i].completions[k];
            for (int j = 0; c->truncated && i != 2 && j < c->n; j++, changed++) {
                c->ids[j] = (c->ids[j] + 1) % r.policy->arch.vocab_size;
                c->logp[j] -= 0.25f;
            }
        }
    ck_assert_int_gt(changed, 0);
    restore(&r);
    rz_update_destroy(r.update); /* moments too begin anew */
    MUST(rz_update_create(&r.update, r.policy, r.comm, 2, &r.config.optimizer, &err));
    g->update = r.update;
    ck_assert_msg(update(g, 1e-2, &other), "%s", err.text);
    bool same = !memcmp(wanted, r.policy->w, (size_t)r.policy->layout.n_params * sizeof(float));
    ck_assert_int_eq(same, _i == 0);
    ck_assert(_i ? other.mismatch > 0.1 : other.mismatch == 0 && m.loss == other.loss && m.tokens == other.tokens && m.grad_norm == other.grad_norm);

    for (int i = 0; i < PROMPTS; i++) /* in the baseline either way */
        for (int k = 0; k < GROUP; k++)
            g->groups[i].scored[k].score += g->groups[i].completions[k].truncated ? 0.5 : 0;
    restore(&r);
    ck_assert_msg(update(g, 1e-2, &other), "%s", err.text);
    ck_assert(other.loss != m.loss);
    free(wanted);
    close_rig(&r);
}
END_TEST

/* Nothing but truncated ones: nothing to train on. */
START_TEST(all_truncated)
{
    rig r = open_rig("rollout.max_new=1 minibatches=2 epochs=2", "", NULL);
    rz_grpo *g = grpo(&r, 0);
    rz_grpo_measured m;
    rollout(g, 1);
    give_scores(g);
    ck_assert_msg(update(g, 1e-2, &m), "%s", err.text);
    ck_assert(m.updates == 0 && m.tokens == 0 && m.mismatch == 0 && m.loss == 0 && m.grad_norm == 0 && weights_are_first(&r));
    ck_assert_int_eq(rz_update_count(r.update), 0);
    close_rig(&r);
}
END_TEST

/* ---- groups without signal ---- */

START_TEST(equal_scores)
{
    rig r = open_rig("epochs=2 minibatches=2", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m;
    for (int step = 1; step <= 2; step++) { /* 0 everywhere, as random weights earn; then other scores, equal within groups */
        rollout(g, step);
        for (int i = 0; i < PROMPTS; i++)
            for (int k = 0; k < GROUP; k++)
                g->groups[i].scored[k].score = step == 1 ? 0 : 0.1 * (i + 1);
        ck_assert_msg(update(g, 1e-2, &m), "%s", err.text);
        ck_assert(m.updates == 0 && m.tokens == 0 && m.mismatch == 0 && m.loss == 0 && m.grad_norm == 0 && weights_are_first(&r));
        for (int i = 0; i < PROMPTS; i++) {
            ck_assert(!g->groups[i].signal);
            for (int k = 0; k < GROUP; k++)
                ck_assert(g->groups[i].scored[k].advantage == 0);
        }
    }
    ck_assert_int_eq(rz_update_count(r.update), 0);
    close_rig(&r);
}
END_TEST

/* A group without signal beside others counts nowhere: the update is that of the others alone, to the last bit. */
START_TEST(no_signal_counts_nowhere)
{
    static const char *const aggregations[] = {"aggregation=token_mean", "aggregation=sequence_mean", "aggregation=budget_mean"};
    rig r = open_rig(aggregations[_i], "gradient_shards=1 truncated=punish", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured all, alone;
    rollout(g, 1);
    give_scores(g);
    ck_assert_msg(update(g, 1e-2, &all), "%s", err.text);
    float *wanted = weights(&r);
    restore(&r);
    g->groups[2] = g->groups[3]; /* the one without signal is gone */
    g->n_groups = 3;
    rz_update_destroy(r.update);
    MUST(rz_update_create(&r.update, r.policy, r.comm, 1, &r.config.optimizer, &err));
    g->update = r.update;
    ck_assert_msg(update(g, 1e-2, &alone), "%s", err.text);
    ck_assert(all.loss == alone.loss && all.tokens == alone.tokens);
    ck_assert(!memcmp(wanted, r.policy->w, (size_t)r.policy->layout.n_params * sizeof(float)));
    free(wanted);
    close_rig(&r);
}
END_TEST

/* With a KL term such a group is trained too, though its advantages are 0. The first update finds the policy at its base: k3 is exactly 0, and so is the
 * gradient. The second does not. */
START_TEST(no_signal_has_a_divergence)
{
    rig r = open_rig("kl.coef=0.5 truncated=punish epochs=2", "", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m;
    int tokens = 0;
    rollout(g, 1);
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++) {
            g->groups[i].scored[k].score = 1;
            tokens += g->groups[i].completions[k].n;
        }
    ck_assert_msg(update(g, 1e-2, &m), "%s", err.text);
    ck_assert(m.updates == 2 && m.tokens == 2 * tokens && m.kl == 0 && m.grad_norm == 0 && weights_are_first(&r) && m.mismatch == 0);
    for (int i = 0; i < PROMPTS; i++)
        ck_assert(!g->groups[i].signal && g->groups[i].trained);
    give_scores(g);
    ck_assert_msg(update(g, 1e-2, &m), "%s", err.text);
    ck_assert(m.updates == 2 && m.kl > 0 && m.grad_norm > 0 && !weights_are_first(&r)); /* of the second epoch, behind the first update */
    ck_assert(!g->groups[2].signal && g->groups[2].trained);
    ck_assert(!memcmp(g->reference->w, r.first, (size_t)r.policy->layout.n_params * sizeof(float)));
    close_rig(&r);
}
END_TEST

/* ---- where it goes ---- */

/* After one large step every group's better completions have gained on its worse ones. */
START_TEST(good_completions_become_likelier)
{
    static const char *const ways[] = {"algorithm=grpo", "algorithm=dr_grpo", "algorithm=dr_grpo aggregation=token_mean epochs=2",
                                       "algorithm=grpo minibatches=2 rollout.temperature=0.7"};
    rig r = open_rig(ways[_i], "truncated=punish optimizer.beta1=0.9", NULL);
    rz_grpo *g = grpo(&r, N_STOP);
    rz_grpo_measured m;
    float logp[MAX_NEW];
    double before[PROMPTS][GROUP] = {{0}};
    rollout(g, 1);
    give_scores(g);
    for (int i = 0; i < PROMPTS; i++)
        for (int k = 0; k < GROUP; k++) {
            current_logp(&r, &g->groups[i], k, logp);
            ck_assert(!memcmp(logp, g->groups[i].completions[k].logp, (size_t)g->groups[i].completions[k].n * sizeof *logp));
            for (int j = 0; j < g->groups[i].completions[k].n; j++)
                before[i][k] += logp[j];
        }
    ck_assert_msg(update(g, 0.02, &m), "%s", err.text);
    for (int i = 0; i < PROMPTS; i++) {
        double gain = 0;
        for (int k = 0; k < GROUP; k++) {
            double after = 0;
            current_logp(&r, &g->groups[i], k, logp);
            for (int j = 0; j < g->groups[i].completions[k].n; j++)
                after += logp[j];
            gain += g->groups[i].scored[k].advantage * (after - before[i][k]);
        }
        ck_assert_int_eq(g->groups[i].signal, i != 2);
        ck_assert_msg(!g->groups[i].signal || gain > 0.01, "group %d: the advantage-weighted change of logp is %g", i, gain);
    }
    close_rig(&r);
}
END_TEST

/* ---- a whole step and its numbers ---- */

START_TEST(step_and_metrics)
{
    rig r = open_rig("group_size=8 rollout.max_new=64 steps=10 optimizer.warmup_steps=2 optimizer.learning_rate=1e-3 truncated=punish", "",
                     "data/countdown/quick-base.h5");
    rz_grpo *g = grpo(&r, 1);
    int64_t sampled = 0, trained_total = 0;
    for (int step = 1; step <= 2; step++) {
        rz_metrics m = {0};
        err = (rz_err){0};
        ck_assert_msg(rz_grpo_step(g, step, &m, &err), "%s", err.text);
        double n = PROMPTS * 8, mean = 0, squares = 0, entropy = 0, right = 0, formed = 0, flat = 0, cut = 0;
        int64_t tokens = 0, with_signal = 0;
        for (int i = 0; i < PROMPTS; i++) {
            const rz_group *group = &g->groups[i];
            for (int k = 0; k < 8; k++) {
                mean += group->scored[k].score / n;
                squares += group->scored[k].score * group->scored[k].score / n;
                right += group->scored[k].correct;
                formed += group->scored[k].format_ok;
                cut += group->completions[k].truncated;
                tokens += group->completions[k].n;
                with_signal += group->signal ? group->completions[k].n : 0;
                for (int j = 0; j < group->completions[k].n; j++)
                    entropy += group->completions[k].entropy[j];
            }
            flat += !group->signal;
        }
        sampled += tokens;
        trained_total += with_signal;
        const struct { const char *name; double value; } wanted[] = {
            {"step", step}, {"reward/mean", mean}, {"reward/std", sqrt(squares - mean * mean)}, {"accuracy/mean", right / n},
            {"completions/mean_length", (double)tokens / n}, {"completions/clipped_ratio", cut / n}, {"entropy", entropy / (double)tokens},
            {"frac_reward_zero_std", flat / PROMPTS}, {"logp_mismatch", 0}, {"learning_rate", step * 0.5e-3}, {"tokens/sampled", (double)tokens},
            {"tokens/trained", (double)with_signal}, {"tokens/sampled_total", (double)sampled}, {"tokens/trained_total", (double)trained_total},
            {"rewards/errors", 0}, {"rewards/format/errors", 0}, {"rewards/correct/skipped", n - formed},
        };
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
            ck_assert_msg(fabs(rz_metrics_get(&m, wanted[i].name) - wanted[i].value) < 1e-9, "%s is %g, wanted %g", wanted[i].name,
                          rz_metrics_get(&m, wanted[i].name), wanted[i].value);
        ck_assert(rz_metrics_get(&m, "updates") == (with_signal > 0) && rz_metrics_get(&m, "time/step_s") > 0);
        ck_assert(isnan(rz_metrics_get(&m, "no such thing")));
    }
    ck_assert(trained_total > 0 && !weights_are_first(&r));
    close_rig(&r);
}
END_TEST

static void add(TCase *t)
{
    tcase_add_test(t, rollouts_are_scored);
    tcase_add_test(t, lengths_and_ends_are_scored);
    tcase_add_test(t, random_reward);
    tcase_add_test(t, methods);
    tcase_add_loop_test(t, no_mismatch, 0, N_JOBS);
    tcase_add_loop_test(t, one_bit_is_noticed, 0, 8);
    tcase_add_test(t, another_policy_is_noticed);
    tcase_add_loop_test(t, truncated, 0, 2);
    tcase_add_test(t, all_truncated);
    tcase_add_test(t, equal_scores);
    tcase_add_loop_test(t, no_signal_counts_nowhere, 0, 3);
    tcase_add_test(t, no_signal_has_a_divergence);
    tcase_add_loop_test(t, good_completions_become_likelier, 0, 4);
    tcase_add_test(t, step_and_metrics);
}

int main(void)
{
    return tiny_main("grpo", add);
}
