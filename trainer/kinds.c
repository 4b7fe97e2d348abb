#include "trainer/kinds.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && !strcmp(text + n - m, ending);
}

static bool is_name(const char *text)
{
    static const char *const bounds[] = {"_low", "_high", "_se"};
    size_t len = strnlen(text, RZ_KIND_ROOM);
    bool ok = len > 0 && len < RZ_KIND_ROOM &&
              strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
    for (size_t i = 0; ok && i < sizeof bounds / sizeof bounds[0]; i++)
        ok = !ends_with(text, bounds[i]);
    return ok;
}

static int find(const rz_kinds *k, const char *name)
{
    for (int i = 0; i < k->n; i++)
        if (!strcmp(k->name[i], name))
            return i;
    return -1;
}

static int enter(rz_kinds *k, const char *name)
{
    snprintf(k->name[k->n], RZ_KIND_ROOM, "%s", name);
    return k->n++;
}

int rz_kinds_find(rz_kinds *k, const rz_problem *p)
{
    if (!strstr(p->meta, "\"kind\"")) /* most files have none: nothing to parse */
        return -1;
    json_t *meta = json_loads(p->meta, JSON_DECODE_INT_AS_REAL, NULL);
    const char *name = json_string_value(json_object_get(meta, "kind"));
    int at = -1;
    if (name) {
        name = is_name(name) ? name : "other";
        at = find(k, name);
        if (at < 0 && strcmp(name, "other") && k->n - (find(k, "other") >= 0) >= RZ_MAX_KINDS - 1) {
            name = "other";
            at = find(k, name);
        }
        if (at < 0)
            at = enter(k, name);
    }
    json_decref(meta);
    return at;
}

void rz_kinds_order(const rz_kinds *k, int order[RZ_MAX_KINDS])
{
    for (int i = 0; i < k->n; i++) {
        int at = i;
        for (; at > 0 && strcmp(k->name[order[at - 1]], k->name[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

void rz_kinds_measure(const rz_group *groups, int n_groups, rz_metrics *m)
{
    rz_kinds kinds = {0};
    struct { int64_t n, right, formed, formed_right; } count[RZ_MAX_KINDS] = {{0}};
    int order[RZ_MAX_KINDS];
    char name[64];
    for (int i = 0; i < n_groups; i++) {
        int kind = rz_kinds_find(&kinds, &groups[i].problem);
        for (int k = 0; kind >= 0 && k < groups[i].n; k++) {
            const rz_scored *s = &groups[i].scored[k];
            count[kind].n++;
            count[kind].right += s->correct;
            count[kind].formed += s->format_ok;
            count[kind].formed_right += s->format_ok && s->correct;
        }
    }
    rz_kinds_order(&kinds, order);
    for (int i = 0; i < kinds.n; i++) {
        snprintf(name, sizeof name, "accuracy/kind/%s", kinds.name[order[i]]);
        rz_metrics_put(m, name, (double)count[order[i]].right / (double)count[order[i]].n);
    }
    for (int i = 0; i < kinds.n; i++) {
        snprintf(name, sizeof name, "accuracy/well_formed/%s", kinds.name[order[i]]);
        if (count[order[i]].formed)
            rz_metrics_put(m, name, (double)count[order[i]].formed_right / (double)count[order[i]].formed);
    }
}
