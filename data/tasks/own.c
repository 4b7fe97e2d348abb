/* The three tasks with keys of their own: countdown, decimals, sums. */
#include "data/dataset.h"
#include "data/tasks/draft.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *keep(rz_arena *arena, const char *text) { return rz_arena_strndup(arena, text, strlen(text)); }

/* ---- countdown ---- */

static bool countdown_check(const rz_task_options *o, rz_err *err) { return rz_countdown_check(&o->countdown, err); }

static bool countdown_draw(const rz_task_options *all, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    const rz_countdown_options *o = &all->countdown;
    for (int i = 0; i < o->numbers.n; i++) {
        if (rz_countdown_split_size(o, (int)o->numbers.v[i], split) == 0) return rz_task_split_is_empty("countdown", all, split, err);
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
    rz_shares shares = rz_task_shares(o);
    return rz_task_shares_check("decimals", o, err) && rz_decimals_check(&o->decimals, &shares, err);
}

static bool decimals_draw(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    rz_shares shares = rz_task_shares(o);
    rz_decimals p;
    char prompt[160], meta[192];
    if (!rz_task_split_has_share("decimals", o, split, err)) return false;
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
    char *shares = rz_task_shares_describe(all);
    char *text = rz_asprintf("decimals generator 1 whole_digits %" PRId64 " fraction_digits %" PRId64 " candidates %" PRId64
                             " hard %.17g longer %.17g several %.17g signed %.17g equal %.17g %s", o->whole_digits, o->fraction_digits, o->candidates, o->hard, o->longer,
                             o->several, o->signed_, o->equal, shares);
    free(shares);
    return text;
}

/* ---- sums ---- */

static bool sums_check(const rz_task_options *o, rz_err *err)
{
    rz_shares shares = rz_task_shares(o);
    return rz_task_shares_check("sums", o, err) && rz_sums_check(&o->sums, &shares, err);
}

static bool sums_draw(const rz_task_options *o, uint32_t seed, rz_split split, uint64_t index, rz_problem *out, rz_arena *arena, rz_err *err)
{
    rz_shares shares = rz_task_shares(o);
    rz_sums p;
    char prompt[128], meta[160], answer[24];
    if (!rz_task_split_has_share("sums", o, split, err)) return false;
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
    char terms[RZ_OPT_MAX_LIST * 24 + 1] = "", *shares = rz_task_shares_describe(all);
    size_t used = 0;
    for (int i = 0; i < o->terms.n; i++) used += (size_t)snprintf(terms + used, sizeof terms - used, " %" PRId64, o->terms.v[i]);
    char *text = rz_asprintf("sums generator 1 terms%s digits %" PRId64 " %s", terms, o->digits, shares);
    free(shares);
    return text;
}

/* ---- levels ---- */

/* max_input stays as it is: the held-out multisets are numbered by it. */
static void countdown_set_level(rz_task_options *o, int level)
{
    static const rz_int_list numbers[RZ_TASK_LEVELS] = {{1, {2}}, {1, {3}}, {2, {3, 4}}, {2, {4, 5}}, {2, {5, 6}}};
    static const int64_t max_value[RZ_TASK_LEVELS] = {50, 50, 100, 200, 999};
    o->countdown.numbers = numbers[level - 1];
    o->countdown.max_value = max_value[level - 1] > o->countdown.max_input ? max_value[level - 1] : o->countdown.max_input;
}

static void decimals_set_level(rz_task_options *o, int level)
{
    static const int64_t whole[RZ_TASK_LEVELS] = {1, 1, 2, 3, 4}, fraction[RZ_TASK_LEVELS] = {2, 3, 3, 4, 6};
    o->decimals.whole_digits = whole[level - 1];
    o->decimals.fraction_digits = fraction[level - 1];
}

static void sums_set_level(rz_task_options *o, int level)
{
    static const rz_int_list terms[RZ_TASK_LEVELS] = {{1, {2}}, {2, {2, 3}}, {2, {3, 4}}, {3, {4, 5, 6}}, {3, {6, 7, 8}}};
    static const int64_t digits[RZ_TASK_LEVELS] = {1, 2, 3, 3, 4};
    o->sums.terms = terms[level - 1];
    o->sums.digits = digits[level - 1];
}

/* ---- rows ---- */

static const char *const countdown_keys[] = {"numbers", "max_input", "max_value", "targets", NULL};
static const char *const decimals_keys[] = {"whole_digits", "fraction_digits", "candidates", "hard_share", "longer_share", "several_share",
                                            "signed_share", "equal_share", NULL};
static const char *const sums_keys[] = {"terms", "digits", NULL};

static const rz_task_own countdown = {
    .keys = countdown_keys, .check = countdown_check, .draw = countdown_draw, .describe = countdown_describe, .set_level = countdown_set_level,
    .levels = "numbers 2; 3; 3 and 4; 4 and 5; 5 and 6, with max_value 50, 50, 100, 200, 999 (max_input if that is more)", .check_corpus = rz_corpus_check,
    .document = rz_corpus_document, .describe_corpus = countdown_describe_corpus,
};
static const rz_task_own decimals = {
    .keys = decimals_keys, .check = decimals_check, .draw = decimals_draw, .describe = decimals_describe, .set_level = decimals_set_level,
    .levels = "whole_digits 1, 1, 2, 3, 4, with fraction_digits 2, 3, 3, 4, 6",
};
static const rz_task_own sums = {
    .keys = sums_keys, .check = sums_check, .draw = sums_draw, .describe = sums_describe, .set_level = sums_set_level,
    .levels = "terms 2; 2 and 3; 3 and 4; 4 to 6; 6 to 8, with digits 1, 2, 3, 3, 4",
};
const rz_task rz_task_countdown = {
    .name = "countdown", .about = "Reach the target with every given number once.", .answer = "an expression of + - * / and parentheses", .own = &countdown,
};
const rz_task rz_task_decimals = {
    .name = "decimals", .about = "Which of two or more decimal numbers is the largest?", .answer = "a number, compared by value", .own = &decimals,
};
const rz_task rz_task_sums = {.name = "sums", .about = "Add and subtract whole numbers.", .answer = "an integer", .own = &sums};
