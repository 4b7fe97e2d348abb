/* Checks of rules: what they pay, what they wait for; and, with a right completion that is made up, what rules attack finds. */
#include "rewards/attack.h"
#include "rewards/lint_checks.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is of no use ---- */

static void check_views(linter *l)
{
    const rz_yaml *views = rz_yaml_get(l->root, "views");
    for (int v = 0; v < l->rules->n_views; v++) {
        bool used = false;
        for (int i = 0; i < l->rules->n; i++) used = used || l->rules->rules[i].view == v;
        if (!used) rz_lint_add(l, CHECK_UNUSED_VIEW, NULL, views->key_at[v], NULL, 0, NULL, "no rule reads the view '%s'", l->rules->views[v].name);
    }
}

static void check_use(linter *l, const rule *u)
{
    if (rz_lint_is_needed(l, u)) return;
    if (u->weight == 0)
        rz_lint_add(l, CHECK_DEAD_RULE, u, rz_lint_place(l, u), NULL, 0, NULL, "its weight is 0, and nothing waits for it");
    else if (u->kind->passes && !u->verifier && u->pass == u->fail && (!u->answers || u->no_extract == u->fail))
        rz_lint_add(l, CHECK_DEAD_RULE, u, rz_lint_place(l, u), NULL, 0, NULL, "it gives %g points whether it passes or fails, and nothing waits for it", u->pass);
}

/* ---- what is paid ---- */

/* Whether rule i waits for rule `gate`, through others perhaps. */
static bool waits_for(const rz_rules *r, int i, int gate, int depth)
{
    if (i == gate) return true;
    for (int k = 0; depth < r->n && k < r->rules[i].n_requires; k++)
        if (waits_for(r, r->rules[i].requires[k], gate, depth + 1)) return true;
    return false;
}

/* The most it can add to a score. */
static double most(const rule *u)
{
    double points = u->verifier ? u->verifier->top : u->kind->passes ? u->pass : u->kind == &rz_kind_count ? u->each * u->max : 0;
    return points * u->weight > 0 ? points * u->weight : 0;
}

static void check_sum(linter *l)
{
    const rz_rules *r = l->rules;
    const rz_yaml *combine = rz_yaml_get(l->root, "combine"), *mode = combine ? rz_yaml_get(combine, "mode") : NULL;
    bool sum = !combine || (!rz_yaml_get(combine, "expression") && (!mode || !strcmp(mode->text, "weighted_sum")));
    if (r->accuracy < 0 || !sum) return; /* of others the hacks tell */
    const rule *right = &r->rules[r->accuracy];
    double gain = right->verifier ? right->weight * (right->verifier->top - right->verifier->bottom) : right->weight * (right->pass - right->fail), others = 0;
    char names[512] = "";
    for (int i = 0; i < r->n; i++) {
        if (waits_for(r, i, r->accuracy, 0) || waits_for(r, r->accuracy, i, 0) || most(&r->rules[i]) == 0) continue;
        others += most(&r->rules[i]);
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", r->rules[i].name);
    }
    if (others > 0 && others >= gain)
        rz_lint_add(l, CHECK_WRONG_PAYS, right, rz_lint_place(l, right), NULL, 0, NULL,
                    "a wrong answer can earn %g by others (%s); being right is worth %g", others, names, gain);
}

static void check_holes(linter *l, const rule *u)
{
    if (u->verifier && u->verifier->holes)
        rz_lint_add(l, CHECK_HOLES, u, rz_lint_place(l, u), NULL, 0, NULL, "%s: %s", u->verifier->name, u->verifier->holes);
}

void rz_lint_rules(linter *l)
{
    check_views(l);
    check_sum(l);
    for (int i = 0; i < l->rules->n; i++) {
        check_use(l, &l->rules->rules[i]);
        check_holes(l, &l->rules->rules[i]);
    }
}

/* ---- a right completion, made up ---- */

static const char *const dresses[] = {
    "<think>\nSo it is, and so be it.\n</think>\n<answer>\n\\1\n</answer>",
    "<think> So it is, and so be it. </think> <answer> \\1 </answer>",
    "<think>\nSo it is, and so be it.\n</think>\nThe answer is \\boxed{\\1}.",
    "<think>So it is.</think> \\boxed{\\1}",
    "So it is, and so be it.\n#### \\1",
    "So it is, and so be it. The answer is \\boxed{\\1}.",
    "So it is, and so be it.\nAnswer: \\1",
    "Assistant: <think> So it is. </think> <answer> \\1 </answer>",
    "<think>So it is.</think> <answer>\\1</answer>",
    "<think>\nSo it is.\n</think>\n<answer>\n```python\nprint(\\1)\n```\n</answer>",
    "<think>\n3 + 5 = 8, then 8 * 4 = 32.\n</think>\n<answer>\n\\1\n</answer>",
    "<answer>\\1</answer>",
    "So it is.\n<finish>\\1</finish>",
    "The answer is \\1",
    "\\1",
};
static const struct { const char *answer, *gold; } answers[] = {
    {"42", "42"}, {"17.5", "17.5"}, {"(3 + 5) * 4", "32"}, {"blue", "blue"}, {"1/3", "1/3"}, {"(1, 2)", "(1, 2)"}, {"[1, 2]", "[1, 2]"}, {"1, 2", "1, 2"}, {"{\"a\": 1}", "{\"a\": 1}"},
    {"2024-01-31", "2024-01-31"},
};

