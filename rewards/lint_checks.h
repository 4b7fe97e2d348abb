/* What the checks of rewards/lint.h share. Private to rewards/. */
#ifndef RZ_REWARDS_LINT_CHECKS_H
#define RZ_REWARDS_LINT_CHECKS_H
#include "rewards/internal.h"
#include "rewards/lint.h"

typedef enum {
    CHECK_CATASTROPHIC, CHECK_SLOW, CHECK_EMPTY, CHECK_ANYTHING, CHECK_NEVER, CHECK_UNANCHORED, CHECK_PYTHON, CHECK_UNUSED_GROUP, /* of patterns */
    CHECK_DEAD_GATE, CHECK_DEAD_RULE, CHECK_UNUSED_VIEW, CHECK_WRONG_PAYS, CHECK_GOLD_PAYS, CHECK_HOLES,                          /* of rules */
    CHECK_EMPTY_THINK, CHECK_FORM, CHECK_THINKING, CHECK_FIRST, CHECK_SUBSTRING, CHECK_HACK,                                     /* by attack */
    N_CHECKS
} check_id;

typedef struct {
    const rz_rules *rules;
    rz_rules_worker *worker;
    rz_env env; /* for patterns alone */
    const rz_yaml *root;
    rz_document document;
    rz_lint *out;
} linter;

/* Adds a finding about a rule (NULL: the file) at a place; input NULL: none. The hazard is a format. */
__attribute__((format(printf, 8, 9))) void rz_lint_add(linter *l, check_id check, const rule *u, rz_place at, const char *input, size_t input_len, const char *shown,
                                                       const char *fmt, ...);
/* The map of a rule in the file; its place. */
const rz_yaml *rz_lint_rule(const linter *l, const rule *u);
rz_place rz_lint_place(const linter *l, const rule *u);
/* Whether the rule is asked for by others: a gate, accuracy, format, or what an answer is taken from. */
bool rz_lint_is_needed(const linter *l, const rule *u);

void rz_lint_patterns(linter *l);
void rz_lint_rules(linter *l);
void rz_lint_hacks(linter *l);
#endif
