#include "base/safetensors.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mapped.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MAX_HEADER = 100000000, /* bytes, as the original library has it; of an index too */
    MAX_SHARDS = 1024,
};
static const rz_json_limits json_limits = {.depth = 4, .values = 1 << 21}; /* the format needs three; a tensor has about ten */
static const char single[] = "model.safetensors", index_file[] = "model.safetensors.index.json";

typedef struct {
    char *path;
    rz_mapped *file; /* NULL: the bytes are borrowed */
    const uint8_t *bytes;
    int64_t size;
} shard;

struct rz_safetensors {
    shard *shards;
    int n_shards;
    rz_tensor_view *views; /* names and dtypes are ours */
    int n, room;
};

/* Types and the bits of an element. What is not here is listed, and its size believed. */
static const struct {
    const char *name;
    int bits;
    bool known;
    rz_encoding encoding;
} dtypes[] = {
    {"F32", 32, true, RZ_ENC_F32}, {"F16", 16, true, RZ_ENC_F16}, {"BF16", 16, true, RZ_ENC_BF16},
    {"F64", 64, false, 0}, {"I64", 64, false, 0}, {"U64", 64, false, 0}, {"C64", 64, false, 0}, {"I32", 32, false, 0}, {"U32", 32, false, 0},
    {"I16", 16, false, 0}, {"U16", 16, false, 0}, {"I8", 8, false, 0}, {"U8", 8, false, 0}, {"BOOL", 8, false, 0}, {"F8_E4M3", 8, false, 0},
    {"F8_E5M2", 8, false, 0}, {"F8_E8M0", 8, false, 0}, {"F6_E2M3", 6, false, 0}, {"F6_E3M2", 6, false, 0}, {"F4", 4, false, 0},
};
enum { N_DTYPES = sizeof dtypes / sizeof dtypes[0] };

/* ---- one file ---- */

typedef struct {
    int64_t begin, end; /* in the data */
    const char *name;
} extent;

static int by_place(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* One behind the other, from the first byte of the data to the last. */
static bool check_places(const shard *f, extent *e, int n, int64_t data_size, rz_err *err)
{
    int64_t at = 0;
    if (n > 0) qsort(e, (size_t)n, sizeof *e, by_place);
    for (int i = 0; i < n; i++) {
        if (e[i].begin < at) {
            return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" begins at byte %" PRId64 " of the data, inside \"%.200s\", which ends at %" PRId64, f->path,
                           e[i].name, e[i].begin, e[i - 1].name, at);
        }
        if (e[i].begin > at) {
            return rz_fail(err, RZ_EDATA, "%s: bytes %" PRId64 " to %" PRId64 " of the data, before tensor \"%.200s\", belong to no tensor", f->path, at,
                           e[i].begin, e[i].name);
        }
        at = e[i].end;
    }
    if (at == data_size) return true;
    return rz_fail(err, RZ_EDATA, "%s: its tensors end at byte %" PRId64 " of the data, but there are %" PRId64 " bytes; is the file complete?", f->path, at,
                   data_size);
}

/* A list of n whole numbers ≥ 0 (n −1: up to 8); their number, or −1. */
static int read_numbers(json_t *list, int n, int64_t out[8])
{
    size_t size = json_array_size(list); /* 0 for what is no list */
    if (!json_is_array(list) || size > 8 || (n >= 0 && size != (size_t)n)) return -1;
    for (size_t i = 0; i < size; i++) {
        json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0) return -1;
        out[i] = json_integer_value(v);
    }
    return (int)size;
}

