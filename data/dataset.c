#include "data/dataset.h"
#include "base/store.h"
#include "base/text.h"
#include "data/countdown.h"
#include "data/source.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char format[] = "rulezero problems";
enum { SCHEMA = 1, MAX_NUMBER = 9999, MAX_TARGET = 1000000000 };

/* ---- columns ---- */

void rz_column_add(rz_column *c, const char *text, size_t len)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 64;
        c->offsets = rz_realloc(c->offsets, ((size_t)c->room + 1) * sizeof *c->offsets);
        if (c->n == 0) c->offsets[0] = 0;
    }
    size_t used = (size_t)c->offsets[c->n];
    if (used + len > c->capacity) {
        c->capacity = 2 * (used + len);
        c->bytes = rz_realloc(c->bytes, c->capacity);
    }
    if (len) memcpy(c->bytes + used, text, len);
    c->offsets[++c->n] = (int64_t)(used + len);
}

const char *rz_column_get(const rz_column *c, int64_t i, size_t *len)
{
    *len = (size_t)(c->offsets[i + 1] - c->offsets[i]);
    return *len ? c->bytes + c->offsets[i] : "";
}

char *rz_column_text(const rz_column *c, int64_t i)
{
    size_t len;
    const char *text = rz_column_get(c, i, &len);
    return rz_strndup(text, len);
}

void rz_column_finish(rz_column *c)
{
    free(c->offsets);
    free(c->bytes);
    *c = (rz_column){0};
}

void rz_dataset_finish(rz_dataset *d)
{
    rz_column_finish(&d->prompt);
    rz_column_finish(&d->answer);
    rz_column_finish(&d->meta);
    rz_column_finish(&d->task);
    free(d->clusters);
    free(d->places);
    *d = (rz_dataset){0};
}

/* ---- problems ---- */

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

uint64_t rz_countdown_cluster(const int *numbers, int n)
{
    int sorted[RZ_COUNTDOWN_MAX_NUMBERS];
    uint64_t h = 14695981039346656037u; /* FNV-1a over whole numbers, with a final mix */
    memcpy(sorted, numbers, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_ints);
    for (int i = 0; i < n; i++) h = (h ^ (uint64_t)sorted[i]) * 1099511628211u;
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 29) | (uint64_t)1 << 63;
}

/* A whole number in min … max; name says which. */
static bool read_whole(const char *where, const char *name, json_t *value, int64_t min, int64_t max, int *out, rz_err *err)
{
    if (!json_is_integer(value)) return rz_fail(err, RZ_EDATA, "%s: %s must be a whole number; mend the line", where, name);
    json_int_t v = json_integer_value(value);
    if (v < min || v > max) {
        return rz_fail(err, RZ_EDATA, "%s: %s is %" JSON_INTEGER_FORMAT ", must be %" PRId64 "..%" PRId64, where, name, v, min, max);
    }
    *out = (int)v;
    return true;
}

static bool read_countdown(const char *where, json_t *meta, rz_countdown *p, rz_err *err)
{
    json_t *numbers = json_object_get(meta, "numbers"), *target = json_object_get(meta, "target");
    size_t n = json_array_size(numbers); /* 0 when it is no list */
    if (n < 1 || n > RZ_COUNTDOWN_MAX_NUMBERS) {
        return rz_fail(err, RZ_EDATA, "%s: task is countdown, so meta.numbers must be a list of 1..%d numbers; mend it to be like "
                       "{\"numbers\":[3,5,4],\"target\":19}", where, RZ_COUNTDOWN_MAX_NUMBERS);
    }
    p->n = (int)n;
    for (size_t i = 0; i < n; i++) {
        if (!read_whole(where, "a number in meta.numbers", json_array_get(numbers, i), 1, MAX_NUMBER, &p->numbers[i], err)) return false;
    }
    return read_whole(where, "meta.target", target, -MAX_TARGET, MAX_TARGET, &p->target, err);
}

static bool check_solvable(const char *where, const rz_countdown *p, rz_err *err)
{
    if (rz_countdown_solvable(p->numbers, p->n, p->target)) return true;
    char list[64];
    size_t used = 0;
    for (int i = 0; i < p->n; i++) used += (size_t)snprintf(list + used, sizeof list - used, "%s%d", i ? "," : "", p->numbers[i]);
    return rz_fail(err, RZ_EDATA, "%s: numbers [%s] cannot reach target %d; remove the line or mend it", where, list, p->target);
}

