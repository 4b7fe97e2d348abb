#include "rewards/math_tree.h"
#include <string.h>
#include <strings.h>

math_node *rz_math_node(math_env *e, math_kind kind)
{
    enum { CHUNK = 32 };
    if (e->nodes_left <= 0) return NULL;
    if (e->pool_left == 0) {
        e->pool = RZ_NEW(e->arena, CHUNK, math_node);
        e->pool_left = CHUNK;
    }
    e->nodes_left--;
    e->pool_left--;
    math_node *n = e->pool++;
    *n = (math_node){.kind = (uint8_t)kind, .base = 10, .scale = -1};
    return n;
}

void rz_math_adopt(math_node *parent, math_node *kid)
{
    kid->next = NULL;
    if (parent->last) parent->last->next = kid;
    else parent->first = kid;
    parent->last = kid;
    parent->n++;
}

math_node *rz_math_node2(math_env *e, math_kind kind, math_node *a, math_node *b)
{
    math_node *n = rz_math_node(e, kind);
    if (!n) return NULL;
    if (a) rz_math_adopt(n, a);
    if (b) rz_math_adopt(n, b);
    return n;
}

static bool same_text(rz_slice a, rz_slice b) { return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0); }

bool rz_math_same(const math_node *a, const math_node *b)
{
    if (a->kind != b->kind || a->op != b->op || a->n != b->n || a->sign != b->sign || a->scale != b->scale || a->repeat != b->repeat ||
        a->exp10 != b->exp10 || a->base != b->base || (a->kind == M_INTERVAL && a->flags != b->flags) || !same_text(a->text, b->text))
        return false;
    const math_node *y = b->first;
    for (const math_node *x = a->first; x; x = x->next, y = y->next)
        if (!rz_math_same(x, y)) return false;
    return true;
}

static bool append(char *out, size_t size, size_t *len, rz_slice t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (rz_is_space(t.s[i]) || t.s[i] == '(' || t.s[i] == ')') continue; /* (A) */
        if (*len == size) return false;
        out[(*len)++] = t.s[i];
    }
    return true;
}

bool rz_math_word(const math_node *n, char *out, size_t size, size_t *len)
{
    static const char constants[] = "?ei?";
    switch (n->kind) {
    case M_VAR:
    case M_TEXT: return append(out, size, len, n->text);
    case M_CONST: return (n->op == CONST_E || n->op == CONST_I) && append(out, size, len, (rz_slice){constants + n->op, 1});
    case M_MUL:
        for (const math_node *k = n->first; k; k = k->next)
            if ((k->kind != M_VAR && k->kind != M_CONST && k->kind != M_TEXT) || !rz_math_word(k, out, size, len)) return false;
        return true;
    default: return false;
    }
}

/* ---- symbols ---- */

enum { MAX_NAMES = 64 };

typedef struct { rz_slice name[MAX_NAMES]; int n; } names;

static bool holds(const names *all, rz_slice t)
{
    for (int i = 0; i < all->n; i++)
        if (all->name[i].len == t.len && memcmp(all->name[i].s, t.s, t.len) == 0) return true;
    return false;
}

static bool reckons(const math_node *n) { return n->kind >= M_ADD && n->kind <= M_FN; }

static void collect(const math_node *n, bool counts, bool all_count, names *all)
{
    if (n->kind == M_VAR && counts && all->n < MAX_NAMES && !holds(all, n->text)) all->name[all->n++] = n->text;
    for (const math_node *kid = n->first; kid; kid = kid->next) collect(kid, all_count || reckons(n), all_count, all);
}

bool rz_math_more_names(const math_node *found, const math_node *gold)
{
    names f = {.n = 0}, g = {.n = 0};
    collect(found, false, false, &f);
    collect(gold, true, true, &g);
    for (int i = 0; i < f.n && f.n < MAX_NAMES && g.n < MAX_NAMES; i++)
        if (!holds(&g, f.name[i])) return true;
    return false;
}
