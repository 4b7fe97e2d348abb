/* From tokens to trees: numbers, names, functions, roots, fractions, matrices. */
#include "rewards/math_parser.h"
#include <string.h>


math_node *rz_math_number(math_parser *p, const math_token *t)
{
    math_node *n = make(p, M_NUM, NULL, NULL);
    if (!n) return NULL;
    size_t zeros = 0, whole = t->text.len - (size_t)(t->scale > 0 ? t->scale : 0);
    while (zeros + 1 < whole && t->text.s[zeros] == '0') zeros++;
    n->text = (rz_slice){t->text.s + zeros, t->text.len - zeros};
    n->scale = t->scale > 0 ? t->scale : 0;
    n->flags = t->scale >= 0 ? DECIMAL : 0;
    n->repeat = t->repeat;
    n->exp10 = t->exp10;
    return n;
}

/* One digit of a number token, as \frac12 takes them. */
static math_node *first_digit(math_parser *p)
{
    math_token *t = &p->t[p->at], one = *t;
    if (t->scale > 0) return fail(p);
    one.text.len = 1;
    math_node *n = rz_math_number(p, &one);
    if (t->text.len == 1) {
        p->at++;
    } else {
        t->text.s++, t->text.len--;
        t->space = false;
    }
    return n;
}

/* {…}, one letter, one digit. */
static math_node *argument(math_parser *p)
{
    bool loose = !p->e->options->faithful || p->e->options->malformed;
    if (kind(p) == '{') return rz_math_group(p);
    if (!loose) return fail(p);
    if (kind(p) == T_NUM) return first_digit(p);
    if (kind(p) == T_LETTER || kind(p) == T_PI || kind(p) == T_SQRT || kind(p) == T_FRAC) {
        math_node *n = rz_math_power(p);
        return n;
    }
    return fail(p);
}

static void set_text(math_node *n, rz_slice t)
{
    if (n) n->text = t;
}

/* Subscript as text without braces and blanks: x_{12} and x_12 are one name. False: it is an expression (its place is kept). */
static bool simple_subscript(math_parser *p, char *out, size_t size, size_t *len)
{
    int at = p->at, open = accept(p, '{');
    for (*len = 0;; p->at++) {
        const math_token *t = &p->t[p->at];
        bool atom = t->kind == T_NUM || t->kind == T_LETTER || t->kind == T_WORD;
        if (open && t->kind == '}') break;
        if ((!atom && !(open && t->kind == ',')) || *len + t->text.len + 1 > size) {
            p->at = at;
            return false;
        }
        if (atom) memcpy(out + *len, t->text.s, t->text.len), *len += t->text.len;
        else out[(*len)++] = ',';
        if (!open) break;
    }
    p->at++;
    return *len > 0;
}

rz_slice rz_math_joined(math_parser *p, rz_slice a, const char *b, size_t n)
{
    char *s = RZ_NEW(p->e->arena, a.len + n + 1, char);
    memcpy(s, a.s, a.len);
    s[a.len] = '_';
    memcpy(s + a.len + 1, b, n);
    return (rz_slice){s, a.len + n + 1};
}

static math_node *subscripted(math_parser *p, math_node *n)
{
    char name[64];
    size_t len;
    if (!n || !accept(p, '_')) return n;
    if (simple_subscript(p, name, sizeof name, &len)) {
        n->kind = M_VAR;
        n->text = rz_math_joined(p, n->text, name, len);
        return n;
    }
    math_node *sub = argument(p);
    if (!sub) return NULL;
    math_node *call = make(p, M_CALL, sub, NULL);
    if (call) call->text = rz_math_joined(p, n->text, "", 0);
    return call;
}

/* 204_5: digits in a base. */
static math_node *based(math_parser *p, math_node *n)
{
    char name[64];
    size_t len;
    int at = p->at;
    if (!n || n->kind != M_NUM || !accept(p, '_')) return n;
    if (simple_subscript(p, name, sizeof name, &len)) {
        int base = 0;
        for (size_t i = 0; i < len && base < 100; i++) base = name[i] >= '0' && name[i] <= '9' ? base * 10 + name[i] - '0' : 100;
        bool fits = base >= 2 && base <= 36 && n->scale == 0 && n->repeat == 0;
        for (size_t i = 0; i < n->text.len; i++) fits &= n->text.s[i] - '0' < base;
        if (p->e->options->faithful) return n; /* there a base is not looked at */
        if (fits) {
            n->base = base;
            return n;
        }
    }
    p->at = at;
    return fail(p);
}

