/* source: problems and documents by index, from tasks and from files of either kind. */
#include "data/source.h"
#include "base/file.h"
#include "base/store.h"
#include "data/dataset.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rz_err err;
static rz_arena arena;
static char folder[256], path[300];

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rz_source_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert(rz_arena_init(&arena, (size_t)1 << 30, &err));
}

static void teardown(void)
{
    char **names;
    int n;
    ck_assert(rz_dir_list(folder, &names, &n, &err));
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
        free(names[i]);
    }
    free(names);
    rmdir(folder);
    rz_arena_finish(&arena);
}

static rz_countdown_options usual(void)
{
    return (rz_countdown_options){.numbers = {2, {3, 4}}, .max_input = 10, .max_value = 50, .targets = RZ_TARGETS_MIX, .test_share = .15,
                                  .validation_share = .05};
}

static rz_corpus_options usual_corpus(void)
{
    return (rz_corpus_options){.goal_aware = .4, .wrong_result = .005, .wrong_verdict = .005, .wrong_unchecked = .25, .wait = .15,
                               .max_attempts = 12, .max_words = 400};
}

static const char *file(const char *name, const char *text)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(rz_file_write(path, text, strlen(text), &err), "%s", err.text);
    return path;
}

static rz_source *open_file(const char *data, uint32_t seed)
{
    rz_source *s;
    ck_assert_msg(rz_source_open(&s, data, NULL, seed, &err), "%s", err.text);
    return s;
}

static rz_problem problem(rz_source *s, rz_split split, uint64_t index)
{
    rz_problem p;
    ck_assert_msg(rz_source_problem(s, split, index, &p, &arena, &err), "%s", err.text);
    return p;
}

/* The problem with this prompt in the first epoch. */
static rz_problem with_prompt(rz_source *s, const char *prompt)
{
    for (int64_t i = 0; i < rz_source_size(s); i++) {
        rz_problem p = problem(s, RZ_TRAIN, (uint64_t)i);
        if (strcmp(p.prompt, prompt) == 0) return p;
    }
    ck_abort_msg("no problem '%s'", prompt);
    return (rz_problem){0};
}

static const char six_lines[] =
    "{\"prompt\": \"a\", \"answer\": \"x \\u00e9\", \"meta\": {\"k\": [1, \"}\"], \"n\":  1.50}}\n"
    "{\"answer\": 18.00, \"other\": {\"answer\": 3}, \"prompt\": \"b\"}\n"
    "\n"
    "{\"prompt\": \"c\", \"\\u0061nswer\": 123456789012345678901234567890 , \"meta\": null}\n"
    "{\"task\": \"countdown\", \"meta\": {\"numbers\": [3, 5, 4], \"target\": 32}}\n"
    "{\"prompt\": \"mine\", \"meta\": {\"task\": \"countdown\", \"numbers\": [5, 4, 3], \"target\": 6}, \"answer\": -1e3}\n"
    "{\"prompt\": \"d\\nline\", \"answer\": null, \"task\": \"other\", \"meta\":{}}"; /* no newline at the end */

static void check_six(rz_source *s)
{
    ck_assert_int_eq(rz_source_size(s), 6);
    rz_problem p = with_prompt(s, "a");
    ck_assert_str_eq(p.answer, "x \xc3\xa9");
    ck_assert_str_eq(p.meta, "{\"k\": [1, \"}\"], \"n\":  1.50}"); /* as written */
    ck_assert_uint_eq(p.cluster, 1);
    p = with_prompt(s, "b");
    ck_assert_str_eq(p.answer, "18.00");
    ck_assert_str_eq(p.meta, "{}");
    ck_assert_uint_eq(p.cluster, 2);
    p = with_prompt(s, "c");
    ck_assert_str_eq(p.answer, "123456789012345678901234567890");
    ck_assert_uint_eq(p.cluster, 4);
    p = with_prompt(s, "d\nline");
    ck_assert_str_eq(p.answer, "");
    rz_problem made = with_prompt(s, "numbers 3 5 4 target 32 ?");
    ck_assert_str_eq(made.answer, "32");
    ck_assert_str_eq(made.meta, "{\"numbers\": [3, 5, 4], \"target\": 32}");
    p = with_prompt(s, "mine");
    ck_assert_str_eq(p.answer, "-1e3");
    ck_assert_uint_eq(p.cluster, made.cluster); /* the same multiset */
    ck_assert_uint_gt(p.cluster, 1000);
}

