#include "base/pulse.h"
#include "rollout/stop.h"
#include "trainer/diagnose.h"
#include "trainer/evaluate.h"
#include "trainer/grpo.h"
#include "trainer/loop.h"
#include "trainer/plan.h"
#include "trainer/problems.h"
#include "trainer/rollouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const rz_config *config;
    const rz_job_env *env;
    rz_pool *pool;
    rz_policy *policy;
    rz_tokenizer *tokenizer;
    rz_prompt *prompt;
    rz_source *source, *held_out; /* held_out: NULL when there is nothing to evaluate on; may be the same as source */
    rz_rules *rules;
    rz_rules_worker *worker;
    rz_decoder *decoder;
    rz_update *update;
    rz_rollouts *rollouts, *evaluated; /* rank 0: completions of steps, of an evaluation */
    rz_rollouts *handed_over;     /* rank 0: completions of steps that go with the checkpoint that is being written */
    rz_diagnosis *diagnosis;      /* rank 0; NULL in a control run, which is meant to fail */
    int32_t stop[RZ_MAX_STOPS];
    char base_hash[33], data_hash[120]; /* data_hash: of the problems, of the held-out ones if they are a file of their own, of what makes prompts of them */
    rz_grpo grpo;
    rz_loop loop;
} job;

/* The held-out problems are a file of their own. */
static bool own_held_out(const job *j)
{
    return j->held_out && j->held_out != j->source;
}

static void close_job(job *j)
{
    rz_loop_close(&j->loop);
    rz_rollouts_destroy(j->evaluated);
    rz_rollouts_destroy(j->rollouts);
    rz_rollouts_destroy(j->handed_over);
    rz_diagnosis_destroy(j->diagnosis);
    rz_update_destroy(j->update);
    rz_decoder_destroy(j->decoder);
    rz_rules_worker_destroy(j->worker);
    rz_rules_destroy(j->rules);
    if (own_held_out(j))
        rz_source_close(j->held_out);
    rz_source_close(j->source);
    rz_prompt_destroy(j->prompt);
    rz_tokenizer_destroy(j->tokenizer);
    rz_policy_destroy(j->policy);
    rz_grpo_finish(&j->grpo);
    rz_pool_destroy(j->pool);
}

typedef struct { rz_rollouts *to; int64_t step; } kept_evaluation;

static bool keep_groups(void *ctx, const rz_group *groups, int n, rz_arena scratch, rz_err *err)
{
    const kept_evaluation *k = ctx;
    (void)err;
    rz_rollouts_add(k->to, k->step, groups, n, scratch);
    return true;
}

/* The completions as a file of their own, then the line of eval.jsonl. */
static bool record_evaluation(job *j, const rz_evaluation *e, int64_t step, rz_err *err)
{
    rz_metrics m = {0};
    bool ok = true;
    if (j->evaluated) {
        char *path = rz_rundir_path(&j->loop.run, "eval", step);
        ok = rz_rollouts_write(j->evaluated, path, err) || rz_saving_forgive(&j->loop, err);
        free(path);
    }
    rz_metrics_put_int(&m, "step", step);
    rz_evaluation_metrics(e, &m);
    return rz_comm_agree(j->env->comm, ok, err) && rz_loop_evaluation(&j->loop, &m, err);
}

static bool evaluate(job *j, int64_t step, rz_err *err)
{
    const rz_config *c = j->config;
    rz_rollout r = j->grpo.rollout;
    rz_evaluation e;
    kept_evaluation kept = {j->evaluated, step};
    int64_t size = j->held_out ? rz_source_size(j->held_out) : 0; /* a file's problems come once each */
    int problems = (int)(size >= 0 && size < c->eval.problems ? size : c->eval.problems);
    const rz_evaluation_plan plan = {.split = RZ_VALIDATION, .problems = problems, .samples = (int)c->eval.samples, .step = (uint32_t)step,
                                     .groups = j->evaluated ? keep_groups : NULL, .ctx = &kept};
    double start = rz_now_s();
    if (!j->held_out)
        return true;
    rz_pulse_enter(RZ_PHASE_EVAL, step);
    r.source = j->held_out;
    r.sampling.temperature = c->eval.temperature;
    r.sampling.top_k = 0;
    r.sampling.top_p = 1;
    r.sampling.min_p = 0;
    r.random_reward = false;
    r.tick = NULL;
    if (step) /* the weights are those behind a step that is not logged yet */
        r.leave = NULL;
    bool ok = rz_evaluate(&r, &plan, j->grpo.arena, &e, err) && record_evaluation(j, &e, step, err);
    j->loop.eval_s += rz_now_s() - start;
    return ok;
}

