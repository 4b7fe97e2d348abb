#include "cli/cli.h"
#include "cli/data.h"

#include "base/text.h"
#include "data/source.h"
#include "trainer/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the options are put into: the rows of task.*, corpus.* and seed are those of a job. */
typedef struct {
    rz_config config; /* first: its rows' offsets hold here */
    int64_t count;
    int split;
    bool distinct;
    bool corpus; /* --corpus, which is no key: keys begin with it */
    char *to;
} make_options;

enum { MAX_KEYS = 96, PATIENCE = 100000 };

typedef struct {
    const char *task;
    make_options o;
    rz_option rows[MAX_KEYS];
    const char *names[MAX_KEYS];
    bool given[MAX_KEYS];
    int n;
} make_job;

static void collect_rows(make_job *j)
{
#define AT(field) offsetof(make_options, field)
    static const rz_option own[] = {
        {"count", RZ_OPT_INT, AT(count), "0", 0, 1e15, NULL, RZ_OPT_FREE, "how many problems"},
        {"split", RZ_OPT_ENUM, AT(split), "train", 0, 0, "train|validation|test", RZ_OPT_FREE, "which problems"},
        {"distinct", RZ_OPT_BOOL, AT(distinct), "false", 0, 0, NULL, RZ_OPT_FREE, "no problem twice"},
        {"o", RZ_OPT_TEXT, AT(to), "", 0, 0, NULL, RZ_OPT_FREE, "file to be made"},
    };
#undef AT
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        j->rows[j->n++] = own[i];
    for (int i = 0; i < rz_config_n_rows && j->n < MAX_KEYS; i++) {
        const char *key = rz_config_rows[i].key;
        if (!strcmp(key, "seed") || !strncmp(key, "task.", 5) || !strncmp(key, "corpus.", 7))
            j->rows[j->n++] = rz_config_rows[i];
    }
    for (int i = 0; i < j->n; i++)
        j->names[i] = j->rows[i].key;
}

static bool is_row(const make_job *j, const char *key)
{
    for (int i = 0; i < j->n; i++)
        if (!strcmp(j->names[i], key))
            return true;
    return false;
}

/* key=value; task.* may be given without its prefix. */
static bool assign(make_job *j, const char *key, const char *value, rz_err *err)
{
    char *prefixed = rz_asprintf("task.%s", key);
    bool bare = !is_row(j, key) && (is_row(j, prefixed) || (!strchr(key, '.') && !rz_nearest(key, j->names, j->n)));
    char *assignment = rz_asprintf("%s=%s", bare ? prefixed : key, value);
    bool ok = rz_options_override(j->rows, j->n, &j->o, assignment, j->given, err);
    free(assignment);
    free(prefixed);
    return ok;
}

/* --count 5, --count=5, count=5, -o FILE, --corpus */
static bool parse_argument(make_job *j, int argc, char **argv, int *i, rz_err *err)
{
    char *a = argv[*i];
    bool flag = a[0] == '-' && a[1];
    char *key = a + (flag ? 1 + (a[1] == '-') : 0), *equals = strchr(key, '=');
    if (!flag && !equals) {
        if (j->task)
            return rz_fail(err, RZ_EUSAGE, "'%s' is one argument too many: data make TASK [key=value ...] --count N -o FILE", a);
        j->task = a;
        return true;
    }
    if (flag && !equals && !strcmp(key, "corpus"))
        return j->o.corpus = true;
    if (flag && !equals && *i + 1 >= argc)
        return rz_fail(err, RZ_EUSAGE, "%s needs a value", a);
    char *name = rz_strndup(key, equals ? (size_t)(equals - key) : strlen(key));
    bool ok = assign(j, name, equals ? equals + 1 : argv[++*i], err);
    free(name);
    return ok;
}

/* A key of another task would change nothing. */
static bool check_keys(const make_job *j, rz_err *err)
{
    for (int i = 0; i < j->n; i++) {
        if (j->given[i] && !strncmp(j->names[i], "task.", 5) && !rz_task_check_key(rz_task_find(j->task), j->names[i] + 5, err))
            return false;
    }
    return true;
}

static bool check(const make_job *j, rz_err *err)
{
    int n;
    const char *const *tasks = rz_task_names(&n);
    char known[1024] = "";
    size_t used = 0;
    bool found = false;
    for (int i = 0; i < n; i++) {
        used += (size_t)snprintf(known + used, used < sizeof known ? sizeof known - used : 0, "%s%s", i ? ", " : "", tasks[i]);
        found = found || (j->task && !strcmp(j->task, tasks[i]));
    }
    if (!j->task)
        return rz_fail(err, RZ_EUSAGE, "a task is missing: data make TASK --count N -o FILE; tasks are %s", known);
    if (!found) {
        const char *near = rz_nearest(j->task, tasks, n);
        return rz_fail(err, RZ_EUSAGE, "there is no task '%s'; %s %s%s", j->task, near ? "did you mean" : "tasks are", near ? near : known, near ? "?" : "");
    }
    if (!check_keys(j, err))
        return false;
    if (j->o.count < 1)
        return rz_fail(err, RZ_EUSAGE, "count is missing: say how many, as in --count 1000");
    if (!j->o.to[0])
        return rz_fail(err, RZ_EUSAGE, "-o is missing: say where to, as in -o problems.jsonl, or -o - for the terminal");
    if (j->o.corpus && (j->o.split != RZ_TRAIN || j->o.distinct))
        return rz_fail(err, RZ_EUSAGE, "split and distinct are for problems: the documents of a corpus are made of the train split");
    return true;
}

