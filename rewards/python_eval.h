/* Python's eval() of an expression of numbers, as Python 3.11 computes it: integers of any size, doubles, + - * / // **, signs and parentheses; blanks, tabs and form
 * feeds between them, and carriage returns within parentheses. Nothing is called and no name is known.
 * Bounded: integers to 16384 bits (the original computes 9**9**9 for hours), text to 64 KiB. The square root of a negative number, which Python makes complex,
 * raises here. */
#ifndef RZ_REWARDS_PYTHON_EVAL_H
#define RZ_REWARDS_PYTHON_EVAL_H
#include "rewards/number.h"

typedef struct {
    bool raises;     /* a syntax error, a division by zero, an overflow, a limit */
    bool near;       /* abs(value - target) < within */
    char value[64];  /* repr() of the value, shortened; or why it raises */
} rz_python_eval_result;

typedef struct { bool is_float; int64_t whole; double x; } rz_python_target;

void rz_python_eval_near(rz_slice t, rz_python_target target, double within, rz_python_eval_result *out);
#endif
