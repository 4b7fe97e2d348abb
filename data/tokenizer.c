#include "data/tokenizer.h"
#include "base/file.h"
#include "base/text.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ID = 10000000, MAX_FILE_BYTES = 256 << 20 };
static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

typedef struct {
    const char *text;
    size_t len;
    int id;
    bool normalized; /* looked for after those that are not, as in the original library */
} added_token;

struct rz_tokenizer {
    char *json, *name;
    int size;
    char **tokens; /* by id; NULL: no such token */
    bool *special;
    int32_t *slots; /* hash table of ids, −1: free */
    size_t n_slots; /* a power of two, at least twice the number of tokens */
    int unknown;    /* id for words outside the vocabulary, or −1 */
    int n_added;
    added_token *added;
    rz_token_extras extras;
};

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *s, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return h;
}

/* The slot that holds this token, or the free one where it would go. */
static size_t find_slot(const rz_tokenizer *t, const char *s, size_t len)
{
    size_t i = (size_t)hash(s, len) & (t->n_slots - 1);
    while (t->slots[i] >= 0) {
        const char *token = t->tokens[t->slots[i]];
        if (strlen(token) == len && memcmp(token, s, len) == 0) break;
        i = (i + 1) & (t->n_slots - 1);
    }
    return i;
}

/* ---- parsing ---- */

static bool check_keys(const rz_tokenizer *t, const char *where, json_t *object, const char *const *known, rz_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        const char *const *k = known;
        while (*k && strcmp(*k, key) != 0) k++;
        if (!*k) return rz_fail(err, RZ_EDATA, "%s: %s%s is a field that is not supported so far; remove it if it means nothing", t->name, where, key);
    }
    return true;
}

/* A field that must be absent or null. */
static bool check_unset(const rz_tokenizer *t, json_t *root, const char *key, rz_err *err)
{
    json_t *value = json_object_get(root, key);
    if (!value || json_is_null(value)) return true;
    const char *type = json_string_value(json_object_get(value, "type"));
    if (type) return rz_fail(err, RZ_EDATA, "%s: %s.type is %.100s; only null is supported so far", t->name, key, type);
    return rz_fail(err, RZ_EDATA, "%s: %s is set; only null is supported so far", t->name, key);
}

static bool check_type(const rz_tokenizer *t, json_t *object, const char *where, const char *wanted, rz_err *err)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    if (!type) return rz_fail(err, RZ_EDATA, "%s: %s.type is missing; only %s is supported so far", t->name, where, wanted);
    if (strcmp(type, wanted) != 0) return rz_fail(err, RZ_EDATA, "%s: %s.type is %.100s; only %s is supported so far", t->name, where, type, wanted);
    return true;
}

/* WhitespaceSplit, or a Sequence of it: splitting twice at the same places changes nothing. */
static bool check_pre_tokenizer(const rz_tokenizer *t, json_t *pre, rz_err *err)
{
    const char *type = json_string_value(json_object_get(pre, "type"));
    if (!type || strcmp(type, "Sequence") != 0) {
        return check_type(t, pre, "pre_tokenizer", "WhitespaceSplit", err) &&
               check_keys(t, "pre_tokenizer.", pre, (const char *const[]){"type", NULL}, err);
    }
    json_t *list = json_object_get(pre, "pretokenizers"), *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return rz_fail(err, RZ_EDATA, "%s: pre_tokenizer.pretokenizers must be a list of at least one pre-tokenizer", t->name);
    }
    json_array_foreach(list, i, item) {
        char where[64];
        snprintf(where, sizeof where, "pre_tokenizer.pretokenizers[%zu]", i);
        if (!check_type(t, item, where, "WhitespaceSplit", err)) return false;
    }
    return check_keys(t, "pre_tokenizer.", pre, (const char *const[]){"type", "pretokenizers", NULL}, err);
}

