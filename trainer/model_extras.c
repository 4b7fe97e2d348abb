/* What a model says of its texts (rz_token_extras): read from a Hugging Face folder, kept in our HDF5 files. */
#include "trainer/model_parts.h"

#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_JSON = 64 << 20, MAX_TEMPLATE = 4 << 20 };
static const rz_json_limits json_limits = {.depth = 32, .values = 1 << 20};

bool rz_extras_add_eos(rz_tokenizer *t, const char *what, int64_t id, rz_err *err)
{
    rz_token_extras *e = rz_tokenizer_extras(t);
    if (id < 0 || id >= rz_tokenizer_size(t))
        return rz_fail(err, RZ_EDATA, "%s: the end token %lld is not in 0..%d, the ids of its tokenizer", what, (long long)id, rz_tokenizer_size(t) - 1);
    for (int i = 0; i < e->n_eos; i++)
        if (e->eos[i] == id)
            return true;
    if (e->n_eos == RZ_MAX_EOS)
        return rz_fail(err, RZ_EDATA, "%s: has more than %d end tokens", what, RZ_MAX_EOS);
    e->eos[e->n_eos++] = (int32_t)id;
    return true;
}

/* ---- a Hugging Face folder ---- */

/* A file that may be missing: *o stays NULL then. */
static bool load(const char *path, json_t **o, rz_err *err)
{
    char *text;
    size_t len;
    *o = NULL;
    if (!rz_file_exists(path))
        return true;
    if (!rz_file_read(path, MAX_JSON, &text, &len, err))
        return false;
    *o = rz_json_parse(path, text, len, json_limits, err);
    free(text);
    return *o;
}

/* A token is a text, or an object around one. */
static bool read_token(const char *path, const json_t *o, const char *field, char **token, rz_err *err)
{
    const json_t *v = json_object_get(o, field);
    if (json_is_object(v))
        v = json_object_get(v, "content");
    if (v && !json_is_null(v) && !json_is_string(v))
        return rz_fail(err, RZ_EDATA, "%s: %s must be a token's text", path, field);
    if (json_is_string(v) && json_string_value(v)[0])
        *token = rz_strdup(json_string_value(v));
    return true;
}

/* A text, or a list of named ones of which "default" counts. */
static bool read_template(const char *path, const json_t *o, char **template, rz_err *err)
{
    const json_t *v = json_object_get(o, "chat_template");
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name && !strcmp(name, "default")) {
            v = json_object_get(item, "template");
            break;
        }
    }
    if (!v || json_is_null(v) || json_is_array(v))
        return true;
    if (!json_is_string(v))
        return rz_fail(err, RZ_EDATA, "%s: chat_template must be a text, or a list of them with names", path);
    *template = rz_strdup(json_string_value(v));
    return true;
}

/* Does tokenizer.json itself put bos_token before a text? */
static bool template_adds(const rz_tokenizer *t, const char *bos)
{
    const int32_t *before, *after;
    int n_before, n_after;
    rz_tokenizer_template(t, &before, &n_before, &after, &n_after);
    return bos && n_before > 0 && before[0] == rz_tokenizer_id(t, bos);
}

static bool read_tokenizer_config(const char *folder, rz_tokenizer *t, rz_err *err)
{
    rz_token_extras *e = rz_tokenizer_extras(t);
    char *path = rz_asprintf("%s/tokenizer_config.json", folder);
    json_t *o;
    bool ok = load(path, &o, err) && read_token(path, o, "bos_token", &e->bos_token, err) && read_token(path, o, "eos_token", &e->eos_token, err) &&
              read_template(path, o, &e->chat_template, err);
    const json_t *add = json_object_get(o, "add_bos_token");
    if (ok && add && !json_is_null(add) && !json_is_boolean(add))
        ok = rz_fail(err, RZ_EDATA, "%s: add_bos_token must be true or false", path);
    if (ok)
        e->add_bos = json_is_boolean(add) ? json_is_true(add) && e->bos_token : template_adds(t, e->bos_token);
    json_decref(o);
    free(path);
    return ok;
}

/* Newer folders have the template in a file of its own, which counts. */
static bool read_template_file(const char *folder, rz_tokenizer *t, rz_err *err)
{
    char *path = rz_asprintf("%s/chat_template.jinja", folder), *text;
    size_t len;
    bool ok = true;
    if (rz_file_exists(path) && (ok = rz_file_read(path, MAX_TEMPLATE, &text, &len, err))) {
        free(rz_tokenizer_extras(t)->chat_template);
        rz_tokenizer_extras(t)->chat_template = text;
        ok = strlen(text) == len || rz_fail(err, RZ_EDATA, "%s: has a NUL character", path);
    }
    free(path);
    return ok;
}

/* A number or a list of them; *found when there was one at all. */
static bool read_eos(const char *path, const json_t *o, rz_tokenizer *t, bool *found, rz_err *err)
{
    const json_t *v = json_object_get(o, "eos_token_id");
    size_t n = json_is_array(v) ? json_array_size(v) : v && !json_is_null(v) ? 1 : 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_is_array(v) ? json_array_get(v, i) : v;
        if (!json_is_integer(id))
            return rz_fail(err, RZ_EDATA, "%s: eos_token_id must be the number of a token, or a list of such", path);
        if (!rz_extras_add_eos(t, path, json_integer_value(id), err))
            return false;
    }
    *found = n > 0;
    return true;
}

