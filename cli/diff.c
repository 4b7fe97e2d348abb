#include "cli/cli.h"
#include "cli/diff.h"

#include "base/file.h"
#include "base/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIFFERENT = 1, MAX_TOLD = 20 };

/* What may differ between two runs that are the same (docs/files.md): attributes of stores. In logs: is_free; in configs: keys that change no bit. */
static const char *const free_attributes[] = {"format_version" /* whether it is in parts */, "ranks", "kernels", "program", "metrics_bytes"};

static int n_told;

void rz_diff_tell(const char *fmt, ...)
{
    va_list args;
    if (n_told++ >= MAX_TOLD)
        return;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

typedef struct { char *name, *value; rz_shape shape; } item;
typedef struct { item *items; int n; } items;

static item *add(items *l)
{
    l->items = rz_realloc(l->items, (size_t)(l->n + 1) * sizeof *l->items);
    l->items[l->n] = (item){0};
    return &l->items[l->n++];
}

static void free_items(items *l)
{
    for (int i = 0; i < l->n; i++) {
        free(l->items[i].name);
        free(l->items[i].value);
    }
    free(l->items);
}

static bool collect_array(void *ctx, const char *name, const rz_shape *shape)
{
    if (!strcmp(name, "config")) /* compared by its keys */
        return true;
    item *i = add(ctx);
    i->name = rz_strdup(name);
    i->shape = *shape;
    return true;
}

static bool collect_attribute(void *ctx, const char *name, const char *value)
{
    for (size_t k = 0; k < sizeof free_attributes / sizeof free_attributes[0]; k++)
        if (!strcmp(name, free_attributes[k]))
            return true;
    item *i = add(ctx);
    i->name = rz_strdup(name);
    i->value = rz_strdup(value);
    return true;
}

/* Walks two lists sorted by name; same(ctx, name, a, b) is called for names in both. */
static bool pair_up(const items *a, const items *b, const char *where, bool (*same)(void *ctx, const item *x, const item *y), void *ctx)
{
    bool equal = true;
    for (int i = 0, j = 0; i < a->n || j < b->n;) {
        int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->items[i].name, b->items[j].name);
        if (order) {
            rz_diff_tell("%s%s: only in %s", where, order < 0 ? a->items[i].name : b->items[j].name, order < 0 ? "A" : "B");
            equal = false;
            order < 0 ? i++ : j++;
        } else {
            equal = same(ctx, &a->items[i++], &b->items[j++]) && equal;
        }
    }
    return equal;
}

typedef struct { rz_store *a, *b; const char *where; rz_err *err; bool failed; } store_pair;

static size_t shape_bytes(const rz_shape *s)
{
    size_t n = rz_type_size(s->type);
    for (int i = 0; i < s->n_dims; i++)
        n *= (size_t)s->dims[i];
    return n;
}

static bool same_config_text(const char *a, const char *b, const char *where, bool *equal, rz_err *err)
{
    rz_config x = {0}, y = {0};
    bool ok = rz_options_init(rz_config_rows, rz_config_n_rows, &x, err) && rz_options_init(rz_config_rows, rz_config_n_rows, &y, err) &&
              rz_options_parse(rz_config_rows, rz_config_n_rows, &x, "A", a, strlen(a), NULL, err) &&
              rz_options_parse(rz_config_rows, rz_config_n_rows, &y, "B", b, strlen(b), NULL, err);
    const rz_option *row = ok ? rz_options_differ(rz_config_rows, rz_config_n_rows, &x, &y) : NULL;
    if (row)
        rz_diff_tell("%sconfig: %s differs", where, row->key);
    *equal = *equal && !row;
    rz_config_finish(&x);
    rz_config_finish(&y);
    return ok;
}

/* Keys that may differ between two starts of one run may differ here. */
static bool same_config(const store_pair *p, bool *equal, rz_err *err)
{
    if (!rz_store_has(p->a, "config") || !rz_store_has(p->b, "config")) {
        if (rz_store_has(p->a, "config") != rz_store_has(p->b, "config")) {
            rz_diff_tell("%sconfig: only in one", p->where);
            *equal = false;
        }
        return true;
    }
    char *a = rz_store_get_text(p->a, "config", err), *b = a ? rz_store_get_text(p->b, "config", err) : NULL;
    bool ok = a && b && same_config_text(a, b, p->where, equal, err);
    free(a);
    free(b);
    return ok;
}

