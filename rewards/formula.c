#include "rewards/formula.h"
#include "base/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trees ---- */

typedef enum { NUMBER, POINTS, PASSED, SCORED, NEGATE, ADD, SUBTRACT, MULTIPLY, DIVIDE, MIN, MAX, CLAMP, LESS, LESS_EQUAL, EQUAL, UNEQUAL, NOT, AND, OR, CHOOSE } operation;

struct formula {
    operation op;
    bool is_condition;
    size_t at; /* byte of the text */
    double number;
    int rule;
    const formula *a, *b, *c;
};

typedef struct {
    const schema *s;
    const rz_yaml *source;
    const formula_names *names;
    const char *text;
    size_t at; /* of the token, which ends at `end` */
    size_t end;
    int n_nodes, depth;
} parser;

__attribute__((format(printf, 3, 4))) static const formula *bad(const parser *p, size_t at, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rz_schema_bad(p->s, rz_yaml_place(p->source, p->s->document, at), "combine: %s", text);
    return NULL;
}

static formula *node(parser *p, operation op, bool is_condition, size_t at, const formula *a, const formula *b, const formula *c)
{
    if (++p->n_nodes > FORMULA_NODES) {
        bad(p, at, "the expression has over %d parts", FORMULA_NODES);
        return NULL;
    }
    formula *f = RZ_ZNEW(p->s->arena, 1, formula);
    *f = (formula){.op = op, .is_condition = is_condition, .at = at, .a = a, .b = b, .c = c};
    return f;
}

/* ---- tokens: names, numbers, quoted names, signs ---- */

static bool is_name_byte(char c, bool first) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9'); }

static void next(parser *p)
{
    const char *t = p->text;
    size_t i = p->end;
    while (t[i] == ' ' || (t[i] >= '\t' && t[i] <= '\r')) i++;
    p->at = i;
    if (is_name_byte(t[i], true)) {
        while (is_name_byte(t[i], false)) i++;
    } else if ((t[i] >= '0' && t[i] <= '9') || t[i] == '.') {
        while (is_name_byte(t[i], false) || t[i] == '.' || ((t[i] == '-' || t[i] == '+') && (t[i - 1] | 0x20) == 'e')) i++; /* "1e-3"; "2x" is told as a whole */
    } else if (t[i] == '\'' || t[i] == '"') {
        const char *close = strchr(t + i + 1, t[i]);
        i = close ? (size_t)(close - t) + 1 : strlen(t);
    } else if (t[i]) {
        i += t[i + 1] == '=' && strchr("<>=!", t[i]) ? 2 : 1;
        while (((unsigned char)t[i] & 0xC0) == 0x80) i++;
    }
    p->end = i;
}

static bool is(const parser *p, const char *token) { return p->end - p->at == strlen(token) && memcmp(p->text + p->at, token, p->end - p->at) == 0; }

static bool take(parser *p, const char *token)
{
    if (!is(p, token)) return false;
    next(p);
    return true;
}

static bool expect(parser *p, const char *token)
{
    if (take(p, token)) return true;
    if (p->text[p->at])
        bad(p, p->at, "'%.*s' where '%s' was to be", (int)(p->end - p->at), p->text + p->at, token);
    else
        bad(p, p->at, "the expression ends where '%s' was to be", token);
    return false;
}

/* ---- conditions and numbers ---- */

/* A rule that stands alone is its points, or where a condition is asked for, whether it passes. */
static const formula *as_condition(parser *p, const formula *f)
{
    if (!f || f->is_condition) return f;
    if (f->op != POINTS) return bad(p, f->at, "a number where a condition was to be: compare it, as in x > 0");
    if (!p->names->passes(p->names->rules, f->rule))
        return bad(p, f->at, "the rule '%s' neither passes nor fails: compare its points, as in x > 0", p->names->name(p->names->rules, f->rule));
    formula *passed = node(p, PASSED, true, f->at, NULL, NULL, NULL);
    if (passed) passed->rule = f->rule;
    return passed;
}