static bool read_id(const rz_tokenizer *t, const char *where, json_t *value, int *id, rz_err *err)
{
    if (!json_is_integer(value)) return rz_fail(err, RZ_EDATA, "%s: %s must be a whole number in 0..%d", t->name, where, MAX_ID);
    json_int_t v = json_integer_value(value);
    if (v < 0 || v > MAX_ID) return rz_fail(err, RZ_EDATA, "%s: %s is %" JSON_INTEGER_FORMAT ", must be 0..%d", t->name, where, v, MAX_ID);
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
    size_t slot = find_slot(t, token, strlen(token));
    if (t->slots[slot] == id) return true;
    if (t->slots[slot] >= 0) {
        return rz_fail(err, RZ_EDATA, "%s: %s gives \"%.100s\" the id %d, but it has the id %d", t->name, where, token, id, t->slots[slot]);
    }
    if (t->tokens[id]) return rz_fail(err, RZ_EDATA, "%s: id %d is given to \"%.100s\" and to \"%.100s\"", t->name, id, t->tokens[id], token);
    t->tokens[id] = rz_strdup(token);
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
    }
    return true;
}

static bool read_added_token(rz_tokenizer *t, json_t *item, const char *where, added_token *out, rz_err *err)
{
    static const char *const known[] = {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL};
    static const char *const unsupported[] = {"single_word", "lstrip", "rstrip"};
    char prefix[64], id_where[64];
    snprintf(prefix, sizeof prefix, "%s.", where);
    snprintf(id_where, sizeof id_where, "%s.id", where);
    if (!json_is_object(item)) return rz_fail(err, RZ_EDATA, "%s: %s must be an object", t->name, where);
    bool flag = false, special = false;
    const char *content = json_string_value(json_object_get(item, "content"));
    if (!content || !*content) return rz_fail(err, RZ_EDATA, "%s: %s.content must be a text that is not empty", t->name, where);
    if (!check_keys(t, prefix, item, known, err) || !read_id(t, id_where, json_object_get(item, "id"), &out->id, err)) return false;
    for (int i = 0; i < 3; i++) {
        if (!read_flag(t, where, item, unsupported[i], &flag, err)) return false;
        if (flag) return rz_fail(err, RZ_EDATA, "%s: %s.%s is true; only false is supported so far", t->name, where, unsupported[i]);
    }
    if (!read_flag(t, where, item, "normalized", &out->normalized, err) || !read_flag(t, where, item, "special", &special, err)) return false;
    for (int i = 0; i < t->n_added; i++) {
        if (strcmp(t->added[i].text, content) != 0) continue;
        return rz_fail(err, RZ_EDATA, "%s: %s.content \"%.100s\" was added before", t->name, where, content);
    }
    if (!place_token(t, where, content, out->id, err)) return false;
    t->special[out->id] = special;
    out->text = t->tokens[out->id];
    out->len = strlen(content);
    return true;
}

static bool read_added(rz_tokenizer *t, json_t *added, rz_err *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(added, i, item) {
        char where[40];
        snprintf(where, sizeof where, "added_tokens[%zu]", i);
        if (!read_added_token(t, item, where, &t->added[t->n_added], err)) return false;
        t->n_added++;
    }
    return true;
}

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
    return highest > MAX_ID ? MAX_ID + 1 : (int)highest + 1;
}

static bool check_fields(const rz_tokenizer *t, json_t *root, rz_err *err)
{
    static const char *const known[] = {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
                                        "model", NULL};
    static const char *const unset[] = {"truncation", "padding", "normalizer", "post_processor", "decoder"};
    json_t *version = json_object_get(root, "version"), *model = json_object_get(root, "model");
    if (!json_is_object(root)) return rz_fail(err, RZ_EDATA, "%s: must be a JSON object", t->name);
    if (!json_is_object(model)) return rz_fail(err, RZ_EDATA, "%s: model is missing", t->name);
    if (!check_type(t, model, "model", "WordLevel", err)) return false;
    if (version && (!json_is_string(version) || strcmp(json_string_value(version), "1.0") != 0)) {
        return rz_fail(err, RZ_EDATA, "%s: version must be \"1.0\"", t->name);
    }
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) {
        if (!check_unset(t, root, unset[i], err)) return false;
    }
    return check_pre_tokenizer(t, json_object_get(root, "pre_tokenizer"), err) && check_keys(t, "", root, known, err) &&
           check_keys(t, "model.", model, (const char *const[]){"type", "vocab", "unk_token", NULL}, err);
}

