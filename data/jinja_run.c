#include "data/jinja_tree.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Expressions: what they are worth. */


static variable *find_variable(run *r, scope *s, const char *name)
{
    for (; s; s = s->up)
        for (size_t i = s->n; i--;) {
            if (!strcmp(s->vars[i].name, name)) return &s->vars[i];
            rz_jinja_charge(r, 1);
        }
    return NULL;
}

void rz_jinja_set(run *r, scope *s, const char *name, value v)
{
    rz_jinja_charge(r, s->n);
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->vars[i].name, name)) {
            s->vars[i].v = v;
            return;
        }
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 4;
        variable *more = rz_jinja_new(r, s->cap, sizeof *more);
        if (s->n) memcpy(more, s->vars, s->n * sizeof *more);
        s->vars = more;
    }
    s->vars[s->n++] = (variable){name, v};
}

static value look_up(run *r, scope *s, const char *name)
{
    const variable *v = find_variable(r, s, name);
    if (v) return v->v;
    const function_row *rows = rz_jinja_functions();
    for (int i = 0; rows[i].name; i++)
        if (!strcmp(rows[i].name, name) && (r->date || strcmp(name, "strftime_now"))) return (value){V_FUNCTION, {.function = i}};
    return (value){V_UNDEFINED, {.s = name}};
}

/* ---- operators ---- */

static value add_lists(run *r, value a, value b)
{
    value v = rz_v_list(r, a.kind);
    for (size_t i = 0; i < a.list->n; i++) rz_v_push(r, v.list, a.list->items[i]);
    for (size_t i = 0; i < b.list->n; i++) rz_v_push(r, v.list, b.list->items[i]);
    return v;
}

static value repeat(run *r, value what, int64_t times)
{
    builder b = {0};
    value v = what.kind == V_STRING ? what : rz_v_list(r, what.kind);
    for (int64_t i = 0; i < times; i++) {
        rz_jinja_charge(r, 1);
        if (what.kind == V_STRING) rz_b_add(r, &b, what);
        else for (size_t k = 0; k < what.list->n; k++) rz_v_push(r, v.list, what.list->items[k]);
    }
    return what.kind == V_STRING ? rz_b_done(r, &b) : v;
}

/* Python's: towards minus infinity. */
static double floor_divide(double x, double y)
{
    double mod = fmod(x, y), div = (x - mod) / y - (mod != 0 && (mod < 0) != (y < 0)), whole = floor(div);
    return div - whole > 0.5 ? whole + 1 : whole;
}

static bool power(int64_t x, int64_t n, int64_t *out)
{
    if (x == 0 || x == 1 || x == -1) {
        *out = n == 0 ? 1 : x == -1 && n % 2 == 0 ? 1 : x;
        return true;
    }
    for (*out = 1; n > 0; n--)
        if (__builtin_mul_overflow(*out, x, out)) return false;
    return true;
}

static value floats(run *r, op_kind op, double x, double y)
{
    double z = 0;
    if (op == OP_FLOOR || op == OP_MOD) rz_jinja_charge(r, RZ_JINJA_DIGITS);
    if ((op == OP_DIV || op == OP_FLOOR || op == OP_MOD) && y == 0) rz_jinja_fail(r, "division by zero");
    switch (op) {
    case OP_ADD: z = x + y; break;
    case OP_SUB: z = x - y; break;
    case OP_MUL: z = x * y; break;
    case OP_DIV: z = x / y; break;
    case OP_FLOOR: z = floor_divide(x, y); break;
    case OP_MOD:
        z = fmod(x, y);
        z = z == 0 ? copysign(0, y) : (z < 0) != (y < 0) ? z + y : z;
        break;
    default: rz_jinja_fail(r, "powers of numbers that are not whole are not supported");
    }
    return (value){V_FLOAT, {.f = z}};
}

