/* tokenizer.json: the model and the added tokens. */
#include "data/tokenizer_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rz_token_check_keys(const rz_tokenizer *t, const char *where, json_t *object, const char *const *known, rz_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0) k++;
        if (!*k) return rz_fail(err, RZ_EDATA, "%s: %s%.100s is a field that is not supported; remove it if it means nothing", t->name, where, key);
    }
    return true;
}

/* A field that must be absent or null. */
static bool check_unset(const rz_tokenizer *t, json_t *root, const char *key, rz_err *err)
{
    json_t *value = json_object_get(root, key);
    if (!value || json_is_null(value)) return true;
    return rz_fail(err, RZ_EDATA, "%s: %s is set; only null is supported", t->name, key);
}

static bool read_id(const rz_tokenizer *t, const char *where, json_t *value, int *id, rz_err *err)
{
    if (!json_is_integer(value)) return rz_fail(err, RZ_EDATA, "%s: %s must be a whole number in 0..%d", t->name, where, RZ_TOKEN_MAX_ID);
    json_int_t v = json_integer_value(value);
    if (v < 0 || v > RZ_TOKEN_MAX_ID) {
        return rz_fail(err, RZ_EDATA, "%s: %s is %" JSON_INTEGER_FORMAT ", must be 0..%d", t->name, where, v, RZ_TOKEN_MAX_ID);
    }
    *id = (int)v;
    return true;
}

static bool read_flag(const rz_tokenizer *t, const char *where, json_t *object, const char *key, bool *flag, rz_err *err)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value)) return rz_fail(err, RZ_EDATA, "%s: %s.%s must be true or false", t->name, where, key);
    *flag = json_is_true(value);
    return true;
}

/* Puts a token at its id; the same token at the same id again is fine (an added token that is in the vocabulary too). */
static bool place_token(rz_tokenizer *t, const char *where, const char *token, int id, rz_err *err)
{
    size_t len = strlen(token), slot = rz_token_slot(t, token, len);
    if (t->slots[slot] == id) return true;
    if (t->slots[slot] >= 0) {
        return rz_fail(err, RZ_EDATA, "%s: %s gives \"%.100s\" the id %d, but it has the id %d", t->name, where, token, id, t->slots[slot]);
    }
    if (t->tokens[id]) return rz_fail(err, RZ_EDATA, "%s: id %d is given to \"%.100s\" and to \"%.100s\"", t->name, id, t->tokens[id], token);
    t->tokens[id] = rz_strdup(token);
    t->lens[id] = (uint32_t)len;
    t->slots[slot] = id;
    return true;
}

static bool read_vocab(rz_tokenizer *t, json_t *vocab, rz_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(vocab, key, value) {
        int id = 0;
        char where[160];
        snprintf(where, sizeof where, "model.vocab[\"%.100s\"]", key);
        if (!read_id(t, where, value, &id, err) || !place_token(t, "model.vocab", key, id, err)) return false;
        t->in_model[id] = true;
    }
    return true;
}

/* ---- added tokens ---- */

