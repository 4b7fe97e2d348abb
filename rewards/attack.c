#include "rewards/attack.h"
#include "rewards/attack_texts.h"
#include "rewards/internal.h"
#include <stdlib.h>
#include <string.h>

static const double MARGIN = 1e-9; /* scores that are no further apart are the same */

/* What is attacked: rules (as indices), and who pays what there. */
typedef struct {
    const rz_rules *rules;
    rz_rules_worker *worker;
    int answer, form; /* −1: there is none */
    double wrong_points, wrong_score; /* the most that plain wrong answers earn of the example at hand: by the rule about answers, and in all */
    double right_score;
    rz_hacks *out;
} attack;

bool rz_attack_at(int i, const char **name, const char **why)
{
    if (i < 0 || i >= rz_n_attack_hacks) return false;
    *name = rz_attack_hacks[i].name;
    *why = rz_attack_hacks[i].why;
    return true;
}

/* Whether a rule that passes is about answers, not about form alone. */
static bool needs_gold(const rule *u) { return u->answers || u->extracts || (u->verifier && (u->verifier->gold || u->verifier->uses_correct)); }

static bool find_targets(attack *a, rz_err *err)
{
    const rz_rules *r = a->rules;
    a->answer = a->form = -1;
    if (r->accuracy < 0) return rz_fail(err, RZ_EDATA, "no rule passes or fails: there is nothing to attack");
    if (needs_gold(&r->rules[r->accuracy]))
        a->answer = r->accuracy;
    else
        a->form = r->accuracy;
    if (r->format >= 0) a->form = r->format;
    a->out->form_only = a->answer < 0;
    return true;
}

static void score_text(const attack *a, const rz_example *like, const char *text, size_t len, bool truncated, rz_score *out)
{
    rz_sample s = like->sample;
    s.completion = text;
    s.completion_len = len;
    s.ids = NULL; /* they were those of the other text */
    s.truncated = truncated;
    rz_rules_score(a->worker, &s, out);
}

/* Scores full: right, well formed, no rule in error. */
static bool is_good(const attack *a, const rz_score *s)
{
    return s->correct && !s->n_errors && (a->form < 0 || a->form == a->rules->accuracy || s->format_ok);
}

/* Where the answer stands: what the rule that judged it points to, unless that is all of the text; or the answer of the problem, where it occurs last. */
static rz_span find_answer(const attack *a, const rz_example *e, const rz_score *s)
{
    rz_span span = a->answer >= 0 ? s->parts[a->answer].span : NO_SPAN;
    size_t len = e->sample.completion_len, n = e->answer ? strlen(e->answer) : 0;
    if (span.start < span.end && span.end <= len && (span.start > 0 || span.end < len)) return span;
    for (size_t i = len; n && i >= n; i--)
        if (!memcmp(e->completion + i - n, e->answer, n)) return (rz_span){i - n, i};
    return span.start < span.end && span.end <= len ? span : NO_SPAN;
}

/* ---- what plain wrong answers earn ---- */

static void find_baseline(attack *a, const rz_example *e, const attack_target *t)
{
    a->wrong_points = a->answer >= 0 ? a->rules->rules[a->answer].fail : 0;
    a->wrong_score = -MAX_POINTS;
    if (a->answer >= 0 && a->rules->rules[a->answer].verifier) a->wrong_points = a->rules->rules[a->answer].verifier->bottom;
    for (int i = 0; i < rz_n_attack_wrong_answers; i++) {
        char *text;
        size_t len;
        hack plain = {.sort = HACK_WRONG, .replaced = rz_attack_wrong_answers[i]};
        rz_score s;
        if (!rz_attack_make(&plain, t, &text, &len)) continue;
        score_text(a, e, text, len, false, &s);
        if (!s.correct) {
            if (a->answer >= 0 && s.parts[a->answer].points > a->wrong_points) a->wrong_points = s.parts[a->answer].points;
            if (s.score > a->wrong_score) a->wrong_score = s.score;
        }
        free(text);
    }
}

/* ---- one text ---- */

static bool passes_form(const attack *a, const rz_score *s) { return a->form >= 0 && (a->form == a->rules->accuracy ? s->correct : s->format_ok); }

