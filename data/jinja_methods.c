#include "data/jinja_tree.h"
#include <stdio.h>

/* Methods of strings and dictionaries, functions, members. */

#define ARG(i) (a->arg[i])

const value *rz_a_string(run *r, const args *a, int i, const char *what)
{
    if (ARG(i) && ARG(i)->kind != V_STRING) rz_jinja_fail(r, "%s is %s, must be a string", what, rz_v_kind(*ARG(i)));
    return ARG(i);
}

int64_t rz_a_int(run *r, const args *a, int i, const char *what, int64_t absent)
{
    if (!ARG(i)) return absent;
    if (!rz_v_is_whole(*ARG(i))) rz_jinja_fail(r, "%s is %s, must be a whole number", what, rz_v_kind(*ARG(i)));
    return rz_v_whole(*ARG(i));
}

/* ---- letters ---- */

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static char to_upper(char c) { return (char)(is_lower(c) ? c - 32 : c); }
static char to_lower(char c) { return (char)(is_upper(c) ? c + 32 : c); }

/* Changes letters of a copy. Case beyond ASCII would need Python's tables: refused, not guessed. */
value rz_s_case(run *r, value s, rz_case how)
{
    char *text = rz_jinja_new(r, s.len + 1, 1);
    rz_jinja_charge(r, s.len / 8);
    bool inside = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.s[i];
        if (c & 0x80) rz_jinja_fail(r, "upper and lower case of letters beyond ASCII are not supported");
        bool letter = is_upper(c) || is_lower(c), up = how == RZ_CASE_UPPER || ((how == RZ_CASE_TITLE || how == RZ_CASE_FIRST) && !inside);
        text[i] = up ? to_upper(c) : to_lower(c);
        inside = how == RZ_CASE_TITLE ? letter : true;
    }
    value v = rz_v_string(text, s.len);
    v.mark = s.mark;
    return v;
}

static value upper(run *r, const args *a) { return rz_s_case(r, a->self, RZ_CASE_UPPER); }
static value lower(run *r, const args *a) { return rz_s_case(r, a->self, RZ_CASE_LOWER); }
static value title(run *r, const args *a) { return rz_s_case(r, a->self, RZ_CASE_TITLE); }
static value capitalize(run *r, const args *a) { return rz_s_case(r, a->self, RZ_CASE_FIRST); }

static value is_digits(run *r, const args *a)
{
    rz_jinja_charge(r, 1 + a->self.len / 16);
    for (size_t i = 0; i < a->self.len; i++) {
        if (a->self.s[i] & 0x80) rz_jinja_fail(r, "digits beyond ASCII are not supported");
        if (a->self.s[i] < '0' || a->self.s[i] > '9') return rz_v_bool(false);
    }
    return rz_v_bool(a->self.len > 0);
}

/* ---- ends ---- */

static const value *characters(run *r, const args *a)
{
    const value *chars = ARG(0) && ARG(0)->kind == V_NONE ? NULL : rz_a_string(r, a, 0, "what is stripped");
    rz_jinja_charge(r, 1 + a->self.len * (chars ? chars->len + 1 : 1) / 16);
    return chars;
}
static value strip(run *r, const args *a) { return rz_u_strip(a->self, true, true, characters(r, a)); }
static value lstrip(run *r, const args *a) { return rz_u_strip(a->self, true, false, characters(r, a)); }
static value rstrip(run *r, const args *a) { return rz_u_strip(a->self, false, true, characters(r, a)); }

static bool has_end(run *r, value s, value end, bool at_start)
{
    rz_jinja_charge(r, 1 + end.len / 16);
    return s.len >= end.len && memcmp(at_start ? s.s : s.s + s.len - end.len, end.s, end.len) == 0;
}

