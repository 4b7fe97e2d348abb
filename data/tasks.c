#include "data/tasks.h"
#include "data/dataset.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *keep(rz_arena *arena, const char *text) { return rz_arena_strndup(arena, text, strlen(text)); }

static rz_shares shares_of(const rz_task_options *o)
{
    return (rz_shares){(uint32_t)o->countdown.split_seed, o->countdown.test_share, o->countdown.validation_share};
}

static bool check_shares(const char *task, const rz_task_options *o, rz_err *err)
{
    return rz_shares_check(task, o->countdown.split_seed, o->countdown.test_share, o->countdown.validation_share, err);
}

static bool split_is_empty(const char *task, const rz_task_options *o, rz_split split, rz_err *err)
{
    return rz_fail(err, RZ_ECONFIG, "%s: the %s split holds no problems; test_share is %g and validation_share %g", task, rz_split_names[split],
                   o->countdown.test_share, o->countdown.validation_share);
}

/* A split without a share would be searched for ever. */
static bool split_has_share(const char *task, const rz_task_options *o, rz_split split, rz_err *err)
{
    double test = o->countdown.test_share, validation = o->countdown.validation_share;
    double share = split == RZ_TEST ? test : split == RZ_VALIDATION ? validation : 1 - test - validation;
    return share > 1e-9 || split_is_empty(task, o, split, err);
}

static char *describe_shares(const rz_task_options *o)
{
    return rz_asprintf("split_seed %" PRId64 " test_share %.17g validation_share %.17g", o->countdown.split_seed, o->countdown.test_share,
                       o->countdown.validation_share);
}

/* ---- countdown ---- */

static bool countdown_check(const rz_task_options *o, rz_err *err) { return rz_countdown_check(&o->countdown, err); }

static bool countdown_draw(const rz_task_options *all, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    const rz_countdown_options *o = &all->countdown;
    for (int i = 0; i < o->numbers.n; i++) {
        if (rz_countdown_split_size(o, (int)o->numbers.v[i], split) == 0) return split_is_empty("countdown", all, split, err);
    }
    rz_countdown p;
    char prompt[96], meta[128], answer[16];
    rz_countdown_draw(o, seed, split, index, &p);
    rz_countdown_prompt(&p, prompt, sizeof prompt);
    size_t used = 0;
    for (int i = 0; i < p.n; i++) used += (size_t)snprintf(meta + used, sizeof meta - used, "%s%d", i ? "," : "{\"numbers\":[", p.numbers[i]);
    snprintf(meta + used, sizeof meta - used, "],\"target\":%d}", p.target);
    snprintf(answer, sizeof answer, "%d", p.target);
    *out = (rz_problem){keep(arena, prompt), keep(arena, answer), keep(arena, meta), rz_countdown_cluster(p.numbers, p.n)};
    return true;
}

/* "generator 1" is raised whenever the same options come to mean other problems or documents. */
static char *describe_countdown(const rz_countdown_options *o)
{
    char numbers[RZ_OPT_MAX_LIST * 24 + 1] = "";
    size_t used = 0;
    for (int i = 0; i < o->numbers.n; i++) used += (size_t)snprintf(numbers + used, sizeof numbers - used, " %" PRId64, o->numbers.v[i]);
    return rz_asprintf("countdown generator 1 numbers%s max_input %" PRId64 " max_value %" PRId64 " targets %d split_seed %" PRId64
                       " test_share %.17g validation_share %.17g", numbers, o->max_input, o->max_value, o->targets, o->split_seed, o->test_share,
                       o->validation_share);
}

static char *countdown_describe(const rz_task_options *o) { return describe_countdown(&o->countdown); }

static char *countdown_describe_corpus(const rz_countdown_options *o, const rz_corpus_options *c)
{
    char *problems = describe_countdown(o);
    char *all = rz_asprintf("%s corpus generator 1 goal_aware %.17g wrong_result %.17g wrong_verdict %.17g wrong_unchecked %.17g wait %.17g"
                            " max_attempts %" PRId64 " max_words %" PRId64 " repeat_attempts %d", problems, c->goal_aware, c->wrong_result,
                            c->wrong_verdict, c->wrong_unchecked, c->wait, c->max_attempts, c->max_words, c->repeat_attempts);
    free(problems);
    return all;
}

/* ---- decimals ---- */

static bool decimals_check(const rz_task_options *o, rz_err *err)
{
    rz_shares shares = shares_of(o);
    return check_shares("decimals", o, err) && rz_decimals_check(&o->decimals, &shares, err);
}

