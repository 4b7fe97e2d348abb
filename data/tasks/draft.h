/* The paper that a task writes a problem on, and the rows of the table. Private to data/. */
#ifndef RZ_DATA_TASKS_DRAFT_H
#define RZ_DATA_TASKS_DRAFT_H
#include "data/tasks.h"

enum { RZ_DRAFT_PROMPT = 4096, RZ_DRAFT_ANSWER = 1024, RZ_DRAFT_META = 4096 };

struct rz_draft {
    size_t n_prompt, n_answer, n_meta;
    uint64_t content; /* of what the problem is made of: decides its split, and is its cluster */
    char prompt[RZ_DRAFT_PROMPT], answer[RZ_DRAFT_ANSWER], meta[RZ_DRAFT_META];
};

/* Empty but for meta.kind. */
void rz_draft_begin(rz_draft *d, int level);
void rz_draft_end(rz_draft *d);
/* Each adds to what is there. */
__attribute__((format(printf, 2, 3))) void rz_draft_prompt(rz_draft *d, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void rz_draft_answer(rz_draft *d, const char *fmt, ...);
/* Keys of meta: what a verifier needs and the answer does not say. Texts are escaped. */
void rz_draft_meta_number(rz_draft *d, const char *key, int64_t value);
void rz_draft_meta_numbers(rz_draft *d, const char *key, const int64_t *values, int n);
void rz_draft_meta_text(rz_draft *d, const char *key, const char *text);
void rz_draft_meta_texts(rz_draft *d, const char *key, const char *const *texts, int n);
void rz_draft_meta_map(rz_draft *d, const char *key, const char *const *names, const char *const *values, int n);
/* What is left out of the content (an order, names, a wording) makes no other problem. */
void rz_draft_content(rz_draft *d, int64_t value);
void rz_draft_content_text(rz_draft *d, const char *text);
void rz_draft_content_sorted(rz_draft *d, const int64_t *values, int n); /* their order means nothing; n ≤ 64 */

/* What several tasks draw. */
const char *rz_draft_word(rz_stream *s, int max_letters); /* a common English word of 3 to max_letters letters, 3 ≤ max_letters */
const char *rz_draft_name(rz_stream *s, int i);           /* one of two first names, i in 0 … 15: different i, different names */
void rz_draft_shuffle(rz_stream *s, int *order, int n);   /* 0 … n−1 in a random order */

/* tasks.c: the splits of any task. */
rz_shares rz_task_shares(const rz_task_options *o);
bool rz_task_shares_check(const char *task, const rz_task_options *o, rz_err *err);
bool rz_task_split_is_empty(const char *task, const rz_task_options *o, rz_split split, rz_err *err); /* says so */
bool rz_task_split_has_share(const char *task, const rz_task_options *o, rz_split split, rz_err *err); /* one without would be searched for ever */
char *rz_task_shares_describe(const rz_task_options *o);

/* The table: a row a task, each defined in a file of this folder (the first three in own.c). */
#define RZ_TASKS(X) \
    X(countdown) X(decimals) X(sums) X(products) X(basic_arithmetic) X(number_sorting) X(word_sorting) X(reversal) X(base_conversion) X(gcd) X(lcm) \
    X(count_bits) X(letter_counting) X(equations) X(knights_knaves) X(sudoku4) X(shortest_path) X(maze) X(fraction_simplification) \
    X(prime_factorisation) X(word_problems) X(number_sequence) X(binary_alternation) X(caesar) X(stack_program) X(calendar) X(logic)
#define RZ_TASK_DECLARE(name) extern const rz_task rz_task_##name;
RZ_TASKS(RZ_TASK_DECLARE)
#endif
