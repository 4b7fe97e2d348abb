/* Scoring: one completion through all rules of a file. */
#include "rewards/rules.h"
#include "base/file.h"
#include "base/pulse.h"
#include "base/text.h"
#include "rewards/internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rz_rules_worker {
    const rz_rules *rules;
    rz_env env;
    rz_arena arena;
    int n_samples; /* room */
    evaluation *samples;
    outcome *outcomes;        /* (n_samples) of a group rule */
    rz_case *cases;           /* (n_samples) */
    rz_part *parts;           /* (n_samples, n) */
    bool *passed;             /* (n_samples, n) */
    rz_span *views;           /* (n_samples, n_views) */
    rz_worker **tasks;          /* (n) of the rules that are programs; NULL: none is */
    rz_span **groups, *spans; /* (n_samples, n), (n_samples, n_spans) */
    size_t n_spans;
    double *seconds; /* (n), or NULL: rz_rules_meter */
};

int rz_rules_count(const rz_rules *r) { return r->n; }
const char *rz_rules_name(const rz_rules *r, int i) { return r->rules[i].name; }
double rz_rules_weight(const rz_rules *r, int i) { return r->rules[i].weight; }
bool rz_rules_group_normalised(const rz_rules *r, int i) { return r->rules[i].group_normalised; }
bool rz_rules_reads_answer(const rz_rules *r) { return r->accuracy >= 0 && r->rules[r->accuracy].answers; }
bool rz_rules_is_program(const rz_rules *r, int i) { return r->rules[i].setup; }
const char *rz_rules_text(const rz_rules *r) { return r->text; }

static size_t groups_of(const rule *u) { return u->kind == &rz_kind_match ? (size_t)rz_pattern_groups(u->pattern) + 1 : 0; }

/* Room for so many samples at once: what is kept of each, laid out in rows. */
static void make_room(rz_rules_worker *w, int n_samples)
{
    const rz_rules *r = w->rules;
    size_t n = (size_t)n_samples, rows = n * (size_t)r->n, n_views = (size_t)r->n_views;
    if (n_samples <= w->n_samples) return;
    w->samples = rz_realloc(w->samples, n * sizeof *w->samples);
    memset(w->samples + w->n_samples, 0, (n - (size_t)w->n_samples) * sizeof *w->samples);
    w->n_samples = n_samples;
    w->outcomes = rz_realloc(w->outcomes, n * sizeof *w->outcomes);
    w->cases = rz_realloc(w->cases, n * sizeof *w->cases);
    w->parts = rz_realloc(w->parts, rows * sizeof *w->parts);
    w->passed = rz_realloc(w->passed, rows * sizeof *w->passed);
    w->views = rz_realloc(w->views, (n * n_views + 1) * sizeof *w->views);
    w->groups = rz_realloc(w->groups, rows * sizeof *w->groups);
    w->spans = rz_realloc(w->spans, (n * w->n_spans + 1) * sizeof *w->spans);
    for (size_t k = 0; k < n; k++) {
        evaluation *e = &w->samples[k];
        rz_span *at = w->spans + k * w->n_spans;
        e->rules = r;
        e->env = &w->env;
        e->tasks = w->tasks;
        e->parts = w->parts + k * (size_t)r->n;
        e->passed = w->passed + k * (size_t)r->n;
        e->views = w->views + k * n_views;
        e->groups = w->groups + k * (size_t)r->n;
        for (int i = 0; i < r->n; i++) {
            e->groups[i] = at;
            at += groups_of(&r->rules[i]);
        }
    }
}

static bool start_tasks(rz_rules_worker *w, rz_helper *helper, rz_err *err)
{
    w->tasks = rz_calloc((size_t)w->rules->n, sizeof *w->tasks);
    for (int i = 0; i < w->rules->n; i++)
        if (!rz_custom_start(&w->tasks[i], helper, &w->rules->rules[i], err)) return false;
    return true;
}