/* What a hack has achieved; false: nothing. */
static bool judge(const attack *a, const hack *h, const rz_score *s, rz_hack_verdict *verdict, int *which)
{
    if (h->sort == HACK_SAME) {
        *verdict = RZ_HACK_LOST;
        *which = a->rules->accuracy;
        return s->score < a->right_score - MARGIN;
    }
    if (h->sort == HACK_MALFORMED) {
        *verdict = RZ_HACK_FORMED;
        *which = a->form;
        return passes_form(a, s);
    }
    *which = a->answer;
    if (a->answer < 0) return false;
    *verdict = RZ_HACK_RIGHT;
    if (s->correct || (s->score >= a->right_score - MARGIN && a->right_score > a->wrong_score + MARGIN)) return true;
    *verdict = RZ_HACK_PARTIAL;
    return s->parts[a->answer].state == RZ_PART_SCORED && s->parts[a->answer].points > a->wrong_points + MARGIN;
}

static rz_hack *already(rz_hacks *all, const hack *h, rz_hack_verdict verdict)
{
    for (int i = 0; i < all->n; i++)
        if (all->v[i].hack == h->name && all->v[i].verdict == verdict) return &all->v[i];
    return NULL;
}

/* Takes the text. */
static void report(attack *a, const hack *h, rz_hack_verdict verdict, int which, int example, char *text, size_t len, const rz_score *s)
{
    rz_hack *known = already(a->out, h, verdict);
    if (known) {
        known->n++;
        free(text);
        return;
    }
    a->out->v = rz_realloc(a->out->v, (size_t)(a->out->n + 1) * sizeof *a->out->v);
    a->out->v[a->out->n++] = (rz_hack){.hack = h->name, .why = h->why, .verdict = verdict, .rule = a->rules->rules[which].name, .example = h->whole ? -1 : example, .n = 1,
                                       .score = s->score, .right = a->right_score, .wrong = a->wrong_score > -MAX_POINTS ? a->wrong_score : 0, .text = text, .len = len,
                                       .truncated = h->truncated, .explained = rz_score_explain(a->rules, s)};
}

/* Whether the form asks for the tag: without it (what is in it stays) it does not pass. */
static bool form_knows(const attack *a, const rz_example *e, const attack_target *t, const char *tag)
{
    size_t n = 0;
    char *text = rz_malloc(t->text.len + 1);
    rz_score s;
    for (size_t i = 0, skip; i < t->text.len; i += skip ? skip : 1) {
        bool closing;
        skip = t->text.s[i] == '<' ? rz_tag_at(t->text.s, t->text.len, i, tag, &closing) : 0;
        if (!skip) text[n++] = t->text.s[i];
    }
    score_text(a, e, text, n, false, &s);
    free(text);
    return !passes_form(a, &s);
}

static void try_hack(attack *a, const hack *h, const rz_example *e, const attack_target *t, int example)
{
    char *text;
    size_t len;
    rz_score s;
    rz_hack_verdict verdict;
    int which;
    if ((h->of && !form_knows(a, e, t, h->of)) || !rz_attack_make(h, t, &text, &len)) return;
    if (len == t->text.len && !memcmp(text, t->text.s, len) && !h->truncated) {
        free(text); /* it changed nothing */
        return;
    }
    a->out->n_tried++;
    score_text(a, e, text, len, h->truncated, &s);
    if (judge(a, h, &s, &verdict, &which))
        report(a, h, verdict, which, example, text, len, &s);
    else
        free(text);
}

static void attack_example(attack *a, const rz_examples *all, int i)
{
    const rz_example *e = &all->v[i];
    rz_score s;
    score_text(a, e, e->completion, e->sample.completion_len, false, &s);
    if (!is_good(a, &s)) return;
    json_t *meta = e->meta ? json_loads(e->meta, 0, NULL) : NULL;
    attack_target t = {.text = {e->completion, e->sample.completion_len}, .answer = find_answer(a, e, &s), .meta = meta, .prompt = e->sample.prompt};
    a->right_score = s.score;
    a->out->n_good++;
    find_baseline(a, e, &t);
    for (int k = 0; k < rz_n_attack_hacks; k++) try_hack(a, &rz_attack_hacks[k], e, &t, i);
    json_decref(meta);
}

bool rz_attack(rz_hacks *out, const rz_rules *r, rz_rules_worker *w, const rz_examples *examples, rz_err *err)
{
    attack a = {.rules = r, .worker = w, .out = out};
    *out = (rz_hacks){0};
    if (!find_targets(&a, err)) return false;
    for (int i = 0; i < examples->n; i++) attack_example(&a, examples, i);
    return out->n_good || rz_fail(err, RZ_EDATA, "none of the %d cases is right by these rules: attacks are made out of right completions", examples->n);
}

void rz_attack_finish(rz_hacks *h)
{
    for (int i = 0; i < h->n; i++) {
        free(h->v[i].text);
        free(h->v[i].explained);
    }
    free(h->v);
    *h = (rz_hacks){0};
}
