/* Presets of PRIME's mathematics, as verl has it (verl/utils/reward_score/prime_math). */
#include "rewards/presets.h"
#include "rewards/prime_match.h"

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

const rz_verifier rz_verifiers_prime[] = {
    {.name = "verl/prime_math_match", .origin = PRIME "match_answer", .about = "scores nothing: its value is what PRIME takes for the answer", .score = match_answer},
};
const int rz_n_verifiers_prime = sizeof rz_verifiers_prime / sizeof *rz_verifiers_prime;
