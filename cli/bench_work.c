#include "cli/bench.h"

#include "base/file.h"
#include "base/rng.h"
#include "data/source.h"
#include "trainer/model.h"
#include "trainer/grpo.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct rz_bench {
    const rz_bench_options *o;
    rz_comm *comm;
    int64_t batch;
    rz_pool *pool;
    rz_policy *policy;
    rz_tokenizer *tokenizer;
    rz_arena arena;         /* what lies behind `mark` dies after each round */
    size_t mark;
    rz_decoder *decoder;
    rz_update *update;
    rz_source *source;
    rz_corpus *corpus;
    rz_rules *rules;
    rz_rules_worker *worker;
    rz_sample *samples;     /* (batch) for the rules, of `words` words in all */
    int64_t words;
    rz_config config;       /* of a training job, all defaults but what the flags say */
    rz_grpo grpo;
    rz_int_list lengths;    /* tokens of a group's completions */
    double weight;          /* of a token in the loss */
    rz_tree *trees;
    int64_t again;          /* rz_update_again when last asked */
};

rz_policy *rz_bench_policy(rz_bench *b) { return b->policy; }
rz_pool *rz_bench_pool(rz_bench *b) { return b->pool; }
int64_t rz_bench_batch(const rz_bench *b) { return b->batch; }

const void *rz_bench_weights(rz_bench *b, size_t *bytes)
{
    const rz_policy *p = b->policy;
    *bytes = 0;
    if (!p)
        return NULL;
    const rz_shared *s = p->packed_memory.p ? &p->packed_memory : &p->w_memory;
    *bytes = s->bytes;
    return s->p;
}

/* ---- policies ---- */

/* In the order of RZ_BENCH_SHAPES. countdown is the default job's (configs/countdown.yaml), small has 2.98 million parameters, the others are those of
 * SmolLM2-135M and of Qwen2.5-0.5B without its biases. */
static const rz_arch shapes[] = {
    {132, 128, 352, 4, 4, 2, 32, 0, 1e-5, 10000, true},
    {512, 192, 576, 6, 6, 6, 32, 0, 1e-6, 10000, true},
    {49152, 576, 1536, 30, 9, 3, 64, 0, 1e-5, 100000, true},
    {151936, 896, 4864, 24, 14, 2, 64, 0, 1e-6, 1000000, true},
};

/* The Countdown words, and words without a meaning up to the size of the shape's vocabulary. */
static bool made_tokenizer(rz_tokenizer **out, const char *path, int size, rz_err *err)
{
    char *text;
    size_t len;
    if (!rz_file_read(path, 1 << 24, &text, &len, err))
        return rz_err_note(err, "bench with random weights reads the Countdown words; run it in the repository's root");
    json_t *root = json_loadb(text, len, 0, NULL), *words = json_object_get(json_object_get(root, "model"), "vocab");
    for (int i = (int)json_object_size(words); words && i < size; i++) {
        char word[32];
        snprintf(word, sizeof word, "filler%d", i);
        json_object_set_new(words, word, json_integer(i));
    }
    free(text);
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    bool ok = text ? rz_tokenizer_parse(out, path, text, strlen(text), err) : rz_fail(err, RZ_EDATA, "%s is not valid JSON", path);
    free(text);
    return ok;
}

/* N(0, 1/hidden_size), from a table: half a billion draws of their own would take longer than what is timed. */
static void random_weights(rz_policy *p)
{
    enum { TABLE = 1 << 16 };
    float *table = rz_calloc(TABLE, sizeof *table);
    for (uint32_t i = 0; i < TABLE; i++)
        table[i] = (float)(rz_rng_normal(1, RZ_RNG_INIT, 0, i, 0, 0) / sqrt(p->arch.hidden_size));
    for (int i = 0; i < p->layout.n_tensors; i++) {
        const rz_tensor *t = &p->layout.tensors[i];
        int64_t n = t->rows * (t->cols ? t->cols : 1);
        for (int64_t j = 0; j < n; j++)
            p->w[t->offset + j] = t->cols ? table[(uint64_t)(i + j) * 40503 % TABLE] : 1; /* no shape here has a bias */
    }
    free(table);
}

