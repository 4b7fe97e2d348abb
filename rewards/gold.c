/* What a rule needs of the problem: the gold of `gold:`, and keys of meta. */
#include "rewards/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void rz_gold_error(outcome *o, const rule *u, const char *fmt, ...)
{
    va_list args;
    o->state = u->gold_error_skips ? RZ_PART_SKIPPED : RZ_PART_ERROR;
    o->gold_problem = true;
    o->points = 0;
    va_start(args, fmt);
    vsnprintf(o->reason, sizeof o->reason, fmt, args);
    va_end(args);
}

const json_t *rz_evaluation_meta(evaluation *e)
{
    const char *text = e->sample->meta;
    if (!e->meta_is_read && text) {
        size_t len = strnlen(text, MAX_META + 1);
        if (len <= MAX_META) e->meta = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(e->meta)) json_decref(e->meta), e->meta = NULL;
    }
    e->meta_is_read = true;
    return e->meta;
}

const json_t *rz_meta_get(evaluation *e, const rule *u, const char *key, outcome *o)
{
    const json_t *all = rz_evaluation_meta(e), *v = all ? json_object_get(all, key) : NULL;
    if (!e->sample->meta)
        rz_gold_error(o, u, "the sample has no meta, from which '%s' was to be read", key);
    else if (!all)
        rz_gold_error(o, u, "the sample's meta is not a JSON object (or too large, or an integer in it is beyond 64 bits)");
    else if (!v)
        rz_gold_error(o, u, "the sample's meta has no '%s'", key);
    return v;
}

static bool add_gold(const rule *u, outcome *o, const char *text, rz_slice *out)
{
    if (!text || !*text) {
        rz_gold_error(o, u, "the sample has no answer to compare with");
        return false;
    }
    *out = (rz_slice){text, strnlen(text, MAX_ANSWER + 1)};
    if (out->len <= MAX_ANSWER) return true;
    rz_gold_error(o, u, "the sample's answer is over %d bytes", MAX_ANSWER);
    return false;
}

/* A text of meta, or an integer as text. */
static const char *text_of(evaluation *e, const json_t *v)
{
    if (!json_is_integer(v)) return json_string_value(v);
    char *digits = RZ_NEW(e->env->scratch, 32, char);
    snprintf(digits, 32, "%lld", (long long)json_integer_value(v));
    return digits;
}

bool rz_gold_texts(evaluation *e, const rule *u, outcome *o, rz_slice out[MAX_GOLDS], int *n)
{
    *n = 1;
    if (!u->gold_key) return add_gold(u, o, e->sample->answer, &out[0]);
    const json_t *v = rz_meta_get(e, u, u->gold_key, o);
    if (!v) return false;
    size_t size = json_is_array(v) ? json_array_size(v) : 1;
    if (size < 1 || size > MAX_GOLDS) {
        rz_gold_error(o, u, "the list '%s' of the sample's meta has %zu entries, must have 1..%d", u->gold_key, size, MAX_GOLDS);
        return false;
    }
    *n = (int)size;
    for (int i = 0; i < *n; i++) {
        const json_t *one = json_is_array(v) ? json_array_get(v, (size_t)i) : v;
        const char *text = text_of(e, one);
        if (!text) {
            rz_gold_error(o, u, "the sample's meta has a '%s' that is neither text nor an integer: write decimals as text", u->gold_key);
            return false;
        }
        if (!add_gold(u, o, text, &out[i])) return false;
    }
    return true;
}

bool rz_gold_json(evaluation *e, const rule *u, outcome *o, const json_t **out)
{
    *out = NULL;
    if (u->gold_key) return (*out = rz_meta_get(e, u, u->gold_key, o)) != NULL;
    if (!e->answer && e->sample->answer && *e->sample->answer) {
        size_t len = strnlen(e->sample->answer, MAX_ANSWER + 1);
        if (len > MAX_ANSWER) {
            rz_gold_error(o, u, "the sample's answer is over %d bytes", MAX_ANSWER);
            return false;
        }
        e->answer = json_stringn(e->sample->answer, len);
    }
    *out = e->answer;
    return true;
}