/* What a resumed run said before, it does not say again: the log is cut back to the checkpoint by now, and read. */
static bool begin_diagnosis(job *j, rz_err *err)
{
    if (rz_comm_rank(j->env->comm) || j->config->reward == RZ_REWARD_RANDOM)
        return true;
    rz_history h;
    char *path = rz_asprintf("%s/metrics.jsonl", j->config->out);
    bool ok = rz_history_read(&h, path, err);
    j->diagnosis = rz_diagnosis_create();
    if (ok)
        rz_diagnosis_replay(j->diagnosis, &h);
    rz_history_finish(&h);
    free(path);
    return ok;
}

static void diagnose(job *j, const rz_metrics *m)
{
    int n, new = j->diagnosis ? rz_diagnosis_step(j->diagnosis, m) : 0;
    const rz_finding *found = new ? rz_diagnosis_findings(j->diagnosis, &n) + n - new : NULL;
    for (int i = 0; i < new; i++)
        rz_loop_note(&j->loop, "%s", found[i].text);
}

static bool train_begin(rz_loop *l, rz_err *err)
{
    return evaluate(l->ctx, 0, err);
}

static bool train_step(rz_loop *l, int64_t step, rz_metrics *m, rz_err *err)
{
    job *j = l->ctx;
    j->grpo.tokens_sampled = l->at.tokens_sampled;
    j->grpo.tokens_trained = l->at.tokens_trained;
    j->grpo.data_shift = l->at.data_shift;
    bool curriculum = j->config->curriculum.every;
    rz_source_set_level(j->source, curriculum ? (int)l->at.curriculum.place : -1);
    if (!rz_grpo_step(&j->grpo, step, m, err))
        return false;
    if (curriculum)
        rz_metrics_put_int(m, "task/level", j->config->task.levels.v[l->at.curriculum.place]);
    rz_curriculum_step(&l->at.curriculum, j->config, step, j->grpo.groups, (int)j->config->prompts_per_step);
    l->at.tokens_sampled = j->grpo.tokens_sampled;
    l->at.tokens_trained = j->grpo.tokens_trained;
    diagnose(j, m);
    double start = rz_now_s();
    if (j->rollouts)
        rz_rollouts_add(j->rollouts, step, j->grpo.groups, j->grpo.n_groups, j->grpo.arena);
    l->io_s += rz_now_s() - start;
    int64_t every = j->config->eval.every;
    return !every || step % every || step == l->steps || evaluate(j, step, err);
}

/* Those of an evaluation that could not be written are at the latest with the checkpoint: a run that goes on from it does not evaluate that step again. */
static bool hand_over_rollouts(rz_loop *l, rz_err *err)
{
    job *j = l->ctx;
    char *path = rz_rundir_path(&l->run, "eval", l->at.step);
    bool ok = rz_rollouts_write(j->evaluated, path, err);
    free(path);
    if (ok)
        rz_rollouts_move(j->handed_over, j->rollouts);
    return ok;
}

static bool write_rollouts(rz_loop *l, int64_t step, rz_err *err)
{
    job *j = l->ctx;
    char *path = rz_rundir_path(&l->run, "rollouts", step);
    bool ok = rz_rollouts_write(j->handed_over, path, err);
    free(path);
    return ok;
}

/* What was sampled and said since the checkpoint never was. */
static bool train_went_back(rz_loop *l, rz_err *err)
{
    job *j = l->ctx;
    if (j->rollouts) {
        rz_rollouts_clear(j->rollouts);
        rz_rollouts_clear(j->handed_over);
        rz_rollouts_clear(j->evaluated);
    }
    rz_diagnosis_destroy(j->diagnosis);
    j->diagnosis = NULL;
    return begin_diagnosis(j, err);
}

static bool train_end(rz_loop *l, rz_err *err)
{
    job *j = l->ctx;
    bool ok = evaluate(j, l->steps, err);
    if (ok && j->rollouts) {
        char *path = rz_asprintf("%s/model.h5", l->dir);
        ok = rz_model_write(path, l->policy, l->tokenizer, err);
        free(path);
    }
    return rz_comm_agree(l->env->comm, ok, err);
}

