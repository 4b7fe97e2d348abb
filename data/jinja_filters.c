#include "data/jinja_tree.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Filters and tests. a->self is what stands before the bar, or before "is". */

#define ARG(i) (a->arg[i])

static value text_of(run *r, const args *a) { return rz_v_str(r, a->self); }

/* ---- text ---- */

static value trim(run *r, const args *a)
{
    const value *chars = ARG(0) && ARG(0)->kind == V_NONE ? NULL : rz_a_string(r, a, 0, "what is trimmed");
    value s = text_of(r, a);
    rz_jinja_charge(r, 1 + s.len * (chars ? chars->len + 1 : 1) / 16);
    return rz_u_strip(s, true, true, chars);
}

static value upper(run *r, const args *a) { return rz_s_case(r, text_of(r, a), RZ_CASE_UPPER); }
static value lower(run *r, const args *a) { return rz_s_case(r, text_of(r, a), RZ_CASE_LOWER); }
static value capitalize(run *r, const args *a) { return rz_s_case(r, text_of(r, a), RZ_CASE_FIRST); }
static value string(run *r, const args *a) { return text_of(r, a); }

/* Words begin behind white space, hyphens and opening brackets; the rest of a word is lower case. */
static value title(run *r, const args *a)
{
    value s = rz_s_case(r, text_of(r, a), RZ_CASE_LOWER);
    char *text = rz_jinja_new(r, s.len + 1, 1);
    bool first = true;
    for (size_t i = 0; i < s.len; i++) {
        text[i] = (char)(first && s.s[i] >= 'a' && s.s[i] <= 'z' ? s.s[i] - 32 : s.s[i]);
        first = s.s[i] && strchr(" \t\n\r\f\v\x1c\x1d\x1e\x1f-({[<", s.s[i]);
    }
    s.s = text;
    return s;
}

static value replace(run *r, const args *a)
{
    if (!ARG(0) || !ARG(1)) rz_jinja_fail(r, "replace needs what is replaced and the replacement");
    int64_t count = ARG(2) && ARG(2)->kind == V_NONE ? -1 : rz_a_int(r, a, 2, "count", -1);
    return rz_s_replace(r, text_of(r, a), rz_v_str(r, *ARG(0)), rz_v_str(r, *ARG(1)), count);
}

static value indent(run *r, const args *a)
{
    builder b = {0}, margin = {0};
    if (ARG(0) && ARG(0)->kind == V_STRING) rz_b_add(r, &margin, *ARG(0));
    else for (int64_t i = 0, n = rz_a_int(r, a, 0, "width", 4); i < n; i++) rz_b_bytes(r, &margin, " ", 1);
    bool first = ARG(1) && rz_v_true(*ARG(1)), blank = ARG(2) && rz_v_true(*ARG(2));
    value in = rz_b_done(r, &margin), s = text_of(r, a), lines;
    builder whole = {0};
    rz_b_add(r, &whole, s);
    rz_b_bytes(r, &whole, "\n", 1);
    lines = rz_s_lines(r, rz_b_done(r, &whole), false);
    for (size_t i = 0; i < lines.list->n; i++) {
        value line = lines.list->items[i];
        if (i) rz_b_bytes(r, &b, "\n", 1);
        if ((i ? line.len || blank : first)) rz_b_add(r, &b, in);
        rz_b_add(r, &b, line);
    }
    return rz_b_done(r, &b);
}

static value tojson(run *r, const args *a)
{
    builder b = {0};
    int64_t indents = ARG(1) && ARG(1)->kind == V_NONE ? -1 : rz_a_int(r, a, 1, "indent", -1);
    value separators[2] = {rz_v_text(indents < 0 ? ", " : ","), rz_v_text(": ")};
    if (indents > 64) rz_jinja_fail(r, "tojson: indent is above 64");
    if (ARG(2) && ARG(2)->kind != V_NONE) {
        list l = rz_v_iterate(r, *ARG(2));
        if (l.n != 2 || l.items[0].kind != V_STRING || l.items[1].kind != V_STRING) rz_jinja_fail(r, "tojson: separators must be two strings");
        separators[0] = l.items[0];
        separators[1] = l.items[1];
    }
    rz_v_add_json(r, &b, a->self, (int)(indents < 0 ? -1 : indents), 0, separators, ARG(3) && rz_v_true(*ARG(3)), ARG(0) && rz_v_true(*ARG(0)));
    return rz_b_done(r, &b);
}