/* Does "(" after a name open the arguments of a function: one atom, or several? */
static bool opens_call(const math_parser *p)
{
    const math_token *t = p->t + p->at + 1;
    bool atom = t->kind == T_NUM || t->kind == T_LETTER || t->kind == T_PI;
    int i = 1;
    if (atom && t[i].kind == '_') i += t[i + 1].kind == '{' ? 4 : 2;
    if (atom && t[i].kind == ')') return true;
    int depth = 0;
    for (int k = 0; k < 64 && t[k].kind != T_END; k++) {
        if (t[k].kind == '(' || t[k].kind == '{' || t[k].kind == '[') depth++;
        if (t[k].kind == ')' && depth == 0) return false;
        if (t[k].kind == ')' || t[k].kind == '}' || t[k].kind == ']') depth--;
        if (t[k].kind == ',' && depth == 0) return true;
    }
    return false;
}

static math_node *call(math_parser *p, math_node *name)
{
    if (!name || kind(p) != '(' || !opens_call(p)) return name;
    p->at++;
    math_node *n = make(p, M_CALL, NULL, NULL);
    if (!n || !rz_math_elements(p, n) || !accept(p, ')')) return fail(p);
    n->text = name->text;
    return n;
}

static math_node *named(math_parser *p, math_kind k)
{
    const math_token *t = &p->t[p->at++];
    if (t->kind == T_LETTER && t->val == 0 && kind(p) != '_' && kind(p) != '(' && (t->text.s[0] == 'e' || t->text.s[0] == 'i')) {
        math_node *c = make(p, M_CONST, NULL, NULL);
        if (c) c->op = t->text.s[0] == 'e' ? CONST_E : CONST_I;
        return c;
    }
    math_node *n = make(p, k, NULL, NULL);
    set_text(n, t->text);
    bool operator = t->kind == T_WORD && t->val == 2;
    n = subscripted(p, n);
    if (n && n->kind == M_CALL) return n;
    if (operator && kind(p) == '(' && p->at++) {
        math_node *c = make(p, M_CALL, NULL, NULL);
        if (!c || !rz_math_elements(p, c) || !accept(p, ')')) return fail(p);
        c->text = t->text;
        return c;
    }
    return call(p, n);
}

/* ---- functions ---- */

bool rz_math_starts_factor(const math_parser *p)
{
    switch (kind(p)) {
    case T_NUM: case T_LETTER: case T_WORD: case T_FRAC: case T_SQRT: case T_FN: case T_BINOM: case T_INFTY: case T_EMPTY: case T_LBRACE: case T_BEGIN: case T_LFLOOR:
    case T_LCEIL: case T_BIG: case T_SETNAME: case T_BOXED: case T_ACCENT: case T_PI: case T_MONEY: case T_LANGLE: case '(': case '[': case '{': return true;
    case '|': return p->bars == 0 && !p->in_set;
    default: return false;
    }
}

/* The argument of a function without brackets: sin 2x, but neither sin x cos x nor sin x (…). */
static math_node *bare_argument(math_parser *p)
{
    math_node *n = accept(p, '-') ? make(p, M_NEG, rz_math_power(p), NULL) : rz_math_power(p);
    if (!n) return fail(p);
    math_node *mul = NULL, *last = n;
    while (rz_math_starts_factor(p) && kind(p) != T_FN && (kind(p) != '(' || last->kind == M_NUM) && kind(p) != T_WORD) {
        math_node *f = rz_math_power(p);
        if (!f) return NULL;
        if (!mul && !(mul = make(p, M_MUL, n, NULL))) return NULL;
        rz_math_adopt(mul, f);
        last = f;
    }
    return mul ? mul : n;
}

