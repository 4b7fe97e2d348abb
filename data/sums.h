/* Sums: "What is 12 + 7 - 30 + 5?" Whole numbers, added and subtracted. */
#ifndef RZ_DATA_SUMS_H
#define RZ_DATA_SUMS_H
#include "data/split.h"

enum { RZ_SUMS_MAX_TERMS = 8, RZ_SUMS_MAX_DIGITS = 9 };

typedef struct {
    rz_int_list terms; /* how many, drawn from this list, each 2 … 8 */
    int64_t digits;    /* of a term at most, 1 … 9: their number is drawn first, then the term, which is never 0 */
} rz_sums_options;

typedef struct { int n; int64_t terms[RZ_SUMS_MAX_TERMS], sum; } rz_sums; /* with their signs; the first is positive */

/* RZ_ECONFIG when no problem could be drawn. */
bool rz_sums_check(const rz_sums_options *o, const rz_shares *shares, rz_err *err);
/* Problem `index` of a split. */
void rz_sums_draw(const rz_sums_options *o, const rz_shares *shares, uint32_t seed, rz_split split, uint64_t index, rz_sums *out);
/* The terms without their order (rz_content): what a split is decided by. */
uint64_t rz_sums_content(const rz_sums *p);
/* "What is 12 + 7 - 30 + 5?". buf ≥ 128 bytes. */
void rz_sums_prompt(const rz_sums *p, char *buf, size_t size);
#endif