/* ---- numbers ---- */

/* The double that a text says, as Python's float() reads it. */
static bool read_double(run *r, value s, double *x)
{
    char text[128], *end;
    rz_jinja_charge(r, 8 + s.len / 16);
    s = rz_u_strip(s, true, true, NULL);
    if (!s.len || s.len >= sizeof text || memchr(s.s, 'x', s.len) || memchr(s.s, 'X', s.len) || memchr(s.s, '(', s.len)) return false;
    memcpy(text, s.s, s.len);
    text[s.len] = 0;
    *x = strtod(text, &end);
    return *end == 0 && end != text;
}

static value to_int(run *r, const args *a)
{
    double x = NAN;
    if (ARG(1)) rz_jinja_fail(r, "int: a base is not supported");
    if (a->self.kind == V_UNDEFINED) rz_jinja_fail(r, "'%.60s' is undefined", a->self.s ? a->self.s : "a value");
    if (a->self.kind == V_INT) return a->self;
    if (rz_v_is_number(a->self)) x = rz_v_double(a->self);
    else if (a->self.kind == V_STRING) {
        rz_jinja_charge(r, 1 + a->self.len / 16);
        value s = rz_u_strip(a->self, true, true, NULL);
        char text[32], *end;
        if (s.len && s.len < 19) {
            memcpy(text, s.s, s.len);
            text[s.len] = 0;
            int64_t i = strtoll(text, &end, 10);
            if (!*end) return rz_v_int(i);
        }
        if (!read_double(r, s, &x)) x = NAN;
    }
    if (x > -9e18 && x < 9e18) return rz_v_int((int64_t)x);
    return ARG(0) ? *ARG(0) : rz_v_int(0);
}

static value to_float(run *r, const args *a)
{
    double x;
    if (a->self.kind == V_UNDEFINED) rz_jinja_fail(r, "'%.60s' is undefined", a->self.s ? a->self.s : "a value");
    if (rz_v_is_number(a->self)) return (value){V_FLOAT, {.f = rz_v_double(a->self)}};
    if (a->self.kind == V_STRING && read_double(r, a->self, &x)) return (value){V_FLOAT, {.f = x}};
    return ARG(0) ? *ARG(0) : (value){V_FLOAT, {.f = 0}};
}

static value absolute(run *r, const args *a)
{
    if (a->self.kind == V_FLOAT) return (value){V_FLOAT, {.f = fabs(a->self.f)}};
    if (!rz_v_is_number(a->self)) rz_jinja_fail(r, "abs: %s is no number", rz_v_kind(a->self));
    int64_t i = rz_v_whole(a->self);
    if (i == INT64_MIN) rz_jinja_fail(r, "a number is too large");
    return rz_v_int(i < 0 ? -i : i);
}

/* ---- lists ---- */

static value length(run *r, const args *a) { return rz_v_int((int64_t)rz_v_length(r, a->self)); }

static value fallback(run *r, const args *a)
{
    (void)r;
    bool use = a->self.kind == V_UNDEFINED || (ARG(1) && rz_v_true(*ARG(1)) && !rz_v_true(a->self));
    return !use ? a->self : ARG(0) ? *ARG(0) : rz_v_string("", 0);
}

static value first(run *r, const args *a)
{
    list l = rz_v_iterate(r, a->self);
    return l.n ? l.items[0] : (value){.kind = V_UNDEFINED};
}

static value last(run *r, const args *a)
{
    list l = rz_v_iterate(r, a->self);
    return l.n ? l.items[l.n - 1] : (value){.kind = V_UNDEFINED};
}

static value new_list(run *r, const list *l)
{
    value v = rz_v_list(r, V_LIST);
    for (size_t i = 0; i < l->n; i++) rz_v_push(r, v.list, l->items[i]);
    return v;
}

static value to_list(run *r, const args *a)
{
    list l = rz_v_iterate(r, a->self);
    return new_list(r, &l);
}

static value items(run *r, const args *a)
{
    if (a->self.kind == V_UNDEFINED) return rz_v_list(r, V_LIST);
    if (a->self.kind != V_DICT) rz_jinja_fail(r, "items: %s is no dictionary", rz_v_kind(a->self));
    return rz_d_items(r, a->self.dict);
}

