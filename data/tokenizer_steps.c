/* tokenizer.json: normalizer, pre_tokenizer, decoder (steps, in a row) and post_processor (what is put around a text). */
#include "data/tokenizer_parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROWTH = 256, MAX_NESTING = 8, MAX_TEMPLATE = 64 };

void rz_token_steps_finish(rz_token_steps *s)
{
    for (int i = 0; i < s->n; i++) {
        rz_pattern_destroy(s->items[i].pattern);
        free(s->items[i].text);
    }
    s->n = 0;
}

/* A list that is being read, and what reads its items. */
typedef struct {
    rz_tokenizer *t;
    rz_token_steps *steps;
    const char *items; /* name of a Sequence's list */
    const struct step_row *rows;
} reader;

typedef struct step_row {
    const char *type;
    bool (*read)(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err);
    rz_token_step_kind kind;
    const char *keys[6];
} step_row;

static bool bad(const reader *r, const char *where, const char *key, const char *must, rz_err *err)
{
    return rz_fail(err, RZ_EDATA, "%s: %s.%s must be %s", r->t->name, where, key, must);
}

static bool read_text(const reader *r, json_t *item, const char *where, const char *key, char **text, size_t *len, rz_err *err)
{
    json_t *value = json_object_get(item, key);
    if (!json_is_string(value)) return bad(r, where, key, "a text", err);
    *len = json_string_length(value);
    *text = rz_strndup(json_string_value(value), *len);
    return true;
}

/* Absent and null: the default that `flag` holds. */
static bool read_bool(const reader *r, json_t *item, const char *where, const char *key, bool *flag, rz_err *err)
{
    json_t *value = json_object_get(item, key);
    if (!value || json_is_null(value)) return true;
    if (!json_is_boolean(value)) return bad(r, where, key, "true or false", err);
    *flag = json_is_true(value);
    return true;
}

/* {"String": s} is looked for as it stands, {"Regex": r} is a pattern for Oniguruma. */
static bool read_pattern(const reader *r, json_t *item, const char *where, rz_pattern **out, rz_err *err)
{
    json_t *pattern = json_object_get(item, "pattern");
    json_t *string = json_is_string(pattern) ? pattern : json_object_get(pattern, "String"), *regex = json_object_get(pattern, "Regex");
    if ((json_is_object(pattern) && json_object_size(pattern) != 1) || json_is_string(string) == json_is_string(regex)) {
        return bad(r, where, "pattern", "{\"String\": …} or {\"Regex\": …}", err);
    }
    const char *text = json_string_value(string ? string : regex);
    if (!*text) return bad(r, where, "pattern", "a text that is not empty", err);
    char *pcre = regex ? rz_token_regex(text, err) : NULL;
    bool ok = regex ? pcre && rz_token_pattern(out, pcre, err) : rz_token_pattern_literal(out, text, err);
    free(pcre);
    if (ok) return true;
    err->code = RZ_EDATA;
    return rz_err_note(err, "%s: %s.pattern", r->t->name, where);
}

static bool read_behavior(const reader *r, json_t *item, const char *where, rz_split_behavior *behavior, rz_err *err)
{
    static const char *const names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    json_t *value = json_object_get(item, "behavior");
    const char *name = json_string_value(value);
    for (int i = 0; name && i < 5; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *behavior = (rz_split_behavior)i;
        return true;
    }
    return bad(r, where, "behavior", "Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext", err);
}

/* ---- rows ---- */

static bool read_nothing(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    (void)r, (void)item, (void)where, (void)step, (void)err;
    return true;
}

/* A pattern may match nothing at all, between any two characters. */
static bool read_replace(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    if (!read_pattern(r, item, where, &step->pattern, err) || !read_text(r, item, where, "content", &step->text, &step->len, err)) return false;
    const json_t *pattern = json_object_get(item, "pattern"), *string = json_is_string(pattern) ? pattern : json_object_get(pattern, "String");
    size_t n = json_string_length(string);
    step->growth = n ? (step->len + n - 1) / n : step->len + 1;
    return true;
}

static bool read_prepend(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    if (!read_text(r, item, where, "prepend", &step->text, &step->len, err)) return false;
    return step->len <= MAX_GROWTH || rz_fail(err, RZ_EDATA, "%s: %s.prepend has %zu bytes, must have at most %d", r->t->name, where, step->len, MAX_GROWTH);
}

/* Steps that put in more than they take out multiply each other: few of them make gigabytes of a page. */
static bool check_growth(const rz_tokenizer *t, const char *key, const rz_token_steps *steps, rz_err *err)
{
    size_t growth = 1;
    for (int i = 0; i < steps->n && growth <= MAX_GROWTH; i++) {
        if (steps->items[i].kind != RZ_REPLACE || steps->items[i].growth <= 1) continue;
        growth = steps->items[i].growth > MAX_GROWTH ? MAX_GROWTH + 1 : growth * steps->items[i].growth;
    }
    return growth <= MAX_GROWTH || rz_fail(err, RZ_EDATA, "%s: the Replace steps of %s can make a text more than %d times as long", t->name, key, MAX_GROWTH);
}