static value wholes(run *r, op_kind op, int64_t x, int64_t y)
{
    int64_t z = 0;
    bool over = false;
    if (op == OP_DIV) return floats(r, op, (double)x, (double)y);
    if ((op == OP_FLOOR || op == OP_MOD) && y == 0) rz_jinja_fail(r, "division by zero");
    if ((op == OP_FLOOR || op == OP_MOD) && y == -1) { /* INT64_MIN / −1 traps */
        over = op == OP_FLOOR && x == INT64_MIN;
        z = op == OP_FLOOR && !over ? -x : 0;
    } else if (op == OP_FLOOR) z = x / y - (x % y != 0 && (x < 0) != (y < 0));
    else if (op == OP_MOD) z = x % y + (x % y != 0 && (x < 0) != (y < 0) ? y : 0);
    else if (op == OP_ADD) over = __builtin_add_overflow(x, y, &z);
    else if (op == OP_SUB) over = __builtin_sub_overflow(x, y, &z);
    else if (op == OP_MUL) over = __builtin_mul_overflow(x, y, &z);
    else {
        if (y < 0) rz_jinja_fail(r, "negative powers are not supported");
        over = !power(x, y, &z);
    }
    if (over) rz_jinja_fail(r, "a number is too large");
    return rz_v_int(z);
}

static value binary(run *r, op_kind op, value a, value b)
{
    static const char *const names[] = {[OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_FLOOR] = "//", [OP_MOD] = "%", [OP_POWER] = "**"};
    bool list_a = a.kind == V_LIST || a.kind == V_TUPLE, list_b = b.kind == V_LIST || b.kind == V_TUPLE;
    if (rz_v_is_number(a) && rz_v_is_number(b)) {
        if (a.kind == V_FLOAT || b.kind == V_FLOAT) return floats(r, op, rz_v_double(a), rz_v_double(b));
        return wholes(r, op, rz_v_whole(a), rz_v_whole(b));
    }
    if (op == OP_ADD && a.kind == V_STRING && b.kind == V_STRING) {
        builder t = {0};
        rz_b_add(r, &t, a);
        rz_b_add(r, &t, b);
        return rz_b_done(r, &t);
    }
    if (op == OP_ADD && list_a && a.kind == b.kind) return add_lists(r, a, b);
    if (op == OP_MUL && (a.kind == V_STRING || list_a) && rz_v_is_whole(b)) return repeat(r, a, rz_v_whole(b));
    if (op == OP_MUL && (b.kind == V_STRING || list_b) && rz_v_is_whole(a)) return repeat(r, b, rz_v_whole(a));
    if (op == OP_MOD && a.kind == V_STRING) rz_jinja_fail(r, "%% behind a string (formatting) is not supported");
    if (a.kind == V_UNDEFINED || b.kind == V_UNDEFINED) {
        value u = a.kind == V_UNDEFINED ? a : b;
        rz_jinja_fail(r, "'%.60s' is undefined", u.s ? u.s : "a value");
    }
    rz_jinja_fail(r, "%s and %s cannot be combined by %s", rz_v_kind(a), rz_v_kind(b), names[op]);
}

static bool holds(run *r, op_kind op, value a, value b)
{
    switch (op) {
    case OP_EQ: return rz_v_equal(r, a, b);
    case OP_NE: return !rz_v_equal(r, a, b);
    case OP_IN: return rz_v_contains(r, b, a);
    case OP_NOT_IN: return !rz_v_contains(r, b, a);
    default: break;
    }
    if (rz_v_is_number(a) && rz_v_is_number(b) && (isnan(rz_v_double(a)) || isnan(rz_v_double(b)))) return false;
    int order = rz_v_compare(r, a, b);
    return op == OP_LT ? order < 0 : op == OP_LE ? order <= 0 : op == OP_GT ? order > 0 : order >= 0;
}

static value compare(run *r, scope *s, const node *n)
{
    value left = rz_jinja_eval(r, s, n->a);
    for (int i = 0; i < n->n; i++) {
        value right = rz_jinja_eval(r, s, n->list[i]->b);
        r->at = n->list[i]->at;
        if (!holds(r, n->list[i]->op, left, right)) return rz_v_bool(false);
        left = right;
    }
    return rz_v_bool(true);
}

