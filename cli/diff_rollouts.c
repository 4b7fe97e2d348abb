/* A rollout file holds the completions since the last checkpoint: which steps share a file depends on checkpoint.every and on where a run was stopped.
 * So steps are compared, not files. */
#include "cli/diff.h"

#include "base/file.h"
#include "base/store.h"
#include "trainer/rundir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLETIONS, PROMPTS, N_TABLES };

typedef struct { char *name; rz_shape shape; char *data; } array;

/* One run, a step at a time. */
typedef struct {
    char **files; /* oldest first */
    int n_files, next_file;
    array *arrays; /* of the file in hand, by name */
    int n_arrays;
    int64_t n_rows[N_TABLES], from[N_TABLES], to[N_TABLES]; /* rows of the file and of the step in hand */
    int64_t step;  /* in hand; INT64_MAX behind the last */
} side;

static const array *find(const side *s, const char *name)
{
    for (int i = 0; i < s->n_arrays; i++)
        if (!strcmp(s->arrays[i].name, name))
            return &s->arrays[i];
    return NULL;
}

static int table_of(const char *name)
{
    return strncmp(name, "prompts/", 8) ? COMPLETIONS : PROMPTS;
}

static bool is_offsets(const char *name)
{
    size_t n = strlen(name);
    return n > 8 && !strcmp(name + n - 8, "/offsets");
}

/* "tokens/offsets" for "tokens/ids": where each row's values begin; NULL for arrays of one entry a row. */
static const array *offsets_of(const side *s, const char *name)
{
    const char *slash = strrchr(name, '/');
    if (!slash)
        return NULL;
    char *path = rz_asprintf("%.*s/offsets", (int)(slash - name), name);
    const array *found = find(s, path);
    free(path);
    return found;
}

/* The names of the rules, the same for every row. */
static bool is_constant(const char *name)
{
    return !strcmp(name, "parts/rules");
}

static void forget(side *s)
{
    for (int i = 0; i < s->n_arrays; i++) {
        free(s->arrays[i].name);
        free(s->arrays[i].data);
    }
    free(s->arrays);
    s->arrays = NULL;
    s->n_arrays = 0;
}

static size_t entry_size(const array *x)
{
    size_t n = rz_type_size(x->shape.type);
    for (int i = 1; i < x->shape.n_dims; i++)
        n *= (size_t)x->shape.dims[i];
    return n;
}

static bool on_array(void *ctx, const char *name, const rz_shape *shape)
{
    side *s = ctx;
    s->arrays = rz_realloc(s->arrays, (size_t)(s->n_arrays + 1) * sizeof *s->arrays);
    s->arrays[s->n_arrays++] = (array){rz_strdup(name), *shape, NULL};
    return true;
}

static const int64_t *numbers(const array *x)
{
    return (const int64_t *)(const void *)x->data;
}

/* Every array must be as long as its table says, or reading a step could read beyond it. */
static bool fits(const side *s, const array *x)
{
    const array *offsets = offsets_of(s, x->name);
    int64_t n_rows = s->n_rows[table_of(x->name)];
    if (x->shape.n_dims < 1)
        return false;
    if (is_constant(x->name))
        return true;
    if (is_offsets(x->name)) {
        bool ok = x->shape.type == RZ_I64 && x->shape.n_dims == 1 && x->shape.dims[0] == n_rows + 1 && numbers(x)[0] == 0;
        for (int64_t i = 0; ok && i < n_rows; i++)
            ok = numbers(x)[i] <= numbers(x)[i + 1];
        return ok;
    }
    return x->shape.dims[0] == (offsets ? numbers(offsets)[n_rows] : n_rows);
}

static bool check_file(side *s, const char *path, rz_err *err)
{
    static const char *const steps[N_TABLES] = {"step", "prompts/step"};
    for (int t = 0; t < N_TABLES; t++) {
        const array *x = find(s, steps[t]);
        if (!x || x->shape.type != RZ_I64 || x->shape.n_dims != 1)
            return rz_fail(err, RZ_EDATA, "%s holds no rollouts ('%s' is missing)", path, steps[t]);
        s->n_rows[t] = x->shape.dims[0];
        s->from[t] = s->to[t] = 0;
    }
    for (int pass = 0; pass < 2; pass++) /* offsets first: the others are measured by them */
        for (int i = 0; i < s->n_arrays; i++)
            if (is_offsets(s->arrays[i].name) == (pass == 0) && !fits(s, &s->arrays[i]))
                return rz_fail(err, RZ_EDATA, "%s: '%s' does not have the length that its rows need", path, s->arrays[i].name);
    return true;
}

static bool load(side *s, const char *path, rz_err *err)
{
    rz_store *store;
    forget(s);
    if (!rz_store_open(&store, path, err))
        return false;
    bool ok = rz_store_each(store, on_array, s, err);
    for (int i = 0; ok && i < s->n_arrays; i++) {
        array *x = &s->arrays[i];
        x->data = rz_calloc(entry_size(x), x->shape.n_dims ? (size_t)x->shape.dims[0] + 1 : 1);
        ok = rz_store_get(store, x->name, x->shape, x->data, err);
    }
    rz_store_close(store);
    return ok && check_file(s, path, err);
}

