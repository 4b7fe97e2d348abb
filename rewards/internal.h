/* What a rule file becomes, and what one evaluation passes around. Private to rewards/. */
#ifndef RZ_REWARDS_INTERNAL_H
#define RZ_REWARDS_INTERNAL_H
#include "rewards/compare.h"
#include "rewards/formula.h"
#include "rewards/rules.h"
#include "rewards/schema.h"
#include "rewards/verify.h"
#include "rewards/worker.h"

enum {
    MAX_COMPLETION = 4 << 20,  /* bytes, about a million tokens; a longer one makes every part an error */
    MAX_REPAIRS = 100000,      /* parts of a completion that are no UTF-8; with more it is no text: every part is an error */
    MAX_ANSWER = 64 << 10,     /* bytes of an extracted answer or of a gold; no answer is longer */
    MAX_META = 1 << 20,
    MAX_SUBJECT = 64 << 10,    /* bytes that a pattern may read: PCRE2 counts steps, but a step may pass over all of the text */
    MAX_MATCHES = 256,         /* of one pattern in one completion */
    DEFAULT_STEPS = 150000,    /* of one call of PCRE2, over all starting positions together */
    MAX_STEPS = 100000000,
    RULE_WORK = 20000000,      /* units, each about a nanosecond, of all rules of one completion that are no programs (rules.c) */
    MATH_WORK = 8000000,       /* of these, those of all rules that compare mathematics: 400,000 units of their own (verify.c: MATH_UNIT) */
    MAX_RULES = 256,
    MAX_VIEWS = 64,
    MAX_TAGS = 16,
    MAX_NAME = 64,
    MAX_GOLDS = 64,            /* texts of a list of meta, any of which is right */
};
#define MAX_POINTS 1e6 /* so that no sum can leave the finite numbers */

static const rz_span NO_SPAN = {SIZE_MAX, SIZE_MAX};

typedef enum { PICK_ONLY, PICK_FIRST, PICK_LAST, PICK_ALL } pick_which; /* views: not all */

typedef struct {
    const char *name;
    const char *after, *before, *tag; /* NULL: not given */
    pick_which pick;
    bool missing_is_all;
} view;

/* What a source finds in a text, one after the other, and which of it counts. */
typedef struct {
    pick_which pick;
    int n;        /* found so far; not counted on when no more is needed */
    rz_span span; /* the one that is picked, so far; PICK_ALL: from the first to the last */
    rz_span *all; /* PICK_ALL: room for MAX_MATCHES */
} hits;

typedef enum { FROM_VIEW, FROM_LAST_NUMBER, FROM_LAST_LINE, FROM_BOXED, FROM_CODE, FROM_TAG, FROM_REGEX, FROM_BETWEEN, FROM_RULE } extract_from;

typedef struct {
    extract_from from;
    pick_which pick;
    const char *tag, *after, *before, *language; /* NULL: not given */
    rz_pattern *pattern;
    int rule;                /* FROM_RULE: a match rule */
    const char *group_name;  /* as written; NULL: 1 if the pattern has groups, else 0 */
    int group;
    rz_place at;
} extraction;

typedef struct rule_kind rule_kind;

typedef struct {
    const char *name;
    const rule_kind *kind;
    int view; /* −1: the whole completion */
    int n_requires, *requires;
    double weight, pass, fail, no_extract;
    bool group_normalised;    /* combine: normalise */
    bool gold_error_skips;
    rz_pattern *pattern;      /* match, count */
    const char *pattern_text;
    int n_tags, *min_words;   /* tags */
    const char **tags;
    bool words_behind;        /* tags: text follows the last one */
    extraction extract;       /* compare, expr_uses_numbers */
    const rz_comparer *comparer;
    json_t *options;          /* the comparer's, complete; owned */
    const rz_verifier *verifier;
    json_t *params;           /* the verifier's, complete; owned */
    bool extracts;            /* verifier: its text is what `extract` finds */
    bool passes;              /* passes or fails: can be a gate, accuracy, format */
    bool answers;             /* extracts an answer, and needs a gold */
    bool needs_data;          /* of the problem: an answer, or keys of meta */
    bool math;                /* compares mathematics: its work is of MATH_WORK, too */
    const char *gold_key;     /* of meta; NULL: the sample's answer */
    int n_normalise;
    const rz_normaliser **normalise;
    const char *numbers_key, *target_key; /* expr_uses_numbers */
    json_t *setup;            /* lua, plugin, program: what their worker is told; owned */
    int memory_mib, deadline_ms;
    int max;                  /* count: matches */
    double each;              /* count, constant: points */
} rule;

typedef enum { COMBINE_SUM, COMBINE_PRODUCT, COMBINE_MIN, COMBINE_FIRST, COMBINE_EXPRESSION } combine_mode;

