#include "data/jinja_tree.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Values and what Python says of them: truth, equality, order, length. */

value rz_v_string(const char *s, size_t len) { return (value){V_STRING, {.s = s, .len = len}}; }
value rz_v_text(const char *s) { return rz_v_string(s, strlen(s)); }
value rz_v_bool(bool b) { return (value){V_BOOL, {.b = b}}; }
value rz_v_int(int64_t i) { return (value){V_INT, {.i = i}}; }
bool rz_v_is(value v, const char *text) { return v.kind == V_STRING && v.len == strlen(text) && memcmp(v.s, text, v.len) == 0; }

value rz_v_part(value s, size_t at, size_t len)
{
    value part = rz_v_string(s.s + at, len);
    part.mark = s.mark ? s.mark + at : NULL;
    return part;
}

value rz_v_list(run *r, value_kind kind) { return (value){kind, {.list = rz_jinja_new(r, 1, sizeof(list))}}; }
value rz_v_dict(run *r) { return (value){V_DICT, {.dict = rz_jinja_new(r, 1, sizeof(dict))}}; }

/* Room for one more of `size` bytes. */
static void *grow(run *r, void *data, size_t n, size_t cap, size_t size)
{
    void *more = rz_jinja_new(r, cap, size);
    if (n) memcpy(more, data, n * size);
    return more;
}

void rz_v_push(run *r, list *l, value v)
{
    rz_jinja_charge(r, 1);
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 4;
        l->items = grow(r, l->items, l->n, l->cap, sizeof *l->items);
    }
    l->items[l->n++] = v;
}

value *rz_v_find(run *r, const dict *d, value key)
{
    for (size_t i = 0; i < d->n; i++)
        if (rz_v_equal(r, d->keys[i], key)) return &d->values[i];
    return NULL;
}

/* Behind the others, whether the key is there or not. */
static void add_pair(run *r, dict *d, value key, value v)
{
    rz_jinja_charge(r, 1);
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 4;
        d->keys = grow(r, d->keys, d->n, d->cap, sizeof *d->keys);
        d->values = grow(r, d->values, d->n, d->cap, sizeof *d->values);
    }
    d->keys[d->n] = key;
    d->values[d->n++] = v;
}

void rz_v_put(run *r, dict *d, value key, value v)
{
    if (key.kind == V_LIST || key.kind == V_DICT || key.kind == V_UNDEFINED) rz_jinja_fail(r, "%s cannot be the key of a dictionary", rz_v_kind(key));
    value *there = rz_v_find(r, d, key);
    if (there) *there = v;
    else add_pair(r, d, key, v);
}

static value from_text(run *r, const char *s, size_t len, bool is_data)
{
    value v = rz_v_string(s, len);
    rz_jinja_charge(r, len / 16);
    if (is_data && len) {
        uint8_t *mark = rz_jinja_new(r, len, 1);
        memset(mark, 1, len);
        v.mark = mark;
    }
    return v;
}

value rz_v_from_json(run *r, const json_t *j, const rz_jinja_input *in, bool is_data)
{
    for (int i = 0; i < in->n_data; i++) is_data |= in->data[i] == j;
    rz_jinja_charge(r, 1);
    switch (json_typeof(j)) {
    case JSON_STRING: return from_text(r, json_string_value(j), json_string_length(j), is_data);
    case JSON_INTEGER: return rz_v_int(json_integer_value(j));
    case JSON_REAL: return (value){V_FLOAT, {.f = json_real_value(j)}};
    case JSON_TRUE: case JSON_FALSE: return rz_v_bool(json_is_true(j));
    case JSON_ARRAY: case JSON_OBJECT: break;
    default: return (value){.kind = V_NONE};
    }
    rz_jinja_deeper(r);
    value v = json_is_array(j) ? rz_v_list(r, V_LIST) : rz_v_dict(r);
    for (size_t i = 0; json_is_array(j) && i < json_array_size(j); i++) rz_v_push(r, v.list, rz_v_from_json(r, json_array_get(j, i), in, is_data));
    for (void *at = json_object_iter((json_t *)j); at; at = json_object_iter_next((json_t *)j, at)) {
        const char *key = json_object_iter_key(at);
        add_pair(r, v.dict, from_text(r, key, strlen(key), is_data), rz_v_from_json(r, json_object_iter_value(at), in, is_data));
    }
    r->depth--;
    return v;
}

const char *rz_v_kind(value v)
{
    static const char *const names[] = {[V_UNDEFINED] = "an undefined value", [V_NONE] = "none", [V_BOOL] = "a truth value", [V_INT] = "a whole number",
        [V_FLOAT] = "a number", [V_STRING] = "a string", [V_LIST] = "a list", [V_TUPLE] = "a tuple", [V_DICT] = "a dictionary",
        [V_NAMESPACE] = "a namespace", [V_LOOP] = "the loop", [V_MACRO] = "a macro", [V_METHOD] = "a method", [V_FUNCTION] = "a function"};
    return names[v.kind];
}

bool rz_v_true(value v)
{
    switch (v.kind) {
    case V_UNDEFINED: case V_NONE: return false;
    case V_BOOL: return v.b;
    case V_INT: return v.i != 0;
    case V_FLOAT: return v.f != 0;
    case V_STRING: return v.len != 0;
    case V_LIST: case V_TUPLE: return v.list->n != 0;
    case V_DICT: return v.dict->n != 0;
    default: return true;
    }
}

