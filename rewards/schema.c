#include "rewards/schema.h"
#include "base/text.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rz_schema_bad(const schema *s, rz_place at, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return rz_fail_at(s->err, RZ_ECONFIG, s->document, at, "%s%s%s", s->what, *s->what ? ": " : "", text);
}

bool rz_schema_bad_there(const schema *s, rz_place at) { return rz_schema_bad(s, at, "%s", s->err->text); }

const char *rz_schema_join(const char *const *names, int n, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = 0;
    for (int i = 0; i < n && at < size; i++) at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "", names[i]);
    return buf;
}

int rz_schema_find(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static const char *const kind_names[] = {"one value", "a list", "a map of keys"};

bool rz_schema_is(const schema *s, const rz_yaml *y, const char *key, rz_yaml_kind kind)
{
    if (y->kind != kind) return rz_schema_bad(s, y->at, "%s is %s, must be %s", key, kind_names[y->kind], kind_names[kind]);
    if (kind == RZ_YAML_SCALAR && !*y->text) return rz_schema_bad(s, y->at, "%s is empty: give it a value or remove it", key);
    return true;
}

bool rz_schema_keys(const schema *s, const rz_yaml *map, const char *const *keys, int n)
{
    char list[512];
    for (int i = 0; i < map->n; i++) {
        if (rz_schema_find(map->keys[i], keys, n) >= 0) continue;
        const char *near = rz_nearest(map->keys[i], keys, n);
        if (near) return rz_schema_bad(s, map->key_at[i], "unknown key '%.100s', did you mean '%s'?", map->keys[i], near);
        return rz_schema_bad(s, map->key_at[i], "unknown key '%.100s', must be one of %s", map->keys[i],
                             rz_schema_join(keys, n, list, sizeof list));
    }
    return true;
}

bool rz_schema_text(const schema *s, const rz_yaml *map, const char *key, const char **out)
{
    const rz_yaml *y = rz_yaml_get(map, key);
    if (!y) return true;
    if (!rz_schema_is(s, y, key, RZ_YAML_SCALAR)) return false;
    *out = rz_arena_strndup(s->arena, y->text, strlen(y->text));
    return true;
}

bool rz_schema_value(const schema *s, const rz_yaml *y, const char *key, double lo, double hi, double *out)
{
    if (!rz_schema_is(s, y, key, RZ_YAML_SCALAR)) return false;
    char *end;
    double v = strtod(y->text, &end);
    /* strtod also reads "nan", "inf" and hexadecimal */
    if (y->text[strspn(y->text, "0123456789+-.eE")] || *end || !isfinite(v))
        return rz_schema_bad(s, y->at, "%s is %.60s, must be a finite number", key, y->text);
    if (v < lo || v > hi) return rz_schema_bad(s, y->at, "%s is %.60s, must be %g..%g", key, y->text, lo, hi);
    *out = v;
    return true;
}

bool rz_schema_number(const schema *s, const rz_yaml *map, const char *key, double lo, double hi, double *out)
{
    const rz_yaml *y = rz_yaml_get(map, key);
    return !y || rz_schema_value(s, y, key, lo, hi, out);
}

bool rz_schema_int(const schema *s, const rz_yaml *map, const char *key, int lo, int hi, int *out)
{
    const rz_yaml *y = rz_yaml_get(map, key);
    if (!y) return true;
    if (!rz_schema_is(s, y, key, RZ_YAML_SCALAR)) return false;
    char *end;
    long v = strtol(y->text, &end, 10); /* out of range saturates, which is out of bounds too */
    if (*end || y->text[strspn(y->text, "0123456789-")] || v < lo || v > hi)
        return rz_schema_bad(s, y->at, "%s is %.60s, must be a whole number, %d..%d", key, y->text, lo, hi);
    *out = (int)v;
    return true;
}

bool rz_schema_choice(const schema *s, const rz_yaml *map, const char *key, const char *const *names, int n, int *out)
{
    const rz_yaml *y = rz_yaml_get(map, key);
    char list[512];
    if (!y) return true;
    if (!rz_schema_is(s, y, key, RZ_YAML_SCALAR)) return false;
    int i = rz_schema_find(y->text, names, n);
    if (i < 0)
        return rz_schema_bad(s, y->at, "%s is '%.60s', must be one of %s", key, y->text, rz_schema_join(names, n, list, sizeof list));
    *out = i;
    return true;
}

bool rz_schema_bool(const schema *s, const rz_yaml *map, const char *key, bool *out)
{
    static const char *const names[] = {"false", "true"};
    int i = *out;
    if (!rz_schema_choice(s, map, key, names, 2, &i)) return false;
    *out = i;
    return true;
}
