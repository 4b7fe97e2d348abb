#include "trainer/problems.h"

#include <stdlib.h>
#include <string.h>

/* A problem must be one that the policy can begin with and that the rules can judge. */
static bool check_problem(const rz_needs *needs, const rz_problem *p, rz_arena scratch, rz_err *err)
{
    int room = needs->room, n = 0;
    int32_t *ids;
    rz_prompt_made made = {0};
    bool ok = needs->prompt ? rz_prompt_make(needs->prompt, p->prompt, &scratch, &made, err)
                            : rz_tokenizer_encode(needs->tokenizer, p->prompt, strlen(p->prompt), &scratch, &ids, &n, err);
    n = needs->prompt ? made.n : n;
    if (!ok)
        return rz_err_note(err, "the prompt \"%.80s\"", p->prompt);
    if (n < 1 || n >= room)
        return rz_fail(err, RZ_EDATA, "the prompt \"%.80s\" has %d tokens, must have 1..%d (with template and examples; max_position_embeddings of the model is %d)", p->prompt, n, room - 1,
                       room);
    return rz_rules_check_problem(needs->worker, p->answer, p->meta, err) || rz_err_note(err, "with %s", needs->rules);
}

bool rz_problems_check(const rz_needs *needs, rz_source *source, const char *name, rz_arena scratch, rz_err *err)
{
    rz_problem p;
    bool ok = true;
    for (int i = 0; ok && rz_source_size(source) < 0 && i < rz_source_levels(source); i++) { /* the first of each level */
        rz_arena one = scratch;
        ok = rz_source_problem(source, RZ_TRAIN, (uint64_t)i, &p, &one, err) && (check_problem(needs, &p, one, err) || rz_err_note(err, "the task %s", name));
    }
    if (!ok)
        return false;
    for (int64_t i = 0; i < rz_source_size(source); i++) {
        size_t mark = scratch.used;
        rz_source_item(source, i, &p, &scratch);
        if (!check_problem(needs, &p, scratch, err)) {
            char *where = rz_source_where(source, name, i);
            rz_err_note(err, "%s", where);
            free(where);
            return false;
        }
        rz_arena_release(&scratch, mark);
    }
    return true;
}