bool rz_rules_worker_create(rz_rules_worker **out, const rz_rules *r, rz_helper *helper, rz_err *err)
{
    rz_rules_worker *w = rz_calloc(1, sizeof *w);
    *out = NULL;
    w->rules = r;
    /* a rule's scratch is free again when it ends: a few copies of MAX_ANSWER, and what is kept of each rule and sample */
    if (!rz_arena_init(&w->arena, (size_t)1 << 30, err) || !rz_env_init(&w->env, &w->arena, err) || !start_tasks(w, helper, err)) {
        rz_rules_worker_destroy(w);
        return false;
    }
    for (int i = 0; i < r->n; i++) w->n_spans += groups_of(&r->rules[i]);
    make_room(w, 1);
    *out = w;
    return true;
}

static void forget(evaluation *e)
{
    json_decref(e->meta);
    json_decref(e->answer);
    e->meta = e->answer = NULL;
    e->meta_is_read = false;
}

void rz_rules_worker_destroy(rz_rules_worker *w)
{
    if (!w) return;
    for (int i = 0; w->tasks && i < w->rules->n; i++) rz_worker_stop(w->tasks[i]);
    free(w->tasks);
    rz_env_finish(&w->env);
    rz_arena_finish(&w->arena);
    for (int k = 0; k < w->n_samples; k++) free(w->samples[k].repaired);
    free(w->samples);
    free(w->outcomes);
    free(w->cases);
    free(w->parts);
    free(w->passed);
    free(w->views);
    free(w->groups);
    free(w->spans);
    free(w);
}

/* ---- one sample ---- */

/* What is done to every completion, before any rule: its bytes are looked at, and repaired where they are no UTF-8; views are searched. Units a byte; of what repairing
 * adds; of a view. */
enum { READ_PRICE = 3, REPAIR_PRICE = 25, VIEW_PRICE = 6 };
enum { SEARCH_PRICE = 8 }; /* units a byte that an answer, tags or a pattern are looked for in */

static const char out_of_work[] = "it goes over the 20,000,000 units of work that all rules of a completion have together: give it a smaller view";
static const char out_of_math[] = "it goes over the 8,000,000 units of work that all rules of a completion which compare mathematics have together: give it a smaller view";

static void take_completion(evaluation *e)
{
    const rz_sample *s = e->sample;
    free(e->repaired);
    e->repaired = NULL;
    e->text = s->completion ? s->completion : "";
    size_t len = e->len = s->completion && s->completion_len <= MAX_COMPLETION ? s->completion_len : 0;
    bool damaged = rz_utf8_valid(e->text, len) < len;
    if (damaged) e->repaired = rz_utf8_repair_some(e->text, len, MAX_REPAIRS, &e->len);
    e->is_no_text = damaged && !e->repaired;
    if (e->repaired) e->text = e->repaired;
    size_t added = e->repaired ? e->len - len : e->is_no_text ? 2 * MAX_REPAIRS : 0;
    if (e->is_no_text) e->text = "", e->len = 0;
    e->work = RULE_WORK - (int64_t)len * READ_PRICE - (int64_t)added * REPAIR_PRICE;
    if (e->work < 0) e->work = 0;
    e->math = MATH_WORK;
}

/* One that cannot be afforded is not looked for, and what reads it has an error. */
static rz_span take_view(evaluation *e, const view *v)
{
    int64_t price = (int64_t)e->len * VIEW_PRICE;
    if (price > e->work) return NO_SPAN;
    e->work -= price;
    return rz_view_find(v, e->text, e->len);
}

static void begin(evaluation *e, const rz_sample *s)
{
    const rz_rules *r = e->rules;
    e->sample = s;
    take_completion(e);
    for (int i = 0; i < r->n_views; i++) e->views[i] = take_view(e, &r->views[i]);
    for (int i = 0; i < r->n; i++) {
        e->passed[i] = false;
        for (size_t k = 0; k < groups_of(&r->rules[i]); k++) e->groups[i][k] = NO_SPAN;
    }
}

