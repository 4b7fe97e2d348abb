#include "cli/rules.h"

#include "base/file.h"
#include "cli/flags.h"
#include "cli/html.h"
#include "rewards/example.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    bool tap;
    char *junit;
    rz_text_list rules_allow;
} options;

const rz_option rz_rules_test_flags[] = {
    {"tap", RZ_OPT_BOOL, offsetof(options, tap), "false", 0, 0, NULL, RZ_OPT_FIXED, "print the verdicts as TAP (Test Anything Protocol, 13)"},
    {"junit", RZ_OPT_TEXT, offsetof(options, junit), "", 0, 0, NULL, RZ_OPT_FIXED, "also write them to this file, as JUnit's XML"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_rules_test_n_flags = sizeof rz_rules_test_flags / sizeof rz_rules_test_flags[0];

/* Of one case. Texts are owned. */
typedef struct {
    char *differences; /* NULL: it passes */
    char *explained;   /* the score in words, of one that fails */
} verdict;

static char *default_cases(const char *rules)
{
    const char *dot = strrchr(rules, '.'), *slash = strrchr(rules, '/');
    size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - rules) : strlen(rules);
    return rz_asprintf("%.*s.cases.jsonl", (int)n, rules);
}

static bool judge(const rz_rules *r, rz_rules_worker *w, const rz_examples *cases, const char *file, verdict *v, rz_err *err)
{
    rz_score *scores = rz_malloc((size_t)RZ_EXAMPLE_MAX_GROUP * sizeof *scores);
    bool ok = true;
    for (int i = 0, n; ok && i < cases->n; i += n) {
        n = rz_examples_group(cases, i);
        rz_examples_score(w, &cases->v[i], n, scores);
        for (int k = 0; ok && k < n; k++) {
            const rz_example *e = &cases->v[i + k];
            ok = rz_example_check(e, r, &scores[k], &v[i + k].differences, err) || rz_err_note(err, "%s:%lld", file, (long long)e->number);
            if (v[i + k].differences)
                v[i + k].explained = rz_score_explain(r, &scores[k]);
        }
    }
    free(scores);
    return ok;
}

static void print_people(const rz_examples *cases, const char *file, const verdict *v, int failed)
{
    for (int i = 0; i < cases->n; i++) {
        if (!v[i].differences)
            continue;
        fprintf(stderr, "FAILED %s:%lld", file, (long long)cases->v[i].number);
        fputs(cases->v[i].name[0] ? ": " : "", stderr);
        rz_print_safe(stderr, cases->v[i].name, strlen(cases->v[i].name));
        fputc('\n', stderr);
        rz_print_lines(stderr, "    ", v[i].differences);
        rz_print_lines(stderr, "      ", v[i].explained);
    }
    if (failed)
        fprintf(stderr, "%d of %d cases failed\n", failed, cases->n);
    else
        fprintf(stderr, "%d case%s passed\n", cases->n, cases->n > 1 ? "s" : "");
}

static void print_tap(const rz_examples *cases, const verdict *v)
{
    printf("TAP version 13\n1..%d\n", cases->n);
    for (int i = 0; i < cases->n; i++) {
        printf("%sok %d - line %lld", v[i].differences ? "not " : "", i + 1, (long long)cases->v[i].number);
        fputs(cases->v[i].name[0] ? ": " : "", stdout);
        for (const char *c = cases->v[i].name; *c; c++) /* # would begin a directive, and a line ends the test */
            putchar(*c == '#' || (unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c);
        putchar('\n');
        if (v[i].differences) {
            rz_print_lines(stdout, "# ", v[i].differences);
            rz_print_lines(stdout, "#   ", v[i].explained);
        }
    }
}

static bool write_junit(const char *path, const char *rules, const rz_examples *cases, const verdict *v, int failed, rz_err *err)
{
    rz_html x;
    rz_html_init(&x);
    rz_html_markup(&x, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"");
    rz_html_text(&x, rules, strlen(rules));
    rz_html_markup(&x, "\" tests=\"%d\" failures=\"%d\" errors=\"0\">\n", cases->n, failed);
    for (int i = 0; i < cases->n; i++) {
        const char *name = cases->v[i].name;
        rz_html_markup(&x, "<testcase classname=\"");
        rz_html_text(&x, rules, strlen(rules));
        rz_html_markup(&x, "\" name=\"line %lld%s", (long long)cases->v[i].number, name[0] ? ": " : "");
        rz_html_text(&x, name, strlen(name));
        rz_html_markup(&x, "\">");
        if (v[i].differences) {
            rz_html_markup(&x, "<failure message=\"");
            rz_html_text(&x, v[i].differences, strcspn(v[i].differences, "\n"));
            rz_html_markup(&x, "\">");
            rz_html_text(&x, v[i].differences, strlen(v[i].differences));
            rz_html_markup(&x, "\n");
            rz_html_text(&x, v[i].explained, strlen(v[i].explained));
            rz_html_markup(&x, "</failure>");
        }
        rz_html_markup(&x, "</testcase>\n");
    }
    rz_html_markup(&x, "</testsuite>\n</testsuites>\n");
    rz_html_finish(&x);
    bool ok = rz_file_write(path, x.data, x.len, err);
    free(x.data);
    return ok;
}

/* The cases' file: the one given, or the one beside the rules. */
static bool load_cases(const rz_words *words, char **path, rz_examples *cases, rz_err *err)
{
    *path = words->n > 1 ? rz_strdup(words->values[1]) : default_cases(words->values[0]);
    if (words->n < 2 && !rz_file_exists(*path))
        return rz_fail(err, RZ_EUSAGE, "%s is not there, where the cases of %s are looked for: write them, or name their file", *path, words->values[0]);
    if (!rz_examples_load(cases, *path, err))
        return false;
    return cases->n || rz_fail(err, RZ_EDATA, "%s holds no cases", *path);
}

static bool run(const rz_words *words, const options *o, int *failed, rz_err *err)
{
    rz_rules *r = NULL;
    rz_rules_worker *w = NULL;
    rz_examples cases = {0};
    char *path = NULL;
    verdict *v = NULL;
    bool ok = rz_rules_open(words->values[0], &o->rules_allow, &r, &w, err) && load_cases(words, &path, &cases, err);
    if (ok) {
        v = rz_calloc((size_t)cases.n, sizeof *v);
        ok = judge(r, w, &cases, path, v, err);
    }
    for (int i = 0; ok && i < cases.n; i++)
        *failed += v[i].differences != NULL;
    if (ok && o->tap)
        print_tap(&cases, v);
    else if (ok)
        print_people(&cases, path, v, *failed);
    if (ok && o->junit[0])
        ok = write_junit(o->junit, words->values[0], &cases, v, *failed, err);
    for (int i = 0; v && i < cases.n; i++) {
        free(v[i].differences);
        free(v[i].explained);
    }
    free(v);
    free(path);
    rz_examples_finish(&cases);
    rz_rules_close(r, w);
    return ok;
}

int rz_cmd_rules_test(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *values[2];
    rz_words words = {values, 0, 2};
    int failed = 0;
    bool ok = rz_flags_parse_words(rz_rules_test_flags, rz_rules_test_n_flags, &o, NULL, NULL, &words, argc, argv, err) &&
              (words.n || rz_fail(err, RZ_EUSAGE, "a rule file is missing, as in rules test my.yaml")) && run(&words, &o, &failed, err);
    rz_options_finish(rz_rules_test_flags, rz_rules_test_n_flags, &o);
    return !ok ? (int)err->code : failed ? RZ_RULES_FINDINGS : 0;
}
