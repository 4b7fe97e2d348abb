/* Mathematical equality of answers: LaTeX or plain text → tree → a ladder of decisions. Pure and bounded: what decides counts nodes, bits and points,
 * never time, so a verdict is the same on any machine. docs/rules/math.md tells the syntax, the options and the limits. */
#ifndef RZ_REWARDS_MATH_H
#define RZ_REWARDS_MATH_H
#include "base/arena.h"
#include "rewards/number.h"

enum {
    RZ_MATH_MAX_TEXT = 256 << 10, /* bytes of one answer; a longer one is unparsed */
    RZ_MATH_MAX_NODES = 4096,
    RZ_MATH_MAX_DEPTH = 128,
    RZ_MATH_WORK = 400000, /* units of one comparison; docs/rules/math.md tells what they are */
};

/* 50% is 0.5 · 50% is 50 · either */
typedef enum { RZ_MATH_PERCENT_STRICT, RZ_MATH_PERCENT_DROP, RZ_MATH_PERCENT_EITHER } rz_math_percent;
/* "5 cm" needs "5 cm" · "5" will do, but "5 m" will not · units are not looked at */
typedef enum { RZ_MATH_UNITS_STRICT, RZ_MATH_UNITS_OPTIONAL, RZ_MATH_UNITS_DROP } rz_math_units;
/* x = 5 needs x = 5 · a value may stand for "symbol = value", on either side · also the right side of any equation found, as Math-Verify has it */
typedef enum { RZ_MATH_ASSIGN_STRICT, RZ_MATH_ASSIGN_VALUE, RZ_MATH_ASSIGN_LAST } rz_math_assign;
/* −2 ≤ x ≤ 7 is [−2, 7]: never · a gold relation may be answered by a set · both ways */
typedef enum { RZ_MATH_RELATION_STRICT, RZ_MATH_RELATION_GOLD, RZ_MATH_RELATION_BOTH } rz_math_relation;

typedef struct {
    rz_math_percent percent;
    rz_math_units units;
    rz_math_assign assign;
    rz_math_relation relation;
    bool set_is_tuple;    /* {1,2} and 1,2 may stand for (1,2) in the order written, and (2,1) for {1,2} */
    bool unordered;       /* 1,2 equals 2,1 for lists without braces; (1,2) stays ordered */
    int digits;           /* −1: exact. Else when one of two numbers is written with a decimal point both are rounded to so many decimals */
    bool reduced;         /* a found fraction must be in lowest terms when the gold is an exact number */
    bool any_variables;   /* variables match by the order of their first appearance */
    bool faithful;        /* read LaTeX as Math-Verify does, its oddities included */
    bool malformed;       /* \frac12, \sqrt2 are read (faithful only; else always) */
    long work;            /* units that may be spent; 0: RZ_MATH_WORK */
} rz_math_options;

extern const rz_math_options rz_math_strict;      /* the default of rules */
extern const rz_math_options rz_math_math_verify; /* the default of Math-Verify 0.8 */

typedef enum { RZ_MATH_EQUAL, RZ_MATH_DIFFERENT, RZ_MATH_UNKNOWN, RZ_MATH_FOUND_UNPARSED, RZ_MATH_GOLD_UNPARSED } rz_math_verdict;
typedef enum { RZ_MATH_BY_TEXT, RZ_MATH_BY_SHAPE, RZ_MATH_BY_EXACT, RZ_MATH_BY_MODULAR, RZ_MATH_BY_BALL, RZ_MATH_BY_BUDGET } rz_math_rung;

typedef struct {
    rz_math_verdict verdict;
    rz_math_rung rung; /* the last one that decided */
    int nodes;         /* of both trees */
    long work;         /* units spent: a node at a point, a limb, a weighted ball operation */
} rz_math_report;

extern const char *const rz_math_rung_names[6];

/* Whether the two texts mean the same. What is taken from scratch is free again on return. why may be NULL. UNKNOWN is not equal. */
bool rz_math_equal(rz_arena *scratch, rz_slice found, rz_slice gold, const rz_math_options *o, rz_math_report *why);
/* What a thread has kept of constants is free again; it may go on. */
void rz_math_forget(void);

/* ---- \boxed{…} ---- */

typedef enum { RZ_BOXED_LAST, RZ_BOXED_FIRST, RZ_BOXED_ONLY } rz_boxed_pick;
/* The content of \boxed{…} or \fbox{…} with balanced braces (\{ and \} count as braces only when `escapes` is false). False when there is none, or with ONLY
 * not exactly one. A box without its closing brace is none. *n, when not NULL, is the number of boxes, complete for ONLY and LAST. Linear. */
bool rz_boxed_find(rz_slice text, rz_boxed_pick pick, bool escapes, rz_span *content, int *n);

/* ---- extraction as Math-Verify does it ---- */

typedef struct {
    bool latex, expr;   /* what is looked for: LaTeX, plain numbers and expressions */
    int boxed_priority; /* 0: boxes before all; 50: after "final answer is"; −1: they are not looked for */
    bool unanchored;    /* LaTeX counts without "answer" before it, too */
    bool first_match;   /* only the first candidate is tried */
    bool malformed;     /* \frac12 and \sqrt2 are mended */
} rz_math_extract;

typedef struct {
    rz_math_report math;
    rz_span found; /* in the text; start == SIZE_MAX when there is none, or it was put together */
} rz_math_verify_report;

/* Equality of what is extracted from two texts, as math_verify.verify(parse(gold), parse(found)) has it: an answer, or one text equal to the other. Of a
 * text the last 64 KiB are searched. GOLD_UNPARSED when nothing is found in the gold. */
bool rz_math_verify(rz_arena *scratch, rz_slice found, const rz_math_extract *from_found, rz_slice gold, const rz_math_extract *from_gold,
                    const rz_math_options *o, rz_math_verify_report *why);
#endif