static bool same_array(void *ctx, const item *x, const item *y)
{
    store_pair *p = ctx;
    size_t bytes = shape_bytes(&x->shape);
    if (memcmp(&x->shape, &y->shape, sizeof x->shape)) {
        rz_diff_tell("%s%s: another shape or type", p->where, x->name);
        return false;
    }
    char *a = rz_calloc(bytes + 1, 1), *b = rz_calloc(bytes + 1, 1);
    bool equal = rz_store_get(p->a, x->name, x->shape, a, p->err) && rz_store_get(p->b, x->name, x->shape, b, p->err);
    p->failed = p->failed || !equal;
    if (equal && memcmp(a, b, bytes)) {
        size_t size = rz_type_size(x->shape.type), n = 0, first = 0;
        for (size_t i = 0; i < bytes / size; i++)
            if (memcmp(a + i * size, b + i * size, size) && n++ == 0)
                first = i;
        rz_diff_tell("%s%s: %zu of %zu values differ, the first at %zu", p->where, x->name, n, bytes / size, first);
        equal = false;
    }
    free(a);
    free(b);
    return equal;
}

static bool same_attribute(void *ctx, const item *x, const item *y)
{
    const store_pair *p = ctx;
    if (!strcmp(x->value, y->value))
        return true;
    rz_diff_tell("%sattribute %s: %s, %s", p->where, x->name, x->value, y->value);
    return false;
}

/* *equal is set; false when a file cannot be read. */
static bool diff_stores(const char *a, const char *b, const char *where, bool *equal, rz_err *err)
{
    store_pair p = {.where = where, .err = err};
    items aa = {0}, ba = {0}, at = {0}, bt = {0};
    bool ok = rz_store_open(&p.a, a, err) && rz_store_open(&p.b, b, err) && rz_store_each(p.a, collect_array, &aa, err) &&
              rz_store_each(p.b, collect_array, &ba, err) && rz_store_each_attr(p.a, collect_attribute, &at, err) &&
              rz_store_each_attr(p.b, collect_attribute, &bt, err);
    if (ok) {
        bool config = true;
        ok = same_config(&p, &config, err);
        bool attributes = pair_up(&at, &bt, where, same_attribute, &p), arrays = pair_up(&aa, &ba, where, same_array, &p);
        *equal = config && attributes && arrays;
        ok = ok && !p.failed;
    }
    free_items(&aa);
    free_items(&ba);
    free_items(&at);
    free_items(&bt);
    rz_store_close(p.a);
    rz_store_close(p.b);
    return ok;
}

/* ---- logs ---- */