static value negate(run *r, value v, bool minus)
{
    if (!rz_v_is_number(v)) rz_jinja_fail(r, "%s has no sign", rz_v_kind(v));
    if (v.kind == V_FLOAT) return (value){V_FLOAT, {.f = minus ? -v.f : v.f}};
    int64_t i = rz_v_whole(v);
    if (minus && i == INT64_MIN) rz_jinja_fail(r, "a number is too large");
    return rz_v_int(minus ? -i : i);
}

/* ---- subscripts ---- */

/* A bound of a slice of n, as Python clamps it. */
static int64_t bound(run *r, scope *s, const node *n, int64_t absent, int64_t length, bool backwards)
{
    if (!n) return absent;
    value v = rz_jinja_eval(r, s, n);
    if (v.kind == V_NONE) return absent;
    if (!rz_v_is_whole(v)) rz_jinja_fail(r, "a bound of a slice is %s, must be a whole number", rz_v_kind(v));
    int64_t i = rz_v_whole(v);
    if (i < 0) {
        i += length;
        return i < 0 ? (backwards ? -1 : 0) : i;
    }
    return i >= length ? (backwards ? length - 1 : length) : i;
}

static value slice(run *r, scope *s, const node *n)
{
    value v = rz_jinja_eval(r, s, n->a), step_v = n->d ? rz_jinja_eval(r, s, n->d) : rz_v_int(1);
    int64_t step = step_v.kind == V_NONE ? 1 : rz_v_whole(step_v);
    r->at = n->at;
    if (v.kind == V_UNDEFINED) rz_jinja_fail(r, "'%.60s' is undefined", v.s ? v.s : "a value");
    if (v.kind != V_STRING && v.kind != V_LIST && v.kind != V_TUPLE) rz_jinja_fail(r, "%s cannot be sliced", rz_v_kind(v));
    if ((!rz_v_is_whole(step_v) && step_v.kind != V_NONE) || step == 0) rz_jinja_fail(r, "the step of a slice must be a whole number other than 0");
    int64_t length = (int64_t)rz_v_length(r, v);
    bool back = step < 0;
    int64_t start = bound(r, s, n->b, back ? length - 1 : 0, length, back), stop = bound(r, s, n->c, back ? -1 : length, length, back);
    r->at = n->at;
    if (v.kind == V_STRING && step == 1) {
        size_t from = rz_u_offset(v, (size_t)start), to = rz_u_offset(v, (size_t)(stop > start ? stop : start));
        return rz_v_part(v, from, to - from);
    }
    list l = rz_v_iterate(r, v);
    builder b = {0};
    value out = v.kind == V_STRING ? v : rz_v_list(r, v.kind);
    if (step > length + 1) step = length + 1;
    if (step < -length - 1) step = -length - 1;
    for (int64_t i = start; back ? i > stop : i < stop; i += step) {
        if (v.kind == V_STRING) rz_b_add(r, &b, l.items[i]);
        else rz_v_push(r, out.list, l.items[i]);
    }
    return v.kind == V_STRING ? rz_b_done(r, &b) : out;
}

/* ---- calls ---- */

static args evaluate_arguments(run *r, scope *s, const node *n)
{
    args a = {0};
    value *all = rz_jinja_new(r, (size_t)n->n + 1, sizeof *all);
    variable *names = rz_jinja_new(r, (size_t)n->n + 1, sizeof *names);
    for (int i = 0; i < n->n; i++) {
        const node *item = n->list[i];
        if (item->kind != N_KEYWORD) all[a.n++] = rz_jinja_eval(r, s, item);
        else names[a.n_named++] = (variable){item->name, rz_jinja_eval(r, s, item->a)};
    }
    a.all = all;
    a.named = names;
    r->at = n->at;
    return a;
}

