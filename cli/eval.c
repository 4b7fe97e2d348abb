#include "cli/cli.h"

#include "base/file.h"
#include "base/packed.h"
#include "cli/flags.h"
#include "rollout/stop.h"
#include "trainer/evaluate.h"
#include "trainer/model.h"
#include "trainer/problems.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPLITS "train|validation|test" /* in the order of rz_split */
static const char *const split_names[] = {"train", "validation", "test"};
enum { SLOTS = 64, OF_A_TASK = 256, MAX_TASK_KEYS = 96 };

typedef struct {
    char *model, *data, *rules, *dump, *eos_token;
    int64_t samples, max_new, limit, seed, threads;
    double temperature;
    int split, dtype, compute, kv_dtype;
    rz_text_list rules_allow;
    bool json;
    rz_task_options task;
    rz_prompt_options prompt;
} options;

#define AT(field) offsetof(options, field)
#define INT(key, field, def, min, max, help) {key, RZ_OPT_INT, AT(field), def, min, max, NULL, RZ_OPT_FIXED, help}
#define TEXT(key, field, def, help) {key, RZ_OPT_TEXT, AT(field), def, 0, 0, NULL, RZ_OPT_FIXED, help}
const rz_option rz_eval_flags[] = {
    TEXT("model", model, "", "policy: a model or checkpoint (*.h5), a Hugging Face folder or a GGUF file"),
    TEXT("data", data, "", "problems: a file (JSONL or HDF5), all of it in order, or the name of a task"),
    TEXT("rules", rules, "", "rule file that scores completions"),
    INT("samples", samples, "1", 1, 4096, "completions of each problem: the K of pass@K and maj@K"),
    {"temperature", RZ_OPT_FLOAT, AT(temperature), "1", 0, 100, NULL, RZ_OPT_FIXED, "of the softmax; 0: greedy"},
    INT("max-new", max_new, "256", 1, 1e7, "tokens a completion may have"),
    INT("limit", limit, "0", 0, 1e7, "problems at most; 0: all of a file, 256 of a task"),
    INT("seed", seed, "1", 0, 4294967295.0, "decides the samples, the problems of a task and the resampling"),
    INT("threads", threads, "1", 1, 1024, "threads a rank; changes nothing but speed"),
    RZ_ARITHMETIC_FLAGS(options),
    RZ_RULES_ALLOW_FLAG(options),
    {"split", RZ_OPT_ENUM, AT(split), "test", 0, 0, SPLITS, RZ_OPT_FIXED, "of a task: which of its problems"},
    RZ_PROMPT_FLAGS(options, "default"),
    TEXT("eos-token", eos_token, RZ_DEFAULT_EOS, "token that stops a completion, beside those that the model names"),
    TEXT("dump", dump, "", "new file for every completion, one JSON object a line, as `score` reads them; .gz or .zst: compressed"),
    {"json", RZ_OPT_BOOL, AT(json), "false", 0, 0, NULL, RZ_OPT_FIXED, "one JSON object on stdout instead of a table"},
};
#undef AT
enum { N_FLAGS = sizeof rz_eval_flags / sizeof rz_eval_flags[0] };
const int rz_eval_n_flags = N_FLAGS;

typedef struct {
    rz_comm *comm;
    options o;
    rz_option rows[N_FLAGS + MAX_TASK_KEYS]; /* the flags, then the keys of a task */
    bool given[N_FLAGS + MAX_TASK_KEYS];
    int n_rows;
    const rz_kernels *kernels;
    rz_pool *pool;
    rz_policy *policy;
    rz_tokenizer *tokenizer;
    rz_prompt *prompt;
    rz_source *source;
    rz_rules *rules;
    rz_rules_worker *worker;
    rz_decoder *decoder;
    rz_arena arena;
    int32_t stop_ids[RZ_MAX_STOPS];
    int n_stop_ids;
    rz_flag_list stop; /* texts */
    int problems;
    rz_evaluation result;
    double start_s, seconds;

    /* rank 0 */
    rz_view *view;
    rz_packer *dump;
    int64_t done;       /* problems */
} job;

/* ---- the command line ---- */

