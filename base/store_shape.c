#include "base/store_shape.h"
#include <stdio.h>
#include <string.h>

static const struct {
    size_t size;
    const char *name;
} types[] = {
    [RZ_F32] = {4, "f32"}, [RZ_F64] = {8, "f64"}, [RZ_I8] = {1, "i8"},   [RZ_U8] = {1, "u8"},     [RZ_I32] = {4, "i32"},
    [RZ_U32] = {4, "u32"}, [RZ_I64] = {8, "i64"}, [RZ_U64] = {8, "u64"}, [RZ_BF16] = {2, "bf16"},
};

size_t rz_type_size(rz_type type) { return types[type].size; }
const char *rz_type_name(rz_type type) { return types[type].name; }

void rz_store_shape_text(const rz_shape *shape, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "%s[", types[shape->type].name);
    for (int i = 0; i < shape->n_dims; i++) n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "", (long long)shape->dims[i]);
    snprintf(out + n, size - n, "]");
}

bool rz_store_shape_count(const rz_shape *shape, size_t *n)
{
    size_t bytes;
    *n = 1;
    if (shape->n_dims < 0 || shape->n_dims > RZ_MAX_DIMS) return false;
    for (int i = 0; i < shape->n_dims; i++)
        if (shape->dims[i] < 0 || __builtin_mul_overflow(*n, (size_t)shape->dims[i], n)) return false;
    return !__builtin_mul_overflow(*n, types[shape->type].size, &bytes);
}

static bool same(const rz_shape *a, const rz_shape *b)
{
    bool yes = a->type == b->type && a->n_dims == b->n_dims;
    for (int i = 0; yes && i < a->n_dims; i++) yes = a->dims[i] == b->dims[i];
    return yes;
}

bool rz_store_shape_check(const char *path, const char *name, const rz_shape *is, const rz_shape *due, rz_err *err)
{
    char found[128], wanted[128];
    if (same(is, due)) return true;
    rz_store_shape_text(is, found, sizeof found);
    rz_store_shape_text(due, wanted, sizeof wanted);
    return rz_fail(err, RZ_EDATA, "%s: '%s' is %s, must be %s", path, name, found, wanted);
}

const char *rz_store_name_prefix(const char *name, int i, char out[RZ_STORE_MAX_NAME])
{
    const char *end = name;
    for (; i >= 0; i--) {
        if (!*end) return NULL;
        end += *end == '/';
        end += strcspn(end, "/");
    }
    memcpy(out, name, (size_t)(end - name));
    out[end - name] = 0;
    return out;
}

bool rz_store_name_good(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < RZ_STORE_MAX_NAME && name[0] != '/' && name[len - 1] != '/' && !strstr(name, "//");
}
