/* Presets of PRIME's mathematics, as verl has it (verl/utils/reward_score/prime_math). */
#include "rewards/grade_answer.h"
#include "rewards/presets.h"
#include "rewards/prime_equal.h"
#include "rewards/prime_match.h"

enum { PRICE = 420 }; /* units of work a byte of an answer */

#define PRIME "verl b178a3c, reward_score/prime_math/__init__.py "

static void match_answer(const rz_case *c, outcome *o)
{
    rz_slice answer;
    bool matched = rz_prime_match(c->text, &answer);
    rz_preset_text(c, o, answer);
    if (c->wants_value) {
        json_decref(o->value);
        o->value = json_pack("{s:b, s:o}", "is_matched", matched, "answer", rz_json_slice(answer));
    }
}

static void prime_math(const rz_case *c, outcome *o)
{
    rz_slice gold, answer;
    rz_prime_match(c->text, &answer);
    if (!rz_preset_gold(c, o, &gold) || !rz_preset_reads(c, o, answer, PRICE)) return;
    long may = rz_env_math_work(c->env), work = may;
    rz_grade grade = rz_grade_answer(*c->env->scratch, &rz_grader_prime, answer, gold, &work);
    if (grade == RZ_GRADE_WRONG) grade = rz_prime_equal(*c->env->scratch, answer, gold, &work) ? RZ_GRADE_RIGHT : work <= 0 ? RZ_GRADE_LIMIT : RZ_GRADE_WRONG;
    rz_env_math_spent(c->env, may - work);
    if (grade == RZ_GRADE_LIMIT)
        rz_outcome_error(o, "the comparison takes more steps than it may");
    else
        rz_preset_graded(c, o, answer, gold, grade == RZ_GRADE_RIGHT, 1, 0);
}

const rz_verifier rz_verifiers_prime[] = {
    {.name = "verl/prime_math", .origin = PRIME "compute_score", .about = "1 if what PRIME takes for the answer is graded as by prm800k, or is equal to a part in 10,000",
     .gold = "answer: the final answer, in LaTeX", .holes = "percent or not is the same; only what follows the last announcement counts, so that several may be tried", .top = 1,
     .math = true, .score = prime_math},
    {.name = "verl/prime_math_match", .origin = PRIME "match_answer", .about = "scores nothing: its value is what PRIME takes for the answer", .math = true, .score = match_answer},
};
const int rz_n_verifiers_prime = sizeof rz_verifiers_prime / sizeof *rz_verifiers_prime;
