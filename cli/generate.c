#include "cli/cli.h"

#include "base/file.h"
#include "base/threads.h"
#include "cli/flags.h"
#include "cli/generate.h"
#include "data/prompt.h"
#include "rollout/stop.h"
#include "trainer/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *model, *input, *prompts;
    rz_prompt_options prompt;
    int64_t max_new, top_k, samples, seed, threads;
    double temperature, top_p, min_p, price_per_core_hour;
    int dtype, compute, kv_dtype;
    bool json, speculative;
} options;

#define AT(field) offsetof(options, field)
#define INT(key, field, def, min, max, help) {key, RZ_OPT_INT, AT(field), def, min, max, NULL, RZ_OPT_FIXED, help}
#define FLOAT(key, field, def, min, max, help) {key, RZ_OPT_FLOAT, AT(field), def, min, max, NULL, RZ_OPT_FIXED, help}
#define TEXT(key, field, help) {key, RZ_OPT_TEXT, AT(field), "", 0, 0, NULL, RZ_OPT_FIXED, help}
const rz_option rz_generate_flags[] = {
    TEXT("model", model, "a model or checkpoint (*.h5), a Hugging Face folder or a GGUF file"),
    TEXT("prompt", input, "one prompt"),
    TEXT("prompts", prompts, "a data set of prompts, JSONL ({\"prompt\": ...} a line) or HDF5, all of them in order"),
    RZ_PROMPT_FLAGS(options, "none"),
    INT("max-new", max_new, "512", 1, 1e7, "tokens a completion may have"),
    FLOAT("temperature", temperature, "1", 0, 100, "of the softmax; 0: always the most likely token"),
    INT("top-k", top_k, "0", 0, 1e7, "keep the k most likely tokens; 0: all"),
    FLOAT("top-p", top_p, "1", 1e-6, 1, "then the smallest set of at least this probability"),
    FLOAT("min-p", min_p, "0", 0, 1, "then tokens of at least this share of the most likely one's probability"),
    INT("samples", samples, "1", 1, 65536, "completions of each prompt"),
    INT("seed", seed, "1", 0, 4294967295.0, "the same seed, model and prompts give the same completions"),
    INT("threads", threads, "1", 1, 1024, "threads; changes nothing but speed"),
    RZ_ARITHMETIC_FLAGS(options),
    FLOAT("price-per-core-hour", price_per_core_hour, "0", 0, 1e9, "what an hour of a core costs you: the account tells the cost in the same money"),
    {"speculative", RZ_OPT_BOOL, AT(speculative), "false", 0, 0, NULL, RZ_OPT_FIXED, "draft tokens by what followed the same ones before; changes nothing but speed (pays with large models, few completions, low temperatures)"},
    {"json", RZ_OPT_BOOL, AT(json), "false", 0, 0, NULL, RZ_OPT_FIXED, "a line of JSON for each completion, as `score` reads them"},
};
const int rz_generate_n_flags = sizeof rz_generate_flags / sizeof rz_generate_flags[0];

enum { SLOTS = 64, MAX_STDIN = 1 << 20 };

typedef struct {
    options o;
    bool given[sizeof rz_generate_flags / sizeof rz_generate_flags[0]];
    rz_flag_list stop;
    const rz_kernels *kernels;
    rz_pool *pool;
    rz_policy *policy;
    rz_tokenizer *tokenizer;
    rz_arena arena;
    rz_dataset data;
    int32_t *stop_ids;
    int n_stop, n_stop_texts;
    const char **stop_texts;
    int n;                  /* prompts */
    const char **prompts;   /* (n) as given */
    rz_prompt *maker;
    const char **inputs;    /* (n) in the template, all that the model reads */
    rz_request *requests;   /* (n) */
} job;

typedef struct { const rz_request *requests; int n, next; rz_generate_show *show; } request_list;

static rz_request_answer next_of_list(void *ctx, int n_free, bool wait, rz_request *r)
{
    request_list *l = ctx;
    (void)wait;
    if (l->next == l->n)
        return RZ_REQUEST_NONE;
    if (!n_free)
        return RZ_REQUEST_LATER;
    *r = l->requests[l->next++];
    return RZ_REQUEST_GIVEN;
}

static int longest(const rz_request *requests, int n)
{
    int most = 1;
    for (int i = 0; i < n; i++)
        most = requests[i].n_prompt > most ? requests[i].n_prompt : most;
    return most;
}

bool rz_cli_decode(rz_decoder *d, rz_request *requests, int n, const rz_sampling *s, rz_address at, rz_arena *arena, rz_err *err)
{
    request_list list = {requests, n, 0, NULL};
    const rz_requests from = {.next = next_of_list, .ctx = &list, .max_prompt = longest(requests, n)};
    return rz_decode(d, &from, s, at, arena, err);
}

/* ---- prompts ---- */

static bool is_given(const job *j, const char *key)
{
    for (int i = 0; i < rz_generate_n_flags; i++)
        if (!strcmp(rz_generate_flags[i].key, key))
            return j->given[i];
    return false;
}

