#include "data/source.h"
#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tasks ---- */

typedef struct {
    bool (*check)(const rz_countdown_options *o, rz_err *err);
    bool (*draw)(const rz_countdown_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err);
    char *(*describe)(const rz_countdown_options *o); /* what the problems depend on; freed by the caller */
    bool (*check_corpus)(const rz_countdown_options *o, const rz_corpus_options *c, rz_err *err);
    char *(*document)(const rz_countdown_options *o, const rz_corpus_options *c, uint32_t seed, uint64_t index);
    char *(*describe_corpus)(const rz_countdown_options *o, const rz_corpus_options *c);
} task_row;

static const char *const split_names[] = {[RZ_TRAIN] = "train", [RZ_VALIDATION] = "validation", [RZ_TEST] = "test"};

static bool countdown_draw(const rz_countdown_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena,
                           rz_err *err)
{
    for (int i = 0; i < o->numbers.n; i++) {
        if (rz_countdown_split_size(o, (int)o->numbers.v[i], split) == 0) {
            return rz_fail(err, RZ_ECONFIG, "countdown: the %s split holds no problems; test_share is %g and validation_share %g", split_names[split],
                           o->test_share, o->validation_share);
        }
    }
    rz_countdown p;
    char prompt[96], meta[128], answer[16];
    rz_countdown_draw(o, seed, split, index, &p);
    rz_countdown_prompt(&p, prompt, sizeof prompt);
    size_t used = 0;
    for (int i = 0; i < p.n; i++) used += (size_t)snprintf(meta + used, sizeof meta - used, "%s%d", i ? "," : "{\"numbers\":[", p.numbers[i]);
    snprintf(meta + used, sizeof meta - used, "],\"target\":%d}", p.target);
    snprintf(answer, sizeof answer, "%d", p.target);
    *out = (rz_problem){.prompt = rz_arena_strndup(arena, prompt, strlen(prompt)), .answer = rz_arena_strndup(arena, answer, strlen(answer)),
                        .meta = rz_arena_strndup(arena, meta, strlen(meta)), .cluster = rz_countdown_cluster(p.numbers, p.n)};
    return true;
}

/* "generator 1" is raised whenever the same options come to mean other problems or documents. */
static char *countdown_describe(const rz_countdown_options *o)
{
    char numbers[RZ_OPT_MAX_LIST * 24 + 1] = "";
    size_t used = 0;
    for (int i = 0; i < o->numbers.n; i++) used += (size_t)snprintf(numbers + used, sizeof numbers - used, " %" PRId64, o->numbers.v[i]);
    return rz_asprintf("countdown generator 1 numbers%s max_input %" PRId64 " max_value %" PRId64 " targets %d split_seed %" PRId64
                       " test_share %.17g validation_share %.17g", numbers, o->max_input, o->max_value, o->targets, o->split_seed, o->test_share,
                       o->validation_share);
}

static char *countdown_describe_corpus(const rz_countdown_options *o, const rz_corpus_options *c)
{
    char *problems = countdown_describe(o);
    char *all = rz_asprintf("%s corpus generator 1 goal_aware %.17g wrong_result %.17g wrong_verdict %.17g wrong_unchecked %.17g wait %.17g"
                            " max_attempts %" PRId64 " max_words %" PRId64 " repeat_attempts %d", problems, c->goal_aware, c->wrong_result,
                            c->wrong_verdict, c->wrong_unchecked, c->wait, c->max_attempts, c->max_words, c->repeat_attempts);
    free(problems);
    return all;
}

enum { COUNTDOWN, N_TASKS };
static const char *const task_names[N_TASKS] = {[COUNTDOWN] = "countdown"};
static const task_row tasks[N_TASKS] = {
    [COUNTDOWN] = {rz_countdown_check, countdown_draw, countdown_describe, rz_corpus_check, rz_corpus_document, countdown_describe_corpus},
};

const char *const *rz_task_names(int *n)
{
    *n = N_TASKS;
    return task_names;
}

static const task_row *find_task(const char *name)
{
    for (int i = 0; i < N_TASKS; i++) {
        if (strcmp(task_names[i], name) == 0) return &tasks[i];
    }
    return NULL;
}

