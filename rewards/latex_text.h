/* LaTeX → plain text, as pylatexenc 2.10 does it (LatexNodes2Text, as it comes), on which prm800k's grader and its descendants rest: \frac{1}{2} → 1/2, \sqrt2 → √(2),
 * π for \pi, nothing for macros that it does not know. Texts without % and $, which those graders take out before. Private to rewards/. */
#ifndef RZ_REWARDS_LATEX_TEXT_H
#define RZ_REWARDS_LATEX_TEXT_H
#include "rewards/rewrite.h"

/* False where the original raises an exception, or would not end: \sqrt without an argument, an empty matrix, groups 200 deep. */
bool rz_latex_text(rz_arena *a, rz_slice t, rz_slice *out);

/* latex_symbols.c: what a macro without arguments stands for; NULL: it is not known. */
const char *rz_latex_symbol(rz_slice name);
#endif