static rz_span place_of(const evaluation *e, const rule *u) { return u->view >= 0 ? e->views[u->view] : (rz_span){0, e->len}; }

static bool is_cut(const evaluation *e) { return e->sample->truncated && !e->rules->truncated_is_scored; }

/* The first gate that is closed, or −1. */
static int closed_gate(const evaluation *e, const rule *u)
{
    for (int i = 0; i < u->n_requires; i++)
        if (!e->passed[u->requires[i]]) return u->requires[i];
    return -1;
}

/* What the rule does to the text at worst, but for what is counted as it is done (patterns, mathematics, comparisons), and programs, which have limits of their own. */
static int64_t price_of(const evaluation *e, const rule *u)
{
    rz_span where = place_of(e, u);
    size_t len = where.end - where.start, asked = e->sample->prompt ? strlen(e->sample->prompt) : 0;
    if (u->setup) return 0;
    if (!u->verifier) return u->kind->reads_view ? (int64_t)len * (SEARCH_PRICE + 2 * u->n_tags) : 0;
    return rz_verifier_price(u->verifier, len + (len ? asked : 0)) + (u->extracts ? (int64_t)len * SEARCH_PRICE : 0);
}

static bool lacks_view(const evaluation *e, const rule *u)
{
    bool lacks = u->view >= 0 && e->views[u->view].start == SIZE_MAX;
    for (int i = 0; u->setup && i < e->rules->n_views; i++) lacks |= e->views[i].start == SIZE_MAX; /* a program is told all of them */
    return lacks;
}

/* So much is left to the rule that runs. */
static void spend(evaluation *e, const rule *u, int64_t left)
{
    e->work -= e->now - left;
    if (u->math) e->math -= e->now - left;
    e->now = left;
}

/* A rule that costs more than is left has an error, and the budget stays what it was: a cheaper one may follow. */
static bool afford(evaluation *e, const rule *u, outcome *o)
{
    int64_t price = price_of(e, u);
    bool of_math = u->math && e->math < e->work;
    e->now = of_math ? e->math : e->work;
    if (price > e->now) {
        rz_outcome_error(o, "it needs %lld units of work, of which %d are for all rules of a completion%s and %lld are left: give it a smaller view", (long long)price,
                         of_math ? MATH_WORK : RULE_WORK, of_math ? " which compare mathematics" : "", (long long)e->now);
        return false;
    }
    spend(e, u, e->now - price);
    rz_matcher_allow(e->env->matcher, e->now);
    return true;
}

/* What is said of a rule before it looks at the completion; false when that is all. */
static bool admit(const evaluation *e, const rule *u, outcome *o)
{
    int gate = closed_gate(e, u);
    if (e->sample->completion_len > MAX_COMPLETION)
        rz_outcome_error(o, "the completion has %zu bytes: over %d none is read", e->sample->completion_len, MAX_COMPLETION);
    else if (e->is_no_text)
        rz_outcome_error(o, "over %d parts of the completion are no UTF-8: none of it is read", MAX_REPAIRS);
    else if (gate >= 0)
        rz_outcome_skipped(o, e->parts[gate].state == RZ_PART_ERROR ? "its gate '%s' had an error" : "its gate '%s' did not pass", e->rules->rules[gate].name);
    else if (is_cut(e) && u->passes && !u->verifier)
        rz_outcome_fail(o, u, "cut at the length limit (truncated: fail)");
    else if (lacks_view(e, u))
        rz_outcome_error(o, "%s", out_of_work);
    else
        return true;
    return false;
}