/* What ends a completion, as transformers' generate has it: generation_config.json, else config.json, else the tokenizer. */
static bool read_ends(const char *folder, const char *config, rz_tokenizer *t, rz_err *err)
{
    char *path = rz_asprintf("%s/generation_config.json", folder), *config_path = rz_asprintf("%s/config.json", folder);
    json_t *generation, *o = NULL;
    bool found = false, ok = load(path, &generation, err) && read_eos(path, generation, t, &found, err);
    if (ok && !found)
        ok = (o = rz_json_parse(config_path, config, strlen(config), json_limits, err)) && read_eos(config_path, o, t, &found, err);
    const char *eos = rz_tokenizer_get_extras(t)->eos_token;
    if (ok && !found && eos && rz_tokenizer_id(t, eos) >= 0)
        ok = rz_extras_add_eos(t, folder, rz_tokenizer_id(t, eos), err);
    json_decref(generation);
    json_decref(o);
    free(config_path);
    free(path);
    return ok;
}

bool rz_extras_read_hf(const char *folder, const char *config, rz_tokenizer *t, rz_err *err)
{
    return read_tokenizer_config(folder, t, err) && read_template_file(folder, t, err) && read_ends(folder, config, t, err);
}

/* ---- our own files: arrays that are there only when they say something (docs/files.md) ---- */

static const struct { const char *name; size_t offset; const char *what; } texts[] = {
    {"extras/chat_template", offsetof(rz_token_extras, chat_template), "chat template"},
    {"extras/bos_token", offsetof(rz_token_extras, bos_token), "token that begins a text (bos_token)"},
    {"extras/eos_token", offsetof(rz_token_extras, eos_token), "token that ends a text (eos_token)"},
};
enum { N_TEXTS = sizeof texts / sizeof texts[0] };
static const char add_bos[] = "extras/add_bos", eos_ids[] = "extras/eos_ids";

bool rz_extras_put(const rz_token_extras *e, rz_store *s, rz_err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < N_TEXTS; i++) {
        const char *text = *(char *const *)((const char *)e + texts[i].offset);
        ok = !text || rz_store_put_text(s, texts[i].name, text, err);
    }
    if (ok && e->add_bos)
        ok = rz_store_put(s, add_bos, (rz_shape){RZ_U8, 0, {0}}, &(uint8_t){1}, err);
    if (ok && e->n_eos)
        ok = rz_store_put(s, eos_ids, (rz_shape){RZ_I32, 1, {e->n_eos}}, e->eos, err);
    return ok;
}

/* The end tokens of a file, 0 of them where it has none. */
static bool get_eos(rz_store *s, int32_t ids[RZ_MAX_EOS], int *n, rz_err *err)
{
    rz_shape shape;
    *n = 0;
    if (!rz_store_has(s, eos_ids))
        return true;
    if (!rz_store_shape(s, eos_ids, &shape, err))
        return false;
    if (shape.type != RZ_I32 || shape.n_dims != 1 || shape.dims[0] > RZ_MAX_EOS)
        return rz_fail(err, RZ_EDATA, "%s must be a list of at most %d ids (i32)", eos_ids, RZ_MAX_EOS);
    *n = (int)shape.dims[0];
    return rz_store_get(s, eos_ids, shape, ids, err);
}

static bool get_add_bos(rz_store *s, bool *adds, rz_err *err)
{
    uint8_t x = 0;
    if (rz_store_has(s, add_bos) && !rz_store_get(s, add_bos, (rz_shape){RZ_U8, 0, {0}}, &x, err))
        return false;
    *adds = x;
    return true;
}

bool rz_extras_get(rz_tokenizer *t, rz_store *s, rz_err *err)
{
    rz_token_extras *e = rz_tokenizer_extras(t);
    int32_t ids[RZ_MAX_EOS];
    int n;
    for (int i = 0; i < N_TEXTS; i++)
        if (rz_store_has(s, texts[i].name) && !(*(char **)((char *)e + texts[i].offset) = rz_store_get_text(s, texts[i].name, err)))
            return false;
    bool ok = get_add_bos(s, &e->add_bos, err) && get_eos(s, ids, &n, err);
    for (int i = 0; ok && i < n; i++)
        ok = rz_extras_add_eos(t, eos_ids, ids[i], err);
    return ok;
}

static bool changed(const char *what, rz_err *err)
{
    return rz_fail(err, RZ_ECONFIG, "the %s of the base (model) changed since this run began; set it back, or give another out=", what);
}

bool rz_extras_check(const rz_token_extras *e, rz_store *s, rz_err *err)
{
    int32_t ids[RZ_MAX_EOS];
    int n;
    bool adds, some = rz_store_has(s, add_bos) || rz_store_has(s, eos_ids);
    for (int i = 0; i < N_TEXTS; i++)
        some = some || rz_store_has(s, texts[i].name);
    for (int i = 0; some && i < N_TEXTS; i++) {
        const char *is = *(char *const *)((const char *)e + texts[i].offset);
        char *was = rz_store_has(s, texts[i].name) ? rz_store_get_text(s, texts[i].name, err) : NULL;
        if (!was && rz_store_has(s, texts[i].name))
            return false;
        bool same = is && was ? !strcmp(is, was) : !is && !was;
        free(was);
        if (!same)
            return changed(texts[i].what, err);
    }
    if (!some)
        return true;
    if (!get_add_bos(s, &adds, err) || !get_eos(s, ids, &n, err))
        return false;
    if (adds != e->add_bos)
        return changed("setting add_bos_token", err);
    return (n == e->n_eos && !memcmp(ids, e->eos, (size_t)n * sizeof *ids)) || changed("list of end tokens (eos_token_id)", err);
}
