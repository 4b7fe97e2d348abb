#include "data/tasks.h"
#include "data/tasks/draft.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

#define ROW(task) &rz_task_##task,
static const rz_task *const tasks[] = {RZ_TASKS(ROW)};
enum { N_TASKS = sizeof tasks / sizeof tasks[0] };

const char *const rz_task_keys[RZ_N_TASK_KEYS] = {[RZ_ITEMS] = "items", [RZ_LARGEST] = "largest", [RZ_LENGTH] = "length", [RZ_VARIETY] = "variety"};

const char *const *rz_task_names(int *n)
{
#define NAME(task) #task,
    static const char *const names[N_TASKS] = {RZ_TASKS(NAME)};
    *n = N_TASKS;
    return names;
}

const rz_task *rz_task_find(const char *name)
{
    for (int i = 0; i < N_TASKS; i++) {
        if (strcmp(tasks[i]->name, name) == 0) return tasks[i];
    }
    return NULL;
}

/* ---- keys ---- */

static const rz_task_param *param_of(const rz_task *t, rz_task_key key)
{
    for (int i = 0; i < RZ_N_TASK_KEYS && t->params[i].about; i++) {
        if (t->params[i].key == key) return &t->params[i];
    }
    return NULL;
}

static bool has_key(const rz_task *t, const char *key)
{
    for (const char *const *k = t->own ? t->own->keys : NULL; k && *k; k++) {
        if (strcmp(*k, key) == 0) return true;
    }
    for (int i = 0; i < RZ_N_TASK_KEYS; i++) {
        if (strcmp(rz_task_keys[i], key) == 0) return param_of(t, (rz_task_key)i) != NULL;
    }
    return false;
}

