/* Inside of the Jinja engine (data/jinja*.c): tokens, the tree, values, and what a run has. Errors leave by longjmp: nothing here owns memory outside
 * the arenas. */
#ifndef RZ_DATA_JINJA_TREE_H
#define RZ_DATA_JINJA_TREE_H
#include "data/jinja.h"
#include <setjmp.h>
#include <string.h>

enum {
    RZ_JINJA_TEXT = 256 << 10,   /* bytes of a template */
    RZ_JINJA_DEPTH = 200,        /* of the tree, of values, of calls */
    RZ_JINJA_NESTED = 1500,      /* nodes at work within each other, calls included: what the stack holds */
    RZ_JINJA_STEPS = 5000000,    /* nodes evaluated, values touched, 16 bytes of text copied */
    RZ_JINJA_DIGITS = 32,        /* steps that a float to text and a remainder of floats count as */
    RZ_JINJA_NAME = 1000,        /* bytes of a name */
    RZ_JINJA_MEMORY = 256 << 20, /* bytes of a run */
    RZ_JINJA_RANGE = 100000,     /* numbers of range(), as Jinja's sandbox has it */
};

/* ---- tokens ---- */

typedef enum { TK_TEXT, TK_OUTPUT, TK_OUTPUT_END, TK_BLOCK, TK_BLOCK_END, TK_NAME, TK_STRING, TK_INT, TK_FLOAT, TK_OP, TK_END } token_kind;

typedef struct {
    token_kind kind;
    uint32_t at;      /* byte of the source */
    const char *text; /* text, name, operator, string without quotes and escapes; not NUL-terminated */
    size_t len;
    int64_t i;
    double f;
} token;

/* ---- values ---- */

typedef enum { V_UNDEFINED, V_NONE, V_BOOL, V_INT, V_FLOAT, V_STRING, V_LIST, V_TUPLE, V_DICT, V_NAMESPACE, V_LOOP, V_MACRO, V_METHOD, V_FUNCTION } value_kind;

typedef struct value value;
typedef struct { value *items; size_t n, cap; } list;
typedef struct { value *keys, *values; size_t n, cap; } dict;
typedef struct { list items; size_t at; } loop;
typedef struct node node;
typedef struct scope scope;
typedef struct { const node *node; scope *scope; } macro;
typedef struct method method;

struct value {
    value_kind kind;
    union {
        bool b;
        int64_t i;
        double f;
        struct { const char *s; size_t len; const uint8_t *mark; /* (len) 1: this byte is data; NULL: none is. V_UNDEFINED: s is its name, or NULL */ };
        list *list;
        dict *dict;
        loop *loop;
        macro *macro;
        method *method;
        int function;
    };
};
struct method { value self; int row; /* in the table of this kind's methods */ };

/* ---- the tree ---- */

typedef enum {
    N_LITERAL, N_NAME, N_LIST, N_TUPLE, N_DICT, N_NEGATE, N_PLUS, N_BINARY, N_AND, N_OR, N_NOT, N_COMPARE, N_CONDITION, N_JOIN, N_ATTRIBUTE, N_INDEX, N_SLICE,
    N_CALL, N_FILTER, N_TEST, N_KEYWORD,
    N_BODY, N_OUTPUT, N_IF, N_FOR, N_SET, N_SET_BLOCK, N_MACRO, N_BREAK, N_CONTINUE
} node_kind;

typedef enum { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_FLOOR, OP_MOD, OP_POWER, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_NOT_IN } op_kind;

/* What the fields mean, by kind: data/jinja_parse.c. */
struct node {
    node_kind kind;
    op_kind op;
    uint32_t at;
    int depth, row; /* row: of the table of filters or tests */
    node *a, *b, *c, *d;
    node **list;
    int n;
    value v;
    const char *name; /* NUL-terminated */
};

struct rz_jinja {
    char *name;
    char *source; /* with newlines as \n */
    size_t len;
    rz_arena arena; /* of the tree */
    node *body;
};

/* ---- a run, or a compilation ---- */

typedef struct { const char *name; value v; } variable;
struct scope { scope *up; variable *vars; size_t n, cap; };

/* Text under construction. */
typedef struct { char *s; uint8_t *mark; size_t n, cap; bool marked; } builder;

typedef struct {
    const rz_jinja *t;
    rz_arena *arena;
    size_t limit;   /* bytes of the arena */
    rz_err *err;
    jmp_buf out;
    uint32_t at;    /* of the node at work, for messages */
    int64_t steps;
    int depth, nested;
    const char *date;
    builder *to;    /* where output goes */
    scope *globals;
} run;