static bool read_tensor(rz_safetensors *s, const shard *f, const char *name, json_t *o, int64_t data_at, extent *place, rz_err *err)
{
    const char *dtype = json_string_value(json_object_get(o, "dtype"));
    int64_t ends[8] = {0}, bits;
    rz_tensor_view v = {.n = 1};
    v.n_dims = read_numbers(json_object_get(o, "shape"), -1, v.dims);
    if (!json_is_object(o) || json_object_size(o) != 3 || dtype == NULL || json_object_get(o, "shape") == NULL) {
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" must have a dtype, a shape and data_offsets, and nothing else", f->path, name);
    }
    if (v.n_dims < 0) {
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\": shape must be a list of at most 8 whole numbers that are not negative", f->path, name);
    }
    if (read_numbers(json_object_get(o, "data_offsets"), 2, ends) < 0 || ends[0] > ends[1]) {
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\": data_offsets must be two whole numbers, begin and end", f->path, name);
    }
    if (ends[1] > f->size - data_at) {
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" ends at byte %" PRId64 " of the data, but there are %" PRId64 " bytes; is the file complete?",
                       f->path, name, ends[1], f->size - data_at);
    }
    bool fits = true;
    for (int i = 0; i < v.n_dims; i++) fits = fits && !__builtin_mul_overflow(v.n, v.dims[i], &v.n);
    int t = 0;
    while (t < N_DTYPES && strcmp(dtypes[t].name, dtype) != 0) t++;
    fits = fits && !__builtin_mul_overflow(v.n, t < N_DTYPES ? dtypes[t].bits : 1, &bits);
    if (!fits || (t < N_DTYPES && (bits % 8 != 0 || bits / 8 != ends[1] - ends[0]))) {
        char number[32];
        snprintf(number, sizeof number, fits ? "%" PRId64 : "too many", v.n);
        return rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" has %s elements of type %.40s by its shape, which are not the %" PRId64 " bytes it is given",
                       f->path, name, number, dtype, ends[1] - ends[0]);
    }
    if (s->n == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 64;
        s->views = rz_realloc(s->views, (size_t)s->room * sizeof *s->views);
    }
    v.known = t < N_DTYPES && dtypes[t].known;
    v.encoding = v.known ? dtypes[t].encoding : RZ_ENC_F32;
    v.data = f->bytes + data_at + ends[0];
    v.name = rz_strdup(name);
    v.dtype = rz_strdup(dtype);
    s->views[s->n++] = v;
    *place = (extent){ends[0], ends[1], v.name};
    return true;
}

static bool check_metadata(const shard *f, json_t *o, rz_err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(o)) return rz_fail(err, RZ_EDATA, "%s: __metadata__ must be an object of texts", f->path);
    json_object_foreach(o, key, value) {
        if (!json_is_string(value)) return rz_fail(err, RZ_EDATA, "%s: __metadata__: \"%.200s\" must be a text", f->path, key);
    }
    return true;
}

static bool read_header(rz_safetensors *s, const shard *f, json_t *root, int64_t data_at, rz_err *err)
{
    const char *key;
    json_t *value;
    int n = 0;
    bool ok = true;
    extent *places = rz_malloc(json_object_size(root) * sizeof *places);
    json_object_foreach(root, key, value) {
        if (strcmp(key, "__metadata__") == 0) ok = check_metadata(f, value, err);
        else ok = read_tensor(s, f, key, value, data_at, &places[n++], err);
        if (!ok) break;
    }
    ok = ok && check_places(f, places, n, f->size - data_at, err);
    free(places);
    return ok;
}

static bool read_shard(rz_safetensors *s, const shard *f, rz_err *err)
{
    uint64_t len = 0;
    for (int i = 0; i < 8 && i < f->size; i++) len |= (uint64_t)f->bytes[i] << 8 * i;
    if (f->size < 10 || len < 2 || len > MAX_HEADER || f->bytes[8] != '{') {
        return rz_fail(err, RZ_EDATA, "%s is no safetensors file: it has %" PRId64 " bytes, and the first ones do not announce a header of at most %d", f->path,
                       f->size, MAX_HEADER);
    }
    if (len > (uint64_t)f->size - 8) {
        return rz_fail(err, RZ_EDATA, "%s: its header should have %" PRIu64 " bytes, but only %" PRId64 " follow; is the file complete?", f->path, len,
                       f->size - 8);
    }
    char *what = rz_asprintf("%s: its header", f->path);
    json_t *root = rz_json_parse(what, (const char *)f->bytes + 8, (size_t)len, json_limits, err);
    free(what);
    bool ok = root != NULL && read_header(s, f, root, 8 + (int64_t)len, err);
    json_decref(root);
    return ok;
}

/* ---- one file or several ---- */

static int by_name(const void *a, const void *b) { return strcmp(((const rz_tensor_view *)a)->name, ((const rz_tensor_view *)b)->name); }

static void sort(rz_safetensors *s)
{
    if (s->n > 0) qsort(s->views, (size_t)s->n, sizeof *s->views, by_name);
}

static bool add_file(rz_safetensors *s, const char *path, rz_err *err)
{
    shard *f = &s->shards[s->n_shards];
    *f = (shard){.path = rz_strdup(path)};
    s->n_shards++;
    if (!rz_mapped_open(&f->file, path, err)) return false;
    f->bytes = rz_mapped_bytes(f->file);
    f->size = rz_mapped_size(f->file);
    return read_shard(s, f, err);
}

