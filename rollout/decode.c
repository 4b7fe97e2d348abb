#include "rollout/decode.h"

#include "base/file.h"
#include "base/processor.h"
#include "rollout/draft.h"
#include "rollout/stop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A request in hand. One that is done keeps its keys and values until its place is taken: prompts begin alike (an instruction, examples). */
typedef struct prefix {
    rz_request r;
    int seated, left;    /* samples begun, samples not yet done; left 0: free */
    int32_t *ids;        /* (n) the prompt but for its last token, which is the first input of each completion */
    int n;
    rz_cache cache;      /* of ids; holds n of them when it is computed */
    bool fresh;          /* not computed yet */
    struct prefix *like; /* fresh: its first `shared` tokens are taken from this one, fresh too, once that is computed; or NULL */
    int shared;
    rz_draft_text end;   /* of the prompt */
} prefix;

typedef struct {
    prefix *of;          /* NULL: free */
    int sample;
    rz_cache cache;
    int32_t next[1 + RZ_DRAFT_TOKENS]; /* to run next: the last token, and those that are drafted */
    int n_next, n_sampled;             /* how many; sampled behind them, up to the first that is not the one drafted */
    int row;                           /* of the first */
    rz_draft_text end;   /* of prompt and completion */
    int limit;           /* tokens it may sample */
    rz_completion so_far;
} slot;

struct rz_decoder {
    const rz_policy *p;
    int n_slots;
    rz_arena arena;

    /* of the call in hand */
    const rz_requests *from;
    bool over;           /* nothing more will come */
    const rz_sampling *sampling;
    rz_address at;
    slot *slots;
    prefix *prefixes;    /* n_slots of them: a request is taken when a slot is free, and holds one until it is done */
    prefix *current;     /* whose samples are being seated, or NULL */
    prefix **fresh;      /* (n_fresh) those not computed yet */
    int n_fresh;
    int64_t prompt_rows, drafted, accepted;
    double prompt_s;
    rz_draft *draft;     /* NULL: nothing is drafted */
    double *cost;        /* (n_slots + DRAFT_ROWS + 1) of a step, by its rows */
    rz_drafted *drafts;  /* (n_slots) */
    int *take;           /* (n_slots) */
    rz_arena *scratch;   /* one a thread */
    rz_run *runs;        /* (n_slots) */
    slot **seated;       /* (n_slots) */
    float *h, *logits;
    rz_sampled *sampled;
    int32_t *token;
};

/* Rows of prompts that are run together: the activations of more would fill the memory and be no faster. */
enum { PROMPT_ROWS = 256 };
/* Tokens that make another pass over the weights pay. */
enum { WORTH_A_PASS = 16 };
/* Rows of a step for drafted tokens, at most. */
enum { DRAFT_ROWS = 16 };
static const size_t RESERVE = (size_t)1 << 40;

int rz_decoder_fitting(const rz_policy *p, int most, int tokens, int ranks)
{
    enum { EIGHT = 8 /* rows that products take at once */ };
    int caches;
    int64_t room = rz_third_cache("", &caches) / 4 * 3 /* the rest is for others */, weights = rz_policy_panel_bytes(p);
    if (room < 2 * weights)
        return most;
    int64_t here = (ranks + caches - 1) / caches, fit = (room - weights) / here / (int64_t)rz_cache_bytes(p, tokens) / EIGHT * EIGHT;
    fit = fit < EIGHT ? EIGHT : fit;
    return fit < most ? (int)fit : most;
}

bool rz_decoder_create(rz_decoder **out, const rz_policy *p, int slots, rz_err *err)
{
    rz_decoder *d = rz_calloc(1, sizeof *d);
    d->p = p;
    d->n_slots = slots;
    int threads = rz_pool_size(p->pool);
    d->scratch = rz_calloc((size_t)threads, sizeof *d->scratch);
    bool ok = rz_arena_init(&d->arena, RESERVE, err);
    for (int i = 0; ok && i < threads; i++)
        ok = rz_arena_init(&d->scratch[i], RESERVE >> 4, err);
    if (!ok) {
        rz_decoder_destroy(d);
        return false;
    }
    *out = d;
    return true;
}