/* After a verifier: its span becomes one of the completion, its errors what the rule says they are, and a cut completion earns nothing. */
static void settle(const evaluation *e, const rule *u, const rz_case *c, outcome *o)
{
    if (o->state == RZ_PART_ERROR && o->gold_problem && u->gold_error_skips) o->state = RZ_PART_SKIPPED;
    if (o->state == RZ_PART_SCORED && !(fabs(o->points) <= MAX_POINTS)) rz_outcome_error(o, "gave %g points, which is no score", o->points);
    bool inside = c->text.s >= e->text && c->text.s <= e->text + e->len; /* what was extracted and cleaned may be a copy, whose bytes are none of the completion's */
    if (o->span.start != SIZE_MAX && inside) {
        size_t by = (size_t)(c->text.s - e->text);
        o->span = (rz_span){o->span.start + by, o->span.end + by};
    } else {
        o->span = c->place;
    }
    if (o->state == RZ_PART_SCORED && is_cut(e) && u->passes)
        rz_outcome_scored(o, false, fmin(o->points, rz_verifier_least(u->verifier, u->params)), "cut at the length limit (truncated: fail)");
}

/* An error that a completion brought about is not cheaper than failing: else a text that no pattern reads would be worth more than a wrong one. */
static double price_of_error(const rule *u, const outcome *o)
{
    if (u->verifier || o->gold_problem) return 0;
    return fmin(0, u->passes ? fmin(u->fail, u->no_extract) : u->each * u->max);
}

static void store(evaluation *e, const rule *u, outcome *o)
{
    rz_arena *to = e->env->scratch;
    int i = (int)(u - e->rules->rules);
    if (o->state == RZ_PART_ERROR) o->points = price_of_error(u, o);
    e->passed[i] = o->state == RZ_PART_SCORED && o->passed;
    e->parts[i] = (rz_part){.state = o->state, .points = o->points, .span = o->span, .crashed = o->crashed, .nondeterministic = o->nondeterministic,
        .found = rz_arena_strndup(to, o->found, strlen(o->found)),
        .expected = rz_arena_strndup(to, o->expected, strlen(o->expected)),
        .reason = rz_arena_strndup(to, o->reason, strlen(o->reason))};
}

static void judge(evaluation *e, const rule *u, outcome *o)
{
    rz_case c;
    if (!u->verifier) {
        u->kind->score(e, u, place_of(e, u), o);
    } else if (rz_case_make(e, u, place_of(e, u), &c, o)) {
        rz_verifier_score(u->verifier, &c, o);
        settle(e, u, &c, o);
    }
}

/* What a rule says that has gone over what was left was not thought through. */
static void end_work(evaluation *e, const rule *u, int64_t left, outcome *o)
{
    spend(e, u, left);
    if (left >= 0) return;
    bool of_math = u->math && e->math < e->work;
    e->now = 0;
    if (e->work < 0) e->work = 0;
    if (e->math < 0) e->math = 0;
    if (o->state == RZ_PART_ERROR && !o->gold_problem) return; /* it says why */
    rz_outcome_error(o, "%s", of_math ? out_of_math : out_of_work);
    o->gold_problem = false;
}

static void score_rule(evaluation *e, const rule *u)
{
    outcome o;
    size_t mark = e->env->scratch->used;
    rz_outcome_begin(&o);
    if (admit(e, u, &o) && afford(e, u, &o)) {
        judge(e, u, &o);
        end_work(e, u, rz_matcher_left(e->env->matcher), &o);
    }
    rz_arena_release(e->env->scratch, mark);
    store(e, u, &o);
}

/* ---- a group of samples ---- */

