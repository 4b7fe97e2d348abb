/* Answers as texts: what is done to them before they are compared (`normalise:`), and the ways to compare (`compare:`). */
#ifndef RZ_REWARDS_COMPARE_H
#define RZ_REWARDS_COMPARE_H
#include "rewards/number.h"
#include <jansson.h>

typedef struct {
    const char *name;  /* as in `normalise:` */
    const char *about;
    rz_slice (*apply)(rz_arena *scratch, rz_slice t); /* a part of the text, or a new one in scratch */
} rz_normaliser;

typedef enum { RZ_EQUAL, RZ_DIFFERENT, RZ_FOUND_UNREADABLE, RZ_GOLD_UNREADABLE } rz_verdict;

typedef struct rz_env rz_env; /* a worker's matcher, scratch and patterns (rewards/verify.h) */

typedef struct {
    const char *name;    /* as in `compare:` */
    const char *about;   /* equal when … */
    const char *wanted;  /* "an integer": what an unreadable text is not */
    const char *options; /* JSON object of further keys of `compare:` with their defaults, as the parameters of verifiers (rewards/verify.h); NULL: none */
    const char *of;      /* it compares parts: the comparer for them unless `of:` names another; the options then hold "of": {"kind", its options} */
    rz_verdict (*compare)(rz_env *env, rz_slice found, rz_slice gold, const json_t *options); /* decimal: NULL are the defaults. Or */
    /* How alike they are, 0 … 1; below 0: the text found is not to be read. Its options have `threshold` (from there on they are equal) and `partial` (what is
     * below earns its share of the points). */
    double (*likeness)(rz_env *env, rz_slice found, rz_slice gold, const json_t *options);
    bool (*check)(const json_t *options, rz_err *err); /* RZ_ECONFIG for options that make no sense; NULL: all do */
} rz_comparer;

extern const rz_normaliser rz_normalisers[];
extern const int rz_n_normalisers;
extern const rz_comparer *const rz_comparers[];
extern const int rz_n_comparers;
const rz_normaliser *rz_normaliser_find(const char *name); /* NULL: there is none */
const rz_comparer *rz_comparer_find(const char *name);

/* Takes work off what is left (rewards/verify.h). *likeness is what earns a share of the points: 1 when equal, else 0 unless the comparer is one of degrees and `partial`. */
rz_verdict rz_compare(const rz_comparer *c, rz_env *env, rz_slice found, rz_slice gold, const json_t *options, double *likeness);
/* All options at their defaults, "of" too. The caller's reference. */
json_t *rz_comparer_defaults(const rz_comparer *c);

/* compare_parts.c, compare_text.c */
extern const rz_comparer rz_compare_set, rz_compare_list, rz_compare_tuple, rz_compare_interval, rz_compare_one_of, rz_compare_f1, rz_compare_edit;

/* What casefold compares with: two texts, parted by U+10FFFF, which no text means; a text that holds it matches nothing. */
#define RZ_PARTING "\xF4\x8F\xBF\xBF"
#define RZ_FOLD_PATTERN "\\A([^" RZ_PARTING "]*+)" RZ_PARTING "(?i:\\1)\\z"
#endif