static const formula *as_number(const parser *p, const formula *f)
{
    if (!f || !f->is_condition) return f;
    return bad(p, f->at, "a condition where a number was to be: say what it is worth, as in (x > 0 ? 1 : 0)");
}

/* ---- grammar ---- */

static const formula *parse_choice(parser *p);

static int find_rule(const parser *p, const char *name, size_t len)
{
    for (int i = 0; i < p->names->n; i++) {
        const char *have = p->names->name(p->names->rules, i);
        if (strlen(have) == len && memcmp(have, name, len) == 0) return i;
    }
    return -1;
}

static bool unknown_rule(const parser *p, size_t at, const char *name, size_t len)
{
    enum { MOST = 256 };
    const char *names[MOST];
    char given[128], list[256];
    int n = p->names->n < MOST ? p->names->n : MOST;
    for (int i = 0; i < n; i++) names[i] = p->names->name(p->names->rules, i);
    snprintf(given, sizeof given, "%.*s", (int)(len < 100 ? len : 100), name);
    const char *near = rz_nearest(given, names, n);
    bad(p, at, "there is no rule '%s'; %s %s", given, near ? "did you mean" : "rules are", near ? near : rz_schema_join(names, n, list, sizeof list));
    return false;
}

/* A name, or a name in quotes, which rules with - . / in their names need. */
static bool parse_rule(parser *p, int *rule)
{
    size_t at = p->at, from = at, to = p->end;
    bool quoted = p->text[at] == '\'' || p->text[at] == '"';
    if (quoted && (to - from < 2 || p->text[to - 1] != p->text[at])) return bad(p, at, "a quoted name does not end"), false;
    if (!quoted && !is_name_byte(p->text[at], true)) return bad(p, at, "the name of a rule was to be here"), false;
    if (quoted) from++, to--;
    *rule = find_rule(p, p->text + from, to - from);
    if (*rule < 0) return unknown_rule(p, at, p->text + from, to - from);
    next(p);
    return true;
}

static const formula *parse_number(parser *p)
{
    char digits[64], *end;
    size_t n = p->end - p->at;
    snprintf(digits, sizeof digits, "%.*s", (int)(n < 63 ? n : 63), p->text + p->at);
    double v = strtod(digits, &end);
    if (*end || n > 40 || strpbrk(digits, "xXpPnN") || v > FORMULA_LARGEST) return bad(p, p->at, "'%.*s' is no number up to 1e12", (int)(n < 40 ? n : 40), p->text + p->at);
    formula *f = node(p, NUMBER, false, p->at, NULL, NULL, NULL);
    if (f) f->number = v;
    next(p);
    return f;
}

/* passed(rule), scored(rule) */
static const formula *parse_state(parser *p, operation op)
{
    size_t at = p->at;
    int rule = 0;
    next(p);
    if (!expect(p, "(") || !parse_rule(p, &rule) || !expect(p, ")")) return NULL;
    if (op == PASSED && !p->names->passes(p->names->rules, rule))
        return bad(p, at, "the rule '%s' neither passes nor fails", p->names->name(p->names->rules, rule));
    formula *f = node(p, op, true, at, NULL, NULL, NULL);
    if (f) f->rule = rule;
    return f;
}

/* min(a, b, …), max(a, b, …), clamp(x, lowest, highest) */
static const formula *parse_call(parser *p, operation op)
{
    size_t at = p->at;
    const formula *all = NULL, *args[3] = {NULL};
    int n = 0;
    next(p);
    if (!expect(p, "(")) return NULL;
    do {
        const formula *f = as_number(p, parse_choice(p));
        if (!f) return NULL;
        if (op == CLAMP && n < 3) args[n] = f;
        n++;
        all = all ? node(p, op, false, at, all, f, NULL) : f;
        if (!all) return NULL;
    } while (take(p, ","));
    if (op == CLAMP && n != 3) return bad(p, at, "clamp has %d arguments, must have 3: clamp(x, lowest, highest)", n);
    if (!expect(p, ")")) return NULL;
    return op == CLAMP ? node(p, CLAMP, false, at, args[0], args[1], args[2]) : all;
}

