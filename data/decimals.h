/* Decimals: "Which number is larger, 3.9 or 3.11?" Two to four numbers, compared exactly: a number is a whole multiple of 10⁻⁹ in 64 bits. */
#ifndef RZ_DATA_DECIMALS_H
#define RZ_DATA_DECIMALS_H
#include "data/split.h"

enum { RZ_DECIMALS_MAX_DIGITS = 9, RZ_DECIMALS_MAX_CANDIDATES = 4 };

typedef enum {
    RZ_DECIMALS_EASY,    /* two numbers that are none of the kinds below */
    RZ_DECIMALS_HARD,    /* two of the same whole part, of which the longer is the smaller: 3.9 and 3.11 */
    RZ_DECIMALS_LONGER,  /* likewise, and the longer is the larger: 3.9 and 3.95. Without them "the shorter" would be a way to guess */
    RZ_DECIMALS_SEVERAL, /* three or more, all different */
    RZ_DECIMALS_SIGNED,  /* two, of which one at least is negative */
    RZ_DECIMALS_EQUAL,   /* two ways to write one number, 2.5 and 2.50: either is the answer */
    RZ_DECIMALS_N_KINDS,
} rz_decimals_kind;
extern const char *const rz_decimals_kinds[RZ_DECIMALS_N_KINDS]; /* "easy", … */

typedef struct {
    int64_t whole_digits, fraction_digits;   /* at most, each 1 … 9; at least one of each is written */
    int64_t candidates;                      /* of the kind several at most: 3 or 4 */
    double hard, longer, several, signed_, equal; /* shares of the kinds; what is left of 1 is easy */
} rz_decimals_options;

typedef struct {
    rz_decimals_kind kind;
    int n, largest;                                   /* text[largest] is the answer */
    char text[RZ_DECIMALS_MAX_CANDIDATES][24];        /* in the order of the question */
    int64_t value[RZ_DECIMALS_MAX_CANDIDATES];        /* × 10⁹ */
} rz_decimals;

/* RZ_ECONFIG when no problem of some kind could be drawn (two ways to write one number need two digits of fraction; a split that is all but empty). */
bool rz_decimals_check(const rz_decimals_options *o, const rz_shares *shares, rz_err *err);
/* Problem `index` of a split. */
void rz_decimals_draw(const rz_decimals_options *o, const rz_shares *shares, uint32_t seed, rz_split split, uint64_t index, rz_decimals *out);
/* The numbers without their order or the way they are written (rz_content): what a split is decided by. */
uint64_t rz_decimals_content(const rz_decimals *p);
/* "Which number is larger, 3.9 or 3.11?", "Which number is the largest, 3.9, 3.11 or 4.2?". buf ≥ 160 bytes. */
void rz_decimals_prompt(const rz_decimals *p, char *buf, size_t size);
#endif
