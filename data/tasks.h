/* Procedural tasks, one table: problems by index, without an end and without a file. docs/tasks.md describes each.
 * A task is a file of data/tasks/ that defines its row, and a line of the table in data/tasks.c. */
#ifndef RZ_DATA_TASKS_H
#define RZ_DATA_TASKS_H
#include "base/arena.h"
#include "data/decimals.h"
#include "data/sums.h"

enum { RZ_TASK_LEVELS = 5 };

/* The keys that tasks share, each with bounds and a value a level of its own. */
typedef enum { RZ_ITEMS, RZ_LARGEST, RZ_LENGTH, RZ_VARIETY, RZ_N_TASK_KEYS } rz_task_key;
extern const char *const rz_task_keys[RZ_N_TASK_KEYS]; /* "items", … */

/* What any task may be told (task.* of a config). */
typedef struct {
    rz_countdown_options countdown; /* its split_seed, test_share and validation_share hold for every task */
    rz_decimals_options decimals;
    rz_sums_options sums;
    int64_t keys[RZ_N_TASK_KEYS]; /* 0: as the level has it */
    rz_int_list levels;           /* of the problems, 1 … 5; 0: as the keys have it, which for a key that is 0 is level 1; empty: 0 */
} rz_task_options;

typedef struct {
    const char *prompt; /* text before the template and the tokenizer */
    const char *answer; /* expected answer, or "" */
    const char *meta;   /* JSON object, one line: {"numbers":[3,5,4],"target":19}, {"kind":"hard", …} */
    uint64_t cluster;   /* problems with the same value are not independent (what they are made of; line of a file): bootstrap unit */
} rz_problem;

/* One of the shared keys, as a task has it. */
typedef struct {
    rz_task_key key;
    const char *about; /* what it means for this task */
    int64_t min, max, level[RZ_TASK_LEVELS];
} rz_task_param;

/* A task with options of its own in rz_task_options, instead of the shared keys. */
typedef struct {
    const char *const *keys; /* ended by NULL; those of the splits are every task's */
    bool (*check)(const rz_task_options *o, rz_err *err);
    bool (*draw)(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err);
    char *(*describe)(const rz_task_options *o);
    void (*set_level)(rz_task_options *o, int level);
    const char *levels; /* for people: what the levels are */
    /* Documents that a base can be made from; NULL: the task has none. */
    bool (*check_corpus)(const rz_countdown_options *o, const rz_corpus_options *c, rz_err *err);
    char *(*document)(const rz_countdown_options *o, const rz_corpus_options *c, uint32_t seed, uint64_t index);
    char *(*describe_corpus)(const rz_countdown_options *o, const rz_corpus_options *c);
} rz_task_own;

typedef struct rz_draft rz_draft;
typedef struct {
    const char *name;
    const char *about;  /* what is asked, in a sentence */
    const char *answer; /* what a right answer is, in a sentence */
    int generator;      /* raised whenever the same options come to mean other problems */
    /* Writes one problem (data/tasks/draft.h); false: these numbers make none, other ones are to be drawn. p: a value a shared key. */
    bool (*make)(rz_stream *s, const int64_t *p, rz_draft *d);
    rz_task_param params[RZ_N_TASK_KEYS]; /* the keys it has; `about` is NULL behind the last */
    const rz_task_own *own;               /* instead of make and params */
} rz_task;

const char *const *rz_task_names(int *n);
const rz_task *rz_task_find(const char *name); /* or NULL */
/* RZ_EUSAGE for a key of other tasks, which would change nothing ("max_input" to sums). Keys that are of no task are every task's. */
bool rz_task_check_key(const rz_task *t, const char *key, rz_err *err);

/* RZ_ECONFIG when no problem could be drawn. */
bool rz_task_check(const rz_task *t, const rz_task_options *o, rz_err *err);
/* The level of problem `index` where levels take turns, and one of them (levels.n ≥ 1: at levels.v[position]). */
int rz_task_level(const rz_task_options *o, uint64_t index);
/* Problem `index` of a split, of this level; strings in the arena. */
bool rz_task_draw(const rz_task *t, const rz_task_options *o, int level, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena,
                  rz_err *err);
/* What the problems depend on; freed by the caller. */
char *rz_task_describe(const rz_task *t, const rz_task_options *o);
#endif
