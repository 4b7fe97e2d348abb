/* Presets of prm800k and of understand-r1-zero (oat), whose graders are of one family (grade_answer.h). */
#include "rewards/grade_answer.h"
#include "rewards/math.h"
#include "rewards/presets.h"
#include <stdio.h>
#include <string.h>

enum { PRICE = 440 }; /* units of work a byte of an answer */

/* ---- prm800k ---- */

static void grade_answer(const rz_case *c, outcome *o)
{
    rz_slice gold;
    if (!rz_preset_gold(c, o, &gold) || !rz_preset_reads(c, o, c->text, PRICE)) return;
    long may = rz_env_math_work(c->env), work = may;
    rz_grade grade = rz_grade_answer(*c->env->scratch, &rz_grader_prm800k, c->text, gold, &work);
    rz_env_math_spent(c->env, may - work);
    if (grade == RZ_GRADE_LIMIT)
        rz_outcome_error(o, "the comparison takes more steps than it may");
    else
        rz_preset_graded(c, o, c->text, gold, grade == RZ_GRADE_RIGHT, 1, 0);
}

/* ---- oat ---- */

/* What the last \boxed{…} or \fbox{…} holds: false if the last one is no \boxed{, or does not end. */
static bool last_boxed(rz_slice t, rz_slice *out)
{
    size_t at = rz_python_rfind(t, "\\boxed");
    if (at == SIZE_MAX) at = rz_python_rfind(t, "\\fbox");
    size_t close = at == SIZE_MAX ? at : rz_brace_close(t, at);
    if (close == SIZE_MAX || !rz_python_starts(rz_python_from(t, at), "\\boxed{")) return false;
    *out = rz_slice_cut(t, at + 7, close);
    return true;
}

/* What math_verify.verify says of the two, taken for formulas unless they hold a $. */
static bool verified(rz_arena scratch, rz_slice answer, rz_slice gold, long *work)
{
    static const rz_math_extract first = {.latex = true, .expr = true, .boxed_priority = 0, .unanchored = true, .first_match = true, .malformed = true};
    rz_slice texts[2] = {answer, gold}, dollar = rz_slice_of("$");
    rz_math_options options = rz_math_math_verify;
    rz_math_verify_report r;
    for (int i = 0; i < 2; i++)
        if (!rz_slice_has(texts[i], "$")) texts[i] = rz_concat(&scratch, (rz_slice[]){dollar, texts[i], dollar}, 3);
    options.work = *work;
    rz_math_verify(&scratch, texts[0], &first, texts[1], &first, &options, &r);
    *work -= r.math.work;
    return r.math.verdict == RZ_MATH_EQUAL;
}

/* One gold: RZ_GRADE_WRONG also for one that is boxed badly. */
static rz_grade grade_one(const rz_case *c, rz_slice answer, rz_slice gold, long *work)
{
    if (rz_slice_has(gold, "\\boxed") && !last_boxed(gold, &gold)) return RZ_GRADE_WRONG;
    rz_grade grade = rz_grade_answer(*c->env->scratch, &rz_grader_oat, answer, gold, work);
    if (grade == RZ_GRADE_WRONG && !rz_param_bool(c, "fast") && *work > 0 && verified(*c->env->scratch, answer, gold, work)) return RZ_GRADE_RIGHT;
    return grade;
}

/* A gold's text: numbers as Python prints them. */
static bool gold_text(const json_t *gold, char number[32], rz_slice *out)
{
    if (json_is_string(gold)) {
        *out = (rz_slice){json_string_value(gold), json_string_length(gold)};
        return out->len <= MAX_ANSWER;
    }
    if (!json_is_number(gold)) return false;
    if (json_is_integer(gold))
        snprintf(number, 32, "%lld", (long long)json_integer_value(gold));
    else
        rz_python_float_text(json_real_value(gold), number);
    *out = rz_slice_of(number);
    return true;
}

enum { GOLD = 200 }; /* units of mathematics that each gold costs at least */

