/* What `generate` shows: completions as text or as lines of JSON, as they are done, or token by token; then the account. */
#ifndef RZ_CLI_GENERATE_H
#define RZ_CLI_GENERATE_H
#include "cli/thinking.h"
#include "data/dataset.h"
#include "rollout/decode.h"

typedef struct {
    const rz_tokenizer *tokenizer;
    const rz_dataset *data;     /* whose answers and meta go through; empty: there are none */
    const rz_sampling *sampling;
    const rz_request *requests; /* (n) with `samples` completions each; those that are not done have no tokens */
    const char *const *prompts; /* (n) as given */
    const char *const *inputs;  /* (n) in the template, all that the model reads */
    const char *prefix;         /* the last of it: completions begin with it */
    rz_arena *arena;            /* for scratch */
    int n, samples, threads;
    bool json, in_template;
    double price;               /* of a core-hour; 0: unknown */
    int64_t drafted, accepted;  /* tokens; set before the account */

    /* kept between calls */
    int request, sample;        /* the next to be shown */
    int64_t prompt_tokens, thinking_tokens, answer_tokens;
    bool terminal, dim, streams;
    rz_thinking thinking;       /* of the completion that streams */
    rz_detokenizer *text;
    size_t shown;               /* bytes of its text so far */
} rz_generate_show;

/* All fields of the first part are set, the others zero. */
void rz_generate_show_begin(rz_generate_show *s);
/* After every token of the one completion, when it streams. */
void rz_generate_show_token(rz_generate_show *s, int32_t id);
/* Those that are done, in order. */
void rz_generate_show_done(rz_generate_show *s);
/* The last of them, and the account of `seconds` (none with JSON). RZ_EIO when stdout did not take it. */
bool rz_generate_show_end(rz_generate_show *s, double seconds, rz_err *err);
void rz_generate_show_finish(rz_generate_show *s); /* gives back what it holds */
#endif
