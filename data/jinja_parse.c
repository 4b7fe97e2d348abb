#include "data/jinja_parse.h"
#include <stdarg.h>
#include <stdio.h>

/* Expressions. */

static node *unary(parser *p, bool with_filters);

/* ---- tokens ---- */

bool rz_p_is_op(const parser *p, const char *op) { return p->t->kind == TK_OP && p->t->len == strlen(op) && memcmp(p->t->text, op, p->t->len) == 0; }
bool rz_p_is_name(const parser *p, const char *name)
{
    return p->t->kind == TK_NAME && p->t->len == strlen(name) && memcmp(p->t->text, name, p->t->len) == 0;
}

bool rz_p_take_op(parser *p, const char *op)
{
    bool found = rz_p_is_op(p, op);
    p->t += found;
    return found;
}

bool rz_p_take_name(parser *p, const char *name)
{
    bool found = rz_p_is_name(p, name);
    p->t += found;
    return found;
}

__attribute__((noreturn, format(printf, 2, 3))) void rz_p_fail(parser *p, const char *fmt, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    p->r->at = p->t->at;
    rz_jinja_fail(p->r, "%s", text);
}

const char *rz_p_describe(parser *p)
{
    static const char *const ends[] = {[TK_TEXT] = "text", [TK_OUTPUT] = "{{", [TK_OUTPUT_END] = "}}", [TK_BLOCK] = "{%", [TK_BLOCK_END] = "%}",
                                       [TK_END] = "the end of the template"};
    const token *t = p->t;
    if (t->kind == TK_STRING) return "a string";
    if (t->kind != TK_NAME && t->kind != TK_OP && t->kind != TK_INT && t->kind != TK_FLOAT) return ends[t->kind];
    char *text = rz_jinja_new(p->r, t->len + 3, 1);
    snprintf(text, t->len + 3, "'%.*s'", (int)t->len, t->text);
    return text;
}

void rz_p_expect_op(parser *p, const char *op)
{
    if (!rz_p_take_op(p, op)) rz_p_fail(p, "expected '%s', found %.60s", op, rz_p_describe(p));
}

const char *rz_p_take_any_name(parser *p, const char *what)
{
    if (p->t->kind != TK_NAME) rz_p_fail(p, "expected %s, found %.60s", what, rz_p_describe(p));
    char *name = rz_jinja_new(p->r, p->t->len + 1, 1);
    memcpy(name, p->t->text, p->t->len);
    p->t++;
    return name;
}

/* ---- nodes ---- */

void rz_p_deepen(parser *p, node *n, const node *child)
{
    if (!child || child->depth < n->depth) return;
    n->depth = child->depth + 1;
    if (n->depth > RZ_JINJA_DEPTH) rz_p_fail(p, "the template is nested more than %d deep here", RZ_JINJA_DEPTH);
}

node *rz_p_make(parser *p, node_kind kind, uint32_t at, node *a, node *b)
{
    node *n = rz_jinja_new(p->r, 1, sizeof *n);
    n->kind = kind;
    n->at = at;
    n->a = a;
    n->b = b;
    n->depth = 1;
    rz_p_deepen(p, n, a);
    rz_p_deepen(p, n, b);
    return n;
}

void rz_p_append(parser *p, node *n, node *item)
{
    if ((n->n & (n->n - 1)) == 0) { /* 0, 1, 2, 4, …: full */
        node **more = rz_jinja_new(p->r, n->n ? 2 * (size_t)n->n : 1, sizeof(node *));
        if (n->n) memcpy(more, n->list, (size_t)n->n * sizeof *more);
        n->list = more;
    }
    n->list[n->n++] = item;
    rz_p_deepen(p, n, item);
}

node *rz_p_literal(parser *p, value v)
{
    node *n = rz_p_make(p, N_LITERAL, p->t->at, NULL, NULL);
    n->v = v;
    p->t++;
    return n;
}

node *rz_p_named(parser *p, node_kind kind, uint32_t at, node *a, const char *name)
{
    node *n = rz_p_make(p, kind, at, a, NULL);
    n->name = name;
    return n;
}

/* ---- primary expressions ---- */

static node *string_literal(parser *p)
{
    size_t len = 0;
    const token *end = p->t;
    while (end->kind == TK_STRING) len += end++->len;
    char *text = rz_jinja_new(p->r, len + 1, 1), *to = text;
    for (const token *t = p->t; t < end; t++) to = (char *)memcpy(to, t->text, t->len) + t->len;
    node *n = rz_p_literal(p, rz_v_string(text, len));
    p->t = end;
    return n;
}

