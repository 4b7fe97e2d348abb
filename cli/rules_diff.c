#include "cli/rules.h"

#include "cli/flags.h"
#include "rewards/example.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool json;
    rz_text_list rules_allow;
} options;

const rz_option rz_rules_diff_flags[] = {
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "a JSON object a case that changes, and one with the counts"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_rules_diff_n_flags = sizeof rz_rules_diff_flags / sizeof rz_rules_diff_flags[0];

enum { DIFFERENT = 1 }; /* the exit status, as of `diff` */

/* One of the two rule files. */
typedef struct {
    const char *path;
    rz_rules *rules;
    rz_rules_worker *worker;
    rz_score *scores; /* of the group at hand */
    double sum;
    int correct;
} side;

typedef struct { int changed, better, worse, verdicts; } counts;

static const char *const states[] = {[RZ_PART_SCORED] = "scored", [RZ_PART_SKIPPED] = "skipped", [RZ_PART_ERROR] = "error"};

static int find(const rz_rules *r, const char *name)
{
    for (int i = 0; i < rz_rules_count(r); i++)
        if (!strcmp(rz_rules_name(r, i), name))
            return i;
    return -1;
}

static bool same_part(const rz_part *a, const rz_part *b) { return a->state == b->state && a->points == b->points; }

static bool same(const side *s, const rz_score *a, const rz_score *b)
{
    bool equal = a->score == b->score && a->correct == b->correct && a->format_ok == b->format_ok;
    for (int i = 0; equal && i < rz_rules_count(s[0].rules); i++) {
        int k = find(s[1].rules, rz_rules_name(s[0].rules, i));
        equal = k < 0 || same_part(&a->parts[i], &b->parts[k]);
    }
    return equal;
}

static json_t *part_json(const rz_part *p)
{
    return json_pack("{s:s,s:f,s:s}", "state", states[p->state], "points", p->points, "reason", p->reason);
}

/* The rules that judge differently, and those that only one file has: [part in A, part in B], null for one that is not there. */
static json_t *changes_json(const side *s, const rz_score *of[2])
{
    json_t *parts = json_object();
    for (int i = 0; i < rz_rules_count(s[0].rules); i++) {
        const char *name = rz_rules_name(s[0].rules, i);
        int k = find(s[1].rules, name);
        if (k < 0 || !same_part(&of[0]->parts[i], &of[1]->parts[k]))
            json_object_set_new(parts, name, json_pack("[o,o]", part_json(&of[0]->parts[i]), k < 0 ? json_null() : part_json(&of[1]->parts[k])));
    }
    for (int k = 0; k < rz_rules_count(s[1].rules); k++)
        if (find(s[0].rules, rz_rules_name(s[1].rules, k)) < 0)
            json_object_set_new(parts, rz_rules_name(s[1].rules, k), json_pack("[n,o]", part_json(&of[1]->parts[k])));
    return parts;
}

static void tell_part(const char *path, const json_t *p)
{
    fprintf(stderr, "      %s: ", path);
    if (json_is_null(p)) {
        fputs("no such rule\n", stderr);
        return;
    }
    fprintf(stderr, "%s, %g points: ", json_string_value(json_object_get(p, "state")), json_number_value(json_object_get(p, "points")));
    const char *reason = json_string_value(json_object_get(p, "reason"));
    rz_print_safe(stderr, reason, strlen(reason));
    fputc('\n', stderr);
}

static void tell(const side *s, const rz_example *e, const rz_score *of[2], bool json)
{
    json_t *parts = changes_json(s, of), *pair;
    const char *rule;
    if (json) {
        json_t *o = json_pack("{s:i,s:I,s:s,s:[f,f],s:[b,b],s:[b,b],s:o}", "schema", 1, "line", (json_int_t)e->number, "name", e->name, "score", of[0]->score,
                              of[1]->score, "correct", of[0]->correct, of[1]->correct, "format_ok", of[0]->format_ok, of[1]->format_ok, "parts", parts);
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
        putchar('\n');
        json_decref(o);
        return;
    }
    fprintf(stderr, "line %lld%s", (long long)e->number, e->name[0] ? ", " : "");
    rz_print_safe(stderr, e->name, strlen(e->name));
    fprintf(stderr, ": score %g -> %g", of[0]->score, of[1]->score);
    if (of[0]->correct != of[1]->correct)
        fputs(of[1]->correct ? ", now correct" : ", no longer correct", stderr);
    if (of[0]->format_ok != of[1]->format_ok)
        fputs(of[1]->format_ok ? ", format now ok" : ", format no longer ok", stderr);
    fputc('\n', stderr);
    json_object_foreach(parts, rule, pair) {
        fprintf(stderr, "    rule '%s'\n", rule);
        for (size_t i = 0; i < 2; i++)
            tell_part(s[i].path, json_array_get(pair, i));
    }
    json_decref(parts);
}

static void compare(side *s, const rz_examples *cases, bool json, counts *c)
{
    for (int i = 0, n; i < cases->n; i += n) {
        n = rz_examples_group(cases, i);
        for (int k = 0; k < 2; k++)
            rz_examples_score(s[k].worker, &cases->v[i], n, s[k].scores);
        for (int k = 0; k < n; k++) {
            const rz_score *of[2] = {&s[0].scores[k], &s[1].scores[k]};
            for (int side_i = 0; side_i < 2; side_i++) {
                s[side_i].sum += of[side_i]->score;
                s[side_i].correct += of[side_i]->correct;
            }
            if (same(s, of[0], of[1]))
                continue;
            c->changed++;
            c->better += of[1]->score > of[0]->score;
            c->worse += of[1]->score < of[0]->score;
            c->verdicts += of[1]->correct != of[0]->correct;
            tell(s, &cases->v[i + k], of, json);
        }
    }
}

static void tell_counts(const side *s, int n, const counts *c, bool json)
{
    if (!json) {
        fprintf(stderr, "%d of %d cases change: %d score more, %d less, %d change between correct and not; mean score %.4g -> %.4g, correct %d -> %d\n", c->changed,
                n, c->better, c->worse, c->verdicts, s[0].sum / n, s[1].sum / n, s[0].correct, s[1].correct);
        return;
    }
    json_t *o = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:[f,f],s:[i,i]}", "schema", 1, "cases", n, "changed", c->changed, "more", c->better, "less", c->worse,
                          "correct_changed", c->verdicts, "mean_score", s[0].sum / n, s[1].sum / n, "correct", s[0].correct, s[1].correct);
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(o);
}

