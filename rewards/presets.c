/* What presets of mathematical answers share (presets.h). */
#include "rewards/presets.h"

bool rz_preset_too_long(outcome *o, rz_slice answer)
{
    if (answer.len <= MAX_ANSWER) return false;
    rz_outcome_error(o, "the answer has %zu bytes: over %d none is read", answer.len, MAX_ANSWER);
    return true;
}

bool rz_preset_gold(const rz_case *c, outcome *o, rz_slice *gold)
{
    *gold = rz_case_gold(c);
    if (!gold->s)
        rz_outcome_gold_error(o, c->gold ? "the gold is no text" : "the problem has no answer to compare with");
    else if (gold->len > MAX_ANSWER)
        rz_outcome_gold_error(o, "the gold has %zu bytes: over %d none is read", gold->len, MAX_ANSWER);
    else
        return true;
    return false;
}

void rz_preset_graded(const rz_case *c, outcome *o, rz_slice answer, rz_slice gold, bool correct, double right, double wrong)
{
    if (answer.s >= c->text.s && answer.s + answer.len <= c->text.s + c->text.len)
        o->span = (rz_span){(size_t)(answer.s - c->text.s), (size_t)(answer.s - c->text.s) + answer.len};
    rz_show(o->found, sizeof o->found, answer.s, answer.len);
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    rz_outcome_scored(o, correct, correct ? right : wrong, correct ? "the answer is right" : "the answer is wrong");
}

void rz_preset_missing(outcome *o, rz_slice gold, double points, const char *reason)
{
    rz_show(o->expected, sizeof o->expected, gold.s, gold.len);
    rz_outcome_scored(o, false, points, "%s", reason);
}

json_t *rz_json_slice(rz_slice t) { return json_stringn(t.s, t.len); }

void rz_preset_text(const rz_case *c, outcome *o, rz_slice text)
{
    if (c->wants_value) o->value = rz_json_slice(text);
    rz_show(o->found, sizeof o->found, text.s, text.len);
    rz_outcome_scored(o, false, 0, "scores nothing: the text is its value");
}