static const struct { const char *name; operation op; const formula *(*parse)(parser *p, operation op); } calls[] = {
    {"passed", PASSED, parse_state}, {"scored", SCORED, parse_state}, {"min", MIN, parse_call}, {"max", MAX, parse_call}, {"clamp", CLAMP, parse_call}};

static const formula *parse_value(parser *p)
{
    int rule;
    char c = p->text[p->at];
    if (!c) return bad(p, p->at, "the expression ends too early");
    if (take(p, "(")) {
        const formula *f = parse_choice(p);
        return f && expect(p, ")") ? f : NULL;
    }
    if ((c >= '0' && c <= '9') || c == '.') return parse_number(p);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (is(p, calls[i].name)) return calls[i].parse(p, calls[i].op);
    if (!is_name_byte(c, true) && c != '\'' && c != '"') return bad(p, p->at, "'%.*s' where a value was to be", (int)(p->end - p->at), p->text + p->at);
    size_t at = p->at;
    if (!parse_rule(p, &rule)) return NULL;
    formula *f = node(p, POINTS, false, at, NULL, NULL, NULL);
    if (f) f->rule = rule;
    return f;
}

/* What opens a level: brackets, signs, not. */
static bool deeper(parser *p)
{
    if (++p->depth <= FORMULA_DEPTH) return true;
    bad(p, p->at, "the expression is nested deeper than %d", FORMULA_DEPTH);
    return false;
}

static const formula *parse_unary(parser *p)
{
    size_t at = p->at;
    const formula *f;
    if (!deeper(p)) return NULL;
    if (take(p, "-"))
        f = (f = as_number(p, parse_unary(p))) ? node(p, NEGATE, false, at, f, NULL, NULL) : NULL;
    else
        f = parse_value(p);
    p->depth--;
    return f;
}

/* The value of a tree without rules. */
static bool constant(const formula *f, double *v)
{
    if (!f) return false;
    if (f->op == POINTS || f->op == PASSED || f->op == SCORED) return false;
    double ignored;
    if ((f->a && !constant(f->a, &ignored)) || (f->b && !constant(f->b, &ignored)) || (f->c && !constant(f->c, &ignored))) return false;
    *v = rz_formula_evaluate(f, NULL, NULL).number;
    return true;
}

/* Dividing by what is not known at load could be dividing by 0. */
static const formula *divide(parser *p, size_t at, const formula *a, const formula *b)
{
    double v;
    if (!b) return NULL;
    if (!constant(b, &v)) return bad(p, b->at, "dividing by points, which may be 0: divide by numbers only");
    return v == 0 ? bad(p, b->at, "dividing by 0") : node(p, DIVIDE, false, at, a, b, NULL);
}

typedef struct { const char *sign; operation op; bool swap; } sign_row;

/* Left to right over the signs of one level. */
static const formula *parse_level(parser *p, const sign_row *rows, int n, const formula *(*operand)(parser *p))
{
    const formula *f = operand(p);
    for (int i = 0; f && i < n;) {
        size_t at = p->at;
        if (!take(p, rows[i].sign)) {
            i++;
            continue;
        }
        const formula *b = as_number(p, operand(p));
        f = as_number(p, f);
        if (!f || !b) return NULL;
        f = rows[i].op == DIVIDE ? divide(p, at, f, b) : node(p, rows[i].op, false, at, f, b, NULL);
        i = 0;
    }
    return f;
}

static const formula *parse_product(parser *p)
{
    static const sign_row rows[] = {{"*", MULTIPLY, false}, {"/", DIVIDE, false}};
    return parse_level(p, rows, 2, parse_unary);
}

