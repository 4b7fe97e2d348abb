/* From tokens to trees: lists, relations, brackets of all kinds, unions. */
#include "rewards/math_parser.h"

static math_node *set_operation(math_parser *p)
{
    static const struct { uint8_t token, kind; } operations[] = {{T_CUP, M_UNION}, {T_CAP, M_CAP}, {T_SETMINUS, M_MINUS}};
    math_node *n = rz_math_sum(p);
    while (n) {
        size_t i = 0;
        while (i < 3 && operations[i].token != kind(p)) i++;
        if (i == 3) return n;
        p->at++;
        math_node *x = rz_math_sum(p);
        if (!x) return fail(p);
        if (n->kind == operations[i].kind && n->kind == M_UNION) {
            rz_math_adopt(n, x);
        } else {
            n = rz_math_node2(p->e, operations[i].kind, n, x);
            if (!n) return fail(p);
        }
    }
    return NULL;
}

static bool relates(int k)
{
    return k == '=' || k == '<' || k == '>' || k == T_LE || k == T_GE || k == T_NE || k == T_IN || k == T_APPROX || k == T_TO || k == T_SUBSET;
}

bool rz_math_names_only(const math_node *n)
{
    if (n->kind == M_VAR || n->kind == M_TEXT) return true;
    if (n->kind == M_NUM || (n->kind == M_CONST && n->op == CONST_INF)) return false;
    if (n->n == 0) return n->kind == M_CONST; /* e, i: letters that were meant as names */
    for (const math_node *k = n->first; k; k = k->next)
        if (!rz_math_names_only(k) && !(n->kind == M_CALL)) return false;
    return true;
}

static math_node *chain_of(math_parser *p)
{
    math_node *n = set_operation(p), *chain = NULL;
    while (n && relates(kind(p))) {
        int k = kind(p);
        p->at++;
        if (k == '=' && kind(p) == '>') p->at++; /* => */
        math_node *x = set_operation(p);
        if (!x) return fail(p);
        if (k == T_APPROX) { /* what is only near counts when nothing exact was said: x ≈ 11 */
            if (!chain && rz_math_names_only(n)) n = x;
            continue;
        }
        if (!chain && !(chain = rz_math_node2(p->e, M_REL, n, NULL))) return fail(p);
        math_node *link = rz_math_node2(p->e, M_ROW, x, NULL); /* holds the relation, since op of x may be taken */
        if (!link) return fail(p);
        link->op = (uint8_t)(k == T_IN ? '=' : k);
        rz_math_adopt(chain, link);
        n = chain;
    }
    return n;
}

static bool add_element(math_parser *p, math_node *into)
{
    bool outer = p->has_pm;
    p->has_pm = false;
    math_node *x = chain_of(p);
    if (!x) return false;
    if (p->has_pm) x->flags |= HAS_PM;
    p->has_pm = outer;
    rz_math_adopt(into, x);
    return true;
}

/* The elements with each ± read as + and as −. What both share differs by the sign only. */
static math_node *expanded(math_parser *p, math_node *list)
{
    math_node *all = rz_math_node(p->e, (math_kind)list->kind), *next;
    for (math_node *x = list->first; all && x; x = next) {
        next = x->next;
        if (!(x->flags & HAS_PM)) {
            rz_math_adopt(all, x);
            continue;
        }
        x->next = NULL;
        for (int sign = 1; sign >= -1; sign -= 2) {
            math_node *s = rz_math_node(p->e, M_SIGNED);
            if (!s) return fail(p);
            s->first = s->last = x;
            s->n = 1;
            s->sign = (int8_t)sign;
            rz_math_adopt(all, s);
        }
    }
    return all ? all : fail(p);
}

static bool closes(int k) { return k == ')' || k == ']' || k == '}' || k == T_RBRACE || k == T_END || k == T_RANGLE; }

bool rz_math_elements(math_parser *p, math_node *into)
{
    if (closes(kind(p))) return true;
    do {
        while (kind(p) == ',') p->at++;
        if (closes(kind(p))) return true;
        if (!add_element(p, into)) return false;
        p->has_pm |= (into->last->flags & HAS_PM) != 0; /* of arguments: the element around them is two */
    } while (kind(p) == ',' || (kind(p) == ';' && p->at++ >= 0 && closes(kind(p))));
    return true;
}

/* Elements parted by commas and semicolons. One: itself. Semicolons around commas: a list of tuples. */
static math_node *elements(math_parser *p, bool *semicolons)
{
    math_node *all = rz_math_node(p->e, M_LIST), *group = NULL;
    bool singles = true;
    if (!all) return fail(p);
    *semicolons = false;
    while (!closes(kind(p))) {
        if (!group && !(group = rz_math_node(p->e, M_TUPLE))) return fail(p);
        if (kind(p) == ',') {
            p->at++;
            continue;
        }
        if (kind(p) == ';') {
            p->at++;
            *semicolons = true;
        } else {
            if (!add_element(p, group)) return fail(p);
            if (kind(p) != ',' && kind(p) != ';' && !closes(kind(p))) return p->in_set && (kind(p) == '|' || kind(p) == ':') ? group->first : fail(p);
            if (kind(p) != ';' && !closes(kind(p))) continue;
            singles &= group->n == 1;
            rz_math_adopt(all, group);
            group = NULL;
        }
    }
    if (group && group->n) rz_math_adopt(all, group);
    if (all->n == 0) return all;
    if (all->n > 1 && !singles) {
        math_node *tuples = rz_math_node(p->e, M_LIST);
        for (math_node *g = all->first, *next; tuples && g; g = next) {
            next = g->next;
            if (!(g = expanded(p, g))) return NULL;
            rz_math_adopt(tuples, g);
        }
        return tuples ? tuples : fail(p);
    }
    math_node *list = rz_math_node(p->e, M_LIST);
    if (!list) return fail(p);
    for (math_node *g = all->first; g; g = g->next)
        for (math_node *x = g->first, *next; x; x = next) next = x->next, rz_math_adopt(list, x);
    return list;
}