/* The fixture is of our own making (tests/golden/data/make_gsm8k.py): the format is GSM8K's, and what the script knew stands beside it. */
START_TEST(gsm8k_lines_become_problems)
{
    rz_source *s = open_file("tests/golden/data/gsm8k.jsonl", 1);
    char *expected = NULL;
    size_t len;
    ck_assert_msg(rz_file_read("tests/golden/data/gsm8k-expected.txt", 1 << 20, &expected, &len, &err), "%s", err.text);
    ck_assert_int_eq(rz_source_size(s), 20);
    char *line = strtok(expected, "\n");
    for (int64_t i = 0; i < 20; i++, line = strtok(NULL, "\n")) { /* number, tab, steps, tab, question */
        rz_problem p;
        char told[600];
        rz_source_item(s, i, &p, &arena);
        snprintf(told, sizeof told, "%s\t%s\t%s", p.answer, p.meta, p.prompt);
        ck_assert_str_eq(told, line);
        ck_assert_uint_eq(p.cluster, (uint64_t)i + 1);
    }
    free(expected);
    rz_source_close(s);
    s = open_file(file("data.jsonl", "{\"prompt\": \"a?\", \"question\": \"b\", \"answer\": \"so #### 4\"}"), 1); /* a prompt says whose line it is */
    ck_assert_str_eq(with_prompt(s, "a?").answer, "so #### 4");
    rz_source_close(s);
}
END_TEST

START_TEST(lines_become_problems)
{
    rz_source *s = open_file(file("data.jsonl", six_lines), 1);
    char hash[33];
    check_six(s);
    ck_assert(rz_hash_file(path, hash, &err));
    ck_assert_str_eq(rz_source_hash(s), hash);
    rz_source_close(s);
    char windows[1024] = "\xEF\xBB\xBF"; /* byte order mark and CRLF */
    size_t used = 3;
    for (const char *c = six_lines; *c; c++) {
        if (*c == '\n') windows[used++] = '\r';
        windows[used++] = *c;
    }
    windows[used] = 0;
    s = open_file(file("windows.txt", windows), 1);
    check_six(s);
    rz_source_close(s);
}
END_TEST

/* The problems as an HDF5 data set. */
static bool write_store(const rz_problem *problems, int n, const char *to)
{
    rz_dataset d = {0};
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        const rz_problem *p = &problems[i];
        const rz_raw_problem raw = {p->prompt, p->answer, NULL, p->meta, strlen(p->meta), p->cluster, i};
        ok = rz_dataset_add(&d, "problem", &raw, &err);
    }
    ok = ok && rz_dataset_write_store(&d, to, &err);
    rz_dataset_finish(&d);
    return ok;
}

START_TEST(hdf5_holds_the_same)
{
    rz_source *s = open_file(file("data.jsonl", six_lines), 1), *t;
    rz_problem problems[6];
    for (uint64_t i = 0; i < 6; i++) problems[i] = problem(s, RZ_TRAIN, i);
    snprintf(path, sizeof path, "%s/set.jsonl", folder); /* the kind is told by content, not by name */
    ck_assert_msg(write_store(problems, 6, path), "%s", err.text);
    t = open_file(path, 2);
    check_six(t);
    rz_source_close(t);
    problems[0] = (rz_problem){.prompt = "only", .answer = "", .meta = "{}", .cluster = 5}; /* no answer at all: an array without bytes */
    ck_assert_msg(write_store(problems, 1, path), "%s", err.text);
    t = open_file(path, 2);
    ck_assert_int_eq(rz_source_size(t), 1);
    ck_assert_str_eq(problem(t, RZ_TRAIN, 7).prompt, "only");
    ck_assert_uint_eq(problem(t, RZ_TRAIN, 7).cluster, 5);
    ck_assert(!write_store(problems, 0, path));
    problems[0].meta = "[";
    ck_assert(!write_store(problems, 1, path));
    ck_assert_ptr_nonnull(strstr(err.text, "problem: meta"));
    rz_source_close(t);
    rz_source_close(s);
}
END_TEST

static rz_shape list(rz_type type, int64_t n) { return (rz_shape){.type = type, .n_dims = 1, .dims = {n}}; }