/* startswith and endswith: a string or a tuple of them. */
static value has_any_end(run *r, const args *a, bool at_start)
{
    if (!ARG(0)) rz_jinja_fail(r, "startswith and endswith need a string");
    if (ARG(0)->kind != V_TUPLE) return rz_v_bool(has_end(r, a->self, *rz_a_string(r, a, 0, "an end"), at_start));
    for (size_t i = 0; i < ARG(0)->list->n; i++) {
        value end = ARG(0)->list->items[i];
        if (end.kind != V_STRING) rz_jinja_fail(r, "an end is %s, must be a string", rz_v_kind(end));
        if (has_end(r, a->self, end, at_start)) return rz_v_bool(true);
    }
    return rz_v_bool(false);
}
static value startswith(run *r, const args *a) { return has_any_end(r, a, true); }
static value endswith(run *r, const args *a) { return has_any_end(r, a, false); }

static value without_end(run *r, const args *a, bool at_start)
{
    if (!ARG(0)) rz_jinja_fail(r, "removeprefix and removesuffix need a string");
    value end = *rz_a_string(r, a, 0, "an end");
    if (!has_end(r, a->self, end, at_start)) return a->self;
    return rz_v_part(a->self, at_start ? end.len : 0, a->self.len - end.len);
}
static value removeprefix(run *r, const args *a) { return without_end(r, a, true); }
static value removesuffix(run *r, const args *a) { return without_end(r, a, false); }

/* ---- inside ---- */

/* The first place of what in s from `at`, or SIZE_MAX. */
static size_t find_from(value s, size_t at, value what)
{
    const char *found = what.len ? memmem(s.s + at, s.len - at, what.s, what.len) : s.s + at;
    return found ? (size_t)(found - s.s) : SIZE_MAX;
}

value rz_s_replace(run *r, value s, value from, value to, int64_t count)
{
    builder b = {0};
    size_t at = 0;
    rz_jinja_charge(r, s.len / 16);
    for (; count != 0; count--) {
        size_t found = find_from(s, at, from), skip = from.len;
        if (found == SIZE_MAX) break;
        rz_b_add(r, &b, rz_v_part(s, at, found - at));
        rz_b_add(r, &b, to);
        at = found + skip;
        if (skip) continue;
        if (at == s.len) return rz_b_done(r, &b); /* an empty string stands between all characters and at both ends */
        rz_b_add(r, &b, rz_v_part(s, at, rz_u_len(s.s + at)));
        at += rz_u_len(s.s + at);
    }
    rz_b_add(r, &b, rz_v_part(s, at, s.len - at));
    return rz_b_done(r, &b);
}

static value replace(run *r, const args *a)
{
    if (!ARG(0) || !ARG(1)) rz_jinja_fail(r, "replace needs two strings");
    return rz_s_replace(r, a->self, *rz_a_string(r, a, 0, "what is replaced"), *rz_a_string(r, a, 1, "the replacement"), rz_a_int(r, a, 2, "count", -1));
}

static value find_at(run *r, const args *a, bool last)
{
    if (!ARG(0)) rz_jinja_fail(r, "find needs a string");
    value what = *rz_a_string(r, a, 0, "what is looked for");
    size_t at = find_from(a->self, 0, what), next = at;
    rz_jinja_charge(r, a->self.len / 8);
    while (last && next != SIZE_MAX && next < a->self.len) at = next, next = find_from(a->self, next + 1, what), rz_jinja_charge(r, 1 + what.len / 16);
    if (last && next == a->self.len) at = next;
    return rz_v_int(at == SIZE_MAX ? -1 : (int64_t)rz_v_length(r, rz_v_part(a->self, 0, at)));
}
static value find(run *r, const args *a) { return find_at(r, a, false); }
static value rfind(run *r, const args *a) { return find_at(r, a, true); }

static value count(run *r, const args *a)
{
    if (!ARG(0)) rz_jinja_fail(r, "count needs a string");
    value what = *rz_a_string(r, a, 0, "what is counted");
    int64_t n = 0;
    rz_jinja_charge(r, a->self.len / 16);
    if (!what.len) return rz_v_int((int64_t)rz_v_length(r, a->self) + 1);
    for (size_t at = 0; (at = find_from(a->self, at, what)) != SIZE_MAX; at += what.len, n++) rz_jinja_charge(r, 1);
    return rz_v_int(n);
}

/* ---- split ---- */

static void reverse(list *l)
{
    for (size_t i = 0; i + 1 < l->n - i; i++) {
        value v = l->items[i];
        l->items[i] = l->items[l->n - 1 - i];
        l->items[l->n - 1 - i] = v;
    }
}

