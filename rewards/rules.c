/* Scoring: one completion through all rules of a file. */
#include "rewards/rules.h"
#include "base/text.h"
#include "rewards/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rz_rules_worker {
    const rz_rules *rules;
    rz_matcher *matcher;
    rz_arena arena;
    char *repaired; /* the last completion, if it had to be repaired */
    rz_part *parts;
    bool *passed;
    rz_span *views, **groups, *group_spans;
};

int rz_rules_count(const rz_rules *r) { return r->n; }
const char *rz_rules_name(const rz_rules *r, int i) { return r->rules[i].name; }
double rz_rules_weight(const rz_rules *r, int i) { return r->rules[i].weight; }
bool rz_rules_reads_answer(const rz_rules *r) { return r->accuracy >= 0 && r->rules[r->accuracy].kind->answers; }
const char *rz_rules_text(const rz_rules *r) { return r->text; }

bool rz_rules_worker_create(rz_rules_worker **out, const rz_rules *r, rz_err *err)
{
    rz_rules_worker *w = rz_calloc(1, sizeof *w);
    *out = NULL;
    /* a rule's scratch is free again when it ends: a few copies of MAX_ANSWER, and what is kept of each rule */
    if (!rz_matcher_create(&w->matcher, err) || !rz_arena_init(&w->arena, (size_t)16 << 20, err)) {
        rz_rules_worker_destroy(w);
        return false;
    }
    size_t n = (size_t)r->n, n_spans = 0;
    w->rules = r;
    w->parts = rz_calloc(n, sizeof *w->parts);
    w->passed = rz_calloc(n, sizeof *w->passed);
    w->views = rz_calloc((size_t)r->n_views + 1, sizeof *w->views);
    w->groups = rz_calloc(n, sizeof *w->groups);
    for (size_t i = 0; i < n; i++)
        if (r->rules[i].kind == &rz_kind_match) n_spans += (size_t)rz_pattern_groups(r->rules[i].pattern) + 1;
    w->group_spans = rz_calloc(n_spans + 1, sizeof *w->group_spans);
    n_spans = 0;
    for (size_t i = 0; i < n; i++) {
        w->groups[i] = w->group_spans + n_spans;
        if (r->rules[i].kind == &rz_kind_match) n_spans += (size_t)rz_pattern_groups(r->rules[i].pattern) + 1;
    }
    *out = w;
    return true;
}

void rz_rules_worker_destroy(rz_rules_worker *w)
{
    if (!w) return;
    rz_matcher_destroy(w->matcher);
    rz_arena_finish(&w->arena);
    free(w->repaired);
    free(w->parts);
    free(w->passed);
    free(w->views);
    free(w->groups);
    free(w->group_spans);
    free(w);
}

/* The first gate that is closed, or −1. */
static int closed_gate(const rz_rules_worker *w, const rule *u)
{
    for (int i = 0; i < u->n_requires; i++)
        if (!w->passed[u->requires[i]]) return u->requires[i];
    return -1;
}

static void score_rule(const rz_rules_worker *w, evaluation *e, const rule *u, outcome *o)
{
    const rz_rules *r = w->rules;
    int gate = closed_gate(w, u);
    if (e->sample->completion_len > MAX_COMPLETION) {
        rz_outcome_error(o, "the completion has %zu bytes: over %d none is read", e->sample->completion_len, MAX_COMPLETION);
    } else if (gate >= 0) {
        o->state = RZ_PART_SKIPPED;
        snprintf(o->reason, sizeof o->reason, w->parts[gate].state == RZ_PART_ERROR ? "its gate '%s' had an error" : "its gate '%s' did not pass",
                 r->rules[gate].name);
    } else if (e->sample->truncated && !r->truncated_is_scored && u->kind->passes) {
        rz_outcome_fail(o, u, "cut at the length limit (truncated: fail)");
    } else {
        u->kind->score(e, u, u->view >= 0 ? w->views[u->view] : (rz_span){0, e->len}, o);
    }
}