bool rz_p_is_reserved(const parser *p)
{
    static const char *const words[] = {"if", "else", "elif", "and", "or", "in", "is", "for"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rz_p_is_name(p, words[i])) return true;
    return false;
}

static node *name_or_constant(parser *p)
{
    static const struct { const char *name; value v; } constants[] = {
        {"true", {V_BOOL, {.b = true}}}, {"True", {V_BOOL, {.b = true}}}, {"false", {V_BOOL, {.b = false}}}, {"False", {V_BOOL, {.b = false}}},
        {"none", {.kind = V_NONE}}, {"None", {.kind = V_NONE}},
    };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (rz_p_is_name(p, constants[i].name)) return rz_p_literal(p, constants[i].v);
    if (rz_p_is_reserved(p)) rz_p_fail(p, "expected an expression, found %.60s", rz_p_describe(p));
    uint32_t at = p->t->at;
    return rz_p_named(p, N_NAME, at, NULL, rz_p_take_any_name(p, "a name"));
}

static node *list_display(parser *p)
{
    node *n = rz_p_make(p, N_LIST, p->t++->at, NULL, NULL);
    while (!rz_p_take_op(p, "]")) {
        rz_p_append(p, n, rz_p_expression(p));
        if (!rz_p_is_op(p, "]")) rz_p_expect_op(p, ",");
    }
    return n;
}

static node *dict_display(parser *p)
{
    node *n = rz_p_make(p, N_DICT, p->t++->at, NULL, NULL);
    while (!rz_p_take_op(p, "}")) {
        rz_p_append(p, n, rz_p_expression(p));
        rz_p_expect_op(p, ":");
        rz_p_append(p, n, rz_p_expression(p));
        if (!rz_p_is_op(p, "}")) rz_p_expect_op(p, ",");
    }
    return n;
}

/* Expressions with commas between them: a tuple if there is a comma. `item` parses one. */
node *rz_p_tuple_of(parser *p, node *(*item)(parser *p))
{
    uint32_t at = p->t->at;
    node *first = item(p);
    if (!rz_p_is_op(p, ",")) return first;
    node *n = rz_p_make(p, N_TUPLE, at, NULL, NULL);
    rz_p_append(p, n, first);
    while (rz_p_take_op(p, ",")) {
        if (p->t->kind == TK_OUTPUT_END || p->t->kind == TK_BLOCK_END || rz_p_is_op(p, ")") || rz_p_is_op(p, "=") || rz_p_is_name(p, "in")) break;
        rz_p_append(p, n, item(p));
    }
    return n;
}

static node *parentheses(parser *p)
{
    uint32_t at = p->t++->at;
    if (rz_p_take_op(p, ")")) return rz_p_make(p, N_TUPLE, at, NULL, NULL);
    node *n = rz_p_tuple_of(p, rz_p_expression);
    rz_p_expect_op(p, ")");
    return n;
}

static node *primary(parser *p)
{
    rz_jinja_deeper(p->r);
    p->r->at = p->t->at;
    node *n;
    if (p->t->kind == TK_NAME) n = name_or_constant(p);
    else if (p->t->kind == TK_STRING) n = string_literal(p);
    else if (p->t->kind == TK_INT) n = rz_p_literal(p, rz_v_int(p->t->i));
    else if (p->t->kind == TK_FLOAT) n = rz_p_literal(p, (value){V_FLOAT, {.f = p->t->f}});
    else if (rz_p_is_op(p, "(")) n = parentheses(p);
    else if (rz_p_is_op(p, "[")) n = list_display(p);
    else if (rz_p_is_op(p, "{")) n = dict_display(p);
    else rz_p_fail(p, "expected an expression, found %.60s", rz_p_describe(p));
    p->r->depth--;
    return n;
}

/* ---- what follows a primary expression ---- */

/* "(a, b, name=c)" into n; the "(" is taken. */
static void arguments(parser *p, node *n)
{
    bool keywords = false;
    while (!rz_p_take_op(p, ")")) {
        uint32_t at = p->t->at;
        if (rz_p_is_op(p, "*") || rz_p_is_op(p, "**")) rz_p_fail(p, "arguments with * are not supported");
        if (p->t->kind == TK_NAME && p->t[1].kind == TK_OP && p->t[1].len == 1 && p->t[1].text[0] == '=') {
            const char *name = rz_p_take_any_name(p, "a name");
            p->t++;
            rz_p_append(p, n, rz_p_named(p, N_KEYWORD, at, rz_p_expression(p), name));
            keywords = true;
        } else {
            if (keywords) rz_p_fail(p, "an argument without a name follows one that has a name");
            rz_p_append(p, n, rz_p_expression(p));
        }
        if (!rz_p_is_op(p, ")")) rz_p_expect_op(p, ",");
    }
}