static const formula *parse_sum(parser *p)
{
    static const sign_row rows[] = {{"+", ADD, false}, {"-", SUBTRACT, false}};
    return parse_level(p, rows, 2, parse_product);
}

/* One comparison: "a < b < c" would not mean what it seems to. */
static const formula *parse_comparison(parser *p)
{
    static const sign_row rows[] = {{"<", LESS, false}, {"<=", LESS_EQUAL, false}, {">", LESS, true}, {">=", LESS_EQUAL, true}, {"==", EQUAL, false}, {"!=", UNEQUAL, false}};
    const formula *a = parse_sum(p);
    for (size_t i = 0; a && i < sizeof rows / sizeof *rows; i++) {
        size_t at = p->at;
        if (!take(p, rows[i].sign)) continue;
        const formula *b = as_number(p, parse_sum(p));
        a = as_number(p, a);
        if (!a || !b) return NULL;
        return node(p, rows[i].op, true, at, rows[i].swap ? b : a, rows[i].swap ? a : b, NULL);
    }
    return a;
}

static const formula *parse_not(parser *p)
{
    size_t at = p->at;
    const formula *f;
    if (!is(p, "not")) return parse_comparison(p);
    if (!deeper(p)) return NULL;
    next(p);
    f = as_condition(p, parse_not(p));
    p->depth--;
    return f ? node(p, NOT, true, at, f, NULL, NULL) : NULL;
}

static const formula *parse_conditions(parser *p, const char *word, operation op, const formula *(*operand)(parser *p))
{
    const formula *f = operand(p);
    for (size_t at = p->at; f && take(p, word); at = p->at) {
        const formula *b = as_condition(p, operand(p));
        f = as_condition(p, f);
        if (!f || !b) return NULL;
        f = node(p, op, true, at, f, b, NULL);
    }
    return f;
}

static const formula *parse_and(parser *p) { return parse_conditions(p, "and", AND, parse_not); }
static const formula *parse_or(parser *p) { return parse_conditions(p, "or", OR, parse_and); }

static const formula *parse_choice(parser *p)
{
    if (!deeper(p)) return NULL;
    const formula *f = parse_or(p), *a = NULL, *b = NULL;
    size_t at = p->at;
    if (f && take(p, "?")) {
        f = as_condition(p, f);
        a = f ? as_number(p, parse_choice(p)) : NULL;
        b = a && expect(p, ":") ? as_number(p, parse_choice(p)) : NULL;
        f = b ? node(p, CHOOSE, false, at, f, a, b) : NULL;
    }
    p->depth--;
    return f;
}

bool rz_formula_parse(const formula **out, const schema *s, const rz_yaml *text, const formula_names *names)
{
    parser p = {.s = s, .source = text, .names = names, .text = text->text};
    if (strlen(p.text) > FORMULA_BYTES) return bad(&p, 0, "the expression has over %d bytes", FORMULA_BYTES) != NULL;
    next(&p);
    if (!(*out = parse_choice(&p))) return false;
    if (p.text[p.at]) return bad(&p, p.at, "'%.*s' behind the end of the expression", (int)(p.end - p.at), p.text + p.at) != NULL;
    return (*out = as_number(&p, *out)) != NULL;
}

/* ---- values ---- */

static double bounded(double v) { return v > FORMULA_LARGEST ? FORMULA_LARGEST : v < -FORMULA_LARGEST ? -FORMULA_LARGEST : v; }

static formula_value number(double v) { return (formula_value){RZ_PART_SCORED, bounded(v), 0}; }
static formula_value truth(bool v) { return (formula_value){RZ_PART_SCORED, v, 0}; }
static bool is_true(formula_value v) { return v.state == RZ_PART_SCORED && v.number != 0; }
static bool is_false(formula_value v) { return v.state == RZ_PART_SCORED && v.number == 0; }
static formula_value of_points(const rz_part *p, int rule) { return (formula_value){p->state, p->points, rule}; }

