/* Procedural tasks, one table: problems by index, without an end and without a file. docs/tasks.md describes each. */
#ifndef RZ_DATA_TASKS_H
#define RZ_DATA_TASKS_H
#include "base/arena.h"
#include "data/decimals.h"
#include "data/sums.h"

/* What any task may be told (task.* of a config). */
typedef struct {
    rz_countdown_options countdown; /* its split_seed, test_share and validation_share hold for every task */
    rz_decimals_options decimals;
    rz_sums_options sums;
} rz_task_options;

typedef struct {
    const char *prompt; /* text before the template and the tokenizer */
    const char *answer; /* expected answer, or "" */
    const char *meta;   /* JSON object, one line: {"numbers":[3,5,4],"target":19}, {"kind":"hard", …} */
    uint64_t cluster;   /* problems with the same value are not independent (what they are made of; line of a file): bootstrap unit */
} rz_problem;

typedef struct {
    const char *const *keys; /* options of its own, ended by NULL; those of the splits are every task's */
    bool (*check)(const rz_task_options *o, rz_err *err); /* RZ_ECONFIG when no problem could be drawn */
    /* Problem `index` of a split; strings in the arena. */
    bool (*draw)(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err);
    char *(*describe)(const rz_task_options *o); /* what the problems depend on; freed by the caller */
    /* Documents that a base can be made from; NULL: the task has none. */
    bool (*check_corpus)(const rz_countdown_options *o, const rz_corpus_options *c, rz_err *err);
    char *(*document)(const rz_countdown_options *o, const rz_corpus_options *c, uint32_t seed, uint64_t index);
    char *(*describe_corpus)(const rz_countdown_options *o, const rz_corpus_options *c);
} rz_task;

const char *const *rz_task_names(int *n);
const rz_task *rz_task_find(const char *name); /* or NULL */
/* The task whose own option this is ("max_input": "countdown"); NULL: it is every task's, or none's. */
const char *rz_task_of_key(const char *key);
#endif