static node *subscript(parser *p, node *a, uint32_t at)
{
    node *part[3] = {0};
    int n = 0;
    bool slice = false;
    for (;; n++) {
        if (!rz_p_is_op(p, ":") && !rz_p_is_op(p, "]")) part[n] = rz_p_expression(p);
        if (n == 2 || !rz_p_take_op(p, ":")) break;
        slice = true;
    }
    if (rz_p_is_op(p, ",")) rz_p_fail(p, "a subscript with a comma is not supported");
    if (!slice && !part[0]) rz_p_fail(p, "a subscript is empty");
    rz_p_expect_op(p, "]");
    node *s = rz_p_make(p, slice ? N_SLICE : N_INDEX, at, a, part[0]);
    s->c = part[1];
    s->d = part[2];
    rz_p_deepen(p, s, s->c);
    rz_p_deepen(p, s, s->d);
    return s;
}

static node *call(parser *p, node *a, uint32_t at)
{
    node *n = rz_p_make(p, N_CALL, at, a, NULL);
    arguments(p, n);
    return n;
}

static node *postfix(parser *p, node *n)
{
    for (;;) {
        uint32_t at = p->t->at;
        if (rz_p_take_op(p, ".")) {
            if (p->t->kind == TK_INT) n = rz_p_make(p, N_INDEX, at, n, rz_p_literal(p, rz_v_int(p->t->i)));
            else n = rz_p_named(p, N_ATTRIBUTE, at, n, rz_p_take_any_name(p, "a name behind the dot"));
        } else if (rz_p_take_op(p, "[")) n = subscript(p, n, at);
        else if (rz_p_take_op(p, "(")) n = call(p, n, at);
        else return n;
    }
}

static const char *dotted_name(parser *p, const char *what)
{
    const char *name = rz_p_take_any_name(p, what);
    if (rz_p_is_op(p, ".")) rz_p_fail(p, "%s with a dot in its name is not supported", what);
    return name;
}

static node *filter(parser *p, node *a)
{
    uint32_t at = p->t->at;
    p->r->at = at;
    node *n = rz_p_named(p, N_FILTER, at, a, dotted_name(p, "the name of a filter"));
    n->row = rz_jinja_find_filter(n->name);
    p->r->at = at;
    if (n->row < 0) rz_jinja_fail(p->r, "the filter '%.60s' is not supported", n->name);
    if (rz_p_take_op(p, "(")) arguments(p, n);
    return n;
}

static node *test(parser *p, node *a)
{
    uint32_t at = p->t->at;
    bool negated = rz_p_take_name(p, "not");
    node *n = rz_p_named(p, N_TEST, at, a, dotted_name(p, "the name of a test"));
    n->row = rz_jinja_find_test(n->name);
    p->r->at = at;
    if (n->row < 0) rz_jinja_fail(p->r, "the test '%.60s' is not supported", n->name);
    bool ends = rz_p_is_name(p, "else") || rz_p_is_name(p, "or") || rz_p_is_name(p, "and");
    bool operand = (p->t->kind == TK_NAME && !ends) || p->t->kind == TK_STRING || p->t->kind == TK_INT || p->t->kind == TK_FLOAT || rz_p_is_op(p, "[") ||
                   rz_p_is_op(p, "{"); /* so "x is none if y" is refused, as Jinja does */
    if (rz_p_take_op(p, "(")) arguments(p, n);
    else if (rz_p_is_name(p, "is")) rz_p_fail(p, "tests cannot be chained with 'is'");
    else if (operand) rz_p_append(p, n, postfix(p, primary(p)));
    return negated ? rz_p_make(p, N_NOT, at, n, NULL) : n;
}

static node *filters(parser *p, node *n)
{
    for (;;) {
        uint32_t at = p->t->at;
        if (rz_p_take_op(p, "|")) n = filter(p, n);
        else if (rz_p_take_name(p, "is")) n = test(p, n);
        else if (rz_p_take_op(p, "(")) n = call(p, n, at);
        else return n;
    }
}

/* ---- operators, by rising precedence ---- */