bool rz_dataset_add(rz_dataset *d, const char *where, const rz_raw_problem *raw, rz_err *err)
{
    rz_raw_problem x = *raw;
    if (!x.meta) x.meta = "{}", x.meta_len = 2;
    json_error_t why;
    json_t *meta = json_loadb(x.meta, x.meta_len, JSON_REJECT_DUPLICATES, &why);
    if (!meta) return rz_fail(err, RZ_EDATA, "%s: meta cannot be read: %s", where, why.text);
    json_t *task = json_object_get(meta, "task");
    if (!x.task) x.task = json_string_value(task);
    rz_countdown p;
    char prompt[96], target[16];
    bool ok = json_is_object(meta) || rz_fail(err, RZ_EDATA, "%s: meta must be an object", where);
    if (ok && x.task && strcmp(x.task, "countdown") == 0) {
        ok = read_countdown(where, meta, &p, err) && check_solvable(where, &p, err);
        if (ok) {
            rz_countdown_prompt(&p, prompt, sizeof prompt);
            snprintf(target, sizeof target, "%d", p.target);
            if (!x.prompt) x.prompt = prompt;
            if (!x.answer) x.answer = target;
            x.cluster = rz_countdown_cluster(p.numbers, p.n);
        }
    }
    json_decref(meta);
    if (ok && !x.prompt) ok = rz_fail(err, RZ_EDATA, "%s: field prompt is missing; every problem needs a text to begin with", where);
    if (!ok) return false;
    if (d->prompt.n == d->room) {
        d->room = d->room ? 2 * d->room : 64;
        d->clusters = rz_realloc(d->clusters, (size_t)d->room * sizeof *d->clusters);
        d->places = rz_realloc(d->places, (size_t)d->room * sizeof *d->places);
    }
    d->clusters[d->prompt.n] = x.cluster;
    d->places[d->prompt.n] = x.place;
    rz_column_add(&d->prompt, x.prompt, strlen(x.prompt));
    rz_column_add(&d->answer, x.answer ? x.answer : "", x.answer ? strlen(x.answer) : 0);
    rz_column_add(&d->meta, x.meta, x.meta_len);
    rz_column_add(&d->task, raw->task ? raw->task : "", raw->task ? strlen(raw->task) : 0);
    return true;
}

char *rz_dataset_where(const rz_dataset *d, const char *path, int64_t i)
{
    return rz_asprintf(d->is_store ? "%s: problem %" PRId64 : "%s:%" PRId64, path, d->places[i]);
}

/* ---- HDF5 ---- */

static rz_shape line_of(rz_type type, int64_t n) { return (rz_shape){.type = type, .n_dims = 1, .dims = {n}}; }

static bool put_column(rz_store *s, const char *name, const rz_column *c, rz_err *err)
{
    char path[64];
    snprintf(path, sizeof path, "%s/offsets", name);
    if (!rz_store_put(s, path, line_of(RZ_I64, c->n + 1), c->offsets, err)) return false;
    snprintf(path, sizeof path, "%s/bytes", name);
    return rz_store_put(s, path, line_of(RZ_U8, c->offsets[c->n]), c->bytes ? c->bytes : "", err);
}

bool rz_dataset_write_store(const rz_dataset *d, const char *path, rz_err *err)
{
    rz_store *s;
    if (d->prompt.n < 1) return rz_fail(err, RZ_EDATA, "%s: a data set needs at least one problem", path);
    if (!rz_store_create(&s, path, err)) return false;
    bool tasks = d->task.offsets[d->task.n] > 0;
    bool ok = rz_store_put_str(s, "format", format, err) && rz_store_put_i64(s, "schema", SCHEMA, err) &&
              put_column(s, "prompt", &d->prompt, err) && put_column(s, "answer", &d->answer, err) && put_column(s, "meta", &d->meta, err) &&
              (!tasks || put_column(s, "task", &d->task, err)) &&
              rz_store_put(s, "cluster", line_of(RZ_U64, d->prompt.n), d->clusters, err) && rz_store_commit(s, err);
    rz_store_close(s);
    return ok;
}

static bool check_header(rz_store *s, const char *path, rz_err *err)
{
    char *found = NULL;
    int64_t schema = 0;
    if (!rz_store_has_attr(s, "format") || !rz_store_has_attr(s, "schema")) {
        return rz_fail(err, RZ_EDATA, "%s: is an HDF5 file, but not a data set of problems (attribute format is missing)", path);
    }
    if (!rz_store_get_str(s, "format", &found, err) || !rz_store_get_i64(s, "schema", &schema, err)) {
        free(found);
        return false;
    }
    bool same = strcmp(found, format) == 0;
    if (!same) rz_fail(err, RZ_EDATA, "%s: its attribute format is \"%.100s\", a data set of problems has \"%s\"", path, found, format);
    free(found);
    if (same && schema != SCHEMA) {
        return rz_fail(err, RZ_EDATA, "%s: is of schema %" PRId64 ", this program reads schema %d; use the version that wrote it", path, schema,
                       SCHEMA);
    }
    return same;
}

/* The length of a one-dimensional array of this type. */
static bool read_length(rz_store *s, const char *path, const char *name, rz_type type, int64_t *n, rz_err *err)
{
    rz_shape shape;
    if (!rz_store_shape(s, name, &shape, err)) return false;
    *n = shape.dims[0];
    if (shape.n_dims == 1 && shape.type == type) return true;
    return rz_fail(err, RZ_EDATA, "%s: %s must be a list of %s", path, name, rz_type_name(type));
}

