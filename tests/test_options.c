/* Options: one table, and from it the parser, the messages, the dump that reads back, the help. */
#include "base/options.h"
#include "base/rng.h"
#include "tests/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t seed, steps, any;
    double rate, free_rate;
    bool fresh;
    char *out, *data;
    int loss;
    rz_int_list at;
    rz_text_list ends;
    int64_t every, keep, deep;
} job;

#define AT(field) offsetof(job, field)
static const rz_option rows[] = {
    {"seed", RZ_OPT_INT, AT(seed), "1", 0, 4294967295.0, NULL, RZ_OPT_FIXED, "seed of everything random"},
    {"group_size", RZ_OPT_INT, AT(steps), "8", 2, 4096, NULL, RZ_OPT_FIXED, "completions a prompt"},
    {"checkpoint.every", RZ_OPT_INT, AT(every), "10", 1, INFINITY, NULL, RZ_OPT_FREE, "steps between checkpoints"},
    {"any", RZ_OPT_INT, AT(any), "-5", 0, 0, NULL, RZ_OPT_FREE, "any number at all"},
    {"rate", RZ_OPT_FLOAT, AT(rate), "1e-6", 0, 1, NULL, RZ_OPT_FIXED, "learning rate"},
    {"free_rate", RZ_OPT_FLOAT, AT(free_rate), "0", -INFINITY, INFINITY, NULL, RZ_OPT_FREE, "any double"},
    {"fresh", RZ_OPT_BOOL, AT(fresh), "false", 0, 0, NULL, RZ_OPT_FREE, "start anew"},
    {"out", RZ_OPT_TEXT, AT(out), "", 0, 0, NULL, RZ_OPT_FREE, "run directory"},
    {"data", RZ_OPT_TEXT, AT(data), "data/x.jsonl", 0, 0, NULL, RZ_OPT_FIXED, "problems"},
    {"loss", RZ_OPT_ENUM, AT(loss), "grpo", 0, 0, "grpo|dapo|off", RZ_OPT_FIXED, "objective"},
    {"eval.at", RZ_OPT_INTS, AT(at), "1, 4", 1, 100, NULL, RZ_OPT_FREE, "k of pass@k"},
    {"eval.ends", RZ_OPT_TEXTS, AT(ends), "", 0, 0, NULL, RZ_OPT_FIXED, "texts that end it"},
    {"checkpoint.keep", RZ_OPT_INT, AT(keep), "2", 1, 99, NULL, RZ_OPT_FREE, "checkpoints kept"},
    {"checkpoint.far.deep", RZ_OPT_INT, AT(deep), "3", 0, 9, NULL, RZ_OPT_FREE, "a group in a group"},
};
enum { N = sizeof rows / sizeof *rows };

static rz_err err;
static job j;

static void set_up(void)
{
    memset(&j, 0, sizeof j);
    ck_assert_msg(rz_options_init(rows, N, &j, &err), "%s", err.text);
}
static void tear_down(void) { rz_options_finish(rows, N, &j); }

static bool parse(const char *text, bool *set) { return rz_options_parse(rows, N, &j, "f.yaml", text, strlen(text), set, &err); }

START_TEST(defaults)
{
    ck_assert_int_eq(j.seed, 1);
    ck_assert_int_eq(j.any, -5);
    ck_assert(j.rate == 1e-6 && !j.fresh && j.loss == 0);
    ck_assert_str_eq(j.out, "");
    ck_assert_str_eq(j.data, "data/x.jsonl");
    ck_assert(j.at.n == 2 && j.at.v[0] == 1 && j.at.v[1] == 4 && j.ends.n == 0);
}
END_TEST

