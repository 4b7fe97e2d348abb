/* Numbers in texts. Exact always: no double is involved.
 * Syntax of a number: [+-] digits [. digits] [e [+-] digits], or .digits; only 0-9 are digits. */
#ifndef RZ_REWARDS_NUMBER_H
#define RZ_REWARDS_NUMBER_H
#include "base/arena.h"
#include "base/pattern.h"
#include "rewards/expr.h"

typedef struct { const char *s; size_t len; } rz_slice; /* any valid UTF-8, NUL bytes too; not terminated */

/* White space as rules see it: blank, tab, CR, LF, VT, FF. */
bool rz_is_space(char c);
rz_slice rz_trim(rz_slice t);

/* Bytes of a currency sign ($ \$ € £) that the text begins with, or 0. */
size_t rz_currency_at(rz_slice t);
/* Bytes of "1,234,567" that the text begins with (at least one comma, no digit or comma of more behind it), or 0. */
size_t rz_thousands_at(rz_slice t);

/* The last number of a text in reading order: an optional sign that touches it and is no minus between two values, an optional currency sign, digits
 * with well-formed thousands commas, decimals, exponent, and "/digits" when it is a fraction. Parts of words ("x2"), versions and dates ("3.11.2",
 * "2024-01") are not numbers. False when there is none. Linear. */
bool rz_number_last(rz_slice text, rz_span *span);

/* ±0.d1d2d3… × 10^exponent with d1 ≠ 0 and the last digit ≠ 0; n = 0 is zero. */
typedef struct { bool negative; const char *digits; size_t n; int64_t exponent; } rz_decimal;
/* False when the text is no number (or its exponent has over 18 digits). Digits are copied to scratch. */
bool rz_decimal_read(rz_slice text, rz_arena *scratch, rz_decimal *out);
bool rz_decimal_equal(const rz_decimal *a, const rz_decimal *b);
/* To so many decimals, halves away from zero. */
rz_decimal rz_decimal_round(const rz_decimal *d, int decimals, rz_arena *scratch);
/* |a − b| ≤ tolerance, which is not negative. A number beyond 10^±RZ_NEAR_EXPONENT is near nothing but itself. */
enum { RZ_NEAR_EXPONENT = 10000 };
bool rz_decimal_near(const rz_decimal *a, const rz_decimal *b, const rz_decimal *tolerance, rz_arena *scratch);
/* "3", "-7/3", "0.25", "1/2" with white space around the slash allowed. False when it is none of these, or does not fit rz_rational. */
bool rz_rational_read(rz_slice text, rz_arena *scratch, rz_rational *out);
#endif
