#include "cli/rules.h"

#include "base/file.h"
#include "cli/flags.h"
#include "rewards/example.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 256, MAX_ROUNDS = 100000, SLOWEST = 5 };

typedef struct {
    int64_t bytes, count;
    double seconds;
    bool json;
    rz_text_list rules_allow;
} options;

const rz_option rz_rules_bench_flags[] = {
    {"bytes", RZ_OPT_INT, offsetof(options, bytes), "4096", 64, 16 << 20, NULL, RZ_OPT_FIXED, "without CASES: length of the completions that are made up"},
    {"count", RZ_OPT_INT, offsetof(options, count), "200", 1, 100000, NULL, RZ_OPT_FIXED, "without CASES: how many"},
    {"seconds", RZ_OPT_FLOAT, offsetof(options, seconds), "2", 0, 3600, NULL, RZ_OPT_FIXED, "rounds of all rule files in turn are made for so long, at least three; 0: one"},
    {"json", RZ_OPT_BOOL, offsetof(options, json), "false", 0, 0, NULL, RZ_OPT_FIXED, "a JSON object a rule file"},
    RZ_RULES_ALLOW_FLAG(options),
};
const int rz_rules_bench_n_flags = sizeof rz_rules_bench_flags / sizeof rz_rules_bench_flags[0];

/* A rule file and what it takes, in seconds. */
typedef struct {
    const char *path;
    rz_rules *rules;
    rz_rules_worker *worker;
    double best;     /* of a round over all cases */
    double *case_s;  /* (cases): the fastest time of each; of a group, its share */
    double *cpu_s;   /* (cases): the least processor time of each, in the metered rounds */
    int64_t *work;   /* (cases): units, as the rules count */
    double *rule_s;  /* (rules): in the fastest metered round */
    double metered;  /* that round */
} bench;

/* ---- completions that are made up: words of thinking that end in a box and a mark, then a number in tags ---- */

static char *made_completion(int64_t bytes, int64_t i)
{
    static const char *const words[] = {"so", "the", "sum", "is", "3", "+", "4", "=", "7,", "then", "we", "take", "away", "12", "and", "check\n", "it", "again."};
    char *text, *end = rz_asprintf("\n\\boxed{%lld}\n#### %lld\n</think>\n<answer>\n%lld\n</answer>", (long long)i, (long long)i, (long long)i);
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        rz_out_of_memory(BUFSIZ);
    fputs("<think>\n", f);
    for (int64_t k = i, n = 8 + (int64_t)strlen(end); n < bytes; k++) {
        const char *word = words[(k * 7 + k / 5) % (int64_t)(sizeof words / sizeof words[0])];
        n += fprintf(f, "%s ", word);
    }
    fputs(end, f);
    free(end);
    if (fclose(f) != 0)
        rz_out_of_memory(BUFSIZ);
    return text;
}

static void make_examples(rz_examples *all, const options *o)
{
    all->n = (int)o->count;
    all->v = rz_calloc((size_t)o->count, sizeof *all->v);
    for (int i = 0; i < all->n; i++) {
        rz_example *e = &all->v[i];
        e->completion = made_completion(o->bytes, i);
        e->answer = rz_asprintf("%d", i);
        e->meta = rz_asprintf("{\"numbers\":[%d,1],\"target\":%d}", i - 1 < 0 ? 0 : i - 1, i);
        e->sample = (rz_sample){.completion = e->completion, .completion_len = strlen(e->completion), .answer = e->answer, .meta = e->meta,
                                .n_tokens = (int)(o->bytes / 4)};
    }
}

/* ---- rounds ---- */

