#include "cli/rules.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/flags.h"
#include "rewards/example.h"
#include "rewards/parity.h"

#include <stdlib.h>
#include <string.h>

typedef struct { bool json; } options;

const rz_option rz_rules_parity_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "the counts as JSON, and nothing else"},
};
const int rz_rules_parity_n_flags = sizeof rz_rules_parity_flags / sizeof rz_rules_parity_flags[0];

/* By file and function, in the order in which they are met. */
typedef struct {
    const char *file;
    char *system, *function, *preset; /* owned */
    int agreed, total;
} tally;

typedef struct {
    rz_parity *parity;
    const char *file; /* in hand */
    tally *rows;      /* (n) */
    int n;
    bool json;
} counts;

static tally *row_of(counts *c, const char *file, const rz_parity_verdict *v)
{
    for (int i = c->n - 1; i >= 0; i--)
        if (c->rows[i].file == file && !strcmp(c->rows[i].system, v->system) && !strcmp(c->rows[i].function, v->function))
            return &c->rows[i];
    c->rows = rz_realloc(c->rows, (size_t)(c->n + 1) * sizeof *c->rows);
    c->rows[c->n] = (tally){file, rz_strdup(v->system), rz_strdup(v->function), rz_strdup(v->preset), 0, 0};
    return &c->rows[c->n++];
}

static void tell_disagreement(const json_t *c, const rz_parity_verdict *v)
{
    static const char *const inputs[] = {"completion", "completions", "completion_ids", "n_tokens", "gold", "meta", "params"};
    const json_t *id = json_object_get(c, "id");
    fprintf(stderr, "%s %s %s\n", json_is_string(id) ? json_string_value(id) : "-", v->system, v->function);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        const json_t *value = json_object_get(c, inputs[i]);
        if (!value || json_is_null(value) || (json_is_object(value) && !json_object_size(value)))
            continue;
        fprintf(stderr, "    %s ", inputs[i]);
        rz_print_json(stderr, value, 300);
        fputc('\n', stderr);
    }
    fputs("    expected ", stderr);
    rz_print_json(stderr, json_object_get(c, "expected"), 300);
    fputs(", ours ", stderr);
    if (v->ours)
        rz_print_json(stderr, v->ours, 300);
    else
        fputs("nothing", stderr);
    fputs(": ", stderr);
    rz_print_safe(stderr, v->reason, strlen(v->reason));
    fputc('\n', stderr);
}

static bool judge_line(void *ctx, const char *text, size_t len, int64_t number, rz_err *err)
{
    (void)number;
    counts *c = ctx;
    json_error_t e;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
    rz_parity_verdict v = {0};
    bool ok = line ? rz_parity_judge(c->parity, line, &v, err) : rz_fail(err, RZ_EDATA, "not JSON: %s", e.text);
    if (ok) {
        tally *row = row_of(c, c->file, &v);
        row->agreed += v.agreed;
        row->total++;
        if (!v.agreed && !c->json)
            tell_disagreement(line, &v);
    }
    json_decref(v.ours);
    json_decref(line);
    return ok;
}

static void print_json(const counts *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->n; i++) {
        const tally *t = &c->rows[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:i,s:i}", "file", t->file, "system", t->system, "function", t->function, "preset",
                                              t->preset, "agreed", t->agreed, "total", t->total));
    }
    json_t *o = json_pack("{s:i,s:o}", "schema", 1, "functions", list);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

static void print_table(const counts *c)
{
    int agreed = 0, total = 0;
    fprintf(stderr, "%9s %7s  %-36s %s\n", "agreed", "of", "preset", "function");
    for (int i = 0; i < c->n; i++) {
        const tally *t = &c->rows[i];
        fprintf(stderr, "%9d %7d  %-36s %s %s\n", t->agreed, t->total, t->preset[0] ? t->preset : "-", t->system, t->function);
        agreed += t->agreed;
        total += t->total;
    }
    fprintf(stderr, "%9d %7d  in all\n", agreed, total);
}

int rz_cmd_rules_parity(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    counts c = {0};
    rz_words files = {rz_calloc((size_t)argc + 1, sizeof *files.values), 0, argc};
    bool ok = rz_flags_parse_words(rz_rules_parity_flags, rz_rules_parity_n_flags, &o, NULL, NULL, &files, argc, argv, err) &&
              (files.n || rz_fail(err, RZ_EUSAGE, "a FILE.jsonl of cases is missing; --help tells what one holds")) && rz_parity_create(&c.parity, err);
    c.json = o.json;
    for (int i = 0; ok && i < files.n; i++) {
        c.file = files.values[i];
        ok = rz_lines_each(c.file, RZ_EXAMPLE_MAX_LINE, judge_line, &c, err);
    }
    if (ok)
        (o.json ? print_json : print_table)(&c);
    for (int i = 0; i < c.n; i++) {
        free(c.rows[i].system);
        free(c.rows[i].function);
        free(c.rows[i].preset);
    }
    free(c.rows);
    free(files.values);
    rz_parity_destroy(c.parity);
    rz_options_finish(rz_rules_parity_flags, rz_rules_parity_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
