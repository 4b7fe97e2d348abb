#include "cli/generate.h"

#include "cli/cli.h"
#include "rollout/stop.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A completion as text, without the token that stopped it; how many tokens of it are thinking, the end tag included. */
typedef struct {
    const char *text;
    size_t len;
    int n, thinking;
} told;

static const char *text_of(const rz_generate_show *s, const rz_completion *c, int n, rz_arena *arena, size_t *len)
{
    return rz_tokenizer_decode(s->tokenizer, c->ids, n, true, arena, len);
}

/* thinking: the prompt has begun it. */
static told tell(const rz_generate_show *s, const rz_completion *c, bool thinking, rz_arena *arena)
{
    static const char begin[] = "<think>", end[] = "</think>";
    told t = {.n = c->n};
    t.text = text_of(s, c, c->n_text, arena, &t.len);
    if (!memmem(t.text, t.len, end, sizeof end - 1)) {
        t.thinking = thinking || memmem(t.text, t.len, begin, sizeof begin - 1) ? c->n_text : 0;
        return t;
    }
    int lo = 0, hi = c->n_text; /* the shortest run of tokens with the end tag in it: a tokenizer may cut the tag in pieces */
    while (lo + 1 < hi) {
        rz_arena scratch = *arena;
        size_t len;
        int middle = (lo + hi) / 2;
        const char *text = text_of(s, c, middle, &scratch, &len);
        if (memmem(text, len, end, sizeof end - 1))
            hi = middle;
        else
            lo = middle;
    }
    t.thinking = hi;
    return t;
}

static json_t *id_list(const int32_t *ids, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(ids[i]));
    return list;
}

static json_t *number_list(const float *x, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *number = json_real(x[i]); /* NULL for what is not finite */
        json_array_append_new(list, number ? number : json_null());
    }
    return list;
}

/* answer and meta go through as they were: numbers in meta keep their digits, so it is no JSON value on the way. */
static void print_json(const rz_generate_show *s, int i, int k, const told *t)
{
    const rz_request *r = &s->requests[i];
    const rz_completion *c = &r->completions[k];
    size_t len = 0, meta_len = 0;
    const char *answer = s->data->prompt.n ? rz_column_get(&s->data->answer, i, &len) : NULL,
               *meta = s->data->prompt.n ? rz_column_get(&s->data->meta, i, &meta_len) : NULL;
    size_t n_prefix = strlen(s->prefix);
    char *completion = rz_malloc(n_prefix + t->len + 1); /* with its length: a model may say NUL */
    memcpy(completion, s->prefix, n_prefix);
    memcpy(completion + n_prefix, t->text, t->len);
    json_t *o = json_pack("{s:i,s:s,s:o}", "schema", 1, "prompt", s->prompts[i], "completion", json_stringn(completion, n_prefix + t->len));
    free(completion);
    if (s->in_template)
        json_object_set_new(o, "input", json_string(s->inputs[i]));
    if (len)
        json_object_set_new(o, "answer", json_stringn(answer, len));
    json_t *counts = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:b,s:s}", "group", i, "sample", k, "prompt_tokens", r->n_prompt, "n_tokens", c->n,
                               "thinking_tokens", t->thinking, "answer_tokens", c->n - t->thinking, "truncated", c->truncated, "finish_reason",
                               c->truncated ? "length" : "stop");
    json_object_update(o, counts);
    json_decref(counts);
    json_object_set_new(o, "prompt_ids", id_list(r->prompt, r->n_prompt));
    json_object_set_new(o, "completion_ids", id_list(c->ids, c->n));
    json_object_set_new(o, "logprobs", number_list(c->logp, c->n));
    char *line = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (meta_len && strncmp(meta, "{}", 2))
        printf("%.*s,\"meta\":%.*s}\n", (int)strlen(line) - 1, line, (int)meta_len, meta);
    else
        puts(line);
    free(line);
    json_decref(o);
}

static rz_thinking begin_text(const rz_generate_show *s, int i)
{
    return (rz_thinking){.to = stdout, .safe = s->terminal, .dim = s->dim, .inside = rz_thinking_is_open(s->inputs[i])};
}

