/* Exact arithmetic on short expressions written by a model: rationals of 128-bit integers with overflow detected, never a double, never eval().
 * Grammar (white space between tokens is free): sum = product (("+" | "-") product)*; product = value (("*" | "/") value)*;
 * value = digits | "(" sum ")". No sign before a number, no power, no floor division, no decimals, no "2(3)", no "=". */
#ifndef RZ_REWARDS_EXPR_H
#define RZ_REWARDS_EXPR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 rz_int128;

typedef struct { rz_int128 num, den; } rz_rational; /* den ≥ 1, no common factor, both below 2^127 in size */

enum {
    RZ_EXPR_MAX_BYTES = 4096,
    RZ_EXPR_MAX_NUMBERS = 64,
    RZ_EXPR_MAX_DEPTH = 64,    /* open parentheses */
    RZ_EXPR_MAX_DIGITS = 18,   /* of one number in the text */
    RZ_RATIONAL_TEXT = 96,     /* bytes that hold any rational as text */
};

typedef struct {
    const char *problem;  /* NULL: value holds. Else a sentence (static) without its position */
    size_t at;            /* byte at which the problem was met */
    rz_rational value;
    int n;                /* numbers written, in the order of the text */
    int64_t numbers[RZ_EXPR_MAX_NUMBERS];
} rz_expr;

/* Reads and evaluates; any bytes are allowed. Work is linear in min(len, RZ_EXPR_MAX_BYTES). */
void rz_expr_eval(const char *text, size_t len, rz_expr *out);

/* False when den is 0 or a part does not fit. */
bool rz_rational_make(rz_int128 num, rz_int128 den, rz_rational *out);
/* op is one of + - * /. False when the result (or a product on the way to it) does not fit, or b is 0 under '/'. */
bool rz_rational_apply(char op, rz_rational a, rz_rational b, rz_rational *out);
/* "19", "-7/3". buf holds RZ_RATIONAL_TEXT bytes; returns buf. */
const char *rz_rational_text(rz_rational v, char *buf);
#endif