/* A data set of two problems in which one thing is wrong. */
static void write_broken(int what)
{
    rz_store *s;
    const int64_t good[] = {0, 1, 2}, falling[] = {0, 3, 2}, long_end[] = {0, 1, 9}, none[] = {0};
    const uint64_t clusters[] = {1, 2};
    const char *const names[] = {"prompt", "answer", "meta"};
    snprintf(path, sizeof path, "%s/broken.h5", folder);
    ck_assert(rz_store_create(&s, path, &err));
    if (what != 0) ck_assert(rz_store_put_str(s, "format", what == 1 ? "something else" : "rulezero problems", &err));
    ck_assert(rz_store_put_i64(s, "schema", what == 2 ? 2 : 1, &err));
    for (int i = 0; i < 3; i++) {
        char name[32];
        const int64_t meta_offsets[] = {0, 2, 4}, *offsets = i == 2 ? meta_offsets : what == 3 ? falling : what == 4 ? long_end : good;
        bool cut = what == 5 && i == 1;
        if (what == 6 && i == 2) continue;
        snprintf(name, sizeof name, "%s/offsets", names[i]);
        ck_assert(rz_store_put(s, name, list(RZ_I64, what == 7 ? 1 : cut ? 2 : 3), what == 7 ? none : offsets, &err));
        snprintf(name, sizeof name, "%s/bytes", names[i]);
        ck_assert(rz_store_put(s, name, list(RZ_U8, i == 2 ? 4 : cut ? 1 : 2), i == 2 ? "{}{}" : what == 8 ? "\xff\xff" : "ab", &err));
    }
    ck_assert(rz_store_put(s, "cluster", list(what == 9 ? RZ_I64 : RZ_U64, 2), clusters, &err));
    ck_assert(rz_store_commit(s, &err));
    rz_store_close(s);
}

START_TEST(broken_hdf5_is_refused)
{
    static const char *const words[] = {
        "attribute format is missing", "its attribute format is \"something else\"", "schema 2", "must rise from 0", "must rise from 0", "of one length",
        "meta/offsets", "holds no problems", "not valid UTF-8", "cluster must be a list of u64",
    };
    rz_source *s = (rz_source *)&arena;
    write_broken(_i);
    ck_assert(!rz_source_open(&s, path, NULL, 1, &err));
    ck_assert_ptr_null(s);
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, words[_i]) && strstr(err.text, "broken.h5"), "'%s' does not say '%s'", err.text, words[_i]);
}
END_TEST

