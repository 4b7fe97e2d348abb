#include "data/jinja_parse.h"
#include <stdio.h>

/* Statements: what stands in {% … %}. */

static void end_block(parser *p)
{
    if (p->t->kind != TK_BLOCK_END) rz_p_fail(p, "expected %%}, found %.60s", rz_p_describe(p));
    p->t++;
}

static node *body(parser *p, const char *const *ends);

static node *target_item(parser *p)
{
    uint32_t at = p->t->at;
    if (rz_p_take_op(p, "(")) {
        rz_jinja_deeper(p->r);
        node *n = rz_p_tuple_of(p, target_item);
        rz_p_expect_op(p, ")");
        p->r->depth--;
        return n;
    }
    if (rz_p_is_reserved(p)) rz_p_fail(p, "expected a name to assign to, found %.60s", rz_p_describe(p));
    node *n = rz_p_named(p, N_NAME, at, NULL, rz_p_take_any_name(p, "a name to assign to"));
    return rz_p_is_op(p, ".") && p->t++ ? rz_p_named(p, N_ATTRIBUTE, at, n, rz_p_take_any_name(p, "a name behind the dot")) : n;
}

static node *for_statement(parser *p, uint32_t at)
{
    static const char *const ends[] = {"else", "endfor", NULL}, *const only_end[] = {"endfor", NULL};
    node *n = rz_p_make(p, N_FOR, at, rz_p_tuple_of(p, target_item), NULL);
    if (!rz_p_take_name(p, "in")) rz_p_fail(p, "expected 'in', found %.60s", rz_p_describe(p));
    n->b = rz_p_tuple_of(p, rz_p_either);
    if (rz_p_take_name(p, "if")) n->c = rz_p_expression(p);
    if (rz_p_is_name(p, "recursive")) rz_p_fail(p, "a recursive loop is not supported");
    end_block(p);
    p->loops++;
    n->d = body(p, ends);
    p->loops--;
    rz_p_deepen(p, n, n->b);
    rz_p_deepen(p, n, n->c);
    rz_p_deepen(p, n, n->d);
    if (rz_p_take_name(p, "else")) {
        end_block(p);
        rz_p_append(p, n, body(p, only_end));
    }
    p->t++; /* endfor */
    return n;
}

static node *if_statement(parser *p, uint32_t at)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL}, *const only_end[] = {"endif", NULL};
    node *n = rz_p_make(p, N_IF, at, NULL, NULL);
    do {
        rz_p_append(p, n, rz_p_tuple_of(p, rz_p_either));
        end_block(p);
        rz_p_append(p, n, body(p, ends));
    } while (rz_p_take_name(p, "elif"));
    if (rz_p_take_name(p, "else")) {
        end_block(p);
        rz_p_append(p, n, NULL);
        rz_p_append(p, n, body(p, only_end));
    }
    p->t++; /* endif */
    return n;
}

static node *set_statement(parser *p, uint32_t at)
{
    static const char *const ends[] = {"endset", NULL};
    node *target = rz_p_tuple_of(p, target_item);
    if (rz_p_take_op(p, "=")) return rz_p_make(p, N_SET, at, target, rz_p_tuple_of(p, rz_p_expression));
    if (rz_p_is_op(p, "|")) rz_p_fail(p, "a filter on a set block is not supported");
    if (target->kind != N_NAME) rz_p_fail(p, "a set block assigns to one name");
    end_block(p);
    node *n = rz_p_make(p, N_SET_BLOCK, at, target, body(p, ends));
    p->t++;
    return n;
}

