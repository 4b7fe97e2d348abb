/* Where answers stand in a text, as Math-Verify looks for them. Private to rewards/math_*.c. */
#ifndef RZ_REWARDS_MATH_EXTRACT_H
#define RZ_REWARDS_MATH_EXTRACT_H
#include "rewards/math_tree.h"

enum { MAX_PARTS = 6, MAX_CANDIDATES = 256 /* of a priority: the last ones of the text */ };

typedef struct { rz_slice text; bool percent; } math_part;

typedef struct {
    size_t start, end;
    math_part parts[MAX_PARTS]; /* expressions joined by "and", "or", commas */
    int n;
    enum { FOUND_LATEX, FOUND_BOX /* from the first box to the last brace */, FOUND_NUMBER, FOUND_EXPRESSION } kind;
} math_candidate;

/* A search that is not repeated while its last answer still holds: scanning stays linear. */
typedef struct { rz_slice what; size_t from, at; bool known; } math_finder;

typedef struct {
    rz_slice t;
    math_finder dollars, dollar, newline, bracket, paren, box, brace;
    size_t digits_from, digits_end;   /* a run of digits, from one of them on */
    size_t groups_from, groups_end;   /* " 123 456": groups of three digits, each behind a blank or comma, from one of them to the end of the last */
    size_t run_from, run_end, run_op; /* from run_from on digits, blanks and operators up to run_end; the first operator, or run_end */
} math_scan;

/* math_env.c */
void rz_math_scan_begin(math_scan *s, rz_slice text);
/* An expression between $ … $, \( … \) and so on at place i (boxed: with a \boxed{…} in it), and up to five more that are joined to it. */
bool rz_math_env_at(math_scan *s, size_t i, bool boxed, math_candidate *out);
/* What is in the boxes of a text, joined by commas; the text itself when there are none. last_only: the last one and those close to it. */
rz_slice rz_math_unboxed(rz_arena *a, rz_slice t, bool last_only);
/* math_plain.c: a number, or an expression in plain characters, with what must stand before (and after) it. */
bool rz_math_number_at(math_scan *s, size_t i, math_candidate *out);
bool rz_math_plain_at(math_scan *s, size_t i, math_candidate *out);
#endif
