/* What the files of the parser share. Private to rewards/math_atoms.c, math_parse.c, math_sets.c. */
#ifndef RZ_REWARDS_MATH_PARSER_H
#define RZ_REWARDS_MATH_PARSER_H
#include "rewards/math_tree.h"

typedef struct {
    math_env *e;
    math_token *t;  /* ends with T_END */
    int at, depth;
    int bars;       /* open |…| */
    bool in_set;    /* \{ … : a bar parts element and condition */
    bool has_pm;    /* ± was met in this element */
    bool bad;
} math_parser;

/* All of these return NULL when the text cannot be read; p->bad is set then. */

/* math_atoms.c */
math_node *rz_math_primary(math_parser *p);
math_node *rz_math_exponent(math_parser *p); /* what follows ^ */
math_node *rz_math_fraction(math_parser *p); /* at \frac */
math_node *rz_math_number(math_parser *p, const math_token *t);
rz_slice rz_math_joined(math_parser *p, rz_slice a, const char *b, size_t n); /* a_b */
bool rz_math_starts_factor(const math_parser *p);
/* math_parse.c */
math_node *rz_math_power(math_parser *p);
math_node *rz_math_product(math_parser *p);
math_node *rz_math_sum(math_parser *p);
/* math_sets.c */
/* From an opening bracket to its partner: a group, a pair or interval, a tuple, a set. */
math_node *rz_math_group(math_parser *p);
/* Elements up to the closing token, which is left; adopted by `into`. */
bool rz_math_elements(math_parser *p, math_node *into);

static inline int kind(const math_parser *p) { return p->t[p->at].kind; }

static inline math_node *fail(math_parser *p)
{
    p->bad = true;
    return NULL;
}

static inline bool accept(math_parser *p, int k)
{
    if (kind(p) != k) return false;
    p->at++;
    return true;
}

static inline math_node *make(math_parser *p, math_kind k, math_node *a, math_node *b)
{
    math_node *n = rz_math_node2(p->e, k, a, b);
    return n ? n : fail(p);
}

static inline math_node *make_fn(math_parser *p, int fn, math_node *a, math_node *b)
{
    math_node *n = make(p, M_FN, a, b);
    if (n) n->op = (uint8_t)fn;
    return n;
}

static inline math_node *named_unit(math_parser *p, math_node *value, const char *name, size_t len)
{
    math_node *n = value ? make(p, M_UNIT, value, NULL) : NULL;
    if (n) n->text = (rz_slice){name, len};
    return n;
}
#endif