/* Of the machine, not of the run: what fell to which rank decides what is drafted. */
static bool is_free(const char *key)
{
    static const char *const prefixes[] = {"time/", "checkpoint/", "speculative/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (!strncmp(key, prefixes[i], strlen(prefixes[i])))
            return true;
    return false;
}

static bool same_members(const char *where, int64_t line, json_t *a, json_t *b)
{
    const char *key;
    json_t *value;
    bool equal = true;
    json_object_foreach(a, key, value)
        if (!is_free(key) && !json_equal(value, json_object_get(b, key))) {
            rz_diff_tell("%sline %lld: %s differs", where, (long long)line, key);
            equal = false;
        }
    json_object_foreach(b, key, value)
        if (!is_free(key) && !json_object_get(a, key)) {
            rz_diff_tell("%sline %lld: %s is only in B", where, (long long)line, key);
            equal = false;
        }
    return equal;
}

static bool diff_logs(const char *a, const char *b, const char *where, bool *equal, rz_err *err)
{
    enum { MAX_LINE = 1 << 20 };
    rz_lines *x = NULL, *y = NULL;
    bool ok = rz_lines_open(&x, a, MAX_LINE, err) && rz_lines_open(&y, b, MAX_LINE, err);
    *equal = true;
    while (ok) {
        char *s, *t;
        size_t n, m;
        err->code = RZ_OK;
        bool more = rz_lines_next(x, &s, &n, err), more_b = !err->code && rz_lines_next(y, &t, &m, err);
        if (err->code) {
            ok = false;
        } else if (more != more_b) {
            rz_diff_tell("%s%s is longer", where, more ? "A" : "B");
            *equal = false;
        }
        if (!ok || !more || !more_b)
            break;
        json_t *o = json_loadb(s, n, JSON_REJECT_DUPLICATES, NULL), *p = json_loadb(t, m, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(o) || !json_is_object(p))
            ok = rz_fail(err, RZ_EDATA, "%sline %lld is no JSON object", where, (long long)rz_lines_number(x));
        else
            *equal = same_members(where, rz_lines_number(x), o, p) && *equal;
        json_decref(o);
        json_decref(p);
    }
    rz_lines_close(x);
    rz_lines_close(y);
    return ok;
}

/* ---- run directories ---- */

typedef bool (*compare)(const char *a, const char *b, const char *where, bool *equal, rz_err *err);

/* One file of both runs, if it is there at all. */
static bool diff_member(const char *a, const char *b, const char *name, compare fn, bool *equal, rz_err *err)
{
    char *x = rz_asprintf("%s/%s", a, name), *y = rz_asprintf("%s/%s", b, name), *where = rz_asprintf("%s: ", name);
    bool in_a = rz_file_exists(x), in_b = rz_file_exists(y), same = true, ok = true;
    if (in_a != in_b) {
        rz_diff_tell("%sonly in %s", where, in_a ? "A" : "B");
        same = false;
    } else if (in_a) {
        ok = fn(x, y, where, &same, err);
    }
    *equal = *equal && same;
    free(x);
    free(y);
    free(where);
    return ok;
}

/* The newest checkpoint: earlier ones may have been pruned. */
static bool diff_checkpoints(const char *a, const char *b, bool *equal, rz_err *err)
{
    char *x = rz_newest_step_file(a, "checkpoints"), *y = rz_newest_step_file(b, "checkpoints");
    bool ok = (x && y) || rz_fail(err, RZ_EDATA, "%s holds no checkpoint: it is no run directory, or its first checkpoint is still to come", x ? b : a);
    if (ok) {
        const char *name = strrchr(x, '/') + 1, *other = strrchr(y, '/') + 1;
        char *where = rz_asprintf("checkpoints/%s: ", name);
        *equal = !strcmp(name, other);
        if (*equal)
            ok = diff_stores(x, y, where, equal, err);
        else
            rz_diff_tell("checkpoints: the newest is %s in A, %s in B", name, other);
        free(where);
    }
    free(x);
    free(y);
    return ok;
}

/* What explains the most comes first: the config is in the checkpoint. */
static bool diff_runs(const char *a, const char *b, bool *equal, rz_err *err)
{
    bool same, same_eval;
    if (!diff_checkpoints(a, b, equal, err) || !diff_member(a, b, "metrics.jsonl", diff_logs, equal, err) ||
        !diff_member(a, b, "eval.jsonl", diff_logs, equal, err) || !diff_member(a, b, "model.h5", diff_stores, equal, err) ||
        !rz_diff_rollouts(a, b, "eval", &same_eval, err) || !rz_diff_rollouts(a, b, "rollouts", &same, err))
        return false;
    *equal = *equal && same && same_eval;
    return true;
}

int rz_cmd_diff(rz_comm *comm, int argc, char **argv, rz_err *err)
{
    (void)comm;
    struct stat a, b;
    bool equal = false, ok;
    if (argc != 2)
        return rz_fail(err, RZ_EUSAGE, "diff takes two files or two run directories"), RZ_EUSAGE;
    if (stat(argv[0], &a) || stat(argv[1], &b))
        return rz_fail(err, RZ_EIO, "%s does not exist", stat(argv[0], &a) ? argv[0] : argv[1]), RZ_EIO;
    if (S_ISDIR(a.st_mode) != S_ISDIR(b.st_mode))
        return rz_fail(err, RZ_EUSAGE, "%s and %s: one is a directory, the other a file", argv[0], argv[1]), RZ_EUSAGE;
    ok = S_ISDIR(a.st_mode) ? diff_runs(argv[0], argv[1], &equal, err) : diff_stores(argv[0], argv[1], "", &equal, err);
    if (!ok)
        return (int)err->code;
    if (n_told > MAX_TOLD)
        printf("... and %d more\n", n_told - MAX_TOLD);
    printf("%s\n", equal ? "identical" : "different");
    return equal ? 0 : DIFFERENT;
}