static bool check_flags(const job *j, rz_err *err)
{
    if (!j->o.model[0])
        return rz_fail(err, RZ_EUSAGE, "--model is missing; for example --model runs/quick/model.h5");
    if (is_given(j, "prompt") && is_given(j, "prompts"))
        return rz_fail(err, RZ_EUSAGE, "both --prompt and --prompts are given; one of them is enough");
    if (!rz_prompt_check(j->o.prompt.template, err)) {
        err->code = RZ_EUSAGE;
        return rz_err_note(err, "--template");
    }
    if (!is_given(j, "prompt") && !is_given(j, "prompts") && isatty(STDIN_FILENO))
        return rz_fail(err, RZ_EUSAGE, "a prompt is missing: --prompt TEXT, --prompts FILE, or a text on the standard input");
    return true;
}

/* The standard input without line ends behind it. */
static bool read_input(job *j, const char **text, rz_err *err)
{
    char *buffer = RZ_NEW(&j->arena, MAX_STDIN + 1, char);
    size_t n = fread(buffer, 1, MAX_STDIN + 1, stdin);
    if (ferror(stdin))
        return rz_fail(err, RZ_EIO, "cannot read the standard input: %s", strerror(errno));
    if (n > MAX_STDIN)
        return rz_fail(err, RZ_EDATA, "the standard input is longer than %d bytes, which no prompt may be", MAX_STDIN);
    if (memchr(buffer, 0, n))
        return rz_fail(err, RZ_EDATA, "the standard input holds a NUL byte, must be text");
    while (n && (buffer[n - 1] == '\n' || buffer[n - 1] == '\r'))
        n--;
    buffer[n] = 0;
    *text = buffer;
    return true;
}

static bool list_prompts(job *j, rz_err *err)
{
    bool file = is_given(j, "prompts");
    if (file && !rz_dataset_load(&j->data, j->o.prompts, err))
        return false;
    if (file && j->data.prompt.n > INT32_MAX / j->o.samples)
        return rz_fail(err, RZ_EDATA, "%s holds %lld prompts, too many at once", j->o.prompts, (long long)j->data.prompt.n);
    j->n = file ? (int)j->data.prompt.n : 1;
    j->prompts = RZ_NEW(&j->arena, j->n, const char *);
    j->inputs = RZ_NEW(&j->arena, j->n, const char *);
    for (int i = 0; file && i < j->n; i++) {
        size_t len;
        const char *text = rz_column_get(&j->data.prompt, i, &len);
        j->prompts[i] = rz_arena_strndup(&j->arena, text, len);
    }
    if (!file && !is_given(j, "prompt"))
        return read_input(j, &j->prompts[0], err);
    if (!file)
        j->prompts[0] = j->o.input;
    return true;
}

static bool encode_prompt(job *j, int i, rz_err *err)
{
    int room = j->policy->arch.max_position_embeddings;
    rz_prompt_made made;
    if (!rz_prompt_make(j->maker, j->prompts[i], &j->arena, &made, err))
        return rz_err_note(err, "the prompt \"%.80s\"", j->prompts[i]);
    const char *prefix = rz_prompt_prefix(j->maker);
    char *whole = RZ_NEW(&j->arena, made.len + strlen(prefix) + 1, char);
    memcpy(whole, made.text, made.len);
    strcpy(whole + made.len, prefix);
    j->inputs[i] = whole;
    int n = made.n;
    if (n < 1 || n >= room)
        return rz_fail(err, RZ_EDATA, "the prompt \"%.80s\" has %d tokens, must have 1..%d (the model has %d positions)", j->inputs[i], n, room - 1,
                       room);
    int samples = (int)j->o.samples;
    j->requests[i] = (rz_request){made.ids, n, (uint32_t)i, 0, samples, RZ_ZNEW(&j->arena, samples, rz_completion)};
    return true;
}

/* A token that is always this text: a special one, or one of a vocabulary of whole words, which stand apart when they are made text. Other tokens are pieces:
 * the same text is made in other ways too. */
static bool is_whole(const job *j, int id)
{
    rz_arena scratch = j->arena;
    size_t len;
    const int32_t twice[] = {id, id};
    rz_tokenizer_decode(j->tokenizer, twice, 2, true, &scratch, &len);
    return rz_tokenizer_is_special(j->tokenizer, id) || len > 2 * strlen(rz_tokenizer_token(j->tokenizer, id));
}