/* Reads the shards that the index names; every tensor must be in the shard where the index has it. */
static bool read_shards(rz_safetensors *s, const char *folder, const char *path, json_t *map, rz_err *err)
{
    const char *key;
    json_t *value, *seen = json_object();
    bool ok = json_object_size(map) > 0 || rz_fail(err, RZ_EDATA, "%s: weight_map must be an object with the file of each tensor", path);
    if (seen == NULL) rz_out_of_memory(sizeof *s);
    if (!ok) goto done;
    json_object_foreach(map, key, value) {
        const char *file = json_string_value(value);
        ok = (file != NULL && file[0] != '\0' && file[0] != '.' && strchr(file, '/') == NULL) ||
             rz_fail(err, RZ_EDATA, "%s: weight_map: the file of \"%.200s\" must be a name in the same folder", path, key);
        if (!ok) goto done;
        if (json_object_get(seen, file) != NULL) continue;
        ok = s->n_shards < MAX_SHARDS || rz_fail(err, RZ_EDATA, "%s: weight_map names more than %d files", path, MAX_SHARDS);
        int from = s->n;
        char *full = rz_asprintf("%s/%s", folder, file);
        ok = ok && add_file(s, full, err);
        free(full);
        for (int i = from; ok && i < s->n; i++) {
            const char *place = json_string_value(json_object_get(map, s->views[i].name));
            ok = (place != NULL && strcmp(place, file) == 0) ||
                 rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" is in %.200s, but the index has it in %.200s", path, s->views[i].name, file,
                         place != NULL ? place : "no file");
        }
        if (!ok) goto done;
        if (json_object_set_new(seen, file, json_true()) != 0) rz_out_of_memory(strlen(file));
    }
done:
    json_decref(seen);
    return ok;
}

static bool read_index(rz_safetensors *s, const char *folder, rz_err *err)
{
    char *text = NULL, *path = rz_asprintf("%s/%s", folder, index_file);
    size_t len;
    json_t *root = NULL;
    bool ok = rz_file_exists(path) || rz_fail(err, RZ_EDATA, "%s has neither %s nor %s", folder, single, index_file);
    ok = ok && rz_file_read(path, MAX_HEADER, &text, &len, err) && (root = rz_json_parse(path, text, len, json_limits, err)) != NULL &&
         read_shards(s, folder, path, json_object_get(root, "weight_map"), err);
    if (ok && (size_t)s->n != json_object_size(json_object_get(root, "weight_map"))) {
        const char *key = "";
        json_t *value = NULL;
        sort(s);
        json_object_foreach(json_object_get(root, "weight_map"), key, value) {
            if (rz_safetensors_find(s, key) == NULL) break;
        }
        ok = rz_fail(err, RZ_EDATA, "%s: tensor \"%.200s\" should be in %.200s but is not", path, key, json_string_value(value));
    }
    json_decref(root);
    free(text);
    free(path);
    return ok;
}

static bool finish(rz_safetensors **out, rz_safetensors *s, bool ok)
{
    if (ok) sort(s);
    else rz_safetensors_close(s);
    *out = ok ? s : NULL;
    return ok;
}

bool rz_safetensors_open(rz_safetensors **out, const char *path, rz_err *err)
{
    struct stat st;
    rz_safetensors *s = rz_calloc(1, sizeof *s);
    s->shards = rz_calloc(MAX_SHARDS, sizeof *s->shards);
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode), ok;
    char *file = folder ? rz_asprintf("%s/%s", path, single) : rz_strdup(path);
    if (!folder || rz_file_exists(file)) ok = add_file(s, file, err);
    else ok = read_index(s, path, err);
    free(file);
    return finish(out, s, ok);
}

bool rz_safetensors_parse(rz_safetensors **out, const char *name, const void *bytes, int64_t size, rz_err *err)
{
    rz_safetensors *s = rz_calloc(1, sizeof *s);
    s->shards = rz_calloc(1, sizeof *s->shards);
    s->shards[s->n_shards++] = (shard){.path = rz_strdup(name), .bytes = bytes, .size = size};
    return finish(out, s, read_shard(s, &s->shards[0], err));
}

void rz_safetensors_close(rz_safetensors *s)
{
    if (s == NULL) return;
    for (int i = 0; i < s->n; i++) {
        free((char *)s->views[i].name);
        free((char *)s->views[i].dtype);
    }
    for (int i = 0; i < s->n_shards; i++) {
        rz_mapped_close(s->shards[i].file);
        free(s->shards[i].path);
    }
    free(s->views);
    free(s->shards);
    free(s);
}

int rz_safetensors_count(const rz_safetensors *s) { return s->n; }
const rz_tensor_view *rz_safetensors_at(const rz_safetensors *s, int i) { return &s->views[i]; }

const rz_tensor_view *rz_safetensors_find(const rz_safetensors *s, const char *name)
{
    const rz_tensor_view wanted = {.name = name};
    return s->n > 0 ? bsearch(&wanted, s->views, (size_t)s->n, sizeof *s->views, by_name) : NULL;
}
