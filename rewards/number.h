/* Answers as text: what is done to them before they are compared, and the ways to compare. Exact always: no double is involved.
 * Syntax of a number: [+-] digits [. digits] [e [+-] digits], or .digits; only 0-9 are digits. */
#ifndef RZ_REWARDS_NUMBER_H
#define RZ_REWARDS_NUMBER_H
#include "base/arena.h"
#include "base/pattern.h"
#include "rewards/expr.h"
#include <jansson.h>

typedef struct { const char *s; size_t len; } rz_slice; /* any valid UTF-8, NUL bytes too; not terminated */

typedef struct {
    const char *name;                     /* as in `normalise:` */
    void (*apply)(char *s, size_t *len);  /* in place, never longer */
} rz_normaliser;

typedef enum { RZ_EQUAL, RZ_DIFFERENT, RZ_FOUND_UNREADABLE, RZ_GOLD_UNREADABLE } rz_verdict;

typedef struct rz_env rz_env; /* a worker's matcher, scratch and patterns (rewards/verify.h) */

typedef struct {
    const char *name;    /* as in `compare:` */
    const char *wanted;  /* "an integer": what an unreadable text is not */
    const char *options; /* JSON object of further keys of `compare:` with their defaults, as the parameters of verifiers (rewards/verify.h); NULL: none */
    rz_verdict (*compare)(rz_env *env, rz_slice found, rz_slice gold, const json_t *options);
    bool (*check)(const json_t *options, rz_err *err); /* NULL: the types say all. RZ_ECONFIG: "name is …, must be …" */
} rz_comparer;

extern const rz_normaliser rz_normalisers[];
extern const int rz_n_normalisers;
extern const rz_comparer rz_comparers[];
extern const int rz_n_comparers;

/* White space as rules see it: blank, tab, CR, LF, VT, FF. */
bool rz_is_space(char c);
rz_slice rz_trim(rz_slice t);

/* The last number of a text in reading order: an optional sign that touches it and is no minus between two values, an optional currency sign, digits
 * with well-formed thousands commas, decimals, exponent, and "/digits" when it is a fraction. Parts of words ("x2"), versions and dates ("3.11.2",
 * "2024-01") are not numbers. False when there is none. Linear. */
bool rz_number_last(rz_slice text, rz_span *span);

/* ±0.d1d2d3… × 10^exponent with d1 ≠ 0 and the last digit ≠ 0; n = 0 is zero. */
typedef struct { bool negative; const char *digits; size_t n; int64_t exponent; } rz_decimal;
/* False when the text is no number (or its exponent has over 18 digits). Digits are copied to scratch. */
bool rz_decimal_read(rz_slice text, rz_arena *scratch, rz_decimal *out);
bool rz_decimal_equal(const rz_decimal *a, const rz_decimal *b);
/* "3", "-7/3", "0.25", "1/2" with white space around the slash allowed. False when it is none of these, or does not fit rz_rational. */
bool rz_rational_read(rz_slice text, rz_arena *scratch, rz_rational *out);

/* What casefold compares with: two texts, parted by U+10FFFF, which no text means; a text that holds it matches nothing. */
#define RZ_PARTING "\xF4\x8F\xBF\xBF"
#define RZ_FOLD_PATTERN "\\A([^" RZ_PARTING "]*+)" RZ_PARTING "(?i:\\1)\\z"
#endif
