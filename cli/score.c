#include "cli/cli.h"

#include "base/file.h"
#include "cli/flags.h"
#include "rewards/rules.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 64 << 20 };

typedef struct {
    char *rules;
    bool explain;
} options;

const rz_option rz_score_flags[] = {
    {"rules", RZ_OPT_TEXT, offsetof(options, rules), "", 0, 0, NULL, RZ_OPT_FIXED, "rule file"},
    {"explain", RZ_OPT_BOOL, offsetof(options, explain), "false", 0, 0, NULL, RZ_OPT_FIXED, "tell of each rule why"},
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

/* What a line says. Texts live in `line` and meta. */
typedef struct {
    json_t *line;
    char *answer, *meta; /* owned */
    int32_t *ids;        /* owned; NULL: none are given */
    rz_sample sample;
} sample_line;

static bool read_ids(sample_line *l, const json_t *ids, rz_err *err)
{
    if (!ids || json_is_null(ids))
        return true;
    size_t n = json_array_size(ids);
    l->ids = rz_malloc((n + 1) * sizeof *l->ids);
    for (size_t i = 0; i < n; i++)
        l->ids[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    return json_is_array(ids) || rz_fail(err, RZ_EDATA, "\"completion_ids\" must be a list of ids");
}

static bool read_line(sample_line *l, const char *text, size_t len, rz_err *err)
{
    json_error_t e;
    l->line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!json_is_object(l->line))
        return rz_fail(err, RZ_EDATA, "not a JSON object: %s", l->line ? "another kind of value" : e.text);
    const json_t *completion = json_object_get(l->line, "completion"), *prompt = json_object_get(l->line, "prompt"),
                 *answer = json_object_get(l->line, "answer"), *meta = json_object_get(l->line, "meta"), *n = json_object_get(l->line, "n_tokens"),
                 *ids = json_object_get(l->line, "completion_ids"), *truncated = json_object_get(l->line, "truncated");
    if (!json_is_string(completion))
        return rz_fail(err, RZ_EDATA, "\"completion\" is %s, must be text", completion ? "no text" : "missing");
    if (answer && json_is_string(answer))
        l->answer = rz_strdup(json_string_value(answer));
    else if (answer && json_is_number(answer))
        l->answer = json_dumps(answer, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    else if (answer && !json_is_null(answer))
        return rz_fail(err, RZ_EDATA, "\"answer\" must be text or a number");
    if (meta && !json_is_null(meta) && !json_is_object(meta))
        return rz_fail(err, RZ_EDATA, "\"meta\" must be an object");
    l->meta = json_is_object(meta) ? json_dumps(meta, JSON_COMPACT) : NULL;
    if (!read_ids(l, ids, err))
        return false;
    l->sample = (rz_sample){.completion = json_string_value(completion), .completion_len = json_string_length(completion), .prompt = json_string_value(prompt),
                            .answer = l->answer, .meta = l->meta, .truncated = json_is_true(truncated),
                            .n_tokens = json_is_integer(n) ? (int)json_integer_value(n) : l->ids ? (int)json_array_size(ids) : -1, .ids = l->ids};
    return true;
}

static void finish_line(sample_line *l)
{
    json_decref(l->line);
    free(l->answer);
    free(l->meta);
    free(l->ids);
}

static json_t *explain_part(const char *rule, double weight, const rz_part *p)
{
    static const char *const states[] = {[RZ_PART_SCORED] = "scored", [RZ_PART_SKIPPED] = "skipped", [RZ_PART_ERROR] = "error"};
    json_t *o = json_pack("{s:s,s:s,s:f,s:f,s:s,s:s,s:s}", "rule", rule, "state", states[p->state], "points", p->points, "weight", weight, "found",
                          p->found, "expected", p->expected, "reason", p->reason);
    if (!o) /* a text cut inside a character is no JSON text */
        o = json_pack("{s:s,s:s,s:f,s:f}", "rule", rule, "state", states[p->state], "points", p->points, "weight", weight);
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

static bool score_file(const options *o, const char *file, const rz_rules *rules, rz_rules_worker *worker, rz_err *err)
{
    rz_lines *lines;
    char *text;
    size_t len;
    bool ok = rz_lines_open(&lines, file, MAX_LINE, err);
    while (ok && rz_lines_next(lines, &text, &len, err)) {
        sample_line l = {0};
        rz_score score;
        if (text[strspn(text, " \t\r")] == 0) /* a blank line */
            continue;
        ok = read_line(&l, text, len, err) || rz_err_note(err, "%s:%lld", file, (long long)rz_lines_number(lines));
        if (ok) {
            rz_rules_score(worker, &l.sample, &score);
            print_score(rules, &score, o->explain);
        }
        finish_line(&l);
    }
    rz_lines_close(lines);
    return ok && !err->code;
}

int rz_cmd_score(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *file = NULL;
    rz_rules *rules = NULL;
    rz_rules_worker *worker = NULL;
    bool ok = parse(&o, &file, argc, argv, err) && rz_rules_load(&rules, o.rules, err) && rz_rules_worker_create(&worker, rules, err) &&
              score_file(&o, file, rules, worker, err);
    rz_rules_worker_destroy(worker);
    rz_rules_destroy(rules);
    rz_options_finish(rz_score_flags, rz_score_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