static bool build(rz_tokenizer *t, json_t *root, rz_err *err)
{
    if (!check_fields(t, root, err)) return false;
    json_t *model = json_object_get(root, "model"), *vocab = json_object_get(model, "vocab");
    json_t *unknown = json_object_get(model, "unk_token"), *added = json_object_get(root, "added_tokens");
    if (!json_is_object(vocab) || json_object_size(vocab) == 0) {
        return rz_fail(err, RZ_EDATA, "%s: model.vocab must map at least one word to its id", t->name);
    }
    if (unknown && !json_is_null(unknown) && !json_is_string(unknown)) return rz_fail(err, RZ_EDATA, "%s: model.unk_token must be a text", t->name);
    if (added && !json_is_array(added)) return rz_fail(err, RZ_EDATA, "%s: added_tokens must be a list", t->name);

    size_t n_tokens = json_object_size(vocab) + json_array_size(added);
    t->size = count_ids(vocab, added);
    t->tokens = rz_calloc((size_t)t->size + 1, sizeof *t->tokens);
    t->special = rz_calloc((size_t)t->size + 1, sizeof *t->special);
    t->added = rz_calloc(json_array_size(added) + 1, sizeof *t->added);
    for (t->n_slots = 4; t->n_slots < 2 * n_tokens; t->n_slots *= 2) {}
    t->slots = rz_malloc(t->n_slots * sizeof *t->slots);
    memset(t->slots, 0xff, t->n_slots * sizeof *t->slots);

    if (!read_vocab(t, vocab, err)) return false;
    t->unknown = json_is_string(unknown) ? rz_tokenizer_id(t, json_string_value(unknown)) : -1;
    return read_added(t, added, err);
}

bool rz_tokenizer_parse(rz_tokenizer **out, const char *name, const char *json, size_t len, rz_err *err)
{
    json_error_t why;
    *out = NULL;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    if (!root) return rz_fail(err, RZ_EDATA, "%s:%d: not valid JSON: %s", name, why.line, why.text);
    rz_tokenizer *t = rz_calloc(1, sizeof *t);
    t->name = rz_strdup(name);
    t->json = rz_strndup(json, len);
    bool ok = build(t, root, err);
    json_decref(root);
    if (ok) *out = t;
    else rz_tokenizer_destroy(t);
    return ok;
}

bool rz_tokenizer_load(rz_tokenizer **out, const char *path, rz_err *err)
{
    char *json;
    size_t len;
    *out = NULL;
    if (!rz_file_read(path, MAX_FILE_BYTES, &json, &len, err)) return false;
    bool ok = rz_tokenizer_parse(out, path, json, len, err);
    free(json);
    return ok;
}

void rz_tokenizer_destroy(rz_tokenizer *t)
{
    if (!t) return;
    for (int i = 0; t->tokens && i < t->size; i++) free(t->tokens[i]);
    free(t->tokens);
    free(t->special);
    free(t->slots);
    free(t->added);
    free(t->extras.chat_template);
    free(t->extras.bos_token);
    free(t->extras.eos_token);
    free(t->json);
    free(t->name);
    free(t);
}

/* ---- use ---- */

const char *rz_tokenizer_json(const rz_tokenizer *t) { return t->json; }
rz_token_extras *rz_tokenizer_extras(rz_tokenizer *t) { return &t->extras; }
const rz_token_extras *rz_tokenizer_get_extras(const rz_tokenizer *t) { return &t->extras; }
int rz_tokenizer_size(const rz_tokenizer *t) { return t->size; }
int rz_tokenizer_id(const rz_tokenizer *t, const char *token) { return t->slots[find_slot(t, token, strlen(token))]; }
const char *rz_tokenizer_token(const rz_tokenizer *t, int id) { return id >= 0 && id < t->size ? t->tokens[id] : NULL; }
bool rz_tokenizer_is_special(const rz_tokenizer *t, int id) { return id >= 0 && id < t->size && t->special[id]; }