static bool open_policy(rz_bench *b, const rz_kernels *k, rz_err *err)
{
    const rz_bench_options *o = b->o;
    int64_t longest = o->prompt + o->new_tokens > o->seq ? o->prompt + o->new_tokens : o->seq;
    if (o->model[0]) {
        if (!rz_model_read(o->model, k, b->pool, &b->policy, &b->tokenizer, err))
            return false;
        int most = b->policy->arch.max_position_embeddings;
        return longest <= most || rz_fail(err, RZ_EUSAGE, "%s has %d positions, too few for --prompt %lld with --new %lld, or --seq %lld", o->model, most,
                                          (long long)o->prompt, (long long)o->new_tokens, (long long)o->seq);
    }
    rz_arch arch = shapes[o->shape];
    arch.max_position_embeddings = (int)longest;
    if (!made_tokenizer(&b->tokenizer, b->config.tokenizer, arch.vocab_size, err) || !rz_policy_create(&b->policy, &arch, k, b->pool, err))
        return false;
    random_weights(b->policy);
    return true;
}

/* Tokens at random, anywhere in the vocabulary. */
static int32_t *random_ids(rz_bench *b, int n, uint32_t which)
{
    int32_t *ids = RZ_NEW(&b->arena, n, int32_t);
    rz_stream s;
    rz_stream_init(&s, 1, RZ_RNG_TEST, which);
    for (int i = 0; i < n; i++)
        ids[i] = (int32_t)rz_stream_below(&s, (uint32_t)b->policy->arch.vocab_size);
    return ids;
}

/* ---- decode: every rank its own batch ---- */

static int decoded_together(const rz_bench *b, int64_t most)
{
    return rz_decoder_fitting(b->policy, (int)most, (int)b->o->new_tokens, rz_comm_local_size(b->comm));
}

static bool open_decode(rz_bench *b, rz_err *err)
{
    return rz_decoder_create(&b->decoder, b->policy, decoded_together(b, b->batch), err);
}

static bool round_decode(rz_bench *b, rz_bench_done *done, rz_err *err)
{
    int n = (int)b->batch, n_prompt = (int)b->o->prompt;
    rz_request *requests = RZ_ZNEW(&b->arena, n, rz_request);
    rz_completion *completions = RZ_ZNEW(&b->arena, n, rz_completion);
    for (int i = 0; i < n; i++)
        requests[i] = (rz_request){random_ids(b, n_prompt, (uint32_t)i), n_prompt, (uint32_t)i, 0, 1, &completions[i]};
    rz_sampling s = rz_config_sampling(&b->config, NULL, NULL, 0); /* nothing stops: every completion has its full length */
    done->tokens = (int64_t)n * b->o->new_tokens;
    bool ok = rz_cli_decode(b->decoder, requests, n, &s, (rz_address){1, RZ_RNG_SAMPLE, 0}, &b->arena, err);
    done->prompt_s = rz_decoder_prompt_seconds(b->decoder);
    return ok;
}

/* ---- train: the batch is shared by the ranks ---- */

/* The whole batch, told by the first rank; what was computed twice, by each. */
static void count_trained(rz_bench *b, rz_bench_done *done, int64_t trained)
{
    int64_t again = rz_update_again(b->update);
    done->flop_again = 2 * (again - b->again) * b->policy->arch.vocab_size * b->policy->arch.hidden_size;
    b->again = again;
    if (rz_comm_rank(b->comm) == 0)
        done->tokens = done->trained = trained;
}

static void next_token_loss(void *ctx, int i, rz_tree_result *result)
{
    const rz_bench *b = ctx;
    const rz_sequence *s = b->trees[i].sequences;
    *result = (rz_tree_result){.tokens = s->n};
    for (int t = 0; t < s->n; t++) {
        result->loss -= b->weight * (double)s->logp[t];
        ((float *)s->dlogp)[t] = (float)-b->weight;
    }
}