START_TEST(yaml_sets_values)
{
    bool set[N] = {false};
    ck_assert_msg(parse("seed: 4_294_967_295\ngroup_size: 1e3\nrate: 1_0e-1_0\nfree_rate: -.5\nfresh: Yes\nout: \"a # b\"\n"
                        "loss: dapo\neval:\n  at: [2, 3, 5]\n  ends: ['a, b', 7, \"\\n\"]\ncheckpoint:\n  every: 20\n  far: {deep: 9}\ncheckpoint.keep: 7\n",
                        set),
                  "%s", err.text);
    ck_assert_int_eq(j.seed, 4294967295);
    ck_assert_int_eq(j.steps, 1000);
    ck_assert(j.rate == 10e-10 && j.free_rate == -0.5 && j.fresh && j.loss == 1);
    ck_assert_str_eq(j.out, "a # b");
    ck_assert(j.at.n == 3 && j.at.v[2] == 5 && j.ends.n == 3);
    ck_assert_str_eq(j.ends.v[0], "a, b");
    ck_assert_str_eq(j.ends.v[1], "7");
    ck_assert_str_eq(j.ends.v[2], "\n");
    ck_assert(j.every == 20 && j.keep == 7 && j.deep == 9);
    for (int i = 0; i < N; i++) ck_assert_int_eq(set[i], strcmp(rows[i].key, "any") != 0 && strcmp(rows[i].key, "data") != 0);
    ck_assert_msg(parse("out: ''\ndata:\nloss: 'off'\ncheckpoint:\neval: {at: 9, ends: '[]'}\n", NULL), "%s", err.text); /* empty text, an empty group */
    ck_assert_str_eq(j.out, "");
    ck_assert_str_eq(j.data, "");
    ck_assert_int_eq(j.loss, 2);
    ck_assert(j.at.n == 1 && j.at.v[0] == 9 && j.ends.n == 1); /* quoted, it is a text */
    ck_assert_str_eq(j.ends.v[0], "[]");
    ck_assert(parse("eval: {ends: no more}\n", NULL) && j.ends.n == 1 && parse("eval: {ends: []}\n", NULL) && j.ends.n == 0);
    ck_assert_msg(parse("# nothing\n", NULL), "%s", err.text);
}
END_TEST