static bool function_arguments(math_parser *p, math_node *f)
{
    if (kind(p) == '(') {
        p->at++;
        int bars = p->bars;
        p->bars = 0;
        bool ok = rz_math_elements(p, f) && (accept(p, ')') || accept(p, ']'));
        p->bars = bars;
        return ok;
    }
    math_node *a = kind(p) == '{' ? rz_math_group(p) : bare_argument(p);
    if (!a) return false;
    if (a->kind == M_SET || a->kind == M_LIST || a->kind == M_TUPLE)
        for (math_node *k = a->first, *next; k; k = next) next = k->next, rz_math_adopt(f, k);
    else
        rz_math_adopt(f, a);
    return true;
}

static math_node *inverse(math_parser *p, math_node *f)
{
    static const uint8_t of[N_FN] = {[FN_SIN] = FN_ASIN, [FN_COS] = FN_ACOS, [FN_TAN] = FN_ATAN, [FN_COT] = FN_ACOT, [FN_SINH] = FN_ASINH, [FN_COSH] = FN_ACOSH,
                                     [FN_TANH] = FN_ATANH};
    (void)p;
    if (of[f->op]) f->op = of[f->op];
    return f;
}

static bool is_minus_one(const math_node *n)
{
    return n->kind == M_NEG && n->first->kind == M_NUM && n->first->text.len == 1 && n->first->text.s[0] == '1' && n->first->scale == 0 && n->first->exp10 == 0;
}

static math_node *function(math_parser *p)
{
    int fn = p->t[p->at].val;
    math_node *sub = NULL, *sup = NULL;
    p->at++;
    for (int i = 0; i < 2; i++) {
        if (!sub && accept(p, '_')) {
            bool loose = kind(p) == T_NUM;
            sub = loose && p->t[p->at].text.len > 1 && !p->t[p->at + 1].space && p->t[p->at + 1].kind == T_END ? first_digit(p) : kind(p) == '{' ? rz_math_group(p) : rz_math_power(p);
            if (!sub) return fail(p);
        } else if (!sup && kind(p) == '^') {
            p->at++;
            if (!(sup = rz_math_exponent(p))) return fail(p);
        }
    }
    math_node *f = make_fn(p, fn, NULL, NULL);
    if (!f || !function_arguments(p, f) || f->n == 0) return fail(p);
    if (sub && fn == FN_LOG) rz_math_adopt(f, sub);
    else if (sub) return fail(p);
    if (!sup) return f;
    if (is_minus_one(sup) && inverse(p, f)->op != fn) return f;
    return make(p, M_POW, f, sup);
}

static math_node *root(math_parser *p)
{
    math_node *index = NULL, *x;
    bool plain = p->t[p->at].text.len && p->t[p->at].text.s[0] != 's' ? true : false; /* the sign √ */
    p->at++;
    if (accept(p, '[')) {
        index = rz_math_sum(p);
        if (!index || !accept(p, ']')) return fail(p);
    }
    bool loose = !p->e->options->faithful || p->e->options->malformed;
    if (kind(p) == '(' && loose) x = rz_math_group(p);
    else if (plain && kind(p) == T_NUM) x = rz_math_number(p, &p->t[p->at++]);
    else x = argument(p);
    return x ? make(p, M_ROOT, x, index) : fail(p);
}

math_node *rz_math_fraction(math_parser *p)
{
    p->at++;
    math_node *a = argument(p), *b = a ? argument(p) : NULL, *n = b ? make(p, M_DIV, a, b) : NULL;
    if (n) n->flags = PRINTED_FRACTION;
    return n ? n : fail(p);
}

static math_node *between(math_parser *p, int close, int fn)
{
    p->at++;
    if (close == '|') p->bars++;
    math_node *x = rz_math_sum(p);
    if (close == '|') p->bars--;
    if (!x || !accept(p, close)) return fail(p);
    return make_fn(p, fn, x, NULL);
}

/* ∑, ∏, ∫, lim: bounds and body. */
static math_node *big(math_parser *p)
{
    math_node *n = make(p, M_BIG, NULL, NULL);
    if (!n) return NULL;
    n->op = p->t[p->at++].val;
    while (kind(p) == '_' || kind(p) == '^') {
        p->at++;
        math_node *bound = kind(p) == '{' ? rz_math_group(p) : rz_math_power(p);
        if (!bound) return fail(p);
        rz_math_adopt(n, bound);
    }
    math_node *body = n->op == 'i' ? rz_math_sum(p) : rz_math_product(p);
    if (!body) return fail(p);
    rz_math_adopt(n, body);
    return n;
}