static bool round_train(rz_bench *b, rz_bench_done *done, rz_err *err)
{
    int n = (int)b->batch, length = (int)b->o->seq;
    rz_sequence *sequences = RZ_NEW(&b->arena, n, rz_sequence);
    rz_tree_result *results = RZ_ZNEW(&b->arena, n, rz_tree_result);
    b->trees = RZ_NEW(&b->arena, n, rz_tree);
    for (int i = 0; i < n; i++) {
        int32_t *ids = random_ids(b, length + 1, (uint32_t)i);
        sequences[i] = (rz_sequence){ids, ids + 1, length, RZ_NEW(&b->arena, length, float), NULL, RZ_NEW(&b->arena, length, float)};
        b->trees[i] = (rz_tree){NULL, 0, 1, &sequences[i]};
    }
    double norm;
    count_trained(b, done, (int64_t)n * length);
    b->weight = 1.0 / ((double)n * length);
    return rz_update_step(b->update, b->trees, n, 1.0f, next_token_loss, b, 1e-4, results, &norm) ||
           rz_fail(err, RZ_EDIVERGED, "%s: give another --model", rz_update_take_trouble(b->update).why);
}

/* ---- grpo: a step of a training job, its prompts made longer with words before them ---- */

/* A file in memory with the task's problems, each prompt of exactly `length` tokens. */
static bool write_problems(rz_bench *b, rz_source *task, int fd, rz_err *err)
{
    const char *filler = rz_tokenizer_token(b->tokenizer, rz_tokenizer_size(b->tokenizer) - 1);
    bool ok = true;
    for (int64_t i = 0; ok && i < 16 * b->config.prompts_per_step; i++) {
        rz_arena scratch = b->arena;
        rz_problem p;
        int32_t *ids;
        int n;
        if (!rz_source_problem(task, RZ_TRAIN, (uint64_t)i, &p, &scratch, err) ||
            !rz_tokenizer_encode(b->tokenizer, p.prompt, strlen(p.prompt), &scratch, &ids, &n, err))
            return false;
        if (n > b->o->prompt)
            return rz_fail(err, RZ_EUSAGE, "--prompt is %lld, must be at least %d: a Countdown problem has as many tokens", (long long)b->o->prompt, n);
        dprintf(fd, "{\"prompt\":\"");
        for (; n < b->o->prompt; n++)
            dprintf(fd, "%s ", filler);
        ok = dprintf(fd, "%s\",\"answer\":\"%s\",\"meta\":%s}\n", p.prompt, p.answer, p.meta) > 0;
    }
    return ok || rz_fail(err, RZ_EIO, "cannot write the problems to memory");
}

