/* LaTeX → plain text, as pylatexenc 2.10 does it (LatexNodes2Text, as it comes), on which prm800k's grader and its descendants rest: \frac{1}{2} → 1/2, \sqrt2 → √(2),
 * π for \pi, nothing for macros that it does not know. Texts without % and $, which those graders take out before. Private to rewards/. */
#ifndef RZ_REWARDS_LATEX_TEXT_H
#define RZ_REWARDS_LATEX_TEXT_H
#include "rewards/rewrite.h"

/* False where the original raises an exception, or would not end: \sqrt without an argument, an empty matrix, groups 200 deep. */
bool rz_latex_text(rz_arena *a, rz_slice t, rz_slice *out);

/* What is written when a macro's arguments are missing: nothing can be (the original raises), nothing, or its form, with %s for arguments. */
typedef enum { RZ_LATEX_RAISES, RZ_LATEX_NOTHING, RZ_LATEX_FORM } rz_latex_missing;

typedef struct {
    const char *name;
    const char *text; /* %N is argument N; NULL: the macro and its arguments make nothing */
    const char *args; /* * a star, [ an optional argument, { an argument; NULL: none */
    rz_latex_missing missing;
} rz_latex_macro;

const rz_latex_macro *rz_latex_macro_find(rz_slice name); /* NULL: it is not known (latex_symbols.c) */
#endif
