#include "base/pulse.h"
#include "data/source.h"
#include "trainer/loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const rz_config *config;
    rz_corpus *corpus;
    rz_tokenizer *tokenizer;
    rz_pool *pool;
    rz_policy *policy;
    rz_update *update;
    rz_arena arena; /* dies after each step */
    int32_t eos;
    char data_hash[80]; /* of the documents and of the tokenizer that reads them */
    rz_loop loop;

    /* of the step in hand */
    double weight;  /* of a token: 1 / all tokens of the batch */
    rz_tree *trees;
} job;

static void close_job(job *j)
{
    rz_loop_close(&j->loop);
    rz_update_destroy(j->update);
    rz_policy_destroy(j->policy);
    rz_pool_destroy(j->pool);
    rz_tokenizer_destroy(j->tokenizer);
    rz_corpus_close(j->corpus);
    rz_arena_finish(&j->arena);
}

/* Document `index` as a tree without prefix: every token but the first is a target, the end token closes it. */
static bool read_document(job *j, uint64_t index, rz_tree *tree, int64_t *tokens, rz_err *err)
{
    char *text;
    int32_t *ids;
    int n;
    if (!rz_corpus_text(j->corpus, index, &text, &j->arena, err) ||
        !rz_tokenizer_encode(j->tokenizer, text, strlen(text), &j->arena, &ids, &n, err))
        return rz_err_note(err, "document %llu", (unsigned long long)index);
    int room = j->policy->arch.max_position_embeddings;
    int32_t *all = RZ_NEW(&j->arena, n + 1, int32_t);
    memcpy(all, ids, (size_t)n * sizeof *ids);
    all[n] = j->eos;
    int inputs = n < room ? n : room;
    if (inputs < 1)
        return rz_fail(err, RZ_EDATA, "document %llu is empty; remove it", (unsigned long long)index);
    rz_sequence *s = RZ_NEW(&j->arena, 1, rz_sequence);
    *s = (rz_sequence){all, all + 1, inputs, RZ_NEW(&j->arena, inputs, float), NULL, RZ_NEW(&j->arena, inputs, float)};
    *tree = (rz_tree){NULL, 0, 1, s};
    *tokens += inputs;
    return true;
}

/* loss = −Σ logp / tokens */
static void next_token_loss(void *ctx, int i, rz_tree_result *result)
{
    const job *j = ctx;
    const rz_sequence *s = j->trees[i].sequences;
    *result = (rz_tree_result){.tokens = s->n};
    for (int t = 0; t < s->n; t++) {
        result->loss -= j->weight * (double)s->logp[t];
        ((float *)s->dlogp)[t] = (float)-j->weight;
    }
}

static bool pretrain_step(rz_loop *l, int64_t step, rz_metrics *m, rz_err *err)
{
    job *j = l->ctx;
    const rz_config *c = j->config;
    double start = rz_now_s(), grad_norm, loss = 0, lr = rz_learning_rate(&c->pretrain.optimizer, step, c->pretrain.steps);
    int n = (int)c->pretrain.documents_per_step, t0, t1;
    int64_t tokens = 0;
    bool ok = true;
    rz_pulse_enter(RZ_PHASE_UPDATE, step);
    rz_arena_release(&j->arena, 0);
    j->trees = RZ_ZNEW(&j->arena, n, rz_tree);
    rz_update_owned(j->update, n, &t0, &t1);
    for (int i = t0; ok && i < t1; i++)
        ok = read_document(j, (uint64_t)(step + l->at.data_shift - 1) * (uint64_t)n + (uint64_t)i, &j->trees[i], &tokens, err);
    if (!rz_comm_agree(l->env->comm, ok, err))
        return false;
    rz_comm_sum_i64(l->env->comm, &tokens, 1);
    j->weight = 1.0 / (double)tokens;
    rz_tree_result *results = RZ_ZNEW(&j->arena, n, rz_tree_result);
    rz_update_step(j->update, j->trees, n, 1.0f, next_token_loss, j, lr, results, &grad_norm); /* what is left out is the loop's business */
    for (int i = 0; i < n; i++)
        loss += results[i].loss;
    l->at.tokens_trained += tokens;
    rz_metrics_put_int(m, "step", step);
    rz_metrics_put(m, "loss", loss);
    rz_metrics_put(m, "grad_norm", grad_norm);
    rz_metrics_put(m, "learning_rate", lr);
    rz_metrics_put_int(m, "tokens/trained", tokens);
    rz_metrics_put_int(m, "tokens/trained_total", l->at.tokens_trained);
    rz_metrics_put(m, "time/step_s", rz_now_s() - start);
    return true;
}