int rz_cmd_rules_diff(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *values[3];
    rz_words words = {values, 0, 3};
    side s[2] = {0};
    rz_examples cases = {0};
    counts c = {0};
    bool ok = rz_flags_parse_words(rz_rules_diff_flags, rz_rules_diff_n_flags, &o, NULL, NULL, &words, argc, argv, err) &&
              (words.n == 3 || rz_fail(err, RZ_EUSAGE, "rules diff takes two rule files and a file of cases: A B CASES.jsonl"));
    for (int i = 0; ok && i < 2; i++) {
        s[i].path = values[i];
        s[i].scores = rz_malloc(RZ_EXAMPLE_MAX_GROUP * sizeof *s[i].scores);
        ok = rz_rules_open(values[i], &o.rules_allow, &s[i].rules, &s[i].worker, err);
    }
    ok = ok && rz_examples_load(&cases, values[2], err) && (cases.n || rz_fail(err, RZ_EDATA, "%s holds no cases", values[2]));
    if (ok) {
        compare(s, &cases, o.json, &c);
        tell_counts(s, cases.n, &c, o.json);
    }
    for (int i = 0; i < 2; i++) {
        free(s[i].scores);
        rz_rules_close(s[i].rules, s[i].worker);
    }
    rz_examples_finish(&cases);
    rz_options_finish(rz_rules_diff_flags, rz_rules_diff_n_flags, &o);
    return !ok ? (int)err->code : c.changed ? DIFFERENT : 0;
}
