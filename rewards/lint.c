#include "rewards/lint.h"
#include "rewards/lint_checks.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; rz_lint_level level; const char *about, *remedy; } checks[N_CHECKS] = {
    [CHECK_CATASTROPHIC] = {"catastrophic", RZ_LINT_ERROR, "a short text makes the pattern hit its step limit",
        "leave one way to read a text: no repeat inside a repeat, no alternatives that begin alike, ++ or *+ (which give nothing back), [^<]* instead of .*"},
    [CHECK_SLOW] = {"slow", RZ_LINT_WARNING, "a long text makes the pattern hit its step limit", "as for catastrophic; or give the rule a smaller view"},
    [CHECK_EMPTY] = {"empty text", RZ_LINT_ERROR, "the pattern matches the empty text", "demand something: + instead of *, or \\S where a word must stand"},
    [CHECK_ANYTHING] = {"anything", RZ_LINT_ERROR, "the pattern matches texts that have nothing in common", "say in the pattern what the text must hold"},
    [CHECK_NEVER] = {"never", RZ_LINT_ERROR, "the pattern can match no text", "^ and \\A belong to the beginning, $, \\z and \\Z to the end"},
    [CHECK_UNANCHORED] = {"unanchored", RZ_LINT_WARNING, "the pattern lets any text stand around what it matches",
        "leave anywhere: true out: then all of the text must match; a $ with m ends a line only, \\z ends the text"},
    [CHECK_PYTHON] = {"python", RZ_LINT_WARNING, "it means something else here than in Python, or is spelt otherwise", "(?<name>...) for (?P<name>...), \\z for Python's \\Z"},
    [CHECK_UNUSED_GROUP] = {"unused group", RZ_LINT_WARNING, "nothing reads the named group", "read it (extract: {from: RULE, group: NAME}), or write (?:...)"},
    [CHECK_DEAD_GATE] = {"dead gate", RZ_LINT_ERROR, "a rule waits for one that can never pass", "mend the gate, or take it out of requires"},
    [CHECK_DEAD_RULE] = {"dead rule", RZ_LINT_WARNING, "the rule changes no score", "give it a weight and points that differ, or take it out"},
    [CHECK_UNUSED_VIEW] = {"unused view", RZ_LINT_WARNING, "no rule reads the view", "name it in a rule (view: NAME), or take it out"},
    [CHECK_WRONG_PAYS] = {"wrong pays", RZ_LINT_ERROR, "a wrong answer can earn as much as a right one", "keep the sum of all that can be earned without being right below what is earned by being right"},
    [CHECK_GOLD_PAYS] = {"bad gold pays", RZ_LINT_ERROR, "it pays although the problem's answer is missing or unreadable", "let such problems be errors or skips: use a compare rule"},
    [CHECK_HOLES] = {"known holes", RZ_LINT_WARNING, "it is known how this can be paid for nothing", "a strict file of the same task (rules list), or another rule as its gate, closes the hole"},
    [CHECK_EMPTY_THINK] = {"empty think", RZ_LINT_ERROR, "a completion without a thought is well formed", "use tags: [think, answer], which wants words in each"},
    [CHECK_FORM] = {"loose form", RZ_LINT_ERROR, "a broken form is well formed", "use tags: [think, answer]: each once, in this order, nothing outside"},
    [CHECK_THINKING] = {"thinking is searched", RZ_LINT_ERROR, "an answer that stands in the thinking only is taken", "require the form, or read a view behind </think>"},
    [CHECK_FIRST] = {"first match", RZ_LINT_ERROR, "the first of several answers is taken", "pick: only (the default), or last"},
    [CHECK_SUBSTRING] = {"substring", RZ_LINT_ERROR, "an answer inside something else is taken", "compare whole answers: a tag or a box, and compare"},
    [CHECK_HACK] = {"hack", RZ_LINT_ERROR, "a text that is not right is paid as if it were", "see what rules attack tells"},
};

