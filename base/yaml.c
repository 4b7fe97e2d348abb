#include "base/yaml.h"
#include "base/file.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 4 << 20, MAX_NODES = 100000, MAX_DEPTH = 64 };

typedef struct {
    char *name;
    const rz_yaml *node;
} anchor;

typedef struct {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
    rz_document document;
    int n_nodes;
    anchor *anchors;
    int n_anchors;
    rz_err *err;
} reader;

#define complain(r, at, ...) rz_fail_at((r)->err, RZ_ECONFIG, &(r)->document, at, __VA_ARGS__)

static rz_place place_of(const yaml_mark_t *m) { return (rz_place){(int)m->line + 1, (int)m->column + 1}; }

static rz_place event_place(const reader *r) { return place_of(&r->event.start_mark); }

/* YAML forbids tabs in indentation, and libyaml's word for it ("cannot start any token") helps nobody. */
static bool tab_indented(const reader *r, int line)
{
    const char *s = r->document.text, *end = s + r->document.len;
    for (int i = 1; i < line && s < end; i++) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        s = newline ? newline + 1 : end;
    }
    while (s < end && *s == ' ') s++;
    return s < end && *s == '\t';
}

static bool bad_syntax(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not understood";
    if (p->error == YAML_MEMORY_ERROR) rz_out_of_memory(r->document.len);
    if (p->error == YAML_READER_ERROR) return complain(r, rz_place_of(&r->document, p->problem_offset), "%s", problem);
    rz_place at = place_of(&p->problem_mark);
    if (tab_indented(r, at.line)) return complain(r, at, "a tab in the indentation: use spaces");
    if (!p->context) return complain(r, at, "not valid YAML: %s", problem);
    return complain(r, at, "not valid YAML: %s (%s from line %d)", problem, p->context, (int)p->context_mark.line + 1);
}

static bool advance(reader *r)
{
    yaml_event_delete(&r->event);
    return yaml_parser_parse(&r->parser, &r->event) ? true : bad_syntax(r);
}

static bool count_node(reader *r, rz_place at)
{
    if (++r->n_nodes <= MAX_NODES) return true;
    return complain(r, at, "more than %d values (aliases counted in full): split the file", MAX_NODES);
}

static rz_yaml *new_node(rz_yaml_kind kind, rz_place at)
{
    rz_yaml *y = rz_calloc(1, sizeof *y);
    y->kind = kind;
    y->at = at;
    return y;
}

/* Capacity is the next power of two, so it need not be kept. Takes key and item. */
static void append(rz_yaml *y, char *key, rz_place key_at, rz_yaml *item)
{
    if ((y->n & (y->n - 1)) == 0) {
        size_t capacity = y->n ? 2 * (size_t)y->n : 1;
        y->items = rz_realloc(y->items, capacity * sizeof *y->items);
        if (key) {
            y->keys = rz_realloc(y->keys, capacity * sizeof *y->keys);
            y->key_at = rz_realloc(y->key_at, capacity * sizeof *y->key_at);
        }
    }
    if (key) {
        y->keys[y->n] = key;
        y->key_at[y->n] = key_at;
    }
    y->items[y->n++] = item;
}

static bool copy_node(reader *r, const rz_yaml *from, rz_place at, int depth, rz_yaml **out)
{
    *out = NULL;
    if (!count_node(r, at)) return false;
    if (depth > MAX_DEPTH) return complain(r, at, "nested deeper than %d", MAX_DEPTH);
    rz_yaml *y = *out = new_node(from->kind, from->at);
    if (from->text) y->text = rz_strdup(from->text);
    y->quoted = from->quoted;
    for (int i = 0; i < from->n; i++) {
        rz_yaml *item;
        bool ok = copy_node(r, from->items[i], at, depth + 1, &item);
        if (item) append(y, from->keys ? rz_strdup(from->keys[i]) : NULL, from->keys ? from->key_at[i] : at, item);
        if (!ok) return false;
    }
    return true;
}

static bool read_alias(reader *r, int depth, rz_yaml **out)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    for (int i = r->n_anchors - 1; i >= 0; i--)
        if (strcmp(r->anchors[i].name, name) == 0) return copy_node(r, r->anchors[i].node, event_place(r), depth, out);
    return complain(r, event_place(r), "alias *%s: no anchor &%s was completed before it", name, name);
}