/* The model's own ends always stop. --stop texts that are whole tokens are compared by id, others are looked for in the text. */
static bool find_stops(job *j, rz_err *err)
{
    j->stop_ids = RZ_NEW(&j->arena, RZ_MAX_STOPS + j->stop.n, int32_t);
    j->stop_texts = RZ_NEW(&j->arena, j->stop.n, const char *);
    rz_stop_ids(j->tokenizer, RZ_DEFAULT_EOS, j->stop_ids, &j->n_stop); /* a model without one goes on to the limit */
    for (int i = 0; i < j->stop.n; i++) {
        const char *text = j->stop.values[i];
        int id = rz_tokenizer_id(j->tokenizer, text);
        if (!*text)
            return rz_fail(err, RZ_EUSAGE, "--stop is empty, must be a text that ends a completion, as '</answer>'");
        if (id >= 0 && is_whole(j, id))
            j->stop_ids[j->n_stop++] = id;
        else
            j->stop_texts[j->n_stop_texts++] = text;
    }
    return true;
}

/* A prompt that is typed without a template is the whole of what the model reads: its special tokens are meant. */
static bool open_prompts(job *j, rz_err *err)
{
    rz_prompt_options o = j->o.prompt;
    o.allow_special_in_data |= !strcmp(o.template, "none") && !is_given(j, "prompts");
    return rz_prompt_create(&j->maker, &o, j->tokenizer, err);
}

static bool open_job(job *j, rz_err *err)
{
    if (!rz_cli_kernels(&j->kernels, err) || !rz_arena_init(&j->arena, (size_t)1 << 40, err) || !list_prompts(j, err) ||
        !rz_pool_create(&j->pool, (int)j->o.threads, err) || !rz_model_read(j->o.model, j->kernels, j->pool, &j->policy, &j->tokenizer, err) ||
        !find_stops(j, err) || !open_prompts(j, err))
        return false;
    rz_policy_store(j->policy, (rz_stored)j->o.dtype, (rz_compute)j->o.compute, (rz_kv_dtype)j->o.kv_dtype);
    rz_policy_panels(j->policy);
    j->requests = RZ_NEW(&j->arena, j->n, rz_request);
    for (int i = 0; i < j->n; i++)
        if (!encode_prompt(j, i, err))
            return j->data.prompt.n ? rz_err_note(err, "%s, prompt %d", j->o.prompts, i + 1) : false;
    return true;
}

static void close_job(job *j)
{
    rz_dataset_finish(&j->data);
    rz_prompt_destroy(j->maker);
    rz_tokenizer_destroy(j->tokenizer);
    rz_policy_destroy(j->policy);
    rz_pool_destroy(j->pool);
    rz_arena_finish(&j->arena);
    rz_options_finish(rz_generate_flags, rz_generate_n_flags, &j->o);
    free(j->stop.values);
}

static void after_token(void *ctx, const rz_request *r, int sample, int32_t id)
{
    (void)r;
    (void)sample;
    rz_generate_show_token(((request_list *)ctx)->show, id);
}

static void after_step(void *ctx, int64_t n_tokens)
{
    (void)n_tokens;
    rz_generate_show_done(((request_list *)ctx)->show);
}

static bool sample(job *j, rz_err *err)
{
    const options *o = &j->o;
    rz_decoder *d;
    int64_t all = (int64_t)j->n * o->samples;
    rz_sampling s = {o->temperature, (int)o->top_k, o->top_p, o->min_p, (int)o->max_new, j->n_stop, j->stop_ids,
                     j->n_stop_texts, j->stop_texts, j->tokenizer, 0, NULL, o->speculative, 0};
    if (!rz_decoder_create(&d, j->policy, rz_decoder_fitting(j->policy, (int)(all < SLOTS ? all : SLOTS), s.max_new, 1), err))
        return false;
    rz_generate_show show = {.tokenizer = j->tokenizer, .data = &j->data, .sampling = &s, .requests = j->requests, .prompts = j->prompts,
                             .inputs = j->inputs, .prefix = rz_prompt_prefix(j->maker), .arena = &j->arena, .n = j->n, .samples = (int)o->samples,
                             .threads = (int)o->threads, .json = o->json, .in_template = strcmp(j->inputs[0], j->prompts[0]) != 0, .price = o->price_per_core_hour};
    request_list list = {j->requests, j->n, 0, &show};
    const rz_requests from = {.next = next_of_list, .tick = after_step, .ctx = &list, .max_prompt = longest(j->requests, j->n), .token = after_token};
    rz_generate_show_begin(&show);
    double start = rz_now_s();
    bool ok = rz_decode(d, &from, &s, (rz_address){(uint32_t)o->seed, RZ_RNG_SAMPLE, 0}, &j->arena, err);
    double seconds = rz_now_s() - start;
    show.drafted = rz_decoder_drafted(d, &show.accepted);
    rz_decoder_destroy(d);
    ok = ok && rz_generate_show_end(&show, seconds, err);
    rz_generate_show_finish(&show);
    return ok;
}

int rz_cmd_generate(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    job j = {.stop = {"stop", rz_calloc((size_t)argc + 1, sizeof(char *)), 0}};
    bool ok = rz_flags_parse(rz_generate_flags, rz_generate_n_flags, &j.o, j.given, &j.stop, NULL, argc, argv, err) && check_flags(&j, err) &&
              open_job(&j, err) && sample(&j, err);
    close_job(&j);
    return ok ? 0 : (int)err->code;
}
