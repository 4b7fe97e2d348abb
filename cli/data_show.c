#include "cli/cli.h"
#include "cli/data.h"

#include "base/text.h"
#include "cli/flags.h"
#include "data/prompt.h"
#include "data/tokenizer_gguf.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lengths ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* "27 characters (24 to 31)": median, least, most. Sorts. */
static void print_range(int64_t *x, int64_t n, const char *unit)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    if (x[0] == x[n - 1])
        printf("%lld %s", (long long)x[0], unit);
    else
        printf("%lld %s (%lld to %lld)", (long long)x[n / 2], unit, (long long)x[0], (long long)x[n - 1]);
}

static int64_t count_words(const char *s, size_t len)
{
    int64_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        bool space = strchr(" \t\r\n\v\f", s[i]) != NULL;
        n += !space && !inside;
        inside = !space;
    }
    return n;
}

/* Characters and words of the texts that are not empty. */
static void print_lengths(const char *name, const rz_column *c)
{
    int64_t *chars = rz_calloc((size_t)c->n + 1, sizeof *chars), *words = rz_calloc((size_t)c->n + 1, sizeof *words), n = 0;
    for (int64_t i = 0; i < c->n; i++) {
        size_t len;
        const char *text = rz_column_get(c, i, &len);
        if (!len)
            continue;
        chars[n] = (int64_t)rz_utf8_count(text, len);
        words[n++] = count_words(text, len);
    }
    printf("  %-12s", name);
    if (n) {
        print_range(chars, n, "characters");
        printf(", ");
        print_range(words, n, "words");
    }
    if (n < c->n)
        printf(n ? "; %lld of %lld have none" : "none has one", (long long)(c->n - n), (long long)c->n);
    printf("\n");
    free(chars);
    free(words);
}

typedef struct {
    const rz_dataset *problems; /* NULL: texts */
    const char *path;
    const rz_prompt_options *prompt;
} shown_file;

static bool print_tokens(const shown_file *f, const rz_column *c, const char *model, rz_err *err)
{
    rz_tokenizer *t = NULL;
    rz_prompt *prompt = NULL;
    rz_arena arena = {0};
    int64_t n = 0, refused = 0, *sizes = rz_calloc((size_t)c->n + 1, sizeof *sizes);
    char *first = NULL;
    bool ok = rz_tokenizer_open(&t, model, err) && (!f->problems || rz_prompt_create(&prompt, f->prompt, t, err)) && rz_arena_init(&arena, (size_t)1 << 32, err);
    for (int64_t i = 0; ok && i < c->n; i++) {
        rz_arena scratch = arena;
        rz_err why = {0};
        size_t len;
        int32_t *ids;
        int n_ids;
        const char *text = rz_column_get(c, i, &len);
        rz_prompt_made made = {0};
        bool done = prompt ? rz_prompt_make(prompt, rz_arena_strndup(&scratch, text, len), &scratch, &made, &why)
                           : rz_tokenizer_encode(t, text, len, &scratch, &ids, &n_ids, &why);
        if (prompt)
            n_ids = made.n;
        if (done) {
            sizes[n++] = n_ids;
        } else if (refused++ == 0) {
            char *where = f->problems ? rz_dataset_where(f->problems, f->path, i) : rz_asprintf("text %lld", (long long)i + 1);
            first = rz_asprintf("%s: %s", where, why.text);
            free(where);
        }
    }
    if (ok) {
        printf("  %-12s", "tokens");
        if (n)
            print_range(sizes, n, f->problems ? "a prompt" : "a text");
        if (refused) {
            printf("%s%lld cannot be encoded, the first is ", n ? "; " : "", (long long)refused);
            rz_print_safe(stdout, first, strlen(first));
        }
        printf("\n");
    }
    free(first);
    free(sizes);
    rz_arena_finish(&arena);
    rz_prompt_destroy(prompt);
    rz_tokenizer_destroy(t);
    return ok;
}

/* ---- what there is ---- */

typedef struct {
    const char *text;
    size_t len;
} piece;