static bool read_added_token(rz_tokenizer *t, json_t *item, const char *where, rz_err *err)
{
    static const char *const known[] = {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL};
    char prefix[64], id_where[64];
    snprintf(prefix, sizeof prefix, "%s.", where);
    snprintf(id_where, sizeof id_where, "%s.id", where);
    if (!json_is_object(item)) return rz_fail(err, RZ_EDATA, "%s: %s must be an object", t->name, where);
    const char *content = json_string_value(json_object_get(item, "content"));
    if (!content || !*content) return rz_fail(err, RZ_EDATA, "%s: %s.content must be a text that is not empty", t->name, where);
    rz_added_token token = {0};
    bool normalized = false, special = false;
    if (!rz_token_check_keys(t, prefix, item, known, err) || !read_id(t, id_where, json_object_get(item, "id"), &token.id, err) ||
        !read_flag(t, where, item, "single_word", &token.single_word, err) || !read_flag(t, where, item, "lstrip", &token.lstrip, err) ||
        !read_flag(t, where, item, "rstrip", &token.rstrip, err) || !read_flag(t, where, item, "normalized", &normalized, err) ||
        !read_flag(t, where, item, "special", &special, err) || !place_token(t, where, content, token.id, err)) {
        return false;
    }
    if (token.single_word && !t->word && !rz_token_pattern_anchored(&t->word, rz_token_word, err)) return rz_err_note(err, "%s", t->name);
    const char *text = content;
    size_t len = strlen(content);
    rz_token_work *w;
    if (!rz_token_work_take(t, &w, err)) return false;
    bool ok = !normalized || rz_token_normalize(t, w, &text, &len, err);
    if (ok) token.text = rz_strndup(text, token.len = len);
    rz_token_work_give(t, w);
    if (!ok) return false;
    if (len == 0) {
        free(token.text);
        return rz_fail(err, RZ_EDATA, "%s: %s.content \"%.100s\" is nothing when normalized", t->name, where, content);
    }
    rz_added_set *set = &t->added[normalized];
    set->items[set->n++] = token;
    set->starts[(unsigned char)*token.text] = true;
    t->special[token.id] = special;
    if (strcmp(token.text, content) == 0) return true;
    if (!t->said) t->said = rz_calloc((size_t)t->size + 1, sizeof *t->said);
    t->said[token.id] = token.text;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    const rz_added_token *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool read_added(rz_tokenizer *t, json_t *added, rz_err *err)
{
    size_t i;
    json_t *item;
    bool *seen = rz_calloc((size_t)t->size + 1, sizeof *seen), ok = true;
    for (int k = 0; k < 2; k++) t->added[k].items = rz_calloc(json_array_size(added) + 1, sizeof *t->added[k].items);
    json_array_foreach(added, i, item) {
        char where[40];
        snprintf(where, sizeof where, "added_tokens[%zu]", i);
        ok = read_added_token(t, item, where, err);
        if (!ok) break;
        json_int_t id = json_integer_value(json_object_get(item, "id"));
        if (seen[id]) {
            ok = rz_fail(err, RZ_EDATA, "%s: %s.content \"%.100s\" was added before", t->name, where, t->tokens[id]);
            break;
        }
        seen[id] = true;
    }
    free(seen);
    for (int k = 0; ok && k < 2; k++) {
        rz_added_set *set = &t->added[k];
        qsort(set->items, (size_t)set->n, sizeof *set->items, by_bytes);
        for (int j = 1; ok && j < set->n; j++) {
            if (by_bytes(&set->items[j - 1], &set->items[j]) != 0) continue;
            ok = rz_fail(err, RZ_EDATA, "%s: added_tokens \"%.100s\" and \"%.100s\" are the same when normalized", t->name,
                         t->tokens[set->items[j - 1].id], t->tokens[set->items[j].id]);
        }
    }
    return ok;
}

/* ---- model ---- */

/* Highest id + 1, so that the tables can be made before they are filled. */
static int count_ids(json_t *vocab, json_t *added)
{
    const char *key;
    json_t *value;
    size_t i;
    json_int_t highest = -1;
    json_object_foreach(vocab, key, value) {
        if (json_integer_value(value) > highest) highest = json_integer_value(value);
    }
    json_array_foreach(added, i, value) {
        json_int_t id = json_integer_value(json_object_get(value, "id"));
        if (id > highest) highest = id;
    }
    return highest > RZ_TOKEN_MAX_ID ? RZ_TOKEN_MAX_ID + 1 : (int)highest + 1;
}

static bool check_fields(const rz_tokenizer *t, json_t *root, rz_err *err)
{
    static const char *const known[] = {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
                                        "model", NULL};
    json_t *version = json_object_get(root, "version"), *model = json_object_get(root, "model");
    if (!json_is_object(root)) return rz_fail(err, RZ_EDATA, "%s: must be a JSON object", t->name);
    if (!json_is_object(model)) return rz_fail(err, RZ_EDATA, "%s: model is missing", t->name);
    if (version && (!json_is_string(version) || strcmp(json_string_value(version), "1.0") != 0)) {
        return rz_fail(err, RZ_EDATA, "%s: version must be \"1.0\"", t->name);
    }
    return check_unset(t, root, "truncation", err) && check_unset(t, root, "padding", err) && rz_token_check_keys(t, "", root, known, err);
}

/* A flag of the model: absent and null are false. */
static bool model_flag(const rz_tokenizer *t, json_t *model, const char *key, bool *flag, rz_err *err)
{
    json_t *value = json_object_get(model, key);
    *flag = json_is_true(value);
    if (!value || json_is_null(value) || json_is_boolean(value)) return true;
    return rz_fail(err, RZ_EDATA, "%s: model.%s must be true or false", t->name, key);
}

static bool model_unset(const rz_tokenizer *t, json_t *model, const char *key, rz_err *err)
{
    json_t *value = json_object_get(model, key);
    if (!value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0)) return true;
    if (json_is_number(value) && !(json_number_value(value) > 0)) return true; /* dropout */
    return rz_fail(err, RZ_EDATA, "%s: model.%s is set, which is not supported", t->name, key);
}

