#include "trainer/curriculum.h"

#include "data/source.h"

bool rz_curriculum_check(const rz_config *c, rz_err *err)
{
    if (!c->curriculum.every) {
        if (c->curriculum.up || c->curriculum.down)
            return rz_fail(err, RZ_ECONFIG, "curriculum.up is %g and curriculum.down %g, but curriculum.every is 0: the levels take turns; say every how many steps it is decided",
                           c->curriculum.up, c->curriculum.down);
        return true;
    }
    if (!rz_task_find(c->data))
        return rz_fail(err, RZ_ECONFIG, "curriculum.every is %lld, but data is \"%s\", a file, which has no levels", (long long)c->curriculum.every, c->data);
    if (c->task.levels.n < 2)
        return rz_fail(err, RZ_ECONFIG, "curriculum.every is %lld, but task.level lists one level only; list two or more", (long long)c->curriculum.every);
    if (c->curriculum.down && c->curriculum.down >= c->curriculum.up)
        return rz_fail(err, RZ_ECONFIG, "curriculum.down is %g, must be less than curriculum.up (%g)", c->curriculum.down, c->curriculum.up);
    return true;
}

void rz_curriculum_step(rz_curriculum *at, const rz_config *c, int64_t step, const rz_group *groups, int n_groups)
{
    if (!c->curriculum.every)
        return;
    for (int i = 0; i < n_groups; i++) {
        at->seen += groups[i].n;
        for (int k = 0; k < groups[i].n; k++)
            at->right += groups[i].scored[k].correct;
    }
    if (step % c->curriculum.every)
        return;
    double right = (double)at->right, seen = (double)at->seen;
    if (right >= c->curriculum.up * seen)
        at->place += at->place < c->task.levels.n - 1;
    else if (right < c->curriculum.down * seen)
        at->place -= at->place > 0;
    at->right = at->seen = 0;
}