/* The keys of a task, with their prefix and without: task.numbers of a config is numbers here, and may be written either way. */
static void collect_rows(job *j)
{
    static const char prefix[] = "task.";
    memcpy(j->rows, rz_eval_flags, sizeof rz_eval_flags);
    j->n_rows = N_FLAGS;
    for (int i = 0; i < rz_config_n_rows && j->n_rows + 1 < N_FLAGS + MAX_TASK_KEYS; i++) {
        rz_option row = rz_config_rows[i];
        if (strncmp(row.key, prefix, strlen(prefix)))
            continue;
        row.offset = row.offset - offsetof(rz_config, task) + offsetof(options, task);
        j->rows[j->n_rows++] = row;
        row.key += strlen(prefix);
        j->rows[j->n_rows++] = row;
    }
}

static const char *flag_that_is_missing(const options *o)
{
    return !o->model[0] ? "--model is missing; for example --model runs/quick/model.h5"
         : !o->data[0]  ? "--data is missing: a file of problems, or a task: --data countdown"
         : !o->rules[0] ? "--rules is missing; for example --rules configs/rules/countdown.yaml"
                        : NULL;
}

/* A key of a task means nothing to a file. */
static const char *key_of_a_task(const job *j)
{
    for (int i = 0; i < j->n_rows; i++)
        if (j->given[i] && (i >= N_FLAGS || !strcmp(j->rows[i].key, "split")))
            return j->rows[i].key;
    return NULL;
}

/* A key of another task would change nothing. */
static bool check_task_keys(const job *j, rz_err *err)
{
    for (int i = N_FLAGS; i < j->n_rows; i++) {
        const char *key = j->rows[i].key, *bare = strchr(key, '.') ? strchr(key, '.') + 1 : key;
        if (j->given[i] && !rz_task_check_key(rz_task_find(j->o.data), bare, err))
            return false;
    }
    return true;
}

/* ---- what is needed ---- */

static bool open_data(job *j, rz_err *err)
{
    const options *o = &j->o;
    if (!rz_source_open(&j->source, o->data, &o->task, (uint32_t)o->seed, err))
        return false;
    int64_t size = rz_source_size(j->source);
    const char *key = key_of_a_task(j);
    if (size >= 0 && key)
        return rz_fail(err, RZ_EUSAGE, "%s is for a task; --data %s is a file", key, o->data);
    if (size < 0 && !check_task_keys(j, err))
        return false;
    if (size == 0)
        return rz_fail(err, RZ_EDATA, "%s holds no problems", o->data);
    rz_source_keep_order(j->source);
    int64_t most = size < 0 ? OF_A_TASK : size;
    j->problems = (int)(o->limit && (size < 0 || o->limit < size) ? o->limit : most);
    return true;
}

static bool open_job(job *j, rz_err *err)
{
    const options *o = &j->o;
    if (!rz_cli_kernels(&j->kernels, err) || !rz_arena_init(&j->arena, (size_t)1 << 38, err) ||
        !rz_rules_load(&j->rules, o->rules, err) || !rz_helper_allow(rz_cli_helper(), &o->rules_allow, err) ||
        !rz_rules_worker_create(&j->worker, j->rules, rz_cli_helper(), err) || !open_data(j, err) ||
        !rz_pool_create(&j->pool, (int)o->threads, err) || !rz_model_read(o->model, j->kernels, j->pool, &j->policy, &j->tokenizer, err))
        return false;
    rz_policy_store(j->policy, (rz_stored)o->dtype, (rz_compute)o->compute, (rz_kv_dtype)o->kv_dtype);
    if (!rz_stop_ids(j->tokenizer, o->eos_token, j->stop_ids, &j->n_stop_ids))
        return rz_fail(err, RZ_EUSAGE, "eos-token is '%s', which the tokenizer of %s does not hold", o->eos_token, o->model);
    if (!rz_prompt_create(&j->prompt, &o->prompt, j->tokenizer, err))
        return false;
    const rz_needs needs = {j->tokenizer, j->prompt, j->policy->arch.max_position_embeddings, j->worker, o->rules};
    const int slots = rz_decoder_fitting(j->policy, SLOTS, (int)o->max_new, rz_comm_local_size(j->comm));
    return rz_problems_check(&needs, j->source, o->data, j->arena, err) && rz_decoder_create(&j->decoder, j->policy, slots, err);
}

static bool open_dump(job *j, rz_err *err)
{
    const char *path = j->o.dump;
    if (!path[0] || rz_comm_rank(j->comm))
        return true;
    if (rz_file_exists(path))
        return rz_fail(err, RZ_ECREATE, "--dump: cannot create %s: it is there already, and nothing is overwritten; give another name", path);
    if (rz_packer_create(&j->dump, path, rz_packing_of(path), err))
        return true;
    err->code = RZ_ECREATE;
    return rz_err_note(err, "--dump");
}

