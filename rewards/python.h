/* Python's str, as Python 3.11 has it, for rewards that are faithful to code written in Python. Texts are valid UTF-8 and may hold NUL; a slice that is returned
 * lies in its argument, or in the arena that is asked for. Everything takes time linear in the texts (searching: in the text, for needles of a few bytes).
 *
 * Python's re, in patterns of base/pattern.h:
 *   re.match(p)          RZ_PATTERN_ANCHORED           re.fullmatch(p)   "(?:p)\\z", ANCHORED (a pattern of alternatives is tried again until all matches, as in Python)
 *   re.DOTALL, re.I, re.M                              RZ_PATTERN_DOTALL, _CASELESS, _MULTILINE
 *   $ without re.M       the same: also before a newline that ends the text. \Z is \z in PCRE2
 *   ^ and $ with re.M    the same but for ^ behind a newline that ends the text, where Python matches and PCRE2 does not: write (?:^|(?<=\n)\z)
 *   \s \S \w \d \b       neither RZ_PATTERN_UNICODE nor its absence is Python: U+001C … U+001F are white space, U+180E is not, marks are no letters. Write
 *                        [RZ_PYTHON_SPACE], [^RZ_PYTHON_SPACE], [RZ_PYTHON_WORD], \p{Nd}, RZ_PYTHON_EDGE
 *   . without DOTALL     the same: anything but \n
 *   re.I                 the same but for i, I, U+0130 and U+0131, which are all one to Python: write [iIİı] where it matters
 *   findall              rz_pattern_next; an empty match may follow a match directly
 * Where a pattern is literals and ".*?" alone, find() them one after another: it is linear, and long texts do not run into the limit of a pattern. */
#ifndef RZ_REWARDS_PYTHON_H
#define RZ_REWARDS_PYTHON_H
#include "rewards/number.h"

/* Inside [ ]: what \s and str.isspace() hold for; what \w holds for. And \b. */
#define RZ_PYTHON_SPACE "\\t-\\r\\x{1C}-\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define RZ_PYTHON_WORD "\\p{L}\\p{N}_"
#define RZ_PYTHON_EDGE "(?:(?<=[" RZ_PYTHON_WORD "])(?![" RZ_PYTHON_WORD "])|(?<![" RZ_PYTHON_WORD "])(?=[" RZ_PYTHON_WORD "]))"

#define RZ_SLICE(text) ((rz_slice){(text), strlen(text)})

/* ---- characters ---- */
int32_t rz_python_char(rz_slice t, size_t at, size_t *len); /* at < t.len, where one starts; *len is its bytes */
int32_t rz_python_char_before(rz_slice t, size_t at, size_t *len); /* the one that ends at `at` > 0 */
bool rz_python_is_space(int32_t c);  /* isspace() */
bool rz_python_is_word(int32_t c);   /* \w: isalnum() or '_' */
int rz_python_digit(int32_t c);      /* \d: 0 … 9, or −1 */

/* ---- slices ---- */
size_t rz_python_len(rz_slice t);                         /* len(): code points */
rz_slice rz_python_head(rz_slice t, size_t n);            /* t[:n] */
rz_slice rz_python_tail(rz_slice t, size_t n);            /* t[-n:] */
rz_slice rz_python_from(rz_slice t, size_t at);           /* the rest from byte `at` on */
rz_slice rz_python_strip(rz_slice t);
rz_slice rz_python_lstrip(rz_slice t);
rz_slice rz_python_rstrip(rz_slice t);
rz_slice rz_python_strip_chars(rz_slice t, const char *ascii); /* strip("…") */
/* The next word of split(): false when there is none. *at: 0 at first. */
bool rz_python_word(rz_slice t, size_t *at, rz_slice *word);
/* The next line of splitlines(), without its end. */
bool rz_python_line(rz_slice t, size_t *at, rz_slice *line);
/* The next piece of split(separator): one more than there are separators. *at becomes SIZE_MAX after the last. */
bool rz_python_piece(rz_slice t, const char *separator, size_t *at, rz_slice *piece);

/* ---- finding; needles are C texts, not empty ---- */
bool rz_python_equal(rz_slice a, rz_slice b);
bool rz_python_starts(rz_slice t, const char *with);
bool rz_python_ends(rz_slice t, const char *with);
size_t rz_python_find(rz_slice t, const char *needle, size_t from); /* byte, or SIZE_MAX; from may lie behind the end */
size_t rz_python_rfind(rz_slice t, const char *needle);
size_t rz_python_count(rz_slice t, const char *needle);             /* without overlaps */
size_t rz_python_find_slice(rz_slice t, rz_slice needle, size_t from); /* linear for any needle; an empty one is found at `from` */

/* Bytes of t from `at` on that are `ascii` (small letters) as re.IGNORECASE has it: i is also U+0130 and U+0131, k U+212A, s U+017F. 0: they are not. */
size_t rz_python_caseless(rz_slice t, size_t at, rz_slice ascii);

/* ---- new texts ---- */
rz_slice rz_python_lower(rz_arena *a, rz_slice t);
rz_slice rz_python_casefold(rz_arena *a, rz_slice t);
rz_slice rz_python_replace(rz_arena *a, rz_slice t, const char *from, const char *to);
rz_slice rz_python_join(rz_arena *a, rz_slice x, rz_slice y); /* x + y */

/* ---- numbers ---- */
/* int(text): white space around, sign, digits of any script, single underscores between them; at most 4300 digits. digits: ASCII without leading zeros, "0" for
 * zero, which is never negative. */
typedef struct { bool negative; rz_slice digits; } rz_python_integer;
bool rz_python_int(rz_arena *a, rz_slice t, rz_python_integer *out);
bool rz_python_int_equal(rz_python_integer x, rz_python_integer y);
bool rz_python_int_small(rz_python_integer x, int64_t *out); /* false when it does not fit */
/* float(text): as above, with fraction, exponent, inf, infinity and nan. Correctly rounded. */
bool rz_python_float(rz_arena *a, rz_slice t, double *out);
/* repr(float) */
void rz_python_float_text(double x, char out[32]);
#endif
