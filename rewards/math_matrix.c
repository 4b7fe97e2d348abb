/* Sums, multiples and products of matrices, made into one matrix. */
#include "rewards/math_tree.h"

enum { MAX_SIDE = 16 };

math_node *rz_math_copy(math_env *e, const math_node *n)
{
    math_node *c = rz_math_node(e, M_NUM);
    if (!c) return NULL;
    *c = *n;
    c->next = NULL;
    return c;
}

static const math_node *cell(const math_node *m, int i, int j)
{
    const math_node *r = m->first;
    while (i--) r = r->next;
    const math_node *x = r->first;
    while (j--) x = x->next;
    return x;
}

static math_node *combined(math_env *e, math_kind kind, const math_node *a, const math_node *b)
{
    math_node *x = a ? rz_math_copy(e, a) : NULL, *y = b ? rz_math_copy(e, b) : NULL;
    return (a && !x) || (b && !y) ? NULL : rz_math_node2(e, kind, x, y);
}

/* The cell (i, j) of what the operation makes of a and b; one of them may be a scalar. */
static math_node *cell_of(math_env *e, math_kind kind, const math_node *a, const math_node *b, int i, int j)
{
    bool ma = a->kind == M_MATRIX, mb = b && b->kind == M_MATRIX;
    if (kind != M_MUL || !ma || !mb) return combined(e, kind, ma ? cell(a, i, j) : a, mb ? cell(b, i, j) : b);
    math_node *sum = rz_math_node(e, M_ADD);
    for (int k = 0; sum && k < b->n; k++) {
        math_node *x = combined(e, M_MUL, cell(a, i, k), cell(b, k, j));
        if (!x) return NULL;
        rz_math_adopt(sum, x);
    }
    return sum;
}

static math_node *operate(math_env *e, math_kind kind, const math_node *a, const math_node *b)
{
    bool ma = a->kind == M_MATRIX, mb = b && b->kind == M_MATRIX, product = kind == M_MUL && ma && mb;
    if (!ma && !mb) return combined(e, kind, a, b);
    if (kind == M_ADD && (!ma || !mb)) return NULL;
    if (kind == M_DIV && mb) return NULL;
    int rows = ma ? a->n : b->n, columns = product || !ma ? b->first->n : a->first->n;
    if (rows > MAX_SIDE || columns > MAX_SIDE) return NULL;
    if (product ? a->first->n != b->n : ma && mb && (a->n != b->n || a->first->n != b->first->n)) return NULL;
    math_node *m = rz_math_node(e, M_MATRIX);
    for (int i = 0; m && i < rows; i++) {
        math_node *row = rz_math_node(e, M_ROW);
        if (!row) return NULL;
        rz_math_adopt(m, row);
        for (int j = 0; j < columns; j++) {
            math_node *x = cell_of(e, kind, a, b, i, j);
            if (!x) return NULL;
            rz_math_adopt(row, x);
        }
    }
    return m;
}

math_node *rz_math_matrix(math_env *e, const math_node *n)
{
    math_node *all, *x;
    switch (n->kind) {
    case M_NEG:
    case M_ADD:
    case M_MUL:
    case M_DIV:
        all = rz_math_matrix(e, n->first);
        if (all && n->kind == M_NEG) return operate(e, M_NEG, all, NULL);
        for (const math_node *k = n->first->next; all && k; k = k->next) {
            x = rz_math_matrix(e, k);
            all = x ? operate(e, n->kind, all, x) : NULL;
        }
        return all;
    case M_POW: {
        int64_t k;
        if (n->first->kind != M_MATRIX || !rz_math_small(e, n->last, &k) || k < 1 || k > 8) return rz_math_copy(e, n);
        all = x = rz_math_copy(e, n->first);
        while (all && --k) all = operate(e, M_MUL, all, x);
        return all;
    }
    default: return rz_math_copy(e, n);
    }
}