START_TEST(yaml_refusals)
{
    static const struct {
        const char *in, *said;
    } cases[] = {
        {"seed: 1\ngroup_size: 1\n", "f.yaml:2: group_size is 1, must be 2..4096"},
        {"group_size: 4097\n", "f.yaml:1: group_size is 4097, must be 2..4096"},
        {"group_size: four\n", "f.yaml:1: group_size is 'four', must be a whole number 2..4096"},
        {"group_size: 2.5\n", "f.yaml:1: group_size is '2.5', must be a whole number 2..4096"},
        {"group_size: 0x10\n", "f.yaml:1: group_size is '0x10', must be"},
        {"group_size: 1__0\n", "f.yaml:1: group_size is '1__0', must be"},
        {"group_size: _10\n", "f.yaml:1: group_size is '_10', must be"},
        {"group_size:\n", "f.yaml:1: group_size has no value, must be a whole number 2..4096"},
        {"group_size: '8'\n", "f.yaml:1: group_size is the quoted text '8', must be a whole number 2..4096: remove the quotes"},
        {"group_size: [8]\n", "f.yaml:1: group_size is a list, must be a whole number 2..4096"},
        {"group_size: {a: 8}\n", "f.yaml:1: group_size is a map, must be a whole number 2..4096"},
        {"any: 9223372036854775808\n", "f.yaml:1: any is '9223372036854775808', must be a whole number"},
        {"any: 1e17\n", "f.yaml:1: any is '1e17', must be a whole number"}, /* more than a double holds exactly */
        {"checkpoint:\n  every: 0\n", "f.yaml:2: checkpoint.every is 0, must be at least 1"},
        {"rate: 2\n", "f.yaml:1: rate is 2, must be 0..1"},
        {"rate: nan\n", "f.yaml:1: rate is 'nan', must be a number 0..1"},
        {"free_rate: 1e999\n", "f.yaml:1: free_rate is '1e999', must be a number"},
        {"free_rate: inf\n", "f.yaml:1: free_rate is 'inf', must be a number"},
        {"free_rate: 1.5x\n", "f.yaml:1: free_rate is '1.5x', must be a number"},
        {"fresh: 1\n", "f.yaml:1: fresh is '1', must be true or false"},
        {"loss: ppo\n", "f.yaml:1: loss is 'ppo', must be one of grpo, dapo, off"},
        {"out: [a]\n", "f.yaml:1: out is a list, must be a text"},
        {"eval: {at: []}\n", "f.yaml:1: eval.at has 0 items, must be 1 to 16 whole numbers, each 1..100"},
        {"eval: {at: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}\n", "f.yaml:1: eval.at has 17 items"},
        {"eval: {at: [1, 0]}\n", "f.yaml:1: eval.at is 0, must be numbers 1..100"},
        {"eval: {at: [1, x]}\n", "f.yaml:1: eval.at is 'x', must be 1 to 16 whole numbers, each 1..100"},
        {"eval: {at: [[1]]}\n", "f.yaml:1: eval.at is a list, must be 1 to 16 whole numbers"},
        {"eval: {ends: [a, '']}\n", "f.yaml:1: eval.ends holds an empty text; leave it out"},
        {"eval: {ends: [[a]]}\n", "f.yaml:1: eval.ends is a list, must be at most 16 texts"},
        {"eval: {ends: {a: b}}\n", "f.yaml:1: eval.ends is a map, must be at most 16 texts"},
        {"eval: {ends: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}\n", "f.yaml:1: eval.ends has 17 items, must be at most 16 texts"},
        {"\nseed: 2\n\ngroup_sise: 4\n", "f.yaml:4: unknown key 'group_sise'; did you mean 'group_size'?"},
        {"checkpoint:\n  evry: 4\n", "f.yaml:2: unknown key 'checkpoint.evry'; did you mean 'checkpoint.every'?"},
        {"chekpoint:\n  every: 4\n", "f.yaml:1: unknown key 'chekpoint'; did you mean 'checkpoint'?"},
        {"keep: 4\n", "f.yaml:1: unknown key 'keep'; did you mean 'checkpoint.keep'?"},
        {"zebra: 4\n", "f.yaml:1: unknown key 'zebra'; --help lists the keys"},
        {"checkpoint: 4\n", "f.yaml:1: checkpoint is a group of options, give one of them (as checkpoint.every)"},
        {"checkpoint: [4]\n", "f.yaml:1: checkpoint is a group of options"},
        {"seed: 1\nseed: 2\n", "f.yaml:2:1: key 'seed' was given before, in line 1"},
        {"checkpoint: {keep: 1}\ncheckpoint.keep: 2\n", "f.yaml:2: checkpoint.keep was given before, in line 1"},
        {"- seed\n", "f.yaml:1: must be a map of options (key: value)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!parse(cases[i].in, NULL), "accepted: %s", cases[i].in);
        ck_assert_int_eq(err.code, RZ_ECONFIG);
        ck_assert_msg(strncmp(err.text, cases[i].said, strlen(cases[i].said)) == 0, "%s\n instead of %s", err.text, cases[i].said);
    }
}
END_TEST

START_TEST(overrides)
{
    bool set[N] = {false};
    static const char *const good[] = {"seed=7", "seed=8", "out=a=b", "data=", "eval.at=[3, 4]", "checkpoint.every=1_000", "fresh=on", "loss=off"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) ck_assert_msg(rz_options_override(rows, N, &j, good[i], set, &err), "%s", err.text);
    ck_assert_int_eq(j.seed, 8); /* the last wins */
    ck_assert_str_eq(j.out, "a=b");
    ck_assert_str_eq(j.data, "");
    ck_assert(j.at.n == 2 && j.at.v[0] == 3 && j.at.v[1] == 4 && j.every == 1000 && j.fresh && j.loss == 2);
    ck_assert(set[0] && !set[1] && set[2]);
    ck_assert(rz_options_override(rows, N, &j, "eval.at=5,6 , 7", NULL, &err));
    ck_assert(j.at.n == 3 && j.at.v[1] == 6 && j.at.v[2] == 7);
    ck_assert(rz_options_override(rows, N, &j, "eval.ends=</a>, b", NULL, &err) && j.ends.n == 1);
    ck_assert_str_eq(j.ends.v[0], "</a>, b");
    ck_assert(rz_options_override(rows, N, &j, "eval.ends=[</a>, \"b \"]", NULL, &err) && j.ends.n == 2);
    ck_assert_str_eq(j.ends.v[1], "b ");
    ck_assert(rz_options_override(rows, N, &j, "eval.ends=", NULL, &err) && j.ends.n == 0);
    static const struct {
        const char *in;
        rz_code code;
        const char *said;
    } bad[] = {
        {"group_size=1", RZ_ECONFIG, "command line: group_size is 1, must be 2..4096"},
        {"group_sise=2", RZ_ECONFIG, "command line: unknown key 'group_sise'; did you mean 'group_size'?"},
        {"checkpoint=2", RZ_ECONFIG, "command line: checkpoint is a group of options, give one of them (as checkpoint.every)"},
        {"eval.at=", RZ_ECONFIG, "command line: eval.at has 0 items"},
        {"eval.at=1,,2", RZ_ECONFIG, "command line: eval.at has no value, must be 1 to 16"},
        {"eval.at=1,", RZ_ECONFIG, "command line: eval.at has no value, must be 1 to 16"},
        {"eval.at=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", RZ_ECONFIG, "command line: eval.at has 17 items"},
        {"eval.ends=[a", RZ_ECONFIG, "eval.ends:"},
        {"eval.ends=[[a]]", RZ_ECONFIG, "command line: eval.ends is '[[a]]', must be at most 16 texts"},
        {"eval.ends=\xff", RZ_ECONFIG, "command line: eval.ends is not valid UTF-8"},
        {"out=\xff", RZ_ECONFIG, "command line: out is not valid UTF-8"},
        {"fresh", RZ_EUSAGE, "command line: 'fresh' is not of the form key=value"},
        {"=1", RZ_EUSAGE, "command line: '=1' is not of the form key=value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!rz_options_override(rows, N, &j, bad[i].in, NULL, &err));
        ck_assert_int_eq(err.code, bad[i].code);
        ck_assert_msg(strncmp(err.text, bad[i].said, strlen(bad[i].said)) == 0, "%s\n instead of %s", err.text, bad[i].said);
    }
}
END_TEST

static double random_double(rz_stream *r)
{
    for (;;) {
        uint64_t bits = (uint64_t)rz_stream_u32(r) << 32 | rz_stream_u32(r);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x)) return x;
    }
}

