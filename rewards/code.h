/* Parts of the code rule that need no sandbox. Private to rewards/. */
#ifndef RZ_REWARDS_CODE_H
#define RZ_REWARDS_CODE_H
#include "rewards/internal.h"

typedef enum {
    RZ_CODE_LINES,  /* line by line; blanks at the ends of lines and empty lines at the end do not count */
    RZ_CODE_TOKENS, /* what stands between white space */
    RZ_CODE_EXACT,
} rz_code_compare;
enum { RZ_N_CODE_COMPARES = 3 };
extern const char *const rz_code_compares[RZ_N_CODE_COMPARES];

/* All of both. Linear. */
bool rz_code_same(rz_slice a, rz_slice b, rz_code_compare how);
/* The inside of a fenced block (``` at the beginning of a line, then `fence`, any language if it is "") that is closed. One pass. */
bool rz_code_find(rz_slice t, const char *fence, pick_which pick, rz_span *out, int *n_found);
#endif
