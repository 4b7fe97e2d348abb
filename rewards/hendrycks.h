/* Normal form of answers as the MATH data set's own grader has it (hendrycks/math, math_equivalence), from which most other graders of mathematics descend. Private
 * to rewards/. */
#ifndef RZ_REWARDS_HENDRYCKS_H
#define RZ_REWARDS_HENDRYCKS_H
#include "rewards/rewrite.h"

typedef enum {
    RZ_HENDRYCKS_ORIGINAL, /* also prm800k */
    RZ_HENDRYCKS_MATHRULER, /* mathruler: % goes, too */
    RZ_HENDRYCKS_OPEN_INSTRUCT, /* open-instruct: a/b of which one is no integer raises */
    RZ_HENDRYCKS_VERL,     /* verl: "\\%" goes before "\%" does */
    RZ_HENDRYCKS_OAT,      /* oat: matrices, relations, and a list of units that are taken out wherever they stand alone */
} rz_hendrycks_dialect;

/* False where the original raises an exception: a unit twice, \sqrt or \frac at the end. */
bool rz_hendrycks_strip(rz_arena *a, rz_slice t, rz_hendrycks_dialect dialect, rz_slice *out);
/* Equal in normal form; if there is none of either, equal as they are. */
bool rz_hendrycks_equal(rz_arena a, rz_slice x, rz_slice y, rz_hendrycks_dialect dialect);
/* What prm800k, verl and oat call normalize_answer: white space and an enclosing \text{…} go, then the normal form, if there is one. */
rz_slice rz_hendrycks_normal(rz_arena *a, rz_slice t, rz_hendrycks_dialect dialect);
/* Content of a \text{…} that is all of the text but a newline that ends it: false when it is none. */
bool rz_whole_text_macro(rz_slice t, rz_slice *content);
/* The answer of a completion: what follows the last "\boxed " up to a $, or else what the last \boxed{…} holds. */
bool rz_hendrycks_box(rz_slice t, rz_slice *out);
/* oat's units, taken out twice over (oat_units.c). */
rz_slice rz_oat_drop_units(rz_arena *a, rz_slice t);
#endif
