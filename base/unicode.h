/* The only door to utf8proc: what the tables of Unicode 15 say of a character. Simple things only: normal forms are put together by the tokenizer, strings
 * are treated as Python treats them by the rewards. */
#ifndef RZ_BASE_UNICODE_H
#define RZ_BASE_UNICODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at s, which must be the start of one in valid UTF-8; *len is its bytes, 1 … 4. */
int32_t rz_unicode_read(const char *s, size_t *len);
/* Returns the bytes written. */
size_t rz_unicode_write(int32_t c, char out[4]);

const char *rz_unicode_category(int32_t c); /* "Lu", "Nd", … */
int rz_unicode_class(int32_t c);            /* the combining class */
int32_t rz_unicode_lower(int32_t c);        /* of one character one character */

enum { RZ_UNICODE_PARTS = 32 }; /* no character becomes more */
/* Both return how many characters were written, 1 or more. */
int rz_unicode_fold(int32_t c, int32_t out[RZ_UNICODE_PARTS]); /* full case folding */
int rz_unicode_decompose(int32_t c, bool compatible, int32_t out[RZ_UNICODE_PARTS]);
int32_t rz_unicode_pair(int32_t a, int32_t b); /* the one character that two make, or −1 */
#endif