static void split_words(run *r, list *l, value s, int64_t most)
{
    for (;;) {
        s = rz_u_strip(s, true, false, NULL);
        if (!s.len) return;
        size_t end = 0, n;
        while (end < s.len && !rz_u_space(s.s + end, s.len - end, &n)) end += rz_u_len(s.s + end);
        if (most-- == 0) end = s.len;
        rz_v_push(r, l, rz_v_part(s, 0, end));
        s = rz_v_part(s, end, s.len - end);
    }
}

/* From the right: the list comes out backwards. */
static void split_words_back(run *r, list *l, value s, int64_t most)
{
    for (;;) {
        s = rz_u_strip(s, false, true, NULL);
        if (!s.len) break;
        size_t start = s.len;
        while (start) {
            size_t last = start - 1, n;
            while (last && ((unsigned char)s.s[last] & 0xC0) == 0x80) last--;
            if (rz_u_space(s.s + last, start - last, &n)) break;
            start = last;
        }
        if (most-- == 0) start = 0;
        rz_v_push(r, l, rz_v_part(s, start, s.len - start));
        s = rz_v_part(s, 0, start);
    }
}

static value split(run *r, const args *a)
{
    bool words = !ARG(0) || ARG(0)->kind == V_NONE;
    int64_t most = rz_a_int(r, a, 1, "maxsplit", -1);
    value v = rz_v_list(r, V_LIST), s = a->self;
    rz_jinja_charge(r, s.len / 8);
    if (words) {
        split_words(r, v.list, s, most);
        return v;
    }
    value by = *rz_a_string(r, a, 0, "the separator");
    if (!by.len) rz_jinja_fail(r, "split: the separator is empty");
    size_t at = 0;
    for (size_t found; most-- != 0 && (found = find_from(s, at, by)) != SIZE_MAX; at = found + by.len) rz_v_push(r, v.list, rz_v_part(s, at, found - at));
    rz_v_push(r, v.list, rz_v_part(s, at, s.len - at));
    return v;
}

static value rsplit(run *r, const args *a)
{
    bool words = !ARG(0) || ARG(0)->kind == V_NONE;
    int64_t most = rz_a_int(r, a, 1, "maxsplit", -1);
    value v = rz_v_list(r, V_LIST), s = a->self;
    rz_jinja_charge(r, s.len / 8);
    if (words) {
        split_words_back(r, v.list, s, most);
    } else {
        value by = *rz_a_string(r, a, 0, "the separator");
        if (!by.len) rz_jinja_fail(r, "rsplit: the separator is empty");
        rz_jinja_charge(r, s.len * by.len / 16);
        size_t end = s.len;
        for (size_t at = end; most != 0 && at >= by.len; at--) {
            if (memcmp(s.s + at - by.len, by.s, by.len) != 0) continue;
            rz_v_push(r, v.list, rz_v_part(s, at, end - at));
            end = at - by.len;
            at = end + 1;
            most--;
        }
        rz_v_push(r, v.list, rz_v_part(s, 0, end));
    }
    reverse(v.list);
    return v;
}

/* \n, \r, \r\n, and the other ends of lines that Python knows. */
static size_t line_end(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] == '\r') return len > 1 && u[1] == '\n' ? 2 : 1;
    if ((u[0] >= 10 && u[0] <= 12) || (u[0] >= 28 && u[0] <= 30)) return 1;
    if (u[0] == 0xC2 && len > 1 && u[1] == 0x85) return 2;
    return u[0] == 0xE2 && len > 2 && u[1] == 0x80 && (u[2] == 0xA8 || u[2] == 0xA9) ? 3 : 0;
}

value rz_s_lines(run *r, value s, bool keep_ends)
{
    value v = rz_v_list(r, V_LIST);
    size_t start = 0;
    rz_jinja_charge(r, s.len / 8);
    for (size_t i = 0; i < s.len;) {
        size_t n = line_end(s.s + i, s.len - i);
        if (n) {
            rz_v_push(r, v.list, rz_v_part(s, start, i - start + (keep_ends ? n : 0)));
            start = i + n;
        }
        i += n ? n : 1;
    }
    if (start < s.len) rz_v_push(r, v.list, rz_v_part(s, start, s.len - start));
    return v;
}
static value splitlines(run *r, const args *a) { return rz_s_lines(r, a->self, ARG(0) && rz_v_true(*ARG(0))); }