void rz_decoder_destroy(rz_decoder *d)
{
    if (!d)
        return;
    for (int i = 0; d->scratch && i < rz_pool_size(d->p->pool); i++)
        rz_arena_finish(&d->scratch[i]);
    free(d->scratch);
    rz_arena_finish(&d->arena);
    free(d);
}

int rz_decoder_slots(const rz_decoder *d)
{
    return d->n_slots;
}

int64_t rz_decoder_prompt_rows(const rz_decoder *d)
{
    return d->prompt_rows;
}

double rz_decoder_prompt_seconds(const rz_decoder *d)
{
    return d->prompt_s;
}

int64_t rz_decoder_drafted(const rz_decoder *d, int64_t *accepted)
{
    *accepted = d->accepted;
    return d->drafted;
}

size_t rz_decoder_bytes(const rz_policy *p, int slots, int max_prompt, int max_new, bool speculative)
{
    size_t V = (size_t)p->arch.vocab_size, D = (size_t)p->arch.hidden_size, row = (V + D) * sizeof(float), sampled = (size_t)max_new * sizeof(float) * 4;
    int rows = max_prompt + PROMPT_ROWS, keys = max_prompt + max_new, step_rows = slots + (speculative ? DRAFT_ROWS : 0);
    size_t prompts = rz_policy_forward_bytes(p, rows, max_prompt, max_prompt),
           step = rz_policy_forward_bytes(p, step_rows, speculative ? 1 + RZ_DRAFT_TOKENS : 1, keys), threads = (size_t)rz_pool_size(p->pool);
    return (size_t)slots * (rz_cache_bytes(p, max_prompt) + rz_cache_bytes(p, max_new) + sampled) + (size_t)step_rows * row +
           (prompts > step ? prompts : step) + (speculative ? rz_draft_bytes() : 0) +
           threads * 4 * V * sizeof(float); /* those of the sampler: at most values, ranks and places of a row */
}

static bool check_prompt(const rz_decoder *d, int n, rz_err *err)
{
    int room = d->p->arch.max_position_embeddings;
    return (n >= 1 && n < room) ||
           rz_fail(err, RZ_EDATA, "a prompt has %d tokens, must have 1..%d (max_position_embeddings is %d)", n, room - 1, room);
}

/* Milliseconds of a step by its rows, measured (docs/performance.md). Where weights that come from memory are what is waited for, the first eight rows, and the
 * next eight, take about as long as one. */
typedef enum { FROM_CACHES, FROM_MEMORY, HALVES_FROM_MEMORY } weights_lie;
static const struct { int n; rz_draft_point points[7]; } measured[] = {
    [FROM_CACHES] = {5, {{1, 0.0365}, {2, 0.0439}, {4, 0.0517}, {8, 0.0801}, {24, 0.2291}}},
    [FROM_MEMORY] = {6, {{1, 14}, {8, 14.6}, {9, 22.9}, {16, 25.3}, {24, 28.3}, {36, 42.4}}},
    [HALVES_FROM_MEMORY] = {6, {{1, 8.4}, {8, 10.7}, {9, 17.5}, {12, 19.3}, {13, 26.5}, {24, 35.1}}},
};

static void step_costs(const rz_policy *p, const rz_sampling *s, int rows, double *cost)
{
    weights_lie lie = !rz_policy_far(p) ? FROM_CACHES : p->half ? HALVES_FROM_MEMORY : FROM_MEMORY;
    const rz_draft_point given[] = {{0, s->weights_rows}, {1, s->weights_rows + 1}};
    rz_draft_costs(s->weights_rows > 0 ? given : measured[lie].points, s->weights_rows > 0 ? 2 : measured[lie].n, rows, cost);
}