/* text, what the message must say (behind the folder) */
static const char *const refused[][2] = {
    {"", "data.jsonl: holds no lines"},
    {"\n \n", "data.jsonl: holds no lines"},
    {"{\"prompt\": \"a\"}\n{\"prompt\": \"b\"\n", "data.jsonl:2: not valid JSON"},
    {"[1]\n", "data.jsonl:1: must be an object"},
    {"{\"prompt\": \"a\", \"prompt\": \"b\"}", "duplicate"},
    {"{\"prompt\": \"a\\u0000\"}", "not valid JSON"},
    {"{\"answer\": \"a\"}", "data.jsonl:1: field prompt is missing"},
    {"{\"prompt\": 5}", "data.jsonl:1: field prompt must be a text"},
    {"{\"prompt\": \"a\", \"anwser\": 5}", "data.jsonl:1: field anwser is unknown; did you mean answer?"},
    {"{\"promt\": \"a\"}", "did you mean prompt?"},
    {"{\"prompt\": \"a\", \"answer\": [5]}", "data.jsonl:1: field answer must be a text or a number"},
    {"{\"prompt\": \"a\", \"answer\": true}", "field answer must be a text or a number"},
    {"{\"prompt\": \"a\", \"meta\": [5]}", "data.jsonl:1: meta must be an object"},
    {"{\"prompt\": \"a\", \"meta\": \"{}\"}", "data.jsonl:1: meta"},
    {"{\"prompt\": \"a\", \"cluster\": -1}", "data.jsonl:1: field cluster must be a whole number"},
    {"{\"prompt\": \"a\", \"cluster\": 1.5}", "field cluster must be a whole number"},
    {"{\"prompt\": \"a\", \"cluster\": \"7\"}", "field cluster must be a whole number"},
    {"{\"prompt\": \"a\", \"cluster\": 18446744073709551616}", "field cluster must be a whole number"},
    {"{\"prompt\": \"a\", \"task\": 5}", "data.jsonl:1: field task must be a text"},
    {"{\"prompt\": \"a\"}\n\n{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, 1], \"target\": 9}}",
     "data.jsonl:3: numbers [1,1] cannot reach target 9; remove the line or mend it"},
    {"{\"prompt\": \"a\", \"meta\": {\"task\": \"countdown\", \"numbers\": [1, 1], \"target\": 9}}", "data.jsonl:1: numbers [1,1] cannot reach target 9"},
    {"{\"task\": \"countdown\", \"prompt\": \"a\"}", "data.jsonl:1: task is countdown, so meta.numbers must be a list"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, 2, 3, 4, 5, 6, 7], \"target\": 9}}", "list of 1..6 numbers"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [], \"target\": 9}}", "list of 1..6 numbers"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, 0], \"target\": 9}}", "a number in meta.numbers is 0, must be 1..9999"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, \"2\"], \"target\": 9}}", "a number in meta.numbers must be a whole number"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, 2]}}", "meta.target must be a whole number"},
    {"{\"task\": \"countdown\", \"meta\": {\"numbers\": [1, 2], \"target\": 1.5}}", "meta.target must be a whole number"},
    {"{\"question\": \"a?\", \"answer\": \"42\"}", "data.jsonl:1: has a question and no prompt, as GSM8K's lines have, but its answer does not end in"},
    {"{\"question\": \"a?\", \"answer\": \"#### 5\"}\n{\"question\": \"a?\", \"answer\": \"so\\n#### \"}", "data.jsonl:2: has a question"},
    {"{\"question\": \"a?\", \"answer\": \"#### 12,34\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": \"#### ,234\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": \"#### 1234,567\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": \"#### 4 apples\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": \"#### 4.\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": \"#### -\"}", "#### NUMBER"},
    {"{\"question\": \"a?\", \"answer\": 42}", "field prompt is missing"},
    {"\x1f\x8b\x08 compressed", "data.jsonl: its gzip data is damaged"},
    {"\x28\xb5\x2f\xfd compressed", "data.jsonl: its zstd data is damaged"},
    {"{\"prompt\": \"\xff\"}", "data.jsonl:1"},
};

START_TEST(bad_lines_are_refused)
{
    rz_source *s = (rz_source *)&arena;
    err = (rz_err){0};
    ck_assert_msg(!rz_source_open(&s, file("data.jsonl", refused[_i][0]), NULL, 1, &err), "accepted: %s", refused[_i][0]);
    ck_assert_ptr_null(s);
    ck_assert_int_eq(err.code, RZ_EDATA);
    ck_assert_msg(strstr(err.text, refused[_i][1]), "'%s' does not say '%s'", err.text, refused[_i][1]);
}
END_TEST

START_TEST(long_lines_are_refused)
{
    const size_t size = (16 << 20) + 100;
    char *text = malloc(size + 1);
    memset(text, ' ', size);
    memcpy(text, "{\"prompt\":\"a\"", 13);
    text[size - 1] = '}', text[size] = 0;
    rz_source *s;
    ck_assert(!rz_source_open(&s, file("data.jsonl", text), NULL, 1, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "data.jsonl:1: "));
    memmove(text + 13, text + 200, size - 200 + 1); /* short enough */
    s = open_file(file("data.jsonl", text), 1);
    rz_source_close(s);
    free(text);
}
END_TEST

START_TEST(what_is_not_there)
{
    rz_source *s;
    rz_corpus *c;
    ck_assert(!rz_source_open(&s, "countdwn", NULL, 1, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "data is \"countdwn\": neither a task (countdown, decimals, sums, products, "));
    ck_assert(!rz_corpus_open(&c, "nowhere/texts.jsonl", NULL, NULL, 1, &err));
    ck_assert_int_eq(err.code, RZ_EIO);
    ck_assert(!rz_source_open(&s, folder, NULL, 1, &err)); /* a folder */
    rz_source_close(NULL);
    rz_corpus_close(NULL);
    int n;
    ck_assert_str_eq(rz_task_names(&n)[0], "countdown");
    ck_assert_int_ge(n, 20);
}
END_TEST

