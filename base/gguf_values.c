#include "base/gguf_parts.h"
#include <stdlib.h>
#include <string.h>

int rz_gguf_n_keys(const rz_gguf *g) { return g->n_values; }

const char *rz_gguf_key(const rz_gguf *g, int i, rz_gguf_type *type)
{
    *type = g->values[i].type;
    return g->values[i].key;
}

static int by_name(const void *a, const void *b) { return strcmp(((const gguf_entry *)a)->name, ((const gguf_entry *)b)->name); }

static int find(const gguf_entry *order, int n, const char *name)
{
    const gguf_entry wanted = {.name = name}, *e = n > 0 ? bsearch(&wanted, order, (size_t)n, sizeof *order, by_name) : NULL;
    return e != NULL ? e->i : -1;
}

static const gguf_value *value_of(const rz_gguf *g, const char *key)
{
    int i = find(g->value_order, g->n_values, key);
    return i >= 0 ? &g->values[i] : NULL;
}

bool rz_gguf_has(const rz_gguf *g, const char *key) { return value_of(g, key) != NULL; }

/* A number as it stands: a whole one (its sign apart) or a real one. */
typedef struct {
    bool real, negative;
    uint64_t magnitude;
    double x;
} number;

static double real_of(const uint8_t *p, int bytes)
{
    union { uint32_t u; float f; } narrow = {(uint32_t)rz_gguf_number_at(p, 4)};
    union { uint64_t u; double f; } wide = {bytes == 8 ? rz_gguf_number_at(p, 8) : 0};
    return bytes == 8 ? wide.f : (double)narrow.f;
}

static bool number_at(const uint8_t *p, rz_gguf_type type, number *v)
{
    if (type == RZ_GGUF_BOOL || rz_gguf_width(type) == 0) return false;
    int bytes = rz_gguf_width(type);
    *v = (number){.real = type == RZ_GGUF_F32 || type == RZ_GGUF_F64};
    if (v->real) {
        v->x = real_of(p, bytes);
        return true;
    }
    bool has_sign = type == RZ_GGUF_I8 || type == RZ_GGUF_I16 || type == RZ_GGUF_I32 || type == RZ_GGUF_I64;
    uint64_t u = rz_gguf_number_at(p, bytes), sign = (uint64_t)1 << (8 * bytes - 1);
    v->negative = has_sign && (u & sign) != 0;
    v->magnitude = v->negative ? sign - (u & (sign - 1)) : u;
    v->x = v->negative ? -(double)v->magnitude : (double)v->magnitude;
    return true;
}

bool rz_gguf_i64(const rz_gguf *g, const char *key, int64_t *v)
{
    const gguf_value *value = value_of(g, key);
    number x;
    if (value == NULL || !number_at(value->at, value->type, &x)) return false;
    if (x.real) {
        if (!(x.x >= -0x1p63 && x.x < 0x1p63) || (double)(int64_t)x.x != x.x) return false;
        *v = (int64_t)x.x;
        return true;
    }
    if (x.magnitude > (uint64_t)INT64_MAX + x.negative) return false;
    *v = x.negative ? -(int64_t)(x.magnitude - 1) - 1 : (int64_t)x.magnitude;
    return true;
}

bool rz_gguf_f64(const rz_gguf *g, const char *key, double *v)
{
    const gguf_value *value = value_of(g, key);
    number x;
    if (value == NULL || !number_at(value->at, value->type, &x)) return false;
    *v = x.x;
    return true;
}

bool rz_gguf_bool(const rz_gguf *g, const char *key, bool *v)
{
    const gguf_value *value = value_of(g, key);
    if (value == NULL || value->type != RZ_GGUF_BOOL) return false;
    *v = value->at[0] != 0;
    return true;
}

bool rz_gguf_text(const rz_gguf *g, const char *key, const char **text, size_t *len)
{
    const gguf_value *value = value_of(g, key);
    if (value == NULL || value->type != RZ_GGUF_STRING) return false;
    *text = (const char *)value->at;
    *len = (size_t)value->n;
    return true;
}

int64_t rz_gguf_array(const rz_gguf *g, const char *key, rz_gguf_type *element)
{
    const gguf_value *value = value_of(g, key);
    if (value == NULL || value->type != RZ_GGUF_ARRAY) return -1;
    *element = value->element;
    return value->n;
}

static const gguf_value *array_of(const rz_gguf *g, const char *key, int64_t i)
{
    const gguf_value *value = value_of(g, key);
    return value != NULL && value->type == RZ_GGUF_ARRAY && i >= 0 && i < value->n ? value : NULL;
}

bool rz_gguf_array_text(const rz_gguf *g, const char *key, int64_t i, const char **text, size_t *len)
{
    const gguf_value *value = array_of(g, key, i);
    if (value == NULL || value->element != RZ_GGUF_STRING) return false;
    const uint8_t *p = value->at + value->starts[i];
    *text = (const char *)p + 8;
    *len = (size_t)rz_gguf_number_at(p, 8);
    return true;
}

bool rz_gguf_array_f64(const rz_gguf *g, const char *key, int64_t i, double *v)
{
    const gguf_value *value = array_of(g, key, i);
    number x;
    if (value == NULL || !number_at(value->at + i * rz_gguf_width(value->element), value->element, &x)) return false;
    *v = x.x;
    return true;
}

int rz_gguf_count(const rz_gguf *g) { return g->n_views; }
const rz_tensor_view *rz_gguf_at(const rz_gguf *g, int i) { return &g->views[i]; }

const rz_tensor_view *rz_gguf_find(const rz_gguf *g, const char *name)
{
    int i = find(g->view_order, g->n_views, name);
    return i >= 0 ? &g->views[i] : NULL;
}
