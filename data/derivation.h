/* A derivation: numbers combined two at a time, every result an integer in 1 … max_value, until one is left. It remembers how each
 * value was made, so that the finished one can be written as an expression. Internal to data/. */
#ifndef RZ_DATA_DERIVATION_H
#define RZ_DATA_DERIVATION_H
#include "data/countdown.h"

enum { RZ_EXPRESSION_SIZE = 96 }; /* bytes that hold any expression over RZ_COUNTDOWN_MAX_NUMBERS numbers below 10000, with its NUL */

typedef struct {
    int value;
    char op;          /* 0: a given number */
    int left, right;  /* nodes, when op is set */
} rz_node;

typedef struct {
    int n_nodes, n_live;
    rz_node nodes[2 * RZ_COUNTDOWN_MAX_NUMBERS - 1];
    int live[RZ_COUNTDOWN_MAX_NUMBERS]; /* nodes not yet combined; a new one comes last */
} rz_derivation;

typedef struct { int a; char op; int b, result; } rz_equation;

/* a op b, or 0 when it is not an integer in 1 … max_value. */
int rz_derivation_value(int a, char op, int b, int max_value);

void rz_derivation_init(rz_derivation *d, const int *numbers, int n);
/* One legal combination, uniform over the legal ones (ordered pair and operator). The live values must be ≤ max_value: then there always is one
 * (a ÷ b or |a − b|). n_live ≥ 2. */
rz_equation rz_derivation_random(rz_derivation *d, int max_value, rz_stream *s);
/* The legal combination whose result is nearest to the target; ties by chance. */
rz_equation rz_derivation_nearest(rz_derivation *d, int max_value, int target, rz_stream *s);
/* Value of the only live node. */
int rz_derivation_result(const rz_derivation *d);
/* Its expression, words separated by single spaces: "( 3 + 5 ) * 4". */
void rz_derivation_text(const rz_derivation *d, char text[RZ_EXPRESSION_SIZE]);
#endif
