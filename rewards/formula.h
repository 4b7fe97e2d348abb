/* The expression of `combine:`: numbers, rules, arithmetic, comparisons, conditions. Compiled at load, evaluated per completion in one walk over at most
 * FORMULA_NODES nodes; values stay finite. docs/rules/combining.md tells the language. Private to rewards/. */
#ifndef RZ_REWARDS_FORMULA_H
#define RZ_REWARDS_FORMULA_H
#include "rewards/rules.h"
#include "rewards/schema.h"

enum { FORMULA_BYTES = 4096, FORMULA_NODES = 512, FORMULA_DEPTH = 64 };
#define FORMULA_LARGEST 1e12 /* what is larger is this */

typedef struct formula formula;

/* What the parser needs of the rules. */
typedef struct {
    int n;
    const char *(*name)(const void *rules, int i);
    bool (*passes)(const void *rules, int i); /* it passes or fails: may stand where a condition is asked for */
    const void *rules;
} formula_names;

/* A number, or a state in which there is none: skipped (nothing that counts was scored), error (it needs a rule that had one, which is `rule`). */
typedef struct { rz_part_state state; double number; int rule; } formula_value;

/* Messages point into the text of the scalar. In s->arena. */
bool rz_formula_parse(const formula **out, const schema *s, const rz_yaml *text, const formula_names *names);
formula_value rz_formula_evaluate(const formula *f, const rz_part *parts, const bool *passed);
#endif
