/* Hazards in a rule file, each shown by an input where there is one: the input was run, and what is told of it is what happened. */
#ifndef RZ_REWARDS_LINT_H
#define RZ_REWARDS_LINT_H
#include "base/place.h"
#include "rewards/rules.h"

typedef enum { RZ_LINT_WARNING, RZ_LINT_ERROR } rz_lint_level;

/* Texts live in the rz_lint. */
typedef struct {
    const char *check, *remedy;
    rz_lint_level level;   /* error: an input shows that the rules can be broken or fooled, or a part of them can never work */
    rz_place at;
    const char *rule;      /* its name, "" for the file's own keys */
    const char *hazard;    /* a sentence */
    const char *input;     /* a completion, or the text that the pattern reads; NULL: none is needed */
    size_t input_len;
    const char *shown;     /* what came of it; NULL as above */
} rz_lint_finding;

typedef struct {
    rz_arena arena;
    rz_lint_finding *v;
    int n, room;
    bool tried_hacks; /* a right completion could be made up, out of which wrong ones were made (rewards/attack.h) */
} rz_lint;

/* name: of the file, for the places. To be finished whatever is returned. */
bool rz_lint_run(rz_lint *out, const rz_rules *r, rz_rules_worker *w, const char *name, rz_err *err);
void rz_lint_finish(rz_lint *l);
/* Names and hazards of all checks, 0 …; false behind the last. */
bool rz_lint_check_at(int i, const char **name, rz_lint_level *level, const char **about, const char **remedy);
#endif
