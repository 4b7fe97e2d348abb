#include "data/jinja_tree.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The outside, functions, and statements. */

/* ---- bounds and messages ---- */

void rz_jinja_fail(run *r, const char *fmt, ...)
{
    char text[768];
    int line = 1, column = 1;
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    for (size_t i = 0; i < r->at && i < r->t->len; i++) {
        column = r->t->source[i] == '\n' ? 1 : column + (((unsigned char)r->t->source[i] & 0xC0) != 0x80);
        line += r->t->source[i] == '\n';
    }
    rz_fail(r->err, RZ_EDATA, "%s:%d:%d: %s", r->t->name, line, column, text);
    longjmp(r->out, 1);
}

void rz_jinja_charge(run *r, size_t steps)
{
    r->steps += (int64_t)steps;
    if (r->steps > RZ_JINJA_STEPS) rz_jinja_fail(r, "the template works longer than %d steps, which no prompt needs", RZ_JINJA_STEPS);
}

void *rz_jinja_new(run *r, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > r->limit || r->arena->used + bytes + 256 > r->limit)
        rz_jinja_fail(r, "the template needs more than %zu MiB of memory", r->limit >> 20);
    rz_jinja_charge(r, bytes / 256);
    return rz_arena_zalloc(r->arena, n, size);
}

void rz_jinja_deeper(run *r)
{
    if (++r->depth > RZ_JINJA_DEPTH) rz_jinja_fail(r, "nested more than %d deep", RZ_JINJA_DEPTH);
}

void rz_jinja_enter(run *r, const node *n)
{
    r->at = n->at;
    rz_jinja_charge(r, 1);
    if (++r->nested > RZ_JINJA_NESTED) rz_jinja_fail(r, "nested more than %d deep", RZ_JINJA_NESTED);
}

/* ---- functions ---- */

#define ARG(i) (a->arg[i])

static value range(run *r, const args *a)
{
    if (!ARG(0)) rz_jinja_fail(r, "range needs a number");
    int64_t first = rz_a_int(r, a, 0, "a bound of range", 0), start = ARG(1) ? first : 0, stop = rz_a_int(r, a, 1, "a bound of range", first);
    int64_t step = rz_a_int(r, a, 2, "the step of range", 1);
    value v = rz_v_list(r, V_LIST);
    if (step == 0) rz_jinja_fail(r, "the step of range is 0");
    for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
        if (v.list->n == RZ_JINJA_RANGE) rz_jinja_fail(r, "range has more than %d numbers", RZ_JINJA_RANGE);
        rz_v_push(r, v.list, rz_v_int(i));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return v;
}

/* dict(a=1), dict({…}, a=1), namespace likewise. */
static value dictionary(run *r, const args *a)
{
    value v = rz_v_dict(r);
    if (a->n > 1 || (a->n && a->all[0].kind != V_DICT)) rz_jinja_fail(r, "dict and namespace take names with values, or one dictionary");
    for (size_t i = 0; a->n && i < a->all[0].dict->n; i++) rz_v_put(r, v.dict, a->all[0].dict->keys[i], a->all[0].dict->values[i]);
    for (int i = 0; i < a->n_named; i++) rz_v_put(r, v.dict, rz_v_text(a->named[i].name), a->named[i].v);
    return v;
}

static value namespace(run *r, const args *a)
{
    value v = dictionary(r, a);
    v.kind = V_NAMESPACE;
    return v;
}

static value raise_exception(run *r, const args *a)
{
    value text = ARG(0) ? rz_v_str(r, *ARG(0)) : rz_v_string("", 0);
    rz_jinja_fail(r, "the template refuses: %.*s", (int)(text.len < 500 ? text.len : 500), text.s);
}

static value strftime_now(run *r, const args *a)
{
    struct tm t = {0};
    if (!ARG(0)) rz_jinja_fail(r, "strftime_now needs a format");
    value format = *rz_a_string(r, a, 0, "the format of strftime_now");
    char text[256], pattern[128];
    if (format.len >= sizeof pattern) rz_jinja_fail(r, "the format of strftime_now is too long");
    memcpy(pattern, format.s, format.len);
    pattern[format.len] = 0;
    for (size_t i = 0; i < format.len; i++) {
        if (pattern[i] != '%') continue;
        if (!pattern[++i] || !strchr("aAbBdeHIjmMpSyY%", pattern[i])) rz_jinja_fail(r, "strftime_now: %%%c is not supported", pattern[i] ? pattern[i] : ' ');
    }
    if (!strptime(r->date, "%Y-%m-%d", &t)) rz_jinja_fail(r, "the date '%.40s' is not of the form YYYY-MM-DD", r->date);
    size_t n = strftime(text, sizeof text, pattern, &t);
    char *copy = rz_jinja_new(r, n + 1, 1);
    memcpy(copy, text, n);
    return rz_v_string(copy, n);
}

