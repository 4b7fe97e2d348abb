/* Countdown: combine every given number exactly once with + − × ÷ to reach the target. Every intermediate result is an integer in 1 … max_value
 * (a−b needs a > b, division exact). Every problem is solvable by construction. (Task after TinyZero and "Stream of Search", arXiv 2404.03683.) */
#ifndef RZ_DATA_COUNTDOWN_H
#define RZ_DATA_COUNTDOWN_H
#include "base/options.h"
#include "base/rng.h"

enum { RZ_COUNTDOWN_MAX_NUMBERS = 6 };
typedef enum { RZ_TRAIN, RZ_VALIDATION, RZ_TEST } rz_split;
typedef enum {
    RZ_TARGETS_DERIV,   /* value of one random legal derivation, redrawn if it equals an input */
    RZ_TARGETS_UNIFORM, /* uniform over the reachable values that are no input */
    RZ_TARGETS_MIX,     /* each with probability 1/2 */
} rz_targets;

typedef struct {
    rz_int_list numbers;   /* counts to draw from, each 2 … 6, e.g. [3, 3, 3, 4] */
    int64_t max_input;     /* inputs are uniform in 1 … max_input (≤ 99) */
    int64_t max_value;     /* ≤ 9999 */
    int targets;           /* rz_targets */
    int64_t split_seed;    /* which multisets are held out: independent of the run's seed */
    double test_share, validation_share; /* of the multisets of each count, exact to one by a keyed permutation of their ranks */
} rz_countdown_options;

typedef struct { int n; int numbers[RZ_COUNTDOWN_MAX_NUMBERS]; int target; } rz_countdown;

/* RZ_ECONFIG when no problem could be drawn (a split without multisets, nothing reachable). */
bool rz_countdown_check(const rz_countdown_options *o, rz_err *err);
/* Split a multiset of numbers belongs to: independent of their order. */
rz_split rz_countdown_split(const rz_countdown_options *o, const int *numbers, int n);
/* How many multisets of this count a split holds. */
uint64_t rz_countdown_split_size(const rz_countdown_options *o, int n, rz_split split);
/* Problem `index` of a split. Always solvable. */
void rz_countdown_draw(const rz_countdown_options *o, uint32_t seed, rz_split split, uint64_t index, rz_countdown *out);
/* The same from a stream of the caller's (a document draws its problem from its own). */
void rz_countdown_draw_next(const rz_countdown_options *o, rz_split split, rz_stream *s, rz_countdown *out);
/* As a prompt: "numbers 3 5 4 target 19 ?" (no tag in it). buf ≥ 96 bytes. */
void rz_countdown_prompt(const rz_countdown *p, char *buf, size_t size);
/* All values reachable with every number used once: reachable[v] for 1 ≤ v ≤ max_value (max_value + 1 places). No step may leave 1 … max_value.
 * About 1 µs for 3 numbers and max_value 50, less than 1 ms for 6 numbers. */
void rz_countdown_reachable(const int *numbers, int n, int max_value, bool *reachable);
/* True when some expression over exactly these numbers gives the target, with intermediate results any rational (the verifier's notion, brute
 * force). Numbers in 1 … 9999, at most RZ_COUNTDOWN_MAX_NUMBERS of them. 0.1 s at worst: 6 numbers that cannot. */
bool rz_countdown_solvable(const int *numbers, int n, int target);

/* The corpus a base model is pretrained on: document `index`, text of words separated by single spaces. See docs/corpus.md for its grammar
 * and for what share of documents shows the required format. */
typedef struct {
    double goal_aware;       /* share of writers whose last combination is the one closest to the target (with probability .85) */
    double wrong_result, wrong_verdict, wrong_unchecked, wait; /* wrong_verdict: behind a written self-check; wrong_unchecked: without one */
    int64_t max_attempts;
    int64_t max_words;       /* longer documents are redrawn; at least 64 */
    bool repeat_attempts;    /* false: a writer never repeats an attempt it has written (of up to 8 redraws) */
} rz_corpus_options;
/* RZ_ECONFIG when no document could be written: rz_countdown_check, a train split for the problems, sane values. */
bool rz_corpus_check(const rz_countdown_options *o, const rz_corpus_options *c, rz_err *err);
char *rz_corpus_document(const rz_countdown_options *o, const rz_corpus_options *c, uint32_t seed, uint64_t index); /* caller frees */
#endif
