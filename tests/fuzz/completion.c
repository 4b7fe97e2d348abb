/* Any bytes as a completion, for every row of the table of verifiers; what stands before the first NUL byte is the gold. A verdict must come, with a finite number of
 * points and texts that can be shown. */
#include "base/text.h"
#include "rewards/verify.h"
#include "tests/fuzz/target.h"
#include <math.h>
#include <string.h>

static void judge(const rz_verifier *v, rz_env *env, rz_slice text, const json_t *gold, const json_t *meta)
{
    rz_err err = {.code = RZ_OK};
    outcome o;
    json_t *params = rz_verifier_params(v, NULL, &err);
    if (!params) return; /* it has no defaults: the task says them */
    static const int32_t ids[] = {1, 2, 3, 1, 2, 3, 4, 1, 2, 3};
    const rz_case c = {.env = env, .text = text, .gold = gold, .meta = meta, .params = params, .ids = ids, .n_tokens = 10, .wants_value = true};
    size_t mark = env->scratch->used;
    rz_verifier_score(v, &c, &o);
    if (!isfinite(o.points) || (o.state != RZ_PART_SCORED && o.points != 0)) abort();
    if (o.span.start != SIZE_MAX && o.span.start > o.span.end) abort();
    if (rz_utf8_valid(o.found, strlen(o.found)) != strlen(o.found) || rz_utf8_valid(o.expected, strlen(o.expected)) != strlen(o.expected)) abort();
    json_decref(o.value);
    json_decref(params);
    rz_arena_release(env->scratch, mark);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rz_arena arena;
    static rz_env env;
    static json_t *meta, *golds; /* golds: what is no text, for kinds of our own: a sudoku, a grid with a way, who is what, a list */
    rz_err err = {.code = RZ_OK};
    if (!arena.base) {
        if (!rz_arena_init(&arena, (size_t)1 << 30, &err) || !rz_env_init(&env, &arena, &err)) abort();
        meta = json_pack("{s:[i,i,i],s:i,s:s,s:[s,s],s:[b,b],s:[s,s,s,s,s,s,s,s,s],s:i}", "numbers", 3, 4, 5, "target", 35, "answer", "7", "names", "Ann", "Bob",
                         "solution", 1, 0, "words", "5", "7", "+", "-", "*", "dup", "swap", "drop", "over", "max_words", 40);
        golds = json_loads("[[\"53__7____\",\"_________\",\"_________\",\"_________\",\"_________\",\"_________\",\"_________\",\"_________\",\"_________\"],"
                           "[\"S.#\",\"..#\",\"..G\"],{\"Ann\":\"knight\",\"Bob\":\"knave\"},[3,\"x\"]]", 0, NULL);
        if (!meta || !golds) abort();
    }
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t n_gold = nul ? (size_t)(nul - data) : 0, from = nul ? n_gold + 1 : 0, gold_len, text_len;
    char *gold_text = rz_utf8_repair((const char *)data, n_gold, &gold_len), *text = rz_utf8_repair((const char *)data + from, size - from, &text_len);
    json_t *gold = nul ? json_stringn(gold_text, gold_len) : NULL;
    const rz_verifier *v;
    for (int i = 0; (v = rz_verifier_at(i)); i++) {
        judge(v, &env, (rz_slice){text, text_len}, gold, meta);
        for (size_t k = 0; k < json_array_size(golds) && !strchr(v->name, '/'); k++) judge(v, &env, (rz_slice){text, text_len}, json_array_get(golds, k), meta);
    }
    json_decref(gold);
    free(gold_text);
    free(text);
    return 0;
}