static bool read_split(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    return read_pattern(r, item, where, &step->pattern, err) && read_behavior(r, item, where, &step->behavior, err) &&
           read_bool(r, item, where, "invert", &step->invert, err);
}

static bool read_digits(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    bool single = false;
    if (!read_bool(r, item, where, "individual_digits", &single, err)) return false;
    step->behavior = single ? RZ_ISOLATED : RZ_CONTIGUOUS;
    return rz_token_pattern(&step->pattern, rz_token_digit, err);
}

static bool read_punctuation(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    step->behavior = RZ_ISOLATED;
    if (json_object_get(item, "behavior") && !read_behavior(r, item, where, &step->behavior, err)) return false;
    return rz_token_pattern(&step->pattern, rz_token_punctuation, err);
}

static bool read_whitespace_split(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    (void)r, (void)item, (void)where;
    step->behavior = RZ_REMOVED;
    char *pattern = rz_asprintf("%s+", rz_token_space);
    bool ok = rz_token_pattern(&step->pattern, pattern, err);
    free(pattern);
    return ok;
}

static bool read_whitespace(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    (void)r, (void)item, (void)where;
    step->behavior = RZ_REMOVED;
    step->invert = true;
    char *pattern = rz_asprintf("%s+|[^%.*s%s+", rz_token_word, (int)strlen(rz_token_word) - 2, rz_token_word + 1, rz_token_space + 1);
    bool ok = rz_token_pattern(&step->pattern, pattern, err);
    free(pattern);
    return ok;
}

static bool one_character(const char *s)
{
    if (!*s) return false;
    do s++;
    while (((unsigned char)*s & 0xC0) == 0x80);
    return !*s;
}

/* The character for a space and when one is put in front: pre-tokenizer and decoder alike. */
static bool read_scheme(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    static const char *const schemes[] = {"never", "first", "always"};
    const char *scheme = json_string_value(json_object_get(item, "prepend_scheme"));
    bool add = true;
    if (!read_text(r, item, where, "replacement", &step->text, &step->len, err) || !read_bool(r, item, where, "add_prefix_space", &add, err)) return false;
    if (!one_character(step->text)) return bad(r, where, "replacement", "one character", err);
    step->prepend = add ? RZ_PREPEND_ALWAYS : RZ_PREPEND_NEVER; /* files of the first years have only this flag */
    if (!json_object_get(item, "prepend_scheme")) return true;
    for (int i = 0; scheme && i < 3; i++) {
        if (strcmp(scheme, schemes[i]) != 0) continue;
        step->prepend = (rz_prepend_scheme)i;
        return true;
    }
    return bad(r, where, "prepend_scheme", "always, first or never", err);
}

static rz_token_step *next_step(const reader *r, rz_err *err)
{
    if (r->steps->n < RZ_TOKEN_MAX_STEPS) return &r->steps->items[r->steps->n++];
    rz_fail(err, RZ_EDATA, "%s: more than %d normalizers, pre-tokenizers or decoders in a row", r->t->name, RZ_TOKEN_MAX_STEPS);
    return NULL;
}

static bool read_metaspace(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    bool split = true;
    if (!read_scheme(r, item, where, step, err) || !read_bool(r, item, where, "split", &split, err)) return false;
    if (!split) return true;
    rz_token_step *cut = next_step(r, err);
    if (!cut) return false;
    *cut = (rz_token_step){.kind = RZ_SPLIT, .behavior = RZ_WITH_NEXT};
    return rz_token_pattern_literal(&cut->pattern, step->text, err);
}

/* A space in front, GPT-2's pattern, the alphabet of bytes: each a step or a property of the words. */
static bool read_byte_level(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    bool space = true, regex = true;
    if (!read_bool(r, item, where, "add_prefix_space", &space, err) || !read_bool(r, item, where, "use_regex", &regex, err)) return false;
    r->t->byte_level = true;
    if (!space) r->steps->n--;
    else step->kind = RZ_PREFIX_SPACE;
    if (!regex) return true;
    rz_token_step *cut = next_step(r, err);
    if (!cut) return false;
    *cut = (rz_token_step){.kind = RZ_SPLIT, .behavior = RZ_ISOLATED};
    char *pcre = rz_token_regex("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", err);
    bool ok = pcre && rz_token_pattern(&cut->pattern, pcre, err);
    free(pcre);
    return ok;
}

