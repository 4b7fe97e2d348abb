#include "trainer/group.h"

#include "base/file.h"
#include "base/pulse.h"

#include <stdlib.h>
#include <string.h>

/* A growing buffer of bytes, and a reader of one: how groups travel between ranks. Everything is fixed-size or preceded by its count. */
typedef struct { char *data; size_t n, cap; } bytes;
typedef struct { const char *at; } reader;

static void put(bytes *b, const void *data, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = 2 * (b->n + n) + 4096;
        b->data = rz_realloc(b->data, b->cap);
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void take(reader *r, void *data, size_t n)
{
    memcpy(data, r->at, n);
    r->at += n;
}

static void *take_array(reader *r, int n, size_t size, rz_arena *arena)
{
    void *to = rz_arena_alloc(arena, (size_t)n, size);
    take(r, to, (size_t)n * size);
    return to;
}

typedef struct {
    int32_t n_tokens, n_text, n_errors, explain_len;
    uint8_t truncated, correct, format_ok;
    double score;
    rz_trace trace;
    uint64_t answer;
} wire;

static void pack(bytes *b, const rz_completion *c, const rz_scored *s, int n_rules)
{
    size_t n = (size_t)c->n;
    wire w = {c->n, c->n_text, s->n_errors, (int32_t)strlen(s->explain), c->truncated, s->correct, s->format_ok, s->score, s->trace, s->answer};
    put(b, &w, sizeof w);
    put(b, c->ids, n * sizeof *c->ids);
    put(b, c->logp, n * sizeof *c->logp);
    put(b, c->logp_behaviour, n * sizeof *c->logp_behaviour);
    put(b, c->entropy, n * sizeof *c->entropy);
    put(b, s->verdicts, (size_t)n_rules * sizeof *s->verdicts);
    put(b, s->explain, (size_t)w.explain_len);
}

static void unpack(reader *r, rz_completion *c, rz_scored *s, int n_rules, rz_arena *arena)
{
    wire w;
    take(r, &w, sizeof w);
    c->n = w.n_tokens;
    c->n_text = w.n_text;
    c->truncated = w.truncated;
    c->ids = take_array(r, c->n, sizeof *c->ids, arena);
    c->logp = take_array(r, c->n, sizeof *c->logp, arena);
    c->logp_behaviour = take_array(r, c->n, sizeof *c->logp_behaviour, arena);
    c->entropy = take_array(r, c->n, sizeof *c->entropy, arena);
    s->verdicts = take_array(r, n_rules, sizeof *s->verdicts, arena);
    s->explain = rz_arena_strndup(arena, r->at, (size_t)w.explain_len);
    r->at += w.explain_len;
    s->score = w.score;
    s->advantage = 0;
    s->correct = w.correct;
    s->format_ok = w.format_ok;
    s->n_errors = w.n_errors;
    s->trace = w.trace;
    s->answer = w.answer;
}

/* Never 0, which means none. */
static uint64_t hash_answer(const char *answer)
{
    char hex[33];
    rz_hash_hex(answer, strlen(answer), hex);
    hex[16] = 0;
    return *answer ? strtoull(hex, NULL, 16) | 1 : 0;
}

/* The ids that the model reads. */
static bool make_prompt(const rz_rollout *r, rz_group *g, rz_arena *arena, rz_err *err)
{
    g->input = g->problem.prompt;
    g->prefix = "";
    if (!r->prompt)
        return rz_tokenizer_encode(r->tokenizer, g->problem.prompt, strlen(g->problem.prompt), arena, &g->prompt, &g->n_prompt, err);
    rz_prompt_made made;
    if (!rz_prompt_make(r->prompt, g->problem.prompt, arena, &made, err))
        return false;
    g->input = made.text;
    g->prefix = rz_prompt_prefix(r->prompt);
    g->prompt = made.ids;
    g->n_prompt = made.n;
    return true;
}

static bool draw_problems(const rz_rollout *r, const rz_draw *d, rz_arena *arena, rz_group *groups, int *max_prompt, rz_err *err)
{
    *max_prompt = 1;
    for (int i = 0; i < d->n_groups; i++) {
        rz_group *g = &groups[i];
        *g = (rz_group){0};
        if (!rz_source_problem(r->source, d->split, d->first + (uint64_t)i, &g->problem, arena, err) ||
            !make_prompt(r, g, arena, err))
            return rz_err_note(err, "problem %llu", (unsigned long long)(d->first + (uint64_t)i));
        g->slot = d->first_slot + (uint32_t)i;
        g->n = d->n;
        g->completions = RZ_ZNEW(arena, d->n, rz_completion);
        g->scored = RZ_ZNEW(arena, d->n, rz_scored);
        *max_prompt = g->n_prompt > *max_prompt ? g->n_prompt : *max_prompt;
    }
    return true;
}

/* The prompts that fell to this rank. */
typedef struct {
    const rz_rollout *rollout;
    uint32_t refill, first_place;
    rz_deal *deal;
    rz_group *groups;
    int32_t *mine; /* (n_groups) indices, n of them, in the order in which they came */
    int n;
    double waited_s;
} share_of_work;

static rz_request_answer next_request(void *ctx, int n_free, bool wait, rz_request *to)
{
    share_of_work *w = ctx;
    int n = w->groups[0].n;
    int64_t item;
    rz_deal_ask(w->deal, n_free > n ? (n_free + n - 1) / n : 1);
    if (!n_free)
        return RZ_REQUEST_LATER;
    double before = rz_now_s();
    rz_deal_answer answer = rz_deal_take(w->deal, wait, &item);
    if (wait)
        w->waited_s += rz_now_s() - before;
    if (answer != RZ_DEAL_ITEM)
        return answer == RZ_DEAL_OVER ? RZ_REQUEST_NONE : RZ_REQUEST_LATER;
    const rz_group *g = &w->groups[item];
    w->mine[w->n++] = (int32_t)item;
    *to = (rz_request){g->prompt, g->n_prompt, w->first_place + (uint32_t)item, w->refill, g->n, g->completions};
    return RZ_REQUEST_GIVEN;
}

static void after_step(void *ctx, int64_t n_tokens)
{
    const share_of_work *w = ctx;
    rz_pulse_beat();
    rz_deal_serve(w->deal);
    if (w->rollout->tick)
        w->rollout->tick(w->rollout->tick_ctx, n_tokens);
}

static bool must_leave(void *ctx)
{
    const rz_rollout *r = ((const share_of_work *)ctx)->rollout;
    return r->leave && r->leave(r->leave_ctx);
}

const char *rz_group_text(const rz_tokenizer *t, const rz_group *g, int k, bool as_scored, rz_arena *arena, size_t *len)
{
    const rz_completion *c = &g->completions[k];
    size_t prefix = strlen(g->prefix);
    char *text = rz_tokenizer_decode(t, c->ids, as_scored ? c->n_text : c->n, true, arena, len);
    if (!prefix)
        return text;
    char *both = RZ_NEW(arena, prefix + *len + 1, char);
    memcpy(both, g->prefix, prefix);
    memcpy(both + prefix, text, *len + 1);
    *len += prefix;
    return both;
}

static void keep_verdicts(rz_scored *to, const rz_score *score, int n_rules, rz_arena *arena)
{
    to->verdicts = RZ_ZNEW(arena, n_rules, rz_verdict);
    for (int k = 0; k < n_rules; k++) {
        const rz_part *p = &score->parts[k];
        bool none = p->span.start == SIZE_MAX;
        to->verdicts[k].state = (int)p->state;
        to->verdicts[k].points = p->points;
        to->verdicts[k].crashed = p->crashed;
        to->verdicts[k].nondeterministic = p->nondeterministic;
        to->verdicts[k].start = none ? -1 : (int64_t)p->span.start;
        to->verdicts[k].end = none ? -1 : (int64_t)p->span.end;
    }
}

/* All completions of a prompt at once: some rules compare them with each other. */
static void score_group(const rz_rollout *r, uint32_t step, const rz_group *g, rz_arena *arena)
{
    rz_arena scratch = *arena;
    rz_sample *samples = rz_calloc((size_t)g->n, sizeof *samples);
    rz_score *scores = rz_calloc((size_t)g->n, sizeof *scores);
    for (int i = 0; i < g->n; i++) {
        const rz_completion *c = &g->completions[i];
        size_t len;
        const char *text = rz_group_text(r->tokenizer, g, i, true, &scratch, &len);
        samples[i] = (rz_sample){.completion = text, .completion_len = len, .prompt = g->problem.prompt, .answer = g->problem.answer, .meta = g->problem.meta,
                                 .n_tokens = c->n, .ids = c->ids, .truncated = c->truncated};
        rz_trace_count(text, len, &g->scored[i].trace);
    }
    rz_rules_score_group(r->worker, samples, g->n, scores);
    for (int i = 0; i < g->n; i++) {
        rz_scored *to = &g->scored[i];
        char *explain = rz_score_explain(r->rules, &scores[i]);
        *to = (rz_scored){.score = scores[i].score, .correct = scores[i].correct, .format_ok = scores[i].format_ok, .n_errors = scores[i].n_errors,
                          .answer = hash_answer(scores[i].answer), .trace = to->trace};
        if (r->random_reward)
            to->score = rz_rng_at(r->seed, RZ_RNG_REWARD, step, g->slot, (uint32_t)i, 0).v[0] & 1;
        to->explain = rz_arena_strndup(arena, explain, strlen(explain));
        free(explain);
        keep_verdicts(to, &scores[i], rz_rules_count(r->rules), arena);
    }
    free(scores);
    free(samples);
}

/* Every rank sends the groups it made, each with its index, and receives all. drafts: summed over ranks. */
static void share(const rz_rollout *r, rz_group *groups, const share_of_work *w, int64_t drafts[2], rz_arena *arena)
{
    int size = rz_comm_size(r->comm), rank = rz_comm_rank(r->comm), n_rules = rz_rules_count(r->rules);
    bytes mine = {0};
    for (int i = 0; i < w->n; i++) {
        const rz_group *g = &groups[w->mine[i]];
        put(&mine, &w->mine[i], sizeof w->mine[i]);
        for (int k = 0; k < g->n; k++)
            pack(&mine, &g->completions[k], &g->scored[k], n_rules);
    }
    int64_t *lengths = rz_calloc((size_t)size + 2, sizeof *lengths);
    size_t *counts = rz_calloc((size_t)size, sizeof *counts), total = 0;
    lengths[rank] = (int64_t)mine.n;
    memcpy(lengths + size, drafts, 2 * sizeof *drafts);
    rz_comm_sum_i64(r->comm, lengths, size + 2);
    memcpy(drafts, lengths + size, 2 * sizeof *drafts);
    for (int i = 0; i < size; i++)
        total += counts[i] = (size_t)lengths[i];
    char *all = rz_malloc(total ? total : 1);
    rz_comm_allgather(r->comm, mine.data, all, counts);
    for (reader in = {all}; in.at < all + total;) {
        int32_t index;
        take(&in, &index, sizeof index);
        for (int k = 0; k < groups[index].n; k++)
            unpack(&in, &groups[index].completions[k], &groups[index].scored[k], n_rules, arena);
    }
    free(all);
    free(counts);
    free(lengths);
    free(mine.data);
}

/* Every rank sees the same groups and says the same. */
static bool check_clock(const rz_rollout *r, rz_draw draw, const rz_group *groups, rz_err *err)
{
    for (int i = 0; i < draw.n_groups; i++)
        for (int k = 0; k < draw.n; k++)
            for (int rule = 0; rule < rz_rules_count(r->rules); rule++)
                if (groups[i].scored[k].verdicts[rule].nondeterministic)
                    return rz_fail(err, RZ_ETRANSIENT, "rule '%s' was ended by the clock (deadline_ms) at completion %d of problem %llu: the score would depend on the "
                                   "machine's speed; make the rule faster, raise deadline_ms, or let it count as an error (strict=false)",
                                   rz_rules_name(r->rules, rule), k, (unsigned long long)(draw.first + (uint64_t)i));
    return true;
}

bool rz_rollout_groups(const rz_rollout *r, rz_draw draw, rz_arena *arena, rz_group *groups, rz_rollout_times *times, rz_err *err)
{
    int max_prompt, ranks = rz_comm_size(r->comm);
    double start = rz_now_s();
    rz_pulse_within(RZ_PHASE_SCORE, RZ_PHASE_SAMPLE); /* a round of refills */
    if (!rz_comm_agree(r->comm, draw_problems(r, &draw, arena, groups, &max_prompt, err), err))
        return false;
    share_of_work w = {.rollout = r, .refill = draw.refill, .first_place = draw.first_place, .groups = groups, .mine = RZ_NEW(arena, draw.n_groups, int32_t)};
    const rz_requests requests = {.next = next_request, .tick = after_step, .leave = must_leave, .ctx = &w, .max_prompt = max_prompt};
    int64_t fewest = -(rz_decoder_slots(r->decoder) / draw.n); /* groups at once, of the rank that has room for the fewest: caches differ from machine to machine */
    rz_comm_max_i64(r->comm, &fewest, 1);
    w.deal = rz_deal_begin(r->comm, draw.n_groups, fewest < -1 ? -fewest : 1);
    bool ok = rz_decode(r->decoder, &requests, &r->sampling, (rz_address){r->seed, draw.purpose, draw.step}, arena, err);
    double sampled = rz_now_s();
    rz_pulse_within(RZ_PHASE_SAMPLE, RZ_PHASE_SCORE);
    for (int i = 0; ok && i < w.n; i++)
        score_group(r, draw.step, &groups[w.mine[i]], arena);
    double scored = rz_now_s();
    rz_deal_end(w.deal);
    if (!rz_comm_agree(r->comm, ok, err))
        return false;
    int64_t drafts[2];
    drafts[0] = rz_decoder_drafted(r->decoder, &drafts[1]);
    if (ranks > 1)
        share(r, groups, &w, drafts, arena);
    times->drafted += drafts[0];
    times->accepted += drafts[1];
    times->sample_s += sampled - start - w.waited_s;
    times->score_s += scored - sampled;
    times->wait_s += w.waited_s + rz_now_s() - scored;
    return !r->strict || check_clock(r, draw, groups, err);
}