/* Every line once an epoch, in an order that changes with epoch and seed and is a function of the index alone. */
START_TEST(files_are_reshuffled_every_epoch)
{
    enum { N = 40 };
    char text[N * 32] = "";
    for (int i = 0; i < N; i++) sprintf(text + strlen(text), "{\"prompt\": \"%d\"}\n", i);
    rz_source *s = open_file(file("data.jsonl", text), 1), *other = open_file(path, 2);
    int order[3][N], differ = 0, differ_seed = 0;
    for (int epoch = 0; epoch < 3; epoch++) {
        int seen[N] = {0};
        for (int i = N - 1; i >= 0; i--) {
            order[epoch][i] = atoi(problem(s, epoch == 1 ? RZ_TEST : RZ_TRAIN, (uint64_t)(epoch * N + i)).prompt);
            ck_assert_int_eq(seen[order[epoch][i]]++, 0);
        }
        for (int i = 0; epoch && i < N; i++) differ += order[epoch][i] != order[epoch - 1][i];
        for (int i = 0; i < N; i++) differ_seed += order[epoch][i] != atoi(problem(other, RZ_TRAIN, (uint64_t)(epoch * N + i)).prompt);
    }
    ck_assert_int_gt(differ, N);
    ck_assert_int_gt(differ_seed, 2 * N);
    ck_assert_str_eq(rz_source_hash(s), rz_source_hash(other));
    problem(s, RZ_TRAIN, UINT64_MAX); /* endless */
    rz_source_close(s);
    rz_source_close(other);
}
END_TEST

START_TEST(tasks_draw_their_problems)
{
    rz_countdown_options o = usual();
    rz_source *s;
    ck_assert_msg(rz_source_open(&s, "countdown", &(rz_task_options){.countdown = o}, 5, &err), "%s", err.text);
    ck_assert_int_eq(rz_source_size(s), -1);
    for (uint64_t i = 0; i < 100; i++) {
        rz_countdown w;
        char prompt[96], meta[128], target[16];
        rz_countdown_draw(&o, 5, RZ_VALIDATION, i, &w);
        rz_countdown_prompt(&w, prompt, sizeof prompt);
        rz_problem p = problem(s, RZ_VALIDATION, i);
        ck_assert_str_eq(p.prompt, prompt);
        snprintf(target, sizeof target, "%d", w.target);
        ck_assert_str_eq(p.answer, target);
        int used = snprintf(meta, sizeof meta, "{\"numbers\":[%d,%d,%d", w.numbers[0], w.numbers[1], w.numbers[2]);
        if (w.n == 4) used += snprintf(meta + used, sizeof meta - (size_t)used, ",%d", w.numbers[3]);
        snprintf(meta + used, sizeof meta - (size_t)used, "],\"target\":%d}", w.target);
        ck_assert_str_eq(p.meta, meta);
    }
    rz_source_close(s);
    o.max_input = 0;
    ck_assert(!rz_source_open(&s, "countdown", &(rz_task_options){.countdown = o}, 5, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    o = usual();
    o.test_share = 0;
    ck_assert(rz_source_open(&s, "countdown", &(rz_task_options){.countdown = o}, 5, &err));
    rz_problem p;
    problem(s, RZ_TRAIN, 0);
    ck_assert(!rz_source_problem(s, RZ_TEST, 0, &p, &arena, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "the test split holds no problems; test_share is 0"));
    rz_source_close(s);
}
END_TEST

static void hash_of(rz_countdown_options o, char out[33])
{
    rz_source *s;
    ck_assert_msg(rz_source_open(&s, "countdown", &(rz_task_options){.countdown = o}, 1, &err), "%s", err.text);
    strcpy(out, rz_source_hash(s));
    rz_source_close(s);
}

static void corpus_hash_of(rz_countdown_options o, rz_corpus_options c, char out[33])
{
    rz_corpus *corpus;
    ck_assert_msg(rz_corpus_open(&corpus, "countdown", &o, &c, 1, &err), "%s", err.text);
    strcpy(out, rz_corpus_hash(corpus));
    rz_corpus_close(corpus);
}

#define WITH(change) ({ rz_countdown_options with = usual(); with.change; with; })
#define CORPUS_WITH(change) ({ rz_corpus_options with = usual_corpus(); with.change; with; })
START_TEST(every_option_is_in_the_hash)
{
    const rz_countdown_options options[] = {usual(), WITH(numbers.v[0] = 4), WITH(numbers.n = 1), WITH(max_input = 11), WITH(max_value = 51),
        WITH(targets = RZ_TARGETS_DERIV), WITH(split_seed = 9), WITH(test_share = .16), WITH(validation_share = .06)};
    const rz_corpus_options corpora[] = {usual_corpus(), CORPUS_WITH(goal_aware = .5), CORPUS_WITH(wrong_result = 0), CORPUS_WITH(wrong_verdict = 0), CORPUS_WITH(wrong_unchecked = 0),
        CORPUS_WITH(wait = 0), CORPUS_WITH(max_attempts = 11), CORPUS_WITH(max_words = 401), CORPUS_WITH(repeat_attempts = true)};
    char hashes[20][33];
    int n = 0;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) hash_of(options[i], hashes[n++]);
    for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++) corpus_hash_of(usual(), corpora[i], hashes[n++]);
    corpus_hash_of(options[3], usual_corpus(), hashes[n++]);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) ck_assert_str_ne(hashes[i], hashes[j]);
    }
    char again[33];
    hash_of(usual(), again);
    ck_assert_str_eq(again, hashes[0]);
    ck_assert_uint_eq(strlen(again), 32);
}
END_TEST