static value reverse(run *r, const args *a)
{
    builder b = {0};
    list l = rz_v_iterate(r, a->self);
    value v = rz_v_list(r, V_LIST);
    for (size_t i = l.n; i--;) {
        if (a->self.kind == V_STRING) rz_b_add(r, &b, l.items[i]);
        else rz_v_push(r, v.list, l.items[i]);
    }
    return a->self.kind == V_STRING ? rz_b_done(r, &b) : v;
}

/* Strings are the same in any case of their letters. */
static value folded(run *r, value v) { return v.kind == V_STRING ? rz_s_case(r, v, RZ_CASE_LOWER) : v; }

static value unique(run *r, const args *a)
{
    list l = rz_v_iterate(r, a->self), seen = {0};
    value v = rz_v_list(r, V_LIST);
    for (size_t i = 0; i < l.n; i++) {
        value key = folded(r, l.items[i]);
        bool again = false;
        for (size_t k = 0; k < seen.n && !again; k++) again = rz_v_equal(r, seen.items[k], key);
        if (again) continue;
        rz_v_push(r, &seen, key);
        rz_v_push(r, v.list, l.items[i]);
    }
    return v;
}

/* "a.b.0": attribute of attribute; an undefined one on the way is undefined. */
static value attribute_of(run *r, value v, value path)
{
    if (path.kind != V_STRING) return rz_jinja_attribute(r, v, path);
    rz_jinja_charge(r, 1 + path.len / 16);
    for (size_t at = 0, end; at <= path.len; at = end + 1) {
        for (end = at; end < path.len && path.s[end] != '.'; end++) {}
        value part = rz_v_part(path, at, end - at);
        bool number = part.len > 0 && part.len < 10;
        for (size_t i = 0; i < part.len; i++) number &= part.s[i] >= '0' && part.s[i] <= '9';
        v = rz_jinja_attribute(r, v, number ? rz_v_int(strtoll(part.s, NULL, 10)) : part);
    }
    return v;
}

static value join(run *r, const args *a)
{
    builder b = {0};
    list l = rz_v_iterate(r, a->self);
    for (size_t i = 0; i < l.n; i++) {
        if (i && ARG(0)) rz_b_add(r, &b, rz_v_str(r, *ARG(0)));
        rz_b_add(r, &b, rz_v_str(r, ARG(1) && ARG(1)->kind != V_NONE ? attribute_of(r, l.items[i], *ARG(1)) : l.items[i]));
    }
    return rz_b_done(r, &b);
}

/* A filter or test by name with the arguments behind the first `skip`. */
static args rest(const args *a, int skip, value self)
{
    return (args){.self = self, .all = a->all + skip, .n = a->n - skip, .named = a->named, .n_named = a->n_named};
}

static const char *name_at(run *r, const args *a, int i)
{
    if (i >= a->n || a->all[i].kind != V_STRING) rz_jinja_fail(r, "the name of a filter or test must be a string");
    char *name = rz_jinja_new(r, a->all[i].len + 1, 1);
    memcpy(name, a->all[i].s, a->all[i].len);
    return name;
}

static value map(run *r, const args *a)
{
    value v = rz_v_list(r, V_LIST);
    list l = rz_v_iterate(r, a->self);
    const value *attribute = NULL, *otherwise = NULL;
    for (int i = 0; i < a->n_named && !a->n; i++) {
        if (!strcmp(a->named[i].name, "attribute")) attribute = &a->named[i].v;
        else if (!strcmp(a->named[i].name, "default")) otherwise = &a->named[i].v;
        else rz_jinja_fail(r, "map: the argument '%.60s' is not supported", a->named[i].name);
    }
    if (!attribute && !a->n) rz_jinja_fail(r, "map needs a filter or attribute=");
    int row = attribute ? 0 : rz_jinja_find_filter(name_at(r, a, 0));
    if (row < 0) rz_jinja_fail(r, "the filter '%.60s' is not supported", name_at(r, a, 0));
    for (size_t i = 0; i < l.n; i++) {
        args one = rest(a, 1, l.items[i]);
        value got = attribute ? attribute_of(r, l.items[i], *attribute) : rz_jinja_filter(r, row, &one);
        rz_v_push(r, v.list, attribute && otherwise && got.kind == V_UNDEFINED ? *otherwise : got);
    }
    return v;
}

