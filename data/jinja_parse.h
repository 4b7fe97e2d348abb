/* The parser, in two files: expressions (jinja_parse.c) and statements (jinja_statements.c). */
#ifndef RZ_DATA_JINJA_PARSE_H
#define RZ_DATA_JINJA_PARSE_H
#include "data/jinja_tree.h"

/* The parser: precedence and shapes are those of Jinja's own grammar. Fields of a node:
 *   N_LITERAL v · N_NAME name · N_LIST, N_TUPLE list · N_DICT list (key, value, …) · N_NEGATE, N_PLUS, N_NOT a · N_BINARY op a b · N_AND, N_OR a b
 *   N_COMPARE a, list of N_BINARY (op, b: the right-hand side) · N_CONDITION a ? b : c (NULL: undefined) · N_JOIN list (~) · N_ATTRIBUTE a name
 *   N_INDEX a b · N_SLICE a [b:c:d] (NULL: not given) · N_CALL a list · N_FILTER, N_TEST a row list · N_KEYWORD name a (in lists of arguments, last)
 *   N_BODY list · N_OUTPUT a · N_IF list (condition or NULL, body, …) · N_FOR target a, over b, if c or NULL, body d, else list[0]
 *   N_SET target a, b · N_SET_BLOCK target a, body b · N_MACRO name, list of N_KEYWORD (a: default or NULL), body b */

typedef struct {
    run *r;
    const token *t;
    int loops; /* that are open here, within this macro */
} parser;

__attribute__((noreturn, format(printf, 2, 3))) void rz_p_fail(parser *p, const char *fmt, ...); /* at the next token */
bool rz_p_is_op(const parser *p, const char *op);
bool rz_p_is_name(const parser *p, const char *name);
bool rz_p_take_op(parser *p, const char *op);
bool rz_p_take_name(parser *p, const char *name);
void rz_p_expect_op(parser *p, const char *op);
const char *rz_p_take_any_name(parser *p, const char *what);
bool rz_p_is_reserved(const parser *p);
const char *rz_p_describe(parser *p); /* the next token, for messages */

node *rz_p_make(parser *p, node_kind kind, uint32_t at, node *a, node *b);
node *rz_p_named(parser *p, node_kind kind, uint32_t at, node *a, const char *name);
node *rz_p_literal(parser *p, value v); /* takes the token */
void rz_p_deepen(parser *p, node *n, const node *child);
void rz_p_append(parser *p, node *n, node *item);
node *rz_p_tuple_of(parser *p, node *(*item)(parser *p));

node *rz_p_expression(parser *p);
node *rz_p_either(parser *p); /* without "a if b else c" */
#endif
