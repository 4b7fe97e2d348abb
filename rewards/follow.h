/* What texts are counted for when a rule asks whether an instruction was followed: words, sentences, bullets, capitals, languages. Each is one pass over
 * valid UTF-8 of any length. White space, words and digits as Python has them (rewards/python.h). */
#ifndef RZ_REWARDS_FOLLOW_H
#define RZ_REWARDS_FOLLOW_H
#include "rewards/python.h"

/* Runs of letters, digits and underscores (\w+): "don't" has two. */
size_t rz_follow_word_runs(rz_slice t);
/* Pieces between white space that have a letter or digit: "don't" is one, "--" is none. */
size_t rz_follow_words(rz_slice t);
/* Sentences by rules of our own: a piece between white space that ends in . ! or ? (and closing quotes or brackets) ends one, unless it is an abbreviation, a
 * single letter, or a number or dots before a small letter; what is left at the end is one too. */
size_t rz_follow_sentences(rz_slice t);
/* ^\s*\*[^\*].*$ and ^\s*-.*$ with MULTILINE, one after the other. */
size_t rz_follow_markdown_bullets(rz_slice t);
/* \[.*?\] */
size_t rz_follow_placeholders(rz_slice t);
/* \*[^\n\*]*\* and \*\*[^\n\*]*\*\*, those with something inside. */
size_t rz_follow_highlights(rz_slice t);
/* Whether a <<…>> on one line has something inside. */
bool rz_follow_title(rz_slice t);
/* Tokens of nltk's word_tokenize for which isupper() holds. */
size_t rz_follow_capital_words(rz_slice t);
/* isupper(), islower(): no letter of the other case, and at least one of this. */
bool rz_follow_is_upper(rz_slice t);
bool rz_follow_is_lower(rz_slice t);

/* A text in which letters that differ in case alone are the same (one for one, as in Python's re.IGNORECASE). */
rz_slice rz_follow_fold(rz_arena *a, rz_slice t);
/* Whether the text has no character that means something in a pattern. */
bool rz_follow_is_plain(rz_slice t);
/* Next occurrence at or after `from` that stands alone, or SIZE_MAX. Its own first and last letter, digit or underscore touches no other; with `edges` there is
 * Python's \b on both sides, which a word like "c++" has only before another letter. */
size_t rz_follow_find_word(rz_slice t, rz_slice word, size_t from, bool edges);

/* language.c: the language that most letters and frequent words speak for, as ISO 639-1 code of those that IFEval names and a few more; NULL: none.
 * *letters: how many letters there are. The first 10,000 characters are read. */
const char *rz_follow_language(rz_arena *a, rz_slice t, size_t *letters);
#endif
