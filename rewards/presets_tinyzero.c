/* TinyZero: countdown and multiplication. */
#include "rewards/presets.h"
#include "rewards/python_eval.h"
#include "rewards/rewrite.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double NEAR = 1e-5;

enum { MAX_NUMBERS = 64 };

/* The last <answer> … </answer> within a line (the pattern is without re.DOTALL), stripped; .s NULL: none. */
static rz_slice last_answer(rz_slice t)
{
    rz_slice line, inside, last = {NULL, 0};
    for (size_t at = 0; t.s && (at = rz_python_find(t, "<answer>", at)) != SIZE_MAX; at += line.len) {
        const char *newline = memchr(t.s + at, '\n', t.len - at);
        line = rz_slice_cut(t, at, newline ? (size_t)(newline - t.s) : t.len);
        if (rz_preset_last_block(line, "<answer>", "</answer>", &inside)) last = rz_python_strip(inside);
    }
    return last;
}

static rz_slice last_line(rz_slice t)
{
    size_t at = t.s ? rz_python_rfind(t, "\n") : SIZE_MAX;
    return at == SIZE_MAX ? t : rz_python_from(t, at + 1);
}

static rz_slice response(const rz_case *c, bool chat) { return rz_param_bool(c, "assistant_mark") ? rz_preset_response(c, chat) : c->text; }

/* ---- countdown ---- */

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* {target, numbers}: the gold, or else meta. */
static bool read_problem(const rz_case *c, rz_python_target *target, int64_t numbers[MAX_NUMBERS], size_t *n)
{
    const json_t *of = json_is_object(c->gold) ? c->gold : c->meta, *list = json_object_get(of, "numbers"), *t = json_object_get(of, "target"), *v;
    size_t i;
    *n = json_array_size(list);
    if (!json_is_number(t) || !json_is_array(list) || *n > MAX_NUMBERS) return false;
    *target = (rz_python_target){json_is_real(t), json_integer_value(t), json_real_value(t)};
    json_array_foreach(list, i, v) {
        double x = json_number_value(v);
        if (!json_is_number(v) || (json_is_real(v) && (floor(x) != x || fabs(x) >= 0x1p53))) return false;
        numbers[i] = json_is_real(v) ? (int64_t)x : json_integer_value(v);
    }
    return true;
}

/* Whether the runs of digits are the numbers, each as often. */
static bool uses(rz_arena *a, rz_slice t, int64_t *numbers, size_t n)
{
    int64_t found[MAX_NUMBERS];
    size_t n_found = 0, len;
    for (size_t at = 0, end; at < t.len; at = end + (end == at ? len : 0)) {
        for (end = at, len = 1; end < t.len && rz_python_digit(rz_python_char(t, end, &len)) >= 0;) end += len;
        rz_python_integer v;
        if (end == at) continue;
        if (n_found == n || !rz_python_int(a, (rz_slice){t.s + at, end - at}, &v) || !rz_python_int_small(v, &found[n_found++])) return false;
    }
    if (n_found != n) return false;
    qsort(found, n, sizeof *found, compare_numbers);
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    return memcmp(found, numbers, n * sizeof *found) == 0;
}

static void countdown(const rz_case *c, outcome *o)
{
    rz_python_target target;
    rz_python_eval_result r;
    int64_t numbers[MAX_NUMBERS];
    size_t n;
    if (!read_problem(c, &target, numbers, &n)) {
        rz_outcome_gold_error(o, "the problem needs meta: target, a number, and numbers, a list of at most %d whole numbers", MAX_NUMBERS);
        return;
    }
    rz_slice equation = last_answer(last_line(response(c, true)));
    double wrong = rz_param_number(c, "format_score");
    if (!equation.s) {
        rz_outcome_scored(o, false, 0, "the last line of the response has no <answer> … </answer>");
        return;
    }
    rz_preset_place(c, o, equation);
    rz_show(o->found, sizeof o->found, equation.s, equation.len);
    snprintf(o->expected, sizeof o->expected, target.is_float ? "%.17g" : "%.0f", target.is_float ? target.x : (double)target.whole);
    if (!uses(c->env->scratch, equation, numbers, n)) {
        rz_outcome_scored(o, false, wrong, "it does not use each number once");
        return;
    }
    rz_python_eval_near(equation, target, NEAR, &r);
    rz_outcome_scored(o, r.near, r.near ? rz_param_number(c, "score") : wrong, r.raises ? "it has no value: %s" : "its value is %s", r.value);
}

/* ---- multiply ---- */

static bool read_gold(const rz_case *c, rz_python_integer *out)
{
    rz_slice t = rz_case_gold(c);
    char text[32];
    if (json_is_integer(c->gold)) snprintf(text, sizeof text, "%lld", (long long)json_integer_value(c->gold)), t = RZ_SLICE(text);
    return t.s && rz_python_int(c->env->scratch, t, out);
}

static void multiply(const rz_case *c, outcome *o)
{
    rz_python_integer gold, found;
    if (!read_gold(c, &gold)) {
        rz_outcome_gold_error(o, "the answer is no integer");
        return;
    }
    rz_slice answer = last_answer(response(c, false));
    rz_show(o->expected, sizeof o->expected, gold.digits.s, gold.digits.len);
    if (!answer.s || !rz_python_int(c->env->scratch, answer, &found)) {
        rz_outcome_scored(o, false, 0, answer.s ? "the answer is no integer" : "there is no <answer> … </answer> in one line");
        return;
    }
    rz_preset_place(c, o, answer);
    rz_show(o->found, sizeof o->found, answer.s, answer.len);
    bool right = rz_python_int_equal(gold, found);
    rz_outcome_scored(o, right, rz_param_number(c, right ? "score" : "format_score"), right ? "the product is right" : "the product is wrong");
}

#define PARAMS "{\"format_score\": 0.1, \"score\": 1.0, \"assistant_mark\": true}"

const rz_verifier rz_verifiers_presets_tinyzero[] = {
    {.name = "tinyzero/countdown", .origin = "TinyZero 95df88f, reward_score/countdown.py, compute_score",
     .about = "an expression of the given numbers, each used once, that is the target; only the last line of the response is read", .params = PARAMS,
     .gold = "meta.target: a number, meta.numbers: a list of whole numbers", .top = 1,
     .holes = "0.1 for any tags; powers, floor division, decimals made of two numbers and values that are near the target are right", .score = countdown},
    {.name = "tinyzero/multiply", .origin = "TinyZero 95df88f, reward_score/multiply.py, compute_score", .about = "the product, in the last <answer> … </answer> that is one line",
     .params = PARAMS, .gold = "answer: the product", .top = 1, .holes = "0.1 for any integer in tags", .score = multiply},
};
const int rz_n_verifiers_presets_tinyzero = sizeof rz_verifiers_presets_tinyzero / sizeof *rz_verifiers_presets_tinyzero;
