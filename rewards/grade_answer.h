/* grade_answer: prm800k's grader of mathematical answers, and those that were made from it. Private to rewards/. */
#ifndef RZ_REWARDS_GRADE_ANSWER_H
#define RZ_REWARDS_GRADE_ANSWER_H
#include "rewards/hendrycks.h"

typedef struct {
    rz_hendrycks_dialect dialect; /* of the first comparison */
    bool keeps_blanks;            /* of the second normal form: blanks and braces stay */
    bool liters;                  /* liter is a unit, too */
} rz_grader;

extern const rz_grader rz_grader_prm800k, rz_grader_oat, rz_grader_prime, rz_grader_mathruler;

typedef enum { RZ_GRADE_WRONG, RZ_GRADE_RIGHT, RZ_GRADE_LIMIT /* wrong for all that was read before the budget ended */ } rz_grade;

/* *work: units (rewards/math.h) that may be spent, less by what was on return. */
rz_grade rz_grade_answer(rz_arena scratch, const rz_grader *g, rz_slice given, rz_slice gold, long *work);
/* The second normal form: words and units out, LaTeX to plain text, lower case, whole numbers without decimals. */
rz_slice rz_grade_normal(rz_arena *a, const rz_grader *g, rz_slice t);
#endif
