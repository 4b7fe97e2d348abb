/* A completion with the data of its problem, as a line of JSON: what `score` reads; with `expect`, a case that tests a rule file (docs/rules/tools.md). */
#ifndef RZ_REWARDS_EXAMPLE_H
#define RZ_REWARDS_EXAMPLE_H
#include "rewards/rules.h"
#include <jansson.h>

enum { RZ_EXAMPLE_MAX_LINE = 64 << 20, RZ_EXAMPLE_MAX_GROUP = 4096 };

typedef struct {
    json_t *line;         /* all of it; owned */
    const char *name;     /* "" when it has none */
    const json_t *group;  /* text or number; consecutive examples with the same one are scored together. NULL: scored alone */
    const json_t *expect; /* NULL: none */
    int64_t number;       /* of the line, when it comes from a file */
    char *completion, *answer, *meta; /* owned, as the next; sample points to them */
    int32_t *ids;
    rz_sample sample;
} rz_example;

/* {"completion", "prompt"?, "answer"?, "meta"?, "n_tokens"?, "completion_ids"?, "truncated"?, "group"?, "name"?, "expect"?}; other keys are left alone. The completion is a text, or
 * a list of pieces: texts, {"hex": "ff00"}, {"repeat": text, "times": n}. RZ_EDATA; to be finished whatever is returned. */
bool rz_example_read(rz_example *e, const char *text, size_t len, rz_err *err);
void rz_example_finish(rz_example *e);
bool rz_example_same_group(const rz_example *a, const rz_example *b);

/* How a score differs from what is expected of it, a line each, the caller's; NULL: in nothing. The keys of `expect`: score, correct, format_ok, errors, tolerance (of points,
 * default 1e-9), parts: {RULE: points, or {state, points, reason (a part of it), found, expected, span, tolerance}}. RZ_EDATA for other keys and unknown rules. */
bool rz_example_check(const rz_example *e, const rz_rules *r, const rz_score *s, char **differences, rz_err *err);

typedef struct { rz_example *v; int n, room; } rz_examples;
/* All of a file of JSON Lines; RZ_EDATA with file:line. To be finished whatever is returned. */
bool rz_examples_load(rz_examples *all, const char *path, rz_err *err);
void rz_examples_finish(rz_examples *all);
/* How many from i on are scored together: 1, or a group. */
int rz_examples_group(const rz_examples *all, int i);
/* Scores n examples together; what is in out (n) lives until the worker's next call. */
void rz_examples_score(rz_rules_worker *w, const rz_example *v, int n, rz_score *out);
#endif
