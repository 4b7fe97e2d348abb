#include "data/source.h"
#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A task, or NULL for a file that is there. */
static bool resolve(const char *data, const rz_task **out, rz_err *err)
{
    int n;
    const char *const *names = rz_task_names(&n);
    *out = rz_task_find(data);
    if (*out || rz_file_exists(data)) return true;
    const char *near = rz_nearest(data, names, n);
    char known[1024] = "";
    size_t used = 0;
    for (int i = 0; i < n; i++) used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", names[i]);
    return rz_fail(err, RZ_EIO, "data is \"%s\": neither a task (%s) nor a file that is there%s%s%s%s", data, known, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "", strchr(data, '/') ? "; put the file there, or say where it is: data=FILE" : "");
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
    const rz_task *task; /* NULL: a file */
    rz_task_options options;
    rz_dataset file;
    uint32_t seed;
    bool in_order;
    int level; /* of the train split: a place in the list of levels; −1: they take turns */
    char hash[33];
};

bool rz_source_open(rz_source **out, const char *data, const rz_task_options *options, uint32_t seed, rz_err *err)
{
    const rz_task *task;
    *out = NULL;
    if (!resolve(data, &task, err)) return false;
    rz_source *s = rz_calloc(1, sizeof *s);
    s->task = task;
    s->seed = seed;
    s->level = -1;
    bool ok;
    if (task) {
        s->options = *options;
        ok = rz_task_check(task, options, err);
        if (ok) hash_description(rz_task_describe(task, options), s->hash);
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
    if (s->task) {
        bool fixed = split == RZ_TRAIN && s->level >= 0;
        return rz_task_draw(s->task, &s->options, rz_task_level(&s->options, fixed ? (uint64_t)s->level : index), s->seed, split, index, out, arena, err);
    }
    int64_t n = s->file.prompt.n;
    rz_source_item(s, s->in_order ? (int64_t)(index % (uint64_t)n) : shuffled(s->seed, n, index), out, arena);
    return true;
}

int rz_source_levels(const rz_source *s) { return s->task && s->options.levels.n ? s->options.levels.n : 1; }

void rz_source_set_level(rz_source *s, int place) { s->level = place; }

void rz_source_keep_order(rz_source *s) { s->in_order = true; }
char *rz_source_where(const rz_source *s, const char *path, int64_t i) { return rz_dataset_where(&s->file, path, i); }
int64_t rz_source_size(const rz_source *s) { return s->task ? -1 : s->file.prompt.n; }
const char *rz_source_hash(const rz_source *s) { return s->hash; }

/* ---- documents ---- */

struct rz_corpus {
    const rz_task *task; /* NULL: a file */
    rz_countdown_options options;
    rz_corpus_options corpus;
    rz_column texts;
    uint32_t seed;
    char hash[33];
};

bool rz_corpus_open(rz_corpus **out, const char *data, const rz_countdown_options *countdown, const rz_corpus_options *corpus, uint32_t seed,
                    rz_err *err)
{
    const rz_task *task;
    *out = NULL;
    if (!resolve(data, &task, err)) return false;
    if (task && !(task->own && task->own->document))
        return rz_fail(err, RZ_ECONFIG, "the task %s has no documents that a base could be made from; countdown has, or name a file of texts", data);
    rz_corpus *c = rz_calloc(1, sizeof *c);
    c->task = task;
    c->seed = seed;
    bool ok;
    if (task) {
        c->options = *countdown;
        c->corpus = *corpus;
        ok = task->own->check_corpus(countdown, corpus, err);
        if (ok) hash_description(task->own->describe_corpus(countdown, corpus), c->hash);
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
    char *document = c->task->own->document(&c->options, &c->corpus, c->seed, index);
    *text = rz_arena_strndup(arena, document, strlen(document));
    free(document);
    return true;
}

const char *rz_corpus_hash(const rz_corpus *c) { return c->hash; }
