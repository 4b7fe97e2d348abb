/* What tasks there are, as the text that docs/tasks.md holds too: a section a task. */
#include "cli/data.h"

#include "base/text.h"
#include "data/source.h"
#include "trainer/config.h"

#include <stdio.h>
#include <string.h>

static void print_indented(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        printf("    %.*s\n", (int)strcspn(line, "\n"), line);
}

/* A problem of level 2, and its answer. */
static bool print_example(const rz_task *t, const rz_config *c, rz_arena scratch, rz_err *err)
{
    rz_problem p;
    if (!rz_task_draw(t, &c->task, 2, 1, RZ_TRAIN, 0, &p, &scratch, err))
        return false;
    print_indented(p.prompt);
    printf("\n");
    print_indented(p.answer);
    printf("\n");
    return true;
}

static void print_keys(const rz_task *t)
{
    if (t->own) {
        printf("Keys:");
        for (const char *const *k = t->own->keys; *k; k++)
            printf("%s `%s`", k == t->own->keys ? "" : ",", *k);
        printf(". Levels: %s.\n", t->own->levels);
        return;
    }
    printf("| key | levels 1 to 5 | bounds | meaning |\n|---|---|---|---|\n");
    for (int i = 0; i < RZ_N_TASK_KEYS && t->params[i].about; i++) {
        const rz_task_param *p = &t->params[i];
        printf("| `%s` |", rz_task_keys[p->key]);
        for (int level = 0; level < RZ_TASK_LEVELS; level++)
            printf("%s %lld", level ? "," : "", (long long)p->level[level]);
        printf(" | %lld to %lld | %s |\n", (long long)p->min, (long long)p->max, p->about);
    }
}

static bool print_task(const rz_task *t, const rz_config *c, rz_arena scratch, rz_err *err)
{
    printf("### %s\n\n%s The answer: %s. Rules: `configs/rules/%s%s.yaml`.\n\n", t->name, t->about, t->answer, t->own ? "" : "tasks/", t->name);
    if (!print_example(t, c, scratch, err))
        return false;
    print_keys(t);
    return true;
}

bool rz_data_tasks(int argc, char **argv, rz_err *err)
{
    int n;
    const char *const *names = rz_task_names(&n);
    rz_config config = {0};
    rz_arena arena = {0};
    for (int i = 0; i < argc; i++) {
        const char *near = rz_nearest(argv[i], names, n);
        if (!rz_task_find(argv[i]))
            return rz_fail(err, RZ_EUSAGE, "there is no task '%s'%s%s%s; data tasks shows all", argv[i], near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    bool ok = rz_options_init(rz_config_rows, rz_config_n_rows, &config, err) && rz_arena_init(&arena, (size_t)1 << 20, err);
    for (int i = 0; ok && i < (argc ? argc : n); i++) {
        printf(i ? "\n" : "");
        ok = print_task(rz_task_find(argc ? argv[i] : names[i]), &config, arena, err);
    }
    rz_arena_finish(&arena);
    rz_options_finish(rz_config_rows, rz_config_n_rows, &config);
    return ok;
}