static node *macro_statement(parser *p, uint32_t at)
{
    static const char *const ends[] = {"endmacro", NULL};
    node *n = rz_p_named(p, N_MACRO, at, NULL, rz_p_take_any_name(p, "the name of a macro"));
    bool defaults = false;
    rz_p_expect_op(p, "(");
    while (!rz_p_take_op(p, ")")) {
        uint32_t where = p->t->at;
        const char *name = rz_p_take_any_name(p, "a parameter");
        bool has = rz_p_take_op(p, "=");
        if (defaults && !has) rz_p_fail(p, "a parameter without a default follows one that has a default");
        defaults |= has;
        rz_p_append(p, n, rz_p_named(p, N_KEYWORD, where, has ? rz_p_expression(p) : NULL, name));
        if (!rz_p_is_op(p, ")")) rz_p_expect_op(p, ",");
    }
    end_block(p);
    int loops = p->loops;
    p->loops = 0;
    n->b = body(p, ends);
    p->loops = loops;
    rz_p_deepen(p, n, n->b);
    p->t++;
    return n;
}

static node *generation_statement(parser *p, uint32_t at)
{
    static const char *const ends[] = {"endgeneration", NULL};
    (void)at;
    end_block(p);
    node *n = body(p, ends);
    p->t++;
    return n;
}

static node *loop_control(parser *p, uint32_t at, node_kind kind)
{
    if (!p->loops) rz_p_fail(p, "'%s' stands outside a loop", kind == N_BREAK ? "break" : "continue");
    return rz_p_make(p, kind, at, NULL, NULL);
}
static node *break_statement(parser *p, uint32_t at) { return loop_control(p, at, N_BREAK); }
static node *continue_statement(parser *p, uint32_t at) { return loop_control(p, at, N_CONTINUE); }

static const struct { const char *name; node *(*parse)(parser *p, uint32_t at); } statements[] = {
    {"for", for_statement}, {"if", if_statement}, {"set", set_statement}, {"macro", macro_statement}, {"generation", generation_statement},
    {"break", break_statement}, {"continue", continue_statement},
};

static bool at_end(const parser *p, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (rz_p_is_name(p, *ends)) return true;
    return false;
}

/* Behind "{%". */
static node *statement(parser *p)
{
    uint32_t at = p->t->at;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!rz_p_take_name(p, statements[i].name)) continue;
        node *n = statements[i].parse(p, at);
        end_block(p);
        return n;
    }
    if (p->t->kind == TK_NAME && p->t->len > 3 && memcmp(p->t->text, "end", 3) == 0) rz_p_fail(p, "unexpected {%% %.40s %%}", rz_p_describe(p));
    rz_p_fail(p, "the statement %.60s is not supported", rz_p_describe(p));
}

/* Everything up to one of the ends, which is the next token then ("{%" is taken); NULL: to the end of the template. */
static node *body(parser *p, const char *const *ends)
{
    uint32_t start = p->t->at;
    node *n = rz_p_make(p, N_BODY, start, NULL, NULL);
    rz_jinja_deeper(p->r);
    while (p->t->kind != TK_END) {
        uint32_t at = p->t->at;
        if (p->t->kind == TK_TEXT) {
            rz_p_append(p, n, rz_p_make(p, N_OUTPUT, at, rz_p_literal(p, rz_v_string(p->t->text, p->t->len)), NULL));
        } else if (p->t->kind == TK_OUTPUT) {
            p->t++;
            rz_p_append(p, n, rz_p_make(p, N_OUTPUT, at, rz_p_tuple_of(p, rz_p_expression), NULL));
            if (p->t->kind != TK_OUTPUT_END) rz_p_fail(p, "expected }}, found %.60s", rz_p_describe(p));
            p->t++;
        } else {
            p->t++;
            if (at_end(p, ends)) {
                p->r->depth--;
                return n;
            }
            rz_p_append(p, n, statement(p));
        }
    }
    if (ends) {
        while (ends[1]) ends++;
        p->r->at = start;
        rz_jinja_fail(p->r, "{%% %s %%} is missing for the block that begins here", *ends);
    }
    p->r->depth--;
    return n;
}

node *rz_jinja_parse(run *r, const token *tokens)
{
    parser p = {.r = r, .t = tokens};
    return body(&p, NULL);
}
