/* Texts that are rewritten step by step: the normalisers of other systems are chains of replacements. To rewards/python.h, which has the single steps, this adds what chains
 * of them need. Every step takes linear time; what it makes lies in the arena. Private to rewards/. */
#ifndef RZ_REWARDS_REWRITE_H
#define RZ_REWARDS_REWRITE_H
#include "rewards/python.h"

typedef struct { const char *from, *to; } rz_swap;
rz_slice rz_swap_all(rz_arena *a, rz_slice t, const rz_swap *swaps, int n); /* str.replace, one after the other */

static inline rz_slice rz_slice_of(const char *s) { return (rz_slice){s, __builtin_strlen(s)}; }
static inline bool rz_slice_is(rz_slice t, const char *s) { return rz_python_equal(t, rz_slice_of(s)); }
static inline bool rz_slice_has(rz_slice t, const char *what) { return rz_python_find(t, what, 0) != SIZE_MAX; }
static inline rz_slice rz_slice_cut(rz_slice t, size_t start, size_t end) { return (rz_slice){t.s + start, end - start}; }
size_t rz_char_size(rz_slice t, size_t at); /* bytes of the character at t.s[at]; 0 at the end */

bool rz_python_is_alpha(int32_t c);         /* str.isalpha() of a character */
bool rz_python_is_digit(int32_t c);         /* str.isdigit() of a character: superscripts and the like are digits to it */
bool rz_python_all_digits(rz_slice t);      /* str.isdigit() */
bool rz_python_any_digit(rz_slice t);       /* any(c.isdigit() for c in t) */

/* Where the brace closes with which as many are closed as were opened, counted from `from` on; SIZE_MAX: nowhere. \{ and \} count like any other. */
size_t rz_brace_close(rz_slice t, size_t from);

/* A text that grows to at most `cap` bytes, which are taken from the arena when it begins. */
typedef struct { char *s; size_t len, cap; bool full; /* there was no room for all: it holds a part of what was added */ } rz_builder;
rz_builder rz_build(rz_arena *a, size_t cap);
void rz_build_add(rz_builder *b, rz_slice t);
void rz_build_text(rz_builder *b, const char *s);
static inline rz_slice rz_built(const rz_builder *b) { return (rz_slice){b->s, b->len}; }
rz_slice rz_concat(rz_arena *a, const rz_slice *parts, int n);
#endif
