/* Do two trees mean the same? Relations, containers, words, units, percent; scalars go to the ladder. */
#include "rewards/math_tree.h"
#include <string.h>
#include <strings.h>

enum { MAX_ELEMENTS = 64, WORD = 256 };

static rz_math_verdict equal(math_env *e, const math_node *g, const math_node *f);

static rz_math_verdict verdict(bool equal) { return equal ? RZ_MATH_EQUAL : RZ_MATH_DIFFERENT; }

/* Of parts that must all be equal. */
static rz_math_verdict both(rz_math_verdict a, rz_math_verdict b)
{
    if (a == RZ_MATH_DIFFERENT || b == RZ_MATH_DIFFERENT) return RZ_MATH_DIFFERENT;
    return a == RZ_MATH_EQUAL ? b : a;
}

static const math_node *inner(const math_node *n) { return n->kind == M_SIGNED ? n->first : n; }

/* ---- relations ---- */

static bool is_equation(const math_node *n)
{
    n = inner(n);
    if (n->kind != M_REL) return false;
    for (const math_node *k = n->first->next; k; k = k->next)
        if (k->op != '=') return false;
    return true;
}

static bool is_assignment(const math_node *n) { return is_equation(n) && (rz_math_names_only(inner(n)->first)); }

/* Of "x = 2 + 3 = 5" the ends count. */
static const math_node *ends(math_env *e, const math_node *n)
{
    if (n->kind != M_REL || n->n < 3 || !is_assignment(n)) return n;
    math_node *a = rz_math_copy(e, n->first), *b = rz_math_copy(e, n->last), *r = a && b ? rz_math_node2(e, M_REL, a, b) : NULL;
    return r ? r : n;
}

static const math_node *right_side(math_env *e, const math_node *n)
{
    const math_node *x = inner(n)->last->first;
    if (n->kind != M_SIGNED) return x;
    math_node *s = rz_math_copy(e, n);
    if (!s) return n;
    s->first = s->last = (math_node *)(uintptr_t)x;
    return s;
}

/* left − right of one link of a chain, negated for < and ≤, so that the relation says "> 0". */
static math_node *difference(math_env *e, const math_node *left, const math_node *right, int op)
{
    bool swap = op == '<' || op == T_LE;
    math_node *a = rz_math_copy(e, swap ? right : left), *b = rz_math_copy(e, swap ? left : right), *minus = a && b ? rz_math_node2(e, M_NEG, b, NULL) : NULL;
    return minus ? rz_math_node2(e, M_ADD, a, minus) : NULL;
}

static int op_class(int op) { return op == '>' ? '<' : op == T_GE ? T_LE : op; }

static bool is_container(const math_node *n)
{
    n = inner(n);
    return n->kind == M_TUPLE || n->kind == M_SET || n->kind == M_LIST || n->kind == M_INTERVAL || n->kind == M_UNION || n->kind == M_CAP || n->kind == M_MINUS ||
           n->kind == M_SETNAME;
}

static rz_math_verdict link_equal(math_env *e, const math_node *gl, const math_node *gr, const math_node *fl, const math_node *fr, int g_op, int f_op)
{
    int sign;
    if (op_class(g_op) != op_class(f_op)) return RZ_MATH_DIFFERENT;
    if (is_container(gr) || is_container(fr) || is_container(gl) || is_container(fl)) return both(equal(e, gl, fl), equal(e, gr, fr));
    if (g_op == f_op && equal(e, gl, fl) == RZ_MATH_EQUAL && equal(e, gr, fr) == RZ_MATH_EQUAL) return RZ_MATH_EQUAL;
    math_node *g = difference(e, gl, gr, g_op), *f = difference(e, fl, fr, f_op);
    if (!g || !f) return RZ_MATH_UNKNOWN;
    rz_math_verdict v = rz_math_proportional(e, g, f, &sign);
    bool ordered = op_class(g_op) == '<' || op_class(g_op) == T_LE;
    if (ordered && e->options->faithful) return rz_math_scalars(e, g, f, -1); /* 2x < 6 is not x < 3 there */
    if (v == RZ_MATH_EQUAL && ordered && sign < 1) return sign < 0 ? RZ_MATH_DIFFERENT : RZ_MATH_UNKNOWN;
    return v == RZ_MATH_UNKNOWN && e->work_left > 0 ? rz_math_scalars(e, g, f, -1) : v;
}