/* The gold may be a list: any of it will do. */
static void grade_all(const rz_case *c, outcome *o, rz_slice answer)
{
    char number[32];
    rz_slice gold = {"", 0};
    rz_grade best = RZ_GRADE_WRONG;
    size_t n = json_is_array(c->gold) ? json_array_size(c->gold) : 1;
    if (!c->gold) {
        rz_outcome_gold_error(o, "the problem has no answer to compare with");
        return;
    }
    if (!rz_preset_reads(c, o, answer, PRICE)) return;
    long may = rz_env_math_work(c->env), work = may;
    for (size_t i = 0; i < n && i < MAX_MATCHES && best != RZ_GRADE_RIGHT && work > 0; i++) {
        if (!gold_text(json_is_array(c->gold) ? json_array_get(c->gold, i) : c->gold, number, &gold)) {
            rz_outcome_gold_error(o, "the gold is neither a text of at most %d bytes nor a number", MAX_ANSWER);
            return;
        }
        rz_grade grade = grade_one(c, answer, gold, &work);
        if (grade != RZ_GRADE_WRONG) best = grade;
        work -= GOLD;
    }
    rz_env_math_spent(c->env, may - work);
    if (work <= 0 && best != RZ_GRADE_RIGHT) best = RZ_GRADE_LIMIT;
    if (best == RZ_GRADE_LIMIT)
        rz_outcome_error(o, "the comparison takes more steps than it may");
    else
        rz_preset_graded(c, o, answer, gold, best == RZ_GRADE_RIGHT, 1, 0);
}

static void oat_value(const rz_case *c, outcome *o, bool formatted)
{
    if (c->wants_value && o->state == RZ_PART_SCORED) o->value = json_pack("{s:b, s:f}", "formatted", formatted, "reward", o->points);
}

static void oat_boxed(const rz_case *c, outcome *o)
{
    rz_slice answer;
    bool formatted = rz_slice_has(c->text, "\\boxed") && last_boxed(c->text, &answer);
    if (formatted)
        grade_all(c, o, answer);
    else
        rz_outcome_scored(o, false, 0, "there is no \\boxed{…}, or the last one does not end");
    oat_value(c, o, formatted);
}

static void oat_answer_tag(const rz_case *c, outcome *o)
{
    rz_arena scratch = *c->env->scratch;
    bool formatted = rz_slice_has(c->text, "</think> <answer>") && rz_slice_has(c->text, "</answer>");
    if (!formatted) {
        rz_outcome_scored(o, false, 0, "there is no \"</think> <answer>\", or no \"</answer>\"");
    } else {
        rz_slice answer = rz_python_from(c->text, rz_python_rfind(c->text, "<answer>") + 8);
        if (!rz_preset_reads(c, o, answer, 2)) return;
        size_t end = rz_python_find(answer, "</answer>", 0);
        if (end != SIZE_MAX) /* a part of the text, if it can be one */
            answer = end + 9 == answer.len ? rz_slice_cut(answer, 0, end) : rz_python_replace(&scratch, answer, "</answer>", "");
        if (rz_slice_has(answer, "\\boxed") && !last_boxed(answer, &answer))
            rz_outcome_scored(o, false, 0, "the box in <answer> does not end");
        else
            grade_all(&(rz_case){.env = &(rz_env){.matcher = c->env->matcher, .scratch = &scratch}, .text = c->text, .gold = c->gold, .params = c->params}, o, answer);
    }
    oat_value(c, o, formatted);
}

#define OAT "understand-r1-zero dfca49d, math_grader.py "
#define GRADE_HOLES "everything in the normal form of MATH that is not looked at (units, %); letters besides two make sympy decline"

const rz_verifier rz_verifiers_prm800k[] = {
    {.name = "prm800k/grade_answer", .origin = "prm800k 7ecc794, grading/grader.py grade_answer",
     .about = "1 if the whole text and the answer are equal in the normal form of MATH, in prm800k's, or for sympy", .gold = "answer: the final answer, in LaTeX", .holes = GRADE_HOLES,
     .top = 1, .math = true, .score = grade_answer},
    {.name = "oat/boxed", .origin = OAT "boxed_reward_fn", .about = "the last \\boxed{…} graded as by prm800k, with more units taken out; no credit for the form",
     .params = "{\"fast\": false}", .gold = "answer: the final answer, in LaTeX, a number, or a list of them", .holes = GRADE_HOLES "; only the last box counts", .top = 1, .math = true, .score = oat_boxed},
    {.name = "oat/answer_tag", .origin = OAT "answer_tag_reward_fn", .about = "what follows the last <answer>, graded as by oat/boxed; \"</think> <answer>\" has to be there, to the blank",
     .params = "{\"fast\": false}", .gold = "answer: the final answer, in LaTeX, a number, or a list of them", .holes = GRADE_HOLES "; the tags may stand anywhere", .top = 1,
     .math = true, .score = oat_answer_tag},
};
const int rz_n_verifiers_prm800k = sizeof rz_verifiers_prm800k / sizeof *rz_verifiers_prm800k;