value rz_jinja_apply(run *r, const char *what, const function_row *row, args *a)
{
    const char *names = row->parameters;
    rz_jinja_charge(r, 1);
    for (int i = 0; i < RZ_JINJA_ARGS; i++) a->arg[i] = NULL;
    if (!strcmp(names, "*")) return row->run(r, a);
    int n = 0;
    bool known[RZ_JINJA_ARGS + 8] = {0};
    for (const char *at = names; *at; n++) {
        size_t len = strcspn(at, " ");
        if (n < a->n) a->arg[n] = &a->all[n];
        for (int k = 0; k < a->n_named && k < RZ_JINJA_ARGS + 8; k++) {
            if (strlen(a->named[k].name) != len || memcmp(a->named[k].name, at, len)) continue;
            if (a->arg[n]) rz_jinja_fail(r, "%s '%s' has its argument '%s' twice", what, row->name, a->named[k].name);
            a->arg[n] = &a->named[k].v;
            known[k] = true;
        }
        at += len + (at[len] == ' ');
    }
    if (a->n > n) rz_jinja_fail(r, "%s '%s' takes %d argument%s at most", what, row->name, n, n == 1 ? "" : "s");
    for (int k = 0; k < a->n_named; k++)
        if (k >= RZ_JINJA_ARGS + 8 || !known[k]) rz_jinja_fail(r, "the argument '%.60s' of %s '%s' is not supported", a->named[k].name, what, row->name);
    return row->run(r, a);
}


static value call_macro(run *r, const macro *m, const args *a)
{
    scope *inner = rz_jinja_new(r, 1, sizeof *inner);
    inner->up = m->scope;
    rz_jinja_charge(r, (size_t)m->node->n * (size_t)a->n_named);
    if (a->n > m->node->n) rz_jinja_fail(r, "the macro '%.60s' takes %d arguments at most", m->node->name, m->node->n);
    for (int i = 0; i < m->node->n; i++) {
        const node *parameter = m->node->list[i];
        const value *given = i < a->n ? &a->all[i] : NULL;
        for (int k = 0; k < a->n_named; k++)
            if (!strcmp(a->named[k].name, parameter->name)) given = &a->named[k].v;
        value undefined = {V_UNDEFINED, {.s = parameter->name}};
        rz_jinja_set(r, inner, parameter->name, given ? *given : parameter->a ? rz_jinja_eval(r, inner, parameter->a) : undefined);
    }
    for (int k = 0; k < a->n_named; k++) {
        int i = 0;
        while (i < m->node->n && strcmp(m->node->list[i]->name, a->named[k].name)) i++;
        if (i == m->node->n) rz_jinja_fail(r, "the macro '%.60s' has no parameter '%.60s'", m->node->name, a->named[k].name);
        if (i < a->n) rz_jinja_fail(r, "the macro '%.60s' is given '%.60s' twice", m->node->name, a->named[k].name);
    }
    builder text = {0}, *outer = r->to;
    r->to = &text;
    rz_jinja_deeper(r);
    rz_jinja_exec(r, inner, m->node->b);
    r->depth--;
    r->to = outer;
    return rz_b_done(r, &text);
}

static value call(run *r, scope *s, const node *n)
{
    value f = rz_jinja_eval(r, s, n->a);
    args a = evaluate_arguments(r, s, n);
    switch (f.kind) {
    case V_MACRO: return call_macro(r, f.macro, &a);
    case V_METHOD: a.self = f.method->self; return rz_jinja_apply(r, "the method", rz_jinja_method_row(a.self, f.method->row), &a);
    case V_FUNCTION: return rz_jinja_apply(r, "the function", &rz_jinja_functions()[f.function], &a);
    case V_LOOP: rz_jinja_fail(r, "a recursive loop is not supported");
    case V_UNDEFINED:
        if (f.s && !strcmp(f.s, "strftime_now")) rz_jinja_fail(r, "the template asks for today's date (strftime_now), which would change the prompts from day to day; set prompt_date to the date it shall be told");
        rz_jinja_fail(r, "'%.60s' is undefined, or a function that is not supported", f.s ? f.s : "a value");
    default: rz_jinja_fail(r, "%s cannot be called", rz_v_kind(f));
    }
}