static void prepare(rz_decoder *d)
{
    const rz_policy *p = d->p;
    rz_arena *a = &d->arena;
    size_t B = (size_t)d->n_slots, R = B, V = (size_t)p->arch.vocab_size, D = (size_t)p->arch.hidden_size;
    int max_new = d->sampling->max_new, room = p->arch.max_position_embeddings - 1;
    max_new = max_new < room ? max_new : room;
    rz_arena_release(a, 0);
    d->over = false;
    d->current = NULL;
    d->n_fresh = 0;
    d->prompt_rows = d->drafted = d->accepted = 0;
    d->prompt_s = 0;
    d->draft = NULL;
    if (d->sampling->speculative) {
        d->draft = rz_draft_create(a);
        d->drafts = RZ_NEW(a, B, rz_drafted);
        d->take = RZ_NEW(a, B, int);
        R += DRAFT_ROWS;
        d->cost = RZ_NEW(a, R + 1, double);
        step_costs(p, d->sampling, (int)R, d->cost);
    }
    d->slots = RZ_ZNEW(a, B, slot);
    d->prefixes = RZ_ZNEW(a, B, prefix);
    for (size_t i = 0; i < B; i++) {
        slot *s = &d->slots[i];
        rz_cache_init(&s->cache, p, max_new, a);
        rz_cache_init(&d->prefixes[i].cache, p, d->from->max_prompt, a);
        d->prefixes[i].ids = RZ_NEW(a, d->from->max_prompt, int32_t);
        s->so_far = (rz_completion){0, RZ_NEW(a, max_new, int32_t), RZ_NEW(a, max_new, float), RZ_NEW(a, max_new, float),
                                    RZ_NEW(a, max_new, float), 0, false};
    }
    d->fresh = RZ_NEW(a, B, prefix *);
    d->runs = RZ_NEW(a, B, rz_run);
    d->seated = RZ_NEW(a, B, slot *);
    d->h = RZ_NEW(a, R * D, float);
    d->logits = RZ_NEW(a, R * V, float);
    d->sampled = RZ_NEW(a, R, rz_sampled);
    d->token = RZ_NEW(a, R, int32_t);
}

/* Finds who has the most tokens in common with the next owner of a place: one whose keys and values are there (f itself may be that, by what it held before),
 * or a fresh one that does not wait for others, when that is worth a pass of its own. */
static void begin_prompt(rz_decoder *d, prefix *f)
{
    prefix *best[2] = {NULL, NULL}; /* computed, fresh */
    int most[2] = {0, 0}, n = f->r.n_prompt - 1;
    for (int i = 0; i < d->n_slots; i++) {
        prefix *g = &d->prefixes[i];
        int same = 0, have = g->n < n ? g->n : n;
        while (same < have && g->ids[same] == f->r.prompt[same])
            same++;
        if (same > most[g->fresh] && !(g->fresh && g->like)) {
            most[g->fresh] = same;
            best[g->fresh] = g;
        }
    }
    bool later = most[true] >= most[false] + WORTH_A_PASS;
    f->like = later ? best[true] : NULL;
    f->shared = most[later];
    if (!later)
        rz_cache_share(&f->cache, best[false] ? &best[false]->cache : &f->cache, f->shared, d->p);
    f->fresh = true;
    f->n = n;
    memcpy(f->ids, f->r.prompt, (size_t)n * sizeof *f->ids);
    d->fresh[d->n_fresh++] = f;
}

/* Computes what is missing of fresh prompts: those that take from others (later), or those that do not. */
static void run_prompts(rz_decoder *d, bool later)
{
    for (;;) {
        int n = 0, rows = 0;
        for (int i = 0; i < d->n_fresh; i++) {
            prefix *f = d->fresh[i];
            int left = f->n - f->cache.n, room = PROMPT_ROWS - rows, take = left < room ? left : room;
            if ((f->like != NULL) != later || !take)
                continue;
            d->runs[n++] = (rz_run){f->ids + f->cache.n, take, &f->cache, NULL, NULL};
            rows += take;
        }
        if (!rows)
            break;
        const double start = rz_now_s();
        rz_policy_forward(d->p, d->runs, n, NULL, d->arena);
        d->prompt_s += rz_now_s() - start;
        d->prompt_rows += rows;
    }
}

static void compute_prompts(rz_decoder *d)
{
    run_prompts(d, false);
    for (int i = 0; i < d->n_fresh; i++)
        if (d->fresh[i]->like)
            rz_cache_share(&d->fresh[i]->cache, &d->fresh[i]->like->cache, d->fresh[i]->shared, d->p);
    run_prompts(d, true);
    for (int i = 0; i < d->n_fresh; i++)
        d->fresh[i]->fresh = false;
    d->n_fresh = 0;
}

