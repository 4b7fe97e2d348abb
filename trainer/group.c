#include "trainer/group.h"

#include "base/file.h"

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
    int32_t n_tokens, n_errors, explain_len;
    uint8_t truncated, correct, format_ok;
    double score;
} wire;

static void pack(bytes *b, const rz_completion *c, const rz_scored *s, int n_rules)
{
    size_t n = (size_t)c->n;
    wire w = {c->n, s->n_errors, (int32_t)strlen(s->explain), c->truncated, s->correct, s->format_ok, s->score};
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
}

static bool draw(const rz_rollout *r, rz_split split, uint64_t first, int n_groups, int n, rz_arena *arena, rz_group *groups, rz_err *err)
{
    for (int i = 0; i < n_groups; i++) {
        rz_group *g = &groups[i];
        if (!rz_source_problem(r->source, split, first + (uint64_t)i, &g->problem, arena, err) ||
            !rz_tokenizer_encode(r->tokenizer, g->problem.prompt, strlen(g->problem.prompt), arena, &g->prompt, &g->n_prompt, err))
            return rz_err_note(err, "problem %llu", (unsigned long long)(first + (uint64_t)i));
        g->slot = (uint32_t)i;
        g->n = n;
        g->completions = RZ_ZNEW(arena, n, rz_completion);
        g->scored = RZ_ZNEW(arena, n, rz_scored);
    }
    return true;
}

static bool sample(const rz_rollout *r, rz_rng_purpose purpose, uint32_t step, rz_group *groups, int n_groups, rz_arena *arena, rz_err *err)
{
    rz_request *requests = RZ_NEW(arena, n_groups, rz_request);
    for (int i = 0; i < n_groups; i++)
        requests[i] = (rz_request){groups[i].prompt, groups[i].n_prompt, groups[i].slot, 0, groups[i].n, groups[i].completions};
    return rz_decode(r->decoder, requests, n_groups, &r->sampling, (rz_address){r->seed, purpose, step}, arena, r->tick, r->tick_ctx, err);
}

static void score_one(const rz_rollout *r, uint32_t step, const rz_group *g, int i, rz_arena *arena)
{
    const rz_completion *c = &g->completions[i];
    rz_scored *to = &g->scored[i];
    rz_arena scratch = *arena;
    size_t len;
    int n_text = c->n - (c->n > 0 && !c->truncated); /* the stop token is not text */
    const char *text = rz_tokenizer_decode(r->tokenizer, c->ids, n_text, true, &scratch, &len);
    rz_sample s = {text, len, g->problem.prompt, g->problem.answer, g->problem.meta, c->n, c->truncated};
    rz_score score;
    rz_rules_score(r->worker, &s, &score);
    char *explain = rz_score_explain(r->rules, &score);
    *to = (rz_scored){.score = score.score, .correct = score.correct, .format_ok = score.format_ok, .n_errors = score.n_errors};
    if (r->random_reward)
        to->score = rz_rng_at(r->seed, RZ_RNG_REWARD, step, g->slot, (uint32_t)i, 0).v[0] & 1;
    to->explain = rz_arena_strndup(arena, explain, strlen(explain));
    free(explain);
    int n_rules = rz_rules_count(r->rules);
    to->verdicts = RZ_ZNEW(arena, n_rules, rz_verdict);
    for (int k = 0; k < n_rules; k++) {
        const rz_part *p = &score.parts[k];
        bool none = p->span.start == SIZE_MAX;
        to->verdicts[k].state = (int)p->state;
        to->verdicts[k].points = p->points;
        to->verdicts[k].start = none ? -1 : (int64_t)p->span.start;
        to->verdicts[k].end = none ? -1 : (int64_t)p->span.end;
    }
}

/* Every rank sends the groups it made and receives all. */
static void share(const rz_rollout *r, rz_group *groups, int n_groups, int g0, int g1, rz_arena *arena)
{
    int size = rz_comm_size(r->comm), rank = rz_comm_rank(r->comm), n_rules = rz_rules_count(r->rules);
    bytes mine = {0};
    for (int i = g0; i < g1; i++)
        for (int k = 0; k < groups[i].n; k++)
            pack(&mine, &groups[i].completions[k], &groups[i].scored[k], n_rules);
    int64_t *lengths = rz_calloc((size_t)size, sizeof *lengths);
    size_t *counts = rz_calloc((size_t)size, sizeof *counts), total = 0;
    lengths[rank] = (int64_t)mine.n;
    rz_comm_sum_i64(r->comm, lengths, size);
    for (int i = 0; i < size; i++)
        total += counts[i] = (size_t)lengths[i];
    char *all = rz_malloc(total ? total : 1);
    rz_comm_allgather(r->comm, mine.data, all, counts);
    reader in = {all};
    for (int i = 0; i < n_groups; i++)
        for (int k = 0; k < groups[i].n; k++)
            unpack(&in, &groups[i].completions[k], &groups[i].scored[k], n_rules, arena);
    free(all);
    free(counts);
    free(lengths);
    free(mine.data);
}

bool rz_rollout_groups(const rz_rollout *r, rz_split split, rz_rng_purpose purpose, uint32_t step, uint64_t first, int n_groups, int n,
                       rz_arena *arena, rz_group **groups, double *sample_s, double *score_s, rz_err *err)
{
    int size = rz_comm_size(r->comm), rank = rz_comm_rank(r->comm);
    int g0 = (int)((int64_t)n_groups * rank / size), g1 = (int)((int64_t)n_groups * (rank + 1) / size);
    *groups = RZ_ZNEW(arena, n_groups, rz_group);
    double start = rz_now_s();
    bool ok = draw(r, split, first, n_groups, n, arena, *groups, err) && sample(r, purpose, step, *groups + g0, g1 - g0, arena, err);
    if (!rz_comm_agree(r->comm, ok, err))
        return false;
    double sampled = rz_now_s();
    for (int i = g0; i < g1; i++)
        for (int k = 0; k < n; k++)
            score_one(r, step, &(*groups)[i], k, arena);
    *sample_s += sampled - start;
    *score_s += rz_now_s() - sampled;
    share(r, *groups, n_groups, g0, g1, arena);
    return true;
}