/* Bytes of the whitespace character (Unicode property White_Space) at s, or 0. The text is valid UTF-8. */
static size_t whitespace(const char *s, const char *end)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t left = (size_t)(end - s);
    if (u[0] == ' ' || (u[0] >= '\t' && u[0] <= '\r')) return 1;
    if (u[0] == 0xC2 && left > 1 && (u[1] == 0x85 || u[1] == 0xA0)) return 2;
    if (left < 3 || u[0] < 0xE1 || u[0] > 0xE3) return 0;
    unsigned c = (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
    bool white = c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
    return white ? 3 : 0;
}

typedef struct {
    const rz_tokenizer *t;
    int32_t *ids;
    int n;
} encoder;

static bool encode_words(encoder *e, const char *s, const char *end, rz_err *err)
{
    while (s < end) {
        size_t space = whitespace(s, end);
        if (space) {
            s += space;
            continue;
        }
        const char *word = s;
        while (s < end && !whitespace(s, end)) s++;
        size_t len = (size_t)(s - word);
        int id = e->t->slots[find_slot(e->t, word, len)];
        if (id < 0) id = e->t->unknown;
        if (id < 0) {
            return rz_fail(err, RZ_EDATA, "%s: the word \"%.*s\" is not in the vocabulary of %d tokens, and there is no unk_token", e->t->name,
                           len > 100 ? 100 : (int)len, word, e->t->size);
        }
        e->ids[e->n++] = id;
    }
    return true;
}

static const added_token *match_added(const rz_tokenizer *t, bool normalized, const char *s, const char *end)
{
    const added_token *best = NULL;
    for (int i = 0; i < t->n_added; i++) {
        const added_token *a = &t->added[i];
        if (a->normalized == normalized && a->text[0] == *s && a->len <= (size_t)(end - s) && memcmp(a->text, s, a->len) == 0 &&
            (!best || a->len > best->len)) {
            best = a;
        }
    }
    return best;
}

/* Added tokens are cut out wherever they stand, leftmost and then longest first; what lies between goes on to the next pass. */
static bool encode_pass(encoder *e, bool normalized, const char *s, const char *end, rz_err *err)
{
    const char *rest = s;
    while (s <= end) {
        const added_token *a = s < end ? match_added(e->t, normalized, s, end) : NULL;
        if (!a && s < end) {
            s++;
            continue;
        }
        if (rest < s && !(normalized ? encode_words(e, rest, s, err) : encode_pass(e, true, rest, s, err))) return false;
        if (!a) break;
        e->ids[e->n++] = a->id;
        rest = s += a->len;
    }
    return true;
}

bool rz_tokenizer_encode(const rz_tokenizer *t, const char *text, size_t len, rz_arena *arena, int32_t **ids, int *n, rz_err *err)
{
    *ids = NULL;
    *n = 0;
    if (len > INT32_MAX) return rz_fail(err, RZ_EDATA, "%s: a text of %zu bytes is too long to encode, at most %d", t->name, len, INT32_MAX);
    size_t valid = rz_utf8_valid(text, len);
    if (valid < len) return rz_fail(err, RZ_EDATA, "%s: the text to encode is not valid UTF-8 at byte %zu", t->name, valid);
    encoder e = {.t = t, .ids = RZ_NEW(arena, len + 1, int32_t)}; /* no token is shorter than a byte */
    if (!encode_pass(&e, false, text, text + len, err)) return false;
    *ids = e.ids;
    *n = e.n;
    return true;
}

char *rz_tokenizer_decode(const rz_tokenizer *t, const int32_t *ids, int n, bool keep_special, rz_arena *arena, size_t *len)
{
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        const char *token = rz_tokenizer_token(t, ids[i]);
        used += 1 + strlen(token ? token : replacement);
    }
    char *text = RZ_NEW(arena, used + 1, char), *at = text;
    bool first = true;
    for (int i = 0; i < n; i++) {
        const char *token = rz_tokenizer_token(t, ids[i]);
        if (!token) token = replacement;
        if (!keep_special && rz_tokenizer_is_special(t, ids[i])) continue;
        if (!first) *at++ = ' ';
        first = false;
        size_t bytes = strlen(token);
        memcpy(at, token, bytes);
        at += bytes;
    }
    *at = 0;
    *len = (size_t)(at - text);
    return text;
}
