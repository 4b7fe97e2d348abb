/* Rules: text → score, pure and bounded. A rule file (YAML, version 1; docs/rules/) names rules; each gives points, with the span that
 * decided and what was expected. What decides counts work (match steps, digits, nodes), never time. No model, no MPI, no prompt unless
 * a rule asks for it. */
#ifndef RZ_REWARDS_RULES_H
#define RZ_REWARDS_RULES_H
#include "base/arena.h"
#include "base/pattern.h"
#include "rewards/helper.h"

typedef struct rz_rules rz_rules;               /* immutable: may be shared by threads */
typedef struct rz_rules_worker rz_rules_worker; /* one per thread: matcher, scratch */

typedef struct {
    const char *completion; size_t completion_len; /* any bytes: invalid UTF-8 is repaired once */
    const char *prompt;     /* may be NULL */
    const char *answer;     /* may be NULL or "" */
    const char *meta;       /* JSON object text, may be NULL */
    int n_tokens;           /* length of the completion in tokens, or −1 */
    const int32_t *ids;     /* (n_tokens) of the completion, or NULL */
    bool truncated;         /* cut at the length limit: no stop token was sampled */
} rz_sample;

typedef enum {
    RZ_PART_SCORED,  /* points say it */
    RZ_PART_SKIPPED, /* gate closed or rule abstains: counts nothing, not even in the weights */
    RZ_PART_ERROR,   /* limit hit or bad gold: recorded and counted, never silently 0, never 1, never cheaper than failing */
} rz_part_state;

typedef struct {
    rz_part_state state;
    double points;        /* before the weight; of an error that the completion brought about what failing costs, if it costs anything (a cap on text is no way out) */
    rz_span span;         /* bytes of the (repaired) completion that decided; start == SIZE_MAX: none */
    const char *found;    /* what was read there, normalised; "" if nothing. In the worker's memory until its next call */
    const char *expected; /* what would have been right */
    const char *reason;   /* one sentence */
    bool crashed;          /* an error: the rule is a program and ended in the middle */
    bool nondeterministic; /* an error: a wall clock decided: a program rule was killed at its deadline */
} rz_part;

typedef struct {
    double score;          /* combined and clamped; always finite */
    bool correct;          /* the rule named by `accuracy:` in the file (default: the last) scored its `pass` points */
    bool format_ok;        /* the rule named by `format:` (if any) scored its pass points */
    int n_errors;
    int64_t work;          /* units that all rules took which are no programs (docs/rules/limits.md) */
    const char *note;      /* how the parts became the score, when that is not plain: "0, for 'correct' had an error"; else "" */
    const char *answer;    /* what the accuracy rule read as the answer, normalised, its first 236 bytes; "": it read none, or is no rule about answers */
    const rz_part *parts;  /* rz_rules_count() of them, in file order; in the worker's memory until its next call */
} rz_score;

/* RZ_ECONFIG with file:line:column and the line shown for anything wrong in the file (unknown key with a suggestion, bad pattern, unknown rule in requires, cyclic gates,
 * weight that is not finite …). */
/* path: a file, else the name of a built-in one (rewards/builtin.h), else of a preset, which then is the only rule. */
bool rz_rules_load(rz_rules **out, const char *path, rz_err *err);
bool rz_rules_parse(rz_rules **out, const char *name, const char *text, size_t len, rz_err *err);
void rz_rules_destroy(rz_rules *r);
int rz_rules_count(const rz_rules *r);
const char *rz_rules_name(const rz_rules *r, int i);
double rz_rules_weight(const rz_rules *r, int i);
bool rz_rules_group_normalised(const rz_rules *r, int i); /* combine: normalise: group, for whoever makes advantages of the parts */
bool rz_rules_reads_answer(const rz_rules *r); /* the accuracy rule extracts an answer (compare, expr_uses_numbers) */
bool rz_rules_is_program(const rz_rules *r, int i); /* lua, plugin, program: it can crash, and be ended by the clock */
const char *rz_rules_text(const rz_rules *r); /* the file, to be kept with the run */

/* helper: runs the rules that are programs (rewards/helper.h; started before MPI) and outlives the worker; NULL: a file with such rules is refused. */
bool rz_rules_worker_create(rz_rules_worker **out, const rz_rules *r, rz_helper *helper, rz_err *err);
void rz_rules_worker_destroy(rz_rules_worker *w);
/* Cannot fail: what goes wrong is in the parts. */
void rz_rules_score(rz_rules_worker *w, const rz_sample *s, rz_score *out);
/* All completions of one prompt: rules about the group (lengths against each other) see them together; to rz_rules_score each is a group of its own. */
void rz_rules_score_group(rz_rules_worker *w, const rz_sample *s, int n, rz_score *out);
/* From now on what each rule takes is added to seconds (rz_rules_count); NULL: no more. Changes no score. */
void rz_rules_meter(rz_rules_worker *w, double *seconds);
/* Whether every rule finds in a problem what it compares with (answer, keys of meta): RZ_EDATA names the rule and what it lacks. Rules that abstain then
 * (gold_error: skip) lack nothing. */
bool rz_rules_check_problem(rz_rules_worker *w, const char *answer, const char *meta, rz_err *err);
/* People's text: a line a rule with points, weight, span, found, expected, reason. Caller frees. */
char *rz_score_explain(const rz_rules *r, const rz_score *s);
#endif