/* Gets the next request if it can be had: d->current, or NULL. Its prompt is fresh. */
static bool take_request(rz_decoder *d, int n_free, bool wait, rz_err *err)
{
    rz_request r;
    rz_request_answer answer = d->over ? RZ_REQUEST_NONE : d->from->next(d->from->ctx, n_free, wait, &r);
    d->over = answer == RZ_REQUEST_NONE;
    if (answer != RZ_REQUEST_GIVEN)
        return true;
    if (!check_prompt(d, r.n_prompt, err))
        return false;
    assert(n_free > 0 && r.n_prompt <= d->from->max_prompt && r.n_completions > 0);
    prefix *f = d->prefixes;
    while (f->left)
        f++;
    f->r = r;
    f->seated = 0;
    f->left = r.n_completions;
    begin_prompt(d, f);
    f->end = (rz_draft_text){.key = r.slot << 8 ^ r.refill};
    for (int i = 0; d->draft && i < r.n_prompt; i++)
        rz_draft_learn(d->draft, &f->end, r.prompt[i]);
    d->current = f;
    return true;
}

/* Puts the next sample of the current request into a slot. */
static void seat(rz_decoder *d, slot *s)
{
    prefix *f = d->current;
    const rz_sampling *how = d->sampling;
    int room = d->p->arch.max_position_embeddings - f->r.n_prompt;
    s->of = f;
    s->sample = f->seated++;
    s->limit = how->max_new < room ? how->max_new : room;
    if (how->n_lengths && how->lengths[s->sample % how->n_lengths] < s->limit)
        s->limit = (int)how->lengths[s->sample % how->n_lengths];
    s->next[0] = f->r.prompt[f->r.n_prompt - 1];
    s->end = f->end;
    s->cache.n = 0;
    s->so_far.n = 0;
    if (f->seated == f->r.n_completions)
        d->current = NULL;
}

static bool fill_slots(rz_decoder *d, rz_err *err)
{
    int n_free = 0;
    for (int i = 0; i < d->n_slots; i++)
        n_free += !d->slots[i].of;
    for (int i = 0; i < d->n_slots && n_free; i++) {
        if (d->slots[i].of)
            continue;
        if (!d->current && !take_request(d, n_free, n_free == d->n_slots, err))
            return false;
        if (!d->current)
            break;
        seat(d, &d->slots[i]);
        n_free--;
    }
    if (!n_free && !d->current && !take_request(d, 0, false, err))
        return false;
    compute_prompts(d);
    return true;
}

static void sample_row(rz_decoder *d, const slot *s, int j, rz_arena scratch)
{
    const rz_policy *p = d->p;
    const rz_request *r = &s->of->r;
    int V = p->arch.vocab_size, n = s->so_far.n + j, i = s->row + j;
    const float *logits = d->logits + (size_t)i * (size_t)V;
    double u = rz_rng_unit(d->at.seed, d->at.purpose, d->at.step, r->slot, r->refill << 16 | (uint32_t)s->sample, (uint32_t)n);
    d->token[i] = rz_sample_token(p->k, d->sampling, logits, V, u, &d->sampled[i], scratch);
}

/* The token behind each of a sequence's, as long as what the row was computed from is what was sampled. */
static void sample_rows(void *ctx, int i, int thread)
{
    rz_decoder *d = ctx;
    slot *s = d->seated[i];
    int j = 0;
    do
        sample_row(d, s, j, d->scratch[thread]);
    while (++j < s->n_next && d->token[s->row + j - 1] == s->next[j]);
    s->n_sampled = j;
}

static void *keep(rz_arena *arena, const void *from, int n, size_t size)
{
    void *to = rz_arena_alloc(arena, (size_t)n, size);
    memcpy(to, from, (size_t)n * size);
    return to;
}

static void finish(slot *s, int n_text, bool truncated, rz_arena *arena)
{
    const rz_completion *c = &s->so_far;
    s->of->r.completions[s->sample] =
        (rz_completion){c->n, keep(arena, c->ids, c->n, sizeof *c->ids), keep(arena, c->logp, c->n, sizeof *c->logp),
                        keep(arena, c->logp_behaviour, c->n, sizeof *c->logp), keep(arena, c->entropy, c->n, sizeof *c->entropy), n_text,
                        truncated};
    s->of->left--;
    s->of = NULL;
}