/* The finished base as a file of its own. Written before the last checkpoint: whoever sees that finds this. */
static bool write_model(rz_loop *l, rz_err *err)
{
    bool ok = true;
    if (rz_comm_rank(l->env->comm) == 0) {
        char *path = rz_asprintf("%s/model.h5", l->dir);
        ok = rz_model_write(path, l->policy, l->tokenizer, err);
        free(path);
    }
    return rz_comm_agree(l->env->comm, ok, err);
}

static bool open_job(job *j, const rz_job_env *env, rz_err *err)
{
    const rz_config *c = j->config;
    rz_arch arch;
    if (!rz_config_check(c, RZ_STAGE_PRETRAIN, err) || !rz_tokenizer_load(&j->tokenizer, c->tokenizer, err) ||
        !rz_config_arch(c, rz_tokenizer_size(j->tokenizer), &arch, err) ||
        !rz_corpus_open(&j->corpus, c->pretrain.data, &c->task.countdown, &c->corpus, (uint32_t)c->seed, err))
        return false;
    j->eos = rz_tokenizer_id(j->tokenizer, c->eos_token);
    if (j->eos < 0)
        return rz_fail(err, RZ_ECONFIG, "eos_token is '%s', which %s does not hold", c->eos_token, c->tokenizer);
    if (!rz_arena_init(&j->arena, (size_t)1 << 38, err) || !rz_pool_create(&j->pool, (int)c->threads, err) ||
        !rz_policy_create(&j->policy, &arch, env->kernels, j->pool, err))
        return false;
    rz_policy_store(j->policy, RZ_STORED_F32, (rz_compute)c->compute, RZ_KV_F32);
    rz_policy_init_weights(j->policy, (uint32_t)c->seed);
    char tokenizer[33];
    rz_hash_hex(rz_tokenizer_json(j->tokenizer), strlen(rz_tokenizer_json(j->tokenizer)), tokenizer);
    snprintf(j->data_hash, sizeof j->data_hash, "%s %s", rz_corpus_hash(j->corpus), tokenizer);
    return true;
}

static bool run_job(job *j, const rz_job_env *env, rz_job_mode mode, rz_err *err)
{
    const rz_config *c = j->config;
    rz_err why;
    if (!rz_comm_agree(env->comm, open_job(j, env, err), err))
        return false;
    bool shared = rz_policy_share(j->policy, env->comm, &why);
    if (!rz_update_create(&j->update, j->policy, env->comm, (int)c->gradient_shards, &c->pretrain.optimizer, err))
        return false;
    rz_update_limit(j->update, (rz_recompute)c->recompute, (size_t)c->activation_mib << 20);
    j->loop = (rz_loop){.env = env, .config = c, .dir = c->out, .steps = c->pretrain.steps, .policy = j->policy, .tokenizer = j->tokenizer,
                        .update = j->update, .ctx = j, .step = pretrain_step, .end = write_model,
                        .at = {.stage = RZ_STAGE_PRETRAIN, .config = c, .rules = "", .base_hash = "", .data_hash = j->data_hash}};
    if (!shared)
        rz_loop_note(&j->loop, "the ranks of a machine keep a copy of the weights each: %s", why.text);
    if (mode.dry_run) {
        rz_loop_note(&j->loop, "base of %lld parameters, %lld steps of %lld documents", (long long)j->policy->layout.n_params,
                     (long long)c->pretrain.steps, (long long)c->pretrain.documents_per_step);
        return rz_comm_agree(env->comm, rz_comm_rank(env->comm) || rz_saving_room(&j->loop, true, err), err);
    }
    return rz_loop_open(&j->loop, mode.fresh, err) && rz_loop_run(&j->loop, err);
}

bool rz_pretrain_dir(const rz_config *c, char **dir, rz_err *err)
{
    rz_corpus *corpus;
    char tokenizer[33], hash[33];
    if (!rz_hash_file(c->tokenizer, tokenizer, err) ||
        !rz_corpus_open(&corpus, c->pretrain.data, &c->task.countdown, &c->corpus, (uint32_t)c->seed, err))
        return false;
    char *more = rz_asprintf("%s %s", tokenizer, rz_corpus_hash(corpus));
    rz_config_hash(c, RZ_STAGE_PRETRAIN, more, hash);
    *dir = rz_asprintf("%s/base-%.12s", c->out, hash);
    free(more);
    rz_corpus_close(corpus);
    return true;
}

bool rz_job_pretrain(const rz_job_env *env, const rz_config *c, rz_job_mode mode, rz_err *err)
{
    job j = {.config = c};
    bool ok = run_job(&j, env, mode, err);
    close_job(&j);
    return ok;
}