static bool decimals_draw(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    rz_shares shares = shares_of(o);
    rz_decimals p;
    char prompt[160], meta[192];
    if (!split_has_share("decimals", o, split, err)) return false;
    rz_decimals_draw(&o->decimals, &shares, seed, split, index, &p);
    rz_decimals_prompt(&p, prompt, sizeof prompt);
    size_t used = (size_t)snprintf(meta, sizeof meta, "{\"kind\":\"%s\",\"candidates\":[", rz_decimals_kinds[p.kind]);
    for (int i = 0; i < p.n; i++) used += (size_t)snprintf(meta + used, sizeof meta - used, "%s\"%s\"", i ? "," : "", p.text[i]);
    snprintf(meta + used, sizeof meta - used, "]}");
    *out = (rz_problem){keep(arena, prompt), keep(arena, p.text[p.largest]), keep(arena, meta), rz_decimals_content(&p)};
    return true;
}

static char *decimals_describe(const rz_task_options *all)
{
    const rz_decimals_options *o = &all->decimals;
    char *shares = describe_shares(all);
    char *text = rz_asprintf("decimals generator 1 whole_digits %" PRId64 " fraction_digits %" PRId64 " candidates %" PRId64
                             " hard %.17g longer %.17g several %.17g signed %.17g equal %.17g %s", o->whole_digits, o->fraction_digits, o->candidates, o->hard, o->longer,
                             o->several, o->signed_, o->equal, shares);
    free(shares);
    return text;
}

/* ---- sums ---- */

static bool sums_check(const rz_task_options *o, rz_err *err)
{
    rz_shares shares = shares_of(o);
    return check_shares("sums", o, err) && rz_sums_check(&o->sums, &shares, err);
}

static bool sums_draw(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    rz_shares shares = shares_of(o);
    rz_sums p;
    char prompt[128], meta[160], answer[24];
    if (!split_has_share("sums", o, split, err)) return false;
    rz_sums_draw(&o->sums, &shares, seed, split, index, &p);
    rz_sums_prompt(&p, prompt, sizeof prompt);
    size_t used = (size_t)snprintf(meta, sizeof meta, "{\"kind\":\"%d_terms\",\"terms\":[", p.n);
    for (int i = 0; i < p.n; i++) used += (size_t)snprintf(meta + used, sizeof meta - used, "%s%" PRId64, i ? "," : "", p.terms[i]);
    snprintf(meta + used, sizeof meta - used, "]}");
    snprintf(answer, sizeof answer, "%" PRId64, p.sum);
    *out = (rz_problem){keep(arena, prompt), keep(arena, answer), keep(arena, meta), rz_sums_content(&p)};
    return true;
}

static char *sums_describe(const rz_task_options *all)
{
    const rz_sums_options *o = &all->sums;
    char terms[RZ_OPT_MAX_LIST * 24 + 1] = "", *shares = describe_shares(all);
    size_t used = 0;
    for (int i = 0; i < o->terms.n; i++) used += (size_t)snprintf(terms + used, sizeof terms - used, " %" PRId64, o->terms.v[i]);
    char *text = rz_asprintf("sums generator 1 terms%s digits %" PRId64 " %s", terms, o->digits, shares);
    free(shares);
    return text;
}

/* ---- the table ---- */

enum { COUNTDOWN, DECIMALS, SUMS, N_TASKS };
static const char *const names[N_TASKS] = {[COUNTDOWN] = "countdown", [DECIMALS] = "decimals", [SUMS] = "sums"};
static const char *const countdown_keys[] = {"numbers", "max_input", "max_value", "targets", NULL};
static const char *const decimals_keys[] = {"whole_digits", "fraction_digits", "candidates", "hard_share", "longer_share", "several_share",
                                            "signed_share", "equal_share", NULL};
static const char *const sums_keys[] = {"terms", "digits", NULL};
static const rz_task tasks[N_TASKS] = {
    [COUNTDOWN] = {countdown_keys, countdown_check, countdown_draw, countdown_describe, rz_corpus_check, rz_corpus_document, countdown_describe_corpus},
    [DECIMALS] = {decimals_keys, decimals_check, decimals_draw, decimals_describe, NULL, NULL, NULL},
    [SUMS] = {sums_keys, sums_check, sums_draw, sums_describe, NULL, NULL, NULL},
};

const char *const *rz_task_names(int *n)
{
    *n = N_TASKS;
    return names;
}

const rz_task *rz_task_find(const char *name)
{
    for (int i = 0; i < N_TASKS; i++) {
        if (strcmp(names[i], name) == 0) return &tasks[i];
    }
    return NULL;
}

const char *rz_task_of_key(const char *key)
{
    for (int i = 0; i < N_TASKS; i++) {
        for (const char *const *k = tasks[i].keys; *k; k++) {
            if (strcmp(*k, key) == 0) return names[i];
        }
    }
    return NULL;
}