static bool read_strip(const reader *r, json_t *item, const char *where, rz_token_step *step, rz_err *err)
{
    static const char *const keys[] = {"start", "stop"};
    int *values[] = {&step->start, &step->stop};
    if (!read_text(r, item, where, "content", &step->text, &step->len, err)) return false;
    if (!one_character(step->text)) return bad(r, where, "content", "one character", err);
    for (int i = 0; i < 2; i++) {
        json_t *value = json_object_get(item, keys[i]);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 1000) return bad(r, where, keys[i], "in 0..1000", err);
        *values[i] = (int)json_integer_value(value);
    }
    return true;
}

static const step_row normalizer_rows[] = {
    {"NFC", read_nothing, RZ_NFC, {NULL}},
    {"NFD", read_nothing, RZ_NFD, {NULL}},
    {"NFKC", read_nothing, RZ_NFKC, {NULL}},
    {"NFKD", read_nothing, RZ_NFKD, {NULL}},
    {"Lowercase", read_nothing, RZ_LOWERCASE, {NULL}},
    {"Replace", read_replace, RZ_REPLACE, {"pattern", "content"}},
    {"Prepend", read_prepend, RZ_PREPEND, {"prepend"}},
    {NULL, NULL, RZ_NFC, {NULL}},
};

static const step_row split_rows[] = {
    {"Split", read_split, RZ_SPLIT, {"pattern", "behavior", "invert"}},
    {"ByteLevel", read_byte_level, RZ_PREFIX_SPACE, {"add_prefix_space", "trim_offsets", "use_regex"}},
    {"Digits", read_digits, RZ_SPLIT, {"individual_digits"}},
    {"Punctuation", read_punctuation, RZ_SPLIT, {"behavior"}},
    {"WhitespaceSplit", read_whitespace_split, RZ_SPLIT, {NULL}},
    {"Whitespace", read_whitespace, RZ_SPLIT, {NULL}},
    {"Metaspace", read_metaspace, RZ_METASPACE, {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}},
    {NULL, NULL, RZ_SPLIT, {NULL}},
};

static const step_row decoder_rows[] = {
    {"ByteLevel", read_nothing, RZ_BYTE_LEVEL, {"add_prefix_space", "trim_offsets", "use_regex"}},
    {"Replace", read_replace, RZ_REPLACE, {"pattern", "content"}},
    {"ByteFallback", read_nothing, RZ_BYTE_FALLBACK, {NULL}},
    {"Fuse", read_nothing, RZ_FUSE, {NULL}},
    {"Strip", read_strip, RZ_STRIP, {"content", "start", "stop"}},
    {"Metaspace", read_scheme, RZ_METASPACE, {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}},
    {NULL, NULL, RZ_FUSE, {NULL}},
};

/* ---- lists of steps ---- */

static bool unsupported(const reader *r, const char *where, const char *type, rz_err *err)
{
    char names[256] = "Sequence";
    for (const step_row *row = r->rows; row->type; row++) snprintf(names + strlen(names), sizeof names - strlen(names), ", %s", row->type);
    if (!type) return rz_fail(err, RZ_EDATA, "%s: %s.type is missing; supported are %s", r->t->name, where, names);
    return rz_fail(err, RZ_EDATA, "%s: %s.type is %.100s; supported are %s", r->t->name, where, type, names);
}

static bool read_step(const reader *r, json_t *item, const char *where, int depth, rz_err *err)
{
    char inner[256], prefix[260];
    const char *type = json_string_value(json_object_get(item, "type"));
    snprintf(prefix, sizeof prefix, "%s.", where);
    if (type && strcmp(type, "Sequence") == 0) {
        json_t *list = json_object_get(item, r->items), *each;
        size_t i;
        if (!json_is_array(list)) return bad(r, where, r->items, "a list", err);
        if (depth == MAX_NESTING) return rz_fail(err, RZ_EDATA, "%s: %s.type is Sequence in more than %d others", r->t->name, where, MAX_NESTING);
        json_array_foreach(list, i, each) {
            snprintf(inner, sizeof inner, "%.190s.%s[%zu]", where, r->items, i);
            if (!read_step(r, each, inner, depth + 1, err)) return false;
        }
        return rz_token_check_keys(r->t, prefix, item, (const char *const[]){"type", r->items, NULL}, err);
    }
    const step_row *row = r->rows;
    while (row->type && (!type || strcmp(row->type, type) != 0)) row++;
    if (!row->type) return unsupported(r, where, type, err);
    if (r->steps == &r->t->splits && r->t->byte_level) {
        return rz_fail(err, RZ_EDATA, "%s: %s.type is %s behind ByteLevel, which must be the last", r->t->name, where, type);
    }
    const char *known[8] = {"type"};
    for (int i = 0; i < 6 && row->keys[i]; i++) known[i + 1] = row->keys[i];
    rz_token_step *step = next_step(r, err);
    if (!step) return false;
    *step = (rz_token_step){.kind = row->kind};
    return rz_token_check_keys(r->t, prefix, item, known, err) && row->read(r, item, where, step, err);
}