/* The rows of the table's step that begins at s->from. */
static void take_rows(side *s, int table, const char *name)
{
    const int64_t *steps = numbers(find(s, name));
    while (s->to[table] < s->n_rows[table] && steps[s->to[table]] == s->step)
        s->to[table]++;
}

static bool next_step(side *s, rz_err *err)
{
    int64_t before = s->step;
    memcpy(s->from, s->to, sizeof s->from);
    while (s->from[COMPLETIONS] == s->n_rows[COMPLETIONS]) {
        if (s->next_file == s->n_files) {
            s->step = INT64_MAX;
            return true;
        }
        if (!load(s, s->files[s->next_file++], err))
            return false;
    }
    s->step = numbers(find(s, "step"))[s->from[COMPLETIONS]];
    if (s->step <= before)
        return rz_fail(err, RZ_EDATA, "%s: step %lld follows step %lld", s->files[s->next_file - 1], (long long)s->step, (long long)before);
    take_rows(s, COMPLETIONS, "step");
    take_rows(s, PROMPTS, "prompts/step");
    return true;
}

static bool same_lengths(const side *a, const array *x, const side *b, const array *y)
{
    int t = table_of(x->name);
    const int64_t *p = numbers(x) + a->from[t], *q = numbers(y) + b->from[t];
    for (int64_t i = 0; i < a->to[t] - a->from[t]; i++)
        if (p[i + 1] - p[i] != q[i + 1] - q[i])
            return false;
    return true;
}

/* The bytes of an array that belong to the step in hand. */
static const char *part(const side *s, const array *x, size_t *bytes)
{
    int t = table_of(x->name);
    const array *offsets = offsets_of(s, x->name);
    int64_t from = s->from[t], to = s->to[t];
    if (is_constant(x->name))
        from = 0, to = x->shape.dims[0];
    else if (offsets)
        from = numbers(offsets)[from], to = numbers(offsets)[to];
    *bytes = (size_t)(to - from) * entry_size(x);
    return x->data + (size_t)from * entry_size(x);
}

static bool same_array(const side *a, const array *x, const side *b, const array *y)
{
    size_t n, m;
    if (strcmp(x->name, y->name) || x->shape.type != y->shape.type || entry_size(x) != entry_size(y))
        return false;
    if (is_offsets(x->name))
        return same_lengths(a, x, b, y);
    const char *p = part(a, x, &n), *q = part(b, y, &m);
    return n == m && !memcmp(p, q, n);
}

static bool same_step(const side *a, const side *b, const char *folder)
{
    bool equal = true;
    for (int t = 0; t < N_TABLES; t++)
        equal = equal && a->to[t] - a->from[t] == b->to[t] - b->from[t];
    if (!equal || a->n_arrays != b->n_arrays) {
        rz_diff_tell("%s: step %lld: another number of completions or columns", folder, (long long)a->step);
        return false;
    }
    for (int i = 0; i < a->n_arrays; i++)
        if (!same_array(a, &a->arrays[i], b, &b->arrays[i])) {
            rz_diff_tell("%s: step %lld: %s differs", folder, (long long)a->step, a->arrays[i].name);
            equal = false;
        }
    return equal;
}

static bool compare(side *a, side *b, const char *folder, bool *equal, rz_err *err)
{
    if (!next_step(a, err) || !next_step(b, err))
        return false;
    while (a->step < b->step && b->step != INT64_MAX)
        if (!next_step(a, err))
            return false;
    while (b->step < a->step && a->step != INT64_MAX)
        if (!next_step(b, err))
            return false;
    while (a->step == b->step && a->step != INT64_MAX) {
        *equal = same_step(a, b, folder) && *equal;
        if (!next_step(a, err) || !next_step(b, err))
            return false;
    }
    if (a->step != b->step) {
        rz_diff_tell("%s: step %lld is only in %s", folder, (long long)(a->step < b->step ? a->step : b->step),
                     a->step < b->step ? "A" : "B");
        *equal = false;
    }
    return true;
}

static void finish(side *s)
{
    forget(s);
    for (int i = 0; i < s->n_files; i++)
        free(s->files[i]);
    free(s->files);
}

bool rz_diff_rollouts(const char *a, const char *b, const char *folder, bool *equal, rz_err *err)
{
    side x = {.step = -1}, y = {.step = -1};
    *equal = true;
    bool ok = rz_rundir_steps(a, folder, &x.files, &x.n_files, err) && rz_rundir_steps(b, folder, &y.files, &y.n_files, err) &&
              compare(&x, &y, folder, equal, err);
    finish(&x);
    finish(&y);
    return ok;
}
