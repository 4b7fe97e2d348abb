/* Any bytes as a file of JSON Lines, plain, gzip or zstd, by everything that reads such files: problems (ours and GSM8K's), texts, cases of rules, logs. Refused as
 * bad data, in words, or fit for use. */
#include "data/dataset.h"
#include "data/source.h"
#include "rewards/example.h"
#include "tests/fuzz/memory_file.h"
#include "trainer/history.h"
#include <string.h>

static rz_arena arena;

static void read_problems(const char *path)
{
    rz_err err = {.code = RZ_OK};
    rz_task_options options = {0}; /* not asked for a file */
    rz_source *s;
    if (!rz_source_open(&s, path, &options, 1, &err)) {
        must_be_refused_well(&err);
        return;
    }
    int64_t n = rz_source_size(s);
    if (n < 1) abort();
    for (int64_t i = 0; i < n && i < 1000; i++) {
        rz_problem p;
        rz_source_item(s, i, &p, &arena);
        free(rz_source_where(s, path, i));
        if (!p.prompt[0] && !p.answer && !p.meta) abort();
        rz_arena_release(&arena, 0);
    }
    rz_source_close(s);
}

static void read_texts(const char *path)
{
    rz_err err = {.code = RZ_OK};
    rz_column texts = {0};
    if (rz_texts_load_jsonl(&texts, path, &err)) {
        for (int64_t i = 0; i < texts.n; i++) {
            char *text = rz_column_text(&texts, i), *line = rz_text_line(text);
            free(line);
            free(text);
        }
    } else {
        must_be_refused_well(&err);
    }
    rz_column_finish(&texts);
}

static bool count(void *ctx, const char *line, size_t len, rz_err *err)
{
    (void)err;
    if (memchr(line, 0, len)) abort();
    ++*(int *)ctx;
    return true;
}

static void read_others(const char *path)
{
    rz_err err = {.code = RZ_OK};
    rz_jsonl_kind kind;
    rz_examples all = {0};
    rz_history h;
    int n = 0;
    if (!rz_jsonl_kind_of(path, &kind, &err)) must_be_refused_well(&err);
    if (!rz_jsonl_each(path, count, &n, &err)) must_be_refused_well(&err);
    if (!rz_examples_load(&all, path, &err)) must_be_refused_well(&err);
    rz_examples_finish(&all);
    rz_history_read(&h, path, &err);
    for (int i = 0; i < h.n_columns; i++) rz_history_mean(&h, h.columns[i].name, 0, h.n);
    rz_history_finish(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rz_err err;
    if (!arena.base && !rz_arena_init(&arena, (size_t)1 << 30, &err)) abort();
    const char *path = memory_file(data, size);
    read_problems(path);
    read_texts(path);
    read_others(path);
    return 0;
}