bool rz_lint_check_at(int i, const char **name, rz_lint_level *level, const char **about, const char **remedy)
{
    if (i < 0 || i >= N_CHECKS) return false;
    *name = checks[i].name, *level = checks[i].level, *about = checks[i].about, *remedy = checks[i].remedy;
    return true;
}

/* ---- what checks use ---- */

/* It may hold NUL bytes. */
static const char *copy(rz_arena *to, const char *s, size_t n)
{
    char *out = RZ_NEW(to, n + 1, char);
    memcpy(out, s, n);
    out[n] = 0;
    return out;
}

void rz_lint_add(linter *l, check_id check, const rule *u, rz_place at, const char *input, size_t input_len, const char *shown, const char *fmt, ...)
{
    rz_lint *out = l->out;
    char sentence[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    if (out->n == out->room) out->v = rz_realloc(out->v, (size_t)(out->room = 2 * out->room + 8) * sizeof *out->v);
    out->v[out->n++] = (rz_lint_finding){.check = checks[check].name, .remedy = checks[check].remedy, .level = checks[check].level, .at = at,
        .rule = rz_arena_strndup(&out->arena, u ? u->name : "", u ? strlen(u->name) : 0), .hazard = rz_arena_strndup(&out->arena, sentence, strlen(sentence)),
        .input = input ? copy(&out->arena, input, input_len) : NULL, .input_len = input_len,
        .shown = shown ? rz_arena_strndup(&out->arena, shown, strlen(shown)) : NULL};
}

const rz_yaml *rz_lint_rule(const linter *l, const rule *u) { return rz_yaml_get(rz_yaml_get(l->root, "rules"), u->name); }

rz_place rz_lint_place(const linter *l, const rule *u)
{
    const rz_yaml *rules = rz_yaml_get(l->root, "rules");
    return rules->key_at[u - l->rules->rules]; /* rules are loaded in their order */
}

bool rz_lint_is_needed(const linter *l, const rule *u)
{
    const rz_rules *r = l->rules;
    int i = (int)(u - r->rules);
    if (i == r->accuracy || i == r->format) return true;
    for (int k = 0; k < r->n; k++) {
        if (r->rules[k].extract.from == FROM_RULE && r->rules[k].extract.rule == i) return true;
        for (int g = 0; g < r->rules[k].n_requires; g++)
            if (r->rules[k].requires[g] == i) return true;
    }
    return false;
}

static int by_place(const void *a, const void *b)
{
    const rz_lint_finding *x = a, *y = b;
    if (x->at.line != y->at.line) return x->at.line < y->at.line ? -1 : 1;
    return x->at.column != y->at.column ? (x->at.column < y->at.column ? -1 : 1) : strcmp(x->check, y->check);
}

bool rz_lint_run(rz_lint *out, const rz_rules *r, rz_rules_worker *w, const char *name, rz_err *err)
{
    *out = (rz_lint){0};
    rz_arena scratch = {0};
    rz_yaml *root = NULL;
    linter l = {.rules = r, .worker = w, .out = out, .document = {name, r->text, strlen(r->text)}};
    bool ok = rz_arena_init(&out->arena, (size_t)1 << 30, err) && rz_arena_init(&scratch, (size_t)1 << 30, err) && rz_env_init(&l.env, &scratch, err) &&
              rz_yaml_parse(&root, name, r->text, strlen(r->text), err);
    l.root = root;
    if (ok) {
        rz_lint_patterns(&l);
        rz_lint_rules(&l);
        rz_lint_hacks(&l);
        if (out->n) qsort(out->v, (size_t)out->n, sizeof *out->v, by_place);
    }
    rz_yaml_destroy(root);
    rz_env_finish(&l.env);
    rz_arena_finish(&scratch);
    return ok;
}

void rz_lint_finish(rz_lint *l)
{
    free(l->v);
    rz_arena_finish(&l->arena);
    *l = (rz_lint){0};
}