static formula_value of_pass(const rz_part *p, bool passed, int rule)
{
    return p->state == RZ_PART_ERROR ? (formula_value){RZ_PART_ERROR, 0, rule} : truth(passed);
}

/* What is skipped counts nothing: it is left out of sums and choices, and a product of it is nothing. */
static formula_value arithmetic(operation op, formula_value a, formula_value b)
{
    bool skip_a = a.state == RZ_PART_SKIPPED, skip_b = b.state == RZ_PART_SKIPPED;
    if ((skip_a && skip_b) || ((skip_a || skip_b) && (op == MULTIPLY || op == DIVIDE))) return (formula_value){RZ_PART_SKIPPED, 0, 0};
    if (skip_a) return op == SUBTRACT ? number(-b.number) : b;
    if (skip_b) return a;
    switch (op) {
    case ADD: return number(a.number + b.number);
    case SUBTRACT: return number(a.number - b.number);
    case MULTIPLY: return number(a.number * b.number);
    case DIVIDE: return number(a.number / b.number);
    case MIN: return a.number < b.number ? a : b;
    default: return a.number > b.number ? a : b;
    }
}

/* Nothing compares with what is skipped. */
static formula_value comparison(operation op, formula_value a, formula_value b)
{
    if (a.state == RZ_PART_SKIPPED || b.state == RZ_PART_SKIPPED) return truth(false);
    double x = a.number, y = b.number;
    return truth(op == LESS ? x < y : op == LESS_EQUAL ? x <= y : op == EQUAL ? x == y : x != y);
}

/* Of three values: what one side decides alone is decided, whatever happened to the other. */
static formula_value junction(const formula *f, const rz_part *parts, const bool *passed)
{
    formula_value a = rz_formula_evaluate(f->a, parts, passed), b = rz_formula_evaluate(f->b, parts, passed);
    bool (*decides)(formula_value v) = f->op == AND ? is_false : is_true;
    if (decides(a) || decides(b)) return truth(f->op == OR);
    return a.state == RZ_PART_ERROR ? a : b;
}

static formula_value clamped(const formula *f, const rz_part *parts, const bool *passed)
{
    formula_value v[3] = {rz_formula_evaluate(f->a, parts, passed), rz_formula_evaluate(f->b, parts, passed), rz_formula_evaluate(f->c, parts, passed)};
    for (int i = 0; i < 3; i++)
        if (v[i].state == RZ_PART_ERROR) return v[i];
    if (v[0].state == RZ_PART_SKIPPED) return v[0];
    return arithmetic(MIN, arithmetic(MAX, v[0], v[1]), v[2]);
}

formula_value rz_formula_evaluate(const formula *f, const rz_part *parts, const bool *passed)
{
    switch (f->op) {
    case NUMBER: return number(f->number);
    case POINTS: return of_points(&parts[f->rule], f->rule);
    case PASSED: return of_pass(&parts[f->rule], passed[f->rule], f->rule);
    case SCORED: return truth(parts[f->rule].state == RZ_PART_SCORED);
    case AND:
    case OR: return junction(f, parts, passed);
    case CLAMP: return clamped(f, parts, passed);
    default: break;
    }
    formula_value a = rz_formula_evaluate(f->a, parts, passed);
    if (a.state == RZ_PART_ERROR) return a;
    if (f->op == NEGATE) return a.state == RZ_PART_SKIPPED ? a : number(-a.number);
    if (f->op == NOT) return truth(a.number == 0);
    if (f->op == CHOOSE) return rz_formula_evaluate(a.number != 0 ? f->b : f->c, parts, passed);
    formula_value b = rz_formula_evaluate(f->b, parts, passed);
    if (b.state == RZ_PART_ERROR) return b;
    return f->is_condition ? comparison(f->op, a, b) : arithmetic(f->op, a, b);
}
