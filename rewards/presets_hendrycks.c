/* Presets of hendrycks/math: the grader that came with the MATH data set. */
#include "rewards/hendrycks.h"
#include "rewards/internal.h"
#include "rewards/presets.h"

enum { PRICE = 120 }; /* units of work a byte of an answer */

static void is_equiv(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_preset_gold(c, o, &gold) || !rz_preset_reads(c, o, c->text, PRICE)) return;
    rz_preset_graded(c, o, c->text, gold, rz_hendrycks_equal(*c->env->scratch, c->text, gold, RZ_HENDRYCKS_ORIGINAL), 1, 0);
}

static void strip_string(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    rz_slice out;
    if (!rz_preset_reads(c, o, c->text, PRICE)) return;
    if (rz_hendrycks_strip(&scratch, c->text, RZ_HENDRYCKS_ORIGINAL, &out))
        rz_preset_text(c, o, out);
    else
        rz_outcome_error(o, "the original raises an exception: a unit twice, or \\sqrt or \\frac at the end");
}

#define ORIGIN "hendrycks/math 985bdc1, math_equivalence.py "

const rz_verifier rz_verifiers_hendrycks[] = {
    {.name = "hendrycks/is_equiv", .origin = ORIGIN "is_equiv", .about = "1 if the whole text and the answer are equal after a dozen rewritings of LaTeX",
     .gold = "answer: the final answer, in LaTeX", .holes = "the unit after \"\\text{ \" is not looked at, nor is %; \"k=\" before an answer is dropped, whatever k is",
     .top = 1, .math = true, .score = is_equiv},
    {.name = "hendrycks/strip_string", .origin = ORIGIN "_strip_string", .about = "scores nothing: its value is the normal form in which is_equiv compares", .score = strip_string},
};
const int rz_n_verifiers_hendrycks = sizeof rz_verifiers_hendrycks / sizeof *rz_verifiers_hendrycks;