bool rz_v_is_number(value v) { return v.kind == V_BOOL || v.kind == V_INT || v.kind == V_FLOAT; }
bool rz_v_is_whole(value v) { return v.kind == V_BOOL || v.kind == V_INT; }
int64_t rz_v_whole(value v) { return v.kind == V_BOOL ? v.b : v.i; }
double rz_v_double(value v) { return v.kind == V_FLOAT ? v.f : (double)rz_v_whole(v); }

static bool equal_pairs(run *r, const dict *a, const dict *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++) {
        const value *other = rz_v_find(r, b, a->keys[i]);
        if (!other || !rz_v_equal(r, a->values[i], *other)) return false;
    }
    return true;
}

static bool equal_items(run *r, const list *a, const list *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!rz_v_equal(r, a->items[i], b->items[i])) return false;
    return true;
}

bool rz_v_equal(run *r, value a, value b)
{
    rz_jinja_charge(r, 1);
    if (rz_v_is_number(a) && rz_v_is_number(b))
        return a.kind == V_FLOAT || b.kind == V_FLOAT ? rz_v_double(a) == rz_v_double(b) : rz_v_whole(a) == rz_v_whole(b);
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case V_UNDEFINED: case V_NONE: return true;
    case V_STRING: rz_jinja_charge(r, a.len / 16); return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
    case V_FUNCTION: return a.function == b.function;
    case V_LIST: case V_TUPLE: case V_DICT: break;
    default: return a.list == b.list; /* the same thing: any pointer */
    }
    rz_jinja_deeper(r);
    bool same = a.kind == V_DICT ? equal_pairs(r, a.dict, b.dict) : equal_items(r, a.list, b.list);
    r->depth--;
    return same;
}

int rz_v_compare(run *r, value a, value b)
{
    rz_jinja_charge(r, 1);
    if (rz_v_is_number(a) && rz_v_is_number(b)) {
        if (a.kind == V_FLOAT || b.kind == V_FLOAT) return (rz_v_double(a) > rz_v_double(b)) - (rz_v_double(a) < rz_v_double(b));
        return (rz_v_whole(a) > rz_v_whole(b)) - (rz_v_whole(a) < rz_v_whole(b));
    }
    if (a.kind == V_STRING && b.kind == V_STRING) {
        size_t n = a.len < b.len ? a.len : b.len;
        rz_jinja_charge(r, n / 16);
        int order = n ? memcmp(a.s, b.s, n) : 0;
        return order ? order : (a.len > b.len) - (a.len < b.len);
    }
    if (a.kind != b.kind || (a.kind != V_LIST && a.kind != V_TUPLE)) rz_jinja_fail(r, "%s and %s have no order", rz_v_kind(a), rz_v_kind(b));
    rz_jinja_deeper(r);
    int order = 0;
    for (size_t i = 0; !order && i < a.list->n && i < b.list->n; i++)
        if (!rz_v_equal(r, a.list->items[i], b.list->items[i])) order = rz_v_compare(r, a.list->items[i], b.list->items[i]);
    r->depth--;
    return order ? order : (a.list->n > b.list->n) - (a.list->n < b.list->n);
}

bool rz_v_contains(run *r, value where, value what)
{
    if (where.kind == V_STRING) {
        if (what.kind != V_STRING) rz_jinja_fail(r, "'in' looks for %s in a string", rz_v_kind(what));
        rz_jinja_charge(r, where.len / 16);
        return what.len == 0 || memmem(where.s, where.len, what.s, what.len) != NULL;
    }
    if (where.kind == V_DICT) {
        if (what.kind == V_LIST || what.kind == V_DICT) rz_jinja_fail(r, "%s cannot be the key of a dictionary", rz_v_kind(what));
        return rz_v_find(r, where.dict, what) != NULL;
    }
    list l = rz_v_iterate(r, where);
    for (size_t i = 0; i < l.n; i++)
        if (rz_v_equal(r, l.items[i], what)) return true;
    return false;
}

size_t rz_v_length(run *r, value v)
{
    size_t n = 0;
    switch (v.kind) {
    case V_UNDEFINED: return 0;
    case V_LIST: case V_TUPLE: return v.list->n;
    case V_DICT: return v.dict->n;
    case V_STRING:
        rz_jinja_charge(r, v.len / 16);
        for (size_t i = 0; i < v.len; i++) n += ((unsigned char)v.s[i] & 0xC0) != 0x80;
        return n;
    default: rz_jinja_fail(r, "%s has no length", rz_v_kind(v));
    }
}

list rz_v_iterate(run *r, value v)
{
    list l = {0};
    switch (v.kind) {
    case V_UNDEFINED: return l;
    case V_LIST: case V_TUPLE: return *v.list;
    case V_DICT: return (list){v.dict->keys, v.dict->n, v.dict->n};
    case V_STRING:
        for (size_t i = 0, n; i < v.len; i += n) {
            n = rz_u_len(v.s + i);
            rz_v_push(r, &l, rz_v_part(v, i, n));
        }
        return l;
    default: rz_jinja_fail(r, "%s cannot be iterated over", rz_v_kind(v));
    }
}