static void print_text(rz_generate_show *s, int i, int k, const told *t)
{
    const rz_request *r = &s->requests[i];
    const rz_completion *c = &r->completions[k];
    if (k == 0 && s->n > 1) {
        fputs(i ? "\n" : "", stderr);
        rz_print_safe(stderr, s->inputs[i], strlen(s->inputs[i]));
        fputc('\n', stderr);
    }
    if (!s->streams)
        s->thinking = begin_text(s, i);
    rz_thinking_feed(&s->thinking, t->text + s->shown, t->len - s->shown);
    rz_thinking_end(&s->thinking);
    putchar('\n');
    fflush(stdout);
    fprintf(stderr, "  prompt %d tokens, thinking %d, answer %d%s\n", r->n_prompt, t->thinking, c->n - t->thinking,
            c->truncated ? ", cut at the limit" : "");
}

/* ---- as it comes ---- */

/* A terminal is not left dim. */
static void undim(int signal_number)
{
    static const char normal[] = "\033[0m\n";
    if (write(STDOUT_FILENO, normal, sizeof normal - 1) < 0) {
        /* nothing to be done about it */
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void rz_generate_show_begin(rz_generate_show *s)
{
    const char *term = getenv("TERM");
    s->terminal = isatty(STDOUT_FILENO);
    s->dim = s->terminal && term && strcmp(term, "dumb");
    s->streams = s->terminal && !s->json && s->n == 1 && s->samples == 1;
    if (!s->streams)
        return;
    s->text = rz_detokenizer_create(s->tokenizer, true);
    s->thinking = begin_text(s, 0);
    for (int i = 0; s->dim && i < 2; i++)
        signal((int[]){SIGINT, SIGTERM}[i], undim);
}

void rz_generate_show_token(rz_generate_show *s, int32_t id)
{
    if (!s->streams || rz_stop_is_id(s->sampling, id))
        return;
    size_t len;
    const char *text = rz_detokenizer_push(s->text, id, &len);
    rz_thinking_feed(&s->thinking, text, len);
    s->shown += len;
    fflush(stdout);
}

void rz_generate_show_done(rz_generate_show *s)
{
    for (; s->request < s->n; s->request++, s->sample = 0)
        for (; s->sample < s->samples; s->sample++) {
            const rz_request *r = &s->requests[s->request];
            const rz_completion *c = &r->completions[s->sample];
            if (!c->n)
                return;
            rz_arena scratch = *s->arena;
            told t = tell(s, c, rz_thinking_is_open(s->inputs[s->request]), &scratch);
            if (s->json)
                print_json(s, s->request, s->sample, &t);
            else
                print_text(s, s->request, s->sample, &t);
            s->prompt_tokens += s->sample ? 0 : r->n_prompt;
            s->thinking_tokens += t.thinking;
            s->answer_tokens += c->n - t.thinking;
        }
}

void rz_generate_show_finish(rz_generate_show *s)
{
    rz_detokenizer_destroy(s->text);
    s->text = NULL;
}

bool rz_generate_show_end(rz_generate_show *s, double seconds, rz_err *err)
{
    double core_seconds = seconds * s->threads;
    rz_generate_show_done(s);
    if (!s->json) {
        int64_t tokens = s->thinking_tokens + s->answer_tokens;
        if (s->n > 1 || s->samples > 1)
            fprintf(stderr, "in all: prompts %lld tokens, thinking %lld, answers %lld\n", (long long)s->prompt_tokens, (long long)s->thinking_tokens,
                    (long long)s->answer_tokens);
        fprintf(stderr, "%lld tokens in %.2f s, %.0f tokens/s, %.2f core-seconds", (long long)tokens, seconds, (double)tokens / (seconds > 0 ? seconds : 1),
                core_seconds);
        if (s->price > 0)
            fprintf(stderr, ", cost %.3g", core_seconds / 3600 * s->price);
        if (s->sampling->speculative)
            fprintf(stderr, ", drafted %lld, accepted %lld", (long long)s->drafted, (long long)s->accepted);
        fputc('\n', stderr);
    }
    if (fflush(stdout) || ferror(stdout))
        return rz_fail(err, RZ_EIO, "cannot write the completions: %s", strerror(errno));
    return true;
}
