/* Text: UTF-8 checked once, nearest words for suggestions, doubles that read back. */
#ifndef RZ_BASE_TEXT_H
#define RZ_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>

/* Bytes start … end − 1 of a text. */
typedef struct { size_t start, end; } rz_range;

/* Length of the valid prefix (== len when all is valid; surrogates, overlong forms and > U+10FFFF are invalid). */
size_t rz_utf8_valid(const char *s, size_t len);
/* A copy with every maximal invalid part replaced by U+FFFD (Unicode 15, section 3.9); *out_len is its length. NUL-terminated; caller frees. */
char *rz_utf8_repair(const char *s, size_t len, size_t *out_len);
/* NULL when more than `most` parts would have to be replaced. */
char *rz_utf8_repair_some(const char *s, size_t len, size_t most, size_t *out_len);
size_t rz_utf8_count(const char *s, size_t len); /* code points of valid text */

/* The candidate nearest to word (Damerau-Levenshtein, at most a third of its length, ties to the first), or NULL. */
const char *rz_nearest(const char *word, const char *const *candidates, int n);

/* The shortest of %.15g, %.16g, %.17g that reads back as the same double. Finite x. */
void rz_double_text(double x, char out[32]);
#endif
