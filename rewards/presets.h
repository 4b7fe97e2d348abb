/* What presets of mathematical answers share: limits, what is shown, values. Private to rewards/presets_*.c. */
#ifndef RZ_REWARDS_PRESETS_H
#define RZ_REWARDS_PRESETS_H
#include "rewards/internal.h"

/* The gold, which has to be a text of at most MAX_ANSWER bytes; false: the outcome says what is amiss. */
bool rz_preset_gold(const rz_case *c, outcome *o, rz_slice *gold);
/* Whether an answer has more than MAX_ANSWER bytes, which is an error: nothing is judged that is not read. */
bool rz_preset_too_long(outcome *o, rz_slice answer);
/* right or wrong points for an answer that is part of the case's text (its place is noted) or stands elsewhere. The answer has been found short enough. */
void rz_preset_graded(const rz_case *c, outcome *o, rz_slice answer, rz_slice gold, bool correct, double right, double wrong);
/* No answer was found: `points`, with the reason. */
void rz_preset_missing(outcome *o, rz_slice gold, double points, const char *reason);
/* A verifier that is a function from text to text: the value is the text. */
void rz_preset_text(const rz_case *c, outcome *o, rz_slice text);
json_t *rz_json_slice(rz_slice t);
#endif