/* Metered: with a clock around each rule and one of processor time around each case, which cost something. */
static void round_of(bench *b, const rz_examples *cases, rz_score *scores, bool metered)
{
    int n_rules = rz_rules_count(b->rules);
    double *spent = rz_calloc((size_t)n_rules, sizeof *spent), start = rz_now_s(), before = start, cpu = metered ? rz_cpu_s() : 0;
    rz_rules_meter(b->worker, metered ? spent : NULL);
    for (int i = 0, n; i < cases->n; i += n) {
        n = rz_examples_group(cases, i);
        rz_examples_score(b->worker, &cases->v[i], n, scores);
        double now = rz_now_s(), cpu_now = metered ? rz_cpu_s() : 0;
        for (int k = 0; k < n; k++) {
            b->case_s[i + k] = fmin(b->case_s[i + k], (now - before) / n);
            if (metered)
                b->cpu_s[i + k] = fmin(b->cpu_s[i + k], (cpu_now - cpu) / n);
            b->work[i + k] = scores[k].work;
        }
        before = now;
        cpu = cpu_now;
    }
    double took = rz_now_s() - start;
    b->best = fmin(b->best, took);
    if (metered && took < b->metered) {
        b->metered = took;
        memcpy(b->rule_s, spent, (size_t)n_rules * sizeof *spent);
    }
    free(spent);
}

/* Indices of the cases that take most processor time, the slowest first. Returns how many. */
static int slowest(const bench *b, const rz_examples *cases, int out[SLOWEST])
{
    int n = 0;
    for (int i = 0; i < cases->n; i++) {
        if (n == SLOWEST && b->cpu_s[i] <= b->cpu_s[out[n - 1]])
            continue;
        int at = n < SLOWEST ? n++ : n - 1;
        for (; at > 0 && b->cpu_s[i] > b->cpu_s[out[at - 1]]; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(bench *files, int n, const rz_examples *cases, double seconds)
{
    rz_score *scores = rz_malloc(RZ_EXAMPLE_MAX_GROUP * sizeof *scores);
    double start = rz_now_s();
    for (int i = 0; i < n; i++) {
        bench *b = &files[i];
        b->case_s = rz_malloc((size_t)cases->n * sizeof *b->case_s);
        b->cpu_s = rz_malloc((size_t)cases->n * sizeof *b->cpu_s);
        b->work = rz_calloc((size_t)cases->n, sizeof *b->work);
        b->rule_s = rz_calloc((size_t)rz_rules_count(b->rules), sizeof *b->rule_s);
        b->best = b->metered = INFINITY;
        for (int k = 0; k < cases->n; k++)
            b->case_s[k] = b->cpu_s[k] = INFINITY;
        rz_examples_score(b->worker, cases->v, rz_examples_group(cases, 0), scores); /* a worker compiles its patterns at the first need */
    }
    for (int round = 0; round < (seconds > 0 ? 3 : 1) || (round < MAX_ROUNDS && rz_now_s() - start < seconds); round++)
        for (int i = 0; i < n; i++)
            round_of(&files[i], cases, scores, round % 4 == 0);
    for (int i = 0; i < n; i++)
        qsort(files[i].case_s, (size_t)cases->n, sizeof *files[i].case_s, by_value);
    free(scores);
}

/* ---- the figures ---- */

static double mean_bytes(const rz_examples *cases)
{
    double sum = 0;
    for (int i = 0; i < cases->n; i++)
        sum += (double)cases->v[i].sample.completion_len;
    return sum / cases->n;
}

static json_t *slowest_json(const bench *b, const rz_examples *cases)
{
    int at[SLOWEST], n = slowest(b, cases, at);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s,s:I,s:f,s:I}", "case", cases->v[at[i]].name, "line", (json_int_t)cases->v[at[i]].number, "cpu_us",
                                              1e6 * b->cpu_s[at[i]], "work", (json_int_t)b->work[at[i]]));
    return list;
}

static void print_json(const bench *b, const bench *first, const rz_examples *cases)
{
    json_t *rules = json_array();
    for (int i = 0; i < rz_rules_count(b->rules); i++)
        json_array_append_new(rules, json_pack("{s:s,s:f,s:f}", "rule", rz_rules_name(b->rules, i), "us", 1e6 * b->rule_s[i] / cases->n, "share",
                                               b->rule_s[i] / b->metered));
    json_t *o = json_pack("{s:i,s:s,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o}", "schema", 1, "rules", b->path, "cases", cases->n, "mean_bytes", mean_bytes(cases),
                          "completions_per_s", cases->n / b->best, "median_us", 1e6 * b->case_s[cases->n / 2], "p95_us",
                          1e6 * b->case_s[(int64_t)cases->n * 95 / 100], "max_us", 1e6 * b->case_s[cases->n - 1], "ratio_to_first", b->best / first->best,
                          "by_rule", rules, "slowest", slowest_json(b, cases));
    json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(o);
}