bool rz_token_read_steps(rz_tokenizer *t, json_t *root, rz_err *err)
{
    const struct { const char *key; reader r; } parts[] = {
        {"normalizer", {t, &t->normalizers, "normalizers", normalizer_rows}},
        {"pre_tokenizer", {t, &t->splits, "pretokenizers", split_rows}},
        {"decoder", {t, &t->decoders, "decoders", decoder_rows}},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *item = json_object_get(root, parts[i].key);
        if (item && !json_is_null(item) && !(read_step(&parts[i].r, item, parts[i].key, 0, err) && check_growth(t, parts[i].key, parts[i].r.steps, err)))
            return false;
    }
    return true;
}

/* ---- the template ---- */

static bool add_around(rz_tokenizer *t, const char *where, bool behind, json_t *ids, rz_err *err)
{
    size_t i;
    json_t *id;
    int32_t **list = behind ? &t->after : &t->before;
    int *n = behind ? &t->n_after : &t->n_before;
    if (!json_is_array(ids) || (size_t)*n + json_array_size(ids) > MAX_TEMPLATE) {
        return rz_fail(err, RZ_EDATA, "%s: %s names a token whose special_tokens[…].ids is no list of at most %d", t->name, where, MAX_TEMPLATE);
    }
    *list = rz_realloc(*list, MAX_TEMPLATE * sizeof **list);
    json_array_foreach(ids, i, id) {
        json_int_t v = json_is_integer(id) ? json_integer_value(id) : -1;
        if (v < 0 || v > RZ_TOKEN_MAX_ID || !rz_tokenizer_token(t, (int)v)) {
            return rz_fail(err, RZ_EDATA, "%s: %s names a token whose id the vocabulary does not have", t->name, where);
        }
        (*list)[(*n)++] = (int32_t)v;
    }
    return true;
}

static bool read_template(rz_tokenizer *t, json_t *item, const char *where, rz_err *err)
{
    json_t *single = json_object_get(item, "single"), *special = json_object_get(item, "special_tokens"), *each;
    size_t i;
    bool behind = false;
    char place[320];
    snprintf(place, sizeof place, "%s.single", where);
    if (!json_is_array(single)) return rz_fail(err, RZ_EDATA, "%s: %s must be a list", t->name, place);
    if (t->n_before + t->n_after > 0) return rz_fail(err, RZ_EDATA, "%s: %s is a second template; one is supported", t->name, place);
    json_array_foreach(single, i, each) {
        json_t *token = json_object_get(each, "SpecialToken");
        const char *name = json_string_value(json_object_get(token, "id"));
        if (name && !add_around(t, place, behind, json_object_get(json_object_get(special, name), "ids"), err)) return false;
        if (name) continue;
        if (!json_object_get(each, "Sequence") || behind) {
            return rz_fail(err, RZ_EDATA, "%s: %s must be special tokens around one sequence", t->name, place);
        }
        behind = true;
    }
    return behind || rz_fail(err, RZ_EDATA, "%s: %s has no sequence", t->name, place);
}

static bool read_processor(rz_tokenizer *t, json_t *item, const char *where, int depth, rz_err *err)
{
    const char *type = json_string_value(json_object_get(item, "type"));
    if (!type) return rz_fail(err, RZ_EDATA, "%s: %s.type is missing", t->name, where);
    if (strcmp(type, "ByteLevel") == 0) return true; /* moves offsets, not ids */
    if (strcmp(type, "TemplateProcessing") == 0) return read_template(t, item, where, err);
    if (strcmp(type, "Sequence") != 0 || depth == MAX_NESTING) {
        return rz_fail(err, RZ_EDATA, "%s: %s.type is %.100s; supported are Sequence, ByteLevel, TemplateProcessing", t->name, where, type);
    }
    json_t *list = json_object_get(item, "processors"), *each;
    size_t i;
    if (!json_is_array(list)) return rz_fail(err, RZ_EDATA, "%s: %s.processors must be a list", t->name, where);
    json_array_foreach(list, i, each) {
        char inner[256];
        snprintf(inner, sizeof inner, "%.190s.processors[%zu]", where, i);
        if (!read_processor(t, each, inner, depth + 1, err)) return false;
    }
    return true;
}

bool rz_token_read_template(rz_tokenizer *t, json_t *root, rz_err *err)
{
    json_t *item = json_object_get(root, "post_processor");
    return !item || json_is_null(item) || read_processor(t, item, "post_processor", 0, err);
}