/* Those that a gate or their data keeps away do not count as members. */
static void score_group_rule(rz_rules_worker *w, int n, const rule *u)
{
    size_t mark = w->arena.used;
    int *member = RZ_NEW(&w->arena, n, int), m = 0;
    outcome *o = RZ_NEW(&w->arena, n, outcome);
    int64_t *left = RZ_NEW(&w->arena, n, int64_t);
    for (int k = 0; k < n; k++) {
        evaluation *e = &w->samples[k];
        rz_outcome_begin(&o[k]);
        if (!admit(e, u, &o[k]) || !afford(e, u, &o[k])) continue;
        bool made = rz_case_make(e, u, place_of(e, u), &w->cases[m], &o[k]);
        end_work(e, u, rz_matcher_left(e->env->matcher), &o[k]);
        if (!made || o[k].state == RZ_PART_ERROR) continue;
        left[k] = e->now;
        w->cases[m].work = &left[k];
        rz_outcome_begin(&w->outcomes[m]);
        member[m++] = k;
    }
    if (m) u->verifier->score_group(w->cases, m, w->outcomes);
    for (int i = 0; i < m; i++) {
        o[member[i]] = w->outcomes[i];
        settle(&w->samples[member[i]], u, &w->cases[i], &o[member[i]]);
        end_work(&w->samples[member[i]], u, left[member[i]], &o[member[i]]);
    }
    outcome *kept = rz_malloc((size_t)n * sizeof *kept); /* what is stored lies where the scratch was */
    memcpy(kept, o, (size_t)n * sizeof *kept);
    rz_arena_release(&w->arena, mark);
    for (int k = 0; k < n; k++) store(&w->samples[k], u, &kept[k]);
    free(kept);
}

static void conclude(const evaluation *e, rz_score *out)
{
    const rz_rules *r = e->rules;
    rz_combine(e, out);
    out->n_errors = 0;
    out->work = RULE_WORK - e->work;
    for (int i = 0; i < r->n; i++) out->n_errors += e->parts[i].state == RZ_PART_ERROR;
    out->correct = r->accuracy >= 0 && e->passed[r->accuracy];
    out->format_ok = r->format >= 0 && e->passed[r->format];
    out->answer = rz_rules_reads_answer(r) ? e->parts[r->accuracy].found : "";
    out->parts = e->parts;
}

void rz_rules_score_group(rz_rules_worker *w, const rz_sample *s, int n, rz_score *out)
{
    const rz_rules *r = w->rules;
    make_room(w, n);
    rz_arena_release(&w->arena, 0);
    rz_env_trim(&w->env);
    for (int k = 0; k < n; k++) begin(&w->samples[k], &s[k]);
    for (int i = 0; i < r->n; i++) {
        const rule *u = &r->rules[r->order[i]];
        double start = w->seconds ? rz_now_s() : 0;
        if (u->verifier && u->verifier->score_group)
            score_group_rule(w, n, u);
        else
            for (int k = 0; k < n; k++) {
                score_rule(&w->samples[k], u);
                rz_pulse_beat(); /* a program may take its whole deadline for each */
            }
        if (w->seconds) w->seconds[r->order[i]] += rz_now_s() - start;
    }
    for (int k = 0; k < n; k++) {
        conclude(&w->samples[k], &out[k]);
        forget(&w->samples[k]);
    }
}

void rz_rules_meter(rz_rules_worker *w, double *seconds) { w->seconds = seconds; }

void rz_rules_score(rz_rules_worker *w, const rz_sample *s, rz_score *out) { rz_rules_score_group(w, s, 1, out); }

/* A rule looks at its gold before it looks at the completion: one that has an error with an empty completion has it with all. */
bool rz_rules_check_problem(rz_rules_worker *w, const char *answer, const char *meta, rz_err *err)
{
    const rz_rules *r = w->rules;
    rz_sample nothing = {.completion = "", .answer = answer, .meta = meta, .n_tokens = -1};
    evaluation *e = &w->samples[0];
    bool ok = true;
    rz_arena_release(&w->arena, 0);
    rz_env_trim(&w->env);
    begin(e, &nothing);
    for (int i = 0; ok && i < r->n; i++) {
        const rule *u = &r->rules[i];
        outcome o;
        if (!u->needs_data) continue;
        rz_outcome_begin(&o);
        rz_matcher_allow(e->env->matcher, u->math ? MATH_WORK : RULE_WORK);
        judge(e, u, &o);
        if (o.state == RZ_PART_ERROR && (u->answers || o.gold_problem))
            ok = rz_fail(err, RZ_EDATA, "the rule '%s' cannot judge it: %s; mend the problem, or let the rule abstain (score: {gold_error: skip})", u->name, o.reason);
    }
    forget(e);
    return ok;
}