static bool read_model(rz_tokenizer *t, json_t *model, rz_err *err)
{
    static const char *const word_keys[] = {"type", "vocab", "unk_token", NULL};
    static const char *const bpe_keys[] = {"type", "vocab", "unk_token", "merges", "dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                                           "byte_fallback", "ignore_merges", NULL};
    const char *type = json_string_value(json_object_get(model, "type"));
    if (!type && json_object_get(model, "merges")) type = "BPE"; /* files of the first years do not say it */
    if (!type) return rz_fail(err, RZ_EDATA, "%s: model.type is missing; BPE and WordLevel are supported", t->name);
    t->bpe = strcmp(type, "BPE") == 0;
    if (!t->bpe && strcmp(type, "WordLevel") != 0) {
        return rz_fail(err, RZ_EDATA, "%s: model.type is %.100s; BPE and WordLevel are supported", t->name, type);
    }
    if (!rz_token_check_keys(t, "model.", model, t->bpe ? bpe_keys : word_keys, err)) return false;
    json_t *vocab = json_object_get(model, "vocab"), *unknown = json_object_get(model, "unk_token");
    if (!json_is_object(vocab) || json_object_size(vocab) == 0) {
        return rz_fail(err, RZ_EDATA, "%s: model.vocab must map at least one word to its id", t->name);
    }
    if (unknown && !json_is_null(unknown) && !json_is_string(unknown)) return rz_fail(err, RZ_EDATA, "%s: model.unk_token must be a text", t->name);
    return !t->bpe || (model_flag(t, model, "fuse_unk", &t->fuse_unknown, err) && model_flag(t, model, "byte_fallback", &t->byte_fallback, err) &&
                       model_flag(t, model, "ignore_merges", &t->ignore_merges, err) && model_unset(t, model, "dropout", err) &&
                       model_unset(t, model, "continuing_subword_prefix", err) && model_unset(t, model, "end_of_word_suffix", err));
}

static bool read_vocabulary(rz_tokenizer *t, json_t *model, json_t *added, rz_err *err)
{
    json_t *vocab = json_object_get(model, "vocab"), *unknown = json_object_get(model, "unk_token");
    size_t n_tokens = json_object_size(vocab) + json_array_size(added);
    t->size = count_ids(vocab, added);
    t->tokens = rz_calloc((size_t)t->size + 1, sizeof *t->tokens);
    t->lens = rz_calloc((size_t)t->size + 1, sizeof *t->lens);
    t->special = rz_calloc((size_t)t->size + 1, sizeof *t->special);
    t->in_model = rz_calloc((size_t)t->size + 1, sizeof *t->in_model);
    for (t->n_slots = 4; t->n_slots < 2 * n_tokens; t->n_slots *= 2) {}
    t->slots = rz_malloc(t->n_slots * sizeof *t->slots);
    memset(t->slots, 0xff, t->n_slots * sizeof *t->slots);
    if (!read_vocab(t, vocab, err)) return false;
    t->unknown = json_is_string(unknown) ? rz_tokenizer_id(t, json_string_value(unknown)) : -1;
    t->unknown_missing = t->bpe && json_is_string(unknown) && t->unknown < 0;
    return read_added(t, added, err);
}

/* The ids of single bytes, so that most words never need to be spelled. */
static void find_byte_ids(rz_tokenizer *t)
{
    for (int b = 0; b < 256; b++) {
        char text[8];
        size_t len = t->byte_level ? rz_token_spell((unsigned char)b, text) : (size_t)snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        int id = rz_token_find(t, text, len);
        t->byte_ids[b] = id >= 0 && t->in_model[id] ? id : -1;
    }
}

bool rz_token_read(rz_tokenizer *t, json_t *root, rz_err *err)
{
    if (!check_fields(t, root, err)) return false;
    json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    if (added && !json_is_null(added) && !json_is_array(added)) return rz_fail(err, RZ_EDATA, "%s: added_tokens must be a list", t->name);
    if (!read_model(t, model, err) || !rz_token_read_steps(t, root, err) || !read_vocabulary(t, model, added, err)) return false;
    find_byte_ids(t);
    return (!t->bpe || rz_token_merges_read(t, json_object_get(model, "merges"), err)) && rz_token_read_template(t, root, err);
}
