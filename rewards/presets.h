/* Presets: other systems' rewards, faithful to what their code does, its errors included (docs/rules/presets.md). What their files share: limits, what is
 * shown, values, blocks. Private to rewards/presets_*.c. */
#ifndef RZ_REWARDS_PRESETS_H
#define RZ_REWARDS_PRESETS_H
#include "rewards/internal.h"
#include "rewards/python.h"

enum { RZ_PRESET_MAX_ITEMS = 1 << 20 }; /* words or tokens of one completion that are told apart */

enum { RZ_PRESET_MAX_ANSWER = 16 << 10 }; /* bytes of an answer in mathematics: what is done to them takes up to half a microsecond each */

/* The gold, which has to be a text of at most MAX_ANSWER bytes; false: the outcome says what is amiss. */
bool rz_preset_gold(const rz_case *c, outcome *o, rz_slice *gold);
/* Takes `price` units of work off for each byte of an answer in mathematics that is going to be read. False: it has more than RZ_PRESET_MAX_ANSWER bytes or costs more than is
 * left, which is an error: nothing is judged that is not read. */
bool rz_preset_reads(const rz_case *c, outcome *o, rz_slice answer, int price);
/* right or wrong points for an answer that is part of the case's text (its place is noted) or stands elsewhere. The answer has been found short enough. */
void rz_preset_graded(const rz_case *c, outcome *o, rz_slice answer, rz_slice gold, bool correct, double right, double wrong);
/* No answer was found: `points`, with the reason. */
void rz_preset_missing(outcome *o, rz_slice gold, double points, const char *reason);
/* Points that are full or none. */
void rz_preset_yes_no(outcome *o, bool yes, double points, const char *why_not);
/* Notes where a part of the case's text stands. */
void rz_preset_place(const rz_case *c, outcome *o, rz_slice part);
/* A verifier that is a function from text to text: the value is the text, or null for .s NULL (None). It scores 0 until it is told otherwise. */
void rz_preset_text(const rz_case *c, outcome *o, rz_slice text);
json_t *rz_json_slice(rz_slice t);

/* What stands between `open` and the next `close`: searched from *at on, which moves behind the block. */
bool rz_preset_block(rz_slice t, const char *open, const char *close, size_t *at, rz_slice *inside);
bool rz_preset_last_block(rz_slice t, const char *open, const char *close, rz_slice *inside);
/* For originals that are given prompt and completion in one text. */
rz_slice rz_preset_whole(const rz_case *c);
/* What stands in it behind the first "Assistant:", or else (if chat) behind the first "<|im_start|>assistant"; .s NULL: neither is there. */
rz_slice rz_preset_response(const rz_case *c, bool chat);

/* presets_repetition.c: the words of a text as numbers 0, 1, …, equal words by equal numbers. False when there are over RZ_PRESET_MAX_ITEMS. */
bool rz_preset_number_words(rz_arena *a, rz_slice t, uint32_t **out, size_t *n_out);
/* How many different runs of `size` neighbours there are among n ≥ size numbers. */
uint32_t rz_preset_count_runs(rz_arena scratch, const uint32_t *ids, size_t n, size_t size);
#endif