static void print_people(const bench *b, const bench *first, const rz_examples *cases)
{
    int slow[SLOWEST], n_slow = slowest(b, cases, slow);
    fprintf(stderr, "%s: %.0f completions/s on one core (%d of %.0f bytes on average); median %.2f us, 95th percentile %.2f, slowest %.2f\n", b->path,
            cases->n / b->best, cases->n, mean_bytes(cases), 1e6 * b->case_s[cases->n / 2], 1e6 * b->case_s[(int64_t)cases->n * 95 / 100],
            1e6 * b->case_s[cases->n - 1]);
    if (b != first)
        fprintf(stderr, "  %.3g times as long as %s\n", b->best / first->best, first->path);
    for (int i = 0; i < rz_rules_count(b->rules); i++)
        fprintf(stderr, "  %-24s %9.2f us %5.1f %%\n", rz_rules_name(b->rules, i), 1e6 * b->rule_s[i] / cases->n, 100 * b->rule_s[i] / b->metered);
    for (int i = 0; i < n_slow && cases->v[slow[i]].number; i++) {
        const rz_example *e = &cases->v[slow[i]];
        fprintf(stderr, "  %9.2f us of processor time, %lld units of work: line %lld%s%.60s\n", 1e6 * b->cpu_s[slow[i]], (long long)b->work[slow[i]],
                (long long)e->number, *e->name ? ", " : "", e->name);
    }
}

/* ---- the command ---- */

static bool is_cases(const char *path) { return strstr(path, ".jsonl") || strstr(path, ".ndjson"); }

static bool take_words(const rz_words *words, bench *files, int *n, const char **cases, rz_err *err)
{
    for (int i = 0; i < words->n; i++) {
        if (!is_cases(words->values[i]))
            files[(*n)++].path = words->values[i];
        else if (*cases)
            return rz_fail(err, RZ_EUSAGE, "%s and %s: one file of cases is enough", *cases, words->values[i]);
        else
            *cases = words->values[i];
    }
    return *n || rz_fail(err, RZ_EUSAGE, "a rule file is missing, as in rules bench my.yaml cases.jsonl");
}

int rz_cmd_rules_bench(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    options o = {0};
    const char *values[MAX_FILES + 1], *path = NULL;
    rz_words words = {values, 0, MAX_FILES + 1};
    bench *files = rz_calloc(MAX_FILES + 1, sizeof *files);
    rz_examples cases = {0};
    int n = 0;
    bool ok = rz_flags_parse_words(rz_rules_bench_flags, rz_rules_bench_n_flags, &o, NULL, NULL, &words, argc, argv, err) &&
              take_words(&words, files, &n, &path, err);
    for (int i = 0; ok && i < n; i++)
        ok = rz_rules_open(files[i].path, &o.rules_allow, &files[i].rules, &files[i].worker, err);
    if (ok && path)
        ok = rz_examples_load(&cases, path, err) && (cases.n || rz_fail(err, RZ_EDATA, "%s holds no cases", path));
    else if (ok)
        make_examples(&cases, &o);
    if (ok) {
        measure(files, n, &cases, o.seconds);
        for (int i = 0; i < n; i++)
            (o.json ? print_json : print_people)(&files[i], &files[0], &cases);
    }
    for (int i = 0; i < n; i++) {
        free(files[i].case_s);
        free(files[i].cpu_s);
        free(files[i].work);
        free(files[i].rule_s);
        rz_rules_close(files[i].rules, files[i].worker);
    }
    free(files);
    rz_examples_finish(&cases);
    rz_options_finish(rz_rules_bench_flags, rz_rules_bench_n_flags, &o);
    return ok ? 0 : (int)err->code;
}