static bool no_tag(reader *r, const yaml_char_t *tag)
{
    return tag ? complain(r, event_place(r), "tag '%.60s': tags are not supported, remove it", (const char *)tag) : true;
}

static bool read_scalar(reader *r, rz_yaml *y)
{
    const char *value = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (memchr(value, 0, len)) return complain(r, event_place(r), "a text holds \\0, which is not allowed");
    y->text = rz_strndup(value, len);
    y->quoted = r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return true;
}

static bool read_node(reader *r, int depth, rz_yaml **out);

static bool read_list(reader *r, int depth, rz_yaml *y)
{
    for (;;) {
        if (!advance(r)) return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT) return true;
        rz_yaml *item;
        bool ok = read_node(r, depth + 1, &item);
        if (item) append(y, NULL, (rz_place){0}, item);
        if (!ok) return false;
    }
}

typedef struct {
    const char *key;
    rz_place at;
} key_place;

static int by_key_then_place(const void *a, const void *b)
{
    const key_place *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (order) return order;
    return x->at.line != y->at.line ? x->at.line - y->at.line : x->at.column - y->at.column;
}

/* By sorting, so that a file of many keys costs n log n. */
static bool unique_keys(reader *r, const rz_yaml *map)
{
    key_place *places = rz_malloc((size_t)map->n * sizeof *places + 1);
    for (int i = 0; i < map->n; i++) places[i] = (key_place){map->keys[i], map->key_at[i]};
    qsort(places, (size_t)map->n, sizeof *places, by_key_then_place);
    bool ok = true;
    for (int i = 1; ok && i < map->n; i++)
        if (strcmp(places[i].key, places[i - 1].key) == 0)
            ok = complain(r, places[i].at, "key '%.100s' was given before, in line %d", places[i].key, places[i - 1].at.line);
    free(places);
    return ok;
}

static bool read_key(reader *r, char **key)
{
    const yaml_event_t *e = &r->event;
    rz_place at = event_place(r);
    if (e->type != YAML_SCALAR_EVENT) return complain(r, at, "a key must be a plain word");
    if (e->data.scalar.anchor) return complain(r, at, "anchor &%.60s on a key: not supported", (const char *)e->data.scalar.anchor);
    if (!no_tag(r, e->data.scalar.tag) || !count_node(r, at)) return false;
    const char *text = (const char *)e->data.scalar.value;
    if (memchr(text, 0, e->data.scalar.length)) return complain(r, at, "a key holds \\0, which is not allowed");
    if (!*text) return complain(r, at, "a key is empty");
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0)
        return complain(r, at, "merge key '<<' is not supported: write the keys out");
    *key = rz_strdup(text);
    return true;
}

static bool read_map(reader *r, int depth, rz_yaml *y)
{
    for (;;) {
        char *key = NULL;
        if (!advance(r)) return false;
        if (r->event.type == YAML_MAPPING_END_EVENT) return unique_keys(r, y);
        rz_place at = event_place(r);
        if (!read_key(r, &key)) return false;
        rz_yaml *item = NULL;
        bool ok = advance(r) && read_node(r, depth + 1, &item);
        if (item)
            append(y, key, at, item);
        else
            free(key);
        if (!ok) return false;
    }
}

static void remember(reader *r, char *name, const rz_yaml *node)
{
    r->anchors = rz_realloc(r->anchors, (size_t)(r->n_anchors + 1) * sizeof *r->anchors);
    r->anchors[r->n_anchors++] = (anchor){name, node};
}