/* Drafts what pays for n seated sequences. */
static void draft(rz_decoder *d, int n)
{
    double least = rz_draft_least(n, d->cost, DRAFT_ROWS);
    if (least >= 1)
        return;
    for (int i = 0; i < n; i++) {
        const slot *s = d->seated[i];
        int left = s->limit - s->so_far.n - 1; /* behind the last one nothing is run */
        rz_draft_next(d->draft, &s->end, left < RZ_DRAFT_TOKENS ? left : RZ_DRAFT_TOKENS, least, &d->drafts[i]);
    }
    d->drafted += rz_draft_choose(d->drafts, n, d->cost, DRAFT_ROWS, d->take);
    for (int i = 0; i < n; i++) {
        slot *s = d->seated[i];
        memcpy(s->next + 1, d->drafts[i].ids, (size_t)d->take[i] * sizeof *s->next);
        s->n_next += d->take[i];
    }
}

/* A sequence takes up the next token that was sampled. */
static void take_token(rz_decoder *d, slot *s, int row, rz_arena *arena)
{
    rz_completion *c = &s->so_far;
    int32_t id = c->ids[c->n] = s->next[0] = d->token[row];
    c->logp[c->n] = d->sampled[row].logp;
    c->logp_behaviour[c->n] = d->sampled[row].logp_behaviour;
    c->entropy[c->n++] = d->sampled[row].entropy;
    if (d->draft)
        rz_draft_learn(d->draft, &s->end, id);
    if (d->from->token)
        d->from->token(d->from->ctx, &s->of->r, s->sample, id);
    bool token = rz_stop_is_id(d->sampling, id), text = !token && rz_stop_is_text(d->sampling, c->ids, c->n, d->arena);
    if (token || text || c->n == s->limit)
        finish(s, c->n - token, !token && !text, arena);
}

/* One token or more for every seated sequence. Returns how many. */
static int step(rz_decoder *d, rz_arena *arena)
{
    const rz_policy *p = d->p;
    int n = 0, rows = 0, tokens = 0;
    for (int i = 0; i < d->n_slots; i++)
        if (d->slots[i].of) {
            d->slots[i].n_next = 1;
            d->seated[n++] = &d->slots[i];
        }
    if (!n)
        return 0;
    if (d->draft)
        draft(d, n);
    for (int i = 0; i < n; i++) {
        slot *s = d->seated[i];
        s->row = rows;
        rows += s->n_next;
        d->runs[i] = (rz_run){s->next, s->n_next, &s->cache, &s->of->cache, NULL};
    }
    rz_policy_forward(p, d->runs, n, d->h, d->arena);
    rz_policy_logits(p, d->logits, d->h, rows);
    rz_pool_run(p->pool, n, sample_rows, d);
    for (int i = 0; i < n; i++) {
        slot *s = d->seated[i];
        int had = s->so_far.n;
        for (int j = 0; s->of && j < s->n_sampled; j++)
            take_token(d, s, s->row + j, arena);
        int taken = s->so_far.n - had;
        s->cache.n -= s->n_next - taken; /* what was drafted and not sampled goes */
        d->accepted += taken - 1;
        tokens += taken;
    }
    return tokens;
}

bool rz_decode(rz_decoder *d, const rz_requests *from, const rz_sampling *s, rz_address at, rz_arena *arena, rz_err *err)
{
    d->from = from;
    d->sampling = s;
    d->at = at;
    if (!check_prompt(d, from->max_prompt, err)) /* before memory is taken for it */
        return false;
    prepare(d);
    int64_t n_tokens = 0;
    for (;;) {
        if (!fill_slots(d, err))
            return false;
        int n = step(d, arena);
        if (!n) {
            rz_arena_release(&d->arena, 0);
            rz_arena_rest(&d->arena); /* the update needs room */
            return true;
        }
        n_tokens += n;
        if (from->tick)
            from->tick(from->ctx, n_tokens);
        if (from->leave && from->leave(from->ctx))
            return rz_fail(err, RZ_ESTOPPED, "left in the middle of sampling, behind %lld tokens", (long long)n_tokens);
    }
}