static const math_node *operand(const math_node *link) { return link->kind == M_ROW ? link->first : link; }

static rz_math_verdict chain_equal(math_env *e, const math_node *g, const math_node *f, bool reversed)
{
    rz_math_verdict v = RZ_MATH_EQUAL;
    const math_node *fk[16];
    int n = 0;
    if (g->n != f->n || g->n > 16) return RZ_MATH_DIFFERENT;
    for (const math_node *k = f->first; k; k = k->next) fk[n++] = k;
    int i = 0;
    for (const math_node *k = g->first; v != RZ_MATH_DIFFERENT && k->next; k = k->next, i++) {
        const math_node *l = reversed ? fk[n - 1 - i] : fk[i], *r = reversed ? fk[n - 2 - i] : fk[i + 1];
        int op = reversed ? l->op : r->op;
        if (reversed) op = op == '<' ? '>' : op == '>' ? '<' : op == T_LE ? T_GE : op == T_GE ? T_LE : op;
        v = both(v, link_equal(e, operand(k), operand(k->next), operand(l), operand(r), k->next->op, op));
    }
    return v;
}

static rz_math_verdict relations(math_env *e, const math_node *g, const math_node *f)
{
    bool named = is_assignment(g) && is_assignment(f);
    if (e->options->faithful && is_equation(g) && is_equation(f) && is_container(right_side(e, g)) != is_container(right_side(e, f))) return RZ_MATH_DIFFERENT;
    if (named && equal(e, inner(g)->first, inner(f)->first) == RZ_MATH_EQUAL) return equal(e, right_side(e, g), right_side(e, f));
    if (g->kind == M_SIGNED || f->kind == M_SIGNED) {
        if (g->kind != f->kind || g->sign != f->sign) return RZ_MATH_UNKNOWN;
        e->sign = g->sign;
        rz_math_verdict v = relations(e, g->first, f->first);
        e->sign = 0;
        return v;
    }
    g = ends(e, g);
    f = ends(e, f);
    rz_math_verdict v = chain_equal(e, g, f, false);
    return v == RZ_MATH_EQUAL || g->n < 3 || e->options->faithful ? v : chain_equal(e, g, f, true);
}

static math_node *infinity(math_env *e, bool negative)
{
    math_node *n = rz_math_node(e, M_CONST);
    if (n) n->op = CONST_INF;
    return n && negative ? rz_math_node2(e, M_NEG, n, NULL) : n;
}

static math_node *interval(math_env *e, const math_node *low, const math_node *high, int flags)
{
    math_node *a = low ? rz_math_copy(e, low) : infinity(e, true), *b = high ? rz_math_copy(e, high) : infinity(e, false);
    math_node *n = a && b ? rz_math_node2(e, M_INTERVAL, a, b) : NULL;
    if (n) n->flags = (uint8_t)flags;
    return n;
}

static bool is_name(const math_node *n) { return n->kind == M_VAR || n->kind == M_CALL || n->kind == M_TEXT; }