const function_row *rz_jinja_functions(void)
{
    static const function_row rows[] = {{"dict", "*", dictionary}, {"namespace", "*", namespace}, {"raise_exception", "message", raise_exception},
                                        {"range", "start stop step", range}, {"strftime_now", "format", strftime_now}, {0}};
    return rows;
}

/* ---- statements ---- */

enum { NEXT, BREAK, CONTINUE };

static void assign(run *r, scope *s, const node *target, value v)
{
    r->at = target->at;
    if (target->kind == N_NAME) {
        rz_jinja_set(r, s, target->name, v);
    } else if (target->kind == N_ATTRIBUTE) {
        value space = rz_jinja_eval(r, s, target->a);
        if (space.kind != V_NAMESPACE) rz_jinja_fail(r, "only a namespace can be given a '%.60s'", target->name);
        if (target->name[0] == '_') rz_jinja_fail(r, "a namespace takes no name that begins with _");
        rz_v_put(r, space.dict, rz_v_text(target->name), v);
    } else {
        list l = rz_v_iterate(r, v);
        if (l.n != (size_t)target->n) rz_jinja_fail(r, "%zu values cannot be assigned to %d names", l.n, target->n);
        for (int i = 0; i < target->n; i++) assign(r, s, target->list[i], l.items[i]);
    }
}

/* The items that pass the loop's condition. */
static list loop_items(run *r, scope *s, const node *n)
{
    value over = rz_jinja_eval(r, s, n->b);
    r->at = n->b->at;
    list all = rz_v_iterate(r, over), kept = {0};
    if (!n->c) return all;
    for (size_t i = 0; i < all.n; i++) {
        scope *inner = rz_jinja_new(r, 1, sizeof *inner);
        inner->up = s;
        assign(r, inner, n->a, all.items[i]);
        if (rz_v_true(rz_jinja_eval(r, inner, n->c))) rz_v_push(r, &kept, all.items[i]);
    }
    return kept;
}

static int run_loop(run *r, scope *s, const node *n)
{
    list items = loop_items(r, s, n);
    bool completed = false; /* Jinja's else runs unless an iteration came to its end */
    for (size_t i = 0; i < items.n; i++) {
        scope *inner = rz_jinja_new(r, 1, sizeof *inner);
        loop *l = rz_jinja_new(r, 1, sizeof *l);
        *l = (loop){items, i};
        inner->up = s;
        rz_jinja_set(r, inner, "loop", (value){V_LOOP, {.loop = l}});
        assign(r, inner, n->a, items.items[i]);
        int end = rz_jinja_exec(r, inner, n->d);
        completed |= end == NEXT;
        if (end == BREAK) break;
    }
    return n->n && !completed ? rz_jinja_exec(r, s, n->list[0]) : NEXT;
}

static int run_if(run *r, scope *s, const node *n)
{
    for (int i = 0; i + 1 < n->n; i += 2)
        if (!n->list[i] || rz_v_true(rz_jinja_eval(r, s, n->list[i]))) return rz_jinja_exec(r, s, n->list[i + 1]);
    return NEXT;
}

static void set_block(run *r, scope *s, const node *n)
{
    builder text = {0}, *outer = r->to;
    scope *inner = rz_jinja_new(r, 1, sizeof *inner);
    inner->up = s;
    r->to = &text;
    rz_jinja_exec(r, inner, n->b);
    r->to = outer;
    rz_jinja_set(r, s, n->a->name, rz_b_done(r, &text));
}

static void define_macro(run *r, scope *s, const node *n)
{
    macro *m = rz_jinja_new(r, 1, sizeof *m);
    *m = (macro){n, s};
    rz_jinja_set(r, s, n->name, (value){V_MACRO, {.macro = m}});
}

