#include "cli/cli.h"

#include "base/file.h"
#include "cli/flags.h"
#include "rewards/example.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *rules;
    bool explain;
    rz_text_list rules_allow;
} options;

const rz_option rz_score_flags[] = {
    {"rules", RZ_OPT_TEXT, offsetof(options, rules), "", 0, 0, NULL, RZ_OPT_FIXED, "rule file"},
    {"explain", RZ_OPT_BOOL, offsetof(options, explain), "false", 0, 0, NULL, RZ_OPT_FIXED, "tell of each rule why"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_score_n_flags = sizeof rz_score_flags / sizeof rz_score_flags[0];

static bool parse(options *o, const char **file, int argc, char **argv, rz_err *err)
{
    if (!rz_flags_parse(rz_score_flags, rz_score_n_flags, o, NULL, NULL, file, argc, argv, err))
        return false;
    if (!o->rules[0])
        return rz_fail(err, RZ_EUSAGE, "--rules is missing; for example --rules configs/rules/countdown.yaml");
    return *file || rz_fail(err, RZ_EUSAGE, "a FILE.jsonl is missing: one object with \"completion\" a line");
}

static json_t *explain_part(const char *rule, double weight, const rz_part *p)
{
    static const char *const states[] = {[RZ_PART_SCORED] = "scored", [RZ_PART_SKIPPED] = "skipped", [RZ_PART_ERROR] = "error"};
    json_t *o = json_pack("{s:s,s:s,s:f,s:f,s:s,s:s,s:s}", "rule", rule, "state", states[p->state], "points", p->points, "weight", weight, "found",
                          p->found, "expected", p->expected, "reason", p->reason);
    if (!o) /* a text cut inside a character is no JSON text */
        o = json_pack("{s:s,s:s,s:f,s:f}", "rule", rule, "state", states[p->state], "points", p->points, "weight", weight);
    if (p->crashed)
        json_object_set_new(o, "crashed", json_true());
    if (p->nondeterministic)
        json_object_set_new(o, "nondeterministic", json_true());
    if (p->span.start != SIZE_MAX)
        json_object_set_new(o, "span", json_pack("[I,I]", (json_int_t)p->span.start, (json_int_t)p->span.end));
    return o;
}

static void print_score(const rz_rules *rules, const rz_score *s, bool explain)
{
    json_t *parts = json_object(), *skipped = json_array(), *errors = json_array(), *why = json_array();
    for (int i = 0; i < rz_rules_count(rules); i++) {
        const rz_part *p = &s->parts[i];
        const char *name = rz_rules_name(rules, i);
        if (p->state == RZ_PART_SCORED)
            json_object_set_new(parts, name, json_real(p->points));
        else
            json_array_append_new(p->state == RZ_PART_SKIPPED ? skipped : errors, json_string(name));
        if (explain)
            json_array_append_new(why, explain_part(name, rz_rules_weight(rules, i), p));
    }
    json_t *o = json_pack("{s:i,s:f,s:b,s:b,s:o,s:o,s:o}", "schema", 1, "score", s->score, "correct", s->correct, "format_ok", s->format_ok, "parts",
                          parts, "skipped", skipped, "errors", errors);
    if (explain)
        json_object_set_new(o, "explain", why);
    else
        json_decref(why);
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(o);
}

/* Those that wait to be scored together: examples of one group, or one alone. */
typedef struct {
    const options *o;
    const rz_rules *rules;
    rz_rules_worker *worker;
    rz_example waiting[RZ_EXAMPLE_MAX_GROUP];
    int n;
} scorer;

static void score_waiting(scorer *s)
{
    rz_score *scores = rz_malloc((size_t)(s->n + 1) * sizeof *scores);
    if (s->n)
        rz_examples_score(s->worker, s->waiting, s->n, scores);
    for (int i = 0; i < s->n; i++) {
        print_score(s->rules, &scores[i], s->o->explain);
        rz_example_finish(&s->waiting[i]);
    }
    free(scores);
    s->n = 0;
}

static bool take_line(void *ctx, const char *text, size_t len, int64_t number, rz_err *err)
{
    (void)number;
    scorer *s = ctx;
    rz_example e;
    bool ok = rz_example_read(&e, text, len, err), same = ok && s->n && rz_example_same_group(&s->waiting[0], &e);
    if (ok && same && s->n == RZ_EXAMPLE_MAX_GROUP)
        ok = rz_fail(err, RZ_EDATA, "over %d completions in one \"group\"", RZ_EXAMPLE_MAX_GROUP);
    if (!same)
        score_waiting(s);
    if (ok)
        s->waiting[s->n++] = e;
    else
        rz_example_finish(&e);
    if (ok && !e.group)
        score_waiting(s);
    return ok;
}

static bool score_file(scorer *s, const char *file, rz_err *err)
{
    bool ok = rz_lines_each(file, RZ_EXAMPLE_MAX_LINE, take_line, s, err);
    score_waiting(s);
    return ok;
}

int rz_cmd_score(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *file = NULL;
    rz_rules *rules = NULL;
    scorer *s = rz_calloc(1, sizeof *s);
    bool ok = parse(&o, &file, argc, argv, err) && rz_rules_load(&rules, o.rules, err) && rz_helper_allow(rz_cli_helper(), &o.rules_allow, err) &&
              rz_rules_worker_create(&s->worker, rules, rz_cli_helper(), err);
    s->o = &o;
    s->rules = rules;
    ok = ok && score_file(s, file, err);
    rz_rules_worker_destroy(s->worker);
    free(s);
    rz_rules_destroy(rules);
    rz_options_finish(rz_score_flags, rz_score_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