static math_node *bracketed(math_parser *p, math_node *list, int open, int close, bool semicolons)
{
    bool alone = list->n == 1 && open != T_LBRACE;
    if (alone && list->first->flags & HAS_PM && p->e->options->faithful) return fail(p); /* there only a whole element has one */
    if (alone && list->first->flags & HAS_PM) p->has_pm = true; /* (1 ± 2)/3: of the whole */
    else if (!(list = expanded(p, list))) return NULL;
    if (open == T_LBRACE) {
        list->kind = list->n ? M_SET : M_SETNAME;
        if (!list->n) list->op = '0';
        return list;
    }
    if (list->n == 0) return fail(p);
    if (list->n == 1 && open == '[' && close == ']' && !p->e->options->faithful && list->first->kind != M_MATRIX && p->depth == 1) list->kind = M_TUPLE;
    else if (list->n == 1) return list->first;
    else if (open == '{') list->kind = M_SET;
    else if (list->n == 2 && !semicolons && open != T_LANGLE) list->kind = M_INTERVAL;
    else list->kind = M_TUPLE;
    if (list->kind == M_INTERVAL) list->flags = (uint8_t)((open == '(' ? OPEN_LOW : 0) | (close == ')' ? OPEN_HIGH : 0));
    if (list->kind == M_TUPLE && semicolons) { /* (0;0;0): groups of one are flat already; (1,2;3) becomes flat */
        math_node *flat = rz_math_node(p->e, M_TUPLE);
        if (!flat) return fail(p);
        for (math_node *k = list->first, *next; k; k = next) {
            next = k->next;
            if (k->kind != M_TUPLE) rz_math_adopt(flat, k);
            else for (math_node *x = k->first, *after; x; x = after) after = x->next, rz_math_adopt(flat, x);
        }
        return flat;
    }
    return list;
}

static bool partner(int open, int close)
{
    if (open == T_LBRACE) return close == T_RBRACE;
    if (open == T_LANGLE) return close == T_RANGLE;
    if (open == '{') return close == '}';
    return close == ')' || close == ']';
}

math_node *rz_math_group(math_parser *p)
{
    if (++p->depth > RZ_MATH_MAX_DEPTH) return fail(p);
    int open = kind(p), bars = p->bars;
    bool in_set = p->in_set, semicolons;
    p->at++;
    p->bars = 0;
    p->in_set = open == T_LBRACE;
    math_node *list = elements(p, &semicolons);
    if (!list || p->bad) return fail(p);
    if (p->e->options->faithful && open == T_LANGLE && list->n > 1) return fail(p);
    if (p->in_set && !p->e->options->faithful && (kind(p) == '|' || kind(p) == ':')) { /* {x | condition} is the condition */
        p->in_set = false;
        p->at++;
        list = chain_of(p);
        if (!list || list->kind != M_REL || kind(p) != T_RBRACE) return fail(p);
        p->at++;
    } else {
        int close = kind(p);
        if (!partner(open, close)) return fail(p);
        p->at++;
        list = bracketed(p, list, open, close, semicolons);
    }
    p->bars = bars;
    p->in_set = in_set;
    p->depth--;
    return list;
}

/* a = 1, 2, 3 says that a is each of them. */
static math_node *spread(math_parser *p, math_node *list)
{
    math_node *head = list->first;
    if (list->n < 2 || head->kind != M_REL || head->n != 2 || head->last->op != '=' || !rz_math_names_only(head->first)) return list;
    for (const math_node *k = head->next; k; k = k->next)
        if (k->kind == M_REL || (k->kind == M_SIGNED && k->first->kind == M_REL)) return list;
    math_node *values = rz_math_node(p->e, M_LIST), *link = head->last;
    if (!values) return fail(p);
    math_node *rest = head->next;
    rz_math_adopt(values, link->first);
    for (math_node *next; rest; rest = next) next = rest->next, rz_math_adopt(values, rest);
    link->first = link->last = NULL;
    link->n = 0;
    rz_math_adopt(link, values);
    head->next = NULL;
    return head;
}

math_node *rz_math_parse(math_env *e, rz_slice text)
{
    math_parser p = {.e = e};
    int n;
    bool semicolons;
    if (!rz_math_lex(e, text, &p.t, &n)) return NULL;
    math_node *list = elements(&p, &semicolons);
    if (!list || p.bad || kind(&p) != T_END || list->n == 0) return NULL;
    if (list->n == 1 && !(list->first->flags & HAS_PM)) return list->first;
    list = expanded(&p, list);
    return list ? spread(&p, list) : NULL;
}