START_TEST(documents)
{
    rz_countdown_options o = usual();
    rz_corpus_options c = usual_corpus();
    rz_corpus *corpus;
    char *text;
    ck_assert_msg(rz_corpus_open(&corpus, "countdown", &o, &c, 4, &err), "%s", err.text);
    for (uint64_t i = 0; i < 20; i++) {
        char *wanted = rz_corpus_document(&o, &c, 4, i);
        ck_assert(rz_corpus_text(corpus, i, &text, &arena, &err));
        ck_assert_str_eq(text, wanted);
        free(wanted);
    }
    rz_corpus_close(corpus);
    c.max_words = 3;
    ck_assert(!rz_corpus_open(&corpus, "countdown", &o, &c, 4, &err));
    ck_assert_int_eq(err.code, RZ_ECONFIG);

    file("texts.jsonl", "{\"text\": \"0\"}\n{\"text\": \"1\", \"url\": 3}\n{\"text\": \"2\"}\n");
    ck_assert_msg(rz_corpus_open(&corpus, path, NULL, NULL, 4, &err), "%s", err.text);
    for (uint64_t epoch = 0; epoch < 4; epoch++) {
        int seen[3] = {0};
        for (uint64_t i = 0; i < 3; i++) {
            ck_assert(rz_corpus_text(corpus, epoch * 3 + i, &text, &arena, &err));
            ck_assert_int_eq(seen[atoi(text)]++, 0);
        }
    }
    ck_assert_uint_eq(strlen(rz_corpus_hash(corpus)), 32);
    rz_corpus_close(corpus);
    static const char *const bad[][2] = {{"{\"text\": 5}", "texts.jsonl:1: field text must be a text"}, {"{\"txt\": \"a\"}", "did you mean text?"},
                                         {"{\"body\": \"a\"}", "texts.jsonl:1: field text is missing"}, {"", "holds no lines"}};
    for (int i = 0; i < 4; i++) {
        ck_assert(!rz_corpus_open(&corpus, file("texts.jsonl", bad[i][0]), NULL, NULL, 4, &err));
        ck_assert_msg(strstr(err.text, bad[i][1]), "%s", err.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *tests = tcase_create("source");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, lines_become_problems);
    tcase_add_test(tests, gsm8k_lines_become_problems);
    tcase_add_test(tests, hdf5_holds_the_same);
    tcase_add_loop_test(tests, broken_hdf5_is_refused, 0, 10);
    tcase_add_loop_test(tests, bad_lines_are_refused, 0, sizeof refused / sizeof *refused);
    tcase_add_test(tests, long_lines_are_refused);
    tcase_add_test(tests, what_is_not_there);
    tcase_add_test(tests, files_are_reshuffled_every_epoch);
    tcase_add_test(tests, tasks_draw_their_problems);
    tcase_add_test(tests, every_option_is_in_the_hash);
    tcase_add_test(tests, documents);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