typedef struct {
    combine_mode mode;
    double lowest, highest;    /* clamp */
    double otherwise;          /* COMBINE_FIRST: when no rule passes */
    const formula *expression; /* COMBINE_EXPRESSION */
} combination;

struct rz_rules {
    rz_arena arena; /* everything but the patterns */
    const char *text;
    int n, n_views;
    rule *rules;
    view *views;
    int *order; /* a rule comes after the ones it requires */
    int accuracy, format; /* −1: none */
    bool truncated_is_scored;
    combination combine;
};

typedef struct {
    const rz_rules *rules;
    const rz_sample *sample;
    const char *text; /* the repaired completion, never NULL */
    size_t len;
    char *repaired;   /* the completion, if it had to be repaired; owned */
    bool is_no_text;  /* beyond repair */
    rz_span *views;   /* (n_views); NO_SPAN: not looked for, for want of work */
    rz_span **groups; /* (n) of each match rule: spans in the completion, as of its evaluation; NO_SPAN when it did not match */
    rz_part *parts;   /* (n) */
    bool *passed;     /* (n) */
    rz_env *env;
    rz_worker **tasks;  /* (n) of the rules that are programs; NULL: none is */
    json_t *meta, *answer; /* read at the first need; owned */
    bool meta_is_read;
    int64_t work;     /* left of RULE_WORK, of MATH_WORK, and of both to the rule that runs */
    int64_t math, now;
} evaluation; /* of one sample */

struct rule_kind {
    const char *name;        /* value of `kind:`; as a key it names the kind and holds its main argument */
    const char *const *keys; /* of its own, ended by NULL */
    bool passes;             /* has `score:`, can be a gate, accuracy or format */
    bool reads_view;
    bool answers;            /* extracts, and needs a gold: has no_extract and gold_error */
    bool (*load)(const schema *s, rz_rules *r, rule *u, const rz_yaml *y);
    void (*score)(evaluation *e, const rule *u, rz_span where, outcome *o); /* NULL: its verifier judges (kinds_verify.c) */
    const char *about;       /* one sentence */
    const char *example;     /* a rule of this kind, as it stands in a file: "name: {...}" */
};

/* kinds.c: the table, and what kinds share */
extern const rule_kind *const rz_kinds[];
extern const int rz_n_kinds;
extern const rule_kind rz_kind_match, rz_kind_tags, rz_kind_count, rz_kind_compare, rz_kind_expr, rz_kind_verify, rz_kind_lua, rz_kind_plugin, rz_kind_program, rz_kind_code;
void rz_outcome_pass(outcome *o, const rule *u);
__attribute__((format(printf, 3, 4))) void rz_outcome_fail(outcome *o, const rule *u, const char *fmt, ...);

/* scan.c */
rz_span rz_view_find(const view *v, const char *text, size_t len);
bool rz_tag_name_ok(const char *name);
/* The number of visible words in a text, at most `limit` (it stops counting there). */
int rz_count_words(const char *s, size_t len, int limit);
/* "<answer>" or "</answer>" at text[i], which is '<'. Returns its length, or 0. */
size_t rz_tag_at(const char *text, size_t len, size_t i, const char *name, bool *closing);
/* False when no more is needed. */
bool rz_hit(hits *h, rz_span span);
/* The text between <tag> and the next </tag>; of two opening tags before a closing one the later counts. The counts of tags are complete unless `pick` is first.
 * With PICK_ONLY nothing is found unless each occurs exactly once. */
void rz_find_tag(rz_slice t, const char *tag, hits *h, int *n_open, int *n_close);
/* Behind each `after` up to the next `before` (where there is none the span ends at SIZE_MAX), or with one of them NULL: to the end, from the start. */
void rz_find_between(rz_slice t, const char *after, const char *before, hits *h);

/* sources.c: further places of answers */
/* What is in \boxed{...} and \fbox{...}: braces balance (those behind a backslash do not count), one inside another is no box of its own, one without an end is none. */
void rz_find_boxed(rz_slice t, rz_arena *scratch, hits *h);
/* The lines between ``` and ```, of that language unless it is NULL. */
void rz_find_code(rz_slice t, const char *language, hits *h);
/* The last line on which something is to be seen, without white space around. */
void rz_find_last_line(rz_slice t, hits *h);

/* extract.c */
extern const char *const rz_pick_names[4];
/* Reads `pattern_key` (required), flags and match_limit of the map. whole: matches only if all of the subject does; else group 0 is the first match,
 * and the step limit counts over all starting positions. */
bool rz_pattern_load(const schema *s, const rz_yaml *map, const char *pattern_key, bool whole, rz_pattern **out, const char **text);
/* Next match at or after *from, which moves behind it. *from > len ends it. Spans are relative to the subject; RZ_MATCH_LIMIT also for one that is
 * too long (rz_limit_reason tells which). */