static void join_keys(const rz_task *t, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (const char *const *k = t->own ? t->own->keys : NULL; k && *k && n < size; k++) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", *k);
    for (int i = 0; i < RZ_N_TASK_KEYS && t->params[i].about && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", rz_task_keys[t->params[i].key]);
}

bool rz_task_check_key(const rz_task *t, const char *key, rz_err *err)
{
    bool of_a_task = false;
    for (int i = 0; i < N_TASKS; i++) of_a_task = of_a_task || has_key(tasks[i], key);
    if (!of_a_task || has_key(t, key)) return true;
    char keys[256];
    join_keys(t, keys, sizeof keys);
    return rz_fail(err, RZ_EUSAGE, "%s is no key of the task %s, which has %s", key, t->name, keys);
}

/* A value of each shared key at a level; 0 for those that the task has not. */
static void values_at(const rz_task *t, const rz_task_options *o, int level, int64_t p[RZ_N_TASK_KEYS])
{
    for (int key = 0; key < RZ_N_TASK_KEYS; key++) {
        const rz_task_param *param = param_of(t, (rz_task_key)key);
        p[key] = !param ? 0 : o->keys[key] ? o->keys[key] : param->level[level ? level - 1 : 0];
    }
}

static bool check_values(const rz_task *t, const rz_task_options *o, rz_err *err)
{
    for (int key = 0; key < RZ_N_TASK_KEYS; key++) {
        const rz_task_param *param = param_of(t, (rz_task_key)key);
        if (!o->keys[key]) continue;
        if (!param) {
            rz_task_check_key(t, rz_task_keys[key], err);
            err->code = RZ_ECONFIG;
            return false;
        }
        if (o->keys[key] < param->min || o->keys[key] > param->max)
            return rz_fail(err, RZ_ECONFIG, "%s: %s is %" PRId64 ", must be %" PRId64 "..%" PRId64 " (%s), or 0: as the level has it", t->name,
                           rz_task_keys[key], o->keys[key], param->min, param->max, param->about);
    }
    return true;
}

/* ---- splits ---- */

rz_shares rz_task_shares(const rz_task_options *o)
{
    return (rz_shares){(uint32_t)o->countdown.split_seed, o->countdown.test_share, o->countdown.validation_share};
}

bool rz_task_shares_check(const char *task, const rz_task_options *o, rz_err *err)
{
    return rz_shares_check(task, o->countdown.split_seed, o->countdown.test_share, o->countdown.validation_share, err);
}

bool rz_task_split_is_empty(const char *task, const rz_task_options *o, rz_split split, rz_err *err)
{
    return rz_fail(err, RZ_ECONFIG, "%s: the %s split holds no problems; test_share is %g and validation_share %g", task, rz_split_names[split],
                   o->countdown.test_share, o->countdown.validation_share);
}

static double share_of(const rz_task_options *o, rz_split split)
{
    double test = o->countdown.test_share, validation = o->countdown.validation_share;
    return split == RZ_TEST ? test : split == RZ_VALIDATION ? validation : 1 - test - validation;
}

bool rz_task_split_has_share(const char *task, const rz_task_options *o, rz_split split, rz_err *err)
{
    return share_of(o, split) > 1e-9 || rz_task_split_is_empty(task, o, split, err);
}

char *rz_task_shares_describe(const rz_task_options *o)
{
    return rz_asprintf("split_seed %" PRId64 " test_share %.17g validation_share %.17g", o->countdown.split_seed, o->countdown.test_share,
                       o->countdown.validation_share);
}

/* ---- drafts ---- */

/* Problems are redrawn until one belongs to the split; false after max_tries of them (0: never give up). */
static bool draft(const rz_task *t, const rz_task_options *o, int level, rz_split split, uint64_t max_tries, rz_stream *s, rz_draft *d)
{
    int64_t p[RZ_N_TASK_KEYS];
    rz_shares shares = rz_task_shares(o);
    values_at(t, o, level, p);
    for (uint64_t tries = 0; max_tries == 0 || tries < max_tries; tries++) {
        rz_draft_begin(d, level ? level : 1);
        if (!t->make(s, p, d)) continue;
        rz_draft_end(d);
        if (rz_split_of(&shares, d->content) == split) return true;
    }
    return false;
}

static bool check_drafts(const rz_task *t, const rz_task_options *o, int level, rz_err *err)
{
    enum { MAX_TRIES = 100000 };
    for (rz_split split = RZ_TRAIN; split <= RZ_TEST; split++) {
        rz_stream s;
        rz_draft d;
        rz_stream_init(&s, 0, RZ_RNG_PROBLEM, 0);
        if (share_of(o, split) > 1e-9 && !draft(t, o, level, split, MAX_TRIES, &s, &d))
            return rz_fail(err, RZ_ECONFIG, "%s: %d draws gave no problem of level %d for the %s split (a share of %g); raise the share, the level or its keys",
                           t->name, MAX_TRIES, level ? level : 1, rz_split_names[split], share_of(o, split));
    }
    return true;
}

static rz_task_options at_level(const rz_task *t, const rz_task_options *o, int level)
{
    rz_task_options at = *o;
    if (level) t->own->set_level(&at, level);
    return at;
}

int rz_task_level(const rz_task_options *o, uint64_t index)
{
    return o->levels.n ? (int)o->levels.v[index % (uint64_t)o->levels.n] : 0;
}

bool rz_task_check(const rz_task *t, const rz_task_options *o, rz_err *err)
{
    if (!check_values(t, o, err) || !rz_task_shares_check(t->name, o, err)) return false;
    for (int i = 0; i == 0 || i < o->levels.n; i++) {
        int level = rz_task_level(o, (uint64_t)i);
        rz_task_options at = t->own ? at_level(t, o, level) : *o;
        if (!(t->own ? t->own->check(&at, err) : check_drafts(t, o, level, err))) return false;
    }
    return true;
}

bool rz_task_draw(const rz_task *t, const rz_task_options *o, int level, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena,
                  rz_err *err)
{
    if (t->own) {
        rz_task_options at = at_level(t, o, level);
        return t->own->draw(&at, seed, split, index, out, arena, err);
    }
    rz_stream s;
    rz_draft d;
    if (!rz_task_split_has_share(t->name, o, split, err)) return false;
    rz_stream_init(&s, seed, RZ_RNG_PROBLEM, index << 2 | (uint64_t)split); /* problem i of one split says nothing of problem i of another */
    draft(t, o, level, split, 0, &s, &d);
    *out = (rz_problem){rz_arena_strndup(arena, d.prompt, d.n_prompt), rz_arena_strndup(arena, d.answer, d.n_answer),
                        rz_arena_strndup(arena, d.meta, d.n_meta), d.content};
    return true;
}

/* Those that were before there were levels say what they said then. */
char *rz_task_describe(const rz_task *t, const rz_task_options *o)
{
    char levels[RZ_OPT_MAX_LIST * 24 + 1] = "", keys[RZ_N_TASK_KEYS * 40] = "";
    size_t used = 0;
    bool any = false;
    for (int i = 0; i < o->levels.n; i++) {
        used += (size_t)snprintf(levels + used, sizeof levels - used, " %" PRId64, o->levels.v[i]);
        any = any || o->levels.v[i];
    }
    if (t->own) {
        char *own = t->own->describe(o), *all = any ? rz_asprintf("%s levels%s", own, levels) : rz_strdup(own);
        free(own);
        return all;
    }
    used = 0;
    for (int i = 0; i < RZ_N_TASK_KEYS && t->params[i].about; i++)
        used += (size_t)snprintf(keys + used, sizeof keys - used, " %s %" PRId64, rz_task_keys[t->params[i].key], o->keys[t->params[i].key]);
    char *shares = rz_task_shares_describe(o);
    char *text = rz_asprintf("%s generator %d%s levels%s %s", t->name, t->generator, keys, any ? levels : " 0", shares);
    free(shares);
    return text;
}
