#include "trainer/history.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 20, MAX_COLUMNS = 1280 /* names come from a file: a bound */ };

static double *column(rz_history *h, const char *name)
{
    for (int i = 0; i < h->n_columns; i++)
        if (!strcmp(h->columns[i].name, name))
            return h->columns[i].v;
    if (h->n_columns == MAX_COLUMNS)
        return NULL;
    h->columns = rz_realloc(h->columns, (size_t)(h->n_columns + 1) * sizeof *h->columns);
    rz_history_series *c = &h->columns[h->n_columns++];
    *c = (rz_history_series){rz_strdup(name), rz_calloc((size_t)h->room, sizeof(double))};
    for (int64_t i = 0; i < h->room; i++)
        c->v[i] = NAN;
    return c->v;
}

static void make_room(rz_history *h)
{
    if (h->n < h->room)
        return;
    int64_t room = 2 * h->room;
    for (int i = 0; i < h->n_columns; i++) {
        h->columns[i].v = rz_realloc(h->columns[i].v, (size_t)room * sizeof(double));
        for (int64_t k = h->room; k < room; k++)
            h->columns[i].v[k] = NAN;
    }
    h->room = room;
}

static bool add(rz_history *h, const char *line, size_t len)
{
    json_t *o = json_loadb(line, len, 0, NULL);
    const char *key;
    json_t *value;
    bool good = json_is_object(o) && fabs(json_number_value(json_object_get(o, "step"))) < 1e15 && json_is_number(json_object_get(o, "step"));
    if (good) {
        make_room(h);
        json_object_foreach(o, key, value) {
            double *v = strcmp(key, "schema") && (json_is_number(value) || json_is_null(value)) ? column(h, key) : NULL;
            if (v && json_is_number(value))
                v[h->n] = json_number_value(value);
        }
        h->n++;
    }
    json_decref(o);
    return good;
}

bool rz_history_read(rz_history *h, const char *path, rz_err *err)
{
    rz_lines *lines;
    char *line;
    size_t len;
    *h = (rz_history){.room = 64};
    if (!rz_lines_open(&lines, path, MAX_LINE, err))
        return false;
    for (;;) {
        bool got = rz_lines_next(lines, &line, &len, err);
        if (!got && err->code != RZ_EDATA)
            break;
        if (!got || !add(h, line, len))
            h->n_unread++;
    }
    rz_lines_close(lines);
    return err->code == RZ_OK;
}

void rz_history_finish(rz_history *h)
{
    for (int i = 0; i < h->n_columns; i++) {
        free(h->columns[i].name);
        free(h->columns[i].v);
    }
    free(h->columns);
    *h = (rz_history){0};
}

const double *rz_history_column(const rz_history *h, const char *name)
{
    for (int i = 0; i < h->n_columns; i++)
        if (!strcmp(h->columns[i].name, name))
            return h->columns[i].v;
    return NULL;
}

double rz_history_get(const rz_history *h, const char *name, int64_t line)
{
    const double *v = rz_history_column(h, name);
    return v && line >= 0 && line < h->n ? v[line] : NAN;
}

double rz_history_mean(const rz_history *h, const char *name, int64_t from, int64_t to)
{
    const double *v = rz_history_column(h, name);
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = from < 0 ? 0 : from; v && i < to && i < h->n; i++)
        if (isfinite(v[i])) {
            sum += v[i];
            n++;
        }
    return n ? sum / (double)n : NAN;
}