/* What problems may hold, and under each key that a rule reads, the answer. */
static char *meta_for(const rz_rules *r, const char *gold)
{
    json_t *meta = json_pack("{s:[i,i,i],s:i}", "numbers", 3, 5, 4, "target", 32);
    for (int i = 0; i < r->n; i++) {
        const rule *u = &r->rules[i];
        if (u->gold_key) json_object_set_new(meta, u->gold_key, json_string(gold));
        if (u->numbers_key) json_object_set_new(meta, u->numbers_key, json_pack("[i,i,i]", 3, 5, 4));
        if (u->target_key) json_object_set_new(meta, u->target_key, json_integer(32));
    }
    char *text = json_dumps(meta, JSON_COMPACT);
    json_decref(meta);
    return text;
}

static void dress(rz_example *e, const rz_rules *r, const char *form, const char *answer, const char *gold)
{
    const char *hole = strstr(form, "\\1");
    *e = (rz_example){.name = "", .number = 1};
    e->completion = rz_asprintf("%.*s%s%s", (int)(hole - form), form, answer, hole + 2);
    e->answer = rz_strdup(gold);
    e->meta = meta_for(r, gold);
    e->sample = (rz_sample){.completion = e->completion, .completion_len = strlen(e->completion), .answer = e->answer, .meta = e->meta, .n_tokens = 64};
}

static bool is_good(const linter *l, const rz_example *e)
{
    rz_score s;
    rz_rules_score(l->worker, &e->sample, &s);
    return s.correct && !s.n_errors && (l->rules->format < 0 || s.format_ok);
}

static bool make_right(const linter *l, rz_example *e)
{
    for (size_t d = 0; d < sizeof dresses / sizeof *dresses; d++)
        for (size_t a = 0; a < sizeof answers / sizeof *answers; a++) {
            dress(e, l->rules, dresses[d], answers[a].answer, answers[a].gold);
            if (is_good(l, e)) return true;
            rz_example_finish(e);
        }
    return false;
}

/* ---- hacks on it ---- */

/* The check under which a hack is told. */
static check_id check_of(const rz_hack *h)
{
    static const struct { const char *part; check_id check; } rows[] = {
        {"empty think", CHECK_EMPTY_THINK}, {"think emptied", CHECK_EMPTY_THINK}, {"think blanked", CHECK_EMPTY_THINK}, {"think of unseen", CHECK_EMPTY_THINK},
        {"answer in the thinking", CHECK_THINKING}, {"answer taken back", CHECK_FIRST}, {"answer denied", CHECK_SUBSTRING}, {"answer in a longer text", CHECK_SUBSTRING},
        {"digits", CHECK_SUBSTRING}, {"candidates", CHECK_SUBSTRING}, {"letters around it", CHECK_SUBSTRING}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(h->hack, rows[i].part)) return rows[i].check;
    return h->verdict == RZ_HACK_FORMED ? CHECK_FORM : CHECK_HACK;
}

static void tell_hack(linter *l, const rz_hack *h)
{
    int i = rz_rule_find(l->rules, h->rule);
    const rule *u = &l->rules->rules[i];
    static const char *const as[] = {[RZ_HACK_RIGHT] = "right", [RZ_HACK_FORMED] = "well formed", [RZ_HACK_PARTIAL] = "better than a wrong answer"};
    char shown[128];
    snprintf(shown, sizeof shown, "taken for %s: it scores %g; a right answer scores %g", as[h->verdict], h->score, h->right);
    rz_lint_add(l, check_of(h), u, rz_lint_place(l, u), h->text, h->len, shown, "%s: %s", h->hack, h->why);
}

/* Problems whose answer is missing or is no answer: nothing may be paid for them. */
static void check_bad_gold(linter *l, const rz_example *right)
{
    static const char *const golds[] = {NULL, "\\frac{", "}{"};
    for (size_t g = 0; g < sizeof golds / sizeof *golds; g++) {
        rz_sample s = right->sample;
        rz_score score;
        s.answer = golds[g];
        s.meta = NULL;
        rz_rules_score(l->worker, &s, &score);
        int a = l->rules->accuracy;
        const rule *u = &l->rules->rules[a];
        if (!score.correct || !(u->answers || u->extracts || (u->verifier && u->verifier->gold))) continue;
        char shown[192];
        snprintf(shown, sizeof shown, "with the answer %s%s it passes, and scores %g", golds[g] ? "" : "missing", golds[g] ? golds[g] : "", score.score);
        rz_lint_add(l, CHECK_GOLD_PAYS, u, rz_lint_place(l, u), s.completion, s.completion_len, shown, "a problem without a usable answer is paid");
        return;
    }
}

void rz_lint_hacks(linter *l)
{
    rz_examples one = {rz_calloc(1, sizeof *one.v), 1};
    rz_hacks hacks = {0};
    rz_err ignored = {0};
    l->out->tried_hacks = l->rules->accuracy >= 0 && make_right(l, one.v) && rz_attack(&hacks, l->rules, l->worker, &one, &ignored);
    for (int i = 0; i < hacks.n; i++)
        if (hacks.v[i].verdict != RZ_HACK_LOST) tell_hack(l, &hacks.v[i]);
    if (l->out->tried_hacks) check_bad_gold(l, one.v);
    rz_attack_finish(&hacks);
    rz_examples_finish(&one);
}