static math_node *matrix(math_parser *p)
{
    bool det = p->t[p->at].val == 'd';
    math_node *m = make(p, M_MATRIX, NULL, NULL), *row = NULL;
    if (!m) return NULL;
    p->at++;
    while (kind(p) != T_FINISH) {
        if (accept(p, T_NEWROW)) {
            row = NULL;
            continue;
        }
        if (!row) {
            if (!(row = make(p, M_ROW, NULL, NULL))) return NULL;
            rz_math_adopt(m, row);
        } else if (!accept(p, '&')) {
            return fail(p);
        }
        math_node *x = rz_math_sum(p);
        if (!x) return fail(p);
        rz_math_adopt(row, x);
    }
    p->at++;
    for (const math_node *r = m->first; r; r = r->next)
        if (r->n != m->first->n) return fail(p);
    if (m->n == 0) return fail(p);
    return det ? make_fn(p, FN_DET, m, NULL) : m;
}

static math_node *accented(math_parser *p)
{
    rz_slice name = p->t[p->at++].text;
    math_node *a = argument(p), *n = a ? make(p, M_CALL, a, NULL) : NULL;
    set_text(n, name);
    return n ? n : fail(p);
}

static math_node *sign_node(math_parser *p, math_kind k, uint8_t op)
{
    math_node *n = make(p, k, NULL, NULL);
    if (n) n->op = op;
    p->at++;
    return n;
}

static math_node *binomial(math_parser *p)
{
    p->at++;
    math_node *a = argument(p), *b = a ? argument(p) : NULL;
    return b ? make_fn(p, FN_BINOM, a, b) : fail(p);
}

math_node *rz_math_primary(math_parser *p)
{
    math_node *n;
    switch (kind(p)) {
    case T_NUM: return based(p, rz_math_number(p, &p->t[p->at++]));
    case T_LETTER: return named(p, M_VAR);
    case T_WORD: return named(p, M_TEXT);
    case T_FRAC: return rz_math_fraction(p);
    case T_SQRT: return root(p);
    case T_FN: return function(p);
    case T_BINOM: return binomial(p);
    case T_PI: return sign_node(p, M_CONST, CONST_PI);
    case T_INFTY: return sign_node(p, M_CONST, CONST_INF);
    case T_EMPTY: return sign_node(p, M_SETNAME, '0');
    case T_SETNAME: return sign_node(p, M_SETNAME, p->t[p->at].val);
    case T_BOXED: p->at++; return kind(p) == '{' ? rz_math_group(p) : fail(p);
    case T_ACCENT: return accented(p);
    case T_BEGIN: return matrix(p);
    case T_BIG: return big(p);
    case '|': return between(p, '|', FN_ABS);
    case T_NORM: return between(p, T_NORM, FN_NORM);
    case T_LFLOOR: return between(p, T_RFLOOR, FN_FLOOR);
    case T_LCEIL: return between(p, T_RCEIL, FN_CEIL);
    case '{': case '(': case '[': case T_LBRACE: case T_LANGLE:
        n = rz_math_group(p);
        return n && n->kind == M_NUM && n->base == 10 && !p->e->options->faithful ? based(p, n) : n;
    case T_MONEY:
        p->at++;
        n = rz_math_power(p);
        if (!n) return fail(p);
        if (n->kind == M_UNIT) return n;
        return named_unit(p, n, "dollar", 6);
    default: return fail(p);
    }
}

math_node *rz_math_exponent(math_parser *p)
{
    bool minus = accept(p, '-');
    math_node *x;
    if (kind(p) == '{' || kind(p) == '(') {
        x = rz_math_group(p);
    } else {
        x = rz_math_primary(p); /* 2^10 takes all digits */
        if (x && kind(p) == '^' && p->at++) {
            math_node *up = rz_math_exponent(p);
            x = up ? make(p, M_POW, x, up) : NULL;
        }
    }
    if (!x) return fail(p);
    return minus ? make(p, M_NEG, x, NULL) : x;
}