/* The set of numbers that a relation about one name describes, or NULL. */
static math_node *solution(math_env *e, const math_node *n)
{
    if (n->kind != M_REL || n->n > 3) return NULL;
    const math_node *a = n->first, *b = operand(a->next), *c = n->n == 3 ? operand(n->last) : NULL;
    int op = a->next->op, then = n->last->op;
    bool up = op == '<' || op == T_LE, down = op == '>' || op == T_GE;
    if (c) {
        bool same = up ? then == '<' || then == T_LE : then == '>' || then == T_GE;
        if ((!up && !down) || !same || !is_name(b)) return NULL;
        int first_open = op == '<' || op == '>', second_open = then == '<' || then == '>';
        return up ? interval(e, a, c, (first_open ? OPEN_LOW : 0) | (second_open ? OPEN_HIGH : 0))
                  : interval(e, c, a, (second_open ? OPEN_LOW : 0) | (first_open ? OPEN_HIGH : 0));
    }
    bool left = is_name(a);
    if (!left && !is_name(b)) return NULL;
    const math_node *bound = left ? b : a;
    if (op == T_NE) {
        math_node *low = interval(e, NULL, bound, OPEN_LOW | OPEN_HIGH), *high = interval(e, bound, NULL, OPEN_LOW | OPEN_HIGH);
        return low && high ? rz_math_node2(e, M_UNION, low, high) : NULL;
    }
    if (!up && !down) return NULL;
    int open = op == '<' || op == '>';
    return up == left ? interval(e, NULL, bound, OPEN_LOW | (open ? OPEN_HIGH : 0)) : interval(e, bound, NULL, (open ? OPEN_LOW : 0) | OPEN_HIGH);
}

/* ---- containers ---- */

static rz_math_verdict in_order(math_env *e, const math_node *g, const math_node *f)
{
    rz_math_verdict v = verdict(g->n == f->n);
    const math_node *y = f->first;
    for (const math_node *x = g->first; x && v != RZ_MATH_DIFFERENT; x = x->next, y = y->next) v = both(v, equal(e, x, y));
    return v;
}

/* Each of either has an equal among the other: sets count nothing twice. */
static rz_math_verdict in_any_order(math_env *e, const math_node *g, const math_node *f)
{
    const math_node *ys[MAX_ELEMENTS];
    bool met[MAX_ELEMENTS] = {false}, unknown = false;
    int n = 0;
    if (f->n > MAX_ELEMENTS || g->n > MAX_ELEMENTS) return in_order(e, g, f);
    for (const math_node *y = f->first; y; y = y->next) ys[n++] = y;
    for (const math_node *x = g->first; x; x = x->next) {
        bool any = false;
        for (int i = 0; i < n; i++) {
            if (any && met[i]) continue;
            rz_math_verdict v = equal(e, x, ys[i]);
            unknown |= v == RZ_MATH_UNKNOWN;
            if (v == RZ_MATH_EQUAL) any = met[i] = true;
        }
        if (!any) return unknown ? RZ_MATH_UNKNOWN : RZ_MATH_DIFFERENT;
    }
    for (int i = 0; i < n; i++)
        if (!met[i]) return unknown ? RZ_MATH_UNKNOWN : RZ_MATH_DIFFERENT;
    return RZ_MATH_EQUAL;
}

static bool is_pair(const math_node *n) { return n->kind == M_INTERVAL && n->flags == (OPEN_LOW | OPEN_HIGH); }
static bool is_tuple(const math_node *n) { return n->kind == M_TUPLE || is_pair(n); }
static bool is_loose(const math_node *n) { return n->kind == M_SET || n->kind == M_LIST; }

/* What a union is made of: intervals, and the members of sets. */
static bool pieces(math_env *e, const math_node *n, math_node *into)
{
    for (const math_node *k = n->first; k; k = k->next) {
        if (k->kind == M_SET || k->kind == M_UNION) {
            if (!pieces(e, k, into)) return false;
            continue;
        }
        math_node *x = rz_math_copy(e, k);
        if (!x) return false;
        rz_math_adopt(into, x);
    }
    return true;
}

static rz_math_verdict unions(math_env *e, const math_node *g, const math_node *f)
{
    math_node *a = rz_math_node(e, M_SET), *b = rz_math_node(e, M_SET);
    if (!a || !b || !pieces(e, g, a) || !pieces(e, f, b)) return RZ_MATH_UNKNOWN;
    return in_any_order(e, a, b);
}

