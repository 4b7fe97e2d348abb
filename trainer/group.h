/* The struct that travels: one prompt, its completions, their scores by rule, their advantages. A score never becomes an advantage
 * in place. */
#ifndef RZ_TRAINER_GROUP_H
#define RZ_TRAINER_GROUP_H
#include "base/comm.h"
#include "data/prompt.h"
#include "data/source.h"
#include "data/tokenizer.h"
#include "data/trace.h"
#include "rewards/rules.h"
#include "rollout/decode.h"

typedef struct {
    int state;          /* rz_part_state */
    double points;
    int64_t start, end; /* bytes of the text; start −1: no span */
    bool crashed, nondeterministic; /* of an error (rewards/rules.h) */
} rz_verdict;

typedef struct {
    double score, advantage;
    bool correct, format_ok;
    int n_errors;
    rz_trace trace;         /* of its text */
    uint64_t answer;        /* hash of the answer that the accuracy rule read (rz_score); 0: none */
    rz_verdict *verdicts;   /* (n_rules) */
    const char *explain;    /* rule, span, expected, points, as text */
} rz_scored;

typedef struct {
    rz_problem problem;
    const char *input;      /* the problem in its template, without the prefix */
    const char *prefix;     /* what a completion's text begins with, already in the prompt */
    int32_t *prompt;        /* (n_prompt) */
    int n_prompt, n;        /* n completions */
    uint32_t slot;          /* within the step, refills included */
    rz_completion *completions; /* (n) */
    rz_scored *scored;          /* (n) */
    bool signal;            /* scores differ: there are advantages */
    bool trained;           /* the update takes it (its completions that are not masked) */
} rz_group;

/* What sampling and scoring need; borrowed. */
typedef struct {
    rz_comm *comm;
    rz_decoder *decoder;
    const rz_tokenizer *tokenizer;
    const rz_prompt *prompt; /* NULL: a problem is the prompt as it stands */
    rz_source *source;
    const rz_rules *rules;
    rz_rules_worker *worker;
    rz_sampling sampling;
    uint32_t seed;
    bool random_reward;
    bool strict; /* a rule that the clock ended ends all: RZ_ETRANSIENT, since another run may be spared */
    void (*tick)(void *ctx, int64_t n_tokens);
    void *tick_ctx;
    bool (*leave)(void *ctx); /* asked often: true gives the sampling up, on all ranks, as RZ_ESTOPPED. May be NULL */
    void *leave_ctx;
} rz_rollout;

/* The text of completion k as rules see it, from the arena: the prefix, then what was sampled; all of it, or without what ended it (as_scored). */
const char *rz_group_text(const rz_tokenizer *t, const rz_group *g, int k, bool as_scored, rz_arena *arena, size_t *len);

/* Which groups: `n_groups` of a split, problems first …, each with n completions. Their tokens are addressed by (seed, purpose, step, place in the round,
 * refill and sample, position), places are first_place …, slots in the step first_slot …. */
typedef struct {
    rz_split split;
    rz_rng_purpose purpose;
    uint32_t step, refill, first_place, first_slot;
    uint64_t first;
    int n_groups, n;
} rz_draw;

/* Seconds of this rank: sampling, scoring, and waiting: for prompts, for ranks that are still at it, for their groups; tokens that all ranks drafted, and of them
 * those that were sampled. Added to. */
typedef struct { double sample_s, score_s, wait_s; int64_t drafted, accepted; } rz_rollout_times;

/* Fills groups(n_groups), sampled and scored: prompts are dealt to ranks as they fall free, every rank gets all groups (arrays in arena), the same for any
 * number of ranks. Collective. */
bool rz_rollout_groups(const rz_rollout *r, rz_draw draw, rz_arena *arena, rz_group *groups, rz_rollout_times *times, rz_err *err);
#endif
