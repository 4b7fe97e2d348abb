/* Prompts + policy → completions with log-probabilities. Slots are refilled as sequences end, a prompt is computed once for all its
 * completions, and what it has in common with another prompt is not computed again; none of it changes a bit of the result: a sequence depends on its address alone. */
#ifndef RZ_ROLLOUT_DECODE_H
#define RZ_ROLLOUT_DECODE_H
#include "base/rng.h"
#include "policy/policy.h"
#include "rollout/sampler.h"

typedef struct {
    int n;                  /* tokens sampled, the stop token included */
    int32_t *ids;           /* (n) */
    float *logp;            /* (n) under softmax(logits / temperature) */
    float *logp_behaviour;  /* (n) after top-k, top-p, min-p; the same numbers as logp when there are none */
    float *entropy;         /* (n) of the full distribution, nats */
    int n_text;             /* the first tokens, which are its text: all but the stop token; one that completes a stop text is text */
    bool truncated;         /* ended by max_new or the model's last position, not by a stop */
} rz_completion;

/* One prompt and its completions. `slot` and `refill` address the prompt within the step: two slots with the same text get different samples. */
typedef struct {
    const int32_t *prompt;
    int n_prompt;           /* 1 … max_position_embeddings − 1 */
    uint32_t slot, refill;
    int n_completions;
    rz_completion *completions; /* (n_completions) written */
} rz_request;

typedef struct { uint32_t seed; rz_rng_purpose purpose; uint32_t step; } rz_address;

typedef struct rz_decoder rz_decoder;

enum { RZ_SLOTS = 32 }; /* sequences decoded together where nobody says otherwise, at most */
/* How many of `most` sequences, of so many new tokens each, to decode together: as many as keep their keys and values, beside the weights, in the cache that `ranks` of this machine share, in eights,
 * 8 at least; all where that cache is not known or the weights by themselves fill it, since then the more rows share them the better. */
int rz_decoder_fitting(const rz_policy *p, int most, int tokens, int ranks);
/* slots: sequences decoded together. */
bool rz_decoder_create(rz_decoder **out, const rz_policy *p, int slots, rz_err *err);
void rz_decoder_destroy(rz_decoder *d);
int rz_decoder_slots(const rz_decoder *d);
/* Prompt tokens that the last call ran through the model. */
int64_t rz_decoder_prompt_rows(const rz_decoder *d);
/* Seconds it took to do so. */
double rz_decoder_prompt_seconds(const rz_decoder *d);
/* Tokens that the last call drafted, and how many of them were then sampled (0 without sampling.speculative). */
int64_t rz_decoder_drafted(const rz_decoder *d, int64_t *accepted);
/* Memory of a call at most, in bytes, its completions left out. */
size_t rz_decoder_bytes(const rz_policy *p, int slots, int max_prompt, int max_new, bool speculative);
/* Where requests come from, one at a time, as slots fall free. */
typedef enum { RZ_REQUEST_NONE, RZ_REQUEST_LATER, RZ_REQUEST_GIVEN } rz_request_answer;
typedef struct {
    /* n_free: empty slots; 0: none, but the next one that falls free will have nothing to do (take no request, see to it that one is at hand). wait:
     * nothing else is left to do, do not answer RZ_REQUEST_LATER. After RZ_REQUEST_NONE it is not called again. */
    rz_request_answer (*next)(void *ctx, int n_free, bool wait, rz_request *r);
    /* After every step, with the number of tokens sampled so far. May be NULL. */
    void (*tick)(void *ctx, int64_t n_tokens);
    void *ctx;
    int max_prompt; /* longest prompt there will be */
    /* Before that, for every token of the step, the stop token too; id is the next of completion `sample` of r. May be NULL. */
    void (*token)(void *ctx, const rz_request *r, int sample, int32_t id);
    /* After every step: true ends the call, with nothing of use, as RZ_ESTOPPED. May be NULL. */
    bool (*leave)(void *ctx);
} rz_requests;

/* Samples all that the source gives. Arrays of the completions come from `arena`. RZ_EDATA when a prompt is empty or leaves no room, RZ_ESTOPPED by `leave`. */
bool rz_decode(rz_decoder *d, const rz_requests *from, const rz_sampling *s, rz_address at, rz_arena *arena, rz_err *err);
#endif