/* The real numbers as an interval. */
static const math_node *reals(math_env *e, const math_node *n)
{
    const math_node *all = n->kind == M_SETNAME && n->op == 'R' ? interval(e, NULL, NULL, OPEN_LOW | OPEN_HIGH) : NULL;
    return all ? all : n;
}

static rz_math_verdict containers(math_env *e, const math_node *g, const math_node *f)
{
    bool same_things = e->options->faithful || e->options->unordered;
    e->rung = RZ_MATH_BY_SHAPE;
    if (!is_container(g) || !is_container(f)) { /* 5 and {5} */
        const math_node *set = is_container(g) ? g : f;
        if (!e->options->faithful || set->kind != M_SET || set->n != 1) return RZ_MATH_DIFFERENT;
        return set == g ? equal(e, g->first, f) : equal(e, g, f->first);
    }
    if (g->kind != f->kind) g = reals(e, g), f = reals(e, f);
    if (g->kind == M_INTERVAL && f->kind == M_INTERVAL) return g->flags != f->flags ? RZ_MATH_DIFFERENT : in_order(e, g, f);
    if (g->kind == M_UNION && f->kind == M_UNION) return unions(e, g, f);
    if ((g->kind == M_CAP || g->kind == M_MINUS) && g->kind == f->kind) return in_order(e, g, f);
    if (g->kind == M_SETNAME && f->kind == M_SETNAME) return verdict(g->op == f->op);
    if (is_tuple(g) && is_tuple(f)) return in_order(e, g, f);
    if (g->kind == M_LIST && f->kind == M_LIST) return same_things ? in_any_order(e, g, f) : in_order(e, g, f);
    if (g->kind == M_SET && f->kind == M_SET) return in_any_order(e, g, f);
    if (is_loose(g) && is_loose(f)) return same_things ? in_any_order(e, g, f) : RZ_MATH_DIFFERENT;
    if (!e->options->set_is_tuple) return RZ_MATH_DIFFERENT;
    if (is_loose(g) && is_tuple(f)) return in_any_order(e, g, f);
    if (is_tuple(g) && is_loose(f)) return in_order(e, g, f);
    return RZ_MATH_DIFFERENT;
}

static rz_math_verdict matrices(math_env *e, const math_node *g, const math_node *f)
{
    g = rz_math_matrix(e, g);
    f = rz_math_matrix(e, f);
    e->rung = RZ_MATH_BY_SHAPE;
    if (!g || !f) return RZ_MATH_UNKNOWN;
    if (g->kind != f->kind || g->n != f->n) return RZ_MATH_DIFFERENT;
    rz_math_verdict v = RZ_MATH_EQUAL;
    const math_node *y = f->first;
    for (const math_node *x = g->first; x && v != RZ_MATH_DIFFERENT; x = x->next, y = y->next) v = both(v, in_order(e, x, y));
    return v;
}

static bool has_matrix(const math_node *n)
{
    if (n->kind == M_MATRIX) return true;
    if (n->kind == M_FN || n->kind == M_CALL) return false;
    for (const math_node *k = n->first; k; k = k->next)
        if (has_matrix(k)) return true;
    return false;
}

/* ---- words, units, percent ---- */

static rz_math_verdict words(const math_node *g, const math_node *f)
{
    char a[WORD], b[WORD];
    size_t la = 0, lb = 0;
    if (!rz_math_word(g, a, sizeof a, &la) || !rz_math_word(f, b, sizeof b, &lb)) return RZ_MATH_UNKNOWN;
    return verdict(la == lb && la > 0 && strncasecmp(a, b, la) == 0);
}

static const math_node *strip(const math_node *n, math_kind kind, bool *negative, rz_slice *text)
{
    const math_node *k = n->kind == M_NEG ? n->first : n;
    *negative = n->kind == M_NEG && k->kind == kind;
    if (k->kind != kind) return NULL;
    *text = k->text;
    return k->first;
}

static const math_node *signed_value(math_env *e, const math_node *n, bool negative)
{
    math_node *c = negative ? rz_math_copy(e, n) : NULL;
    return c ? rz_math_node2(e, M_NEG, c, NULL) : n;
}

