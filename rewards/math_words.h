/* Words of answers. Private to rewards/math_lex.c. */
#ifndef RZ_REWARDS_MATH_WORDS_H
#define RZ_REWARDS_MATH_WORDS_H
#include "rewards/math_tree.h"

typedef struct { const char *name; uint8_t kind, val; } rz_math_entry; /* a token */

const rz_math_entry *rz_math_command(const char *s, size_t len);    /* NULL: none of that name */
const rz_math_entry *rz_math_plain_word(const char *s, size_t len);
bool rz_math_listed(const char *names, const char *s, size_t len);
bool rz_math_is_symbol(const char *s, size_t len); /* a command that Math-Verify takes for a name */
bool rz_math_is_unit(const char *s, size_t len);
bool rz_math_is_struck(const char *s, size_t len); /* Math-Verify strikes it from the end of an answer */
#endif
