#include "cli/cli.h"

#include "base/file.h"
#include "rewards/rules.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 64 << 20 };

typedef struct {
    const char *rules, *file;
    bool explain;
} score_arguments;

static bool parse(score_arguments *a, int argc, char **argv, rz_err *err)
{
    for (int i = 0; i < argc; i++) {
        if (!strcmp(argv[i], "--rules") && i + 1 < argc)
            a->rules = argv[++i];
        else if (!strncmp(argv[i], "--rules=", 8))
            a->rules = argv[i] + 8;
        else if (!strcmp(argv[i], "--explain"))
            a->explain = true;
        else if (argv[i][0] == '-' || a->file)
            return rz_fail(err, RZ_EUSAGE, "'%s' is not understood: score --rules R [--explain] FILE.jsonl", argv[i]);
        else
            a->file = argv[i];
    }
    if (!a->rules)
        return rz_fail(err, RZ_EUSAGE, "--rules is missing; for example --rules configs/rules/countdown.yaml");
    return a->file || rz_fail(err, RZ_EUSAGE, "a FILE.jsonl is missing: one object with \"completion\" a line");
}

/* What a line says. Texts live in `line` and meta. */
typedef struct {
    json_t *line;
    char *answer, *meta; /* owned */
    rz_sample sample;
} sample_line;

static bool read_line(sample_line *l, const char *text, size_t len, rz_err *err)
{
    json_error_t e;
    l->line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    if (!json_is_object(l->line))
        return rz_fail(err, RZ_EDATA, "not a JSON object: %s", l->line ? "another kind of value" : e.text);
    const json_t *completion = json_object_get(l->line, "completion"), *prompt = json_object_get(l->line, "prompt"),
                 *answer = json_object_get(l->line, "answer"), *meta = json_object_get(l->line, "meta"), *n = json_object_get(l->line, "n_tokens"),
                 *truncated = json_object_get(l->line, "truncated");
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
    l->sample = (rz_sample){json_string_value(completion), json_string_length(completion), json_string_value(prompt), l->answer, l->meta,
                            json_is_integer(n) ? (int)json_integer_value(n) : -1, json_is_true(truncated)};
    return true;
}

static void finish_line(sample_line *l)
{
    json_decref(l->line);
    free(l->answer);
    free(l->meta);
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

static bool score_file(const score_arguments *a, const rz_rules *rules, rz_rules_worker *worker, rz_err *err)
{
    rz_lines *lines;
    char *text;
    size_t len;
    bool ok = rz_lines_open(&lines, a->file, MAX_LINE, err);
    while (ok && rz_lines_next(lines, &text, &len, err)) {
        sample_line l = {0};
        rz_score score;
        if (text[strspn(text, " \t\r")] == 0) /* a blank line */
            continue;
        ok = read_line(&l, text, len, err) || rz_err_note(err, "%s:%lld", a->file, (long long)rz_lines_number(lines));
        if (ok) {
            rz_rules_score(worker, &l.sample, &score);
            print_score(rules, &score, a->explain);
        }
        finish_line(&l);
    }
    rz_lines_close(lines);
    return ok && !err->code;
}

int rz_cmd_score(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    score_arguments a = {0};
    rz_rules *rules = NULL;
    rz_rules_worker *worker = NULL;
    bool ok = parse(&a, argc, argv, err) && rz_rules_load(&rules, a.rules, err) && rz_rules_worker_create(&worker, rules, err) &&
              score_file(&a, rules, worker, err);
    rz_rules_worker_destroy(worker);
    rz_rules_destroy(rules);
    return ok ? 0 : (int)err->code;
}