/* A dump is whole or it is not there, also after a signal. */
static bool close_dump(job *j, bool keep, rz_err *err)
{
    bool ok = !j->dump || !keep || rz_packer_commit(j->dump, err) || rz_err_note(err, "--dump");
    rz_packer_close(j->dump);
    j->dump = NULL;
    return ok;
}

static void close_job(job *j)
{
    rz_view_destroy(j->view);
    rz_decoder_destroy(j->decoder);
    rz_rules_worker_destroy(j->worker);
    rz_rules_destroy(j->rules);
    rz_source_close(j->source);
    rz_prompt_destroy(j->prompt);
    rz_tokenizer_destroy(j->tokenizer);
    rz_policy_destroy(j->policy);
    rz_pool_destroy(j->pool);
    rz_arena_finish(&j->arena);
    rz_options_finish(j->rows, j->n_rows, &j->o);
    free(j->stop.values);
}

/* ---- while it runs ---- */

static void on_tick(void *ctx, int64_t n_tokens)
{
    job *j = ctx;
    char done[64] = ""; /* only large evaluations are made in parts */
    if (j->done)
        snprintf(done, sizeof done, "%lld problems done, ", (long long)j->done);
    rz_view_progress(j->view, "eval: %d problems x %lld: %s%lld tokens in hand on this rank, %.0f s", j->problems, (long long)j->o.samples, done,
                     (long long)n_tokens, rz_now_s() - j->start_s);
}

static json_t *text_or_null(const char *text, size_t len)
{
    json_t *t = json_stringn(text, len);
    return t ? t : json_null(); /* bytes that are no UTF-8 */
}

static bool dump_completion(job *j, const rz_group *g, int k, rz_arena scratch, rz_err *err)
{
    const rz_completion *c = &g->completions[k];
    const rz_scored *s = &g->scored[k];
    size_t len;
    const char *text = rz_group_text(j->tokenizer, g, k, true, &scratch, &len);
    json_t *meta = json_loads(g->problem.meta, 0, NULL);
    json_t *o = json_pack("{s:i,s:i,s:i,s:o,s:s,s:s,s:o*,s:i,s:b,s:f,s:b,s:b}", "schema", 1, "problem", (int)g->slot, "sample", k, "completion",
                          text_or_null(text, len), "prompt", g->problem.prompt, "answer", g->problem.answer, "meta", meta, "n_tokens", c->n,
                          "truncated", c->truncated, "score", s->score, "correct", s->correct, "format_ok", s->format_ok);
    char *line = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
    bool ok = line || rz_fail(err, RZ_EINTERNAL, "problem %u, sample %d cannot be told as JSON", (unsigned)g->slot, k);
    ok = ok && rz_packer_add(j->dump, line, strlen(line), err) && rz_packer_add(j->dump, "\n", 1, err);
    json_decref(o);
    free(line);
    return ok || rz_err_note(err, "--dump");
}

static bool on_groups(void *ctx, const rz_group *groups, int n, rz_arena scratch, rz_err *err)
{
    job *j = ctx;
    j->done += n;
    for (int i = 0; j->dump && i < n; i++)
        for (int k = 0; k < groups[i].n; k++)
            if (!dump_completion(j, &groups[i], k, scratch, err))
                return false;
    return true;
}

static bool evaluate(job *j, rz_err *err)
{
    const options *o = &j->o;
    bool first = rz_comm_rank(j->comm) == 0;
    const rz_evaluation_plan plan = {.split = (rz_split)o->split, .problems = j->problems, .samples = (int)o->samples,
                                     .groups = first ? on_groups : NULL, .ctx = j};
    const rz_rollout r = {.comm = j->comm, .decoder = j->decoder, .tokenizer = j->tokenizer, .prompt = j->prompt, .source = j->source,
                          .rules = j->rules, .worker = j->worker,
                          .sampling = {.temperature = o->temperature, .top_p = 1, .max_new = (int)o->max_new, .n_stop = j->n_stop_ids, .stop = j->stop_ids,
                                       .n_stop_texts = j->stop.n, .stop_texts = j->stop.values, .tokenizer = j->tokenizer},
                          .seed = (uint32_t)o->seed, .tick = first ? on_tick : NULL, .tick_ctx = j};
    j->view = first ? rz_view_create() : NULL;
    j->start_s = rz_now_s();
    bool ok = rz_evaluate(&r, &plan, j->arena, &j->result, err);
    j->seconds = rz_now_s() - j->start_s;
    if (j->view)
        rz_view_break(j->view);
    return ok;
}

