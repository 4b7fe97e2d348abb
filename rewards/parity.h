/* What other systems' reward functions returned, against our presets of them: a case is one call of one function, written down as JSON. */
#ifndef RZ_REWARDS_PARITY_H
#define RZ_REWARDS_PARITY_H
#include "base/error.h"
#include <jansson.h>

typedef struct rz_parity rz_parity; /* one per thread */

typedef struct {
    const char *system, *function; /* of the case, which they live in */
    bool agreed;
    char preset[80];    /* "": none is known for the function */
    json_t *ours;       /* what the preset makes of it, in the form of `expected`; the caller's. NULL: nothing */
    char reason[512];   /* the preset's own words, or why it was not asked */
} rz_parity_verdict;

bool rz_parity_create(rz_parity **out, rz_err *err);
void rz_parity_destroy(rz_parity *p);
/* The case: {"system", "function", "params"?, "completion" | "completions" | "completion_ids" | "n_tokens", "gold"?, "meta"?, "is_correct"?, "expected"}. Numbers agree
 * to 1e-9. RZ_EDATA for one that is not in this form; a function that no preset stands for disagrees. */
bool rz_parity_judge(rz_parity *p, const json_t *c, rz_parity_verdict *out, rz_err *err);
#endif