static value join(run *r, const args *a)
{
    builder b = {0};
    if (!ARG(0)) rz_jinja_fail(r, "join needs a list");
    list l = rz_v_iterate(r, *ARG(0));
    for (size_t i = 0; i < l.n; i++) {
        if (l.items[i].kind != V_STRING) rz_jinja_fail(r, "join: an item is %s, must be a string", rz_v_kind(l.items[i]));
        if (i) rz_b_add(r, &b, a->self);
        rz_b_add(r, &b, l.items[i]);
    }
    return rz_b_done(r, &b);
}

/* ---- dictionaries ---- */

static value get(run *r, const args *a)
{
    if (!ARG(0)) rz_jinja_fail(r, "get needs a key");
    const value *found = rz_v_find(r, a->self.dict, *ARG(0));
    return found ? *found : ARG(1) ? *ARG(1) : (value){.kind = V_NONE};
}

static value keys(run *r, const args *a)
{
    value v = rz_v_list(r, V_LIST);
    for (size_t i = 0; i < a->self.dict->n; i++) rz_v_push(r, v.list, a->self.dict->keys[i]);
    return v;
}

static value values(run *r, const args *a)
{
    value v = rz_v_list(r, V_LIST);
    for (size_t i = 0; i < a->self.dict->n; i++) rz_v_push(r, v.list, a->self.dict->values[i]);
    return v;
}

value rz_d_items(run *r, const dict *d)
{
    value v = rz_v_list(r, V_LIST);
    for (size_t i = 0; i < d->n; i++) {
        value pair = rz_v_list(r, V_TUPLE);
        rz_v_push(r, pair.list, d->keys[i]);
        rz_v_push(r, pair.list, d->values[i]);
        rz_v_push(r, v.list, pair);
    }
    return v;
}
static value items(run *r, const args *a) { return rz_d_items(r, a->self.dict); }

/* ---- the loop ---- */

static value cycle(run *r, const args *a)
{
    if (!a->n) rz_jinja_fail(r, "loop.cycle needs something to go round");
    return a->all[a->self.loop->at % (size_t)a->n];
}

static value loop_member(run *r, const loop *l, const char *name)
{
    const int64_t at = (int64_t)l->at, n = (int64_t)l->items.n;
    const value undefined = {.kind = V_UNDEFINED};
    const struct { const char *name; value v; } members[] = {
        {"index", rz_v_int(at + 1)}, {"index0", rz_v_int(at)}, {"revindex", rz_v_int(n - at)}, {"revindex0", rz_v_int(n - at - 1)},
        {"first", rz_v_bool(at == 0)}, {"last", rz_v_bool(at == n - 1)}, {"length", rz_v_int(n)}, {"previtem", at ? l->items.items[at - 1] : undefined},
        {"depth", rz_v_int(1)}, {"depth0", rz_v_int(0)}, /* only recursive loops have others */
        {"nextitem", at + 1 < n ? l->items.items[at + 1] : undefined},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!strcmp(members[i].name, name)) return members[i].v;
    rz_jinja_fail(r, "loop.%.60s is not supported", name);
}

/* ---- tables ---- */

static const function_row string_methods[] = {
    {"capitalize", "", capitalize}, {"count", "sub", count}, {"endswith", "suffix", endswith}, {"find", "sub", find}, {"isdigit", "", is_digits},
    {"join", "iterable", join}, {"lower", "", lower}, {"lstrip", "chars", lstrip}, {"removeprefix", "prefix", removeprefix},
    {"removesuffix", "suffix", removesuffix}, {"replace", "old new count", replace}, {"rfind", "sub", rfind}, {"rsplit", "sep maxsplit", rsplit},
    {"rstrip", "chars", rstrip}, {"split", "sep maxsplit", split}, {"splitlines", "keepends", splitlines}, {"startswith", "prefix", startswith},
    {"strip", "chars", strip}, {"title", "", title}, {"upper", "", upper}, {0},
};
static const function_row dict_methods[] = {{"get", "key default", get}, {"items", "", items}, {"keys", "", keys}, {"values", "", values}, {0}};
static const function_row loop_methods[] = {{"cycle", "*", cycle}, {0}};