static void store(rz_rules_worker *w, int i, const outcome *o)
{
    w->passed[i] = o->state == RZ_PART_SCORED && o->passed;
    w->parts[i] = (rz_part){.state = o->state, .points = o->points, .span = o->span,
        .found = rz_arena_strndup(&w->arena, o->found, strlen(o->found)),
        .expected = rz_arena_strndup(&w->arena, o->expected, strlen(o->expected)),
        .reason = rz_arena_strndup(&w->arena, o->reason, strlen(o->reason))};
}

static void combine(const rz_rules_worker *w, rz_score *out)
{
    const rz_rules *r = w->rules;
    double sum = 0;
    out->n_errors = 0;
    for (int i = 0; i < r->n; i++) {
        sum += r->rules[i].weight * w->parts[i].points; /* 0 points unless it is scored */
        out->n_errors += w->parts[i].state == RZ_PART_ERROR;
    }
    out->score = sum < r->clamp_lo ? r->clamp_lo : sum > r->clamp_hi ? r->clamp_hi : sum;
    out->correct = r->accuracy >= 0 && w->passed[r->accuracy];
    out->format_ok = r->format >= 0 && w->passed[r->format];
    out->answer = rz_rules_reads_answer(r) ? w->parts[r->accuracy].found : "";
    out->parts = w->parts;
}

static void take_completion(rz_rules_worker *w, evaluation *e)
{
    const rz_sample *s = e->sample;
    free(w->repaired);
    w->repaired = NULL;
    e->text = s->completion ? s->completion : "";
    e->len = s->completion && s->completion_len <= MAX_COMPLETION ? s->completion_len : 0;
    if (rz_utf8_valid(e->text, e->len) < e->len) e->text = w->repaired = rz_utf8_repair(e->text, e->len, &e->len);
}

static evaluation begin(rz_rules_worker *w, const rz_sample *s)
{
    const rz_rules *r = w->rules;
    rz_arena_release(&w->arena, 0);
    evaluation e = {.rules = r, .sample = s, .views = w->views, .groups = w->groups, .matcher = w->matcher, .scratch = &w->arena};
    take_completion(w, &e);
    for (int i = 0; i < r->n_views; i++) w->views[i] = rz_view_find(&r->views[i], e.text, e.len);
    for (int i = 0; i < r->n; i++) {
        int groups = r->rules[i].kind == &rz_kind_match ? rz_pattern_groups(r->rules[i].pattern) + 1 : 0;
        for (int k = 0; k < groups; k++) w->groups[i][k] = NO_SPAN;
    }
    return e;
}

/* A rule looks at its gold before it looks at the completion: one that has an error with an empty completion has it with all. */
bool rz_rules_check_problem(rz_rules_worker *w, const char *answer, const char *meta, rz_err *err)
{
    const rz_rules *r = w->rules;
    rz_sample nothing = {.completion = "", .answer = answer, .meta = meta, .n_tokens = -1};
    evaluation e = begin(w, &nothing);
    bool ok = true;
    for (int i = 0; ok && i < r->n; i++) {
        outcome o = {.state = RZ_PART_SCORED};
        if (!r->rules[i].kind->answers) continue;
        r->rules[i].kind->score(&e, &r->rules[i], (rz_span){0, 0}, &o);
        if (o.state == RZ_PART_ERROR)
            ok = rz_fail(err, RZ_EDATA, "the rule '%s' cannot judge it: %s; mend the problem, or let the rule abstain (score: {gold_error: skip})", r->rules[i].name, o.reason);
    }
    json_decref(e.meta);
    return ok;
}

void rz_rules_score(rz_rules_worker *w, const rz_sample *s, rz_score *out)
{
    const rz_rules *r = w->rules;
    evaluation e = begin(w, s);
    for (int k = 0; k < r->n; k++) {
        outcome o;
        size_t mark = w->arena.used;
        o.state = RZ_PART_SCORED, o.passed = false, o.points = 0, o.span = NO_SPAN;
        o.found[0] = o.expected[0] = o.reason[0] = 0;
        score_rule(w, &e, &r->rules[r->order[k]], &o);
        rz_arena_release(&w->arena, mark);
        store(w, r->order[k], &o);
    }
    json_decref(e.meta);
    combine(w, out);
}