/* ---- no problem twice ---- */

typedef struct {
    uint64_t *keys; /* 0: free */
    size_t n, room; /* a power of two, at least twice n */
} seen_set;

/* The same problem: what makes problems dependent (the numbers), and the answer. A clash of two hashes would leave out a problem, no more. */
static uint64_t key_of(const rz_problem *p)
{
    uint64_t h = p->cluster;
    for (const char *c = p->answer; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    h = (h ^ h >> 31) * 0x9E3779B97F4A7C15u;
    h ^= h >> 32;
    return h ? h : 1;
}

static bool put(uint64_t *keys, size_t room, uint64_t key)
{
    size_t i = key & (room - 1);
    while (keys[i] && keys[i] != key)
        i = (i + 1) & (room - 1);
    bool is_new = !keys[i];
    keys[i] = key;
    return is_new;
}

static bool add_new(seen_set *s, uint64_t key)
{
    if (2 * (s->n + 1) > s->room) {
        size_t room = s->room ? 2 * s->room : 1024;
        uint64_t *keys = rz_calloc(room, sizeof *keys);
        for (size_t i = 0; i < s->room; i++)
            if (s->keys[i])
                put(keys, room, s->keys[i]);
        free(s->keys);
        s->keys = keys;
        s->room = room;
    }
    bool is_new = put(s->keys, s->room, key);
    s->n += is_new;
    return is_new;
}

/* ---- making ---- */

static void ask_to_stop(int signal)
{
    (void)signal;
    rz_stop_asked = 1;
}

/* So that a job that is given up leaves no temporary file. */
static bool goes_on(rz_err *err)
{
    return !rz_stop_asked || rz_fail(err, RZ_ETRANSIENT, "stopped by a signal; nothing is left of it");
}

static bool make_problems(make_job *j, rz_data_sink *sink, rz_arena *arena, rz_err *err)
{
    rz_source *source;
    seen_set seen = {0};
    int64_t in_vain = 0;
    if (!rz_source_open(&source, j->task, &j->o.config.task, (uint32_t)j->o.config.seed, err))
        return false;
    bool ok = true;
    for (uint64_t index = 0; ok && sink->n < j->o.count; index++) {
        rz_arena scratch = *arena;
        rz_problem p;
        ok = goes_on(err) && rz_source_problem(source, (rz_split)j->o.split, index, &p, &scratch, err);
        if (!ok)
            break;
        bool again = j->o.distinct && !add_new(&seen, key_of(&p));
        in_vain = again ? in_vain + 1 : 0;
        if (in_vain > PATIENCE)
            ok = rz_fail(err, RZ_ECONFIG, "count is %lld, but only %zu different problems have come (the last %d were all known): ask for at most %zu, or allow larger numbers (max_input, digits, largest)",
                         (long long)j->o.count, seen.n, PATIENCE, seen.n);
        else if (!again)
            ok = rz_data_sink_problem(sink, "problem", &(rz_raw_problem){p.prompt, p.answer, j->task, p.meta, strlen(p.meta), p.cluster, sink->n}, err);
    }
    free(seen.keys);
    rz_source_close(source);
    return ok;
}

static bool make_documents(make_job *j, rz_data_sink *sink, rz_arena *arena, rz_err *err)
{
    rz_corpus *corpus;
    if (sink->to_store)
        return rz_fail(err, RZ_EUSAGE, "HDF5 data sets hold problems, no documents: end the name in .jsonl, .jsonl.gz or .jsonl.zst");
    if (!rz_corpus_open(&corpus, j->task, &j->o.config.task.countdown, &j->o.config.corpus, (uint32_t)j->o.config.seed, err))
        return false;
    bool ok = true;
    while (ok && sink->n < j->o.count) {
        rz_arena scratch = *arena;
        char *text;
        ok = goes_on(err) && rz_corpus_text(corpus, (uint64_t)sink->n, &text, &scratch, err);
        if (ok) {
            char *line = rz_text_line(text);
            ok = rz_data_sink_line(sink, line, strlen(line), err);
            free(line);
        }
    }
    rz_corpus_close(corpus);
    return ok;
}

bool rz_data_make(int argc, char **argv, rz_err *err)
{
    make_job j = {0};
    rz_data_sink sink = {0};
    rz_arena arena = {0};
    struct sigaction stop = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    collect_rows(&j);
    bool ok = rz_options_init(j.rows, j.n, &j.o, err);
    for (int i = 0; ok && i < argc; i++)
        ok = parse_argument(&j, argc, argv, &i, err);
    ok = ok && check(&j, err) && rz_arena_init(&arena, (size_t)64 << 20, err) && rz_data_sink_open(&sink, j.o.to, err) &&
         (j.o.corpus ? make_documents : make_problems)(&j, &sink, &arena, err) && rz_data_sink_commit(&sink, err);
    if (ok && !sink.to_stdout)
        fprintf(stderr, "%lld %s in %s\n", (long long)sink.n, j.o.corpus ? "documents" : "problems", j.o.to);
    rz_data_sink_close(&sink);
    rz_arena_finish(&arena);
    rz_options_finish(j.rows, j.n, &j.o);
    return ok;
}