static bool get_column(rz_store *s, const char *path, const char *name, rz_column *c, rz_err *err)
{
    char bytes_name[64], offsets_name[64];
    int64_t n_offsets = 0, n_bytes = 0;
    snprintf(offsets_name, sizeof offsets_name, "%s/offsets", name);
    snprintf(bytes_name, sizeof bytes_name, "%s/bytes", name);
    if (!read_length(s, path, offsets_name, RZ_I64, &n_offsets, err) || !read_length(s, path, bytes_name, RZ_U8, &n_bytes, err)) return false;
    if (n_offsets < 2) return rz_fail(err, RZ_EDATA, "%s: holds no problems", path);
    c->n = c->room = n_offsets - 1;
    c->offsets = rz_calloc((size_t)n_offsets, sizeof *c->offsets);
    c->bytes = rz_malloc((size_t)n_bytes + 1);
    if (!rz_store_get(s, offsets_name, line_of(RZ_I64, n_offsets), c->offsets, err) ||
        !rz_store_get(s, bytes_name, line_of(RZ_U8, n_bytes), c->bytes, err)) {
        return false;
    }
    bool ordered = c->offsets[0] == 0 && c->offsets[c->n] == n_bytes;
    for (int64_t i = 0; i < c->n; i++) ordered = ordered && c->offsets[i] <= c->offsets[i + 1];
    if (!ordered) return rz_fail(err, RZ_EDATA, "%s: %s must rise from 0 to the length of %s", path, offsets_name, bytes_name);
    for (int64_t i = 0; i < c->n; i++) {
        size_t len;
        const char *text = rz_column_get(c, i, &len);
        if (rz_utf8_valid(text, len) < len || memchr(text, 0, len)) {
            return rz_fail(err, RZ_EDATA, "%s: %s of problem %" PRId64 " is not valid UTF-8 text", path, name, i);
        }
    }
    return true;
}

static bool add_stored(rz_dataset *d, const rz_dataset *stored, const char *path, int64_t i, rz_err *err)
{
    char *prompt = rz_column_text(&stored->prompt, i), *answer = rz_column_text(&stored->answer, i), *task = stored->task.n ? rz_column_text(&stored->task, i) : NULL;
    char *where = rz_asprintf("%s: problem %" PRId64, path, i);
    rz_raw_problem raw = {.prompt = prompt, .answer = answer, .task = task && task[0] ? task : NULL, .cluster = stored->clusters[i], .place = i};
    raw.meta = rz_column_get(&stored->meta, i, &raw.meta_len);
    bool ok = rz_dataset_add(d, where, &raw, err);
    free(prompt);
    free(answer);
    free(task);
    free(where);
    return ok;
}

bool rz_dataset_load_store(rz_dataset *d, const char *path, rz_err *err)
{
    rz_store *s;
    rz_dataset stored = {0};
    int64_t n_clusters = 0;
    d->is_store = true;
    if (!rz_store_open(&s, path, err)) return false;
    bool ok = check_header(s, path, err) && get_column(s, path, "prompt", &stored.prompt, err) &&
              get_column(s, path, "answer", &stored.answer, err) && get_column(s, path, "meta", &stored.meta, err) &&
              (!rz_store_has(s, "task/offsets") || get_column(s, path, "task", &stored.task, err)) &&
              read_length(s, path, "cluster", RZ_U64, &n_clusters, err);
    int64_t n = stored.prompt.n;
    if (ok && (stored.answer.n != n || stored.meta.n != n || n_clusters != n || (stored.task.n && stored.task.n != n))) {
        ok = rz_fail(err, RZ_EDATA, "%s: prompt, answer, meta, task and cluster must be of one length", path);
    }
    if (ok) {
        stored.clusters = rz_malloc((size_t)n * sizeof *stored.clusters);
        ok = rz_store_get(s, "cluster", line_of(RZ_U64, n), stored.clusters, err);
    }
    for (int64_t i = 0; ok && i < n; i++) ok = add_stored(d, &stored, path, i, err);
    rz_dataset_finish(&stored);
    rz_store_close(s);
    return ok;
}

/* ---- files of either kind ---- */

bool rz_dataset_is_store(const char *path, bool *is_store, rz_err *err)
{
    static const char hdf5[8] = "\x89HDF\r\n\x1a\n";
    char start[sizeof hdf5];
    struct stat st;
    if (stat(path, &st)) return rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode))
        return rz_fail(err, RZ_EDATA, "%s is a pipe or a device, must be a file: data are read more than once", path);
    FILE *f = fopen(path, "rb");
    if (!f) return rz_fail(err, RZ_EIO, "cannot open %s: %s", path, strerror(errno));
    *is_store = fread(start, 1, sizeof start, f) == sizeof start && memcmp(start, hdf5, sizeof hdf5) == 0;
    fclose(f);
    return true;
}

bool rz_dataset_load(rz_dataset *d, const char *path, rz_err *err)
{
    bool is_store;
    if (!rz_dataset_is_store(path, &is_store, err)) return false;
    return is_store ? rz_dataset_load_store(d, path, err) : rz_dataset_load_jsonl(d, path, err);
}