/* Everything that can be wrong in a config's files is found here, before anything is written. */
static bool open_inputs(job *j, rz_err *err)
{
    const rz_config *c = j->config;
    if (!rz_config_check(c, RZ_STAGE_TRAIN, err) || !rz_curriculum_check(c, err) || !rz_rules_load(&j->rules, c->rules, err) ||
        !rz_helper_allow(j->env->helper, &c->rules_allow, err) || !rz_rules_worker_create(&j->worker, j->rules, j->env->helper, err) || !rz_source_open(&j->source, c->data, &c->task, (uint32_t)c->seed, err) ||
        !rz_pool_create(&j->pool, (int)c->threads, err) || !rz_arena_init(&j->grpo.arena, (size_t)1 << 38, err))
        return false;
    if (!c->eval.problems)
        return true;
    if (c->eval.data[0])
        return rz_source_open(&j->held_out, c->eval.data, &c->task, (uint32_t)c->seed, err) || rz_err_note(err, "eval.data");
    if (rz_source_size(j->source) < 0) /* a task holds out problems of its own */
        j->held_out = j->source;
    return true;
}

/* A base's last checkpoint is written behind its model.h5: one without it was killed in between, and has those steps to do again. A model.h5 that was put
 * there alone will do. */
static bool base_is_finished(const char *dir, const char *model, int64_t steps)
{
    char *all = rz_asprintf("%s/checkpoints", dir), *last = rz_asprintf("%s/step-%06lld.h5", all, (long long)steps);
    bool finished = rz_file_exists(model) && (rz_file_exists(last) || !rz_file_exists(all));
    free(last);
    free(all);
    return finished;
}