/* "cm", "centimeters" and "centimeter" are one. */
static rz_slice unit_name(rz_slice t)
{
    static const char *const same[][4] = {{"cm", "centimeter", "centimetre"}, {"mm", "millimeter", "millimetre"}, {"km", "kilometer", "kilometre"},
        {"m", "meter", "metre"}, {"kg", "kilogram"}, {"g", "gram"}, {"ft", "foot", "feet"}, {"in", "inch", "inche"}, {"h", "hour", "hr"}, {"min", "minute"},
        {"s", "second", "sec"}, {"degree", "deg", "\u00b0"}, {"dollar", "usd"}, {"yd", "yard"}, {"lb", "pound"}};
    t = rz_trim(t);
    for (int plural = 0; plural < 2; plural++) {
        size_t len = t.len - (size_t)plural;
        if (plural && (t.len < 3 || t.s[t.len - 1] != 's')) break;
        for (size_t i = 0; i < sizeof same / sizeof *same; i++)
            for (int k = 0; k < 4 && same[i][k]; k++)
                if (strlen(same[i][k]) == len && strncasecmp(same[i][k], t.s, len) == 0) return (rz_slice){same[i][0], strlen(same[i][0])};
    }
    if (t.len > 2 && t.s[t.len - 1] == 's') t.len--;
    return t;
}

static bool same_unit(rz_slice a, rz_slice b)
{
    a = unit_name(a);
    b = unit_name(b);
    return a.len == b.len && strncasecmp(a.s, b.s, a.len) == 0;
}

static bool is_decimal(const math_node *n)
{
    while (n->kind == M_NEG || n->kind == M_PERCENT) n = n->first;
    return n->kind == M_NUM && n->flags & DECIMAL;
}

static rz_math_verdict numbers(math_env *e, const math_node *g, const math_node *f)
{
    int digits = e->options->digits;
    return rz_math_scalars(e, g, f, digits >= 0 && (is_decimal(g) || is_decimal(f)) ? digits : -1);
}

static rz_math_verdict percents(math_env *e, const math_node *g, const math_node *f)
{
    bool g_minus, f_minus;
    rz_slice t;
    const math_node *gv = strip(g, M_PERCENT, &g_minus, &t), *fv = strip(f, M_PERCENT, &f_minus, &t);
    rz_math_percent policy = e->options->percent;
    if ((!gv && !fv) || (gv && fv) || policy == RZ_MATH_PERCENT_STRICT) return numbers(e, g, f);
    if (policy == RZ_MATH_PERCENT_EITHER) {
        rz_math_verdict v = numbers(e, g, f);
        if (v == RZ_MATH_EQUAL) return v;
    }
    return numbers(e, gv ? signed_value(e, gv, g_minus) : g, fv ? signed_value(e, fv, f_minus) : f);
}

static rz_math_verdict measured(math_env *e, const math_node *g, const math_node *f)
{
    bool g_minus, f_minus;
    rz_slice gu = {"", 0}, fu = {"", 0};
    const math_node *gv = strip(g, M_UNIT, &g_minus, &gu), *fv = strip(f, M_UNIT, &f_minus, &fu);
    if (!gv && !fv) return percents(e, g, f);
    rz_math_units policy = e->options->units;
    e->rung = RZ_MATH_BY_SHAPE;
    if (policy == RZ_MATH_UNITS_STRICT && (!gv || !fv)) return RZ_MATH_DIFFERENT;
    if (policy != RZ_MATH_UNITS_DROP && gv && fv && !same_unit(gu, fu)) return RZ_MATH_DIFFERENT;
    return percents(e, gv ? signed_value(e, gv, g_minus) : g, fv ? signed_value(e, fv, f_minus) : f);
}