static bool open_problems(rz_bench *b, rz_err *err)
{
    rz_source *task;
    char path[64];
    int fd = memfd_create("problems", 0);
    if (fd < 0)
        return rz_fail(err, RZ_EIO, "cannot make a file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool ok = rz_source_open(&task, "countdown", &b->config.task, 1, err);
    if (ok) {
        ok = write_problems(b, task, fd, err) && rz_source_open(&b->source, path, &b->config.task, 1, err);
        rz_source_close(task);
    }
    close(fd);
    return ok;
}

static bool open_rule_file(rz_bench *b, rz_err *err)
{
    return rz_helper_allow(rz_cli_helper(), &b->o->rules_allow, err) && rz_rules_load(&b->rules, b->o->rules, err) &&
           rz_rules_worker_create(&b->worker, b->rules, rz_cli_helper(), err);
}

static bool open_grpo(rz_bench *b, rz_err *err)
{
    const rz_bench_options *o = b->o;
    if (b->batch % o->group)
        return rz_fail(err, RZ_EUSAGE, "--batch is %lld, must be a multiple of --group (%lld)", (long long)b->batch, (long long)o->group);
    b->config.group_size = o->group;
    b->config.prompts_per_step = b->batch / o->group;
    if (!open_problems(b, err) || !open_rule_file(b, err) ||
        !rz_decoder_create(&b->decoder, b->policy, decoded_together(b, b->batch < RZ_SLOTS ? b->batch : RZ_SLOTS), err) ||
        !rz_arena_init(&b->grpo.arena, (size_t)1 << 38, err))
        return false;
    b->grpo.config = &b->config;
    b->grpo.rollout = (rz_rollout){.comm = b->comm, .decoder = b->decoder, .tokenizer = b->tokenizer, .source = b->source, .rules = b->rules,
                                   .worker = b->worker, .sampling = rz_config_sampling(&b->config, NULL, NULL, 0), .seed = 1,
                                   .random_reward = true}; /* after the rules have scored: random weights earn nothing, and without a difference
                                                              there is no update to time */
    b->grpo.rollout.sampling.n_lengths = b->lengths.n;
    b->grpo.rollout.sampling.lengths = b->lengths.v;
    return true;
}

static int64_t sampled_tokens(const rz_bench *b)
{
    int64_t n = 0;
    for (int64_t i = 0; i < b->o->group; i++)
        n += b->lengths.v[i % b->lengths.n];
    return n * (b->batch / b->o->group);
}

static bool round_grpo(rz_bench *b, rz_bench_done *done, rz_err *err)
{
    rz_metrics m = {0}; /* always the first step: the same problems and coins, hence the same work */
    b->grpo.update = b->update;
    if (!rz_grpo_step(&b->grpo, 1, &m, err))
        return false;
    count_trained(b, done, (int64_t)rz_metrics_get(&m, "tokens/trained")); /* groups whose coins fell alike are left out */
    done->tokens = rz_comm_rank(b->comm) ? 0 : sampled_tokens(b);
    return true;
}

/* ---- rules: completions as the corpus writes them ---- */

/* {"numbers":[3,5],"target":8} of a document that begins "numbers 3 5 target 8 ?", whose completion is what follows. False: another kind of document. */
static bool read_problem(char *text, char *meta, size_t size, char **answer, char **completion)
{
    char *target = strstr(text, " target "), *end = strstr(text, " ? ");
    if (strncmp(text, "numbers ", 8) || !target || !end || end < target)
        return false;
    *target = *end = 0;
    *answer = target + 8;
    *completion = end + 3;
    for (char *c = text + 8; *c; c++)
        *c = *c == ' ' ? ',' : *c;
    snprintf(meta, size, "{\"numbers\":[%s],\"target\":%s}", text + 8, *answer);
    return true;
}

static bool open_rules(rz_bench *b, rz_err *err)
{
    if (!open_rule_file(b, err) ||
        !rz_corpus_open(&b->corpus, "countdown", &b->config.task.countdown, &b->config.corpus, 1, err))
        return false;
    b->samples = RZ_NEW(&b->arena, b->batch, rz_sample);
    for (int64_t i = 0, n = 0; n < b->batch; i++) {
        char *text, meta[128], *answer, *completion;
        if (!rz_corpus_text(b->corpus, (uint64_t)i, &text, &b->arena, err))
            return false;
        if (!read_problem(text, meta, sizeof meta, &answer, &completion))
            continue;
        b->samples[n++] = (rz_sample){.completion = completion, .completion_len = strlen(completion), .answer = answer,
                                      .meta = rz_arena_strndup(&b->arena, meta, strlen(meta)), .n_tokens = -1};
        for (const char *c = completion - 1; *c; c++)
            b->words += *c == ' ';
    }
    return true;
}

static bool round_rules(rz_bench *b, rz_bench_done *done, rz_err *err)
{
    (void)err;
    for (int64_t i = 0; i < b->batch; i++) {
        rz_score score;
        rz_rules_score(b->worker, &b->samples[i], &score);
    }
    done->tokens = b->words;
    done->items = b->batch;
    return true;
}

/* ---- opening and closing ---- */

const rz_bench_work rz_bench_works[] = {
    {"decode", "sampling a batch of sequences to their full length", 64, true, false, open_decode, round_decode},
    {"train", "forward, backward and AdamW on a batch of sequences", 16, true, true, NULL, round_train},
    {"grpo", "a whole step: sampling, scoring, update", 64, true, true, open_grpo, round_grpo},
    {"rules", "scoring completions", 2000, false, false, open_rules, round_rules},
    {0},
};

static bool set_up(rz_bench *b, const rz_bench_work *w, const rz_kernels *k, rz_err *err)
{
    const rz_bench_options *o = b->o;
    if (!rz_options_init(rz_config_rows, rz_config_n_rows, &b->config, err) || !rz_arena_init(&b->arena, (size_t)1 << 38, err) ||
        !rz_pool_create(&b->pool, (int)o->threads, err))
        return false;
    b->config.truncated = RZ_TRUNCATED_PUNISH; /* none of the completions ends by itself */
    b->config.rollout.max_new = o->new_tokens;
    b->lengths = o->lengths;
    for (int i = 0; i < o->lengths.n; i++) {
        if (o->lengths.v[i] > o->new_tokens)
            return rz_fail(err, RZ_EUSAGE, "--lengths has %lld, must be --new (%lld) at most", (long long)o->lengths.v[i], (long long)o->new_tokens);
        b->lengths.v[i] = o->lengths.v[i] ? o->lengths.v[i] : o->new_tokens;
    }
    for (b->config.gradient_shards = o->shards; b->config.gradient_shards < rz_comm_size(b->comm);)
        b->config.gradient_shards *= 2;
    if (o->shards & (o->shards - 1))
        return rz_fail(err, RZ_EUSAGE, "--gradient-shards is %lld, must be a power of two", (long long)o->shards);
    if (w->model && !open_policy(b, k, err))
        return false;
    if (b->policy)
        rz_policy_store(b->policy, (rz_stored)o->dtype, (rz_compute)o->compute, (rz_kv_dtype)o->kv_dtype);
    return !w->open || w->open(b, err);
}

bool rz_bench_open(rz_bench **out, const rz_bench_work *w, const rz_bench_options *o, rz_comm *comm, const rz_kernels *k, rz_err *err)
{
    rz_bench *b = rz_calloc(1, sizeof *b);
    *b = (rz_bench){.o = o, .comm = comm, .batch = o->batch ? o->batch : w->batch};
    *out = b;
    bool ok = rz_comm_agree(comm, set_up(b, w, k, err), err);
    if (ok && b->policy)
        rz_policy_share(b->policy, comm, &(rz_err){0}); /* a copy each does as well */
    if (ok && b->decoder)
        rz_policy_panels(b->policy);
    ok = ok &&
              (!w->update || rz_update_create(&b->update, b->policy, comm, (int)b->config.gradient_shards, &b->config.optimizer, err));
    if (b->update) {
        rz_update_limit(b->update, (rz_recompute)b->config.recompute, (size_t)b->config.activation_mib << 20);
        rz_update_balance(b->update);
    }
    b->mark = b->arena.used;
    return ok;
}

bool rz_bench_round(rz_bench *b, const rz_bench_work *w, rz_bench_done *done, rz_err *err)
{
    *done = (rz_bench_done){0};
    rz_arena_release(&b->arena, b->mark);
    bool ok = w->round(b, done, err);
    return rz_comm_agree(b->comm, ok, err);
}

void rz_bench_close(rz_bench *b)
{
    if (!b)
        return;
    rz_update_destroy(b->update);
    rz_decoder_destroy(b->decoder);
    rz_rules_worker_destroy(b->worker);
    rz_rules_destroy(b->rules);
    rz_corpus_close(b->corpus);
    rz_source_close(b->source);
    rz_tokenizer_destroy(b->tokenizer);
    rz_policy_destroy(b->policy);
    rz_pool_destroy(b->pool);
    rz_arena_finish(&b->grpo.arena);
    rz_arena_finish(&b->arena);
    rz_config_finish(&b->config);
    free(b);
}