/* Reads the node whose first event is r->event and ends on its last one. *out may be set on failure too: the caller owns it. */
static bool read_node(reader *r, int depth, rz_yaml **out)
{
    *out = NULL;
    const yaml_event_t *e = &r->event;
    if (e->type == YAML_ALIAS_EVENT) return read_alias(r, depth, out);
    if (depth > MAX_DEPTH) return complain(r, event_place(r), "nested deeper than %d", MAX_DEPTH);
    if (!count_node(r, event_place(r))) return false;
    bool scalar = e->type == YAML_SCALAR_EVENT, list = e->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *tag = scalar ? e->data.scalar.tag : list ? e->data.sequence_start.tag : e->data.mapping_start.tag;
    const yaml_char_t *label = scalar ? e->data.scalar.anchor : list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
    if (!no_tag(r, tag)) return false;
    char *name = label ? rz_strdup((const char *)label) : NULL;
    rz_yaml *y = *out = new_node(scalar ? RZ_YAML_SCALAR : list ? RZ_YAML_LIST : RZ_YAML_MAP, event_place(r));
    bool ok = scalar ? read_scalar(r, y) : list ? read_list(r, depth, y) : read_map(r, depth, y);
    if (ok && name)
        remember(r, name, y);
    else
        free(name);
    return ok;
}

static bool read_stream(reader *r, rz_yaml **out)
{
    if (!advance(r) || !advance(r)) return false; /* stream start, then document start or stream end */
    if (r->event.type == YAML_STREAM_END_EVENT) {
        *out = new_node(RZ_YAML_MAP, (rz_place){1, 1});
        return true;
    }
    if (!advance(r) || !read_node(r, 1, out)) return false;
    rz_yaml *y = *out;
    if (y->kind == RZ_YAML_SCALAR && !y->quoted && !*y->text) { /* "---" alone */
        free(y->text);
        y->text = NULL;
        y->kind = RZ_YAML_MAP;
    }
    if (!advance(r) || !advance(r)) return false; /* document end, then stream end */
    if (r->event.type == YAML_STREAM_END_EVENT) return true;
    return complain(r, event_place(r), "a second document starts here: one a file");
}

bool rz_yaml_parse(rz_yaml **out, const char *name, const char *text, size_t len, rz_err *err)
{
    *out = NULL;
    reader r = {.document = {name, text, len}, .err = err};
    size_t valid = rz_utf8_valid(text, len);
    if (len > MAX_BYTES) return rz_fail(err, RZ_ECONFIG, "%s: %zu bytes, must be at most %d", name, len, MAX_BYTES);
    if (valid < len) return complain(&r, rz_place_of(&r.document, valid), "byte 0x%02x is not valid UTF-8", (unsigned char)text[valid]);
    const char *nul = memchr(text, 0, len);
    if (nul) return complain(&r, rz_place_of(&r.document, (size_t)(nul - text)), "a NUL byte: not a text file");
    if (!yaml_parser_initialize(&r.parser)) rz_out_of_memory(sizeof r.parser);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    bool ok = read_stream(&r, out);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    for (int i = 0; i < r.n_anchors; i++) free(r.anchors[i].name);
    free(r.anchors);
    if (!ok) {
        rz_yaml_destroy(*out);
        *out = NULL;
    }
    return ok;
}

bool rz_yaml_load(rz_yaml **out, const char *path, rz_err *err)
{
    char *text;
    size_t len;
    *out = NULL;
    if (!rz_file_read(path, MAX_BYTES, &text, &len, err)) return false;
    bool ok = rz_yaml_parse(out, path, text, len, err);
    free(text);
    return ok;
}

void rz_yaml_destroy(rz_yaml *y)
{
    if (!y) return;
    for (int i = 0; i < y->n; i++) {
        rz_yaml_destroy(y->items[i]);
        if (y->keys) free(y->keys[i]);
    }
    free(y->items);
    free(y->keys);
    free(y->key_at);
    free(y->text);
    free(y);
}

const rz_yaml *rz_yaml_get(const rz_yaml *map, const char *key)
{
    if (map->kind != RZ_YAML_MAP) return NULL;
    for (int i = 0; i < map->n; i++)
        if (strcmp(map->keys[i], key) == 0) return map->items[i];
    return NULL;
}

rz_place rz_yaml_place(const rz_yaml *scalar, const rz_document *d, size_t offset)
{
    size_t at = rz_place_offset(d, scalar->at) + scalar->quoted;
    bool as_written = at + offset <= d->len && memcmp(d->text + at, scalar->text, offset) == 0;
    return as_written ? rz_place_of(d, at + offset) : scalar->at;
}
