#include "rewards/presets.h"
#include <string.h>

bool rz_preset_reads(const rz_case *c, outcome *o, rz_slice answer, int price)
{
    if (answer.len > RZ_PRESET_MAX_ANSWER) rz_outcome_error(o, "the answer has %zu bytes: over %d none is read", answer.len, RZ_PRESET_MAX_ANSWER);
    else return rz_env_spend(c->env, (int64_t)answer.len * price);
    return false;
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

void rz_preset_place(const rz_case *c, outcome *o, rz_slice part)
{
    if (part.s >= c->text.s && part.s + part.len <= c->text.s + c->text.len)
        o->span = (rz_span){(size_t)(part.s - c->text.s), (size_t)(part.s - c->text.s) + part.len};
}

void rz_preset_graded(const rz_case *c, outcome *o, rz_slice answer, rz_slice gold, bool correct, double right, double wrong)
{
    rz_preset_place(c, o, answer);
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
    if (c->wants_value) o->value = text.s ? rz_json_slice(text) : json_null();
    if (text.s) rz_show(o->found, sizeof o->found, text.s, text.len);
    rz_preset_place(c, o, text);
    rz_outcome_scored(o, false, 0, "scores nothing: the text is its value");
}

void rz_preset_yes_no(outcome *o, bool yes, double points, const char *why_not) { rz_outcome_scored(o, yes, yes ? points : 0, "%s", yes ? "as asked" : why_not); }

bool rz_preset_block(rz_slice t, const char *open, const char *close, size_t *at, rz_slice *inside)
{
    size_t from = rz_python_find(t, open, *at);
    if (from == SIZE_MAX) return false;
    from += strlen(open);
    size_t end = rz_python_find(t, close, from);
    if (end == SIZE_MAX) return false;
    *inside = (rz_slice){t.s + from, end - from};
    *at = end + strlen(close);
    return true;
}

bool rz_preset_last_block(rz_slice t, const char *open, const char *close, rz_slice *inside)
{
    bool any = false;
    for (size_t at = 0; rz_preset_block(t, open, close, &at, inside);) any = true;
    return any;
}

rz_slice rz_preset_whole(const rz_case *c) { return c->prompt.len ? rz_python_join(c->env->scratch, c->prompt, c->text) : c->text; }

rz_slice rz_preset_response(const rz_case *c, bool chat)
{
    static const char *const marks[] = {"Assistant:", "<|im_start|>assistant"};
    rz_slice t = rz_preset_whole(c);
    for (int i = 0; i < (chat ? 2 : 1); i++) {
        size_t at = rz_python_find(t, marks[i], 0);
        if (at != SIZE_MAX) return rz_python_from(t, at + strlen(marks[i]));
    }
    return (rz_slice){NULL, 0};
}