/* A task, or NULL for a file that is there. */
static bool resolve(const char *data, const task_row **out, rz_err *err)
{
    *out = find_task(data);
    if (*out || rz_file_exists(data)) return true;
    const char *near = rz_nearest(data, task_names, N_TASKS);
    char known[256] = "";
    size_t used = 0;
    for (int i = 0; i < N_TASKS; i++) used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", task_names[i]);
    return rz_fail(err, RZ_EIO, "data is \"%s\": neither a task (%s) nor a file that is there%s%s%s", data, known, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

static void hash_description(char *description, char out[33])
{
    rz_hash_hex(description, strlen(description), out);
    free(description);
}

/* Line `index` of an endless, reshuffled file of n. */
static int64_t shuffled(uint32_t seed, int64_t n, uint64_t index)
{
    uint64_t epoch = index / (uint64_t)n;
    return (int64_t)rz_rng_permute(seed, RZ_RNG_SHUFFLE, (uint32_t)epoch, (uint64_t)n, index % (uint64_t)n);
}

static char *take(const rz_column *c, int64_t i, rz_arena *arena)
{
    size_t len;
    const char *text = rz_column_get(c, i, &len);
    return rz_arena_strndup(arena, text, len);
}

/* ---- problems ---- */

struct rz_source {
    const task_row *task; /* NULL: a file */
    rz_countdown_options options;
    rz_dataset file;
    uint32_t seed;
    bool in_order;
    char hash[33];
};

bool rz_source_open(rz_source **out, const char *data, const rz_countdown_options *countdown, uint32_t seed, rz_err *err)
{
    const task_row *task;
    *out = NULL;
    if (!resolve(data, &task, err)) return false;
    rz_source *s = rz_calloc(1, sizeof *s);
    s->task = task;
    s->seed = seed;
    bool ok;
    if (task) {
        s->options = *countdown;
        ok = task->check(countdown, err);
        if (ok) hash_description(task->describe(countdown), s->hash);
    } else {
        ok = rz_dataset_load(&s->file, data, err) && rz_hash_file(data, s->hash, err);
    }
    if (ok) *out = s;
    else rz_source_close(s);
    return ok;
}

void rz_source_close(rz_source *s)
{
    if (!s) return;
    rz_dataset_finish(&s->file);
    free(s);
}

void rz_source_item(const rz_source *s, int64_t i, rz_problem *out, rz_arena *arena)
{
    *out = (rz_problem){.prompt = take(&s->file.prompt, i, arena), .answer = take(&s->file.answer, i, arena), .meta = take(&s->file.meta, i, arena),
                        .cluster = s->file.clusters[i]};
}

bool rz_source_problem(rz_source *s, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    if (s->task) return s->task->draw(&s->options, s->seed, split, index, out, arena, err);
    int64_t n = s->file.prompt.n;
    rz_source_item(s, s->in_order ? (int64_t)(index % (uint64_t)n) : shuffled(s->seed, n, index), out, arena);
    return true;
}

void rz_source_keep_order(rz_source *s) { s->in_order = true; }
char *rz_source_where(const rz_source *s, const char *path, int64_t i) { return rz_dataset_where(&s->file, path, i); }
int64_t rz_source_size(const rz_source *s) { return s->task ? -1 : s->file.prompt.n; }
const char *rz_source_hash(const rz_source *s) { return s->hash; }

/* ---- documents ---- */

struct rz_corpus {
    const task_row *task; /* NULL: a file */
    rz_countdown_options options;
    rz_corpus_options corpus;
    rz_column texts;
    uint32_t seed;
    char hash[33];
};

bool rz_corpus_open(rz_corpus **out, const char *data, const rz_countdown_options *countdown, const rz_corpus_options *corpus, uint32_t seed,
                    rz_err *err)
{
    const task_row *task;
    *out = NULL;
    if (!resolve(data, &task, err)) return false;
    rz_corpus *c = rz_calloc(1, sizeof *c);
    c->task = task;
    c->seed = seed;
    bool ok;
    if (task) {
        c->options = *countdown;
        c->corpus = *corpus;
        ok = task->check_corpus(countdown, corpus, err);
        if (ok) hash_description(task->describe_corpus(countdown, corpus), c->hash);
    } else {
        bool is_store; /* which the reader of lines tells; of a pipe it would leave nothing to be hashed */
        ok = rz_dataset_is_store(data, &is_store, err) && rz_texts_load_jsonl(&c->texts, data, err) && rz_hash_file(data, c->hash, err);
    }
    if (ok) *out = c;
    else rz_corpus_close(c);
    return ok;
}

void rz_corpus_close(rz_corpus *c)
{
    if (!c) return;
    rz_column_finish(&c->texts);
    free(c);
}

bool rz_corpus_text(rz_corpus *c, uint64_t index, char **text, rz_arena *arena, rz_err *err)
{
    (void)err;
    if (!c->task) {
        *text = take(&c->texts, shuffled(c->seed, c->texts.n, index), arena);
        return true;
    }
    char *document = c->task->document(&c->options, &c->corpus, c->seed, index);
    *text = rz_arena_strndup(arena, document, strlen(document));
    free(document);
    return true;
}

const char *rz_corpus_hash(const rz_corpus *c) { return c->hash; }