/* A fraction of whole numbers with a common factor, or over one. */
static bool is_unreduced(math_env *e, const math_node *n)
{
    if (n->kind == M_NEG) n = n->first;
    if (n->kind != M_DIV || n->first->kind != M_NUM || n->last->kind != M_NUM) return false;
    math_node *a = rz_math_copy(e, n->first), *b = rz_math_copy(e, n->last), *gcd = a && b ? rz_math_node2(e, M_FN, a, b) : NULL;
    int64_t g, den;
    if (!gcd) return true;
    gcd->op = FN_GCD;
    return !rz_math_small(e, gcd, &g) || g != 1 || !rz_math_small(e, n->last, &den) || den == 1;
}

static rz_math_verdict equal(math_env *e, const math_node *g, const math_node *f)
{
    const rz_math_options *o = e->options;
    if (++e->depth > RZ_MATH_MAX_DEPTH || --e->work_left <= 0) {
        e->depth--;
        return RZ_MATH_UNKNOWN;
    }
    rz_math_verdict v;
    bool f_unwraps = o->assign == RZ_MATH_ASSIGN_LAST ? is_equation(f) : o->assign == RZ_MATH_ASSIGN_VALUE && is_assignment(f);
    if (f_unwraps && !is_equation(g)) f = right_side(e, f);
    else if (o->assign != RZ_MATH_ASSIGN_STRICT && is_assignment(g) && !is_equation(f)) g = right_side(e, g);
    math_node *set = NULL;
    if (o->relation != RZ_MATH_RELATION_STRICT && g->kind == M_REL && is_container(f) && (set = solution(e, g))) g = set;
    else if (o->relation == RZ_MATH_RELATION_BOTH && f->kind == M_REL && is_container(g) && (set = solution(e, f))) f = set;
    if (!(o->reduced && is_unreduced(e, f)) && rz_math_same(g, f)) e->rung = RZ_MATH_BY_TEXT, v = RZ_MATH_EQUAL;
    else if (inner(g)->kind == M_REL && inner(f)->kind == M_REL) v = relations(e, g, f);
    else if (is_container(g) || is_container(f)) v = containers(e, g, f);
    else if (inner(g)->kind == M_REL || inner(f)->kind == M_REL) e->rung = RZ_MATH_BY_SHAPE, v = RZ_MATH_DIFFERENT;
    else if (has_matrix(g) || has_matrix(f)) v = matrices(e, g, f);
    else if ((g->kind == M_TEXT || f->kind == M_TEXT || (g->kind == M_VAR && f->kind == M_VAR)) && (v = words(g, f)) != RZ_MATH_UNKNOWN) e->rung = RZ_MATH_BY_TEXT;
    else if (o->reduced && is_unreduced(e, f)) e->rung = RZ_MATH_BY_SHAPE, v = RZ_MATH_DIFFERENT;
    else v = measured(e, g, f);
    e->depth--;
    return v;
}

/* ---- names by order ---- */

static int collect(const math_node *n, rz_slice *names, int count)
{
    if (n->kind == M_VAR) {
        int i = 0;
        while (i < count && !(names[i].len == n->text.len && memcmp(names[i].s, n->text.s, n->text.len) == 0)) i++;
        if (i == count && count < 16) names[count++] = n->text;
    }
    for (const math_node *k = n->first; k; k = k->next) count = collect(k, names, count);
    return count;
}

static void rename_all(math_node *n, const rz_slice *from, const rz_slice *to, int count)
{
    for (int i = 0; n->kind == M_VAR && i < count; i++)
        if (from[i].len == n->text.len && memcmp(from[i].s, n->text.s, n->text.len) == 0) {
            n->text = to[i];
            break;
        }
    for (math_node *k = n->first; k; k = k->next) rename_all(k, from, to, count);
}

rz_math_verdict rz_math_compare(math_env *e, const math_node *gold, math_node *found)
{
    rz_slice a[16], b[16];
    if (e->options->any_variables) {
        int n = collect(gold, a, 0);
        if (collect(found, b, 0) == n) rename_all(found, b, a, n);
    }
    return equal(e, gold, found);
}