/* select, reject, selectattr, rejectattr. */
static value choose(run *r, const args *a, bool by_attribute, bool wanted)
{
    value v = rz_v_list(r, V_LIST);
    list l = rz_v_iterate(r, a->self);
    int skip = by_attribute;
    if (a->n < skip) rz_jinja_fail(r, "selectattr and rejectattr need an attribute");
    bool truth = a->n == skip;
    int row = truth ? 0 : rz_jinja_find_test(name_at(r, a, skip));
    if (row < 0) rz_jinja_fail(r, "the test '%.60s' is not supported", name_at(r, a, skip));
    for (size_t i = 0; i < l.n; i++) {
        value of = by_attribute ? attribute_of(r, l.items[i], a->all[0]) : l.items[i];
        args one = truth ? (args){0} : rest(a, skip + 1, of);
        if ((truth ? rz_v_true(of) : rz_jinja_test(r, row, &one)) == wanted) rz_v_push(r, v.list, l.items[i]);
    }
    return v;
}
static value select_(run *r, const args *a) { return choose(r, a, false, true); }
static value reject(run *r, const args *a) { return choose(r, a, false, false); }
static value selectattr(run *r, const args *a) { return choose(r, a, true, true); }
static value rejectattr(run *r, const args *a) { return choose(r, a, true, false); }

static const function_row filters[] = {
    {"abs", "", absolute}, {"capitalize", "", capitalize}, {"count", "", length}, {"d", "default_value boolean", fallback},
    {"default", "default_value boolean", fallback}, {"first", "", first}, {"float", "default", to_float}, {"indent", "width first blank", indent},
    {"int", "default base", to_int}, {"items", "", items}, {"join", "d attribute", join}, {"last", "", last}, {"length", "", length}, {"list", "", to_list},
    {"lower", "", lower}, {"map", "*", map}, {"reject", "*", reject}, {"rejectattr", "*", rejectattr}, {"replace", "old new count", replace},
    {"reverse", "", reverse}, {"safe", "", string}, {"select", "*", select_}, {"selectattr", "*", selectattr}, {"string", "", string}, {"title", "", title},
    {"tojson", "ensure_ascii indent separators sort_keys", tojson}, {"trim", "chars", trim}, {"unique", "", unique}, {"upper", "", upper}, {0},
};

/* ---- tests ---- */

static bool is_defined(run *r, const args *a) { (void)r; return a->self.kind != V_UNDEFINED; }
static bool is_undefined(run *r, const args *a) { return !is_defined(r, a); }
static bool is_none(run *r, const args *a) { (void)r; return a->self.kind == V_NONE; }
static bool is_string(run *r, const args *a) { (void)r; return a->self.kind == V_STRING; }
static bool is_number(run *r, const args *a) { (void)r; return rz_v_is_number(a->self); }
static bool is_integer(run *r, const args *a) { (void)r; return a->self.kind == V_INT; }
static bool is_float(run *r, const args *a) { (void)r; return a->self.kind == V_FLOAT; }
static bool is_boolean(run *r, const args *a) { (void)r; return a->self.kind == V_BOOL; }
static bool is_true(run *r, const args *a) { (void)r; return a->self.kind == V_BOOL && a->self.b; }
static bool is_false(run *r, const args *a) { (void)r; return a->self.kind == V_BOOL && !a->self.b; }
static bool is_mapping(run *r, const args *a) { (void)r; return a->self.kind == V_DICT; }
static bool is_callable(run *r, const args *a) { (void)r; return a->self.kind >= V_MACRO; }

static bool is_iterable(run *r, const args *a)
{
    (void)r;
    return a->self.kind == V_UNDEFINED || a->self.kind == V_STRING || a->self.kind == V_LIST || a->self.kind == V_TUPLE || a->self.kind == V_DICT;
}
/* What has a length and can be indexed: so Jinja has it. */
static bool is_sequence(run *r, const args *a) { return is_iterable(r, a); }

/* x modulo y as Python has it, its sign that of y. */
static double modulo(run *r, value x, value y)
{
    if (!rz_v_is_number(x) || !rz_v_is_number(y)) rz_jinja_fail(r, "%s cannot be divided by %s", rz_v_kind(x), rz_v_kind(y));
    if (rz_v_double(y) == 0) rz_jinja_fail(r, "division by zero");
    if (x.kind == V_INT && y.kind == V_INT) return y.i == -1 ? 0 : (double)(x.i % y.i + (x.i % y.i != 0 && (x.i < 0) != (y.i < 0) ? y.i : 0));
    rz_jinja_charge(r, RZ_JINJA_DIGITS);
    double z = fmod(rz_v_double(x), rz_v_double(y));
    return z != 0 && (z < 0) != (rz_v_double(y) < 0) ? z + rz_v_double(y) : z;
}
static bool is_odd(run *r, const args *a) { return modulo(r, a->self, rz_v_int(2)) == 1; }
static bool is_even(run *r, const args *a) { return modulo(r, a->self, rz_v_int(2)) == 0; }

