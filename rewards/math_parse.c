/* From tokens to trees: sums, products, powers. What is juxtaposed binds tighter than / and *. */
#include "rewards/math_parser.h"

static math_node *unary(math_parser *p);

/* ^\circ and ^{\circ} */
static bool degrees(math_parser *p)
{
    const math_token *t = p->t + p->at;
    int n = t[0].kind == T_DEGREE ? 1 : t[0].kind == '^' && t[1].kind == T_DEGREE ? 2 :
            t[0].kind == '^' && t[1].kind == '{' && t[2].kind == T_DEGREE && t[3].kind == '}' ? 4 : 0;
    p->at += n;
    return n > 0;
}

math_node *rz_math_power(math_parser *p)
{
    if (++p->depth > RZ_MATH_MAX_DEPTH) return fail(p);
    math_node *n = rz_math_primary(p);
    while (n) {
        if (degrees(p)) {
            if (p->e->options->faithful) continue;
            n = named_unit(p, n, "degree", 6);
        } else if (kind(p) == '^' && n->kind != M_TEXT) {
            p->at++;
            math_node *x = rz_math_exponent(p);
            n = x ? make(p, M_POW, n, x) : NULL;
        } else if (accept(p, '!')) {
            n = make(p, M_FACT, n, NULL);
        } else if (accept(p, '%')) {
            n = make(p, M_PERCENT, n, NULL);
        } else if (accept(p, T_PRIME)) {
            n = make(p, M_CALL, n, NULL);
            if (n) n->text = (rz_slice){"'", 1};
        } else {
            break;
        }
    }
    p->depth--;
    return n;
}

/* ---- products and sums ---- */

static bool is_whole(const math_node *n) { return n->kind == M_NUM && n->scale == 0 && n->base == 10 && !(n->flags & DECIMAL) && n->exp10 == 0; }

static bool is_value(const math_node *n) { return n->kind != M_TEXT && n->kind != M_VAR && n->kind != M_CALL && n->kind != M_REL; }

/* A word after a value is what it is counted in, with an exponent: 5 \text{ cm}^2. */
static math_node *with_unit(math_parser *p, math_node *value)
{
    math_node *n = make(p, M_UNIT, value, NULL);
    if (!n) return NULL;
    n->text = p->t[p->at++].text;
    if (kind(p) == '^') {
        p->at++;
        math_node *x = rz_math_exponent(p);
        if (!x || x->kind != M_NUM) return fail(p);
        n->text = rz_math_joined(p, n->text, x->text.s, x->text.len);
    }
    return n;
}

/* 7 1/2, own reading; 7\frac12. */
static math_node *mixed(math_parser *p, math_node *n)
{
    if (!n || !is_whole(n)) return n;
    bool printed = kind(p) == T_FRAC;
    const math_token *t = p->t + p->at;
    bool plain = !p->e->options->faithful && t[0].kind == T_NUM && t[0].space && t[0].scale < 0 && t[1].kind == '/' && t[2].kind == T_NUM && t[2].scale < 0;
    if (!printed && !plain) return n;
    math_node *f;
    if (plain) {
        f = make(p, M_DIV, rz_math_number(p, t), rz_math_number(p, t + 2));
        p->at += 3;
    } else {
        int at = p->at;
        f = rz_math_fraction(p);
        if (!f) return NULL;
        if (!is_whole(f->first) || !is_whole(f->last)) {
            p->at = at;
            return n;
        }
    }
    return f ? make(p, M_ADD, n, f) : NULL;
}

static math_node *juxtaposed(math_parser *p)
{
    math_node *n = mixed(p, rz_math_power(p)), *mul = NULL;
    while (n && rz_math_starts_factor(p)) {
        bool unit = kind(p) == T_WORD && p->t[p->at].val == 0 && !p->e->options->faithful && is_value(mul ? mul->last : n);
        if (unit) {
            n = with_unit(p, mul ? mul : n);
            mul = NULL;
            continue;
        }
        if (kind(p) == T_NUM && (mul ? mul->last : n)->kind == M_NUM && !p->e->options->faithful) return fail(p); /* "3 5" means nothing */
        math_node *f = rz_math_power(p);
        if (!f) return NULL;
        if (!mul && !(mul = make(p, M_MUL, n, NULL))) return NULL;
        rz_math_adopt(mul, f);
        n = mul;
    }
    if (n && !p->e->options->faithful && accept(p, T_MONEY) && n->kind != M_UNIT) n = named_unit(p, n, "dollar", 6);
    return n;
}

static math_node *unary(math_parser *p)
{
    if (++p->depth > RZ_MATH_MAX_DEPTH) return fail(p);
    math_node *n;
    if (accept(p, '-')) {
        math_node *x = unary(p);
        n = x ? make(p, M_NEG, x, NULL) : NULL;
    } else if (accept(p, '+')) {
        n = unary(p);
    } else {
        n = juxtaposed(p);
    }
    p->depth--;
    return n;
}

math_node *rz_math_product(math_parser *p)
{
    math_node *n = unary(p);
    while (n) {
        int k = kind(p);
        bool ratio = k == ':' && !p->in_set;
        if (k == '*' || k == '/' || ratio) {
            p->at++;
            math_node *x = unary(p);
            n = x ? make(p, k == '*' ? M_MUL : M_DIV, n, x) : NULL;
        } else if (k == T_MOD || k == T_PMOD) {
            p->at++;
            math_node *x = k == T_PMOD && kind(p) == T_NUM ? rz_math_power(p) : unary(p);
            n = x ? make_fn(p, FN_MOD, n, x) : NULL;
        } else if (k == T_CHOOSE) {
            p->at++;
            math_node *x = unary(p);
            n = x ? make_fn(p, FN_BINOM, n, x) : NULL;
        } else {
            return n;
        }
    }
    return fail(p);
}

static math_node *plus_minus(math_parser *p, math_node *x, int val)
{
    math_node *n = x ? make(p, M_PM, x, NULL) : NULL;
    if (n) n->sign = val == 1 ? 1 : -1;
    p->has_pm = true;
    return n;
}

static math_node *term(math_parser *p)
{
    if (kind(p) == T_PM) {
        int val = p->t[p->at++].val;
        return plus_minus(p, rz_math_product(p), val);
    }
    return rz_math_product(p);
}

math_node *rz_math_sum(math_parser *p)
{
    if (++p->depth > RZ_MATH_MAX_DEPTH) return fail(p);
    math_node *n = term(p), *sum = NULL;
    while (n && (kind(p) == '+' || kind(p) == '-' || kind(p) == T_PM)) {
        int k = kind(p), val = p->t[p->at].val;
        p->at++;
        math_node *x = rz_math_product(p);
        if (x && k == '-') x = make(p, M_NEG, x, NULL);
        else if (x && k == T_PM) x = plus_minus(p, x, val);
        if (!x || (!sum && !(sum = make(p, M_ADD, n, NULL)))) return fail(p);
        rz_math_adopt(sum, x);
        n = sum;
    }
    p->depth--;
    return n ? n : fail(p);
}