static char *random_text(rz_stream *r)
{
    static const char *const parts[] = {
        "a", "Z9", " ", "#", ": ", "- ", "'", "\"", "\\", "\n", "\t", "\r", "\x01", "\x7f", "\xC2\x85", "\xC2\xA0", "\xE2\x80\xA8", "\xE2\x80\xA9",
        "\xEF\xBB\xBF", "\xEF\xBF\xBF", "é", "😀", "[", "{", "&", "*", "!", "%", "@", "`", "~", "null", "true", "1.5", "-", "/", ".", "|", ">", ",",
    };
    char text[128] = "";
    for (int n = rz_stream_range(r, 0, 8); n > 0; n--) strcat(text, parts[rz_stream_below(r, sizeof parts / sizeof *parts)]);
    char *copy = malloc(strlen(text) + 1);
    return strcpy(copy, text);
}

static void randomise(rz_stream *r)
{
    j.seed = rz_stream_u32(r);
    j.steps = rz_stream_range(r, 2, 4096);
    j.any = (int64_t)((uint64_t)rz_stream_u32(r) << 32 | rz_stream_u32(r));
    j.rate = rz_stream_unit(r);
    j.free_rate = random_double(r);
    j.fresh = rz_stream_below(r, 2);
    free(j.out);
    free(j.data);
    j.out = random_text(r);
    j.data = random_text(r);
    j.loss = (int)rz_stream_below(r, 3);
    j.at.n = rz_stream_range(r, 1, 16);
    for (int i = 0; i < j.at.n; i++) j.at.v[i] = rz_stream_range(r, 1, 100);
    j.every = rz_stream_range(r, 1, 1000000000);
    while (j.ends.n) free(j.ends.v[--j.ends.n]);
    for (int n = rz_stream_range(r, 0, RZ_OPT_MAX_LIST); n; n--) {
        char *text = random_text(r);
        if (*text)
            j.ends.v[j.ends.n++] = text;
        else
            free(text);
    }
}

START_TEST(dump_reads_back)
{
    for (uint64_t i = 0; i < 3000; i++) {
        rz_stream r;
        rz_stream_init(&r, 5, RZ_RNG_TEST, i);
        randomise(&r);
        char *text = rz_options_dump(rows, N, &j);
        job back = {0};
        rz_err e;
        bool set[N] = {false}, all = true;
        if (!rz_options_init(rows, N, &back, &e)) ck_abort_msg("%s", e.text);
        if (!rz_options_parse(rows, N, &back, "dump", text, strlen(text), set, &e)) ck_abort_msg("%s\n%s", e.text, text);
        for (int k = 0; k < N; k++) all = all && set[k];
        bool same = back.seed == j.seed && back.steps == j.steps && back.any == j.any && back.every == j.every && back.keep == j.keep &&
                    back.deep == j.deep && memcmp(&back.rate, &j.rate, 8) == 0 && memcmp(&back.free_rate, &j.free_rate, 8) == 0 &&
                    back.fresh == j.fresh && back.loss == j.loss && strcmp(back.out, j.out) == 0 && strcmp(back.data, j.data) == 0 &&
                    back.at.n == j.at.n && memcmp(back.at.v, j.at.v, (size_t)j.at.n * sizeof *j.at.v) == 0;
        same = same && back.ends.n == j.ends.n;
        for (int k = 0; same && k < j.ends.n; k++) same = strcmp(back.ends.v[k], j.ends.v[k]) == 0;
        if (!all || !same) ck_abort_msg("not the same:\n%s", text);
        rz_options_finish(rows, N, &back);
        free(text);
    }
}
END_TEST