static node *unary(parser *p, bool with_filters)
{
    uint32_t at = p->t->at;
    node *n;
    rz_jinja_deeper(p->r);
    if (rz_p_take_op(p, "-")) n = rz_p_make(p, N_NEGATE, at, unary(p, false), NULL);
    else if (rz_p_take_op(p, "+")) n = rz_p_make(p, N_PLUS, at, unary(p, false), NULL);
    else n = primary(p);
    n = postfix(p, n);
    p->r->depth--;
    return with_filters ? filters(p, n) : n;
}

typedef struct { const char *text; op_kind op; } operator_row;

/* Left to right: item (op item)*. */
static node *chain(parser *p, const operator_row *rows, node *(*item)(parser *p))
{
    node *n = item(p);
    for (;;) {
        const operator_row *row = rows;
        uint32_t at = p->t->at;
        while (row->text && !rz_p_take_op(p, row->text)) row++;
        if (!row->text) return n;
        n = rz_p_make(p, N_BINARY, at, n, item(p));
        n->op = row->op;
    }
}

static node *unary_with_filters(parser *p) { return unary(p, true); }

static node *power(parser *p)
{
    static const operator_row rows[] = {{"**", OP_POWER}, {0}};
    return chain(p, rows, unary_with_filters);
}

static node *product(parser *p)
{
    static const operator_row rows[] = {{"*", OP_MUL}, {"/", OP_DIV}, {"//", OP_FLOOR}, {"%", OP_MOD}, {0}};
    return chain(p, rows, power);
}

static node *join(parser *p)
{
    uint32_t at = p->t->at;
    node *first = product(p);
    if (!rz_p_is_op(p, "~")) return first;
    node *n = rz_p_make(p, N_JOIN, at, NULL, NULL);
    rz_p_append(p, n, first);
    while (rz_p_take_op(p, "~")) rz_p_append(p, n, product(p));
    return n;
}

static node *sum(parser *p)
{
    static const operator_row rows[] = {{"+", OP_ADD}, {"-", OP_SUB}, {0}};
    return chain(p, rows, join);
}

static bool take_comparison(parser *p, op_kind *op)
{
    static const operator_row rows[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT}, {"<=", OP_LE}, {">", OP_GT}, {">=", OP_GE}, {0}};
    for (const operator_row *row = rows; row->text; row++) {
        *op = row->op;
        if (rz_p_take_op(p, row->text)) return true;
    }
    *op = OP_IN;
    if (rz_p_take_name(p, "in")) return true;
    *op = OP_NOT_IN;
    bool found = rz_p_is_name(p, "not") && p->t[1].kind == TK_NAME && p->t[1].len == 2 && memcmp(p->t[1].text, "in", 2) == 0;
    p->t += found ? 2 : 0;
    return found;
}

static node *comparison(parser *p)
{
    uint32_t at = p->t->at;
    node *first = sum(p), *n = NULL;
    op_kind op;
    while (at = p->t->at, take_comparison(p, &op)) {
        if (!n) n = rz_p_make(p, N_COMPARE, at, first, NULL);
        node *right = rz_p_make(p, N_BINARY, at, NULL, sum(p));
        right->op = op;
        rz_p_append(p, n, right);
    }
    return n ? n : first;
}

static node *negation(parser *p)
{
    uint32_t at = p->t->at;
    if (!rz_p_take_name(p, "not")) return comparison(p);
    rz_jinja_deeper(p->r);
    node *n = rz_p_make(p, N_NOT, at, negation(p), NULL);
    p->r->depth--;
    return n;
}

static node *both(parser *p)
{
    node *n = negation(p);
    for (uint32_t at; at = p->t->at, rz_p_take_name(p, "and");) n = rz_p_make(p, N_AND, at, n, negation(p));
    return n;
}

node *rz_p_either(parser *p)
{
    node *n = both(p);
    for (uint32_t at; at = p->t->at, rz_p_take_name(p, "or");) n = rz_p_make(p, N_OR, at, n, both(p));
    return n;
}

node *rz_p_expression(parser *p)
{
    rz_jinja_deeper(p->r);
    node *n = rz_p_either(p);
    for (uint32_t at; at = p->t->at, rz_p_take_name(p, "if");) {
        n = rz_p_make(p, N_CONDITION, at, rz_p_either(p), n);
        if (rz_p_take_name(p, "else")) {
            n->c = rz_p_expression(p);
            rz_p_deepen(p, n, n->c);
        }
    }
    p->r->depth--;
    return n;
}