static const value *other(run *r, const args *a)
{
    if (!ARG(0)) rz_jinja_fail(r, "this test needs a value to compare with");
    return ARG(0);
}
static bool is_divisible(run *r, const args *a) { return modulo(r, a->self, *other(r, a)) == 0; }
static bool is_equal(run *r, const args *a) { return rz_v_equal(r, a->self, *other(r, a)); }
static bool is_unequal(run *r, const args *a) { return !rz_v_equal(r, a->self, *other(r, a)); }
static bool is_less(run *r, const args *a) { return rz_v_compare(r, a->self, *other(r, a)) < 0; }
static bool is_at_most(run *r, const args *a) { return rz_v_compare(r, a->self, *other(r, a)) <= 0; }
static bool is_more(run *r, const args *a) { return rz_v_compare(r, a->self, *other(r, a)) > 0; }
static bool is_at_least(run *r, const args *a) { return rz_v_compare(r, a->self, *other(r, a)) >= 0; }
static bool is_in(run *r, const args *a) { return rz_v_contains(r, *other(r, a), a->self); }

/* Letters, and all of them of this case. */
static bool has_case(run *r, const args *a, rz_case how)
{
    value s = text_of(r, a), changed = rz_s_case(r, s, how), back = rz_s_case(r, s, how == RZ_CASE_UPPER ? RZ_CASE_LOWER : RZ_CASE_UPPER);
    return rz_v_equal(r, s, changed) && !rz_v_equal(r, s, back);
}
static bool is_upper(run *r, const args *a) { return has_case(r, a, RZ_CASE_UPPER); }
static bool is_lower(run *r, const args *a) { return has_case(r, a, RZ_CASE_LOWER); }

static const struct { const char *name; int operands; bool (*run)(run *r, const args *a); } tests[] = {
    {"boolean", 0, is_boolean}, {"callable", 0, is_callable}, {"defined", 0, is_defined}, {"divisibleby", 1, is_divisible}, {"eq", 1, is_equal},
    {"equalto", 1, is_equal}, {"even", 0, is_even}, {"false", 0, is_false}, {"float", 0, is_float}, {"ge", 1, is_at_least}, {"greaterthan", 1, is_more},
    {"gt", 1, is_more}, {"in", 1, is_in}, {"integer", 0, is_integer}, {"iterable", 0, is_iterable}, {"le", 1, is_at_most}, {"lessthan", 1, is_less},
    {"lower", 0, is_lower}, {"lt", 1, is_less}, {"mapping", 0, is_mapping}, {"ne", 1, is_unequal}, {"none", 0, is_none}, {"number", 0, is_number},
    {"odd", 0, is_odd}, {"sequence", 0, is_sequence}, {"string", 0, is_string}, {"true", 0, is_true}, {"undefined", 0, is_undefined}, {"upper", 0, is_upper},
    {"==", 1, is_equal}, {"!=", 1, is_unequal}, {"<", 1, is_less}, {"<=", 1, is_at_most}, {">", 1, is_more}, {">=", 1, is_at_least},
};

int rz_jinja_find_filter(const char *name)
{
    for (int i = 0; filters[i].name; i++)
        if (!strcmp(filters[i].name, name)) return i;
    return -1;
}

int rz_jinja_find_test(const char *name)
{
    for (int i = 0; i < (int)(sizeof tests / sizeof *tests); i++)
        if (!strcmp(tests[i].name, name)) return i;
    return -1;
}

value rz_jinja_filter(run *r, int row, args *a) { return rz_jinja_apply(r, "the filter", &filters[row], a); }

bool rz_jinja_test(run *r, int row, args *a)
{
    if (a->n != tests[row].operands || a->n_named) rz_jinja_fail(r, "the test '%s' takes %d argument%s", tests[row].name, tests[row].operands, tests[row].operands == 1 ? "" : "s");
    if (a->n) a->arg[0] = &a->all[0];
    return tests[row].run(r, a);
}