static int execute(run *r, scope *s, const node *n)
{
    int end = NEXT;
    switch (n->kind) {
    case N_BODY:
        for (int i = 0; i < n->n && end == NEXT; i++) end = rz_jinja_exec(r, s, n->list[i]);
        return end;
    case N_OUTPUT: rz_b_add(r, r->to, rz_v_str(r, rz_jinja_eval(r, s, n->a))); return NEXT;
    case N_IF: return run_if(r, s, n);
    case N_FOR: return run_loop(r, s, n);
    case N_SET: assign(r, s, n->a, rz_jinja_eval(r, s, n->b)); return NEXT;
    case N_SET_BLOCK: set_block(r, s, n); return NEXT;
    case N_MACRO: define_macro(r, s, n); return NEXT;
    case N_BREAK: return BREAK;
    case N_CONTINUE: return CONTINUE;
    default: rz_jinja_fail(r, "internal: an expression is no statement");
    }
}

int rz_jinja_exec(run *r, scope *s, const node *n)
{
    rz_jinja_enter(r, n);
    int end = execute(r, s, n);
    r->nested--;
    return end;
}

/* ---- the outside ---- */

/* Newlines become \n; one at the very end is dropped, as Jinja does. */
static void take_source(rz_jinja *t, const char *text, size_t len)
{
    t->source = rz_malloc(len + 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') continue;
        t->source[t->len++] = text[i] == '\r' ? '\n' : text[i];
    }
    t->len -= t->len && t->source[t->len - 1] == '\n';
    t->source[t->len] = 0;
}

static bool build(run *r, rz_jinja *t)
{
    size_t n;
    if (setjmp(r->out)) return false;
    t->body = rz_jinja_parse(r, rz_jinja_lex(r, &n));
    return true;
}

bool rz_jinja_compile(rz_jinja **out, const char *name, const char *text, size_t len, rz_err *err)
{
    *out = NULL;
    if (len > RZ_JINJA_TEXT) return rz_fail(err, RZ_EDATA, "%s has %zu bytes, may have %d", name, len, RZ_JINJA_TEXT);
    if (rz_utf8_valid(text, len) != len) return rz_fail(err, RZ_EDATA, "%s is not UTF-8", name);
    rz_jinja *t = rz_calloc(1, sizeof *t);
    t->name = rz_strdup(name);
    take_source(t, text, len);
    bool ok = rz_arena_init(&t->arena, RZ_JINJA_MEMORY, err);
    run r = {.t = t, .arena = &t->arena, .limit = RZ_JINJA_MEMORY, .err = err};
    ok = ok && build(&r, t);
    if (ok) *out = t;
    else rz_jinja_destroy(t);
    return ok;
}

void rz_jinja_destroy(rz_jinja *t)
{
    if (!t) return;
    rz_arena_finish(&t->arena);
    free(t->source);
    free(t->name);
    free(t);
}

static bool run_all(run *r, const rz_jinja_input *in, builder *to)
{
    if (setjmp(r->out)) return false;
    const char *key;
    json_t *v;
    scope *globals = rz_jinja_new(r, 1, sizeof *globals);
    json_object_foreach(in->variables, key, v) rz_jinja_set(r, globals, key, rz_v_from_json(r, v, in, false));
    r->to = to;
    rz_jinja_exec(r, globals, r->t->body);
    if (memchr(to->s ? to->s : "", 0, to->n)) rz_jinja_fail(r, "the text that was made holds a NUL");
    return true;
}

/* Runs of marked bytes; out may be NULL to count. */
static int find_data(const builder *b, rz_range *out)
{
    int n = 0;
    for (size_t i = 0; b->marked && i < b->n; i++) {
        if (!b->mark[i]) continue;
        size_t start = i;
        while (i < b->n && b->mark[i]) i++;
        if (out) out[n] = (rz_range){start, i};
        n++;
    }
    return n;
}

bool rz_jinja_render(const rz_jinja *t, const rz_jinja_input *in, rz_arena *arena, rz_jinja_output *out, rz_err *err)
{
    rz_arena own;
    builder to = {0};
    if (!rz_arena_init(&own, RZ_JINJA_MEMORY, err)) return false;
    run r = {.t = t, .arena = &own, .limit = RZ_JINJA_MEMORY, .err = err, .date = in->date};
    bool ok = run_all(&r, in, &to);
    if (ok) {
        *out = (rz_jinja_output){rz_arena_strndup(arena, to.s ? to.s : "", to.n), to.n, NULL, find_data(&to, NULL)};
        out->data = RZ_NEW(arena, out->n_data + 1, rz_range);
        find_data(&to, out->data);
    }
    rz_arena_finish(&own);
    return ok;
}