rz_match_result rz_pattern_next(const rz_pattern *p, rz_matcher *m, rz_slice subject, size_t *from, rz_span *spans, int n_spans);
const char *rz_limit_reason(rz_slice subject);
bool rz_extract_load(const schema *s, rz_rules *r, extraction *x, const rz_yaml *y);
/* After all rules are loaded: what needs the other rules. */
bool rz_extract_link(const schema *s, const rz_rules *r, extraction *x);
typedef enum { EXTRACTED, NOTHING, LIMIT_HIT } extract_result;
/* The text is that of the span, or with `pick: all` the texts found within it, joined by ", ". */
extract_result rz_extract(evaluation *e, const extraction *x, rz_span where, rz_span *span, rz_slice *text, char reason[REASON]);

/* gold.c: what a rule needs of the problem, or the outcome that says what is amiss */
__attribute__((format(printf, 3, 4))) void rz_gold_error(outcome *o, const rule *u, const char *fmt, ...);
const json_t *rz_meta_get(evaluation *e, const rule *u, const char *key, outcome *o); /* NULL: the outcome is set */
/* The sample's answer, or a text, an integer or a list of them of meta. */
bool rz_gold_texts(evaluation *e, const rule *u, outcome *o, rz_slice out[MAX_GOLDS], int *n);
bool rz_gold_json(evaluation *e, const rule *u, outcome *o, const json_t **out); /* NULL when there is no gold, which is for the verifier to judge */
const json_t *rz_evaluation_meta(evaluation *e);

/* kinds_compare.c */
bool rz_gold_load(const schema *s, rule *u, const rz_yaml *map);          /* `gold:` of the map */
bool rz_normalise_load(const schema *s, rule *u, const rz_yaml *rule_map); /* `normalise:` */
rz_slice rz_normalised(rz_env *env, const rule *u, rz_slice t);

/* kinds_answer.c: the answer's place, or the outcome that says why there is none. */
bool rz_answer_extract(evaluation *e, const rule *u, rz_span where, outcome *o, rz_slice *out);

/* kinds_verify.c */
bool rz_params_load(const schema *s, const rz_yaml *map, const char *what, const char *defaults, const char *const *others, int n_others, json_t **out);
/* The case of one sample for a verifier rule; false: the outcome says why there is none. */
bool rz_case_make(evaluation *e, const rule *u, rz_span where, rz_case *c, outcome *o);

/* kinds_custom.c */
/* After all rules are loaded: Lua rules without `instructions:` share what one alone would have. */
void rz_custom_share(rz_rules *r);
/* A worker for a rule that is a program; *out NULL when it is none. */
bool rz_custom_start(rz_worker **out, rz_helper *h, const rule *u, rz_err *err);

/* families of verifiers (verify.c lists them) */
extern const rz_verifier rz_verifiers_tasks[];
extern const int rz_n_verifiers_tasks;
extern const rz_verifier rz_verifiers_math_verify[];
extern const int rz_n_verifiers_math_verify;
double rz_cosine(double x); /* length.c: without libm, whose last bits differ between machines */
extern const rz_verifier rz_verifiers_length[];
extern const int rz_n_verifiers_length;
extern const rz_verifier rz_verifiers_hendrycks[], rz_verifiers_minerva[], rz_verifiers_prime[], rz_verifiers_prm800k[], rz_verifiers_verl_math[];
extern const int rz_n_verifiers_hendrycks, rz_n_verifiers_minerva, rz_n_verifiers_prime, rz_n_verifiers_prm800k, rz_n_verifiers_verl_math;
extern const rz_verifier rz_verifiers_presets_extract[], rz_verifiers_presets_logic_rl[], rz_verifiers_presets_open_instruct[];
extern const int rz_n_verifiers_presets_extract, rz_n_verifiers_presets_logic_rl, rz_n_verifiers_presets_open_instruct;
extern const rz_verifier rz_verifiers_presets_tinyzero[];
extern const int rz_n_verifiers_presets_tinyzero;
extern const rz_verifier rz_verifiers_presets_format[], rz_verifiers_presets_length[], rz_verifiers_presets_repetition[];
extern const int rz_n_verifiers_presets_format, rz_n_verifiers_presets_length, rz_n_verifiers_presets_repetition;
extern const rz_verifier rz_verifiers_counts[], rz_verifiers_gym[], rz_verifiers_ifeval[];
extern const int rz_n_verifiers_counts, rz_n_verifiers_gym, rz_n_verifiers_ifeval;

/* load.c */
int rz_rule_find(const rz_rules *r, const char *name);
bool rz_rule_unknown(const schema *s, const rz_rules *r, rz_place at, const char *where, const char *name); /* false, with a suggestion */

/* combine.c */
bool rz_combine_load(const schema *s, rz_rules *r, const rz_yaml *root);
void rz_combine(const evaluation *e, rz_score *out); /* score and note */
#endif