START_TEST(dump_is_plain_yaml)
{
    free(j.out);
    j.out = strdup("off");
    j.free_rate = 0.1;
    char *text = rz_options_dump(rows, N, &j);
    ck_assert_str_eq(text, "seed: 1\ngroup_size: 8\ncheckpoint:\n  every: 10\n  keep: 2\n  far:\n    deep: 3\nany: -5\nrate: 1e-06\nfree_rate: 0.1\n"
                           "fresh: false\nout: \"off\"\ndata: data/x.jsonl\nloss: grpo\neval:\n  at: [1, 4]\n  ends: []\n");
    free(text);
    text = rz_options_value(&rows[4], &j);
    ck_assert_str_eq(text, "1e-06");
    free(text);
}
END_TEST

START_TEST(differ_sees_fixed_rows_only)
{
    job other = {0};
    ck_assert(rz_options_init(rows, N, &other, &err));
    ck_assert_ptr_null(rz_options_differ(rows, N, &j, &other));
    other.every = 99;
    other.fresh = true;
    ck_assert_ptr_null(rz_options_differ(rows, N, &j, &other));
    other.rate = nextafter(other.rate, 1);
    ck_assert_str_eq(rz_options_differ(rows, N, &j, &other)->key, "rate");
    other.rate = j.rate;
    other.data[0] = 'D';
    ck_assert_str_eq(rz_options_differ(rows, N, &j, &other)->key, "data");
    other.data[0] = 'd';
    ck_assert(rz_options_override(rows, N, &other, "eval.ends=end", NULL, &err));
    ck_assert_str_eq(rz_options_differ(rows, N, &j, &other)->key, "eval.ends");
    ck_assert(rz_options_override(rows, N, &j, "eval.ends=end", NULL, &err));
    ck_assert_ptr_null(rz_options_differ(rows, N, &j, &other));
    other.loss = 1;
    ck_assert_str_eq(rz_options_differ(rows, N, &j, &other)->key, "loss");
    rz_options_finish(rows, N, &other);
}
END_TEST

START_TEST(help_says_all)
{
    char *text = rz_options_help(rows, N);
    for (int i = 0; i < N; i++) {
        ck_assert_msg(strstr(text, rows[i].key) && strstr(text, rows[i].help), "%s", rows[i].key);
    }
    ck_assert_ptr_nonnull(strstr(text, "completions a prompt (a whole number 2..4096; default 8)\n"));
    ck_assert_ptr_nonnull(strstr(text, "objective (one of grpo, dapo, off; default grpo)\n"));
    ck_assert_ptr_nonnull(strstr(text, "1e6"));
    free(text);
}
END_TEST

START_TEST(bad_tables_are_found_at_once)
{
#define ROW(key, def) {key, RZ_OPT_INT, AT(seed), def, 0, 4, NULL, RZ_OPT_FIXED, ""}
    static const struct {
        rz_option rows[2];
        const char *said;
    } cases[] = {
        {{ROW("a", "5"), ROW("b", "1")}, "default of a is 5, must be 0..4"},
        {{ROW("a", "1"), ROW("a", "1")}, "option a is declared twice"},
        {{ROW("a", "1"), ROW("a.b", "1")}, "option a is a value and a group"},
        {{ROW("a", NULL), ROW("b", "1")}, "option a has no default"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        job x = {0};
        ck_assert(!rz_options_init(cases[i].rows, 2, &x, &err));
        ck_assert_int_eq(err.code, RZ_EINTERNAL);
        ck_assert_msg(strncmp(err.text, cases[i].said, strlen(cases[i].said)) == 0, "%s", err.text);
    }
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert(!rz_options_load(rows, N, &j, "no/such/file.yaml", NULL, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "no/such/file.yaml"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *all = tcase_create("options");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 30);
    tcase_add_test(all, defaults);
    tcase_add_test(all, yaml_sets_values);
    tcase_add_test(all, yaml_refusals);
    tcase_add_test(all, overrides);
    tcase_add_test(all, dump_reads_back);
    tcase_add_test(all, dump_is_plain_yaml);
    tcase_add_test(all, differ_sees_fixed_rows_only);
    tcase_add_test(all, help_says_all);
    tcase_add_test(all, bad_tables_are_found_at_once);
    tcase_add_test(all, a_missing_file_is_named);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
