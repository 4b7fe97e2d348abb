/* What a model and rules need of problems, checked before anything is sampled. */
#ifndef RZ_TRAINER_PROBLEMS_H
#define RZ_TRAINER_PROBLEMS_H
#include "data/prompt.h"
#include "data/source.h"
#include "data/tokenizer.h"
#include "rewards/rules.h"

typedef struct {
    const rz_tokenizer *tokenizer;
    const rz_prompt *prompt; /* NULL: a problem is the prompt as it stands */
    int room;                /* positions of the model: a prompt leaves one free at least */
    rz_rules_worker *worker;
    const char *rules;       /* path of the rule file, for messages */
} rz_needs;

/* All problems of a file; of a task, whose problems are all of one kind, the first. RZ_EDATA names file, line and what it lacks. */
bool rz_problems_check(const rz_needs *needs, rz_source *source, const char *name, rz_arena scratch, rz_err *err);
#endif