/* Methods that Python's values have too, and that templates may not want or that would change a value. */
static const char *const refused_string[] = {"casefold", "center", "encode", "expandtabs", "format", "format_map", "index", "isalnum", "isalpha", "isascii",
    "isdecimal", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "ljust", "maketrans", "partition", "rindex", "rjust",
    "rpartition", "swapcase", "translate", "zfill", NULL};
static const char *const refused_dict[] = {"clear", "copy", "fromkeys", "pop", "popitem", "setdefault", "update", NULL};
static const char *const refused_list[] = {"append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort", NULL};

static const struct { const function_row *rows; const char *const *refused; } methods[] = {
    [V_STRING] = {string_methods, refused_string}, [V_DICT] = {dict_methods, refused_dict}, [V_LOOP] = {loop_methods, NULL}, [V_LIST] = {NULL, refused_list},
    [V_FUNCTION] = {NULL, NULL},
};

const function_row *rz_jinja_method_row(value self, int row) { return &methods[self.kind].rows[row]; }

bool rz_jinja_method(run *r, value self, const char *name, value *out)
{
    const char *const *refused = methods[self.kind].refused;
    const function_row *rows = methods[self.kind].rows;
    for (; refused && *refused; refused++)
        if (!strcmp(*refused, name)) rz_jinja_fail(r, "the method '%s' of %s is not supported", name, rz_v_kind(self));
    for (int i = 0; rows && rows[i].name; i++) {
        if (strcmp(rows[i].name, name)) continue;
        method *m = rz_jinja_new(r, 1, sizeof *m);
        *m = (method){self, i};
        *out = (value){V_METHOD, {.method = m}};
        return true;
    }
    return false;
}

value rz_jinja_member(run *r, value v, const char *name)
{
    value out;
    if (v.kind == V_UNDEFINED) rz_jinja_fail(r, "'%.60s' is undefined, so it has no '%.60s'", v.s ? v.s : "a value", name);
    if (rz_jinja_method(r, v, name, &out)) return out;
    if (v.kind == V_LOOP) return loop_member(r, v.loop, name);
    if (v.kind == V_MACRO || v.kind == V_METHOD || v.kind == V_FUNCTION) rz_jinja_fail(r, "'%.60s' of %s is not supported", name, rz_v_kind(v));
    const value *found = v.kind == V_DICT || v.kind == V_NAMESPACE ? rz_v_find(r, v.dict, rz_v_text(name)) : NULL;
    return found ? *found : (value){V_UNDEFINED, {.s = name}};
}

value rz_jinja_attribute(run *r, value v, value name)
{
    if (v.kind == V_UNDEFINED) rz_jinja_fail(r, "'%.60s' is undefined, so it has no items", v.s ? v.s : "a value");
    if (v.kind == V_DICT || v.kind == V_NAMESPACE) {
        if (name.kind != V_LIST && name.kind != V_DICT) {
            const value *found = rz_v_find(r, v.dict, name);
            if (found) return *found;
        }
    } else if ((v.kind == V_LIST || v.kind == V_TUPLE || v.kind == V_STRING) && rz_v_is_whole(name)) {
        int64_t n = (int64_t)rz_v_length(r, v), i = rz_v_whole(name);
        i += i < 0 ? n : 0;
        if (i < 0 || i >= n) return (value){.kind = V_UNDEFINED};
        if (v.kind != V_STRING) return v.list->items[i];
        size_t at = rz_u_offset(v, (size_t)i);
        return rz_v_part(v, at, rz_u_len(v.s + at));
    }
    if (name.kind != V_STRING) return (value){.kind = V_UNDEFINED};
    char *text = rz_jinja_new(r, name.len + 1, 1);
    memcpy(text, name.s, name.len);
    return rz_jinja_member(r, v, text);
}
