/* Trees of answers. Private to rewards/math*.c. */
#ifndef RZ_REWARDS_MATH_TREE_H
#define RZ_REWARDS_MATH_TREE_H
#include "rewards/math.h"
#include <stdint.h>

enum { MAX_TOKENS = 8192 };

/* Tokens: ASCII punctuation is itself. */
typedef enum {
    T_END = 0, T_NUM = 128, T_LETTER, T_WORD /* \text{…} */, T_FRAC, T_SQRT, T_FN, T_BINOM, T_CHOOSE, T_LE, T_GE, T_NE, T_APPROX, T_IN, T_CUP, T_CAP,
    T_SETMINUS, T_PM, T_MP, T_INFTY, T_EMPTY, T_LBRACE /* \{ */, T_RBRACE, T_BEGIN, T_FINISH, T_NEWROW, T_LFLOOR, T_RFLOOR, T_LCEIL, T_RCEIL, T_NORM, T_BIG,
    T_PRIME, T_DEGREE, T_MOD, T_PMOD, T_SETNAME, T_BOXED, T_ACCENT, T_PI, T_MONEY, T_LANGLE, T_RANGLE, T_TO, T_SKIP, T_TEXT, T_DOTS, T_ALPHABET, T_OPNAME, T_NONE,
    T_SQUARE_UNICODE, T_SUBSET,
} math_token_kind;

typedef struct {
    uint8_t kind, val;
    bool space;      /* white space before it */
    uint8_t base;
    int32_t scale;   /* T_NUM: digits after the point, −1: none was written */
    int32_t repeat;  /* the last so many digits recur */
    int32_t exp10;
    rz_slice text;   /* of letters and words; digits of a number, without its point */
} math_token;

typedef enum { FN_SIN, FN_COS, FN_TAN, FN_COT, FN_SEC, FN_CSC, FN_ASIN, FN_ACOS, FN_ATAN, FN_SINH, FN_COSH, FN_TANH, FN_LN, FN_LOG, FN_EXP, FN_ABS, FN_FLOOR,
               FN_CEIL, FN_MIN, FN_MAX, FN_GCD, FN_LCM, FN_BINOM, FN_MOD, FN_RE, FN_IM, FN_DET, FN_NORM, FN_ACOT, FN_ASINH, FN_ACOSH, FN_ATANH, N_FN } math_fn;

typedef enum { M_NUM, M_VAR, M_CONST, M_TEXT, M_ADD, M_MUL, M_NEG, M_DIV, M_POW, M_ROOT /* radicand, index */, M_FN, M_CALL, M_FACT, M_PERCENT, M_UNIT, M_PM, M_BIG,
               M_SIGNED /* an element with its ± read as `sign` */, M_TUPLE, M_SET, M_LIST, M_INTERVAL, M_UNION, M_CAP, M_MINUS, M_REL, M_MATRIX, M_ROW, M_SETNAME } math_kind;

enum { CONST_PI, CONST_E, CONST_I, CONST_INF };
/* flags of M_INTERVAL; both: (a, b), which may be a pair as well */
enum { OPEN_LOW = 1, OPEN_HIGH = 2, DECIMAL = 4 /* M_NUM: a point was written */, PRINTED_FRACTION = 8, HAS_PM = 16 /* an element with ± in it: two of them */ };

typedef struct math_node math_node;
struct math_node {
    uint8_t kind, op; /* op: CONST_*, math_fn, token of the relation before this kid */
    uint8_t flags;
    int8_t sign;
    int32_t n;        /* kids */
    math_node *first, *last, *next;
    rz_slice text;    /* M_VAR, M_TEXT, M_CALL, M_UNIT: name; M_NUM: digits */
    int32_t scale, repeat, exp10, base;
};

typedef struct {
    rz_arena *arena;
    const rz_math_options *options;
    int nodes_left;
    long work_left;
    math_node *pool;
    int pool_left;
    rz_math_rung rung;
    int sign;      /* of ± in the element that is evaluated */
    int depth;
} math_env;

/* math.c */
math_env rz_math_env(rz_arena *scratch, const rz_math_options *o);
long rz_math_work(const math_env *e); /* spent so far */
/* math_lex.c. False when the text has what no answer has, or too much of it. The list ends with T_END. */
bool rz_math_lex(math_env *e, rz_slice text, math_token **out, int *n);
/* math_tree.c */
math_node *rz_math_node(math_env *e, math_kind kind); /* NULL: no nodes left */
void rz_math_adopt(math_node *parent, math_node *kid);
math_node *rz_math_node2(math_env *e, math_kind kind, math_node *a, math_node *b); /* either may be NULL: then it is not there */
bool rz_math_same(const math_node *a, const math_node *b);
/* The letters of a word: a text, a name, a product of letters. False when it is none. */
bool rz_math_word(const math_node *n, char *out, size_t size, size_t *len);
/* Whether `found` reckons with a symbol that `gold` does not have: x/(3x) for 1/3. A symbol that stands alone, as in x = 5, is not reckoned with. False also when
 * there are over 64 of them. */
bool rz_math_more_names(const math_node *found, const math_node *gold);
/* math_sets.c: a whole text. NULL when it cannot be read. */
math_node *rz_math_parse(math_env *e, rz_slice text);
/* math_ladder.c: are two scalars equal? digits ≥ 0: after rounding to so many decimals. e->rung tells which rung decided. */
rz_math_verdict rz_math_scalars(math_env *e, const math_node *a, const math_node *b, int digits);
/* Is a = k·b for one k ≠ 0 wherever both are defined? *sign receives the sign of k, 0 when it is not known. */
rz_math_verdict rz_math_proportional(math_env *e, const math_node *a, const math_node *b, int *sign);

/* math_mod.c: the value modulo a prime near 2^61 at a point. */
typedef enum { MOD_OK, MOD_UNDEFINED, MOD_CANNOT } math_mod_state;
enum { N_PRIMES = 2 };
typedef struct {
    uint64_t v;
    bool opaque; /* something was taken as an unknown function: a difference proves nothing */
} math_mod_value;
math_mod_state rz_math_mod(math_env *e, const math_node *n, int prime, int variant, math_mod_value *out);
uint64_t rz_math_prime(int prime);
uint64_t rz_math_name_hash(rz_slice t, bool fold);

/* math_exact.c */
/* RZ_MATH_EQUAL, DIFFERENT, or UNKNOWN when one of them is no rational number within the bit cap. */
rz_math_verdict rz_math_exact(math_env *e, const math_node *a, const math_node *b, int digits);
bool rz_math_small(math_env *e, const math_node *n, int64_t *out); /* an integer of at most 62 bits */
int rz_math_order(math_env *e, const math_node *a, const math_node *b); /* −1, 0, 1 for rationals; 2: not known */
bool rz_math_exact_mod(math_env *e, const math_node *n, uint64_t p, uint64_t *num, uint64_t *den);

/* math_ball.c */
rz_math_verdict rz_math_ball(math_env *e, const math_node *a, const math_node *b, int digits);

/* math_matrix.c: the matrix that sums and products of matrices make, or NULL. */
math_node *rz_math_matrix(math_env *e, const math_node *n);
math_node *rz_math_copy(math_env *e, const math_node *n); /* shares its kids; NULL: no nodes left */
bool rz_math_names_only(const math_node *n); /* symbols and what is made of them, no numbers */
/* math_compare.c */
rz_math_verdict rz_math_compare(math_env *e, const math_node *gold, math_node *found);
#endif