__attribute__((noreturn, format(printf, 2, 3))) void rz_jinja_fail(run *r, const char *fmt, ...);
void *rz_jinja_new(run *r, size_t n, size_t size); /* zeroed */
void rz_jinja_charge(run *r, size_t steps);
void rz_jinja_deeper(run *r); /* r->depth-- ends it */
void rz_jinja_enter(run *r, const node *n); /* r->nested-- ends it */

token *rz_jinja_lex(run *r, size_t *n);
node *rz_jinja_parse(run *r, const token *tokens);

/* ---- running: expressions (jinja_run.c), statements (jinja.c) ---- */

value rz_jinja_eval(run *r, scope *s, const node *n);
void rz_jinja_set(run *r, scope *s, const char *name, value v);
int rz_jinja_exec(run *r, scope *s, const node *n);

/* ---- values (jinja_value.c, jinja_text.c) ---- */

value rz_v_string(const char *s, size_t len);
value rz_v_text(const char *s); /* of a string that lives as long */
value rz_v_part(value s, size_t at, size_t len);
value rz_v_bool(bool b);
value rz_v_int(int64_t i);
value rz_v_list(run *r, value_kind kind);
value rz_v_dict(run *r);
void rz_v_push(run *r, list *l, value v);
void rz_v_put(run *r, dict *d, value key, value v);
value *rz_v_find(run *r, const dict *d, value key);
value rz_v_from_json(run *r, const json_t *j, const rz_jinja_input *in, bool is_data);
const char *rz_v_kind(value v); /* for messages: "a list" */
bool rz_v_true(value v);
bool rz_v_is_number(value v); /* a truth value is one too, as in Python */
bool rz_v_is_whole(value v);
int64_t rz_v_whole(value v); /* of a whole one */
double rz_v_double(value v);
bool rz_v_equal(run *r, value a, value b);
int rz_v_compare(run *r, value a, value b); /* fails when they have no order */
bool rz_v_contains(run *r, value where, value what);
bool rz_v_is(value v, const char *text);
size_t rz_v_length(run *r, value v);
list rz_v_iterate(run *r, value v); /* shared with v where v is a list: do not change */
value rz_v_str(run *r, value v);
void rz_v_add_json(run *r, builder *b, value v, int indent, int level, const value *separators, bool sort, bool ascii);

void rz_b_add(run *r, builder *b, value s);
void rz_b_bytes(run *r, builder *b, const char *s, size_t n);
value rz_b_done(run *r, const builder *b);

/* UTF-8: bytes of the sequence that begins here; start of code point i (or len). Texts are valid. */
size_t rz_u_len(const char *s);
size_t rz_u_offset(value s, size_t i);
bool rz_u_space(const char *s, size_t len, size_t *n); /* Python's str.isspace of the first code point */
value rz_u_strip(value s, bool left, bool right, const value *chars);

/* ---- tables (jinja_filters.c, jinja_tests.c, jinja_methods.c) ---- */

enum { RZ_JINJA_ARGS = 5 };
typedef struct {
    value self;
    const value *arg[RZ_JINJA_ARGS]; /* by the row's parameters; NULL: not given */
    const value *all;                /* (n) those given by position … */
    int n;
    const variable *named;           /* … and by name (n_named) */
    int n_named;
} args;

typedef struct {
    const char *name, *parameters; /* "first second"; "*": any */
    value (*run)(run *r, const args *a);
} function_row;

int rz_jinja_find_filter(const char *name);
int rz_jinja_find_test(const char *name);
value rz_jinja_filter(run *r, int row, args *a);
bool rz_jinja_test(run *r, int row, args *a);
value rz_jinja_apply(run *r, const char *what, const function_row *row, args *a); /* binds a->arg and calls */
const function_row *rz_jinja_functions(void);  /* ends with a name of NULL */
bool rz_jinja_method(run *r, value self, const char *name, value *out); /* false: this kind of value has no method of that name in Python */
const function_row *rz_jinja_method_row(value self, int row);
value rz_jinja_attribute(run *r, value v, value name); /* v[name] */
value rz_jinja_member(run *r, value v, const char *name); /* v.name */
/* Arguments that must be of a type; NULL or `absent` when they are not given. `what` names them in messages. */
const value *rz_a_string(run *r, const args *a, int i, const char *what);
int64_t rz_a_int(run *r, const args *a, int i, const char *what, int64_t absent);

typedef enum { RZ_CASE_UPPER, RZ_CASE_LOWER, RZ_CASE_TITLE, RZ_CASE_FIRST } rz_case;
value rz_s_case(run *r, value s, rz_case how);
value rz_s_replace(run *r, value s, value from, value to, int64_t count); /* count < 0: all */
value rz_s_lines(run *r, value s, bool keep_ends);
value rz_d_items(run *r, const dict *d); /* list of (key, value) */
#endif