/* ---- what came out ---- */

static void print_json(const job *j)
{
    const options *o = &j->o;
    rz_metrics m = {0};
    rz_evaluation_metrics(&j->result, &m);
    char *numbers = rz_metrics_json(&m);
    json_t *all = json_pack("{s:i,s:s,s:s,s:s,s:s?,s:I,s:f,s:I}", "schema", 1, "model", o->model, "data", o->data, "rules", o->rules, "split",
                            rz_source_size(j->source) < 0 ? split_names[o->split] : NULL, "seed", (json_int_t)o->seed, "temperature", o->temperature,
                            "max_new", (json_int_t)o->max_new);
    json_t *more = json_loads(numbers, 0, NULL);
    json_object_update(all, more);
    json_object_set_new(all, "time/eval_s", json_real(j->seconds));
    json_object_set_new(all, "time/tokens_per_s", json_real((double)j->result.tokens / j->seconds));
    json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(more);
    json_decref(all);
    free(numbers);
}

static void print_row(const rz_estimate *e, int width)
{
    double unit = e->share ? 100 : 1;
    const char *sign = e->share ? "%" : "";
    int digits = e->share || fabs(e->value) >= 10 ? 1 : 3;
    if (isnan(e->value))
        return;
    fprintf(stderr, "  %-*s  %8.*f%-1s", width, e->name, digits, unit * e->value, sign);
    if (!isnan(e->low))
        fprintf(stderr, "  [%.*f, %.*f]", digits, unit * e->low, digits, unit * e->high);
    fputc('\n', stderr);
}

static void print_table(const job *j)
{
    const rz_evaluation *e = &j->result;
    int width = 0;
    fprintf(stderr, "%lld problems of %s (%lld independent), %lld sample%s each at temperature %g\n", (long long)e->problems, j->o.data,
            (long long)e->clusters, (long long)e->samples, e->samples == 1 ? "" : "s", j->o.temperature);
    for (int i = 0; i < e->n; i++)
        width = (int)strlen(e->row[i].name) > width ? (int)strlen(e->row[i].name) : width;
    fprintf(stderr, "  %-*s  %8s   95%% interval\n", width, "", "");
    for (int i = 0; i < e->n; i++)
        print_row(&e->row[i], width);
    if (e->errors)
        fprintf(stderr, "%lld rule errors: %lld crashed, %lld were ended by the clock (which on another day may be others)\n", (long long)e->errors,
                (long long)e->crashes, (long long)e->nondeterministic);
    fprintf(stderr, "%lld tokens in %.1f s, %.0f tokens/s\n", (long long)e->tokens, j->seconds, (double)e->tokens / j->seconds);
}

static bool run(job *j, int argc, char **argv, rz_err *err)
{
    const char *missing = NULL;
    bool ok = rz_flags_parse(j->rows, j->n_rows, &j->o, j->given, &j->stop, NULL, argc, argv, err);
    if (ok && (missing = flag_that_is_missing(&j->o)))
        ok = rz_fail(err, RZ_EUSAGE, "%s", missing);
    ok = rz_comm_agree(j->comm, ok && open_job(j, err), err);
    if (ok) {
        rz_policy_share(j->policy, j->comm, &(rz_err){0}); /* a copy each does as well */
        rz_policy_panels(j->policy);
    }
    ok = ok && rz_comm_agree(j->comm, open_dump(j, err), err);
    ok = ok && evaluate(j, err);
    rz_err late = {0};
    bool closed = close_dump(j, ok, &late);
    if (ok && !closed)
        *err = late;
    ok = ok && rz_comm_agree(j->comm, closed, err);
    if (ok && rz_comm_rank(j->comm) == 0) {
        if (j->o.json)
            print_json(j);
        else
            print_table(j);
    }
    return ok;
}

int rz_cmd_eval(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    static const int ours[] = {SIGTERM, SIGINT, SIGUSR1};
    job *j = rz_calloc(1, sizeof *j);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) /* nothing to be saved: a signal ends it, as it ends any program */
        signal(ours[i], SIG_DFL);
    j->comm = comm;
    j->stop = (rz_flag_list){"stop", rz_calloc((size_t)argc + 1, sizeof(char *)), 0};
    collect_rows(j);
    run(j, argc, argv, err);
    close_job(j);
    free(j);
    return (int)err->code;
}