static value filter(run *r, scope *s, const node *n)
{
    value self = rz_jinja_eval(r, s, n->a);
    args a = evaluate_arguments(r, s, n);
    a.self = self;
    return rz_jinja_filter(r, n->row, &a);
}

static value test(run *r, scope *s, const node *n)
{
    value self = rz_jinja_eval(r, s, n->a);
    args a = evaluate_arguments(r, s, n);
    a.self = self;
    return rz_v_bool(rz_jinja_test(r, n->row, &a));
}

/* ---- all of them ---- */

static value display(run *r, scope *s, const node *n)
{
    if (n->kind == N_DICT) {
        value v = rz_v_dict(r);
        for (int i = 0; i < n->n; i += 2) {
            value key = rz_jinja_eval(r, s, n->list[i]);
            rz_v_put(r, v.dict, key, rz_jinja_eval(r, s, n->list[i + 1]));
        }
        return v;
    }
    value v = rz_v_list(r, n->kind == N_TUPLE ? V_TUPLE : V_LIST);
    for (int i = 0; i < n->n; i++) rz_v_push(r, v.list, rz_jinja_eval(r, s, n->list[i]));
    return v;
}

static value join(run *r, scope *s, const node *n)
{
    builder b = {0};
    for (int i = 0; i < n->n; i++) rz_b_add(r, &b, rz_v_str(r, rz_jinja_eval(r, s, n->list[i])));
    return rz_b_done(r, &b);
}

static value pair(run *r, scope *s, const node *n)
{
    value a = rz_jinja_eval(r, s, n->a), b = rz_jinja_eval(r, s, n->b);
    r->at = n->at;
    return n->kind == N_INDEX ? rz_jinja_attribute(r, a, b) : binary(r, n->op, a, b);
}

static value short_circuit(run *r, scope *s, const node *n)
{
    value a = rz_jinja_eval(r, s, n->a);
    return rz_v_true(a) == (n->kind == N_AND) ? rz_jinja_eval(r, s, n->b) : a;
}

static value conditional(run *r, scope *s, const node *n)
{
    if (rz_v_true(rz_jinja_eval(r, s, n->a))) return rz_jinja_eval(r, s, n->b);
    return n->c ? rz_jinja_eval(r, s, n->c) : (value){.kind = V_UNDEFINED};
}

static value eval(run *r, scope *s, const node *n)
{
    value v;
    switch (n->kind) {
    case N_LITERAL: return n->v;
    case N_NAME: return look_up(r, s, n->name);
    case N_LIST: case N_TUPLE: case N_DICT: return display(r, s, n);
    case N_NEGATE: case N_PLUS: v = rz_jinja_eval(r, s, n->a); return negate(r, v, n->kind == N_NEGATE);
    case N_INDEX: case N_BINARY: return pair(r, s, n);
    case N_AND: case N_OR: return short_circuit(r, s, n);
    case N_NOT: return rz_v_bool(!rz_v_true(rz_jinja_eval(r, s, n->a)));
    case N_COMPARE: return compare(r, s, n);
    case N_CONDITION: return conditional(r, s, n);
    case N_JOIN: return join(r, s, n);
    case N_ATTRIBUTE: v = rz_jinja_eval(r, s, n->a); r->at = n->at; return rz_jinja_member(r, v, n->name);
    case N_SLICE: return slice(r, s, n);
    case N_CALL: return call(r, s, n);
    case N_FILTER: return filter(r, s, n);
    case N_TEST: return test(r, s, n);
    default: rz_jinja_fail(r, "internal: a statement is no expression");
    }
}

value rz_jinja_eval(run *r, scope *s, const node *n)
{
    rz_jinja_enter(r, n);
    value v = eval(r, s, n);
    r->nested--;
    return v;
}
