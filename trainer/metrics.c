#include "trainer/metrics.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(rz_metrics *m, const char *name, double value, bool whole)
{
    assert(m->n < RZ_MAX_METRICS);
    snprintf(m->row[m->n].name, sizeof m->row[0].name, "%s", name);
    m->row[m->n].whole = whole;
    m->row[m->n++].value = value;
}

void rz_metrics_put(rz_metrics *m, const char *name, double value)
{
    put(m, name, value, false);
}

void rz_metrics_put_int(rz_metrics *m, const char *name, int64_t value)
{
    put(m, name, (double)value, true);
}

double rz_metrics_get(const rz_metrics *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->row[i].name, name))
            return m->row[i].value;
    return NAN;
}

char *rz_metrics_json(const rz_metrics *m)
{
    json_t *o = json_object();
    json_object_set_new(o, "schema", json_integer(1));
    for (int i = 0; i < m->n; i++) {
        double v = m->row[i].value;
        json_object_set_new(o, m->row[i].name, !isfinite(v) ? json_null() : m->row[i].whole ? json_integer((json_int_t)v) : json_real(v));
    }
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(o);
    if (!text)
        rz_out_of_memory(4096);
    return text;
}
