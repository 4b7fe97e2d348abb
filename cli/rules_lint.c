#include "cli/rules.h"

#include "cli/flags.h"
#include "rewards/lint.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json, strict;
    rz_text_list rules_allow;
} options;

const rz_option rz_rules_lint_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "the findings as one JSON object"},
    {"strict", RZ_OPT_BOOL, offsetof(options, strict), "false", 0, 0, NULL, RZ_OPT_FIXED, "warnings too make the exit status 65"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_rules_lint_n_flags = sizeof rz_rules_lint_flags / sizeof rz_rules_lint_flags[0];

enum { SHOWN_INPUT = 240 };

static const char *const levels[] = {[RZ_LINT_WARNING] = "warning", [RZ_LINT_ERROR] = "error"};

static json_t *input_json(const rz_lint_finding *f)
{
    return f->input ? rz_text_json(f->input, f->input_len) : json_null();
}

static void tell(const char *file, const rz_lint_finding *f)
{
    fprintf(stderr, "%s:%d:%d: %s: %s%s%s", file, f->at.line, f->at.column, levels[f->level], f->rule[0] ? "rule '" : "", f->rule, f->rule[0] ? "': " : "");
    rz_print_safe(stderr, f->hazard, strlen(f->hazard));
    fprintf(stderr, " (%s)\n", f->check);
    if (f->input) {
        json_t *j = input_json(f);
        fputs("    input: ", stderr);
        rz_print_json(stderr, j, SHOWN_INPUT);
        fprintf(stderr, "\n    %s\n", f->shown ? f->shown : "");
        json_decref(j);
    }
    fprintf(stderr, "    remedy: %s\n", f->remedy);
}

static void count(const rz_lint *l, int by_level[2])
{
    by_level[0] = by_level[1] = 0;
    for (int i = 0; i < l->n; i++)
        by_level[l->v[i].level]++;
}

static void print_people(const char *file, const rz_lint *l)
{
    int n[2];
    count(l, n);
    for (int i = 0; i < l->n; i++)
        tell(file, &l->v[i]);
    fprintf(stderr, "%s: %d error%s, %d warning%s\n", file, n[RZ_LINT_ERROR], n[RZ_LINT_ERROR] == 1 ? "" : "s", n[RZ_LINT_WARNING], n[RZ_LINT_WARNING] == 1 ? "" : "s");
    if (!l->tried_hacks)
        fputs("no right completion could be made up for these rules, so no hacks were tried: rules attack does, with cases of yours\n", stderr);
}

static void print_json(const char *file, const rz_lint *l)
{
    int n[2];
    json_t *list = json_array();
    count(l, n);
    for (int i = 0; i < l->n; i++) {
        const rz_lint_finding *f = &l->v[i];
        json_array_append_new(list, json_pack("{s:i,s:i,s:s,s:s,s:s,s:s,s:o,s:s?,s:s}", "line", f->at.line, "column", f->at.column, "level", levels[f->level], "check",
                                              f->check, "rule", f->rule, "hazard", f->hazard, "input", input_json(f), "shown", f->shown, "remedy", f->remedy));
    }
    json_t *o = json_pack("{s:i,s:s,s:i,s:i,s:b,s:o}", "schema", 1, "file", file, "errors", n[RZ_LINT_ERROR], "warnings", n[RZ_LINT_WARNING], "hacks_tried",
                          l->tried_hacks, "findings", list);
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

int rz_cmd_rules_lint(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *file = NULL;
    rz_rules *r = NULL;
    rz_rules_worker *w = NULL;
    rz_lint l = {0};
    int n[2];
    bool ok = rz_flags_parse(rz_rules_lint_flags, rz_rules_lint_n_flags, &o, NULL, NULL, &file, argc, argv, err) &&
              (file || rz_fail(err, RZ_EUSAGE, "a rule file is missing, as in rules lint my.yaml")) && rz_rules_open(file, &o.rules_allow, &r, &w, err) &&
              rz_lint_run(&l, r, w, file, err);
    count(&l, n);
    if (ok)
        (o.json ? print_json : print_people)(file, &l);
    bool bad = n[RZ_LINT_ERROR] || (o.strict && n[RZ_LINT_WARNING]);
    rz_lint_finish(&l);
    rz_rules_close(r, w);
    rz_options_finish(rz_rules_lint_flags, rz_rules_lint_n_flags, &o);
    return !ok ? (int)err->code : bad ? RZ_RULES_FINDINGS : 0;
}
