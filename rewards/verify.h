/* Verifiers: one table of rows serves rule kinds (`kind: language_share`) and presets, which are other systems' rewards (`preset: verl/gsm8k`).
 * A verifier is a pure function of one sample (or of a group of them) with parameters. Its work is bounded by the length of the text and counted, never timed.
 * Private to rewards/, but for rz_verifier_find and the table, which the tools list. */
#ifndef RZ_REWARDS_VERIFY_H
#define RZ_REWARDS_VERIFY_H
#include "rewards/compare.h"
#include "rewards/rules.h"
#include <jansson.h>

enum { SHOWN = 240, REASON = 480 }; /* bytes kept of a text that is shown, of a reason */

typedef struct {
    rz_part_state state;
    bool passed;
    bool gold_problem; /* an error that lies in the problem's data: `gold_error: skip` makes it a skip */
    bool crashed;      /* an error: a program rule ended in the middle */
    bool nondeterministic; /* an error: a wall clock decided */
    double points;
    rz_span span;      /* of the text that the verifier was given */
    char found[SHOWN], expected[SHOWN], reason[REASON];
    json_t *value;     /* set only if the case asks (wants_value): what the original returns beside or instead of points; the caller's */
} outcome;

/* A worker's: serves all rules and verifiers of one thread. */
struct rz_env {
    rz_matcher *matcher;
    rz_arena *scratch;      /* of the call */
    const rz_pattern *fold; /* for casefold (rz_number_fold_pattern) */
    struct rz_env_pattern *patterns;
    int n_patterns, cap_patterns;
};

typedef struct {
    rz_env *env;
    rz_span place;          /* of the text in the completion, if it was extracted; settled by the caller */
    rz_slice text;          /* valid UTF-8: the completion, or the rule's view of it, or what `extract:` found. .s NULL: Python's None, which only cases of rules parity hold */
    const json_t *gold;     /* text of the sample's answer, or a value of meta (`gold: meta.KEY`); NULL: there is none */
    const json_t *meta;     /* an object, or NULL */
    const json_t *params;   /* an object with every parameter of the row, of the default's type (real for a real default; null stays possible for null) */
    rz_slice prompt;        /* .s NULL: not known */
    const int32_t *ids;     /* (n_tokens) of the completion, or NULL: not known */
    int n_tokens;           /* or −1: not known */
    int64_t *work;          /* what is left to its completion, for a verifier of groups (rz_case_enter); NULL: there is no end */
    bool correct;           /* the accuracy rule has passed; only for rows with uses_correct */
    bool wants_value;
} rz_case;

typedef struct {
    const char *name;    /* with a slash: `preset: NAME`; without: `kind: NAME` */
    const char *origin;  /* "open-r1 1416fa0, format_reward"; NULL: our own */
    const char *about;   /* one sentence */
    const char *params;  /* JSON object of parameters with their defaults, whose types are the types; NULL: none. A list's elements are of its first
                            element's type (texts if it is empty); null: a text, or none */
    const char *gold;    /* for people: what of the problem it needs ("answer: a number"); NULL: nothing */
    const char *holes;   /* known ways to be paid for nothing; NULL: none known */
    double top, bottom;  /* most and least points with default parameters. top 0: neither passes nor fails (a penalty) */
    bool uses_correct;   /* evaluated after the accuracy rule */
    bool math;           /* compares mathematics, for which all rules of a completion have one allowance */
    void (*score)(const rz_case *c, outcome *o);              /* one sample, or: */
    void (*score_group)(const rz_case *c, int n, outcome *o); /* all completions of one prompt; cases and outcomes (n) */
    bool (*check)(const json_t *params, rz_err *err);         /* NULL: the types say all. RZ_ECONFIG: "name is …, must be …" */
    double (*least)(const json_t *params);                    /* least points with these parameters; NULL: bottom, whatever they are */
} rz_verifier;

const rz_verifier *rz_verifier_find(const char *name); /* NULL: there is none */
/* Units of work (internal.h: RULE_WORK) that a row takes at most for a text of so many bytes; 0 for one that is not in the table. */
int64_t rz_verifier_price(const rz_verifier *v, size_t len);
/* Every row, index 0 … until NULL. */
const rz_verifier *rz_verifier_at(int i);

/* The row's parameters: defaults, overridden by those in `given` (an object, or NULL), which must be known and of the default's type (an integer does for a
 * real). RZ_ECONFIG with a suggestion. The caller's reference. */
json_t *rz_verifier_params(const rz_verifier *v, const json_t *given, rz_err *err);
double rz_verifier_least(const rz_verifier *v, const json_t *params);
/* The least of the numbers of these names, which `params` has. */
double rz_params_least(const json_t *params, const char *const *names, int n);
/* Calls score or, for a group of one, score_group, with an outcome that is set to begin with. */
void rz_verifier_score(const rz_verifier *v, const rz_case *c, outcome *o);

/* What verifiers set. found and expected: rz_show (internal.h). */
void rz_outcome_begin(outcome *o);
__attribute__((format(printf, 4, 5))) void rz_outcome_scored(outcome *o, bool passed, double points, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void rz_outcome_skipped(outcome *o, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void rz_outcome_error(outcome *o, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void rz_outcome_gold_error(outcome *o, const char *fmt, ...);
/* Copies at most size−1 bytes, cut between characters and marked with "…"; NUL bytes become U+2400. */
void rz_show(char *out, size_t size, const char *s, size_t len);

/* The parameter of this name, which the row has. */
const json_t *rz_param(const rz_case *c, const char *name);
double rz_param_number(const rz_case *c, const char *name);
int64_t rz_param_int(const rz_case *c, const char *name);
bool rz_param_bool(const rz_case *c, const char *name);
const char *rz_param_text(const rz_case *c, const char *name); /* NULL when it is null */
/* The gold, if it is a text: .s NULL otherwise. */
rz_slice rz_case_gold(const rz_case *c);

bool rz_env_init(rz_env *env, rz_arena *scratch, rz_err *err);
void rz_env_finish(rz_env *env); /* accepts a zeroed one */
/* Between two calls: when the patterns are too many (keywords of endless problems), all go but the worker's own. */
void rz_env_trim(rz_env *env);
/* Compiled at the first call and kept until rz_env_trim. NULL, with *err if given, for a bad pattern: only one out of parameters can be bad. */
const rz_pattern *rz_env_pattern(rz_env *env, const char *pattern, unsigned flags, rz_err *err);
/* Takes units off what is left to all rules of the completion (internal.h: RULE_WORK). False when that was not enough: the caller stops, and whatever it says the rule
 * has an error. What is done to a text at worst costs what rz_verifier_price and kinds say; this is for what depends on the answer. */
bool rz_env_spend(rz_env *env, int64_t units);
/* For a comparison in mathematics: units (rewards/math.h) that may be spent on it, at least 1; and those that were, taken off. */
long rz_env_math_work(const rz_env *env);
void rz_env_math_spent(rz_env *env, long work);
/* A verifier of groups works on one case between these: what it takes is that completion's. */
void rz_case_enter(const rz_case *c);
void rz_case_leave(const rz_case *c);
/* First match at or after `from`, like rz_pattern_match. RZ_MATCH_LIMIT also for a subject over 64 KiB (MAX_SUBJECT): say rz_limit_reason(subject). */
rz_match_result rz_env_search(rz_env *env, const char *pattern, unsigned flags, rz_slice subject, size_t from, rz_span *spans, int n_spans);
#endif