/* A base takes long to make: a run that began with another config is refused before. What else is wrong with its checkpoints shows when one is read. */
static bool may_go_on(const rz_config *c, rz_err *err)
{
    char **paths;
    int n;
    rz_err e = {0};
    bool refused = rz_rundir_steps(c->out, "checkpoints", &paths, &n, &e) && n &&
                   !rz_checkpoint_check_config(paths[n - 1], RZ_STAGE_TRAIN, c, &e) && e.code == RZ_ECONFIG;
    for (int i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
    if (refused)
        *err = e;
    return !refused;
}

static bool read_base(job *j, rz_err *err)
{
    const char *model = j->config->model;
    if (!rz_file_exists(model) && !strchr(model, '/') && !strchr(model, '.')) /* a name: ./run knows some and hands us their files */
        return rz_fail(err, RZ_EIO, "model is '%s': No such file or folder; start the job by ./run, which fetches the models that it knows by name, or give "
                                    "model=PATH", model);
    return rz_model_read(model, j->env->kernels, j->pool, &j->policy, &j->tokenizer, err);
}

/* The base: a file, or made here first. A dry run that would have to make it takes random weights of the same shape. */
static bool open_base(job *j, rz_job_mode mode, rz_err *err)
{
    const rz_config *c = j->config;
    const rz_job_env *env = j->env;
    rz_arch arch;
    if (c->model[0])
        return rz_comm_agree(env->comm, read_base(j, err), err);
    char *dir = NULL, *path = NULL;
    bool empty = !mode.fresh || rz_comm_rank(env->comm) || rz_rundir_check_empty(c->out, err); /* later the base will be in it */
    bool ok = rz_comm_agree(env->comm, empty && rz_pretrain_dir(c, &dir, err), err);
    if (ok) {
        path = rz_asprintf("%s/model.h5", dir);
        rz_config base = *c;
        base.out = dir;
        int64_t have = base_is_finished(dir, path, c->pretrain.steps); /* one answer for all ranks, whatever their file system's caches say */
        rz_comm_max_i64(env->comm, &have, 1);
        ok = rz_comm_agree(env->comm, have || rz_comm_rank(env->comm) || may_go_on(c, err), err);
        if (ok && !have && mode.dry_run) {
            rz_loop_note(&j->loop, "the base is made first: %lld pretraining steps of %lld documents, not in the times below", (long long)c->pretrain.steps,
                         (long long)c->pretrain.documents_per_step);
            ok = rz_comm_agree(env->comm,
                               rz_tokenizer_load(&j->tokenizer, c->tokenizer, err) && rz_config_arch(c, rz_tokenizer_size(j->tokenizer), &arch, err) &&
                                   rz_policy_create(&j->policy, &arch, env->kernels, j->pool, err),
                               err);
        } else if (ok && !have) {
            rz_job_env its = *env;
            its.run = c->out;
            ok = rz_job_pretrain(&its, &base, (rz_job_mode){false, false}, err);
            j->loop.behind_base = true;
        }
        if (ok && !j->policy)
            ok = rz_comm_agree(env->comm, rz_model_read(path, env->kernels, j->pool, &j->policy, &j->tokenizer, err), err);
        else if (ok)
            rz_policy_init_weights(j->policy, (uint32_t)c->seed);
    }
    free(path);
    free(dir);
    return ok;
}

static bool open_prompts(job *j, rz_err *err)
{
    char hash[33];
    if (!rz_prompt_create(&j->prompt, &j->config->prompt, j->tokenizer, err))
        return false;
    rz_prompt_hash(j->prompt, hash);
    if (hash[0])
        snprintf(j->data_hash + strlen(j->data_hash), sizeof j->data_hash - strlen(j->data_hash), " %s", hash);
    return true;
}

static bool open_workers(job *j, rz_err *err)
{
    const rz_config *c = j->config;
    int n_stop;
    if (!rz_stop_ids(j->tokenizer, c->eos_token, j->stop, &n_stop))
        return rz_fail(err, RZ_ECONFIG, "eos_token is '%s', which the model's tokenizer does not hold", c->eos_token);
    if (!open_prompts(j, err))
        return false;
    const rz_needs needs = {j->tokenizer, j->prompt, j->policy->arch.max_position_embeddings, j->worker, c->rules};
    if (!rz_problems_check(&needs, j->source, c->data, j->grpo.arena, err) ||
        (own_held_out(j) && !rz_problems_check(&needs, j->held_out, c->eval.data, j->grpo.arena, err)))
        return false;
    int slots = c->rollout.slots ? (int)c->rollout.slots : rz_decoder_fitting(j->policy, RZ_SLOTS, (int)c->rollout.max_new, rz_comm_local_size(j->env->comm));
    if (!rz_decoder_create(&j->decoder, j->policy, slots, err))
        return false;
    if (rz_comm_rank(j->env->comm) == 0) {
        j->rollouts = rz_rollouts_create(j->tokenizer, j->rules);
        j->evaluated = rz_rollouts_create(j->tokenizer, j->rules);
        j->handed_over = rz_rollouts_create(j->tokenizer, j->rules);
    }
    j->grpo.config = c;
    j->grpo.rollout = (rz_rollout){.comm = j->env->comm, .decoder = j->decoder, .tokenizer = j->tokenizer, .prompt = j->prompt, .source = j->source,
                                   .rules = j->rules, .worker = j->worker, .sampling = rz_config_sampling(c, j->tokenizer, j->stop, n_stop), .seed = (uint32_t)c->seed,
                                   .random_reward = c->reward == RZ_REWARD_RANDOM, .strict = c->strict && c->reward != RZ_REWARD_RANDOM};
    j->grpo.rollout.leave = rz_loop_leave;
    j->grpo.rollout.leave_ctx = &j->loop;
    if (rz_comm_rank(j->env->comm) == 0) {
        j->grpo.rollout.tick = j->env->listener.tick;
        j->grpo.rollout.tick_ctx = j->env->listener.ctx;
    }
    return true;
}

/* What the job will need of memory: all of it for a dry run, else only what looks wrong. Collective. */
static bool plan_memory(job *j, bool all, rz_err *err)
{
    rz_plan_job of = {j->config, j->policy, j->update, j->env->comm, j->grpo.reference_learner, rz_decoder_slots(j->decoder), 0};
    rz_plan plan;
    if (!rz_comm_agree(of.comm, rz_plan_longest(&of.max_prompt, j->source, j->prompt, (int)j->config->prompts_per_step, j->grpo.arena, err), err))
        return false;
    rz_plan_make(&plan, &of);
    rz_plan_tell(&plan, &of, &j->loop, all);
    return true;
}

/* The plan of a dry run: sizes, and the cost of one real step made in memory and thrown away. */
static bool tell_plan(job *j, rz_err *err)
{
    const rz_config *c = j->config;
    rz_loop *l = &j->loop;
    int ranks = rz_comm_size(j->env->comm);
    int64_t completions = c->prompts_per_step * c->group_size, most = completions * c->rollout.max_new;
    rz_metrics m = {0};
    rz_loop_note(l, "policy: %lld parameters, vocabulary %d, kernels %s", (long long)j->policy->layout.n_params, j->policy->arch.vocab_size,
                 j->policy->k->name);
    rz_loop_note(l, "ranks: %d, threads a rank: %lld", ranks, (long long)c->threads);
    if (!plan_memory(j, true, err) || !rz_comm_agree(j->env->comm, rz_comm_rank(j->env->comm) || rz_saving_room(l, true, err), err) || !rz_grpo_step(&j->grpo, 1, &m, err))
        return false;
    double step_s = rz_metrics_get(&m, "time/step_s"), total = step_s * (double)c->steps, unit = total < 3600 ? 1 : 3600;
    const char *name = total < 3600 ? "seconds" : "hours";
    rz_loop_note(l, "a step: %lld prompts x %lld completions, at most %lld new tokens each (%lld tokens at most; the first step sampled %.0f)",
                 (long long)c->prompts_per_step, (long long)c->group_size, (long long)c->rollout.max_new, (long long)most,
                 rz_metrics_get(&m, "tokens/sampled"));
    if (ranks > c->gradient_shards)
        rz_loop_note(l, "gradient_shards is %lld: %lld of the %d ranks sample but compute no gradient", (long long)c->gradient_shards,
                     ranks - (long long)c->gradient_shards, ranks);
    rz_loop_note(l, "time: %.2f s for the first step, so about %.1f %s for %lld steps (%.1f core-%s); nothing was written", step_s, total / unit, name,
                 (long long)c->steps, total / unit * ranks * (double)c->threads, name);
    return true;
}

/* One copy of the weights a machine. */
static void share(job *j)
{
    rz_err why;
    rz_policy_store(j->policy, (rz_stored)j->config->dtype, (rz_compute)j->config->compute, (rz_kv_dtype)j->config->kv_dtype);
    if (!rz_policy_share(j->policy, j->env->comm, &why))
        rz_loop_note(&j->loop, "the ranks of a machine keep a copy of the weights each: %s", why.text);
}

static bool open_run(job *j, bool fresh, rz_err *err)
{
    if (!rz_loop_open(&j->loop, fresh, err))
        return false;
    rz_policy_panels(j->policy); /* not before: a checkpoint has other weights than the base */
    return true;
}

static bool run_job(job *j, rz_job_mode mode, rz_err *err)
{
    const rz_config *c = j->config;
    rz_comm *comm = j->env->comm;
    double start = rz_now_s(); /* making the base takes its part of time_limit */
    if (!rz_comm_agree(comm, open_inputs(j, err), err))
        return false;
    j->loop = (rz_loop){.env = j->env, .config = c, .dir = c->out, .steps = c->steps, .ctx = j, .begin = train_begin, .step = train_step,
                        .hand_over = hand_over_rollouts, .write_beside = write_rollouts, .end = train_end, .went_back = train_went_back, .limit_from_s = start,
                        .at = {.stage = RZ_STAGE_TRAIN, .config = c, .rules = rz_rules_text(j->rules), .data_hash = j->data_hash}};
    snprintf(j->data_hash, sizeof j->data_hash, "%s%s%s", rz_source_hash(j->source), own_held_out(j) ? " " : "",
             own_held_out(j) ? rz_source_hash(j->held_out) : "");
    if (!open_base(j, mode, err))
        return false;
    share(j);
    if (!rz_comm_agree(comm, open_workers(j, err), err) ||
        !rz_grpo_keep_reference(&j->grpo, j->policy, comm, err) || /* the policy is the base still: a checkpoint is read later */
        !rz_update_create(&j->update, j->policy, comm, (int)c->gradient_shards, &c->optimizer, err))
        return false;
    rz_update_limit(j->update, (rz_recompute)c->recompute, (size_t)c->activation_mib << 20);
    rz_update_balance(j->update);
    j->grpo.update = j->loop.update = j->update;
    j->loop.policy = j->policy;
    j->loop.tokenizer = j->tokenizer;
    rz_model_hash(j->policy, j->base_hash);
    j->loop.at.base_hash = j->base_hash;
    if (mode.dry_run) {
        rz_policy_panels(j->policy);
        return tell_plan(j, err);
    }
    return open_run(j, mode.fresh && c->model[0], err) && rz_comm_agree(comm, begin_diagnosis(j, err), err) && plan_memory(j, false, err) &&
           rz_loop_run(&j->loop, err);
}

bool rz_job_train(const rz_job_env *env, const rz_config *c, rz_job_mode mode, rz_err *err)
{
    job j = {.config = c, .env = env};
    bool ok = run_job(&j, mode, err);
    close_job(&j);
    return ok;
}