static int by_text(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    int c = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void print_duplicates(const rz_column *c)
{
    piece *p = rz_calloc((size_t)c->n + 1, sizeof *p);
    int64_t again = 0;
    for (int64_t i = 0; i < c->n; i++)
        p[i].text = rz_column_get(c, i, &p[i].len);
    qsort(p, (size_t)c->n, sizeof *p, by_text);
    for (int64_t i = 1; i < c->n; i++)
        again += by_text(&p[i], &p[i - 1]) == 0;
    printf("  %-12s%lld of %lld are the same as an earlier one\n", "duplicates", (long long)again, (long long)c->n);
    free(p);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_clusters(const rz_dataset *d)
{
    int64_t n = d->prompt.n, different = 1;
    uint64_t *c = rz_calloc((size_t)n, sizeof *c);
    memcpy(c, d->clusters, (size_t)n * sizeof *c);
    qsort(c, (size_t)n, sizeof *c, by_number);
    for (int64_t i = 1; i < n; i++)
        different += c[i] != c[i - 1];
    printf("  %-12s%lld of %lld (problems of one cluster are not independent)\n", "clusters", (long long)different, (long long)n);
    free(c);
}

/* "meta  numbers 500, target 500": in how many problems each key is. */
static void print_names(const char *title, json_t *counts)
{
    const char *key;
    json_t *n;
    int shown = 0;
    if (!json_object_size(counts))
        return;
    printf("  %-12s", title);
    json_object_foreach(counts, key, n) {
        if (shown == 20)
            printf(", …");
        if (shown++ < 20) {
            fputs(shown > 1 ? ", " : "", stdout);
            rz_print_safe(stdout, key, rz_utf8_valid(key, strnlen(key, 60)));
            printf(" %lld", (long long)json_integer_value(n));
        }
    }
    printf("\n");
}

static void count_name(json_t *counts, const char *name)
{
    json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
}

static void print_meta_and_tasks(const rz_dataset *d)
{
    json_t *keys = json_object(), *tasks = json_object();
    for (int64_t i = 0; i < d->prompt.n; i++) {
        size_t len;
        const char *text = rz_column_get(&d->meta, i, &len), *key;
        json_t *meta = json_loadb(text, len, 0, NULL), *value;
        char *task = rz_column_text(&d->task, i);
        json_object_foreach(meta, key, value)
            count_name(keys, key);
        if (task[0])
            count_name(tasks, task);
        json_decref(meta);
        free(task);
    }
    print_names("meta", keys);
    print_names("task", tasks);
    json_decref(keys);
    json_decref(tasks);
}

static void print_text(const char *title, const rz_column *c, int64_t i)
{
    enum { SHOWN = 600 };
    size_t len;
    const char *text = rz_column_get(c, i, &len);
    if (!len)
        return;
    fputs(title, stdout);
    rz_print_safe(stdout, text, rz_utf8_valid(text, len < SHOWN ? len : SHOWN));
    puts(len < SHOWN ? "" : "…");
}

static bool show_problems(const char *path, const char *model, const rz_prompt_options *prompt, int64_t limit, rz_err *err)
{
    rz_dataset d = {0};
    bool ok = rz_dataset_load(&d, path, err);
    if (ok) {
        printf("%s: %lld problems, %s\n", path, (long long)d.prompt.n, d.is_store ? "HDF5" : "JSON Lines");
        print_lengths("prompt", &d.prompt);
        print_lengths("answer", &d.answer);
        print_meta_and_tasks(&d);
        print_clusters(&d);
        print_duplicates(&d.prompt);
        if (d.n_other) {
            printf("  %-12sin %lld problems, such as '", "others", (long long)d.n_other);
            rz_print_safe(stdout, d.other, rz_utf8_valid(d.other, strlen(d.other)));
            puts("'; fields that nothing reads");
        }
        ok = !model || print_tokens(&(shown_file){&d, path, prompt}, &d.prompt, model, err);
    }
    for (int64_t i = 0; ok && i < d.prompt.n && i < limit; i++) {
        char *where = rz_dataset_where(&d, path, i);
        printf("%s\n", where);
        print_text("    prompt  ", &d.prompt, i);
        print_text("    answer  ", &d.answer, i);
        print_text("    meta    ", &d.meta, i);
        free(where);
    }
    rz_dataset_finish(&d);
    return ok;
}

static bool show_texts(const char *path, const char *model, const rz_prompt_options *prompt, int64_t limit, rz_err *err)
{
    rz_column c = {0};
    bool ok = rz_texts_load_jsonl(&c, path, err);
    if (ok) {
        printf("%s: %lld texts for next-token training, JSON Lines\n", path, (long long)c.n);
        print_lengths("text", &c);
        print_duplicates(&c);
        ok = !model || print_tokens(&(shown_file){NULL, path, prompt}, &c, model, err);
    }
    for (int64_t i = 0; ok && i < c.n && i < limit; i++)
        print_text("    ", &c, i);
    rz_column_finish(&c);
    return ok;
}

typedef struct {
    char *model;
    int64_t limit;
    rz_prompt_options prompt;
} options;

bool rz_data_show(int argc, char **argv, rz_err *err)
{
    static const rz_option flags[] = {
        {"model", RZ_OPT_TEXT, offsetof(options, model), "", 0, 0, NULL, RZ_OPT_FIXED, "counts tokens and unknown words"},
        {"limit", RZ_OPT_INT, offsetof(options, limit), "3", 0, 1e9, NULL, RZ_OPT_FIXED, "problems shown"},
        RZ_PROMPT_FLAGS(options, "default"), /* for the count of tokens */
    };
    enum { N_FLAGS = sizeof flags / sizeof flags[0] };
    options o = {0};
    const char *path = NULL;
    rz_jsonl_kind kind = RZ_JSONL_PROBLEMS;
    bool is_store, ok = rz_flags_parse(flags, N_FLAGS, &o, NULL, NULL, &path, argc, argv, err);
    if (ok && !path)
        ok = rz_fail(err, RZ_EUSAGE, "a FILE is missing: data show FILE");
    ok = ok && rz_dataset_is_store(path, &is_store, err) && (is_store || rz_jsonl_kind_of(path, &kind, err));
    if (ok)
        ok = (kind == RZ_JSONL_TEXTS ? show_texts : show_problems)(path, o.model[0] ? o.model : NULL, &o.prompt, o.limit, err);
    rz_options_finish(flags, N_FLAGS, &o);
    return ok;
}
